"""All tables of one run, as plain data and as their types."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar

from retina_doctor.codec import Plain, decode, encode
from retina_doctor.settings.engine import GateSettings, ProcessSettings, TargetSettings
from retina_doctor.settings.tables import Table

T = TypeVar("T", bound=Table)


class Settings(Plain):
    """All tables as plain data, by name; `of` gives one as its own type. What no installed pack knows is kept as it is."""

    def __init__(self, *tables: Table, plain: Mapping[str, Mapping[str, Any]] | None = None) -> None:
        self._plain: dict[str, dict[str, Any]] = {name: dict(values) for name, values in (plain or {}).items()}
        for table in tables:
            self._plain.setdefault(table.TABLE, {}).update(encode(table))
        self._typed: dict[type[Table], Any] = {}

    def of(self, kind: type[T]) -> T:
        """That table, with defaults for what was not said. Raises DoesNotFit."""
        if kind not in self._typed:
            self._typed[kind] = decode(self._plain.get(kind.TABLE, {}), kind)
        found: T = self._typed[kind]
        return found

    @property
    def target(self) -> TargetSettings:
        return self.of(TargetSettings)

    @property
    def process(self) -> ProcessSettings:
        return self.of(ProcessSettings)

    @property
    def gate(self) -> GateSettings:
        return self.of(GateSettings)

    def changed(self, *tables: Table, **values: Mapping[str, Any]) -> Settings:
        """With other *tables*, or other plain *values* of some keys: ``changed(service={"pid": 7})``."""
        plain = {**self._plain, **{name: {**self._plain.get(name, {}), **keys} for name, keys in values.items()}}
        return Settings(*tables, plain=plain)

    def implied(self, values: Mapping[str, Mapping[str, Any]]) -> Settings:
        """With *values*, by table and key, where nothing else was said."""
        new = {
            name: {key: value for key, value in keys.items() if self._plain.get(name, {}).get(key) is None}
            for name, keys in values.items()
        }
        return self.changed(**new)

    def to_plain(self) -> Mapping[str, Mapping[str, Any]]:
        return self._plain

    @classmethod
    def of_plain(cls, value: Any) -> Self:
        """Raises ValueError where a table of the engine's own does not fit."""
        settings = cls(plain=decode(value, dict[str, dict[str, Any]]))
        for kind in (TargetSettings, ProcessSettings, GateSettings):
            settings.of(kind)
        return settings

    def __eq__(self, other: object) -> bool:
        return self._plain == other._plain if isinstance(other, Settings) else NotImplemented

    def __repr__(self) -> str:
        return f"Settings(plain={self._plain!r})"
