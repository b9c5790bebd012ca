"""Which settings there are: the tables of engine and packs, key by key. Found without loading any check."""

from __future__ import annotations

import functools
import types
import typing
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any

from retina_doctor.codec import Data, DoesNotFit, Meta, decode, field, field_types
from retina_doctor.errors import described
from retina_doctor.patterns import pattern
from retina_doctor.points import loaded, points_of
from retina_doctor.settings import GateSettings, ProcessSettings, Setting, Settings, Table, TargetSettings

GROUP = "retina_doctor.settings"


MISFIT = pattern(r"Expected `([^`]+)`, got `([^`]+)`")
"""How the decoder says that a value has another type."""
TYPES = {
    "int": "a whole number",
    "float": "a number",
    "str": "text",
    "bool": "true or false",
    "array": "a list",
    "object": "a table",
}
"""What its types are called by whoever writes a settings file."""


class DeclarationError(ValueError):
    """Tables contradict each other or the rules; the message says how."""


class Declared(Data, frozen=True, kw_only=True):
    """One key of a table. *kind*: its type as written, ranges and all. *inner*: keys of the table that it is itself."""

    table: str
    key: str
    kind: Any
    default: Any
    setting: Setting
    inner: Mapping[str, Declared] = field(default_factory=dict)

    @property
    def plain_kind(self) -> Any:
        return _bare(self.kind)

    @property
    def parameter(self) -> str:
        """The flag as a name of Python's: det_size."""
        return (self.setting.flag or "").lstrip("-").replace("-", "_")

    @property
    def choices(self) -> tuple[str, ...]:
        return typing.get_args(self.plain_kind) if typing.get_origin(self.plain_kind) is typing.Literal else ()

    def fitting(self, value: Any) -> Any:
        """*value*, from a file or a flag, as plain JSON data of this key. Raises ValueError in the operator's words."""
        if self.setting.read is not None:
            value = self.setting.read(value)
        try:
            decode(value, self.kind)
        except DoesNotFit as error:
            raise ValueError(self._unfit(value, str(error).replace(" - at `$`", ""))) from None
        if not _is_text(value):
            raise ValueError(f"{value!a} is not text in UTF-8")
        return value

    def _unfit(self, value: Any, told: str) -> str:
        range_only = ", got" not in told
        words = next((m.description for m in _within(self.kind) if isinstance(m, Meta) and m.description), None)
        if self.choices:
            return f"{value!r}: known are {', '.join(self.choices)}"
        if range_only and words:
            return f"{value!r} {words}"
        kinds = MISFIT.fullmatch(told)
        return f"{value!r} is {_called(kinds[2])}, not {_called(kinds[1])}" if kinds else told


class Declarations(Data, frozen=True, kw_only=True):
    """*kinds*: all tables, in the order of the help. *tables*: their keys. *failures*: (distribution's entry, error)."""

    kinds: tuple[type[Table], ...]
    tables: Mapping[str, Mapping[str, Declared]]
    failures: tuple[tuple[str, str], ...] = ()

    @property
    def flags(self) -> Mapping[str, Declared]:
        """By parameter: what the flags of commands stand for, in the order of the help."""
        return {one.parameter: one for keys in self.tables.values() for one in keys.values() if one.setting.flag}

    def settings(self, plain: Mapping[str, Mapping[str, Any]]) -> Settings:
        """All tables whole: those *plain* values that fit, and defaults for the rest."""
        return Settings(*(decode(plain.get(kind.TABLE, {}), kind) for kind in self.kinds), plain=plain)

    def misfit(self, settings: Settings) -> str | None:
        """What is wrong with settings that were not read here; None: nothing."""
        for kind in self.kinds:
            try:
                settings.of(kind)
            except DoesNotFit as error:
                return f"settings.{kind.TABLE}: {error}"
        return None

    def looked_at(self, settings: Settings) -> tuple[str, ...]:
        """What a report is about instead of the target; nothing: it is about the target."""
        return tuple(one for kind in self.kinds for one in settings.of(kind).looked_at())


@functools.cache
def declarations() -> Declarations:
    """The tables of the engine and of all distributions. What cannot be loaded is a failure in them."""
    found: list[type[Table]] = []
    failures: list[tuple[str, str]] = []
    for point in points_of(GROUP):
        try:
            tables = tuple(loaded(point))
            declared(*found, *tables)
        except Exception as error:
            failures.append((f"{point.name} ({point.value})", described(error)))
        else:
            found += tables
    whole = declared(*found)
    return Declarations(kinds=whole.kinds, tables=whole.tables, failures=tuple(failures))


def declared(*kinds: type[Table]) -> Declarations:
    """The engine's tables and these. Raises DeclarationError."""
    all_kinds: tuple[type[Table], ...] = (TargetSettings, *kinds, ProcessSettings, GateSettings)
    tables: dict[str, dict[str, Declared]] = {}
    for kind in all_kinds:
        if not (isinstance(kind, type) and issubclass(kind, Table) and kind.TABLE):
            raise DeclarationError(f"{kind!r} is no Table with a name in TABLE")
        keys = tables.setdefault(kind.TABLE, {})
        for one in _keys(kind.TABLE, kind):
            if keys.setdefault(one.key, one) != one:
                raise DeclarationError(f"[{kind.TABLE}] {one.key} is declared twice, last by {kind.__qualname__}")
    flags = [one.setting.flag for keys in tables.values() for one in keys.values() if one.setting.flag]
    twice = sorted({flag for flag in flags if flags.count(flag) > 1})
    if twice:
        raise DeclarationError(f"two settings have the flag {', '.join(twice)}")
    return Declarations(kinds=all_kinds, tables=tables)


def _keys(table: str, kind: type[Data]) -> Iterator[Declared]:
    try:
        defaults = kind()
    except TypeError as error:
        raise DeclarationError(f"[{table}] {kind.__qualname__}: each key needs a default: {error}") from None
    hints = field_types(kind)
    for key in kind.__struct_fields__:
        setting = next((one for one in _within(hints[key]) if isinstance(one, Setting)), Setting())
        plain = _bare(hints[key])
        nested = isinstance(plain, type) and issubclass(plain, Data) and setting.read is None
        inner = {one.key: one for one in _keys(f"{table}.{key}", plain)} if nested else {}
        yield Declared(
            table=table, key=key, kind=hints[key], default=getattr(defaults, key), setting=setting, inner=inner
        )


def _called(types: str) -> str:
    return " or ".join(TYPES.get(one, one) for one in types.split(" | ") if one != "null")


def _bare(kind: Any) -> Any:
    """A type without what is annotated and without None."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is Annotated:
        return _bare(arguments[0])
    if origin in (types.UnionType, typing.Union):
        others = [one for one in arguments if one is not types.NoneType]
        return _bare(others[0]) if len(others) == 1 else kind
    return kind


def _within(kind: Any) -> Iterable[Any]:
    """All that a type is annotated with, the outermost first."""
    if typing.get_origin(kind) is Annotated:
        yield from typing.get_args(kind)[1:]
        yield from _within(typing.get_args(kind)[0])
    elif typing.get_origin(kind) in (types.UnionType, typing.Union):
        for one in typing.get_args(kind):
            yield from _within(one)


def _is_text(value: Any) -> bool:
    """False where it holds bytes that are no UTF-8, which no snapshot could keep, or NUL, which no system call takes."""
    if isinstance(value, dict):
        return all(map(_is_text, (*value, *value.values())))
    if isinstance(value, list):
        return all(map(_is_text, value))
    return not isinstance(value, str) or not any(
        "\ud800" <= character <= "\udfff" or character == "\0" for character in value
    )
