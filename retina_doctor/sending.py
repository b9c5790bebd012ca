"""Which modules have to be sent so that one of them runs elsewhere: those that it imports, and those that these import."""

from __future__ import annotations

import functools
import importlib.util
import os
import re
from collections.abc import Iterator
from importlib.machinery import ModuleSpec

_IMPORT = re.compile(
    r"^[ \t]*(?:from[ \t]+(?P<whence>[\w.]+)[ \t]+import[ \t]+(?P<names>\([^)]*\)|[^\n#]+)|import[ \t]+(?P<plain>[^\n#]+))",
    re.MULTILINE,
)
"""An import statement, wherever it stands. Text in a docstring that reads like one sends a module too many at worst."""


def source_of(module: str) -> str:
    """The source text of an importable module, without importing it. Raises ModuleNotFoundError."""
    with open(place_of(module), encoding="utf-8") as file:
        return file.read()


def place_of(module: str) -> str:
    """The file of that source. Raises ModuleNotFoundError."""
    file = file_of(module)
    if file is None:
        raise ModuleNotFoundError(f"no source of module {module}")
    return file


def has_source(module: str) -> bool:
    """`source_of` would find it."""
    return file_of(module) is not None


@functools.cache
def sent_for(module: str, packages: frozenset[str]) -> tuple[str, ...]:
    """*module* and what it imports, directly or not, of these top-level *packages*; *module* comes last.

    Read from the import statements of the sources, so that none can be forgotten. Raises ModuleNotFoundError.
    """
    found: dict[str, None] = {}
    front = [module]
    while front:
        name = front.pop()
        if name not in found:
            found[name] = None
            front += _imports(name, packages)
    return (*(name for name in found if name != module), module)


@functools.cache
def one_text(module: str) -> str:
    """*module* and what it imports from beside it, as one program that needs no importer: each once, after what it imports.

    All share one set of names: no two may give the same one, and none is imported under another. Raises ModuleNotFoundError.
    """
    beside = module.rpartition(".")[0] + "."
    order: dict[str, None] = {}

    def add(name: str) -> None:
        for other in _imports(name, frozenset({beside.split(".")[0]})):
            if other.startswith(beside):
                add(other)
        order.setdefault(name)

    add(module)
    sources = (_IMPORT.sub(lambda one: _elsewhere(one, beside), source_of(name)) for name in order)
    return "from __future__ import annotations\n" + "\n".join(sources)


def _elsewhere(statement: re.Match[str], beside: str) -> str:
    """An import statement, but for those that one text has no use for."""
    return "" if (statement["whence"] or "").startswith((beside, "__future__")) else statement[0]


@functools.cache
def _imports(module: str, packages: frozenset[str]) -> tuple[str, ...]:
    """Modules of *packages* with a source that *module* names in its import statements."""
    return tuple(dict.fromkeys(name for name in _named(module, packages) if file_of(name) is not None))


def _named(module: str, packages: frozenset[str]) -> Iterator[str]:
    for match in _statements(source_of(module)):
        if match["plain"]:
            names = (part.split(" as ")[0].strip() for part in match["plain"].split(","))
            yield from (name for name in names if name.split(".")[0] in packages)
            continue
        whence = _absolute(match["whence"], module)
        if whence.split(".")[0] not in packages:  # of those most are, and finding out where they lie takes its time
            continue
        for part in re.sub(r"#[^\n]*", "", match["names"]).strip("() \n").rstrip(",").split(","):
            name = f"{whence}.{part.split(' as ')[0].strip()}"
            # What is imported from a package is a module of it, if there is such a file; else the package itself is meant.
            yield name if file_of(name) is not None else whence


def _statements(source: str) -> Iterator[re.Match[str]]:
    """Tried where the word stands: most lines have none."""
    place = source.find("import")
    while place >= 0:
        match = _IMPORT.match(source, source.rfind("\n", 0, place) + 1)
        if match:
            yield match
        place = source.find("import", max(place + 1, match.end() if match else 0))


def _absolute(whence: str, module: str) -> str:
    """The name of the module that *module* imports from: `.loader` in `yaml` is `yaml.loader`."""
    level = len(whence) - len(whence.lstrip("."))
    if level == 0:
        return whence
    parts = module.split(".")
    file = file_of(module)
    drop = level - 1 if file is not None and os.path.basename(file) == "__init__.py" else level
    return ".".join((*parts[: len(parts) - drop], *filter(None, whence.lstrip(".").split("."))))


@functools.cache
def file_of(module: str) -> str | None:
    """Where the source of a module lies, found without importing the packages above it; None: nowhere."""
    top, *rest = module.split(".")
    spec = _spec(top)
    if spec is None:
        return None
    if not rest:
        return spec.origin if spec.origin and spec.origin.endswith(".py") else None
    for folder in spec.submodule_search_locations or ():
        place = os.path.join(folder, *rest)
        for file in (place + ".py", os.path.join(place, "__init__.py")):
            if os.path.isfile(file):
                return file
    return None


@functools.cache
def _spec(top: str) -> ModuleSpec | None:
    try:
        return importlib.util.find_spec(top) if top else None
    except (ImportError, ValueError):
        return None
