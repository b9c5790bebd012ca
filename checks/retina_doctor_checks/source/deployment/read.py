"""Which files say how the service is deployed, and what each kind tells."""

from __future__ import annotations

import codecs
import re
from typing import Any

from retina_doctor_checks.source.deployment import compose, dockerfile, kubernetes, projects, requirements, scripts

KINDS = (
    (
        "dockerfile",
        re.compile(r"(?i)(?:Dockerfile|Containerfile)(?:[._-](?!dockerignore$).*)?$|.+\.(?:docker|container)file$"),
    ),
    ("compose", re.compile(r"(?:docker-|podman-)?compose[\w.-]*\.ya?ml$")),
    ("manifest", re.compile(r".+\.ya?ml$")),
    ("requirements", re.compile(r"[\w.-]*requirements[\w.-]*\.(?:txt|in)$")),
    ("project", re.compile(r"(?:pyproject\.toml|uv\.lock|Pipfile)$")),
    ("script", re.compile(r"(?:Procfile|Makefile|.+\.sh|.+\.service)$")),
)
PACKAGES = re.compile(rb"(?i)onnxruntime|insightface")
STARTS = re.compile(
    rb"gunicorn|uvicorn|hypercorn|daphne|waitress|flask|fastapi|runserver|(?:docker|podman|nerdctl)\s+(?:container\s+)?(?:run|build|buildx)"
)
CONCERNS = {
    "requirements": re.compile(rb"(?i)onnxruntime|insightface|^[ \t]*(?:-r|--requirement)", re.M),
    "project": PACKAGES,
    "script": STARTS,
}
"""What must stand in a file of a kind for it to be read at all."""


def kind(name: str, folder: str) -> str | None:
    """What a file is by its name and its folder's; None: it says nothing of a deployment."""
    if folder == "requirements" and name.endswith((".txt", ".in")):
        return "requirements"
    return next((one for one, pattern in KINDS if pattern.match(name)), None)


def concerned(data: bytes, of: str) -> str | None:
    """The kind that the content proves it to be; None: no rule can find anything in it."""
    if data[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        data = data.replace(b"\0", b"")
    if of == "manifest":
        if b"apiVersion" in data and b"kind" in data:
            return "kubernetes"
        return "compose" if re.search(rb"(?m)^services:", data) and re.search(rb"\b(?:image|build):", data) else None
    pattern = CONCERNS.get(of)
    return of if pattern is None or pattern.search(data) else None


def read(data: bytes, path: str, of: str) -> tuple[list[str], dict[str, list[Any]]]:
    """(lines, what was told). Raises ValueError, RecursionError, OSError."""
    utf16 = data[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)  # as PowerShell writes, and pip reads, requirements
    text = data.decode("utf-16" if utf16 else "utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    if "\0" in text:
        raise ValueError("holds NUL bytes")
    name = path.rsplit("/", 1)[-1]
    if of in ("kubernetes", "compose") and re.search(r"(?m)^[ \t]*\{\{|: ?\{\{", text):
        raise ValueError("a template, which its renderer makes YAML of")
    if of == "dockerfile":
        told = dockerfile.told(text)
    elif of == "compose":
        told = compose.told(text, path)
    elif of == "kubernetes":
        told = kubernetes.told(text)
    elif of == "requirements":
        told = requirements.told(text, path)
    elif of == "project":
        told = projects.told(text, name)
    else:
        told = scripts.told(text, name, path)
    return text.split("\n"), told
