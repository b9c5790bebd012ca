"""Complaints in people's own words that no finer row knows: the cause whose circumstances they tell."""

from __future__ import annotations

import tomllib
from collections import Counter
from pathlib import Path

import pytest
from retina_doctor_checks.triage import tables
from retina_doctor_checks.triage.diagnosing import TextDiagnosis, case_of, diagnoses
from retina_doctor_checks.triage.readings import judged
from retina_doctor_checks.triage.text import read

from retina_doctor.catalogue.registry import installed

TEXTS = tomllib.loads((Path(__file__).parent / "triage_nearest.toml").read_text(encoding="utf-8"))


def of(text: str) -> tuple[TextDiagnosis, ...]:
    case, catalogue = case_of(read(text)), installed()
    return diagnoses(case, catalogue.explains, judged(case, catalogue))


@pytest.mark.parametrize(("cause", "says"), [(row["cause"], row["says"]) for row in TEXTS["told"]])
def test_circumstances_lead_to_their_cause(cause: str, says: str) -> None:
    found = {one.name: one.symptoms for one in of(says)[:3]}
    assert f"{tables.NEAREST}{cause}" in found.get(cause, ()), found


@pytest.mark.parametrize("says", TEXTS["well"]["says"])
def test_what_is_well_or_only_asked_leads_nowhere(says: str) -> None:
    assert of(says) == ()


def test_each_nearest_cause_has_a_text_and_each_list_its_own_name() -> None:
    assert set(tables.nearest()) == {row["cause"] for row in TEXTS["told"]}
    named = Counter(name for file in tables.OWN_WORDS for name in tables.own_words_in(file)["words"])
    assert [name for name, count in named.items() if count > 1] == []


OPEN = "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver."
ASKED = (
    "After I installed the nvidia driver, a blue screen asked me to enroll a key and I chose continue boot."
    " Now the GPU does not work."
)


def test_beside_a_line_that_leaves_it_open_circumstances_decide() -> None:
    assert of(OPEN)[0].name == "driver-module-not-loaded"
    assert of(f"{OPEN}\n\n{ASKED}")[0].name == "driver-blocked-by-secure-boot"


def test_names_of_files_that_differ_in_capital_letters_are_a_wrong_name() -> None:
    line = "FileNotFoundError: ./weights/mobilenet0.25_final.pth"
    there = "ls weights shows mobilenet0.25_Final.pth, on Windows it ran"
    assert of(line)[0].name != "model-name-typo"
    assert of(f"{line}\n{there}")[0].name == "model-name-typo"


def test_a_unit_is_a_word_behind_its_number() -> None:
    slow = "I don't know why, the retinaface inference time is {} for each image"
    assert [one.name for one in of(slow.format("240ms"))] == [one.name for one in of(slow.format("240 ms"))] != []


def test_beside_a_programs_line_that_means_another_cause_circumstances_count_for_nothing() -> None:
    text = TEXTS["told"][0]["says"]
    line = "libcublasLt.so.12: cannot open shared object file: No such file or directory"
    assert all(tables.NEAREST not in name for one in of(f"{text}\n\n{line}") for name in one.symptoms)


def test_other_programs_are_not_of_our_world() -> None:
    says = next(row["says"] for row in TEXTS["told"] if row["cause"] == "vram-held-by-others")
    assert of(says)
    assert of(f"{says} It is for Minecraft.") == ()
