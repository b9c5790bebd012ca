"""Between typed facts and JSON. The only user of msgspec.

msgspec rather than pydantic: it reads typed facts as strictly, and imports in a fraction of the time,
which every run of a command-line tool pays.
"""

import functools
import inspect
import os
import threading
import typing
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar, Self, TypeVar

import msgspec
from msgspec import Meta, field
from msgspec.structs import force_setattr, replace

from retina_doctor.patterns import pattern

__all__ = [
    "Data",
    "DoesNotFit",
    "Facts",
    "Meta",
    "Plain",
    "decode",
    "encode",
    "field",
    "field_types",
    "force_setattr",
    "from_json",
    "replace",
    "size",
    "to_json",
    "to_line",
    "varying",
]

T = TypeVar("T")
_alone = threading.RLock()
"""msgspec 0.22 makes a type ready when it first decodes one, and shows it half made to other threads, which die of SIGSEGV."""


def _not_held() -> None:
    global _alone
    _alone = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_not_held)  # by a thread that a fork does not have


class Data(msgspec.Struct, frozen=True):
    """Base of all nouns: a frozen dataclass in all but its making, which is a hundred times faster.

    A hundred dataclasses would take longer to make, at each start, than all that is judged with them.
    Where they are read at each start (facts, settings), their modules do without `from __future__ import annotations`: text
    would have to be evaluated, twice.
    """


class Facts(Data, frozen=True, kw_only=True):
    """Base of what probes tell."""

    varies: ClassVar[Mapping[str, float | None]] = MappingProxyType({})
    """Fields that differ between two lookings at the same healthy machine, for `diff`: by at most this share of the larger
    value; None: by anything (numbers of processes, times)."""


@functools.cache
def field_types(kind: type[Any]) -> Mapping[str, Any]:
    """The types of its fields with all that they are annotated with."""
    types = {name: hint for base in reversed(kind.__mro__) for name, hint in inspect.get_annotations(base).items()}
    if all(map(_is_type, types.values())):
        return MappingProxyType(types)
    return MappingProxyType(typing.get_type_hints(kind, include_extras=True))  # evaluated, which takes its time


def _is_type(hint: Any) -> bool:
    """No text, nor does any stand in it."""
    return not isinstance(hint, str | typing.ForwardRef | None) and all(map(_is_type, getattr(hint, "__args__", ())))


def varying(**fields: float | None) -> Mapping[str, float | None]:
    """For `Facts.varies`."""
    return MappingProxyType(fields)


class Plain:
    """Base of nouns that say themselves how they stand in JSON."""

    def to_plain(self) -> Any:
        raise NotImplementedError

    @classmethod
    def of_plain(cls, value: Any) -> Self:
        """Raises ValueError."""
        raise NotImplementedError


def _to_plain(value: Any) -> Any:
    if isinstance(value, Plain):
        return value.to_plain()
    raise TypeError(f"{type(value).__name__} has no JSON form")


def _of_plain(kind: type[Any], value: Any) -> Any:
    if issubclass(kind, Plain):
        return kind.of_plain(value)
    raise TypeError(f"{kind.__name__} has no JSON form")


class DoesNotFit(ValueError):
    """A JSON value is not of the wanted type; the message names the place (``$.gpus[0].name``)."""


def decode(value: Any, kind: type[T]) -> T:
    """*value*, plain JSON data, as a *kind*. Raises DoesNotFit. Fields that *kind* does not know are passed over."""
    try:
        with _alone:
            return msgspec.convert(value, kind, strict=True, dec_hook=_of_plain)
    except (msgspec.ValidationError, RecursionError) as error:
        raise DoesNotFit(str(error)) from None


def encode(value: Any) -> Any:
    """*value*, dataclasses and all, as plain JSON data (lists, not tuples)."""
    return msgspec.json.decode(msgspec.json.encode(value, enc_hook=_to_plain))


def size(value: Any) -> int:
    """Bytes of *value* as JSON text."""
    return len(msgspec.json.encode(value, enc_hook=_to_plain))


def to_json(value: Any, *, indent: int = 2) -> str:
    """*value* as readable JSON text ending in a newline."""
    return _harmless(msgspec.json.format(msgspec.json.encode(value, enc_hook=_to_plain), indent=indent).decode()) + "\n"


def to_line(value: Any) -> str:
    """*value* as JSON text of one line (jsonlines.org)."""
    return _harmless(msgspec.json.encode(value, enc_hook=_to_plain).decode()) + "\n"


_OBEYED = pattern(r"[\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""Of what a terminal or an editor obeys, that which JSON admits as it stands; it is in texts alone."""


def _harmless(text: str) -> str:
    """The same JSON, in which such characters are escaped."""
    return text if text.isascii() else _OBEYED.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def from_json(text: str | bytes) -> Any:
    """Plain data of a JSON text. Raises DoesNotFit with the byte position when it is not JSON."""
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise DoesNotFit(str(error)) from None
