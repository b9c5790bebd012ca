"""Whether the service needs torch: an ONNX model runs without, a checkpoint does not."""

from __future__ import annotations

from retina_doctor.model import Severity

from ..facts.models import Model, ModelFile

CHECKPOINTS = ("torch-zip", "torch-legacy")


def needing(model: Model) -> str | None:
    """Path of a model that only torch can load."""
    return next((file.path for file in model.files if _is_for_torch(file)), None)


def importance(model: Model | None) -> Severity | None:
    """No graver than a warning where the models are known and none of them needs torch."""
    return Severity.WARNING if model is not None and needing(model) is None else None


def _is_for_torch(file: ModelFile) -> bool:
    """Under an ONNX file's name it is given to onnxruntime, which is another finding."""
    return file.content in CHECKPOINTS and not file.path.lower().endswith(".onnx")
