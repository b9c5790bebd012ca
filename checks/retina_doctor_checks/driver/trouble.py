"""Why a card cannot be used: the troubles among all that lie between it and a program, each with what it explains.

Two ways lead to the driver: NVML's, by which it is watched, and CUDA's, by which it computes. `troubles` asks the rungs of a
ladder in their order, from the hardware up: the first that speaks of a way that is closed is a trouble, and what else is
wrong on that way is only its consequence; what it does not explain is another trouble, and another root. A rung sees facts of
which any may be missing, and then says nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Literal

from retina_doctor.codec import Data
from retina_doctor.model import Reason

from ..advice.architectures import Architecture, architecture, unsupported
from ..advice.distributions import LONG_TERM, driver_package, is_ubuntu, package_for
from ..combined.asides import asides, kernel_says, on_host
from ..combined.driver_seen import WSL, DriverSeen, Evidence, lost_by_smi
from ..combined.loader_path import first, searched, without
from ..combined.refusals import rows, understood_by
from ..combined.used_gpus import candidates
from ..combined.visible_gpus import left
from ..facts.driver import DriverLibrary, Host

DRIVER_NOT_LOADED, LIBRARY_NOT_FOUND, VERSION_MISMATCH = 9, 12, 18  # nvml.h nvmlReturn_t
MPS_PIPE = "/tmp/nvidia-mps"  # noqa: S108 - CUDA's own (docs.nvidia.com/deploy/mps)
MPS = (805, 806, 807, 810)  # cuda.h CUresult, cuda_results.toml
STUB, NO_DEVICE, NOT_READY, MISMATCH, NOT_ON_THIS_CARD, UNKNOWN = 34, 100, 802, 803, 804, 999  # cuda.h CUresult
Way = Literal["nvml", "cuda"]
BOTH, OF_NVML, OF_CUDA = frozenset[Way](("nvml", "cuda")), frozenset[Way](("nvml",)), frozenset[Way](("cuda",))
LIBRARIES = {"compute": "libcuda.so.", "utility": "libnvidia-ml.so."}
"""What each driver capability brings into a container (NVIDIA Container Toolkit, "Driver Capabilities")."""


class Trouble(Data, frozen=True):
    """*name*: of the check that speaks of it. *closes*: the ways that it explains."""

    name: str
    evidence: Evidence
    closes: frozenset[Way] = BOTH


def troubles(seen: DriverSeen) -> tuple[Trouble, ...]:
    """Those that explain the others, none where nothing is known to be wrong; each of another way."""
    closed = set[Way](BOTH)
    if seen.nvml_answers and seen.nvml is not None and seen.nvml.gpus:
        closed.discard("nvml")
    if seen.cuda_works:
        closed.discard("cuda")
    if closed and seen.card is False:
        return (Trouble("no-nvidia-gpu", seen.shown()),)
    found: list[Trouble] = []
    for name, rung, of in LADDER:
        evidence = rung(seen) if closed else None
        if evidence is None:
            continue
        closes = of(seen, evidence) if callable(of) else of
        if closes & closed:
            found.append(Trouble(name, {**evidence, "closes": sorted(closes)}, closes))
            closed -= closes
    return tuple(found)


def explaining(seen: DriverSeen, way: Way) -> Trouble | None:
    """The trouble that closes this way, where one is known."""
    return next((one for one in troubles(seen) if way in one.closes), None)


def started_without_gpu(seen: DriverSeen) -> Evidence | None:
    """A container without a card's device nodes, on a machine whose driver works. Its /proc and /sys show the host's."""
    host = seen.host
    if host.container is None or not seen.is_plain or host.nvidia_loaded is False:
        return None
    if seen.has_node(r"/dev/nvidia(\d+|ctl)"):  # the runtime gave something: device_node_missing says what it lacks
        return None
    variable = seen.environment.nvidia_visible_devices if seen.environment else None
    more = asides(
        Reason("host-runs-driver", {"driver": host.loaded_version}) if host.loaded_version else None,
        Reason("visible-devices-ignored", {"value": variable}) if variable else None,
    )
    return {**seen.shown(), "visible_devices": variable, "driver": host.loaded_version, "more": more}


def runtime_not_nvidia(seen: DriverSeen) -> Evidence | None:
    """The scheduler gave this pod a GPU by name (the device plugin sets the variable), and no runtime brought it in."""
    evidence = started_without_gpu(seen)
    if evidence is None or seen.host.container != "kubernetes" or seen.environment is None:
        return None
    given = re.match(r"(GPU|MIG)-|\d", seen.environment.nvidia_visible_devices or "")
    node: Evidence = {"configurations": [], "runtimes": [], "engine": None, "kind": None}
    return {**evidence, "place": "pod", **node} if given else None


def access_lost(seen: DriverSeen) -> Evidence | None:
    """The nodes are there, and the container's device rules forbid them: dropped by `systemctl daemon-reload` on the host."""
    refused = _refused(seen, "EPERM") if seen.host.container is not None else []
    more = asides(Reason("nvml-code", {"code": seen.nvml_code}) if seen.nvml_code else None)
    return (
        {"nodes": refused, "container": seen.host.container, "code": seen.nvml_code, "more": more} if refused else None
    )


def not_permitted(seen: DriverSeen) -> Evidence | None:
    """Owner and mode forbid them; outside of containers also the device rules of a job, as Slurm sets them."""
    by_rule = _refused(seen, "EPERM")
    refused = by_rule or _refused(seen, "EACCES")
    if not refused:
        return None
    return {"nodes": refused, "container": seen.host.container, "by_rule": bool(by_rule)}


def _refused(seen: DriverSeen, why: str) -> list[str]:
    """Nodes without which no card can be used; of the cards' own, one that is allowed is enough."""
    nodes = seen.nodes
    cards = [node for node in nodes if re.fullmatch(r"/dev/nvidia\d+", node.path)]
    common = [node for node in nodes if node.path in ("/dev/nvidiactl", "/dev/nvidia-uvm")]
    needed = common if any(node.usable for node in cards) else [*common, *cards]
    return [] if seen.cuda_works else [node.path for node in needed if node.refused == why]


def not_installed(seen: DriverSeen) -> Evidence | None:
    """Neither kernel module nor libraries, or a module without any library of the driver."""
    host = seen.host
    if seen.nvml_answers or seen.cuda_works or not seen.card or seen.libraries or seen.is_integrated:
        return None
    # A container has the host's modules, but gets its libraries from the runtime: that is the container's trouble.
    if host.nvidia_loaded is not False and not host.wsl and (host.container is not None or host.nvidia_loaded is None):
        return None
    kind = next((architecture(card.device) for card in host.pci_gpus or ()), None)
    return {
        **seen.shown(),
        "package": package_for(kind),
        "ubuntu": is_ubuntu(host.kernel),
        "on_host": on_host(host.container),
        "more": asides(Reason("nouveau-holds-card") if host.nouveau_loaded else None),
    }


def dropped(seen: DriverSeen) -> Evidence | None:
    """Release or kind of the driver's modules does not drive any of the cards: such a module ends at once, or lists no card.
    By the kernel's log where it may be read, else by the table of what drives which generation."""
    host, line = seen.host, said_by_the_kernel(seen, "driver-drops-card")
    if not seen.is_plain or (seen.nvml is not None and seen.nvml.gpus) or seen.cuda_works:
        return None
    release = seen.driver or library_version(host)
    cards = [(card, architecture(card.device)) for card in host.pci_gpus or ()]
    reasons = [unsupported(kind, release, host.modules) if kind else None for _, kind in cards]
    if not cards or not (line or all(reasons)):
        return None
    undriven = [place for place, reason in enumerate(reasons) if reason] or [0]
    kind, why = cards[undriven[0]][1], reasons[undriven[0]]
    return {
        "cards": [cards[place][0].address for place in undriven],
        "architecture": kind.name if kind else None,
        "why": why,
        "first": kind.first if kind else None,
        "last": kind.last if kind else None,
        "driver": release,
        "modules": host.modules,
        "line": line,
        "container": host.container,
        "package": _driving(kind, why, release, line),
        "on_host": on_host(host.container),
        "more": kernel_says(line),
    }


def _driving(kind: Architecture | None, why: str | None, release: str | None, line: str | None) -> str | None:
    """Ubuntu's package of the driver that drives the card, by the table, or as the kernel's log names it; None: neither does."""
    branch = release.split(".")[0] if release else None
    legacy = re.search(r"supported through the NVIDIA (\d+)", line or "")
    if why == "not-yet":
        return driver_package(LONG_TERM, "proprietary" if kind and "proprietary" in kind.modules else "open")
    if why == "ended" or legacy:
        return driver_package(kind.last if why and kind else legacy[1] if legacy else None, "proprietary")
    if why == "wants-open" or "requires use of the NVIDIA open" in (line or ""):
        return driver_package(branch, "open")
    if why == "wants-proprietary" or re.search("open nvidia.ko|required GPU System Processor", line or ""):
        return driver_package(branch, "proprietary")
    return None


def said_by_the_kernel(seen: DriverSeen, mechanism: str) -> str | None:
    """The last line of its log that says so."""
    said = seen.host.kernel_log.said if seen.host.kernel_log else ()
    meant = (understood_by(rows()[mechanism], line) for line in reversed(said))
    return next((one.line for one in meant if one is not None), None)


def adapter_fails(seen: DriverSeen) -> Evidence | None:
    """The module runs and knows the card, and the card does not start; NVML then lists none."""
    line = said_by_the_kernel(seen, "adapter-does-not-start")
    if line is None or not seen.is_plain or (seen.nvml is not None and seen.nvml.gpus) or seen.cuda_works:
        return None
    on = on_host(seen.host.container)
    return {**seen.shown(), "line": line, "driver": seen.driver, "modules": seen.host.modules, "on_host": on}


def mps_not_running(seen: DriverSeen) -> Evidence | None:
    """CUDA goes through MPS where its pipe folder has a daemon's pipes, or the variable names another folder."""
    if seen.cuda_code not in MPS:
        return None
    environment = seen.environment
    return {
        "code": seen.cuda_code,
        "directory": environment.mps_pipe_directory if environment else None,
        "pipe": (environment.mps_pipe_directory if environment else None) or MPS_PIPE,
        "on_host": on_host(seen.host.container),
        "control": environment.mps_control if environment else None,
        "container": seen.host.container,
    }


def blocked_by_secure_boot(seen: DriverSeen) -> Evidence | None:
    """The module was built for this kernel, and the kernel refuses it: it is unsigned, or the kernel refused some module."""
    evidence = module_not_loaded(seen)
    host = seen.host
    if evidence is None or not host.secure_boot:
        return None
    refusals = host.kernel_log.refusals if host.kernel_log else ()
    files = [file for file in host.module_files or () if file.kernel == host.kernel]
    unsigned = bool(files) and all(file.signed is False for file in files)
    if not files or not (refusals or unsigned):
        return None
    refusal = refusals[-1] if refusals else None
    more = asides(Reason("module-rejected", {"line": refusal}) if refusal else None)
    return {**evidence, "module": files[0].path, "refusal": refusal, "more": more}


def module_not_loaded(seen: DriverSeen) -> Evidence | None:
    host = seen.host
    if seen.nvml_answers or not seen.is_plain or not seen.libraries:
        return None
    told = seen.nvml_code == DRIVER_NOT_LOADED
    if not (host.nvidia_loaded is False or (host.nvidia_loaded is None and told)):
        return None
    files = host.module_files
    built = None if files is None else any(file.kernel == host.kernel for file in files)
    others = sorted({file.kernel for file in files or () if file.kernel != host.kernel})
    return {
        **seen.shown(),
        "library_version": library_version(host),
        "built": built,
        "other_kernels": others,
        "secure_boot": bool(host.secure_boot),
        "on_host": on_host(host.container),
        "more": asides(
            Reason("built-for-other-kernels", {"kernels": others}) if others and built is False else None,
            Reason("nouveau-holds-card") if host.nouveau_loaded else None,
        ),
        "notes": asides(
            Reason("secure-boot-is-on") if host.secure_boot and built is not False else None,
            Reason("nouveau-must-go") if host.nouveau_loaded else None,
        ),
    }


def capabilities_lacking(seen: DriverSeen) -> Evidence | None:
    """Device nodes without the libraries: the container was given the card, but not these of the driver's parts."""
    if seen.host.container is None or not seen.is_plain or not seen.has_node(r"/dev/nvidia(\d+|ctl)"):
        return None
    lacking = [name for name, start in LIBRARIES.items() if not seen.has_library(start)]
    if not lacking or (seen.cuda_works and seen.nvml_answers):
        return None
    value = seen.environment.nvidia_driver_capabilities if seen.environment else None
    libraries = [LIBRARIES[one] + "1" for one in lacking]
    return {
        "lacking": lacking,
        "libraries": libraries,
        "value": value,
        "container": seen.host.container,
        "set": asides(Reason("variable-is", {"value": value}) if value else Reason("variable-is-not-set")),
    }


def of_lacking(_seen: DriverSeen, evidence: Evidence) -> frozenset[Way]:
    lacking = evidence["lacking"]
    return BOTH if lacking == list(LIBRARIES) else OF_CUDA if lacking == ["compute"] else OF_NVML


def of_mismatch(seen: DriverSeen, evidence: Evidence) -> frozenset[Way]:
    """By NVML's word both, unless CUDA's error is one of another library than the driver's."""
    if not evidence["by_nvml"]:
        return OF_CUDA
    return OF_NVML if seen.cuda_code in (STUB, NOT_READY, NOT_ON_THIS_CARD) else BOTH


def library_mismatch(seen: DriverSeen) -> Evidence | None:
    """By NVML's word (18); by the releases where NVML could not be asked; by CUDA's (803), unless libcuda is of one release with
    the module: what is loaded then is another libcuda than the driver's, whatever its file is called."""
    host, cuda = seen.host, version_of(seen.libcuda)
    library = library_version(host)
    differ = None not in (library, host.loaded_version) and library != host.loaded_version
    by_nvml = seen.nvml_code == VERSION_MISMATCH or (seen.nvml is None and differ)
    same = cuda is not None and cuda == host.loaded_version
    by_cuda = seen.cuda_code == MISMATCH and not same and not seen.compat
    if by_cuda and not by_nvml:
        library = cuda
    elif not by_nvml or seen.card is False:
        return None
    # NVML and the module understand each other: then libcuda is the one that is not the driver's.
    foreign = by_cuda and seen.nvml_answers
    error = (seen.nvml.error if seen.nvml else None) or ""
    return {
        **(_searched_first(seen) if foreign else {}),
        "on_host": on_host(host.container),
        "more": asides(Reason("nvml-says", {"error": error.rstrip(".")}) if error else None),
        "by_nvml": by_nvml,
        "path": seen.libcuda if foreign else None,
        "module_version": host.loaded_version,
        "library_version": library,
        "container": host.container,
        "error": seen.nvml.error if seen.nvml else None,
    }


def _searched_first(seen: DriverSeen) -> Evidence:
    """Of a libcuda that stands before the driver's: its folder, and how the service's loader came to it."""
    folder = (seen.libcuda or "").rpartition("/")[0]
    variable = seen.environment.ld_library_path if seen.environment else None
    return {
        "folder": folder,
        "ld_library_path": variable,
        "by_variable": searched(folder, variable),
        "rest": without(folder, variable),
    }


def library_not_found(seen: DriverSeen) -> Evidence | None:
    """The driver's libraries are on the disk, but in no folder where the loader looks; or only the service's does not, and it
    would need libcuda."""
    said = (seen.cuda.error if seen.cuda is not None else None) or ""
    # A file that is there and damaged is another trouble: the loader says so in other words (glibc, musl).
    absent = "cannot open shared object file" in said or "No such file" in said
    if seen.nvml_answers and seen.loader_lacks_libcuda and seen.cuda is not None and absent:
        return _not_on_path([one for one in seen.libraries if one.name.startswith("libcuda.so.")], seen.cuda.error)
    if seen.nvml is None or seen.nvml.error_code != LIBRARY_NOT_FOUND:
        return None
    files = [library for library in seen.host.libraries if library.name.startswith("libnvidia-ml.so.")]
    if not files or loader_finds(seen):
        return None
    return _not_on_path(files, seen.nvml.error)


def _not_on_path(files: list[DriverLibrary], error: str | None) -> Evidence | None:
    if not files:
        return None
    path = min(files, key=lambda f: (not f.name.endswith(".so.1"), f.path)).path
    return {
        "path": path,
        "folder": path.rpartition("/")[0],
        "found": [file.path for file in files],
        "error": (error or "").rstrip("."),
        "libcuda": "libcuda.so" in path,
    }


def of_unfound(seen: DriverSeen, evidence: Evidence) -> frozenset[Way]:
    """libcuda stands beside it: where it is not found either, that is the same."""
    if "libcuda.so." in str(evidence["path"]):
        return OF_CUDA  # NVML answers
    lacks = seen.cuda is not None and seen.cuda.path is None and "libcuda.so.1" in (seen.cuda.error or "")
    return BOTH if lacks else OF_NVML


def of_nodes(_seen: DriverSeen, evidence: Evidence) -> frozenset[Way]:
    """Of them CUDA needs nvidia-uvm alone."""
    return OF_CUDA if evidence["missing"] == ["/dev/nvidia-uvm"] else BOTH


def device_node_missing(seen: DriverSeen) -> Evidence | None:
    """A container that was given some of the nodes that CUDA needs."""
    if (
        seen.host.container is None
        or not seen.is_plain
        or seen.cuda_works
        or not seen.has_node(r"/dev/nvidia(\d+|ctl)")
    ):
        return None
    wanted = {
        "/dev/nvidiactl": "/dev/nvidiactl",
        "/dev/nvidia-uvm": "/dev/nvidia-uvm",
        r"/dev/nvidia\d+": "/dev/nvidia0",
    }
    if seen.environment is not None and seen.environment.nvidia_visible_devices == "none":
        del wanted[r"/dev/nvidia\d+"]  # as it was asked for; hides says so
    missing = [name for pattern, name in wanted.items() if not seen.has_node(pattern)]
    notes = asides(Reason("uvm-device-too") if "/dev/nvidia-uvm" in missing else None)
    return {"missing": missing, "container": seen.host.container, "notes": notes} if missing else None


def stub(seen: DriverSeen) -> Evidence | None:
    """The toolkit's libcuda, which is only for linking, stands before the driver's."""
    path = seen.libcuda
    if not (path and "/stubs/" in path) and seen.cuda_code != STUB:
        return None
    return {"path": path or "libcuda.so.1", **_searched_first(seen)}


def wsl_wrong_libcuda(seen: DriverSeen) -> Evidence | None:
    path = seen.libcuda
    if not seen.host.wsl or path is None or path.startswith(WSL) or seen.cuda_works:
        return None
    right = [library.path for library in seen.host.libraries if library.path.startswith(WSL)]
    variable = seen.environment.ld_library_path if seen.environment else None
    return {
        "path": path,
        "right": right[0] if right else f"{WSL}lib/libcuda.so.1",
        "first": first(f"{WSL}lib", variable),
    }


def compat_libraries(seen: DriverSeen) -> Evidence | None:
    """A cuda-compat package, made for data-centre cards and older drivers, stands before the driver's libcuda: 804 is said by no
    other library; 803 by this one where the driver is newer."""
    if seen.cuda_code != NOT_ON_THIS_CARD and not (seen.cuda_code == MISMATCH and seen.compat):
        return None
    return {
        "path": seen.libcuda,
        **_searched_first(seen),
        "code": seen.cuda_code,
        "driver": seen.driver,
    }


def fabric_manager(seen: DriverSeen) -> Evidence | None:
    if seen.cuda_code != NOT_READY:
        return None
    branch = re.match(r"\d+", seen.driver or "")
    return {
        "switches": seen.host.switches,
        "running": seen.host.fabric_manager,
        "driver": seen.driver,
        "branch": branch[0] if branch else None,
        "container": seen.host.container,
        "on_host": on_host(seen.host.container),
        "more": asides(Reason("has-switches", {"count": seen.host.switches}) if seen.host.switches else None),
    }


def mig_not_selected(seen: DriverSeen) -> Evidence | None:
    """MIG cards are seen by CUDA only as instances: there is none, or none is chosen. Only where the variable leaves no card
    without MIG."""
    gpus = left(seen.environment, seen.nvml) if seen.nvml is not None else ()
    if not gpus or not all(gpu.mig for gpu in gpus) or seen.cuda_works:
        return None
    instances = [uuid for gpu in gpus for uuid in gpu.mig_devices]
    if (instances and seen.cuda_code != NO_DEVICE) or seen.is_hidden:
        return None
    value = seen.environment.cuda_visible_devices if seen.environment else None
    more = asides(Reason("cuda-visible-devices-is", {"value": value}) if value else None)
    return {"gpus": [gpu.index for gpu in gpus], "instances": instances, "value": value, "more": more}


def state_lost(seen: DriverSeen) -> Evidence | None:
    """NVML answers, and CUDA fails: nvidia_uvm is not loaded, or has not come back from suspend ("unknown error")."""
    host = seen.host
    if seen.cuda_code in (None, 0) or not seen.nvml_answers or not seen.is_plain or seen.is_hidden:
        return None
    lost = lost_by_smi(seen.smi, seen.nvml)
    used = candidates(seen.nvml, seen.environment, seen.cuda) if seen.nvml is not None else ()
    if any(gpu.error or gpu.index in lost for gpu in used):
        return None
    unloaded = host.uvm_loaded is False and host.container is None
    if not unloaded and seen.cuda_code != UNKNOWN:
        return None
    on = on_host(host.container)
    return {
        "code": seen.cuda_code,
        "container": host.container,
        "driver": seen.driver,
        "unloaded": unloaded,
        "on_host": on,
    }


LADDER: tuple[
    tuple[
        str, Callable[[DriverSeen], Evidence | None], frozenset[Way] | Callable[[DriverSeen, Evidence], frozenset[Way]]
    ],
    ...,
] = (
    ("container-runtime-not-nvidia", runtime_not_nvidia, BOTH),
    ("container-started-without-gpu", started_without_gpu, BOTH),
    ("container-gpu-access-lost", access_lost, BOTH),
    ("gpu-device-not-permitted", not_permitted, BOTH),
    ("driver-not-installed", not_installed, BOTH),
    ("driver-dropped-gpu", dropped, BOTH),
    ("driver-blocked-by-secure-boot", blocked_by_secure_boot, BOTH),
    ("driver-module-not-loaded", module_not_loaded, BOTH),
    ("container-driver-capabilities", capabilities_lacking, of_lacking),
    ("driver-library-mismatch", library_mismatch, of_mismatch),
    ("nvml-library-not-found", library_not_found, of_unfound),
    ("gpu-adapter-init-failed", adapter_fails, BOTH),
    ("container-device-node-missing", device_node_missing, of_nodes),
    ("cuda-stub-library", stub, OF_CUDA),
    ("wsl-wrong-libcuda", wsl_wrong_libcuda, OF_CUDA),
    ("container-compat-libraries", compat_libraries, OF_CUDA),
    ("fabric-manager-not-running", fabric_manager, OF_CUDA),
    ("cuda-mps-not-running", mps_not_running, OF_CUDA),
    ("mig-device-not-selected", mig_not_selected, OF_CUDA),
    ("driver-state-lost", state_lost, OF_CUDA),
)


def version_of(path: str | None) -> str | None:
    """A driver library's release, by its file's name: libcuda.so.580.95.05."""
    match = re.search(r"\.so\.(\d+\.[\d.]+)$", path or "")
    return match[1] if match else None


def loader_finds(seen: DriverSeen) -> bool:
    """libnvidia-ml.so.1: by the word of the target's loader, where it could be asked; else by the folders it usually searches."""
    if seen.environment is not None and seen.environment.loader_problem is None:
        return seen.environment.libnvidia_ml is not None
    return _usually_found(seen.host) is not None


def _usually_found(host: Host) -> DriverLibrary | None:
    return next((f for f in host.libraries if f.name == "libnvidia-ml.so.1" and f.on_loader_path), None)


def library_version(host: Host) -> str | None:
    """The release of NVML's library, by its file's name; libcuda may differ by design (forward compatibility)."""
    first = _usually_found(host)
    files = [f for f in host.libraries if f.name.startswith("libnvidia-ml.so.") and f.version]
    return first.version if first and first.version else next((f.version for f in files), None)
