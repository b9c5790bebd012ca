"""Snapshot -> Snapshot: each text by the rule of its kind, as its fact's type declares it (retina_doctor/kinds.py)."""

from __future__ import annotations

import functools
import re
import types
import typing
from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Set
from typing import Any, cast

import msgspec

from retina_doctor.catalogue.registry import Catalogue
from retina_doctor.codec import Data, decode, encode, field_types, from_json, to_line
from retina_doctor.kinds import Kind
from retina_doctor.masking.forms import MARK
from retina_doctor.model import Effort, Interpreter, Snapshot
from retina_doctor.redaction.hearing import Hearing
from retina_doctor.redaction.marks import Marks
from retina_doctor.redaction.rules import Rules
from retina_doctor.redaction.secrets_only import SecretsOnly
from retina_doctor.settings.declared import declarations

Walk = Callable[[Any, Rules], Any]
LONGEST = 65536
"""Characters of a reading that is remembered."""
SAID = ("facts", "stage", "detail", "stderr_tail", "effort")
"""Fields of a reading that hold text. How long it took differs in each, and holds none."""
MOST_PASSES = 6
"""What is masked changes what stands beside it; a few passes at most, then nothing changes more."""

SETTINGS = {
    "target.command": Kind.COMMAND, "target.workdir": Kind.PATH, "model.path": Kind.PATH, "model.root": Kind.PATH,
    "detection.image": Kind.PATH, "detection.save_picture": Kind.PATH, "service.host": Kind.HOST, "service.url": Kind.URL,
    "service.response.field": Kind.KEY, "service.response.faces": Kind.KEY, "service.response.box": Kind.KEY,
    "service.response.points": Kind.KEY, "service.response.score": Kind.KEY, "scan.paths": Kind.PATH,
    "expect.model_sha256": Kind.SERIAL, "expect.gpu_name": Kind.NAME,
    "gate.only": Kind.NAME, "gate.skip": Kind.NAME,
}  # fmt: skip
"""Kinds of what the operator wrote; what is not among these is free text."""


def redact(snapshot: Snapshot, catalogue: Catalogue) -> Snapshot:
    """The same machine without names of people, hosts and places, addresses, serials and secrets.

    What no rule knows to be harmless is masked, and what a report on the spot would not show. *masked* of the result counts
    the marks by kind.
    """
    for _ in range(MOST_PASSES):
        clean = _cleaned(without_secrets(snapshot, catalogue), catalogue, Rules(Marks()))
        counts = Counter(
            re.sub(r"\d", "", mark[1:-1]) for text in _strings(clean) if "<" in text for mark in re.findall(MARK, text)
        )
        counted = {**clean, "redacted": True, "masked": dict(sorted(counts.items()))}
        before, snapshot = snapshot, decode(counted, Snapshot)
        if snapshot == before:
            break
    return snapshot


def without_secrets(snapshot: Snapshot, catalogue: Catalogue) -> Snapshot:
    """The same machine with its names, for a report on the spot. A snapshot that is redacted stays as it is; that it says so
    of itself is not enough."""
    clean = _cleaned(snapshot, catalogue, SecretsOnly(Marks()))
    return decode({**clean, "masked": snapshot.masked}, Snapshot)


def _cleaned(snapshot: Snapshot, catalogue: Catalogue, rules: Rules) -> dict[str, Any]:
    """As plain data, all but what counts the marks in it."""
    data = encode(snapshot)
    origin = data.pop("origin")
    del data["masked"]  # it is counted anew
    rules.marks.used([to_line(data)])
    walks: dict[str, Walk] = {
        name: _walk_of(cast(Hashable, probe.facts))
        for name, probe in catalogue.probes.items()
        if name in data["readings"]
    } | {"interpreter": _walk_of(Interpreter)}
    if not isinstance(rules, SecretsOnly):
        _learn(data, walks, _keys(catalogue), rules.marks)
    told = {name: _told(reading, walks.get(name, _document), rules) for name, reading in data["readings"].items()}
    return {name: walk(data[name], rules) for name, walk in _of_the_machine().items()} | {
        "settings": _settings(data["settings"], rules, _keys(catalogue)),
        "readings": {name if name in catalogue.probes else rules.key(name): reading for name, reading in told.items()},
        "label": SecretsOnly(rules.marks).text(data["label"]),  # the operator's own words, for whoever reads the file
        "origin": _document(origin, rules),
    }


@functools.cache
def _of_the_machine() -> dict[str, Walk]:
    """Field of a snapshot -> its walk, but for those that types alone do not tell. A new field is masked by its type, too."""
    others = ("settings", "readings", "label", "origin", "masked")
    return {name: _walk_of(hint) for name, hint in field_types(Snapshot).items() if name not in others}


def _learn(data: Any, walks: Mapping[str, Walk], ours: Set[str], marks: Marks) -> None:
    """A first pass: who and where is named surely somewhere is found in every other text."""
    hearing = Hearing(marks)
    for text in _strings(data):
        hearing.homes(text)
    for name, reading in data["readings"].items():
        walks.get(name, _document)(reading["facts"], hearing)
    for name, walk in _of_the_machine().items():
        walk(data[name], hearing)
    _settings(data["settings"], hearing, ours)
    marks.learn()


def _told(reading: Any, walk: Walk, rules: Rules) -> Any:
    """`_reading`; once for all nodes of a fleet that told the same, where what is masked depends on the reading alone."""
    if isinstance(rules, SecretsOnly):
        text = to_line({name: reading[name] for name in SAID})
        if len(text) < LONGEST:
            return {**reading, **_without_secrets(walk, text)}
    return _reading(reading, walk, rules)


@functools.lru_cache(maxsize=2048)
def _without_secrets(walk: Walk, text: str) -> dict[str, Any]:
    return _reading(from_json(text), walk, SecretsOnly(Marks()))


def _reading(reading: Any, walk: Walk, rules: Rules) -> dict[str, Any]:
    return {
        **reading,
        "facts": walk(reading["facts"], rules),
        "stage": reading["stage"] and rules.text(reading["stage"]),
        "detail": reading["detail"] and rules.text(reading["detail"]),
        "stderr_tail": _lines(reading["stderr_tail"], rules),
        "effort": reading.get("effort") and _walk_of(Effort)(reading["effort"], rules),
    }


def _lines(lines: list[str], rules: Rules) -> list[str]:
    """Masked as one text: a key or a token may go over several lines."""
    return [line for line in rules.text("\n".join(lines)).split("\n") if line.strip()]


def _settings(value: Any, rules: Rules, ours: Set[str], way: str = "") -> Any:
    """*ours*: keys that are nobody's: of tables, and of figures that are compared, which masked ones would no longer be."""
    if isinstance(value, dict):
        return {
            (key if key in ours else rules.name(key)): _settings(inner, rules, ours, f"{way}.{key}".lstrip("."))
            for key, inner in value.items()
        }
    kind = SETTINGS.get(way, Kind.TEXT)
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return rules.words(value) if kind is Kind.COMMAND else [rules.of[kind](one) for one in value]
    literal = value in _literals()
    return value if not isinstance(value, str) or literal else rules.of[kind](value)


def _keys(catalogue: Catalogue) -> Set[str]:
    return _literals() | {measure.of for measure in catalogue.measures}


@functools.cache
def _literals() -> frozenset[str]:
    """Words that settings have by their types, names of tables and keys among them: nobody's."""
    found = {kind.TABLE for kind in declarations().kinds}

    def look(hint: Any) -> None:
        if typing.get_origin(hint) is typing.Literal:
            found.update(one for one in typing.get_args(hint) if isinstance(one, str))
        elif isinstance(hint, type) and issubclass(hint, Data):
            for name, inner in field_types(hint).items():
                found.add(name)
                look(inner)
        else:
            for inner in typing.get_args(hint):
                look(inner)

    for kind in declarations().kinds:
        look(kind)
    return frozenset(found)


def _document(value: Any, rules: Rules) -> Any:
    return rules.document(value)


@functools.cache
def _walk_of(hint: Hashable, kind: Kind = Kind.TEXT) -> Walk:
    """How a value of this type is gone through; made once a type."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Annotated:
        kind = next((one for one in getattr(hint, "__metadata__", ()) if isinstance(one, Kind)), kind)
        if kind is Kind.COMMAND and arguments[0] is not str:
            return lambda value, rules: rules.words(value) if _are_words(value) else rules.document(value)
        return _walk_of(arguments[0], kind)
    if hint is str:
        return lambda value, rules: rules.of[kind](value) if isinstance(value, str) else rules.document(value)
    if origin is typing.Literal:
        return lambda value, rules: value if value in arguments else rules.document(value)
    if origin in (typing.Union, types.UnionType):
        return _either([_walk_of(one, kind) for one in arguments if one is not type(None)])
    if origin is tuple or origin is list:
        return _sequence(arguments, kind)
    if origin is dict or (isinstance(origin, type) and issubclass(origin, Mapping)):
        return _table(_walk_of(arguments[0]), _walk_of(arguments[1]))
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        return _struct({name: _walk_of(inner) for name, inner in field_types(hint).items()})
    if hint in (int, float, bool):
        return lambda value, rules: value if isinstance(value, int | float) else rules.document(value)
    return _document


def _are_words(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _either(walks: list[Walk]) -> Walk:
    def walk(value: Any, rules: Rules) -> Any:
        if value is None:
            return None
        return (
            walks[0](value, rules)
            if len(walks) == 1 or isinstance(value, dict | list)
            else _number_or(walks, value, rules)
        )

    return walk


def _number_or(walks: list[Walk], value: Any, rules: Rules) -> Any:
    return value if isinstance(value, int | float) else walks[-1](value, rules)


def _sequence(arguments: tuple[Any, ...], kind: Kind) -> Walk:
    if kind is Kind.TEXT and arguments == (str, ...):
        return lambda value, rules: _lines(value, rules) if _are_words(value) else rules.document(value)
    walks = [_walk_of(one, kind) for one in arguments if one is not ...]

    def walk(value: Any, rules: Rules) -> Any:
        if not isinstance(value, list):
            return rules.document(value)
        return [walks[min(place, len(walks) - 1)](one, rules) for place, one in enumerate(value)]

    return walk


def _table(key: Walk, inner: Walk) -> Walk:
    def walk(value: Any, rules: Rules) -> Any:
        if not isinstance(value, dict):
            return rules.document(value)
        return {str(key(name, rules)): inner(one, rules) for name, one in value.items()}

    return walk


def _struct(fields: dict[str, Walk]) -> Walk:
    def walk(value: Any, rules: Rules) -> Any:
        if not isinstance(value, dict):
            return rules.document(value)
        return {
            name if name in fields else rules.key(name): fields.get(name, _document)(one, rules)
            for name, one in value.items()
        }

    return walk


def _strings(value: Any) -> list[str]:
    """Every text in plain data, keys among them, in its order."""
    found: list[str] = []
    _gather(value, found)
    return found


def _gather(value: Any, found: list[str]) -> None:
    if isinstance(value, str):
        found.append(value)
    elif isinstance(value, dict):
        for name, inner in value.items():
            found.append(name)
            _gather(inner, found)
    elif isinstance(value, list):
        for inner in value:
            _gather(inner, found)
