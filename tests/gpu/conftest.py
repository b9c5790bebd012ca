"""The card, and the Python that uses it."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.doctor import environment, report


@dataclass(frozen=True, kw_only=True)
class Card:
    """*index* as NVML counts; *total*: bytes; *free* at the beginning."""

    index: int
    name: str
    total: int
    free: int


@pytest.fixture(scope="session")
def card() -> Card:
    """The first card. Whoever asks for it fails where there is none."""
    import pynvml

    try:
        pynvml.nvmlInit()
        handle = pynvml.nvmlDeviceGetHandleByIndex(0)
    except pynvml.NVMLError as error:
        pytest.fail(f"no GPU to test on: {error}")
    memory = pynvml.nvmlDeviceGetMemoryInfo(handle)
    return Card(index=0, name=pynvml.nvmlDeviceGetName(handle), total=memory.total, free=memory.free)


@dataclass(frozen=True)
class Service:
    """The doctor at work on the Python that uses the card."""

    card: Card
    python: str

    def looked(self, folder: Path, *words: str | Path, **variables: str) -> dict[str, Any]:
        return report("--target", self.python, *words, cwd=folder, env=environment(**variables))


@pytest.fixture(scope="session")
def service(card: Card) -> Service:
    return Service(card, os.environ.get("RETINA_DOCTOR_GPU_PYTHON", sys.executable))
