"""Which finding explains which others. Few edges; each is witnessed by a machine in fixtures/machines.

Only direct ones: what explains ort-session-on-cpu thereby explains smoke-on-cpu.
"""

from retina_doctor.authoring import Cause

LIBRARY_CAUSES = ("ort-cuda-libs-missing", "ort-cuda-major-mismatch", "ort-cuda-libs-not-on-path")
LIBRARIES = ("ort-cudnn-mismatch", "ort-session-on-cpu")

causes: tuple[Cause, ...] = (
    Cause("model-corrupt", ("smoke-inference-failed",)),
    Cause("model-empty", ("smoke-inference-failed",)),
    Cause("model-lfs-pointer", ("smoke-inference-failed",)),
    Cause("model-not-a-model", ("smoke-inference-failed",)),
    Cause("model-unreadable", ("smoke-inference-failed",)),
    Cause("no-nvidia-gpu", ("torch-cpu-build", "ort-cpu-package", *LIBRARY_CAUSES, *LIBRARIES)),
    Cause("driver-not-installed", ("ort-session-on-cpu",)),
    Cause("driver-module-not-loaded", ("ort-session-on-cpu",)),
    Cause("driver-library-mismatch", ("ort-session-on-cpu",)),
    Cause("driver-too-old", ("ort-session-on-cpu",), subject="onnxruntime"),
    Cause("nvml-library-not-found", ("ort-session-on-cpu",)),
    Cause("nvidia-smi-hangs", ("nvml-fails", "torch-import-fails", "ort-import-fails")),
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
    Cause("vram-insufficient", ("smoke-inference-failed",)),
    Cause("vram-held-by-others", ("smoke-inference-failed",)),
)
