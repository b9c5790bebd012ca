"""The plan: what pip is told for several causes at once, and what the recorded machines are told to do."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import retina_doctor_checks.pack as pack_module
from packaging.requirements import Requirement

from retina_doctor.diagnose import diagnose
from retina_doctor.model import Action, Severity, Snapshot
from retina_doctor.plan import Step, merged
from retina_doctor.registry import Entry, installed
from retina_doctor.reports import Report
from retina_doctor.settings import LANGUAGES, Language
from tests.machines import machine, names

BOTH = (("uninstall", "onnxruntime", "onnxruntime-gpu"), ("install", "onnxruntime-gpu[cuda,cudnn]==1.26.0"))


@pytest.mark.parametrize(
    ("wishes", "actions"),
    [
        ([BOTH], list(BOTH)),
        (  # the command of another cause, alone, would leave both packages
            [(("install", "onnxruntime-gpu[cuda,cudnn]==1.26.0"),), BOTH],
            list(BOTH),
        ),
        (  # insightface brings the CPU package along
            [BOTH, (("install", "insightface"), *BOTH)],
            [("install", "insightface"), *BOTH],
        ),
        (  # what is removed for good is not installed again
            [(("install", "--force-reinstall", "--no-deps", "onnxruntime==1.32.0"),), BOTH],
            list(BOTH),
        ),
        (
            [(("install", "onnxruntime-gpu"),), BOTH],
            list(BOTH),
        ),
        (
            [(("install", "numpy<2"),), (("install", "numpy<1.24"),)],
            [("install", "numpy<1.24,<2")],
        ),
        (
            [
                (
                    ("uninstall", "opencv-python"),
                    ("install", "--force-reinstall", "--no-deps", "opencv-python-headless"),
                ),
                BOTH,
                (("install", "torch==2.11.0"),),
            ],
            [
                ("install", "torch==2.11.0"),
                ("uninstall", "opencv-python", "onnxruntime", "onnxruntime-gpu"),
                ("install", "onnxruntime-gpu[cuda,cudnn]==1.26.0"),
                ("install", "--force-reinstall", "--no-deps", "opencv-python-headless"),
            ],
        ),
        ([(("install", "onnx"), ("install", "onnx"))], [("install", "onnx")]),
        (
            [(("install", "torch", "--index-url", "https://example.com/whl"),), (("install", "--pre", "onnx"),)],
            [("install", "--index-url", "https://example.com/whl", "torch"), ("install", "--pre", "onnx")],
        ),
        ([], []),
    ],
)
def test_what_pip_is_told_for_several_causes(
    wishes: list[tuple[tuple[str, ...], ...]], actions: list[tuple[str, ...]]
) -> None:
    assert merged(wishes) == actions


GUIDE = {"onnxruntime": "1.32.0", "onnxruntime-gpu": "1.31.1"}


def after(commands: list[str], packages: dict[str, str]) -> dict[str, str]:
    """What those are once pip has done as told; each version must be named."""
    packages = dict(packages)
    for command in commands:
        _python, _m, _pip, action, *words = shlex.split(command)
        for word in words:
            if action == "uninstall":
                packages.pop(word, None)
            else:
                wanted = Requirement(word)
                packages[wanted.name] = str(wanted.specifier).removeprefix("==")
    return packages


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_guides_machine_ends_healthy_by_its_plan(language: Language) -> None:
    catalogue = installed()
    sick, well = machine("guide-t4").snapshot, machine("guide-t4-mended").snapshot
    steps = plan_in("guide-t4", language)
    assert [step.kind for step in steps] == [Action.PIP, Action.RESTART, Action.LOOK]
    [pip, _, again] = steps
    assert after(list(pip.commands), onnxruntimes(sick)) == onnxruntimes(well) == {"onnxruntime-gpu": "1.26.0"}
    assert onnxruntimes(sick) == GUIDE
    assert pip.image == f"RUN {' && '.join(c.replace('/usr/local/bin/python3 -m ', '') for c in pip.commands)}"
    assert again.commands == ("retina-doctor",)
    assert diagnose(well, catalogue).exit_code(Severity.ERROR) == 0
    assert plan_in("guide-t4-mended", language) == ()


def onnxruntimes(snapshot: Snapshot) -> dict[str, str]:
    return {one["name"]: one["version"] for one in snapshot.readings["ort_files"].facts["distributions"]}


def plan_in(name: str, language: Language) -> tuple[Step, ...]:
    catalogue = installed()
    diagnosis = diagnose(machine(name).snapshot, catalogue)
    return Report(diagnosis=diagnosis, catalogue=catalogue, language=language, fail_on=Severity.ERROR).plan()


ORDER = list(Action)


@pytest.mark.parametrize("name", names())
def test_the_plan_of_every_machine(name: str) -> None:
    """Every graver cause is dealt with, in the order of the kinds, each command once, the same in both languages."""
    steps, chinese = plan_in(name, "en"), plan_in(name, "zh")
    diagnosis = diagnose(machine(name).snapshot, installed())
    grave = {
        root.code
        for root in diagnosis.roots
        if any(one.severity is not Severity.NOTE for one in (root, *diagnosis.echoes(root)))
    }
    assert {code for step in steps for code in step.fixes} == grave
    assert bool(steps) == bool(grave)
    kinds = [ORDER.index(step.kind) for step in steps[:-1]]
    assert kinds == sorted(kinds)
    commands = [command for step in steps for command in step.commands]
    assert len(commands) == len(set(commands))
    assert [(s.kind, s.commands, s.fixes) for s in steps] == [(s.kind, s.commands, s.fixes) for s in chinese]
    if any(step.kind is not Action.LOOK for step in steps):
        assert [step.kind for step in steps].count(Action.RESTART) == 1
    if steps:
        assert steps[-1].commands == ("retina-doctor",)


@pytest.mark.parametrize("entry", installed().entries, ids=lambda entry: entry.check.code)
def test_every_check_says_what_kind_of_action_it_asks(entry: Entry) -> None:
    assert entry.check.action is not None


def test_no_line_of_the_plan_only_shows_a_line_of_source() -> None:
    """ "grep -n '' FILE | sed" fixes nothing."""
    for step in plan_in("source-faulty", "en"):
        assert not [command for command in step.commands if command.startswith("grep")]
    [edit] = [step for step in plan_in("source-faulty", "en") if step.kind is Action.EDIT]
    instead = {f"{one.location.file}:{one.location.line}": one.instead for one in edit.causes if one.location}
    assert instead["/srv/face/app.py:44"] == 'web.run(port=8080, host="0.0.0.0")'


def test_the_month_of_the_tables_is_that_of_the_newest_reading() -> None:
    folder = Path(pack_module.__file__).parent
    read = {day for file in folder.rglob("*.toml") for day in re.findall(r"read (\d{4}-\d\d)-\d\d", file.read_text())}
    assert max(read) == installed().knowledge["retinaface"]
