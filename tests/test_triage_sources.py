"""What programs print, from their sources: each sentence leads to its cause before anybody has reported it."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from retina_doctor_checks.triage.diagnosing import case_of, diagnoses
from retina_doctor_checks.triage.text import read

FILES = sorted(Path(__file__).parent.glob("triage_sources*.toml"))
ROWS = [row for file in FILES for row in tomllib.loads(file.read_text(encoding="utf-8"))["sentence"]]
HEALTHY = tomllib.loads(Path(__file__).with_name("triage_healthy.toml").read_text(encoding="utf-8"))


def _names(text: str) -> list[str]:
    return [one.name for one in diagnoses(case_of(read(text), people_wrote=False), {})]


@pytest.mark.parametrize(("says", "cause"), [(row["says"], row["cause"]) for row in ROWS])
def test_a_sentence_of_a_source_leads_to_its_cause(says: str, cause: str) -> None:
    assert cause in _names(says)[:2], _names(says)


def test_a_card_that_torch_is_only_careful_about_is_no_fault() -> None:
    """Orin's 8.7 runs the kernels of 8.0; torch 2.9 and later say a word of caution all the same."""
    says = (
        "UserWarning: Found GPU0 Orin which is of compute capability (CC) 8.7.\nThe following list shows the CCs this version"
        " of PyTorch was built for and the hardware CCs it supports:"
    )
    assert _names(says) == []
    assert _names(says.replace("8.7", "12.0")) == ["torch-arch-unsupported"]


def test_an_illegal_instruction_of_the_card_is_none_of_the_processor() -> None:
    says = "CUDA error: an illegal instruction was encountered"
    assert "cpu-instructions-missing" not in _names(says)
    assert _names("face-api exited: Illegal instruction (core dumped)") == ["cpu-instructions-missing"]


def test_a_bare_name_says_nothing_of_the_folder_that_is_read() -> None:
    said = "inswapper_128.onnx cannot be loaded\nAssertionError: model_file {path} should exist"
    assert _names(said.format(path="/srv/face/models/inswapper_128.onnx"))[0] == "model-missing"
    assert _names(said.format(path="models/inswapper_128.onnx"))[0] == "model-wrong-directory"


def test_the_users_own_packages_shadow_only_where_there_are_others() -> None:
    own = 'File "/home/u/.local/lib/python3.10/site-packages/rembg/bg.py", line 9, in <module>\n'
    fails = "AttributeError: module 'onnxruntime' has no attribute 'SessionOptions'"
    assert _names(own + fails)[0] == "ort-broken-install"
    assert (
        "package-shadowed"
        in _names(f'{own}File "/opt/v/lib/python3.10/site-packages/onnxruntime/__init__.py"\n{fails}')[:2]
    )


def test_an_empty_engine_is_no_stale_one() -> None:
    said = "[TRT] INVALID_CONFIG: Deserialize the cuda engine failed."
    assert _names(said) == ["tensorrt-engine-stale"]
    assert (
        _names(f"[TRT] INVALID_ARGUMENT: Cannot deserialize with an empty memory buffer.\n{said}")[0] == "model-missing"
    )


@pytest.mark.parametrize("says", HEALTHY["says"])
def test_what_is_printed_where_all_is_well_leads_nowhere(says: str) -> None:
    assert [one.name for one in diagnoses(case_of(read(says)), {})] == []


@pytest.mark.parametrize(
    ("says", "cause"),
    [
        ("curl: (6) Could not resolve host: github.com; the face service waits for its model", "service-wrong-url"),
        (
            "http.client.IncompleteRead(1048576 bytes read, 7340032 more expected): download of faces.zip",
            "service-crashed-or-not-ready",
        ),
    ],
)
def test_what_breaks_in_a_download_is_not_the_service(says: str, cause: str) -> None:
    assert cause not in _names(says)
