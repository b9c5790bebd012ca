"""Which finding explains which others. Few edges; each is witnessed by a machine in fixtures/machines.

Only direct ones: what explains ort-session-on-cpu thereby explains smoke-on-cpu.
"""

from retina_doctor.authoring import ANY, Cause
from retina_doctor.model import Finding

from .cause_conditions import (
    both_hang,
    bound_there,
    busy,
    cuda_lacks_memory,
    damaged_and_crashed,
    elsewhere_on_loopback,
    ended_it,
    explains_it,
    faces_are_missed,
    grave,
    grave_and_crashed,
    hangs,
    in_a_session,
    in_its_place,
    in_modules,
    ipv6_alone,
    lacks_part_of_that_module,
    of_a_checkpoint,
    of_all_modules,
    of_an_onnx_model,
    of_closed_files,
    of_its_files,
    of_nobody,
    of_onnxruntime,
    of_onnxruntime_itself,
    of_that_framework,
    of_that_module,
    of_that_module_alone,
    of_that_tag,
    of_the_download,
    of_the_gpu,
    on_the_way_of_cuda,
    out_of_memory,
    passed_down,
    passed_up,
    raised_for_onnx,
    same_cause,
    same_holder,
    same_memory,
    same_module,
    same_subject,
    says_so,
    server_error,
    shows_that_it_ended,
    tells_one_twice,
    why_it_answers_500,
    why_it_ended,
    with_onnxruntime,
    without_kernels,
    without_onnxruntime,
    written_there,
)
from .combined.refused import OF_A_LIBRARY

LIBRARY_CAUSES = ("ort-cuda-libs-missing", "ort-cuda-major-mismatch", "ort-cuda-libs-not-on-path")
SEEN_ON_DISK = ("no-nvidia-gpu", "ort-cpu-package", "ort-both-packages", *LIBRARY_CAUSES)
"""Why a session of onnxruntime is on the CPU, as far as --quick can tell, which opens none."""
LIBRARIES = ("ort-cudnn-mismatch", "ort-session-on-cpu")
SYMPTOMS = ("torch-cannot-use-gpu", "ort-session-on-cpu")
"""What frameworks say when CUDA does not serve them."""
IMPORTS = ("package-import-fails", "ort-import-fails", "torch-import-fails")
BY_THEIR_WORDS = (
    "dependency-version-conflict",
    "executable-stack-refused",
    "library-mapping-refused",
    "libc-unsupported",
    "cpu-instructions-missing",
)
"""Causes that what they keep from being imported names itself (combined/refusals.toml)."""
UNREADABLE = ("package-import-fails", "ort-import-fails", "dependency-version-conflict", "smoke-inference-failed")
"""What follows where files of a package are gone or may not be read."""
INFERENCE = ("smoke-inference-failed", "known-answer-wrong")
NOT_LOADED = (
    *("model-corrupt", "model-empty", "model-lfs-pointer", "model-not-a-model", "model-unreadable"),
    *("model-external-data-missing", "model-opset-too-new", "model-ir-too-new"),
)
"""What is wrong with a model's file, by which no session of it is made."""
WITHOUT_A_MODEL = (
    "model-missing",
    "model-wrong-directory",
    "model-name-typo",
    "model-nested-directory",
    "model-unreadable",
    "smoke-inference-failed",
)
"""Why a service has no model to answer with; the last stands for all that is wrong with a file."""
BEFORE_CUDA = (
    "driver-not-installed",
    "driver-module-not-loaded",
    "driver-library-mismatch",
    "nvml-library-not-found",
    "nvml-fails",
    "cuda-visible-devices-hides-gpu",
    "driver-blocked-by-secure-boot",
    "driver-state-lost",
    "fabric-manager-not-running",
    "mig-device-not-selected",
    "wsl-wrong-libcuda",
    "cuda-stub-library",
    "container-started-without-gpu",
    "container-runtime-not-nvidia",
    "container-gpu-access-lost",
    "container-device-node-missing",
    "container-driver-capabilities",
    "container-compat-libraries",
    "gpu-device-not-permitted",
    "driver-dropped-gpu",
    "gpu-adapter-init-failed",
    "gpu-fallen-off-bus",
    "cuda-mps-not-running",
)
"""Troubles of card, driver and container: each keeps CUDA from starting, and that explains what the frameworks say."""

_ALL: tuple[Cause, ...] = (
    *(
        Cause(why, ("model-pack-incomplete",), when=in_its_place)
        for why in ("model-lfs-pointer", "model-empty", "model-corrupt")
    ),
    *(Cause(why, ("service-bad-response",), when=server_error) for why in WITHOUT_A_MODEL),
    Cause("service-crashed-or-not-ready", ("service-bad-response",), when=server_error),
    Cause("service-bad-response", ("service-misses-faces",), when=same_subject),
    Cause("host-memory-limit-too-small", ("service-crashed-or-not-ready",), when=ended_it),
    *(Cause(why, ("smoke-inference-failed",), when=same_subject) for why in NOT_LOADED),
    *(
        Cause(why, ("model-missing",))
        for why in ("model-unknown-name", "model-cache-not-writable", "model-download-failed")
    ),
    *(
        Cause(why, ("service-module-missing",), when=of_that_module_alone)
        for why in ("torch-missing", "ort-missing", "insightface-missing")
    ),
    Cause("service-module-missing", ("service-not-running", "service-start-failed", "service-crashed-or-not-ready")),
    Cause("service-start-failed", ("service-not-running",)),
    *(
        Cause(why, ("service-log-shows-cause",), when=shows_that_it_ended)
        for why in ("service-module-missing", "service-start-failed")
    ),
    Cause("service-log-shows-cause", ("model-missing",), when=of_the_download),
    Cause("disk-full", ("model-missing", "model-download-failed")),
    *(Cause(why, (*IMPORTS, *INFERENCE), when=says_so) for why in BY_THEIR_WORDS),
    *(Cause(why, ("ort-session-on-cpu",), when=says_so) for why in OF_A_LIBRARY),
    Cause("libstdcxx-too-old", ("ort-session-on-cpu",), when=in_a_session),
    Cause("cuda-libs-mixed-releases", ("ort-session-on-cpu", "torch-import-fails"), when=says_so),
    Cause("cudnn-incomplete", ("ort-session-on-cpu", *INFERENCE), when=says_so),
    Cause("opencv-both-packages", ("package-import-fails", "smoke-inference-failed"), when=of_that_module),
    Cause("package-shadowed", ("package-import-fails", "ort-import-fails", "numpy-abi"), when=of_that_module),
    Cause("package-shadowed", INFERENCE, when=lacks_part_of_that_module),
    Cause("package-damaged", UNREADABLE, when=of_its_files),
    Cause("package-damaged", ("insightface-missing",), when=same_module),
    Cause("environment-not-recognized", ("ort-missing", "insightface-missing")),
    Cause(
        "package-unreadable",
        (*UNREADABLE, "ort-broken-install", "ort-missing"),
        when=of_closed_files,
    ),
    Cause("package-shadowed", ("torch-cpu-build",), when=same_module),
    Cause("package-shadowed", ("ort-cpu-package", "ort-cuda-major-mismatch"), when=of_onnxruntime),
    Cause("python-has-no-wheel", ("ort-missing",)),
    Cause("no-nvidia-gpu", ("tensorflow-cannot-use-gpu",)),
    Cause("no-nvidia-gpu", ("torch-cpu-build", "ort-cpu-package", *LIBRARY_CAUSES, "ort-cudnn-mismatch", *SYMPTOMS)),
    *(Cause(trouble, ("cuda-init-fails",), when=on_the_way_of_cuda) for trouble in BEFORE_CUDA),
    Cause("cuda-visible-devices-hides-gpu", ("nvml-fails",)),
    Cause("cuda-init-fails", SYMPTOMS),
    Cause("cuda-init-fails", ("torch-import-fails", "ort-import-fails"), when=both_hang),
    Cause("nvidia-smi-hangs", ("nvml-fails", "cuda-init-fails", "torch-import-fails", "ort-import-fails"), when=hangs),
    Cause("driver-too-old", SYMPTOMS, when=of_that_framework),
    Cause("gpu-exclusive-mode", SYMPTOMS, when=busy),
    Cause("gpu-fallen-off-bus", ("driver-state-lost",), when=grave),
    Cause("gpu-hardware-errors", ("driver-state-lost", "cuda-init-fails"), when=grave),
    Cause("torch-arch-unsupported", ("torch-cannot-use-gpu",)),
    Cause("ort-arch-unsupported", ("ort-session-on-cpu",), when=without_kernels),
    Cause("cudnn-shadowed", SYMPTOMS, when=grave),
    Cause("cudnn-shadowed", ("torch-import-fails", "ort-import-fails"), when=grave_and_crashed),
    Cause("cudnn-both-packages", ("ort-cudnn-mismatch", "ort-session-on-cpu")),
    Cause("numpy-abi", ("package-import-fails", "ort-import-fails"), when=same_module),
    Cause("numpy-removed-alias", ("package-import-fails",), when=says_so),
    Cause("package-for-other-python", ("package-import-fails", "ort-import-fails"), when=of_that_module),
    Cause("opencv-system-libs-missing", ("package-import-fails",), when=same_subject),
    Cause("insightface-build-failed", ("package-import-fails", "package-damaged"), when=same_subject),
    Cause("libstdcxx-too-old", ("package-import-fails", "ort-import-fails"), when=in_modules),
    Cause("package-for-other-python", ("package-damaged",), when=of_that_tag),
    Cause("package-for-other-python", ("ort-wheel-wrong-platform", "ort-broken-install"), when=of_all_modules),
    Cause("ort-wheel-wrong-platform", ("ort-import-fails", "ort-broken-install")),
    Cause("ort-wheel-wrong-platform", ("package-for-other-python",), when=of_onnxruntime_itself),
    Cause("ort-broken-install", ("ort-import-fails", "ort-session-on-cpu")),
    Cause("ort-broken-install", INFERENCE, when=of_an_onnx_model),
    Cause("ort-import-fails", INFERENCE, when=of_an_onnx_model),
    *(
        Cause(why, ("package-import-fails",), when=passed_up)
        for why in ("ort-import-fails", "ort-broken-install", "ort-missing")
    ),
    Cause("torch-import-fails", ("smoke-inference-failed",), when=of_a_checkpoint),
    Cause("package-import-fails", ("ort-import-fails", "torch-import-fails"), when=passed_down),
    Cause("ort-both-packages", ("ort-session-on-cpu",)),
    Cause("ort-cpu-package", ("ort-session-on-cpu",)),
    Cause("ort-cuda-major-mismatch", LIBRARIES),
    Cause("ort-cuda-libs-missing", LIBRARIES),
    Cause("ort-cuda-libs-missing", ("ort-import-fails",), when=damaged_and_crashed),
    Cause("ort-cuda-libs-not-on-path", ("ort-session-on-cpu",)),
    Cause("ort-cudnn-mismatch", ("ort-session-on-cpu", *INFERENCE)),
    Cause("ort-session-on-cpu", ("smoke-on-cpu",)),
    Cause("ort-session-on-cpu", INFERENCE, when=raised_for_onnx),
    *(Cause(why, ("service-on-cpu",), when=with_onnxruntime) for why in SEEN_ON_DISK),
    Cause("ort-session-on-cpu", ("service-on-cpu",), when=with_onnxruntime),
    Cause("torch-cannot-use-gpu", ("service-on-cpu",), when=without_onnxruntime),
    Cause("torch-cpu-build", ("service-on-cpu",), when=without_onnxruntime),
    Cause("ort-provider-not-requested", ("service-on-cpu",), when=same_subject),
    Cause("ort-provider-not-requested", ("ort-provider-not-requested",), when=written_there),
    Cause("service-needs-restart", ("service-on-cpu",), when=same_subject),
    Cause("service-on-cpu", ("service-too-slow",)),
    Cause("service-loopback-only", ("service-loopback-only",), when=bound_there),
    Cause("service-loopback-only", ("port-in-use",), when=same_holder),
    Cause("service-loopback-only", ("service-wrong-url",), when=elsewhere_on_loopback),
    Cause("service-wrong-url", ("port-blocked",), when=ipv6_alone),
    Cause("docker-daemon-not-running", ("target-python-broken",)),
    Cause(ANY, ("service-log-shows-cause",), when=same_cause),
    Cause("service-log-shows-cause", ("service-not-running",), when=why_it_ended),
    Cause("service-log-shows-cause", ("service-crashed-or-not-ready",), when=explains_it),
    Cause("service-log-shows-cause", ("service-bad-response",), when=why_it_answers_500),
    Cause("service-log-shows-cause", ("service-on-cpu",), when=of_the_gpu),
    Cause("vram-insufficient", (*INFERENCE, *SYMPTOMS), when=out_of_memory),
    Cause("vram-held-by-others", (*INFERENCE, *SYMPTOMS), when=out_of_memory),
    Cause("vram-held-by-others", ("cuda-init-fails",), when=cuda_lacks_memory),
    Cause("vram-held-by-others", ("vram-insufficient",), when=same_memory),
    Cause("vram-framework-grabs-all", ("vram-held-by-others",), when=same_subject),
    Cause("vram-fragmented", INFERENCE, when=out_of_memory),
    Cause("det-size-not-multiple-of-32", ("smoke-inference-failed",)),
    Cause("det-threshold-too-high", ("smoke-wrong-result",), when=faces_are_missed),
    Cause("det-size-too-small", ("smoke-wrong-result",), when=faces_are_missed),
    Cause("det-threshold-too-high", ("service-misses-faces",)),
    Cause("no-face-not-handled", ("service-bad-response",), when=of_nobody),
    Cause("det-nms-too-high", ("service-bad-response",), when=tells_one_twice),
    Cause("known-answer-wrong", ("smoke-inference-failed", "smoke-wrong-result")),
    Cause("smoke-on-cpu", ("provider-unexpected", "latency-above-expected", "speedup-below-expected")),
)


def _of_a_machine(one: Cause) -> Cause:
    """What stands in a file is there whatever else is wrong: no finding with a place is an echo."""

    def when(root: Finding, echo: Finding) -> bool:
        return echo.location is None and one.when(root, echo)

    return Cause(one.root, one.explains, when=when)


causes: tuple[Cause, ...] = tuple(map(_of_a_machine, _ALL))
