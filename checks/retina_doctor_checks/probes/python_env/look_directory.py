"""Looks for neighbours that would be imported in place of the packages that the service needs. Imports none of them."""

from __future__ import annotations

import os
import sys
from typing import Any

PACKAGES = ("cv2", "flask", "insightface", "numpy", "onnx", "onnxruntime", "PIL", "retinaface", "torch", "torchvision")


def look(probe: Any, arguments: dict[str, Any]) -> None:
    try:
        here = os.getcwd()
    except OSError:
        here = ""
    shadows = []
    for name in PACKAGES:
        for path in (os.path.join(here, name + ".py"), os.path.join(here, name, "__init__.py")):
            if here and os.path.isfile(path):
                shadows.append({"name": name, "path": path, "installed": installed(name, here)})
    probe.tell(path=here, shadows=shadows)


def installed(name: str, here: str) -> bool:
    folders = [p for p in sys.path if p and os.path.realpath(p) != os.path.realpath(here)]
    return any(os.path.exists(os.path.join(p, name)) or os.path.exists(os.path.join(p, name + ".py")) for p in folders)
