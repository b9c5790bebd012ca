"""The device nodes: missing, refused, or taken away again."""

from __future__ import annotations

import re
from collections.abc import Iterator

from retina_doctor.model import Reason

from ..combined.asides import asides
from ..combined.driver_seen import DriverSeen, Evidence
from .cuda_rungs import used_card_fails
from .library_rungs import NO_DEVICE, REFUSED_BY_SYSTEM, UNKNOWN
from .ways import BOTH, OF_CUDA, Way


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


UVM, CONTROL = "/dev/nvidia-uvm", "/dev/nvidiactl"


def of_nodes(_seen: DriverSeen, evidence: Evidence) -> frozenset[Way]:
    """Of them CUDA needs nvidia-uvm alone."""
    return OF_CUDA if evidence["missing"] == [UVM] else BOTH


def device_node_missing(seen: DriverSeen) -> Evidence | None:
    """Nodes that CUDA needs are not there: a container was given only some, or on a machine nothing made them."""
    if not seen.is_plain or seen.cuda_works:
        return None
    wanted = {CONTROL: CONTROL, UVM: UVM, r"/dev/nvidia\d+": "/dev/nvidia0"}
    if seen.environment is not None and seen.environment.nvidia_visible_devices == "none":
        del wanted[r"/dev/nvidia\d+"]  # as it was asked for; hides says so
    missing = [name for pattern, name in wanted.items() if not seen.has_node(pattern)]
    given = seen.has_node(r"/dev/nvidia(\d+|ctl)")
    if not missing or not (given if seen.host.container is not None else _never_made(seen, missing)):
        return None
    cards = range(max(len(seen.host.pci_gpus or ()), 1))
    return {
        "missing": missing,
        "number": next((node.moved_to for node in seen.host.nodes if node.path in missing), None),
        "container": seen.host.container,
        "make_nodes": ["sudo", "nvidia-modprobe", *_made(*cards, CONTROL_MINOR)],
        "notes": asides(Reason("uvm-device-too") if UVM in missing else None),
    }


def _made(*minors: int) -> Iterator[str]:
    for minor in minors:
        yield from ("-c", str(minor))


CONTROL_MINOR = 255  # of /dev/nvidiactl (nvidia-modprobe-utils.h, NV_CTL_DEVICE_NUM)


def _never_made(seen: DriverSeen, missing: list[str]) -> bool:
    """The first program that wants a node has it made (nvidia-modprobe), so one must have asked in vain: CUDA, by an error that
    it gives where it cannot open one. Where NVML answers, it had nvidiactl made after the nodes were listed. A card that another
    driver holds, or that is lost, has none to be made."""
    host = seen.host
    if not host.nvidia_loaded or not any(card.bound_to == "nvidia" for card in host.pci_gpus or ()):
        return False
    if missing == [UVM]:
        state = seen.nvml_answers and host.uvm_loaded is not False and not seen.is_hidden and not used_card_fails(seen)
        return state and seen.cuda_code in (UNKNOWN, REFUSED_BY_SYSTEM)
    if CONTROL not in missing or seen.nvml_answers:
        return False
    return seen.cuda_code in (NO_DEVICE, UNKNOWN, REFUSED_BY_SYSTEM)
