"""What, where the doctor was called, speaks of another service than the one that was found. Read, never imported or run."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

from retina_doctor import proc_files
from retina_doctor.model import Against
from retina_doctor.settings import Settings
from retina_doctor_checks.probes.models.locate import VARIABLE
from retina_doctor_checks.probes.service import look_sockets

from .settings import ModelSettings

MODEL = re.compile(r"(?i)\.(?:onnx|pth|pt)$")
DETECTS = re.compile(rb"^\s*(?:from|import)\s+(?:insightface|onnxruntime|retinaface)\b", re.MULTILINE)
SERVES = re.compile(
    rb"\b(?:flask|fastapi|uvicorn|aiohttp|tornado|sanic|bottle|starlette|gradio|http\.server|grpc)\b", re.IGNORECASE
)
MOST_FILES, MOST_SOURCE = 50, 200_000  # files of a folder, and bytes of each


def doubts(pid: int, settings: Settings) -> Iterator[tuple[Against, str]]:
    """Why, and where it says so: which variable, model or file."""
    workdir = look_sockets.link(f"/proc/{pid}/cwd")
    if workdir is None:
        return
    words, variables = look_sockets.command_words(f"/proc/{pid}"), variables_of(pid)
    own = os.environ.get(VARIABLE)
    if own and variables and not same_file(own, variables.get(VARIABLE), workdir):
        yield "variable", VARIABLE
    named = settings.of(ModelSettings).path
    read = model_of(words) or variables.get(VARIABLE)
    if named is not None and is_another(named, read, workdir):
        yield "model", named
    here = Path.cwd()
    its = [Path(workdir), *(Path(workdir, word) for word in words[1:] if word.endswith(".py"))]
    if not any(here == one or here in one.parents for one in its):
        source = source_of_a_service(here)
        if source is not None:
            yield "folder", source


def model_of(words: Sequence[str]) -> str | None:
    """The model file that a command line names last, as a word or as a flag's value."""
    return next((word.rpartition("=")[2] for word in reversed(words[1:]) if MODEL.search(word)), None)


def variables_of(pid: int) -> dict[str, str]:
    """{} where they may not be read, or the process has written over them."""
    try:
        pairs = [os.fsdecode(pair) for pair in proc_files.variables(f"/proc/{pid}")]
    except OSError:
        return {}
    return dict(pair.split("=", 1) for pair in pairs if "=" in pair)


def same_file(here: str, there: str | None, workdir: str) -> bool:
    return bool(there) and os.path.realpath(here) == os.path.realpath(Path(workdir, there or ""))


def is_another(named: str, read: str | None, workdir: str) -> bool:
    """*named* here, *read* by the service as far as it says. A bare name (buffalo_l) is no file's; a relative path means one
    file here and another one there."""
    if os.sep not in named and not Path(named).suffix:
        return False
    if read:
        return not same_file(named, read, workdir)
    return not Path(named).is_absolute() and not same_file(named, named, workdir)


def beginning_of(path: Path) -> bytes:
    """Of a regular file; of anything else nothing, without waiting: what it is may change between a look and the opening."""
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    with os.fdopen(handle, "rb") as file:
        return file.read(MOST_SOURCE) if stat.S_ISREG(os.fstat(handle).st_mode) else b""


def source_of_a_service(folder: Path) -> str | None:
    """The name of a file that imports a detector and serves."""
    try:
        for path in sorted(folder.glob("*.py"))[:MOST_FILES]:
            text = beginning_of(path)
            if DETECTS.search(text) and SERVES.search(text):
                return path.name
    except OSError:
        return None
    return None
