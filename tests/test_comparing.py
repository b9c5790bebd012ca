"""`diff` of two recorded machines, and `diagnose` of several: by the real program."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.doctor import DEV_PYTHON, doctor, environment
from tests.machines import raw


def put(folder: Path, name: str, data: dict[str, Any]) -> Path:
    file = folder / f"{name}.json"
    file.write_text(json.dumps(data), encoding="utf-8")
    return file


def recorded(folder: Path, *names: str) -> list[Path]:
    return [put(folder, name, raw(name)) for name in names]


def diff(before: Path, after: Path, status: int) -> dict[str, Any]:
    done = doctor("diff", before, after, "--format", "json", cwd=before.parent)
    assert done.returncode == status, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    assert told["exit_code"] == status
    return told


def changed(told: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {one["what"]: one for one in told["changes"]}


@pytest.mark.parametrize(
    ("good", "bad", "cause", "what"),
    [
        ("guide-t4-mended", "guide-t4", "ort-both-packages", "ort_files.distributions[onnxruntime]"),
        ("t4-healthy", "driver-too-old", "driver-too-old", "cuda_driver.version"),
        ("t4-healthy", "port-in-use", "port-in-use", "ports.sockets[0.0.0.0].holder.packages"),
    ],
)
def test_what_a_finding_hangs_on_comes_first(tmp_path: Path, good: str, bad: str, cause: str, what: str) -> None:
    one, other = recorded(tmp_path, good, bad)
    told = diff(one, other, 1)
    assert told["appeared"][0] == cause and not told["gone"]
    assert told["changes"][0]["findings"] == [cause]
    assert changed(told)[what]["findings"] == [cause]
    back = diff(other, one, 0)
    assert back["gone"] == told["appeared"] and not back["appeared"]
    assert back["changes"][0]["findings"] == [cause]


def test_versions_and_paths_are_told_in_their_own_words(tmp_path: Path) -> None:
    one, other = recorded(tmp_path, "t4-healthy", "driver-too-old")
    told = changed(diff(one, other, 1))
    assert (told["host.loaded_version"]["before"], told["host.loaded_version"]["after"]) == ("580.95.05", "535.183.01")
    text = doctor("diff", "t4-healthy.json", "driver-too-old.json", "--lang", "zh", cwd=tmp_path).stdout
    assert "新出现" in text and "/usr/lib/x86_64-linux-gnu/libcuda.so.535.183.01" in text


def test_noise_is_left_out(tmp_path: Path) -> None:
    data = raw("t4-healthy")
    data["readings"]["nvml"]["facts"]["gpus"][0]["processes"] = [
        {"pid": 71, "used_memory": 900 << 20, "name": "python", "user": "face"}
    ]
    before = put(tmp_path, "before", data)
    card = data["readings"]["nvml"]["facts"]["gpus"][0]
    free = card["memory_free"]
    card["memory_free"] = int(free * 0.95)
    card["processes"][0]["pid"] = 8231
    data["created"] = "2031-01-01T00:00:00Z"
    for reading in data["readings"].values():
        reading["seconds"] = reading.get("seconds", 0.0) + 2
    data["readings"]["interpreter"]["facts"]["place"]["machine"] = "after a new start"
    libraries = data["readings"]["host"]["facts"]["libraries"]
    libraries.reverse()
    after = put(tmp_path, "after", data)
    assert diff(before, after, 0) == {"format": 1, "exit_code": 0, "changes": [], "appeared": [], "gone": []}
    assert "Nothing changed" in doctor("diff", before, after, cwd=tmp_path).stdout

    card["memory_free"] = free // 3
    card["processes"] = []
    told = changed(diff(before, put(tmp_path, "after", data), 0))
    assert set(told) == {"nvml.gpus[0].memory_free", "nvml.gpus[0].processes[python]"}


def test_one_machine_seen_twice_is_the_same(tmp_path: Path) -> None:
    for name in ("one.json", "other.json"):
        assert doctor("collect", "--target", DEV_PYTHON, "--quick", "-o", name, cwd=tmp_path).returncode == 0
    assert diff(tmp_path / "one.json", tmp_path / "other.json", 0)["changes"] == []


def test_a_redacted_snapshot_is_compared_with_one_that_is_not(tmp_path: Path) -> None:
    words = ("collect", "--target", DEV_PYTHON, "--quick", "-o")
    assert doctor(*words, "one.json", cwd=tmp_path).returncode == 0
    assert doctor(*words, "other.json", "--no-redact", cwd=tmp_path).returncode == 0
    assert diff(tmp_path / "one.json", tmp_path / "other.json", 0)["changes"] == []


def test_a_probe_that_dies_is_a_change(tmp_path: Path) -> None:
    before = put(tmp_path, "before", data := raw("t4-healthy"))
    data["readings"]["torch_runtime"] |= {"outcome": "crashed", "detail": "killed by SIGSEGV", "facts": {}}
    told = diff(before, put(tmp_path, "after", data), 0)
    [change] = told["changes"]
    assert (change["what"], change["before"], change["after"]) == ("torch_runtime", "ok", "crashed: killed by SIGSEGV")


def test_settings_are_compared_and_escapes_are_shown(tmp_path: Path) -> None:
    before = put(tmp_path, "before", data := raw("t4-healthy"))
    data["settings"]["detection"]["threshold"] = 0.95
    data["readings"]["host"]["facts"]["kernel"] = "6.1 \x1b[31mred"
    after = put(tmp_path, "after", data)
    told = diff(before, after, 1)
    assert told["appeared"] == ["det-threshold-too-high"] == changed(told)["settings.detection.threshold"]["findings"]
    text = doctor("diff", before, after, cwd=tmp_path).stdout
    assert "\\x1b[31mred" in text and "\x1b" not in text


def test_secrets_are_not_shown(tmp_path: Path) -> None:
    before = put(tmp_path, "before", data := raw("t4-healthy"))
    data["readings"]["host"]["facts"]["kernel"] = "6.1 password=Tr0ub4dor-and-3"
    after = put(tmp_path, "after", data)
    assert "host.kernel" in changed(diff(before, after, 0))
    for form in ("json", "terminal"):
        text = doctor("diff", before, after, "--format", form, cwd=tmp_path).stdout
        assert "host.kernel" in text and "Tr0ub4dor" not in text


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["gone.json", "whole.json"], "gone.json: cannot be read: No such file"),
        (["whole.json", "."], "cannot be read: Is a directory"),
        (["whole.json", "other.json"], "other.json: is JSON, but no snapshot"),
        (["-", "-"], "standard input can be read once"),
        (["whole.json"], "Missing argument"),
        (["whole.json", "whole.json", "--format", "junit"], "here, known are terminal, json"),
    ],
)
def test_bad_input_of_diff(tmp_path: Path, words: list[str], says: str) -> None:
    put(tmp_path, "whole", raw("t4-healthy"))
    put(tmp_path, "other", {"a": 1})
    done = doctor("diff", *words, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert says in done.stderr and done.stderr.count("\n") == 1


def lines_of(*words: str, cwd: Path) -> tuple[int, list[dict[str, Any]], str]:
    done = doctor("diagnose", *words, "--format", "json", cwd=cwd)
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()], done.stderr


def test_several_are_diagnosed_one_a_line(tmp_path: Path) -> None:
    recorded(tmp_path, "t4-healthy", "driver-too-old")
    status, told, _ = lines_of("t4-healthy.json", "driver-too-old.json", cwd=tmp_path)
    assert status == 1
    assert [next(iter(one)) for one in told] == ["file", "file"]
    assert [(one["file"], one["exit_code"]) for one in told] == [("t4-healthy.json", 0), ("driver-too-old.json", 1)]
    alone = json.loads(doctor("diagnose", "driver-too-old.json", "--format", "json", cwd=tmp_path).stdout)
    assert {"file": "driver-too-old.json", **alone} == told[1]
    text = doctor("diagnose", "t4-healthy.json", "driver-too-old.json", cwd=tmp_path).stdout
    assert text.index("Judging t4-healthy.json") < text.index("Judging driver-too-old.json") < text.index("RD205")


def test_what_is_wrong_with_a_flag_is_said_once(tmp_path: Path) -> None:
    recorded(tmp_path, "t4-healthy", "driver-too-old")
    done = doctor("diagnose", "t4-healthy.json", "driver-too-old.json", "--fail-on", "bogus", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "retina-doctor: --fail-on bogus: known are error, warning, never.\n"


def test_a_field_that_is_empty_is_no_change_from_one_that_is_not_there(tmp_path: Path) -> None:
    one, other = raw("t4-healthy"), raw("t4-healthy")
    one["settings"] = {"model": {"path": "/m.onnx"}, "detection": {}}
    other["settings"] = {"model": {"path": "/m.onnx", "root": None}}
    told = diff(put(tmp_path, "one", one), put(tmp_path, "other", other), 0)
    assert [change for change in told["changes"] if change["what"].startswith("settings")] == []


def test_many_are_judged_on_all_processors_and_told_in_their_order(tmp_path: Path) -> None:
    """As one processor does it, whatever else is in the folder."""
    names = ("t4-healthy", "busy-machine", "driver-too-old")
    files = recorded(tmp_path, *names)
    for number in range(24):
        (tmp_path / f"m{number:02}.json").write_bytes(files[number % 3].read_bytes())
    (tmp_path / "m07.json").write_text('{"retina_doctor_snapshot": 1, "cre', encoding="utf-8")
    words = ("diagnose", *(f"m{n:02}.json" for n in range(24)), "--format", "json", "--format", "terminal=told.txt")
    all_of_them = doctor(*words, cwd=tmp_path)
    told = (tmp_path / "told.txt").read_text(encoding="utf-8")
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    try:
        one = doctor(*words, cwd=tmp_path)
    finally:
        os.sched_setaffinity(0, before)
    assert (all_of_them.returncode, all_of_them.stdout) == (one.returncode, one.stdout)
    assert sorted(all_of_them.stderr.splitlines()) == sorted(one.stderr.splitlines())
    assert told == (tmp_path / "told.txt").read_text(encoding="utf-8")
    lines = [json.loads(line) for line in one.stdout.splitlines()]
    assert [line["file"] for line in lines] == [f"m{n:02}.json" for n in range(24)]
    assert one.returncode == 2 and lines[7]["exit_code"] == 2


def test_a_baseline_holds_for_each(tmp_path: Path) -> None:
    recorded(tmp_path, "t4-healthy", "driver-too-old")
    assert doctor("diagnose", "driver-too-old.json", "--format", "json=old.report", cwd=tmp_path).returncode == 1
    words = ("t4-healthy.json", "driver-too-old.json")
    status, told, _ = lines_of(*words, "--baseline", "old.report", cwd=tmp_path)
    assert (status, [one["findings"] for one in told]) == (0, [[], []])
    files = [one["recorded"]["file"] for one in told]
    assert files == list(words)


def test_a_report_that_cannot_be_written_costs_no_other(tmp_path: Path) -> None:
    recorded(tmp_path, "t4-healthy", "busy-machine")
    done = doctor("diagnose", ".", "--format", "json=/dev/full", "--format", "github", cwd=tmp_path)
    assert done.returncode == 3 and "/dev/full: cannot be written" in done.stderr
    assert done.stdout == doctor("diagnose", ".", "--format", "github", cwd=tmp_path).stdout


def test_a_folder_holds_what_is_a_snapshot(tmp_path: Path) -> None:
    recorded(tmp_path, "t4-healthy", "busy-machine")
    put(tmp_path, "package", {"name": "no snapshot"})
    (tmp_path / "notes.txt").write_text("mine", encoding="utf-8")
    status, told, stderr = lines_of(".", cwd=tmp_path)
    assert status == 3
    assert [one["file"] for one in told] == ["busy-machine.json", "t4-healthy.json"]
    assert "package.json: passed over" in stderr
    with (tmp_path / "model.json").open("wb") as large:
        large.truncate(17 << 20)
    status, told, stderr = lines_of(".", cwd=tmp_path)
    assert status == 3 and len(told) == 2 and "model.json: passed over" in stderr
    (tmp_path / "damaged.json").write_text('{"retina_doctor_snapshot": 1, "cre', encoding="utf-8")
    status, told, stderr = lines_of(".", cwd=tmp_path)
    assert status == 2 and "damaged.json: is not a whole snapshot" in stderr
    assert [(one["file"], one["exit_code"]) for one in told][1] == ("damaged.json", 2)
    (tmp_path / "empty").mkdir()
    assert lines_of("empty", cwd=tmp_path)[0] == 2


def test_standard_input_is_a_snapshot_too(tmp_path: Path) -> None:
    [good, bad] = recorded(tmp_path, "t4-healthy", "driver-too-old")
    command = [sys.executable, "-m", "retina_doctor"]
    run = {"cwd": tmp_path, "env": environment(), "capture_output": True, "check": False}
    alone = subprocess.run([*command, "diagnose", "-", "--format", "json"], input=bad.read_bytes(), **run)  # type: ignore[call-overload]
    assert alone.returncode == 1 and json.loads(alone.stdout)["findings"][0]["name"] == "driver-too-old"
    piped = subprocess.run([*command, "diff", good, "-", "--format", "json"], input=bad.read_bytes(), **run)  # type: ignore[call-overload]
    assert piped.returncode == 1 and json.loads(piped.stdout)["appeared"][0] == "driver-too-old"


def test_several_reports_do_not_fit_into_one_junit_file(tmp_path: Path) -> None:
    recorded(tmp_path, "t4-healthy", "busy-machine")
    done = doctor("diagnose", ".", "--format", "junit", cwd=tmp_path)
    assert done.returncode == 2 and "for several snapshots, known are terminal, json, github" in done.stderr
