"""How the last run of a unit or a container ended, as its keeper tells it. Sent to targets: Python 3.8."""

from __future__ import annotations

import calendar
import json
import re
import time

from retina_doctor.hints import Any

UNIT = ("ActiveState", "ExecMainCode", "ExecMainStatus", "ExecMainStartTimestampMonotonic", "Result", "NRestarts")
"""What `systemctl show` is asked for; systemd before 235 knows no NRestarts."""
KILLED = (2, 3)  # CLD_KILLED, CLD_DUMPED of waitid(2): then the status is a signal
NOT_AS_EXPECTED = (ValueError, LookupError, TypeError, AttributeError, OverflowError, RecursionError)
"""What may come of JSON that is other than `docker inspect` writes it: another form, infinite numbers, thousands of brackets."""
ZONED = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d+)?Z")


def of_unit(text: str) -> dict[str, Any] | None:
    """From `systemctl show`; None where there is no such unit, no systemd, or it was never started."""
    said = dict(line.partition("=")[::2] for line in text.splitlines() if "=" in line)
    code, status = whole(said.get("ExecMainCode")), whole(said.get("ExecMainStatus"))
    if "ActiveState" not in said or code is None or status is None:
        return None
    running = said["ActiveState"] == "active" and code == 0
    since_boot = whole(said.get("ExecMainStartTimestampMonotonic"))
    if since_boot == 0:
        return None
    started = None if since_boot is None else time.time() - time.clock_gettime(time.CLOCK_MONOTONIC) + since_boot / 1e6
    return {
        "running": running,
        "code": status if code == 1 else None,
        "signal": status if code in KILLED else None,
        "killed_for_memory": said.get("Result") == "oom-kill",
        "started": started,
        "restarts": whole(said.get("NRestarts")),
    }


def of_container(text: str) -> dict[str, Any] | None:
    """From `docker inspect`: its State alone, or the whole, of which the restarts are told as well."""
    try:
        told = json.loads(text)
        told = told[0] if isinstance(told, list) else told
        state = told.get("State", told)
        match = ZONED.match(state.get("StartedAt") or "")
        started = calendar.timegm(time.strptime(match.group(1), "%Y-%m-%dT%H:%M:%S")) if match else None
        return {
            "running": bool(state["Running"]),
            "code": None if state["Running"] else int(state["ExitCode"]),
            "signal": None,
            "killed_for_memory": bool(state.get("OOMKilled")),
            "started": None if started is None else float(started),
            "restarts": whole(str(told.get("RestartCount"))),
        }
    except NOT_AS_EXPECTED:
        return None


def whole(text: str | None) -> int | None:
    return int(text) if text is not None and re.match(r"-?\d+$", text) else None
