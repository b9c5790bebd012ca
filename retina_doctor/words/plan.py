"""One ordered plan over all causes: what to do, by whom, in an order that works when it is followed to the letter.

Pure: from findings, what their pages say and the target, to steps. Steps are ordered by kind (`Action`), and within a kind
by cause. Each is taken once, whatever number of causes ask for it; what changes packages becomes one step, in which no
command undoes what another did.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from rich.cells import cell_len

from retina_doctor.codec import Data, replace
from retina_doctor.model import Action, Diagnosis, Finding, Location, Severity, interpreter_of
from retina_doctor.patterns import pattern
from retina_doctor.quoting import quoted
from retina_doctor.words.merging import merged
from retina_doctor.words.one_line import combined
from retina_doctor.words.pages import Words
from retina_doctor.words.remedies import FileChange, Remedies

TELLING = 60
"""Columns of a terminal: a Chinese character has two."""
SENTENCE = pattern(r"(?<=[.。])(?=\s|$)\s*|(?<=。)|\n\n")
"""Where a sentence ends: the full stop of a file's name or a version is followed by no blank."""


class LineEdit(Data, frozen=True, kw_only=True):
    """A line of a file that is known as it should be. *stands*: the line, without its indentation; *instead*: what stands there
    afterwards: one line or several, each indented by as much as the line was, or "" where it goes."""

    location: Location
    stands: str
    instead: str


class StepCause(Data, frozen=True, kw_only=True):
    """A finding that a step deals with. *todo*: what to do, as its page says it for a plan, else how the page's Fix begins.
    *by_hand*: the same where it is to be done beside the commands of the step, else "". *edits*: the lines that change
    together, where they can be written. *along*: codes of other causes whose corrections of these lines are in them."""

    code: str
    title: str
    todo: str
    by_hand: str = ""
    location: Location | None
    edits: tuple[LineEdit, ...] = ()
    along: tuple[str, ...] = ()

    @property
    def lines(self) -> tuple[tuple[Location | None, str | None], ...]:
        """(where, what should stand there) of each line; where none can be written, the place alone."""
        return tuple((one.location, one.instead) for one in self.edits) or ((self.location, None),)


def codes_of(causes: Iterable[StepCause]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(code for one in causes for code in (one.code, *one.along)))


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
    def by_hand(self) -> tuple[str, ...]:
        """What is to be done before the commands are run."""
        return tuple(dict.fromkeys(one.by_hand for one in self.causes if one.by_hand)) if self.commands else ()

    @property
    def fixes(self) -> tuple[str, ...]:
        """Codes of the causes."""
        return codes_of(self.causes)


class Asked(Data, frozen=True, kw_only=True):
    """A root, and what its page says of it."""

    finding: Finding
    words: Words

    @property
    def kind(self) -> Action:
        return self.words.action(self.finding)

    def cause(self, kind: Action) -> StepCause:
        """As a step of that kind deals with it."""
        return StepCause(
            code=self.finding.code,
            title=self.words.title,
            todo=self.words.todo or _beginning(self.words.fix) or self.words.title,
            by_hand=self.words.todo if kind is self.kind else "",
            location=self.finding.location,
            edits=tuple(edits_of(self.finding)),
        )

    def commands(self, kind: Action) -> tuple[str, ...]:
        return tuple(one.command for one in self.words.doings if one.action is kind and one.pip is None)

    def files(self, kind: Action) -> tuple[FileChange, ...]:
        return tuple(one.change for one in self.words.doings if one.action is kind and one.change is not None)

    @property
    def pip(self) -> tuple[tuple[str, ...], ...]:
        return tuple(one.pip for one in self.words.doings if one.pip is not None)


Changed = Sequence[tuple[Sequence[str], Sequence[str]]]
"""Words of a command, and those that take their place."""


def plan_of(diagnosis: Diagnosis, asked: Sequence[Asked], again: str, restarted: Changed = ()) -> tuple[Step, ...]:
    """*asked*: the roots, the gravest first. *again*: the command that runs the doctor as it was run. *restarted*: what
    changes in it when the service was restarted. No steps: all is well.

    A root that is a note asks for nothing, unless it explains a graver finding.
    """
    asked = [one for one in asked if _grave(diagnosis, one.finding)]
    steps = [step for kind in Action for step in _steps(kind, asked, diagnosis)]
    if not steps:
        return ()
    changed = any(step.kind is not Action.LOOK for step in steps)
    if changed and not any(step.kind is Action.RESTART for step in steps):
        steps.append(Step(kind=Action.RESTART, commands=(), causes=()))
    is_restarted = any(step.kind is Action.RESTART for step in steps)
    command = _again(again, asked, restarted if is_restarted else ())
    return (*steps, Step(kind=Action.LOOK, commands=(command,), causes=()))


def _again(command: str, asked: Sequence[Asked], restarted: Changed) -> str:
    """The command with right words in place of wrong ones, where a finding knows them (*again_with*: [wrong, right], each a word
    or several), and with what is still so after the restart."""
    for one in asked:
        told = one.finding.evidence.get("again_with")
        if told:
            wrong, right = ((some,) if isinstance(some, str) else some for some in told)
            command = _with(command, wrong, right)
    for wrong, right in restarted:
        command = _with(command, wrong, right)
    return command


def _with(command: str, wrong: Sequence[str], right: Sequence[str]) -> str:
    """*right* in place of *wrong*: whole words, or what a flag is given by "="."""
    old, new = (" ".join(str(quoted(word)) for word in words) for words in (wrong, right))
    flags = re.escape(old).replace("\\ ", "[ =]")
    return re.sub(rf"(?:(?<= )|(?<==)){flags}(?= |$)", lambda _: new, command).replace("  ", " ").rstrip()


def edits_of(finding: Finding) -> Iterator[LineEdit]:
    """What its evidence says of lines: *fixed* is what should stand in place of *text* at its location, and *also* are other
    lines that have to change: {"file", "line", "text", "fixed"}."""
    told, place = finding.evidence, finding.location
    if place is None or not isinstance(told.get("text"), str):
        return
    if isinstance(told.get("fixed"), str):
        yield LineEdit(location=place, stands=told["text"], instead=told["fixed"])
    for one in told.get("also") or ():
        there = Location(file=one["file"], line=one["line"])
        yield LineEdit(location=there, stands=one["text"], instead=one["fixed"])


def _beginning(fix: str) -> str:
    """Whole sentences, as many as say something ("Bind all addresses." alone does not say how)."""
    told = ""
    for sentence in SENTENCE.split(fix.partition("\n\n")[0]):
        if cell_len(told) >= TELLING:
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
            by_commands.setdefault(commands, []).append(one.cause(kind))
            files[commands] = one.files(kind)
    for commands, causes in by_commands.items():
        yield Step(kind=kind, commands=commands, causes=_from_the_end(_apart(causes)), files=files[commands])


def _from_the_end(causes: Iterable[StepCause]) -> tuple[StepCause, ...]:
    """By file, in the order of their gravest causes, and each from its end: a line that goes moves only those below it. So the
    lines of one cause stand apart where another's lies between them."""
    files: dict[str | int, int] = {}
    placed: list[tuple[int, int, StepCause]] = []
    for place, cause in enumerate(causes):
        for one in [replace(cause, edits=(edit,)) for edit in cause.edits] or [cause]:
            where = one.lines[0][0]
            file, line = (where.file, where.line) if where else (place, 0)
            placed.append((files.setdefault(file, place), -line, one))
    return tuple(cause for _, _, cause in sorted(placed, key=lambda one: one[:2]))


def _apart(causes: Iterable[StepCause]) -> list[StepCause]:
    """What stands in place of a line is said once, with all that changes it. Where two corrections cannot be in one line, the
    second cause says what to do, since its line lacks what the first one changed: the next look writes it anew."""
    told: list[StepCause] = []
    for cause in causes:
        places = {_place(one) for one in cause.edits}
        there = [n for n, one in enumerate(told) if places & {_place(edit) for edit in one.edits}]
        whole = _together_with(told[there[0]], cause) if len(there) == 1 else None
        if whole is not None:
            told[there[0]] = whole
        else:
            told.append(replace(cause, edits=()) if there else cause)
    return told


def _place(edit: LineEdit) -> tuple[str, int]:
    return edit.location.file, edit.location.line


def _together_with(cause: StepCause, other: StepCause) -> StepCause | None:
    """*cause* with the corrections of *other* in its lines; None where they contradict."""
    lines = {_place(one): one for one in cause.edits}
    for one in other.edits:
        before = lines.get(_place(one))
        text = one.instead if before is None else combined(one.stands, before.instead, one.instead)
        if text is None:
            return None
        lines[_place(one)] = replace(one, instead=text)
    return replace(cause, edits=tuple(lines.values()), along=(*cause.along, other.code, *other.along))


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
    told = tuple(one.cause(Action.PIP) for one in causes)
    yield Step(kind=Action.PIP, commands=tuple(commands), causes=told, image=image, pip=tuple(actions))
