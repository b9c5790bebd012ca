"""The device nodes: missing, refused, or taken away again."""

from __future__ import annotations

import re

from retina_doctor.model import Reason

from ..combined.asides import asides
from ..combined.driver_seen import DriverSeen, Evidence
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
