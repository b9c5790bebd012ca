"""Versions as people write them, compared as PEP 440 says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from retina_doctor.patterns import pattern

if TYPE_CHECKING:
    from packaging.specifiers import SpecifierSet

CLAUSE = pattern(r"\s*(===|[=!<>~]=|[<>^~=])?\s*([^\s,|]+)")


def dotted(version: tuple[int, ...] | None) -> str | None:
    """(12, 2) -> "12.2"; None stays None."""
    return None if version is None else ".".join(map(str, version))


def named(name: str, version: str | None) -> str:
    """ "albumentations 1.4.0"; the name alone where the version is not known."""
    return f"{name} {version}" if version else name


def release(version: str | None) -> tuple[int, ...]:
    """(1, 26, 4) of "1.26.4", "1.26.4rc1" and "1.26.4+cu128"; () where it is no version."""
    parts = (version or "").split(".")
    if all(part.isascii() and part.isdecimal() for part in parts):  # as most are
        return tuple(map(int, parts))
    from packaging.version import InvalidVersion, Version  # as slow to import as a file of ours is to read

    try:
        return Version(version or "").release
    except InvalidVersion:
        return ()


def allows(spec: str, version: str) -> bool:
    """Whether a requirement lets a version in: PEP 440's clauses, and poetry's ^, ~, bare versions and ||.

    No spec lets all in, and so does a clause that cannot be read. A pre-release is a version as any other.
    """
    return any(
        all(_specifiers(sign, text).contains(version, prereleases=True) for sign, text in CLAUSE.findall(alternative))
        for alternative in spec.split("||")
    )


def pinned(spec: str) -> str | None:
    """The one release that a spec lets in: "1.18.0" of "==1.18.0"; None where there may be several."""
    found = CLAUSE.findall(spec)
    one = len(found) == 1 and found[0][0] in ("==", "===") and release(found[0][1]) != ()
    return str(found[0][1]) if one else None


def _specifiers(sign: str, text: str) -> SpecifierSet:
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    base = release(text.removesuffix(".*"))
    up_to_first = next((place for place, number in enumerate(base, 1) if number), len(base))
    fixed = base[: up_to_first if sign == "^" else 2]  # what may not change: of ^0.2.3 up to the first that is not 0
    try:
        if sign in ("^", "~") and base:
            return SpecifierSet(f">={text.removesuffix('.*')},=={dotted(fixed)}.*")
        if sign not in ("==", "!=", "", "="):
            text = text.removesuffix(".*")  # which pip once took, and poetry takes
        return SpecifierSet({"": "==", "=": "=="}.get(sign, sign) + text) if text != "*" else SpecifierSet()
    except InvalidSpecifier:
        return SpecifierSet()
