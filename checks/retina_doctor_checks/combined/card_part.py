"""What a card takes for itself of each process: the context, and code and workspaces of cuBLAS and cuDNN."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import tomli

from retina_doctor.codec import Data

from ..facts.driver import Gpu, Nvml
from ..facts.memory import Calibration, Calibrations
from ..facts.ort_gpu import OrtFiles

MIB = 1024**2
MARGIN = 0.05
"""Share by which a measured part is widened: NVML is asked every ten milliseconds, and counts in steps of 2 MiB."""


class CardPart(Data, frozen=True, kw_only=True):
    """Bytes. *measured*: on this card; None: after published figures."""

    least: int
    most: int
    measured: Calibration | None = None


def published(capability: tuple[int, int] | None = None) -> CardPart:
    """*capability*: of the card's computing; None: not known."""
    told = table()
    contexts = {tuple(one["capability"]): one["mebibytes"] for one in told["context"]}
    context = max(value for least, value in contexts.items() if capability is None or least <= capability)
    return CardPart(least=told["constant"]["mebibytes"] * MIB, most=(context + told["most"]["kernels"]) * MIB)


def card_part(gpu: Gpu, nvml: Nvml | None, ort: OrtFiles | None, kept: Calibrations | None) -> CardPart:
    """As measured on such a card with this driver and this onnxruntime, the last time; else as published."""
    version = ort.in_force.version if ort and ort.in_force else None
    here = (gpu.name, nvml.driver if nvml else None, version)
    measured = [one for one in (kept.cards if kept else ()) if (one.gpu, one.driver, one.onnxruntime) == here]
    if not measured:
        return published(gpu.compute_capability)
    last = max(measured, key=lambda one: one.date)
    return CardPart(least=int(last.least * (1 - MARGIN)), most=int(last.most * (1 + MARGIN)), measured=last)


@functools.cache
def table() -> dict[str, Any]:
    told: dict[str, Any] = tomli.loads(Path(__file__).with_name("vram.toml").read_text(encoding="utf-8"))
    return told


def in_mib(amount: int) -> str:
    """Bytes as words."""
    return f"{amount / MIB:.0f} MiB"
