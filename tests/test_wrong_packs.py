"""Whatever is wrong with a pack, the report is given: real packs, each with one fault, under the real command."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.doctor import DEV_PYTHON, doctor, found, report
from tests.packs import FIRES, Edit, on_path, write

RUN = ("--quick", "--device", "cpu", "--target", DEV_PYTHON, "--only", "limits,doctor,python_env")
RAISING = "lambda *_: 1 / 0"
SECOND = """

@check("ACME2", "open-files-echo", Severity.WARNING)
def open_files_echo(limits: Limits) -> Answer:
    return Problem(subject="target", evidence={})
"""
SECOND_CHECK: list[Edit] = [
    ("checks.py", "", SECOND),
    ("pages/open-files-echo.en.md", "", "# An echo\n\nIt echoes.\n\n## Fix\n\nNothing.\n\n## Why\n\nIt does.\n"),
    ("pages/open-files-echo.zh.md", "", "# 回声\n\n它是回声。\n\n## Fix\n\n无。\n\n## Why\n\n无。\n"),
    ("pack.py", "import open_files_limit_low", "import open_files_echo, open_files_limit_low"),
    ("pack.py", "(open_files_limit_low,)", "(open_files_limit_low, open_files_echo)"),
]
TOLD = 'Cause("open-files-limit-low", ("open-files-echo",), lambda *_: True)'
CAUSE: Edit = ("pack.py", "import Domain", "import Cause, Domain")


def of_acme(told: dict[str, Any]) -> dict[str, str]:
    return {one["code"]: one["verdict"] for one in told["checks"] if one["code"].startswith("ACME")}


def others(told: dict[str, Any]) -> dict[str, str]:
    spoken_for = ("ACME", "RD001", "RD003")
    return {one["code"]: one["verdict"] for one in told["checks"] if not one["code"].startswith(spoken_for)}


def run(folder: Path, edits: list[Edit], *words: str) -> dict[str, Any]:
    return report(*RUN, *words, cwd=folder, env=on_path(write(folder / "site", edits)))


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    told = run(tmp_path_factory.mktemp("sound"), [FIRES])
    assert of_acme(told) == {"ACME1": "failed"}
    assert found(told) == ["open-files-limit-low"]
    return told


def finding(told: dict[str, Any], name: str) -> dict[str, Any]:
    [one] = [one for one in told["findings"] if one["name"] == name]
    assert isinstance(one, dict)
    return one


def test_page_of_one_language_missing(tmp_path: Path, sound: dict[str, Any]) -> None:
    told = run(tmp_path, [FIRES, ("pages/open-files-limit-low.zh.md", "", None)], "--lang", "zh")
    assert (of_acme(told), told["exit_code"]) == ({"ACME1": "error"}, 1)
    assert others(told) == others(sound)
    shown = finding(told, "open-files-limit-low")
    assert shown["title"] == "open-files-limit-low"
    assert [line.split() for line in shown["message"].splitlines()][1:] == [["least", str(1 << 62)], ["pid", "null"]]
    said = finding(told, "pack-not-loadable")  # at load, and less grave: in English nothing would be amiss
    assert said["severity"] == "warning"
    assert "checks.py:" in said["message"]
    assert "open-files-limit-low.zh.md" in said["message"]
    english = report(*RUN, cwd=tmp_path, env=on_path(tmp_path / "site"))
    assert of_acme(english) == {"ACME1": "failed"}
    for format in ("terminal", "junit", "github"):
        text = doctor(*RUN, "--lang", "zh", "--format", format, cwd=tmp_path, env=on_path(tmp_path / "site")).stdout
        assert "open-files-limit-low" in text
        assert str(1 << 62) in text


def test_page_asks_for_what_evidence_lacks(tmp_path: Path, sound: dict[str, Any]) -> None:
    told = run(tmp_path, [FIRES, ("pages/open-files-limit-low.en.md", "{{ least }}", "{{ nothing }}")])
    assert (of_acme(told), told["exit_code"]) == ({"ACME1": "error"}, 1)
    assert others(told) == others(sound)
    assert finding(told, "open-files-limit-low")["title"] == "open-files-limit-low"
    [check] = [one for one in told["checks"] if one["code"] == "ACME1"]
    assert "open-files-limit-low.en.md: NameError: name 'nothing' is not defined" in check["reason"]


def test_reason_that_nobody_told(tmp_path: Path, sound: dict[str, Any]) -> None:
    edits: list[Edit] = [("checks.py", ">= LEAST", "> 0"), ("checks.py", '"acme-open-files"', '"unknown-key"')]
    told = run(tmp_path, edits)
    assert (of_acme(told), told["exit_code"], told["verdict"]) == ({"ACME1": "error"}, 3, "broken")
    assert others(told) == others(sound)
    assert found(told) == []


def test_scope_raises(tmp_path: Path, sound: dict[str, Any]) -> None:
    told = run(tmp_path, [("checks.py", "Severity.ERROR, ", f"Severity.ERROR, scope={RAISING}, ")])
    assert (of_acme(told), told["exit_code"]) == ({"ACME1": "error"}, 3)
    assert others(told) == others(sound)
    [check] = [one for one in told["checks"] if one["code"] == "ACME1"]
    assert check["reason"].startswith("scope: ZeroDivisionError: division by zero (")
    assert "checks.py:" in check["reason"]


ARGUMENTS = 'lambda settings: {"pid": settings.process.pid}'
UNSENT: dict[str, tuple[list[Edit], str]] = {
    "arguments raise": ([("pack.py", ARGUMENTS, RAISING)], "ZeroDivisionError"),
    "arguments that are no JSON": ([("pack.py", ARGUMENTS, 'lambda settings: {"pid": print}')], "TypeError"),
    "no such module": ([("pack.py", "acme_limits.look_limits", "acme_limits.nowhere")], "acme_limits.nowhere"),
    "a module that is no Python": ([("look_limits.py", "def look", "def def look")], "SyntaxError"),
}


@pytest.mark.parametrize("fault", UNSENT)
def test_probe_that_cannot_be_sent(fault: str, tmp_path: Path, sound: dict[str, Any]) -> None:
    edits, words = UNSENT[fault]
    told = run(tmp_path, edits)
    assert (of_acme(told), told["exit_code"]) == ({"ACME1": "unknown"}, 3)
    assert others(told) == others(sound)
    failed = finding(told, "probe-failed")
    assert failed["subject"] == "probe:acme_limits"
    assert words in failed["message"]
    assert ("pack-not-loadable" in found(told)) == (fault == "no such module")


def test_condition_of_a_cause_raises(tmp_path: Path, sound: dict[str, Any]) -> None:
    causes = f'causes=(Cause("open-files-limit-low", ("open-files-echo",), {RAISING}),),'
    edits = [FIRES, *SECOND_CHECK, CAUSE, ("pack.py", "    reasons=", f"    {causes}\n    reasons=")]
    told = run(tmp_path / "broken", edits)
    assert (of_acme(told), told["exit_code"]) == ({"ACME1": "failed", "ACME2": "error"}, 1)
    assert others(told) == others(sound)
    assert [one["root"] for one in told["findings"]] == [None, None]
    told = run(tmp_path / "sound", [*edits, ("pack.py", RAISING, "lambda *_: True")])
    assert finding(told, "open-files-echo")["root"]["code"] == "ACME1"


BROKEN: dict[str, Edit] = {
    "the check raises": ("checks.py", "    if limits.open_files is None", "    1 / 0\n    if limits.open_files is None"),
    "evidence that is no JSON": ("checks.py", '"least": LEAST', '"least": check'),
    "a subject that is no text": ("checks.py", 'subject="target"', 'subject=("target",)'),
    "evidence that is no table": ("checks.py", "evidence={", "evidence=42 or {"),
    "an answer that is none": ("checks.py", "return Problem(", "return dict("),
}  # fmt: skip


@pytest.mark.parametrize("fault", BROKEN)
def test_check_that_answers_wrongly(fault: str, tmp_path: Path, sound: dict[str, Any]) -> None:
    told = run(tmp_path, [FIRES, BROKEN[fault]])
    assert (of_acme(told), told["exit_code"]) == ({"ACME1": "error"}, 3)
    assert others(told) == others(sound)


def test_reasons_that_cannot_be_read_harm_no_other_pack(tmp_path: Path, sound: dict[str, Any]) -> None:
    told = run(tmp_path, [("reasons.toml", "[acme-no-limit]", "[acme-no-limit")])
    assert of_acme(told) == {"ACME1": "error"}
    before = {one["code"]: one["reason"] for one in sound["checks"] if not one["code"].startswith("ACME")}
    assert {one["code"]: one["reason"] for one in told["checks"] if one["code"] in before} == before


def test_finder_of_services_raises(tmp_path: Path, sound: dict[str, Any]) -> None:
    site = write(tmp_path / "site", [("pack.py", "    reasons=", f"    services={RAISING},\n    reasons=")])
    env = on_path(site) | {"RETINA_DOCTOR_SERVICE_ATTACH": "true"}  # a named target would end the search
    done = doctor("--quick", "--device", "cpu", "--only", "limits", "--format", "json", cwd=tmp_path, env=env)
    assert "running services could not be looked for: ZeroDivisionError" in done.stderr
    assert of_acme(json.loads(done.stdout)) == {"ACME1": "passed"}


@pytest.mark.parametrize(
    "edits",
    [
        [("pages/open-files-limit-low.en.md", "", None)],
        [("pages/open-files-limit-low.en.md", "## Fix", "## Mend")],
        [("pages/open-files-limit-low.en.md", "{{ least }}", "{{ least + }}")],
        [("pages/open-files-limit-low.en.md", "{{ least }}", "{% if least %}{{ least }}{% endif %}")],
    ],
)
def test_list_and_explain_survive_a_page(edits: list[Edit], tmp_path: Path) -> None:
    env = on_path(write(tmp_path / "site", edits))
    listed = doctor("list", cwd=tmp_path, env=env)
    assert listed.returncode == 0
    assert "ACME1  open-files-limit-low" in listed.stdout
    assert "RD101" in listed.stdout
    assert json.loads(doctor("list", "--format", "json", cwd=tmp_path, env=env).stdout)["checks"]
    explained = doctor("explain", "ACME1", cwd=tmp_path, env=env)
    assert explained.returncode == 0
    assert "open-files-limit-low" in explained.stdout


# Packs that are left out


def wanting(parameter: str) -> list[Edit]:
    """The check asks for one thing more."""
    more = "from retina_doctor.model import Reading, SeenFrom\nfrom retina_doctor.settings import Settings\n\n"
    return [
        ("checks.py", "from .facts", f"{more}from .facts"),
        ("checks.py", "limits: Limits)", f"limits: Limits, more: {parameter})"),
    ]


UNLOADABLE: dict[str, tuple[list[Edit], str]] = {
    "an import that fails": ([("checks.py", "from .facts", "from .nowhere")], "checks.py:5)"),
    "a file that is no Python": ([("checks.py", "LEAST = 1024", "LEAST = = 1024")], "checks.py, line"),
    "a script": ([("pack.py", "HERE =", "raise SystemExit(4)\nHERE =")], "SystemExit: 4"),
    "no pack": ([("pack.py", "pack = Pack(", "pack = dict(")], "is a dict, not a Pack"),
    "a code of another pack": ([("checks.py", '"ACME1"', '"RD101"')], "checks.py:10: named twice: code RD101"),
    "a code that is none": ([("checks.py", '"ACME1"', '"acme one"')], "checks.py:10: acme one open-files-limit-low"),
    "facts that nobody tells": ([("pack.py", "probes=(limits,)", "probes=()")], "checks.py:10: open-files-limit-low needs Li"),
    "a reading of what no probe tells": (wanting("Reading[Settings]"), "needs a Reading of Settings"),
    "what old snapshots lack": (wanting("SeenFrom"), "which old snapshots do not tell"),
    "a cause that is told twice": (
        [*SECOND_CHECK, CAUSE, ("pack.py", "    reasons=", f"    causes=({TOLD}, {TOLD}),\n    reasons=")],
        "open-files-limit-low explains open-files-echo is said twice",
    ),
    "a head that asks for what is not": (
        [("pack.py", "pack = Pack(", "def head(limits: \"Nowhere\") -> object: ...\n\n\npack = Pack(\n    head=head,")],
        "shown-by-acme: name 'Nowhere' is not defined",
    ),
    "domains that are none": ([("pack.py", "domains=(Domain(", "domains=3 or (Domain(")], "TypeError"),
}  # fmt: skip


@pytest.mark.parametrize("fault", UNLOADABLE)
def test_pack_that_is_left_out_is_a_finding_with_its_place(fault: str, tmp_path: Path, sound: dict[str, Any]) -> None:
    edits, words = UNLOADABLE[fault]
    told = report(*RUN[:-2], "--only", "doctor,python_env", cwd=tmp_path, env=on_path(write(tmp_path / "site", edits)))
    assert (of_acme(told), told["exit_code"]) == ({}, 1)
    assert others(told) == others(sound)
    assert words in finding(told, "pack-not-loadable")["message"]


@pytest.fixture(scope="module")
def left_out(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    edits, _ = UNLOADABLE["an import that fails"]
    return on_path(write(tmp_path_factory.mktemp("left-out") / "site", edits))


SHORT = ("--quick", "--device", "cpu", "--target", DEV_PYTHON)


@pytest.mark.parametrize("word", ["ACME1", "open-files-limit-low", "limits"])
def test_words_of_a_pack_that_is_left_out_are_no_wrong_usage(
    word: str, tmp_path: Path, left_out: dict[str, str]
) -> None:
    for words in (("--only", word), ("--only", "python_env,doctor", "--skip", word)):
        told = report(*SHORT, *words, cwd=tmp_path, env=left_out)
        assert (found(told), told["exit_code"]) == (["pack-not-loadable"], 1), words
    (tmp_path / "retina-doctor.toml").write_text(f'[gate]\nonly = ["doctor"]\nignore = {{ "{word}" = "known" }}\n')
    told = report(*SHORT, cwd=tmp_path, env=left_out)
    assert (found(told), told["exit_code"]) == (["pack-not-loadable"], 1)


def test_words_that_mean_nothing_are_wrong_usage_where_all_packs_are_loaded(tmp_path: Path) -> None:
    env = on_path(write(tmp_path / "site", {}))
    for words in (("--only", "ACME7"), ("--skip", "ACME7")):
        done = doctor(*SHORT, *words, cwd=tmp_path, env=env)
        assert (done.returncode, done.stdout) == (2, "")
        assert "'ACME7'" in done.stderr


def test_explain_and_list_say_which_pack_is_left_out(tmp_path: Path, left_out: dict[str, str]) -> None:
    done = doctor("explain", "ACME1", cwd=tmp_path, env=left_out)
    assert (done.returncode, done.stdout) == (2, "")
    assert "the pack acme was not loaded: ModuleNotFoundError" in done.stderr
    listed = doctor("list", cwd=tmp_path, env=left_out)
    assert listed.returncode == 0
    assert "RD101" in listed.stdout
    assert "pack acme: ModuleNotFoundError" in listed.stderr


# Order


@pytest.mark.parametrize("entry", ["acme", "zacme"])
def test_packs_load_in_any_order(entry: str, tmp_path: Path) -> None:
    """It needs facts of the house's pack, and explains a check of it."""
    causes = 'causes=(Cause("open-files-limit-low", ("ort-missing",)),),'
    edits: list[Edit] = [
        ("facts.py", "", "\nfrom retina_doctor_checks.facts.driver import Nvml as Nvml\n"),
        ("checks.py", "import Limits", "import Limits, Nvml"),
        ("checks.py", "(limits: Limits)", "(limits: Limits, nvml: Nvml | None)"),
        CAUSE,
        ("pack.py", "    reasons=", f"    {causes}\n    reasons="),
    ]
    site = write(tmp_path / "site", edits, entry=entry)
    listed = doctor("list", cwd=tmp_path, env=on_path(site))
    assert listed.stderr == ""
    assert {"ACME1", "RD101"} <= {line.split()[0] for line in listed.stdout.splitlines()}


def test_the_pack_that_is_lacking_is_named(tmp_path: Path) -> None:
    site = write(tmp_path / "site", [("pack.py", "", "\n1 / 0\n")], package="zeta", entry="zeta")
    needs: list[Edit] = [
        ("checks.py", ".facts import", "zeta.facts import"),
        ("pack.py", "probes=(limits,)", "probes=()"),
    ]
    write(site, needs)
    told = report(*SHORT, "--only", "doctor", cwd=tmp_path, env=on_path(site))
    said = {one["subject"]: one["message"] for one in told["findings"]}
    assert set(said) == {"pack:acme", "pack:zeta"}
    assert "needs Limits (of zeta.facts), which no probe of a loaded pack tells; not loaded: zeta" in said["pack:acme"]
    assert "ZeroDivisionError" in said["pack:zeta"]
