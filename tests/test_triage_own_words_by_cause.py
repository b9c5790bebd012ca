"""One sentence, or two, of people's own words for each cause that they can tell without a program's line."""

from __future__ import annotations

import pytest
from retina_doctor_checks.triage.diagnosing import case_of, diagnoses
from retina_doctor_checks.triage.text import read

SAID = {
    "driver-module-not-loaded": ["After the kernel update my nvidia driver is gone.", "升级内核后显卡驱动用不了"],
    "driver-library-mismatch": ["The driver and the library are a mismatch, says my nvidia tool."],
    "driver-state-lost": ["My GPU is not available any more after suspend, CUDA needs a reboot.", "电脑休眠唤醒之后 GPU 不可用"],
    "container-gpu-access-lost": ["After a few hours the docker container loses the GPU."],
    "container-shm-too-small": ["In docker the shared memory is not enough."],
    "container-toolkit-missing": ["On this docker host the nvidia-container-toolkit isn't installed."],
    "torch-arch-unsupported": ["My RTX 5090 with sm_120 is not supported by this torch."],
    "wsl-wrong-libcuda": ["In WSL2 my GPU can't be found, on Windows nvidia-smi works."],
    "fabric-manager-not-running": ["On this gpu box the nvidia-fabricmanager service is not running."],
    "cpu-instructions-missing": ["My old processor has no AVX, onnxruntime needs it: avx isn't supported here."],
    "disk-full": ["While the model is saved the disk is full.", "下载模型时磁盘满了"],
    "vram-held-by-others": ["On my gpu a zombie from yesterday is still holding VRAM."],
    "ort-cudnn-mismatch": ["For onnxruntime my cuDNN is the wrong version."],
    "ort-cuda-major-mismatch": ["onnxruntime and my CUDA 12 are not compatible.", "onnxruntime 和 CUDA 版本不匹配"],
    "tensorrt-engine-stale": ["The TensorRT engine file was made on a different GPU."],
    "docker-daemon-not-running": ["It says that the docker daemon is not running."],
    "det-size-too-small": ["How can I detect smaller faces with RetinaFace?", "RetinaFace 小脸效果不好",
                           "Which minimum face size does it detect?"],
    "no-face-not-handled": ["insightface raises an exception for pictures without faces."],
    "det-parameter-ignored": ["In insightface changing det_thresh has no effect."],
    "smoke-wrong-result": ["For the same face the embeddings on GPU and CPU are different."],
    "model-corrupt": ["The buffalo_l .onnx seems to be corrupted.", "insightface 的模型文件损坏了"],
    "model-lfs-pointer": ["After cloning, each model file, det_10g.onnx too, has 134 bytes only."],
    "model-weights-mismatch": ["For retinaface the weights do not match the network."],
    "model-opset-too-new": ["onnxruntime says that opset 22 is not supported."],
    "numpy-abi": ["insightface breaks with numpy 2."],
    "opencv-system-libs-missing": ["In my image cv2 lacks something, libGL is missing."],
    "python-has-no-wheel": ["For insightface on Windows there is no wheel.", "onnxruntime doesn't support python 3.14 yet."],
    "insightface-build-failed": ["I have a problem to install insightface."],
    "service-loopback-only": ["The flask server can't be reached, I can't access it from another machine.",
                              "flask 服务在局域网无法访问"],
    "ort-provider-not-requested": ["With my GPU in the box insightface is running on the CPU."],
}  # fmt: skip
PAIRS = [(cause, text) for cause, texts in SAID.items() for text in texts]


def names(text: str) -> list[str]:
    return [one.name for one in diagnoses(case_of(read(text)), {})]


@pytest.mark.parametrize(("cause", "text"), PAIRS)
def test_own_words_propose_the_cause(cause: str, text: str) -> None:
    assert cause in names(text)[:3], names(text)


@pytest.mark.parametrize(
    "text",
    [
        "We fixed a typo in the driver section of the manual.",
        "How can I cite RetinaFace?",
        "The small model detects faces quickly.",
        "After the update everything is faster.",
        "The docker image has 4 GB of shared layers.",
        "Results for different cards are in the table.",
        "The disk holds the whole data set.",
    ],
)
def test_the_same_words_without_a_complaint_say_nothing(text: str) -> None:
    assert names(text) == []


@pytest.mark.parametrize(
    ("cause", "asked", "told"),
    [
        (
            "retinaface-import-clash",
            "Which package do I need for retinaface on Python 3.12?",
            "I have the wrong package: import retinaface gives another retinaface.",
        ),
        (
            "retinaface-import-clash",
            "Which library should I use, RetinaFace or MTCNN?",
            "I installed the wrong library for retinaface.",
        ),
        (
            "service-crashed-or-not-ready",
            "RetinaFace on my RTX 3060 takes all memory of the GPU and crashes after a few hours.",
            "RetinaFace takes all the RAM of the GPU server and crashes after a few hours.",
        ),
        (
            "det-size-too-small",
            "app.get(img) returns an empty list when there are no faces. How do I check for it clearly?",
            "app.get(img) returns an empty list, no faces, although the picture clearly shows one.",
        ),
    ],
)
def test_who_asks_what_to_take_complains_of_nothing(cause: str, asked: str, told: str) -> None:
    assert cause not in names(asked)
    assert cause in names(told)
