"""Judges a snapshot: a pure function of it and the catalogue. Nothing here touches the world."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from retina_doctor.catalogue.registry import Catalogue, Entry, Want
from retina_doctor.catalogue.selection import Selection, judged_broken, judgement_of
from retina_doctor.codec import decode, encode, replace
from retina_doctor.figures import Figure
from retina_doctor.judging.measured import value_at
from retina_doctor.judging.readings import Readings
from retina_doctor.judging.rooting import rooted
from retina_doctor.model import (
    Diagnosis,
    Finding,
    Inapplicable,
    Judgement,
    Passed,
    Problem,
    Reason,
    Snapshot,
    Unknown,
    Verdict,
)
from retina_doctor.own_checks import Compared, Gated


def diagnose(snapshot: Snapshot, catalogue: Catalogue) -> Diagnosis:
    """All verdicts and findings, causes attached. Raises UsageError where the settings name checks that do not exist."""
    readings = Readings(snapshot, catalogue)
    chosen = Selection(snapshot.settings, catalogue, snapshot.created)
    readings.take(compared(snapshot, chosen, catalogue))
    judged = _judged((entry for entry in catalogue.entries if not entry.asks_for_gate), chosen, readings)
    readings.take(gated(chosen, [judgement for judgement, _ in judged.values()]))
    judged |= _judged((entry for entry in catalogue.entries if entry.asks_for_gate), chosen, readings)
    answers = [judged[entry.check.code] for entry in catalogue.entries]
    return concluded(snapshot, [one for one, _ in answers], [one for _, found in answers for one in found], catalogue)


def _judged(
    entries: Iterable[Entry], chosen: Selection, readings: Readings
) -> dict[str, tuple[Judgement, list[Finding]]]:
    return {entry.check.code: _judge(entry, chosen, readings) for entry in entries}


def concluded(
    snapshot: Snapshot, judgements: Sequence[Judgement], findings: list[Finding], catalogue: Catalogue
) -> Diagnosis:
    """All that was found, with its causes, and apart from what is ignored."""
    broken: dict[str, str] = {}
    connected = rooted(findings, catalogue, broken)
    accepted = {one.code for one in judgements if one.verdict is Verdict.IGNORED}
    diagnosis = Diagnosis(
        snapshot=snapshot,
        judgements=tuple(judgements),
        findings=tuple(one for one in connected if one.code not in accepted),
        ignored=tuple(one for one in connected if one.code in accepted),
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


def compared(snapshot: Snapshot, chosen: Selection, catalogue: Catalogue) -> Compared:
    """Of the figures of an earlier report those that were to be measured now: what the settings leave out is no loss."""
    gate = snapshot.settings.gate
    if gate.regress is None or not gate.measured:
        return Compared()
    wanted = chosen.needed_facts(entry for entry in catalogue.entries if not entry.asks_for_gate)
    probes = {probe.name for facts, probe in catalogue.probe_of.items() if facts in wanted}
    return Compared(
        tuple(
            (one, gate.measured[one.of], value_at(snapshot.readings, one.of))
            for one in catalogue.measures
            if one.of in gate.measured and one.of.partition(".")[0] in probes
        )
    )


def head_of(snapshot: Snapshot, catalogue: Catalogue) -> tuple[tuple[Reason, ...], ...]:
    """The first lines of a report, as the packs tell them; a pack that has not the facts, or breaks, tells none."""
    return tuple(_shown(catalogue.heads, snapshot, catalogue, tuple))


def figures_of(snapshot: Snapshot, catalogue: Catalogue) -> tuple[Figure, ...]:
    """What the packs have to show in pictures; likewise."""
    return tuple(_shown(catalogue.figures, snapshot, catalogue, lambda figure: figure))


def restarted_of(snapshot: Snapshot, catalogue: Catalogue) -> tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]:
    """Words of the doctor's command that name what a restart of the service replaces, and those that name the new."""
    return tuple(_shown(catalogue.restarted, snapshot, catalogue, lambda pair: pair))


def _shown(entries: Iterable[Entry], snapshot: Snapshot, catalogue: Catalogue, read: Callable[[Any], Any]) -> list[Any]:
    readings = Readings(snapshot, catalogue)
    shown: list[Any] = []
    for entry in entries:
        with contextlib.suppress(Exception):
            arguments, missing = _given(entry, readings)
            if not missing:
                told: Any = entry.check.judge(**arguments)
                shown += [read(one) for one in told]
    return shown


def _judge(entry: Entry, chosen: Selection, readings: Readings) -> tuple[Judgement, list[Finding]]:
    """What is ignored is judged all the same: it may explain what is not, and where it is passed it need not be ignored."""
    judgement, found = _judged_alone(entry, chosen, readings)
    ignored = chosen.ignored.get(judgement.code)
    if ignored is not None and judgement.verdict in (Verdict.FAILED, Verdict.UNKNOWN, Verdict.ERROR):
        judgement = judgement_of(entry, Verdict.IGNORED, reason=ignored)
    return judgement, found


def _judged_alone(entry: Entry, chosen: Selection, readings: Readings) -> tuple[Judgement, list[Finding]]:
    check = entry.check
    settled = chosen.settled(entry)
    if isinstance(settled, Judgement):
        return settled, []
    try:
        arguments, missing = _given(entry, readings)
        if missing:
            return _unknown(entry, missing, readings, _starved(entry, readings)), []
        answer = check.judge(**arguments)
        problems = _problems(answer)
    except Exception as error:
        return judged_broken(entry, error), []
    if isinstance(answer, Unknown):
        return _unknown(entry, tuple(map(str, answer.missing)), readings), []
    if isinstance(answer, Inapplicable):
        return judgement_of(entry, Verdict.INAPPLICABLE, reason=answer.reason), []
    if isinstance(answer, Passed):
        return judgement_of(entry, Verdict.PASSED, reason=answer.reason), []
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
            action=problem.action or check.action,
            variant=problem.variant,
        )
        for problem in problems
    ]
    return judgement_of(entry, Verdict.FAILED if findings else Verdict.PASSED), findings


def _unknown(entry: Entry, missing: tuple[str, ...], readings: Readings, reason: Reason | None = None) -> Judgement:
    """Not known for want of *missing*; where the snapshot is older than all of these probes, nobody asked at that time."""
    if missing and all(readings.predates(name) for name in missing):
        then = Reason("not-looked-then", {"version": readings.snapshot.doctor})
        return judgement_of(entry, Verdict.INAPPLICABLE, reason=then)
    return judgement_of(entry, Verdict.UNKNOWN, missing=missing, reason=reason)


def _given(entry: Entry, readings: Readings) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The check's arguments, and the probes that told nothing of what is required."""
    arguments: dict[str, Any] = {}
    missing: dict[str, None] = {}
    for parameter in entry.parameters:
        arguments[parameter.name], lacking = readings.given(parameter)
        if lacking:
            missing.update(dict.fromkeys(lacking))
    return arguments, tuple(missing)


def _starved(entry: Entry, readings: Readings) -> Reason | None:
    """What a busy machine left of a looking's time."""
    for need in entry.needs:
        recorded = readings.of(need.facts).recorded if need.want is Want.READING else None
        if recorded is not None and recorded.starved and recorded.effort is not None:
            told = recorded.effort.told
            return Reason("starved", {"detail": recorded.detail, **told["values"]})
    return None


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
