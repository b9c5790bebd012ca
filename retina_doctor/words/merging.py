"""What pip is told for several causes, merged into one sequence in which no command undoes what another did."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from packaging.requirements import Requirement


def merged(wishes: Sequence[Sequence[tuple[str, ...]]]) -> list[tuple[str, ...]]:
    """pip's actions of several causes, each a sequence of (action, words), as one sequence that suits them all.

    Packages that share a folder (onnxruntime and onnxruntime-gpu, the builds of OpenCV) must be gone before one of them is
    installed, and whatever may bring one of them along comes before that. So: what is only installed; then all that is to
    go; then what takes its place; last what is only unpacked over what is there (``--no-deps``). A package that one cause
    removes for good is not installed for another.
    """
    removed, replacing, gone = _exchanged(wishes)
    before: dict[tuple[str, ...], list[str]] = {}
    after: dict[tuple[str, ...], list[str]] = {}
    for wish in wishes:
        late = False
        for action, *words in wish:
            late = late or action == "uninstall"
            if action == "install":
                flags, packages = _asked(words)
                for word in packages:
                    name = _name(word)
                    if name not in gone:
                        where = after if late or "--no-deps" in flags or name in replacing else before
                        where.setdefault(flags, []).append(word)
    actions = [("install", *flags, *_together(words)) for flags, words in before.items()]
    actions += [("uninstall", *removed)] if removed else []
    plain_first = sorted(after.items(), key=lambda one: "--no-deps" in one[0])
    done: set[str] = set()
    for flags, words in plain_first:
        kept = [word for word in _together(words) if _name(word) not in done]
        done |= {_name(word) for word in kept}
        actions += [("install", *flags, *kept)] if kept else []
    return actions


def _exchanged(wishes: Sequence[Sequence[tuple[str, ...]]]) -> tuple[dict[str, None], set[str], set[str]]:
    """What is uninstalled, in order; what is installed in the place of that; what is removed for good."""
    removed: dict[str, None] = {}
    replacing: set[str] = set()
    gone: set[str] = set()
    for wish in wishes:
        taken: dict[str, None] = {}
        put: set[str] = set()
        for action, *words in wish:
            if action == "uninstall":
                taken |= dict.fromkeys(words)
            else:
                names = {_name(word) for word in _asked(words)[1]}
                put |= names
                replacing |= names if taken else set()
        removed |= taken
        gone |= {_name(name) for name in taken} - put
    return removed, replacing, gone


def _asked(words: Iterable[str]) -> tuple[tuple[str, ...], list[str]]:
    """pip's flags, each with its value, which is no requirement; and what is to be installed."""
    flags: list[str] = []
    packages: list[str] = []
    for last, word in itertools.pairwise(("", *words)):
        is_value = last.startswith("-") and not word.startswith("-") and _requirement(word) is None
        (flags if word.startswith("-") or is_value else packages).append(word)
    return tuple(flags), packages


def _name(word: str) -> str:
    """The distribution that a requirement names, as packaging compares names; a file or a URL is a name of its own."""
    from packaging.utils import canonicalize_name

    asked = _requirement(word)
    return word if asked is None else canonicalize_name(asked.name)


def _requirement(word: str) -> Requirement | None:
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        return Requirement(word)
    except InvalidRequirement:
        return None


def _together(words: Iterable[str]) -> list[str]:
    """Requirements, those on one distribution as one, with all extras and all bounds; where one is pinned, the first pin."""
    found: dict[str, str] = {}
    for word in words:
        name = _name(word)
        found[name] = _both(found[name], word) if name in found and found[name] != word else word
    return list(found.values())


def _both(first: str, second: str) -> str:
    one, other = _requirement(first), _requirement(second)
    if one is None or other is None:
        return first
    pinned = [bound for bounds in (one, other) for bound in bounds.specifier if bound.operator == "=="]
    one.specifier = type(one.specifier)(str(pinned[0])) if pinned else one.specifier & other.specifier
    one.extras |= other.extras
    return str(one)
