"""Imports the packages of a face service, one after the other, and tells which of them fail and with what words."""

from __future__ import annotations

import importlib
import importlib.util
import os
from typing import Any

from retina_doctor.secret_words import beginning
from retina_doctor_checks.probes.native import output

MODULES = ("numpy", "cv2", "PIL", "onnx", "scipy", "skimage", "insightface")
"""torch and onnxruntime have probes of their own; the packages called retinaface import TensorFlow or fetch weights."""


def look(probe: Any, _arguments: dict[str, Any]) -> None:
    os.environ["NO_ALBUMENTATIONS_UPDATE"] = "1"  # insightface 0.7 imports it, and it would ask PyPI for news of itself
    tried: list[Any] = []
    probe.tell(tried=tried)
    for name in MODULES:
        try:
            if importlib.util.find_spec(name) is None:
                continue
        except (ImportError, ValueError):
            continue
        probe.stage("importing " + name)
        tried.append(attempt(name))
        probe.tell(tried=tried)


def attempt(name: str) -> dict[str, Any]:
    error, version = None, None
    with output.captured() as lines:
        try:
            version = getattr(importlib.import_module(name), "__version__", None)
        except Exception as failure:
            error = "%s: %s" % (type(failure).__name__, failure)
    return {
        "module": name,
        "version": version if isinstance(version, str) else None,
        "error": beginning(error, 1000) if error else None,
        "output": list(lines) if error else [],
    }
