"""Which distribution a kernel is of, and what it calls the packages of NVIDIA's driver.

By the kernel's release: a container sees that of its host, where the driver belongs.
"""

from __future__ import annotations

from retina_doctor.patterns import pattern

from .architectures import Architecture

UBUNTU = pattern(r"-\d+-(generic|lowlatency|aws|azure|gcp|oracle|ibm|kvm|nvidia|gke)\b")
"""X.Y.Z-ABI-FLAVOUR (wiki.ubuntu.com/Kernel/FAQ)."""
LONG_TERM = 580
"""The branch with long-term support as of 2026-11, and the last one that drives Maxwell, Pascal and Volta."""


def is_ubuntu(kernel: str) -> bool:
    return UBUNTU.search(kernel) is not None


def driver_package(branch: int | str | None, modules: str) -> str:
    """Ubuntu's package of a driver branch with "open" or "proprietary" kernel modules; None: of that with long-term support."""
    return f"nvidia-driver-{branch or LONG_TERM}{'-open' if modules == 'open' else ''}"


def package_for(card: Architecture | None) -> str:
    """Of the newest branch that is sure to drive a card of that generation."""
    ends = card is not None and card.last is not None and card.last < LONG_TERM
    kinds = card.modules if card is not None else ("open",)
    return driver_package(card.last if ends and card else LONG_TERM, "open" if "open" in kinds else "proprietary")
