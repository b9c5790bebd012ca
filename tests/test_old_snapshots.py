"""A snapshot of an earlier version is judged by what it holds: what nobody looked at then is not missing now."""

from __future__ import annotations

from pathlib import Path

import pytest

from retina_doctor.catalogue.registry import installed
from retina_doctor.codec import replace
from retina_doctor.judging.diagnose import diagnose
from retina_doctor.model import Reason, Severity, Verdict
from retina_doctor.support_file import load
from tests.machines import machine

FOLDER = Path(__file__).parents[1] / "fixtures" / "snapshots"
LATER = {name for name, probe in installed().probes.items() if probe.since}


@pytest.mark.parametrize("name", ["t4-healthy", "guide-t4", "service-on-cpu"])
def test_it_is_judged_as_it_was_then(name: str) -> None:
    snapshot = load((FOLDER / f"{name}-0.2.json").read_text(encoding="utf-8"))
    assert LATER and not LATER & set(snapshot.readings)
    diagnosis = diagnose(snapshot, installed())
    expected = machine(name)
    assert diagnosis.exit_code(Severity.ERROR) == expected.exit_code
    assert sorted(one.name for one in diagnosis.roots) == sorted(expected.roots)
    then = [
        one for one in diagnosis.judgements if isinstance(one.reason, Reason) and one.reason.key == "not-looked-then"
    ]
    assert then and all(one.verdict is Verdict.INAPPLICABLE for one in then)
    # Of this version, the same readings are too few.
    now = diagnose(replace(snapshot, doctor="0.3.0"), installed())
    verdicts = {one.code: one.verdict for one in now.judgements}
    assert {verdicts[one.code] for one in then} == {Verdict.UNKNOWN}
