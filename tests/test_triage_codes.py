"""Sentences that nobody has pasted yet: what libraries say by code, name and words is known before the first report of it."""

from __future__ import annotations

import pynvml
import pytest
from retina_doctor_checks.combined import refusals
from retina_doctor_checks.triage import tables
from retina_doctor_checks.triage.diagnosing import case_of, diagnoses
from retina_doctor_checks.triage.log_causes import causes_of
from retina_doctor_checks.triage.text import read

from retina_doctor.catalogue.registry import installed
from retina_doctor.model import Severity
from retina_doctor.redaction.marks import Marks
from retina_doctor.redaction.rules import Rules
from retina_doctor.settings import Settings

OF_A_MACHINE = [code for code, one in refusals.cuda_results().items() if one.means and one.says]


def names(text: str) -> list[str]:
    return [one.name for one in diagnoses(case_of(read(text), people_wrote=False), {})]


@pytest.mark.parametrize("code", OF_A_MACHINE)
def test_a_result_of_cuda_is_a_symptom_however_it_is_said(code: int) -> None:
    """By onnxruntime (cuda_call.cc), torch before and after 1.8, its device count, TensorRT's logger, and CUDA's own samples."""
    one = refusals.cuda_results()[code]
    said = [
        f"CUDA failure {code}: {one.says} ; GPU=0 ; hostname=h ; file=/x.cc ; line=355 ; expr=cudaSetDevice(0);",
        f"RuntimeError: cuda runtime error ({code}) : {one.says} at /pytorch/aten/src/THC/THCGeneral.cpp:50",
        f"Unexpected error from cudaGetDeviceCount(). Did you run some cuda functions before? Error {code}: {one.says}",
        f"[TRT] CUDA initialization failure with error: {code}. Please check your CUDA installation",
    ]
    if code not in (209, 222, 301, 302, 303):  # of which torch's sentence says more, or too little
        said.append(f"RuntimeError: CUDA error: {one.says}")
    said += [f"cuInit failed: {name}: {one.says}" for name in (one.driver,) if name]
    said += [f"CUDA error {name}:{one.says}" for name in (one.runtime,) if name]
    for text in said:
        assert names(text), text


def test_a_code_is_not_another_one_that_begins_so() -> None:
    assert "fabric-manager-not-running" not in names("CUDA failure 8021: none ; GPU=0 ; expr=x")
    assert names("CUDA error 46: all CUDA-capable devices are busy")[0] == "gpu-exclusive-mode"
    assert "cuda-visible-devices-hides-gpu" not in names(
        "CUDA error cudaErrorInvalidDevicePointer:invalid device pointer"
    )


@pytest.mark.parametrize("code", [9, 12, 15, 17, 18])
def test_what_nvml_says_is_a_symptom(code: int) -> None:
    assert names(f"pynvml.NVMLError: {pynvml.NVMLError._errcode_to_string[code]}")


@pytest.mark.parametrize(
    ("says", "cause"),
    [
        # kubelet, pkg/kubelet/cm/devicemanager/manager.go
        (
            "Pod was rejected: Allocate failed due to requested number of devices unavailable for nvidia.com/gpu. Requested: 1, "
            "Available: 0, which is unexpected",
            "container-runtime-not-nvidia",
        ),
        # nvidia-container-runtime-hook, in the modes csv and cdi
        (
            "error running prestart hook #0: exit status 1, stdout: , stderr: Using requested mode 'cdi'\ninvoking the NVIDIA "
            "Container Runtime Hook directly (e.g. specifying the docker --gpus flag) is not supported.",
            "container-runtime-not-nvidia",
        ),
        # libnvidia-container, src/nvc_mount.c
        (
            "nvidia-container-cli: mount error: file creation failed: /var/lib/docker/overlay2/ab12/merged/usr/lib/"
            "x86_64-linux-gnu/libnvidia-ml.so.1: file exists: unknown.",
            "container-compat-libraries",
        ),
        ("ImportError: /usr/lib/x86_64-linux-gnu/libcuda.so.1: file too short", "container-started-without-gpu"),
        ("NvRmMemInitNvmap failed with Permission denied", "gpu-device-not-permitted"),
        # cuBLAS, cuDNN, NVRTC
        ("RuntimeError: CUDA error: CUBLAS_STATUS_ARCH_MISMATCH when calling `cublasCreate(handle)`", "torch-arch-unsupported"),
        ("cuDNN error: CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED", "vram-insufficient"),
        (
            "nvrtc: error: failed to open libnvrtc-builtins.so.13.0.\n  Make sure that libnvrtc-builtins.so.13.0 is installed",
            "cuda-libs-mixed-releases",
        ),
        ("RuntimeError: GET was unable to find an engine to execute this computation", "cudnn-shadowed"),
        # onnxruntime
        (
            "[ONNXRuntimeError] : 1 : FAIL : Failed to load library libonnxruntime_providers_shared.so with error: "
            "libonnxruntime_providers_shared.so: cannot open shared object file: No such file or directory",
            "ort-broken-install",
        ),
        (
            "Non-zero status code returned while running Conv node. Name:'c' Status Message: Failed to initialize CUDNN Frontend",
            "ort-cudnn-mismatch",
        ),
        ("ValueError: Unknown execution provider: CUDAExecutionProvider onnxruntime", "ort-cpu-package"),
        # torch's own libraries
        ("ImportError: libcusparseLt.so.0: cannot open shared object file: No such file or directory", "torch-import-fails"),
        # OpenCV's GUI
        (
            "qt.qpa.plugin: Could not load the Qt platform plugin \"xcb\" in \"/v/cv2/qt/plugins\" even though it was found.",
            "opencv-system-libs-missing",
        ),
        ("[2026-11-28 12:00:00 +0000] [7] [ERROR] Invalid address: ('10.9.8.7', 8080)", "host-not-on-this-machine"),
    ],
)  # fmt: skip
def test_a_sentence_of_a_library_leads_to_its_cause(says: str, cause: str) -> None:
    assert cause in names(says)[:2], names(says)


@pytest.mark.parametrize("form", tables.spellings()["cuda"].forms)
def test_a_result_is_known_by_its_number_in_every_spelling(form: str) -> None:
    """Without its name and its words, which other programs leave out."""
    assert names(form.replace("…", " by ").replace("{code}", "802"))[0] == "fabric-manager-not-running"
    assert "fabric-manager-not-running" not in names(form.replace("…", " by ").replace("{code}", "8020"))


@pytest.mark.parametrize(
    ("says", "cause"),
    [
        ("# RuntimeError: CUDA error: out of memory", "vram-insufficient"),
        ("```RuntimeError: CUDA error: out of memory", "vram-insufficient"),
        ("--- Cannot re-initialize CUDA in forked subprocess ---", "cuda-used-before-fork"),
    ],
)
def test_a_title_is_read(says: str, cause: str) -> None:
    assert names(says)[0] == cause


def test_no_sentence_goes_on_into_a_title_or_across_it() -> None:
    assert names("Error loading model\n\n# state_dict for RetinaFace") == []
    assert names("GPU has fallen\n--- off the bus ---") == []


def test_a_backslash_before_a_quotation_mark_hides_nothing() -> None:
    assert names(r'{"message":"could not select device driver \\\"nvidia\\\" with capabilities"}') == [
        "container-toolkit-missing"
    ]


@pytest.mark.parametrize(
    ("says", "cause"),
    [
        ("ImportError: libGL.so.1: 无法打开共享对象文件: 没有那个文件或目录", "opencv-system-libs-missing"),
        ("ImportError: libGL.so.1: Kann die Shared-Object-Datei nicht öffnen: Datei oder Verzeichnis nicht gefunden",
         "opencv-system-libs-missing"),
        ("face_detection: Instruction non permise", "cpu-instructions-missing"),
        ("OSError: [Errno 98] アドレスは既に使用中です", "port-in-use"),
        ("非法指令 (核心已转储)", "cpu-instructions-missing"),
    ],
)  # fmt: skip
def test_the_c_library_speaks_other_languages(says: str, cause: str) -> None:
    assert names(says)[0] == cause


@pytest.mark.parametrize(
    ("says", "first", "last"),
    [
        # Whoever asks the loopback address and is refused finds nobody there.
        ("curl: (7) Failed to connect to localhost port 8000: Connection refused", "service-", "service-loopback-only"),
        # docker's proxy accepts, and finds nobody behind.
        ("docker run -p 8000:8000 face\nuvicorn main:app\ncurl: (56) Recv failure: Connection reset by peer",
         "service-loopback-only", "service-wrong-url"),
        # The connection that fails is the download's.
        ("Downloading /root/.insightface/models/buffalo_l.zip from https://github.com/a.zip...\n"
         "ConnectionError: [Errno 111] Connection refused", "model-download-failed", "service-wrong-url"),
    ],
)  # fmt: skip
def test_who_asks_whom_decides_which_connection_it_is(says: str, first: str, last: str) -> None:
    found = names(says)
    assert found[0].startswith(first), found
    assert last not in found[:3], found


@pytest.mark.parametrize(("library", "major"), [("libcufft.so.10", 11), ("libcufft.so.11", 12), ("libcufft.so.12", 13)])
def test_cufft_counts_one_behind_cuda(library: str, major: int) -> None:
    fails = (
        f"Failed to load library libonnxruntime_providers_cuda.so with error: {library}: cannot open shared object file"
    )
    there = names(f"{fails}\nCUDA Version: {major}.0\n")
    assert there[0] != "ort-cuda-major-mismatch", "it is the one that is there"
    assert names(f"{fails}\nCUDA Version: {major % 3 + 11}.0\n")[0] == "ort-cuda-major-mismatch"


def test_boxes_around_a_traceback_hide_nothing() -> None:
    boxed = """[04/02/24 17:44:52] ERROR    Exception in worker process
                             ╭─────── Traceback (most recent call last) ───────╮
                             │ ❱ 483 │   │   sess.initialize_session(provider  │
                             │ ImportError: libGL.so.1: cannot open shared     │
                             │ object file: No such file or directory          │
                             ╰─────────────────────────────────────────────────╯"""
    assert names(boxed) == ["opencv-system-libs-missing"]


def test_who_types_a_message_off_writes_no_quotation_marks() -> None:
    said = "Error loading 'C:/v/onnxruntime_providers_cuda.dll' which depends on 'cublasLt64_12.dll' which is missing."
    assert names(said.replace("'", "")) == names(said) != []
    assert names("ENV NVIDIA_VISIBLE_DEVICES=all") == []  # the mark that ends a sentence says that the word ends


@pytest.mark.parametrize(
    ("setting", "hides"),
    [("NVIDIA_VISIBLE_DEVICES=all", False), ("CUDA_VISIBLE_DEVICES=0", False), ("CUDA_VISIBLE_DEVICES=3", True)],
)
def test_a_setting_that_hides_no_card_is_no_cause(setting: str, hides: bool) -> None:
    leading = names(f"{setting} python app.py\nCUDA failure 100: no CUDA-capable device is detected ; GPU=-1")[0]
    assert (leading == "cuda-visible-devices-hides-gpu") is hides


def test_a_heading_of_nvidia_smi_is_no_mig() -> None:
    banner = "| GPU  Name   | Bus-Id   | Volatile Uncorr. ECC |\n|             |          |               MIG M. |\n"
    said = "RuntimeError: CUDA error: invalid device ordinal"
    assert names(f"{banner}|             |          |              Disabled |\n{said}")[0] != "mig-device-not-selected"
    assert names(f"{banner}|             |          |              Enabled |\n{said}")[0] == "mig-device-not-selected"


# What a recorded log rests on


def test_names_of_symptoms_and_circumstances_stay_in_a_support_file() -> None:
    """By these a recorded log is judged; a name that is masked would be lost (retina_doctor/redaction/words.txt)."""
    rules = Rules(Marks())
    ours = [row.name for row in tables.symptoms()] + [row.name for row in tables.circumstances()]
    assert [name for name in ours if rules.name(name) != name] == []
    assert len({row.name for row in tables.symptoms()}) == len(tables.symptoms())


def test_a_symptom_of_newer_tables_says_nothing_to_older_ones() -> None:
    assert causes_of(["of-next-year"], ["neither"]) == ()
    assert causes_of(["of-next-year", "stub-library"], [])[0].name == "cuda-stub-library"


def test_what_the_gpu_alone_concerns_is_what_the_checks_say() -> None:
    on_cpu = Settings().changed(gpu={"device": "cpu"})
    scopes: dict[str, list[bool]] = {}
    for entry in installed().entries:
        told = entry.check.scope(on_cpu).inapplicable
        scopes.setdefault(entry.check.name, []).append(told is not None and told.key == "device-cpu")
    of_providers = {"insightface-api-mismatch"}  # the check knows one such call, and a log any
    for name, cause in tables.causes().items():
        if name in scopes and all(scopes[name]) and name not in of_providers:
            assert cause.gpu, name


def test_no_cause_in_a_log_is_graver_than_its_check() -> None:
    gravest = {e.check.name: Severity.NOTE for e in installed().entries}
    for entry in installed().entries:
        gravest[entry.check.name] = max(gravest[entry.check.name], entry.check.severity, key=lambda one: one.rank)
    notes = {name for name, severity in gravest.items() if severity is Severity.NOTE and name in tables.causes()}
    assert {name for name in notes if tables.causes()[name].at_most is not Severity.NOTE} <= {"det-size-too-large"}
