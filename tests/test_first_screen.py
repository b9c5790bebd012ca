"""The report for people at a glance, its lines, the machines that ship with it, and the command line around it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from retina_doctor_checks.commands.demo.machines import FOLDER, NAMES
from rich.cells import cell_len
from rich.text import Text

from retina_doctor.catalogue.registry import installed
from retina_doctor.judging.diagnose import diagnose
from retina_doctor.language import LANGUAGES, Language
from retina_doctor.model import Severity
from retina_doctor.reports.formats import writer
from retina_doctor.reports.report import PLAIN, Look, Report
from retina_doctor.reports.wrapping import clipped, wrapped
from retina_doctor.running.progress import logged
from retina_doctor.support_file import load, save
from tests.doctor import doctor, environment
from tests.machines import machine, names
from tests.odd_probes import runs
from tools.write_demo import demo


def of(name: str, language: Language = "en", *, unfolded: bool = False) -> Report:
    catalogue = installed()
    diagnosis = diagnose(machine(name).snapshot, catalogue)
    return Report(
        diagnosis=diagnosis, catalogue=catalogue, language=language, fail_on=Severity.ERROR, unfolded=unfolded
    )


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    "name", [name for name in names() if machine(name).findings == () and machine(name).exit_code == 0]
)
def test_a_healthy_machine_fits_24_lines(name: str, language: Language) -> None:
    assert len(writer("terminal")(of(name, language), PLAIN).splitlines()) < 24


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_folded_is_told_when_asked(language: Language) -> None:
    short, long = (writer("terminal")(of("t4-healthy", language, unfolded=asked), PLAIN) for asked in (False, True))
    word = {"en": "Not judged", "zh": "未判断"}[language]
    assert word in [line.strip() for line in long.splitlines()]
    assert word not in [line.strip() for line in short.splitlines()]
    assert "2026-12" in long


@pytest.mark.parametrize("name", names())
def test_a_sign_is_never_better_than_what_was_found(name: str) -> None:
    report = of(name)
    lines = writer("terminal")(report, Look(120, False)).splitlines()
    rows = [line for line in lines if re.match(r"  [1-5] [A-Z]", line)]
    for finding in report.diagnosis.findings:
        if finding.pitfall and rows and finding.severity is not Severity.NOTE:
            assert "✓" not in rows[finding.pitfall - 1], finding.name
            assert "–" not in rows[finding.pitfall - 1], finding.name


def test_lost_facts_show_no_good_sign() -> None:
    snapshot = machine("t4-healthy").snapshot
    catalogue = installed()
    from retina_doctor.codec import replace

    diagnosis = diagnose(replace(snapshot, readings={}), catalogue)
    text = writer("terminal")(Report(diagnosis=diagnosis, catalogue=catalogue, language="en", fail_on=None), PLAIN)
    assert "✓" not in text


# Lines


CASES = [
    ("请在创建第一个会话之前调用 onnxruntime.preload_dlls()（insightface 2.x 会自动调用）。", 28),
    ("The CUDA libraries that it needs come along: libnvrtc.so.12 in /usr/lib/x86_64-linux-gnu", 30),
    ("RETINAFACE_MODEL_PATH=/models/retinaface/retinaface_r50_v1.onnx 是服务使用的模型。", 66),
]


@pytest.mark.parametrize(("text", "width"), CASES)
def test_lines_are_broken_between_characters_and_never_in_a_word(text: str, width: int) -> None:
    lines = wrapped(Text(text), width).plain.split("\n")
    assert all(cell_len(line) <= width for line in lines)
    assert "".join("".join(lines).split()) == "".join(text.split())
    for word in text.replace("，", " ").replace("（", " ").split():
        latin = "".join(c if c.isascii() else " " for c in word).split()
        for one in latin:
            assert any(one in line for line in lines), one
    assert not any(line.startswith(("，", "。", "）", "：", "、", "；")) for line in lines)


def test_chinese_fills_its_lines() -> None:
    lines = wrapped(Text("模型" * 60), 40).plain.split("\n")
    assert [cell_len(line) for line in lines] == [40] * 6


def test_what_fits_on_no_line_is_broken_at_a_slash() -> None:
    lines = wrapped(Text("/models/retinaface/a-very-long-name-of-a-model.onnx"), 30).plain.split("\n")
    assert lines[0] == "/models/retinaface/"
    assert all(cell_len(line) <= 30 for line in lines)


def test_clipped_text_fits() -> None:
    assert clipped("显存" * 10, 11) == "显存显存显…"
    assert clipped("short", 5) == "short"


# The command line


def test_version_by_one_letter(tmp_path: Path) -> None:
    assert runs.run("-V", cwd=tmp_path).stdout == runs.run("--version", cwd=tmp_path).stdout != ""


def test_a_snapshot_goes_through_a_pipe_and_says_where_it_is_from(tmp_path: Path) -> None:
    flags = ("--target", sys.executable, "--quick", "--only", "python_env")
    collected = runs.run("collect", "-o", "-", "--label", "node 7", *flags, cwd=tmp_path)
    assert collected.returncode == 0, collected.stderr
    assert load(collected.stdout).label == "node 7"
    assert not list(tmp_path.iterdir())
    judged = subprocess.run(
        [*runs.COMMAND, "diagnose", "-"],
        input=collected.stdout, cwd=tmp_path, env=runs.environment(), capture_output=True, text=True,
    )  # fmt: skip
    first = " ".join(judged.stdout.split("\n\n")[0].split())
    assert first.startswith("Judging -: recorded 20")
    assert "by retina-doctor" in first
    assert '"node 7", redacted' in first


def test_a_file_says_what_it_is(tmp_path: Path) -> None:
    file = tmp_path / "customer.json"
    file.write_text(save(machine("guide-t4").snapshot), encoding="utf-8")
    told = json.loads(runs.run("diagnose", "customer.json", "--format", "json", cwd=tmp_path).stdout)
    assert told["recorded"]["file"] == "customer.json"
    assert told["recorded"]["redacted"] is False


def test_the_demo_is_the_recorded_machine(tmp_path: Path) -> None:
    assert sorted(file.stem for file in FOLDER.glob("*.json")) == sorted(NAMES)
    assert len(NAMES) >= 12
    for name in NAMES:
        assert (FOLDER / f"{name}.json").read_text(encoding="utf-8") == demo(name), "python tools/write_demo.py"
    first = runs.run("demo", cwd=tmp_path)
    assert first.returncode == 1
    assert "RD264" in first.stdout
    well = runs.run("demo", "t4-healthy", "--format", "json", cwd=tmp_path)
    assert (well.returncode, json.loads(well.stdout)["verdict"]) == (0, "healthy")
    wrong = runs.run("demo", "guide-t5", cwd=tmp_path)
    assert (wrong.returncode, wrong.stderr) == (2, "retina-doctor: no machine guide-t5; did you mean guide-t4?\n")
    assert runs.run("demo", "--names", cwd=tmp_path).stdout.split() == list(NAMES)


def test_a_key_without_its_table_is_told_where_it_belongs(tmp_path: Path) -> None:
    (tmp_path / "retina-doctor.toml").write_text('ignore = { RD201 = "no card here" }\n', encoding="utf-8")
    done = runs.run("--quick", "--only", "python_env", "--target", sys.executable, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.endswith("did you mean gate.ignore?\n")


def test_under_github_actions_annotations_stand_beside_the_report(tmp_path: Path) -> None:
    done = runs.run("demo", cwd=tmp_path, more={"GITHUB_ACTIONS": "true"})
    assert done.stderr.startswith("::error title=RD264 ")
    assert "::error" not in done.stdout
    asked = runs.run("demo", "--format", "github", cwd=tmp_path, more={"GITHUB_ACTIONS": "true"})
    assert asked.stderr == ""


def test_a_dumb_terminal_gets_no_escapes(tmp_path: Path) -> None:
    from tests.test_reports import in_terminal

    assert b"\x1b[" in in_terminal(tmp_path, {"TERM": "xterm"}, "demo")
    assert b"\x1b[" not in in_terminal(tmp_path, {"TERM": "dumb"}, "demo")


def test_a_log_gets_a_line_now_and_then(capsys: pytest.CaptureFixture[str]) -> None:
    class Running:
        current, stage, seconds = "ort_runtime", "importing\x1b[31m", 11.0

    often, seldom = logged("en", every=0.0), logged("en", every=3600.0)
    for show in (often, seldom):
        assert show is not None
        show([Running()])  # type: ignore[list-item]
    assert capsys.readouterr().err == "retina-doctor: onnxruntime sessions: importing\\x1b[31m, 11 s\n"


def test_notes_are_not_counted_as_causes() -> None:
    text = writer("terminal")(of("pynvml-deprecated"), PLAIN)
    assert "root cause" not in text
    assert "1 note" in text
    assert "Do now" not in text


@pytest.mark.skipif(os.name != "posix", reason="a shell")
def test_a_secret_of_the_command_line_is_not_repeated(tmp_path: Path) -> None:
    words = (
        "--quick",
        "--only",
        "python_env",
        "--target",
        sys.executable,
        "--url",
        "http://me:hunter2@127.0.0.1:9/detect",
    )
    done = runs.run(*words, "--model", "absent.onnx", "--only", "models", "--format", "json", cwd=tmp_path)
    told = json.loads(done.stdout)
    assert told["plan"], done.stdout
    assert "hunter2" not in json.dumps(told["plan"])


def test_the_next_commands_are_called_as_this_one_was(tmp_path: Path) -> None:
    """From `uvx --from .` no `retina-doctor` is left on PATH; and who reads Chinese is explained it in Chinese."""
    words = ["check", "--only", "models", "--model", "/nowhere/x.onnx", "--lang", "zh", "--device", "cpu"]
    project = Path(__file__).parents[1]
    before = ["uv", "run", "--no-sync", "--project", str(project), "retina-doctor"]
    env = environment(LANG="C.UTF-8", LC_ALL="C.UTF-8")
    done = subprocess.run([*before, *words], cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    lines = [line.strip() for line in done.stdout.splitlines()]
    assert " ".join([*before, *words]) in lines
    assert any(line.endswith(" ".join([*before, "explain", "--lang", "zh", "RD101"])) for line in lines)

    told = doctor(*words, cwd=tmp_path, env=env).stdout.splitlines()
    assert " ".join(["retina-doctor", *words]) in [line.strip() for line in told], "not started by uv"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("width", [50, 60, 80, 120])
def test_no_command_of_the_plan_or_the_end_is_broken(width: int, language: Language) -> None:
    for name in ("guide-t4", "source-faulty", "service-on-cpu", "det-size-misses-faces"):
        report = of(name, language)
        lines = [line.strip() for line in writer("terminal")(report, Look(width, False)).splitlines()]
        commands = [command for step in report.plan() for command in step.commands]
        assert set(commands) <= set(lines), name
        assert any(line.endswith(f"retina-doctor explain {report.diagnosis.roots[0].code}") for line in lines), name
        comma = "、" if language == "zh" else ", "
        assert name != "source-faulty" or f"RD521{comma}RD425" in " ".join(lines)
