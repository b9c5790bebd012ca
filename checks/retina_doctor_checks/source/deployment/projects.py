"""pyproject.toml (PEP 621, dependency groups, poetry, uv's overrides), uv.lock and Pipfile: which of our packages are wanted
together, and which are kept out."""

from __future__ import annotations

import re
from typing import Any

from retina_doctor_checks.source.deployment.packages import OURS, on_linux, package

NEVER = re.compile(r"""(sys_platform|platform_system|python_version)\s*(==|<)\s*['"](never|none|0|)['"]""")


def told(text: str, name: str) -> dict[str, list[Any]]:
    """{"bundles": [...]}. Raises ValueError."""
    try:
        import tomllib
    except ImportError:
        raise ValueError("no tomllib in this Python to read it with") from None
    data = tomllib.loads(text)
    lines = text.split("\n")
    found = {"uv.lock": locked, "Pipfile": pipfile}.get(name, project)(data, lines)
    return {"bundles": [one for one in found if one["packages"]]}


def project(data: Any, lines: list[str]) -> Any:
    meta, tool = table(data, "project"), table(data, "tool")
    base = listed(meta.get("dependencies"), lines)
    overrides = texts(table(tool, "uv").get("override-dependencies"))
    kept_out = [one for one in map(never, overrides) if one]
    poetry = table(tool, "poetry")
    base += keyed(table(poetry, "dependencies"), lines)
    yield bundle("", base, kept_out)
    groups = dict(table(meta, "optional-dependencies"), **table(data, "dependency-groups"))
    for name, wanted in groups.items():
        extra = listed(wanted, lines)
        if extra:
            yield bundle(name, base + extra, kept_out)
    for name, group in table(poetry, "group").items():
        extra = keyed(table(group, "dependencies"), lines) if isinstance(group, dict) else []
        if extra:
            yield bundle(name, base + extra, kept_out)


def pipfile(data: Any, lines: list[str]) -> Any:
    yield bundle("", keyed(table(data, "packages"), lines), [])


def locked(data: Any, lines: list[str]) -> Any:
    """What uv installs for the project itself, without extras and groups: its dependencies and theirs."""
    packages = {one["name"]: one for one in tables(data.get("package")) if isinstance(one.get("name"), str)}
    roots = [one for one in packages.values() if {"editable", "virtual"} & set(table(one, "source"))]
    wanted: list[Any] = []
    todo = [need for root in roots for need in tables(root.get("dependencies"))]
    seen = set()
    while todo:
        need = todo.pop()
        name = str(need.get("name"))
        if name in seen or name not in packages or not applies(str(need.get("marker", ""))):
            continue
        seen.add(name)
        todo += tables(packages[name].get("dependencies"))
        if name in OURS:
            line = next((n for n, text in enumerate(lines, 1) if text.strip() == 'name = "%s"' % name), 1)
            spec = "==%s" % packages[name].get("version", "")
            wanted.append({"name": name, "spec": spec, "extras": False, "line": line, "column": 1})
    # A lock has resolved what insightface brings along: what is not in it is kept out.
    yield bundle("", wanted, ["onnxruntime"])


def applies(marker: str) -> bool:
    return on_linux(marker) and not NEVER.search(marker)


def never(text: str) -> str | None:
    """The package that an override keeps out of every environment."""
    named, _, marker = text.partition(";")
    return re.sub(r"[-_.]+", "-", named.strip()).lower() if marker and not applies(marker) else None


def bundle(group: str, packages: list[Any], kept_out: list[str]) -> dict[str, Any]:
    left = [one for one in packages if one["name"] not in kept_out or one["spec"].startswith("==")]
    return {"group": group, "line": 1, "column": 1, "packages": left, "included": [], "kept_out": kept_out}


def listed(wanted: Any, lines: list[str]) -> list[Any]:
    """Requirements as PEP 508 texts."""
    found = []
    for text in texts(wanted):
        one = package(text)
        if one is not None:
            line = next((n for n, shown in enumerate(lines, 1) if '"%s"' % text in shown or "'%s'" % text in shown), 1)
            found.append(dict(one, line=line, column=1))
    return found


def keyed(wanted: Any, lines: list[str]) -> list[Any]:
    """Requirements as NAME = "SPEC" or NAME = {version = "SPEC", …}."""
    found = []
    for name, spec in wanted.items():
        one = package(name)
        version = spec.get("version", "") if isinstance(spec, dict) else spec
        marker = spec.get("markers", "") if isinstance(spec, dict) else ""
        optional = isinstance(spec, dict) and spec.get("optional")
        if one is None or optional or not isinstance(version, str) or not on_linux(str(marker)):
            continue
        extras = bool(isinstance(spec, dict) and spec.get("extras"))
        shown = re.compile(r"""\s*["']?%s["']?\s*=""" % re.escape(name))
        line = next((n for n, text in enumerate(lines, 1) if shown.match(text)), 1)
        exact = "" if version in ("*", "") else version if version[0] in "<>=!~^" else "==" + version
        found.append(dict(one, spec=exact, extras=extras, line=line, column=1))
    return found


def table(data: Any, key: str) -> dict[str, Any]:
    found = data.get(key) if isinstance(data, dict) else None
    return found if isinstance(found, dict) else {}


def tables(wanted: Any) -> list[dict[str, Any]]:
    return [one for one in wanted if isinstance(one, dict)] if isinstance(wanted, list) else []


def texts(wanted: Any) -> list[str]:
    return [one for one in wanted if isinstance(one, str)] if isinstance(wanted, list) else []
