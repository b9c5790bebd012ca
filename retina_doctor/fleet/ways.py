"""How a Python is started on a node, as words in which ``{node}`` is its name: by ssh, kubectl, or as the operator says."""

from __future__ import annotations

import shlex
from pathlib import Path

from retina_doctor.codec import Data
from retina_doctor.errors import UsageError

SSH = ("ssh", "-T", "-o", "BatchMode=yes", "-o", "ConnectTimeout=10", "{node}")
NEED_INPUT = ("docker", "podman", "nerdctl", "kubectl", "oc")
"""Programs whose `exec` passes standard input on only where it is told to."""


class Way(Data, frozen=True, kw_only=True):
    """*via*: the words that start a Python on ``{node}``; *python*: the same as whoever acts there may write them. *seconds*:
    that each node has. *fanout*: how many are asked at the same time. *cancels*: what it starts elsewhere ends where it is
    told to end (SIGTERM) and not where it is killed; so srun takes its job back."""

    via: tuple[str, ...]
    python: tuple[str, ...]
    seconds: float
    fanout: int
    cancels: bool = False


def way_of(via: str, python: str, seconds: float, fanout: int) -> Way:
    """Over ssh, or as *via* says. Raises UsageError."""
    try:
        given, interpreter = shlex.split(via), shlex.split(python)
    except ValueError as error:
        raise UsageError(f"--via or --python: {error}") from None
    if not interpreter:
        raise UsageError("--python: name a command")
    if not given:
        words = (*SSH, *(shlex.quote(word) for word in interpreter))  # a shell reads them there
        return Way(via=words, python=tuple(interpreter), seconds=seconds, fanout=fanout)
    if not any("{node}" in word for word in given):
        raise UsageError("--via: {node} stands for the name: docker -H ssh://{node} exec -i face python3")
    silent = not {"-i", "-it", "-ti", "--stdin", "--interactive"} & {*given}
    if Path(given[0]).name in NEED_INPUT and "exec" in given and silent:
        raise UsageError(f"--via: {given[0]} exec needs -i, or the Python there is told nothing")
    return Way(via=tuple(given), python=tuple(given), seconds=seconds, fanout=fanout)


def kubectl_way(namespace: str, container: str, python: str, seconds: float, fanout: int) -> Way:
    """Into pods. Raises UsageError."""
    where = f" -c {shlex.quote(container)}" if container else ""
    via = f"kubectl exec -i -n {shlex.quote(namespace)} {{node}}{where} -- {python}"
    return way_of(via, python, seconds, fanout)
