"""Faults of card, driver and container, made for real: the unmodified pynvml, libcudart and onnxruntime-gpu fail as they do
for users, on a machine that stand-in libraries and mounts show. Each fault is the only root; each healthy twin is silent."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from retina_doctor.catalogue.registry import installed
from retina_doctor.words.pages import render
from tests.doctor import after_commands, resolved
from tests.standins import (
    Machine,
    Report,
    cuda_folder,
    doctor,
    library_path,
    needs_root,
    nvml_folder,
    real_cudart_folder,
)
from tests.standins.build import build_cuda, build_nvml
from tests.variants import scenes

DOMAINS = tuple(word for name in ("driver", "torch", "onnxruntime", "python_env") for word in ("--only", name))
CLEAN: dict[str, str | None] = dict.fromkeys(
    ("CUDA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES", "NVIDIA_DRIVER_CAPABILITIES", "PYTHONPATH", "LD_PRELOAD")
)
GPU_UUID = "GPU-00000000-1111-2222-3333-444444444444"
OLD = "535.129.03"
KERNEL = "6.1.0-31-standin"
KUBERNETES = {"KUBERNETES_SERVICE_HOST": "10.0.0.1"}


@dataclass(frozen=True, kw_only=True)
class Fault:
    """*machine*: what differs from a healthy one. *path*: its LD_LIBRARY_PATH. *says*: what onnxruntime says, part of it.
    *twin*: the same without the fault, where that is more than a healthy machine."""

    root: str
    machine: dict[str, Any] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    path: Callable[[Path], str] = lambda _: library_path()
    words: tuple[str, ...] = ()
    subject: str | None = None
    severity: str = "error"
    says: str | None = None
    unprivileged: bool = False


def looked(folder: Path, fault: Fault) -> Report:
    machine = Machine(folder=folder / "machine", **fault.machine)
    environment = {**CLEAN, "LD_LIBRARY_PATH": fault.path(folder), **fault.environment}
    return doctor(
        folder,
        *DOMAINS,
        "--timeout",
        "30",
        *fault.words,
        environment=environment,
        machine=machine,
        unprivileged=fault.unprivileged,
    )


def real(**more: Any) -> Callable[[Path], str]:
    """With NVIDIA's own libcudart, which says what the stand-in libcuda answers."""
    return lambda _: library_path(cudart=real_cudart_folder(), **more)


def cuda_in(*place: str, works: bool = False) -> Callable[[Path], str]:
    """The stand-in libcuda in a folder of that name below the test's, first; a file without a driver's release."""

    def path(folder: Path) -> str:
        first = folder.joinpath(*place)
        first.mkdir(parents=True)
        build_cuda(first, driver="")
        return library_path(cudart=None if works else real_cudart_folder(), first=[first])

    return path


def old_driver(folder: Path) -> str:
    build_nvml(folder / "old", driver=OLD)
    build_cuda(folder / "old", driver=OLD)
    return library_path(cudart=real_cudart_folder(), without=[nvml_folder(), cuda_folder()], first=[folder / "old"])


def cuinit(code: int) -> dict[str, str]:
    return {"STANDIN_CUINIT": str(code)}


JETSON: dict[str, Any] = {"bus": "empty", "nodes": ("nvmap", "nvhost-gpu")}
NOTHING_GIVEN: dict[str, Any] = {"container": True, "nodes": ()}


def no_driver_libraries(_: Path) -> str:
    return library_path(without=[nvml_folder(), cuda_folder()])


def wsl(right: bool) -> dict[str, Any]:
    """Windows' libraries where WSL mounts them."""
    files = {
        "/usr/lib/wsl/lib/libcuda.so.1": cuda_folder() / "libcuda.so.1",
        "/usr/lib/wsl/lib/libnvidia-ml.so.1": nvml_folder() / "libnvidia-ml.so.1",
    }
    kernel = "5.15.153.1-microsoft-standard-WSL2"
    return {"bus": "empty", "kernel": kernel, "files": files, "nodes": ("dxg",)}


def program(text: str) -> str:
    return f"#!/bin/sh\n{text}\n"


def driver_in(folder: str) -> dict[str, Any]:
    """The driver's libraries in a folder of the machine's."""
    files = [file for one in (nvml_folder(), cuda_folder()) for file in one.glob("*.so.1")]
    return {"files": {f"{folder}/{file.name}": file for file in files}}


def emptied(folder: Path) -> str:
    """As `docker commit` leaves them in an image that ran with a GPU."""
    for name in ("libcuda.so.580.95.05", "libnvidia-ml.so.580.95.05"):
        (folder / name).touch()
        (folder / f"{name.partition('.so')[0]}.so.1").symlink_to(name)
    return library_path(cudart=real_cudart_folder(), without=[nvml_folder(), cuda_folder()], first=[folder])


APPTAINER = {"APPTAINER_CONTAINER": "/opt/face.sif"}
XID_79 = "NVRM: Xid (PCI:0000:00:1e): 79, pid='<unknown>', name=<unknown>, GPU has fallen off the bus."
NO_FIRMWARE = (
    "nvidia 0000:00:1e.0: Direct firmware load for nvidia/580.95.05/gsp_tu10x.bin failed with error -2",
    "NVRM: RmFetchGspRmImages: No firmware image found",
    "NVRM: GPU 0000:00:1e.0: RmInitAdapter failed! (0x61:0x56:1697)",
    "NVRM: GPU 0000:00:1e.0: rm_init_adapter failed, device minor number 0",
)
FALLEN = (
    "NVRM: The NVIDIA GPU 0000:00:1e.0\\x0aNVRM: (PCI ID: 10de:1eb8) installed in this system has"
    "\\x0aNVRM: fallen off the bus and is not responding to commands.",
    "nvidia 0000:00:1e.0: probe with driver nvidia failed with error -1",
)
"""One record of /dev/kmsg, as the kernel writes one of several lines."""
RUNTIME = '[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.{}]\n'


def containerd(runtime: str, more: dict[str, str] | None = None, imports: str = "/nowhere/*.toml") -> dict[str, Any]:
    """A node of a Kubernetes cluster."""
    files = {
        "/usr/local/bin/containerd": program("exit 0"),
        "/usr/local/bin/nvidia-ctk": program("exit 0"),
        "/etc/containerd/config.toml": f'version = 2\nimports = ["{imports}"]\n{RUNTIME.format(runtime)}',
        "/var/lib/kubelet/config.yaml": "kind: KubeletConfiguration\n",
    }
    return {"files": {**files, **(more or {})}}


UNLOADED: dict[str, Any] = {"module": None, "nodes": (), "kernel": KERNEL}


def compressed(*, signed: bool) -> dict[str, str]:
    """A module as Ubuntu 24.04 has it, and a modinfo that answers as kmod 30 does."""
    folder = f"/usr/lib/modules/{KERNEL}"
    return {
        f"{folder}/updates/nvidia.ko.zst": "packed",
        f"{folder}/modules.dep": "updates/nvidia.ko.zst:\n",
        "/usr/local/bin/modinfo": program("echo PKCS#7" if signed else "exit 0"),
    }


FAULTS: dict[str, Fault] = {
    "a card that others have filled, so that CUDA has no room": Fault(
        root="vram-held-by-others",
        environment={**cuinit(2), "STANDIN_PID": "1", "STANDIN_USED": str(14800 * 2**20)},
        path=real(),
        words=("--only", "memory"),
        says="CUDA failure 2",
    ),
    "a card that is filled by what NVML does not list": Fault(
        root="vram-held-by-others",
        machine={"container": True},
        environment={**cuinit(2), "STANDIN_USED": str(14800 * 2**20)},
        path=real(),
        words=("--only", "memory"),
    ),
    "no room for CUDA on a card that is free": Fault(
        root="cuda-init-fails",
        environment={**cuinit(2), "STANDIN_PID": "1", "STANDIN_USED": str(2**20)},
        path=real(),
        words=("--only", "memory"),
        says="CUDA failure 2",
    ),
    "no card": Fault(root="no-nvidia-gpu", machine={"bus": "empty"}, path=no_driver_libraries),
    "no driver": Fault(
        root="driver-not-installed",
        machine={"module": None, "nodes": (), "bound_to": "nouveau"},
        path=no_driver_libraries,
    ),
    "no module": Fault(
        root="driver-module-not-loaded",
        machine={"module": None, "nodes": (), "kernel": KERNEL, "built": {"6.1.0-30-standin": True}},
        environment={"STANDIN_INIT": "9", **cuinit(999)},
        path=real(),
        says="CUDA failure 999",
    ),
    "module refused by Secure Boot": Fault(
        root="driver-blocked-by-secure-boot",
        machine={
            "module": None,
            "nodes": (),
            "kernel": KERNEL,
            "built": {KERNEL: False},
            "secure_boot": True,
            "log": ("Loading of unsigned module is rejected: nvidia",),
        },
        environment={"STANDIN_INIT": "9", **cuinit(999)},
        path=real(),
    ),
    "module of a key that nobody enrolled": Fault(
        root="driver-blocked-by-secure-boot",
        machine={
            **UNLOADED,
            "built": {KERNEL: True},
            "secure_boot": True,
            "log": ("Loading of module with unavailable key is rejected",),
        },
        environment={"STANDIN_INIT": "9", **cuinit(999)},
        path=real(),
    ),
    "compressed module without a signature": Fault(
        root="driver-blocked-by-secure-boot",
        machine={**UNLOADED, "secure_boot": True, "files": compressed(signed=False)},
        environment={"STANDIN_INIT": "9", **cuinit(999)},
        path=real(),
    ),
    "signed module that is kept from loading": Fault(
        root="driver-module-not-loaded",
        machine={**UNLOADED, "secure_boot": True, "files": compressed(signed=True), "bound_to": "vfio-pci"},
        environment={"STANDIN_INIT": "9", **cuinit(999)},
        path=real(),
    ),
    "only an image's cuda-compat, and no driver": Fault(
        root="driver-not-installed",
        machine={"module": None, "nodes": (), "files": {"/usr/local/cuda/compat/libcuda.so.1": "an image's"}},
        path=no_driver_libraries,
    ),
    "old module under new libraries": Fault(
        root="driver-library-mismatch",
        machine={"module": "570.86.15"},
        environment={"STANDIN_INIT": "18", **cuinit(803)},
        path=real(),
        says="CUDA failure 803",
    ),
    "libcuda of another release": Fault(
        root="driver-library-mismatch",
        machine={"module": "570.86.15"},
        environment=cuinit(803),
        path=real(),
    ),
    "a card whose firmware is not installed": Fault(
        root="gpu-adapter-init-failed", machine={"log": NO_FIRMWARE}, environment={"STANDIN_COUNT": "0"}, path=real()
    ),
    "NVML has no answer": Fault(
        root="nvml-fails", environment={"STANDIN_INIT": "999", **cuinit(999)}, path=real(), says="CUDA failure 999"
    ),
    "NVML may not": Fault(root="nvml-fails", environment={"STANDIN_INIT": "4", **cuinit(3)}, path=real()),
    "the card that is used is lost": Fault(
        root="gpu-fallen-off-bus",
        environment={"STANDIN_COUNT": "3", "STANDIN_LOST": "1", "CUDA_VISIBLE_DEVICES": "1", **cuinit(999)},
        path=real(),
        subject="gpu:1",
    ),
    "another card is lost": Fault(
        root="gpu-fallen-off-bus",
        environment={"STANDIN_COUNT": "3", "STANDIN_LOST": "1"},
        subject="gpu:1",
        severity="note",
    ),
    "a card that answered no more when its module was loaded": Fault(
        root="gpu-fallen-off-bus",
        machine={"module": None, "nodes": (), "kernel": KERNEL, "built": {KERNEL: True}, "bound_to": "", "log": FALLEN},
        environment={"STANDIN_INIT": "9", **cuinit(999)},
        path=real(),
    ),
    "a card that fell off, so that NVML lists none": Fault(
        root="gpu-fallen-off-bus", machine={"log": FALLEN}, environment={"STANDIN_COUNT": "0"}, path=real()
    ),
    "Xid 79, and NVML knows nothing": Fault(
        root="gpu-fallen-off-bus",
        machine={"log": (XID_79,)},
        environment={"STANDIN_INIT": "999", **cuinit(999)},
        path=real(),
    ),
    "Xid 79 of a card that a virtual machine has since": Fault(
        root="nvml-fails",
        machine={"log": (XID_79,), "bound_to": "vfio-pci"},
        environment={"STANDIN_COUNT": "0"},
        path=real(),
    ),
    "a card that fell off before the module was loaded again": Fault(
        root="nvml-fails",
        machine={"log": (*FALLEN, "NVRM: loading NVIDIA UNIX x86_64 Kernel Module  580.95.05")},
        environment={"STANDIN_COUNT": "0"},
        path=real(),
    ),
    "the driver lists no card": Fault(
        root="nvml-fails",
        machine={"bound_to": "vfio-pci"},
        environment={"STANDIN_COUNT": "0"},
        path=real(),
        says="CUDA failure 100",
    ),
    "the driver hangs": Fault(
        root="nvml-fails",
        environment={"STANDIN_INIT": "hang", "STANDIN_CUINIT": "hang"},
        path=real(),
        words=("--timeout", "5"),
    ),
    "CUDA hangs": Fault(
        root="cuda-init-fails", environment={"STANDIN_CUINIT": "hang"}, path=real(), words=("--timeout", "5")
    ),
    "nvidia-smi hangs": Fault(
        root="nvidia-smi-hangs",
        machine={"files": {"/usr/local/bin/nvidia-smi": program("exec sleep 1000")}},
        environment={"STANDIN_INIT": "hang", "STANDIN_CUINIT": "hang"},
        path=real(),
        words=("--timeout", "5"),
    ),
    "driver for CUDA 12 under a wheel for 13": Fault(
        root="driver-too-old",
        machine={"module": OLD},
        environment={"STANDIN_DRIVER": OLD, "STANDIN_CUDA": "12020"},
        path=old_driver,
        says="CUDA failure 35",
    ),
    "CUDA fails for no known reason": Fault(
        root="cuda-init-fails", environment=cuinit(3), path=real(), says="CUDA failure 3"
    ),
    "after suspend": Fault(root="driver-state-lost", environment=cuinit(999), path=real(), says="CUDA failure 999"),
    "nvidia_uvm not loaded": Fault(
        root="driver-state-lost",
        machine={"modules": ("nvidia",), "nodes": ("nvidia0", "nvidiactl")},
        environment=cuinit(999),
        path=real(),
    ),
    "nvidia_uvm without its node": Fault(
        root="container-device-node-missing",
        machine={"nodes": ("nvidia0", "nvidiactl")},
        environment=cuinit(999),
        path=real(),
        says="CUDA failure 999",
    ),
    "nvidia_uvm under another number than its node's": Fault(
        root="container-device-node-missing",
        machine={"cgroup": "0::/lxc/face", "uvm": 507},
        environment=cuinit(999),
        path=real(),
    ),
    "a /dev of the service's own, without a card": Fault(
        root="container-device-node-missing",
        machine={"nodes": ()},
        environment={"STANDIN_INIT": "9", **cuinit(100)},
        path=real(),
        says="CUDA failure 100",
    ),
    "nodes that were made while they were looked for": Fault(
        root="driver-state-lost", machine={"nodes": ()}, environment=cuinit(999), path=real()
    ),
    "no nodes, of a card that a virtual machine has": Fault(
        root="nvml-fails",
        machine={"nodes": (), "bound_to": "vfio-pci"},
        environment={"STANDIN_INIT": "9", **cuinit(100)},
        path=real(),
    ),
    "a lost card before nvidia_uvm has its node": Fault(
        root="gpu-fallen-off-bus",
        machine={"nodes": ("nvidia0", "nvidiactl")},
        environment={"STANDIN_LOST": "0", **cuinit(999)},
        path=real(),
    ),
    "a fabric that is not ready before nvidia_uvm has its node": Fault(
        root="fabric-manager-not-running",
        machine={"nodes": ("nvidia0", "nvidiactl")},
        environment=cuinit(802),
        path=real(),
    ),
    "libraries of its own in a container that is kept like a machine": Fault(
        root="driver-library-mismatch",
        machine={"module": "570.86.15", "cgroup": "1:name=systemd:/lxc/face"},
        environment={"STANDIN_INIT": "18", **cuinit(803)},
        path=real(),
    ),
    "NVSwitch without its manager": Fault(
        root="fabric-manager-not-running", environment=cuinit(802), path=real(), says="CUDA failure 802"
    ),
    "exclusive and taken": Fault(
        root="gpu-exclusive-mode",
        environment={"STANDIN_MODE": "3", "STANDIN_PID": "1", "STANDIN_SETDEVICE": "46"},
        says="CUDA failure 46",
    ),
    "prohibited": Fault(
        root="gpu-exclusive-mode", environment={"STANDIN_MODE": "2", "STANDIN_SETDEVICE": "46"}, says="CUDA failure 46"
    ),
    "MIG without an instance": Fault(
        root="mig-device-not-selected",
        environment={"STANDIN_MIG": "1", "STANDIN_INSTANCES": "0", "STANDIN_VISIBLE": "0"},
        path=real(),
        says="CUDA failure 100",
    ),
    "MIG with an instance that is not chosen": Fault(
        root="mig-device-not-selected",
        environment={"STANDIN_MIG": "1", "STANDIN_VISIBLE": "0", "CUDA_VISIBLE_DEVICES": GPU_UUID},
        path=real(),
        says="CUDA failure 100",
    ),
    "CUDA_VISIBLE_DEVICES empty": Fault(
        root="cuda-visible-devices-hides-gpu",
        environment={"CUDA_VISIBLE_DEVICES": ""},
        path=real(),
        says="CUDA failure 100",
    ),
    "CUDA_VISIBLE_DEVICES=-1": Fault(
        root="cuda-visible-devices-hides-gpu", environment={"CUDA_VISIBLE_DEVICES": "-1"}, path=real()
    ),
    "CUDA_VISIBLE_DEVICES=7": Fault(
        root="cuda-visible-devices-hides-gpu", environment={"CUDA_VISIBLE_DEVICES": "7"}, path=real()
    ),
    "CUDA_VISIBLE_DEVICES of another machine": Fault(
        root="cuda-visible-devices-hides-gpu",
        environment={"CUDA_VISIBLE_DEVICES": "GPU-99999999-0000", "STANDIN_VISIBLE": "0"},
        path=real(),
    ),
    "a container in WSL whose libcuda is not Windows'": Fault(
        root="cuda-init-fails",
        machine={**wsl(False), "container": True, "files": {}},
        environment=cuinit(100),
        path=real(),
    ),
    "WSL with a Linux driver": Fault(
        root="wsl-wrong-libcuda",
        machine=wsl(False),
        environment=cuinit(100),
        path=real(),
        says="CUDA failure 100",
    ),
    "stub first": Fault(
        root="cuda-stub-library",
        environment=cuinit(34),
        path=cuda_in("cuda", "lib64", "stubs"),
        says="CUDA failure 34",
    ),
    "WSL under systemd, whose Windows has no driver": Fault(
        root="no-nvidia-gpu",
        machine={**wsl(False), "files": {"/run/systemd/container": "wsl\n"}},
        path=no_driver_libraries,
    ),
    "kept cool by the driver": Fault(
        root="gpu-slowed-down", environment={"STANDIN_CLOCKS": str(0x20)}, severity="warning"
    ),
    "hot": Fault(root="gpu-slowed-down", environment={"STANDIN_CLOCKS": str(0x49)}, severity="warning"),
    "memory errors": Fault(root="gpu-hardware-errors", environment={"STANDIN_ECC": "3"}),
    "rows to remap": Fault(root="gpu-hardware-errors", environment={"STANDIN_REMAP": "pending"}),
    "Xid 119 on a card that works again": Fault(
        root="gpu-hardware-errors",
        machine={"log": ("NVRM: Xid (PCI:0000:00:1e): 119, pid=7, Timeout waiting for RPC from GSP!",)},
        severity="warning",
    ),
    "pod of containerd, seen over ssh": Fault(
        root="container-started-without-gpu",
        machine={"nodes": (), "cgroup": "11:devices:/kubepods/burstable/pod1/7"},
        path=no_driver_libraries,
    ),
    "a job without a card": Fault(
        root="gpu-device-not-permitted",
        machine={"forbidden": True},
        environment={"STANDIN_INIT": "999", **cuinit(100)},
        path=real(),
    ),
    "Apptainer without --nv, which shows all of /dev": Fault(
        root="container-started-without-gpu", environment=APPTAINER, path=no_driver_libraries
    ),
    "Apptainer with --nv, whose folder is not searched": Fault(
        root="nvml-library-not-found",
        machine=driver_in("/.singularity.d/libs"),
        environment=APPTAINER,
        path=no_driver_libraries,
    ),
    "Docker on WSL without --gpus": Fault(
        root="container-started-without-gpu",
        machine={**wsl(False), "container": True, "files": {}, "nodes": ()},
        path=no_driver_libraries,
    ),
    "an image that keeps the driver's libraries as empty files": Fault(
        root="container-driver-capabilities", machine={"container": True}, path=emptied
    ),
    "docker run without --gpus": Fault(
        root="container-started-without-gpu", machine=NOTHING_GIVEN, path=no_driver_libraries
    ),
    "NVIDIA_VISIBLE_DEVICES=void": Fault(
        root="container-started-without-gpu",
        machine=NOTHING_GIVEN,
        environment={"NVIDIA_VISIBLE_DEVICES": "void"},
        path=no_driver_libraries,
    ),
    "pod under runc": Fault(
        root="container-runtime-not-nvidia",
        machine=NOTHING_GIVEN,
        environment={**KUBERNETES, "NVIDIA_VISIBLE_DEVICES": GPU_UUID},
        path=no_driver_libraries,
    ),
    "pod without a request": Fault(
        root="container-started-without-gpu",
        machine=NOTHING_GIVEN,
        environment={**KUBERNETES, "NVIDIA_VISIBLE_DEVICES": "all"},
        path=no_driver_libraries,
    ),
    "NVIDIA_VISIBLE_DEVICES=none": Fault(
        root="cuda-visible-devices-hides-gpu",
        machine={"container": True, "nodes": ("nvidiactl", "nvidia-uvm")},
        environment={"NVIDIA_VISIBLE_DEVICES": "none", "STANDIN_COUNT": "0"},
        path=real(),
        subject="NVIDIA_VISIBLE_DEVICES",
    ),
    "access lost": Fault(
        root="container-gpu-access-lost",
        machine={"container": True, "forbidden": True},
        environment={"STANDIN_INIT": "999", **cuinit(999)},
        path=real(),
    ),
    "--device without nvidia-uvm": Fault(
        root="container-device-node-missing",
        machine={"container": True, "nodes": ("nvidia0", "nvidiactl")},
        environment=cuinit(999),
        path=real(),
    ),
    "a mount of a node that the host lacked": Fault(
        root="container-device-node-missing",
        machine={"container": True, "nodes": ("nvidia0", "nvidiactl"), "files": {"/dev/nvidia-uvm": ""}},
        environment=cuinit(999),
        path=real(),
    ),
    "NVML is not there, and CUDA works": Fault(
        root="nvml-fails", path=lambda _: library_path(without=[nvml_folder()]), severity="warning"
    ),
    "no code for a card that CUDA alone tells of": Fault(
        root="ort-arch-unsupported",
        machine=JETSON,
        environment={"STANDIN_CAPABILITY": "53"},
        path=lambda _: library_path(without=[nvml_folder()]),
    ),
    "no capability compute": Fault(
        root="container-driver-capabilities",
        machine={"container": True},
        environment={"NVIDIA_DRIVER_CAPABILITIES": "utility"},
        path=lambda _: library_path(without=[cuda_folder()]),
    ),
    "no capability utility": Fault(
        root="container-driver-capabilities",
        machine={"container": True},
        environment={"NVIDIA_DRIVER_CAPABILITIES": "compute"},
        path=lambda _: library_path(without=[nvml_folder()]),
        severity="warning",
    ),
    "cuda-compat on the wrong card": Fault(
        root="container-compat-libraries",
        machine={"container": True},
        environment=cuinit(804),
        path=cuda_in("cuda-13.0", "compat"),
        says="CUDA failure 804",
    ),
    "a fabric that is not ready, under cuda-compat": Fault(
        root="fabric-manager-not-running",
        machine={"container": True},
        environment=cuinit(802),
        path=cuda_in("cuda-13.0", "compat"),
    ),
    "MIG without an instance, under cuda-compat": Fault(
        root="mig-device-not-selected",
        machine={"container": True},
        environment={"STANDIN_MIG": "1", "STANDIN_INSTANCES": "0", "STANDIN_VISIBLE": "0"},
        path=cuda_in("cuda-13.0", "compat"),
    ),
    "shared memory full": Fault(root="container-shm-too-small", machine={"container": True, "shm": "64k"}),
    "Docker without the toolkit": Fault(
        root="container-toolkit-missing",
        machine={"files": {"/usr/local/bin/dockerd": program("exit 0")}},
        severity="note",
    ),
    "containerd without NVIDIA's runtime": Fault(root="container-runtime-not-nvidia", machine=containerd("runc")),
    "containerd without it beside a Docker that has it": Fault(
        root="container-runtime-not-nvidia",
        machine=containerd("runc", {"/etc/docker/daemon.json": '{"runtimes": {"nvidia": {}}}'}),
    ),
    "docker-compose 1.25": Fault(
        root="compose-too-old-for-gpu",
        machine={"files": {"/usr/local/bin/docker-compose": program("echo 1.25.0")}},
        severity="note",
    ),
    "nodes of another user": Fault(
        root="gpu-device-not-permitted",
        machine={"mode": "660", "owner": 1000},
        environment={"STANDIN_INIT": "4", **cuinit(100)},
        path=real(),
        unprivileged=True,
    ),
}

TWINS: dict[str, Fault] = {
    "a Jetson, which has no NVML": Fault(root="", machine=JETSON, path=lambda _: library_path(without=[nvml_folder()])),
    "a machine": Fault(root=""),
    "nvidia_uvm under its node's number": Fault(root="", machine={"uvm": 510}),
    "Apptainer with --nv": Fault(
        root="",
        machine=driver_in("/.singularity.d/libs"),
        environment=APPTAINER,
        path=lambda folder: f"/.singularity.d/libs:{no_driver_libraries(folder)}",
    ),
    "a card that fell off and works again": Fault(root="", machine={"log": FALLEN}),
    "two cards": Fault(root="", environment={"STANDIN_COUNT": "2"}),
    "the second of two cards": Fault(root="", environment={"STANDIN_COUNT": "2", "CUDA_VISIBLE_DEVICES": "1"}),
    "a machine with Secure Boot and a signed module": Fault(
        root="", machine={"secure_boot": True, "kernel": KERNEL, "built": {KERNEL: True}}
    ),
    "an instance by a number that CUDA knows": Fault(
        root="",
        environment={"STANDIN_MIG": "1", "STANDIN_VISIBLE": "2", "CUDA_VISIBLE_DEVICES": "1"},
    ),
    "nodes that no program has asked for": Fault(root="", machine={"nodes": ("nvidiactl",)}),
    "an exclusive card that is free": Fault(root="", environment={"STANDIN_MODE": "3"}),
    "an idle card, one at its power limit": Fault(root="", environment={"STANDIN_CLOCKS": "5"}),
    "errors of programs in the kernel's log, and a row that was replaced": Fault(
        root="",
        machine={
            "log": (
                "NVRM: Xid (PCI:0000:00:1e): 31, pid=7, name=python3, MMU Fault",
                "NVRM: Xid (PCI:0000:00:1e): 63, pid=7, Row Remapper: New row marked for remapping",
            )
        },
    ),
    "an instance of a MIG card in a container": Fault(
        root="", machine={"container": True}, environment={"STANDIN_MIG": "1", "STANDIN_MEMORY": "4"}
    ),
    "WSL": Fault(root="", machine=wsl(True), path=lambda _: "/usr/lib/wsl/lib:" + library_path()),
    "WSL under systemd": Fault(
        root="",
        machine={**wsl(True), "files": {**wsl(True)["files"], "/run/systemd/container": "wsl\n"}, "shm": "64k"},
        path=lambda _: "/usr/lib/wsl/lib:" + library_path(),
    ),
    "a container": Fault(
        root="",
        machine={"container": True},
        environment={"NVIDIA_VISIBLE_DEVICES": "all", "NVIDIA_DRIVER_CAPABILITIES": "compute,utility"},
    ),
    "a pod": Fault(
        root="", machine={"container": True}, environment={**KUBERNETES, "NVIDIA_VISIBLE_DEVICES": GPU_UUID}
    ),
    "cuda-compat on a card that admits it": Fault(
        root="", machine={"container": True}, path=cuda_in("compat", works=True)
    ),
    "an old driver under a newer cuda-compat": Fault(
        root="",
        machine={"container": True},
        environment={"STANDIN_NVML_CUDA": "12020"},
        path=cuda_in("compat", works=True),
    ),
    "Docker with the toolkit of the GPU Operator": Fault(
        root="",
        machine={
            "files": {
                "/usr/local/bin/dockerd": program("exit 0"),
                "/usr/local/nvidia/toolkit/nvidia-ctk": program("exit 0"),
            }
        },
    ),
    "Docker with the toolkit": Fault(
        root="",
        machine={
            "files": {
                "/usr/local/bin/dockerd": program("exit 0"),
                "/usr/local/bin/nvidia-ctk": program("exit 0"),
                "/usr/local/bin/docker-compose": program("echo 1.29.2"),
            }
        },
    ),
    "containerd with NVIDIA's runtime": Fault(root="", machine=containerd("nvidia")),
    "containerd with NVIDIA's runtime in a file of its own": Fault(
        root="", machine=containerd("runc", {"/etc/containerd/conf.d/99-nvidia.toml": RUNTIME.format("nvidia")})
    ),
    "containerd with NVIDIA's runtime in an imported file": Fault(
        root="", machine=containerd("runc", {"/opt/nvidia/own.toml": RUNTIME.format("nvidia")}, "/opt/nvidia/*.toml")
    ),
    "containerd with devices described for CDI": Fault(
        root="", machine=containerd("runc", {"/etc/cdi/nvidia.yaml": "kind: nvidia.com/gpu"})
    ),
    "variables that slow nothing down": Fault(
        root="", environment={"CUDA_LAUNCH_BLOCKING": "0", "CUDA_CACHE_DISABLE": "", "CUDA_FORCE_PTX_JIT": "00"}
    ),
    "nodes of one's own": Fault(root="", machine={"mode": "600"}, unprivileged=True),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_named_as_the_only_root(name: str, tmp_path: Path) -> None:
    fault = FAULTS[name]
    report = looked(tmp_path, fault)
    assert report.roots == {fault.root}, report.summary()
    finding = report.finding(fault.root)
    assert finding["severity"] == fault.severity
    if fault.subject:
        assert finding["subject"] == fault.subject
    if fault.severity == "error":
        assert report.exit_code == 1
    if fault.says:
        [attempt, *_] = report.facts("ort_runtime")["attempts"]
        assert fault.says in "\n".join([*attempt["log"], str(attempt["session_error"])]), attempt
    assert finding["fix"]["text"]
    if fault.root == "driver-too-old":  # the wheel that this driver can run, for whom may not change the driver
        resolved(finding, "onnxruntime-gpu==1.26.0")


@pytest.mark.parametrize("name", TWINS)
def test_a_healthy_twin_is_silent(name: str, tmp_path: Path) -> None:
    report = looked(tmp_path, TWINS[name])
    assert report.names == set(), report.summary()
    assert report.exit_code == 0, [one for one in report.json["checks"] if one["verdict"] == "unknown"]
    assert report.verdict("ort-session-on-cpu") == "passed"


VARIABLES: dict[str, Fault] = {
    "CUDA_LAUNCH_BLOCKING=1": Fault(root="cuda-slowed-by-variable", environment={"CUDA_LAUNCH_BLOCKING": "1"}),
    "a memory of PyTorch's that is not kept": Fault(
        root="cuda-slowed-by-variable", environment={"PYTORCH_NO_CUDA_MEMORY_CACHING": "0"}
    ),
    "CUDA_VISIBLE_DEVICES=-1": Fault(root="cuda-visible-devices-hides-gpu", environment={"CUDA_VISIBLE_DEVICES": "-1"}),
    "CUDA_VISIBLE_DEVICES=": Fault(root="cuda-visible-devices-hides-gpu", environment={"CUDA_VISIBLE_DEVICES": ""}),
    "the stub first": Fault(
        root="cuda-stub-library",
        environment={**cuinit(34), "STANDIN_ONLY_IN": "/stubs/"},
        path=cuda_in("cuda", "lib64", "stubs", works=True),
    ),
    "cuda-compat first": Fault(
        root="container-compat-libraries",
        machine={"container": True},
        environment={**cuinit(804), "STANDIN_ONLY_IN": "/compat/"},
        path=cuda_in("cuda-13.0", "compat", works=True),
    ),
    "another libcuda than WSL's": Fault(
        root="wsl-wrong-libcuda",
        machine=wsl(False),
        environment={**cuinit(100), "STANDIN_ONLY_IN": "/standin-"},
    ),
}


@pytest.mark.parametrize("name", VARIABLES)
def test_a_printed_variable_is_the_fix(name: str, tmp_path: Path) -> None:
    """The printed commands are run in a shell that has what the service had; what that shell then starts is looked at."""
    fault, machine = VARIABLES[name], Machine(folder=tmp_path / "machine", **VARIABLES[name].machine)
    before = {"LD_LIBRARY_PATH": fault.path(tmp_path), **fault.environment}
    words = (*DOMAINS, "--timeout", "30")
    report = doctor(tmp_path, *words, environment={**CLEAN, **before}, machine=machine)
    assert report.roots == {fault.root}, report.summary()
    commands = report.finding(fault.root)["fix"]["commands"]
    assert len(commands) == 1
    now: dict[str, str | None] = {**CLEAN, **dict.fromkeys(before), **after_commands(commands, before)}
    again = Machine(folder=tmp_path / "again", **fault.machine)
    after = doctor(tmp_path, *words, environment=now, machine=again)
    assert after.names == set(), after.summary()


@pytest.mark.parametrize("shows", ["RD216/loader-list", "RD227/loader-list"])
def test_a_folder_is_taken_out_of_the_loaders_list(shows: str, tmp_path: Path) -> None:
    """In a mount namespace with an /etc and a /usr/local of its own; the loader's cache is asked before and after."""
    needs_root()
    scene = scenes()[shows]
    [finding] = [one for one in scene.diagnosis.findings if one.code == shows.partition("/")[0]]
    folder = str(finding.evidence["folder"])
    commands = render(finding, scene.diagnosis.snapshot, installed(), "en").commands
    build_cuda(tmp_path / "stub")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "sudo").write_text('#!/bin/sh\nexec "$@"\n')
    (tmp_path / "bin" / "sudo").chmod(0o755)
    script = f"""
        cp -a /etc {tmp_path}/etc && mount --bind {tmp_path}/etc /etc && mount -t tmpfs tmpfs /usr/local
        mkdir -p {folder} && cp -P {tmp_path}/stub/* {folder}/
        echo {folder} > /etc/ld.so.conf.d/theirs.conf && echo /usr/local/lib > /etc/ld.so.conf.d/other.conf
        ldconfig && ldconfig -p | grep --quiet {folder}
        {" && ".join(f"{{ {command}; }}" for command in commands)}
        test -e /etc/ld.so.conf.d/other.conf
        ! ldconfig -p | grep {folder}
    """
    command = ["unshare", "--mount", "bash", "-e", "-c", script]
    path = f"{tmp_path}/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    done = subprocess.run(command, env={"PATH": path}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_variable_that_asks_for_nothing_has_its_effect(tmp_path: Path) -> None:
    """The container toolkit's "void": as if there were no NVIDIA runtime."""
    told = looked(tmp_path, FAULTS["NVIDIA_VISIBLE_DEVICES=void"]).finding("container-started-without-gpu")
    assert [one["key"] for one in told["evidence"]["more"]] == ["host-runs-driver", "visible-devices-void"]


def test_firmware_that_is_not_installed_is_told_with_the_code(tmp_path: Path) -> None:
    told = looked(tmp_path, FAULTS["a card whose firmware is not installed"]).finding("gpu-adapter-init-failed")
    assert "(0x61:0x56:1697)" in told["evidence"]["line"]
    assert "/lib/firmware/nvidia/580.95.05/gsp_*.bin" in told["message"]


@pytest.mark.parametrize("code", [2, 3])
def test_a_limit_of_addresses_is_told_where_cuda_lacks_memory(code: int, tmp_path: Path) -> None:
    words = ("--target", f"prlimit --as=6442450944 {sys.executable}")
    told = looked(tmp_path, Fault(root="", environment=cuinit(code), path=real(), words=words)).finding(
        "cuda-init-fails"
    )
    assert ("6144 MiB of addresses" in told["message"]) == (code == 2)


def test_whether_an_exclusive_card_is_held_by_the_service_is_unknown_in_a_container(tmp_path: Path) -> None:
    """NVML counts processes as the host does: what holds the card may be the service that runs beside us."""
    if Path("/proc/self/ns/pid").readlink() != Path("pid:[4026531836]"):
        words: tuple[str, ...] = ()
    else:
        words = ("--target", "unshare --pid --fork --mount-proc " + sys.executable)
    fault = Fault(root="", environment={"STANDIN_MODE": "3", "STANDIN_PID": "1"}, words=words)
    report = looked(tmp_path, fault)
    assert report.verdict("gpu-exclusive-mode") == "unknown", report.summary()


def test_a_node_whose_configuration_is_nowhere_is_not_passed(tmp_path: Path) -> None:
    machine = containerd("nvidia")
    del machine["files"]["/etc/containerd/config.toml"]
    report = looked(tmp_path, Fault(root="", machine=machine))
    assert report.verdict("container-runtime-not-nvidia") == "unknown", report.summary()
