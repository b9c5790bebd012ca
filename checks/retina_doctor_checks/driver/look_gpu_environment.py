"""Tells the variables by which CUDA and the container runtime choose devices, as the target sees them."""

from __future__ import annotations

import os
from typing import Any

NAMES = (
    "CUDA_VISIBLE_DEVICES",
    "CUDA_DEVICE_ORDER",
    "NVIDIA_VISIBLE_DEVICES",
    "NVIDIA_DRIVER_CAPABILITIES",
    "LD_LIBRARY_PATH",
    "CUDA_MODULE_LOADING",
)


def look(probe: Any, _arguments: dict[str, Any]) -> None:
    probe.tell(**{name.lower(): os.environ.get(name) for name in NAMES})
