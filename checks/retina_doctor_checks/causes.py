"""Which finding explains which others. Few edges; each is witnessed by a machine in fixtures/machines.

Only direct ones: what explains ort-session-on-cpu thereby explains smoke-on-cpu.
"""

import re

from retina_doctor.authoring import Cause
from retina_doctor.model import Finding

LIBRARY_CAUSES = ("ort-cuda-libs-missing", "ort-cuda-major-mismatch", "ort-cuda-libs-not-on-path")
LIBRARIES = ("ort-cudnn-mismatch", "ort-session-on-cpu")


def same_subject(root: Finding, echo: Finding) -> bool:
    return root.subject == echo.subject


def of_onnxruntime(root: Finding, _echo: Finding) -> bool:
    """A driver too old for torch says nothing of onnxruntime."""
    return root.subject.startswith("onnxruntime")


def hangs(_root: Finding, echo: Finding) -> bool:
    """A hung driver makes others hang; an import that raises has a reason of its own."""
    return bool(echo.evidence.get("outcome", "timed_out") == "timed_out")


def out_of_memory(_root: Finding, echo: Finding) -> bool:
    return bool(
        re.search(r"(?i)out of memory|failed to allocate|alloc_failed|bad_alloc", str(echo.evidence.get("detail")))
    )


def faces_are_missed(_root: Finding, echo: Finding) -> bool:
    return bool(echo.evidence.get("why") == "faces")


causes: tuple[Cause, ...] = (
    Cause("model-corrupt", ("smoke-inference-failed",), when=same_subject),
    Cause("model-empty", ("smoke-inference-failed",), when=same_subject),
    Cause("model-lfs-pointer", ("smoke-inference-failed",), when=same_subject),
    Cause("model-not-a-model", ("smoke-inference-failed",), when=same_subject),
    Cause("model-unreadable", ("smoke-inference-failed",), when=same_subject),
    Cause("no-nvidia-gpu", ("torch-cpu-build", "ort-cpu-package", *LIBRARY_CAUSES, *LIBRARIES)),
    Cause("driver-not-installed", ("ort-session-on-cpu",)),
    Cause("driver-module-not-loaded", ("ort-session-on-cpu",)),
    Cause("driver-library-mismatch", ("ort-session-on-cpu",)),
    Cause("driver-too-old", ("ort-session-on-cpu",), when=of_onnxruntime),
    Cause("nvml-library-not-found", ("ort-session-on-cpu",)),
    Cause("nvidia-smi-hangs", ("nvml-fails", "torch-import-fails", "ort-import-fails"), when=hangs),
    Cause("nvml-fails", ("ort-session-on-cpu",)),
    Cause("cuda-visible-devices-hides-gpu", ("nvml-fails", "ort-session-on-cpu")),
    Cause("ort-broken-install", ("ort-import-fails", "smoke-inference-failed")),
    Cause("ort-import-fails", ("smoke-inference-failed",)),
    Cause("ort-both-packages", ("ort-session-on-cpu",)),
    Cause("ort-cpu-package", ("ort-session-on-cpu",)),
    Cause("ort-cuda-major-mismatch", LIBRARIES),
    Cause("ort-cuda-libs-missing", LIBRARIES),
    Cause("ort-cuda-libs-not-on-path", ("ort-session-on-cpu",)),
    Cause("ort-cudnn-mismatch", ("ort-session-on-cpu", "smoke-inference-failed")),
    Cause("ort-session-on-cpu", ("smoke-on-cpu",)),
    Cause("vram-insufficient", ("smoke-inference-failed",), when=out_of_memory),
    Cause("vram-held-by-others", ("smoke-inference-failed",), when=out_of_memory),
    Cause("det-size-not-multiple-of-32", ("smoke-inference-failed",)),
    Cause("det-threshold-too-high", ("smoke-wrong-result",), when=faces_are_missed),
    Cause("det-size-too-small", ("smoke-wrong-result",), when=faces_are_missed),
)
