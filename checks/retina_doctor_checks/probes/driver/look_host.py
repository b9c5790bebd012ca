"""Looks at the card and its driver without asking the driver: sysfs, procfs, device nodes, files on the disk."""

from __future__ import annotations

import glob
import os
import re

from retina_doctor.hints import Any
from retina_doctor.masking.words import beginning
from retina_doctor_checks.probes.driver import driver_files
from retina_doctor_checks.probes.native import places, program

NVIDIA = "0x10de"
DISPLAY = "0x03"  # PCI base class: VGA (0x0300) and 3D (0x0302) controllers; the card's audio function is not one
SWITCH = "0x0680"  # PCI class "other bridge": what an NVSwitch is
SECURE_BOOT = "/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"  # UEFI, global variables
MODULE = re.compile(r"^(\S*/nvidia(?:-current)?\.ko(?:\.\w+)?):", re.MULTILINE)
"""A line of modules.dep, by which modprobe finds a module. Debian calls it nvidia-current.ko."""
SIGNED = b"~Module signature appended~\n"  # linux/module_signature.h
LOADER_FOLDERS = ("/lib", "/usr/lib", "/lib64", "/usr/lib64", "/lib/*-linux-gnu", "/usr/lib/*-linux-gnu")
OTHER_FOLDERS = (
    "/usr/lib/wsl/lib",
    "/usr/local/nvidia/lib",
    "/usr/local/nvidia/lib64",
    "/usr/local/cuda/compat",
    "/usr/lib/nvidia*",
    "/usr/lib64/nvidia*",
    "/usr/lib/*-linux-gnu/nvidia*",
    "/usr/lib/*-linux-gnu/nvidia/*",
    "/usr/local/lib",
    "/opt/nvidia/lib*",
    "/run/opengl-driver/lib",
    "/.singularity.d/libs",
)
CACHE = "/etc/ld.so.cache"


def look(probe: Any, _arguments: dict[str, Any]) -> None:
    from retina_doctor.probing import look_interpreter

    kernel = first_line("/proc/sys/kernel/osrelease") or ""
    container = look_interpreter.container()
    devices = pci_devices()
    probe.tell(
        kernel=kernel,
        container=container,
        wsl="microsoft" in kernel.lower(),
        nvidia_loaded=loaded("nvidia"),
        loaded_version=loaded_version(),
        nouveau_loaded=loaded("nouveau"),
        uvm_loaded=loaded("nvidia_uvm"),
        pci_gpus=None if devices is None else [pci_gpu(d) for d in devices if kind(d).startswith(DISPLAY)],
        switches=len([d for d in devices or [] if kind(d).startswith(SWITCH)]),
        nodes=driver_files.nodes(),
        libraries=libraries(),
    )
    locked = secure_boot()
    files = module_files(locked)
    probe.tell(
        module_files=files,
        modules=modules(kernel, files),
        secure_boot=locked,
        kernel_log=kernel_log(),
        fabric_manager=None if container else fabric_manager(),
    )


def first_line(path: str) -> str | None:
    try:
        with open(path, errors="replace") as file:
            return file.readline().strip()
    except OSError:
        return None


def loaded(module: str) -> bool | None:
    """Whether the kernel runs with that module; None where the kernel does not show its modules."""
    if not os.path.isdir("/sys/module"):
        return None
    if module == "nvidia" and os.path.exists("/proc/driver/nvidia/version"):
        return True
    return os.path.isdir("/sys/module/" + module)


def loaded_version() -> str | None:
    told = first_line("/proc/driver/nvidia/version") or ""
    match = re.search(r"Kernel Module(?: for \S+)?\s+(\d+(?:\.\d+)+)", told)
    return match.group(1) if match else first_line("/sys/module/nvidia/version")


def modules(kernel: str, files: list[Any] | None) -> str | None:
    """ "open" or "proprietary": by what the loaded module says of itself, else by the licence of the one for this kernel."""
    told = first_line("/proc/driver/nvidia/version")
    if told:
        return "open" if "Open Kernel Module" in told else "proprietary"
    own = [file["path"] for file in files or () if file["kernel"] == kernel]
    done = program.run(["modinfo", "-F", "license", own[0]], 5) if own else None
    if done is None or done.code != 0 or not done.output.strip():
        return None
    return "open" if b"GPL" in done.output else "proprietary"


def pci_devices() -> list[str] | None:
    """Folders of NVIDIA's devices, or None where the bus cannot be read."""
    folder = "/sys/bus/pci/devices"
    try:
        devices = [os.path.join(folder, address) for address in sorted(os.listdir(folder))]
    except OSError:
        return None
    return [device for device in devices if first_line(os.path.join(device, "vendor")) == NVIDIA]


def kind(device: str) -> str:
    return first_line(os.path.join(device, "class")) or ""


def pci_gpu(device: str) -> dict[str, Any]:
    number = first_line(os.path.join(device, "device"))
    return {"address": os.path.basename(device), "device": number, "bound_to": bound_to(device)}


def bound_to(device: str) -> str | None:
    try:
        return os.path.basename(os.readlink(os.path.join(device, "driver")))
    except OSError:
        return None


def module_files(locked: bool | None) -> list[Any] | None:
    """The NVIDIA kernel modules of all installed kernels, or None where they cannot be seen, as in a container.

    Whether they are signed is asked only where Secure Boot is on: else nobody asks.
    """
    try:
        kernels = sorted(os.listdir("/lib/modules"))
    except OSError:
        return None
    found = []
    for kernel in kernels:
        folder = os.path.join("/lib/modules", kernel)
        try:
            with open(os.path.join(folder, "modules.dep"), errors="replace") as file:
                paths = MODULE.findall(file.read())
        except OSError:
            continue
        for path in (os.path.join(folder, name) for name in paths):
            found.append({"kernel": kernel, "path": path, "signed": signed(path) if locked else None})
    return found if kernels else None


def signed(path: str) -> bool | None:
    if not path.endswith(".ko"):
        return signed_by_modinfo(path)
    try:
        with open(path, "rb") as file:
            file.seek(-min(len(SIGNED), os.path.getsize(path)), os.SEEK_END)
            return file.read() == SIGNED
    except OSError:
        return None


def signed_by_modinfo(path: str) -> bool | None:
    """Of a compressed module (Ubuntu 24.04, Fedora), which kmod can unpack."""
    done = program.run(["modinfo", "-F", "sig_id", path], 5)
    return bool(done.output.strip()) if done.code == 0 else None


def secure_boot() -> bool | None:
    """Whether the firmware checks signatures; None: no UEFI here, or not readable. Four bytes of attributes, then it."""
    try:
        with open(SECURE_BOOT, "rb") as file:
            value = file.read(5)
    except OSError:
        return None
    return value[4] == 1 if len(value) == 5 else None


def kernel_log() -> dict[str, Any] | None:
    """What the running kernel said of NVIDIA's driver, as far as this user may read it."""
    lines = kernel_lines()
    if lines is None:
        return None
    xids = [XID.search(line) for line in lines]
    return {
        "xids": [{"bus_id": x[1], "code": int(x[2]), "line": beginning(x[3].strip(), 200)} for x in xids if x][
            -MOST_XIDS:
        ],
        "refusals": [beginning(line, 200) for line in lines if REFUSED.search(line)][-3:],
        "said": [beginning(line.strip(), 300) for line in lines if "NVRM:" in line and "Xid" not in line][-MOST_SAID:],
        "lost": lost_cards(lines),
    }


def lost_cards(lines: list[str]) -> list[Any]:
    """Each card whose last line says that it fell off the bus. Two things take that back: the module is loaded with cards
    (nvidia_init_module in kernel-open/nvidia/nv.c ends so), or the card is found on the bus again (pci_setup_device in the
    kernel's drivers/pci/probe.c), as after a rescan or in a virtual machine that is given it anew."""
    found: dict[str, Any] = {}
    for line in lines:
        fallen, there = FALLEN.search(line), ENUMERATED.match(line)
        if LOADED in line:
            found.clear()
        elif there:
            found.pop(there[1].lower(), None)
        elif fallen:
            at_load = "installed in this system" in line
            found[fallen[1].lower()] = {"bus_id": fallen[1], "line": beginning(line.strip(), 300), "at_load": at_load}
    return list(found.values())


CARD = r"([0-9a-fA-F]{4,}:[0-9a-fA-F]{2}:[0-9a-fA-F]{2})"
FALLEN = re.compile(r"NVRM: .*?\b%s\b.*(?:\): 79,|has fallen off the bus)" % CARD)
ENUMERATED = re.compile(r"pci %s\.0: \[10de:" % CARD)
LOADED = "NVRM: loading NVIDIA UNIX"


XID = re.compile(r"NVRM: Xid \(PCI:([0-9a-fA-F:.]+)\): (\d+)(.*)")
REFUSED = re.compile(r"Loading of .*(module|key).* is rejected|unsigned module loading is restricted")
"""kernel/module/signing.c ("Loading of unsigned module is rejected", "… module with unavailable key …"), security/lockdown
("Lockdown: modprobe: unsigned module loading is restricted"). Neither names the module."""
MOST_XIDS = 20
MOST_SAID = 30
MOST_LINES = 100000


def kernel_lines() -> list[str] | None:
    """/dev/kmsg: one record per read, "6,1234,5678,-;text"; it would wait for the next one after the last."""
    try:
        descriptor = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        return None
    lines: list[str] = []
    try:
        while len(lines) < MOST_LINES:
            try:
                data = os.read(descriptor, 65536)
            except BrokenPipeError:  # records were overwritten meanwhile; the next read goes on behind them
                continue
            except OSError:
                break
            if not data:
                break
            lines += [plain(line) for line in data.decode("utf-8", "replace").splitlines() if ";" in line]
    finally:
        os.close(descriptor)
    return lines


def plain(record: str) -> str:
    """The text of a record of /dev/kmsg. It may have several lines, as what the driver says in one printk has, each of which
    begins with "NVRM: "; the kernel writes what ends them as \\x0a (Documentation/ABI/testing/dev-kmsg)."""
    return re.sub(r"(?:\\x0a)+(?:NVRM: *)?", " ", record.partition(";")[2]).strip()


def fabric_manager() -> bool | None:
    """Whether nvidia-fabricmanager runs; the kernel cuts its name to 15 characters. None: others' processes are hidden."""
    if first_line("/proc/1/comm") is None:
        return None
    return any(first_line(path) == "nv-fabricmanage" for path in glob.glob("/proc/[0-9]*/comm"))


def libraries() -> list[Any]:
    """Files of the driver's libraries in the folders where they are usually put, and wherever the loader finds them."""
    cached = cached_paths()
    # Where the service's loader looks, which in the target itself is said by the usual variable.
    told = places.library_path("RETINA_DOCTOR_LIBRARY_PATH") + places.library_path()
    searched = folders(LOADER_FOLDERS) + list(dict.fromkeys(told))
    others = folders(OTHER_FOLDERS) + sorted({os.path.dirname(path) for path in cached})
    found: list[dict[str, Any]] = driver_files.libraries(searched + others)
    for library in found:
        library["on_loader_path"] = os.path.dirname(library["path"]) in searched or library["path"] in cached
    return found


def folders(patterns: tuple[str, ...]) -> list[str]:
    return [path for pattern in patterns for path in places.matching("/", pattern[1:]) if os.path.isdir(path)]


def cached_paths() -> set[str]:
    """Paths of the driver's libraries in ldconfig's cache, whose strings end in NUL."""
    try:
        with open(CACHE, "rb") as file:
            cache = file.read()
    except OSError:
        return set()
    if b"/libnvidia-ml.so." not in cache and b"/libcuda.so." not in cache:
        return set()
    wanted = re.compile(rb"/.*/lib(?:nvidia-ml|cuda)\.so\.[\d.]+")
    return {os.fsdecode(word) for word in cache.split(b"\0") if wanted.fullmatch(word)}
