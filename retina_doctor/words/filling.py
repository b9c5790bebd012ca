"""Fills the places of a page, `{{ expression }}`: an expression of Python over the evidence, mostly a name. What the evidence
does not fill is an error.

A page holds no statements: which sentences hold is decided by its check, which names a variant. So no template engine is
needed, and importing one takes longer than all the rest of a quick check's report. A page is as much a pack's own code
as the check that it belongs to.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator, Mapping
from types import CodeType
from typing import Any

from retina_doctor.figures import quantity
from retina_doctor.patterns import pattern

PLACE = pattern(r"\{\{(.*?)\}\}", re.DOTALL)
_STATEMENT = pattern(r"\{[%#{]")
"""Of template engines, or a place that does not end."""


class Filter:
    """`{{ value | filter }}`."""

    def __init__(self, put: Callable[[Any], Any]) -> None:
        self._put = put

    def __ror__(self, value: Any) -> Any:
        return self._put(value)


def mebibytes(value: float) -> str:
    """Bytes as whole MiB."""
    return f"{value / 1024**2:.0f} MiB"


FILTERS: Mapping[str, Any] = {
    "MiB": Filter(mebibytes),
    "join": lambda between: Filter(lambda many: between.join(map(str, many))),
    "length": Filter(len),
    "quantity": lambda unit: Filter(lambda value: quantity(value, unit)),
    "round": lambda digits: Filter(lambda value: round(value, digits)),
}
"""Of pages: `{{ cards | join(", ") }}`, `{{ now | quantity(unit) }}` with a unit of `retina_doctor.figures`."""


class Filling:
    """How values are put into one kind of text. *shown*: what stands for a value there, quoted as that text needs it."""

    def __init__(self, shown: Callable[[Any], Any]) -> None:
        self._shown = shown

    def __call__(self, text: str, values: Mapping[str, Any]) -> str:
        """Raises NameError for what *values* lack, SyntaxError, and whatever the expressions raise."""
        if "{%" in text:
            raise SyntaxError(_places_alone("{%"))
        text = text.removesuffix("\n")
        return PLACE.sub(lambda place: str(self._shown(_value(place[1].strip(), values))), text)


def _value(expression: str, values: Mapping[str, Any]) -> Any:
    if expression in values:  # as most are: a name
        return values[expression]
    return eval(compiled(expression), {"__builtins__": {}, **FILTERS, **values})  # noqa: S307 - a pack's own, as its checks are


@functools.lru_cache(maxsize=1024)
def compiled(expression: str) -> CodeType:
    """Raises SyntaxError."""
    if not expression:
        raise SyntaxError("an empty place")
    return compile(f"({expression}\n)", "<page>", "eval")  # in parentheses a line may be wrapped


def broken_places(text: str) -> Iterator[tuple[int, str]]:
    """(line, what is wrong) of each place that is no expression, and of what only a template engine would understand."""
    for place in PLACE.finditer(text):
        try:
            compiled(place[1].strip())
        except SyntaxError as error:
            yield _line(text, place.start()), f"{place[0]}: {error.msg}"
    rest = PLACE.sub(lambda place: " " * len(place[0]), text)
    for mark in _STATEMENT.finditer(rest):
        yield _line(text, mark.start()), _places_alone(mark[0])


def _places_alone(mark: str) -> str:
    return f"{mark}: a page has places alone, {{{{ expression }}}}"


def _line(text: str, place: int) -> int:
    return text.count("\n", 0, place) + 1


def names_in(text: str) -> set[str]:
    """Names that the places of a text ask for. Raises SyntaxError."""
    import ast

    trees = [ast.parse(f"({place[1]}\n)", mode="eval") for place in PLACE.finditer(text)]
    return {node.id for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Name)} - FILTERS.keys()
