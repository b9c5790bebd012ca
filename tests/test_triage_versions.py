"""Versions that people put into a sentence are facts that the catalogue's own checks judge; English and Chinese."""

from __future__ import annotations

import pytest
from retina_doctor_checks.triage.diagnosing import case_of
from retina_doctor_checks.triage.readings import judged
from retina_doctor_checks.triage.text import read
from retina_doctor_checks.triage.told import told
from retina_doctor_checks.triage.versions_told import torch_cuda_major

from retina_doctor.catalogue.registry import installed

OLD_DRIVER = {"driver-too-old"}
BOTH_LIBRARIES = {"ort-cuda-major-mismatch", "ort-cudnn-mismatch"}


def found(text: str) -> set[str]:
    return {one.name for one in judged(case_of(read(text)), installed())}


@pytest.mark.parametrize(
    ("text", "causes"),
    [
        ("driver 470 and CUDA 12.4", OLD_DRIVER),
        ("driver 470 and CUDA 12.4, onnxruntime-gpu 1.20", OLD_DRIVER),
        ("torch==2.1.0 (cu121) with the 470 driver", OLD_DRIVER),
        ("PyTorch 2.4.1 with CUDA 12.1 on driver 470", OLD_DRIVER),
        ("显卡驱动 470，CUDA 12.4，onnxruntime-gpu 1.20.1", OLD_DRIVER),
        ("驱动版本是470.82.01，CUDA版本12.1，torch版本2.3.0+cu121", OLD_DRIVER),
        ("英伟达驱动版本：470.57.02，装了onnxruntime-gpu==1.20.1", OLD_DRIVER),
        ("RTX 3060, CUDA 11.8, cudnn 8.9, onnxruntime-gpu 1.19", BOTH_LIBRARIES),
        ("onnxruntime gpu 1.19.2, CUDA 11.8 and cuDNN version 8.9.7", BOTH_LIBRARIES),
        ("显卡是RTX 3060，CUDA 11.8，cudnn 8.9，onnxruntime-gpu 1.19", BOTH_LIBRARIES),
        ("CUDA11.8、cuDNN8.9、onnxruntime-gpu1.19，RTX3060", BOTH_LIBRARIES),
        ("CUDA 12.4, cudnn 8.9, onnxruntime-gpu 1.20", {"ort-cudnn-mismatch"}),
        ("**CUDA Version**: 12.4.1\n**CUDNN Version**: 8.9.7\n| onnxruntime-gpu | 1.20.1 |", {"ort-cudnn-mismatch"}),
        ("CUDA/cuDNN version: 11.8/8.9\nonnxruntime-gpu version: 1.19.2", BOTH_LIBRARIES),
        (
            "Microsoft.ML.OnnxRuntime.Gpu (nuget package version 1.20.1), CUDA Tool Kit (version 12.2), cuDNN (version 8.9)",
            {"ort-cudnn-mismatch"},
        ),
        (
            "### Execution Provider\n\nCUDA\n\n### ONNX Runtime Version or Commit ID\n\n1.20.1\n\nCUDA 12.4 & cuDNN 8.9",
            {"ort-cudnn-mismatch"},
        ),
        ('"nvidia_driver_version": "470.82.01",\n"torch_version": "2.4.1+cu121"', OLD_DRIVER),
        ("PyTorch version: 2.4.1\nCUDA used to build PyTorch: 12.1\nNvidia driver version: 470.82.01", OLD_DRIVER),
        ("NVIDIA GPU: 5090, PyTorch version: 2.4.1+cu121", {"torch-arch-unsupported"}),
        ("onnxruntime-gpu版本1.19.2，CUDA版本11.8", {"ort-cuda-major-mismatch"}),
        ("was driver 550.54.15\nNVIDIA-SMI 470.82.01  Driver Version: 470.82.01\nonnxruntime-gpu 1.20.1", OLD_DRIVER),
        ("My card is an RTX 5090 with torch 2.4.1+cu121", {"torch-arch-unsupported"}),
        ("RTX 5070 Ti, torch 2.5.1 (CUDA 12.4)", {"torch-arch-unsupported"}),
        ("用的是RTX 5090，torch 2.4", {"torch-arch-unsupported"}),
        ("GPU: 5070\ntorch 2.4.1+cu121", {"torch-arch-unsupported"}),
        ("GPU is 5070 12GB, torch 2.4.1+cu121", {"torch-arch-unsupported"}),
        ("显卡是5090，torch 2.4.1+cu121", {"torch-arch-unsupported"}),
        ("GPU 5090 with torch 2.4.1+cu121", {"torch-arch-unsupported"}),
    ],
)
def test_versions_in_a_sentence_are_judged(text: str, causes: set[str]) -> None:
    assert found(text) == causes


@pytest.mark.parametrize(
    "text",
    [
        "driver 535 and CUDA 12.4",
        "驱动 550，CUDA 12.4，onnxruntime-gpu 1.20.1",
        "RTX 3060, CUDA 12.4, cudnn 9.1, onnxruntime-gpu 1.19.2",
        # torch, or pip's packages, bring the libraries that the toolkit lacks.
        "CUDA 11.8 toolkit, torch 2.4.1+cu121, onnxruntime-gpu 1.19.2",
        "CUDA 11.8, onnxruntime-gpu 1.19.2, nvidia-cublas-cu12 12.4.5.8",
        "nvidia driver 450, torch 2.1.0 cu118",
        "RTX 4090, torch 2.4.1+cu121",
        # A device's number is no version, and not every driver is one of cards.
        "onnxruntime-gpu 1.19.2 on cuda:0",
        "a driver 470 MB large, onnxruntime-gpu 1.20.1",
        "pip install onnxruntime-gpu[cuda,cudnn]==1.20.1; onnxruntime-gpu==1.20.1 beside CUDA 11.8, cudnn 8.9",
        # Which of several drivers is there now nobody knows, unless nvidia-smi says it.
        "Upgraded from driver 470.82.01 to driver 550.54.15, CUDA 12.4, onnxruntime-gpu 1.20.1",
        "was driver 470.82.01\nNVIDIA-SMI 550.54.15  Driver Version: 550.54.15  CUDA Version: 12.4\nonnxruntime-gpu 1.20.1",
        # The CUDA of a torch that is there no more.
        "torch 2.1.0 (cu118) until May\ntorch 2.5.1 (cu124) now, onnxruntime-gpu 1.20.1, CUDA 12.4",
        # Neither amounts nor dates are cards and versions.
        "GPU: 5070 MiB of 24576 MiB used\ntorch 2.3.1+cu121",
        "GPU: 5070 / 24576 MiB, torch 2.3.1+cu121",
        "GPU: 1080 frames decoded, torch 2.9.0+cu128",
        "显卡 5090 张图片处理完成，torch 2.3.1+cu121",
        "Installed CUDA 11.10.2024 on gpu-7; onnxruntime-gpu 1.19.2",
        "CUDA version 11.10.2024, onnxruntime-gpu 1.19.2",
        # What is there now.
        "The torch version was 1.7.1+cu101, I upgraded it to 2.7.1+cu128. RTX 5090",
        # An empty value in a list of variables.
        'config env="map[CUDA_VISIBLE_DEVICES: GPU_DEVICE_ORDINAL: OLLAMA_DEBUG:false]"',
        # Releases that no table knows.
        "CUDA 10.1, onnxruntime-gpu 1.9.0",
    ],
)
def test_versions_that_fit_are_no_finding(text: str) -> None:
    assert found(text) == set()


@pytest.mark.parametrize(
    ("text", "major"),
    [
        ("torch 2.1.0 (cu118) until May\ntorch 2.5.1 (cu124) now", 12),
        ("torch 2.5.1 (cu124) until May\ntorch 2.1.0 (cu118) now", 11),
        ("torch 2.1.0 (cu118) until May\ntorch 2.5.1 now", 12),
    ],
)
def test_a_torch_is_of_the_cuda_that_is_told_beside_it(text: str, major: int) -> None:
    assert torch_cuda_major(told(read(text))) == major


@pytest.mark.parametrize(
    ("text", "packages"),
    [
        ("Installed torch\n2024.11.30 10:00 the service starts", {}),
        ("gunicorn 127.0.0.1:8000", {}),
        ("uvicorn 0.0.0.0:8000 and gunicorn 22.0.0", {"gunicorn": "22.0.0"}),
        ("The torch version was 1.7.1+cu101, I upgraded it to 2.7.1+cu128", {"torch": "2.7.1+cu128"}),
        ("torch 2.1.0, onnxruntime-gpu upgraded to 1.20.1", {"torch": "2.1.0"}),
        ("ONNX Runtime version 1.17.1\nCUDA failure 2: out of memory", {"onnxruntime-gpu": "1.17.1"}),
        ("ONNX Runtime version: 1.17.1\nproviders: ['CUDAExecutionProvider']", {"onnxruntime-gpu": "1.17.1"}),
        (
            "CUDAExecutionProvider is not in available providers\nONNX Runtime version: 1.17.1\nonnxruntime 1.17.1",
            {"onnxruntime": "1.17.1"},
        ),
        (
            "### Execution Provider\n\nCUDA\n\n### ONNX Runtime Version or Commit ID\n\n1.16.3\npip install onnxruntime",
            {},
        ),
        ("ONNX Runtime version 1.17.1 (onnxruntime-web); the browser has no CUDAExecutionProvider", {}),
    ],
)
def test_what_is_told_of_packages(text: str, packages: dict[str, str]) -> None:
    assert told(read(text)).packages == packages


@pytest.mark.parametrize(
    ("text", "gib"),
    [("GPU with 64 GB of RAM", ()), ("a GPU with 4 GB", ("4",)), ("the card has 8 GB of memory", ("8",))],
)
def test_memory_of_the_machine_is_not_the_cards(text: str, gib: tuple[str, ...]) -> None:
    assert told(read(text)).all("memory-gib") == gib
