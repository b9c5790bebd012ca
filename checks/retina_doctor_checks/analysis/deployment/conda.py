"""An environment of conda's: its Python, and what pip installs into it. Conda's own packages know which others they fit."""

from __future__ import annotations

from collections.abc import Iterator

from ...facts.deployment import Package
from ...facts.source import Bundle, Sign
from ..found import Found
from ..text import SourceText
from .nodes import documents
from .packages import exactly, package


def told(text: SourceText, content: str) -> Found:
    """Raises ValueError."""
    found = Found()
    for document in documents(content):
        dependencies = document["dependencies"].items
        for one in dependencies:
            name, _, version = (one.text or "").replace(" ", "").partition("=")
            spec = exactly(version) if name == "python" else None
            if spec:
                found.signs.append(Sign(at=text.at(*one.place), kind="python", what=spec))
        packages = tuple(named for one in dependencies for named in by_pip(text, one["pip"].items))
        if packages:
            own = tuple(named for named in by_pip(text, dependencies) if named.name == "numpy")
            found.bundles.append(Bundle(at=text.at(1), group="", packages=(*own, *packages), included=(), kept_out=()))
    return found


def by_pip(text: SourceText, items: object) -> Iterator[Package]:
    for one in items if isinstance(items, list | tuple) else ():
        wanted = package(conda_exact(one.text or ""))
        if wanted is not None:
            yield wanted.at(text.at(*one.place))


def conda_exact(words: str) -> str:
    """numpy=1.26 is conda's numpy==1.26.*"""
    name, sign, version = words.partition("=")
    single = sign and name and name[-1] not in "<>!~=" and not version.startswith("=")
    return f"{name}=={version.rstrip('.*')}.*" if single else words


def pinned(text: SourceText, content: str) -> Found:
    """.python-version, of pyenv and uv: its first line that is no comment."""
    line = next((n for n, one in enumerate(text.lines, 1) if one.strip() and not one.lstrip().startswith("#")), 1)
    spec = exactly(text.lines[line - 1]) if content.strip() else None
    return Found(signs=[Sign(at=text.at(line), kind="python", what=spec)] if spec else [])
