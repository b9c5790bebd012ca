"""`fleet collect` over a real ssh to a real sshd, and by other ways in: every node ends in a row, and none waits for another."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from tests.doctor import doctor, environment
from tests.odd_probes import runs
from tests.slurm_cluster import slurm_cluster
from tests.ssh_nodes import ssh_nodes
from tests.test_probing import leave_traces

FLEET_DOC = Path(__file__).parents[1] / "docs" / "fleet.md"


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    with ssh_nodes(tmp_path_factory.mktemp("ssh")) as variables:
        yield environment(**variables)


def collected(folder: Path) -> dict[str, Any]:
    told: dict[str, Any] = json.loads((folder / "collected.json").read_text(encoding="utf-8"))
    return told


def whys(folder: Path) -> dict[str, str]:
    return {one["label"]: one["why"] for one in collected(folder)["missing"]}


def test_every_node_has_its_row(nodes: dict[str, str], tmp_path: Path) -> None:
    words = ["fleet", "collect", "-w", "gpu-[01-03],hung,bare,venv,flood", "-w", "chatty,old,gone,gpu-02", "-o", "out"]
    begun = time.monotonic()
    done = doctor(*words, "--deadline", "25", "--quick", cwd=tmp_path, env=nodes)
    assert time.monotonic() - begun < 25 + 5, "the deadline, which the one that hangs takes whole, and 5 s"
    assert done.returncode == 3, done.stderr
    assert done.stderr == "retina-doctor: named twice, asked once: gpu-02.\n"
    out = tmp_path / "out"
    assert sorted(file.stem for file in out.glob("*.json")) == ["chatty", "collected", "gpu-01", "gpu-02", "gpu-03"]
    why = whys(out)
    assert why["hung"] == "no answer in 25 s"
    assert "not found" in why["bare"]
    assert "not found" in why["venv"] or "No such file" in why["venv"]
    assert why["flood"] == "sent too much: cut off"
    assert "too old" in why["old"]
    assert "refused" in why["gone"]
    report = doctor("fleet", "report", "out", "--format", "json", cwd=tmp_path, env=nodes)
    told = json.loads(report.stdout)
    assert [one["label"] for one in told["nodes"]] == ["chatty", "gpu-01", "gpu-02", "gpu-03"]
    assert {one["label"] for one in told["missing"]} == set(why)
    snapshot = json.loads((out / "gpu-02.json").read_text(encoding="utf-8"))
    assert snapshot["label"] == "gpu-02"
    assert snapshot["redacted"] is True
    assert snapshot["readings"]["interpreter"]["outcome"] == "ok"
    ends = {name: (one["outcome"], one["detail"]) for name, one in snapshot["readings"].items()}
    assert not [name for name, (outcome, _) in ends.items() if outcome in ("crashed", "failed")], ends


def test_nodes_are_told_by_their_own_names(nodes: dict[str, str], tmp_path: Path) -> None:
    """Each in namespaces of its own, also one that is reached through another; and none waits for one that cannot tell."""
    words = ["--quick", "--only", "doctor", "--no-redact", "--deadline", "60"]
    alone = []
    for name in ("gpu-01", "gpu-02", "chatty"):
        begun = time.monotonic()
        assert doctor("fleet", "collect", "-w", name, "-o", name, *words, cwd=tmp_path, env=nodes).returncode == 0
        alone.append(time.monotonic() - begun)
    begun = time.monotonic()
    sick = "bare,venv,flood,old,gone"
    done = doctor(
        "fleet", "collect", "-w", f"gpu-[01-03],chatty,far,{sick}", "-o", "out", *words, cwd=tmp_path, env=nodes
    )
    assert time.monotonic() - begun < max(1.3 * max(alone), 60 + 5)
    assert (done.returncode, set(whys(tmp_path / "out"))) == (3, set(sick.split(","))), done.stderr
    facts = {
        file.stem: json.loads(file.read_text(encoding="utf-8"))["readings"]["interpreter"]["facts"]
        for file in (tmp_path / "out").glob("*.json")
        if file.stem != "collected"
    }
    hosts = {name: one["hostname"] for name, one in facts.items()}
    assert hosts == {**{name: name for name in ("gpu-01", "gpu-02", "gpu-03", "chatty")}, "far": "gpu-02"}
    for kind in ("pid", "net"):
        assert len({one["place"]["namespaces"][kind] for name, one in facts.items() if name != "far"}) == 4, kind


def test_a_look_over_ssh_tells_what_one_here_does(nodes: dict[str, str], tmp_path: Path) -> None:
    done = doctor("fleet", "collect", "-w", "gpu-01", "-o", "out", "--no-redact", cwd=tmp_path, env=nodes)
    assert done.returncode == 0, done.stdout
    doctor("collect", "-o", "here.json", "--no-redact", "--target", sys.executable, cwd=tmp_path)
    there = json.loads((tmp_path / "out" / "gpu-01.json").read_text(encoding="utf-8"))
    here = json.loads((tmp_path / "here.json").read_text(encoding="utf-8"))
    assert set(there["readings"]) == set(here["readings"])
    for probe in ("packages", "ort_files", "host", "nvml", "imports"):
        assert there["readings"][probe]["facts"] == here["readings"][probe]["facts"], probe


def test_what_came_until_ctrl_c_is_kept(nodes: dict[str, str], tmp_path: Path) -> None:
    words = ["fleet", "collect", "-w", "gpu-01,hung", "-o", "out", "--quick"]
    process = subprocess.Popen(
        [*runs.command(nodes), *words], cwd=tmp_path, env=nodes, stderr=subprocess.PIPE, text=True
    )
    for _ in range(600):
        if (tmp_path / "out" / "gpu-01.json").is_file():
            break
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 130
    assert errors == "retina-doctor: interrupted\n"
    assert whys(tmp_path / "out") == {"hung": "interrupted"}


def test_nothing_is_left_on_a_node_whose_caller_is_gone(tmp_path: Path) -> None:
    """What the program started there ends soon after nobody listens any more."""
    slow = tmp_path / "slow.py"
    slow.write_text("import time\ntime.sleep(600)\n", encoding="utf-8")
    mark = f"mark-{os.getpid()}"
    env = environment(PYTHONSTARTUP="", MARK=mark, PYTHONPATH=str(tmp_path))
    (tmp_path / "onnxruntime").mkdir()
    (tmp_path / "onnxruntime" / "__init__.py").write_text(slow.read_text(encoding="utf-8"), encoding="utf-8")
    words = [
        "fleet",
        "collect",
        "-w",
        "n1",
        "--via",
        f"env NODE={{node}} {sys.executable}",
        "-o",
        "out",
        "--only",
        "onnxruntime",
    ]
    process = subprocess.Popen([*runs.command(env), *words], cwd=tmp_path, env=env, start_new_session=True)
    assert soon(lambda: len(marked(mark)) >= 4)
    assert soon(lambda: steady(mark)), "nothing else will say a word"
    process.kill()
    process.wait()
    assert soon(lambda: not marked(mark))


def test_a_deadline_that_comes_first_says_nothing_of_the_service(tmp_path: Path) -> None:
    """Else every slow node would be one where onnxruntime hangs."""
    (tmp_path / "onnxruntime").mkdir()
    (tmp_path / "onnxruntime" / "__init__.py").write_text("import time\ntime.sleep(600)\n", encoding="utf-8")
    words = ["fleet", "collect", "-w", "n1", "--via", f"env NODE={{node}} {sys.executable}", "-o", "out", "--deadline"]
    env = environment(PYTHONPATH=str(tmp_path))
    for deadline, timeout, outcome in (("9", "60", "not_run"), ("60", "3", "timed_out")):
        done = doctor(*words, deadline, "--timeout", timeout, "--only", "onnxruntime", cwd=tmp_path, env=env)
        assert done.returncode == 0, done.stdout
        readings = json.loads((tmp_path / "out" / "n1.json").read_text(encoding="utf-8"))["readings"]
        assert readings["ort_runtime"]["outcome"] == outcome


def marked(mark: str) -> list[str]:
    """Processes, of any group, that bear it."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if f"MARK={mark}".encode() in (process / "environ").read_bytes().split(b"\0"):
                found.append(process.name)
        except OSError:
            continue
    return found


def steady(mark: str) -> bool:
    """For five seconds the same processes, the one that hangs among them."""
    before = marked(mark)
    time.sleep(5)
    return before == marked(mark)


def soon(what: Any) -> bool:
    for _ in range(400):
        if what():
            return True
        time.sleep(0.1)
    return False


KUBECTL = """#!{python}
# A stand-in for kubectl: two pods of this machine, one of which has no Python; its exit codes are kubectl's.
import json, os, sys
words = sys.argv[1:]
if words[:2] == ["get", "pods"]:
    assert words[2:] == ["-n", "face", "-l", "app=face", "-o", "json"], words
    pods = [("face-7d4-x2x", "Running"), ("face-7d4-q9z", "Running"), ("face-7d4-old", "Succeeded")]
    json.dump({{"items": [{{"metadata": {{"name": n}}, "status": {{"phase": p}}}} for n, p in pods]}}, sys.stdout)
elif words[:4] == ["exec", "-i", "-n", "face"] and words[4] == "face-7d4-x2x":
    assert words[5] == "--", words
    os.execvp(words[6], words[6:])
else:
    sys.stderr.write('error: exec: "python3": executable file not found in $PATH: unknown\\n')
    sys.exit(126)
"""


def test_pods_of_a_cluster(tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "kubectl").write_text(KUBECTL.format(python=sys.executable), encoding="utf-8")
    (tools / "kubectl").chmod(0o755)
    env = environment(PATH=f"{tools}:{os.environ['PATH']}")
    words = ["fleet", "collect", "--kubernetes", "-n", "face", "-l", "app=face", "-o", "out", "--quick"]
    done = doctor(*words, "--python", sys.executable, "--format", "json", cwd=tmp_path, env=env)
    told = json.loads(done.stdout)
    assert told["snapshots"] == ["face-7d4-x2x"]
    assert done.returncode == 3
    [missing] = told["missing"]
    assert missing["label"] == "face-7d4-q9z"
    assert "executable file not found" in missing["why"]


def test_nodes_of_a_real_slurm(tmp_path: Path) -> None:
    with slurm_cluster(tmp_path / "slurm") as variables:
        env = environment(**variables)
        words = ["fleet", "collect", "--slurm", "-p", "gpu", "-o", "out", "--quick", "--python", sys.executable]
        done = doctor(*words, cwd=tmp_path, env=env)
        assert done.returncode == 3, done.stderr
        assert whys(tmp_path / "out") == {"gpu-5": "Slurm: down (test)"}
        names = sorted(file.stem for file in (tmp_path / "out").glob("gpu-*.json"))
        assert names == ["gpu-1", "gpu-2", "gpu-3", "gpu-4"]
        told = json.loads((tmp_path / "out" / "gpu-2.json").read_text(encoding="utf-8"))
        assert told["readings"]["interpreter"]["outcome"] == "ok"
        assert jobs(env) == [("4", False)], "one step on all, and nothing is left of it"
        lost = doctor(*words[:4], "nosuch", *words[5:], cwd=tmp_path, env=env)
        assert lost.returncode == 2
        assert "sinfo" in lost.stderr


SLURM_NODE = """#!/bin/sh
case $SLURMD_NODENAME in
  {sick}) {does} ;;
  *) exec {python} "$@" ;;
esac
"""


@pytest.mark.parametrize(
    ("does", "said"),
    [
        ("exec sleep 600", "no answer in 20 s"),
        ("echo no python3 here >&2; exit 127", "no python3 here"),
        ("exec cat /dev/zero", "sent too much"),
        ("exec yes retina-doctor", ""),
    ],
)
def test_one_node_of_a_step_costs_no_other(does: str, said: str, tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.write_text(SLURM_NODE.format(sick="gpu-2", does=does, python=sys.executable), encoding="utf-8")
    python.chmod(0o755)
    with slurm_cluster(tmp_path / "slurm") as variables:
        env = environment(**variables)
        words = ["fleet", "collect", "--slurm", "-w", "gpu-[1-4]", "-o", "out", "--quick", "--deadline", "20"]
        begun = time.monotonic()
        done = doctor(*words, "--python", str(python), cwd=tmp_path, env=env)
        assert time.monotonic() - begun < 25 + 5
        assert done.returncode == 3, done.stderr
        why = whys(tmp_path / "out")
        assert (set(why), said in why.get("gpu-2", "")) == ({"gpu-2"}, True), (why, done.stderr)
        for name in ("gpu-1", "gpu-3", "gpu-4"):
            told = json.loads((tmp_path / "out" / f"{name}.json").read_text(encoding="utf-8"))
            outcomes = {one["outcome"] for one in told["readings"].values()}
            assert not outcomes & {"crashed", "failed"}, told["readings"]
        assert soon(lambda: not any(running for _, running in jobs(env)))


def test_a_busy_node_of_slurm_keeps_no_other_waiting(tmp_path: Path) -> None:
    with slurm_cluster(tmp_path / "slurm") as variables:
        env = environment(**variables)
        holding = subprocess.Popen(["srun", "-p", "gpu", "-w", "gpu-3", "--exclusive", "sleep", "600"], env=env)
        try:
            assert soon(lambda: any(running for _, running in jobs(env)))
            words = ["fleet", "collect", "--slurm", "-p", "gpu", "-o", "out", "--quick", "--deadline", "15"]
            done = doctor(*words, "--python", sys.executable, cwd=tmp_path, env=env)
            why = whys(tmp_path / "out")
            assert (done.returncode, set(why)) == (3, {"gpu-3", "gpu-5"}), why
            assert "busy" in why["gpu-3"]
        finally:
            holding.terminate()
            holding.wait()


def jobs(env: dict[str, str]) -> list[tuple[str, bool]]:
    """How many nodes each job of Slurm's has or had, and whether it still runs."""
    done = subprocess.run(["scontrol", "-o", "show", "jobs"], env=env, capture_output=True, text=True, check=True)
    told = [dict(word.split("=", 1) for word in line.split() if "=" in word) for line in done.stdout.splitlines()]
    return [(one["NumNodes"], one["JobState"] in ("RUNNING", "PENDING")) for one in told if "NumNodes" in one]


def test_a_prolog_keeps_jobs_off_a_node_that_is_not_well(tmp_path: Path) -> None:
    """The recipe of docs/fleet.md: the node is drained, and the job waits."""
    recipe = re.search(r"```sh\n(#!/bin/sh\n# slurm.conf.*?)```", FLEET_DOC.read_text(encoding="utf-8"), re.DOTALL)
    assert recipe
    well, prolog = tmp_path / "retina-doctor", tmp_path / "prolog"
    prolog.write_text(recipe[1].replace("/opt/retina-doctor/bin/retina-doctor", str(well)), encoding="utf-8")
    for script in (well, prolog):
        script.touch()
        script.chmod(0o755)
    for code, state in ((0, "idle"), (3, "idle"), (1, "drained")):
        well.write_text(f'#!/bin/sh\n[ "$1" = --quick ] && exit {code}\n', encoding="utf-8")
        with slurm_cluster(tmp_path / f"slurm-{code}", f"Prolog={prolog}\nPrologFlags=Alloc") as variables:
            env = environment(**variables)
            words = ["srun", "-p", "gpu", "-w", "gpu-1", "--immediate=5", "hostname"]
            ran = subprocess.run(words, env=env, capture_output=True, text=True, check=False, timeout=60)
            assert (ran.returncode == 0) is (code != 1), ran.stderr

            def states() -> str:
                told = ["sinfo", "-h", "-N", "-n", "gpu-1", "-o", "%T"]
                return subprocess.run(told, env=env, capture_output=True, text=True, check=True).stdout.strip()  # noqa: B023

            assert soon(lambda: states().startswith(state[:5])), states()  # noqa: B023


def test_an_inventory_of_ansible(tmp_path: Path) -> None:
    """As ansible-core 2.19 prints it: hosts without variables stand in their groups alone."""
    inventory = {
        "_meta": {"hostvars": {"n2": {"ansible_host": "10.0.0.2"}}},
        "all": {"children": ["ungrouped", "gpu"]},
        "gpu": {"hosts": ["n1", "n2"]},
    }
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "ansible-inventory").write_text(f"#!/bin/sh\necho '{json.dumps(inventory)}'\n", encoding="utf-8")
    (tools / "ansible-inventory").chmod(0o755)
    env = environment(PATH=f"{tools}:{os.environ['PATH']}")
    words = ["--inventory", "hosts.ini", "--via", f"env NODE={{node}} {sys.executable}", "--quick", "--only", "doctor"]
    done = doctor("fleet", "collect", *words, "-o", "out", "--format", "json", cwd=tmp_path, env=env)
    assert json.loads(done.stdout)["snapshots"] == ["n1", "n2"]
    assert "ansible_host is not used" in done.stderr


def ansible(folder: Path, program: str) -> dict[str, str]:
    """The environment of a shell that has such an ansible-inventory."""
    folder.mkdir()
    (folder / "ansible-inventory").write_text(f"#!/bin/sh\n{program}\n", encoding="utf-8")
    (folder / "ansible-inventory").chmod(0o755)
    return environment(PATH=f"{folder}:{os.environ['PATH']}")


def test_a_bad_source_of_nodes_costs_no_other(tmp_path: Path) -> None:
    """A node set beside an inventory, an inventory beside a node set, one odd host among good ones."""
    inventory = {"gpu": {"hosts": ["n1", "2001:db8::7", "n2", 5, ["x"]]}}
    env = ansible(tmp_path / "tools", f"echo '{json.dumps(inventory)}'")
    env_bad = ansible(tmp_path / "bad", "echo 'vault: the password is Kx7vbq91mm' >&2; exit 4")
    way = ["--via", f"env NODE={{node}} {sys.executable}", "--only", "doctor", "--format", "json"]
    for words, variables, nodes, said in (
        (
            ["-w", "n[3-", "--inventory", "i"],
            env,
            ["n1", "n2"],
            ["n[3-", "2001:db8::7", "5 is no name", "['x'] is no name"],
        ),
        (
            ["-w", "n[", "-w", "n3", "--hosts", "nosuch", "--inventory", "i"],
            env_bad,
            ["n3"],
            ["n[", "nosuch", "ansible-inventory failed: vault: the password is"],
        ),
        (["-g", "nosuch", "-w", "n4"], env, ["n4"], ["names no node"]),
    ):
        done = doctor("fleet", "collect", *words, *way, "-o", "out", cwd=tmp_path, env=variables)
        assert done.returncode == 2
        assert json.loads(done.stdout)["snapshots"] == nodes
        lines = done.stderr.splitlines()
        assert len(lines) == len(said), lines
        assert all(one in line for one, line in zip(said, lines, strict=True)), lines
        assert "Kx7vbq91mm" not in done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["-w", "gpu-[1-"], "no node set"),
        (["-w", "gpu-[]"], "no node set"),
        (["-w", ""], "names no node"),
        (["-w", "gpu-[1-99999999]"], "more than"),
        (["-w", "$(reboot)"], "no name of a node"),
        (["-w", "-oProxyCommand=x"], "no name of a node"),
        (["-w", "@gpu"], "no node set"),
        (["-g", "nosuch"], "names no node"),
        ([], "name nodes with -w"),
        (["--hosts", "nosuch"], "cannot be read"),
        (["-w", "a", "--via", "ssh host python3"], "{node}"),
        (["-w", "a", "--via", "docker -H ssh://{node} exec face python3"], "needs -i"),
        (["-w", "a", "--via", "ssh '{node}"], "--via"),
        (["-w", "a", "--target", "python3"], "--python"),
        (["-w", "collected"], "cannot be called"),
        (["--kubernetes", "-n", "face"], "-l LABELS"),
    ],
)
def test_wrong_usage(words: list[str], said: str, tmp_path: Path) -> None:
    done = doctor("fleet", "collect", *words, "-o", "out", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert said in done.stderr


def test_a_node_set_that_is_none_costs_no_other(tmp_path: Path) -> None:
    (tmp_path / "hosts").write_text("n2\nn[3-\nn1\n", encoding="utf-8")
    words = [
        "-w",
        "n1,n1",
        "-w",
        "",
        "-w",
        "n[]",
        "-w",
        "$(reboot)",
        "--hosts",
        "hosts",
        "-o",
        "out",
        "--only",
        "doctor",
    ]
    way = ["--via", f"env NODE={{node}} {sys.executable}"]
    done = doctor("fleet", "collect", *words, *way, "--format", "json", cwd=tmp_path)
    assert done.returncode == 2
    assert json.loads(done.stdout)["snapshots"] == ["n1", "n2"]
    lines = done.stderr.splitlines()
    assert len(lines) == 5, lines
    for line, said in zip(
        lines, ("names no node", "n[]", "$(reboot)", "n[3-", "named twice, asked once: n1"), strict=True
    ):
        assert said in line


def test_a_manifest_fits_the_schema_of_kubernetes(tmp_path: Path) -> None:
    words = ["fleet", "manifest", "kubernetes", "--image", "registry/face:1", "-n", "face"]
    more = ["--resource", "nvidia.com/gpu=1", "--node-selector", "gpu=t4"]
    done = doctor(*words, *more, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    [manifest] = yaml.safe_load_all(done.stdout)
    kubernetes_validate.validate(manifest, kubernetes_validate.latest_version(), strict=True)
    pod = manifest["spec"]["template"]["spec"]
    assert pod["containers"][0]["resources"] == {"limits": {"nvidia.com/gpu": "1"}}
    assert pod["nodeSelector"] == {"gpu": "t4"}
    assert "retina-doctor fleet report -" in done.stdout
    assert doctor(*words, "--resource", "gpu", cwd=tmp_path).returncode == 2
    manifest["spec"]["template"]["spec"]["containers"][0]["command"] = "sh"
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(manifest, kubernetes_validate.latest_version(), strict=True)


def test_hosts_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "hosts").write_text("# rack 1\nn[1-2]\n\nn7  # new\n", encoding="utf-8")
    words = [
        "fleet",
        "collect",
        "--hosts",
        "hosts",
        "--via",
        f"env NODE={{node}} {sys.executable}",
        "-o",
        "out",
        "--quick",
    ]
    done = doctor(*words, cwd=tmp_path)
    assert done.returncode == 0, done.stdout
    assert sorted(file.stem for file in (tmp_path / "out").glob("n*.json")) == ["n1", "n2", "n7"]


def test_a_group_as_clustershell_is_configured(tmp_path: Path) -> None:
    (tmp_path / "groups.conf").write_text(
        "[Main]\ndefault: ours\n[ours]\nmap: echo n[1-2]\nlist: echo t4\n", encoding="utf-8"
    )
    env = environment(CLUSTERSHELL_CFGDIR=str(tmp_path))
    way = ["--via", f"env NODE={{node}} {sys.executable}", "--only", "doctor", "-o", "out"]
    done = doctor("fleet", "collect", "-g", "t4", *way, "--format", "json", cwd=tmp_path, env=env)
    assert json.loads(done.stdout)["snapshots"] == ["n1", "n2"], done.stderr


def test_a_node_is_asked_again(tmp_path: Path) -> None:
    """Into the same folder: what others said stays, and of a node that answers no more no older answer does."""
    python = tmp_path / "python"
    way = ["--via", f"env NODE={{node}} {python}", "-o", "out", "--quick", "--only", "doctor"]
    done = doctor("fleet", "collect", "-w", "n[1-2]", *way, cwd=tmp_path)
    assert done.returncode == 3
    assert set(whys(tmp_path / "out")) == {"n1", "n2"}
    python.symlink_to(sys.executable)
    assert doctor("fleet", "collect", "-w", "n1", *way, cwd=tmp_path).returncode == 0
    assert set(whys(tmp_path / "out")) == {"n2"}
    for words in (["out"], ["out/n1.json", "out/collected.json"]):
        told = json.loads(doctor("fleet", "report", *words, "--format", "json", cwd=tmp_path).stdout)
        assert [one["label"] for one in told["nodes"]] == ["n1"]
        assert [one["label"] for one in told["missing"]] == ["n2"]
    python.unlink()
    doctor("fleet", "collect", "-w", "n1", *way, cwd=tmp_path)
    told = json.loads(doctor("fleet", "report", "out", "--format", "json", cwd=tmp_path).stdout)
    assert (told["nodes"], [one["label"] for one in told["missing"]], told["exit_code"]) == ([], ["n1", "n2"], 3)


@pytest.mark.parametrize("path", [None, f"{os.pathsep}/nowhere"])
def test_nothing_of_a_nodes_working_directory_is_run(tmp_path: Path, path: str | None) -> None:
    trace = leave_traces(tmp_path)
    env = environment(**({"PYTHONPATH": path} if path else {}))
    # The doctor's own start is test_start's; here PYTHONPATH is the node's.
    words = ["fleet", "collect", "-w", "n1", "--via", f"env NODE={{node}} {sys.executable}", "-o", "out", "--quick"]
    done = doctor(*words, "--only", "doctor", cwd=tmp_path, env=env)
    assert (tmp_path / "out" / "n1.json").is_file(), done.stderr
    assert not trace.exists(), trace.read_text()


@pytest.mark.parametrize(
    "message", ['{"group": 0, "look": []}', f'{{"group": 0, "at": {"9" * 400}, "line": ""}}', "[]", "7"]
)
def test_what_fits_no_message_costs_nobody_else(message: str, tmp_path: Path) -> None:
    liar = tmp_path / "liar.py"
    liar.write_text(
        "import base64, json, re, sys, zlib\n"
        "told = re.search(r\"b64decode\\(b?'([^']+)'\", sys.stdin.read())[1]\n"
        f"print(json.loads(zlib.decompress(base64.b64decode(told)))['token'] + {message!r})\n"
    )
    via = f"sh -c 'if [ {{node}} = liar ]; then exec {sys.executable} -I {liar}; else exec {sys.executable} -; fi' x"
    words = ["fleet", "collect", "-w", "liar,n1", "--via", via, "-o", "out", "--quick", "--only", "doctor"]
    done = doctor(*words, "--deadline", "20", cwd=tmp_path)
    assert (tmp_path / "out" / "n1.json").is_file(), done.stderr
    assert "Traceback" not in done.stderr
