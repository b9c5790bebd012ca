"""Which steps of a plan the doctor may run itself, and why not the others. Pure."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from retina_doctor.codec import Data, replace
from retina_doctor.model import Action, Interpreter, Snapshot, interpreter_of
from retina_doctor.words.plan import Step, StepCause, codes_of
from retina_doctor.words.remedies import FileChange

FLAGS = ("--upgrade", "--force-reinstall", "--no-deps")
"""Of pip, that a step may bear."""


class FixAction(Data, frozen=True, kw_only=True):
    """A step as `fix` shows it. *why_not*: a key of the words that say why it is left to the operator, and their values;
    None: it is run. *lost*: what it changes is gone with the container."""

    kind: Action
    causes: tuple[StepCause, ...]
    commands: tuple[str, ...]
    pip: tuple[tuple[str, ...], ...] = ()
    files: tuple[FileChange, ...] = ()
    lines: tuple[StepCause, ...] = ()
    image: str | None = None
    why_not: tuple[str, dict[str, str]] | None = None
    lost: bool = False

    @property
    def codes(self) -> tuple[str, ...]:
        return codes_of(self.causes)

    @property
    def runs(self) -> bool:
        return self.why_not is None


def doings_of(plan: Sequence[Step], snapshot: Snapshot, told: dict[str, Any] | str) -> list[FixAction]:
    """*told*: what the worker says of the service's environment, or why it could not be asked."""
    found: list[FixAction] = []
    container = bool((here := interpreter_of(snapshot)) and here.container)
    for step in plan:
        plain = FixAction(kind=step.kind, causes=step.causes, commands=step.commands)
        if step.kind is Action.PIP:
            why = _pip(step, snapshot, told)
            found.append(replace(plain, pip=step.pip, image=step.image, why_not=why, lost=container))
        elif step.kind is Action.EDIT and step.files and len(step.files) == len(step.commands):
            why = unusable(snapshot) or (("worker", {"what": told}) if isinstance(told, str) else None)
            found.append(replace(plain, files=step.files, why_not=why, lost=container))
        elif step.kind is Action.EDIT and not step.commands:
            lines = tuple(one for one in step.causes if one.edits)
            rest = tuple(one for one in step.causes if one not in lines)
            if lines:
                found.append(replace(plain, causes=lines, lines=lines))
            if rest:
                found.append(replace(plain, causes=rest, why_not=("by-hand", {})))
        else:
            key = "by-hand" if step.kind is Action.EDIT else str(step.kind)
            found.append(replace(plain, why_not=(key, {})))
    return found


def unusable(snapshot: Snapshot) -> tuple[str, dict[str, str]] | None:
    """Why nothing of the service's is changed, whatever it is; None: it is on this machine, and its user can be taken on."""
    target, seen = snapshot.target, snapshot.seen_from
    here = interpreter_of(snapshot)
    if not target.command or here is None:
        return "no-python", {}
    if not target.local or (not target.of_a_process and len(target.command) != 1):
        return "elsewhere", {}
    if seen is not None and (seen.namespaces or seen.root != "/" or (seen.uid == 0 and len(target.command) > 1)):
        return "contained", {}
    return None


def _pip(step: Step, snapshot: Snapshot, told: dict[str, Any] | str) -> tuple[str, dict[str, str]] | None:
    here = interpreter_of(snapshot)
    why = unusable(snapshot)
    if why is not None:
        return why
    assert here is not None
    if not step.commands or len(step.pip) != len(step.commands) or not all(map(is_plain, step.pip)):
        return "by-hand", {}
    return _environment(here, told)


def _environment(here: Interpreter, told: dict[str, Any] | str) -> tuple[str, dict[str, str]] | None:
    if here.conda:
        return "conda", {"path": here.prefix}
    if here.prefix == here.base_prefix:
        return "system-python", {"path": here.executable}
    if isinstance(told, str):
        return "worker", {"what": told}
    if not told["virtual"]:
        return "system-python", {"path": here.executable}
    if told["prefix"] == str(Path(sys.prefix).resolve()):
        return "own-python", {"path": here.prefix}
    if told["foreign"]:
        return "foreign", {"path": told["foreign"][0]}
    if told["closed"]:
        return "unwritable", {"path": told["closed"][0]}
    if told["elsewhere"]:
        return "apart", {"path": told["elsewhere"][0]}
    if not here.has_pip and not here.uv:
        return "no-pip", {"path": here.prefix}
    return None


def is_plain(action: tuple[str, ...]) -> bool:
    """Names and versions from an index: no address, no file and no flag but the harmless."""
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        words = [Requirement(word) for word in action[1:] if word not in FLAGS]
    except InvalidRequirement:
        return False
    return action[0] in ("install", "uninstall") and bool(words) and all(word.url is None for word in words)
