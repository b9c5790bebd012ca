"""An environment of conda's: its Python, and what pip installs into it. Conda's own packages know which others they fit."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from retina_doctor.codec import replace

from ...facts.deployment import Doubt, Package
from ...facts.source import Bundle, Sign
from ..found import Found
from ..text import SourceText
from . import understood
from .nodes import YamlNode, documents
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
            named = by_pip(text, dependencies)
            own = tuple(replace(one, conda=True) for one in named if one.name == "numpy")
            doubts = tuple(sorted(doubted(dependencies)))
            made = Bundle(at=text.at(1), group="", packages=(*own, *packages), included=(), kept_out=(), doubts=doubts)
            found.bundles.append(made)
    return found


def by_pip(text: SourceText, items: object) -> Iterator[Package]:
    for one in items if isinstance(items, list | tuple) else ():
        wanted = package(conda_exact((one.text or "").rpartition("::")[2]))
        if wanted is not None:
            yield wanted.at(text.at(*one.place))


QUIET = (
    "python",
    "pip",
    "numpy",
    "cudatoolkit",
    "cudnn",
    "cuda",
    "setuptools",
    "wheel",
    "gxx",
    "cxx-compiler",
    "ffmpeg",
)


def doubted(dependencies: Sequence[YamlNode]) -> set[Doubt]:
    """What conda brings itself may be required of pip's packages, and with versions of its own."""
    names = [re.split(r"[\s=<>!~\[]", (one.text or "").rpartition("::")[2])[0] for one in dependencies]
    found: set[Doubt] = {"package" for name in names if name and name not in QUIET}
    return found | understood.of_texts(one.text or "" for node in dependencies for one in node["pip"].items)


def conda_exact(words: str) -> str:
    """numpy=1.26 is conda's numpy==1.26.*"""
    name, sign, version = words.partition("=")
    single = sign and name and name[-1] not in "<>!~=" and not version.startswith("=")
    return f"{name}=={version.rstrip('.*')}.*" if single else words


def pinned(text: SourceText, content: str) -> Found:
    """.python-version, of pyenv and uv: its first line that is no comment; asdf's .tool-versions, Heroku's runtime.txt."""
    wanted = re.compile(r"python[ -]" if text.name != ".python-version" else r"[^#\s]")
    line = next((n for n, one in enumerate(text.lines, 1) if wanted.match(one.lstrip())), 1)
    spec = exactly(re.sub(r"^python[ -]+", "", text.lines[line - 1].strip())) if content.strip() else None
    return Found(signs=[Sign(at=text.at(line), kind="python", what=spec)] if spec else [])
