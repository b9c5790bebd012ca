"""What a compose file says of one service's start. Sent to targets, where no library for YAML is: Python 3.8, standard library
alone.

Of YAML that is read which compose files are written in: mappings and lists by indentation, flow lists, plain and quoted words,
`|` and `>` blocks. Anchors, merges, `extends` and tags are not: where one stands in a service, nothing is said of that.
"""

from __future__ import annotations

import json
import os
import re

from retina_doctor.hints import Any

NAMES = re.compile(r"(?:docker-|podman-)?compose[\w.-]*\.ya?ml$")
VARIABLE = re.compile(r"\$\{?(\w+)(?:(:?[-])([^}]*))?\}?")
KEYS = ("command", "entrypoint", "env_file", "environment", "working_dir", "build", "image")


class NotUnderstood(ValueError):
    """It holds more of YAML than is read here."""


UNKNOWN = object()
"""A value of YAML's more: an anchor, an alias, a tag."""


def service(path: str, name: str | None) -> dict[str, Any]:
    """{"name", "words", "directory", "env_files", "variables"} of a service: the named one, else the only one that is built or
    has a command. Raises NotUnderstood, OSError, KeyError."""
    with open(path, encoding="utf-8") as file:
        told = parsed(file.read(1 << 20))
    services = told.get("services") or {}
    if not isinstance(services, dict):
        raise NotUnderstood("services")
    if name is None:
        own = [
            one for one, what in services.items() if isinstance(what, dict) and ("build" in what or "command" in what)
        ]
        if len(own) != 1:
            raise KeyError(", ".join(own) or "no service")
        name = own[0]
    what = services[name]
    if not isinstance(what, dict) or {"extends", "<<"} & set(what) or any(what.get(key) is UNKNOWN for key in KEYS):
        raise NotUnderstood(name)
    folder = os.path.dirname(os.path.abspath(path))
    build = what.get("build")
    context = build.get("context") if isinstance(build, dict) else build
    variables = environment(what.get("environment"))
    words = [*worded(what.get("entrypoint"), variables), *worded(what.get("command"), variables)]
    return {
        "name": name,
        "words": words,
        "directory": os.path.normpath(os.path.join(folder, context if isinstance(context, str) else ".")),
        "env_files": [os.path.join(folder, one) for one in env_files(what.get("env_file"))],
        "variables": variables,
    }


def env_files(told: Any) -> list[str]:
    """Those that must be there."""
    ones = told if isinstance(told, list) else [told] if told else []
    needed = [one.get("path") if one.get("required") != "false" else None for one in ones if isinstance(one, dict)]
    return [one for one in [*needed, *(one for one in ones if isinstance(one, str))] if one and "$" not in one]


def environment(told: Any) -> dict[str, str]:
    if isinstance(told, dict):
        return {key: value if isinstance(value, str) else "" for key, value in told.items()}
    pairs = [one.partition("=")[::2] for one in told if isinstance(one, str)] if isinstance(told, list) else []
    return dict(pairs)


def worded(told: Any, variables: dict[str, str]) -> list[str]:
    from retina_doctor_checks.probes.service import application

    def value(match: Any) -> str:
        return variables.get(match.group(1)) or match.group(3) or match.group(0)

    if isinstance(told, list):
        return [VARIABLE.sub(value, one) for one in told if isinstance(one, str)]
    return application.split(VARIABLE.sub(value, told.replace("$$", "$"))) if isinstance(told, str) else []


def parsed(text: str) -> Any:
    """Of one document."""
    lines = [(len(one) - len(one.lstrip()), one.strip()) for one in text.replace("\t", "  ").splitlines()]
    lines = [(deep, uncommented(one)) for deep, one in lines]
    found, rest = block([one for one in lines if one[1] and one[1] not in ("---", "...")], 0)
    return found if isinstance(found, dict) and not rest else {}


Lines = Any
"""[(spaces before it, the line without them)]"""


def block(lines: Lines, least: int) -> tuple[Any, Lines]:
    """(what the lines hold that stand as deep as the first of them or deeper, the lines behind)"""
    if not lines or lines[0][0] < least:
        return None, lines
    deep = lines[0][0]
    items: list[Any] = []
    pairs: dict[str, Any] = {}
    while lines and lines[0][0] == deep:
        text = lines[0][1]
        if text == "-" or text.startswith("- "):
            one, lines = item(text[1:].strip(), lines, deep)
            items.append(one)
            continue
        match = re.match(r"(\"[^\"]*\"|'[^']*'|[^\s:#][^:#]*?)\s*:(?:\s+(.*))?$", text)
        if match is None or items:
            raise NotUnderstood(text[:60])
        pairs[match.group(1).strip("\"'")], lines = behind_key(match.group(2) or "", lines[1:], deep)
    if lines and lines[0][0] > deep:
        raise NotUnderstood(lines[0][1][:60])
    return (items or pairs), lines


def item(text: str, lines: Lines, deep: int) -> tuple[Any, Lines]:
    """Of a list."""
    if re.match(r"[\w.-]+:(\s|$)", text):
        return block([(deep + 2, text), *lines[1:]], deep + 1)
    return (scalar(text), lines[1:]) if text else block(lines[1:], deep + 1)


def behind_key(said: str, lines: Lines, deep: int) -> tuple[Any, Lines]:
    """The value of a key: *said* on its line, or in the lines below."""
    if not said:
        listed = bool(lines) and lines[0][0] == deep and lines[0][1].startswith("-")
        return listed_block(lines, deep) if listed else block(lines, deep + 1)
    count = next((place for place, one in enumerate(lines) if one[0] <= deep), len(lines))
    below, rest = [one for _, one in lines[:count]], lines[count:]
    if said[0] in "&*!%@`":
        return UNKNOWN, rest
    if re.match(r"[|>][+-]?$", said):
        return ("\n" if said[0] == "|" else " ").join(below), rest
    return scalar(" ".join([said, *below])), rest  # a plain word, or a flow list, goes on


def listed_block(lines: Lines, deep: int) -> tuple[Any, Lines]:
    """A list that stands no deeper than its key."""
    count = next(
        (i for i, one in enumerate(lines) if one[0] < deep or (one[0] == deep and not one[1].startswith("-"))),
        len(lines),
    )
    found, _ = block(lines[:count], deep)
    return found, lines[count:]


def scalar(text: str) -> Any:
    if text[0] in "&*!%@`":
        return UNKNOWN
    if text[0] == "[":
        if not text.endswith("]"):
            raise NotUnderstood(text[:60])
        parts = re.findall(r"\"(?:\\.|[^\"])*\"|'(?:''|[^'])*'|[^,\[\]{}]+", text[1:-1])
        return [scalar(one.strip()) for one in parts if one.strip()]
    if text[0] == "{":
        parts = re.findall(r"([\w.-]+)\s*:\s*(\"(?:\\.|[^\"])*\"|'(?:''|[^'])*'|[^,{}\[\]]*)", text)
        return {key: scalar(value.strip()) if value.strip() else None for key, value in parts}
    if text[0] == '"':
        try:
            return json.loads(text)
        except ValueError:
            raise NotUnderstood(text[:60]) from None
    if text[0] == "'":
        return text[1:-1].replace("''", "'")
    return text


def uncommented(text: str) -> str:
    """Without a comment, which no quotation mark is before."""
    if text.startswith("#"):
        return ""
    match = re.search(r"\s#", text)
    return text[: match.start()].rstrip() if match and not re.search(r"[\"']", text) else text
