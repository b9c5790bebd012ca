"""Looks for neighbours that would be imported in place of the packages that the service needs, and of Python's own modules that
those import. Imports none of them."""

from __future__ import annotations

import os
import sys
from importlib.machinery import EXTENSION_SUFFIXES

from retina_doctor.hints import Any
from retina_doctor_checks.probes.service import module_places

PACKAGES = (
    *("albumentations", "cv2", "fastapi", "flask", "insightface", "numpy", "onnx", "onnxruntime", "PIL", "requests"),
    *("retinaface", "scipy", "skimage", "torch", "torchvision", "tqdm", "uvicorn"),
)
STANDARD = (
    *("ast", "asyncio", "base64", "bisect", "calendar", "collections", "contextlib", "copy", "ctypes", "dataclasses"),
    *("datetime", "decimal", "email", "enum", "functools", "hashlib", "hmac", "html", "http", "inspect", "json"),
    *("logging", "numbers", "operator", "pathlib", "pickle", "platform", "queue", "random", "re", "secrets", "select"),
    *("selectors", "signal", "socket", "ssl", "string", "struct", "subprocess", "tempfile", "textwrap", "threading"),
    *("token", "tokenize", "traceback", "types", "typing", "urllib", "uuid", "warnings", "weakref"),
)
"""Of Python's own modules those that importing numpy, cv2, onnxruntime, flask or fastapi imports: sys.modules of each, with
Python 3.8 to 3.13."""
ENDINGS = ("", ".py", *EXTENSION_SUFFIXES)
"""Of a package, a module and one of C (lib-dynload). What is built into Python has no file: no neighbour takes its place."""


def look(probe: Any, arguments: dict[str, Any]) -> None:
    try:
        here = os.getcwd()
    except OSError:
        here = ""
    shadows = []
    for name in PACKAGES:
        for path in neighbours(name, here):
            shadows.append({"name": name, "path": path, "installed": installed(name, here), "standard": False})
    own = [(name, path) for name in STANDARD for path in neighbours(name, here)]
    for name, path in not_loaded(own) if own else ():
        if installed(name, here):
            told = {"name": name, "path": path, "installed": True, "standard": True}
            shadows.append(dict(told, lacks=lacks(name, path, here)))
    probe.tell(path=here, shadows=shadows)


def neighbours(name: str, here: str) -> list[str]:
    paths = (os.path.join(here, name + ".py"), os.path.join(here, name, "__init__.py"))
    return [path for path in paths if here and os.path.isfile(path)]


def not_loaded(own: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Those whose place a neighbour can take."""
    loaded = module_places.loaded_at_start() or STANDARD
    return [one for one in own if one[0] not in loaded]


def lacks(name: str, path: str, here: str) -> bool:
    """Whether Python's own module makes a public function or class that this file has not."""
    from retina_doctor_checks.probes.service import module_files  # most folders hold none such

    own = module_files.bound(module_files.parsed(path)[0])
    folders = [p for p in sys.path if p and os.path.realpath(p) != os.path.realpath(here)]
    files = [file for p in folders for file in neighbours(name, p)]
    real = module_files.parsed(files[0])[0] if files else None
    made = [one.name for one in real.body if hasattr(one, "name") and not one.name.startswith("_")] if real else []
    return own is not None and not own.issuperset(made)


def installed(name: str, here: str) -> bool:
    folders = [p for p in sys.path if p and os.path.realpath(p) != os.path.realpath(here)]
    return any(os.path.exists(os.path.join(p, name + ending)) for p in folders for ending in ENDINGS)
