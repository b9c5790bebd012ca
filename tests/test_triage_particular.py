"""Triage of texts in which nobody says "I": what happened on one machine is heard, what can happen on any is not."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from retina_doctor_checks.triage.diagnosing import case_of, diagnoses
from retina_doctor_checks.triage.particular import is_of_one_case
from retina_doctor_checks.triage.readings import judged
from retina_doctor_checks.triage.text import read

from retina_doctor.catalogue.registry import installed


def names(text: str) -> list[str]:
    case, catalogue = case_of(read(text)), installed()
    return [one.name for one in diagnoses(case, catalogue.explains, judged(case, catalogue))]


REPORTS = {
    "det-threshold-too-high": (
        "Small faces in the back rows are missed. The threshold is set to 0.95, and faces with a confidence of 0.6 to 0.8 are\n"
        "dropped. With a portrait everything is found. The pictures are group photographs of 1920 by 1080, and at least half of\n"
        "the people are not detected."
    ),
    "model-download-failed": (
        "The container hangs at start for minutes and then exits. The model pack is downloaded from GitHub at start, but the\n"
        "cluster has no access to the internet, so the download of buffalo_l.zip fails with a timeout. The proxy is not passed\n"
        "to the pods. Mirrors are not configured."
    ),
    "ort-both-packages": (
        "The environment contains both onnxruntime and onnxruntime-gpu after insightface was installed. The list of providers\n"
        "has become shorter by one since then. The requirements file names onnxruntime-gpu alone, the other one comes as a\n"
        "dependency of insightface, and the service has the processor at work."
    ),
    "vram-too-many-workers": (
        "Memory on the card runs out as soon as the fourth gunicorn worker starts. Each worker loads its own model,\n"
        "and the T4 has 16 GB. With two workers the service runs; with four, GPU memory is full within a minute. The number\n"
        "of workers is fixed by the platform team."
    ),
}
PAGES = {
    "det-threshold-too-high": (
        "Small faces are missed where the threshold is above what the model scores, and faces with a lower confidence are\n"
        "dropped. A portrait can be found with any setting. Users with group photographs may lower it, or choose a larger\n"
        "input, if the memory of the card allows that for each request."
    ),
    "model-download-failed": (
        "A container may hang when it starts, and exit later. Packs are downloaded from GitHub by default; if a cluster has no\n"
        "access to the internet, a download of buffalo_l.zip fails with a timeout. Proxies must be passed to pods, or mirrors\n"
        "should be configured in each of them."
    ),
    "ort-both-packages": (
        "An environment can contain both onnxruntime and onnxruntime-gpu if packages such as insightface are added. Those\n"
        "that name onnxruntime-gpu alone do not prevent it: the other one may come as a dependency of any package. Each release\n"
        "supports one list of providers, and the last to be written is used by default."
    ),
    "vram-too-many-workers": (
        "GPU memory is exhausted if more workers start than the card can hold. Each worker loads its own copy of a model, and\n"
        "a T4 has 16 GB, which may be enough for two of them. The number of workers should be chosen by the largest input that\n"
        "users can send, unless requests are limited elsewhere."
    ),
}  # fmt: skip


@pytest.mark.parametrize(("cause", "text"), REPORTS.items(), ids=REPORTS)
def test_a_report_without_a_speaker_is_heard(cause: str, text: str) -> None:
    assert names(text)[:1] == [cause]


@pytest.mark.parametrize("text", PAGES.values(), ids=PAGES)
def test_a_page_that_tells_what_can_be_is_not(text: str) -> None:
    assert names(text) == []


def test_signs_of_one_case_are_weighed_against_words_of_what_can_be() -> None:
    one = "the service no longer starts since the upgrade"
    assert is_of_one_case(one) and not is_of_one_case("faces are missed")
    assert not is_of_one_case(one + " if users may choose any port, and it can be any default")
    assert is_of_one_case("升级后服务无法启动，日志显示显存不足") and not is_of_one_case(
        "如果升级后服务无法启动，请检查，可能需要重启，建议先备份，一般可以"
    )


def _release(folder: Path, name: str, version: str, requires: str) -> None:
    info = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as wheel:
        wheel.writestr(
            f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nRequires-Dist: {requires}\n"
        )
        wheel.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{info}/RECORD", "")


@pytest.mark.parametrize(
    ("second", "cause"), [("tensorflow>=1.9", "python-has-no-wheel"), ("keras<2", "dependency-version-conflict")]
)
def test_a_conflict_of_pip_s_in_which_all_want_one_distribution(tmp_path: Path, second: str, cause: str) -> None:
    """Of a real pip: no release of tensorflow is there, as for a Python that has no wheel of it."""
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "env")], check=True, timeout=120)
    _release(tmp_path, "retina_face", "0.0.1", "tensorflow>=1.9")
    _release(tmp_path, "retina_face", "0.0.2", second)
    command = [str(tmp_path / "env/bin/python"), "-m", "pip", "--isolated", "install", "--no-index"]
    done = subprocess.run(
        [*command, "--find-links", str(tmp_path), "retina_face"], capture_output=True, text=True, timeout=120
    )
    assert "The conflict is caused by:" in done.stdout + done.stderr
    assert names(done.stdout + done.stderr)[:1] == [cause]


TENSORFLOW = (
    "Could not load dynamic library '{0}'; dlerror: {0}: cannot open shared object file: No such file or directory"
)


def test_tensorflow_names_its_search_path_whatever_is_in_it() -> None:
    """tsl/platform/default/dso_loader.cc and posix/load_library.cc."""
    lacks = TENSORFLOW.format("libcudnn.so.7") + "; LD_LIBRARY_PATH: /opt/ros/foxy/lib\n"
    assert names(lacks)[0] == "ort-cudnn-mismatch"
    assert names(lacks + "export LD_LIBRARY_PATH=/opt/old-cudnn/lib\n")[0] == "cudnn-shadowed"


def test_tensorflow_that_lacks_the_runtime_of_cuda_too() -> None:
    dll = "Could not load dynamic library '{0}'; dlerror: {0} not found\n"
    assert names(dll.format("cudnn64_8.dll"))[0] == "ort-cudnn-mismatch"
    both = dll.format("cudart64_110.dll") + dll.format("cudnn64_8.dll")
    assert names(both)[0] == "ort-cuda-libs-missing"


def test_what_runs_on_the_cpu_is_slow_by_that() -> None:
    slow = "Face detection with onnxruntime is very slow on my RTX 3060, two seconds per image."
    assert names(slow)[0] == "smoke-too-slow"
    assert names(slow + " The GPU is not used.")[0] != "smoke-too-slow"


@pytest.mark.parametrize(
    ("said", "cause"),
    [
        ("My card does not seem to be used: GPU usage stays near nothing, with onnxruntime-gpu.", "ort-"),
        ("docker run --runtime=nvidia -e NVIDIA_VISIBILE_DEVICES=all face", "container-started-without-gpu"),
        (
            "validating /srv/compose.yml: services.face.deploy.resources.reservations.devices.0 missing property 'capabilities'",
            "container-started-without-gpu",
        ),
        ("自动安装的torch选择的是cpu版，显卡没用上", "torch-cpu-build"),
        (
            "I pip installed retinaface, it has no detect(), so this is not the right library.",
            "retinaface-import-clash",
        ),
        ("insightface的app.get返回空列表，图里明明有人脸", "det-"),
        ("CompreFace core eats all available memory until the machine restarts, my disk is fine.", "service-crashed"),
    ],
)
def test_more_of_peoples_own_words(said: str, cause: str) -> None:
    assert names(said)[0].startswith(cause)


@pytest.mark.parametrize(
    "said",
    [
        "docker run --runtime=nvidia -e NVIDIA_VISIBLE_DEVICES=all face",
        "We use the CPU build of torch on purpose, everything works.",
        "retinaface is the right library for that, thank you.",
        "app.get returns an empty list for a picture of a cat",
        "The index is read into memory until it is needed.",
        "[ERROR] [MY-012592] [InnoDB] Operating system error number 13 in a file operation.",
        'django.db.utils.OperationalError: could not connect to server: Connection refused\n\tIs the server running on host "db"',
        "- Fixed: CUDA out of memory when many streams are open\n- Resolved: Address already in use",
        "### Version v0.17.1\n- Ignore Xid=13 (Graphics Engine Exception) critical errors",
        'raise RuntimeError("CUDA out of memory") from e',
        "    image = cv2.imread(path)\n    if image is None:\n        continue",
        "**Q: Import fails: ImportError: DLL load failed: The specified module could not be found.?**\nA: Install the runtime.\n"
        "**Q: I get 'CUDA out of memory'.**\nA: Use fewer workers.",
    ],
)
def test_their_healthy_twins(said: str) -> None:
    assert names(said) == []


def test_what_was_raised_is_heard_below_the_statement() -> None:
    frame = 'Traceback (most recent call last):\n  File "a.py", line 3, in <module>\n'
    frame += '    raise RuntimeError("CUDA out of memory")\n'
    assert names(frame + "RuntimeError: CUDA out of memory")[0].startswith("vram-")
    page = "Q: Does it run?\nQ: On what?\n"
    assert names(page + "2026-11-29 10:00:00 ERROR CUDA out of memory")[0].startswith("vram-")
