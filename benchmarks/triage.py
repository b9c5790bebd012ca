"""How long `triage` takes: a pasted log against --help, a large one against grep, all in one run.

    uv run python benchmarks/triage.py [--megabytes 1000]

Goals: 100 kB in at most 3 times --help; a large log in at most 60 times `grep -cE 'CUDA|cuDNN|onnxruntime'` on it, with
at most 150 MB of memory, where at most one line in a hundred holds an anchor. Compared are seconds of the processor, which
other programs on the machine lengthen little; the wall clock is told beside them.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

PROGRAM = [sys.executable, "-m", "retina_doctor"]
FAULT = (
    b"2026-11-23 09:00:00.1 [E:onnxruntime:Default, provider_bridge_ort.cc:2251 TryGetProviderInfo_CUDA] [ONNXRuntimeError] : 1 "
    b": FAIL : Failed to load library libonnxruntime_providers_cuda.so with error: libcublasLt.so.13: cannot open shared "
    b"object file: No such file or directory\n"
)


class Run(NamedTuple):
    """Seconds of the processor and of the wall clock; KiB of memory at most."""

    processor: float
    wall: float
    memory: int

    def __str__(self) -> str:
        return f"{self.processor:.2f} s of the processor ({self.wall:.2f} s)"


def measured(command: list[str]) -> Run:
    """One run. os.wait4 tells what this child alone has used."""
    start = time.perf_counter()
    # A pipe, not /dev/null: grep stops at its first match where nobody sees what it prints.
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert process.stdout is not None
    process.stdout.read()
    _, _, used = os.wait4(process.pid, 0)
    process.returncode = 0
    return Run(used.ru_utime + used.ru_stime, time.perf_counter() - start, used.ru_maxrss)


def median(command: list[str], times: int) -> Run:
    return statistics.median_low(measured(command) for _ in range(times))


def write_log(path: Path, size: int, every: int) -> None:
    """Lines of a service, all different; one in *every* holds an anchor, and a fault stands in the middle."""
    chance = random.Random(7)
    written = count = 0
    told = False
    with path.open("wb") as file:
        while written < size:
            block = bytearray()
            for _ in range(2000):
                count += 1
                seconds = count // 50
                block += b"2026-11-23 %02d:%02d:%02d INFO 10.0.%d.%d POST /detect 200 faces=%d ms=%d trace=%016x\n" % (
                    seconds // 3600 % 24, seconds // 60 % 60, seconds % 60, count % 7, count % 251,
                    count % 5, 9 + count % 31, chance.getrandbits(64),
                )  # fmt: skip
                if count % every == 0:
                    block += (
                        b"2026-11-23 09:00:00 WARN onnxruntime: request %016x waited for CUDA\n"
                        % chance.getrandbits(64)
                    )
            if not told and written > size // 2:
                block += FAULT
                told = True
            written += file.write(block)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--megabytes", type=int, default=1000)
    size = parser.parse_args().megabytes * 1_000_000
    with tempfile.TemporaryDirectory() as folder:
        small, large = Path(folder, "small.log"), Path(folder, "large.log")
        write_log(small, 100_000, 100)
        base = median([*PROGRAM, "--help"], 7)
        pasted = median([*PROGRAM, "triage", str(small), "--format", "json"], 7)
        print(f"--help {base}; 100 kB {pasted} = {pasted.processor / base.processor:.1f} times (goal: 3)")
        write_log(large, size, 100)
        grep = median(["grep", "-cE", "CUDA|cuDNN|onnxruntime", str(large)], 3)
        run = measured([*PROGRAM, "triage", str(large), "--format", "json"])
        times = run.processor / grep.processor
        print(f"grep {grep}; {size // 1_000_000} MB {run} = {times:.0f} times (goal: 60)")
        print(f"memory {run.memory / 1024:.0f} MiB (goal: 150)")


if __name__ == "__main__":
    main()
