"""What the settings say of each check before any fact is known."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from retina_doctor.authoring import Probe, Scope
from retina_doctor.catalogue.registry import Catalogue, Entry, Want
from retina_doctor.errors import UsageError, described
from retina_doctor.model import Judgement, Reason, Severity, Verdict
from retina_doctor.own_checks import pack_not_loadable
from retina_doctor.settings import Settings


@contextlib.contextmanager
def _naming(key: str) -> Iterator[None]:
    """Put the key of the settings before a complaint about what it holds."""
    try:
        yield
    except UsageError as error:
        raise UsageError(f"{key}: {error}") from None


class Selection:
    """What the settings say of each check before any fact is known."""

    def __init__(self, settings: Settings, catalogue: Catalogue, when: str = "") -> None:
        """*when*: the time of the looking, ISO 8601, by which an ignored check may have expired."""
        gate = settings.gate
        self.settings = settings
        self.catalogue = catalogue
        self._scopes: dict[int, Scope] = {}
        with _naming("gate.only"):
            self.only = catalogue.matching(gate.only, pack_not_loadable.code) if gate.only else None
        with _naming("gate.skip"):
            self.skip = catalogue.matching(gate.skip)
        with _naming("gate.ignore"):
            self.ignored: dict[str, str] = {}
            self.expired: dict[str, tuple[str, str]] = {}
            """By word of the settings: the reason, and the last day that it held."""
            self.words: list[tuple[str, str, tuple[str, ...]]] = []
            for word, one in gate.ignore.items():
                codes = tuple(entry.check.code for entry in catalogue.meant(word))
                reason, until = (one, None) if isinstance(one, str) else (one.reason, one.until)
                if until is not None and until < when[:10]:  # days in ISO 8601 sort as text
                    self.expired[word] = (reason, until)
                else:
                    self.words.append((word, reason, codes))
                    self.ignored |= dict.fromkeys(codes, reason)
        with _naming("gate.required"):
            self.required = catalogue.matching(gate.required)
        with _naming("gate.severity"):
            self.severity = {
                entry.check.code: Severity(one.severity)
                for word, one in gate.severity.items()
                for entry in catalogue.meant(word)
            }
        self.heavy = {probe.facts for probe in catalogue.probes.values() if probe.heavy} if gate.quick else set()
        self.shared = {probe.facts for probe in catalogue.probes.values() if probe.share}

    def settled(self, entry: Entry) -> Judgement | Scope:
        """A judgement that needs no facts; else within which scope the facts are looked at."""
        check = entry.check
        if (self.only is not None and check.code not in self.only) or check.code in self.skip:
            return judgement_of(entry, Verdict.INAPPLICABLE, reason=Reason("deselected"))
        try:
            scope = self._scope(check.scope)
            inapplicable = scope.inapplicable
        except Exception as error:
            return judged_broken(entry, error, "scope: ")
        heavy = self.heavy and any(n.facts in self.heavy and n.want is not Want.OPTIONAL for n in entry.needs)
        if inapplicable is None and heavy:
            inapplicable = Reason("quick")
        return scope if inapplicable is None else judgement_of(entry, Verdict.INAPPLICABLE, reason=inapplicable)

    def _scope(self, of: Callable[[Settings], Scope]) -> Scope:
        """Two hundred checks share a handful of scopes, and the settings are the same for all."""
        try:
            return self._scopes[id(of)]  # a pack's may be an object that has no hash
        except KeyError:
            return self._scopes.setdefault(id(of), of(self.settings))

    def needed_facts(self, entries: Iterable[Entry]) -> set[type]:
        """Types of the facts that the checks which will be judged ask for; those that --quick has the time for."""
        needs = [need for entry in entries if isinstance(self.settled(entry), Scope) for need in entry.needs]
        if not self.settings.gate.quick:
            return {need.facts for need in needs}
        # What no check rests on costs a process of its own, unless it shares one.
        return {n.facts for n in needs if n.want is not Want.OPTIONAL or n.facts in self.shared} - self.heavy

    def wanted_probes(self) -> list[Probe[Any]]:
        """Those that the selected checks need, and that the settings leave anything to look at."""
        needed = self.needed_facts(self.catalogue.entries)
        return [one for one in self.catalogue.probes.values() if one.facts in needed and self._is_wanted(one)]

    def _is_wanted(self, probe: Probe[Any]) -> bool:
        """A pack whose question breaks does not say that there is nothing to look at."""
        try:
            return probe.wanted(self.settings)
        except Exception:
            return True


def judgement_of(
    entry: Entry, verdict: Verdict, *, missing: tuple[str, ...] = (), reason: Reason | str | None = None
) -> Judgement:
    check = entry.check
    return Judgement(
        code=check.code, name=check.name, domain=entry.domain, verdict=verdict, missing=missing, reason=reason
    )


def judged_broken(entry: Entry, error: Exception, what: str = "") -> Judgement:
    """A check that breaks must not take the report with it: it is shown as broken, and the exit code says so."""
    return judgement_of(entry, Verdict.ERROR, reason=what + described(error))
