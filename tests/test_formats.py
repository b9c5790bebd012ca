"""Formats held against what reads them: SARIF's own validator, Prometheus' parser, JSON Schema, a Markdown reader."""

from __future__ import annotations

import functools
import json
import os
import re
import subprocess
import sys
import urllib.parse
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from markdown_it import MarkdownIt
from prometheus_client.parser import text_string_to_metric_families

from retina_doctor import reports
from retina_doctor.codec import replace
from retina_doctor.language import LANGUAGES, Language
from retina_doctor.model import Severity
from retina_doctor.quoting import visible
from retina_doctor.reports import formats
from retina_doctor.reports.formats import writer
from retina_doctor.reports.labels import corrected
from retina_doctor.reports.report import PLAIN
from retina_doctor.support_file import save
from tests import npm
from tests.machines import machine
from tests.odd_probes import runs
from tests.test_reports import ESCAPES, HOSTILE, every_machine, hostile, of

SCHEMA = json.loads((Path(reports.__file__).parent / "report.schema.json").read_text(encoding="utf-8"))


@functools.cache
def schema() -> Any:
    validator = jsonschema.Draft202012Validator
    validator.check_schema(SCHEMA)
    return validator(SCHEMA)


@functools.cache
def gitlab_schema() -> Any:
    """Of GitLab's Code Quality report; the file says where its demands are published."""
    file = Path(__file__).with_name("gitlab_code_quality.schema.json")
    read = json.loads(file.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(read)
    return jsonschema.Draft202012Validator(read)


# JSON


@every_machine
def test_the_published_schema_holds(name: str) -> None:
    schema().validate(json.loads(writer("json")(of(name), PLAIN)))


def test_the_schema_refuses_what_is_no_report() -> None:
    report = json.loads(writer("json")(of("model-missing"), PLAIN))
    wrongs: list[dict[str, Any]] = [{"verdict": "fine"}, {"exit_code": 2}, {"format": 2}, {"findings": [{}]}]
    for wrong in wrongs:
        assert not schema().is_valid(report | wrong)
    del report["checks"]
    assert not schema().is_valid(report)


# SARIF


@pytest.fixture(scope="session")
def sarif_validator(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Microsoft's."""
    folder = npm.installed(tmp_path_factory, "@microsoft/sarif-multitool")
    [program] = folder.glob("node_modules/@microsoft/sarif-multitool-*/Sarif.Multitool")
    program.chmod(0o755)
    return program


def complaints(program: Path, files: list[Path], folder: Path) -> list[str]:
    """Errors against the standard itself; what else the tool has to advise is about publishing rules."""
    out = folder / "validation.sarif"
    words = ["validate", *map(str, files), "--output", str(out), "--log", "ForceOverwrite", "--rule-kind", "Sarif"]
    environment = {**os.environ, "DOTNET_SYSTEM_GLOBALIZATION_INVARIANT": "1"}
    done = subprocess.run([str(program), *words], capture_output=True, text=True, check=False, env=environment)
    assert out.is_file(), done.stdout + done.stderr
    [run] = json.loads(out.read_text(encoding="utf-8-sig"))["runs"]
    scanned = re.search(r"(\d+) files? scanned", done.stdout)
    assert scanned and int(scanned[1]) == len(files), done.stdout
    return [
        f"{one['ruleId']} {one['message']} {one['locations'][0]}"
        for one in run["results"]
        if one.get("level", "warning") == "error"
    ]


SHOWN = ("source-faulty", "guide-t4", "t4-healthy", "model-look-fails")


def test_sarif_is_valid(tmp_path: Path, sarif_validator: Path) -> None:
    files = []
    for name in SHOWN:
        for language in ("en", "zh"):
            files.append(tmp_path / f"{name}.{language}.sarif")
            files[-1].write_text(writer("sarif")(of(name, language), PLAIN), encoding="utf-8")
    (tmp_path / "pages").mkdir()
    files.append(tmp_path / "hostile.sarif")
    files[-1].write_text(writer("sarif")(hostile(tmp_path / "pages"), PLAIN), encoding="utf-8")
    assert complaints(sarif_validator, files, tmp_path) == []
    broken = tmp_path / "broken.sarif"
    broken.write_text(files[0].read_text().replace('"startLine"', '"startLin"'))
    assert complaints(sarif_validator, [broken], tmp_path)


ODD = "我的 服务 #1 (a b)"
FAULT = "import onnxruntime\nsession = onnxruntime.InferenceSession('face.onnx')\n"
FAULTY = ("app.py", "src 代码/主 程序.py", "-a[1]{x}%41?.py", "a:b.py")


@pytest.mark.parametrize("start", ["{}", "{}/src 代码", "/"])
def test_places_of_a_scan_lead_to_its_files(start: str, tmp_path: Path, sarif_validator: Path) -> None:
    """Relative to the folder of the run where they are below it, as GitHub wants them; absolute above it."""
    tree = tmp_path / ODD
    for name in FAULTY:
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text(FAULT)
    folder = Path(start.format(tree))
    file = tmp_path / "report.sarif"
    assert runs.run("scan", str(tree), "--format", f"sarif={file}", cwd=folder).returncode == 1
    assert complaints(sarif_validator, [file], tmp_path) == []
    [run] = json.loads(file.read_text(encoding="utf-8"))["runs"]
    base = run["originalUriBaseIds"]["%SRCROOT%"]["uri"]
    assert file_of(base) == folder and base.endswith("/")
    places = [one["locations"][0]["physicalLocation"]["artifactLocation"] for one in run["results"]]
    led = [file_of(urllib.parse.urljoin(base, one["uri"])) for one in places]
    assert set(led) == {tree / name for name in FAULTY}
    for one, file in zip(places, led, strict=True):
        assert ("uriBaseId" in one) == file.is_relative_to(folder) == (not one["uri"].startswith("file:///"))


def file_of(uri: str) -> Path:
    parts = urllib.parse.urlsplit(uri)
    assert (parts.scheme, parts.netloc, parts.query, parts.fragment) == ("file", "", "", "")
    return Path(urllib.parse.unquote(parts.path))


@every_machine
def test_sarif_tells_every_finding_once(name: str) -> None:
    report = of(name)
    [run] = json.loads(writer("sarif")(report, PLAIN))["runs"]
    assert [(one["ruleId"], one["level"]) for one in run["results"]] == [
        (finding.code, finding.severity) for finding in report.diagnosis.findings
    ]
    for one in run["results"]:
        assert run["tool"]["driver"]["rules"][one["ruleIndex"]]["id"] == one["ruleId"]
    marks = [one["partialFingerprints"]["retinaDoctor/v1"] for one in run["results"]]
    assert len(set(marks)) == len(marks)
    assert run["invocations"][0]["exitCode"] == report.exit_code
    assert run["properties"]["verdict"] == report.diagnosis.verdict


def test_a_fingerprint_stays_where_lines_are_added_above() -> None:
    report = of("source-faulty")

    def moved(down: int) -> list[str]:
        findings = tuple(
            replace(one, location=replace(one.location, line=one.location.line + down)) if one.location else one
            for one in report.diagnosis.findings
        )
        there = replace(report, diagnosis=replace(report.diagnosis, findings=findings))
        [run] = json.loads(writer("sarif")(there, PLAIN))["runs"]
        return [one["partialFingerprints"]["retinaDoctor/v1"] for one in run["results"]]

    assert moved(0) == moved(7)


def test_fingerprints_are_the_same_in_another_checkout(tmp_path: Path) -> None:
    """Two files of one name in folders of their own have two."""
    marks: list[list[str]] = []
    for checkout in ("one", "two"):
        for folder in ("a", "b"):
            (tmp_path / checkout / folder).mkdir(parents=True)
            (tmp_path / checkout / folder / "app.py").write_text(
                "from onnxruntime import InferenceSession as S\nS('x')\n"
            )
        done = runs.run("scan", ".", "--format", "gitlab", cwd=tmp_path / checkout)
        marks.append([one["fingerprint"] for one in json.loads(done.stdout)])
    assert marks[0] == marks[1]
    assert len(set(marks[0])) == len(marks[0]) >= 2


# GitLab


@every_machine
def test_gitlab_has_what_it_demands(name: str) -> None:
    report = of(name)
    entries = json.loads(writer("gitlab")(report, PLAIN))
    gitlab_schema().validate(entries)
    assert len(entries) == len(report.diagnosis.findings)
    assert len({entry["fingerprint"] for entry in entries}) == len(entries), "GitLab keeps one of each fingerprint"


def test_gitlab_accepts_hostile_evidence_and_refuses_what_is_no_report(tmp_path: Path) -> None:
    entries = json.loads(writer("gitlab")(hostile(tmp_path), PLAIN))
    gitlab_schema().validate(entries)
    lines = {"begin": 1}
    wrongs: list[dict[str, Any]] = [
        {"severity": "error"},
        {"fingerprint": 7},
        {"description": None},
        {"location": {"path": "app.py"}},
        {"location": {"lines": lines}},
        {"location": {"path": "./app.py", "lines": lines}},
        {"location": {"path": "app.py", "lines": {"begin": "1"}}},
        {"location": {"path": "app.py", "lines": {"begin": 0}}},
    ]
    for wrong in wrongs:
        assert not gitlab_schema().is_valid([entries[0] | wrong]), wrong
    for field in entries[0]:
        assert not gitlab_schema().is_valid([{key: value for key, value in entries[0].items() if key != field}])


# Prometheus


@every_machine
def test_prometheus_reads_the_same_out_of_it(name: str) -> None:
    report = of(name)
    families = {one.name: one for one in text_string_to_metric_families(writer("prometheus")(report, PLAIN))}
    assert families["retina_doctor_exit_code"].samples[0].value == report.exit_code
    told = {s.labels["verdict"]: s.value for s in families["retina_doctor_verdict"].samples}
    assert [one for one, value in told.items() if value == 1] == [report.diagnosis.verdict]
    found = {(s.labels["code"], s.labels["subject"]) for s in families["retina_doctor_finding"].samples}
    assert found == {(f.code, f.subject) for f in report.diagnosis.findings}
    series = [(s.name, *sorted(s.labels.items())) for family in families.values() for s in family.samples]
    assert len(set(series)) == len(series), "the collector refuses a file with a series twice"
    assert families["retina_doctor_last_run_timestamp_seconds"].samples[0].value > 1.7e9


def test_prometheus_with_hostile_evidence(tmp_path: Path) -> None:
    text = writer("prometheus")(hostile(tmp_path), PLAIN)
    families = {one.name: one for one in text_string_to_metric_families(text)}
    assert str(visible(HOSTILE)) in {s.labels["subject"] for s in families["retina_doctor_finding"].samples}


# Nagios and node-problem-detector


LINE = re.compile(r"RETINA-DOCTOR (OK|WARNING|CRITICAL|UNKNOWN): ([^|\n]+) \| ('\w+'=\d+;;;0 ){2}'\w+'=\d+;;;0\n")


@every_machine
@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_line_of_nagios_and_one_of_npd(name: str, language: Any) -> None:
    report = of(name, language)
    for threshold in (Severity.ERROR, Severity.WARNING, None):
        judged = replace(report, fail_on=threshold)
        nagios, npd = formats.load("nagios"), formats.load("npd")
        assert nagios.exit_code and npd.exit_code
        match = LINE.fullmatch(nagios.write(judged, PLAIN))
        assert match
        assert ("OK", "WARNING", "CRITICAL", "UNKNOWN")[nagios.exit_code(judged)] == match[1]
        assert (nagios.exit_code(judged) == 2) == (judged.exit_code == 1)
        assert (nagios.exit_code(judged) == 3) == (judged.exit_code == 3)
        assert npd.exit_code(judged) == {0: 0, 1: 1, 3: 2}[judged.exit_code]
        line = npd.write(judged, PLAIN)
        assert line.isascii() and line.count("\n") == 1 and len(line) <= 81


def test_one_line_whatever_the_evidence(tmp_path: Path) -> None:
    report = hostile(tmp_path)
    assert LINE.fullmatch(writer("nagios")(report, PLAIN))
    assert writer("npd")(report, PLAIN).count("\n") == 1


@pytest.mark.parametrize(("name", "nagios", "npd"), [("model-missing", 2, 1), ("t4-healthy", 0, 0)])
def test_the_format_on_standard_output_decides_the_exit_code_and_a_file_does_not(
    tmp_path: Path, name: str, nagios: int, npd: int
) -> None:
    (tmp_path / "s.json").write_text(save(machine(name).snapshot), encoding="utf-8")

    def code(*wanted: str) -> int:
        words = [word for form in wanted for word in ("--format", form)]
        return runs.run("diagnose", "s.json", *words, cwd=tmp_path).returncode

    own = machine(name).exit_code
    assert (code("nagios"), code("npd"), code("terminal")) == (nagios, npd, own)
    assert code("nagios", "json=report.json") == nagios
    assert code("nagios=line.txt", "npd=npd.txt") == own
    assert json.loads((tmp_path / "report.json").read_text())["exit_code"] == own


# Several lines that should change together


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", ["junit", "github", "sarif", "markdown"])
def test_formats_without_a_plan_tell_the_corrected_lines(name: str, language: Language) -> None:
    whole = of("source-faulty", language)
    several, one = (next(f for f in whole.diagnosis.findings if f.code == code) for code in ("RD523", "RD522"))
    lines = "/srv/face/more/a/requirements.txt:1\n    fastapi\n    python-multipart"
    assert corrected(several, language) == lines
    assert corrected(one, language) == ""  # of one line the Fix tells
    diagnosis = replace(whole.diagnosis, findings=(several, one))
    written = writer(name)(replace(whole, diagnosis=diagnosis), PLAIN)
    newline = {"github": "%0A", "sarif": "\\n"}.get(name, "\n")
    assert written.replace(newline, "\n").count(lines) == 1


# Markdown


def tokens(text: str) -> list[Any]:
    flat = []
    for token in MarkdownIt("gfm-like", {"linkify": False}).parse(text):
        flat += [token, *(token.children or ())]
    return flat


@every_machine
@pytest.mark.parametrize("language", ["en", "zh"])
def test_markdown_reads_as_it_was_meant(name: str, language: Any) -> None:
    report = of(name, language)
    read = tokens(writer("markdown")(report, PLAIN))
    assert not [one for one in read if one.type in ("html_inline", "html_block", "link_open", "image", "code_block")]
    assert sum(one.type == "heading_open" and one.tag == "h2" for one in read) >= len(report.diagnosis.roots)
    commands = [tuple(one.content.splitlines()) for one in read if one.type == "fence" and one.info == "sh"]
    assert commands == [words.commands for root in report.diagnosis.roots if (words := report.words(root)).commands]


PLANTED = "<img src=x onerror=alert(1)> <!-- ![a](http://x/y) [b](c) @everyone # h **b** | t | ``` ` \\` ~~~"


@pytest.mark.parametrize("text", [PLANTED, HOSTILE, "```\n# h\n```", "`<b>`", "a``<i>``b", "- x", "1. y", "<b>\\"])
def test_planted_markdown_is_text(tmp_path: Path, text: str) -> None:
    report = hostile(tmp_path)
    findings = tuple(replace(one, evidence={"text": text}, subject=text) for one in report.diagnosis.findings)
    judgements = tuple(replace(one, reason=text) for one in report.diagnosis.judgements)
    diagnosis = replace(report.diagnosis, findings=findings, judgements=judgements)
    written = writer("markdown")(replace(report, diagnosis=diagnosis), PLAIN)
    read = tokens(written)
    bad = (
        "html_inline",
        "html_block",
        "link_open",
        "image",
        "strong_open",
        "em_open",
        "table_open",
        "code_block",
        "s_open",
    )
    seen = [one.type for one in read if one.type in bad]
    assert [one for one in seen if one != "strong_open"] == []
    assert seen.count("strong_open") == len(report.diagnosis.roots), "only our own labels"
    assert sum(one.type == "fence" for one in read) == len(report.diagnosis.roots)
    assert sum(one.type == "heading_open" for one in read) == 1 + len(report.diagnosis.roots) + 2
    assert "@everyone" not in re.sub(r"`[^`]*`", "", written.split("```")[0])
    assert not ESCAPES.search(written)


# Third parties


def judged(*words: str, cwd: Path, more: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """The doctor, started so that PYTHONPATH, which the launcher keeps from it, stands for what is installed."""
    command = [sys.executable, "-c", "from retina_doctor.main import main; main()", *words]
    return subprocess.run(
        command, cwd=cwd, env=runs.environment(**more), capture_output=True, text=True, check=False, timeout=120
    )


def with_format(folder: Path, source: str) -> dict[str, str]:
    """Variables under which a distribution with a format of its own is installed."""
    info = folder / "acme_format-1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-format\nVersion: 1\n")
    points = "[retina_doctor.reports]\nacme = acme_format\njson = acme_format\n"
    (info / "entry_points.txt").write_text(points)
    (folder / "acme_format.py").write_text(source)
    return {"PYTHONPATH": str(folder)}


WRITES = """
def write(report, look):
    return f"{report.exit_code} {[f.code for f in report.diagnosis.findings]}\\n"

def exit_code(report):
    return 40 + report.exit_code
"""


def test_a_format_of_a_third_party(tmp_path: Path) -> None:
    (tmp_path / "s.json").write_text(save(machine("model-missing").snapshot), encoding="utf-8")
    more = with_format(tmp_path / "site", WRITES)
    done = judged("diagnose", "s.json", "--format", "acme", "--format", "json=r.json", cwd=tmp_path, more=more)
    assert (done.returncode, done.stdout) == (41, "1 ['RD101']\n")
    assert done.stderr == "retina-doctor: json report written to r.json.\n"
    assert json.loads((tmp_path / "r.json").read_text())["format"] == 1, "nobody takes the place of the doctor's own"


@pytest.mark.parametrize(
    ("source", "code", "told"),
    [
        ("import nowhere", 2, "--format acme: acme_format cannot be used: ModuleNotFoundError"),
        ("x = 1", 2, "--format acme: acme_format cannot be used: AttributeError"),
        ("raise SystemExit(0)", 2, "--format acme: acme_format cannot be used: SystemExit: 0"),
        ("def write(report, look): raise ValueError('no')", 1, "--format acme: ValueError: no"),
        (
            "def write(report, look): return ''\ndef exit_code(report): return 1 / 0",
            1,
            "--format acme: ZeroDivisionError: division by zero",
        ),
    ],
)
def test_a_format_that_does_not_work_costs_itself_alone(tmp_path: Path, source: str, code: int, told: str) -> None:
    (tmp_path / "s.json").write_text(save(machine("model-missing").snapshot), encoding="utf-8")
    more = with_format(tmp_path / "site", source)
    done = judged("diagnose", "s.json", "--format", "acme", "--format", "json=r.json", cwd=tmp_path, more=more)
    assert done.returncode == code
    first, *others = done.stderr.splitlines()
    assert told in first and others == ["retina-doctor: json report written to r.json."] * (code == 1)
    assert (tmp_path / "r.json").exists() == (code == 1)
    assert judged("diagnose", "s.json", cwd=tmp_path, more=more).returncode == 1


# Files


def test_a_report_replaces_the_old_one_at_once(tmp_path: Path) -> None:
    """Whoever has the old file open keeps it whole; its mode stays; nothing is left behind."""
    (tmp_path / "s.json").write_text(save(machine("model-missing").snapshot), encoding="utf-8")
    real = tmp_path / "real.prom"
    real.write_text("old\n")
    real.chmod(0o640)
    with real.open() as old:
        assert runs.run("diagnose", "s.json", "--format", f"prometheus={real}", cwd=tmp_path).returncode == 1
        assert old.read() == "old\n"
    assert real.read_text().startswith("# HELP")
    assert real.stat().st_mode & 0o777 == 0o640
    assert sorted(path.name for path in tmp_path.iterdir()) == ["real.prom", "s.json"]
