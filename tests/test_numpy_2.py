"""RD283 says from which release on the package itself supports NumPy 2, and nothing where that is not known."""

from __future__ import annotations

from typing import Any

import pytest
from retina_doctor_checks.python_env.native_checks import newer

from retina_doctor.codec import decode, replace
from retina_doctor.judging.diagnose import diagnose
from retina_doctor.model import Snapshot, Verdict
from tests.machines import machine, put, raw
from tests.rejudging import CATALOGUE


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("numpy-abi", {"package": "opencv-python-headless", "first": "4.10.0.84"}),
        ("numpy-abi-onnxruntime", {"package": "onnxruntime-gpu", "first": "1.19.0", "cuda": "12"}),
    ],
)
def test_a_release_that_supports_numpy_2_is_named(name: str, values: dict[str, str]) -> None:
    told = diagnose(machine(name).snapshot, CATALOGUE).findings
    [finding] = [one for one in told if one.code == "RD283"]
    assert [one["values"] for one in finding.evidence["newer"]] == [values]


def test_none_is_invented() -> None:
    assert newer("scipy", "1.11.4") == []
    assert newer(None, None) == []
    assert newer("opencv-python", "4.10.0.84") == []


OPTIONAL = "ModuleNotFoundError: No module named 'google'"


@pytest.mark.parametrize(("error", "is_it"), [(None, True), (OPTIONAL, False)])
def test_what_numpy_merely_printed_may_be_of_an_optional_module(error: str | None, is_it: bool) -> None:
    told: dict[str, Any] = raw("numpy-abi-older")
    if error is not None:
        put(told, "/readings/imports/facts/tried/2/error", error)
    codes = [one.code for one in diagnose(decode(told, Snapshot), CATALOGUE).findings]
    assert ("RD283" in codes) == is_it


REFUSED = (
    "Fail: [ONNXRuntimeError] : 1 : FAIL : /onnxruntime_src/onnxruntime/core/providers/cpu/tensor/reshape_helper.h:46"
)


@pytest.mark.parametrize(("detail", "explained"), [(None, True), (REFUSED, False)])
def test_a_copy_that_comes_first_explains_only_what_it_lacks(detail: str | None, explained: bool) -> None:
    """Two of one release do the same: what onnxruntime itself refuses, the other would as well."""
    told: dict[str, Any] = raw("package-shadowed-onnxruntime")
    if detail is not None:
        for run in ("inference", "known_answer"):
            put(told, f"/readings/{run}/detail", detail)
    [smoke] = [
        one for one in diagnose(decode(told, Snapshot), CATALOGUE).findings if one.name == "smoke-inference-failed"
    ]
    assert (smoke.root is not None and smoke.root.name == "package-shadowed") == explained


@pytest.mark.parametrize(("quick", "verdict"), [(True, Verdict.INAPPLICABLE), (False, Verdict.UNKNOWN)])
def test_without_imports_numpy_1_is_no_question_of_a_quick_check(quick: bool, verdict: Verdict) -> None:
    """--quick imports nothing, and must not end with 3 on every machine that has NumPy 1."""
    snapshot = machine("numpy-abi-older").snapshot
    left = {name: one for name, one in snapshot.readings.items() if name != "imports"}
    settings = snapshot.settings.changed(gate={"quick": quick})
    told = diagnose(replace(snapshot, readings=left, settings=settings), CATALOGUE)
    assert next(one.verdict for one in told.judgements if one.code == "RD283") is verdict
