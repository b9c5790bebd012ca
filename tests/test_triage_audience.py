"""Triage of texts that nobody complains in: pages for readers, histories of a program's code, and those in which all is well."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from retina_doctor_checks.triage.diagnosing import case_of, diagnoses
from retina_doctor_checks.triage.readings import judged
from retina_doctor_checks.triage.text import read

from retina_doctor.catalogue.registry import installed


def names(text: str) -> list[str]:
    case, catalogue = case_of(read(text)), installed()
    return [one.name for one in diagnoses(case, catalogue.explains, judged(case, catalogue))]


PAGES = {
    "english-guide": (
        "This guide explains how to put RetinaFace into production. The GPU is often unused at first: the driver is too old,\n"
        "or torch cannot find CUDA. We will go through both."
    ),
    "chinese-guide": (
        "人脸检测服务部署避坑指南\n你是不是也遇到过显存不够、服务崩溃的情况？学完这一篇，你将能独立排查。\n"
        "常见错误是驱动版本太低，torch.cuda.is_available() 返回 False。"
    ),
    "chinese-versions": "手把手教你装环境：RTX 5090，torch 2.4，驱动 470.82.01，CUDA 12.4，onnxruntime-gpu 1.20.1",
    "directions": (
        "If you see that the container cannot see the GPU, install the toolkit. You should restart docker afterwards.\n"
        "You may also need a newer driver: the driver is too old when CUDA out of memory is not the reason."
    ),
    "reference": (
        "A build for cuDNN 8 is not compatible with torch that was built for cuDNN 9, and vice versa. Packages are chosen by\n"
        "major versions of the runtime. From release 1.19 on the default is CUDA 12. Older packages stay available in another\n"
        "index, whose address stands below, together with the versions of each library that was tested."
    ),
}  # fmt: skip
COMPLAINTS = {
    "english-guide": (
        "I followed it: this guide explains how to run RetinaFace. The GPU is unused, maybe the driver is too old."
    ),
    "chinese-guide": "按照避坑指南部署人脸检测服务，服务崩溃，显存不够，请问怎么解决？",
    "chinese-versions": "求助，跟着手把手教程装的环境：RTX 5090，torch 2.4",
    "directions": "If you need logs, tell me. The docker container cannot see the GPU, you should see it below.",
    "reference": (
        "My build for cuDNN 8 is not compatible with torch that was built for cuDNN 9. Packages were chosen by the\n"
        "major versions of the runtime. From release 1.19 on the default is CUDA 12. Older packages stay available in another\n"
        "index, whose address stands below, together with the versions of each library that was tested."
    ),
}


@pytest.mark.parametrize("text", PAGES.values(), ids=PAGES)
def test_a_page_for_readers_is_no_complaint(text: str) -> None:
    assert names(text) == []


@pytest.mark.parametrize("text", COMPLAINTS.values(), ids=COMPLAINTS)
def test_who_followed_the_page_and_complains_is_heard(text: str) -> None:
    assert names(text) != []


PRINTED = "libcublasLt.so.11: cannot open shared object file: No such file or directory"


@pytest.mark.parametrize(
    "before",
    [
        "WARNING: You should consider upgrading. If you want to keep it, you can pin it, and you must say so.\n[E:onnxruntime] ",
        "本教程手把手带你部署，报错如下：\n",
        "This guide shows the way.\n2026-11-29 10:00:00,118 ",
        "This guide shows the way.\nImportError: ",
    ],
)
def test_what_was_printed_is_heard_on_any_page(before: str) -> None:
    assert any(name.startswith("ort-cuda") for name in names(before + PRINTED))


def test_terse_facts_of_a_third_person_are_a_complaint() -> None:
    text = (
        "The sessions run on the CPU instead of the GPU, no error is printed, and nothing else on the host touches the card.\n"
        "After each restart of the service it is the same, for every user of the host, with each of the models.\n"
        "gpu: RTX 4070\nonnxruntime-gpu: CUDA 12 build\ntorch: CUDA 13 build\n"
    )
    assert names(text) != []


def test_headings_of_a_report_are_a_complaint() -> None:
    text = (
        "After a clean install, when using `module.sig_enforce=1`, the Nvidia module keys are rejected. This happens with both\n"
        "flavours of the driver, on each of the tested kernels, and does not depend on the release of the distribution.\n"
    )
    assert (
        names(text + "### Expected\nThe modules load.\n### Actual\nThe modules are rejected.\n")[0]
        == "driver-blocked-by-secure-boot"
    )


def test_a_table_makes_no_page_a_complaint() -> None:
    table = "".join(f"| library {number} | {number}.2 |\n" for number in range(12))
    assert names(PAGES["reference"] + "\n" + table) == []


HISTORY = """\
8b9454d Handle CUDA out of memory by halving the batch
636bb20 Do not crash where libcudnn.so.9: cannot open shared object file
78cf440 Docs: NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver
"""
CHANGES = """\
# Changelog

## 2.4.0 - 2026-11-01

- Fixed: CUDA out of memory with more than four workers
- The service waits where the address is already in use
  and says so

## 2.3.1

- libGL.so.1: cannot open shared object file is no more: the image has it
"""


def test_subjects_of_commits_and_entries_of_a_changelog_are_no_complaints() -> None:
    assert names(HISTORY) == [] and names(CHANGES) == []


def test_lines_that_only_begin_alike_are_heard() -> None:
    of_one_container = "".join(f"a63982a0e983 {said}\n" for said in ("Starting", "CUDA out of memory", "Exiting"))
    assert names(of_one_container) and names("## 2.4.0\nCUDA out of memory\n") and names("- CUDA out of memory\n")
    assert names(CHANGES + "\nSince that release the service says CUDA out of memory.\n")
    requests = [
        f"{number}c{number}f0d1b Detect {said}\n"
        for number, said in enumerate(("ok", "ERROR CUDA out of memory", "ok"), 11)
    ]
    assert names("".join(requests)) and names("".join([*requests, requests[0]]).replace("ERROR ", ""))


def test_names_of_tests_are_no_complaints_and_what_failed_in_them_is_one(tmp_path: Path) -> None:
    """Of a real run of pytest."""
    test = tmp_path / "test_gpu.py"
    test.write_text(
        "def test_driver_library_version_mismatch(): pass\n"
        "def test_model_download_failed_and_cannot_be_found(): pass\n"
        "def test_port_already_in_use(): pass\n",
        encoding="utf-8",
    )
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-v",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:xdist",
        "-c",
        "/dev/null",
        str(test),
    ]
    output = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True, timeout=120).stdout
    assert "3 passed" in output and names(output) == []
    assert names(output + "FAILED test_gpu.py::test_batch - RuntimeError: CUDA out of memory. Tried to allocate 2 MiB")


WELL = "RTX A4000, driver 535.183.01, CUDA 12.2, cuDNN 8.9.7, onnxruntime-gpu 1.17.1: everything works, we are only curious."


def test_versions_of_what_works_are_not_judged() -> None:
    assert names(WELL) == []
    assert names(WELL.replace("everything works, we are only curious", "does it fit")) == ["ort-cuda-major-mismatch"]
    assert names(WELL.replace("we are", "but on the GPU it does not, we are")) != []


def test_a_feed_of_microsofts_has_the_same_version_for_another_cuda() -> None:
    """onnxruntime.ai/docs/install: 1.17 and 1.18 for CUDA 12 stand in the feed onnxruntime-cuda-12."""
    feed = "https://aiinfra.pkgs.visualstudio.com/PublicPackages/_packaging/onnxruntime-cuda-{}/pypi/simple/"
    versions = "CUDA {}, pip install onnxruntime-gpu=={} --extra-index-url "
    assert names(versions.format("12.2", "1.18.0") + feed.format(12)) == []
    assert names(versions.format("11.8", "1.19.2") + feed.format(11)) == []
    assert names("CUDA 12.2, onnxruntime-gpu==1.18.0") == ["ort-cuda-major-mismatch"]


@pytest.mark.parametrize(
    ("code", "swallowed"),
    [
        ("app = FaceAnalysis(name='buffalo_l', providers=['CPU'])\napp.prepare(ctx_id=0, det_size=(640, 640))", False),
        ("app = FaceAnalysis(name='buffalo_l')\ndet_size=(640, 640)\napp.prepare(ctx_id=0, det_size=det_size)", False),
        ("app = FaceAnalysis(root=os.path.expanduser('~'))\n>>> app.prepare(-1, det_thresh=0.5, det_size=(320, 320))", False),
        ("app = FaceAnalysis(name='buffalo_l', det_size=(640, 640))", True),
        ("app = FaceAnalysis(providers=[('CUDAExecutionProvider', {'device_id': 0})],\n    det_size=(640, 640))", True),
        ("app = FaceAnalysis(root=os.path.expanduser('~'), det_thresh=0.3)", True),
    ],
)  # fmt: skip
def test_a_parameter_is_that_of_the_call_in_whose_brackets_it_stands(code: str, swallowed: bool) -> None:
    assert ("det-parameter-ignored" in names(code)) is swallowed


PS = """\
$ docker ps
CONTAINER ID   IMAGE        COMMAND                  STATUS         PORTS                    NAMES
5eaf2012140c   face:latest  "uvicorn app:app"        Up 7 minutes   {}    face
73bd3ab279a6   redis:7      "docker-entrypoint.s…"   Up 7 minutes   6379/tcp                 redis
"""


def test_who_is_not_published_beside_one_who_is_is_meant_for_the_others() -> None:
    assert names(PS.format("0.0.0.0:8000->8000/tcp")) == []
    assert names(PS.format("8000/tcp              ")) == ["port-not-published"]


SMI = "|  0%   37C    P8    12W / 450W |  {}MiB / 24564MiB |      0%      Default |\n|  No running processes found      |\n"


def test_who_holds_a_card_on_which_no_process_is_shown_is_another() -> None:
    out = "cudaMalloc failed: out of memory\n"
    assert names(out + SMI.format("22210"))[0] == "vram-held-by-others"
    assert names(out + SMI.format("    6"))[0] != "vram-held-by-others"


FETCH = """\
[11/18/23 {}] INFO     Downloading facial recognition model
[11/18/23 {}] WARNING  Failed to load facial-recognition model 'buffalo_l'. Clearing cache and retrying.
"""


def test_how_long_a_fetch_took_tells_who_could_not_connect_from_who_may_not_write() -> None:
    assert names(FETCH.format("11:03:16", "11:05:27"))[0] == "model-download-failed"
    assert names(FETCH.format("11:03:16", "11:03:16"))[0] == "model-cache-not-writable"
    assert names(FETCH.format("09:03:16", "11:03:16"))[0] == "model-cache-not-writable"


CUT = """\
Downloading /root/.insightface/models/buffalo_l.zip from https://github.com/deepinsight/insightface/releases/download/v0.7/buffalo_l.zip...
{}Traceback (most recent call last):
  File "/opt/venv/lib/python3.10/site-packages/{}", line 464, in _make_request
"""


def test_a_traceback_that_is_cut_off_in_the_library_that_connects() -> None:
    assert names(CUT.format("", "urllib3/connectionpool.py")) == ["model-download-failed", "disk-full"]
    assert names(CUT.format("", "numpy/core/_methods.py")) == []
    assert names(CUT.format("100%|####| 281857/281857\n", "requests/adapters.py")) == []


OPENCV = "ImportError: libGL.so.1: cannot open shared object file: No such file or directory\n"


def test_two_distributions_of_opencv_may_be_why_a_headless_image_lacks_libgl() -> None:
    both = "Successfully installed opencv-python-headless-4.5.3.56\nopencv-python==4.5.3.56\nopencv-python-headless==4.5.3.56\n"
    assert set(names(both + OPENCV)) == {"opencv-system-libs-missing", "opencv-both-packages"}
    assert names("opencv-python==4.5.3.56\n" + OPENCV)[:1] == ["opencv-system-libs-missing"]


def test_an_image_whose_name_speaks_of_nvidia_is_not_given_a_card_by_that() -> None:
    run = "docker run {} --rm nvcr.io/nvidia/tritonserver:24.02-py3\nCUDA driver version is insufficient for CUDA runtime version"
    assert names(run.format("-ti"))[0] == "container-started-without-gpu"
    assert names(run.format("--gpus all"))[0] == "driver-too-old"


def test_the_toolkit_that_finds_no_driver_speaks_of_the_host() -> None:
    said = "nvidia-container-cli: initialization error: load library failed: libnvidia-ml.so.1: cannot open shared object file"
    assert names(said)[0] == "driver-not-installed" and "container-started-without-gpu" not in names(said)


FOLLOWED = (
    "Followed the step-by-step guide. onnxruntime-gpu is installed, but only CPUExecutionProvider is available.",
    "Followed the step-by-step guide.\nlibcublasLt.so.11: cannot open shared object file: No such file or directory",
    "按照手把手教程部署人脸检测服务，服务崩溃，显存不够",
    "跟着保姆级教程装的环境，torch.cuda.is_available() 返回 False，RTX 5090，torch 2.4",
)


@pytest.mark.parametrize("text", FOLLOWED)
def test_a_page_that_somebody_followed_is_not_the_one_that_is_read(text: str) -> None:
    assert names(text) != []


REPORTS = (
    "GPU is not used by onnxruntime. Detection runs on the CPU, which takes two seconds per image. The card is an RTX 3090,\n"
    "nvidia-smi works, and its utilisation stays at zero percent during detection. onnxruntime-gpu was installed with pip,\n"
    "together with insightface, which also brought onnxruntime. The environment was recreated twice.",
    "Small faces are not detected in group photos. Images have 4000 by 3000 pixels, the faces are about twenty pixels wide,\n"
    "and the model is buffalo_l with its default input size of 640. Large faces in the same images are detected.\n"
    "Lowering the threshold to 0.3 changes nothing, the small faces stay undetected, also with other models.",
)


@pytest.mark.parametrize("text", REPORTS)
def test_who_says_which_card_it_is_or_what_he_tried_reports(text: str) -> None:
    assert names(text) != []


def test_no_error_is_no_praise_of_what_is_slow_or_asked_about() -> None:
    fault, versions = "torch-arch-unsupported", "RTX 5090, torch 2.4.0+cu121"
    assert names(f"{versions}: no errors.") == []
    for said in ("no errors. Any idea?", "no error, 3 seconds per image", "没有报错，推理很慢"):
        assert names(f"{versions}, {said}") == [fault]
    assert names(f"On another computer everything works. Here: {versions}") == [fault]


@pytest.mark.parametrize("then", ["; app.prepare(0, ", ".prepare(ctx_id=0, ", "\\\n    .prepare(0, "])
def test_a_parameter_of_what_follows_the_call_is_not_of_it(then: str) -> None:
    assert names(f"app = FaceAnalysis(name='buffalo_l', allowed_modules=['detection']){then}det_size=(640, 640))") == []


def test_an_empty_line_of_nobody_ends_what_each_speaker_said() -> None:
    """A log that was pasted twice: what its first copy says last and its second first is no sentence."""
    said = ("Load model from det_10g.onnx failed:No graph was found in the protobuf.", PRINTED)
    log = "\n".join(f"[pod/face-0/api] 2026-11-23T09:00:00.123456789Z {one}" for one in (said[0], "", said[1]))
    assert set(names(f"{log}\n\n{log}")) == set(names(log))


FOLDED = "<details><summary>%s</summary>\n\nCUDA out of memory\n\n</details>\n"


@pytest.mark.parametrize(
    "text",
    [
        "The service dies with each larger picture.\n" + FOLDED % "log" + FOLDED % "pip list",
        "Q: is it the driver?\nQ: is it the card?\nMy service says CUDA out of memory, please help.\n",
    ],
)
def test_who_folds_his_logs_or_numbers_his_questions_complains(text: str) -> None:
    assert names(text) != []


def test_a_page_of_questions_and_answers_is_no_complaint() -> None:
    assert (
        names("Q: What is CUDA out of memory?\nA: Too large a batch.\nQ: Which batch fits?\nA: A smaller one.\n") == []
    )


@pytest.mark.parametrize(
    "line",
    [
        "- Fixed batch size, but still CUDA out of memory. Tried to allocate 2.00 GiB with insightface",
        "* Fixed cuDNN path: still Could not load library libcudnn_ops_infer.so.8. Error: cannot open shared object file",
        "- resolves to 127.0.0.1:8080, curl: (7) Failed to connect to 127.0.0.1 port 8080: Connection refused",
        "- Fixed 了 batch size，仍然 CUDA out of memory",
    ],
)
def test_what_was_tried_in_vain_is_no_entry_of_a_changelog(line: str) -> None:
    assert names(line) != []
    assert names("- Fixed: CUDA out of memory with more than four workers") == []


PULL_REQUESTS = {
    "subject": "fix(gpu): suppress thread affinity warnings of ONNX Runtime in Docker\n\nThe session gets its number.",
    "heading": (
        "legacy drivers by default\n\n###### Description of changes\nDrivers 590+ have dropped support for Pascal, use legacy_580"
    ),
    "what-it-does": "Improve it\n\nThis PR addresses CUDA_ERROR_SYSTEM_NOT_READY: the fabric manager was not active.",
    "chinese": "切换到 GPU\n\n## 变更说明\n将人脸识别插件从 CPU-only onnxruntime 切换到 GPU 版本",
}


@pytest.mark.parametrize("text", PULL_REQUESTS.values(), ids=PULL_REQUESTS)
def test_what_a_change_does_is_no_complaint(text: str) -> None:
    assert names(text) == []


@pytest.mark.parametrize(
    "beside",
    [
        "After this change my GPU is not used any more.",
        "Since this PR the GPU is not used.",
        "How can I make it use the GPU? It is not used.",
    ],
)
@pytest.mark.parametrize("text", PULL_REQUESTS.values(), ids=PULL_REQUESTS)
def test_who_complains_of_a_change_is_heard(text: str, beside: str) -> None:
    assert names(f"{text}\n\n{beside} onnxruntime runs on the CPU only.") != []


def test_what_was_printed_is_heard_in_a_change() -> None:
    text = f"{PULL_REQUESTS['what-it-does']}\n\n[E:onnxruntime] {PRINTED}"
    assert any(name.startswith("ort-cuda") for name in names(text))
