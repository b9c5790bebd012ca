"""How the checks of one trouble answer: it is mine, another one explains it, it cannot be told, or there is none."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from retina_doctor.authoring import Answer
from retina_doctor.model import Inapplicable, Problem, Reason, Severity, Unknown

from ..combined.driver_seen import DriverSeen
from ..combined.no_cards import NO_GPU
from ..facts.driver import Gpu
from .trouble import troubles


def cap(gpu: Gpu, used: tuple[Gpu, ...]) -> Severity | None:
    """Trouble of a card that the service will not use is a note."""
    return None if gpu in used else Severity.NOTE


VARIANT: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "container-compat-libraries": lambda evidence: _way(evidence),
    "container-device-node-missing": lambda evidence: _nodes(evidence),
    "container-driver-capabilities": lambda evidence: _engine(evidence, "docker", "containerd", "kubernetes"),
    "container-gpu-access-lost": lambda evidence: _engine(evidence, "docker", "podman", "kubernetes"),
    "container-started-without-gpu": lambda evidence: _not_given(evidence),
    "cuda-mps-not-running": lambda evidence: {True: "not-ready", False: "stopped", None: ""}[evidence["control"]],
    "cuda-stub-library": lambda evidence: _way(evidence),
    "driver-dropped-gpu": lambda evidence: (
        evidence["why"] or ("named-by-kernel" if evidence["package"] else "kernel-log")
    ),
    "driver-library-mismatch": lambda evidence: _mismatch(evidence),
    "driver-module-not-loaded": lambda evidence: "not-built" if evidence["built"] is False else "not-loaded",
    "driver-not-installed": lambda evidence: _not_installed(evidence),
    "driver-state-lost": lambda evidence: "unloaded" if evidence["unloaded"] else "lost",
    "fabric-manager-not-running": lambda evidence: {True: "running", False: "stopped", None: "unseen"}[
        evidence["running"]
    ],
    "gpu-adapter-init-failed": lambda evidence: "no-firmware" if evidence["firmware"] else "",
    "gpu-device-not-permitted": lambda evidence: _not_permitted(evidence),
    "mig-device-not-selected": lambda evidence: "none-chosen" if evidence["instances"] else "none-there",
    "nvml-library-not-found": lambda evidence: "libcuda" if evidence["libcuda"] else "nvml",
}
"""What a trouble that can be one of several things is, by its evidence."""


def _engine(evidence: Mapping[str, Any], *named: str) -> str:
    """What started the container, where the page has a section for it."""
    return evidence["container"] if evidence["container"] in named else "other"


def _nodes(evidence: Mapping[str, Any]) -> str:
    inside = evidence["container"] is not None
    if evidence["number"] is not None:
        return "moved-in-container" if inside else "moved"
    return _engine(evidence, "kubernetes", "podman") if inside else "machine"


def _not_given(evidence: Mapping[str, Any]) -> str:
    if evidence["wsl"]:
        return "wsl"
    return "without-nv" if evidence["has_nodes"] else _engine(evidence, "kubernetes", "podman", "apptainer", "lxc")


def _way(evidence: Mapping[str, Any]) -> str:
    """How the service's loader came to the folder."""
    return "variable" if evidence["by_variable"] else "loader-list"


def _mismatch(evidence: Mapping[str, Any]) -> str:
    if evidence["path"]:
        return "service-variable" if evidence["by_variable"] else "service"
    if evidence["container"] in LIKE_MACHINES and evidence["module_version"]:
        return "updated-in-lxc"
    return "updated-in-container" if evidence["container"] else "updated"


LIKE_MACHINES = ("lxc", "systemd-nspawn")
"""Containers that are kept like machines: unless they are told otherwise, their libraries are installed in them."""


def _not_installed(evidence: Mapping[str, Any]) -> str:
    if evidence["module_loaded"]:
        return "module-alone"
    return "ubuntu" if evidence["ubuntu"] else "elsewhere"


def _not_permitted(evidence: Mapping[str, Any]) -> str:
    return "by-rule" if evidence["by_rule"] else "container" if evidence["container"] else "owner"


def about(
    name: str, seen: DriverSeen, *, missing: tuple[str, ...] = (), at_most: Severity | None = None, variant: str = ""
) -> Answer:
    """The answer of the check *name*. *missing*: probes without whose facts its trouble cannot be ruled out. *variant*: of what
    it finds; else what the trouble itself says of that."""
    found = troubles(seen)
    own = next((one for one in found if one.name == name), None)
    if own is not None:
        variant = variant or (VARIANT[name](own.evidence) if name in VARIANT else "")
        return Problem(subject="driver", evidence=own.evidence, at_most=at_most, variant=variant)
    if found:
        first = found[0].name
        return NO_GPU if first == "no-nvidia-gpu" else Inapplicable(Reason("explained-by", {"name": first}))
    if seen.card is None:
        return Unknown(("host",))
    if seen.is_integrated:
        return Inapplicable(Reason("integrated-gpu"))
    return Unknown(missing) if missing else None
