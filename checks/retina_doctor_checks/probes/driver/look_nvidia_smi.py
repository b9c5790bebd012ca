"""Runs nvidia-smi. When it hangs, that is told as the looking's own end: the path has been told before."""

from __future__ import annotations

import os

from retina_doctor.hints import Any
from retina_doctor.probing.place import which
from retina_doctor_checks.probes.native import program

QUERY = "--query-gpu=index,name,driver_version,memory.total,compute_cap"
MOST_LINES = 20


def look(probe: Any, arguments: dict[str, Any]) -> None:
    # A relative entry of PATH is the working directory, where anybody's file may lie.
    folders = [one for one in os.environ.get("PATH", os.defpath).split(os.pathsep) if os.path.isabs(one)]
    path = which("nvidia-smi", folders)
    probe.tell(path=path, exit_code=None, lines=[], errors=[])
    if path is None:
        return
    probe.stage("running nvidia-smi")
    # A second more than the doctor waits, so that it is he who calls it hung; but nothing runs on if he is gone.
    done = program.run([path, QUERY, "--format=csv,noheader,nounits"], arguments["seconds"] + 1)
    errors = lines(done.errors) or ([done.stopped] if done.stopped else [])
    probe.tell(exit_code=done.code, lines=lines(done.output), errors=errors)


def lines(data: bytes) -> list[str]:
    return [line for line in data.decode("utf-8", "replace").splitlines() if line.strip()][:MOST_LINES]
