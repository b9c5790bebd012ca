"""Own words of many people: each text leads to its cause, and what is told where all is well to none."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from retina_doctor_checks.triage.diagnosing import case_of, diagnoses
from retina_doctor_checks.triage.own_words import FAULTS
from retina_doctor_checks.triage.text import read

WORDS = tomllib.loads(Path(__file__).with_name("triage_own_words.toml").read_text(encoding="utf-8"))


def _names(text: str) -> list[str]:
    return [one.name for one in diagnoses(case_of(read(text)), {})]


@pytest.mark.parametrize(("cause", "says"), [(row["cause"], row["says"]) for row in WORDS["told"]])
def test_what_is_told_leads_to_its_cause(cause: str, says: str) -> None:
    assert cause in _names(says)[:3], _names(says)


@pytest.mark.parametrize("place", [0, 1])
def test_thanks_at_the_end_silence_no_complaint(place: int) -> None:
    ends = (" Thanks.", "谢谢。")[place]
    lost = [row["says"] for row in WORDS["told"][place::2] if _names(row["says"]) and not _names(row["says"] + ends)]
    assert lost == []


@pytest.mark.parametrize("says", WORDS["well"]["says"])
def test_what_is_told_where_all_is_well_leads_nowhere(says: str) -> None:
    assert _names(says) == []


def test_never_to_finish_is_no_denial_of_the_fault() -> None:
    """Spelled out it is "never not finishes", whose "never" denies nothing; "no longer hangs" denies."""
    assert "hangs" in FAULTS
    assert _names("On this host nvidia-smi never finishes.") == ["nvidia-smi-hangs", "gpu-fallen-off-bus"]
    assert _names("On this host nvidia-smi no longer hangs.") == []
