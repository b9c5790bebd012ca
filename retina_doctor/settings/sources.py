"""Reads Settings from a TOML file, the environment and flags. Every complaint names its file, key and line."""

from __future__ import annotations

import contextlib
import difflib
import os
import re
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import tomli

from retina_doctor.errors import UsageError
from retina_doctor.files import read_regular
from retina_doctor.settings import Settings
from retina_doctor.settings.declared import Declarations, Declared, declarations

FILE = "retina-doctor.toml"
PREFIX = "RETINA_DOCTOR_"
MOST_BYTES = 2**20
"""Of a file of settings, or of a pyproject.toml."""
NOT_SETTINGS = {"RETINA_DOCTOR_LANG", "RETINA_DOCTOR_RUN"}

Tables = dict[str, dict[str, Any]]
Where = Callable[[str, str | None], str]
"""(table, key or None) -> how to name that place in a complaint."""


def of_flags(given: Mapping[str, Any], known: Declarations | None = None) -> Tables:
    """Flags, by parameter, as the tables of a settings file; without those that were not given."""
    tables: Tables = {}
    for parameter, one in (known or declarations()).flags.items():
        value = given.get(parameter)
        if value is not None and value not in ([], ()):
            tables.setdefault(one.table, {})[one.key] = list(value) if isinstance(value, tuple) else value
    return tables


def load_settings(
    file: Path | None,
    environment: Mapping[str, str],
    flags: Tables,
    directory: Path,
    known: Declarations | None = None,
    check_words: Callable[[Iterable[str]], object] | None = None,
) -> Settings:
    """Settings of *flags* over *environment* over the file. *check_words*: raises UsageError where a word means no check.

    *file* None: retina-doctor.toml, else pyproject.toml's [tool.retina-doctor], in *directory*. Raises UsageError.
    """
    known = known or declarations()
    tables: Tables = {}
    found, place = _from_file(file, directory)
    by_variable, variable = _from_environment(environment, known)
    places: dict[tuple[str, str], str] = {}
    for source, where in ((found, place), (by_variable, variable), (flags, _of_flag(known))):
        checked = _checked(source, where, known)
        if source is found and file is None:
            _refuse_named_only(checked, place, known)
        for table, values in checked.items():
            _update(tables.setdefault(table, {}), values, known.tables[table])
            places |= {(table, key): where(table, key) for key in values}
    for (table, key), named in places.items():
        setting, value = known.tables[table][key].setting, tables[table][key]
        with _complaining(named):
            if setting.usable is not None:
                setting.usable(value)
            if setting.checks and check_words is not None:
                check_words(value)
    return known.settings(tables)


def _refuse_named_only(checked: Tables, where: Where, known: Declarations) -> None:
    """A file that merely lies in the working directory must not say what is run or written. Raises UsageError."""
    for table, values in checked.items():
        for key in values:
            if known.tables[table][key].setting.named_only:
                raise UsageError(
                    f"{where(table, key)}: is run or written, and is taken only from a file that you name: --config FILE"
                )


def _of_flag(known: Declarations) -> Where:
    def where(table: str, key: str | None) -> str:
        one = known.tables.get(table, {}).get(key or "")
        return (one.setting.flag if one else None) or f"[{table}] {key or ''}".rstrip()

    return where


def _update(into: dict[str, Any], values: Mapping[str, Any], known: Mapping[str, Declared]) -> None:
    """Key by key; a table within a table likewise, except where its keys are not ours to know."""
    for key, value in values.items():
        within = into.get(key)
        if known[key].inner and isinstance(within, dict):
            _update(within, value, known[key].inner)
        else:
            into[key] = value


def _checked(source: Mapping[str, Any], where: Where, known: Declarations) -> Tables:
    """The tables with every value as plain data that fits its key. Raises UsageError."""
    tables: Tables = {}
    for table, values in source.items():
        if table not in known.tables:
            if known.failures:
                continue  # it may be of a pack that does not load, which is a finding and no wrong usage
            raise UsageError(f"{where(table, None)}: no such table{_table_meant(table, known.tables)}")
        if not isinstance(values, dict):
            raise UsageError(f"{where(table, None)}: [{table}] must be a table")
        tables[table] = _fitting(table, values, known.tables[table], where)
    return tables


def _fitting(table: str, values: Mapping[str, Any], known: Mapping[str, Declared], where: Where) -> dict[str, Any]:
    fitting: dict[str, Any] = {}
    for key, value in values.items():
        place = where(table, key)
        if key not in known:
            raise UsageError(f"{place}: no such key in [{table}]{_nearest(key, known)}")
        one = known[key]
        if one.inner and isinstance(value, dict):
            fitting[key] = _fitting(f"{table}.{key}", value, one.inner, where)
            continue
        with _complaining(place):
            fitting[key] = one.fitting(value)
    return fitting


@contextlib.contextmanager
def _complaining(place: str) -> Iterator[None]:
    """A value that is none for its key is wrong usage, told with its place."""
    try:
        yield
    except (ValueError, UsageError) as error:
        raise UsageError(f"{place}: {error}") from None


def _table_meant(word: str, known: Mapping[str, Mapping[str, Any]]) -> str:
    """Of a word that stands where a table should: perhaps a key that forgot its table."""
    holders = [f"{table}.{word}" for table, keys in known.items() if word in keys]
    return f"; did you mean {' or '.join(holders)}?" if holders else _nearest(word, known)


def _nearest(word: str, known: Mapping[str, Any]) -> str:
    near = difflib.get_close_matches(word, list(known), 1)
    return f"; did you mean {near[0]}?" if near else f"; known are {', '.join(known)}"


def _from_file(file: Path | None, directory: Path) -> tuple[Tables, Where]:
    prefix = ""
    if file is None:
        own, shared = directory / FILE, directory / "pyproject.toml"
        if os.path.lexists(own):  # a FIFO of that name is complained of, not passed over
            file = own
        elif _mentions_us(shared):
            file, prefix = shared, "tool.retina-doctor."
        else:
            return {}, lambda table, _key: table
    elif file.name == "pyproject.toml":
        prefix = "tool.retina-doctor."
    try:
        text = read_regular(file, MOST_BYTES).decode()
        tables = tomli.loads(text)
    except OSError as error:
        raise UsageError(f"{file}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UsageError(f"{file}: is not a text file in UTF-8, so no TOML settings") from None
    except RecursionError:
        raise UsageError(f"{file}: is nested too deeply for settings") from None
    except ValueError as error:  # of TOML, or of a number with more digits than Python reads
        line = re.search(r"\(at line (\d+),", str(error))
        raise UsageError(f"{file}{f':{line[1]}' if line else ''}: {error}") from None
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
        text = read_regular(file, MOST_BYTES).decode("utf-8")
        tools = tomli.loads(text).get("tool") if "retina-doctor" in text else None
        return isinstance(tools, dict) and "retina-doctor" in tools
    except (OSError, ValueError, RecursionError):
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


def _from_environment(environment: Mapping[str, str], known: Declarations) -> tuple[Tables, Where]:
    """RETINA_DOCTOR_MODEL_PATH=... is path in [model]."""
    tables: Tables = {}
    names: dict[str, str] = {}
    for name, text in environment.items():
        if not name.startswith(PREFIX) or name in NOT_SETTINGS:
            continue
        words = name.removeprefix(PREFIX).lower()
        table = max(
            (one for one in known.tables if words.startswith(f"{one}_")), key=len, default=words.partition("_")[0]
        )
        key = words[len(table) + 1 :]
        names[table] = name
        one = known.tables.get(table, {}).get(key)
        tables.setdefault(table, {})[key] = text if one is None else _parse(name, text, one)
    return (
        tables,
        lambda table, key: f"environment variable {variable(table, key) if key else names[table]}",
    )


def variable(table: str, key: str) -> str:
    """The name of an environment variable. A table within a table is one variable, whose text holds the key."""
    outer, _, inner = table.partition(".")
    return f"{PREFIX}{outer}_{inner}".upper() + f": {key}" if inner else f"{PREFIX}{table}_{key}".upper()


def _parse(name: str, text: str, one: Declared) -> Any:
    """The value of an environment variable, which is always text, as its key wants it."""
    kind = one.plain_kind
    if kind is bool:
        if text.lower() not in ("1", "0", "true", "false"):
            raise UsageError(f"environment variable {name}: {text!r} is neither true nor false")
        return text.lower() in ("1", "true")
    if kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            raise UsageError(f"environment variable {name}: {text!r} is not a number") from None
    if one.inner or typing.get_origin(kind) in (dict, Mapping):
        try:
            return tomli.loads(f"v = {text}")["v"]
        except tomli.TOMLDecodeError:
            example = f'{next(iter(one.inner), "RD401")} = "…"'
            raise UsageError(f"environment variable {name}: write it as {{ {example} }}") from None
    return text


def working_directory() -> Path:
    """The current directory; "/" where it was deleted under our feet."""
    try:
        return Path.cwd()
    except OSError:
        return Path(os.sep)
