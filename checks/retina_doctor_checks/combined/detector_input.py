"""The size in pixels that a picture is scaled to before the detector sees it."""

from __future__ import annotations

from ..facts.models import Model
from ..settings import DetectionSettings
from ..settings_values import Size


def size_of_model(model: Model | None) -> Size | None:
    """The detector's input size in pixels where its graph fixes it: then insightface passes over det_size."""
    file = model.detector if model else None
    shape = file.onnx.inputs[0].shape if file and file.onnx and file.onnx.inputs else None
    if shape is None or len(shape) != 4:
        return None
    height, width = shape[2:]
    return (
        Size(width, height) if isinstance(width, int) and isinstance(height, int) and min(width, height) > 0 else None
    )


def size_used(detection: DetectionSettings, model: Model) -> Size | None:
    """The input size that the service will run with, as far as it was said."""
    return size_of_model(model) or detection.size
