"""RD516: does the service's own log say why it does not work?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from retina_doctor.authoring import EVERYWHERE, Action, Answer, Data, Scope, check
from retina_doctor.model import Inapplicable, Passed, Problem, Reason, Severity, Target, Unknown
from retina_doctor.settings import Settings

from ..combined.asides import Asides, asides
from ..facts.service_log import Exit, LastException, Log, NamedLog, OwnLog, ShownLog
from ..scopes import gpu_meant
from ..settings import ServiceSettings
from .logs import named_log

CLOCKS_APART = 2.0
"""Seconds: dates of lines have no fractions, and the kernel counts a process's start from the boot."""
MOST_LINES, MOST_CAUSES = 6, 5


def log_known(settings: Settings) -> Scope:
    if settings.of(ServiceSettings).pid is None and named_log(settings) is None:
        return Scope(inapplicable=Reason("no-service-named"))
    return EVERYWHERE


class LogRun(Data, frozen=True, kw_only=True):
    """The run of the service that is judged. *started*: seconds of the epoch; None: not known. *alive* False: it has ended."""

    started: float | None
    alive: bool
    exit: Exit | None

    def has(self, log: Log, place: ShownLog) -> bool:
        """Whether this run wrote the place. Of a log of its own that is to be shown; what the operator names is taken to be its
        log, unless the line says that it is older."""
        if self.started is None or log.fresh:
            return True
        if place.moment is not None and place.moment >= self.started - CLOCKS_APART:
            return True
        return log.kind != "output" and not place.dated and place.moment is None


@check("RD516", "service-log-shows-cause", Severity.ERROR, pitfall=5, scope=log_known, action=Action.LOOK)
def service_log_shows_cause(own: OwnLog | None, named: NamedLog | None, target: Target, settings: Settings) -> Answer:
    """What its present run complains of, or its last one, where it has died; what is older is shown, and is no finding."""
    if own is None and settings.of(ServiceSettings).pid is not None and target.problem != "ended":
        return Unknown(missing=("service_log",))  # nor is it known since when it runs
    logs = (*(own.logs if own else ()), *(named.logs if named else ()))
    read = [log for log in logs if log.problem is None]
    run = _run(own, named)
    problems = [problem for log in read for problem in _problems(log, run, settings)]
    if problems:
        return _once(problems)
    if named is None and named_log(settings) is not None:
        return Unknown(missing=("named_log",))
    if not read:
        return Inapplicable(Reason("log-not-read", {"why": _why(logs)}))
    old = sorted({place.symptom for log in read for place in log.shown})
    if old:
        line = next(place.lines[0] for log in read for place in reversed(log.shown) if place.lines)
        return Passed(Reason("log-older", {"count": len(old), "line": line}))
    return Passed(Reason("log-clean", {"name": read[0].name}))


def unexplained(named: NamedLog | None) -> LastException | None:
    """The exception at the end of a log that shows no cause of its own: servers whose workers do not start say no more."""
    from ..triage.log_causes import causes_of

    for log in named.logs if named else ():
        causes = (
            {one.name for one in causes_of([place.symptom for place in log.shown], log.holds)} if log.shown else set()
        )
        if log.raised is not None and causes <= {"service-crashed-or-not-ready"}:
            return log.raised
    return None


def _run(own: OwnLog | None, named: NamedLog | None) -> LogRun:
    ended = named.exit if named else None
    if own is not None and own.started is not None:
        return LogRun(started=own.started, alive=True, exit=ended)
    return LogRun(started=ended.started if ended else None, alive=bool(ended and ended.running), exit=ended)


def _why(logs: Sequence[Log]) -> str:
    told = [f"{log.name}: {log.words or log.problem}" for log in logs if log.problem != "no-file"]
    told += [f"{log.name}: not a file" for log in logs if log.problem == "no-file"]
    return "; ".join(told[:2]) or "no process"


def _once(problems: list[Problem]) -> tuple[Problem, ...]:
    """Of a cause that several logs show, the first."""
    found: dict[str, Problem] = {}
    for problem in problems:
        found.setdefault(problem.subject, problem)
    return tuple(found.values())[:MOST_CAUSES]


def _problems(log: Log, run: LogRun, settings: Settings) -> Iterator[Problem]:
    shown = [place for place in log.shown if run.has(log, place)]
    if not shown:
        return
    from ..triage import tables
    from ..triage.log_causes import causes_of

    found = causes_of([place.symptom for place in shown], log.holds)
    # Without the GPU a service does its work, unless that is all that its end can be laid to.
    may_have_ended_it = not run.alive and all(tables.causes()[one.name].gpu for one in found)
    for one in found:
        cause = tables.causes()[one.name]
        device = gpu_meant(settings) if cause.gpu and not may_have_ended_it else EVERYWHERE
        if device.inapplicable is not None:
            continue
        lines = [line for place in shown if place.symptom in one.symptoms for line in place.lines]
        evidence = {
            "cause": one.name,
            "title": {"en": cause.title.en, "zh": cause.title.zh},
            "score": one.score,
            "percent": max(1, min(99, round(100 * one.score))),
            "fits": list(one.fits),
            "explains": list(one.explains),
            "gpu": cause.gpu,
            "kind": log.kind,
            "log": log.name,
            "lines": list(dict.fromkeys(lines))[-MOST_LINES:],
            "line": _telling(lines),
            "alive": run.alive,
            **_ended(run.exit),
            "more": asides() if run.alive else _how_it_ended(run.exit),
            "ask": cause.ask,
            "decides": {"en": cause.decides.en, "zh": cause.decides.zh},
        }
        yield Problem(
            subject=f"log:{one.name}",
            evidence=evidence,
            at_most=_at_most(one.score, device, cause.at_most, run),
            variant=log.kind if log.kind in ("unit", "container") else "file",
        )


def _at_most(score: float, device: Scope, cause: Severity | None, run: LogRun) -> Severity | None:
    """What has killed the service is an error; of one that runs, what is sure."""
    from ..triage.log_causes import SURE

    limits = [device.at_most, cause, None if score >= SURE or not run.alive else Severity.WARNING]
    return min((one for one in limits if one is not None), key=lambda one: one.rank, default=None)


def _telling(lines: Sequence[str]) -> str:
    """The newest of those that hold most of what was said; a traceback's first line says little."""
    return max(reversed(lines), key=lambda line: len(line) > 40) if lines else ""


def _ended(exit_: Exit | None) -> dict[str, object]:
    over = exit_ is not None and not exit_.running
    return {
        "exit_code": exit_.code if exit_ and over else None,
        "exit_signal": exit_.signal if exit_ and over else None,
        "killed_for_memory": bool(exit_ and over and exit_.killed_for_memory),
    }


def _how_it_ended(exit_: Exit | None) -> Asides:
    if exit_ is None or exit_.running:
        return asides(Reason("service-ended"))
    if exit_.killed_for_memory:
        return asides(Reason("service-ended-for-memory"))
    if exit_.signal:
        return asides(Reason("service-ended-by-signal", {"signal": exit_.signal}))
    return asides(
        Reason("service-ended") if exit_.code is None else Reason("service-ended-with-code", {"code": exit_.code})
    )
