"""Nothing leaves the machine: libraries that report their use to their makers are told not to. Sent to targets: Python 3.8."""

from __future__ import annotations

import os

VARIABLES = {
    "ORT_DISABLE_TELEMETRY": "1",
    "NO_ALBUMENTATIONS_UPDATE": "1",
}
"""onnxruntime from 1.31 on (its pull request 27379) keeps a number of this machine in the home and uploads in a thread of its
own; it reads the variable once, when it is imported. albumentations, which insightface 0.7 imports, asks PyPI for its news."""


def keep() -> None:
    """Before anything is imported that may report."""
    os.environ.update(VARIABLES)
