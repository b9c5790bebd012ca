"""`fleet report`: from documents to a report in every format that was asked for, and an exit code."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NoReturn

import typer

from retina_doctor.catalogue.registry import installed
from retina_doctor.command import Run
from retina_doctor.errors import UsageError
from retina_doctor.fleet import forms, history
from retina_doctor.fleet.cores import judge
from retina_doctor.fleet.documents import Document, documents
from retina_doctor.fleet.history import History
from retina_doctor.fleet.judging import How, Missing
from retina_doctor.fleet.node_sets import INSTALL, can_fold
from retina_doctor.fleet.summing import FleetSum, allowed
from retina_doctor.fleet.whole import Fleet
from retina_doctor.reports.report import PLAIN
from retina_doctor.running import output
from retina_doctor.running.run import threshold_of


def report(
    run: Run, words: Sequence[str], wanted: Sequence[str], tolerate: str, into: Path | None, name: str
) -> NoReturn:
    """*into*: the history that takes this run, by that *name*. Raises UsageError."""
    outputs = output.outputs(list(wanted), forms.NAMES)
    how = How(language=run.language, fail_on=run.flags.get("fail_on") or "", keep=into is not None)
    if name and into is None:
        raise UsageError("--run names a run that --into keeps")
    with contextlib.nullcontext() if into is None else history.writing(into) as kept:
        fleet = read(words, how, tolerate, kept, name)
    for form, file in sorted(outputs, key=lambda one: one[1] is not None):
        output.deliver(form, file, forms.writer(form)(fleet, run.language, run.terminal if file is None else PLAIN))
    raise typer.Exit(fleet.exit_code)


def read(words: Sequence[str], how: How, tolerate: str = "", kept: History | None = None, name: str = "") -> Fleet:
    """All that is in files, folders and standard input. Complaints go to standard error. Raises UsageError."""
    allowed(tolerate, 1)  # complains before anything is read
    threshold_of(how.fail_on or "never")
    whole = FleetSum()
    number = kept.begin(name) if kept else 0

    def given() -> Iterator[Document]:
        for one in documents(words):
            if isinstance(one, Missing):
                whole.lack([one])
            else:
                yield one

    for chunk, traits in judge(given(), how):
        nodes = whole.take(chunk, traits)
        if kept:
            kept.keep(number, nodes)
    if kept:
        kept.lack(number, whole.missing)
    for line in whole.complaints:
        output.complain(line)
    if not whole.nodes and not whole.missing:
        raise UsageError(f"{' '.join(words)}: no snapshot (files *.json that `retina-doctor collect` wrote)")
    if not can_fold() and len(whole.nodes) > 1:
        output.tell(f"retina-doctor: node names are not folded without ClusterShell: {INSTALL}\n")
    names = {entry.check.code: entry.check.name for entry in installed().entries}
    return whole.fleet(names, tolerate)
