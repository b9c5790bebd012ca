"""Fetches the texts of the few files that are the service's own: what its process or its start command runs, else what lies
where it is started.

With the service's rights and from its working directory; nothing is imported or run.
"""

from __future__ import annotations

import os
import re
import time

from retina_doctor import proc_files
from retina_doctor.hints import Any
from retina_doctor_checks.probes.service import application
from retina_doctor_checks.probes.source import look_texts

LYING = (
    *("app.py", "main.py", "server.py", "Dockerfile", "requirements.txt"),
    *("compose.yml", "compose.yaml", "docker-compose.yml", "docker-compose.yaml"),
)
MOST_OWN = 20  # files of the service's own package
IMPORTS = re.compile(
    r"^[ \t]*(?:from[ \t]+(\.*[\w.]*)[ \t]+import\b[ \t]*(?:\(([^()]*)\)|([\w, \t]*))|import[ \t]+([\w., \t]+))",
    re.MULTILINE,
)
"""Names may stand in brackets, on lines of their own; of `*` only the module is known."""
OF_DETECTOR = re.compile(r"(?i)thr|conf|score|nms|iou|size|width|height")
NUMBER = re.compile(r"[\d.]{1,9}")
"""Names and values of variables that may be the detector's."""


def look(probe: Any, arguments: dict[str, Any]) -> None:
    """Tells what look_texts tells, and *executed*: files that the running process executes.

    *kinds*: as there. *pid*: of the service's process as it is numbered here, *start*: how it is started; None: there is neither,
    and what lies in the working directory is read.
    """
    start = time.monotonic()
    kinds = [look_texts.FileKind(one) for one in arguments["kinds"]]
    executed = own_files(arguments["pid"]) if arguments["pid"] else started(arguments.get("start"))
    here = os.getcwd()
    paths = executed or [os.path.join(here, name) for name in LYING if os.path.isfile(os.path.join(here, name))]
    probe.tell(paths=[], missing=[], files=0, cut=False, unread=[], texts=[], seconds=0, executed=[])
    fetched = look_texts.Fetched(start + 0.35 * arguments["seconds"])
    python = next(kind for kind in kinds if kind.word == "python")
    for path in paths:
        fetched.take(path, look_texts.kind_of(path, kinds) or python, named=False)
    for folder in sorted({here, *map(os.path.dirname, executed[:1])}):
        if os.path.isfile(os.path.join(folder, ".env")):
            fetched.take(os.path.join(folder, ".env"), next(kind for kind in kinds if kind.word == "dotenv"))
    told = {"unread": fetched.unread, "texts": fetched.texts, "cut": fetched.cut, "executed": executed}
    told["variables"] = [
        pair for pair in os.environ.items() if NUMBER.fullmatch(pair[1]) and OF_DETECTOR.search(pair[0])
    ]
    probe.tell(paths=paths, files=len(paths), seconds=time.monotonic() - start, **told)


def own_files(pid: int) -> list[str]:
    """The file that the process was started with, and what it imports of its own folder; none where it cannot be told."""
    try:
        words = [os.fsdecode(word) for word in proc_files.words("/proc/%d" % pid) if word]
        base = os.readlink("/proc/%d/cwd" % pid)
    except OSError:
        return []
    base = base if os.path.isdir(base) else os.getcwd()
    main = main_file(words, base)
    import zipfile  # only here: it takes a millisecond

    return with_imports(main) if main and not zipfile.is_zipfile(main) else []


def started(named: str | None) -> list[str]:
    """What a start command runs, and what that imports of its own folder. Containers and compose files are not asked: the files
    are in an image."""
    if not named or named.startswith(("docker:", "podman:")) or re.search(r"\.ya?ml(#|$)", named):
        return []
    from retina_doctor_checks.probes.service import look_start  # only here: few name a start

    told = look_start.found(named)
    words, folder = application.entered(told.words, told.directory or os.getcwd())
    main = main_file(words, folder)
    return with_imports(main) if main else []


def main_file(words: list[str], base: str) -> str | None:
    """The file that a command line of Python runs; None: none of the service's own."""
    variables = {name: os.environ[name] for name in ("FLASK_APP", "GUNICORN_CMD_ARGS") if name in os.environ}
    found = application.of_command(application.stripped(words), base, [], variables)
    return found.file if found is not None else None


def with_imports(main: str) -> list[str]:
    """The file, and what it and these import from its own folder or below."""
    root = os.path.dirname(main)
    found = [main]
    for file in found:
        for name in imported(file):
            for base in (os.path.dirname(file), root):
                other = application.module_file(name, [base])
                if other and other not in found and len(found) < MOST_OWN and other.startswith(root + os.sep):
                    found.append(other)
                    break
    return found


def imported(file: str) -> list[str]:
    """Names of modules, as far as a line tells."""
    try:
        with open(file, "rb", opener=look_texts.without_waiting) as stream:
            text = stream.read(look_texts.MOST_NAMING).decode("utf-8", "replace")
    except OSError:
        return []
    names = []
    for match in IMPORTS.finditer(text):
        if match.group(1) is not None:
            base = match.group(1).strip(".")
            names += [base] if base else []
            listed = re.findall(r"(?:^|,|\n)\s*(\w+)", match.group(2) or match.group(3) or "")
            names += [".".join(filter(None, (base, one))) for one in listed]
        else:
            names += [one.split()[0] for one in match.group(4).split(",") if one.split()]
    return [name for name in names if not re.search(r"[^\w.]", name)]
