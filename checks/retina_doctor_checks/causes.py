"""Which finding explains which others. Few edges; each is witnessed by a machine in fixtures/machines.

Only direct ones: what explains ort-session-on-cpu thereby explains smoke-on-cpu.
"""

import re
from typing import Any

from retina_doctor.authoring import ANY, Cause
from retina_doctor.model import Finding

from .combined.refusals import rows
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
INFERENCE = ("smoke-inference-failed", "known-answer-wrong")
WITHOUT_A_MODEL = (
    "model-missing",
    "model-wrong-directory",
    "model-name-typo",
    "model-nested-directory",
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


def same_subject(root: Finding, echo: Finding) -> bool:
    return root.subject == echo.subject


def same_module(root: Finding, echo: Finding) -> bool:
    return root.subject.removeprefix("module:") == echo.subject.removeprefix("module:")


def raised(root: Finding, _echo: Finding) -> bool:
    """The trial was no silent step back to the CPU: it failed, as a real model then does."""
    return root.evidence.get("error") is not None


def on_the_way_of_cuda(root: Finding, echo: Finding) -> bool:
    """Not: a card that the service does not use, or what keeps NVML alone from its library."""
    return grave(root, echo) and "cuda" in root.evidence.get("closes", ("cuda",))


def of_a_checkpoint(_root: Finding, echo: Finding) -> bool:
    return str(echo.evidence.get("model") or "").endswith((".pth", ".pt"))


def of_an_onnx_model(root: Finding, echo: Finding) -> bool:
    """A checkpoint of torch's says nothing of onnxruntime."""
    return not of_a_checkpoint(root, echo)


def raised_for_onnx(root: Finding, echo: Finding) -> bool:
    return raised(root, echo) and of_an_onnx_model(root, echo)


def words_of(finding: Finding) -> tuple[str, str, Any]:
    """(what was raised, without its class; how the process ended; what that means)"""
    evidence = finding.evidence
    raised_words = str(evidence.get("error") or evidence.get("detail") or "")
    ended = str(evidence.get("detail")) if evidence.get("outcome") == "crashed" else ""
    return raised_words.partition(": ")[2].strip(), ended, (evidence.get("means") or {}).get("key")


def same_words(root: Finding, echo: Finding) -> bool:
    (one, ended, means), (other, its_end, its_meaning) = words_of(root), words_of(echo)
    if ended or its_end:
        return ended == its_end
    return means == its_meaning and bool(one and other) and (one in other or other in one or one[-60:] == other[-60:])


def passed_up(root: Finding, echo: Finding) -> bool:
    """What imports the framework fails with it."""
    return echo.subject == "module:insightface" and same_words(root, echo)


def passed_down(root: Finding, echo: Finding) -> bool:
    """Both frameworks import numpy; and what keeps any library from being mapped keeps theirs."""
    meant = words_of(root)[2]
    everywhere = meant is not None and meant == words_of(echo)[2] and rows()[meant.removeprefix("means-")].everywhere
    return everywhere or (root.subject == "module:numpy" and same_words(root, echo))


def in_its_place(root: Finding, echo: Finding) -> bool:
    return root.subject in echo.evidence.get("damaged", ())


def server_error(_root: Finding, echo: Finding) -> bool:
    """It answers 5xx to a picture: what it would need for that is missing."""
    return echo.evidence.get("kind") == "server-error"


def same_holder(root: Finding, echo: Finding) -> bool:
    """The port is held by the very server that was asked about: freeing it is no remedy."""
    pid = root.evidence.get("pid")
    return root.subject == echo.subject and pid is not None and pid == echo.evidence.get("pid")


def of_that_framework(root: Finding, echo: Finding) -> bool:
    """A driver too old for torch says nothing of onnxruntime."""
    return root.subject.split("-")[0].split(" ")[0] == echo.subject


def grave(root: Finding, echo: Finding) -> bool:
    """Of a card that the service does not use, or a part that it does not need, nothing graver follows."""
    return root.severity.rank >= echo.severity.rank


def grave_and_crashed(root: Finding, echo: Finding) -> bool:
    return grave(root, echo) and echo.evidence.get("outcome") == "crashed"


def damaged_and_crashed(root: Finding, echo: Finding) -> bool:
    """Of a library that is cut short the loader maps what is not in the file, and touching that is a bus error."""
    return root.evidence.get("damaged") is not None and echo.evidence.get("outcome") == "crashed"


def busy(root: Finding, echo: Finding) -> bool:
    """CUDA says "busy or unavailable" (46) where another process has the card for itself."""
    said = (echo.evidence.get("said"), echo.evidence.get("cuda_error_words"), echo.evidence.get("error"))
    return grave(root, echo) and any("busy or unavailable" in str(words) for words in said)


def without_kernels(_root: Finding, echo: Finding) -> bool:
    """CUDA says 209 at the first kernel where there is no code for the card."""
    return "no kernel image" in str(echo.evidence)


def says_so(root: Finding, echo: Finding) -> bool:
    """What the echo's words mean is the root's own name."""
    meant = (echo.evidence.get("means") or {}).get("key")
    return meant is not None and rows()[str(meant).removeprefix("means-")].cause == root.name


def of_that_module(root: Finding, echo: Finding) -> bool:
    """It is of the module itself, or of one that fails with it."""
    module = root.subject.removeprefix("module:")
    words = " ".join(str(echo.evidence.get(key) or "") for key in ("error", "detail", "module"))
    return same_module(root, echo) or re.search(rf"\b{module}\b", words) is not None


def of_onnxruntime(root: Finding, _echo: Finding) -> bool:
    return root.subject == "module:onnxruntime"


def in_a_session(root: Finding, _echo: Finding) -> bool:
    """The provider that a session opens lacks it as well."""
    return "onnxruntime" in root.evidence.get("modules", ())


def in_modules(root: Finding, echo: Finding) -> bool:
    return any(echo.subject in (f"module:{name}", name) for name in root.evidence.get("modules", ()))


def hangs(_root: Finding, echo: Finding) -> bool:
    """A hung driver makes others hang; an import that raises has a reason of its own."""
    return bool(echo.evidence.get("outcome", "timed_out") == "timed_out")


def both_hang(root: Finding, echo: Finding) -> bool:
    return root.evidence.get("outcome") == "timed_out" and hangs(root, echo)


def out_of_memory(_root: Finding, echo: Finding) -> bool:
    pattern = r"(?i)out of memory|failed to allocate|alloc_failed|bad_alloc"
    said = (echo.evidence.get("detail"), echo.evidence.get("said"), echo.evidence.get("error"))
    return any(re.search(pattern, str(words)) for words in said)


def with_onnxruntime(_root: Finding, echo: Finding) -> bool:
    return bool(echo.evidence.get("onnxruntime"))


def without_onnxruntime(_root: Finding, echo: Finding) -> bool:
    return not echo.evidence.get("onnxruntime")


def faces_are_missed(_root: Finding, echo: Finding) -> bool:
    return bool(echo.evidence.get("why") == "faces")


def same_cause(root: Finding, echo: Finding) -> bool:
    """The machine itself shows what the service's log shows, or what its lines fit as well."""
    return root.name in echo.evidence.get("fits", ())


def why_it_ended(root: Finding, echo: Finding) -> bool:
    """A service that has ended left its reason in its log. Not: what the log itself is explained by."""
    return not same_cause(echo, root) and (root.evidence.get("alive") is False or explains_it(root, echo))


def explains_it(root: Finding, echo: Finding) -> bool:
    return not same_cause(echo, root) and echo.name in root.evidence.get("explains", ())


def of_the_gpu(root: Finding, echo: Finding) -> bool:
    """What its log says of the GPU is why it computes on the CPU."""
    return not same_cause(echo, root) and bool(root.evidence.get("gpu"))


_ALL: tuple[Cause, ...] = (
    *(
        Cause(why, ("model-pack-incomplete",), when=in_its_place)
        for why in ("model-lfs-pointer", "model-empty", "model-corrupt")
    ),
    *(Cause(why, ("service-bad-response",), when=server_error) for why in WITHOUT_A_MODEL),
    Cause("model-corrupt", ("smoke-inference-failed",), when=same_subject),
    Cause("model-empty", ("smoke-inference-failed",), when=same_subject),
    Cause("model-lfs-pointer", ("smoke-inference-failed",), when=same_subject),
    Cause("model-not-a-model", ("smoke-inference-failed",), when=same_subject),
    Cause("model-unreadable", ("smoke-inference-failed",), when=same_subject),
    Cause("model-external-data-missing", ("smoke-inference-failed",), when=same_subject),
    Cause("model-opset-too-new", ("smoke-inference-failed",), when=same_subject),
    Cause("model-ir-too-new", ("smoke-inference-failed",), when=same_subject),
    *(
        Cause(why, ("model-missing",))
        for why in ("model-unknown-name", "model-cache-not-writable", "model-download-failed")
    ),
    Cause("service-module-missing", ("service-not-running", "service-start-failed", "service-crashed-or-not-ready")),
    Cause("service-start-failed", ("service-not-running",)),
    Cause("disk-full", ("model-missing", "model-download-failed")),
    *(Cause(why, (*IMPORTS, *INFERENCE), when=says_so) for why in BY_THEIR_WORDS),
    *(Cause(why, ("ort-session-on-cpu",), when=says_so) for why in OF_A_LIBRARY),
    Cause("libstdcxx-too-old", ("ort-session-on-cpu",), when=in_a_session),
    Cause("cuda-libs-mixed-releases", ("ort-session-on-cpu", "torch-import-fails"), when=says_so),
    Cause("cudnn-incomplete", ("ort-session-on-cpu", *INFERENCE), when=says_so),
    Cause("opencv-both-packages", ("package-import-fails", "smoke-inference-failed"), when=of_that_module),
    Cause("package-shadowed", ("package-import-fails", "ort-import-fails", "numpy-abi"), when=of_that_module),
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
    Cause("opencv-system-libs-missing", ("package-import-fails",), when=same_subject),
    Cause("insightface-build-failed", ("package-import-fails",), when=same_subject),
    Cause("libstdcxx-too-old", ("package-import-fails", "ort-import-fails"), when=in_modules),
    Cause("ort-wheel-wrong-platform", ("ort-import-fails",)),
    Cause("ort-broken-install", ("ort-import-fails", "ort-session-on-cpu")),
    Cause("ort-broken-install", INFERENCE, when=of_an_onnx_model),
    Cause("ort-import-fails", INFERENCE, when=of_an_onnx_model),
    Cause("ort-import-fails", ("package-import-fails",), when=passed_up),
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
    Cause("service-needs-restart", ("service-on-cpu",), when=same_subject),
    Cause("service-on-cpu", ("service-too-slow",)),
    Cause("service-loopback-only", ("port-in-use",), when=same_holder),
    Cause("docker-daemon-not-running", ("target-python-broken",)),
    Cause(ANY, ("service-log-shows-cause",), when=same_cause),
    Cause("service-log-shows-cause", ("service-not-running",), when=why_it_ended),
    Cause("service-log-shows-cause", ("service-crashed-or-not-ready",), when=explains_it),
    Cause("service-log-shows-cause", ("service-on-cpu",), when=of_the_gpu),
    Cause("vram-insufficient", (*INFERENCE, *SYMPTOMS), when=out_of_memory),
    Cause("vram-held-by-others", (*INFERENCE, *SYMPTOMS), when=out_of_memory),
    Cause("vram-framework-grabs-all", ("vram-held-by-others",), when=same_subject),
    Cause("vram-fragmented", INFERENCE, when=out_of_memory),
    Cause("det-size-not-multiple-of-32", ("smoke-inference-failed",)),
    Cause("det-threshold-too-high", ("smoke-wrong-result",), when=faces_are_missed),
    Cause("det-size-too-small", ("smoke-wrong-result",), when=faces_are_missed),
    Cause("known-answer-wrong", ("smoke-inference-failed", "smoke-wrong-result")),
    Cause("smoke-on-cpu", ("provider-unexpected", "latency-above-expected", "speedup-below-expected")),
)


def _of_a_machine(one: Cause) -> Cause:
    """What stands in a file is there whatever else is wrong: no finding with a place is an echo."""

    def when(root: Finding, echo: Finding) -> bool:
        return echo.location is None and one.when(root, echo)

    return Cause(one.root, one.explains, when=when)


causes: tuple[Cause, ...] = tuple(map(_of_a_machine, _ALL))
