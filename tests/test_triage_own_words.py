"""Triage of what people say in their own words, and of paths as each system writes them."""

from __future__ import annotations

import pytest
from retina_doctor_checks.triage import tables
from retina_doctor_checks.triage.diagnosing import QUOTED, TextDiagnosis, case_of, diagnoses
from retina_doctor_checks.triage.own_words import FIRST, spelled_out
from retina_doctor_checks.triage.readings import judged
from retina_doctor_checks.triage.text import read
from retina_doctor_checks.triage.words import holds

from retina_doctor.catalogue.registry import installed


def of(text: str) -> tuple[TextDiagnosis, ...]:
    case, catalogue = case_of(read(text)), installed()
    return diagnoses(case, catalogue.explains, judged(case, catalogue))


def three(text: str) -> list[str]:
    return [one.name for one in of(text)][:3]


SAID = {
    "vram-shape-churn": [
        "With insightface the VRAM of the card is increasing with each picture and is never released."
    ],
    "vram-insufficient": ["insightface: after the second model the GPU memory is full.", "加载 insightface 后显存不够"],
    "det-size-too-large": ["Faces that fill most of the picture are not detected.", "人脸太近就检测不到了"],
    "det-size-too-small": ["RetinaFace does not find them: tiny faces are missed.", "较小的人脸检测不出来"],
    "det-threshold-too-low": ["It draws a box where there is no face."],
    "det-nms-too-high": ["RetinaFace draws two boxes on the same face."],
    "model-download-failed": ["The buffalo_l model can't be downloaded, the link is dead.", "buffalo_l 模型下载不了"],
    "driver-blocked-by-secure-boot": ["After the update the nvidia kernel module is rejected, it isn't signed."],
    "container-device-node-missing": ["lsmod shows nvidia, but nvidia_uvm is missing."],
    "gpu-fallen-off-bus": ["Under load the nvidia card drops off the bus."],
    "driver-too-old": ["Maybe my NVIDIA driver is too old for this CUDA?", "是不是显卡驱动版本太低，CUDA 用不了"],
    "container-started-without-gpu": ["The docker container can't see the GPU, the host can."],
    "service-crashed-or-not-ready": ["The face detection server won't start, it exits with error 139."],
    "ort-provider-not-requested": [
        "insightface doesn't use my GPU.",
        "insightface dont use gpu at all",
        "人脸检测没有使用GPU",
    ],
    "torch-cpu-build": ["PyTorch cannot find CUDA on this machine."],
    "smoke-too-slow": ["Face detection on my RTX 4080 is very slow."],
}


@pytest.mark.parametrize(("cause", "text"), [(cause, text) for cause, texts in SAID.items() for text in texts])
def test_what_people_say_proposes_the_cause(cause: str, text: str) -> None:
    assert cause in [one.name for one in of(text)], three(text)


@pytest.mark.parametrize("text", [text for cause, texts in SAID.items() for text in texts if cause != "smoke-too-slow"])
def test_words_of_two_paragraphs_are_no_saying(text: str) -> None:
    """Each word alone, far from the others, means nothing."""
    words = text.replace("，", " ").split() if text.isascii() else list(text)
    assert of("\n\n".join(words)) == ()


def test_words_far_apart_in_one_sentence_are_no_saying() -> None:
    assert of("The VRAM " + "of this or that " * 30 + "increases with insightface") == ()


def test_own_words_are_looked_for_where_people_write() -> None:
    said = "With insightface the VRAM increases with each picture.\n"
    filler = "".join(
        f"line {number} of an ordinary log that says nothing at all\n" for number in range(4 * FIRST // 50)
    )
    assert [of(text)[:1] != () for text in (said + filler, filler + said)] == [True, True]
    assert of(filler[: 2 * FIRST] + said + filler[: 2 * FIRST]) == ()


def test_a_program_says_more_than_people_do() -> None:
    text = "insightface does not use my GPU.\n\nlibcublasLt.so.12: cannot open shared object file: No such file or directory"
    assert all("told" not in name for one in of(text) for name in one.symptoms)


def test_every_saying_names_lists_and_a_row_for_peoples_words() -> None:
    rows = {row.name: row for row in tables.symptoms()}
    for saying in tables.sayings():
        assert set(saying.all) <= set(tables.own_words()), saying
        assert rows[saying.symptom].prose, saying.symptom
    used = {name for saying in tables.sayings() for name in saying.all} | {tables.OUR_WORLD, tables.FACES}
    assert used == set(tables.own_words())
    sayings = {saying.symptom for saying in tables.sayings()}
    assert all(row.says or row.codes or row.raised or row.name in sayings for row in rows.values())


@pytest.mark.parametrize(
    "text",
    [
        "The server started on port 8000, which is not already in use.",
        "numpy and onnx were installed without conflict.",
        "No conflict of dependencies, numpy installed.",
        "numpy 安装成功，没有冲突",
        "There is no OOM on the GPU any more.",
    ],
)
def test_a_fault_that_is_denied_is_none(text: str) -> None:
    assert of(text) == ()


@pytest.mark.parametrize(
    "text",
    [
        "When the two do not fit, onnxruntime prints: CUDA driver version is insufficient for CUDA runtime version.",
        "If you see libcublasLt.so.12: cannot open shared object file: No such file or directory, install the CUDA 12 wheel.",
        "Fixed: libcublasLt.so.12: cannot open shared object file: No such file or directory, by the CUDA 12 wheel.",
        "libcudnn.so.9: cannot open shared object file: No such file or directory，问题已解决，重装了cudnn",
    ],
)
def test_a_sentence_that_is_only_spoken_of_counts_as_own_words(text: str) -> None:
    told = of(text)
    assert told and sum(one.score for one in told if one.leads) <= QUOTED


@pytest.mark.parametrize(
    "before", ["When I start the service: ", "2026-11-23 09:00:03,118 ", "Not yet solved: ", "启动时报错："]
)
def test_a_sentence_that_is_complained_of_counts_whole(before: str) -> None:
    [first, *_] = of(f"{before}CUDA driver version is insufficient for CUDA runtime version")
    assert (first.name, first.score > QUOTED) == ("driver-too-old", True)


def test_each_list_of_faults_is_there() -> None:
    assert set(tables.own_words()) >= tables.faults()


def test_words_are_lower_case_and_none_is_one_letter() -> None:
    for name, words in tables.own_words().items():
        assert all(word == word.lower() and (len(word) > 1 or not word.isascii()) for word in words), name


def test_a_word_begins_where_a_word_does() -> None:
    assert holds(("leak",), "a leaking card") and not holds(("leak",), "bleak weather")
    assert not holds(("cpu",), "cpus") and holds(("显存",), "我的显存不够")


def test_a_word_that_is_marked_ends_where_a_word_does_too() -> None:
    assert holds(("hand|",), "a hand") and holds(("hand|",), "two hands.") and not holds(("hand|",), "a handle")
    assert not holds(("screen|",), "screenshots") and not holds(("port 80|",), "port 8000")


PATHS = {
    "windows": r"C:\Users\me\AppData\Local\Programs\Python\Python310\Lib\site-packages",
    "windows-forward": "C:/Users/me/venv/Lib/site-packages",
    "windows-drive": r"D:\face service\venv\lib\site-packages",
    "windows-share": r"\\server\share\venv\Lib\site-packages",
    "windows-user-in-chinese": r"C:\Users\用户\venv\Lib\site-packages",
    "json-escaped": r"C:\\Users\\me\\venv\\Lib\\site-packages",
    "wsl": "/mnt/c/Users/me/venv/lib/python3.10/site-packages",
    "wsl-from-windows": r"\\wsl.localhost\Ubuntu-22.04\home\me\venv\lib\python3.10\site-packages",
    "macos": "/Users/me/Library/Caches/pypoetry/virtualenvs/face-x1/lib/python3.11/site-packages",
    "macos-framework": "/Library/Frameworks/Python.framework/Versions/3.11/lib/python3.11/site-packages",
    "linux": "/opt/venv/lib/python3.10/site-packages",
}


TRACES = {
    "model-nested-directory": (
        "insightface/app/face_analysis.py",
        "    assert 'detection' in self.models\nAssertionError",
    ),
    "image-not-read": (
        "insightface/model_zoo/retinaface.py",
        "AttributeError: 'NoneType' object has no attribute 'shape'",
    ),
    "opencv-system-libs-missing": (
        "cv2/__init__.py",
        "ImportError: libGL.so.1: cannot open shared object file: No such file",
    ),
    "model-missing": (
        "insightface/model_zoo/model_zoo.py",
        "AssertionError: model_file {root}inswapper_128.onnx should exist",
    ),
    "model-corrupt": (
        "onnxruntime/capi/onnxruntime_inference_collection.py",
        "[ONNXRuntimeError] : 7 : INVALID_PROTOBUF : Load model from {root}det_10g.onnx failed:Protobuf parsing failed.",
    ),
}


@pytest.mark.parametrize("system", PATHS)
@pytest.mark.parametrize("cause", TRACES)
def test_paths_of_every_system_are_read(system: str, cause: str) -> None:
    root, (tail, error) = PATHS[system], TRACES[cause]
    between = "\\\\" if system == "json-escaped" else "\\" if "\\" in root else "/"
    file = between.join([root, *tail.split("/")])
    text = f'Traceback (most recent call last):\n  File "{file}", line 43, in __init__\n' + error.format(
        root=root + between
    )
    assert cause in three(text), three(text)


def test_windows_says_it_in_other_languages() -> None:
    for said in (
        "ImportError: DLL load failed while importing onnxruntime_pybind11_state: 找不到指定的程序。",
        "ImportError: DLL load failed while importing onnxruntime_pybind11_state: Die angegebene Prozedur wurde nicht gefunden.",
        "OSError: [WinError 1114] ダイナミック リンク ライブラリ (DLL) 初期化ルーチンの実行に失敗しました。",
    ):
        assert three(said)[0] == "windows-runtime-dll-missing", said


@pytest.mark.parametrize(
    ("said", "spelled"),
    [
        ("it fails to use the gpu", "fails to not use"),
        ("the card is no longer being used", "no longer not used"),
        ("the card isn't being used", "is not used"),
        ("the face does not get detected", "does not detected"),
        ("it stopped detecting faces", "stopped not detecting"),
        ("it never finds a face", "never not finds"),
        ("没法使用显卡", "无法使用"),
    ],
)
def test_every_way_to_deny_is_one(said: str, spelled: str) -> None:
    assert spelled in spelled_out(said)


def test_a_wish_is_no_complaint() -> None:
    wish = "I pass the weights of retinaface as arguments so that it does not download them at the first call."
    assert three(wish) == []
    assert three(wish.replace("so that it does", "but it does"))[0] == "model-download-failed"


@pytest.mark.parametrize(
    ("said", "cause"),
    [
        ("Since the update to albumentations 3 my insightface service raises an error.", "dependency-version-conflict"),
        ("With CUDA the face embeddings come back as NaN.", "smoke-wrong-result"),
        ("insightface: in the list of providers CUDA is not listed, only Azure and CPU.", "ort-cpu-package"),
        ("facenet: the model is missing in the assets of my face service.", "model-missing"),
        ("人脸识别：跑一段时间显存会爆", "vram-insufficient"),
    ],
)
def test_more_of_what_people_say(said: str, cause: str) -> None:
    assert cause in three(said), three(said)


def test_an_image_for_gpus_brings_cuda_and_lacks_the_card() -> None:
    said = "import torch; torch.cuda.is_available()\nFalse"
    assert three(said)[0] == "torch-cpu-build"
    assert three("In the docker image pytorch/pytorch:latest:\n\n" + said)[0] == "container-started-without-gpu"


def test_a_result_after_a_comma_is_a_complaint() -> None:
    assert "not collide" not in spelled_out("I moved the service to another port so it can't collide with the old one.")
    assert "not start" in spelled_out("The port was taken, so it can't start.")


def test_particular_words_may_stand_in_two_sentences() -> None:
    said = "On our EC2 machine a colleague set up the firewall. Since then the face API times out."
    [first, *_] = of(said)
    assert (first.name, first.symptoms) == ("port-blocked", ("firewall-told",))
    apart = said.replace(
        "Since then", "We had lunch then, which was good and which I like to tell you of here. Since then"
    )
    assert all("firewall-told" not in one.symptoms for one in of(apart))


FAR = (
    "I installed git lfs last year on another box, for games.\n"
    "Whatever I do here, and I asked two people, the detector still complains.\n"
    "The weights of retinaface are text files, I think."
)


def test_words_anywhere_in_a_short_text_count_where_nothing_else_is_told() -> None:
    assert of(FAR)[0].symptoms == ("lfs-far",)
    for finer in (
        "libcublasLt.so.12: cannot open shared object file: No such file or directory",
        "Both insightface processes use the GPU and the VRAM increases with each picture.",
    ):
        found = of(f"{FAR}\n\n{finer}")
        assert found and all("lfs-far" not in one.symptoms for one in found)


def test_words_anywhere_count_in_short_texts_of_speech_only() -> None:
    assert of(FAR + "\nThis is what we see each day, and nothing more than that." * 60) == ()
    assert of("git lfs\ndetector fails\nweights retinaface text file") == ()


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("Resume from epoch 10\nRuntimeError: CUDA error: device-side assert triggered", "smoke-inference-failed"),
        ("Laptop did not sleep. RuntimeError: CUDA error: unspecified launch failure", "smoke-inference-failed"),
        ("[ONNXRuntimeError] : 5 : ENGINE_ERROR : CUDA failure; sleep 5 s, then retry", "smoke-inference-failed"),
        (
            " * Running on http://127.0.0.1:5000\n[ERROR] request timeout\nModuleNotFoundError: No module named 'insightface'",
            "package-import-fails",
        ),
        (
            "[2026-11-23 09:00:03 +0000] [811] [INFO] Listening at: http://127.0.0.1:8000 (811)\n"
            "[2026-11-23 09:01:03 +0000] [811] [CRITICAL] WORKER TIMEOUT (pid:812)",
            "service-crashed-or-not-ready",
        ),
        (
            "I have a GPU (RTX 3060) and driver 535, but torch does not see it.\n"
            "AssertionError: Torch not compiled with CUDA enabled",
            "torch-cpu-build",
        ),
        (
            "It seems pip gave me a build without CUDA.\nAssertionError: Torch not compiled with CUDA enabled",
            "torch-cpu-build",
        ),
    ],
)
def test_programs_lines_are_no_words_of_sleep_nor_of_addresses(text: str, cause: str) -> None:
    assert cause in three(text)[:2], three(text)
    assert not {"driver-state-lost", "service-loopback-only", "cuda-hardcoded"} & set(three(text)[:1])


def test_a_port_ends_where_its_number_does() -> None:
    assert holds(("port 80",), "on port 80, says") and not holds(("port 80",), "on port 8000")
    text = "The face service on port {} fails to open the model: permission denied."
    assert "port-forbidden" not in three(text.format(8000))


def test_an_atomic_write_is_no_old_processor() -> None:
    text = "The model file is written {}. On error the container restarts."
    assert "cpu-instructions-missing" not in three(text.format("atomically"))
    assert "cpu-instructions-missing" in three("The face container on my Intel Atom is killed: illegal instruction.")
