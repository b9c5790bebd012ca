"""The engine's own checks (RD0xx): packs, the target's Python, and probes that nobody else speaks for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from retina_doctor.authoring import Action, Answer, Domain, Pack, check, evidence_of
from retina_doctor.codec import Data
from retina_doctor.figures import Measure
from retina_doctor.model import (
    Inapplicable,
    Interpreter,
    Judgement,
    Outcome,
    Passed,
    Problem,
    Reading,
    Reason,
    Severity,
    Target,
    Unknown,
    Verdict,
)
from retina_doctor.probing.interpreter import interpreter_probe
from retina_doctor.settings import GateSettings

HERE = Path(__file__).parent


class Silenced(Data, frozen=True):
    """Readings that ended badly and that no check of a pack speaks for. Made by the judge, not by a probe."""

    readings: tuple[Reading[object], ...]


class Unloaded(Data, frozen=True):
    """What is wrong with packs, as (name, error, whether none of it was loaded). Made by the judge from its catalogue."""

    packs: tuple[tuple[str, str, bool], ...]


class Gated(Data, frozen=True):
    """What [gate] demands of the verdicts. Made by the judge, when all others are in.

    *unmet*: required checks that are not passed. *expired*: what was ignored, with its reason and the last day of that.
    *unmatched*: what is ignored though it is passed, with its reason.
    """

    unmet: tuple[Judgement, ...] = ()
    expired: tuple[tuple[str, tuple[str, str]], ...] = ()
    unmatched: tuple[tuple[str, str], ...] = ()


class Compared(Data, frozen=True):
    """Figures of an earlier report beside those of now, as (what is measured, then, now). Made by the judge.

    None: not measured now, though its probe was wanted.
    """

    figures: tuple[tuple[Measure, float, float | None], ...] = ()


def told(key: str, **values: Any) -> dict[str, Any]:
    """A sentence as evidence, which a page puts into words by its function of this name."""
    return {"key": key, "values": values}


@check("RD001", "pack-not-loadable", Severity.ERROR, action=Action.PIP)
def pack_not_loadable(unloaded: Unloaded) -> Iterator[Problem]:
    for name, error, whole in unloaded.packs:
        yield Problem(
            subject=f"pack:{name}",
            evidence={"pack": name, "error": error, "whole": whole},
            at_most=None if whole else Severity.WARNING,
            variant="whole" if whole else "part",
        )


@check("RD002", "target-python-broken", Severity.ERROR, action=Action.LOOK)
def target_python_broken(interpreter: Reading[Interpreter]) -> Answer:
    """The command starts a Python, but that dies before it has said what it is."""
    if interpreter.outcome is Outcome.OK:
        return None
    effort = interpreter.recorded.effort
    waits = "waits-at-pipe" if effort is not None and effort.waits_at_pipe else "waits"
    variant = waits if _awaited(interpreter) else "dies"
    return Problem(subject="target", evidence=_ending_of(interpreter), variant=variant)


def _ending_of(reading: Reading[Any]) -> dict[str, Any]:
    """Evidence of how it ended, and *last*: what stood on its stderr then, as a page tells it."""
    evidence = evidence_of(reading)
    lines = " / ".join(reading.recorded.stderr_tail[-5:])
    file = _awaited(reading)
    return {
        **evidence,
        "last": told("last-output-of-probe", lines=lines) if lines else None,
        "file": file,
        "waits": told("waits-for", file=file) if file else None,
    }


def _awaited(reading: Reading[Any]) -> str | None:
    effort = reading.recorded.effort
    return None if effort is None else effort.waits_for


@check("RD003", "probe-failed", Severity.WARNING, action=Action.LOOK)
def probe_failed(silenced: Silenced) -> Answer:
    """Speaks for every probe that has no check of its own to do so."""
    starved = tuple(reading.probe for reading in silenced.readings if reading.recorded.starved)
    problems = [
        Problem(subject=f"probe:{reading.probe}", evidence=_ending_of(reading))
        for reading in silenced.readings
        if not reading.recorded.starved
    ]
    return problems or (Unknown(starved) if starved else None)


REMOVED = " (deleted)"


@check("RD004", "working-directory-missing", Severity.ERROR, pitfall=1, action=Action.EDIT)
def working_directory_missing(interpreter: Interpreter, target: Target) -> Answer:
    """Every relative path of the service would resolve from there. Of a process whose folder was removed, the kernel adds a word
    to its path (proc_pid_cwd(5)); one that is made again under the same name is another, and the process stays in the old one."""
    error = interpreter.working_directory_error
    if error is None:
        return None
    path, _, words = error.rpartition(": ")
    removed = target.of_a_process and path.endswith(REMOVED)
    evidence = {"error": error, "path": path.removesuffix(REMOVED), "words": words, "pid": target.chosen_by}
    variant = "removed" if removed else "missing" if words == "No such file or directory" else "refused"
    return Problem(subject="target", evidence=evidence, variant=variant)


@check("RD005", "service-needs-restart", Severity.ERROR, action=Action.RESTART)
def service_without_its_python(target: Target) -> Answer:
    """Its interpreter's file is gone or exchanged. What another Python would tell is not true of this service."""
    if not target.of_a_process:
        return Inapplicable(Reason("no-process-looked-at"))
    if target.problem is None:
        return None
    if target.problem == "ended":  # whether it should still run is not asked here
        return Inapplicable(Reason("process-ended", {"pid": target.chosen_by}))
    if target.problem in ("no-python", "no-answer"):
        return Unknown(missing=(interpreter_probe.name,))
    evidence = {"pid": int(target.chosen_by), "called": target.called, "replaced": target.problem == "replaced"}
    variant = "replaced" if target.problem == "replaced" else "gone"
    return Problem(subject=f"process:{target.chosen_by}", evidence=evidence, variant=variant)


@check("RD006", "required-check-not-passed", Severity.ERROR, action=Action.LOOK)
def required_check_not_passed(gate: Gated) -> Iterator[Problem]:
    """Not merely not failed: what could not be judged, or does not apply, is no proof."""
    for one in gate.unmet:
        evidence = {
            "code": one.code,
            "check": one.name,
            "verdict": one.verdict.value,
            "missing": list(one.missing),
            "lack": told("facts-missing", probes=list(one.missing)) if one.missing else None,
        }
        variant = "failed" if one.verdict is Verdict.FAILED else "not-judged"
        yield Problem(subject=f"check:{one.code}", evidence=evidence, variant=variant)


@check("RD007", "ignore-outdated", Severity.WARNING, action=Action.EDIT)
def ignore_outdated(gate: Gated) -> Iterator[Problem]:
    """An ignored check that has expired, or that is passed: left in the settings it would hide the next real one."""
    for word, (reason, until) in gate.expired:
        evidence: dict[str, str | None] = {"check": word, "reason": reason, "why": "expired", "until": until}
        yield Problem(subject=f"ignore:{word}", evidence=evidence, variant="expired")
    for word, reason in gate.unmatched:
        evidence = {"check": word, "reason": reason, "why": "unmatched", "until": None}
        yield Problem(subject=f"ignore:{word}", evidence=evidence, variant="unmatched")


@check("RD008", "figure-regressed", Severity.ERROR, action=Action.LOOK)
def figure_regressed(gate: GateSettings, compared: Compared) -> Answer:
    """Worse than before by more than the operator allows, and by more than noise."""
    if gate.regress is None or not compared.figures:
        return Inapplicable(Reason("no-figures-to-compare"))
    problems = [
        Problem(subject=f"figure:{measure.of}", evidence=_worsened(measure, before, now, worse, gate.regress))
        for measure, before, now in compared.figures
        if now is not None
        and (worse := (now - before) * (1 if measure.better == "less" else -1)) > gate.regress * abs(before)
        and worse > measure.least
    ]
    lost = tuple(dict.fromkeys(one.of.partition(".")[0] for one, _, now in compared.figures if now is None))
    if problems or not lost:
        return problems or Passed(
            Reason("figures-kept", {"count": len(compared.figures), "allowed": f"{gate.regress:g}"})
        )
    return Unknown(lost)


def _worsened(measure: Measure, before: float, now: float, worse: float, regress: float) -> dict[str, Any]:
    """Evidence. *worse*: by how much, in the figure's unit; *regress*: the share that is allowed."""
    shares = {"worse": round(100 * worse / abs(before)) if before else None, "allowed": round(100 * regress)}
    return {
        "figure": told(measure.label),
        "of": measure.of,
        "unit": measure.unit,
        "before": before,
        "now": now,
        **shares,
        "share": told("worse-than-allowed", **shares) if before else None,
    }


pack = Pack(
    name="retina-doctor",
    domains=(
        Domain(
            name="doctor",
            probes=(interpreter_probe,),
            checks=(
                pack_not_loadable,
                target_python_broken,
                probe_failed,
                working_directory_missing,
                service_without_its_python,
                required_check_not_passed,
                ignore_outdated,
                figure_regressed,
            ),
            pages=HERE / "pages",
        ),
    ),
    reasons=HERE / "reasons.toml",
    examples=HERE / "examples.json",
)
