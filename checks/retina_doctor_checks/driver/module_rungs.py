"""The driver's kernel module: not installed, not loaded, or without a card that it can start."""

from __future__ import annotations

import re

from retina_doctor.model import Reason

from ..advice.architectures import Architecture, architecture, unsupported
from ..advice.distributions import LONG_TERM, driver_package, is_ubuntu, package_for
from ..combined.asides import asides, kernel_says, on_host
from ..combined.driver_seen import DriverSeen, Evidence, same_bus
from ..combined.refusals import row, understood_by
from .library_rungs import DRIVER_NOT_LOADED, library_version


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
    meant = (understood_by(row(mechanism), line) for line in reversed(said))
    return next((one.line for one in meant if one is not None), None)


SILENT = (9, 10, 15, 16, 17, 999)
"""nvml.h nvmlReturn_t. What NVML says of a card that answers no more: its module may not even have stayed loaded (9)."""


def fallen_off_bus(seen: DriverSeen) -> Evidence | None:
    """NVML lists no card, and by the kernel's log none of those that are the driver's answers. One that answers still would be
    listed: then another thing is wrong. Where no module runs, only what it said while it was loaded tells why it did not stay:
    an older one's card may be well, and its module was taken away for an update."""
    nvml, log = seen.nvml, seen.host.kernel_log
    if log is None or nvml is None or nvml.gpus or seen.cuda_works or nvml.error_code not in (None, *SILENT):
        return None
    cards = seen.host.pci_gpus
    if cards is None:
        return None
    others = [card for card in cards if card.bound_to not in (None, "nvidia")]  # given to a virtual machine, say
    lost = [one for one in log.lost if not any(same_bus(one.bus_id, card.address) for card in others)]
    if seen.host.nvidia_loaded is False:
        lost = [one for one in lost if one.at_load]
    own = [card for card in cards if card not in others]
    if not lost or not all(any(same_bus(one.bus_id, card.address) for one in lost) for card in own):
        return None
    about = {"gpu": None, "name": None, "container": seen.host.container, "on_host": on_host(seen.host.container)}
    return {**about, "said": lost[-1].line}


NO_FIRMWARE = "No firmware image found"
"""RmFetchGspRmImages of the driver: the kernel did not find nvidia/RELEASE/gsp_*.bin below /lib/firmware. It then goes on
without, where it may ("Falling back to monolithic RM"), so this line alone is no reason."""
NOT_FETCHED = "0x61:"
"""RM_INIT_FIRMWARE_FETCH_FAILED, the first of RmInitAdapter's codes (src/nvidia/arch/nvalloc/unix/include/osapi.h)."""


def adapter_fails(seen: DriverSeen) -> Evidence | None:
    """The module runs and knows the card, and the card does not start; NVML then lists none."""
    said = seen.host.kernel_log.said if seen.host.kernel_log else ()
    meant = [one for one in (understood_by(row("adapter-does-not-start"), line) for line in said) if one is not None]
    # "RmInitAdapter failed! (0x62:0x65:1792)" says more than "rm_init_adapter failed", which follows it.
    last = next((one for one in reversed(meant) if one.values["code"] != "?"), meant[-1] if meant else None)
    if last is None or not seen.is_plain or (seen.nvml is not None and seen.nvml.gpus) or seen.cuda_works:
        return None
    on = on_host(seen.host.container)
    unfetched = last.values["code"].startswith(NOT_FETCHED)
    firmware = next((one for one in reversed(said) if unfetched and NO_FIRMWARE in one), None)
    about = {"line": last.line, "driver": seen.driver, "modules": seen.host.modules, "on_host": on}
    return {**seen.shown(), **about, "firmware": firmware}


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
            Reason("driver-holds-cards", {"holder": seen.taken_by}) if seen.taken_by else None,
            Reason("nouveau-holds-card") if host.nouveau_loaded else None,
        ),
        "notes": asides(
            Reason("secure-boot-is-on") if host.secure_boot and built is not False else None,
            Reason("nouveau-must-go") if host.nouveau_loaded else None,
        ),
    }
