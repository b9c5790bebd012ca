"""Sent to the Python of whoever owns the files: builds the new state beside the old one, and exchanges the two.

Runs as `python -I -S -c` one text, made of this module and of those that it imports, with a request in JSON on standard input, as
the service's user and with no more than its rights: so root never follows a link that a service's user has laid. Python 3.8 and
its standard library alone; nothing of site-packages is imported. What exists is never changed in place: a folder is copied (hard
links), the copy is changed, and one system call (renameat2) exchanges them. So a process that is killed leaves the old state or
the new one.
"""

from __future__ import annotations

import json
import sys

from retina_doctor.fixing.sent.contents import hashes
from retina_doctor.fixing.sent.copies import discard, stage, up
from retina_doctor.fixing.sent.environments import environment, packages, settle
from retina_doctor.fixing.sent.exchange import become, differing, state, whole
from retina_doctor.fixing.sent.links import absent, link, unlink
from retina_doctor.fixing.sent.modes import mode, readable
from retina_doctor.fixing.sent.places import FixOvertaken, FixRefused, resolved
from retina_doctor.fixing.sent.texts import read, write

DOINGS = {
    one.__name__: one
    for one in (
        environment, resolved, stage, settle, differing, whole, state, become, up, read, write, discard, packages, hashes,
        absent, link, unlink, readable, mode
    )
}  # fmt: skip


def main() -> None:
    request = json.loads(sys.stdin.read())
    try:
        told = DOINGS[request.pop("do")](**request)
    except FixRefused as refused:
        told = {"refused": str(refused), "overtaken": isinstance(refused, FixOvertaken)}
    except OSError as error:
        told = {"refused": "%s: %s" % (error.filename or "", error.strerror)}
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    main()
