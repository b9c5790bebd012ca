"""Chooses the interpreter to look at when none is named: the service's, not the doctor's own."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from retina_doctor import proc_files
from retina_doctor.apart import unless_local
from retina_doctor.codec import Data, field, replace
from retina_doctor.errors import UsageError
from retina_doctor.model import Chosen, SeenFrom, Target
from retina_doctor.settings import Settings
from retina_doctor.standpoint.kept import is_kept, oneself
from retina_doctor.standpoint.process_python import python_of
from retina_doctor.standpoint.seen_from import of_caller, of_process
from retina_doctor.standpoint.standpoint import Standpoint, limits_of, standpoint_of


def choose_target(settings: Settings, environment: Mapping[str, str], how: Chosen = "service") -> Target:
    """The named command; else the interpreter of the service's process, in whose place no other stands; else VIRTUAL_ENV's
    or CONDA_PREFIX's unless that is the doctor's own; else the one that lies in the working directory (.venv), as it does for a
    service that is not started; else the first python3 on PATH that is not the doctor's; else that.

    *how*: the way in which the process was come by.
    """
    if settings.target.command:
        _await("--target", [word for word in settings.target.command if word.startswith("/")])
        _await_search(settings.target.command[0], environment)
        return Target(command=settings.target.command, chosen="flag")
    if settings.process.pid:
        one = python_of(settings.process.pid)
        pid = str(settings.process.pid)
        return Target(
            command=one.command,
            chosen=how,
            chosen_by=pid,
            problem=one.problem,
            called=one.called,
            roots_own=one.roots_own,
            brought=str(Path(one.paths[0]).parent) if one.paths else None,
        )
    for variable in ("VIRTUAL_ENV", "CONDA_PREFIX"):
        prefix = environment.get(variable)
        if not prefix or not Path(prefix).is_absolute():
            continue
        _await(variable, [prefix])
        if not _same(Path(prefix), Path(sys.prefix)):
            for name in ("python", "python3"):
                python = Path(prefix) / "bin" / name
                if os.access(python, os.X_OK):
                    return Target(command=(str(python),), chosen="environment", chosen_by=variable)
    for beside in _beside(settings.target.workdir):
        if _is_ours(beside):
            return Target(command=(str(beside / "bin" / "python"),), chosen="folder", chosen_by=beside.name)
    for python in _on_path(environment.get("PATH", os.defpath)):
        return Target(command=(str(python),), chosen="path", chosen_by="PATH")
    return Target(command=(sys.executable,), chosen="own")


IN_FOLDER = (".venv", "venv", "env")
"""What uv, venv's own documentation and virtualenv's call an environment beside the service."""


def _beside(workdir: str | None) -> list[Path]:
    try:
        folder = Path(workdir or ".").absolute()
    except OSError:  # the working directory is gone
        return []
    return [folder / name for name in IN_FOLDER]


def _is_ours(prefix: Path) -> bool:
    """An environment that is not the doctor's own, and of which nobody but root and this user can change anything: what others
    may put into the working directory is not run."""
    python = prefix / "bin" / "python"

    def look() -> bool:
        there = os.access(python, os.X_OK) and not _same(prefix, Path(sys.prefix))
        return there and is_kept(str(python), oneself(), system=True)

    try:
        return unless_local(look)
    except TimeoutError:
        return False


def _await(named: str, paths: Sequence[str]) -> None:
    """A program on a disk that does not answer would be waited for by whoever starts it, for ever. Raises UsageError."""
    try:
        unless_local(lambda: [os.access(f"{path}/bin", os.F_OK) for path in paths])
    except TimeoutError:
        told = ", ".join(paths)
        raise UsageError(f"{named}: the disk does not answer: a network or FUSE file system hangs ({told})") from None


def _await_search(program: str, environment: Mapping[str, str]) -> None:
    """Whoever starts a program by its name looks for it in each folder of PATH, up to the one that has it."""
    if os.sep in program:
        return
    for folder in filter(os.path.isabs, environment.get("PATH", os.defpath).split(os.pathsep)):
        if _answered(folder, functools.partial(os.access, f"{folder}/{program}", os.X_OK)):
            return


def _answered(folder: str, work: Callable[[], bool]) -> bool:
    """What *work* finds in a folder of PATH. Raises UsageError where that folder's disk does not answer."""
    try:
        return unless_local(work)
    except TimeoutError:
        raise UsageError(f"PATH: the disk does not answer: a network or FUSE file system hangs ({folder})") from None


def without_hanging(path: str) -> tuple[str, list[str]]:
    """A PATH without the folders whose disks do not answer, and those: whatever looks for a program there waits for ever."""
    hanging = []
    for folder in dict.fromkeys(filter(os.path.isabs, path.split(os.pathsep))):
        try:
            unless_local(functools.partial(os.access, f"{folder}/.", os.F_OK))
        except TimeoutError:
            hanging.append(folder)
    return os.pathsep.join(one for one in path.split(os.pathsep) if one not in hanging), hanging


def _on_path(path: str) -> Iterator[Path]:
    own = Path(sys.executable).parent
    for folder in map(Path, path.split(os.pathsep)):
        # A relative entry of PATH means the working directory, from which nothing is run.
        if folder.is_absolute() and _answered(str(folder), functools.partial(_has_python, folder, own)):
            yield folder / "python3"


def _has_python(folder: Path, own: Path) -> bool:
    return not _same(folder, own) and os.access(folder / "python3", os.X_OK)


def _same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:
        return one == other


def numbered_inside(settings: Settings, around: Surroundings) -> Settings:
    """Where the service's process is entered, probes run beside it and must know it by its number there."""
    pid = settings.process.pid
    if pid is None or around.standpoint is None or not around.standpoint.namespaces:
        return settings
    try:
        inside = proc_files.status(f"/proc/{pid}").get("NSpid")
    except OSError:
        return settings
    number = int(inside.split()[-1]) if inside else pid
    return settings.changed(service={"pid": number})


class Surroundings(Data, frozen=True):
    """What a service's own paths and libraries are looked up with; *workdir* None: the doctor's.

    *standpoint*: whose rights its interpreter is started with; None: the doctor's own. *limits*: where they are the doctor's
    own, those of the process that are others; so *processors*. *seen_from*: all of this, for the snapshot.
    """

    workdir: str | None
    environment: Mapping[str, str]
    standpoint: Standpoint | None = None
    limits: Mapping[int, tuple[int, int]] = field(default_factory=dict)
    processors: tuple[int, ...] = ()
    seen_from: SeenFrom | None = None


def target_with_surroundings(
    settings: Settings, environment: Mapping[str, str], how: Chosen = "service"
) -> tuple[Target, Surroundings]:
    """Both as one moment had them. A process that ended between them is one that ended before. Raises UsageError."""
    target = choose_target(settings, environment, how)
    try:
        return target, surroundings(settings, target, environment)
    except ProcessLookupError:
        target = replace(target, command=(), problem="ended")
        return target, surroundings(settings, target, environment)


def surroundings(settings: Settings, target: Target, environment: Mapping[str, str]) -> Surroundings:
    """Working directory and environment for the target's Python: those of the attached process, else the doctor's own.

    The settings' workdir goes before both. Raises UsageError where the process may not be read, or became another since the
    target was chosen: then one user's environment would be taken for another's; ProcessLookupError where it ended.
    """
    if not target.of_a_process or target.problem == "ended":
        seen_from = SeenFrom(whose="target") if target.chosen == "flag" else of_caller()
        return Surroundings(settings.target.workdir, environment, seen_from=seen_from)
    pid = int(target.chosen_by)
    process = Path("/proc") / target.chosen_by
    try:
        standpoint = standpoint_of(pid)
        pairs = proc_files.variables(str(process))
        own = dict(os.fsdecode(pair).split("=", 1) for pair in pairs if b"=" in pair)
        workdir = settings.target.workdir or standpoint.seen(str((process / "cwd").readlink()))
        python = python_of(pid) if target.problem != "no-answer" else None
        same = python is None or python.command == target.command
        if not same or standpoint_of(pid) != standpoint:
            raise UsageError(f"--pid {pid}: it became another process while it was read")
        seen_from = of_process(standpoint, workdir)
        paths = python.paths if python is not None else ()
        if standpoint.foreign:
            return Surroundings(workdir, _with_paths(own, paths), standpoint, seen_from=seen_from)
        doctors = limits_of("self")
        others = {number: pair for number, pair in standpoint.limits.items() if pair != doctors.get(number)}
        if not own:  # a server that writes its title over its command line may have written over its variables, too
            seen_from = replace(seen_from, environment="caller")
        apart = standpoint.processors if set(standpoint.processors) != os.sched_getaffinity(0) else ()
        variables = _with_paths(own or environment, paths)
        return Surroundings(workdir, variables, limits=others, processors=apart, seen_from=seen_from)
    except (FileNotFoundError, ProcessLookupError):
        raise ProcessLookupError(pid) from None
    except OSError as error:
        raise UsageError(f"--pid {target.chosen_by}: its surroundings cannot be read: {error.strerror}") from None


MOST_VARIABLE = 2**17 - 1
"""Bytes of a variable that a program can be started with (execve(2), MAX_ARG_STRLEN)."""


def _with_paths(variables: Mapping[str, str], paths: tuple[str, ...]) -> Mapping[str, str]:
    """*paths*: where the process found its packages by a way of its own."""
    told = [variables["PYTHONPATH"]] if variables.get("PYTHONPATH") else []
    joined = os.pathsep.join([*told, *paths])
    fits = len(os.fsencode(f"PYTHONPATH={joined}")) < MOST_VARIABLE
    return {**variables, "PYTHONPATH": joined} if paths and fits else variables
