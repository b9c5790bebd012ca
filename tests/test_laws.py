"""The laws of docs/architecture.md, over every check that is installed and every machine in fixtures/machines."""

from __future__ import annotations

import ast
import functools
import itertools
import json
import random
import re
import subprocess
import sys
import typing
from pathlib import Path
from typing import Any

import msgspec
import pytest

from retina_doctor.authoring import ANY, Facts, Probe, Side
from retina_doctor.catalogue.registry import PackFailure, Want
from retina_doctor.catalogue.selection import Selection
from retina_doctor.codec import from_json, replace
from retina_doctor.judging.diagnose import _judge, diagnose
from retina_doctor.judging.readings import Readings
from retina_doctor.language import LANGUAGES
from retina_doctor.model import Diagnosis, Outcome, Reading, Recorded, Severity, Snapshot, Verdict
from retina_doctor.redaction import redact
from retina_doctor.reports import formats
from retina_doctor.reports.formats import writer
from retina_doctor.reports.report import PLAIN, Report
from retina_doctor.sending import source_of
from retina_doctor.support_file import load, save
from retina_doctor.words.filling import broken_places, names_in
from retina_doctor.words.page_source import BLOCK, source
from retina_doctor.words.pages import render
from tests.machines import FOLDER, machine, names, put, raw
from tests.odd_probes import runs
from tests.rejudging import (
    CATALOGUE,
    all_are_seen_by,
    assert_can_be_said,
    demanded,
    judged,
    judged_anew,
    verdicts,
    verdicts_of,
    wants,
)
from tests.variants import all_that_is_shown, scenes

CODES = [entry.check.code for entry in CATALOGUE.entries]
SENT_FOR = {probe.name: frozenset(probe.sent(Side.TARGET)) for probe in CATALOGUE.probes.values()}
SEE_ALL = frozenset(entry.check.code for entry in CATALOGUE.entries if all_are_seen_by(entry))
"""Checks that speak of all readings, or of all verdicts."""
SENT = sorted(frozenset[str]().union(*SENT_FOR.values()) | {"retina_doctor.probing.child"})
FOREIGN = ("torch", "onnxruntime", "onnx", "numpy", "cv2", "insightface", "PIL", "retinaface", "mxnet", "tensorflow")
every_code = pytest.mark.parametrize("code", CODES)
every_machine = pytest.mark.parametrize("name", names())


# 0. All of this is about everything


def test_every_installed_pack_is_loaded() -> None:
    assert CATALOGUE.failures == ()


# 1. Pages


@every_code
def test_pages_of_both_languages_have_the_same_form(code: str) -> None:
    entry = CATALOGUE.of_code(code)
    english, chinese = (source(entry.pages, entry.check.name, language) for language in LANGUAGES)
    assert set(english.variants) == set(chinese.variants)
    for variant, one in english.variants.items():
        other = chinese.variants[variant]
        for part in ("title", "message", "fix", "todo"):
            assert names_in(getattr(one, part)) == names_in(getattr(other, part)), part
            assert not [*broken_places(getattr(one, part)), *broken_places(getattr(other, part))], part
        assert BLOCK.findall(one.fix) == BLOCK.findall(other.fix)
        assert bool(one.todo) == bool(other.todo)
        assert re.search(r"[\u4e00-\u9fff]", other.message)
        assert not re.search(r"[\u4e00-\u9fff]", one.title + one.message + one.fix + one.todo)
        for found in (one, other):
            assert "\n\n" not in found.message
            assert "```" not in BLOCK.sub("", found.fix), "only ```sh blocks hold commands"
    assert not re.search(r"[\u4e00-\u9fff]", english.title + english.meaning + english.why)
    for plain in (chinese.title, chinese.meaning, chinese.why):
        assert re.search(r"[\u4e00-\u9fff]", plain)
    for page in (english, chinese):
        assert not re.search(r"\{[{%]", page.title + page.meaning + page.why), "holds before anything is found"


@every_code
def test_each_variant_of_a_page_is_shown_by_a_machine(code: str) -> None:
    """Or by one with a few values exchanged (tests/variants.py)."""
    shown = {variant for of, variant in all_that_is_shown() if of == code}
    there = set(source(CATALOGUE.of_code(code).pages, CATALOGUE.of_code(code).check.name, "en").variants)
    assert there == shown or (code == "RD001" and not shown)


@pytest.mark.parametrize("shows", scenes())
def test_a_scene_shows_what_it_says(shows: str) -> None:
    code, _, variant = shows.partition("/")
    diagnosis = scenes()[shows].diagnosis
    (finding,) = [one for one in diagnosis.findings if (one.code, one.variant) == (code, variant)]
    for words in (render(finding, diagnosis.snapshot, CATALOGUE, language) for language in LANGUAGES):
        assert words.title.strip() and words.message.strip() and words.fix.strip()


@every_machine
def test_findings_render_in_both_languages(name: str) -> None:
    diagnosis = judged(name)
    for finding in diagnosis.findings:
        english, chinese = (render(finding, diagnosis.snapshot, CATALOGUE, language) for language in LANGUAGES)
        assert english.commands == chinese.commands
        for words in (english, chinese):
            assert words.title.strip()
            assert words.message.strip()
            assert words.fix.strip()
            assert "None" not in words.title
            for text in (words.title, words.message, words.fix, *words.commands):
                assert "\n" not in text.replace("\n\n", "")
                assert "{{" not in text


@every_machine
def test_no_two_findings_are_taken_for_one(name: str) -> None:
    """A cause, a baseline and a page find a finding again by its key."""
    keys = [finding.key for finding in judged(name).findings]
    assert len(set(keys)) == len(keys)


@every_machine
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_report_can_be_written(name: str, language: Any) -> None:
    report = Report(diagnosis=judged(name), catalogue=CATALOGUE, language=language, fail_on=Severity.ERROR)
    for name in formats.names():
        assert writer(name)(report, PLAIN).strip()


# 2. Witnesses


@every_code
def test_every_code_fires_on_one_machine_and_is_passed_on_another(code: str) -> None:
    if code == "RD001":  # of this installation, not of a machine: see below
        return
    assert [name for name in names() if verdicts_of(name)[code] is Verdict.FAILED], "fires nowhere"
    assert [name for name in names() if verdicts_of(name)[code] is Verdict.PASSED], "is passed nowhere"


def test_one_cause_has_one_severity() -> None:
    """Whatever found it. Where it is less grave in one place, that finding says so with at_most, and the check why."""
    graded: dict[str, set[Severity]] = {}
    for entry in CATALOGUE.entries:
        graded.setdefault(entry.check.name, set()).add(entry.check.severity)
    assert {name: grades for name, grades in graded.items() if len(grades) > 1} == {}


def test_a_pack_that_cannot_be_loaded_is_a_finding_and_all_others_are_judged() -> None:
    broken = replace(CATALOGUE, failures=(PackFailure("theirs", "ImportError: no module \x1b[31mx"),))
    before, after = judged("t4-healthy"), diagnose(machine("t4-healthy").snapshot, broken)
    assert [(f.code, f.subject) for f in after.findings] == [("RD001", "pack:theirs")]
    assert after.exit_code(Severity.ERROR) == 1
    assert {k: v for k, v in verdicts(after).items() if k != "RD001"} == {
        k: v for k, v in verdicts(before).items() if k != "RD001"
    }


@pytest.mark.parametrize(
    ("root", "echo"), [(root, echo) for root, echoes in CATALOGUE.explains.items() for echo in echoes]
)
def test_every_cause_is_witnessed(root: str, echo: str) -> None:
    def shows(diagnosis: Diagnosis) -> bool:
        there = {finding.name for finding in diagnosis.findings} | {ANY}
        return root in there and any(f.name == echo and f.root is not None for f in diagnosis.findings)

    assert [name for name in names() if shows(judged(name))]


# 3. Facts


@pytest.mark.parametrize("probe", CATALOGUE.probes)
def test_every_fact_has_one_probe_one_spokesman_at_most_and_a_reader(probe: str) -> None:
    facts = CATALOGUE.probes[probe].facts
    assert [p.name for p in CATALOGUE.probes.values() if p.facts is facts] == [probe]
    needs = [
        (entry.check.name, need.want) for entry in CATALOGUE.entries for need in entry.needs if need.facts is facts
    ]
    assert needs, "no check needs it"
    first, *others = [name for name, want in needs if want is Want.READING] or [""]
    assert all(first in CATALOGUE.explains[name] for name in others), (
        "another that judges the looking must explain the first"
    )


@pytest.mark.parametrize("probe", CATALOGUE.probes)
def test_facts_are_frozen_and_the_healthy_machine_has_them_whole(probe: str) -> None:
    facts = CATALOGUE.probes[probe].facts
    assert issubclass(facts, Facts)
    assert facts.__struct_config__.frozen
    reading = machine("t4-healthy").snapshot.readings[probe]
    assert Readings(machine("t4-healthy").snapshot, CATALOGUE).of(facts).value is not None, reading
    assert set(reading.facts) == set(facts.__struct_fields__)


# 4. Knock-out


def without(snapshot: Snapshot, *lost: str) -> Snapshot:
    kept = {name: reading for name, reading in snapshot.readings.items() if name not in lost}
    return replace(snapshot, readings=kept)


def ended(snapshot: Snapshot, outcome: Outcome, *lost: str) -> Snapshot:
    """As if these probes had ended badly half-way: half of their facts are there."""

    def half(reading: Recorded) -> Recorded:
        facts = dict(itertools.islice(reading.facts.items(), len(reading.facts) // 2))
        return replace(reading, outcome=outcome, facts=facts, detail="killed by SIGABRT", stderr_tail=("core dumped",))

    readings = {name: half(r) if name in lost else r for name, r in snapshot.readings.items()}
    return replace(snapshot, readings=readings)


def told(snapshot: Snapshot, probe: str, facts: dict[str, Any]) -> Snapshot:
    """As if this probe had told these facts."""
    readings = {**snapshot.readings, probe: replace(snapshot.readings[probe], facts=facts)}
    return replace(snapshot, readings=readings)


@functools.cache
def wanted(lost: frozenset[str]) -> tuple[tuple[bool, bool], ...]:
    """For each check, whether it wants anything that is lost, and whether it requires it."""
    ways = [[want for probe, want in wants(entry.check.code) if probe in lost] for entry in CATALOGUE.entries]
    return tuple((bool(way), Want.REQUIRED in way) for way in ways)


def assert_not_healthier(before: Diagnosis, after: Diagnosis, lost: set[str]) -> None:
    each = zip(before.judgements, after.judgements, wanted(frozenset(lost)), strict=True)
    for earlier, later, (gone, required) in each:
        code, was, now = later.code, earlier.verdict, later.verdict
        assert now is not Verdict.ERROR, later
        if code not in SEE_ALL:  # which speaks of the readings that there are
            if now is Verdict.PASSED:
                assert not required, f"{code} passes without the facts that it requires"
                assert was is not Verdict.FAILED, f"{code} passes for want of facts"
                assert was is not Verdict.UNKNOWN, f"{code} passes for want of facts"
            if not gone:
                assert now is was, f"{code} does not need what was lost"
        if required and (was is Verdict.FAILED or was is Verdict.PASSED):
            assert now in (Verdict.UNKNOWN, Verdict.IGNORED), code  # IGNORED: the operator said so before
    if before.exit_code(Severity.ERROR) != 0:
        assert after.exit_code(Severity.ERROR) != 0


class Watched(Readings):
    """Which facts were asked for."""

    def __init__(self, snapshot: Snapshot) -> None:
        super().__init__(snapshot, CATALOGUE)
        self.asked: set[str] = set()

    def of(self, facts: type) -> Reading[Any]:
        reading = super().of(facts)
        self.asked.add(reading.probe)
        return reading


@every_machine
def test_a_check_is_given_what_it_asks_for_and_nothing_else(name: str) -> None:
    """So that it need not be judged anew when something else is lost (tests/rejudging.py)."""
    snapshot = machine(name).snapshot
    chosen = Selection(snapshot.settings, CATALOGUE, snapshot.created)
    for entry in CATALOGUE.entries:
        watched = Watched(snapshot)
        if entry.check.code in SEE_ALL:
            demanded(chosen, watched)
        judgement, _ = _judge(entry, chosen, watched)
        assert judgement.verdict is verdicts_of(name)[entry.check.code], "judged alone it is another"
        if entry.check.code not in SEE_ALL:
            assert watched.asked <= {probe for probe, _ in wants(entry.check.code)}, entry.check.code


@every_machine
def test_losing_one_reading(name: str) -> None:
    snapshot, before = machine(name).snapshot, judged(name)
    chosen = random.Random(name).sample(list(snapshot.readings), min(4, len(snapshot.readings)))
    for lost in snapshot.readings:
        after = judged_anew(name, without(snapshot, lost), {lost})
        assert_not_healthier(before, after, {lost})
        if lost in chosen:
            assert after == diagnose(after.snapshot, CATALOGUE), "a check sees more than it asks for"
        report = Report(diagnosis=after, catalogue=CATALOGUE, language="zh", fail_on=Severity.ERROR)
        assert from_json(writer("json")(report, PLAIN))
        for outcome in (Outcome.FAILED, Outcome.CRASHED, Outcome.TIMED_OUT, Outcome.NOT_RUN):
            after = judged_anew(name, ended(snapshot, outcome, lost), {lost})
            assert_not_healthier(before, after, {lost})
            assert_can_be_said(after)


@every_machine
def test_losing_any_readings(name: str) -> None:
    snapshot, before = machine(name).snapshot, judged(name)
    chance = random.Random(name)
    for _ in range(15):
        lost = {reading for reading in snapshot.readings if chance.random() < chance.choice((0.2, 0.5, 0.8))}
        assert_not_healthier(before, diagnose(without(snapshot, *lost), CATALOGUE), lost)
        outcome = chance.choice((Outcome.FAILED, Outcome.CRASHED, Outcome.TIMED_OUT))
        assert_not_healthier(before, diagnose(ended(snapshot, outcome, *lost), CATALOGUE), lost)


def test_losing_all_readings_leaves_nothing_passed_that_needs_any() -> None:
    after = diagnose(without(machine("t4-healthy").snapshot, *CATALOGUE.probes), CATALOGUE)
    assert after.exit_code(Severity.ERROR) == 3
    for entry in CATALOGUE.entries:
        if any(need.facts in CATALOGUE.probe_of and need.want is not Want.OPTIONAL for need in entry.needs):
            assert verdicts(after)[entry.check.code] in (Verdict.UNKNOWN, Verdict.INAPPLICABLE)


@every_machine
def test_a_quick_check_says_what_the_whole_one_does_or_that_it_does_not_know(name: str) -> None:
    """It has no heavy facts; what rests on them is left out and said to be, and nothing passes for want of them."""
    whole = machine(name).snapshot
    quick = replace(whole, settings=whole.settings.changed(gate={"quick": True}))

    def is_left_out(probe: Probe[Any]) -> bool:
        return probe.heavy or not probe.wanted(quick.settings)

    left_out = {probe.name for probe in CATALOGUE.probes.values() if is_left_out(probe)}
    was, now = verdicts(judged(name)), verdicts(diagnose(without(quick, *left_out), CATALOGUE))
    for entry in CATALOGUE.entries:
        code = entry.check.code
        wants = {
            n.want for n in entry.needs if n.facts in CATALOGUE.probe_of and is_left_out(CATALOGUE.probe_of[n.facts])
        }
        if wants - {Want.OPTIONAL}:
            assert now[code] in (Verdict.INAPPLICABLE, Verdict.IGNORED), code
        elif not wants and code not in SEE_ALL:
            assert now[code] is was[code], code
        elif now[code] is Verdict.PASSED:
            assert was[code] not in (Verdict.FAILED, Verdict.UNKNOWN), f"{code} passes for want of facts"
        elif now[code] is Verdict.FAILED:
            assert was[code] is not Verdict.PASSED, f"{code} alarms for want of facts"


@pytest.mark.parametrize("probe", CATALOGUE.probes)
def test_what_is_heavy_shares_no_process(probe: str) -> None:
    """A quick check starts no heavy one, and a shared process is no place for what may hang on a kernel for seconds."""
    assert not (CATALOGUE.probes[probe].heavy and CATALOGUE.probes[probe].share)


@pytest.mark.parametrize("probe", CATALOGUE.probes)
def test_what_is_light_is_in_no_group_of_heavy_ones(probe: str) -> None:
    """It would be kept waiting by them, and left out by a quick check with them."""
    assert CATALOGUE.probes[probe].heavy or CATALOGUE.probes[probe].group is None


@every_machine
def test_facts_that_do_not_fit_are_a_lost_reading(name: str) -> None:
    """A snapshot of another version, or a probe that forgot something: not one fact is guessed."""
    snapshot, before = machine(name).snapshot, judged(name)
    for probe, reading in snapshot.readings.items():
        if reading.outcome is not Outcome.OK or probe not in CATALOGUE.probes:
            continue
        fields = msgspec.structs.fields(CATALOGUE.probes[probe].facts)
        required = [field.name for field in fields if field.required]
        if required and required[-1] in reading.facts:
            facts = {key: value for key, value in reading.facts.items() if key != required[-1]}
            assert_not_healthier(before, judged_anew(name, told(snapshot, probe, facts), {probe}), {probe})


@pytest.mark.parametrize("probe", CATALOGUE.probes)
def test_facts_that_may_be_unknown_may_be_unknown(probe: str) -> None:
    """Each field that may be None is None for once, on every machine: no check breaks on it."""
    hints = typing.get_type_hints(CATALOGUE.probes[probe].facts)
    optional = [key for key, hint in hints.items() if type(None) in typing.get_args(hint)]
    for name in names():
        snapshot = machine(name).snapshot
        facts = snapshot.readings[probe].facts if probe in snapshot.readings else {}
        for key in optional:
            if facts.get(key) is not None:
                after = judged_anew(name, told(snapshot, probe, {**facts, key: None}), {probe})
                assert not after.with_verdict(Verdict.ERROR), (name, key, after.with_verdict(Verdict.ERROR))
                assert_can_be_said(after)


# 5. Redaction


@every_machine
def test_redaction_changes_no_judgement(name: str) -> None:
    once = redact(machine(name).snapshot, CATALOGUE)
    before, after = judged(name), diagnose(once, CATALOGUE)
    assert verdicts(after) == verdicts(before)

    def outline(diagnosis: Diagnosis) -> list[tuple[object, ...]]:
        return sorted((f.code, f.severity, f.root.code if f.root else "") for f in diagnosis.findings)

    assert outline(after) == outline(before)
    assert after.exit_code(Severity.ERROR) == before.exit_code(Severity.ERROR)
    assert redact(once, CATALOGUE) == once


SECRETS = {
    "person": "zhangsanfeng",
    "machine": "gpu-prod-shanghai",
    "token": "hf_AbCdEfGh0123456789",
    "password": "correct-horse-battery",
    "key": "sk-9f8e7d6c5b4a",
    "mail": "zhang.san@example-corp.cn",
    "address": "203.0.113.77",
    "card": "GPU-1f2e3d4c-5b6a-7988-a7b6",
}


def told_everywhere() -> Snapshot:
    """A machine whose facts, settings, command and last words name people, hosts and secrets."""
    data = raw("t4-healthy")
    person, host, password = SECRETS["person"], SECRETS["machine"], SECRETS["password"]
    home = f"/home/{person}"
    line = (
        f"{home}/venv/bin/python serve.py --api-key {SECRETS['key']} --token={SECRETS['token']} "
        f"API_TOKEN={SECRETS['token']} password: {password} redis://{person}:{password}@cache/0 "
        f"{SECRETS['mail']} peer {SECRETS['address']}:8080 hostname={host} {SECRETS['card']}-0123456789ab"
    )
    put(data, "/target/command", [f"{home}/venv/bin/python", "--token", SECRETS["token"]])
    put(data, "/settings/service", {"url": f"http://{person}:{password}@{SECRETS['address']}:8080/detect"})
    put(data, "/readings/interpreter/facts/user", person)
    put(data, "/readings/interpreter/facts/home", home)
    put(data, "/readings/interpreter/facts/hostname", host)
    put(data, "/readings/interpreter/facts/working_directory", f"{home}/face on {host}")
    data["readings"]["odd"] = {
        "outcome": "crashed", "facts": {"line": line, "user": person, "hostname": host, "list": [{"inner": line}]},
        "stage": f"importing {home}/x", "detail": f"cannot reach {SECRETS['address']}", "stderr_tail": [line],
    }  # fmt: skip
    return load(json.dumps(data))


@pytest.mark.parametrize("what", SECRETS)
def test_redaction_takes_out_who_and_where(what: str) -> None:
    snapshot = told_everywhere()
    assert SECRETS[what] in save(snapshot)
    once = redact(snapshot, CATALOGUE)
    assert SECRETS[what] not in save(once)
    assert redact(once, CATALOGUE) == once


def test_redaction_keeps_what_judgements_rest_on() -> None:
    """Loopback in any text, also of a pack that is not installed, where what looks like an address is masked; and what a
    fact's own type says is a version, though it looks like one."""
    kept = ["127.0.0.1", "0.0.0.0"]
    snapshot = machine("cudnn-shadowed").snapshot
    reading = Recorded(outcome=Outcome.OK, facts={"kept": [*kept, "8.9.7.29"]})
    after = redact(replace(snapshot, readings={**snapshot.readings, "odd": reading}), CATALOGUE)
    assert list(after.readings["odd"].facts["kept"])[:2] == kept
    assert list(after.readings["odd"].facts["kept"])[2] != "8.9.7.29"
    versions = set(re.findall(r'"version": ?"[^"]+"', save(snapshot)))
    assert versions and versions <= set(re.findall(r'"version": ?"[^"]+"', save(after)))
    assert after.target.command == snapshot.target.command


# 6. Saving and loading


@every_machine
def test_loading_what_was_saved_gives_the_same(name: str) -> None:
    snapshot = machine(name).snapshot
    assert load(save(snapshot)) == snapshot
    assert save(load(save(snapshot))) == save(snapshot)


# 7. Imports


def loaded(program: str, tmp_path: Path) -> set[str]:
    """Names of the modules that a program has loaded at its end."""
    text = f"{program}\nimport sys\nprint('LOADED', *sorted(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", text], cwd=tmp_path, env=runs.environment(), capture_output=True, text=True, check=True
    )
    return set(done.stdout.rpartition("LOADED")[2].split())


def test_importing_engine_and_packs_loads_no_library_under_test(tmp_path: Path) -> None:
    """All modules but those that are sent as text: the doctor reads them and never imports them."""
    program = f"""
import importlib, pkgutil, retina_doctor, retina_doctor_checks
for package in (retina_doctor, retina_doctor_checks):
    for found in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        if not found.name.endswith("__main__") and found.name not in {SENT!r}:
            importlib.import_module(found.name)
from retina_doctor.catalogue.registry import installed
assert not installed().failures, installed().failures
"""
    there = loaded(program, tmp_path)
    assert {"msgspec", "jinja2", "retina_doctor_checks"} <= there
    assert not there & set(FOREIGN)


@pytest.mark.parametrize(
    ("flags", "shown"),
    [
        (["--help"], set()),
        (["--version"], set()),
        # The flags of this command stand with the settings; the checks that read them are not needed for that.
        (["check", "--help"], {"msgspec", "retina_doctor_checks.settings"}),
    ],
)
def test_help_loads_nothing_that_it_does_not_show(tmp_path: Path, flags: list[str], shown: set[str]) -> None:
    program = f"""
import sys
sys.argv = ["retina-doctor", *{flags!r}]
from retina_doctor.main import main
try:
    main()
except SystemExit as ended:
    assert not ended.code
"""
    there = loaded(program, tmp_path)
    assert "typer" in there
    assert shown <= there
    settings = {"msgspec", "retina_doctor_checks.settings"}
    never = {
        *FOREIGN,
        "jinja2",
        "psutil",
        "pynvml",
        "pydantic",
        "retina_doctor_checks.pack",
        "retina_doctor.catalogue.registry",
    }
    assert not there & ((never | settings) - shown)


# 8. What is sent to old Pythons


TOO_NEW_MODULES = {"tomllib", "zoneinfo", "graphlib", "annotationlib", "compression"}
TOO_NEW_NAMES = {
    "removeprefix", "removesuffix", "is_relative_to", "hardlink_to", "bit_count", "pairwise", "batched", "file_digest",
    "lcm", "randbytes", "get_annotations", "add_note", "ExceptionGroup", "BaseExceptionGroup", "StrEnum", "UTC",
    "waitstatus_to_exitcode", "aclosing", "packages_distributions", "stdlib_module_names", "orig_argv",
}  # fmt: skip
every_sent = pytest.mark.parametrize("module", SENT)


def imported_at_the_top(module: str) -> set[str]:
    """Full names of the modules that *module* imports as soon as it is imported itself."""
    names: set[str] = set()
    for statement in ast.parse(source_of(module)).body:
        if isinstance(statement, ast.Import):
            names |= {alias.name for alias in statement.names}
        elif isinstance(statement, ast.ImportFrom):
            names |= {f"{statement.module}.{alias.name}" for alias in statement.names} | {statement.module or ""}
    return names


BROUGHT_BY_A_FUNCTION = (
    set(SENT)
    - {p.module for p in CATALOGUE.probes.values()}
    - {name for module in SENT for name in imported_at_the_top(module)}
)
"""Sent modules that are first imported while a probe looks: what fails in them is that probe's fact."""


@every_sent
def test_probes_are_of_python_3_8(module: str) -> None:
    text = source_of(module)
    tree = ast.parse(text, feature_version=(3, 8))
    later = any(isinstance(n, ast.ImportFrom) and n.module == "__future__" for n in tree.body)
    for node in ast.walk(tree):
        assert not isinstance(node, ast.Match | ast.TryStar)
        if isinstance(node, ast.Attribute):
            assert node.attr not in TOO_NEW_NAMES, f"line {node.lineno}: {node.attr}"
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "zip":
            assert not node.keywords, f"line {node.lineno}: zip(strict=...)"
        if isinstance(node, ast.With):
            assert not text.splitlines()[node.lineno - 1].strip().startswith("with ("), f"line {node.lineno}"
        annotation = getattr(node, "annotation", None) or getattr(node, "returns", None)
        if isinstance(annotation, ast.AST) and not later:
            new = [n for n in ast.walk(annotation) if isinstance(n, ast.BitOr)]
            assert not new, f"annotation X | Y, which Python 3.8 evaluates: {ast.unparse(annotation)}"


@every_sent
def test_probes_import_the_standard_library_and_inside_functions_what_they_look_at(module: str) -> None:
    owners = [sent for sent in SENT_FOR.values() if module in sent]
    sent_along = frozenset[str]().union(*owners)
    tree = ast.parse(source_of(module))
    top = {
        id(node)
        for statement in tree.body
        if not isinstance(statement, ast.FunctionDef | ast.ClassDef)
        for node in ast.walk(statement)
    }
    tried = [node for node in ast.walk(tree) if isinstance(node, ast.Try) and "ImportError" in ast.dump(node)]
    guarded = {id(node) for one in tried for statement in one.body for node in ast.walk(statement)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imported = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: a sent module has no package to be relative to"
            base = node.module or ""
            imported = [f"{base}.{a.name}" if f"{base}.{a.name}" in SENT else base for a in node.names]
        else:
            continue
        for name in imported:
            first = name.split(".")[0]
            if first in ("retina_doctor", "retina_doctor_checks"):
                assert name in sent_along, f"line {node.lineno}: {name} is not sent along"
            elif first not in sys.stdlib_module_names:
                late = id(node) not in top or module in BROUGHT_BY_A_FUNCTION
                assert late, f"line {node.lineno}: {name} at the top, where its failure is no fact"
            assert first not in TOO_NEW_MODULES or id(node) in guarded, f"line {node.lineno}: {name}"


COMPILE_ALL = """
import json, sys
wrong = {}
for module, text in json.load(sys.stdin).items():
    try:
        compile(text, module, "exec")
    except SyntaxError as error:
        wrong[module] = str(error)
json.dump(wrong, sys.stdout)
"""


@functools.cache
def wrong_for_the_oldest_python() -> dict[str, str]:
    """All sent modules compiled by one process."""
    from tests.test_probing import PYTHONS

    oldest = min(version for version in PYTHONS if version >= (3, 8))
    texts = json.dumps({module: source_of(module) for module in SENT})
    command = [PYTHONS[oldest], "-c", COMPILE_ALL]
    done = subprocess.run(command, input=texts, capture_output=True, text=True, check=True)
    wrong: dict[str, str] = json.loads(done.stdout)
    return wrong


@every_sent
def test_probes_compile_for_the_oldest_python_at_hand(module: str) -> None:
    """With a real Python 3.8 where this machine has one; else with what is at hand. The law itself is tested above."""
    assert module not in wrong_for_the_oldest_python()


# 9. Where machines come from


@every_machine
def test_every_machine_says_where_it_comes_from(name: str) -> None:
    told = machine(name)
    assert told.origin in ("recorded", "derived", "written")
    assert len(told.source.strip()) > 20
    assert (told.origin == "derived") == (FOLDER / name / "patch.json").is_file()
    assert told.exit_code in (0, 1, 3)
    assert set(told.roots) <= set(told.findings)


# README


def test_readme_says_what_the_program_says() -> None:
    """If this fails: python tools/update_readme.py"""
    from tools.update_readme import parts, updated

    for file, told in parts().items():
        assert updated(file, told) == file.read_text(encoding="utf-8")
