"""What each kind of file that says how the service is deployed tells."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable

from ...facts.source import Sign
from ..found import Found
from ..text import SourceText, Unreadable
from . import compose, conda, dockerfile, kubernetes, projects, requirements, scripts

UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
TEMPLATE = re.compile(r"(?m)^[ \t]*\{\{|: ?\{\{")
READERS = {
    "dockerfile": dockerfile.told,
    "compose": compose.told,
    "kubernetes": kubernetes.told,
    "project": projects.told,
    "python-version": conda.pinned,
    "lock": lambda text, _: Found(signs=[Sign(at=text.at(1), kind="lock", what=text.name)]),
    "conda": conda.told,
    "script": scripts.told,
    "configuration": scripts.configured,
}
CONCERNS = {
    "requirements": re.compile(
        rb"(?i)onnxruntime|insightface|ort[-_]nightly|opencv[-_]|fastapi|torch|nvidia-|retina|^[ \t]*(?:-r|--requirement)",
        re.M,
    ),
    "project": re.compile(rb"(?i)onnxruntime|insightface|ort[-_]nightly|opencv[-_]|fastapi|torch|retina"),
    "script": re.compile(
        rb"ExecStart|gunicorn|uvicorn|hypercorn|daphne|waitress|flask|fastapi|celery|runserver|(?:docker|podman|nerdctl)\s+(?:container\s+)?(?:run|build|buildx)"
        rb"|(?:conda|mamba)\s+create|-m\s+venv|uv\s+venv|uv\s+python\s+pin|virtualenv|setcap|ip_unprivileged_port_start|cloudflared|ngrok|insightface"
    ),
}
"""What must stand in a file of a kind for it to be read at all."""


def read(data: bytes, path: str, kind: str, content_of: Callable[[str], bytes | None]) -> Found:
    """*content_of*: the bytes of another file, by its path. Raises ValueError, RecursionError."""
    proved = concerned(data, kind)
    if proved is None:
        return Found()
    encoding = "utf-16" if data[:2] in UTF16 else "utf-8-sig"  # as PowerShell writes, and pip reads, requirements
    content = data.decode(encoding).replace("\r\n", "\n").replace("\r", "\n")
    if "\0" in content:
        raise Unreadable("holds NUL bytes")
    if proved in ("kubernetes", "compose") and TEMPLATE.search(content):
        raise Unreadable("a template, which its renderer makes YAML of")
    text = SourceText(path, content.split("\n"))
    if proved == "requirements":
        return requirements.told(text, content, content_of)
    return READERS[proved](text, content)


def concerned(data: bytes, kind: str) -> str | None:
    """The kind that the content proves it to be; None: no rule can find anything in it."""
    if data[:2] in UTF16:
        data = data.replace(b"\0", b"")
    if kind == "manifest":
        if b"apiVersion" in data and b"kind" in data:
            return "kubernetes"
        return "compose" if re.search(rb"(?m)^services:", data) and re.search(rb"\b(?:image|build):", data) else None
    if kind == "conda" and re.search(rb"(?m)^apiVersion:", data) and re.search(rb"(?m)^kind:", data):
        return "kubernetes"
    pattern = CONCERNS.get(kind)
    return kind if pattern is None or pattern.search(data) else None
