"""How long a check takes where something hangs: python -m benchmarks.hanging [--whole]

On a machine that stand-ins show (tests/standins), as root: nvidia-smi, NVML, both, CUDA, and a dead file system under the model
folder. Wall-clock seconds, beside those of the same machine on which nothing hangs. Nothing is asserted.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from tests.standins import library_path, real_cudart_folder
from tests.standins.dead_mount import dead_mount
from tests.standins.machine import Machine

HANGS = "#!/bin/sh\ntrap '' TERM\nsleep 1000\n"
WELL = "#!/bin/sh\n"


def seconds(*words: str, smi: str = WELL, path: str | None = None, variables: Mapping[str, str] | None = None) -> float:
    with tempfile.TemporaryDirectory() as folder:
        machine = Machine(folder=Path(folder, "machine"), files={"/usr/local/bin/nvidia-smi": smi})
        Path(folder, "machine").mkdir()
        check = [sys.executable, "-m", "retina_doctor", "check", "--format", "json", "--target", sys.executable, *words]
        command = machine.running(check, Path(folder))
        environment = {**os.environ, "RETINA_DOCTOR_SERVICE_ATTACH": "false", "LD_LIBRARY_PATH": path or library_path()}
        begun = time.monotonic()
        subprocess.run(command, env={**environment, **(variables or {})}, capture_output=True, check=False)
        return time.monotonic() - begun


def main() -> None:
    kind = () if "--whole" in sys.argv else ("--quick",)
    real = library_path(cudart=real_cudart_folder())
    print(f"nothing hangs            {seconds(*kind):6.2f}")
    print(f"nvidia-smi               {seconds(*kind, smi=HANGS):6.2f}")
    print(f"NVML                     {seconds(*kind, variables={'STANDIN_INIT': 'hang'}):6.2f}")
    print(f"nvidia-smi and NVML      {seconds(*kind, smi=HANGS, variables={'STANDIN_INIT': 'hang'}):6.2f}")
    print(f"CUDA                     {seconds(*kind, path=real, variables={'STANDIN_CUINIT': 'hang'}):6.2f}")
    with tempfile.TemporaryDirectory() as folder, dead_mount(Path(folder, "models")):
        print(
            f"files of the model       {seconds(*kind, '--device', 'cpu', '--model', str(Path(folder, 'models'))):6.2f}"
        )


if __name__ == "__main__":
    main()
