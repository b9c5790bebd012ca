"""Reads Settings from a TOML file, the environment and flags. Every complaint names its file, key and line."""

from __future__ import annotations

import difflib
import os
import re
import shlex
import tomllib
import typing
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from retina_doctor.codec import Data, DoesNotFit, decode, encode
from retina_doctor.errors import UsageError
from retina_doctor.settings import Load, Settings, Size

FILE = "retina-doctor.toml"
PREFIX = "RETINA_DOCTOR_"
NOT_SETTINGS = {"RETINA_DOCTOR_LANG", "RETINA_DOCTOR_RUN"}

MOST_REQUESTS, MOST_AT_ONCE = 100_000, 256

Tables = dict[str, dict[str, Any]]
Where = Callable[[str, str | None], str]
"""(table, key or None) -> how to name that place in a complaint."""


FLAGS = {
    "target": ("target", "command"),
    "model": ("model", "path"),
    "det_size": ("detection", "size"),
    "det_thresh": ("detection", "threshold"),
    "nms_thresh": ("detection", "nms"),
    "image": ("detection", "image"),
    "save_picture": ("detection", "save_picture"),
    "host": ("service", "host"),
    "port": ("service", "port"),
    "url": ("service", "url"),
    "pid": ("service", "pid"),
    "workers": ("service", "workers"),
    "load": ("service", "load"),
    "device": ("gpu", "device"),
    "scan": ("scan", "paths"),
    "only": ("gate", "only"),
    "skip": ("gate", "skip"),
    "fail_on": ("gate", "fail_on"),
    "quick": ("gate", "quick"),
    "timeout": ("gate", "timeout"),
}
"""Parameters of the commands that stand for a key of a table."""


def of_flags(given: Mapping[str, Any]) -> Tables:
    """Flags as the tables of a settings file, without those that were not given."""
    tables: Tables = {}
    for flag, (table, key) in FLAGS.items():
        if given.get(flag) is not None and given[flag] != []:
            tables.setdefault(table, {})[key] = given[flag]
    return tables


def _flag(table: str, key: str | None) -> str:
    return next(f"--{flag.replace('_', '-')}" for flag, home in FLAGS.items() if home == (table, key))


def load_settings(file: Path | None, environment: Mapping[str, str], flags: Tables, directory: Path) -> Settings:
    """Settings of *flags* over *environment* over the file.

    *file* None: retina-doctor.toml, else pyproject.toml's [tool.retina-doctor], in *directory*. Raises UsageError.
    """
    tables: Tables = {}
    found, place = _from_file(file, directory)
    for source, where in (
        (found, place),
        _from_environment(environment),
        (flags, lambda table, key: _flag(table, key)),
    ):
        _check(source, where)
        if source is found and file is None and "command" in source.get("target", {}):
            # A file that merely lies in the working directory must not say what is to be run.
            raise UsageError(
                f"{place('target', 'command')}: is a program to run, and is taken only from a file that you name: --config FILE"
            )
        for table, values in source.items():
            _update(tables.setdefault(table, {}), values)
    return decode(tables, Settings)


def _update(into: dict[str, Any], values: dict[str, Any]) -> None:
    """Key by key; a table within a table likewise, except where its keys are not ours to know."""
    for key, value in values.items():
        within = into.get(key)
        if isinstance(value, dict) and isinstance(within, dict) and key != "ignore":
            _update(within, value)
        else:
            into[key] = value


def _tables() -> dict[str, dict[str, Any]]:
    hints = typing.get_type_hints(Settings)
    return {name: typing.get_type_hints(kind) for name, kind in hints.items()}


def _check(source: Tables, where: Where) -> None:
    known = _tables()
    for table, values in source.items():
        if table not in known:
            raise UsageError(f"{where(table, None)}: no such table{_nearest(table, known)}")
        if not isinstance(values, dict):
            raise UsageError(f"{where(table, None)}: [{table}] must be a table")
        for key in values:
            if key not in known[table]:
                raise UsageError(f"{where(table, key)}: no such key in [{table}]{_nearest(key, known[table])}")
            inner = _fields(known[table][key]) if isinstance(values[key], dict) else {}
            for unknown in [one for one in values[key] if one not in inner] if inner else []:
                place = where(f"{table}.{key}", unknown)
                raise UsageError(f"{place}: no such key in [{table}.{key}]{_nearest(unknown, inner)}")
            for name in inner:
                if name in values[key]:
                    values[key][name] = _fitting(where(f"{table}.{key}", name), name, values[key][name], inner[name])
            values[key] = _fitting(where(table, key), key, values[key], known[table][key])


def _fitting(place: str, key: str, value: Any, kind: Any) -> Any:
    """`_value`; a complaint bears its *place*."""
    try:
        return _value(key, value, kind)
    except (DoesNotFit, ValueError) as error:
        choices = typing.get_args(kind) if typing.get_origin(kind) is typing.Literal else ()
        known = f"; known are {', '.join(choices)}" if choices else ""
        raise UsageError(f"{place}: {str(error).replace(' - at `$`', '')}{known}") from None


def _fields(kind: Any) -> dict[str, Any]:
    """Fields of a table within a table; none where *kind* is something else."""
    return typing.get_type_hints(kind) if isinstance(kind, type) and issubclass(kind, Data) else {}


def words_of(text: str) -> list[str]:
    return [word for word in re.split(r"[,\s]+", text) if word]


def _nearest(word: str, known: Mapping[str, Any]) -> str:
    near = difflib.get_close_matches(word, list(known), 1)
    return f"; did you mean {near[0]}?" if near else f"; known are {', '.join(known)}"


def _value(key: str, value: Any, kind: Any) -> Any:
    """*value* as plain JSON data that fits the field *key* of type *kind*, or ValueError in the operator's words."""
    if key in ("size", "source_size"):
        value = encode(parse_size(value))
    elif key == "load":
        value = encode(parse_load(value))
    elif key == "command" and isinstance(value, str):
        value = shlex.split(value)
    elif key in ("only", "skip"):
        words = [value] if isinstance(value, str) else value
        value = [part for word in words for part in words_of(str(word))]
    decode(value, kind)
    if any(isinstance(word, str) and not _is_text(word) for word in (value if isinstance(value, list) else [value])):
        raise ValueError(f"{value!a} is not text in UTF-8")
    if key == "port" and value is not None and not 1 <= value <= 65535:
        raise ValueError(f"{value} is not a port: ports are 1 to 65535")
    if key in ("threshold", "nms") and value is not None and not 0 <= value <= 1:
        raise ValueError(f"{value} is not between 0 and 1")
    if key == "timeout" and not 0 < value <= 3600:
        raise ValueError(f"{value} is not a number of seconds from just above 0 to 3600")
    if key in ("pid", "smallest_face", "workers") and value is not None and value < 1:
        raise ValueError(f"{value} must be at least 1")
    if key == "image_faces" and value is not None and value < 0:
        raise ValueError(f"{value} must not be negative")
    if key == "command" and value is not None and not value:
        raise ValueError("no command given")
    if key == "field" and (not value or not value.isprintable()):
        raise ValueError(f"{value!r} is no name of a field")
    if key == "ignore" and not all(reason.strip() for reason in value.values()):
        raise ValueError('every ignored check needs a reason: { RD401 = "why" }')
    return value


def _is_text(word: str) -> bool:
    """False for bytes that are no UTF-8, which no snapshot could keep, and for NUL, which no system call takes."""
    return not any("\ud800" <= character <= "\udfff" or character == "\0" for character in word)


def parse_size(value: Any) -> Size:
    """ "640x480", 640 or [640, 480] -> Size(width, height) in pixels. Raises ValueError."""
    if isinstance(value, dict) and set(value) == {"width", "height"}:
        value = [value["width"], value["height"]]
    if isinstance(value, str):
        match = re.fullmatch(r"\s*(\d{1,5})\s*[xX×,]\s*(\d{1,5})\s*|\s*(\d{1,5})\s*", value)
        if match:
            value = [int(match[3])] * 2 if match[3] else [int(match[1]), int(match[2])]
    elif isinstance(value, int) and not isinstance(value, bool):
        value = [value, value]
    if isinstance(value, list) and len(value) == 2 and all(type(side) is int and 1 <= side <= 32768 for side in value):
        return Size(*value)
    raise ValueError(f"{value!r} is not a size in pixels such as 640x640")


def parse_load(value: Any) -> Load:
    """ "200,8" or [200, 8] -> Load(200 requests, 8 at once). Raises ValueError."""
    if isinstance(value, dict) and set(value) == {"requests", "at_once"}:
        value = [value["requests"], value["at_once"]]
    if isinstance(value, str) and re.fullmatch(r"\s*\d{1,9}\s*,\s*\d{1,9}\s*", value):
        value = [int(part) for part in value.split(",")]
    if isinstance(value, list) and len(value) == 2 and all(type(part) is int and part >= 1 for part in value):
        if value[0] <= MOST_REQUESTS and value[1] <= MOST_AT_ONCE:
            return Load(requests=value[0], at_once=value[1])
        raise ValueError(f"at most {MOST_REQUESTS} requests, {MOST_AT_ONCE} at once")
    raise ValueError(f"{value!r} is not requests and how many at once, such as 200,8")


def _from_file(file: Path | None, directory: Path) -> tuple[Tables, Where]:
    prefix = ""
    if file is None:
        own, shared = directory / FILE, directory / "pyproject.toml"
        if own.is_file():
            file = own
        elif _mentions_us(shared):
            file, prefix = shared, "tool.retina-doctor."
        else:
            return {}, lambda table, _key: table
    elif file.name == "pyproject.toml":
        prefix = "tool.retina-doctor."
    try:
        text = file.read_bytes().decode()
        tables = tomllib.loads(text)
    except OSError as error:
        raise UsageError(f"{file}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UsageError(f"{file}: is not a text file in UTF-8, so no TOML settings") from None
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{file}: {error}") from None
    for name in prefix.split(".")[:-1]:
        tables = tables.get(name, {})
        if not isinstance(tables, dict):
            raise UsageError(f"{file}: {prefix.rstrip('.')} must be a table")

    def where(table: str, key: str | None) -> str:
        line = line_of(text, prefix + table, key)
        return f"{file}{f':{line}' if line else ''}: {table}{f'.{key}' if key else ''}"

    return tables, where


def _mentions_us(file: Path) -> bool:
    """Whether a pyproject.toml has our table; one that cannot be read is not ours to complain of."""
    try:
        text = file.read_text("utf-8")
        tools = tomllib.loads(text).get("tool") if "retina-doctor" in text else None
        return isinstance(tools, dict) and "retina-doctor" in tools
    except (OSError, ValueError):
        return False


def line_of(text: str, table: str, key: str | None) -> int | None:
    """The 1-based line of a TOML *text* on which *key* of *table* (or the table itself) is set, if it can be told."""
    current, table_line = "", None
    for number, line in enumerate(text.splitlines(), 1):
        header = re.match(r"\s*\[\s*([^\[\]]+?)\s*\]", line)
        if header:
            current = re.sub(r"[\s\"']", "", header[1])
            if current == table:
                table_line = number
            if key is not None and current == f"{table}.{key}":
                return number
        name = re.match(r"""\s*["']?([\w.-]+)["']?\s*=""", line)
        if name:
            full = f"{current}.{name[1]}".strip(".")
            if full == f"{table}.{key}":
                return number
            if full == table:  # an inline table, or a value where a table should be
                table_line = number
    return table_line


def _from_environment(environment: Mapping[str, str]) -> tuple[Tables, Where]:
    """RETINA_DOCTOR_MODEL_PATH=... is path in [model]."""
    known = _tables()
    tables: Tables = {}
    names: dict[str, str] = {}
    for name, text in environment.items():
        if not name.startswith(PREFIX) or name in NOT_SETTINGS:
            continue
        table, _, key = name.removeprefix(PREFIX).lower().partition("_")
        names[table] = name
        kind = known.get(table, {}).get(key)
        tables.setdefault(table, {})[key] = text if kind is None else _parse(name, text, kind)
    return (
        tables,
        lambda table, key: f"environment variable {_variable(table, key) if key else names[table]}",
    )


def _variable(table: str, key: str) -> str:
    """A table within a table is one variable, whose text holds the key."""
    outer, _, inner = table.partition(".")
    return f"{PREFIX}{outer}_{inner}".upper() + f": {key}" if inner else f"{PREFIX}{table}_{key}".upper()


def _parse(name: str, text: str, kind: Any) -> Any:
    """The value of an environment variable, which is always text, as *kind* wants it."""
    kinds = typing.get_args(kind) or (kind,)
    if bool in kinds:
        if text.lower() not in ("1", "0", "true", "false"):
            raise UsageError(f"environment variable {name}: {text!r} is neither true nor false")
        return text.lower() in ("1", "true")
    for number in (int, float):
        if number in kinds:
            try:
                return number(text)
            except ValueError:
                raise UsageError(f"environment variable {name}: {text!r} is not a number") from None
    if name.endswith(("_ONLY", "_SKIP")):
        return words_of(text)
    if name.endswith(("_IGNORE", "_RESPONSE")):
        try:
            return tomllib.loads(f"v = {text}")["v"]
        except tomllib.TOMLDecodeError:
            example = 'RD401 = "why"' if name.endswith("_IGNORE") else 'field = "file"'
            raise UsageError(f"environment variable {name}: write it as {{ {example} }}") from None
    return text


def working_directory() -> Path:
    """The current directory; "/" where it was deleted under our feet."""
    try:
        return Path.cwd()
    except OSError:
        return Path(os.sep)
