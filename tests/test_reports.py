"""Reports: what each format promises, also for evidence that nobody vouches for."""

from __future__ import annotations

import functools
import json
import os
import pty
import re
import shlex
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import junitparser
import pytest
from rich.cells import cell_len

from retina_doctor.authoring import Answer, Domain, Pack, Probe, Side, check
from retina_doctor.catalogue.registry import build, installed
from retina_doctor.judging.diagnose import diagnose
from retina_doctor.language import LANGUAGES
from retina_doctor.model import Action, Location, Outcome, Passed, Problem, Reason, Recorded, Severity, Snapshot, Target
from retina_doctor.reports import formats
from retina_doctor.reports.formats import writer
from retina_doctor.reports.report import PLAIN, Look, Report
from retina_doctor.settings import GateSettings, Settings
from tests.machines import machine, names
from tests.odd_probes import runs

HOSTILE = (
    "a\x1b[31mred\x1b]0;title\x07\r\nrm -rf /\n\x9b2J 'x' \"y\" $(id) `id`\u202e%0A::error::\x00\ud83d\ude00".encode(
        "utf-16", "surrogatepass"
    ).decode("utf-16")
)
ACTIONS = set(Action)
ESCAPES = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


PAGE = """# Found {{ text }}

The text is {{ text }} and `{{ text }}`.

## Fix

Do {{ text }}:

```sh
printf %s {{ text }}
```

## Why

It is so.
"""


@dataclass(frozen=True, kw_only=True)
class Hostile:
    text: str


@check("XX101", "hostile-error", Severity.ERROR, pitfall=1)
def hostile_error(facts: Hostile) -> Answer:
    return [
        Problem(
            subject=facts.text,
            evidence={"text": facts.text},
            location=Location(file=f"a,b:{facts.text}.py", line=3, column=2),
        ),
        Problem(subject="second", evidence={"text": "plain"}),
    ]


@check("XX102", "hostile-warning", Severity.WARNING)
def hostile_warning(facts: Hostile) -> Answer:
    return Problem(subject=facts.text, evidence={"text": facts.text})


@check("XX103", "hostile-passed", Severity.ERROR)
def hostile_passed(facts: Hostile) -> Answer:
    return Passed(Reason("hostile", {"text": facts.text}))


@check("XX104", "hostile-break", Severity.ERROR)
def hostile_break(facts: Hostile) -> Answer:
    raise ValueError(facts.text)


@check("XX105", "hostile-ignored", Severity.ERROR)
def hostile_ignored(facts: Hostile) -> Answer:
    return Problem(subject=facts.text, evidence={"text": facts.text})


@check("XX106", "wrong-answer", Severity.ERROR)
def wrong_answer(facts: Hostile) -> Answer:
    return {"a set": "is no answer"}.keys()  # type: ignore[return-value]


CHECKS = (hostile_error, hostile_warning, hostile_passed, hostile_break, hostile_ignored, wrong_answer)


def hostile(folder: Path, language: Any = "en") -> Report:
    """A report in which every text that comes from outside is hostile."""
    for one in CHECKS:
        for tongue in LANGUAGES:
            (folder / f"{one.name}.{tongue}.md").write_text(PAGE, encoding="utf-8")
    (folder / "reasons.toml").write_text('[hostile]\nen = "saw {text}"\nzh = "看到 {text}"\n', encoding="utf-8")
    probe = Probe(name="hostile", facts=Hostile, module="tests.odd_probes.odd", side=Side.TARGET)
    domain = Domain(name="hostile", probes=(probe,), checks=CHECKS, pages=folder)
    catalogue = build([Pack(name="hostile", domains=(domain,), reasons=folder / "reasons.toml")])
    snapshot = Snapshot(
        created="2026-11-23T12:00:00+00:00",
        doctor="0",
        settings=Settings(GateSettings(ignore={"XX105": HOSTILE})),
        target=Target(command=("/opt/py thon\x1b[2J/python",), chosen="flag"),
        readings={
            "interpreter": machine("t4-healthy").snapshot.readings["interpreter"],
            "hostile": Recorded(outcome=Outcome.OK, facts={"text": HOSTILE}),
        },
    )
    return Report(
        diagnosis=diagnose(snapshot, catalogue), catalogue=catalogue, language=language, fail_on=Severity.ERROR
    )


@functools.cache
def of(name: str, language: Any = "en") -> Report:
    catalogue = installed()
    diagnosis = diagnose(machine(name).snapshot, catalogue)
    return Report(diagnosis=diagnosis, catalogue=catalogue, language=language, fail_on=Severity.ERROR)


every_machine = pytest.mark.parametrize("name", names())


# JSON


@every_machine
def test_json_has_the_promised_keys(name: str) -> None:
    report = json.loads(writer("json")(of(name), PLAIN))
    assert {"format", "verdict", "exit_code", "findings", "checks", "probes", "facts"} <= set(report)
    assert report["format"] == 1
    assert report["verdict"] in ("healthy", "findings", "unknown", "broken")
    assert report["exit_code"] == machine(name).exit_code
    keys = {"code", "name", "severity", "subject", "root", "title", "message", "evidence", "fix", "location", "pitfall"}
    keys.add("action")
    shown = {(f["code"], f["name"], f["subject"]) for f in report["findings"]}
    for finding in report["findings"]:
        assert set(finding) == keys
        assert finding["action"] in ACTIONS
        assert finding["severity"] in ("error", "warning", "note")
        assert finding["pitfall"] in (1, 2, 3, 4, 5, None)
        assert set(finding["fix"]) == {"text", "commands"}
        root = finding["root"]
        assert root is None or (root["code"], root["name"], root["subject"]) in shown
    for judged in report["checks"]:
        assert set(judged) == {"code", "name", "verdict", "missing", "reason"}
        assert judged["verdict"] in ("passed", "failed", "unknown", "inapplicable", "ignored", "error")
        assert (judged["verdict"] == "unknown") == bool(judged["missing"])
    assert {f["code"] for f in report["findings"]} == {c["code"] for c in report["checks"] if c["verdict"] == "failed"}
    assert [c["code"] for c in report["checks"]] == [e.check.code for e in installed().entries]
    codes = {f["code"] for f in report["findings"] if f["root"] is None}
    for number, step in enumerate(report["plan"], 1):
        assert {"step", "kind", "commands", "fixes"} <= set(step)
        assert (step["step"], step["kind"] in ACTIONS) == (number, True)
        assert set(step["fixes"]) <= codes
        assert step["text"]
    for probe in report["probes"]:
        assert {"name", "outcome", "seconds"} <= set(probe) <= {
            "name", "outcome", "seconds", "cpu_seconds", "peak_memory"
        }  # fmt: skip
    assert set(report["facts"]) == {p["name"] for p in report["probes"]}


def test_json_holds_hostile_evidence_unchanged(tmp_path: Path) -> None:
    report = json.loads(writer("json")(hostile(tmp_path), PLAIN))
    finding = next(f for f in report["findings"] if f["code"] == "XX101" and f["pitfall"] == 1 and f["location"])
    assert finding["evidence"]["text"] == HOSTILE
    assert finding["location"]["line"] == 3
    assert not ESCAPES.search(finding["title"] + finding["message"] + finding["fix"]["text"])


def test_a_check_that_breaks_is_shown_as_broken_and_never_passed(tmp_path: Path) -> None:
    report = hostile(tmp_path)
    told = {c["code"]: c for c in json.loads(writer("json")(report, PLAIN))["checks"]}
    assert told["XX104"]["verdict"] == "error"
    assert told["XX104"]["reason"].startswith("ValueError: a")
    assert told["XX106"]["verdict"] == "error"


# Commands


@pytest.mark.parametrize("language", LANGUAGES)
def test_evidence_in_a_command_stays_one_word_on_one_line(tmp_path: Path, language: Any) -> None:
    report = hostile(tmp_path, language)
    for finding in report.diagnosis.findings:
        words = report.words(finding)
        assert len(words.commands) == 1
        assert "\n" not in words.commands[0]
        ran = subprocess.run(["bash", "-c", words.commands[0]], capture_output=True)
        assert ran.stdout.decode() == finding.evidence["text"].partition("\0")[0]  # where bash, too, ends a word
        assert ran.stderr == b""


@pytest.mark.parametrize(
    "text",
    [
        "a b",
        "a'b",
        "$(touch owned)",
        "`touch owned`",
        "a;touch owned",
        "a\ntouch owned",
        "-n",
        "*",
        "中文 模型",
        "a\\b\tc",
        "\x1b[31m",
        "\x9b1",
        "\u202e2e \n'",
        "\U0001f600\t",
    ],
)
def test_a_command_gets_evidence_as_it_is(tmp_path: Path, text: str) -> None:
    from retina_doctor.words.pages import _shell

    command = _shell("printf %s {{ text }}", {"text": text})
    ran = subprocess.run(["bash", "-c", command], cwd=tmp_path, capture_output=True)
    # A value is never an option: what begins with a dash is named as the file that it is.
    assert ran.stdout.decode() == (f"./{text}" if text.startswith("-") else text)
    assert not list(tmp_path.iterdir())


# Terminal


@every_machine
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("width", [40, 60, 80, 120, 200])
def test_terminal_keeps_to_its_width_but_for_commands(name: str, language: Any, width: int) -> None:
    report = of(name, language)
    text = writer("terminal")(report, Look(width, False))
    steps = report.plan()
    edits = [edit for step in steps for one in step.causes for edit in one.edits]
    planned = {c for step in steps for c in (*step.commands, step.image) if c}
    planned |= {line.strip() for edit in edits for line in edit.instead.split("\n") if line}
    shown = {
        doing.command
        for root in report.diagnosis.roots
        for doing in report.words(root).doings
        if doing.pip is None or root.severity is Severity.NOTE
    }
    lines = {line.strip() for line in text.splitlines()}
    assert planned <= lines
    assert {c for c in shown if not c.startswith("grep -n '' ")} <= lines
    for line in text.splitlines():
        assert line.strip() in shown | planned or cell_len(line) <= width, line
        assert line == line.rstrip()
    assert not ESCAPES.search(text)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("width", [40, 80, 120])
def test_hostile_evidence_is_shown_and_not_obeyed(tmp_path: Path, language: Any, width: int) -> None:
    report = hostile(tmp_path, language)
    text = writer("terminal")(report, Look(width, False))
    assert not ESCAPES.search(text)
    assert not [line for line in text.splitlines() if line.strip().startswith("rm -rf")]
    assert "\\x1b[31m" in text.replace("\n", "").replace(" ", "")
    commands = [line for line in text.splitlines() if line.startswith("    printf")]
    assert len(commands) == 3
    assert all(shlex.split(line.strip().replace("$'", "'"))[0] == "printf" for line in commands[:1])


def test_colour_is_the_reports_own_and_no_other(tmp_path: Path) -> None:
    text = writer("terminal")(hostile(tmp_path), Look(80, True))
    without = re.sub(r"\x1b\[[0-9;]*m", "", text)
    assert without != text
    assert not ESCAPES.search(without)


def test_echoes_are_folded_under_their_root() -> None:
    folded = [name for name in names() if any(f.root for f in of(name).diagnosis.findings)]
    assert folded
    for name in folded:
        report = of(name)
        text = writer("terminal")(report, PLAIN)
        for finding in report.diagnosis.findings:
            title = report.words(finding).title.replace("`", "")
            shown = "".join(title.split()) in "".join(text.split())  # a path that is wider than a line is broken
            assert shown or finding.root is not None, (name, finding.name)
            assert f"{finding.code} {finding.name}" in " ".join(text.split())


# JUnit


def counts(suite: ElementTree.Element) -> dict[str, int]:
    cases = list(suite.iter("testcase"))
    return {
        "tests": len(cases),
        "failures": sum(case.find("failure") is not None for case in cases),
        "errors": sum(case.find("error") is not None for case in cases),
        "skipped": sum(case.find("skipped") is not None for case in cases),
    }


def assert_junit(text: str) -> ElementTree.Element:
    root = ElementTree.fromstring(text)
    assert root.tag == "testsuites"
    for suite in (root, *root):
        assert {key: int(suite.attrib[key]) for key in ("tests", "failures", "errors", "skipped")} == counts(suite)
    return root


@every_machine
@pytest.mark.parametrize("language", LANGUAGES)
def test_junit_is_well_formed_and_adds_up(name: str, language: Any) -> None:
    report = of(name, language)
    root = assert_junit(writer("junit")(report, PLAIN))
    assert len({suite.attrib["name"] for suite in root}) == len(root), "a domain is one suite"
    roots = {finding.code for finding in report.diagnosis.roots}
    failing = {f.code for f in report.diagnosis.findings if report.fails(f) and f.code in roots}
    shown = {c.attrib["name"].split()[0] for c in root.iter("testcase") if c.find("failure") is not None}
    assert shown == failing


@every_machine
def test_junitparser_reads_the_same_out_of_it(name: str) -> None:
    """As CI servers do: with a reader of others."""
    report = of(name, "en")
    suites = junitparser.JUnitXml.fromstring(writer("junit")(report, PLAIN).encode())
    cases = [case for suite in suites for case in suite]
    kinds = {junitparser.Failure: 0, junitparser.Error: 0, junitparser.Skipped: 0}
    for case in cases:
        for kind in {type(result) for result in case.result}:  # several findings of one check are one failing case
            kinds[kind] += 1
    assert (suites.tests, suites.failures, suites.errors, suites.skipped) == (len(cases), *kinds.values())


def test_junit_with_hostile_evidence(tmp_path: Path) -> None:
    root = assert_junit(writer("junit")(hostile(tmp_path), PLAIN))
    assert len(list(root.iter("failure"))) == 2
    assert len(list(root.iter("error"))) == 2
    assert "\x1b" not in "".join(root.itertext())


# GitHub


def unescaped(text: str) -> str:
    for code, plain in (("%0A", "\n"), ("%0D", "\r"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
        text = text.replace(code, plain)
    return text


@pytest.mark.parametrize("language", LANGUAGES)
def test_github_annotations_are_one_line_each_whatever_the_evidence(tmp_path: Path, language: Any) -> None:
    report = hostile(tmp_path, language)
    lines = writer("github")(report, PLAIN).splitlines()
    assert len(lines) == 3
    pattern = re.compile(r"::(error|warning|notice) (?:file=([^,:]*),line=(\d+),col=\d+,)?title=([^,:]*)::(.*)")
    matches = [pattern.fullmatch(line) for line in lines]
    assert all(matches)
    levels = sorted(match[1] for match in matches if match)
    assert levels == ["error", "error", "warning"]
    first = next(match for match in matches if match and match[3])
    assert first[3] == "3"
    assert unescaped(first[2]).startswith("a,b:a")
    assert not any(ESCAPES.search(line) for line in lines)


@every_machine
def test_github_shows_every_root(name: str) -> None:
    """The first nine of a level with a line each, where there are more than ten."""
    report = of(name)
    text = writer("github")(report, PLAIN)
    shown = Counter(report.diagnosis.gravest(root) for root in report.diagnosis.roots)
    for root in report.diagnosis.roots:
        own_line = shown[report.diagnosis.gravest(root)] <= 10
        assert (f"title={root.code} " if own_line else root.code) in text


# The command


@pytest.fixture
def snapshot(tmp_path: Path) -> Path:
    from retina_doctor.support_file import save

    file = tmp_path / "snapshot.json"
    file.write_text(save(machine("model-missing").snapshot), encoding="utf-8")
    return file


def test_several_reports_of_one_run(tmp_path: Path, snapshot: Path) -> None:
    done = runs.run(
        *("diagnose", "snapshot.json", "--format", "json=a.json", "--format", "json=b.json"),
        *("--format", "junit=c.xml", "--format", "terminal"),
        cwd=tmp_path,
    )
    assert done.returncode == 1
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()
    assert json.loads((tmp_path / "a.json").read_text())["exit_code"] == 1
    assert_junit((tmp_path / "c.xml").read_text())
    assert "RD101" in done.stdout
    assert [line.rpartition(" ")[2] for line in done.stderr.splitlines()] == ["a.json.", "b.json.", "c.xml."]


def test_with_all_reports_in_files_stdout_is_empty(tmp_path: Path, snapshot: Path) -> None:
    done = runs.run("diagnose", "snapshot.json", "--format", "github=a.txt", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "retina-doctor: github report written to a.txt.\n"


def test_stdout_carries_nothing_but_the_report(tmp_path: Path) -> None:
    """Though a probe prints megabytes to every stream."""
    more = runs.with_odd_pack(tmp_path / "pack", "shout")
    done = runs.run("--only", "odd", "--target", sys.executable, "--format", "json", cwd=tmp_path, more=more)
    assert json.loads(done.stdout)["verdict"] == "healthy"
    assert done.stderr == ""
    assert done.returncode == 0


@pytest.mark.parametrize("locale", ["C", "POSIX", "zh_CN.UTF-8", "en_US.ISO-8859-1"])
def test_reports_are_utf_8_whatever_the_locale(tmp_path: Path, snapshot: Path, locale: str) -> None:
    done = subprocess.run(
        [*runs.COMMAND, "diagnose", "snapshot.json", "--lang", "zh"],
        cwd=tmp_path,
        env=runs.environment(LC_ALL=locale, PYTHONIOENCODING="ascii"),
        capture_output=True,
    )
    assert "修复" in done.stdout.decode("utf-8")
    assert done.returncode == 1


def test_language_follows_flag_then_variable_then_locale(tmp_path: Path, snapshot: Path) -> None:
    def is_chinese(*flags: str, **more: str) -> bool:
        return "修复" in runs.run("diagnose", "snapshot.json", *flags, cwd=tmp_path, more=more).stdout

    assert not is_chinese()
    assert is_chinese(LANG="zh_CN.UTF-8")
    assert not is_chinese(LANG="zh_CN.UTF-8", RETINA_DOCTOR_LANG="en")
    assert is_chinese("--lang", "zh", RETINA_DOCTOR_LANG="en")


def in_terminal(cwd: Path, more: dict[str, str], *words: str, stream: str = "stdout") -> bytes:
    """What the command writes to that stream when it is a terminal; the other one stays empty."""
    ours, theirs = pty.openpty()
    try:
        doctor = subprocess.Popen(
            [*runs.COMMAND, *words],
            cwd=cwd,
            env=runs.environment(**{"TERM": "xterm", **more}),
            stdout=theirs if stream == "stdout" else subprocess.PIPE,
            stderr=theirs if stream == "stderr" else subprocess.PIPE,
        )
        os.close(theirs)
        written = b""
        while True:
            try:
                chunk = os.read(ours, 65536)
            except OSError:  # Linux: the other side is closed
                break
            if not chunk:
                break
            written += chunk
        others = doctor.communicate()
        assert not any(others)
        return written
    finally:
        os.close(ours)


def test_colour_only_on_a_terminal_and_not_against_no_color(tmp_path: Path, snapshot: Path) -> None:
    words = ("diagnose", "snapshot.json")
    assert b"\x1b[" in in_terminal(tmp_path, {}, *words)
    assert b"\x1b[" not in in_terminal(tmp_path, {"NO_COLOR": "1"}, *words)
    assert b"\x1b[" not in in_terminal(tmp_path, {"TERM": "dumb"}, *words)
    assert b"\x1b[" in in_terminal(tmp_path, {"TERM": "dumb", "FORCE_COLOR": "1"}, *words)
    assert b"\x1b[" not in in_terminal(tmp_path, {"FORCE_COLOR": "1"}, *words, "--no-color")
    assert "\x1b[" not in runs.run(*words, cwd=tmp_path).stdout
    assert "\x1b[" in runs.run(*words, cwd=tmp_path, more={"FORCE_COLOR": "1"}).stdout
    assert b"\x1b[" in in_terminal(tmp_path, {"NO_COLOR": "", "FORCE_COLOR": ""}, *words), "empty ones say nothing"
    assert "\x1b[" not in runs.run(*words, cwd=tmp_path, more={"NO_COLOR": "", "FORCE_COLOR": ""}).stdout
    both = {"NO_COLOR": "1", "FORCE_COLOR": "1"}
    assert "\x1b[" in runs.run(*words, cwd=tmp_path, more=both).stdout, "who forces it means this run"
    assert "\x1b[" not in runs.run(*words, "--no-color", cwd=tmp_path, more=both).stdout


COLOUR = re.compile(rb"\x1b\[[0-9;]*[1-9][0-9;]*m")


@pytest.mark.parametrize(
    ("more", "flags", "coloured"),
    [
        ({}, (), True),
        ({"NO_COLOR": ""}, (), True),
        ({"NO_COLOR": "1"}, (), False),
        ({"NO_COLOR": "1", "FORCE_COLOR": "1"}, (), True),
        ({"FORCE_COLOR": "1"}, ("--no-color",), False),
    ],
)
def test_the_live_line_has_colour_where_reports_have_it(
    tmp_path: Path, more: dict[str, str], flags: tuple[str, ...], coloured: bool
) -> None:
    """On standard error, while probes run."""
    words = ("--only", "RD004", "--quick", "--format", "json=r.json", *flags)
    assert (COLOUR.search(in_terminal(tmp_path, more, *words, stream="stderr")) is not None) is coloured


@pytest.fixture(scope="session")
def locales(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of locales that are not UTF-8, for LOCPATH; they are made of what Debian's package locales has."""
    folder = tmp_path_factory.mktemp("locales")
    for name, charset in (("en_US", "ISO-8859-1"), ("zh_CN", "GB18030")):
        command = ["localedef", "-i", name, "-f", charset, str(folder / f"{name}.{charset}")]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (folder / f"{name}.{charset}").is_dir(), f"localedef needs the package locales: {done.stderr}"
    return folder


@pytest.mark.parametrize(
    ("locale", "piped", "at_terminal"),
    [("en_US.ISO-8859-1", "utf-8", "utf-8"), ("zh_CN.GB18030", "utf-8", "gb18030"), ("C", "utf-8", "utf-8")],
)
def test_all_that_is_said_has_one_charset(
    tmp_path: Path, snapshot: Path, locales: Path, locale: str, piped: str, at_terminal: str
) -> None:
    """Reports, help and complaints: a terminal's own charset where that has Chinese, else UTF-8."""
    more = {"LC_ALL": locale, "LOCPATH": str(locales), "PYTHONIOENCODING": "ascii", "RETINA_DOCTOR_LANG": "zh"}
    for words, told in ((("diagnose", "snapshot.json"), "修复"), (("--help",), "显示"), (("list",), "错误")):
        done = subprocess.run(
            [*runs.COMMAND, *words], cwd=tmp_path, env=runs.environment(**more), capture_output=True, check=False
        )
        assert done.returncode in (0, 1) and done.stderr == b"", done.stderr
        assert told in done.stdout.decode(piped)
        assert told in in_terminal(tmp_path, more, *words).decode(at_terminal)
    complaint = ("--format", "没有", "--only", "RD001")
    done = subprocess.run(
        [*runs.COMMAND, *complaint], cwd=tmp_path, env=runs.environment(**more), capture_output=True, check=False
    )
    assert (done.returncode, done.stderr.count(b"\n")) == (2, 1)
    done.stderr.decode(piped)


def test_a_judged_recording_gives_the_report_of_the_live_run(tmp_path: Path) -> None:
    """But for seconds: the same machine, looked at twice."""
    flags = ("--target", sys.executable, "--quick", "--model", "absent/det_10g.onnx")
    live = runs.run(*flags, "--format", "json", cwd=tmp_path)
    collected = runs.run("collect", "-o", "snapshot.json", "--no-redact", *flags, cwd=tmp_path)
    assert collected.returncode == 0, collected.stderr
    again = runs.run("diagnose", "snapshot.json", "--format", "json", cwd=tmp_path)
    assert live.returncode == again.returncode == 1

    def timeless(text: str) -> Any:
        report = json.loads(text)
        for probe in report["probes"]:
            del probe["seconds"], probe["cpu_seconds"], probe["peak_memory"]
        del report["recorded"]
        report["plan"][-1]["commands"] = []  # how it was called
        return report

    one, other = timeless(live.stdout), timeless(again.stdout)
    steady = [probe for probe in one["facts"] if probe not in ("nvml", "processes")]
    assert [one["facts"][p] for p in steady] == [other["facts"][p] for p in steady]
    assert {k: v for k, v in one.items() if k != "facts"} == {k: v for k, v in other.items() if k != "facts"}


def test_what_probes_took_is_shown_where_it_is_asked_for(tmp_path: Path) -> None:
    words = ("--target", sys.executable, "--only", "python_env", "--quick", "--device", "cpu")
    plain = runs.run(*words, cwd=tmp_path)
    verbose = runs.run(*words, "-v", cwd=tmp_path)
    assert "Probes" not in plain.stdout
    assert re.search(
        r"  packages \(installed packages\): finished \(\d+\.\d+ s, CPU \d+\.\d+ s, \d+ MiB\)\n", verbose.stdout
    ), verbose.stdout
    assert verbose.stderr == ""


@pytest.mark.parametrize("words", [("check",), ("collect", "-o", "snapshot.json")])
def test_a_profile_tells_of_all_parts_and_probes_and_keeps_off_standard_output(
    tmp_path: Path, words: tuple[str, ...]
) -> None:
    more = ("--target", sys.executable, "--only", "python_env", "--quick", "--device", "cpu", "--profile")
    done = runs.run(*words, *more, cwd=tmp_path)
    # The probes stand indented below the part of their name.
    table = {line[:20].rstrip(): line[20:].split() for line in done.stderr.splitlines()}
    parts = ["start", "settings", "probes", *(["judging"] if words == ("check",) else []), "report"]
    assert [name for name in table if name in parts] == parts
    assert {"  interpreter", "  packages", "in all"} <= set(table)
    wall = sum(float(table[part][0]) for part in parts)
    assert float(table["in all"][0]) == pytest.approx(wall, abs=0.01)
    assert "in all" not in done.stdout


def test_a_snapshot_of_before_probes_told_what_they_used_is_judged_as_ever(tmp_path: Path) -> None:
    words = ("--target", sys.executable, "--only", "python_env", "--quick", "--device", "cpu")
    runs.run("collect", "-o", "new.json", "--no-redact", *words, cwd=tmp_path)
    data = json.loads((tmp_path / "new.json").read_text())
    for reading in data["readings"].values():
        del reading["cpu_seconds"], reading["peak_memory"]
    (tmp_path / "old.json").write_text(json.dumps(data))
    new, old = (
        json.loads(runs.run("diagnose", f, "--format", "json", cwd=tmp_path).stdout) for f in ("new.json", "old.json")
    )
    assert all("cpu_seconds" in probe for probe in new["probes"])
    assert not any("cpu_seconds" in probe for probe in old["probes"])
    same = {"probes": None, "recorded": None}  # which names the file
    assert {**new, **same} == {**old, **same}


def test_judging_the_same_recording_twice_gives_the_same_bytes(tmp_path: Path, snapshot: Path) -> None:
    for name in formats.names():
        one, other = (runs.run("diagnose", "snapshot.json", "--format", name, cwd=tmp_path).stdout for _ in range(2))
        assert one == other
