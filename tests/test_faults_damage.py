"""What half-finished installations, full disks and odd places leave behind, made for real on a machine whose card works. The
files alone (check --quick) may not know, and never say the opposite of the full check."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.doctor import install, run_fix
from tests.standins import Report, cudnn_folder, library_path, toolkit_folder
from tests.test_faults_onnxruntime import GPU, Target, make_target, only_root, silent
from tests.test_faults_python import cudnn_wheel

JUDGED_FROM_FILES = ("RD2",)


@pytest.fixture
def target(tmp_path: Path) -> Target:
    return make_target(tmp_path, *GPU)


def both(target: Target, *words: str, path: str | None = None, **environment: str) -> tuple[Report, Report]:
    """The full check and the quick one, which agree or of which one does not know."""
    full = target.looked(*words, path=path, absent=(), **environment)
    quick = target.looked("--quick", *words, path=path, absent=(), **environment)
    verdicts = {one["code"]: one["verdict"] for one in full.json["checks"]}
    for one in quick.json["checks"]:
        if one["code"].startswith(JUDGED_FROM_FILES):
            assert {one["verdict"], verdicts[one["code"]]} != {"passed", "failed"}, (one, full.summary())
    return full, quick


def replaced(path: Path, data: bytes | None) -> None:
    """uv installs links to its cache: writing through one would spoil that."""
    path.unlink()
    if data is not None:
        path.write_bytes(data)


PROVIDER, SHARED = "libonnxruntime_providers_cuda.so", "libonnxruntime_providers_shared.so"


@pytest.mark.parametrize("name", [PROVIDER, SHARED, "onnxruntime_pybind11_state*.so", "_pybind_state.py"])
def test_a_file_of_onnxruntime_that_is_gone(target: Target, name: str) -> None:
    [file] = target.capi.glob(name)
    replaced(file, None)
    full, quick = both(target)
    only_root(full, "ort-broken-install")
    assert quick.exit_code != 0
    run_fix(full.json, "ort-broken-install", target.folder)
    silent(target.looked())


@pytest.mark.parametrize("name", ["../__init__.py", "_pybind_state.py"])
def test_a_source_file_of_onnxruntime_that_is_empty(target: Target, name: str) -> None:
    """As a crash or a full disk leaves it."""
    replaced(target.capi / name, b"")
    only_root(target.looked(), "ort-broken-install")


@pytest.mark.parametrize("part", [0.0, 0.5, 0.999])
@pytest.mark.parametrize("name", [PROVIDER, "onnxruntime_pybind11_state*.so"])
def test_a_file_of_onnxruntime_that_is_cut_short(target: Target, name: str, part: float) -> None:
    [file] = target.capi.glob(name)
    data = file.read_bytes()
    replaced(file, data[: int(len(data) * part)])
    full, quick = both(target)
    only_root(full, "ort-broken-install")
    assert quick.exit_code != 0


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, lambda path: path.symlink_to(path)])
def test_something_else_in_the_place_of_a_provider(target: Target, make: Callable[[Path], None]) -> None:
    replaced(target.capi / PROVIDER, None)
    make(target.capi / PROVIDER)
    full, _ = both(target, "--timeout", "8")
    only_root(full, "ort-broken-install")


def test_a_folder_of_the_same_name_that_is_no_package(target: Target) -> None:
    """app/onnxruntime/ with models in it: Python prefers the package that comes later on its path."""
    (target.folder / "app" / "onnxruntime").mkdir(parents=True)
    (target.folder / "app" / "insightface").mkdir()
    for report in both(target, PYTHONPATH=str(target.folder / "app")):
        silent(report)


def test_two_packages_in_two_places_do_not_overwrite_each_other(target: Target) -> None:
    other = target.folder / "cpu"
    words = ["uv", "pip", "install", "--quiet", "--no-deps", "--target", str(other), "--python", str(target.python)]
    subprocess.run([*words, "onnxruntime==1.32.0"], check=True, cwd="/", env={**os.environ, "UV_NO_CONFIG": "1"})
    later = target.site / "later.pth"
    later.write_text(f"{other}\n")
    for report in both(target):
        silent(report)
    later.unlink()
    full, quick = both(target, PYTHONPATH=str(other))
    only_root(full, "package-shadowed")
    only_root(quick, "package-shadowed")


DAMAGES: dict[str, Callable[[Path], object]] = {
    "empty": lambda path: path.write_bytes(b""),
    "cut-short": lambda path: path.write_bytes(path.with_name("whole").read_bytes()[:4000]),
    "no-file": lambda path: path.mkdir(),
    "leads-nowhere": lambda path: path.symlink_to("nowhere"),
    "no-library": lambda path: path.write_text("version https://git-lfs.github.com/spec/v1\n" * 20),
}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("soname", ["libcublas.so.13", "libcudnn.so.9"])
def test_a_damaged_library(target: Target, damage: str, soname: str) -> None:
    broken = target.folder / "with blank"
    broken.mkdir()
    shutil.copy((toolkit_folder() if "cublas" in soname else cudnn_folder()) / soname, broken / "whole")
    DAMAGES[damage](broken / soname)
    full, quick = both(target, path=library_path(first=[broken]))
    if damage == "leads-nowhere":  # which the loader passes over
        silent(full)
        silent(quick)
        return
    for report in (full, quick):
        finding = only_root(report, "ort-cuda-libs-missing")
        assert finding["evidence"]["damaged"] == str(broken / soname)
        assert finding["evidence"]["damage"] == damage


def test_a_damaged_library_of_the_driver_is_no_matter_of_packages(target: Target) -> None:
    (target.folder / "libs").mkdir()
    (target.folder / "libs" / "libcuda.so.1").write_bytes(b"")
    full, _ = both(target, path=library_path(first=[target.folder / "libs"]))
    only_root(full, "cuda-init-fails")


def test_a_path_of_libraries_may_have_semicolons(target: Target) -> None:
    """ld.so(8) takes both."""
    for report in both(target, path=library_path().replace(":", ";")):
        silent(report)


def test_a_record_in_another_encoding(target: Target) -> None:
    [record] = target.site.glob("onnxruntime_gpu-*.dist-info/RECORD")
    replaced(record, record.read_bytes() + "café.py,,\n".encode("latin-1"))
    full, quick = both(target, path=library_path(without=[toolkit_folder()]))
    only_root(full, "ort-cuda-libs-missing")
    only_root(quick, "ort-cuda-libs-missing")


def test_metadata_that_an_older_version_left_behind(target: Target) -> None:
    [info] = target.site.glob("onnxruntime_gpu-*.dist-info")
    stale = target.site / "onnxruntime_gpu-1.20.0.dist-info"
    stale.mkdir()
    (stale / "METADATA").write_text("Metadata-Version: 2.1\nName: onnxruntime-gpu\nVersion: 1.20.0\n")
    stale_numpy = target.site / "numpy-1.26.4.dist-info"
    stale_numpy.mkdir()
    (stale_numpy / "METADATA").write_text("Metadata-Version: 2.1\nName: numpy\nVersion: 1.26.4\n")
    for report in both(target):
        silent(report)
    assert info.exists()
    install(target.python, "--no-deps", "opencv-python-headless==4.8.1.78")
    full, quick = both(target)
    only_root(full, "numpy-abi")
    only_root(quick, "numpy-abi")


def shadowing(target: Target) -> Path:
    """cuDNN 9.1 on the loader's path, pip's 9.15 in its place."""
    install(target.python, str(cudnn_wheel(target.folder, 13, "9.15.0.57")))
    old = target.folder / "old"
    old.mkdir()
    shutil.copy(cudnn_folder() / "libcudnn.so.9", old / "libcudnn.so.9.1.0")
    (old / "libcudnn.so.9").symlink_to("libcudnn.so.9.1.0")
    return old


def test_a_shadowing_cudnn_that_crashes_is_the_root_of_the_crash(target: Target) -> None:
    full, quick = both(target, path=library_path(first=[shadowing(target)]), STANDIN_CUDNN_ABORT="1")
    assert only_root(full, "cudnn-shadowed")["severity"] == "error"
    assert "ort-import-fails" in full.names
    only_root(quick, "cudnn-shadowed")


def test_a_shadowing_cudnn_that_computes_is_a_note(target: Target) -> None:
    full, _ = both(target, path=library_path(first=[shadowing(target)]))
    assert only_root(full, "cudnn-shadowed")["severity"] == "note"


@pytest.mark.parametrize(
    ("visible", "hides"),
    [
        ("GPU-0000000", True),  # both cards begin so, and CUDA takes none
        ("GPU-00000000,GPU-00000000-1111", True),
        ("9" * 5000, True),
        ("0,", False),
        (" 1", False),
        ("1 ", False),
        ("0x0", False),
        ("NoDevFiles", True),
        ("\uff10", True),  # a digit of East Asian width is none to strtoul
        ("MIG-GPU-00000000-1111-2222-3333-444444444444/1/0", True),  # an instance of a card that is not divided
        ("0,-1", False),
    ],
)
def test_odd_words_in_cuda_visible_devices(target: Target, visible: str, hides: bool) -> None:
    report = target.looked("--quick", CUDA_VISIBLE_DEVICES=visible, STANDIN_COUNT="2", STANDIN_VISIBLE="0")
    verdict = report.verdict("cuda-visible-devices-hides-gpu")
    assert verdict == ("failed" if hides else "passed"), report.summary()


PROGRAMS = {
    "floods us": "exec yes",
    "leaves a daemon that holds its streams": "setsid sleep 30 & exit 0",
    "is killed": "kill -9 $$",
    "prints what is no text": "printf '\\377\\376\\n'; exit 9",
    "hangs": "sleep 30",
}


@pytest.mark.parametrize("does", PROGRAMS)
def test_an_nvidia_smi_that(target: Target, does: str) -> None:
    folder = target.folder / "bin"
    folder.mkdir()
    program = folder / "nvidia-smi"
    program.write_text(f"#!/bin/sh\n{PROGRAMS[does]}\n")
    program.chmod(0o755)
    report = target.looked("--timeout", "5", PATH=f"{folder}:{os.environ['PATH']}")
    assert report.roots <= {"nvidia-smi-hangs", "nvml-fails"}, report.summary()
    assert report.facts("ort_runtime")["attempts"][0]["nodes"] == {"CUDAExecutionProvider": 2}
    if does == "hangs":
        only_root(report, "nvidia-smi-hangs")


BYTES = os.fsdecode(b"caf\xe9")


@pytest.mark.parametrize(
    "odd",
    [
        {"STANDIN_NAME": os.fsdecode(b"Tesla\xff T4")},
        {"STANDIN_NAME": ""},
        {"STANDIN_DRIVER": os.fsdecode(b"580\xff")},
        {"STANDIN_DRIVER": "\x1b[31m580.95.05"},
        {"STANDIN_CAPABILITY": "0"},
        {"STANDIN_ECC": str(2**64 - 1)},
        {"STANDIN_PID": str(2**32 - 1), "STANDIN_USED": str(2**64 - 1)},
        {"CUDA_DEVICE_ORDER": "weird"},
        {"PYTHONWARNINGS": "error"},
        {"PYTHONINSPECT": "1"},
        {"PYTHONVERBOSE": "1"},
        {"PYTHONOPTIMIZE": "2"},
        {"LD_PRELOAD": "/nonexistent.so"},
        {"LD_DEBUG": "libs"},
        {"LC_ALL": "C", "PYTHONUTF8": "0"},
    ],
    ids=str,
)
def test_odd_answers_and_variables_break_no_probe(target: Target, odd: dict[str, str]) -> None:
    report = target.looked(absent=(), path=None, **odd)
    assert {one["outcome"] for one in report.json["probes"]} <= {"ok", "not_run"}, report.summary()
    assert report.facts("ort_runtime")["attempts"][0]["nodes"] == {"CUDAExecutionProvider": 2}


def test_libraries_in_a_folder_whose_name_is_no_text(target: Target) -> None:
    folder = target.folder / BYTES
    shutil.copytree(toolkit_folder(), folder)
    for report in both(target, path=library_path(without=[toolkit_folder()], first=[folder])):
        silent(report)
