"""Own words of many people: each text leads to its cause, and what is told where all is well to none."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from retina_doctor_checks.triage import tables
from retina_doctor_checks.triage.diagnosing import case_of, diagnoses
from retina_doctor_checks.triage.text import read
from retina_doctor_checks.triage.told import told

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
    assert "hangs" in tables.faults()
    assert _names("On this host nvidia-smi never finishes.") == ["nvidia-smi-hangs", "gpu-fallen-off-bus"]
    assert _names("On this host nvidia-smi no longer hangs.") == []


@pytest.mark.parametrize(
    ("says", "first"),
    [
        ("GTX 745. insightface does not use my GPU. I have onnxruntime 1.17 with no gpu package.", "ort-cpu-package"),
        ("GTX 760, requirements: onnxruntime==1.20 only. insightface does not use the gpu", "ort-cpu-package"),
        ("GTX 760, onnxruntime-gpu 1.20. insightface does not use the gpu", "ort-arch-unsupported"),
        ("刚装的 Ubuntu，还没有装显卡驱动，容器里自然也用不了 GPU", "driver-not-installed"),
        ("docker exec -it face bash: torch 2.5.1+cpu, can't find cuda", "torch-cpu-build"),
        ("From the EC2 box itself the face API answers, from my laptop the public IP times out.", "port-blocked"),
        ("face: shm              64M   64M     0 100% /dev/shm", "container-shm-too-small"),
        ("The detector downloads its weights, then HTTPError: Forbidden", "model-download-failed"),
        ("The page that calls the face API shows Unexpected token '<'", "service-bad-response"),
        ("insightface cuda inference is faster on cpu", "smoke-too-slow"),
        ("All boxes end up in the upper left of the picture, retinaface.", "smoke-wrong-result"),
        ("python detect.py --gpu\nzsh: killed", "service-crashed-or-not-ready"),
    ],
)
def test_the_cause_that_is_told_comes_first(says: str, first: str) -> None:
    assert _names(says)[:1] == [first], _names(says)


def test_a_wrong_address_is_no_download() -> None:
    assert "model-download-failed" not in _names(
        "HTTPError: Not Found: http://localhost:8000/detct when posting a face image"
    )


@pytest.mark.parametrize(
    ("says", "capability"),
    [
        ("NVIDIA RTX 4000 Ada Generation", (8, 9)),
        ("RTX 5000 Ada", (8, 9)),
        ("RTX 4000 SFF Ada", (8, 9)),
        ("Quadro RTX 4000", (7, 5)),
        ("Quadro 4000", None),
        ("GeForce 910M", (3, 5)),
        ("GeForce 940M", (5, 0)),
        ("GeForce MX570", (8, 6)),
        ("GeForce MX450", (7, 5)),
        ("Tesla M10", (5, 0)),
        ("Tesla M40", (5, 2)),
        ("GTX 745", (5, 0)),
        ("GTX 760", (3, 0)),
        ("Tesla P100", (6, 0)),
        ("Quadro P1000", (6, 1)),
        ("RTX 3080 Ti", (8, 6)),
    ],
)
def test_a_card_by_its_name(says: str, capability: tuple[int, int] | None) -> None:
    names = told(read(f"The card is a {says}, and all is well.")).all("gpu")
    assert {tables.capability(name) for name in names} == {capability}, names


@pytest.mark.parametrize("name", ["Tegra X1", "Thor", "Phi"])
def test_a_name_that_only_begins_with_the_letter_of_a_card_is_none(name: str) -> None:
    assert tables.capability(name) is None
