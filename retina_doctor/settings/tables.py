"""What a table of settings is, and what each field of it says of itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from retina_doctor.codec import Data


class Setting(Data, frozen=True):
    """What a field of a table is, beyond its type. *en*, *zh*: one sentence of help in each language.

    *flag*: "--det-size"; *metavar*: how its value is called in the help. *several*: the flag may be repeated. *common* False:
    only commands that ask for the flag by name take it. *named_only*: what is run or written, and is therefore not taken from
    a file that merely lies in the working directory. *checks*: its words are codes, names and domains of checks, which a
    shell completes. *read*: turns what a file, a variable or a flag says into the plain
    JSON data of the field, or raises ValueError in the operator's words. *usable*: raises such a one where the value that counts
    names something of the caller's that cannot be used, before anything is looked at. What a value out of range is told of
    itself is the ``description`` of the `Meta` that gives the range: "is not between 0 and 1".
    """

    en: str = ""
    zh: str = ""
    flag: str | None = None
    metavar: str | None = None
    several: bool = False
    common: bool = True
    named_only: bool = False
    checks: bool = False
    read: Callable[[Any], Any] | None = None
    usable: Callable[[Any], None] | None = None


class Table(Data, frozen=True, kw_only=True):
    """Base of tables of settings; TABLE is its name in files. Each field has a default. The engine's may be derived from."""

    TABLE: ClassVar[str] = ""

    def looked_at(self) -> tuple[str, ...]:
        """What a report is about where these settings name something else than a target: files, for instance."""
        return ()
