"""Speaks: code + language + evidence -> words. What a page looks like: `page_source`.

Title, message and fix of a finding are filled from its evidence (`filling`); a place that the evidence does not fill is an
error. `language` is "en" or "zh". `told(x)` puts evidence of the form {"key", "values"}, or a list of such, into
the words of the packs' tables of reasons: the check names the sentences that hold, and the page needs no conditions.
`word(x)` puts what probes say in English (a stage, an outcome, each of a list) into words of the language. Evidence may bear
none of these names. Whatever it puts into a command is quoted for the shell.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from retina_doctor.catalogue.registry import Catalogue
from retina_doctor.codec import Data, to_json
from retina_doctor.language import Language
from retina_doctor.model import Action, Finding, Reason, Snapshot, interpreter_of
from retina_doctor.quoting import PASSWORD, argument, visible
from retina_doctor.words.filling import Filling
from retina_doctor.words.page_source import BLOCK, PageError, file_of, source
from retina_doctor.words.reasons import reason_text, words_of
from retina_doctor.words.remedies import FileChange, Remedies


class Doing(Data, frozen=True, kw_only=True):
    """A command of a page and its kind. *pip*: its action and words, where it changes packages of the service's Python.
    *change*: what it does to files."""

    command: str
    action: Action | None
    pip: tuple[str, ...] | None = None
    change: FileChange | None = None


class Words(Data, frozen=True, kw_only=True):
    """A finding in one language. *commands*: one runnable line each; *doings*: the same with their kinds. *aside*: what
    else to mind, or "". *todo*: what to do by hand, as the page says it for a plan, or "". *broken*: why the page could not be
    used; then the title is the name, and the message the evidence.
    """

    title: str
    message: str
    fix: str
    commands: tuple[str, ...]
    aside: str
    why: str
    todo: str = ""
    broken: str | None = None
    doings: tuple[Doing, ...] = ()

    def action(self, finding: Finding) -> Action:
        """What the finding asks for: what its last command does that does more than look, else what its check says. A restart
        follows an edit, and makes none."""
        kinds = [one.action for one in self.doings if one.action not in (None, Action.LOOK)]
        if finding.action is Action.EDIT and set(kinds) == {Action.RESTART}:
            return Action.EDIT
        return kinds[-1] or Action.LOOK if kinds else finding.action or Action.LOOK


def spoken(finding: Finding, snapshot: Snapshot, catalogue: Catalogue, language: Language) -> Words:
    """The words of a finding; where its page is wrong, which must not take the report with it, the finding as data."""
    try:
        return render(finding, snapshot, catalogue, language)
    except Exception as error:
        file = file_of(catalogue.of_code(finding.code).pages, finding.name, language)
        width = max(map(len, finding.evidence), default=0)
        rows = [
            f"{key:<{width}}  {visible(to_json(value, indent=0).strip())}" for key, value in finding.evidence.items()
        ]
        broken = str(error) if isinstance(error, PageError) else f"{file}: {type(error).__name__}: {error}"
        return Words(title=finding.name, message="\n".join(rows), fix="", commands=(), aside="", why="", broken=broken)


def render(finding: Finding, snapshot: Snapshot, catalogue: Catalogue, language: Language) -> Words:
    """The words of a finding, filled from its evidence. Raises PageError, and whatever `Filling` does."""
    whole = source(catalogue.of_code(finding.code).pages, finding.name, language)
    page = whole.of(finding.variant)
    remedies = Remedies(snapshot.target, interpreter_of(snapshot))
    values: dict[str, Any] = {**finding.evidence, "subject": finding.subject, "language": language, **remedies.names()}

    def told(reason: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None) -> str:
        """{"key", "values"} of evidence in the words of the packs' tables of reasons; of a list, one sentence after another.
        A value that is such a reason itself is told first, and lists are joined."""
        if not isinstance(reason, Mapping | None):
            return ("" if language == "zh" else " ").join(map(told, reason))
        if reason is None:
            return ""
        filled = {key: _in_reason(value, told, language) for key, value in reason["values"].items()}
        return reason_text(Reason(reason["key"], filled), catalogue, language)

    values["told"] = told
    values["word"] = lambda given: words_of(given, catalogue, language)
    hidden = [name for name, value in finding.evidence.items() if values[name] is not value]
    if hidden:
        raise PageError(f"{finding.name}: the evidence has a name of what every page may use: {', '.join(hidden)}")
    texts, doings = _filled_fix(page.fix, finding, values, remedies)
    return Words(
        title=one_line(_prose(page.title, values)),
        message=one_line(_prose(page.message, values)),
        fix="\n\n".join(one_line(part) for text in texts for part in text.split("\n\n") if part.strip()),
        commands=tuple(one.command for one in doings),
        doings=tuple(doings),
        aside=_aside(remedies, doings, catalogue, language),
        todo=one_line(_prose(page.todo, values)) or _built_again(remedies, catalogue, language),
        why=whole.why,
    )


def _filled_fix(
    fix: str, finding: Finding, values: Mapping[str, Any], remedies: Remedies
) -> tuple[list[str], list[Doing]]:
    """Its prose, and the commands between."""
    doings: list[Doing] = []
    texts: list[str] = []
    position = 0
    for block in BLOCK.finditer(fix):
        texts.append(_prose(fix[position : block.start()], values))
        kind = Action(block[1]) if block[1] else finding.action
        for line in filter(None, map(str.strip, _shell(block[2], values).split("\n"))):
            pip = remedies.made.get(line)
            change = remedies.changes.get(line)
            doings.append(Doing(command=line, action=Action.PIP if pip else kind, pip=pip, change=change))
        position = block.end()
    texts.append(_prose(fix[position:], values))
    return texts, doings


def _aside(remedies: Remedies, doings: list[Doing], catalogue: Catalogue, language: Language) -> str:
    """What stands beside the commands: how an image is made so, and that a password is to be filled in."""
    told = [built] if (built := _built_again(remedies, catalogue, language)) else []
    if remedies.for_image and remedies.interpreter and remedies.interpreter.container:
        line = "RUN " + " && ".join(remedies.for_image)
        told.append(reason_text(Reason("in-image", {"line": line}), catalogue, language))
    if any(PASSWORD in one.command for one in doings):
        told.append(reason_text(Reason("fill-password"), catalogue, language))
    return " ".join(told)


def _built_again(remedies: Remedies, catalogue: Catalogue, language: Language) -> str:
    """Where pip changes nothing of what the program has."""
    if not remedies.to_build:
        return ""
    values = {"folder": remedies.target.brought, "line": " && ".join(remedies.to_build)}
    return reason_text(Reason("build-again", values), catalogue, language)


def _in_reason(value: Any, told: Callable[[Any], str], language: Language) -> Any:
    """A value of a reason as its sentence takes it."""
    if isinstance(value, Mapping) and set(value) == {"key", "values"}:
        return told(value)
    if isinstance(value, list | tuple):
        return ("、" if language == "zh" else ", ").join(str(visible(one)) for one in value)
    return value


def one_line(text: str) -> str:
    """Markdown of a page as running text; `code` stays marked for whoever draws it.

    Source lines are wrapped for the reader of the page; between two Chinese characters a break is no space."""
    text = text.strip()
    if not text.isascii():
        text = re.sub(r"(?<=[\u3000-\u9fff\uff00-\uffef])\s*\n\s*(?=[\u3000-\u9fff\uff00-\uffef])", "", text)
    return re.sub(r"\s*\n\s*", " ", text)


def _in_prose(value: Any) -> Any:
    """What evidence holds, as it stands in a sentence: of a table, each name with its value."""
    if isinstance(value, Mapping):
        return visible(", ".join(f"{key}: {one}" for key, one in value.items()))
    return visible(", ".join(map(str, value)) if isinstance(value, list | tuple) else value)


_prose = Filling(_in_prose)
_shell = Filling(argument)
