"""Whether the user that a start command names may bind the port that it names: by what they say, tried by nobody. Python 3.8."""

from __future__ import annotations

import os
import re

from retina_doctor.hints import Any
from retina_doctor_checks.probes.service import application

PORT = re.compile(
    r"(?:--?(?:[a-z]+[-.])*(?:port|bind|listen|http)|-[pbB]|runserver)[= ]?(?:tcp://)?(?:[\w.*-]*:|\[[^\]]*\]:)?(\d+)$"
)
USER = re.compile(
    r"(?:^|/)(?:sudo\b.*? (?:-u ?|--user[= ])|setpriv\b.*? --reuid[= ]|(?:gosu|su-exec|chpst -u) )([\w.-]+)"
)
WITH_THE_RIGHT = re.compile(r"(?i)authbind|net_bind_service|--port-start|capsh")
FIRST = "/proc/sys/net/ipv4/ip_unprivileged_port_start"


def refused(words: list[str], user: str | None, rights: str) -> dict[str, Any] | None:
    """{"user", "uid", "port", "first"} where the kernel refuses; *port* None: the words name none.

    *user*: of a unit; a command may name another. *rights*: what a unit says of capabilities."""
    line = " ".join(words)
    named = USER.search(line)
    user = named.group(1) if named else user
    port = port_of(words)
    if user is None or WITH_THE_RIGHT.search(line + " " + rights):
        return None
    try:
        import pwd

        uid = int(user) if user.isdigit() else pwd.getpwnam(user).pw_uid
        with open(FIRST) as file:
            first = int(file.read())
    except (ImportError, KeyError, OSError, ValueError):
        return None
    if uid == 0 or (port or 0) >= first or has_rights(application.stripped(words)):
        return None
    return {"user": user, "uid": uid, "port": port, "first": first}


def port_of(words: list[str]) -> int | None:
    """The last that a flag of the server names."""
    told = [*words, *("%s %s" % (words[place - 1], words[place]) for place in range(1, len(words)))]
    found = [match.group(1) for match in map(PORT.match, told) if match]
    return int(found[-1]) if found and len(found[-1]) < 6 else None


def has_rights(words: list[str]) -> bool:
    """Of the program's file, as setcap gives them."""
    try:
        return bool(words) and "security.capability" in os.listxattr(os.path.realpath(words[0]))
    except (OSError, AttributeError):
        return False
