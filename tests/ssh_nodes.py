"""Nodes to log in to: a real sshd on loopback for each kind, and a real ssh that finds them by name."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

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
    "old": 'read -r line; echo "retina-doctor: Python 3.6 is too old: 3.8 is needed" >&2; exit 9',
}
"""What a login runs, by the name of the node: the first eight are in namespaces of their own (unshare: host name, processes,
mounts, IPC), whose host name is that name; they share the loopback, each on a port of its own."""
SHARING = "old"
FAR = "far"
"""A second name of gpu-02, which is reached through gpu-01 (ProxyJump)."""


@contextmanager
def ssh_nodes(folder: Path) -> Iterator[dict[str, str]]:
    """The environment in which `ssh NAME` reaches them; "gone" is a name of a port where nobody listens."""
    assert SSHD, "these tests log in to a real sshd: apt-get install openssh-server"
    folder.chmod(0o755)
    for key in ("host", "user"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / key], check=True)
    shutil.copy(folder / "user.pub", folder / "authorized_keys")
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    started, config = [], [f"Host gone\n  HostName 127.0.0.1\n  Port {free_port()}\n"]
    try:
        _faulty_venv(folder / "faulty")
        for number, (name, command) in enumerate(KINDS.items()):
            port = free_port()
            script = folder / f"login-{number}"
            python = Path(sys.executable).parent
            does = command.replace("{folder}", str(folder))
            script.write_text(f"#!/bin/sh\nPATH={python}:$PATH\nRETINA_DOCTOR_NODE=yes\n{does}\n", encoding="utf-8")
            script.chmod(0o755)
            started.append(_sshd(folder, number, port, script, "" if name in SHARING else name))
            config.append(f"Host {name}\n  HostName 127.0.0.1\n  Port {port}\n")
            if name == "gpu-02":
                config.append(f"Host {FAR}\n  HostName 127.0.0.1\n  Port {port}\n  ProxyJump gpu-01\n")
        config.append(
            f"Host *\n  User {getpass.getuser()}\n  IdentityFile {folder / 'user'}\n  IdentitiesOnly yes\n"
            f"  UserKnownHostsFile {folder / 'known'}\n  StrictHostKeyChecking no\n  LogLevel ERROR\n"
        )
        (folder / "config").write_text("".join(config), encoding="utf-8")
        tools = folder / "tools"
        tools.mkdir()
        real = shutil.which("ssh")
        (tools / "ssh").write_text(f'#!/bin/sh\nexec {real} -F {folder / "config"} "$@"\n', encoding="utf-8")
        (tools / "ssh").chmod(0o755)
        yield {"PATH": f"{tools}:{os.environ['PATH']}"}
    finally:
        for process in started:
            process.kill()  # unshare takes what it started with it, and heeds no SIGTERM
            process.wait(10)


def _faulty_venv(folder: Path) -> None:
    """An environment whose interpreter was removed, as by an update of the system's Python."""
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "python3").symlink_to("/usr/lib/python-of-before/bin/python3")
    (folder / "pyvenv.cfg").write_text("home = /usr/lib/python-of-before/bin\n", encoding="utf-8")


APART = ("unshare", "--uts", "--pid", "--mount", "--ipc", "--fork", "--mount-proc", "--kill-child", "--")


def _sshd(folder: Path, number: int, port: int, script: Path, name: str) -> subprocess.Popen[bytes]:
    """*name*: of the host in namespaces of its own; "": in those of this process."""
    assert SSHD
    settings = folder / f"sshd-{number}"
    settings.write_text(
        f"ListenAddress 127.0.0.1\nPort {port}\nHostKey {folder / 'host'}\nPidFile none\nUsePAM no\nStrictModes no\n"
        f"AuthorizedKeysFile {folder / 'authorized_keys'}\nPermitRootLogin prohibit-password\nMaxStartups 100\n"
        f"PasswordAuthentication no\nForceCommand {script}\nPrintMotd no\n",
        encoding="utf-8",
    )
    log = (folder / f"log-{number}").open("wb")
    apart = [*APART, "sh", "-c", 'hostname "$1"; shift; exec "$@"', "sh", name] if name else []
    words: list[str | Path] = [*apart, SSHD, "-D", "-e", "-f", settings]
    process = subprocess.Popen(words, stderr=log, stdin=subprocess.DEVNULL)
    for _ in range(200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return process
        time.sleep(0.05)
    raise AssertionError((folder / f"log-{number}").read_text(encoding="utf-8"))


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port
