"""Which releases a requirement lets in, as it is written: PEP 440's comparisons, and poetry's and npm's ^ and ~."""

from __future__ import annotations

import re

Version = tuple[int, ...]

CLAUSE = re.compile(r"(===|==|!=|>=|<=|~=|>|<|\^|~)?\s*v?(\d+(?:\.\d+)*)(\.\*)?")


def numbers(text: str) -> Version:
    """ "1.18.0" -> (1, 18, 0); what is no number ends it."""
    match = re.match(r"\d+(?:\.\d+)*", text)
    return tuple(map(int, match[0].split("."))) if match else ()


def allows(spec: str, version: str) -> bool:
    """Whether a release is let in. No spec lets all in."""
    release = numbers(version)
    return all(_holds(release, *clause) for clause in CLAUSE.findall(spec))


def pinned(spec: str) -> str | None:
    """The one release that a spec lets in: ==1.18.0; None where there may be several."""
    match = re.fullmatch(r"\s*={2,3}\s*(\d+(?:\.\d+)*)\s*", spec)
    return match[1] if match else None


def _holds(release: Version, sign: str, text: str, star: str) -> bool:
    wanted = numbers(text)
    size = max(len(release), len(wanted))
    one, other = release + (0,) * (size - len(release)), wanted + (0,) * (size - len(wanted))
    same = release[: len(wanted)] == wanted if star else one == other
    if sign in ("", "==", "==="):
        return same
    if sign == "!=":
        return not same
    if sign in (">", "<"):
        return one > other if sign == ">" else one < other
    if sign == "<=":
        return one <= other
    return one >= other and (sign == ">=" or release[: len(_fixed(sign, wanted))] == _fixed(sign, wanted))


def _fixed(sign: str, wanted: Version) -> Version:
    """What of a version may not change: ^1.2 all but what follows the first number that is not 0; ~=1.2 all but the last."""
    if sign == "^":
        first = next((place for place, number in enumerate(wanted) if number), len(wanted) - 1)
        return wanted[: first + 1]
    return wanted[: max(1, len(wanted) - 1)] if sign == "~=" else wanted[:2]
