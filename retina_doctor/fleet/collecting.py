"""`fleet collect`: a snapshot from each node, kept as soon as it is there, and a word on those of which there is none."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NoReturn

import typer

from retina_doctor import __version__
from retina_doctor.catalogue.registry import Catalogue, installed
from retina_doctor.codec import encode, replace, to_json, to_line
from retina_doctor.command import Run
from retina_doctor.errors import UsageError
from retina_doctor.fleet.documents import COLLECTED, Collected, collected
from retina_doctor.fleet.forms import counted
from retina_doctor.fleet.judging import Missing
from retina_doctor.fleet.node_sets import NODE, folded, in_order
from retina_doctor.fleet.sending import NodeAnswer, NodeAsking
from retina_doctor.fleet.wanted import NodesWanted
from retina_doctor.model import Recorded, Snapshot
from retina_doctor.moment import now
from retina_doctor.probing.processes import made_of
from retina_doctor.redaction import redact, without_secrets
from retina_doctor.redaction.marks import Marks
from retina_doctor.redaction.rules import Rules
from retina_doctor.running import output
from retina_doctor.support_file import save


class Collecting:
    """One call of `fleet collect`, into a folder."""

    def __init__(self, run: Run, wanted: NodesWanted, folder: Path, *, redacted: bool) -> None:
        """Raises UsageError."""
        settings = run.settings()
        if settings.target.command or settings.process.pid:
            raise UsageError("fleet collect: --python names the Python on each node, not --target or --pid")
        self.wanted, self.folder = wanted, folder
        self.redacted = redacted
        self.catalogue: Catalogue = installed()
        self.asking = NodeAsking(settings, self.catalogue, wanted.way.python, wanted.piece)
        self.missing: list[Missing] = list(wanted.missing)
        if Path(COLLECTED).stem in wanted.nodes:
            raise UsageError(
                f"a node cannot be called {Path(COLLECTED).stem}: {COLLECTED} says how the collecting ended"
            )
        file = folder / COLLECTED
        self.earlier = collected(file) if file.is_file() else Collected()
        self.told: list[str] = []
        self._understood: dict[str, Recorded] = {}
        self._later: dict[str, dict[str, Recorded]] = {}
        self._alive = sys.stderr is not None and sys.stderr.isatty()

    def collect(self) -> None:
        """Raises Interrupted, after what came until then has been kept."""
        nodes = self.wanted.nodes
        try:
            if nodes:
                self.wanted.asker(
                    nodes, self.wanted.way, lambda: NodeAnswer(self.asking), self.asking.program, self._take
                )
        finally:
            for node, readings in self._later.items():
                self._keep(node, readings)
            done = {*self.told, *(one.label for one in self.missing)}
            self.missing += [Missing(label=node, why="interrupted", asked=True) for node in nodes if node not in done]
            self._conclude()

    def _conclude(self) -> None:
        """What is known of nodes that were not asked this time stays; of one that did not answer no older snapshot does, which
        would be taken for its answer."""
        for one in self.missing:
            if NODE.fullmatch(one.label):
                (self.folder / f"{one.label}.json").unlink(missing_ok=True)
        missing = {one.label: one for one in (*self.earlier.missing, *self.missing)}
        for label in self.told:
            missing.pop(label, None)
        told = [missing[label] for label in in_order(missing)]
        kept = Collected(created=now(), missing=tuple(self._sent(told) if self.redacted else told))
        output.write(self.folder / COLLECTED, to_json(encode(kept)))

    def _sent(self, missing: Sequence[Missing]) -> Iterator[Missing]:
        """As they may leave the machine beside the snapshots; a node's own name is the label of its row. The same word has
        the same mark in all rows, and those of an earlier run keep theirs."""
        marks = Marks()
        marks.used(one.why for one in missing)
        rules = Rules(marks)
        for one in missing:
            parts = re.split(rf"(?<![\w.:@-]){re.escape(one.label)}(?![\w.:@-])", one.why)
            yield replace(one, why=one.label.join(map(rules.text, parts)))

    def _take(self, node: str, answer: NodeAnswer, why: str) -> None:
        if not answer.begun:
            self.missing.append(Missing(label=node, why=why or "said nothing", asked=True))
        else:
            readings = answer.readings(why)
            fetched = {name: one for name, one in readings.items() if self.asking.probes[name].local and one.facts}
            if all(to_line(one.facts) in self._understood for one in fetched.values()):
                self._keep(node, readings)
            else:
                self._later[node] = readings  # in processes of our own, for which no node waits
        if self._alive:
            done = len(self.told) + len(self.missing) + len(self._later)
            output.tell(f"\r{done}/{len(self.wanted.nodes)}" + ("\n" if done == len(self.wanted.nodes) else ""))

    def _keep(self, node: str, readings: dict[str, Recorded]) -> None:
        for name, one in list(readings.items()):
            if self.asking.probes[name].local and one.facts:
                readings[name] = made_of(one, self._understand(name, one))
        snapshot = Snapshot(
            created=now(),
            doctor=__version__,
            settings=self.asking.settings,
            target=self.asking.target(node),
            readings=readings,
            label=node,
            seen_from=self.asking.seen_from,
        )
        text = save((redact if self.redacted else without_secrets)(snapshot, self.catalogue))
        output.write(self.folder / f"{node}.json", text, private=True)
        self.told.append(node)

    def _understand(self, name: str, fetched: Recorded) -> Recorded:
        """What the doctor's own side makes of it; once for all nodes that told the same."""
        key = to_line(fetched.facts)
        if key not in self._understood:
            from retina_doctor.probing.processes import ProbeRun

            with ProbeRun(self.asking.looking) as run:
                self._understood[key] = run.understood(self.asking.probes[name], fetched)
        return self._understood[key]


def collect(run: Run, wanted: NodesWanted, folder: Path, *, redacted: bool) -> NoReturn:
    """Raises UsageError, Interrupted."""
    as_json = run.as_json
    _prepare(folder)
    work = Collecting(run, wanted, folder, redacted=redacted)
    try:
        work.collect()
    finally:
        _tell(run, work, as_json)
    raise typer.Exit(2 if wanted.refused else 3 if work.missing else 0)


def _tell(run: Run, work: Collecting, as_json: bool) -> None:
    if as_json:
        missing = [{"label": one.label, "why": one.why} for one in work.missing]
        run.show(
            to_json({"format": 1, "folder": str(work.folder), "snapshots": in_order(work.told), "missing": missing})
        )
        return
    lines = [f"{work.folder}: told by {len(work.told)} of {counted(len(work.wanted.names), 'en')}"]
    by_why: dict[str, list[str]] = {}
    for one in work.missing:
        by_why.setdefault(one.why, []).append(one.label)
    lines += [f"  {folded(labels)}: {why}" for why, labels in by_why.items()]
    if work.told:
        lines.append(f"Judge them with: retina-doctor fleet report {shlex.quote(str(work.folder))}")
    run.show("".join(f"{output.in_one_line(line)}\n" for line in lines))


def _prepare(folder: Path) -> None:
    """Raises UsageError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{folder}: cannot be made: {error.strerror}") from None
    output.check_writable(folder / COLLECTED)
