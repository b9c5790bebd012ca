"""Odd input of `retina-doctor fleet`: each costs itself alone, and one line."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from retina_doctor.errors import UsageError
from retina_doctor.fleet.manifest import kubernetes
from retina_doctor.fleet.sources import pods_of
from retina_doctor.fleet.summing import allowed
from tests.doctor import doctor, environment
from tests.test_fleet import fleet, put

__all__ = ["fleet"]


def test_words_that_stand_for_nothing_cost_themselves_alone(tmp_path: Path) -> None:
    """A folder without snapshots, a damaged list of who did not answer, and one file by two names."""
    one = put(tmp_path / "nodes", "a")
    (tmp_path / "empty").mkdir()
    (tmp_path / "nodes" / "collected.json").write_text('{"retina', encoding="utf-8")
    words = (tmp_path / "nodes", tmp_path / "empty", one, "--format", "json")
    done = doctor("fleet", "report", *words, cwd=tmp_path)
    told = json.loads(done.stdout)
    assert [node["label"] for node in told["nodes"]] == ["a"]
    assert len(told["missing"]) == 2, told["missing"]
    lines = done.stderr.splitlines()
    assert (done.returncode, len(lines)) == (2, 3), done.stderr
    for words_said in ("named twice, read once", "no snapshot in this folder", "is not what `fleet collect` wrote"):
        assert any(words_said in line for line in lines), words_said
    alone = doctor("fleet", "report", tmp_path / "empty", cwd=tmp_path)
    assert (alone.returncode, alone.stdout, alone.stderr.count("\n")) == (2, "", 1)


def test_lines_of_others_between_snapshots_cost_none(tmp_path: Path) -> None:
    """Logs of several pods, one after the other: some end with lines of their own, JSON among them."""
    first, second, third = (put(tmp_path / "nodes", name).read_text(encoding="utf-8") for name in "abc")
    in_a_line = json.dumps(json.loads(second))
    stream = f'starting\n{first}\nterminated\n{{"level": "info"}}\nmore\n{in_a_line}\nterminated\n{third}end'
    command = [sys.executable, "-m", "retina_doctor", "fleet", "report", "-", "--format", "json"]
    done = subprocess.run(
        command, input=stream, capture_output=True, text=True, cwd=tmp_path, env=environment(), check=False
    )  # fmt: skip
    told = json.loads(done.stdout)
    assert [node["label"] for node in told["nodes"]] == ["a", "b", "c"]
    assert (told["missing"], done.returncode) == ([], 0), done.stderr
    assert done.stderr == "retina-doctor: -:2: passed over: no snapshot.\n"


@pytest.mark.parametrize(
    ("share", "of_four"),
    [("", 0), ("0", 0), ("0%", 0), ("3", 3), ("50%", 2), ("12.5 %", 0.5), (".5%", 0.02), ("100%", 4)],
)
def test_a_share(share: str, of_four: float) -> None:
    assert allowed(share, 4) == pytest.approx(of_four)


@pytest.mark.parametrize("share", ["%", "1.5", "101%", "-1", "1e2%", "inf", "nan%", "٣", "1/3", "33,3%", "0x1"])
def test_what_is_no_share(share: str) -> None:
    with pytest.raises(UsageError, match="--tolerate"):
        allowed(share, 4)


def test_a_history_with_something_else_in_its_columns(tmp_path: Path) -> None:
    put(tmp_path / "one", "a")
    for run in ("r1", "r2"):
        keep = ("fleet", "report", tmp_path / "one", "--into", "h.sqlite", "--run", run)
        assert doctor(*keep, cwd=tmp_path).returncode == 0
    assert doctor("fleet", "diff", "h.sqlite", cwd=tmp_path).returncode == 0
    with contextlib.closing(sqlite3.connect(tmp_path / "h.sqlite")) as database, database:
        database.execute("UPDATE nodes SET roots = x'00ff'")
    done = doctor("fleet", "diff", "h.sqlite", cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1), done.stderr
    assert "is damaged" in done.stderr


GOOD = {"status": {"phase": "Running"}, "metadata": {"name": "face-1"}}


@pytest.mark.parametrize(
    "odd",
    [
        None,
        7,
        {"metadata": None, "status": None},
        {"status": {"phase": "Running"}},
        {"status": {"phase": "Running"}, "metadata": {"name": 7}},
        {"status": {"phase": "Running"}, "metadata": {"name": "-oProxyCommand=x"}},
    ],
)
def test_an_odd_pod_costs_no_other(odd: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kubectl(tmp_path, {"items": [odd, GOOD]}, monkeypatch)
    assert pods_of("face", "app=face").nodes == ("face-1",)


@pytest.mark.parametrize("told", [None, [], {}, {"items": None}, {"items": {"a": 1}}, {"items": [{}]}])
def test_a_cluster_that_names_none(told: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kubectl(tmp_path, told, monkeypatch)
    with pytest.raises(UsageError, match="no running pod"):
        pods_of("face", "app=face")


def kubectl(folder: Path, told: object, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "told.json").write_text(json.dumps(told))
    (folder / "kubectl").write_text(f"#!/bin/sh\ncat {folder / 'told.json'}\n")
    (folder / "kubectl").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")


def test_nodes_that_do_not_listen_are_told_once(tmp_path: Path) -> None:
    """What the engine logs of a broken pipe is no line of ours."""
    (tmp_path / "deaf").write_text("#!/bin/sh\nexec 0<&-\nsleep 0.5\nexit 5\n")
    (tmp_path / "deaf").chmod(0o755)
    words = ("-w", "gpu-[1-4]", "--via", f"{tmp_path / 'deaf'} {{node}}", "-o", tmp_path / "out", "--deadline", "30")
    done = doctor("fleet", "collect", *words, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (3, "")
    assert "gpu-[1-4]: exit status 5" in done.stdout


@pytest.mark.parametrize(
    ("image", "namespace", "resources", "where"),
    [
        ("a b", "face", (), ()),
        ("", "face", (), ()),
        ("-x", "face", (), ()),
        ("face:1", "Face_NS", (), ()),
        ("face:1", "", (), ()),
        ("face:1", "face", ("nvidia.com/gpu=many",), ()),
        ("face:1", "face", ("nvidia.com/gpu=-1",), ()),
        ("face:1", "face", ("nvidia com/gpu=1",), ()),
        ("face:1", "face", (), ("gpu=a b",)),
        ("face:1", "face", (), ("gpu",)),
    ],
)
def test_what_a_cluster_would_refuse_is_no_manifest(
    image: str, namespace: str, resources: tuple[str, ...], where: tuple[str, ...]
) -> None:
    with pytest.raises(UsageError):
        kubernetes(image, namespace, resources, where)


def test_what_a_cluster_takes() -> None:
    image = "registry.example:5000/team/face@sha256:" + "0" * 64
    told = kubernetes(
        image, "face-1", ("nvidia.com/gpu=1", "memory=1.5Gi", "cpu=500m"), ("nvidia.com/gpu.product=Tesla-T4",)
    )
    assert image in told
