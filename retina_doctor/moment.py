"""What time it is, as snapshots and runs are stamped with."""

from __future__ import annotations

import datetime


def shown(moment: str) -> str:
    """A stamp of `now` as people write it; any other as it is."""
    return moment.replace("T", " ").replace("+00:00", " UTC") if moment.endswith("+00:00") else moment


def now() -> str:
    """ISO 8601, in UTC, to the second."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
