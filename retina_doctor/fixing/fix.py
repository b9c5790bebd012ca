"""The command `fix`: look, show the plan, run what may be run, look again, and keep only what helped."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retina_doctor.codec import encode, to_json
from retina_doctor.ears import deaf
from retina_doctor.errors import Interrupted, UsageError
from retina_doctor.fixing.applying import Hands, bring_back, hands_of, make_final, run
from retina_doctor.fixing.hand import CannotFix, Overtaken
from retina_doctor.fixing.journal import CHANGING, Journal, alone, journals, last, state_folder
from retina_doctor.fixing.looking import FixLooking, FixSeen
from retina_doctor.fixing.outcome import outcome
from retina_doctor.fixing.steps import FixAction, unusable
from retina_doctor.fixing.telling import FixTelling
from retina_doctor.fixing.words import said
from retina_doctor.model import Action, interpreter_of
from retina_doctor.running.output import is_lost, tell
from retina_doctor.standpoint.standpoint import user_name_of
from retina_doctor.words.remedies import MoveUp

if TYPE_CHECKING:
    from retina_doctor.command import Run
    from retina_doctor.looking.attach import Attachment
    from retina_doctor.reports.report import Report


class Fixing:
    """One call of `fix`."""

    def __init__(self, call: Run, settings: dict[str, dict[str, Any]]) -> None:
        self.call = call
        self.looking = FixLooking(call, settings)
        self.telling = FixTelling(call.language)

    def plan(self, *, offline: bool = False) -> int:
        """Show the plan; the exit code is that of `check`."""
        seen = self.looking.seen()
        lines = self.telling.plan(seen.doings, seen.differences)
        told: dict[str, Any] = {}
        if offline:
            from retina_doctor.fixing.offline import needed, text_of

            found = needed(seen.snapshot, seen.doings, None if unusable(seen.snapshot) else seen.hands["service"])
            lines += text_of(found, seen.snapshot, self.call.language)
            told = {"offline": found and encode(found)}
        if self.call.as_json:
            self.call.show(to_json({**self._json(seen), **told, "exit_code": seen.report.exit_code}))
        else:
            self.call.show("\n".join(lines) + "\n")
        return seen.report.exit_code

    def apply(self, *, yes: bool) -> int:
        """Run what may be run; the exit code is that of the last look. Raises UsageError."""
        fixes = state_folder(os.environ)
        with alone(fixes):
            interrupted = last(fixes)
            if interrupted is not None and not interrupted.has("end"):
                raise UsageError(said("interrupted", self.call.language, when=interrupted.when))
            seen = self.looking.seen()
            runs = [one for one in seen.doings if one.runs]
            text = self.telling.plan(seen.doings, seen.differences)
            if not runs:
                return self._nothing_runs(seen, text)
            self._show(text)
            if not yes:
                user = seen.snapshot.seen_from.user if seen.whose and seen.snapshot.seen_from else None
                user = user or user_name_of(os.geteuid())
                asked = said("ask", self.call.language, n=len(runs), all=len(seen.doings), user=user)
                # Nobody agrees to steps that could not be shown.
                if is_lost() or not confirmed(asked, said("not-asked", self.call.language)):
                    self._show([said("declined", self.call.language)])
                    return seen.report.exit_code
            earlier = [one for one in journals(fixes) if not one.has("undone")]
            journal = None
            try:
                journal = Journal.begun(fixes)
                return self._applied(seen, journal, earlier)
            except Overtaken as error:
                if journal is not None:  # as far as it can be, it is brought back: it is not in the way of the next fix
                    with contextlib.suppress(CannotFix):
                        journal.write("end", results=[])
                raise UsageError(said("stays", self.call.language, what=str(error))) from None
            except CannotFix as error:
                begun = journal is not None and any(map(journal.has, CHANGING))
                raise UsageError(said("stuck" if begun else "not-begun", self.call.language, what=str(error))) from None

    def undo(self, *, yes: bool) -> int:
        """Bring back what was before the last fix. Raises UsageError."""
        fixes = state_folder(os.environ)
        language = self.call.language
        with alone(fixes):
            journal = last(fixes)
            if journal is None:
                told = {"format": 1, "exit_code": 0, "undone": "nothing"}
                self.call.show(to_json(told) if self.call.as_json else said("no-undo", language) + "\n")
                return 0
            hands = hands_of(journal, os.environ)
            self._warn_of_later_changes(journal, hands)
            folders = [one["folder"] for one in journal.entries if one["what"] == "stage"]
            folders += [one["path"] for one in journal.entries if one["what"] in CHANGING and "path" in one]
            asked = said("undo-ask", language, when=journal.when, folders=", ".join(dict.fromkeys(folders)))
            if not yes and not confirmed(asked, said("undo-not-asked", language)):
                self.call.show(said("declined", language) + "\n")
                return 0
            try:
                with deaf():
                    changed = bring_back(journal, hands)
                    journal.write("undone")
            except Overtaken as error:
                journal.write("final")  # nothing can undo it any more, and it must not be in the way of others
                raise UsageError(said("overtaken", language, what=str(error))) from None
            except CannotFix as error:
                raise UsageError(f"fix --undo: {error}") from None
        key = "undone" if changed else "undone-unchanged"
        self.call.show(
            to_json({"format": 1, "exit_code": 0, "undone": key}) if self.call.as_json else said(key, language) + "\n"
        )
        return 0

    def _warn_of_later_changes(self, journal: Journal, hands: Hands) -> None:
        for one in journal.entries:
            if one["what"] == "after":
                with contextlib.suppress(CannotFix):
                    now = hands["service"].do("packages", prefix=one["prefix"])["packages"]
                    changed = sorted(set(now) ^ set(one["packages"]))
                    if changed:
                        tell(said("undo-changed", self.call.language, packages=", ".join(changed[:10])) + "\n")

    def _nothing_runs(self, seen: FixSeen, text: list[str]) -> int:
        if self.call.as_json:
            self.call.show(to_json({**self._json(seen), "applied": [], "exit_code": seen.report.exit_code}))
        else:
            self._show([*text, *([said("nothing-runs", self.call.language)] if seen.doings else [])])
        return seen.report.exit_code

    def _applied(self, seen: FixSeen, journal: Journal, earlier: Sequence[Journal]) -> int:
        from retina_doctor.catalogue.registry import installed
        from retina_doctor.redaction import without_secrets, words_shown
        from retina_doctor.support_file import save

        language = self.call.language
        hands = seen.hands
        here = interpreter_of(seen.snapshot)
        journal.keep("before.json", save(without_secrets(seen.snapshot, installed())).encode())
        if here is not None and any(one.pip and one.runs for one in seen.doings):
            listed = hands["service"].do("packages", prefix=here.prefix)["packages"]
            journal.keep("packages.txt", "".join(f"{line}\n" for line in listed).encode())
        whose = seen.whose and encode(seen.whose)
        target = words_shown(list(seen.snapshot.target.command))  # for people: nothing is started by it again
        journal.write("begin", when=seen.snapshot.created, whose=whose, target=target)
        folders = [one["folder"] for old in earlier for one in old.entries if one["what"] == "stage"]
        touched = [str(Path(here.prefix).resolve())] if here else []
        moves = [move for one in seen.doings if one.runs for move in one.files if isinstance(move, MoveUp)]
        touched += [hands["service"].do("resolved", path=move.folder)["path"] for move in moves]
        make_final([one for one in earlier if one.folder != journal.folder], set(folders) & set(touched), os.environ)
        report, results = seen.report, list[dict[str, Any]]()
        for number, doing in enumerate(seen.doings, 1):
            if not doing.runs:
                continue
            if results and results[-1]["outcome"] != "done":
                results.append({"step": number, "outcome": "skipped"})
                self._tell([said("skipped", language, n=number)])
                continue
            result, report = self._step(number, doing, journal, hands, seen.attachment, report)
            results.append(result)
        kept = any(one["outcome"] == "done" for one in results)
        if kept and here is not None and any(one.pip for one in seen.doings):
            with contextlib.suppress(CannotFix):
                now = hands["service"].do("packages", prefix=here.prefix)["packages"]
                journal.write("after", prefix=here.prefix, packages=now)
        journal.keep("after.json", save(without_secrets(report.diagnosis.snapshot, installed())).encode())
        journal.write("end", results=results)
        if not kept:
            journal.write("undone")
        if self.call.as_json:
            told = {**self._json(seen), "applied": results, "state": str(journal.folder), "exit_code": report.exit_code}
            self.call.show(to_json({**told, "verdict": report.diagnosis.verdict}))
        else:
            self._show(
                self.telling.ended(report, journal, kept, any(one.kind is Action.RESTART for one in seen.doings))
            )
        return report.exit_code

    def _step(
        self, number: int, doing: FixAction, journal: Journal, hands: Hands, attachment: Attachment, before: Report
    ) -> tuple[dict[str, Any], Report]:
        """What came of it, and the report of the state in which it is left."""
        language = self.call.language
        try:
            self._tell([said("doing", language, n=number)])
            run(doing, number, journal, hands, interpreter_of(before.diagnosis.snapshot))
            self._tell([said("looking", language, n=number)])
            journal.write("look", step=number)
            after = self.looking.judged(self.call.look_at(attachment))
        except CannotFix as error:
            _back(journal, hands, number, str(error))
            self._tell([said("failed", language, n=number, what=str(error))])
            return {"step": number, "outcome": "failed", "why": str(error)}, before
        except BaseException:
            # What cannot be brought back is for `fix --undo`: the first interruption is what ends this.
            with contextlib.suppress(CannotFix, Interrupted), deaf():
                with contextlib.suppress(Overtaken):
                    bring_back(journal, hands, number)
                journal.write("end", results=[])
            raise
        came = outcome(before.diagnosis, after.diagnosis, doing.codes)
        told = {"step": number, "fixed": came.fixed, "left": came.left, "worse": came.worse}
        journal.write("looked", **told)
        if not came.good:
            key, codes = ("worse", came.worse) if came.worse else ("useless", came.left)
            _back(journal, hands, number, f"{key}: {', '.join(codes)}")
            self._tell([said(key, language, n=number, codes=", ".join(codes))])
            return {**told, "outcome": "rolled-back"}, before
        line = said("done", language, n=number, codes=", ".join(came.fixed))
        more = "; " + said("remains", language, codes=", ".join(came.left)) if came.left else ""
        self._tell([line + more])
        return {**told, "outcome": "done"}, after

    def _json(self, seen: FixSeen) -> dict[str, Any]:
        steps = [
            {
                "step": number,
                "kind": one.kind,
                "fixes": one.codes,
                "commands": one.commands,
                "image": one.image,
                "runs": one.runs,
                "why_not": one.why_not and one.why_not[0],
                "reason": one.why_not and said(one.why_not[0], self.call.language, **one.why_not[1]),
                "diff": seen.differences.get(number),
            }
            for number, one in enumerate(seen.doings, 1)
        ]
        return {"format": 1, "verdict": seen.report.diagnosis.verdict, "steps": steps}

    def _show(self, lines: Sequence[str]) -> None:
        if not self.call.as_json:
            self.call.show("\n".join(lines) + "\n")

    def _tell(self, lines: Sequence[str]) -> None:
        if self.call.as_json:
            tell("".join(f"retina-doctor: {line}\n" for line in lines))
        else:
            self._show(lines)


def _back(journal: Journal, hands: Hands, step: int, why: str) -> None:
    """As `bring_back`; where that fails, *why* it was to be done is told as well."""
    try:
        bring_back(journal, hands, step)
    except CannotFix as error:
        raise type(error)(f"{why}; {error}") from None
    except Interrupted:  # when all was brought back
        with contextlib.suppress(CannotFix):
            journal.write("end", results=[])
        raise


def confirmed(question: str, refusal: str) -> bool:
    """Asked at a terminal; where there is none, nobody agrees. Raises UsageError."""
    if sys.stdin is None or sys.stderr is None or not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError(refusal)
    sys.stderr.write(question)
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes", "是")
