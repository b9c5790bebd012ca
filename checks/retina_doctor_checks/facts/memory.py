"""What a detector keeps in memory while it runs, as onnxruntime itself counts it."""

from __future__ import annotations

from typing import Literal

from retina_doctor.authoring import Facts
from retina_doctor.kinds import Path


class Footprint(Facts, frozen=True, kw_only=True):
    """A run of the model on the CPU. *skipped*: why there was none. *size*: (width, height) of its input in pixels.

    *activations*: most bytes in use between two nodes, weights not among them; None where this onnxruntime does not tell.
    """

    skipped: Literal["no-model", "missing", "not-onnx", "no-onnxruntime", "no-numpy", "not-loaded", "no-picture"] | None
    model: Path | None
    size: tuple[int, int] | None
    activations: int | None
