"""All formats of one run tell one verdict: that of the exit code, which is the same for all but nagios and npd."""

from __future__ import annotations

import html
import json
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest
from prometheus_client.parser import text_string_to_metric_families

from retina_doctor.codec import replace
from retina_doctor.model import Severity
from retina_doctor.reports import formats
from retina_doctor.reports.formats import writer
from retina_doctor.reports.report import PLAIN, Report
from retina_doctor.reports.summary import summary
from retina_doctor.support_file import save
from tests.machines import machine
from tests.odd_probes import runs
from tests.test_reports import every_machine, of


def plain(text: str) -> str:
    """Without marks, entities and line ends."""
    return " ".join(re.sub(r"[*`\\]", "", html.unescape(text)).split())


def in_words(text: str, report: Report) -> int:
    assert plain(summary(report)) in plain(text)
    return report.exit_code


def of_junit(text: str, _report: Report) -> int:
    """By what a pipeline goes by: failures fail it, and an error is no clean bill."""
    suites = list(ElementTree.fromstring(text).iter("testsuite"))
    if any(int(one.get("failures", 0)) for one in suites):
        return 1
    return 3 if any(int(one.get("errors", 0)) for one in suites) else 0


def of_sarif(text: str, report: Report) -> int:
    [run] = json.loads(text)["runs"]
    assert len(run["results"]) == len(report.diagnosis.findings)
    return int(run["invocations"][0]["exitCode"])


def of_prometheus(text: str, _report: Report) -> int:
    families = {one.name: one for one in text_string_to_metric_families(text)}
    return int(families["retina_doctor_exit_code"].samples[0].value)


def of_gitlab(text: str, report: Report) -> int:
    """A list of findings alone."""
    told = Counter(one["check_name"] for one in json.loads(text))
    assert sum(told.values()) == len(report.diagnosis.findings)
    return report.exit_code


def of_github(text: str, report: Report) -> int:
    """An annotation a root, at the level of the gravest that it explains; ten of a level at most."""
    lines = text.splitlines()
    diagnosis = report.diagnosis
    if not diagnosis.roots:
        assert lines == [f"::notice title=retina-doctor::{diagnosis.verdict}"]
    levels = Counter(
        {"error": "error", "warning": "warning"}.get(diagnosis.gravest(one), "notice") for one in diagnosis.roots
    )
    told = Counter(line.split(" ")[0].strip(":") for line in lines if "title=retina-doctor::" not in line)
    assert told == Counter({level: min(count, 10) for level, count in levels.items()})
    assert all(root.code in text for root in diagnosis.roots)
    return report.exit_code


def of_nagios(text: str, report: Report) -> int:
    state = re.match(r"RETINA-DOCTOR (\w+):", text)
    assert state
    return {"OK": 0, "WARNING": 0, "CRITICAL": 1, "UNKNOWN": 3}[state[1]]


def of_npd(text: str, _report: Report) -> int:
    return 0 if text == "retina-doctor: OK\n" else 3 if "not everything" in text else 1


TOLD: dict[str, Callable[[str, Report], int]] = {
    "github": of_github,
    "gitlab": of_gitlab,
    "html": in_words,
    "json": lambda text, report: int(json.loads(text)["exit_code"]),
    "junit": of_junit,
    "markdown": in_words,
    "nagios": of_nagios,
    "npd": of_npd,
    "prometheus": of_prometheus,
    "sarif": of_sarif,
    "terminal": in_words,
}
"""Format -> the exit code that a reader takes from a report; of those that hold words or findings alone, the report's, once
these are found to be its own."""


def test_all_formats_are_read() -> None:
    assert set(TOLD) == set(formats.names())


@every_machine
@pytest.mark.parametrize("fail_on", [Severity.ERROR, Severity.WARNING, None])
def test_all_formats_tell_one_verdict(name: str, fail_on: Severity | None) -> None:
    report = replace(of(name), fail_on=fail_on)
    told = {form: read(writer(form)(report, PLAIN), report) for form, read in TOLD.items()}
    assert told == dict.fromkeys(TOLD, report.exit_code)


def test_an_error_under_a_warning_fails_in_junit() -> None:
    report = of("package-shadowed")
    [root] = [one for one in report.diagnosis.roots if report.diagnosis.gravest(one).rank > one.severity.rank]
    assert root.severity is Severity.WARNING
    assert "<failure " in writer("junit")(report, PLAIN)
    assert "<failure " not in writer("junit")(replace(report, fail_on=None), PLAIN)


@pytest.mark.parametrize("fail_on", ["error", "warning", "never"])
def test_a_fleet_fails_in_junit_where_its_exit_code_does(tmp_path: Path, fail_on: str) -> None:
    for name in ("package-shadowed", "det-size-misses-faces", "source-faulty", "t4-healthy"):
        (tmp_path / f"{name}.json").write_text(save(machine(name).snapshot), encoding="utf-8")
        words = ("fleet", "report", f"{name}.json", "--fail-on", fail_on, "--format", "junit")
        done = runs.run(*words, cwd=tmp_path)
        assert done.returncode == of_junit(done.stdout, of(name)), (name, done.stderr)


def without_time(text: str) -> str:
    """When the run was, which Prometheus is told."""
    return re.sub(r"(?m)^retina_doctor_last_run_timestamp_seconds .*$", "", text)


@pytest.mark.parametrize(("name", "code"), [("t4-healthy", 0), ("model-missing", 1), ("model-look-fails", 3)])
def test_all_at_once_are_as_each_alone(tmp_path: Path, name: str, code: int) -> None:
    (tmp_path / "s.json").write_text(save(machine(name).snapshot), encoding="utf-8")
    own = {"nagios": {0: 0, 1: 2, 3: 3}, "npd": {0: 0, 1: 1, 3: 2}}
    words = [word for form in TOLD for word in ("--format", f"{form}={form}.out")]
    done = runs.run("diagnose", "s.json", *words, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (code, "")
    for form in TOLD:
        alone = runs.run("diagnose", "s.json", "--format", form, cwd=tmp_path)
        assert alone.returncode == own.get(form, {}).get(code, code), form
        assert without_time(alone.stdout) == without_time((tmp_path / f"{form}.out").read_text(encoding="utf-8")), form
