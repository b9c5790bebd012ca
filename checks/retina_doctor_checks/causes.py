"""Which finding explains which others. Few edges; each is witnessed by a machine in fixtures/machines.

Only direct ones: what explains ort-session-on-cpu thereby explains smoke-on-cpu.
"""

from retina_doctor.authoring import Cause

LIBRARIES = ("ort-cudnn-mismatch", "ort-session-on-cpu")

causes: tuple[Cause, ...] = (
    Cause("model-corrupt", ("smoke-inference-failed",)),
    Cause("model-empty", ("smoke-inference-failed",)),
    Cause("model-lfs-pointer", ("smoke-inference-failed",)),
    Cause("model-not-a-model", ("smoke-inference-failed",)),
    Cause("model-unreadable", ("smoke-inference-failed",)),
    Cause("ort-broken-install", ("ort-import-fails", "smoke-inference-failed")),
    Cause("ort-import-fails", ("smoke-inference-failed",)),
    Cause("ort-both-packages", ("ort-session-on-cpu",)),
    Cause("ort-cpu-package", ("ort-session-on-cpu",)),
    Cause("ort-cuda-major-mismatch", LIBRARIES),
    Cause("ort-cuda-libs-missing", LIBRARIES),
    Cause("ort-cuda-libs-not-on-path", ("ort-session-on-cpu",)),
    Cause("ort-cudnn-mismatch", ("ort-session-on-cpu", "smoke-inference-failed")),
    Cause("ort-session-on-cpu", ("smoke-on-cpu",)),
)
