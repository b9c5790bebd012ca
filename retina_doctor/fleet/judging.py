"""One node: its snapshot judged, and of that only what the report of a fleet needs. Pure, so that it runs on any core."""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from typing import Literal

from retina_doctor.catalogue.registry import Catalogue
from retina_doctor.codec import Data, field, replace
from retina_doctor.errors import UsageError, described
from retina_doctor.fleet.traits import Traits
from retina_doctor.judging.diagnose import diagnose
from retina_doctor.language import Language
from retina_doctor.masking.words import masked
from retina_doctor.model import Action, Severity, Snapshot, Verdict, interpreter_of
from retina_doctor.redaction import shown, without_secrets
from retina_doctor.reports.labels import step_text
from retina_doctor.reports.report import Report, report_of
from retina_doctor.running.run import threshold_of
from retina_doctor.support_file import SnapshotError, load, save

State = Literal["error", "warning", "note", "explained", "unknown", "broken"]
"""Of a check on a node, where it is neither passed nor without object."""


class How(Data, frozen=True, kw_only=True):
    """What is asked of each snapshot. *fail_on* "": as its settings say. *keep*: its text is wanted, too."""

    language: Language
    fail_on: str = ""
    keep: bool = False


def packed(text: bytes) -> bytes:
    """A snapshot's text as history keeps it."""
    return zlib.compress(text, 6)


class Root(Data, frozen=True, kw_only=True):
    """A finding that no other one explains, and its title on this node. *severity*: the gravest of it and what it explains;
    *fails*: the gate does not let that pass."""

    code: str
    name: str
    severity: Severity
    title: str
    fails: bool


class NodeTodo(Data, frozen=True, kw_only=True):
    """A step of a node's plan. *text*: whose it is, or what to do where no command says it."""

    kind: Action
    text: str
    commands: tuple[str, ...]
    fixes: tuple[str, ...]


class Node(Data, frozen=True, kw_only=True):
    """A node that was judged. *named*: by its snapshot, not by its file. *states*: by code. *exit_code*: as `diagnose` of its
    file would end."""

    label: str
    named: bool
    file: str
    created: str
    verdict: str
    exit_code: int
    roots: tuple[Root, ...]
    states: dict[str, State]
    todos: tuple[NodeTodo, ...]
    content: bytes = b""
    """Its snapshot as history keeps it, where it is to be kept."""


class Missing(Data, frozen=True, kw_only=True):
    """A node of which there is nothing to judge. *label* "": not even its name is known. *asked*: it was to be collected, and
    did not answer; else what was given of it cannot be read."""

    label: str
    why: str
    asked: bool = False


class Chunk(Data, frozen=True, kw_only=True):
    """What came of some documents. *passed_over*: files of a folder that are no snapshots."""

    nodes: list[Node] = field(default_factory=list)
    missing: list[Missing] = field(default_factory=list)
    passed_over: list[str] = field(default_factory=list)


def judged(snapshot: Snapshot, file: str, stem: str, catalogue: Catalogue, how: How) -> Node:
    """*snapshot*: without its secrets. *stem*: what the node is called where its snapshot does not say.

    Raises UsageError where its settings name checks that do not exist.
    """
    threshold = threshold_of(how.fail_on or snapshot.settings.gate.fail_on)
    diagnosis = diagnose(snapshot, catalogue)
    report = report_of(diagnosis, catalogue, how.language, threshold)
    states: dict[str, State] = {}
    for one in report.diagnosis.judgements:
        if one.verdict is Verdict.UNKNOWN:
            states[one.code] = "unknown"
        elif one.verdict is Verdict.ERROR:
            states[one.code] = "broken"
    roots = {root.key for root in report.diagnosis.roots}
    for finding in report.diagnosis.findings:
        if finding.key in roots:
            worse = {"error": 3, "warning": 2, "note": 1}
            if worse.get(states.get(finding.code, ""), 0) < finding.severity.rank + 1:
                states[finding.code] = finding.severity.value
        else:
            states.setdefault(finding.code, "explained")
    return Node(
        label=_label(snapshot) or stem,
        named=bool(_label(snapshot)),
        file=file,
        created=snapshot.created,
        verdict=report.diagnosis.verdict,
        exit_code=report.exit_code,
        roots=tuple(
            Root(
                code=one.code,
                name=one.name,
                severity=report.diagnosis.gravest(one),
                title=report.words(one).title,
                fails=report.fails(one),
            )
            for one in report.diagnosis.roots
        ),
        states=states,
        todos=_todos(report),
    )


def _todos(report: Report) -> tuple[NodeTodo, ...]:
    """The node's plan, less its end: to look again is one command for the fleet."""
    return tuple(
        NodeTodo(kind=step.kind, text=step_text(step, report.language), commands=step.commands, fixes=step.fixes)
        for step in report.plan()
        if step.causes
    )


def _label(snapshot: Snapshot) -> str:
    """What the operator calls it, else its own name, unless that was taken out: then it is the same for many."""
    if snapshot.label or snapshot.redacted:
        return _named(snapshot.label)
    interpreter = interpreter_of(snapshot)
    return _named(interpreter.hostname) if interpreter else ""


def _named(label: str) -> str:
    """The name of a pod is as random as a token is (face-5d8f7c9b6d-x2x9z), and nodes with one name would be one node: so in
    a name only parts are masked that are longer than clouds and clusters make them."""
    if not re.fullmatch(r"[\w.-]+", label):
        return shown(label)
    return re.sub(r"[^\W_]{24,}", _long_part, masked(label))


def _long_part(part: re.Match[str]) -> str:
    """Machine ids and containers are named in hexadecimal digits; masked whole, they would all be one node."""
    masked_whole = shown(part[0])
    is_hexadecimal = masked_whole != part[0] and re.fullmatch("[0-9a-f]+", part[0])
    return part[0][:8] + masked_whole if is_hexadecimal else masked_whole


def judge_all(documents: Sequence[tuple[str, str, bytes]], catalogue: Catalogue, how: How) -> tuple[Chunk, Traits]:
    """*documents*: file, what a node without a name is called, content."""
    chunk, traits = Chunk(), Traits()
    for file, stem, text in documents:
        try:
            whole = load(text)
            snapshot = replace(without_secrets(whole, catalogue), label=whole.label)
            node = judged(snapshot, file, stem, catalogue, how)
            if how.keep:
                node = replace(node, content=packed(save(replace(snapshot, label=node.label)).encode()))
        except (SnapshotError, UsageError) as error:
            chunk.missing.append(Missing(label=stem, why=f"{file}: {error}"))
        except Exception as error:  # one node must not take the others with it
            chunk.missing.append(Missing(label=stem, why=f"{file}: cannot be judged: {described(error)}"))
        else:
            traits.take(len(chunk.nodes), snapshot, catalogue)
            chunk.nodes.append(node)
    return chunk, traits
