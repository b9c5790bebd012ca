"""Judging a machine of which some readings have changed: what needs them is judged anew, the rest stays as it was.

The laws change one reading, or one field of it, on every machine. Nine checks in ten need none of what changed; a check sees
nothing but what it needs, which `test_losing_one_reading` proves: there, both ways of judging must come to the same.
"""

from __future__ import annotations

import functools
from collections.abc import Collection, Mapping
from typing import Any

from retina_doctor.codec import replace
from retina_doctor.diagnose import Readings, Selection, _judge, _rooted, diagnose
from retina_doctor.model import Diagnosis, Reading, Snapshot, Verdict
from retina_doctor.own_checks import Silenced
from retina_doctor.pages import render
from retina_doctor.registry import Entry, Want, installed
from retina_doctor.settings import LANGUAGES
from tests.machines import machine

CATALOGUE = installed()


@functools.cache
def judged(name: str) -> Diagnosis:
    return diagnose(machine(name).snapshot, CATALOGUE)


@functools.cache
def verdicts_of(name: str) -> dict[str, Verdict]:
    return verdicts(judged(name))


def verdicts(diagnosis: Diagnosis) -> dict[str, Verdict]:
    return {judgement.code: judgement.verdict for judgement in diagnosis.judgements}


@functools.cache
def wants(code: str) -> tuple[tuple[str, Want], ...]:
    """The probes whose facts a check needs, and how it wants them."""
    needs = CATALOGUE.of_code(code).needs
    return tuple((CATALOGUE.probe_of[n.facts].name, n.want) for n in needs if n.facts in CATALOGUE.probe_of)


@functools.cache
def _touched(changed: frozenset[str]) -> Mapping[int, Entry]:
    """The checks that can see a change of these readings, by place. RD003 speaks of the failed ones among all."""

    def sees(entry: Entry) -> bool:
        return any(need.facts is Silenced for need in entry.needs) or any(
            probe in changed for probe, _ in wants(entry.check.code)
        )

    return {place: entry for place, entry in enumerate(CATALOGUE.entries) if sees(entry)}


@functools.cache
def _chosen(name: str) -> Selection:
    return Selection(machine(name).snapshot.settings, CATALOGUE)


@functools.cache
def _typed(name: str) -> Mapping[type, Reading[Any]]:
    readings = Readings(machine(name).snapshot, CATALOGUE)
    return {facts: readings.of(facts) for facts in CATALOGUE.probe_of}


def judged_anew(name: str, snapshot: Snapshot, changed: Collection[str]) -> Diagnosis:
    """What `diagnose` says of *snapshot*, which differs from that of the machine *name* in the readings *changed* alone."""
    before, touched = judged(name), _touched(frozenset(changed))
    assert snapshot.settings is before.snapshot.settings
    readings = Readings(snapshot, CATALOGUE)
    readings._cache |= {k: one for k, one in _typed(name).items() if one.probe not in changed}
    judgements = list(before.judgements)
    gone = {entry.check.code for entry in touched.values()}
    findings = [replace(finding, root=None) for finding in before.findings if finding.code not in gone]
    for place, entry in touched.items():
        judgements[place], found = _judge(entry, _chosen(name), readings)
        findings += found
    return Diagnosis(snapshot=snapshot, judgements=tuple(judgements), findings=_rooted(findings, CATALOGUE))


def assert_can_be_said(before: Diagnosis, after: Diagnosis) -> None:
    """Each finding has its words, in all languages. Those of *before* have theirs already, where commands fit the same Python."""
    said = [] if _interpreter(before) != _interpreter(after) else [replace(f, root=None) for f in before.findings]
    for finding in after.findings:
        if replace(finding, root=None) not in said:
            for language in LANGUAGES:
                render(finding, after.snapshot, CATALOGUE, language)


def _interpreter(diagnosis: Diagnosis) -> object:
    return diagnosis.snapshot.readings.get("interpreter")
