"""Faults of onnxruntime-gpu, of the libraries under it and of torch, made for real on a machine whose card works: each is the
only root, and each healthy twin is silent."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.doctor import after_commands, follow_plan, install, make_venv, resolved, run_fix
from tests.shared import install_cpu_torch
from tests.standins import (
    Machine,
    Report,
    cudart_folder,
    cudnn_folder,
    doctor,
    library_path,
    needs_root,
    toolkit_folder,
)
from tests.standins.build import library
from tests.test_faults_driver import CLEAN, DOMAINS
from tests.test_torch import VERSION_FILE

GPU = ("onnxruntime-gpu==1.31.1", "numpy==2.4.6")


@dataclass(frozen=True, kw_only=True)
class Target:
    """A virtual environment of its own with onnxruntime-gpu in it."""

    folder: Path
    python: Path

    @property
    def site(self) -> Path:
        return next((self.folder / "target" / "lib").glob("python3*/site-packages"))

    @property
    def capi(self) -> Path:
        return self.site / "onnxruntime" / "capi"

    def looked(
        self,
        *words: str,
        path: str | None = None,
        absent: tuple[str, ...] = (),
        **environment: str,
    ) -> Report:
        return self.looked_on({"absent": absent}, *words, path=path, **environment)

    def looked_on(self, machine: dict[str, Any], *words: str, path: str | None = None, **environment: str) -> Report:
        """*machine*: what differs from a healthy one."""
        number = len(list(self.folder.glob("machine*")))
        shown = Machine(folder=self.folder / f"machine{number}", **machine)
        variables = {**CLEAN, "LD_LIBRARY_PATH": library_path() if path is None else path, **environment}
        return doctor(self.folder, *DOMAINS, *words, environment=variables, machine=shown, target=str(self.python))


def make_target(folder: Path, *requirements: str, kind: str = "uv") -> Target:
    needs_root()
    python = make_venv(folder / "target", kind)
    if requirements:
        install(python, *requirements)
    return Target(folder=folder, python=python)


@pytest.fixture
def target(tmp_path: Path) -> Target:
    return make_target(tmp_path, *GPU)


def only_root(report: Report, name: str) -> Any:
    assert report.roots == {name}, report.summary()
    return report.finding(name)


def silent(report: Report) -> None:
    assert report.names == set(), report.summary()
    assert report.exit_code == 0, [one for one in report.json["checks"] if one["verdict"] == "unknown"]


def test_the_twin_of_them_all(target: Target) -> None:
    silent(target.looked())


def replace(path: Path, text: str) -> None:
    path.unlink()  # a link to uv's cache: writing through it would change that
    path.write_text(text)


WITHOUT_CUBLAS = {"libcublas.so.13", "libcublasLt.so.13", "libcurand.so.10"}


def test_libraries_that_are_nowhere_are_named_all_at_once(target: Target) -> None:
    report = target.looked(path=library_path(without=[toolkit_folder()]))
    finding = only_root(report, "ort-cuda-libs-missing")
    assert set(finding["evidence"]["missing"]) == WITHOUT_CUBLAS
    [attempt, *_] = report.facts("ort_runtime")["attempts"]
    assert "libcublasLt.so.13: cannot open shared object file" in "\n".join(attempt["log"])
    resolved(finding, "nvidia-cublas", "nvidia-cudnn-cu13")


def test_a_library_that_is_cut_short(target: Target) -> None:
    broken = target.folder / "broken"
    broken.mkdir()
    (broken / "libcurand.so.10").write_bytes(b"")
    report = target.looked(path=library_path(first=[broken]))
    finding = only_root(report, "ort-cuda-libs-missing")
    assert finding["evidence"]["damaged"] == str(broken / "libcurand.so.10")
    assert finding["evidence"]["damage"] == "empty"


def changed(target: Target, name: str, change: Callable[[Path], object]) -> str:
    """The library path of a machine whose copy of that library *change* has spoiled."""
    folder = target.folder / "changed"
    shutil.copytree(toolkit_folder(), folder)
    change(folder / name)
    return library_path(without=[toolkit_folder()], first=[folder])


def for_aarch64(path: Path) -> None:
    code = bytearray(path.read_bytes())
    code[18:20] = (183).to_bytes(2, "little")  # e_machine (elf.h)
    path.write_bytes(bytes(code))


def test_a_library_for_another_processor_is_not_one_off_the_path(target: Target) -> None:
    report = target.looked(path=changed(target, "libcublas.so.13", for_aarch64))
    finding = only_root(report, "ort-cuda-libs-missing")
    assert finding["evidence"]["damage"] == "other-machine"


def test_a_library_that_the_services_user_may_not_read(target: Target) -> None:
    path = changed(target, "libcublas.so.13", lambda library: library.chmod(0))
    environment = {**CLEAN, "LD_LIBRARY_PATH": path}
    machine = Machine(folder=target.folder / "machine")
    report = doctor(
        target.folder,
        *DOMAINS,
        environment=environment,
        machine=machine,
        target=str(target.python),
        unprivileged=True,
    )
    finding = only_root(report, "ort-cuda-libs-missing")
    assert finding["fix"]["commands"] == [f"sudo chmod a+rX {target.folder}/changed/libcublas.so.13"]


def test_libraries_of_another_major(target: Target) -> None:
    other = target.folder / "cuda-12"
    for name in ("libcublas.so.12", "libcublasLt.so.12"):
        library(other, name)
    report = target.looked(path=library_path(without=[toolkit_folder()], first=[other]))
    finding = only_root(report, "ort-cuda-major-mismatch")
    assert finding["evidence"]["present_major"] == 12
    resolved(finding, "nvidia-cudnn-cu13")


def put_into_pips_place(target: Target) -> None:
    """The stand-ins where pip puts NVIDIA's libraries."""
    for folder, place in (
        (toolkit_folder(), "cu13"),
        (cudart_folder(), "cu13"),
        (cudnn_folder(), "cudnn"),
    ):
        lib = target.site / "nvidia" / place / "lib"
        lib.mkdir(parents=True, exist_ok=True)
        for file in folder.glob("lib*.so.[0-9]*"):
            shutil.copy(file, lib)


OUT_OF_THE_WAY = (toolkit_folder, cudart_folder, cudnn_folder)


def test_libraries_that_pip_installed_out_of_the_loaders_way(target: Target) -> None:
    put_into_pips_place(target)
    path = library_path(without=[folder() for folder in OUT_OF_THE_WAY])
    report = target.looked(path=path)
    finding = only_root(report, "ort-cuda-libs-not-on-path")
    attempts = {one["how"]: one for one in report.facts("ort_runtime")["attempts"]}
    assert attempts["plain"]["nodes"] == {"CPUExecutionProvider": 2}
    assert attempts["preload"]["nodes"] == {"CUDAExecutionProvider": 2}
    assert finding["evidence"]["ways"] == ["preload"]
    after = after_commands(finding["fix"]["commands"], {"LD_LIBRARY_PATH": path})
    silent(target.looked(path=after["LD_LIBRARY_PATH"]))


def test_libraries_that_only_torch_would_load(target: Target) -> None:
    """A torch that loads them from its own folder when it is imported, as the real one does."""
    put_into_pips_place(target)
    (target.site / "nvidia" / "cu13").rename(target.site / "torch_libraries")
    make_torch(target, preloads=target.site / "torch_libraries" / "lib")
    path = library_path(without=[toolkit_folder(), cudart_folder()])
    report = target.looked(path=path)
    attempts = {one["how"]: one for one in report.facts("ort_runtime")["attempts"]}
    assert attempts["torch"]["nodes"] == {"CUDAExecutionProvider": 2}, report.summary()
    assert "CUDAExecutionProvider" not in attempts["plain"]["nodes"]
    finding = only_root(report, "ort-cuda-libs-not-on-path")
    assert finding["evidence"]["ways"] == ["torch"]
    assert finding["evidence"]["folders"] == [str(target.site / "torch_libraries" / "lib")]
    assert "import torch" in finding["fix"]["text"]


def test_an_insightface_that_preloads_them_itself_leaves_nothing_to_say(target: Target) -> None:
    put_into_pips_place(target)
    install(target.python, "--no-deps", "insightface==2.1")
    path = library_path(without=[folder() for folder in OUT_OF_THE_WAY])
    report = target.looked("--skip", "package-import-fails", path=path)
    silent(report)
    assert report.facts("ort_runtime")["attempts"][0]["how"] == "preload"


def test_no_cudnn_shows_only_when_a_convolution_runs(target: Target) -> None:
    report = target.looked(path=library_path(without=[cudnn_folder()]))
    finding = only_root(report, "ort-cudnn-mismatch")
    [attempt, *_] = report.facts("ort_runtime")["attempts"]
    assert "CUDAExecutionProvider" in attempt["session"]
    assert "cuDNN is unavailable" in finding["evidence"]["run_error"]
    resolved(finding, "nvidia-cudnn-cu13")


def test_a_cudnn_of_another_major(target: Target) -> None:
    other = library(target.folder / "cudnn-8", "libcudnn.so.8")
    report = target.looked(path=library_path(without=[cudnn_folder()], first=[other]))
    finding = only_root(report, "ort-cudnn-mismatch")
    assert [one["soname"] for one in finding["evidence"]["other_major"]] == ["libcudnn.so.8"]
    resolved(finding, "nvidia-cudnn-cu13")


def test_a_card_for_which_the_wheel_holds_no_code(target: Target) -> None:
    report = target.looked(STANDIN_CAPABILITY="70", STANDIN_NAME="Tesla V100", STANDIN_LAUNCH="209")
    finding = only_root(report, "ort-arch-unsupported")
    assert finding["evidence"]["arch_list"] == ["sm_75", "sm_80", "sm_86", "sm_89", "sm_90a", "sm_120a"]
    assert "no kernel image" in report.finding("ort-session-on-cpu")["evidence"]["error"]
    resolved(finding, "onnxruntime-gpu==1.26.0", "nvidia-cudnn-cu12")


def test_a_card_newer_than_the_wheel(target: Target) -> None:
    report = target.looked(STANDIN_CAPABILITY="100", STANDIN_NAME="NVIDIA B200", STANDIN_LAUNCH="209")
    resolved(only_root(report, "ort-arch-unsupported"), "onnxruntime-gpu==1.28.0")


def test_a_tensorrt_of_another_major_is_a_note(target: Target) -> None:
    other = library(target.folder / "tensorrt", "libnvinfer.so.11")
    report = target.looked(path=library_path(first=[other]))
    finding = only_root(report, "ort-tensorrt-libs-missing")
    assert (finding["severity"], report.exit_code) == ("note", 0)
    assert finding["evidence"]["missing"] == ["libnvinfer.so.10", "libnvonnxparser.so.10"]
    for name in ("libnvinfer.so.10", "libnvonnxparser.so.10"):
        library(other, name)
    silent(target.looked(path=library_path(first=[other])))


@pytest.mark.parametrize("name", ["libnvrtc.so.13", "libnvrtc.so.12"])
def test_cudas_own_compiler_is_no_tensorrt(name: str, target: Target) -> None:
    """It comes with the very set that the doctor recommends, and begins with the same letters."""
    silent(target.looked(path=library_path(first=[library(target.folder / "cuda", name)])))


def test_a_wheel_of_another_python(target: Target) -> None:
    """As one that was unpacked by hand: its module bears the name that Python 3.12 looks for."""
    [module] = target.capi.glob("onnxruntime_pybind11_state*.so")
    module.rename(module.with_name(module.name.replace("cpython-311", "cpython-312")))
    for name in ("RECORD", "WHEEL"):
        [file] = target.site.glob(f"onnxruntime_gpu-*.dist-info/{name}")
        replace(file, file.read_text().replace("cpython-311", "cpython-312").replace("cp311", "cp312"))
    report = target.looked()
    finding = only_root(report, "ort-wheel-wrong-platform")
    assert finding["evidence"]["other_machine"] is False
    run_fix(report.json, "ort-wheel-wrong-platform", target.folder)
    silent(target.looked())


def test_a_wheel_for_another_processor(tmp_path: Path) -> None:
    """PyPI's own wheel for aarch64, unpacked into an x86_64 machine's Python."""
    target = make_target(tmp_path, "numpy==2.4.6")
    wheel = ["--python-platform", "aarch64-unknown-linux-gnu", "--no-deps", "--target", str(target.site)]
    env = {**os.environ, "UV_NO_CONFIG": "1"}
    command = ["uv", "pip", "install", "--quiet", "--python", str(target.python), *wheel, "onnxruntime==1.26.0"]
    subprocess.run(command, check=True, cwd="/", env=env)
    report = target.looked("--device", "cpu")
    finding = only_root(report, "ort-wheel-wrong-platform")
    assert (finding["evidence"]["machine"], finding["evidence"]["here"]) == ("aarch64", "x86_64")
    run_fix(report.json, "ort-wheel-wrong-platform", target.folder)
    silent(target.looked("--device", "cpu"))


def test_costly_operators_on_the_cpu(target: Target) -> None:
    """A resize of signed bytes, for which CUDA has no kernel; its twin resizes floats."""
    for kind, roots in (("INT8", {"ort-nodes-on-cpu"}), ("FLOAT", set())):
        model = target.folder / f"{kind}.onnx"
        resizing_model(model, kind)
        report = target.looked(
            "--only",
            "inference",
            "--skip",
            "smoke-wrong-result,known-answer-wrong,smoke-too-slow",
            "--model",
            str(model),
        )
        assert report.roots == roots, report.summary()
    assert report.exit_code == 0


def resizing_model(path: Path, kind: str) -> None:
    import numpy
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    scales = numpy_helper.from_array(numpy.array([1, 1, 2, 2], numpy.float32), "scales")
    nodes = [
        helper.make_node("Relu", ["x"], ["r"]),
        helper.make_node("Cast", ["r"], ["c"], to=getattr(TensorProto, kind)),
        helper.make_node("Resize", ["c", "", "scales"], ["s"], mode="nearest"),
        helper.make_node("Cast", ["s"], ["y"], to=TensorProto.FLOAT),
    ]
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes,
        "resize",
        [value("x", TensorProto.FLOAT, [1, 3, 64, 64])],
        [value("y", TensorProto.FLOAT, [1, 3, 128, 128])],
        [scales],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.save(model, str(path))


# torch

FAKE_TORCH = """
import ctypes, glob, types
for path in sorted(glob.glob({preloads!r} + "/*.so.*"), reverse=True) if {preloads!r} else ():
    ctypes.CDLL(path, mode=ctypes.RTLD_GLOBAL)
from .version import __version__
from . import version
class _C:
    @staticmethod
    def _cuda_getArchFlags():
        return {arch!r}
class Tensor:
    def __init__(self, values): self.values = values
    def __mul__(self, factor): return Tensor([v * factor for v in self.values])
    def sum(self): return Tensor([sum(self.values)])
    def item(self): return self.values[0]
def arange(end, device):
    if {error!r}:
        raise RuntimeError({error!r})
    return Tensor([float(i) for i in range(int(end))])
cuda = types.SimpleNamespace(
    is_available=lambda: True, device_count=lambda: 1, get_arch_list=lambda: [], get_device_name=lambda index: "Tesla T4"
)
backends = types.SimpleNamespace(cudnn=types.SimpleNamespace(version=lambda: 92000))
"""


def make_torch(
    target: Target, *, arch: str = "sm_75 sm_80", error: str = "", preloads: Path | None = None, version: str = "2.11.0"
) -> None:
    """A package torch that answers as one with CUDA does: its build is gigabytes, and its kernels need a card."""
    package = target.site / "torch"
    package.mkdir()
    text = FAKE_TORCH.format(arch=arch, error=error, preloads=str(preloads or ""))
    (package / "__init__.py").write_text(text)
    (package / "version.py").write_text(VERSION_FILE.format(version=version, cuda="13.0", hip=None))


def test_a_torch_that_computes_is_silent(target: Target) -> None:
    make_torch(target)
    silent(target.looked())


def test_a_torch_without_code_for_the_card(target: Target) -> None:
    make_torch(target, arch="sm_80 sm_90", error="CUDA error: no kernel image is available for execution on the device")
    report = target.looked()
    resolved(only_root(report, "torch-arch-unsupported"), "torch==")
    assert "torch-cannot-use-gpu" in report.names


def test_a_torch_that_says_yes_and_cannot(target: Target) -> None:
    make_torch(target, error="CUDA error: an illegal memory access was encountered")
    finding = only_root(target.looked(), "torch-cannot-use-gpu")
    assert finding["evidence"]["available"] is True
    assert "illegal memory access" in finding["message"]


def test_the_real_cpu_build_of_torch(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    target = make_target(tmp_path, *GPU, "pip")
    install_cpu_torch(target.python, tmp_path_factory)
    finding = only_root(target.looked(), "torch-cpu-build")
    assert finding["evidence"]["version"] == "2.13.0+cpu"
    resolved(finding, "torch==")
    silent(target.looked("--device", "cpu"))


# The packages of onnxruntime: over each other in test_onnxruntime.py, too, by pip and uv and in either order.

CASES: dict[str, tuple[tuple[str, ...], Callable[[Target], None], str]] = {
    "both, the CPU one last": (GPU, lambda t: install(t.python, "onnxruntime==1.32.0"), "ort-both-packages"),
    "the CPU one alone": (("onnxruntime==1.32.0", "numpy==2.4.6"), lambda _: None, "ort-cpu-package"),
    "none": (("numpy==2.4.6",), lambda _: None, "ort-missing"),
    "a file is gone": (GPU, lambda t: (t.capi / "_pybind_state.py").unlink(), "ort-broken-install"),
    "its import raises": (GPU, lambda t: raising(t.site / "onnxruntime" / "__init__.py"), "ort-import-fails"),
}


def raising(path: Path) -> None:
    replace(path, path.read_text() + "\nraise RuntimeError('spoiled')\n")


@pytest.mark.parametrize("name", CASES)
def test_packages(name: str, tmp_path: Path) -> None:
    requirements, spoil, root = CASES[name]
    target = make_target(tmp_path, *requirements)
    spoil(target)
    report = target.looked()
    only_root(report, root)
    follow_plan(report.json, tmp_path)
    silent(target.looked())


SEVERAL: dict[str, tuple[tuple[str, ...], tuple[str, ...], set[str]]] = {
    "both packages, and the old pynvml": (GPU, ("onnxruntime==1.32.0", "pynvml==13.0.1"), {"ort-both-packages"}),
    "both packages, and no insightface for the pack": (
        GPU,
        ("onnxruntime==1.32.0",),
        {"ort-both-packages", "insightface-missing"},
    ),
    "the CPU package alone, and no insightface for the pack": (
        ("onnxruntime==1.32.0", "numpy==2.4.6"),
        (),
        {"ort-cpu-package", "insightface-missing"},
    ),
}


@pytest.mark.parametrize("name", SEVERAL)
def test_several_causes_of_one_environment_are_fixed_by_one_plan(name: str, tmp_path: Path) -> None:
    """The commands of one cause alone, or one after the other, would bring back what the first had removed."""
    before, then, roots = SEVERAL[name]
    target = make_target(tmp_path, *before)
    if then:
        install(target.python, *then)
    words = ("--model", "buffalo_l") if "insightface-missing" in roots else ()
    report = target.looked(*words)
    assert roots <= report.names, report.summary()
    commands = follow_plan(report.json, tmp_path)
    assert len(commands) == len(set(commands))
    after = target.looked(*words)
    assert not roots & after.names, after.summary()
    assert not any(name.startswith("ort-") for name in after.names), after.summary()
