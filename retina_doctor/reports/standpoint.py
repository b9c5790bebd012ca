"""From where a snapshot's target was looked at, in the words of reports."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath

from retina_doctor.codec import encode
from retina_doctor.model import Interpreter, Json, Snapshot, interpreter_of

ENGINES = ("docker", "podman", "nerdctl")
WITH_VALUE = ("-e", "--env", "--env-file", "-u", "--user", "-w", "--workdir", "--detach-keys")
"""Flags of `docker exec` that a word follows."""


def standpoint_of(snapshot: Snapshot) -> dict[str, Json]:
    """Everything that is known of it. What the target said of itself goes before what the doctor saw from outside."""
    seen, interpreter = snapshot.seen_from, interpreter_of(snapshot)
    told: dict[str, Json] = encode(seen) if seen is not None else {}
    if interpreter is not None:
        told |= {
            "user": interpreter.user or str(interpreter.uid),
            "uid": interpreter.uid,
            "cwd": interpreter.working_directory or None,
        }
    return {
        "user": None,
        "container": container_of(snapshot, interpreter),
        "cwd": None,
        "interpreter": interpreter.executable if interpreter else snapshot.target.called,
        **told,
        "passed_over": encode(snapshot.passed_over),
    }


def container_of(snapshot: Snapshot, interpreter: Interpreter | None) -> str | None:
    """The container's name: as the command names it, else its host name, else what kind it is; None: in none."""
    seen = snapshot.seen_from
    named = _named(snapshot.target.command) if snapshot.target.chosen == "flag" else None
    if named:
        return named
    if seen is not None and seen.namespaces:
        return interpreter.hostname if interpreter and "uts" in seen.namespaces else f"process {seen.pid}"
    if interpreter is None or interpreter.container is None:
        return None
    return interpreter.hostname or interpreter.container


def _named(words: Sequence[str]) -> str | None:
    """`docker exec -i face python3`, `docker compose exec -T face python3`: face."""
    for place, word in enumerate(words[:-1]):
        if word == "exec" and any(PurePath(one).name in ENGINES for one in words[:place]):
            left = list(words[place + 1 :])
            while left and left[0].startswith("-"):
                del left[: 2 if left[0] in WITH_VALUE else 1]
            return left[0] if left else None
    return None
