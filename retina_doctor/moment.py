"""What time it is, as snapshots and runs are stamped with."""

from __future__ import annotations

import datetime


def now() -> str:
    """ISO 8601, in UTC, to the second."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
