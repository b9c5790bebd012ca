"""[expect]: each key met, missed and not to be judged, told by the real command."""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest
from retina_doctor_checks.settings import ExpectSettings

from retina_doctor.support_file import save
from tests.machines import machine, put
from tests.odd_probes import runs


class Row(NamedTuple):
    """*met* is the last value that t4-healthy still reaches, *missed* the next one. *found*: what is told beside it, and
    *named* what was expected, where that is not *missed*. *absent*: what no probe told then, as a JSON pointer."""

    code: str
    met: Any
    missed: Any
    found: Any
    absent: str
    named: str | None = None


ROWS = {
    "gpus": Row("RD701", 1, 2, 1, "/readings/nvml"),
    "gpu_name": Row("RD702", "tesla t4", "T40", "Tesla T4", "/readings/nvml/facts/gpus/0/name"),
    "driver": Row("RD703", ">=580.95.05, <581", ">580.95.5", "580.95.05", "/readings/nvml/facts/driver"),
    "provider": Row(
        "RD704",
        "cuda",
        "tensorrt",
        "CUDAExecutionProvider",
        "/readings/inference/facts/nodes",
        "TensorrtExecutionProvider",
    ),
    "faces": Row("RD705", 6, 5, 6, "/readings/inference/facts/faces"),
    "model_sha256": Row("RD706", "ab" * 32, "ba" * 32, "ab" * 32, "/readings/models/facts/files/0/sha256"),
    "free_memory_mib": Row("RD707", 14930, 14931, 14930, "/readings/nvml/facts/gpus/0/memory_free"),
    "max_latency_ms": Row("RD708", 50.0, 49.9, 50.0, "/readings/inference/facts/median"),
    "min_speedup": Row("RD709", 18.0, 18.1, 18.0, "/readings/inference/facts/cpu_median"),
}


def told(folder: Path, key: str, value: Any, *, absent: str = "") -> dict[str, Any]:
    """The JSON report of t4-healthy where that is expected, and of these checks alone."""
    recorded = json.loads(save(machine("t4-healthy").snapshot))
    recorded["settings"] |= {"expect": {key: value}, "gate": {"only": ["expect"]}}
    put(recorded, "/readings/models/facts/files/0/sha256", "ab" * 32)
    if absent:
        crashed = {"outcome": "crashed", "detail": "killed by SIGSEGV"}
        put(recorded, absent, None if "/facts/" in absent else crashed)
    (folder / "machine.json").write_text(json.dumps(recorded), encoding="utf-8")
    done = runs.run("diagnose", "machine.json", "--format", "json", cwd=folder)
    assert done.stderr == ""
    report: dict[str, Any] = json.loads(done.stdout)
    assert report["exit_code"] == done.returncode
    verdicts = {one["code"]: one["verdict"] for one in report["checks"] if one["code"].startswith("RD7")}
    del verdicts[ROWS[key].code]
    assert set(verdicts.values()) == {"inapplicable"}, "nothing was said of the others"
    return report


def verdict(report: dict[str, Any], key: str) -> str:
    return next(str(one["verdict"]) for one in report["checks"] if one["code"] == ROWS[key].code)


def test_each_key_has_a_row() -> None:
    assert set(ROWS) == {one.name for one in msgspec.structs.fields(ExpectSettings)}


@pytest.mark.parametrize("key", ROWS)
def test_what_is_expected_is_met_missed_or_not_known(tmp_path: Path, key: str) -> None:
    row = ROWS[key]
    met = told(tmp_path, key, row.met)
    assert (met["exit_code"], verdict(met, key), met["findings"]) == (0, "passed", [])

    missed = told(tmp_path, key, row.missed)
    [finding] = missed["findings"]
    expected = row.named or row.missed
    assert (missed["exit_code"], verdict(missed, key), finding["code"]) == (1, "failed", row.code)
    assert (finding["evidence"]["expected"], finding["evidence"]["found"]) == (expected, row.found)
    words = finding["title"] + finding["message"]
    assert str(row.found) in words and str(expected) in words, words

    unknown = told(tmp_path, key, row.missed, absent=row.absent)
    assert (unknown["exit_code"], verdict(unknown, key), unknown["findings"]) == (3, "unknown", [])


def test_a_settings_file_is_recorded_with_the_machine(tmp_path: Path, real_model: Path) -> None:
    """What was expected when a machine was recorded is what it is held against, wherever it is judged.

    A redacted hash is a number of its own, and still the same one in both places.
    """

    def judged(digest: str) -> dict[str, str]:
        expected = {key: row.missed for key, row in ROWS.items()} | {"model_sha256": digest}
        lines = [f"{key} = {json.dumps(value)}" for key, value in expected.items()]
        settings = tmp_path / "retina-doctor.toml"
        settings.write_text("\n".join(["[expect]", *lines, '[gate]\nonly = ["expect"]\n']))
        more = ("--quick", "--device", "cpu", "--target", sys.executable, "--model", str(real_model))
        done = runs.run("collect", "-o", "machine.json", *more, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        settings.unlink()
        text = (tmp_path / "machine.json").read_text(encoding="utf-8")
        recorded = json.loads(text)["settings"]["expect"]
        assert digest not in text
        assert recorded | {"model_sha256": digest} == expected
        report = json.loads(runs.run("diagnose", "machine.json", "--format", "json", cwd=tmp_path).stdout)
        return {one["code"]: one["verdict"] for one in report["checks"] if one["code"].startswith("RD7")}

    digest = hashlib.sha256(real_model.read_bytes()).hexdigest()
    met, missed = judged(digest), judged(digest[::-1])
    assert set(met) == {row.code for row in ROWS.values()}
    assert (met["RD706"], missed["RD706"]) == ("passed", "failed")
