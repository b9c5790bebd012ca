"""RD517, RD518: why the service does not start, by its own command, read and not run, and by how its last start ended."""

from __future__ import annotations

import re
import shlex
from typing import Any

from retina_doctor.authoring import EVERYWHERE, Action, Answer, Scope, check
from retina_doctor.model import Inapplicable, Problem, Reason, Severity, Unknown
from retina_doctor.settings import Settings

from ..facts.service_log import Exit
from ..facts.service_start import MissingModule, Start, Unloadable
from ..settings import ServiceSettings

SIGNALS = {132: "SIGILL", 134: "SIGABRT", 135: "SIGBUS", 136: "SIGFPE", 137: "SIGKILL", 139: "SIGSEGV", 143: "SIGTERM"}
"""128 and the number of the signal (signal(7)), as shells, containers and this probe tell it."""
MEANS = {126: "not-executable", 127: "not-found", 200: "chdir", 203: "not-found", 217: "user"}
"""Of a shell (POSIX), of systemd (systemd.exec(5), "Process Exit Codes")."""
DISTRIBUTIONS = {
    "python_multipart": "python-multipart",
    "cv2": "opencv-python-headless",
    "PIL": "pillow",
    "yaml": "pyyaml",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "dotenv": "python-dotenv",
    "retinaface": "retina-face",
    "flask_cors": "flask-cors",
    "onnxruntime": "onnxruntime-gpu",
}
"""What pip calls the package of a module, where another name."""
ALIKE = frozenset(
    "aiohttp albumentations boto3 celery daphne django eventlet fastapi flask gevent gunicorn httpx hypercorn insightface loguru "
    "matplotlib numpy onnx pandas prometheus_client psutil pydantic redis requests scipy starlette tornado torch torchvision "
    "tqdm uvicorn waitress".split()
)
"""Modules of packages of the same name. Of any other name nobody knows whose package it is: it may be a module of the
service's own, and whoever takes its name on PyPI would be installed."""


def distribution(module: str) -> str | None:
    return DISTRIBUTIONS.get(module) or (module.replace("_", "-") if module in ALIKE else None)


def start_named(settings: Settings) -> Scope:
    if settings.of(ServiceSettings).start is None:
        return Scope(inapplicable=Reason("no-start-named"))
    return EVERYWHERE


@check("RD517", "service-module-missing", Severity.ERROR, pitfall=5, scope=start_named, action=Action.PIP)
def service_module_missing(start: Start) -> Answer:
    """What is imported as soon as the service is started, and what a declaration implies (FastAPI's UploadFile)."""
    if start.program_missing is not None and start.file is None:
        return Inapplicable(Reason("explained-by", {"name": "service-start-failed"}))
    if not start.missing:
        return None if start.file is not None and start.problem is None else Unknown(("start",))
    first = start.missing[0]
    names = [one.name for one in start.missing]
    evidence = {
        "module": first.name,
        "modules": names,
        "file": first.file,
        "line": first.line,
        "implied_by": first.implied_by,
        "command": start.command,
        "directory": start.directory,
        "found_at": first.found_at,
        "folder": _folder(first),
        "words": _words(start),
        "install": [word for name in names if (word := distribution(name)) is not None],
    }
    known = {None: "import", "command": "command", "application": "application"}
    variant = known.get(first.implied_by or None, "declared")
    return Problem(subject="service", variant=variant, evidence=evidence)


def _folder(module: MissingModule) -> str | None:
    """The folder in which the module would be found by its name."""
    if module.found_at is None:
        return None
    parts = module.name.count(".") + 1 + module.found_at.endswith("/__init__.py")
    return module.found_at.rsplit("/", parts)[0]


@check("RD518", "service-start-failed", Severity.ERROR, pitfall=5, scope=start_named, action=Action.RESTART)
def service_start_failed(start: Start) -> Answer:
    """Its program is not there, a file of its own cannot be loaded, or whoever starts it says how it ended."""
    ended = start.ended
    code = _code(ended)
    killed_for_memory = ended is not None and not ended.running and ended.killed_for_memory
    failed = killed_for_memory or code not in (None, 0, 143)
    broken = start.unloadable
    if not failed and start.program_missing is None and broken is None:
        return Unknown(("start",)) if start.command is None else None
    told = _told(start, code if failed else None, killed_for_memory)
    if broken is not None:
        return Problem(subject="service", variant=broken.kind, evidence={**told, **_broken(start, broken)})
    if killed_for_memory:
        variant = "out-of-memory"
    elif told["signal"] is not None:
        variant = "killed" if told["signal"] == "SIGKILL" else "crashed"
    else:
        variant = "not-found" if told["kind"] == "not-found" else "exit-code"
    return Problem(subject="service", variant=variant, evidence=told)


def _told(start: Start, code: int | None, killed_for_memory: bool) -> dict[str, Any]:
    """*code*: with which it failed; None: its program is not there, or a file of its own cannot be loaded."""
    before, _, name = (start.named or "").partition(":")
    in_container = start.source == "container"
    return {
        "named": start.named,
        "source": start.source,
        "command": start.command,
        "directory": start.directory,
        "program": start.program_missing,
        "code": code,
        "signal": SIGNALS.get(code or 0),
        "kind": MEANS.get(code) if code is not None else "not-found",
        "out_of_memory": killed_for_memory,
        "restarts": start.ended.restarts if start.ended else None,
        "container": name if in_container else None,
        "engine": before if in_container else None,
        "unit": start.named if start.source == "unit" else None,
    }


def _broken(start: Start, broken: Unloadable) -> dict[str, Any]:
    return {
        "file": broken.file,
        "line": broken.line,
        "what": broken.what,
        "names": list(broken.names),
        "said": broken.kind,
        "served": _served(start, broken),
    }


def _code(ended: Exit | None) -> int | None:
    """As a shell would tell it."""
    if ended is None or ended.running:
        return None
    return 128 + ended.signal if ended.signal is not None else ended.code


def _served(start: Start, broken: Unloadable) -> list[str]:
    """The words of the command with the name that is there, where that is sure."""
    if broken.kind != "attribute" or len(broken.names) != 1:
        return []
    own = re.compile(rf"(?<=:){re.escape(broken.what)}(?=\(|$)")
    words = [own.sub(broken.names[0], word) for word in _words(start)]
    return words if words != _words(start) else []


def _words(start: Start) -> list[str]:
    try:
        return shlex.split(start.command or "")
    except ValueError:
        return []
