"""One run of a command: from what was asked to what is shown. Nothing but Typer is imported until it is asked for something."""

from __future__ import annotations

import functools
import os
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import typer

from retina_doctor.errors import UsageError
from retina_doctor.language import language_of

if TYPE_CHECKING:
    from retina_doctor.language import Language
    from retina_doctor.looking.attach import Attachment
    from retina_doctor.model import Severity, Snapshot
    from retina_doctor.reports.profile import Profile
    from retina_doctor.reports.report import Look, Report
    from retina_doctor.running.baseline import Baseline
    from retina_doctor.running.output import Outputs
    from retina_doctor.settings import Settings

TEXT_OR_JSON = ("terminal", "json")
"""Formats of a command that gives no report."""


def threshold_of(fail_on: str) -> Severity | None:
    """From which severity on to exit 1; None: never. Raises UsageError."""
    from retina_doctor.model import Severity

    if fail_on not in ("error", "warning", "never"):
        raise UsageError(f"--fail-on {fail_on}: known are error, warning, never")
    return None if fail_on == "never" else Severity(fail_on)


def worst(codes: Collection[int]) -> int:
    """The exit code of several: the first of these that one of them ends with."""
    return next(code for code in (2, 1, 3, 0) if code in codes)


def _check_words(words: Iterable[str]) -> None:
    """Words that stand for checks: a catalogue is loaded where there are some. Raises UsageError."""
    from retina_doctor.catalogue.registry import installed

    installed().matching(words)


class Run:
    """One run of a command: what its flags say, the settings and the looking they ask for, and where the answer goes."""

    def __init__(self, flags: Mapping[str, Any]) -> None:
        """*flags*: by parameter; None or empty where not given. Raises UsageError."""
        self.flags = flags
        self.language: Language = language_of(flags.get("lang"), os.environ)
        self.profile: Profile | None = None
        if flags.get("profile"):
            from retina_doctor.reports.profile import Profile

            self.profile = Profile()

    @staticmethod
    def of(ctx: typer.Context) -> Run:
        """The run of a command whose class is `Flagged`."""
        run = ctx.obj
        assert isinstance(run, Run), "the command is not made with cls=taking(...)"
        return run

    @functools.cached_property
    def as_json(self) -> bool:
        """For commands whose formats are TEXT_OR_JSON. Raises UsageError."""
        from retina_doctor.running.output import one_of

        return "json" in one_of(list(self.flags["format"] or ()), TEXT_OR_JSON)

    @functools.cached_property
    def outputs(self) -> Outputs:
        """For commands that give a report: its formats, and where each goes. Raises UsageError."""
        from retina_doctor.running.output import outputs

        return outputs(list(self.flags["format"] or ()))

    @functools.cached_property
    def baseline(self) -> tuple[str, Baseline] | None:
        """The earlier report that was named, and what it knows. Raises UsageError."""
        file = self.flags.get("baseline")
        if not file:
            return None
        from retina_doctor.running.baseline import read_baseline

        return file, read_baseline(Path(file))

    def settings(self, **fixed: Mapping[str, Any]) -> Settings:
        """*fixed*, by table and key, over flags, environment and file. Raises UsageError."""
        from retina_doctor.settings.sources import load_settings, of_flags, working_directory

        tables = of_flags(self.flags)
        for table, values in fixed.items():
            tables[table] = {**tables.get(table, {}), **values}
        config = self.flags.get("config")
        file = Path(config) if config else None
        return load_settings(file, os.environ, tables, working_directory(), check_words=_check_words)

    def look(self, *, outputs: Outputs | None = None, **fixed: Mapping[str, Any]) -> Snapshot:
        """A snapshot of the machine as the settings ask. *outputs*: of the report that will be made of it. Raises UsageError."""
        from retina_doctor.looking import desk

        if desk.is_desk():
            from retina_doctor.catalogue.registry import installed

            return desk.look(self.settings(**fixed), installed())
        return self.look_at(self.attached(**fixed), outputs=outputs)

    def attached(self, **fixed: Mapping[str, Any]) -> Attachment:
        """The settings, and the process of the service that they lead to. Raises UsageError."""
        from retina_doctor.catalogue.registry import installed
        from retina_doctor.looking.asking import choose
        from retina_doctor.looking.attach import attach
        from retina_doctor.running import output

        # Before anything is drawn on the terminal: the operator may be asked.
        attachment = attach(self.settings(**fixed), installed(), choose)
        if attachment.note:
            output.tell(f"retina-doctor: {attachment.note}\n")
        self.lap("settings")
        return attachment

    def look_at(self, attachment: Attachment, *, outputs: Outputs | None = None) -> Snapshot:
        """As `look`, for a service that is known."""
        from retina_doctor.catalogue.registry import installed
        from retina_doctor.looking.look import look
        from retina_doctor.running import output, progress
        from retina_doctor.running.rehearsal import Rehearsal

        rehearsal = Rehearsal(outputs or [])

        def told(line: str) -> None:
            output.tell(f"retina-doctor: {line}\n")

        with progress.shown(self.language, colour=not self.flags.get("no_color")) as show:
            snapshot = look(attachment, installed(), os.environ, show, rehearsal.begin, told)
        rehearsal.end()
        self.lap("probes")
        return snapshot

    def lap(self, part: str) -> None:
        """For --profile: that part of the run has ended."""
        if self.profile is not None:
            self.profile.lap(part)

    def tell_profile(self, snapshot: Snapshot) -> None:
        """To standard error, where it was asked for."""
        if self.profile is not None:
            from retina_doctor.running.output import tell

            tell(self.profile.text(snapshot))

    def check(self, **fixed: Mapping[str, Any]) -> NoReturn:
        """Look, judge, report and end. Raises UsageError."""
        _ = self.baseline  # complains before anything is looked at
        snapshot = self.look(outputs=self.outputs, **fixed)
        from retina_doctor.running.called import as_called

        self.report(snapshot, snapshot.settings.gate.fail_on, again=as_called())

    def report(
        self, snapshot: Snapshot, fail_on: str, *, judged: str | None = None, again: str = "retina-doctor"
    ) -> NoReturn:
        """Judge, give the report in all formats that were asked for, and end with its exit code. As for `judged`."""
        from retina_doctor.quoting import visible
        from retina_doctor.running.output import give

        report = self.judged(snapshot, fail_on, file=judged, again=again)
        try:
            code = give(report, self.outputs, self.terminal)
        except Exception:
            # What was judged is told all the same, in the plainest words; the exception goes on as a bug of ours.
            lines = [f"{f.code} {f.name} {f.severity} {visible(f.subject)}\n" for f in report.diagnosis.findings]
            self.show("".join(lines) + f"verdict: {report.diagnosis.verdict}\n")
            raise
        self.lap("report")
        self.tell_profile(snapshot)
        raise typer.Exit(code)

    def judged(
        self, snapshot: Snapshot, fail_on: str, *, file: str | None = None, again: str = "retina-doctor"
    ) -> Report:
        """*file*: the name of the recorded machine's file. *again*: the command that looks again. Raises UsageError."""
        from retina_doctor.catalogue.registry import installed
        from retina_doctor.judging.diagnose import diagnose
        from retina_doctor.redaction import without_secrets
        from retina_doctor.reports.report import Report, all_said
        from retina_doctor.running.called import explain

        threshold = threshold_of(fail_on)
        catalogue = installed()
        if self.baseline:
            from retina_doctor.running.baseline import compared

            snapshot = compared(snapshot, self.baseline[1], catalogue.measures)
        diagnosis = diagnose(without_secrets(snapshot, catalogue), catalogue)
        if self.baseline:
            from retina_doctor.running.baseline import beside

            file_name, earlier = self.baseline
            diagnosis = beside(diagnosis, earlier, f"--baseline {file_name}")
        self.lap("judging")
        report = Report(
            diagnosis=diagnosis,
            catalogue=catalogue,
            language=self.language,
            fail_on=threshold,
            again=again,
            explain=explain(self.language),
            judged=file,
            unfolded=bool(self.flags.get("verbose")),
        )
        return all_said(report)

    @property
    def terminal(self) -> Look:
        """Width and colour of standard output."""
        from retina_doctor.running.output import terminal

        return terminal(colour=not self.flags.get("no_color"))

    def show(self, text: str) -> None:
        """To standard output."""
        from retina_doctor.running.output import show

        show(text)
