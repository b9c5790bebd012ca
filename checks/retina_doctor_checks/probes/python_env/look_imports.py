"""Imports the packages of a face service, one after the other, and tells which of them fail and with what words."""

from __future__ import annotations

import importlib
import importlib.util
import re
import sys

from retina_doctor.hints import Any
from retina_doctor_checks.probes.native import installed, output, sparing

MODULES = ("numpy", "cv2", "PIL", "onnx", "scipy", "skimage", "insightface")
DISTRIBUTIONS = {"cv2": "opencv(-contrib)?-python(-headless)?", "PIL": "pillow(-simd)?", "skimage": "scikit-image"}
"""Where they have another name than the module."""
PACKAGE = re.compile(r".*/(?:site|dist)-packages/([A-Za-z_][A-Za-z0-9_]*)")
# torch and onnxruntime have probes of their own; the packages called retinaface import TensorFlow or fetch weights.


def look(probe: Any, _arguments: dict[str, Any]) -> None:
    sparing.spare()
    tried: list[Any] = []
    probe.tell(tried=tried, optimize=sys.flags.optimize)
    for name in MODULES:
        try:
            if importlib.util.find_spec(name) is None and not claimed(name):
                continue
        except (ImportError, ValueError):
            continue
        probe.stage("importing " + name)
        tried.append(attempt(name))
        probe.tell(tried=tried)


def claimed(name: str) -> bool:
    """Whether a distribution says that it has installed the package. Where its import gives nothing, its files were removed with
    another's that had the same folder; without a distribution, a bare folder of that name is no package: of models, say."""
    return bool(installed.distributions(re.compile(DISTRIBUTIONS.get(name, name) + "$")))


def attempt(name: str) -> dict[str, Any]:
    error, version, through = None, None, []
    with output.captured() as lines:
        try:
            module = importlib.import_module(name)
            version = getattr(module, "__version__", None)
            if getattr(module, "__file__", None) is None and claimed(name):
                raise ImportError("%s is an empty shell: %s (unknown location)" % (name, ", ".join(module.__path__)))
        except Exception as failure:
            raised = beneath(failure)
            error = "%s: %s" % (type(raised).__name__, raised)
            through = packages(failure)
            if isinstance(failure, ImportError) and failure.name == name and failure.path is None and claimed(name):
                error += ", though a distribution of it is installed"
    return {
        "module": name,
        "version": version if isinstance(version, str) else None,
        "error": output.cut(error, 2000) if error else None,
        "output": list(lines) if error else [],
        "raised_in": through[-1] if through else None,
        "asked_by": through[-2] if len(through) > 1 else None,
    }


def beneath(failure: BaseException) -> BaseException:
    """CPython hides what an extension has left raised under a SystemError of its own, whose cause it is (_PyErr_FormatFromCause
    in Objects/call.c)."""
    while isinstance(failure, SystemError) and failure.__cause__ is not None:
        failure = failure.__cause__
    return failure


def packages(failure: BaseException) -> list[str]:
    """The top packages of site-packages whose code the failure came by, the last where it was raised. A module's __getattr__ only
    says what whoever asks it does not find."""
    names: list[str] = []
    frame = failure.__traceback__
    while frame is not None:
        code = frame.tb_frame.f_code
        match = PACKAGE.search(code.co_filename.replace("\\", "/"))
        if match and code.co_name != "__getattr__" and names[-1:] != [match.group(1)]:
            names.append(match.group(1))
        frame = frame.tb_next
    return names
