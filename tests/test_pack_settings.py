"""Tables of settings: what may be declared, and a third-party pack that brings a table and flags of its own."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Annotated, Any

import pytest

from retina_doctor import testing
from retina_doctor.catalogue.registry import installed
from retina_doctor.codec import Meta
from retina_doctor.settings import ProcessSettings, Setting, Settings, Table
from retina_doctor.settings.declared import DeclarationError, declarations, declared
from retina_doctor.support_file import load, save
from tests.machines import raw
from tests.odd_probes import runs
from tests.test_bad_input import refused

SETTINGS = """
from typing import Annotated, Literal
from retina_doctor.codec import Meta
from retina_doctor.settings import Setting, Table

class DiskSettings(Table, frozen=True, kw_only=True):
    TABLE = "disk_space"
    least: Annotated[
        Annotated[float, Meta(ge=0, description="is not a number of GiB")],
        Setting("Space that must be left.", "至少要留出的空间。", "--disk-least", "GIB"),
    ] = 1.0
    kind: Annotated[Literal["ssd", "any"], Setting("Kind of disk.", "磁盘种类。", "--disk-kind")] = "any"

tables = (DiskSettings,)
"""
CHECKS = """
from pathlib import Path
from retina_doctor.authoring import Answer, Domain, Pack, check
from retina_doctor.model import Problem, Severity
from disk_pack.settings import DiskSettings

@check("DK001", "disk-full", Severity.ERROR)
def disk_full(disk: DiskSettings) -> Answer:
    return Problem(subject="disk", evidence={"least": disk.least, "kind": disk.kind})

pack = Pack(name="disk", domains=(Domain(name="disk", checks=(disk_full,), pages=Path(__file__).parent),))
"""


def with_disk_pack(folder: Path, *, settings: str = SETTINGS, checks: str = CHECKS) -> dict[str, str]:
    """Variables under which the pack is installed, a distribution of its own in *folder*."""
    info, package = folder / "site" / "disk_pack-1.dist-info", folder / "site" / "disk_pack"
    info.mkdir(parents=True)
    package.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: disk-pack\nVersion: 1\n")
    (info / "entry_points.txt").write_text(
        "[retina_doctor.checks]\ndisk = disk_pack.checks:pack\n[retina_doctor.settings]\ndisk = disk_pack.settings:tables\n"
    )
    for name, text in {"__init__": "", "settings": settings, "checks": checks}.items():
        (package / f"{name}.py").write_text(text)
    for language, title in (("en", "Full"), ("zh", "磁盘已满")):
        page = f"# {title}\n\n{title} {{{{ least }}}} {{{{ kind }}}}\n\n## Fix\n\n{title}\n\n## Why\n\n{title}\n"
        (package / f"disk-full.{language}.md").write_text(page)
    return {"PYTHONPATH": str(folder / "site")}


def evidence(folder: Path, more: dict[str, str], *words: str) -> dict[str, Any]:
    done = runs.run("--only", "DK001", *words, "--format", "json", cwd=folder, more=more)
    assert done.returncode == 1, done
    [finding] = json.loads(done.stdout)["findings"]
    found: dict[str, Any] = finding["evidence"]
    return found


def test_a_pack_brings_a_table_and_flags(tmp_path: Path) -> None:
    more = with_disk_pack(tmp_path)
    assert evidence(tmp_path, more) == {"least": 1.0, "kind": "any"}
    file = tmp_path / "retina-doctor.toml"
    file.write_text("[disk_space]\nleast = 2\nkind = 'ssd'\n")
    assert evidence(tmp_path, more) == {"least": 2.0, "kind": "ssd"}
    variables = {**more, "RETINA_DOCTOR_DISK_SPACE_LEAST": "3"}
    assert evidence(tmp_path, variables) == {"least": 3.0, "kind": "ssd"}
    assert evidence(tmp_path, variables, "--disk-least", "4") == {"least": 4.0, "kind": "ssd"}


def test_what_a_pack_is_told_is_refused_as_all_else(tmp_path: Path) -> None:
    more = with_disk_pack(tmp_path)
    assert "--disk-least: -1.0 is not a number of GiB" in refused(
        runs.run("--disk-least", "-1", cwd=tmp_path, more=more)
    )
    line = refused(runs.run("--disk-kind", "tape", cwd=tmp_path, more=more))
    assert "--disk-kind: " in line and "known are ssd, any" in line
    (tmp_path / "retina-doctor.toml").write_text("\n[disk_space]\nleats = 2\n")
    line = refused(runs.run(cwd=tmp_path, more=more))
    assert "retina-doctor.toml:3: disk_space.leats: no such key in [disk_space]; did you mean least?" in line


def test_facts_in_memory_are_judged_with_a_table_of_the_pack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(with_disk_pack(tmp_path)["PYTHONPATH"])
    pack = importlib.import_module("disk_pack.checks").pack
    kind = importlib.import_module("disk_pack.settings").DiskSettings
    [finding] = testing.judge(pack, settings=Settings(kind(least=4.0))).findings
    assert finding.evidence == {"least": 4.0, "kind": "any"}
    for law in testing.pack_laws(pack):
        law()


@pytest.mark.parametrize(("language", "words"), [("en", "Space that must be left."), ("zh", "至少要留出的空间。")])
def test_the_help_shows_the_flags_of_packs(tmp_path: Path, language: str, words: str) -> None:
    more = with_disk_pack(tmp_path) | {"RETINA_DOCTOR_LANG": language}
    for command in ("check", "collect"):
        told = runs.run(command, "--help", cwd=tmp_path, more=more).stdout
        assert "--disk-least GIB" in told and words in told, told
    assert "--disk-least" not in runs.run("plan", "--help", cwd=tmp_path, more=more).stdout


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("check --disk-", {"--disk-least", "--disk-kind"}),
        ("check --disk-kind s", {"ssd"}),
        ("--disk-l", {"--disk-least"}),
        ("--device c", {"cpu"}),
        ("diag", {"diagnose"}),
        ("plan --w", {"--workers"}),
    ],
)
def test_a_shell_completes_commands_flags_and_choices(tmp_path: Path, words: str, expected: set[str]) -> None:
    more = with_disk_pack(tmp_path) | {"_RETINA_DOCTOR_COMPLETE": "complete_bash"}
    asked = {"COMP_WORDS": f"retina-doctor {words}", "COMP_CWORD": str(len(words.split()))}
    done = runs.run(cwd=tmp_path, more={**more, **asked})
    assert set(done.stdout.split()) == expected, done.stderr


def test_a_shell_is_given_the_lines_that_make_it_ask(tmp_path: Path) -> None:
    done = runs.run(cwd=tmp_path, more={"_RETINA_DOCTOR_COMPLETE": "source_bash"})
    assert "_RETINA_DOCTOR_COMPLETE=complete_bash" in done.stdout, done


def test_flags_outlive_the_checks_of_their_pack(tmp_path: Path) -> None:
    more = with_disk_pack(tmp_path, checks="raise OSError('no disk')\n")
    done = runs.run("--only", "RD001", "--disk-least", "4", "--format", "json", cwd=tmp_path, more=more)
    assert [f["code"] for f in json.loads(done.stdout)["findings"]] == ["RD001"], done.stderr


@pytest.mark.parametrize("fault", ["raise OSError('no disk')", "raise SystemExit('no disk')"])
def test_settings_of_a_pack_that_does_not_load_are_no_wrong_usage(fault: str, tmp_path: Path) -> None:
    more = with_disk_pack(tmp_path, settings=f"{fault}\n")
    (tmp_path / "retina-doctor.toml").write_text("[disk_space]\nleast = 2\n")
    done = runs.run("--only", "RD001", "--format", "json", cwd=tmp_path, more=more)
    told = json.loads(done.stdout)
    assert {f["code"] for f in told["findings"]} == {"RD001"}, done.stderr
    assert "no disk" in done.stdout


def test_settings_of_a_pack_that_is_not_installed_are_kept(tmp_path: Path) -> None:
    data = raw("t4-healthy")
    data["settings"]["disk_space"] = {"least": 2.5, "kind": "ssd"}
    snapshot = load(json.dumps(data))
    assert json.loads(save(snapshot))["settings"]["disk_space"] == {"least": 2.5, "kind": "ssd"}
    (tmp_path / "snapshot.json").write_text(save(snapshot))
    assert runs.run("diagnose", "snapshot.json", cwd=tmp_path).returncode == 0
    (tmp_path / "snapshot.json").write_text(json.dumps(data | {"settings": {"disk_space": {"least": -1}}}))
    line = refused(runs.run("diagnose", "snapshot.json", cwd=tmp_path, more=with_disk_pack(tmp_path)))
    assert "snapshot.json: is a damaged snapshot: settings.disk_space: Expected `float` >= 0.0 - at `$.least`" in line


class Plain(Table, frozen=True, kw_only=True):
    TABLE = "plain"
    size: int = 1


class Nameless(Table, frozen=True, kw_only=True):
    size: int = 1


class NoDefault(Table, frozen=True, kw_only=True):
    TABLE = "plain"
    size: int


class Otherwise(Table, frozen=True, kw_only=True):
    TABLE = "plain"
    size: str = "x"


class Flagged(Table, frozen=True, kw_only=True):
    TABLE = "flagged"
    size: Annotated[int, Setting(flag="--target")] = 1


class More(ProcessSettings, frozen=True, kw_only=True):
    user: Annotated[str | None, Meta(description="who runs it")] = None


@pytest.mark.parametrize(
    ("kinds", "words"),
    [
        ((Nameless,), "is no Table with a name"),
        ((int,), "is no Table with a name"),
        ((NoDefault,), r"\[plain\] NoDefault: each key needs a default"),
        ((Plain, Otherwise), r"\[plain\] size is declared twice, last by Otherwise"),
        ((Flagged,), "two settings have the flag --target"),
    ],
)
def test_what_may_not_be_declared(kinds: tuple[Any, ...], words: str) -> None:
    with pytest.raises(DeclarationError, match=words):
        declared(*kinds)


def test_a_table_of_the_engine_may_be_derived_from() -> None:
    known = declared(More)
    assert list(known.tables["service"]) == ["pid", "attach", "user"]
    settings = known.settings({"service": {"pid": 7, "user": "face"}})
    assert (settings.process.pid, settings.of(More).user) == (7, "face")


def test_every_table_that_a_check_asks_for_is_declared() -> None:
    asked = {n.facts for e in installed().entries for n in e.needs if issubclass(n.facts, Table)}
    assert asked and asked <= set(declarations().kinds)


def test_what_a_process_implies_overrides_nothing() -> None:
    said = Settings(plain={"model": {"path": "mine.onnx", "root": None}})
    implied = said.implied({"model": {"path": "its.onnx", "root": "/its"}, "service": {"workers": 4}})
    assert implied.to_plain() == {"model": {"path": "mine.onnx", "root": "/its"}, "service": {"workers": 4}}
    assert said.to_plain() == {"model": {"path": "mine.onnx", "root": None}}
