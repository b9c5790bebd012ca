"""What a service's start command says of it where it does not run: its Python, its model and its folder."""

from __future__ import annotations

import os
from pathlib import Path

from retina_doctor.settings import Settings
from retina_doctor_checks.probes.models.locate import VARIABLE, is_trusted
from retina_doctor_checks.probes.service import application, compose_file, look_start
from retina_doctor_checks.probes.service.server_words import SERVERS
from retina_doctor_checks.probes.service.start_command import StartCommand

from .doubts import model_of
from .settings import ServiceSettings


def python_of_start(settings: Settings) -> tuple[str, ...] | None:
    """The Python that the service's start command names by a path, or that stands beside the server which it names. Only where
    nobody else can change what it runs: another user's is not run with these rights."""
    told = read_start(settings)
    if told is None:
        return None
    words, directory = application.entered(told.words, told.directory or str(Path.cwd()))
    first = next(iter(application.stripped(words)), "")
    if "/" not in first:
        return None
    program = Path(directory, first)
    beside = [program] if application.PYTHON.match(program.name) else []
    if program.name in SERVERS:
        beside = [program.with_name("python3"), program.with_name("python")]
    return next(((str(Path.cwd() / one),) for one in beside if os.access(one, os.X_OK) and is_ours(one)), None)


def said_by_start(settings: Settings) -> dict[str, dict[str, str]]:
    """The model that a start command's words or its variables name, and the folder in which a file says that it runs. A command
    that goes to a folder, and a file that is named from here, are read again by the probe, and would be sought from there."""
    told = read_start(settings)
    if told is None:
        return {}
    words, folder = application.entered(told.words, told.directory or "")
    model = model_of(application.stripped(words)) or application.assigned([*told.words, *words]).get(VARIABLE)
    said: dict[str, dict[str, str]] = {}
    if model and "$" not in model:
        said["model"] = {"path": str(Path(folder, model))}
    named = Path((settings.of(ServiceSettings).start or "").partition("#")[0])
    moves = told.directory is not None and (named.is_absolute() or not named.is_file())
    if moves and told.directory and Path(told.directory).is_dir() and told.directory != str(Path.cwd()):
        said["target"] = {"workdir": told.directory}
    return said


def read_start(settings: Settings) -> StartCommand | None:
    """None: nothing is named, or its paths are those of an image, of which no engine is asked here."""
    named = settings.of(ServiceSettings).start
    if named is None or named.partition(":")[0] in ("docker", "podman"):
        return None
    if compose_file.NAMES.match(Path(named.partition("#")[0]).name):
        return None
    return look_start.found(named)


def is_ours(python: Path) -> bool:
    """Whether it, its folder and the one above, in which pyvenv.cfg is looked for (site.py), and where its packages lie are
    root's and this user's alone."""
    environment = python.parent.parent
    places = (python, python.parent, environment, *environment.glob("lib*/python*/site-packages"))
    return all(is_trusted(str(one)) for one in places)
