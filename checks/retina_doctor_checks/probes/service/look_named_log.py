"""Fetches the end of the log that was named: a file, the journal of a systemd unit, a container's; and how that has ended.

On the machine of whoever calls, with his rights: he named it, or the target that it belongs to. Python 3.8, standard library
alone.
"""

from __future__ import annotations

import os
import time

from retina_doctor.hints import Any
from retina_doctor_checks.probes.native import program
from retina_doctor_checks.probes.service import ended, log_end


def look(probe: Any, arguments: dict[str, Any]) -> None:
    """*log*: None, or {"kind", "name", "words", "state"}: a file, or the program that prints the log and the one that tells the
    state. Tells as look_log does, and *exit*."""
    now = time.time()
    probe.tell(fetched=[], exit=None, pids=[], started=None, now=now, offset=time.localtime(now).tm_gmtoff)
    log = arguments["log"]
    if log is None:
        return
    about = {"kind": log["kind"], "name": log["name"]}
    if log["kind"] == "file":
        path = os.path.abspath(os.path.expanduser(log["name"]))
        told = log_end.of_file(path)
        if told["problem"] not in (None, "empty"):
            reason = "is no regular file" if told["problem"] == "no-file" else told["words"]
            raise OSError("log %s: %s" % (path, reason))
        probe.tell(fetched=[dict(told, kind="file", name=path)])
        return
    seconds = 0.4 * arguments["seconds"]
    if log["state"]:
        state = program.run(log["state"], seconds).output.decode("utf-8", "replace")
        told_exit = (ended.of_unit if log["kind"] == "unit" else ended.of_container)(state)
        probe.tell(exit=told_exit, started=told_exit and told_exit["started"])
    probe.tell(fetched=[dict(log_end.of_program(log["words"], seconds), **about)])
