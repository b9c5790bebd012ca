"""How long a fleet takes to be reported on, and how much memory: recorded machines with noise.

    uv run python -m benchmarks.fleet [NODES]
    uv run python -m benchmarks.fleet collect [NODES]

`collect` asks nodes through a stand-in for ssh, which takes 50 ms and then tells what this machine told before: its time is the
controller's alone, whose processor seconds are given by node.

Memory is that of all processes of the run together (proportional set size, sampled), and of the largest alone.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from retina_doctor.catalogue.registry import installed
from retina_doctor.codec import replace
from retina_doctor.fleet.sending import NodeAsking
from retina_doctor.settings.declared import declarations
from retina_doctor.support_file import save
from tests.machines import machine, names

USUAL = ("guide-t4-mended", "t4-healthy", "container-healthy", "kubernetes-node-healthy")


def noisy(value: Any, chance: random.Random) -> Any:
    """Numbers with fractions and large ones (times, bytes) as another machine of the kind would tell them."""
    if isinstance(value, dict):
        return {name: noisy(one, chance) for name, one in value.items()}
    if isinstance(value, list):
        return [noisy(one, chance) for one in value]
    if isinstance(value, float):
        return value * chance.uniform(0.95, 1.05)
    if isinstance(value, int) and not isinstance(value, bool) and value > 2**24:
        return int(value * chance.uniform(0.99, 1.01))
    return value


def write(folder: Path, nodes: int) -> int:
    """Bytes of so many snapshots: nine of ten of a usual machine, the others of all that were recorded."""
    chance = random.Random(17)
    every = names()
    texts = {name: json.loads(save(replace(machine(name).snapshot, redacted=True))) for name in every}
    size = 0
    for number in range(nodes):
        text = texts[chance.choice(USUAL) if chance.random() < 0.9 else chance.choice(every)]
        readings = {
            name: {**one, "facts": noisy(one.get("facts", {}), chance)} for name, one in text["readings"].items()
        }
        told = json.dumps({**text, "label": f"gpu-{number:05d}", "readings": readings})
        size += len(told)
        (folder / f"gpu-{number:05d}.json").write_text(told, encoding="utf-8")
    return size


def memory(root: int) -> int:
    """Proportional set size of a process and its children, in bytes."""
    total = 0
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, ValueError, IndexError, StopIteration):
            parent = int((process / "stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()[1])
            if root in (parent, int(process.name)):
                lines = (process / "smaps_rollup").read_text(encoding="ascii").splitlines()
                total += next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) * 1024
    return total


SSH = f"""#!{sys.executable} -IS
import base64, json, re, sys, time, zlib
program = sys.stdin.buffer.read()
token = json.loads(zlib.decompress(base64.b64decode(re.search(rb"b64decode\\('([^']+)'", program)[1])))["token"]
time.sleep(0.05)
sys.stdout.buffer.write(open(__file__ + ".told", "rb").read().replace(b"TOKEN ", token.encode()))
"""
COUNTED = """import atexit, sys, time
atexit.register(lambda: sys.stderr.write("%.2f" % time.process_time()))
from retina_doctor.main import main
main()
"""


def recorded() -> bytes:
    """What this machine tells when it is asked, with TOKEN in place of the run's."""
    asking = NodeAsking(declarations().settings({}), installed(), ("python3",))
    done = subprocess.run([sys.executable, "-"], input=asking.program(300), capture_output=True, check=True)
    return done.stdout.replace(asking.token.encode(), b"TOKEN ")


def collect(nodes: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        ssh = Path(folder) / "ssh"
        ssh.write_text(SSH, encoding="utf-8")
        ssh.chmod(0o755)
        told = recorded()
        ssh.with_name("ssh.told").write_bytes(told)
        words = ["fleet", "collect", "-w", f"gpu-[0001-{nodes:04d}]", "-o", f"{folder}/out"]
        env = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"}
        started = time.monotonic()
        command = [sys.executable, "-c", COUNTED, *words]
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
        seconds = time.monotonic() - started
        cpu = float(done.stderr.split()[-1])
        print(f"{nodes} nodes that tell {len(told) / 1024:.0f} KiB each; load {os.getloadavg()[0]:.1f}")
        print(done.stdout.splitlines()[0].partition(": ")[2])
        print(f"{seconds:.1f} s, controller: {cpu:.1f} processor seconds, {cpu / nodes:.3f} for each node")


def main() -> None:
    if "collect" in sys.argv:
        collect(int(sys.argv[2]) if len(sys.argv) > 2 else 1000)
        return
    nodes = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    with tempfile.TemporaryDirectory() as folder:
        size = write(Path(folder), nodes)
        print(f"{nodes} snapshots, {size / 2**20:.0f} MiB; load {os.getloadavg()[0]:.1f}")
        for form in ("terminal", "json", "html"):
            started = time.monotonic()
            command = [sys.executable, "-m", "retina_doctor", "fleet", "report", folder, "--format", form]
            with tempfile.TemporaryFile() as out:
                process = subprocess.Popen(command, stdout=out, stderr=subprocess.DEVNULL)
                most, usage, status = 0, None, 0
                while usage is None:
                    most = max(most, memory(process.pid))
                    pid, status, used = os.wait4(process.pid, os.WNOHANG)
                    usage = used if pid else None
                    time.sleep(0.5)
                seconds = time.monotonic() - started
                told = os.fstat(out.fileno()).st_size
            cpu = usage.ru_utime + usage.ru_stime
            print(
                f"{form}: exit {os.waitstatus_to_exitcode(status)}, {seconds:.1f} s, {cpu:.1f} s of all cores, "
                f"{most / 1e6:.0f} MB together, report of {told / 1e6:.1f} MB"
            )


if __name__ == "__main__":
    main()
