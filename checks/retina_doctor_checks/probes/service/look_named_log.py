"""Fetches the end of the log that was named: a file, the journal of a systemd unit, a container's; and how that has ended.

On the machine of whoever calls, with his rights: he named it, or the target that it belongs to. Python 3.8, standard library
alone.
"""

from __future__ import annotations

import calendar
import json
import os
import re
import time
from typing import Any

from retina_doctor_checks.probes.native import program
from retina_doctor_checks.probes.service import log_end

UNIT_SAYS = ("ActiveState", "ExecMainCode", "ExecMainStatus", "ExecMainStartTimestampMonotonic", "Result")
KILLED = (2, 3)  # CLD_KILLED, CLD_DUMPED: then the status is a signal
ZONED = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d+)?Z")


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
        ended = program.run(log["state"], seconds)
        told_exit = (of_unit if log["kind"] == "unit" else of_container)(ended.output.decode("utf-8", "replace"))
        probe.tell(exit=told_exit, started=told_exit and told_exit["started"])
    probe.tell(fetched=[dict(log_end.of_program(log["words"], seconds), **about)])


def of_unit(text: str) -> dict[str, Any] | None:
    """From `systemctl show`; None where there is no such unit, or no systemd."""
    said = dict(line.partition("=")[::2] for line in text.splitlines() if "=" in line)
    if not set(UNIT_SAYS) <= set(said) or said["ExecMainStartTimestampMonotonic"] in ("", "0"):
        return None
    try:
        number, how = int(said["ExecMainStatus"]), int(said["ExecMainCode"])
        since_boot = int(said["ExecMainStartTimestampMonotonic"]) / 1e6
        started = time.time() - time.clock_gettime(time.CLOCK_MONOTONIC) + since_boot
    except ValueError:
        return None
    running = said["ActiveState"] == "active" and how == 0
    return {
        "running": running,
        "code": number if how == 1 else None,
        "signal": number if how in KILLED else None,
        "killed_for_memory": said["Result"] == "oom-kill",
        "started": started,
    }


def of_container(text: str) -> dict[str, Any] | None:
    """From `docker inspect --format '{{json .State}}'`."""
    try:
        state = json.loads(text)
        match = ZONED.match(state.get("StartedAt") or "")
        started = calendar.timegm(time.strptime(match.group(1), "%Y-%m-%dT%H:%M:%S")) if match else None
        return {
            "running": bool(state["Running"]),
            "code": None if state["Running"] else int(state["ExitCode"]),
            "signal": None,
            "killed_for_memory": bool(state.get("OOMKilled")),
            "started": None if started is None else float(started),
        }
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
