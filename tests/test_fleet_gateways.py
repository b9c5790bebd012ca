"""`fleet collect --topology`: ClusterShell's gateways, each a real sshd, in front of nodes that ssh reaches from there alone."""

from __future__ import annotations

import contextlib
import json
import signal
import socket
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from tests.doctor import doctor, environment
from tests.odd_probes import runs
from tests.ssh_nodes import GATE, ssh_nodes
from tests.test_fleet_collect import soon

LIAR = """
import base64, os, pickle, re, sys

class Trap:
    def __reduce__(self):
        return os.mkdir, ({trace!r},)

def say(text):
    sys.stdout.write(text + "\\n")
    sys.stdout.flush()

say('<?xml version="1.0" encoding="utf-8"?>')
say('<channel version="1.10.1">')
for line in sys.stdin:
    for found in re.findall("<message ([^>]*)>", line):
        told = dict(re.findall('(\\\\w+)="([^"]*)"', found))
        say('<message type="ACK" msgid="1" ack="%s"></message>' % told["msgid"])
        if told.get("action") == "shell":
            data = base64.b64encode(pickle.dumps(Trap(), 4)).decode()
            say('<message type="OUT" msgid="2" srcid="%s" nodes="%s">%s</message>' % (told["srcid"], told["target"], data))
"""
"""A gateway that would have whoever unpickles what it says make a folder."""


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[dict[str, str], Path]]:
    folder = tmp_path_factory.mktemp("ssh")
    (folder / "liar" / "ClusterShell").mkdir(parents=True)
    (folder / "liar" / "ClusterShell" / "__init__.py").touch()
    text = LIAR.format(trace=str(folder / "trace"))
    (folder / "liar" / "ClusterShell" / "Gateway.py").write_text(text, encoding="utf-8")
    with ssh_nodes(folder, behind=True) as variables:
        yield environment(**variables), folder / "trace"


def collected(
    folder: Path, env: dict[str, str], routes: Mapping[str, str], wanted: str, *words: str
) -> tuple[CompletedProcess[str], dict[str, str]]:
    """What was said, and the nodes that are missing. *routes*: who reaches whom; "" is this machine."""
    here = socket.gethostname().partition(".")[0]
    lines = [f"{start or here}: {end}\n" for start, end in routes.items()]
    (folder / "topology.conf").write_text("".join(["[routes]\n", *lines]), encoding="utf-8")
    way = ["--topology", "topology.conf", "-w", wanted, "-o", "out", "--quick", *words]
    done = doctor("fleet", "collect", *way, "--format", "json", cwd=folder, env=env)
    assert done.stdout, done.stderr
    return done, {one["label"]: one["why"] for one in json.loads(done.stdout)["missing"]}


def test_nodes_behind_a_gateway(nodes: tuple[dict[str, str], Path], tmp_path: Path) -> None:
    """Beside one that is reached from here, and each that cannot tell is a row of its own."""
    env, _ = nodes
    alone = doctor("fleet", "collect", "-w", "deep-1", "-o", "alone", "--quick", cwd=tmp_path, env=env)
    assert alone.returncode == 3, "not without the gateway"
    behind = "deep-[1-2],deep-hung,deep-flood"
    routes = {"": GATE, GATE: behind}
    done, why = collected(tmp_path, env, routes, f"{behind},gpu-02,{GATE}", "--no-redact", "--deadline", "30")
    assert (done.returncode, done.stderr) == (3, "")
    assert why == {"deep-flood": "sent too much: cut off", "deep-hung": "no answer in 30 s"}
    hosts = {}
    for file in (tmp_path / "out").glob("*-*.json"):
        readings = json.loads(file.read_text(encoding="utf-8"))["readings"]
        assert not {one["outcome"] for one in readings.values()} & {"crashed", "failed"}, file
        hosts[file.stem] = readings["interpreter"]["facts"]["hostname"]
    assert hosts == {name: name for name in ("deep-1", "deep-2", "gpu-02", GATE)}


def test_a_gateway_that_fails_costs_its_own_nodes_alone(nodes: tuple[dict[str, str], Path], tmp_path: Path) -> None:
    env, trace = nodes
    routes = {"": f"{GATE},gone,bare,hung,liar", GATE: "deep-1", "gone": "a1", "bare": "a2", "hung": "a3", "liar": "a4"}
    done, why = collected(tmp_path, env, routes, "deep-1,a[1-4]", "--only", "doctor", "--deadline", "20")
    assert (done.returncode, done.stderr) == (3, "")
    assert set(why) == {"a1", "a2", "a3", "a4"}
    assert "Connection refused" in why["a1"]
    assert "not found" in why["a2"]
    assert why["a3"] == "no answer in 20 s"
    assert why["a4"].startswith("gateway liar: says what is no message")
    assert (tmp_path / "out" / "deep-1.json").is_file()
    assert not trace.exists()


def test_where_one_gateway_is_gone_another_asks(nodes: tuple[dict[str, str], Path], tmp_path: Path) -> None:
    """And sends the program once more, which ClusterShell does not."""
    env, _ = nodes
    both = f"gone,{GATE}"
    done, why = collected(tmp_path, env, {"": both, both: "deep-1"}, "deep-1", "--only", "doctor", "--deadline", "30")
    assert (why, done.stderr) == ({}, "")
    assert (tmp_path / "out" / "deep-1.json").is_file()


def test_what_came_until_ctrl_c_is_kept_and_gateways_end(nodes: tuple[dict[str, str], Path], tmp_path: Path) -> None:
    env, _ = nodes
    here = socket.gethostname().partition(".")[0]
    (tmp_path / "topology.conf").write_text(f"[routes]\n{here}: {GATE}\n{GATE}: deep-1,deep-hung\n", encoding="utf-8")
    words = ["fleet", "collect", "--topology", "topology.conf", "-w", "deep-1,deep-hung", "-o", "out", "--quick"]
    process = subprocess.Popen(
        [*runs.command(env), *words], cwd=tmp_path, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert soon((tmp_path / "out" / "deep-1.json").is_file)
    assert gateways()
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (130, "retina-doctor: interrupted\n")
    told = json.loads((tmp_path / "out" / "collected.json").read_text(encoding="utf-8"))
    assert [(one["label"], one["why"]) for one in told["missing"]] == [("deep-hung", "interrupted")]
    assert soon(lambda: not gateways())


def gateways() -> list[str]:
    """Processes of ClusterShell's on nodes."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if b"ClusterShell.Gateway" in (process / "cmdline").read_bytes().split(b"\0"):
                found.append(process.name)
    return found


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "cannot be read"),
        ("nonsense", "no topology"),
        ("", "no topology"),
        ("[routes]\nelse: a\n", "no topology"),
    ],
)
def test_a_topology_that_is_none(text: str | None, said: str, tmp_path: Path) -> None:
    if text is not None:
        (tmp_path / "topology.conf").write_text(text, encoding="utf-8")
    done = doctor("fleet", "collect", "--topology", "topology.conf", "-w", "a", "-o", "out", cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert said in done.stderr
