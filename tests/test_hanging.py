"""What hangs is named, within the time of its kind; all that does not need it is judged as if it did not hang, and no process
is left. Real programs, libraries and file systems hang."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.odd_probes.runs import processes_with, wait_until
from tests.standins import Machine, Report, doctor, library_path, needs_root, real_cudart_folder
from tests.standins.dead_mount import dead_mount

CLEAN: dict[str, str | None] = dict.fromkeys(("CUDA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES", "PYTHONPATH"))
QUICK, SHORT = "no answer in 2.4 s", "no answer in 10 s"
DEAF = "#!/bin/sh\ntrap '' TERM HUP INT\nsleep 1000\nsleep 1000\n"
SLEEPS = "#!/bin/sh\nexec sleep 1000\n"
HUNG_IMPORT = "import time\ntime.sleep(1000)\n"


@pytest.fixture(autouse=True)
def mark(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Borne by all that a test starts; none may be alive when the test is over."""
    value = uuid.uuid4().hex
    monkeypatch.setenv("HANGING_MARK", value)
    yield value
    assert not processes_with(f"HANGING_MARK={value}")


def looked(folder: Path, *words: str, path: str | None = None, smi: str | None = None, **variables: str) -> Report:
    """On a machine with a card, which is whole but for what is said."""
    folder.mkdir(exist_ok=True)
    files: dict[str, str | Path] = {"/usr/local/bin/nvidia-smi": smi} if smi else {}
    environment = {**CLEAN, "LD_LIBRARY_PATH": path or library_path(), **variables}
    machine = Machine(folder=folder / "machine", files=files)
    return doctor(folder, *words, environment=environment, machine=machine)


def verdicts(report: Report) -> dict[str, str]:
    return {one["code"]: one["verdict"] for one in report.json["checks"]}


def missing(report: Report) -> dict[str, list[str]]:
    return {one["code"]: one["missing"] for one in report.json["checks"]}


def hung(report: Report) -> set[str]:
    return {one["name"] for one in report.json["probes"] if one["outcome"] == "timed_out"}


def assert_only_those_differ(report: Report, twin: Report, probes: set[str], named: set[str]) -> None:
    """*report* says what *twin* says, but for checks of the names *named* and those that miss facts of *probes*."""
    lost = missing(report)
    names = {one["code"]: one["name"] for one in report.json["checks"]}
    was = verdicts(twin)
    for code, verdict in verdicts(report).items():
        if verdict != was[code] and names[code] not in named:
            assert set(lost[code]) & probes, (code, was[code], verdict)


@pytest.fixture(scope="module")
def well(tmp_path_factory: pytest.TempPathFactory) -> Report:
    """The quick check of the same machine on which nothing hangs."""
    os.environ.pop("HANGING_MARK", None)
    report = looked(tmp_path_factory.mktemp("well"), "--quick", smi="#!/bin/sh\n")
    assert not hung(report), report.summary()
    return report


@pytest.mark.parametrize("smi", [SLEEPS, DEAF], ids=["sleeps", "deaf"])
def test_a_quick_check_names_a_hung_nvidia_smi_and_judges_the_rest(tmp_path: Path, well: Report, smi: str) -> None:
    report = looked(tmp_path / "hung", "--quick", smi=smi)
    assert report.roots == {"nvidia-smi-hangs"}
    assert hung(report) == {"nvidia_smi"}
    assert_only_those_differ(report, well, {"nvidia_smi"}, {"nvidia-smi-hangs"})


def test_a_quick_check_of_a_driver_that_answers_nobody(tmp_path: Path, well: Report) -> None:
    report = looked(tmp_path / "hung", "--quick", smi=DEAF, STANDIN_INIT="hang")
    assert "nvidia-smi-hangs" in report.roots
    assert hung(report) == {"nvidia_smi", "nvml"}
    assert report.finding("nvml-fails")["evidence"]["detail"] == QUICK
    assert_only_those_differ(report, well, {"nvml"}, {"nvidia-smi-hangs", "nvml-fails"})


def test_hung_nvml_costs_those_that_share_its_process_nothing(tmp_path: Path, well: Report) -> None:
    report = looked(tmp_path / "hung", "--quick", smi="#!/bin/sh\n", STANDIN_INIT="hang")
    assert report.roots == {"nvml-fails"}
    assert hung(report) == {"nvml"}
    assert_only_those_differ(report, well, {"nvml"}, {"nvml-fails"})


def test_hung_cuda_ends_what_waits_for_cuda_and_nothing_else(tmp_path: Path) -> None:
    path = library_path(cudart=real_cudart_folder())
    report = looked(tmp_path / "hung", smi="#!/bin/sh\n", path=path, STANDIN_CUINIT="hang")
    assert report.roots == {"cuda-init-fails"}
    details = {one["name"]: one["evidence"].get("detail") for one in report.json["findings"]}
    assert details["cuda-init-fails"] == SHORT
    assert hung(report) >= {"cuda_driver", "ort_runtime"}
    assert hung(report) <= {"cuda_driver", "ort_runtime", "known_answer"}
    assert "nor from cuda_driver" in str(details)


def test_a_torch_whose_import_hangs_costs_no_other_its_verdict(tmp_path: Path) -> None:
    site = tmp_path / "site" / "torch"
    site.mkdir(parents=True)
    (site / "__init__.py").write_text(HUNG_IMPORT)
    (site / "version.py").write_text("__version__ = '2.9.0+cu128'\ncuda = '12.8'\n")
    report = looked(tmp_path / "hung", "--timeout", "6", "--skip", "inference", PYTHONPATH=str(site.parent))
    assert hung(report) == {"torch_runtime"}
    assert "torch-import-fails" in report.names, report.summary()
    for code, lacking in missing(report).items():
        assert set(lacking) <= {"torch_runtime", "torch_files"}, (code, lacking)


def dead(tmp_path: Path, *words: str) -> Report:
    """With models in a folder that answers nobody."""
    needs_root()
    folder = tmp_path / "models"
    with dead_mount(folder):
        return doctor(tmp_path, "--device", "cpu", "--model", str(folder), *words, environment=CLEAN)


def assert_all_else_is_known(report: Report, *probes: str) -> None:
    assert hung(report) == set(probes)
    for code, lacking in missing(report).items():
        assert set(lacking) <= set(probes), (code, lacking)


def test_a_quick_check_with_models_on_a_dead_file_system(tmp_path: Path, mark: str) -> None:
    """Whoever waits for it cannot be killed as long as it is dead: the report does not wait for that."""
    report = dead(tmp_path, "--quick")
    assert_all_else_is_known(report, "models")
    assert report.finding("probe-failed")["evidence"]["detail"] == QUICK
    assert wait_until(lambda: not processes_with(f"HANGING_MARK={mark}"))


def test_what_needs_models_on_a_dead_file_system_is_ended_with_them(tmp_path: Path, mark: str) -> None:
    report = dead(tmp_path, "--skip", "torch,onnxruntime,python_env")
    assert_all_else_is_known(report, "models", "inference")
    details: Mapping[str, Any] = {one["name"]: one["evidence"].get("detail") for one in report.json["findings"]}
    assert details["probe-failed"] == SHORT
    assert "nor from models" in details["smoke-inference-failed"]
    assert report.verdict("known-answer-wrong") == "passed"
    assert wait_until(lambda: not processes_with(f"HANGING_MARK={mark}"))


def test_a_fifo_among_models_keeps_nobody_waiting(tmp_path: Path) -> None:
    folder = tmp_path / "models"
    folder.mkdir()
    os.mkfifo(folder / "det_10g.onnx")
    words = ("--device", "cpu", "--model", str(folder), "--only", "models,inference")
    report = doctor(tmp_path, *words, environment=CLEAN)
    assert hung(report) == set()
    assert "model-unreadable" in report.roots
