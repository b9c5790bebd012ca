"""Whether the user that a start command names may bind the port that it names: by what they say, tried by nobody. Python 3.8."""

from __future__ import annotations

import os
import re
import shutil
import sys

from retina_doctor.hints import Any
from retina_doctor_checks.probes.service import application
from retina_doctor_checks.probes.service.server_words import BINDS

PORT = re.compile(r"(?:tcp://)?(?:[\w.*-]*:|\[[^\]]*\]:)?(\d{1,5})$")
USER_FLAGS = {"sudo": ("-u", "--user"), "setpriv": ("--reuid",), "chpst": ("-u",)}
OF_OWN_CODE = ("--port", "--bind")
ANOTHERS = ("--fd", "--uds", "--unix-socket")
"""Flags with which a server is handed a socket, or binds no port."""
STARTED_BY = re.compile(rb"#!\s*(/\S+)(?:[ \t]+([\w.-]+))?|'''exec' \"?(/[^\"\s]+)")
"""A script's first line, or that which pip writes where the path is long."""
WITH_THE_RIGHT = re.compile(r"(?i)authbind|net_bind_service|--port-start|capsh")
FIRST = "/proc/sys/net/ipv4/ip_unprivileged_port_start"


def refused(words: list[str], directory: str, user: str | None, rights: str) -> dict[str, Any] | None:
    """{"user", "uid", "port", "first"} where the kernel refuses; *port* None: the words name none.

    *user*: of a unit; a command may name another. *rights*: what a unit says of capabilities."""
    user = named_user(words) or user
    if user is None or WITH_THE_RIGHT.search(" ".join([*words, rights])):
        return None
    program = application.stripped(words)
    port = port_of(program, directory)
    try:
        import pwd

        uid = int(user) if user.isdigit() else pwd.getpwnam(user).pw_uid
        with open(FIRST) as file:
            first = int(file.read())
    except (ImportError, KeyError, OSError, ValueError):
        return None
    if uid == 0 or port is None or port >= first or has_rights(program[0], directory):
        return None
    return {"user": user, "uid": uid, "port": port, "first": first}


def named_user(words: list[str]) -> str | None:
    """By the last of what starts the program with another's rights; sudo takes root's where it is told none."""
    user = None
    while words:
        inner = application.inside(words)
        if len(inner) == len(words):
            break
        name, own = os.path.basename(words[0]), words[1 : len(words) - len(inner)]
        if name in ("gosu", "su-exec"):
            user = own[-1] if own else None
        elif name in USER_FLAGS:
            user = application.value(own, *USER_FLAGS[name]) or ("root" if name == "sudo" else user)
        words = inner
    return user.lstrip("#").partition(":")[0] if user else None


def port_of(words: list[str], directory: str) -> int | None:
    """That a flag of a server that is known names, or one of a Python file of the service's own. None: nobody can tell."""
    app = application.of_command(words, directory, [])
    if app is None or (app.server is None and app.file is None):
        return None
    flags = BINDS.get(app.server, ()) if app.server is not None else OF_OWN_CODE
    if any(application.value(words, one) is not None for one in ANOTHERS):
        return None
    match = PORT.match(application.value(words, *flags) or "")
    return int(match.group(1)) if match else None


def has_rights(word: str, directory: str) -> bool:
    """Of the program's file, as setcap gives them, or of the one that its first line names. True: it cannot be found."""
    programs = os.pathsep.join([os.path.dirname(sys.executable), os.environ.get("PATH", os.defpath)])
    place = os.path.join(directory, word) if "/" in word else shutil.which(word, path=programs)
    try:
        with open(place or "", "rb") as file:
            told = STARTED_BY.findall(file.read(512))[:2]
    except OSError:
        return not place
    named = [os.fsdecode(one) for found in told for one in found if one]
    files = [place, *(one if "/" in one else shutil.which(one, path=programs) for one in named)]
    try:
        return any(
            "security.capability" in os.listxattr(os.path.realpath(one)) for one in files if one and os.path.exists(one)
        )
    except (OSError, AttributeError):
        return False
