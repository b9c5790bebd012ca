"""What the checks of this domain have in common: when a question does not arise."""

from __future__ import annotations

from retina_doctor.model import Inapplicable, Reason

from ..facts.ort_gpu import OrtFiles, OrtRuntime

NO_ONNXRUNTIME = Inapplicable(Reason("no-onnxruntime"))
NO_GPU_BUILD = Inapplicable(Reason("no-gpu-build"))
BROKEN = Inapplicable(Reason("onnxruntime-broken"))
SUBJECT = "onnxruntime"


def no_provider(files: OrtFiles, runtime: OrtRuntime | None = None) -> Inapplicable | None:
    """Why the CUDA provider and its libraries are no question here."""
    if not files.distributions and not files.folder:
        return NO_ONNXRUNTIME
    if (runtime is not None and runtime.empty) or files.is_broken:
        return BROKEN
    in_force = files.in_force
    return NO_GPU_BUILD if files.provider is None or in_force is None or not in_force.gpu else None
