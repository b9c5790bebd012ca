"""Triage: what else a text tells decides between causes that one sentence fits alike."""

from __future__ import annotations

import pytest
from retina_doctor_checks.triage.diagnosing import case_of, diagnoses
from retina_doctor_checks.triage.readings import judged
from retina_doctor_checks.triage.text import read

from retina_doctor.catalogue.registry import installed


def names(text: str) -> list[str]:
    case, catalogue = case_of(read(text)), installed()
    return [one.name for one in diagnoses(case, catalogue.explains, judged(case, catalogue))]


def test_a_driver_that_is_new_enough_does_not_reach_the_program() -> None:
    """CUDA's result 35 is what cudart says of a driver that is too old, and of none."""
    said = "CUDA failure 35: CUDA driver version is insufficient for CUDA runtime version\n"
    assert names(said)[0] == "driver-too-old"
    assert names(said + "Driver Version: 470.82.01, docker, face recognition")[0] == "driver-too-old"
    assert names(said + "Driver Version: 550.54.14, docker, face recognition")[0] == "container-started-without-gpu"
    assert names(said + "Driver Version: 550.54.14, docker, onnxruntime-gpu 1.31.0")[0] == "driver-too-old"


LACKS = (
    "Failed to load library libonnxruntime_providers_tensorrt.so with error: {}: cannot open shared object file: No such"
    " file or directory\nEP Error Please install TensorRT libraries as mentioned in the GPU requirements page, make sure"
    " they're in the PATH or LD_LIBRARY_PATH, and that your GPU is supported."
)


def test_what_tensorrts_provider_lacks_may_be_cudas() -> None:
    """onnxruntime asks for TensorRT whatever that library lacks (onnxruntime_pybind_state.cc)."""
    assert names(LACKS.format("libnvinfer.so.10"))[0] == "ort-tensorrt-libs-missing"
    assert names(LACKS.format("libcublas.so.11"))[0] == "ort-cuda-major-mismatch"
    assert "ort-tensorrt-libs-missing" not in names(LACKS.format("libcublas.so.11"))


@pytest.mark.parametrize(
    ("beside", "first"),
    [
        ("It answers at http://0.0.0.0:8000 on the old host, not here.", "service-loopback-only"),
        ("ModelZoo::RetinaFace is what it serves.", "service-loopback-only"),
        ("uvicorn main:app --host 0.0.0.0 is how it is started.", "port-not-published"),
    ],
)
def test_an_address_that_is_visited_is_none_that_is_listened_on(beside: str, first: str) -> None:
    said = "I cannot connect to the face service of my docker container on port 8000.\n"
    code = "" if "--host" in beside else "uvicorn.run(app, port=8000)\n"
    assert names(said + code + beside)[0] == first


OWN = (
    "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 900.00 MiB. GPU 0 has a total capacity of 14.75 GiB of which"
    " 200.00 MiB is free. Including non-PyTorch memory, this process has {} GiB memory in use. Of the allocated memory {} GiB is"
    " allocated by PyTorch, and 100.00 MiB is reserved by PyTorch but unallocated.\n"
)
FULL = "| N/A   60C    P0    70W /  70W |  14900MiB / 15360MiB |    100%      Default |\n"


def test_a_card_that_we_fill_ourselves_is_not_held_by_others() -> None:
    assert names(OWN.format("14.50", "14.10") + FULL)[0] == "vram-insufficient"
    assert names(OWN.format("1.50", "1.10") + FULL)[0] == "vram-held-by-others"
    arena = "bfc_arena.cc:376 Failed to allocate memory for requested buffer of size 1048576000\n" + FULL
    row = "|    0   N/A  N/A      4121      C   /srv/face/run                 {}MiB |\n"
    assert names(arena + row.format(14890))[0] == "vram-insufficient"
    assert names(arena + row.format(7400) + row.format(7400))[0] == "vram-held-by-others"


@pytest.mark.parametrize(
    ("said", "found"),
    [("第一次推理需要预热，之后在 GPU 上每张 10 毫秒，符合预期。", False), ("第一次推理需要40秒，在 GPU 上。", True)],
)
def test_a_first_inference_that_is_named_is_not_slow(said: str, found: bool) -> None:
    assert ("smoke-too-slow" in names(said)) is found


OUT = (
    "insightface: RuntimeError: CUDA out of memory. Tried to allocate 508.00 MiB (GPU 0; 4.00 GiB total capacity;"
    " {} GiB already allocated; 0 bytes free; {} GiB reserved in total by PyTorch)"
)


def test_who_has_most_of_the_card_is_not_kept_out_by_others() -> None:
    assert names(OUT.format(2.69, 2.71))[0] != "vram-held-by-others"
    assert names(OUT.format(0.69, 0.71))[0] == "vram-held-by-others"


def test_the_model_itself_is_refused_or_the_folder_it_would_be_put_into() -> None:
    refused = "PermissionError: [Errno 13] Permission denied: '/root/.insightface/models/buffalo_l{}'"
    assert names(refused.format("/det_10g.onnx"))[0] == "model-unreadable"
    assert names(refused.format(""))[0] == "model-cache-not-writable"


def test_who_has_enough_free_lacks_a_block() -> None:
    """cudaMemGetInfo's free memory, several times what was asked for."""
    said = (
        "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate {}. GPU 0 has a total capacity of 4.00 GiB of which 2.35"
        " GiB is free. Of the allocated memory 825.15 MiB is allocated by PyTorch, and 24.85 MiB is reserved by PyTorch but"
        " unallocated."
    )
    assert names(said.format("20.00 MiB"))[0] == "vram-fragmented"
    assert names(said.format("2.20 GiB"))[0] != "vram-fragmented"


def test_who_asks_cuda_first_of_all_has_not_forked() -> None:
    assert names("RuntimeError: CUDA error: initialization error")[0] == "cuda-used-before-fork"
    said = "ERROR: The NVIDIA Driver is present, but CUDA failed to initialize. [[ Initialization error (error 3) ]]"
    assert names(said)[0] == "cuda-init-fails"


def test_a_graph_that_is_split_has_the_gpus_provider() -> None:
    """session_state.cc says "All nodes placed on" where one provider has them all."""
    slow = "onnxruntime-gpu 1.13.1, the face model is slow\n"
    placed = "VerifyEachNodeIsAssignedToAnEp]  {} placed on [CPUExecutionProvider]. Number of nodes: 9"
    assert names(slow + placed.format("Node(s)"))[0] == "ort-nodes-on-cpu"
    assert names(slow + placed.format("All nodes"))[0] != "ort-nodes-on-cpu"


def test_docker_gives_the_capabilities_that_are_named_alone() -> None:
    """moby daemon/nvidia_linux.go: "gpu" is none of the driver's, and "utility" has no libcuda."""
    said = "docker compose\nImportError: libcuda.so.1: cannot open shared object file\ncapabilities: {}"
    assert names(said.format("[gpu, utility]"))[0] == "container-driver-capabilities"
    assert names(said.format("[gpu, compute, utility]"))[0] != "container-driver-capabilities"
    assert names(said.format("[gpu]"))[0] != "container-driver-capabilities"


def test_a_card_that_nouveau_drives_is_there() -> None:
    said = "nvidia-smi: command not found\ndocker host, face service\n"
    shown = "vendor: NVIDIA Corporation\nconfiguration: driver=nouveau latency=0"
    assert names(said + shown)[:1] == ["driver-not-installed"]
    assert "no-nvidia-gpu" not in names(said + shown)[:3]


def test_a_keyword_of_the_constructor_is_dropped() -> None:
    said = "With insightface I only get boxes with a score of 0.5 and more.\napp = FaceAnalysis(providers=['CPU'], {})"
    assert names(said.format("det_score=0.02"))[0] == "det-parameter-ignored"
    assert "det-parameter-ignored" not in names(said.format("name='buffalo_l')\napp.prepare(ctx_id=0, det_score=0.02"))


def test_a_machine_of_processors_has_no_old_driver() -> None:
    said = "CUDA failure 35: CUDA driver version is insufficient for CUDA runtime version\n"
    assert names(said + "onnxruntime-gpu, deployed on a CPU machine")[0] == "no-nvidia-gpu"
    assert names(said + "onnxruntime-gpu, deployed on a machine with a T4")[0] == "driver-too-old"


def test_the_size_that_ls_shows_decides() -> None:
    said = "onnxruntime: INVALID_PROTOBUF : Load model from det_10g.onnx failed:Protobuf parsing failed.\n"
    listed = "-rw-r--r-- 1 root root {} Nov  3 09:12 models/det_10g.onnx"
    assert names(said + listed.format(0))[0] == "model-empty"
    assert names(said + listed.format(133))[0] == "model-lfs-pointer"
    assert names(said + listed.format(4096000))[0] == "model-corrupt"
    assert names(said + "det_10g.onnx: HTML document, UTF-8 Unicode text")[0] == "model-not-a-model"


def test_the_node_of_unified_memory_is_not_listed() -> None:
    said = "docker, RuntimeError: CUDA unknown error - this may be due to an incorrectly set up environment\nls /dev/nvidia*\n"
    assert names(said + "/dev/nvidia0  /dev/nvidiactl")[0] == "container-device-node-missing"
    assert names(said + "/dev/nvidia0  /dev/nvidiactl  /dev/nvidia-uvm")[0] != "container-device-node-missing"


def test_lspci_shows_whose_cards_there_are() -> None:
    said = "nvidia-smi: command not found\n$ lspci | grep -i vga\n{} VGA compatible controller: {} (rev 02)"
    assert names(said.format("00:02.0", "Matrox Electronics Systems Ltd. G200eR2"))[0] == "no-nvidia-gpu"
    assert names(said.format("01:00.0", "NVIDIA Corporation TU106"))[0] == "driver-not-installed"


def test_a_wheel_is_refused_for_the_c_library_of_an_old_system() -> None:
    said = "ERROR: onnxruntime_gpu-1.20.1-cp310-cp310-manylinux_2_28_x86_64.whl is not a supported wheel on this platform.\n"
    assert names(said + "os: CentOS 7")[0] == "libc-unsupported"
    assert names(said + "os: Windows 11")[0] == "ort-wheel-wrong-platform"


def test_a_cluster_does_not_use_what_docker_uses() -> None:
    said = "kubernetes pod, onnxruntime: ImportError: libcuda.so.1: cannot open shared object file: No such file or directory\n"
    assert names(said + "docker run --gpus all nvidia-smi works on the node")[0] == "container-runtime-not-nvidia"
    assert names(said + "there is no limit nvidia.com/gpu")[0] == "container-started-without-gpu"
    alone = "pynvml: NVML Shared Library Not Found\n"
    assert "container-runtime-not-nvidia" not in names(alone + "it works in docker, not on the host")


def test_another_build_of_the_model_stands_there() -> None:
    said = "AssertionError: model_file /srv/models/inswapper_128.onnx should exist\nin /srv/models: {}"
    assert "model-name-typo" in names(said.format("GFPGANv1.4.pth, inswapper_128_fp16.onnx"))[:2]
    assert "model-name-typo" not in names(said.format("GFPGANv1.4.pth, det_10g.onnx"))[:2]


def test_the_users_site_shadows_where_a_version_is_wrong() -> None:
    path = "['', '/home/u/.local/lib/python3.8/site-packages', '/opt/conda/envs/f/lib/python3.8/site-packages']"
    assert (
        names(path + "\nonnxruntime: it has a different version than the one that conda installed")[0]
        == "package-shadowed"
    )
    assert names(path + "\nonnxruntime 1.31.1, 3 faces") == []


@pytest.mark.parametrize(
    ("said", "cause"),
    [
        (
            "With a batch size of 16 RetinaFace runs out of memory on my RTX 3060, with 4 it does not.",
            "vram-input-too-large",
        ),
        (
            "My face API does not come up in docker: an endless restart of the container.",
            "service-crashed-or-not-ready",
        ),
        ("After our update nvidia-smi tells of an NVML version mismatch.", "driver-library-mismatch"),
        ("Where retinaface finds no face I get list index out of range.", "no-face-not-handled"),
        ("Why does insightface not detect the face in these photos?", "det-threshold-too-high"),
        ("Why can't insightface detect the face in these photos?", "det-threshold-too-high"),
        ("Why doesn't the face container see the GPU?", "container-started-without-gpu"),
        ("FaceAnalysis 在这张图上检测不到人脸，为什么？", "det-threshold-too-high"),
        ("My onnxruntime uses the GPU only if I import `torch` before FaceAnalysis.", "ort-cuda-libs-not-on-path"),
        ("Our face container runs as uid 1000, the onnx model: permission denied.", "model-unreadable"),
        ("insightface in our pod: read-only root, it can't write its model cache.", "model-cache-not-writable"),
        ("My server is air-gapped and FaceAnalysis() wants to download buffalo_l.", "model-download-failed"),
        ("我们的机器在内网，insightface 启动时要下载模型，怎么办？", "model-download-failed"),
        ("My laptop has only Intel graphics: insightface with CUDAExecutionProvider fails.", "no-nvidia-gpu"),
        ("Since CUDA_VISIBLE_DEVICES=2 is set my face service sees no GPU.", "cuda-visible-devices-hides-gpu"),
        ("On our A100 MIG is enabled, the GPU is unavailable to the face service.", "mig-device-not-selected"),
        ("In my face container there is no nvidia-smi, on the host it works.", "container-started-without-gpu"),
        ("With a GPU here I get only AzureExecutionProvider and CPUExecutionProvider.", "ort-cpu-package"),
        ("My LD_LIBRARY_PATH has cuDNN 8.2, torch complains that it was compiled with 8.9.", "cudnn-shadowed"),
        ("onnxruntime needs cuDNN 9 and I have 8.9.", "ort-cudnn-mismatch"),
        (
            "I installed opencv-python and opencv-python-headless, cv2.imshow is not implemented.",
            "opencv-both-packages",
        ),
        ("RetinaFace detects hands and clothes as faces.", "det-threshold-too-low"),
        ("When my two children stand next to each other RetinaFace returns only one face.", "det-nms-too-low"),
        ("My face detection takes 900 ms per image on a Tesla T4, should be 20.", "smoke-too-slow"),
        ("In the face container I type import insightface and get: module not found.", "package-import-fails"),
        (
            "After I close the laptop CUDA says unknown error, since it wakes up from sleep the GPU is broken.",
            "driver-state-lost",
        ),
        ("Our RetinaFace with opset 20: onnxruntime 1.14 refuses it.", "model-opset-too-new"),
        (
            "torch.cuda.is_available() is False in my docker container, True on the host.",
            "container-started-without-gpu",
        ),
        ("I call net.cuda() on my Mac: AssertionError: Torch not compiled with CUDA enabled", "cuda-hardcoded"),
    ],
)
def test_what_people_say(said: str, cause: str) -> None:
    assert names(said)[0] == cause


@pytest.mark.parametrize(
    "said",
    [
        "RetinaFace with a batch size of 16 needs 6 GB of memory on the card.",
        "insightface does not detect a face in an empty frame, and returns [].\nif no face is detected, nothing is done.",
        "The face API has no restart policy in docker.",
        "nvidia-smi and NVML are of one version.",
        "The face container reads the onnx model as uid 1000.",
        "The model cache of insightface is a volume that the pod writes.",
        "FaceAnalysis works offline: buffalo_l is downloaded before the image is built.",
        "A laptop with integrated graphics runs insightface on the CPU.",
        "CUDA_VISIBLE_DEVICES=2 gives the face service the third card.",
        "In the face container nvidia-smi shows the card.",
        "torch was compiled with cuDNN 8.9.",
        "opencv-python-headless is installed in place of opencv-python.",
        "RetinaFace draws hands and faces in different colours.",
        "Face detection takes 20 ms per image on a Tesla T4.",
        "The model is exported with opset 17.",
        "failed to load 'det' version 1: Invalid argument: model input NHWC/NCHW require 3 dims for det\n"
        "The face detector's config.pbtxt has max_batch_size: 1",
    ],
)
def test_their_healthy_twins(said: str) -> None:
    assert names(said) == []
