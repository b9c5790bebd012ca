"""The recorded machines that ship with the doctor; tools/write_demo.py takes them from fixtures/machines."""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).parent / "machines"
NAMES = (
    "guide-t4",
    "t4-healthy",
    "no-nvidia-gpu",
    "container-started-without-gpu",
    "driver-too-old",
    "ort-cuda-libs-missing",
    "model-wrong-directory",
    "vram-held-by-others",
    "det-size-misses-faces",
    "service-loopback-only",
    "service-on-cpu",
    "nvidia-smi-hangs",
    "source-faulty",
)
"""The first is what is shown where none is named."""
