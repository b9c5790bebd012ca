"""One ordered plan over all causes: what to do, by whom, in an order that works when it is followed to the letter.

Pure: from findings, what their pages say and the target, to steps. Steps are ordered by kind (`Action`), and within a kind
by cause. Each is taken once, whatever number of causes ask for it; what changes packages becomes one step, in which no
command undoes what another did.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from retina_doctor.codec import Data
from retina_doctor.model import Action, Diagnosis, Finding, Location, Severity
from retina_doctor.pages import Words, interpreter_of
from retina_doctor.remedies import FileChange, Remedies

if TYPE_CHECKING:
    from packaging.requirements import Requirement

TELLING = 60  # characters
SENTENCE = re.compile(r"(?<=[.。])(?=\s|$)\s*|(?<=。)|\n\n")
"""Where a sentence ends: the full stop of a file's name or a version is followed by no blank."""


class StepCause(Data, frozen=True, kw_only=True):
    """A finding that a step deals with. *todo*: how its page's Fix begins. *stands*: the line at *location*, without its
    indentation; *instead*: as it should be, where that is known."""

    code: str
    title: str
    todo: str
    location: Location | None
    instead: str | None
    stands: str | None = None


class Step(Data, frozen=True, kw_only=True):
    """*causes*: none for what follows any change. *image*: the same commands as a line of the image's Dockerfile.

    *pip*, *files*: what the commands do, typed; where there are fewer than commands, some are but text.
    """

    kind: Action
    commands: tuple[str, ...]
    causes: tuple[StepCause, ...]
    image: str | None = None
    pip: tuple[tuple[str, ...], ...] = ()
    files: tuple[FileChange, ...] = ()

    @property
    def listed(self) -> bool:
        """No command does it: what is to be done is said cause by cause."""
        return bool(self.causes) and not self.commands

    @property
    def fixes(self) -> tuple[str, ...]:
        """Codes of the causes."""
        return tuple(dict.fromkeys(one.code for one in self.causes))


class Asked(Data, frozen=True, kw_only=True):
    """A root, and what its page says of it."""

    finding: Finding
    words: Words

    @property
    def kind(self) -> Action:
        return self.words.action(self.finding)

    @property
    def cause(self) -> StepCause:
        instead, stands = self.finding.evidence.get("fixed"), self.finding.evidence.get("text")
        return StepCause(
            code=self.finding.code,
            title=self.words.title,
            todo=_beginning(self.words.fix) or self.words.title,
            location=self.finding.location,
            instead=instead if isinstance(instead, str) else None,
            stands=stands if isinstance(stands, str) else None,
        )

    def commands(self, kind: Action) -> tuple[str, ...]:
        return tuple(one.command for one in self.words.doings if one.action is kind and one.pip is None)

    def files(self, kind: Action) -> tuple[FileChange, ...]:
        return tuple(one.change for one in self.words.doings if one.action is kind and one.change is not None)

    @property
    def pip(self) -> tuple[tuple[str, ...], ...]:
        return tuple(one.pip for one in self.words.doings if one.pip is not None)


def plan_of(diagnosis: Diagnosis, asked: Sequence[Asked], again: str) -> tuple[Step, ...]:
    """*asked*: the roots, the gravest first. *again*: the command that runs the doctor as it was run. No steps: all is well.

    A root that is a note asks for nothing, unless it explains a graver finding.
    """
    asked = [one for one in asked if _grave(diagnosis, one.finding)]
    steps = [step for kind in Action for step in _steps(kind, asked, diagnosis)]
    if not steps:
        return ()
    changed = any(step.kind is not Action.LOOK for step in steps)
    if changed and not any(step.kind is Action.RESTART for step in steps):
        steps.append(Step(kind=Action.RESTART, commands=(), causes=()))
    return (*steps, Step(kind=Action.LOOK, commands=(again,), causes=()))


def _beginning(fix: str) -> str:
    """Whole sentences, as many as say something ("Bind all addresses." alone does not say how)."""
    told = ""
    for sentence in SENTENCE.split(fix.partition("\n\n")[0]):
        if len(told) >= TELLING:
            break
        told += (" " if told and not told.endswith("。") else "") + sentence
    return told


def _grave(diagnosis: Diagnosis, root: Finding) -> bool:
    return any(one.severity is not Severity.NOTE for one in (root, *diagnosis.echoes(root)))


def _steps(kind: Action, asked: Sequence[Asked], diagnosis: Diagnosis) -> Iterator[Step]:
    if kind is Action.PIP:
        yield from _pip_step(asked, diagnosis)
        return
    by_commands: dict[tuple[str, ...], list[StepCause]] = {}
    files: dict[tuple[str, ...], tuple[FileChange, ...]] = {}
    for one in asked:
        commands = one.commands(kind)
        if kind is one.kind or (commands and kind is not Action.LOOK):
            by_commands.setdefault(commands, []).append(one.cause)
            files[commands] = one.files(kind)
    for commands, causes in by_commands.items():
        yield Step(kind=kind, commands=commands, causes=tuple(causes), files=files[commands])


def _pip_step(asked: Sequence[Asked], diagnosis: Diagnosis) -> Iterator[Step]:
    causes = [one for one in asked if one.kind is Action.PIP or one.pip]
    if not causes:
        return
    remedies = Remedies(diagnosis.snapshot.target, interpreter_of(diagnosis.snapshot))
    actions = merged([one.pip for one in causes])
    commands: list[str] = [
        str(remedies.pip_uninstall(*words) if action == "uninstall" else remedies.pip_install(*words))
        for action, *words in actions
    ]
    commands += [command for one in causes for command in one.commands(Action.PIP)]
    here = remedies.interpreter
    image = "RUN " + " && ".join(remedies.for_image) if commands and here and here.container else None
    told = tuple(one.cause for one in causes)
    yield Step(kind=Action.PIP, commands=tuple(commands), causes=told, image=image, pip=tuple(actions))


def merged(wishes: Sequence[Sequence[tuple[str, ...]]]) -> list[tuple[str, ...]]:
    """pip's actions of several causes, each a sequence of (action, words), as one sequence that suits them all.

    Packages that share a folder (onnxruntime and onnxruntime-gpu, the builds of OpenCV) must be gone before one of them is
    installed, and whatever may bring one of them along comes before that. So: what is only installed; then all that is to
    go; then what takes its place; last what is only unpacked over what is there (``--no-deps``). A package that one cause
    removes for good is not installed for another.
    """
    removed, replacing, gone = _exchanged(wishes)
    before: dict[tuple[str, ...], list[str]] = {}
    after: dict[tuple[str, ...], list[str]] = {}
    for wish in wishes:
        late = False
        for action, *words in wish:
            late = late or action == "uninstall"
            if action == "install":
                flags, packages = _asked(words)
                for word in packages:
                    name = _name(word)
                    if name not in gone:
                        where = after if late or "--no-deps" in flags or name in replacing else before
                        where.setdefault(flags, []).append(word)
    actions = [("install", *flags, *_together(words)) for flags, words in before.items()]
    actions += [("uninstall", *removed)] if removed else []
    plain_first = sorted(after.items(), key=lambda one: "--no-deps" in one[0])
    done: set[str] = set()
    for flags, words in plain_first:
        kept = [word for word in _together(words) if _name(word) not in done]
        done |= {_name(word) for word in kept}
        actions += [("install", *flags, *kept)] if kept else []
    return actions


def _exchanged(wishes: Sequence[Sequence[tuple[str, ...]]]) -> tuple[dict[str, None], set[str], set[str]]:
    """What is uninstalled, in order; what is installed in the place of that; what is removed for good."""
    removed: dict[str, None] = {}
    replacing: set[str] = set()
    gone: set[str] = set()
    for wish in wishes:
        taken: dict[str, None] = {}
        put: set[str] = set()
        for action, *words in wish:
            if action == "uninstall":
                taken |= dict.fromkeys(words)
            else:
                names = {_name(word) for word in _asked(words)[1]}
                put |= names
                replacing |= names if taken else set()
        removed |= taken
        gone |= {_name(name) for name in taken} - put
    return removed, replacing, gone


def _asked(words: Iterable[str]) -> tuple[tuple[str, ...], list[str]]:
    """pip's flags, each with its value, which is no requirement; and what is to be installed."""
    flags: list[str] = []
    packages: list[str] = []
    for last, word in itertools.pairwise(("", *words)):
        is_value = last.startswith("-") and not word.startswith("-") and _requirement(word) is None
        (flags if word.startswith("-") or is_value else packages).append(word)
    return tuple(flags), packages


def _name(word: str) -> str:
    """The distribution that a requirement names, as packaging compares names; a file or a URL is a name of its own."""
    asked = _requirement(word)
    return word if asked is None else asked.name.lower().replace("_", "-").replace(".", "-")


def _requirement(word: str) -> Requirement | None:
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        return Requirement(word)
    except InvalidRequirement:
        return None


def _together(words: Iterable[str]) -> list[str]:
    """Requirements, those on one distribution as one, with all extras and all bounds; where one is pinned, the first pin."""
    found: dict[str, str] = {}
    for word in words:
        name = _name(word)
        found[name] = _both(found[name], word) if name in found and found[name] != word else word
    return list(found.values())


def _both(first: str, second: str) -> str:
    one, other = _requirement(first), _requirement(second)
    if one is None or other is None:
        return first
    pinned = [bound for bounds in (one, other) for bound in bounds.specifier if bound.operator == "=="]
    one.specifier = type(one.specifier)(str(pinned[0])) if pinned else one.specifier & other.specifier
    one.extras |= other.extras
    return str(one)
