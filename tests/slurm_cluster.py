"""A real Slurm in a network of its own: munged, slurmctld, and a `slurmd -N` for each of four nodes (Debian's slurmd, slurmctld,
munge)."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.networks import bridge, entering, into, own_network

RUNNING = range(1, 5)
ALL = range(1, 6)
NEEDED = ("munged", "slurmctld", "slurmd", "srun", "sinfo")
ASKING = ("srun", "sinfo", "scontrol")
PATH = f"{os.environ.get('PATH', '')}:/usr/sbin"


@contextmanager
def slurm_cluster(folder: Path, more: str = "") -> Iterator[dict[str, str]]:
    """The environment in which srun and sinfo know it: partition gpu with gpu-[1-5], of which gpu-5 is down. *more*: lines of
    slurm.conf."""
    lacking = [name for name in NEEDED if shutil.which(name, path=PATH) is None]
    assert not lacking, f"these tests run a real Slurm: apt-get install slurmd slurmctld slurm-client munge ({lacking})"
    with own_network() as network:
        bridge(
            network, "front", "10.77.0.1/24"
        )  # where there is but a loopback, it looks up no address (AI_ADDRCONFIG)
        yield from _cluster(folder, more, network)


def _cluster(folder: Path, more: str, network: int) -> Iterator[dict[str, str]]:
    folder.mkdir(exist_ok=True)
    folder.chmod(0o755)
    tools = folder / "tools"
    tools.mkdir()
    for name in ASKING:
        (tools / name).write_text(entering(network, str(shutil.which(name, path=PATH))), encoding="utf-8")
        (tools / name).chmod(0o755)
    path = f"{tools}:{PATH}"
    key, sock = folder / "munge.key", folder / "munge.socket"
    key.write_bytes(os.urandom(128))
    key.chmod(0o600)
    conf = folder / "slurm.conf"
    host = socket.gethostname()
    lines = [
        f"ClusterName=test\nSlurmctldHost={host}(127.0.0.1)\nSlurmUser=root\nSlurmdUser=root",
        f"AuthType=auth/munge\nAuthInfo=socket={sock}\nCryptoType=crypto/munge\nMpiDefault=none\nProctrackType=proctrack/pgid",
        f"StateSaveLocation={folder}/state\nSlurmdSpoolDir={folder}/spool-%n\nSlurmdPidFile={folder}/slurmd-%n.pid",
        f"SlurmctldPidFile={folder}/slurmctld.pid\nSlurmdLogFile={folder}/slurmd-%n.log\nSlurmctldLogFile={folder}/ctld.log",
        "TaskPlugin=task/none\nReturnToService=2\nSelectType=select/cons_tres\nSlurmdTimeout=30\nKillWait=2\nInactiveLimit=0",
        "JobAcctGatherType=jobacct_gather/none\nAccountingStorageType=accounting_storage/none\nSlurmdParameters=config_overrides",
    ]
    lines += [
        f"NodeName=gpu-{number} NodeHostname={host} NodeAddr=127.0.0.1 Port={7000 + number} CPUs=2 RealMemory=500 State=UNKNOWN"
        for number in ALL
    ]
    lines.append("PartitionName=gpu Nodes=gpu-[1-5] Default=YES MaxTime=INFINITE State=UP")
    conf.write_text("\n".join([*lines, more]) + "\n", encoding="utf-8")
    (folder / "state").mkdir()
    env = {**os.environ, "PATH": path, "SLURM_CONF": str(conf)}
    log = (folder / "log").open("wb")
    started: list[subprocess.Popen[bytes]] = []

    def start(*words: str) -> None:
        started.append(
            subprocess.Popen([*into(network), *words], env=env, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        )

    try:
        named = [
            f"--pid-file={folder}/munged.pid",
            f"--seed-file={folder}/munge.seed",
            f"--log-file={folder}/munge.log",
        ]
        start("munged", "--foreground", "--force", f"--key-file={key}", f"--socket={sock}", *named)
        wait_for(sock.exists, folder)
        start("slurmctld", "-D", "-f", str(conf))
        for number in RUNNING:
            (folder / f"spool-gpu-{number}").mkdir()
            start("slurmd", "-D", "-N", f"gpu-{number}", "-f", str(conf))
        words = ["sinfo", "-h", "-N", "-o", "%N %t"]

        def ready() -> bool:
            told = subprocess.run(words, env=env, capture_output=True, text=True, check=False).stdout
            return all(f"gpu-{number} idle" in told.splitlines() for number in RUNNING)

        wait_for(ready, folder)
        subprocess.run(
            ["scontrol", "update", "NodeName=gpu-5", "State=DOWN", "Reason=test"],
            env=env,
            check=True,
            capture_output=True,
        )
        yield {"SLURM_CONF": str(conf), "PATH": path}
    finally:
        for process in reversed(started):
            process.terminate()
        end_steps(conf)
        for process in started:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()


def end_steps(conf: Path) -> None:
    """What a slurmd has started outlives it."""
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            words = (process / "environ").read_bytes().split(b"\0")
            if (process / "comm").read_text() == "slurmstepd\n" and f"SLURM_CONF={conf}".encode() in words:
                os.kill(int(process.name), signal.SIGKILL)


def wait_for(what: object, folder: Path) -> None:
    assert callable(what)
    for _ in range(300):
        if what():
            return
        time.sleep(0.1)
    told = [f"{file.name}: {file.read_text(errors='replace')[-2000:]}" for file in folder.glob("*log")]
    raise AssertionError("\n".join(told))
