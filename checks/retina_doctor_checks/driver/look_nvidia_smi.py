"""Runs nvidia-smi. When it hangs, the deadline of the probe ends it; its path has been told before."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import Any

QUERY = "--query-gpu=index,name,driver_version,memory.total,compute_cap"
MOST_LINES = 20


def look(probe: Any, _arguments: dict[str, Any]) -> None:
    # A relative entry of PATH is the working directory, where anybody's file may lie.
    folders = [one for one in os.environ.get("PATH", os.defpath).split(os.pathsep) if os.path.isabs(one)]
    path = shutil.which("nvidia-smi", path=os.pathsep.join(folders))
    probe.tell(path=path, exit_code=None, lines=[], errors=[])
    if path is None:
        return
    probe.stage("running nvidia-smi")
    try:
        child = subprocess.Popen(
            [path, QUERY, "--format=csv,noheader,nounits"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
    except OSError as error:
        probe.tell(errors=[str(error.strerror)])
        return
    output, errors = child.communicate()
    probe.tell(exit_code=child.returncode, lines=lines(output), errors=lines(errors))


def lines(data: bytes) -> list[str]:
    return [line for line in data.decode("utf-8", "replace").splitlines() if line.strip()][:MOST_LINES]
