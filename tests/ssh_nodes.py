"""Nodes to log in to: a real sshd for each, in namespaces of its own, and a real ssh that finds them by name."""

from __future__ import annotations

import getpass
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.networks import UP, bridge, entering, own_network, plug

SSHD = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
PLAIN = 'eval "$SSH_ORIGINAL_COMMAND"'
KINDS: Mapping[str, str] = {
    "gpu-01": PLAIN,
    "gpu-02": PLAIN,
    "gpu-03": PLAIN,
    "hung": "sleep 600",
    "bare": f"PATH=/nowhere; {PLAIN}",
    "venv": f"PATH={{folder}}/faulty/bin; {PLAIN}",
    "flood": "cat /dev/zero",
    "chatty": f'echo Welcome; yes "have a nice day" | head -n 20000; {PLAIN}',
    "liar": f"PYTHONPATH={{folder}}/liar; export PYTHONPATH; {PLAIN}",
    "old": 'read -r line; echo "retina-doctor: Python 3.6 is too old: 3.8 is needed" >&2; exit 9',
}
"""What a login runs, by the name of the node. Each is in namespaces of its own (unshare: network, host name, processes, mounts,
IPC), with the port 22 of an address of its own on one switch."""
GATE = "gpu-01"
BEHIND: Mapping[str, str] = {"deep-1": PLAIN, "deep-2": PLAIN, "deep-hung": "sleep 600", "deep-flood": "cat /dev/zero"}
"""Nodes on a switch of the gate's own: ssh reaches them from there alone."""
FAR = "far"
"""A second name of gpu-02, which is reached through gpu-01 (ProxyJump)."""
APART = ("unshare", "--net", "--uts", "--pid", "--mount", "--ipc", "--fork", "--mount-proc", "--kill-child", "--")


@contextmanager
def ssh_nodes(folder: Path, behind: bool = False) -> Iterator[dict[str, str]]:
    """The environment in which `ssh NAME` reaches them; "gone" is a machine where nobody listens. *behind*: those behind the
    gate, too, which have no name but on nodes."""
    assert SSHD, "these tests log in to a real sshd: apt-get install openssh-server"
    folder.chmod(0o755)
    for key in ("host", "user"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / key], check=True)
    shutil.copy(folder / "user.pub", folder / "authorized_keys")
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    _faulty_venv(folder / "faulty")
    ssh = shutil.which("ssh")
    assert ssh
    with ExitStack() as stack:
        hub = stack.enter_context(own_network())
        bridge(hub, "front", "10.77.0.1/24")
        near = {name: f"10.77.0.{number}" for number, name in enumerate(KINDS, 11)}
        deep = {name: f"10.78.0.{number}" for number, name in enumerate(BEHIND, 11)} if behind else {}
        hosts = [_host("gone", "10.77.0.1"), *(_host(name, address) for name, address in near.items())]
        hosts.append(_host(FAR, near["gpu-02"], f"  ProxyJump {GATE}\n"))
        _configure(folder / "config", hosts)
        _configure(folder / "config-of-nodes", [*hosts, *(_host(name, address) for name, address in deep.items())])
        for place, script in (
            ("tools", entering(hub, ssh, "-F", folder / "config")),
            ("tools-of-nodes", f'#!/bin/sh\nexec {ssh} -F {folder / "config-of-nodes"} "$@"\n'),
        ):
            (folder / place).mkdir()
            (folder / place / "ssh").write_text(script, encoding="utf-8")
            (folder / place / "ssh").chmod(0o755)
        started = {
            name: stack.enter_context(_node(folder, name, does))
            for name, does in {**KINDS, **BEHIND}.items()
            if name in near or name in deep
        }
        for name, address in near.items():
            plug(hub, "front", started[name].pid, f"{address}/24")
        if deep:
            bridge(started[GATE].pid, "back", "10.78.0.1/24")
        for name, address in deep.items():
            plug(started[GATE].pid, "back", started[name].pid, f"{address}/24")
        for name, process in started.items():
            _go_on(folder, name, process)
        yield {"PATH": f"{folder / 'tools'}:{os.environ['PATH']}"}


def _host(name: str, address: str, more: str = "") -> str:
    return f"Host {name}\n  HostName {address}\n{more}"


def _configure(file: Path, hosts: list[str]) -> None:
    every = (
        f"Host *\n  User {getpass.getuser()}\n  IdentityFile {file.parent / 'user'}\n  IdentitiesOnly yes\n"
        "  UserKnownHostsFile /dev/null\n  StrictHostKeyChecking no\n  LogLevel ERROR\n"
    )
    file.write_text("".join([*hosts, every]), encoding="utf-8")


def _faulty_venv(folder: Path) -> None:
    """An environment whose interpreter was removed, as by an update of the system's Python."""
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "python3").symlink_to("/usr/lib/python-of-before/bin/python3")
    (folder / "pyvenv.cfg").write_text("home = /usr/lib/python-of-before/bin\n", encoding="utf-8")


@contextmanager
def _node(folder: Path, name: str, command: str) -> Iterator[subprocess.Popen[bytes]]:
    """Its network is there, and its sshd waits to be told to start."""
    assert SSHD
    script = folder / f"login-{name}"
    path = f"{folder / 'tools-of-nodes'}:{Path(sys.executable).parent}:$PATH"
    does = command.replace("{folder}", str(folder))
    script.write_text(f"#!/bin/sh\nPATH={path}\nRETINA_DOCTOR_NODE=yes\n{does}\n", encoding="utf-8")
    script.chmod(0o755)
    settings = folder / f"sshd-{name}"
    settings.write_text(
        f"HostKey {folder / 'host'}\nPidFile none\nUsePAM no\nStrictModes no\n"
        f"AuthorizedKeysFile {folder / 'authorized_keys'}\nPermitRootLogin prohibit-password\nMaxStartups 100\n"
        f"PasswordAuthentication no\nForceCommand {script}\nPrintMotd no\n",
        encoding="utf-8",
    )
    named = [*APART, "sh", "-c", 'hostname "$1"; shift; exec "$@"', "sh", name]
    with (folder / f"log-{name}").open("wb") as log:
        process = subprocess.Popen(
            [*named, "sh", "-c", UP, "sh", SSHD, "-D", "-e", "-f", settings],
            stderr=log, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
    try:
        assert process.stdout and process.stdout.readline() == b"up\n", (folder / f"log-{name}").read_text()
        yield process
    finally:
        process.kill()  # unshare takes what it started with it, and heeds no SIGTERM
        process.communicate(timeout=10)


def _go_on(folder: Path, name: str, process: subprocess.Popen[bytes]) -> None:
    """Its addresses are there."""
    assert process.stdin
    process.stdin.write(b"\n")
    process.stdin.flush()
    log = folder / f"log-{name}"
    for _ in range(600):
        if b"Server listening" in log.read_bytes():
            return
        assert process.poll() is None, log.read_text(encoding="utf-8")
        time.sleep(0.05)
    raise AssertionError(log.read_text(encoding="utf-8"))
