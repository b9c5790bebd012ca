"""Looks at the container that the target is in, if any: its kind and its shared memory."""

from __future__ import annotations

import os
from typing import Any

from retina_doctor.own_checks import look_interpreter


def look(probe: Any, _arguments: dict[str, Any]) -> None:
    probe.tell(kind=look_interpreter.container(), shm_total=None, shm_free=None)
    try:
        told = os.statvfs("/dev/shm")  # noqa: S108 - it is what we look at
    except OSError:
        return
    probe.tell(shm_total=told.f_blocks * told.f_frsize, shm_free=told.f_bavail * told.f_frsize)
