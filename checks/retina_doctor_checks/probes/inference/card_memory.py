"""Watches how much memory the GPUs have in use while a model runs, by NVML in a thread. Sent to targets: Python 3.8.

A driver that hangs or is not there holds up the thread, never the model: then nothing is told. Six functions of NVML are called
without pynvml, whose text alone would make the start of every smoke test slower by a fiftieth. Layouts: nvml.h.
"""

from __future__ import annotations

import ctypes
import os
import threading
import time

from retina_doctor.hints import Any
from retina_doctor_checks.probes.driver import look_nvml

EVERY = 0.01  # seconds between two samples
PATIENCE = 0.5  # seconds that are waited for a sample, at most; never while anything is timed
MOST_PROCESSES = 256  # of one card
NOT_TOLD = 2**64 - 1  # NVML_VALUE_NOT_AVAILABLE


class Watch:
    """Samples from its beginning to `end`. Start it after the last fork, and before CUDA is."""

    def __init__(self, wanted: bool) -> None:
        self._cards: list[Card] = []
        self._samples = 0
        self._over = False
        self._alive = wanted
        if wanted:
            threading.Thread(target=self._run, daemon=True).start()

    def begin(self) -> None:
        """What is in use now, was before the model."""
        if self._fresh(1):
            for card in self._cards:
                card.before = card.used

    def told(self) -> list[dict[str, Any]] | None:
        """CardUse of each card until now; None: NVML does not answer."""
        return [card.told() for card in self._cards] if self._fresh(2) else None

    def own(self) -> int | None:
        """Bytes that this process has in use now; None: NVML does not tell them by process here, or of several cards."""
        found = [card.own for card in self._cards if card.own is not None] if self._fresh(2) else []
        return found[0] if len(found) == 1 else None

    def end(self) -> None:
        self._over = True

    def _fresh(self, more: int) -> bool:
        """Whether so many samples more came in time: of two, the second began after this call."""
        wanted, deadline = self._samples + more, time.monotonic() + PATIENCE
        while self._alive and self._samples < wanted and time.monotonic() < deadline:
            time.sleep(EVERY / 4)
        return self._samples >= wanted

    def _run(self) -> None:
        try:
            nvml = ctypes.CDLL("libnvidia-ml.so.1" if os.name == "posix" else "nvml.dll")
            count = ctypes.c_uint()
            if nvml.nvmlInitWithFlags(0) or nvml.nvmlDeviceGetCount_v2(ctypes.byref(count)):
                raise OSError
            mine = os.getpid() if look_nvml.in_initial_namespace() else None
            cards = [Card(nvml, index, mine) for index in range(count.value)]
            self._cards = [card for card in cards if card.whole]
            while not self._over:
                for card in self._cards:
                    card.sample()
                self._samples += 1
                time.sleep(EVERY)
        except (OSError, AttributeError):  # what NVML has against being asked is told by the probe that asks it
            self._alive = False


class Memory(ctypes.Structure):
    _fields_ = (("total", ctypes.c_ulonglong), ("free", ctypes.c_ulonglong), ("used", ctypes.c_ulonglong))


class Process(ctypes.Structure):
    """nvmlProcessInfo_v2_t, which nvmlDeviceGetComputeRunningProcesses_v3 fills; before driver 510 there is none."""

    _fields_ = (
        ("pid", ctypes.c_uint),
        ("used", ctypes.c_ulonglong),
        ("gpu_instance", ctypes.c_uint),
        ("compute_instance", ctypes.c_uint),
    )


class Card:
    """Bytes. *used*: by whomever; *own*: by the process *mine*, where NVML lists it. *whole*: not divided by MIG, where NVML
    tells the memory of the whole card and not of our part. Raises OSError where NVML refuses."""

    def __init__(self, nvml: Any, index: int, mine: int | None) -> None:
        self._nvml, self._index, self._mine = nvml, index, mine
        self._handle = ctypes.c_void_p()
        uuid = ctypes.create_string_buffer(96)
        mode = (ctypes.c_uint(), ctypes.c_uint())
        if nvml.nvmlDeviceGetHandleByIndex_v2(index, ctypes.byref(self._handle)):
            raise OSError
        self._uuid = None if nvml.nvmlDeviceGetUUID(self._handle, uuid, 96) else uuid.value.decode("ascii", "replace")
        divided = nvml.nvmlDeviceGetMigMode(self._handle, ctypes.byref(mode[0]), ctypes.byref(mode[1])) == 0
        self.whole = not (divided and mode[0].value)
        self.total = self.used = self.peak = 0
        self.before: int | None = None
        self.own: int | None = None
        self._own_peak: int | None = None

    def sample(self) -> None:
        memory = Memory()
        if self._nvml.nvmlDeviceGetMemoryInfo(self._handle, ctypes.byref(memory)):
            raise OSError
        used = memory.total - memory.free
        if used != self.used and self._mine is not None:
            self.own = self._held_by(self._mine)
            if self.own is not None:
                self._own_peak = max(self.own, self._own_peak or 0)
        self.total, self.used, self.peak = memory.total, used, max(used, self.peak)

    def _held_by(self, pid: int) -> int | None:
        listed, count = (Process * MOST_PROCESSES)(), ctypes.c_uint(MOST_PROCESSES)
        ask = getattr(self._nvml, "nvmlDeviceGetComputeRunningProcesses_v3", None)
        if ask is None or ask(self._handle, ctypes.byref(count), listed):
            return None
        found = [one.used for one in listed[: count.value] if one.pid == pid and one.used != NOT_TOLD]
        return found[0] if found else None

    def told(self) -> dict[str, Any]:
        return {
            "index": self._index, "uuid": self._uuid, "total": self.total, "before": self.before, "peak": self.peak,
            "after": self.used, "own_peak": self._own_peak, "own_after": self.own,
        }  # fmt: skip
