"""Machines with a card, without one: shown by mounts in a namespace, under a root of their own that is a layer over ours.

Everything that looks at them is the real program. Needs root, as `unshare --mount` and `chroot` do.
"""

from __future__ import annotations

import atexit
import functools
import os
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from .build import DRIVER

PLAIN_NODES = (("null", 3), ("zero", 5), ("urandom", 9))
CARD_NODES = {"nvidia0": (195, 0), "nvidiactl": (195, 255), "nvidia-uvm": (510, 0)}
OTHER_NODES = {"dxg": (10, 63), "nvmap": (10, 61), "nvhost-gpu": (505, 1)}
SECURE_BOOT = "/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"


@dataclass(kw_only=True)
class Machine:
    """*folder*: an empty one for what is shown. *bus*: "hidden" where the kernel does not show it. *module*: release of the
    loaded kernel module, or None; *modules*: names below /sys/module then. *mode*, *owner*: of the card's nodes. *kernel*: what
    uname says, as procfs shows it. *built*: kernels that have a module file -> whether it is signed. *log*: lines of the kernel's
    log. *container*: it bears Docker's mark. *cgroup*: of process 1, as procfs shows it. *forbidden*: the control group's
    device rules deny the card. *uvm*: the number of nvidia_uvm, as procfs shows it. *shm*: size of /dev/shm. *files*: further
    files by path: text, or a file to copy; *absent*: patterns of files that it lacks. *noexec*: folders that are volumes whose
    files may not be mapped as code."""

    folder: Path
    bus: Literal["card", "empty", "hidden"] = "card"
    module: str | None = DRIVER
    modules: tuple[str, ...] = ("nvidia", "nvidia_uvm")
    nodes: tuple[str, ...] = tuple(CARD_NODES)
    mode: str = "666"
    owner: int = 0
    bound_to: str = "nvidia"
    kernel: str | None = None
    secure_boot: bool = False
    built: dict[str, bool] = field(default_factory=dict)
    log: tuple[str, ...] = ()
    container: bool = False
    cgroup: str = "0::/init.scope"
    forbidden: bool = False
    uvm: int | None = None
    shm: str = "1g"
    files: dict[str, str | Path] = field(default_factory=dict)
    absent: tuple[str, ...] = ()
    noexec: tuple[Path, ...] = ()

    def __post_init__(self) -> None:
        if self.bus == "empty":
            self.module, self.nodes = None, tuple(node for node in self.nodes if node in OTHER_NODES)

    def running(self, command: Sequence[str], directory: Path) -> list[str]:
        """*command* as it is started on this machine, in *directory*."""
        inside = ["env", f"--chdir={directory}", *command]
        last = [f"exec chroot {self.root} {shlex.join(inside)}"]
        forbid = [f"echo $$ > {forbidding_group()}/tasks"] if self.forbidden else []
        lines = [
            "set -e",
            *self._own_root(),
            *self._bus(),
            *self._kernel(),
            *self._dev(),
            *self._files(),
            *forbid,
            *last,
        ]
        return ["unshare", "--mount", "--propagation", "private", "sh", "-c", "\n".join(lines)]

    @property
    def root(self) -> Path:
        return self.folder / "layers" / "root"

    def _source(self, content: str | Path) -> Path:
        """A file of ours with that content."""
        if isinstance(content, Path):
            return content
        folder = self.folder / "files"
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / str(len(list(folder.iterdir())))
        path.write_text(content)
        return path

    def _own_root(self) -> list[str]:
        layers = self.folder / "layers"
        layers.mkdir(parents=True)
        upper, work = layers / "upper", layers / "work"
        return [
            f"mount -t tmpfs none {layers} && mkdir {upper} {work} {self.root}",
            f"mount -t overlay overlay -o lowerdir=/,upperdir={upper},workdir={work} {self.root}",
            *(f"mount --rbind /{name} {self.root}/{name}" for name in ("proc", "sys", "tmp")),
            f"{'touch' if self.container else 'rm -f'} {self.root}/.dockerenv",
            *(f"rm -f {self.root}{pattern}" for pattern in self.absent),
        ]

    def _bus(self) -> list[str]:
        devices = self.folder / "pci"
        devices.mkdir()
        if self.bus == "hidden":
            return [f"mount --bind {devices} {self.root}/sys/bus"]
        if self.bus == "card":
            device = devices / "0000:00:1e.0"
            device.mkdir()
            (device / "vendor").write_text("0x10de\n")
            (device / "class").write_text("0x030200\n")
            (device / "device").write_text("0x1eb8\n")
            if self.bound_to:
                (device / "driver").symlink_to(f"/sys/bus/pci/drivers/{self.bound_to}")
        return [f"mount --bind {devices} {self.root}/sys/bus/pci/devices"]

    def _kernel(self) -> list[str]:
        driver, modules = self.folder / "driver", self.folder / "modules"
        driver.mkdir()
        modules.mkdir()
        if self.module:
            (driver / "nvidia").mkdir()
            text = f"NVRM version: NVIDIA UNIX x86_64 Kernel Module  {self.module}  Tue Sep 16 09:53:33 UTC 2025\n"
            (driver / "nvidia" / "version").write_text(text)
        for name in self.modules if self.module else (self.bound_to,) if self.bound_to == "nouveau" else ():
            (modules / name).mkdir()
        lines = [f"mount --bind {driver} {self.root}/proc/driver", f"mount --bind {modules} {self.root}/sys/module"]
        lines.append(f"mount --bind {self._source(self.cgroup)} {self.root}/proc/1/cgroup")
        if self.uvm is not None:
            told = self._source(f"Character devices:\n  1 mem\n195 nvidia\n{self.uvm} nvidia-uvm\n")
            lines.append(f"mount --bind {told} {self.root}/proc/devices")
        if self.kernel:
            lines.append(f"mount --bind {self._source(self.kernel)} {self.root}/proc/sys/kernel/osrelease")
        if self.secure_boot:
            lines.append(
                f"mount -t tmpfs none {self.root}/sys/firmware && mkdir -p {self.root}/sys/firmware/efi/efivars"
            )
            lines.append(f"printf '\\006\\000\\000\\000\\001' > {self.root}{SECURE_BOOT}")
        return lines

    def _dev(self) -> list[str]:
        dev = self.root / "dev"
        lines = [f"mount -t tmpfs none {dev} && mkdir {dev}/shm", f"mount -t tmpfs -o size={self.shm} none {dev}/shm"]
        lines += [f"mknod -m 666 {dev}/{name} c 1 {minor}" for name, minor in PLAIN_NODES]
        for name in self.nodes:
            major, minor = {**CARD_NODES, **OTHER_NODES}[name]
            lines.append(
                f"mknod -m {self.mode} {dev}/{name} c {major} {minor} && chown {self.owner}:{self.owner} {dev}/{name}"
            )
        records = "".join(f"4,{1000 + i},{i},-;{line}\n" for i, line in enumerate(self.log))
        return [*lines, f"cp {self._source(records)} {dev}/kmsg"]

    def _files(self) -> list[str]:
        files = dict(self.files)
        for kernel, signed in self.built.items():
            files[f"/usr/lib/modules/{kernel}/updates/nvidia.ko"] = "code" + "~Module signature appended~\n" * signed
            files[f"/usr/lib/modules/{kernel}/modules.dep"] = "updates/nvidia.ko:\n"
        lines = []
        for path, content in files.items():
            place = shlex.quote(f"{self.root}{path}")
            lines.append(f"mkdir -p $(dirname {place}) && cp -L {self._source(content)} {place} && chmod 755 {place}")
        for folder in self.noexec:
            place = shlex.quote(f"{self.root}{folder}")
            lines.append(f"mount --bind {place} {place} && mount -o remount,bind,noexec {place}")
        return lines


@functools.cache
def forbidding_group() -> Path:
    """A control group whose device rules deny every NVIDIA card, as a container's do that has lost it."""
    group = Path(f"/sys/fs/cgroup/devices/standin-{os.getpid()}")
    group.mkdir(exist_ok=True)
    for major in (195, 510):
        (group / "devices.deny").write_text(f"c {major}:* rwm")
    atexit.register(group.rmdir)
    return group
