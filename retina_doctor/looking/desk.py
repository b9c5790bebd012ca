"""Looking on any desk: at files of whoever calls, where the doctor could not watch and end processes as Linux lets it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from typing import Any

from retina_doctor import __version__
from retina_doctor.authoring import Probe, Side
from retina_doctor.catalogue.registry import Catalogue
from retina_doctor.catalogue.selection import Selection
from retina_doctor.errors import UsageError, described
from retina_doctor.model import Outcome, Recorded, Snapshot, Target
from retina_doctor.moment import now
from retina_doctor.probing.messages import message_of
from retina_doctor.probing.request import look_of, own_request
from retina_doctor.probing.tail import Tail
from retina_doctor.settings import Settings


def is_desk() -> bool:
    """Whether this system is one whose machines are not looked at: Windows, macOS."""
    return sys.platform != "linux" or not hasattr(os, "fork")


def look(settings: Settings, catalogue: Catalogue) -> Snapshot:
    """As `look.look`, of what needs no other interpreter. Raises UsageError where the settings ask for more."""
    probes = Selection(settings, catalogue).wanted_probes()
    if any(probe.side is not Side.CALLER for probe in probes):
        raise UsageError(
            "a machine can be looked at on Linux alone; here: diagnose, triage, diff, explain, list and scan"
        )
    return Snapshot(
        created=now(),
        doctor=__version__,
        settings=settings,
        target=Target(command=(sys.executable,), chosen="own"),
        readings={probe.name: _reading(probe, settings) for probe in probes},
    )


def _reading(probe: Probe[Any], settings: Settings) -> Recorded:
    token, start = f"retina-doctor-{os.urandom(8).hex()} ", time.monotonic()
    try:
        one = look_of(probe, settings, then=probe.local)
    except Exception as error:  # a pack's own
        return Recorded(outcome=Outcome.FAILED, detail=described(error))
    request, seconds = own_request({}, [one]), one.seconds
    try:
        done = subprocess.run(
            request.command, input=request.program(token), capture_output=True, timeout=seconds, check=False
        )
    except subprocess.TimeoutExpired as late:
        facts, _, _ = _told(late.stdout or b"", token)
        detail = f"no answer in {seconds:g} s"
        return Recorded(outcome=Outcome.TIMED_OUT, facts=facts, seconds=seconds, detail=detail)
    facts, ended, failed = _told(done.stdout, token)
    outcome = Outcome.FAILED if failed else Outcome.OK if ended else Outcome.CRASHED
    tail = Tail()
    tail.add(done.stderr)
    return Recorded(
        outcome=outcome,
        facts=facts,
        seconds=round(time.monotonic() - start, 3),
        detail=failed or (None if ended else f"its process ended with {done.returncode}"),
        stderr_tail=tail.lines,
    )


def _told(output: bytes, token: str) -> tuple[Mapping[str, Any], bool, str | None]:
    """(facts, whether it came to its end, what was raised) of what the child has told."""
    facts: dict[str, Any] = {}
    ended, failed = False, None
    for line in output.split(b"\n"):
        message = message_of(line[len(token) :]) if line.startswith(token.encode()) else None
        if message is not None:  # the last may be cut short, as the process was
            facts |= message.get("tell", {})
            ended, failed = ended or "end" in message, message.get("failed", failed)
    return facts, ended, failed
