"""Networks of their own (namespaces, as root): whoever listens there takes the port that it is known by."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

UP = 'ip link set lo up && echo up && read -r _; exec "$@"'
"""The network is there when it says so; what follows waits until it is told to go on."""


@contextmanager
def own_network() -> Iterator[int]:
    """A process in a network where there is only a loopback: `into` takes others there."""
    process = subprocess.Popen(
        ["unshare", "--net", "sh", "-c", UP, "sh", "true"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        assert process.stdout and process.stdout.readline() == b"up\n", "these tests make networks: root, iproute2"
        yield process.pid
    finally:
        process.kill()
        process.communicate()


def into(process: int) -> list[str]:
    """Words before a command that is to run in that network."""
    return ["nsenter", f"--net=/proc/{process}/ns/net", "--"]


def bridge(process: int, name: str, address: str) -> None:
    """A switch in that network, and the network's own *address* (with its prefix) on it."""
    for words in (["link", "add", name, "type", "bridge"], ["addr", "add", address, "dev", name]):
        _ip(process, words)
    _ip(process, ["link", "set", name, "up"])


def plug(process: int, name: str, other: int, address: str) -> None:
    """A cable from that switch to another network, which has the *address* there; as many as are wanted."""
    port = f"{name}-{other}"
    _ip(process, ["link", "add", port, "type", "veth", "peer", "name", f"to-{name}", "netns", str(other)])
    _ip(process, ["link", "set", port, "master", name, "up"])
    _ip(other, ["addr", "add", address, "dev", f"to-{name}"])
    _ip(other, ["link", "set", f"to-{name}", "up"])


def _ip(process: int, words: Sequence[str]) -> None:
    subprocess.run([*into(process), "ip", *words], check=True)


def entering(process: int, program: str, *words: str | Path) -> str:
    """A script that starts a *program* there, with the *words* before its own."""
    command = " ".join(str(word) for word in (*into(process), program, *words))
    return f'#!/bin/sh\nexec {command} "$@"\n'
