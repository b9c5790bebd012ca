"""The gate: what the operator requires, grades, ignores and knows already."""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from retina_doctor_checks.versions import allows

from retina_doctor.catalogue.registry import installed
from retina_doctor.codec import replace
from retina_doctor.judging.diagnose import diagnose
from retina_doctor.model import Diagnosis, Severity, Verdict
from retina_doctor.redaction import redact
from retina_doctor.reports.formats import writer
from retina_doctor.reports.report import PLAIN, Report
from retina_doctor.support_file import save
from tests.machines import machine
from tests.odd_probes import runs


def gated(name: str, **gate: Any) -> Diagnosis:
    snapshot = machine(name).snapshot
    return diagnose(replace(snapshot, settings=snapshot.settings.changed(gate=gate)), installed())


def names(diagnosis: Diagnosis) -> list[str]:
    return [finding.name for finding in diagnosis.findings]


def verdict(diagnosis: Diagnosis, code: str) -> Verdict:
    return next(one.verdict for one in diagnosis.judgements if one.code == code)


# What is ignored


def test_what_is_ignored_counts_nowhere_and_still_explains_its_echoes() -> None:
    """guide-t4: the CPU package is the root, the CPU session and run are its echoes."""
    diagnosis = gated("guide-t4", ignore={"RD264": "rebuilt next week"})
    assert verdict(diagnosis, "RD264") is Verdict.IGNORED
    assert [one.name for one in diagnosis.ignored] == ["ort-both-packages"]
    assert names(diagnosis) == ["ort-session-on-cpu", "smoke-on-cpu"]
    assert {one.root.name for one in diagnosis.findings if one.root} == {"ort-both-packages"}
    assert len(diagnosis.roots) == 2, "what stands for itself is shown"
    both = gated("guide-t4", ignore={"RD264": "rebuilt", "RD270": "so", "smoke-on-cpu": "so"})
    assert (both.findings, both.exit_code(Severity.ERROR), len(both.ignored)) == ((), 0, 3)


def test_an_ignored_check_that_cannot_be_judged_is_accepted_as_well() -> None:
    plain = gated("model-look-fails")
    code = plain.with_verdict(Verdict.UNKNOWN)[0].code
    assert verdict(gated("model-look-fails", ignore={code: "known"}), code) is Verdict.IGNORED


@pytest.mark.parametrize(
    ("until", "found"),
    [("2026-11-22", ["ort-both-packages", "ort-session-on-cpu", "smoke-on-cpu", "ignore-outdated"]),
     ("2026-11-23", ["ort-session-on-cpu", "smoke-on-cpu"])],
)  # fmt: skip
def test_the_last_day_counts_and_the_next_no_more(until: str, found: list[str]) -> None:
    assert machine("guide-t4").snapshot.created.startswith("2026-11-23")
    assert names(gated("guide-t4", ignore={"RD264": {"reason": "rebuilt", "until": until}})) == found


def test_what_is_ignored_and_passed_is_told(tmp_path: Path) -> None:
    diagnosis = gated("guide-t4", ignore={"RD101": "no model yet"})
    [told] = [one for one in diagnosis.findings if one.name == "ignore-outdated"]
    assert told.evidence["why"] == "unmatched"
    assert verdict(diagnosis, "RD101") is Verdict.PASSED
    inapplicable = gated("t4-healthy", ignore={"RD131": "not scanned here"})
    assert names(inapplicable) == [], "where the question does not arise nobody can say"


# What is required, and how grave it is


def test_what_is_required_must_be_passed() -> None:
    assert names(gated("t4-healthy", required=["RD601"])) == []
    assert names(gated("t4-healthy", required=["source"])) == ["required-check-not-passed"] * len(
        [entry for entry in installed().entries if entry.domain == "source"]
    )
    failed = gated("det-size-too-large", required=["RD408"])
    assert failed.exit_code(Severity.ERROR) == 1
    assert names(failed) == ["required-check-not-passed", "det-size-too-large"]
    left_out = gated("t4-healthy", required=["RD601"], skip=["RD601"])
    assert names(left_out) == ["required-check-not-passed"]


def test_a_severity_is_raised_and_lowered() -> None:
    raised = gated("det-size-too-large", severity={"RD408": {"severity": "error", "reason": "we pay by the second"}})
    assert raised.exit_code(Severity.ERROR) == 1
    lowered = gated("model-missing", severity={"model-missing": {"severity": "note", "reason": "mounted later"}})
    assert lowered.exit_code(Severity.WARNING) == 0 or all(f.name != "model-missing" for f in lowered.findings[:1])
    assert [f.severity for f in lowered.findings if f.name == "model-missing"] == [Severity.NOTE]


SETTINGS = {
    'ignore = { RD264 = { reason = "x", until = "soon" } }': "is not a day such as 2026-12-31",
    'ignore = { RD264 = { until = "2026-12-31" } }': "needs a reason",
    "ignore = { RD264 = { reason = 3 } }": "str",
    'severity = { RD264 = { severity = "error" } }': "needs a reason",
    'severity = { RD264 = { severity = "grave", reason = "x" } }': "grave",
    'severity = { RD264 = "error" }': "gate.severity",
    'required = ["RD999"]': "gate.required: no check has the code",
    'severity = { RD999 = { severity = "error", reason = "x" } }': "gate.severity: no check has the code",
}


@pytest.mark.parametrize(("line", "told"), SETTINGS.items())
def test_what_is_wrong_in_the_settings_is_told_in_one_line(tmp_path: Path, line: str, told: str) -> None:
    (tmp_path / "retina-doctor.toml").write_text(f"[gate]\n{line}\n")
    done = runs.run("--only", "RD001", cwd=tmp_path)
    assert (done.returncode, done.stderr.count("\n"), done.stdout) == (2, 1, "")
    assert told in done.stderr, done.stderr


def test_a_day_of_toml_and_a_flag(tmp_path: Path) -> None:
    (tmp_path / "retina-doctor.toml").write_text('[gate]\nignore = { RD004 = { reason = "x", until = 2001-01-01 } }\n')
    done = runs.run("--only", "doctor", "--require", "RD101", "--format", "json", cwd=tmp_path)
    found = [(one["name"], one["subject"]) for one in json.loads(done.stdout)["findings"]]
    assert done.returncode == 1
    assert found == [("required-check-not-passed", "check:RD101"), ("ignore-outdated", "ignore:RD004")]


# What is expected


@pytest.mark.parametrize(
    ("version", "wanted", "holds"),
    [
        ("580.95.05", ">=535,<600", True),
        ("535", ">=535", True),
        ("535.0.0", "==535", True),
        ("534.99", ">=535", False),
        ("600.1", ">=535,<600", False),
        ("580.95.05", "!=580.95.5", False),
        ("1000", ">999", True),
    ],
)
def test_a_range_of_versions(version: str, wanted: str, holds: bool) -> None:
    assert allows(wanted, version) is holds


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('driver = "newest"', "'newest' is not a range of versions such as '>=535, <600'"),
        ("driver = 535", "535 is not a range"),
        ('model_sha256 = "abc"', "is not a SHA-256 of 64 hexadecimal digits"),
        ("gpus = -1", "must not be negative"),
        ("max_latency_ms = 0", "must be above 0"),
        ('provider = "gpu"', "known are cuda, tensorrt, cpu"),
    ],
)
def test_an_expectation_that_is_none(tmp_path: Path, line: str, told: str) -> None:
    (tmp_path / "retina-doctor.toml").write_text(f"[expect]\n{line}\n")
    done = runs.run("--only", "RD001", cwd=tmp_path)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert told in done.stderr


def test_the_hash_of_a_real_model(tmp_path: Path, real_model: Path) -> None:
    """It is looked at only where it is asked for."""
    digest = hashlib.sha256(real_model.read_bytes()).hexdigest()
    words = ("--model", str(real_model), "--quick", "--device", "cpu", "--format", "json", "--target", sys.executable)

    def looked(settings: str) -> tuple[list[str], str | None]:
        (tmp_path / "retina-doctor.toml").write_text(settings)
        told = json.loads(runs.run("--only", "models,expect", *words, cwd=tmp_path).stdout)
        [file] = told["facts"]["models"]["files"]
        return [one["name"] for one in told["findings"] if one["code"] == "RD706"], file.get("sha256")

    assert looked(f'[expect]\nmodel_sha256 = "{digest.upper()}"\n') == ([], digest)
    assert looked(f'[expect]\nmodel_sha256 = "{"0" * 64}"\n') == (["model-hash-unexpected"], digest)
    assert looked("") == ([], None)


# The baseline


def report(folder: Path, name: str, *words: str) -> dict[str, Any]:
    (folder / f"{name}.json").write_text(save(machine(name).snapshot), encoding="utf-8")
    done = runs.run("diagnose", f"{name}.json", "--format", "json", *words, cwd=folder)
    assert done.stderr == ""
    told: dict[str, Any] = json.loads(done.stdout)
    assert told["exit_code"] == done.returncode
    return told


def test_only_what_the_baseline_does_not_know_counts(tmp_path: Path) -> None:
    old = report(tmp_path, "source-faulty")
    (tmp_path / "old.report").write_text(json.dumps(old))
    same = report(tmp_path, "source-faulty", "--baseline", "old.report")
    assert (same["exit_code"], same["verdict"], same["findings"]) == (0, "healthy", [])
    listed = [one for one in same["checks"] if one["verdict"] == "ignored"]
    assert {one["code"] for one in listed} == {one["code"] for one in old["findings"]}
    assert {one["reason"] for one in listed} == {"--baseline old.report"}

    for finding in old["findings"]:
        finding["location"]["line"] += 4  # as if lines had been taken out above
    known, new = old["findings"][:-1], old["findings"][-1]
    (tmp_path / "old.report").write_text(json.dumps(old | {"findings": known}))
    assert [one["code"] for one in report(tmp_path, "source-faulty", "--baseline", "old.report")["findings"]] == [
        new["code"]
    ]


def test_what_became_graver_is_new(tmp_path: Path) -> None:
    old = report(tmp_path, "model-missing")
    for finding in old["findings"]:
        finding["severity"] = "warning"
    (tmp_path / "old.report").write_text(json.dumps(old))
    assert report(tmp_path, "model-missing", "--baseline", "old.report")["exit_code"] == 1


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"findings": [{"code": 1}]}', "no json"])
def test_a_baseline_that_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "old.report").write_text(text)
    for words in (["--only", "RD001"], ["diagnose", "s.json"]):
        (tmp_path / "s.json").write_text(save(machine("model-missing").snapshot), encoding="utf-8")
        done = runs.run(*words, "--baseline", "old.report", cwd=tmp_path)
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1), done.stderr
        assert "is no JSON report of retina-doctor" in done.stderr


def slower(folder: Path, **changes: Any) -> None:
    """The report of an earlier run of t4-healthy, in which these figures of the smoke test were other ones."""
    old = report(folder, "t4-healthy")
    for key, value in changes.items():
        old["facts"]["inference"][key] = value
    (folder / "old.report").write_text(json.dumps(old))


def regressed(folder: Path, *words: str) -> tuple[int, list[str], str]:
    """Exit code, subjects of the figures that are worse, verdict of RD008."""
    told = report(folder, "t4-healthy", "--baseline", "old.report", *words)
    found = [one["subject"] for one in told["findings"] if one["name"] == "figure-regressed"]
    return told["exit_code"], found, next(one["verdict"] for one in told["checks"] if one["code"] == "RD008")


def test_a_figure_that_became_worse_by_more_than_the_stated_share_fails(tmp_path: Path) -> None:
    """One detection of t4-healthy takes 50 ms."""
    slower(tmp_path, median=0.04)
    assert gated_by(tmp_path, 0.2) == (1, ["figure:inference.median"], "failed")
    assert gated_by(tmp_path, 0.3) == (0, [], "passed"), "a quarter more"
    slower(tmp_path, median=0.06)
    assert gated_by(tmp_path, 0.2) == (0, [], "passed"), "better"
    slower(tmp_path, median=0.0495)
    assert gated_by(tmp_path, 0.0) == (0, [], "passed"), "noise is no regression, whatever the share"
    slower(tmp_path, median=None, p95=None)
    assert gated_by(tmp_path, 0.2) == (0, [], "passed"), "what was not measured then is compared with nothing"


def test_figures_of_a_probe_that_did_not_end_well_are_compared_with_nothing(tmp_path: Path) -> None:
    slower(tmp_path, median=0.04)
    old = json.loads((tmp_path / "old.report").read_text())
    [probe] = [one for one in old["probes"] if one["name"] == "inference"]
    probe["outcome"] = "timed_out"
    (tmp_path / "old.report").write_text(json.dumps(old))
    assert gated_by(tmp_path, 0.2) == (0, [], "passed")


def test_a_regression_is_one_in_the_support_file_too() -> None:
    snapshot = machine("figure-regressed").snapshot
    for measure in installed().measures:
        settings = snapshot.settings.changed(gate={"measured": {measure.of: 1.0}})
        assert redact(replace(snapshot, settings=settings), installed()).settings.gate.measured == {measure.of: 1.0}
    assert verdict(diagnose(redact(snapshot, installed()), installed()), "RD008") is Verdict.FAILED


def test_without_a_share_no_figure_is_compared(tmp_path: Path) -> None:
    slower(tmp_path, median=0.001)
    assert regressed(tmp_path) == (0, [], "inapplicable")


def gated_by(folder: Path, share: float) -> tuple[int, list[str], str]:
    snapshot = machine("t4-healthy").snapshot
    settings = snapshot.settings.changed(gate={"regress": share})
    file = folder / "shared.json"
    file.write_text(save(replace(snapshot, settings=settings)), encoding="utf-8")
    done = runs.run("diagnose", file.name, "--format", "json", "--baseline", "old.report", cwd=folder)
    told = json.loads(done.stdout)
    found = [one["subject"] for one in told["findings"] if one["name"] == "figure-regressed"]
    return done.returncode, found, next(one["verdict"] for one in told["checks"] if one["code"] == "RD008")


def test_a_regression_is_not_known_to_the_report_that_it_is_measured_by(tmp_path: Path) -> None:
    """That report may tell of a regression itself: against one before it."""
    old = report(tmp_path, "figure-regressed")
    subjects = [one["subject"] for one in old["findings"]]
    assert set(subjects) == {"figure:inference.median", "figure:inference.cards.0.own_peak"}
    old["facts"]["inference"]["median"] = 0.02
    (tmp_path / "old.report").write_text(json.dumps(old))
    told = report(tmp_path, "figure-regressed", "--baseline", "old.report")
    assert [(one["subject"], one["evidence"]["before"]) for one in told["findings"]] == [
        ("figure:inference.median", 0.02)
    ]


def test_a_figure_that_is_no_longer_measured_is_unknown_unless_it_was_left_out(tmp_path: Path) -> None:
    def verdict_of(gate: dict[str, Any], *lost: str) -> Verdict:
        snapshot = machine("figures-kept").snapshot
        readings = {name: one for name, one in snapshot.readings.items() if name not in lost}
        settings = snapshot.settings.changed(gate=gate)
        return verdict(diagnose(replace(snapshot, settings=settings, readings=readings), installed()), "RD008")

    assert verdict_of({}) is Verdict.PASSED
    assert verdict_of({}, "inference") is Verdict.UNKNOWN
    assert verdict_of({"quick": True}, "inference") is Verdict.INAPPLICABLE
    assert verdict_of({"only": ("RD008", "driver")}, "inference") is Verdict.INAPPLICABLE


def test_every_format_says_the_same_of_what_is_ignored() -> None:
    diagnosis = gated("guide-t4", ignore={"RD264": "rebuilt", "RD270": "so", "smoke-on-cpu": "so"})
    report = Report(diagnosis=diagnosis, catalogue=installed(), language="en", fail_on=Severity.ERROR)
    assert json.loads(writer("sarif")(report, PLAIN))["runs"][0]["results"] == []
    assert json.loads(writer("gitlab")(report, PLAIN)) == []
    assert "RD264 ort-both-packages" in writer("markdown")(report, PLAIN)
    assert "rebuilt" in writer("terminal")(report, PLAIN)
