"""`fleet report`: from documents to a report in every format that was asked for, and an exit code."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NoReturn

import typer

from retina_doctor import output
from retina_doctor.command import Run
from retina_doctor.errors import UsageError
from retina_doctor.fleet import forms
from retina_doctor.fleet.cores import judge
from retina_doctor.fleet.documents import Document, documents
from retina_doctor.fleet.judging import Missing
from retina_doctor.fleet.node_sets import INSTALL, can_fold
from retina_doctor.fleet.summing import Fleet, Sum, allowed
from retina_doctor.registry import installed
from retina_doctor.reports import PLAIN
from retina_doctor.settings import Language


def report(run: Run, words: Sequence[str], wanted: Sequence[str], tolerate: str) -> NoReturn:
    """Raises UsageError."""
    outputs = output.outputs(list(wanted), forms.NAMES)
    fleet = read(words, run.language, run.flags.get("fail_on") or "", tolerate)
    lost = False
    for name, file in sorted(outputs, key=lambda one: one[1] is not None):
        try:
            output.deliver(name, file, forms.writer(name)(fleet, run.language, run.terminal if file is None else PLAIN))
        except (UsageError, output.NoOutput) as error:
            output.complain(str(error))
            lost = True
    raise typer.Exit(3 if lost and fleet.exit_code == 0 else fleet.exit_code)


def read(words: Sequence[str], language: Language, fail_on: str, tolerate: str = "") -> Fleet:
    """All that is in files, folders and standard input. Complaints go to standard error. Raises UsageError."""
    allowed(tolerate, 1)  # complains before anything is read
    if fail_on not in ("", "error", "warning", "never"):
        raise UsageError(f"--fail-on {fail_on}: known are error, warning, never")
    whole = Sum()

    def given() -> Iterator[Document]:
        for one in documents(words):
            if isinstance(one, Missing):
                whole.lack([one])
            else:
                yield one

    for chunk, traits in judge(given(), language, fail_on):
        whole.take(chunk, traits)
    for line in whole.complaints:
        output.complain(line)
    if not whole.nodes and not whole.missing:
        raise UsageError(f"{' '.join(words)}: no snapshot (files *.json that `retina-doctor collect` wrote)")
    if not can_fold() and len(whole.nodes) > 1:
        output.tell(f"retina-doctor: node names are not folded without ClusterShell: {INSTALL}\n")
    names = {entry.check.code: entry.check.name for entry in installed().entries}
    return whole.fleet(names, tolerate)
