"""Which probes are asked, in which interpreter, and as what."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

from retina_doctor.authoring import Probe, Side
from retina_doctor.codec import replace
from retina_doctor.errors import UsageError, described
from retina_doctor.model import Outcome, Recorded, Target
from retina_doctor.probing.process import Child
from retina_doctor.probing.reaper import RUN_VARIABLE
from retina_doctor.probing.request import PROGRAM_END, LookRequest, Request, look_of, own_request
from retina_doctor.sending import place_of, source_of
from retina_doctor.settings import Settings
from retina_doctor.standpoint.standpoint import has_ended
from retina_doctor.standpoint.target import Surroundings

SERVICE_LIBRARY_PATH = "RETINA_DOCTOR_LIBRARY_PATH"
"""Set on the doctor's own side to the LD_LIBRARY_PATH of the service: the driver is to be found where the service finds it."""
BUFFERED = {"PYTHONUNBUFFERED": ""}  # set, as in most images, it makes Python read what is sent byte by byte
NO_ENGINE = "docker daemon"
"""In what `docker exec` says when its engine does not answer, or may not be asked."""
MARKS_OF_PYTHON = ("Fatal Python error", "Traceback (most", "site-packages", "sitecustomize", "pyvenv", "libpython")

Progress = Callable[[Sequence[Child]], None]


class ProcessEnded(Exception):
    """The process that was to be looked at ended before it was."""


class Looking:
    """Makes the requests of one run and starts their processes. Holds what all of them share."""

    def __init__(
        self,
        settings: Settings,
        target: Target,
        surroundings: Surroundings,
        progress: Progress | None = None,
    ) -> None:
        self.settings = settings
        self.target = target
        self.surroundings = surroundings
        self.progress = progress
        self.token = f"retina-doctor-{os.urandom(8).hex()} "

    @property
    def has_ended(self) -> bool:
        """Whether the process whose Python is looked at is gone."""
        return self.target.of_a_process and has_ended(int(self.target.chosen_by))

    def request(
        self, probes: Sequence[Probe[Any]], side: Side, unsent: dict[str, Recorded], times: float = 1
    ) -> Request | None:
        """One process for *probes*, each with so many *times* its limit. *unsent* takes the readings of those that cannot be
        sent, a fault of their pack's."""
        modules: dict[str, str] = {}
        looks: list[LookRequest] = []
        for probe in probes:
            try:
                then = None if side is Side.TARGET else probe.local
                look = look_of(probe, self.settings, then=then, times=times)
                # What runs in one process with its local part is imported as that is: from where it is installed.
                read = source_of if side is Side.TARGET else place_of
                found = {} if then else {name: read(name) for name in probe.sent(side)}
            except Exception as error:
                unsent[probe.name] = Recorded(outcome=Outcome.FAILED, detail=described(error))
            else:
                looks.append(look)
                modules |= found
        if not looks:
            return None
        if side is not Side.TARGET:
            return own_request(modules, looks, light=all(probe.share and not probe.local for probe in probes))
        standpoint = self.surroundings.standpoint
        return Request(
            command=self.target.command if standpoint is None else self.target.command[-1:],
            modules=modules,
            looks=looks,
            workdir=self.surroundings.workdir,
            standpoint=standpoint,
            limits=self.surroundings.limits,
            processors=self.surroundings.processors,
        )

    def understanding(self, probe: Probe[Any], fetched: Recorded) -> Request:
        """The local part of *probe*, told what was fetched in the target."""
        assert probe.local
        look = look_of(probe, self.settings)
        return own_request({}, [replace(look, run=probe.local, arguments={**look.arguments, "told": fetched.facts})])

    def begin(self, request: Request) -> Child:
        """Raises UsageError where the target's command cannot be started, ProcessEnded where that is why."""
        mark = {RUN_VARIABLE: self.token.strip()}
        try:
            return Child.start(request, self.token, {**self._environment(request), **mark, **BUFFERED})
        except OSError as error:
            if request.path is None and self.has_ended:
                raise ProcessEnded from None
            self._refuse_command(request, error)

    def _environment(self, request: Request) -> dict[str, str]:
        """The doctor's own side is told its path, and may not be led astray by the service's variables. It loads what it
        finds with the doctor's rights, so no path of another user's is told."""
        if request.path is None:
            return dict(self.surroundings.environment)
        own = self.surroundings.standpoint is None
        path = self.surroundings.environment.get("LD_LIBRARY_PATH", "") if own else ""
        return {**os.environ, SERVICE_LIBRARY_PATH: _absolute(path, self.surroundings.workdir)}

    def _refuse_command(self, request: Request, error: OSError) -> NoReturn:
        named = (
            f"--target {' '.join(request.command)}" if request.command == self.target.command else request.command[0]
        )
        raise UsageError(f"{named}: cannot be started: {_why(request.command[0], error)}{self._hint}") from None

    @property
    def _hint(self) -> str:
        """For an operator who did not choose the target himself."""
        by = f" by {self.target.chosen_by}" if self.target.chosen_by else ""
        return "" if self.target.chosen == "flag" else f" (it was chosen{by}; name the service's Python with --target)"

    def refuse_what_is_no_python(self, reading: Recorded) -> None:
        """Wrong usage ends the run here; a Python that dies at its start is the patient's trouble, and goes on."""
        words = f"--target {' '.join(self.target.command)}"
        if any("is too old" in line and line.startswith("retina-doctor:") for line in reading.stderr_tail):
            raise UsageError(f"{words}: {reading.stderr_tail[-1].removeprefix('retina-doctor: ')}{self._hint}")
        greeted = bool(reading.facts) or reading.stage is not None
        died = "killed by" in (reading.detail or "")
        called = any("python" in Path(word).name for word in self.target.command)
        told = " ".join(reading.stderr_tail)
        if NO_ENGINE in told.lower():
            return  # which may be what is wrong, and is a pack's to say
        python = any(mark in told for mark in MARKS_OF_PYTHON) or (reading.outcome is Outcome.TIMED_OUT and called)
        if not (greeted or died or python) or "can't open file" in told or PROGRAM_END in told:
            said = f"; it said: {reading.stderr_tail[-1].strip()[:120]}" if reading.stderr_tail else ""
            raise UsageError(f"{words}: is not a Python: {reading.detail}{said}{self._hint}")


def _why(program: str, error: OSError) -> str:
    """The kernel says the same of a file that is not there, and of one that leads to what is not there."""
    path = Path(program)
    by_path = os.sep in program  # else it is looked for in PATH: a file of that name here is another one
    if not isinstance(error, FileNotFoundError) or not by_path or not os.path.lexists(path):
        return str(error.strerror)
    if path.exists():
        return f"the interpreter or loader that {path} names is not on this machine (`file {path}` shows it)"
    return (
        f"it is a link to {os.path.realpath(path)}, which is not here: that Python was removed or upgraded (recreate the "
        "virtual environment), or it is in a container or on another machine (run retina-doctor there)"
    )


def _absolute(path: str, workdir: str | None) -> str:
    """A library path as the service means it: what is relative in it, or empty, starts from its working directory (ld.so(8)).

    Where that is not known it is left out: the doctor's own is nobody's to load from.
    """
    folders = re.split("[:;]", path) if path else []
    kept = (folder if folder.startswith("/") else workdir and str(Path(workdir, folder)) for folder in folders)
    return ":".join(folder for folder in kept if folder)
