"""The plan: what pip is told for several causes at once, and what the recorded machines are told to do."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
import retina_doctor_checks.pack as pack_module
from packaging.requirements import Requirement

from retina_doctor.catalogue.registry import Entry, installed
from retina_doctor.judging.diagnose import diagnose
from retina_doctor.language import LANGUAGES, Language
from retina_doctor.model import Action, Severity, Snapshot
from retina_doctor.reports.formats import writer
from retina_doctor.reports.report import PLAIN, Report
from retina_doctor.words.merging import merged
from retina_doctor.words.one_line import combined
from retina_doctor.words.plan import Step
from tests.doctor import report
from tests.machines import machine, names
from tests.rejudging import judged
from tests.test_reports import of
from tests.variants import scenes

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


def drawn_plan(name: str) -> str:
    return writer("terminal")(of(name), PLAIN).partition("Do now")[2]


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
    lines = [line for one in edit.causes for line in one.edits]
    instead = {f"{one.location.file}:{one.location.line}": one.instead for one in lines}
    assert instead["/srv/face/app.py:44"] == 'web.run(port=8080, host="0.0.0.0")'


def test_a_line_is_written_once() -> None:
    """Two causes that change one line: whoever writes the second line over the first would undo it."""
    places = [
        (edit.location.file, edit.location.line)
        for step in plan_in("source-faulty", "en")
        for cause in step.causes
        for edit in cause.edits
    ]
    assert ("/srv/face/Dockerfile", 3) in places
    assert len(places) == len(set(places))
    told = drawn_plan("source-faulty")
    assert told.count("/srv/face/Dockerfile:3\n") == 1
    assert told.count("/srv/face/Dockerfile:3 ") >= 1  # in words


def test_lines_of_a_file_are_written_from_its_end() -> None:
    """A line that is removed, or written as two, moves those below it: who goes by the numbers must not meet them later."""
    [edit] = [step for step in plan_in("source-faulty", "en") if step.kind is Action.EDIT]
    lines: dict[str, list[int]] = {}
    for cause in edit.causes:
        if cause.location is not None:
            lines.setdefault(cause.location.file, []).append(cause.location.line)
    assert max(map(len, lines.values())) > 5
    assert all(numbers == sorted(numbers, reverse=True) for numbers in lines.values())


def test_the_month_of_the_tables_is_that_of_the_newest_reading() -> None:
    folder = Path(pack_module.__file__).parent
    read = {day for file in folder.rglob("*.toml") for day in re.findall(r"read (\d{4}-\d\d)-\d\d", file.read_text())}
    assert max(read) == installed().knowledge["retinaface"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_step_by_hand_begins_with_what_to_do(language: Language) -> None:
    """Not with what a command shows (the plan has only those that do something), nor with what is the matter."""
    begun = re.compile(
        r"(?:The|This|These|That|No|So that|It|There|An?|Other|Whoever|What|Which|They|Both) |下面的命令|该|这|没有|$"
    )
    found = {
        f"{name}: {cause.code} {cause.todo}"
        for name, step in all_steps(language)
        for cause in step.causes
        if step.listed and not cause.edits and begun.match(cause.todo)
    }
    assert not found, "\n".join(sorted(found))


def test_what_a_restart_does_not_change_is_to_be_edited_first() -> None:
    """A service that never asked for CUDA does the same after a restart; one that fell back, or whose command is known as it
    should be, does not."""
    kinds = {
        name: [step.kind for step in plan_in(name, "en")[:-1]]
        for name in ("service-on-cpu", "service-without-gpu-provider", "service-fell-back")
    }
    edited = [Action.EDIT, Action.RESTART]
    assert kinds == {
        "service-on-cpu": edited,
        "service-without-gpu-provider": edited,
        "service-fell-back": [Action.RESTART],
    }


ANSWER = {
    "en": re.compile(
        r"(If|Where|When|Unless|In case)\b|[^`]*\b(command|commands) (that |prints|shows|looks|posts|below)"
    ),
    "zh": re.compile(r"如果|若|当|[^`]*命令(输出|显示|打印|在|逐)"),
}
"""A condition that nobody has looked at, and what a command says that does not stand in the plan."""


def all_steps(language: Language) -> Iterator[tuple[str, Step]]:
    """Of every machine, and of every scene of what no machine shows."""
    catalogue = installed()
    diagnoses = [(name, judged(name)) for name in names()] + [(key, one.diagnosis) for key, one in scenes().items()]
    for name, diagnosis in diagnoses:
        report = Report(diagnosis=diagnosis, catalogue=catalogue, language=language, fail_on=Severity.ERROR)
        yield from ((name, step) for step in report.plan())


def todos(language: Language) -> set[str]:
    """What is to be done by hand."""
    told = set()
    for name, step in all_steps(language):
        by_hand = [(one.code, one.todo) for one in step.causes if step.listed and not one.edits]
        told |= {f"{name}: {code} {todo}" for code, todo in by_hand}
        told |= {f"{name}: {'+'.join(step.fixes)} {todo}" for todo in step.by_hand}
    return told


def test_a_variable_is_set_where_the_service_gets_it_from() -> None:
    """A service of systemd or of an image knows nothing of `export` in the reader's shell."""
    found = {
        (name, step.commands): step.by_hand
        for name, step in all_steps("en")
        if any(re.match(r"(export|unset) (?!'?RETINA_DOCTOR_)", command) for command in step.commands)
    }
    assert len(found) >= 15
    assert not [one for one, told in found.items() if not re.search("gets? its|give it the variable", " ".join(told))]


TAKEN_FOR_A_FILE = re.compile(r"(?<!\S)\./--?[a-z]")
SEVERAL_IN_A_WORD = re.compile(r"(?<!h -c)(?<!n -c)(?<!3 -c) '[^' ]+ --?[a-z]+ [^']*'")
"""But for what a shell or Python is given to run."""


def test_options_reach_the_program_as_options() -> None:
    """Not as a file (`./--runtime=containerd`), nor several in one word (`-c '0 -c 255'`)."""
    wrong = [
        (name, command)
        for name, step in all_steps("en")
        for command in step.commands
        if TAKEN_FOR_A_FILE.search(command) or SEVERAL_IN_A_WORD.search(command)
    ]
    assert not wrong


LOOKS = re.compile(
    r"(?:sudo )?(?:nvidia-smi (?:-L|--query|-q)|lspci|sha256sum|ls|cat|df|du|ss|ps|find|grep|dmesg|journalctl)\b(?!.*\|)"
)


def test_what_only_looks_is_no_step_of_its_own() -> None:
    wrong = [
        (name, step.kind, step.commands)
        for name, step in all_steps("en")
        if step.kind is not Action.LOOK and step.commands and all(map(LOOKS.match, step.commands))
    ]
    assert not wrong


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_step_by_hand_waits_for_no_answer(language: Language) -> None:
    found = [one for one in sorted(todos(language)) if ANSWER[language].match(one.split(" ", 2)[2])]
    assert not found, "\n".join(found)


def test_what_only_tells_the_doctor_is_no_fix_of_the_service() -> None:
    """ "export RETINA_DOCTOR_DETECTION_SIZE=512x288" alone would leave the service as it is and the report green."""
    found: dict[str, tuple[str, ...]] = {}
    for name in names():
        for step in of(name).plan()[:-1]:
            if any(command.startswith("export RETINA_DOCTOR_") for command in step.commands):
                found[name] = step.by_hand
    assert len(found) >= 5
    assert all("In the service write" in " ".join(told) for told in found.values()), found


def test_corrections_of_one_line_are_one_line(tmp_path: Path) -> None:
    """Written as the plan says, the Dockerfile needs no second look; what is pinned is pinned wherever it is installed."""
    (tmp_path / "Dockerfile").write_text(
        "FROM nvidia/cuda:12.4.1-cudnn-runtime-ubuntu22.04\nRUN pip install onnxruntime-gpu==1.31.1 insightface\n"
    )
    told = report("scan", ".", cwd=tmp_path)
    assert {"RD276", "RD278"} <= {one["code"] for one in told["findings"]}
    [line] = [one for step in told["plan"] for one in step["edits"] if one["instead"]]
    assert line["location"]["line"] == 2
    assert line["instead"].count("onnxruntime-gpu==1.26.0") == 2
    assert "uninstall -y onnxruntime onnxruntime-gpu &&" in line["instead"]
    assert {"RD276", "RD278"} <= set(told["plan"][0]["fixes"])
    text = (tmp_path / "Dockerfile").read_text().splitlines()
    (tmp_path / "Dockerfile").write_text("\n".join([text[0], line["instead"], ""]))
    after = report("scan", ".", cwd=tmp_path)
    assert not {"RD276", "RD278"} & {one["code"] for one in after["findings"]}


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        ("a x c", "a b y", "a x y"),
        ("a b c d", "z a b c", "z a b c d"),
        ("a x c", "a y c", None),
        ("", "a b x", None),
        ("a b c d", "a b c e", None),
    ],
)
def test_two_changes_of_one_line(one: str, other: str, both: str | None) -> None:
    assert combined("a b c", one, other) == both
    assert combined("a b c", other, one) == both
