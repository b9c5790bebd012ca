"""RD517, RD518: why the service does not start, by its own command, read and not run, and by how its last start ended."""

from __future__ import annotations

from retina_doctor.authoring import EVERYWHERE, Action, Answer, Scope, check
from retina_doctor.model import Inapplicable, Problem, Reason, Severity, Unknown
from retina_doctor.settings import Settings

from ..facts.service_start import Start
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
    if start.file is None or start.problem is not None:
        return Unknown(("start",))
    if not start.missing:
        return None
    first = start.missing[0]
    names = [one.name for one in start.missing]
    evidence = {
        "module": first.name,
        "modules": names,
        "file": first.file,
        "line": first.line,
        "implied_by": first.implied_by,
        "command": start.command,
        "install": [word for name in names if (word := distribution(name)) is not None],
    }
    variant = {None: "import", "command": "command"}.get(first.implied_by, "declared")
    return Problem(subject="service", variant=variant, evidence=evidence)


@check("RD518", "service-start-failed", Severity.ERROR, pitfall=5, scope=start_named, action=Action.RESTART)
def service_start_failed(start: Start) -> Answer:
    """Its program is not there, or whoever starts it says how it ended."""
    ended = start.ended
    code = ended.code if ended is not None else None
    failed = ended is not None and not ended.running and (ended.out_of_memory or code not in (None, 0, 143))
    if not failed and start.program_missing is None:
        return Unknown(("start",)) if start.command is None else None
    signal = SIGNALS.get(code or 0) if failed else None
    kind = MEANS.get(code or 0) if failed else "not-found"
    evidence = {
        "named": start.named,
        "source": start.source,
        "command": start.command,
        "directory": start.directory,
        "program": start.program_missing,
        "code": code if failed else None,
        "signal": signal,
        "kind": kind,
        "out_of_memory": ended.out_of_memory if ended else False,
        "restarts": ended.restarts if ended else None,
        "container": (start.named or "").partition(":")[2] if start.source == "container" else None,
        "engine": (start.named or "").partition(":")[0] if start.source == "container" else None,
        "unit": start.named if start.source == "unit" else None,
    }
    if failed and ended is not None and ended.out_of_memory:
        variant = "out-of-memory"
    elif signal is not None:
        variant = "killed" if signal == "SIGKILL" else "crashed"
    else:
        variant = "not-found" if kind == "not-found" else "exit-code"
    return Problem(subject="service", variant=variant, evidence=evidence)
