"""What a check asks for, read from the types of its parameters."""

from __future__ import annotations

import types
import typing
from collections.abc import Iterable
from enum import Enum, auto
from typing import Any

from retina_doctor.authoring import Check, Gathered
from retina_doctor.codec import Data, field_types, replace
from retina_doctor.errors import PackError
from retina_doctor.model import Reading


class Want(Enum):
    REQUIRED = auto()
    OPTIONAL = auto()
    READING = auto()


class Need(Data, frozen=True):
    """One parameter of a check, or one *field* of the `Gathered` class *whole* that it is: which facts it wants, and how."""

    parameter: str
    facts: type
    want: Want
    field: str | None = None
    whole: type[Gathered] | None = None


class Parameter(Data, frozen=True):
    """A parameter of a check: one need, or all those of the `Gathered` class *whole*. *asked*: the same number wherever the same
    is asked for."""

    name: str
    whole: type[Gathered] | None
    needs: tuple[Need, ...]
    asked: int


def parameters_of(needs: Iterable[Need]) -> tuple[Parameter, ...]:
    by_name: dict[str, list[Need]] = {}
    for need in needs:
        by_name.setdefault(need.parameter, []).append(need)
    return tuple(
        Parameter(name, of[0].whole, tuple(of), _number(of[0].whole or (of[0].facts, of[0].want)))
        for name, of in by_name.items()
    )


_NUMBERS: dict[type | tuple[type, Want], int] = {}


def _number(asked: type | tuple[type, Want]) -> int:
    return _NUMBERS.setdefault(asked, len(_NUMBERS))


def needs_of(check: Check) -> tuple[Need, ...]:
    """Raises PackError where a parameter asks for what nobody can give."""
    needs: list[Need] = []
    for parameter, written in check.judge.__annotations__.items():
        hint = _hint(check, written) if parameter != "return" else None
        if isinstance(hint, type) and issubclass(hint, Gathered):
            needs += _gathered(check, parameter, hint)
        elif hint is not None:
            needs.append(_need(check, parameter, hint))
    return tuple(needs)


_wholes: dict[tuple[str, type[Gathered]], tuple[Need, ...]] = {}
"""Of a parameter of that class, which the checks of a module share."""


def _gathered(check: Check, parameter: str, whole: type[Gathered]) -> tuple[Need, ...]:
    if (parameter, whole) not in _wholes:
        fields = field_types(whole).items()
        found = (replace(_need(check, parameter, inner), field=name, whole=whole) for name, inner in fields)
        _wholes[parameter, whole] = tuple(found)
    return _wholes[parameter, whole]


_hints: dict[tuple[str, str], Any] = {}
"""(module, text of an annotation) -> what it names. Checks of one module want the same few facts; `typing.get_type_hints`
would evaluate them anew for each parameter of each."""


def _hint(check: Check, hint: Any) -> Any:
    """The type that an annotation names, written as text or not. Raises PackError."""
    if not isinstance(hint, str):
        return hint
    key = (check.judge.__module__, hint)
    if key not in _hints:
        names = check.judge.__globals__
        try:
            _hints[key] = names[hint] if hint in names else eval(hint, names)  # noqa: S307 - a pack's own code, which has been run already
        except NameError as error:
            raise PackError(f"{check.place}: {check.name}: {error}") from None
    return _hints[key]


def _need(check: Check, parameter: str, hint: Any) -> Need:
    if isinstance(hint, type):
        return Need(parameter, hint, Want.REQUIRED)
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is Reading:
        return Need(parameter, arguments[0], Want.READING)
    if origin in (types.UnionType, typing.Union) and len(arguments) == 2 and type(None) in arguments:
        return Need(parameter, next(a for a in arguments if a is not type(None)), Want.OPTIONAL)
    raise PackError(
        f"{check.place}: {check.name}: parameter {parameter} must be Facts, Facts | None or Reading[Facts], not {hint}"
    )
