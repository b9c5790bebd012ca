"""Looking into other interpreters: whatever happens there, a reading comes back and no process stays behind."""

from __future__ import annotations

import ast
import json
import os
import shutil
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from retina_doctor.authoring import Side
from retina_doctor.codec import replace
from retina_doctor.errors import UsageError
from retina_doctor.model import Outcome, Recorded, Target
from retina_doctor.probing.asking import Looking
from retina_doctor.probing.collect import collect
from retina_doctor.probing.process import MOST_FACTS
from retina_doctor.probing.reaper import RUN_VARIABLE
from retina_doctor.probing.request import LookRequest, Request
from retina_doctor.settings import GateSettings, Settings, TargetSettings
from retina_doctor.standpoint.target import surroundings
from tests.odd_probes import runs
from tests.odd_probes.pack import LOCAL, odd_probe
from tests.odd_probes.runs import processes_with, wait_until
from tests.standins import needs_root

LONG = 600.0  # seconds: a deadline that no well-behaved probe reaches


@pytest.fixture(autouse=True)
def mark(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Every process that a test starts bears this mark; none may be alive when the test is over."""
    value = uuid.uuid4().hex
    monkeypatch.setenv("ODD_MARK", value)
    yield value
    left = processes_with(f"ODD_MARK={value}")
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    assert not left


def looking(*command: str, workdir: Path | None = None, timeout: float = LONG, target: Target | None = None) -> Looking:
    command = command or (sys.executable,)
    settings = Settings(
        TargetSettings(command=command, workdir=str(workdir) if workdir else None),
        GateSettings(timeout=timeout),
    )
    target = target or Target(command=command, chosen="flag")
    return Looking(settings, target, surroundings(settings, target, os.environ))


def odd(does: str, *command: str, **more: Any) -> Recorded:
    """The reading of a probe that *does* that in the target."""
    _, readings = collect(looking(*command, **more), [odd_probe(does)])
    assert readings["interpreter"].outcome is Outcome.OK, readings["interpreter"]
    return readings["odd"]


def sharing(*does: str, timeout: float = LONG, group: str | None = None) -> dict[str, Recorded]:
    """Readings of probes that share one process of the target, by what they do: light ones, or heavy ones of that group."""
    probes = [odd_probe(one, name=one, share=not group, heavy=bool(group), group=group) for one in does]
    return collect(looking(timeout=timeout), probes)[1]


# How a looking ends


def test_what_a_probe_tells_is_kept() -> None:
    reading = odd("behave")
    assert reading.outcome is Outcome.OK
    assert reading.facts == {"first": "told before", "last": "told after"}
    assert reading.stderr_tail == ()


def test_a_raising_probe_has_failed_and_says_with_what() -> None:
    reading = odd("raise_error")
    assert reading.outcome is Outcome.FAILED
    assert reading.detail == "ValueError: a plain error"
    assert reading.facts == {"first": "told before"}
    assert reading.stage == "doing raise_error"
    assert any("Traceback" in line for line in reading.stderr_tail)


@pytest.mark.parametrize("does", ["leave", "tell_what_is_no_json"])
def test_other_ways_to_raise(does: str) -> None:
    reading = odd(does)
    assert reading.outcome is Outcome.FAILED
    assert reading.facts == {"first": "told before"}


@pytest.mark.parametrize(
    ("does", "detail"),
    [("abort", "killed by SIGABRT"), ("segfault", "killed by SIGSEGV"), ("stop_at_once", "exit status 0")],
)
def test_a_dying_probe_has_crashed_and_its_facts_are_kept(does: str, detail: str) -> None:
    reading = odd(does)
    assert reading.outcome is Outcome.CRASHED
    assert reading.detail == detail
    assert reading.facts == {"first": "told before"}
    assert reading.stage == f"doing {does}"


def test_last_words_of_a_crash_are_kept() -> None:
    assert "terminate called after throwing an instance of 'std::bad_alloc'" in odd("abort").stderr_tail


@pytest.mark.parametrize("does", ["hang", "hang_deaf"])
def test_a_hanging_probe_is_ended_at_its_deadline(does: str) -> None:
    _, readings = collect(looking(timeout=3), [odd_probe(does), odd_probe("behave", name="other")])
    reading = readings["odd"]
    assert reading.outcome is Outcome.TIMED_OUT
    assert reading.detail == "no answer in 3 s"
    assert reading.facts == {"first": "told before"}
    assert reading.stage == f"doing {does}"
    assert 3 <= reading.seconds < 600
    assert readings["other"].outcome is Outcome.OK


def test_garbage_on_both_streams_does_not_reach_the_facts() -> None:
    reading = odd("shout")
    assert reading.outcome is Outcome.OK
    assert reading.facts == {"first": "told before", "last": "told after"}


def test_the_tail_of_garbage_is_short_and_ends_with_the_last_words() -> None:
    reading = odd("shout_then_abort")
    assert reading.outcome is Outcome.CRASHED
    assert reading.stderr_tail[-1] == "the last words \N{REPLACEMENT CHARACTER}"
    assert len(reading.stderr_tail) <= 20
    assert sum(map(len, reading.stderr_tail)) <= 8192


def test_a_probe_that_tells_too_much_is_stopped() -> None:
    reading = odd("flood")
    assert reading.outcome is Outcome.FAILED
    assert str(MOST_FACTS) in (reading.detail or "")


def test_a_long_fact_comes_whole() -> None:
    assert len(odd("tell_much").facts["big"]) == 8 * 1024 * 1024


def test_values_that_json_cannot_hold_do_not_break_the_snapshot() -> None:
    from retina_doctor.model import Snapshot
    from retina_doctor.support_file import load, save

    reading = odd("tell_odd_values")
    assert reading.outcome is Outcome.OK
    assert reading.facts["name"] == "det_\\udcff.onnx"
    assert reading.facts["ratio"] is None
    target = Target(command=("python3",), chosen="path")
    snapshot = Snapshot(created="", doctor="", settings=Settings(), target=target, readings={"odd": reading})
    assert load(save(snapshot)) == snapshot


# Sharing a process


def test_probes_that_share_are_run_in_one_process_and_others_in_their_own() -> None:
    probes = [odd_probe("tell_path", name=f"odd-{n}", share=n < 2) for n in range(4)]
    _, readings = collect(looking(), probes)
    one, two, three, four = (readings[probe.name].facts["pid"] for probe in probes)
    assert one == two
    assert len({two, three, four}) == 3


def test_heavy_probes_of_one_group_are_run_in_one_process_in_their_order() -> None:
    groups = ("numbers", None, "pictures", "numbers", "pictures")
    probes = [odd_probe("tell_path", name=f"odd-{n}", heavy=True, group=group) for n, group in enumerate(groups)]
    light = odd_probe("tell_path", name="light", share=True)
    _, readings = collect(looking(), [*probes, light])
    one, two, three, four, five, six = (readings[probe.name].facts["pid"] for probe in [*probes, light])
    assert (one, three) == (four, five)
    assert len({one, two, three, six}) == 4


def test_a_raising_probe_leaves_the_process_to_those_after_it() -> None:
    readings = sharing("tell_path", "raise_error", "leave", "behave")
    assert readings["raise_error"].outcome is Outcome.FAILED
    assert readings["raise_error"].detail == "ValueError: a plain error"
    assert readings["raise_error"].facts == {"first": "told before"}
    assert readings["leave"].outcome is Outcome.FAILED
    assert readings["behave"].outcome is Outcome.OK


@pytest.mark.parametrize(
    ("does", "outcome", "seconds"),
    [("abort", Outcome.CRASHED, LONG), ("stop_at_once", Outcome.CRASHED, LONG), ("hang", Outcome.TIMED_OUT, 2)],
)
@pytest.mark.parametrize("group", [None, "numbers"])
def test_what_dies_or_hangs_in_a_shared_process_costs_no_other_its_reading(
    does: str, outcome: Outcome, seconds: float, group: str | None
) -> None:
    readings = sharing("tell_path", does, "behave", "tell_much", timeout=seconds, group=group)
    assert {name: reading.outcome for name, reading in readings.items()} == {
        "interpreter": Outcome.OK,
        "tell_path": Outcome.OK,
        does: outcome,
        "behave": Outcome.OK,
        "tell_much": Outcome.OK,
    }
    assert readings[does].facts == {"first": "told before"}
    assert readings[does].stage == f"doing {does}"


def test_those_that_wait_in_a_shared_process_go_on_in_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first ends only when the last has begun; each has its reading, and what came between is looked at once."""
    monkeypatch.setenv("ODD_FILE", str(tmp_path / "go on"))
    readings = sharing("wait_for_another", "tell_path", "end_the_waiting", timeout=30)
    assert {reading.outcome for reading in readings.values()} == {Outcome.OK}


# How long a looking may take


@pytest.mark.parametrize(
    ("gate", "short", "long"),
    [({}, 10, 60), ({"quick": True}, 2.4, 60), ({"timeout": 4.0}, 4, 4), ({"timeout": 2.0, "quick": True}, 2, 2),
     ({"timeout": 120.0}, 20, 120), ({"timeout": 120.0, "quick": True}, 4.8, 120)],
)  # fmt: skip
def test_the_time_of_a_looking_goes_by_its_kind(gate: dict[str, Any], short: float, long: float) -> None:
    settings = Settings(GateSettings(**gate))
    assert odd_probe("behave").seconds(settings) == short
    assert odd_probe("behave", long=True).seconds(settings) == long
    assert odd_probe("behave", heavy=True).seconds(settings) == long
    assert odd_probe("behave", heavy=True, long=False).seconds(settings) == short


def test_what_would_hang_with_another_is_ended_with_it() -> None:
    """Its own time would be six times as long; what does not hang with it goes on."""
    probes = [
        odd_probe("hang", name="driver", heavy=True, long=False),
        odd_probe("hang", name="framework", heavy=True, hangs_with=("driver",)),
        odd_probe("behave", name="quick framework", heavy=True, hangs_with=("driver",)),
    ]
    _, readings = collect(looking(timeout=60), probes)
    assert readings["driver"].outcome is Outcome.TIMED_OUT
    assert readings["framework"].outcome is Outcome.TIMED_OUT
    assert readings["framework"].facts == {"first": "told before"}
    assert (readings["framework"].detail or "").endswith("nor from driver")
    assert readings["quick framework"].outcome is Outcome.OK


# What a looking used


@pytest.mark.parametrize("does", ["work_hard", "work_hard_and_abort"])
def test_what_a_looking_used_is_recorded_however_it_ends(does: str) -> None:
    reading = odd(does)
    assert reading.cpu_seconds is not None
    assert 0.6 < reading.cpu_seconds < 60
    assert reading.peak_memory is not None
    assert 300 < reading.peak_memory / 1024**2 < 3000


def test_what_one_in_a_shared_process_used_is_not_put_down_to_another() -> None:
    readings = sharing("behave", "work_hard", "tell_path", "abort")
    cpu = {name: reading.cpu_seconds for name, reading in readings.items()}
    assert all(used is not None for used in cpu.values()), cpu
    assert max(cpu, key=lambda name: cpu[name] or 0.0) == "work_hard"
    assert sum(used or 0.0 for name, used in cpu.items() if name != "work_hard") < (cpu["work_hard"] or 0.0)
    first = readings["behave"].peak_memory
    assert first is not None
    assert first / 1024**2 < 300


def test_nonsense_about_what_was_used_is_not_recorded() -> None:
    reading = odd("lie_about_use")
    assert reading.outcome is Outcome.OK
    assert (reading.cpu_seconds, reading.peak_memory) == (None, None)


# What is left behind: the fixture `mark` looks for it after each test


@pytest.mark.parametrize("does", ["leave_a_child", "leave_a_daemon", "leave_a_daemon_without_environment"])
def test_what_a_probe_leaves_running_is_ended(does: str) -> None:
    assert odd(does).outcome is Outcome.OK


def test_a_daemon_that_holds_our_pipes_and_shouts_does_not_hold_us() -> None:
    assert odd("leave_a_daemon_that_shouts").outcome is Outcome.OK


def test_children_of_a_hanging_probe_are_ended() -> None:
    assert odd("daemon_then_hang", timeout=3).outcome is Outcome.TIMED_OUT


def test_processes_of_the_caller_are_left_alone() -> None:
    with subprocess.Popen(["sleep", "600"]) as mine:
        try:
            odd("leave_a_daemon_without_environment")
            assert mine.poll() is None
        finally:
            mine.kill()


# The interpreter and its path


def write_program(path: Path, text: str) -> Path:
    path.write_text(text)
    path.chmod(0o755)
    return path


def test_a_command_of_several_words() -> None:
    reading = odd("tell_path", "env", "ODD_VARIABLE=a b", sys.executable)
    assert reading.facts["variable"] == "a b"
    assert reading.facts["executable"] == sys.executable


def test_a_wrapper_script_is_a_python(tmp_path: Path) -> None:
    wrapper = write_program(tmp_path / "python", f'#!/bin/sh\necho starting up\nexec {sys.executable} "$@"\n')
    assert odd("tell_path", str(wrapper)).facts["executable"] == sys.executable


def plant(folder: Path) -> None:
    """Neighbours that would break, or be taken for, what they are called."""
    for name in ("json", "torch", "onnxruntime", "neighbour", "types", "signal", "sitecustomize", "usercustomize"):
        (folder / f"{name}.py").write_text("import sys\nsys.PLANTED = True\nloads = dumps = None\n")


@pytest.mark.parametrize("path", [None, "", ".", os.pathsep + "/nowhere"])
def test_neighbours_in_the_working_directory_are_not_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str | None
) -> None:
    """'' and the working directory are off sys.path, also where PYTHONPATH has an empty or a relative entry."""
    clean = tmp_path / "clean"
    clean.mkdir()
    plant(tmp_path)
    (tmp_path / "sitecustomize.py").unlink()  # with such a PYTHONPATH, Python itself would run these two
    (tmp_path / "usercustomize.py").unlink()
    monkeypatch.chdir(tmp_path)
    if path is not None:
        monkeypatch.setenv("PYTHONPATH", path)
    where = odd("tell_path")
    assert where.outcome is Outcome.OK, where
    assert not where.facts["site"]
    assert Path(where.facts["json"]).parent.name == "json"
    assert not [p for p in where.facts["path"] if p in ("", ".") or Path(p) == tmp_path]
    found = odd("import_neighbours").facts["found"]
    assert found["neighbour"] is None
    assert all(file is None or not file.startswith(str(tmp_path)) for file in found.values())


STANDARD = (
    "_json", "_struct", "array", "base64", "binascii", "json", "math", "select", "selectors", "struct", "subprocess", "tempfile",
    "zlib",
)  # fmt: skip


def leave_traces(folder: Path) -> Path:
    """Neighbours called as modules of the standard library, compiled ones among them; the file that is there once one was run."""
    trace = folder / "ran.txt"
    for name in STANDARD:
        (folder / f"{name}.py").write_text(f"open({str(trace)!r}, 'a').write({name!r})\n")
    return trace


def test_neighbours_called_as_compiled_modules_are_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trace = leave_traces(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert odd("tell_path").outcome is Outcome.OK
    assert not trace.exists(), trace.read_text()


def test_customization_modules_of_the_working_directory_are_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert not odd("tell_path").facts["site"]


def test_own_side_is_isolated_from_neighbours_and_python_variables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    _, readings = collect(looking(), [odd_probe("tell_path", side=Side.OWN)])
    assert readings["odd"].outcome is Outcome.OK, readings["odd"]
    assert not readings["odd"].facts["site"]
    assert str(tmp_path) not in readings["odd"].facts["path"]


def test_absolute_entries_of_pythonpath_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are the service's, too; even the working directory, where it is named outright."""
    library = tmp_path / "library"
    library.mkdir()
    (library / "neighbour.py").touch()
    monkeypatch.setenv("PYTHONPATH", str(library))
    assert odd("import_neighbours").facts["found"]["neighbour"] == str(library / "neighbour.py")
    monkeypatch.chdir(library)
    assert odd("import_neighbours").facts["found"]["neighbour"] == str(library / "neighbour.py")


@pytest.mark.parametrize("name", ["{child}", "{request}", "{keep}"])
def test_workdir_may_be_called_as_a_place_in_the_program_is(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    assert odd("tell_path", workdir=tmp_path / name).facts["here"] == str(tmp_path / name)


def test_workdir_is_entered(tmp_path: Path) -> None:
    assert odd("tell_path", workdir=tmp_path).facts["here"] == str(tmp_path)


def test_a_missing_workdir_is_a_fact_and_no_failure(tmp_path: Path) -> None:
    _, readings = collect(looking(workdir=tmp_path / "gone"), [odd_probe("tell_path")])
    assert readings["odd"].outcome is Outcome.OK
    error = readings["interpreter"].facts["working_directory_error"]
    assert str(tmp_path / "gone") in error
    assert "No such file" in error


def test_a_target_whose_sitecustomize_prints_garbage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import os, sys\n"
        'for _ in range(64): os.write(1, b"\\xff\\x00{" * 8192); os.write(2, b"\\xfe\\n" * 8192)\n'
        'print("loading plugins ...", end="")\n'
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    reading = odd("behave")
    assert reading.outcome is Outcome.OK
    assert reading.facts == {"first": "told before", "last": "told after"}


# A target elsewhere


@pytest.mark.parametrize("words", [("unshare", "-m"), ("unshare", "-p", "-f"), ("unshare", "-n")])
def test_in_another_namespace_own_probes_are_run_again_in_the_target(words: tuple[str, ...]) -> None:
    """Told apart by sys.path: on the doctor's own side it is the doctor's, in the target the target's own."""
    needs_root()
    base = os.path.realpath(sys.executable)
    target, readings = collect(looking(*words, base), [odd_probe("tell_path", side=Side.OWN)])
    assert target.local is False
    assert readings["odd"].facts["executable"] == base
    assert not [p for p in readings["odd"].facts["path"] if p.startswith(sys.prefix + os.sep)]


def test_in_the_same_namespace_own_probes_stay_on_our_side() -> None:
    base = os.path.realpath(sys.executable)
    target, readings = collect(looking(base), [odd_probe("tell_path", side=Side.OWN)])
    assert target.local is True
    assert readings["odd"].facts["executable"] == sys.executable


def test_a_probe_of_the_callers_disk_stays_on_our_side() -> None:
    needs_root()
    base = os.path.realpath(sys.executable)
    target, readings = collect(looking("unshare", "-n", base), [odd_probe("tell_path", side=Side.CALLER)])
    assert target.local is False
    assert readings["odd"].facts["executable"] == sys.executable


# What is made of what was fetched


def in_two_steps(does: str, side: Side, *command: str, then: str = "", timeout: float = LONG) -> Recorded:
    arguments = {"do": does, "then": then}
    probe = replace(odd_probe(does, side=side), local=LOCAL, arguments=lambda _settings: arguments)
    return collect(looking(*command, timeout=timeout), [probe])[1]["odd"]


@pytest.mark.parametrize("side", list(Side))
def test_facts_are_made_on_our_side_of_what_was_fetched(side: Side) -> None:
    """By a module that needs what the oldest Python at hand lacks; what was fetched is in no snapshot."""
    oldest = str(PYTHONS[min(version for version in PYTHONS if version >= (3, 8))])
    reading = in_two_steps("behave", side, oldest, "-S", "-E")
    assert reading.outcome is Outcome.OK, reading
    made = {"first": "TOLD BEFORE", "last": "TOLD AFTER", "made": "msgspec"}
    assert reading.facts == {**made, "pid": reading.facts["pid"]}


@pytest.mark.parametrize(("does", "outcome"), [("raise_error", Outcome.FAILED), ("abort", Outcome.CRASHED)])
def test_what_was_fetched_until_a_death_is_understood_and_the_death_is_told(does: str, outcome: Outcome) -> None:
    reading = in_two_steps(does, Side.TARGET)
    assert (reading.outcome, reading.facts["first"], reading.facts["last"]) == (outcome, "TOLD BEFORE", "NEVER TOLD")


@pytest.mark.parametrize("side", list(Side))
def test_a_second_step_that_hangs_is_ended_and_what_it_told_is_kept(side: Side) -> None:
    reading = in_two_steps("behave", side, then="hang", timeout=4)
    assert reading.outcome is Outcome.TIMED_OUT
    assert reading.facts["first"] == "TOLD BEFORE"
    assert "last" not in reading.facts
    assert not Path(f"/proc/{reading.facts['pid']}").exists()


def test_a_second_step_begins_while_others_are_still_looking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ODD_FILE", str(tmp_path / "made"))
    arguments = {"do": "behave", "then": str(tmp_path / "made")}
    fetches = replace(odd_probe("behave"), local=LOCAL, arguments=lambda _settings: arguments)
    _, readings = collect(looking(), [odd_probe("wait_for_a_file", name="slow"), fetches])
    assert (readings["slow"].facts["first"], readings["odd"].facts["first"]) == ("True", "TOLD BEFORE")


def test_the_second_step_is_never_sent() -> None:
    probe = replace(odd_probe("behave"), local=LOCAL)
    assert probe.sent(Side.TARGET) == ("tests.odd_probes.odd",)


# Targets that are no good


@pytest.mark.parametrize(
    "script",
    ["echo 'Fatal Python error: init_fs_encoding' >&2\nkill -ABRT $$", "exec {python} -c 'import os; os.abort()'"],
)
def test_a_python_that_dies_at_its_start_is_a_finding_and_own_probes_are_judged(tmp_path: Path, script: str) -> None:
    wrapper = write_program(tmp_path / "python3", "#!/bin/sh\n" + script.format(python=sys.executable) + "\n")
    _, readings = collect(looking(str(wrapper)), [odd_probe("behave"), odd_probe("behave", side=Side.OWN, name="own")])
    assert readings["interpreter"].outcome is Outcome.CRASHED
    assert readings["odd"].outcome is Outcome.NOT_RUN
    assert readings["own"].outcome is Outcome.OK


def test_a_broken_target_is_rd002_in_the_report(tmp_path: Path) -> None:
    wrapper = write_program(tmp_path / "python3", "#!/bin/sh\necho 'Fatal Python error' >&2\nkill -ABRT $$\n")
    done = runs.run("--target", str(wrapper), "--format", "json", cwd=tmp_path)
    report = json.loads(done.stdout)
    assert done.returncode == 1
    finding = next(f for f in report["findings"] if f["code"] == "RD002")
    assert finding["evidence"]["detail"] == "killed by SIGABRT"
    assert "Fatal Python error" in finding["evidence"]["stderr"]
    assert {c["verdict"] for c in report["checks"] if c["name"] == "model-missing"} == {"unknown"}


@pytest.mark.parametrize("command", [["/bin/ls"], ["cat"], ["sh"], ["true"], ["/nowhere/python3"], ["/"], ["perl"]])
def test_what_is_no_python_is_refused(command: list[str]) -> None:
    with pytest.raises(UsageError, match=rf"--target {command[0]}: (is not a Python|cannot be started)"):
        collect(looking(*command), [])


def test_a_script_that_hangs_instead_of_a_python_ends_at_the_deadline() -> None:
    with pytest.raises(UsageError, match="is not a Python: no answer in 2 s"):
        collect(looking("sleep", "600", timeout=2), [])


# Old Pythons


def request() -> Request:
    looks = [LookRequest(probe="odd", run="m", arguments={"a": None}, seconds=1)]
    return Request(command=["python"], modules={"m": "x = '中文 \\ \"'"}, looks=looks)


def test_the_sent_program_is_made_of_what_python_2_can_parse() -> None:
    """It must be parsed before it can say that this Python is too old. Only syntax that Python 2.7 has, in ASCII."""
    program = request().program("token ").decode("ascii")
    allowed = {
        ast.Module, ast.Import, ast.alias, ast.Expr, ast.Assign, ast.Call, ast.Attribute, ast.Subscript, ast.Name,
        ast.Constant, ast.Tuple, ast.List, ast.Dict, ast.Slice, ast.Compare, ast.BoolOp, ast.BinOp, ast.UnaryOp,
        ast.Load, ast.Store, ast.And, ast.Or, ast.Lt, ast.Mod, ast.NotIn, ast.In, ast.Not, ast.FunctionDef, ast.arguments,
        ast.arg, ast.Return, ast.IfExp, ast.Eq,
    }  # fmt: skip
    assert {type(node) for node in ast.walk(ast.parse(program))} <= allowed


def test_the_sent_program_parses_by_the_grammar_of_python_2() -> None:
    """Where this Python still has that grammar (until 3.12); the test above stands everywhere."""
    if sys.version_info >= (3, 13):
        return
    from lib2to3 import pygram, pytree
    from lib2to3.pgen2 import driver

    grammar = driver.Driver(pygram.python_grammar, convert=pytree.convert)
    assert grammar.parse_string(request().program("token ").decode("ascii"))
    with pytest.raises(Exception, match="bad input"):
        grammar.parse_string("def f(a: int) -> None: nonlocal x = 1\n")


def pythons() -> dict[tuple[int, int], str]:
    """Interpreters of this machine, by version: from PATH and from where pyenv and uv keep theirs."""
    home = Path.home()
    homes = [home / ".pyenv/versions", home / ".local/share/uv/python"]
    named = [str(p) for folder in homes if folder.is_dir() for p in folder.glob("*/bin/python")]
    named += [p for minor in ("2.7", *(f"3.{n}" for n in range(4, 20))) if (p := shutil.which(f"python{minor}"))]
    found: dict[tuple[int, int], str] = {}
    for python in named:
        done = subprocess.run([python, "-c", "import sys; print(sys.version_info[:2])"], capture_output=True, text=True)
        if done.returncode == 0:
            found.setdefault(ast.literal_eval(done.stdout), python)
    return found


PYTHONS = {**pythons(), (sys.version_info.major, sys.version_info.minor): sys.executable}


@pytest.mark.parametrize("version", sorted(PYTHONS), ids=str)
def test_every_python_of_this_machine_is_looked_into_or_refused_by_its_version(version: tuple[int, int]) -> None:
    if version < (3, 8):
        with pytest.raises(UsageError, match=rf"Python {version[0]}\.{version[1]} is too old: 3.8 is needed"):
            collect(looking(PYTHONS[version]), [])
        return
    assert odd("behave", PYTHONS[version]).outcome is Outcome.OK


def test_what_says_it_is_too_old_is_refused_in_its_words(tmp_path: Path) -> None:
    """A stand-in that behaves as Python 2 does with our program, for machines that have no such Python."""
    old = write_program(
        tmp_path / "python2",
        "#!/bin/sh\ncat > /dev/null\necho 'retina-doctor: Python 2.7 is too old: 3.8 is needed' >&2\nexit 9\n",
    )
    with pytest.raises(UsageError, match=r"Python 2\.7 is too old: 3\.8 is needed"):
        collect(looking(str(old)), [])


# Interrupted from outside


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_an_interrupted_run_ends_its_children_and_says_so_in_one_line(
    tmp_path: Path, mark: str, number: signal.Signals, code: int
) -> None:
    more = runs.with_odd_pack(tmp_path / "pack", "daemon_then_hang")
    doctor = subprocess.Popen(
        [*runs.WITH_PACKS, "--only", "odd", "--target", sys.executable],
        cwd=tmp_path,
        env=runs.environment(**more, ODD_MARK=mark),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=runs.heed_signals,
    )
    try:
        started = wait_until(lambda: len(processes_with(f"ODD_MARK={mark}")) >= 5)
        doctor.send_signal(number)
        out, err = doctor.communicate(timeout=runs.PATIENCE)
    finally:
        doctor.kill()
    assert started, err
    assert doctor.returncode == code
    assert out == ""
    assert err == "retina-doctor: interrupted\n"


def test_a_run_whose_probe_leaves_daemons_reports_and_leaves_none(tmp_path: Path) -> None:
    more = runs.with_odd_pack(tmp_path / "pack", "daemon_then_hang")
    done = runs.run(
        "--only", "odd", "--target", sys.executable, "--timeout", "3", "--format", "json", cwd=tmp_path, more=more
    )
    report = json.loads(done.stdout)
    assert {p["name"]: p["outcome"] for p in report["probes"]}["odd"] == "timed_out"
    assert done.returncode == 3


def test_a_killed_run_leaves_no_program_that_hangs(tmp_path: Path, mark: str) -> None:
    """After SIGKILL nobody is left to clean up: what was started ends by deadlines of its own."""
    folder = tmp_path / "bin"
    folder.mkdir()
    write_program(folder / "nvidia-smi", "#!/bin/sh\nexec sleep 1000\n")
    command = [*runs.COMMAND, "--only", "driver", "--target", sys.executable, "--timeout", "3"]
    environment = runs.environment(PATH=f"{folder}:{os.environ['PATH']}", ODD_MARK=mark)
    doctor = subprocess.Popen(command, env=environment, cwd=tmp_path, stdout=subprocess.DEVNULL)
    try:
        assert wait_until(lambda: b"sleep" in {program(pid) for pid in processes_with(f"ODD_MARK={mark}")})
    finally:
        doctor.kill()
        doctor.wait()
    assert wait_until(lambda: not processes_with(f"ODD_MARK={mark}"))


def program(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[0]
    except OSError:
        return b""


def test_run_variable_marks_every_process_of_a_run() -> None:
    """What the search for strays rests on."""
    reading = odd("tell_path")
    assert reading.outcome is Outcome.OK
    assert RUN_VARIABLE not in os.environ
