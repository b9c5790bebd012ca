"""pyproject.toml (PEP 621, dependency groups, poetry, uv's overrides), uv.lock and Pipfile: which of our packages are wanted
together, and which are kept out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

import tomli

from retina_doctor.codec import replace

from ...facts.deployment import Doubt, Package
from ...facts.source import Bundle, Sign
from ..found import Found
from ..text import SourceText
from . import understood
from .packages import OURS, Wanted, exactly, normalised, on_linux, package

Toml = Mapping[str, object]


def told(text: SourceText, content: str) -> Found:
    """Raises ValueError."""
    data = tomli.loads(content)
    found = {"uv.lock": locked, "Pipfile": pipfile}.get(text.name, project)(data, text)
    doubts = tuple(sorted(doubted(data)))
    signs = [*pythons(data, text), *([Sign(at=text.at(1), kind="lock", what=text.name)] if text.name in LOCKS else [])]
    return Found(bundles=[replace(one, doubts=doubts) for one in found if one.packages], signs=signs)


LOCKS = ("uv.lock",)


def doubted(data: Toml) -> set[Doubt]:
    """What of a project's packages cannot be told."""
    meta, tool = table(data, "project"), table(data, "tool")
    poetry, uv = table(tool, "poetry"), table(tool, "uv")
    named = [name for name in {**table(poetry, "dependencies"), **table(data, "packages")} if name != "python"]
    found = understood.of_texts([*texts(meta.get("dependencies")), *named])
    if uv.keys() & {"constraint-dependencies", "override-dependencies", "exclude-newer"} or meta.get("dynamic"):
        found.add("part")
    addresses = [str(one.get("url")) for one in (*tables(uv.get("index")), *tables(poetry.get("source")))]
    addresses += [str(one.get("url")) for one in tables(data.get("source"))]
    if uv.keys() & {"sources", "find-links", "no-index"} or any(map(understood.of_index, addresses)):
        found.add("index")
    return found


def pythons(data: Toml, text: SourceText) -> Iterator[Sign]:
    """The Pythons that a project or a Pipfile is for."""
    poetry = table(table(table(data, "tool"), "poetry"), "dependencies")
    wanted = {"requires-python": table(data, "project").get("requires-python"), "python": poetry.get("python")}
    wanted["python_version"] = table(data, "requires").get("python_version") if text.name == "Pipfile" else None
    for key, spec in wanted.items():
        if isinstance(spec, str) and spec:
            line = line_of(text, rf"^\s*{key}\s*=")
            yield Sign(at=text.at(line), kind="python", what=exactly(spec) or spec)


def project(data: Toml, text: SourceText) -> Iterator[Bundle]:
    meta, tool = table(data, "project"), table(data, "tool")
    poetry = table(tool, "poetry")
    base = listed(meta.get("dependencies"), text) + keyed(table(poetry, "dependencies"), text)
    kept_out = [one for one in map(never, texts(table(tool, "uv").get("override-dependencies"))) if one]
    yield bundle(text, "", base, kept_out)
    for name, wanted in {**table(meta, "optional-dependencies"), **table(data, "dependency-groups")}.items():
        extra = listed(wanted, text)
        if extra:
            yield bundle(text, name, base + extra, kept_out)
    for name, group in table(poetry, "group").items():
        extra = keyed(table(group, "dependencies"), text)
        if extra:
            yield bundle(text, name, base + extra, kept_out)


def pipfile(data: Toml, text: SourceText) -> Iterator[Bundle]:
    yield bundle(text, "", keyed(table(data, "packages"), text), [])


def locked(data: Toml, text: SourceText) -> Iterator[Bundle]:
    """What uv installs for the project itself, without extras and groups: its dependencies and theirs."""
    packages = {name: one for one in tables(data.get("package")) if isinstance(name := one.get("name"), str)}
    versions: dict[str, list[str]] = {}  # several, where the Pythons or systems of a project get different ones
    for one in tables(data.get("package")):
        versions.setdefault(str(one.get("name")), []).append(str(one.get("version", "")))
    roots = [one for one in packages.values() if {"editable", "virtual"} & set(table(one, "source"))]
    wanted: list[Package] = []
    todo = [need for root in roots for need in tables(root.get("dependencies"))]
    seen = set()
    while todo:
        need = todo.pop()
        name = str(need.get("name"))
        if name in seen or name not in packages or not on_linux(str(need.get("marker", ""))):
            continue
        seen.add(name)
        todo += tables(packages[name].get("dependencies"))
        if name in OURS:
            spec = " || ".join(f"=={version}" for version in versions[name])
            line = line_of(text, rf'\s*name = "{re.escape(name)}"\s*$')
            wanted.append(Package(at=text.at(line), name=name, spec=spec, extras=False))
    # A lock has resolved what insightface brings along: what is not in it is kept out.
    yield bundle(text, "", wanted, ["onnxruntime"])


def never(text: str) -> str | None:
    """The package that an override keeps out of every environment."""
    named, _, marker = text.partition(";")
    return normalised(named.strip()) if marker and not on_linux(marker) else None


def bundle(text: SourceText, group: str, packages: Sequence[Package], kept_out: Sequence[str]) -> Bundle:
    left = tuple(one for one in packages if one.name not in kept_out or one.spec.startswith("=="))
    return Bundle(at=text.at(1), group=group, packages=left, included=(), kept_out=tuple(kept_out))


def listed(wanted: object, text: SourceText) -> list[Package]:
    """Requirements as PEP 508 texts."""
    found = []
    for one in texts(wanted):
        named = package(one)
        if named is not None:
            line = line_of(text, rf"""["']{re.escape(one)}["']""")
            found.append(named.at(text.at(line)))
    return found


def keyed(wanted: Toml, text: SourceText) -> list[Package]:
    """Requirements as NAME = "SPEC" or NAME = {version = "SPEC", …}."""
    found = []
    for name, told in wanted.items():
        one = package(name)
        if one is not None and (meant := specified(one, told)) is not None:
            line = line_of(text, rf"""^\s*["']?{re.escape(name)}["']?\s*=""")
            found.append(meant.at(text.at(line)))
    return found


def specified(one: Wanted, told: object) -> Wanted | None:
    """A requirement with the versions and extras that its value in the table names; None: it is optional, or not for Linux."""
    version = told.get("version", "") if isinstance(told, dict) else told
    if not isinstance(version, str):
        return None
    if isinstance(told, dict) and (told.get("optional") or not on_linux(str(told.get("markers", "")))):
        return None
    exact = "" if version in ("*", "") else version if version[0] in "<>=!~^" else "==" + version
    given = told.get("extras") if isinstance(told, dict) else None
    extra = tuple(map(str, given)) if isinstance(given, list) else ()
    return replace(one, spec=exact, extras=bool(extra), extra=extra)


def line_of(text: SourceText, pattern: str) -> int:
    """The first line in which that is found; the first of all where none is."""
    search = re.compile(pattern).search
    return next((number for number, line in enumerate(text.lines, 1) if search(line)), 1)


def table(data: object, key: str) -> Toml:
    found = data.get(key) if isinstance(data, dict) else None
    return found if isinstance(found, dict) else {}


def tables(wanted: object) -> list[Toml]:
    return [one for one in wanted if isinstance(one, dict)] if isinstance(wanted, list) else []


def texts(wanted: object) -> list[str]:
    return [one for one in wanted if isinstance(one, str)] if isinstance(wanted, list) else []
