"""RD283 says from which release on the package itself supports NumPy 2, and nothing where that is not known."""

from __future__ import annotations

import pytest
from retina_doctor_checks.python_env.native_checks import newer

from retina_doctor.judging.diagnose import diagnose
from tests.machines import machine
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
