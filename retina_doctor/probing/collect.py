"""Looks with many probes at once, and leaves no process behind."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from retina_doctor.authoring import Probe, Side
from retina_doctor.codec import replace
from retina_doctor.model import Outcome, Recorded, Target
from retina_doctor.probing.asking import Looking, ProcessEnded
from retina_doctor.probing.interpreter import interpreter_probe
from retina_doctor.probing.processes import ProbeRun
from retina_doctor.probing.reaper import guarded

SoFar = Callable[[], Mapping[str, Recorded]]
"""Readings that have been told by now; another thread may ask."""


def collect(
    looking: Looking, probes: Iterable[Probe[Any]], meanwhile: Callable[[SoFar], None] = lambda _: None
) -> tuple[Target, dict[str, Recorded]]:
    """Readings by probe name, the engine's own `interpreter` among them, and the target with what was learnt of it.

    Where the target turns out to be another machine or namespace, probes meant for the doctor's own side are
    looked at again in the target: what the doctor sees of its own side says nothing of it.
    *meanwhile* is called when probes have been started; it must return at once.
    Raises UsageError when the target's command is no Python.
    """
    wanted = [interpreter_probe, *(p for p in probes if p is not interpreter_probe)]
    with guarded(looking.token):
        if looking.target.problem is not None:
            return looking.target, _without_target(looking, wanted, meanwhile)
        try:
            readings = _look(looking, wanted, meanwhile)
        except ProcessEnded:
            looking.target = replace(looking.target, command=(), problem="ended")
            return looking.target, _without_target(looking, wanted, meanwhile)
        if looking.has_ended:
            # What was in a container dies with the process that had made it: that is no finding of its own.
            looking.target = replace(looking.target, problem="ended")
            cut = Recorded(outcome=Outcome.NOT_RUN, detail="the service's process ended meanwhile")
            readings |= {name: cut for name, one in readings.items() if one.outcome is Outcome.CRASHED}
    return looking.target, readings


def _look(looking: Looking, probes: Sequence[Probe[Any]], meanwhile: Callable[[SoFar], None]) -> dict[str, Recorded]:
    """Readings by probe name. Raises UsageError, ProcessEnded."""
    with ProbeRun(looking) as run:
        run.start(probes)
        meanwhile(run.so_far)
        run.go_on()
        run.ask_the_starved_again()
        run.look_as_the_service()
        run.ask_the_starved_again()
    if run.elsewhere:
        looking.target = replace(looking.target, local=False)
    unasked = Recorded(outcome=Outcome.NOT_RUN, detail="the target's Python does not start")
    return {probe.name: run.readings.get(probe.name, unasked) for probe in probes}


def _without_target(
    looking: Looking, wanted: Sequence[Probe[Any]], meanwhile: Callable[[SoFar], None]
) -> dict[str, Recorded]:
    """Where the service has no Python to look at: nothing is asked of another one in its place."""
    standpoint = looking.surroundings.standpoint
    elsewhere = standpoint is not None and standpoint.contained  # of which the doctor's own side says nothing
    sides = (Side.CALLER,) if elsewhere else (Side.CALLER, Side.OWN)
    own = [probe for probe in wanted if probe.side in sides]
    unasked = Recorded(outcome=Outcome.NOT_RUN, detail="the service's Python cannot be looked at")
    return {probe.name: unasked for probe in wanted if probe not in own} | _look(looking, own, meanwhile)
