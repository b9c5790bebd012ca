"""Tries the intended bind with the service's eyes: as its user, in its place. Python 3.8, standard library alone.

It never listens: the doctor's own side tries that at the same time, and the two would be in each other's way. Whether it is
allowed is asked by the kernel before whether somebody is there (inet_bind in net/ipv4/af_inet.c).
"""

from __future__ import annotations

import os

from retina_doctor.hints import Any
from retina_doctor_checks.probes.service import binding


def look(probe: Any, arguments: dict[str, Any]) -> None:
    probe.tell(uid=os.getuid() if hasattr(os, "getuid") else -1, tried=False, error=None, words=None)
    wanted = binding.intended(arguments["host"], arguments["port"])
    if not wanted or not wanted["port"]:
        return
    for family, address in binding.here(wanted, wanted["families"]):
        error, words = binding.bind(family, address, wanted["port"], listen=False)
        probe.tell(tried=True, error=error, words=words)
        if error:
            break
