"""Facts of which only a part is known: what was told can be read, asking for anything else raises NotTold.

So a check itself says what it needs, by reading it: one that gets to an answer has rested on nothing but what was told.
"""

from __future__ import annotations

import functools
import inspect
from typing import Any, TypeVar, cast

T = TypeVar("T")


class NotTold(Exception):
    """The text does not tell this; the message names it ("Nvml.error_code")."""


class _Partial:
    def __init__(self, kind: type, told: dict[str, Any]) -> None:
        self.__dict__.update(told)
        self.__dict__["_kind"] = kind

    def __getattr__(self, name: str) -> Any:
        kind = self.__dict__["_kind"]
        there = inspect.getattr_static(kind, name, None)
        if isinstance(there, property) and there.fget is not None:
            return there.fget(self)
        if isinstance(there, functools.cached_property):
            return there.func(self)
        if inspect.isfunction(there):
            return functools.partial(there, self)
        if there is None:
            raise AttributeError(f"{kind.__name__} has no {name}")
        raise NotTold(f"{kind.__name__}.{name}")


def partial(kind: type[T], **told: Any) -> T:
    """A *kind* of which *told* is known. Properties and methods of *kind* work as far as they read no more."""
    for name in told:
        if not hasattr(kind, name):
            raise TypeError(f"{kind.__name__} has no field {name}")
    return cast(T, _Partial(kind, told))
