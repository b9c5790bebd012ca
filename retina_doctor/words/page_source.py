"""The form of a page, and its parts as they are written. A page is Markdown beside its check:

    # Plain title
    What it means for the service, in plain words: what `list` and `explain` say before anything was found.
    ## Found
    The title of a finding.
    The message: one paragraph.
    ## Fix
    What to do, with ```sh blocks that hold *the* commands, one runnable line each. They carry out the check's action,
    unless the block names another: ```sh look commands only show something.
    ## Do
    Optional: the step by hand of the plan, one or two sentences, where Fix does not begin with it.
    ## Why
    The mechanism, for whoever wants to know.

Where a check finds one of several things, it names the *variant* (`Problem.variant`), and the page has a section for each:
"## Found: missing", and "## Fix: missing, empty" where the remedy differs. A plain "## Found" is for those that have no
section of their own; what stands under a plain "## Fix" is for all of them and comes last. A page of one variant may be
short: "# Title", message, "## Fix", "## Why".
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from pathlib import Path

from retina_doctor.codec import Data
from retina_doctor.language import Language
from retina_doctor.patterns import pattern

BLOCK = pattern(r"^```sh(?: (\w+))?\n(.*?)^```$\n?", re.MULTILINE | re.DOTALL)


class PageError(ValueError):
    """A page is missing or not of the form that this module reads."""


class Variant(Data, frozen=True, kw_only=True):
    """What a page says of one kind of finding: templates. *todo*: the step by hand in one or two sentences, where Fix does not
    begin with it."""

    title: str
    message: str
    fix: str
    todo: str = ""


class PageSource(Data, frozen=True, kw_only=True):
    """The unrendered parts of a page. *title*, *meaning*, *why*: plain words. *variants*: "" where the check names none."""

    title: str
    meaning: str
    variants: Mapping[str, Variant]
    why: str

    def of(self, variant: str) -> Variant:
        """Raises PageError."""
        found = self.variants.get(variant) or self.variants.get("")
        if found is None:
            raise PageError(f"{self.title}: the page has no section for the variant {variant!r}")
        return found


def file_of(folder: Path, name: str, language: Language) -> Path:
    return folder / f"{name}.{language}.md"


FORM = "must be: # title, what it means, ## Found with title and message, ## Fix, ## Why"


@functools.cache
def source(folder: Path, name: str, language: Language) -> PageSource:
    """Raises PageError."""
    file = file_of(folder, name, language)
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PageError(f"{file}: {getattr(error, 'strerror', None) or error}") from None
    try:
        return _parsed(text)
    except ValueError:
        raise PageError(f"{file}: {FORM}") from None


def _parsed(text: str) -> PageSource:
    """Raises ValueError."""
    first, *rest = re.split(r"^## (?=Found|Fix|Do|Why)", text, flags=re.MULTILINE)
    head, _, opening = first.removeprefix("# ").partition("\n\n")
    sections = [(heading.strip(), body.strip()) for heading, _, body in (part.partition("\n") for part in rest)]
    if not first.startswith("# ") or not opening.strip() or not all(body for _, body in sections):
        raise ValueError
    by_kind: dict[str, dict[str, str]] = {"Found": {}, "Fix": {}, "Do": {}, "Why": {}}
    for heading, body in sections:
        kind, _, variants = heading.partition(":")
        place = by_kind.get(kind.strip())
        for variant in variants.split(","):
            if place is None or variant.strip() in place:
                raise ValueError
            place[variant.strip()] = body
    found, fixes, why = by_kind["Found"], by_kind["Fix"], by_kind["Why"]
    meaning = opening.strip() if found else ""
    if not found:
        found = {"": f"{head.strip()}\n\n{opening.strip()}"}
    variants = {}
    for variant, body in found.items():
        title, _, message = body.partition("\n\n")
        fix = "\n\n".join(dict.fromkeys(fixes[key] for key in (variant, "") if key in fixes))
        if not message or not fix:
            raise ValueError
        todo = by_kind["Do"].get(variant) or by_kind["Do"].get("", "")
        variants[variant] = Variant(title=title, message=message, fix=fix + "\n", todo=todo)
    if set(why) != {""} or not (set(fixes) | set(by_kind["Do"])) - {""} <= set(found):
        raise ValueError
    return PageSource(title=head.strip(), meaning=meaning, variants=variants, why=why[""])
