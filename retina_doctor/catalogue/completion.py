"""What a shell is offered for the words of a flag or an argument. Read only when a shell asks."""

from __future__ import annotations

from collections.abc import Callable, Iterable

Offers = list[tuple[str, str]]
"""Words, each with what a shell that has room says beside it."""
Completing = Callable[[str], Offers]


def of_words(words: Callable[[], Iterable[str]]) -> Completing:
    """Those of *words* that begin so."""
    return lambda incomplete: [(word, "") for word in words() if word.startswith(incomplete)]


def of_checks(incomplete: str) -> Offers:
    """Codes and names of checks, and domains; after a comma the next word of a list."""
    before, comma, last = incomplete.rpartition(",")
    return [(before + comma + word, about) for word, about in _beginning([*_checks(), *_domains()], last)]


def of_check(incomplete: str) -> Offers:
    """Codes and names of checks."""
    return _beginning(_checks(), incomplete)


def _beginning(offers: Offers, begun: str) -> Offers:
    """Codes are known in small letters, too: they are offered as they were begun."""
    small = begun.islower()
    offers = [(word.lower() if small else word, about) for word, about in offers]
    return [(word, about) for word, about in offers if word.startswith(begun)]


def _checks() -> Offers:
    from retina_doctor.catalogue.registry import installed

    checks = [entry.check for entry in installed().entries]
    names: dict[str, list[str]] = {}
    for one in checks:
        names.setdefault(one.name, []).append(one.code)
    return [*((one.code, one.name) for one in checks), *((name, ", ".join(codes)) for name, codes in names.items())]


def _domains() -> Offers:
    from retina_doctor.catalogue.registry import installed

    return [(domain, "") for domain in dict.fromkeys(entry.domain for entry in installed().entries)]
