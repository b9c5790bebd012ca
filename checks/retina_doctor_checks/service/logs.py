"""Which log is the service's: what was named, its unit's journal, or that of the container in which the target is."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence
from typing import Any

from retina_doctor.patterns import pattern
from retina_doctor.settings import Settings

from ..settings import ServiceSettings
from ..settings_values import LOG_OF_CONTAINER, LOG_OF_UNIT

LINES = 20_000
"""That the journal or the container's engine is asked for; of them the last 2 MiB are read."""
STATE = "ActiveState,ExecMainCode,ExecMainStatus,ExecMainStartTimestampMonotonic,Result"
ENGINES = ("docker", "podman", "nerdctl")
CONTAINER = pattern(r"[A-Za-z0-9][\w.-]{0,252}")
POD = pattern(
    r"(?:(?:po|pod|pods|deploy|deployment|sts|statefulset|ds|daemonset|job|rc|rs)/)?[a-z0-9][a-z0-9.-]{0,252}"
)
WITH_VALUE = {
    "docker": {"-e", "--env", "--env-file", "-u", "--user", "-w", "--workdir", "--detach-keys"},
    "kubectl": {"-c", "--container", "-n", "--namespace", "--context", "--kubeconfig", "-s", "--server", "--cluster", "--user",
                "--pod-running-timeout", "-f", "--filename"},
}  # fmt: skip
"""Flags of `exec` that take the next word; docs.docker.com/reference/cli/docker/container/exec, `kubectl exec --help`."""
KEPT = ("-n", "--namespace", "--context", "--kubeconfig", "-c", "--container", "-s", "--server", "--cluster")
"""Flags of `kubectl exec` that `kubectl logs` must have as well."""


def named_log(settings: Settings) -> Mapping[str, Any] | None:
    """{"kind", "name", "words", "state"}: a file, or the words of the program that prints the log, and of the one that tells how
    the service has ended. None: nothing names a log."""
    named = settings.of(ServiceSettings).log
    if named is None:
        return of_target(settings.target.command or ())
    kind, _, name = named.partition(":")
    if kind == LOG_OF_UNIT:
        journal = ["journalctl", f"--unit={name}", f"--lines={LINES}", "--output=short-iso", "--no-pager", "--quiet"]
        return _log("unit", name, journal, ["systemctl", "show", f"--property={STATE}", "--", name])
    if kind == LOG_OF_CONTAINER:
        return of_container(["docker"], name)
    return _log("file", named, [], [])


def _log(kind: str, name: str, words: list[str], state: list[str]) -> Mapping[str, Any]:
    return {"kind": kind, "name": name, "words": words, "state": state}


def of_container(engine: Sequence[str], name: str) -> Mapping[str, Any]:
    logs = [*engine, "logs", "--timestamps", f"--tail={LINES}", "--", name]
    return _log(
        "container", name, logs, [*engine, "inspect", "--type=container", "--format={{json .State}}", "--", name]
    )


def of_target(words: Sequence[str]) -> Mapping[str, Any] | None:
    """Of the container that `docker exec …` or `kubectl exec …` names. What stands before them (sudo, ssh) is kept out: then
    another user's engine, or another machine's, would be asked."""
    engine = posixpath.basename(words[0]) if words else ""
    if "exec" not in words or engine not in (*ENGINES, "kubectl"):
        return None
    place = words.index("exec")
    takes = WITH_VALUE["kubectl" if engine == "kubectl" else "docker"]
    kept: list[str] = []
    rest = list(words[place + 1 :])
    while rest and rest[0].startswith("-") and rest[0] != "--":
        flag = rest.pop(0)
        value = [rest.pop(0)] if flag in takes and rest else []
        if flag.partition("=")[0] in KEPT:
            kept += [flag, *value]
    name = rest[0] if rest else ""
    if engine != "kubectl":
        return of_container(words[:place], name) if CONTAINER.fullmatch(name) else None
    while len(rest) > 1 and rest[1].startswith("-") and rest[1] != "--":  # kubectl takes flags behind the pod, too
        flag = rest.pop(1)
        value = [rest.pop(1)] if flag in takes and len(rest) > 1 else []
        if flag.partition("=")[0] in KEPT:
            kept += [flag, *value]
    if not POD.fullmatch(name):
        return None
    logs = [*words[:place], "logs", "--timestamps", f"--tail={LINES}", "--limit-bytes=16777216", *kept, name]
    return _log("container", name, logs, [])
