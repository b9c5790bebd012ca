"""What a detector keeps in memory while it runs, as onnxruntime itself counts it."""

from typing import Literal

from retina_doctor.authoring import Facts
from retina_doctor.kinds import Name, Path, Version


class Footprint(Facts, frozen=True, kw_only=True):
    """A run of the model on the CPU. *skipped*: why there was none. *size*: (width, height) of its input in pixels.

    *activations*: most bytes in use between two nodes, weights not among them; None where this onnxruntime does not tell.
    """

    skipped: Literal["no-model", "missing", "not-onnx", "no-onnxruntime", "no-numpy", "not-loaded", "no-picture"] | None
    model: Path | None
    size: tuple[int, int] | None
    activations: int | None


class Calibration(Facts, frozen=True, kw_only=True):
    """What one process took of a card beside weights and activations, in bytes: *least* to *most*, as measured on *date*
    ("2026-11-28") with that *model* at *size*, (width, height) in pixels. True of that *gpu* ("Tesla T4") under that *driver*
    and that *onnxruntime* alone."""

    gpu: Name
    driver: Version
    onnxruntime: Version
    date: str
    model: Name
    size: tuple[int, int]
    least: int
    most: int


class Calibrations(Facts, frozen=True, kw_only=True):
    """What was measured on this machine, and kept by its user in *file*. None: nowhere to keep it."""

    file: Path | None
    cards: tuple[Calibration, ...]
