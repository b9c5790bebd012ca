"""Looks at what a container limits without saying so: shared memory."""

from __future__ import annotations

import os

from retina_doctor.hints import Any


def look(probe: Any, _arguments: dict[str, Any]) -> None:
    probe.tell(shm_total=None, shm_free=None)
    try:
        told = os.statvfs("/dev/shm")  # noqa: S108 - it is what we look at
    except OSError:
        return
    probe.tell(shm_total=told.f_blocks * told.f_frsize, shm_free=told.f_bavail * told.f_frsize)
