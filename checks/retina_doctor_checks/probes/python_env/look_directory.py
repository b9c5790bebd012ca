"""Looks for neighbours that would be imported in place of the packages that the service needs, and of Python's own modules that
those import. Imports none of them."""

from __future__ import annotations

import os
import sys
from importlib.machinery import EXTENSION_SUFFIXES

from retina_doctor.hints import Any
from retina_doctor_checks.probes.native import program

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
SECONDS = 5
TELL = "import sys; print(*sys.modules)"


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
    loaded = loaded_at_start() if own else frozenset()
    for name, path in own:
        if name not in loaded and installed(name, here):
            shadows.append({"name": name, "path": path, "installed": True, "standard": True})
    probe.tell(path=here, shadows=shadows)


def neighbours(name: str, here: str) -> list[str]:
    paths = (os.path.join(here, name + ".py"), os.path.join(here, name, "__init__.py"))
    return [path for path in paths if here and os.path.isfile(path)]


def loaded_at_start() -> frozenset[str]:
    """What this Python has imported before it looks into any folder but its own: no neighbour takes the place of that. All of
    STANDARD where it does not say."""
    ended = program.run([sys.executable, "-I", "-c", TELL], SECONDS)
    return frozenset(ended.output.decode("utf-8", "replace").split() if ended.code == 0 else STANDARD)


def installed(name: str, here: str) -> bool:
    folders = [p for p in sys.path if p and os.path.realpath(p) != os.path.realpath(here)]
    return any(os.path.exists(os.path.join(p, name + ending)) for p in folders for ending in ENDINGS)
