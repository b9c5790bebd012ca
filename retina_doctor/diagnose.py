"""Judges a snapshot: a pure function of it and the catalogue. Nothing here touches the world."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from retina_doctor.authoring import Scope
from retina_doctor.codec import DoesNotFit, decode, encode, replace
from retina_doctor.errors import UsageError, described
from retina_doctor.model import (
    Diagnosis,
    Finding,
    FindingKey,
    Inapplicable,
    Judgement,
    Outcome,
    Passed,
    Problem,
    Reading,
    Reason,
    Recorded,
    SeenFrom,
    Severity,
    Snapshot,
    Target,
    Unknown,
    Verdict,
)
from retina_doctor.own_checks import Gated, Silenced, Unloaded, pack_not_loadable
from retina_doctor.registry import Catalogue, Entry, Want
from retina_doctor.settings import Settings, Table

NO_READING = Recorded(outcome=Outcome.NOT_RUN, detail="not among the readings")


def diagnose(snapshot: Snapshot, catalogue: Catalogue) -> Diagnosis:
    """All verdicts and findings, causes attached. Raises UsageError where the settings name checks that do not exist."""
    readings = Readings(snapshot, catalogue)
    chosen = Selection(snapshot.settings, catalogue, snapshot.created)
    judged = _judged((entry for entry in catalogue.entries if not _asks_for_gate(entry)), chosen, readings)
    readings.take(gated(chosen, [judgement for judgement, _ in judged.values()]))
    judged |= _judged(filter(_asks_for_gate, catalogue.entries), chosen, readings)
    answers = [judged[entry.check.code] for entry in catalogue.entries]
    return concluded(snapshot, [one for one, _ in answers], [one for _, found in answers for one in found], catalogue)


def _judged(
    entries: Iterable[Entry], chosen: Selection, readings: Readings
) -> dict[str, tuple[Judgement, list[Finding]]]:
    return {entry.check.code: _judge(entry, chosen, readings) for entry in entries}


def _asks_for_gate(entry: Entry) -> bool:
    """It judges what the others have come to."""
    return any(need.facts is Gated for need in entry.needs)


def concluded(
    snapshot: Snapshot, judgements: Sequence[Judgement], findings: list[Finding], catalogue: Catalogue
) -> Diagnosis:
    """All that was found, with its causes, and apart from what is ignored."""
    broken: dict[str, str] = {}
    rooted = _rooted(findings, catalogue, broken)
    accepted = {one.code for one in judgements if one.verdict is Verdict.IGNORED}
    diagnosis = Diagnosis(
        snapshot=snapshot,
        judgements=tuple(judgements),
        findings=tuple(one for one in rooted if one.code not in accepted),
        ignored=tuple(one for one in rooted if one.code in accepted),
    )
    return with_broken(diagnosis, broken)


def gated(chosen: Selection, judgements: Sequence[Judgement]) -> Gated:
    """What the operator demands of the verdicts, beside what they are."""
    by_code = {one.code: one for one in judgements}
    unmet = [by_code[code] for code in sorted(chosen.required & set(by_code))]
    return Gated(
        unmet=tuple(one for one in unmet if one.verdict is not Verdict.PASSED),
        expired=tuple(sorted(chosen.expired.items())),
        unmatched=tuple(
            (word, reason)
            for word, reason, codes in chosen.words
            if codes and all(code in by_code and by_code[code].verdict is Verdict.PASSED for code in codes)
        ),
    )


def with_broken(diagnosis: Diagnosis, broken: Mapping[str, str]) -> Diagnosis:
    """*diagnosis*, in which the checks of these codes are broken, for these reasons. Their findings stay."""
    if not broken:
        return diagnosis
    judgements = (
        replace(one, verdict=Verdict.ERROR, reason=broken[one.code], missing=()) if one.code in broken else one
        for one in diagnosis.judgements
    )
    return replace(diagnosis, judgements=tuple(judgements))


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
            return _judgement(entry, Verdict.INAPPLICABLE, reason=Reason("deselected"))
        try:
            scope = check.scope(self.settings)
            inapplicable = scope.inapplicable
        except Exception as error:
            return _broken(entry, error, "scope: ")
        heavy = self.heavy and any(n.facts in self.heavy and n.want is not Want.OPTIONAL for n in entry.needs)
        if inapplicable is None and heavy:
            inapplicable = Reason("quick")
        return scope if inapplicable is None else _judgement(entry, Verdict.INAPPLICABLE, reason=inapplicable)

    def needed_facts(self, entries: Iterable[Entry]) -> set[type]:
        """Types of the facts that the checks which will be judged ask for; those that --quick has the time for."""
        needs = [need for entry in entries if isinstance(self.settled(entry), Scope) for need in entry.needs]
        if not self.settings.gate.quick:
            return {need.facts for need in needs}
        # What no check rests on costs a process of its own, unless it shares one.
        return {n.facts for n in needs if n.want is not Want.OPTIONAL or n.facts in self.shared} - self.heavy


class Readings:
    """A snapshot's readings as typed facts."""

    def __init__(self, snapshot: Snapshot, catalogue: Catalogue) -> None:
        self.snapshot = snapshot
        self.catalogue = catalogue
        self._cache: dict[type, Reading[Any]] = {}
        self._values: dict[type, Any] = {}

    def of(self, facts: type) -> Reading[Any]:
        if facts not in self._cache:
            self._cache[facts] = self._read(facts)
        return self._cache[facts]

    def _read(self, facts: type) -> Reading[Any]:
        probe = self.catalogue.probe_of[facts]
        recorded = self.snapshot.readings.get(probe.name, NO_READING)
        if recorded.outcome is not Outcome.OK:
            return Reading(probe=probe.name, value=None, recorded=recorded)
        try:
            return Reading(probe=probe.name, value=decode(recorded.facts, facts), recorded=recorded)
        except DoesNotFit as error:
            unfit = Recorded(outcome=Outcome.FAILED, facts=recorded.facts, seconds=recorded.seconds, detail=str(error))
            return Reading(probe=probe.name, value=None, recorded=unfit)

    def value(self, facts: type) -> Any:
        """Facts of that type, or None."""
        if facts not in self._values:
            self._values[facts] = self._value(facts)
        return self._values[facts]

    def _value(self, facts: type) -> Any:
        if facts is Settings:
            return self.snapshot.settings
        if facts is SeenFrom:
            return self.snapshot.seen_from
        if facts is Target:
            return self.snapshot.target
        if issubclass(facts, Table):
            return self.snapshot.settings.of(facts)
        if facts is Unloaded:
            return Unloaded(tuple((one.pack, one.error, one.whole) for one in self.catalogue.failures))
        if facts is Silenced:
            return Silenced(tuple(self._silenced()))
        if facts is Gated:
            return self._gated()
        return self.of(facts).value

    def take(self, gate: Gated) -> None:
        """What is known already need not be judged again."""
        self._values[Gated] = gate

    def _gated(self) -> Gated:
        chosen = Selection(self.snapshot.settings, self.catalogue, self.snapshot.created)
        if not chosen.required and not chosen.words and not chosen.expired:
            return Gated()
        others = (entry for entry in self.catalogue.entries if not _asks_for_gate(entry))
        judged = _judged(others, chosen, Readings(self.snapshot, self.catalogue))
        return gated(chosen, [judgement for judgement, _ in judged.values()])

    def _silenced(self) -> Iterable[Reading[Any]]:
        for facts in self.catalogue.probe_of:
            reading = self.of(facts)
            if self.catalogue.spokesman(facts) is None and reading.outcome not in (Outcome.OK, Outcome.NOT_RUN):
                yield reading


def head_of(snapshot: Snapshot, catalogue: Catalogue) -> tuple[tuple[Reason, ...], ...]:
    """The first lines of a report, as the packs tell them; a pack that has not the facts, or breaks, tells none."""
    readings = Readings(snapshot, catalogue)
    lines: list[tuple[Reason, ...]] = []
    for entry in catalogue.heads:
        values = [readings.value(need.facts) for need in entry.needs]
        if all(v is not None or need.want is Want.OPTIONAL for v, need in zip(values, entry.needs, strict=True)):
            with contextlib.suppress(Exception):
                told: Any = entry.check.judge(**_arguments(entry, values))
                lines += [tuple(parts) for parts in told]
    return tuple(lines)


def _judge(entry: Entry, chosen: Selection, readings: Readings) -> tuple[Judgement, list[Finding]]:
    """What is ignored is judged all the same: it may explain what is not, and where it is passed it need not be ignored."""
    judgement, found = _judged_alone(entry, chosen, readings)
    ignored = chosen.ignored.get(judgement.code)
    if ignored is not None and judgement.verdict in (Verdict.FAILED, Verdict.UNKNOWN, Verdict.ERROR):
        judgement = _judgement(entry, Verdict.IGNORED, reason=ignored)
    return judgement, found


def _judged_alone(entry: Entry, chosen: Selection, readings: Readings) -> tuple[Judgement, list[Finding]]:
    check = entry.check
    settled = chosen.settled(entry)
    if isinstance(settled, Judgement):
        return settled, []
    values: list[Any] = []
    missing: list[str] = []
    for need in entry.needs:
        value = readings.of(need.facts) if need.want is Want.READING else readings.value(need.facts)
        if need.want is Want.READING and (value.outcome is Outcome.NOT_RUN or value.recorded.starved):
            missing.append(value.probe)
        elif need.want is Want.REQUIRED and value is None:
            missing.append(readings.catalogue.probe_of[need.facts].name)
        values.append(value)
    if missing:
        return _judgement(entry, Verdict.UNKNOWN, missing=tuple(dict.fromkeys(missing)), reason=_starved(values)), []
    try:
        answer = check.judge(**_arguments(entry, values))
        problems = _problems(answer)
    except Exception as error:
        return _broken(entry, error), []
    if isinstance(answer, Unknown):
        return _judgement(entry, Verdict.UNKNOWN, missing=tuple(map(str, answer.missing))), []
    if isinstance(answer, Inapplicable):
        return _judgement(entry, Verdict.INAPPLICABLE, reason=answer.reason), []
    if isinstance(answer, Passed):
        return _judgement(entry, Verdict.PASSED, reason=answer.reason), []
    findings = [
        Finding(
            code=check.code,
            name=check.name,
            severity=chosen.severity.get(check.code) or check.severity.capped(settled.at_most).capped(problem.at_most),
            subject=problem.subject,
            evidence=problem.evidence,
            root=None,
            location=problem.location,
            pitfall=check.pitfall,
            action=check.action,
            variant=problem.variant,
        )
        for problem in problems
    ]
    return _judgement(entry, Verdict.FAILED if findings else Verdict.PASSED), findings


def _starved(values: Iterable[Any]) -> Reason | None:
    """What a busy machine left of a looking's time."""
    for value in values:
        if isinstance(value, Reading) and value.recorded.starved and value.recorded.effort is not None:
            told = value.recorded.effort.told
            return Reason("starved", {"detail": value.recorded.detail, **told["values"]})
    return None


def _arguments(entry: Entry, values: Sequence[Any]) -> dict[str, Any]:
    """*values*, one for each need, as the parameters of the check."""
    arguments: dict[str, Any] = {}
    gathered: dict[tuple[str, type], dict[str, Any]] = {}
    for need, value in zip(entry.needs, values, strict=True):
        if need.whole is None:
            arguments[need.parameter] = value
        else:
            gathered.setdefault((need.parameter, need.whole), {})[need.field or ""] = value
    return arguments | {parameter: whole(**fields) for (parameter, whole), fields in gathered.items()}


def _problems(answer: object) -> list[Problem]:
    """Raises TypeError for what is no Answer: passing for want of an answer would be a false clean bill."""
    if answer is None or isinstance(answer, (Passed, Inapplicable, Unknown)):
        return []
    if not inspect.isgenerator(answer) and not isinstance(answer, (list, tuple)):
        answer = [answer]
    problems = list(answer)
    for problem in problems:
        if not isinstance(problem, Problem):
            raise TypeError(f"answered with a {type(problem).__name__}")
        decode(encode(problem), Problem)  # evidence that is no JSON could be told in no report
    return problems


def _judgement(
    entry: Entry, verdict: Verdict, *, missing: tuple[str, ...] = (), reason: Reason | str | None = None
) -> Judgement:
    check = entry.check
    return Judgement(
        code=check.code, name=check.name, domain=entry.domain, verdict=verdict, missing=missing, reason=reason
    )


def _broken(entry: Entry, error: Exception, what: str = "") -> Judgement:
    """A check that breaks must not take the report with it: it is shown as broken, and the exit code says so."""
    return _judgement(entry, Verdict.ERROR, reason=what + described(error))


def _connected(root: Finding, echo: Finding, catalogue: Catalogue, broken: dict[str, str]) -> bool:
    """*root* explains *echo*. Where that cannot be judged they stay apart, and *broken* tells why, by code of the echo."""
    if echo.name not in catalogue.explains.get(root.name, ()):
        return False
    try:
        return catalogue.conditions[root.name, echo.name](root, echo)
    except Exception as error:
        broken[echo.code] = f"caused by {root.name}? {described(error)}"
        return False


def _rooted(findings: list[Finding], catalogue: Catalogue, broken: dict[str, str]) -> tuple[Finding, ...]:
    """Each finding with its topmost cause among the others, ordered: gravest root first, echoes behind their root."""

    def cause(finding: Finding) -> Finding | None:
        above = [f for f in findings if _connected(f, finding, catalogue, broken)]
        return min(above, key=rank, default=None)

    def rank(finding: Finding) -> tuple[int, str, str]:
        return (-finding.severity.rank, finding.code, finding.subject)

    def root(finding: Finding) -> Finding:
        """Conditions may let findings explain each other: then the gravest of their circle is the root of all."""
        way = [finding]
        while (above := cause(way[-1])) is not None:
            if above in way:
                return min(way[way.index(above) :], key=rank)
            way.append(above)
        return way[-1]

    roots = {finding.key: root(finding) for finding in findings}
    gravest: dict[FindingKey, int] = {}  # of a root and all that it explains: an error under a warning is an error
    for finding in findings:
        top = roots[finding.key].key
        gravest[top] = max(gravest.get(top, 0), finding.severity.rank)

    def place(finding: Finding) -> tuple[object, ...]:
        top = roots[finding.key]
        return (-gravest[top.key], rank(top), finding.key != top.key, rank(finding))

    ordered = sorted(findings, key=place)
    return tuple(f if roots[f.key].key == f.key else replace(f, root=roots[f.key].key) for f in ordered)
