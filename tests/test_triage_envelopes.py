"""Errors whose sentence no row knows: who raised them, and at what, leads to the family of the cause. The texts are what real
onnxruntime, insightface, OpenCV and Python print here."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from retina_doctor_checks.triage import tables
from retina_doctor_checks.triage.diagnosing import case_of, diagnoses
from retina_doctor_checks.triage.text import read
from retina_doctor_checks.triage.tracebacks import raised

SESSION = """
import onnx, onnxruntime, numpy
from onnx import TensorProto, helper
value = lambda name, shape: helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
graph = helper.make_graph([helper.make_node("Relu", ["data"], ["score"])], "g", [value("data", [1, 4])], [value("score", [1, 4])])
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
"""


def names(text: str) -> list[str]:
    return [one.name for one in diagnoses(case_of(read(text), people_wrote=False), {})]


def ending(program: str, folder: Path) -> str:
    done = subprocess.run([sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode, done.stdout
    return done.stderr


@pytest.mark.parametrize(
    ("program", "cause"),
    [
        (SESSION + "session.run(['score_8'], {'data': numpy.zeros((1, 4), 'f4')})", "model-not-a-detector"),
        (SESSION + "session.run(None, {'input.1': numpy.zeros((1, 4), 'f4')})", "smoke-inference-failed"),
        (SESSION + "session.run(None, {'data': numpy.zeros((1, 4), 'f8')})", "smoke-inference-failed"),
        (
            "import cv2, numpy\nx = 'insightface'\ncv2.warpAffine(numpy.zeros((0, 0, 3)), numpy.zeros((2, 3)), (4, 4))",
            "image-not-read",
        ),
    ],
)
def test_what_a_library_refuses(program: str, cause: str, tmp_path: Path) -> None:
    said = ending(program, tmp_path)
    assert cause in names("face detection\n\n" + said)[:2], said


def test_a_package_that_breaks_at_its_import_is_of_another_release(tmp_path: Path) -> None:
    """A real package in a real site-packages folder, whose first line asks numpy for what it has not."""
    package = tmp_path / "site-packages" / "face_blocks"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("from numpy import a_name_that_only_an_older_release_had\n")
    program = f"import sys; sys.path.insert(0, {str(package.parent)!r}); import face_blocks"
    said = ending(program, tmp_path)
    (one,) = raised(read(said))
    assert (one.module, one.function, one.error) == ("face_blocks/__init__", "<module>", "ImportError")
    assert names("face detection\n\n" + said)[0] == "dependency-version-conflict"


def test_what_an_import_calls_counts_as_the_import(tmp_path: Path) -> None:
    """The package's first lines call a function of its own, which asks numpy for what it has not; later that is no import."""
    package = tmp_path / "site-packages" / "face_blocks"
    package.mkdir(parents=True)
    (package / "parts.py").write_text(
        "import numpy\ndef made():\n    return numpy.zeros(1).a_name_that_an_older_release_had\n"
    )
    (package / "__init__.py").write_text("from .parts import made\nDEFAULT = made()\n")
    program = f"import sys; sys.path.insert(0, {str(package.parent)!r}); import face_blocks"
    said = ending(program, tmp_path)
    (one,) = [one for one in raised(read(said)) if one.module == "face_blocks/parts"]
    assert (one.function, one.importing) == ("made", True)
    (package / "__init__.py").write_text("from .parts import made\n")
    (later,) = [
        one
        for one in raised(read(ending(f"{program}.parts; face_blocks.made()", tmp_path)))
        if "face_blocks" in one.module
    ]
    assert not later.importing


def test_a_file_that_bears_the_name_of_a_package(tmp_path: Path) -> None:
    (tmp_path / "onnxruntime.py").write_text("")
    assert names(ending("import onnxruntime.capi", tmp_path))[0] == "package-shadowed"


def test_the_innermost_package_counts(tmp_path: Path) -> None:
    said = ending(SESSION + "session.run(None, {'data': 'no array'})", tmp_path)
    assert [one.module for one in raised(read(said))] == ["onnxruntime/capi/onnxruntime_inference_collection"]
    assert list(raised(read(said.replace("-packages", "")))) == []


@pytest.mark.parametrize(
    ("frame", "module", "function"),
    [
        (r'  File "D:\venv\lib\site-packages\torch\hub.py", line 9, in load_state', "torch/hub", "load_state"),
        ("/opt/conda/lib/python3.8/site-packages/torch/hub.py in load_state(url)", "torch/hub", "load_state"),
        ("│ /opt/lib/python3.11/dist-packages/torch/hub.py:9 in load_state │", "torch/hub", "load_state"),
    ],
)
def test_frames_as_python_ipython_and_rich_write_them(frame: str, module: str, function: str) -> None:
    (one,) = raised(read(f"{frame}\n    open(x)\nRuntimeError: none"))
    assert (one.module, one.function, one.error) == (module, function, "RuntimeError")


@pytest.mark.parametrize("kind", ["mount", "container", "input", "permission", "requirement"])
def test_each_kind_of_error_of_libnvidia_container(kind: str) -> None:
    """src/cli/configure.c: "KIND error: %s", whatever follows."""
    first = names(f"nvidia-container-cli: {kind} error: something that nobody has met")[0]
    assert first == ("driver-too-old" if kind == "requirement" else "container-toolkit-missing")


def test_a_sentence_that_a_row_knows_is_not_told_by_its_envelope() -> None:
    said = "[ONNXRuntimeError] : 6 : RUNTIME_EXCEPTION : CUDA failure 2: out of memory ; GPU=0 ; expr=cudaMalloc"
    assert names(said)[0].startswith("vram-")


@pytest.mark.parametrize("form", tables.spellings()["exit"].forms)
def test_a_status_is_known_however_it_is_written(form: str) -> None:
    """The numbers are those of bash(1) and signal(7): 128 and the signal."""
    written = form.replace("{code}", "{}")
    assert names("face detection: " + written.format(132))[0] == "cpu-instructions-missing"
    assert names("face detection: " + written.format(137))[0] == "service-crashed-or-not-ready"
    assert names("face detection: " + written.format(0)) == names("face detection: " + written.format(1320)) == []


@pytest.mark.parametrize(
    ("says", "first"),
    [
        # Go's net/http and net: a fetch at the port of TLS
        (
            "error reading response for https://files.example.org/antelopev2.tar: read tcp 172.17.0.2:42612->93.184.216.34:443: "
            "read: connection reset by peer",
            "model-download-failed",
        ),
        (
            "docker run -p 8000:8000 face\nrequests: http://localhost:8000/detect Connection reset by peer",
            "service-loopback-only",
        ),
        # requests: urllib3's pool asks the loopback address and finds nobody
        (
            "docker run -p 8000:8000 face\nHTTPConnectionPool(host='127.0.0.1', port=8000): Max retries exceeded with url: / "
            "(Caused by NewConnectionError('<urllib3.connection.HTTPConnection object at 0x7f>",
            "service-",
        ),
    ],
)
def test_whose_connection_it_is(says: str, first: str) -> None:
    found = names(says)
    assert found[0].startswith(first), found
    assert first != "service-" or found[0] != "service-loopback-only", found
