"""The two ways to the driver: NVML's, by which it is watched, and CUDA's, by which it computes."""

from __future__ import annotations

from typing import Literal

Way = Literal["nvml", "cuda"]
BOTH, OF_NVML, OF_CUDA = frozenset[Way](("nvml", "cuda")), frozenset[Way](("nvml",)), frozenset[Way](("cuda",))
