"""What starts a service, as it was read: its command, where that is started, and what has to be there first. Python 3.8."""

from __future__ import annotations

import difflib
import os

from retina_doctor.hints import Any
from retina_doctor_checks.probes.service import imported_names

KEPT = ("PYTHONPATH=", "FLASK_APP=", "GUNICORN_CMD_ARGS=", "RETINAFACE_MODEL_PATH=")
"""Of a unit's variables those that say which application and which model is loaded; others may be secret."""
SECONDS = 5


class SaidAt:
    """A line of a file that says where something is."""

    def __init__(self, file: str, line: int) -> None:
        self.file, self.line = file, line


class StartCommand:
    """*words*: of the command; *directory*: where it is started, as *place* says. *ended*: how its last start did; *env_files*:
    those that must be there. *user*: who starts it, and where that is said; *log_folder*: likewise of the folder of its
    log. *rights*: what a unit gives beyond its user's."""

    def __init__(
        self,
        source: str,
        words: list[str],
        directory: str | None = None,
        ended: dict[str, Any] | None = None,
        env_files: list[str] | None = None,
        problem: str | None = None,
        text: str | None = None,
        place: SaidAt | None = None,
        user: tuple[str, SaidAt] | None = None,
        log_folder: tuple[str, SaidAt] | None = None,
        rights: str = "",
    ) -> None:
        self.source, self.words, self.directory, self.ended = source, words, directory, ended
        self.env_files, self.problem = env_files or [], problem
        self.text = text  # as it stands, where a shell reads it
        self.place, self.user, self.log_folder = place, user, log_folder
        self.rights = rights

    def stops(self, named: str) -> dict[str, Any] | None:
        """What lets no start get as far as the command, of imported_names.unloadable; None: nothing of that."""
        if self.directory and self.source in ("unit", "supervisor") and not os.path.isdir(self.directory):
            place = self.place or SaidAt(named, 0)
            return told("directory", place, self.directory, siblings(self.directory))
        gone = next((one for one in self.env_files if not os.path.exists(one)), None)
        if gone is not None:
            return told("env-file", self.place or SaidAt(named.partition("#")[0], 1), gone)
        if self.user is not None and not is_user(self.user[0]):
            return told("no-such-user", self.user[1], self.user[0])
        if self.log_folder is not None and not os.path.isdir(self.log_folder[0]):
            return told("log-folder", self.log_folder[1], self.log_folder[0])
        return None


def told(kind: str, place: SaidAt, what: str, names: list[str] | None = None) -> dict[str, Any]:
    return imported_names.unloadable(kind, place.file, place.line, what, names)


def siblings(path: str) -> list[str]:
    """Folders beside it whose names are nearly its own."""
    above, _, name = path.rstrip("/").rpartition("/")
    try:
        names = [one.name for one in os.scandir(above or "/") if one.is_dir()]
    except OSError:
        return []
    return [os.path.join(above, one) for one in difflib.get_close_matches(name, sorted(names), 3, 0.6)]


def is_user(name: str) -> bool:
    """As initgroups and setuid need it; also where users are not in a file but in a directory service."""
    try:
        import pwd

        pwd.getpwuid(int(name)) if name.isdigit() else pwd.getpwnam(name)
    except ImportError:
        return True
    except KeyError:
        return name.isdigit()
    return True
