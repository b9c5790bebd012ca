"""What loaders, importers, CUDA and nvidia-smi refuse, made for real: the finding says what their words mean, it is one root
however many modules fail, and it does not advise what cures nothing. Each healthy twin is silent."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.doctor import install, run_fix, uninstall
from tests.standins import Report, cudnn_folder, library_path, real_cudart_folder, toolkit_folder
from tests.standins.build import CUBLAS, compile_c, functions, needed_by_provider, source_folder
from tests.test_faults_onnxruntime import Target, make_torch, only_root, silent, target

__all__ = ["target"]
OPENCV = "opencv-python-headless==5.0.0.93"
DENY = """#!{python}
import ctypes, os, sys
ctypes.CDLL(None).prctl(65, 1, 0, 0, 0)  # PR_SET_MDWE: what systemd's MemoryDenyWriteExecute sets
os.execv({python!r}, [{python!r}, *sys.argv[1:]])
"""


def meaning_of(finding: Any) -> str:
    assert finding["evidence"]["means"], finding
    return str(finding["evidence"]["means"]["key"]).removeprefix("means-")


def advises_the_same_again(finding: Any) -> bool:
    return any("reinstall" in command for command in finding["fix"]["commands"])


def binary(target: Target) -> Path:
    [path] = target.capi.glob("onnxruntime_pybind11_state*.so")
    return path


def spoiled(path: Path, *pairs: tuple[bytes, bytes]) -> None:
    """With other bytes of the same length, and no longer a link into uv's cache."""
    data = path.read_bytes()
    for old, new in pairs:
        assert old in data
        assert len(old) == len(new)
        data = data.replace(old, new)
    path.unlink()
    path.write_bytes(data)


def test_a_volume_that_may_not_be_mapped_is_one_cause(target: Target) -> None:
    """Three modules, two frameworks, one mount: and no library of OpenCV's is missing."""
    install(target.python, "--no-deps", OPENCV)
    report = target.looked_on({"noexec": (target.folder / "target",)})
    finding = only_root(report, "library-mapping-refused")
    assert meaning_of(finding) == "mapping-refused"
    assert {"numpy", "cv2", "onnxruntime"} <= set(finding["evidence"]["modules"])
    assert finding["evidence"]["noexec"] == [str(target.folder / "target")]
    assert finding["fix"]["commands"] == [f"sudo mount -o remount,exec {target.folder / 'target'}"]
    assert "opencv-system-libs-missing" not in report.names
    assert not advises_the_same_again(report.finding("ort-import-fails"))
    silent(target.looked())


def test_two_opencvs_are_not_why_a_volume_may_not_be_mapped(target: Target) -> None:
    """insightface requires one, and the image has the headless one: both of one release, which is a note."""
    install(target.python, "--no-deps", "opencv-python==5.0.0.93")
    install(target.python, "--no-deps", "opencv-python-headless==5.0.0.93")
    report = target.looked_on({"noexec": (target.folder / "target",)})
    severities = {one["name"]: one["severity"] for one in report.json["findings"] if one["root"] is None}
    assert severities == {"library-mapping-refused": "error", "opencv-both-packages": "note"}


def newer_glibc(target: Target) -> None:
    version = max(re.findall(rb"GLIBC_2\.\d\d", binary(target).read_bytes()))
    spoiled(binary(target), (version, b"GLIBC_2.99"))


def dying(signal: str) -> Callable[[Target], None]:
    def make(target: Target) -> None:
        source = source_folder(target.folder) / "dies.c"
        source.write_text(f"#include <signal.h>\n__attribute__((constructor)) void f(void) {{ raise({signal}); }}\n")
        binary(target).unlink()
        name = f"onnxruntime_pybind11_state.cpython-{sys.version_info[0]}{sys.version_info[1]}-x86_64-linux-gnu.so"
        compile_c(target.capi / name, source)

    return make


SPOILED: dict[str, tuple[Callable[[Target], None], str, str]] = {
    "built for a newer glibc": (newer_glibc, "glibc-too-old", "libc-unsupported"),
    "built for another processor's instructions": (dying("SIGILL"), "instruction-unknown", "cpu-instructions-missing"),
    "a page of its file is not there": (dying("SIGBUS"), "page-not-there", "ort-import-fails"),
}


@pytest.mark.parametrize("name", SPOILED)
def test_what_keeps_onnxruntime_from_being_imported_is_understood(name: str, target: Target) -> None:
    spoil, mechanism, root = SPOILED[name]
    spoil(target)
    for device in ("gpu", "cpu"):
        report = target.looked("--device", device)
        assert meaning_of(only_root(report, root)) == mechanism
        finding = report.finding("ort-import-fails")
        assert meaning_of(finding) == mechanism
        assert advises_the_same_again(finding) == (mechanism == "page-not-there")
        assert (finding["evidence"]["lacks"] is not None) == (mechanism == "instruction-unknown")
        if root == "cpu-instructions-missing":
            look = report.finding(root)["fix"]["commands"][-1]
            done = subprocess.run(["sh", "-c", look], capture_output=True, text=True, check=False)
            has_it = re.search(r"(?m)^flags.*\bavx2\b", Path("/proc/cpuinfo").read_text()) is not None
            assert (done.stdout.split() == ["avx2"]) == has_it


PROVIDER_NEEDS = {
    "glibc": (rb"GLIBC_2\.\d\d", b"GLIBC_2.99", "libc-unsupported"),
    "libstdc++": (rb"GLIBCXX_3\.4\.2\d", b"GLIBCXX_3.4.99", "libstdcxx-too-old"),
}


@pytest.mark.parametrize("name", PROVIDER_NEEDS)
def test_a_provider_that_needs_newer_libraries_than_the_module(name: str, target: Target) -> None:
    """The import works; only a session opens what the system refuses, and goes on on the CPU."""
    pattern, newer, root = PROVIDER_NEEDS[name]
    provider = target.capi / "libonnxruntime_providers_cuda.so"
    spoiled(provider, (max(re.findall(pattern, provider.read_bytes())), newer))
    report = target.looked()
    only_root(report, root)
    assert report.finding("ort-session-on-cpu")["root"]["name"] == root


def test_an_executable_stack_that_is_refused(target: Target) -> None:
    """The flag is set in the real module, and the process lives under memory-deny-write-execute."""
    data = bytearray(binary(target).read_bytes())
    table, size, count = int.from_bytes(data[32:40], "little"), data[54], data[56]
    [stack] = [
        at for at in range(table, table + size * count, size) if data[at : at + 4] == b"\x51\xe5\x74\x64"
    ]  # PT_GNU_STACK
    data[stack + 4] |= 1  # PF_X
    path = binary(target)
    path.unlink()
    path.write_bytes(data)
    denying = target.folder / "python-denied"
    denying.write_text(DENY.format(python=str(target.python)))
    denying.chmod(0o755)
    twin = target.looked()
    assert "ort-import-fails" not in twin.names, twin.summary()
    report = target.looked("--target", str(denying))
    finding = only_root(report, "executable-stack-refused")
    assert meaning_of(finding) == "executable-stack", report.summary()
    assert finding["evidence"]["path"] == str(path)
    assert not advises_the_same_again(report.finding("ort-import-fails"))
    install(target.python, "pip")
    run_fix(report.json, "executable-stack-refused", target.folder)
    assert "ort-import-fails" not in target.looked("--target", str(denying)).names


@pytest.mark.parametrize("device", ["gpu", "auto", "cpu"])
def test_an_installed_torch_that_dies_is_judged_whatever_the_device(device: str, target: Target) -> None:
    make_torch(target)
    silent(target.looked("--device", device))
    (target.site / "torch" / "__init__.py").write_text("import os\nos.abort()\n")
    report = target.looked("--device", device)
    assert only_root(report, "torch-import-fails")["severity"] == "error"
    assert report.exit_code == 1


@pytest.mark.parametrize("card", [True, False])
def test_a_checkpoint_whose_torch_dies_has_that_as_its_root(card: bool, target: Target) -> None:
    make_torch(target)
    (target.site / "torch" / "__init__.py").write_text(
        "raise OSError('libtorch_cpu.so: cannot open shared object file')\n"
    )
    model = target.folder / "weights.pth"
    checkpoint(model)
    environment: dict[str, str] = {} if card else {"STANDIN_COUNT": "0"}
    report = target.looked_on({}, "--only", "inference", "--only", "models", "--model", str(model), **environment)
    failed = report.finding("smoke-inference-failed")
    assert failed["root"]["name"] == "torch-import-fails", report.summary()


def checkpoint(path: Path) -> None:
    """As torch.save writes one of the network MobileNet-0.25, as far as anybody looks before torch is imported."""
    import io
    import pickle
    import zipfile

    keys = {f"body.stage1.{n}.0.weight": n for n in range(3)}
    buffer = io.BytesIO()
    pickle.dump(keys, buffer, protocol=2)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("weights/data.pkl", buffer.getvalue())
        archive.writestr("weights/version", "3\n")


def test_a_package_that_another_left_empty(target: Target) -> None:
    """pip lets two OpenCVs fill one folder; removing one leaves the other installed, and empty."""
    install(target.python, "--no-deps", OPENCV)
    silent(target.looked())
    install(target.python, "--no-deps", "opencv-python==5.0.0.93")
    uninstall(target.python, "opencv-python")
    assert not (target.site / "cv2" / "__init__.py").exists()
    report = target.looked()
    finding = only_root(report, "opencv-both-packages")
    assert finding["evidence"]["lacks"], report.summary()
    assert meaning_of(report.finding("package-import-fails")) == "package-emptied"
    run_fix(report.json, "opencv-both-packages", target.folder)
    silent(target.looked())


def test_a_bare_folder_of_a_packages_name_is_no_package(target: Target) -> None:
    (target.site / "cv2" / "models").mkdir(parents=True)
    silent(target.looked())


def mixed_toolkit(folder: Path) -> Path:
    """cuBLAS that asks its cublasLt for a symbol that only another release has."""
    mixed = folder / "mixed"
    shutil.copytree(toolkit_folder(), mixed)
    cublas, light = CUBLAS
    source = source_folder(mixed) / "newer.c"
    source.write_text("int cublasLtNewer(void) { return 0; }\n")
    newer = mixed / "newer"
    newer.mkdir()
    compile_c(
        newer / light, functions(needed_by_provider()[light], newer / light), source, soname=light, versioned=True
    )
    calls = source_folder(mixed) / "calls.c"
    calls.write_text("int cublasLtNewer(void); int cublasCallsIt(void) { return cublasLtNewer(); }\n")
    own = functions(needed_by_provider()[cublas], mixed / cublas)
    script = source_folder(mixed) / f"{cublas}.map"
    script.write_text(f"{cublas} {{ global: *; }};\n")
    words = [
        "gcc",
        "-shared",
        "-fPIC",
        "-o",
        str(mixed / cublas),
        str(own),
        str(calls),
        f"-L{newer}",
        f"-l:{light}",
        "-Wl,-z,now",
    ]
    words += [f"-Wl,-soname,{cublas}", f"-Wl,--version-script={script}"]
    subprocess.run(words, check=True, timeout=60)
    shutil.rmtree(newer)
    return mixed


def test_libraries_of_releases_that_do_not_fit_are_quoted_to_the_end(target: Target) -> None:
    report = target.looked(path=library_path(without=[toolkit_folder()], first=[mixed_toolkit(target.folder)]))
    finding = only_root(report, "cuda-libs-mixed-releases")
    assert finding["evidence"]["by"].endswith("/libcublas.so.13")
    assert meaning_of(report.finding("ort-session-on-cpu")) == "cuda-libraries-mixed"
    assert "cublasLtNewer, version libcublasLt.so.13" in finding["evidence"]["said"]
    assert "cublasLtNewer" in finding["message"]


@pytest.mark.parametrize(
    ("code", "mechanism"),
    [
        (805, "mps-not-reached"),
        (807, "mps-not-reached"),
        (304, "cuda-system-call-refused"),
        (214, "gpu-memory-errors"),
        (102, "vgpu-not-licensed"),
    ],
)
def test_a_result_of_cuda_says_more_than_its_number(code: int, mechanism: str, target: Target) -> None:
    report = target.looked(path=library_path(cudart=real_cudart_folder()), STANDIN_CUINIT=str(code))
    if mechanism == "mps-not-reached":
        assert only_root(report, "cuda-mps-not-running")["evidence"]["code"] == code
    else:
        assert meaning_of(only_root(report, "cuda-init-fails")) == mechanism
    assert meaning_of(report.finding("cuda-init-fails")) == mechanism
    assert meaning_of(report.finding("ort-session-on-cpu")) == mechanism


LOST = (
    "Unable to determine the device handle for GPU0000:00:1E.0: Unknown Error",
    "Unable to determine the device handle for gpu 0000:00:1E.0: GPU is lost.  Reboot the system to recover this GPU",
)


@pytest.mark.parametrize("words", LOST)
def test_a_card_that_nvidia_smi_cannot_handle_is_lost_though_nvml_lists_it(words: str, target: Target) -> None:
    """Its "unknown error" is no driver that has lost its state: reloading a module brings no card back."""
    smi = {"/usr/local/bin/nvidia-smi": f"#!/bin/sh\necho '{words}'\nexit 15\n"}
    path = library_path(cudart=real_cudart_folder())
    report = target.looked_on({"files": smi}, path=path, STANDIN_CUINIT="999")
    finding = only_root(report, "gpu-fallen-off-bus")
    assert meaning_of(report.finding("cuda-init-fails")) == "gpu-lost"
    assert "Unable to determine the device handle" in finding["message"]
    other = {"/usr/local/bin/nvidia-smi": f"#!/bin/sh\necho '{words.replace('1E', '1F')}'\nexit 15\n"}
    report = target.looked_on(
        {"files": other}, path=path, STANDIN_CUINIT="999", STANDIN_COUNT="2", CUDA_VISIBLE_DEVICES="0"
    )
    assert report.roots == {"driver-state-lost", "gpu-fallen-off-bus"}, "another card's loss says nothing of this one"
    assert report.finding("gpu-fallen-off-bus")["severity"] == "note"


def test_an_adapter_that_does_not_start_is_read_in_the_kernels_log(target: Target) -> None:
    def looked(*log: str) -> Report:
        return target.looked_on({"log": log}, path=library_path(cudart=real_cudart_folder()), STANDIN_COUNT="0")

    told = looked(
        "NVRM: loading NVIDIA UNIX x86_64 Kernel Module",
        "NVRM: GPU 0000:00:1e.0: RmInitAdapter failed! (0x24:0x65:1589)",
    )
    assert "RmInitAdapter failed" in only_root(told, "gpu-adapter-init-failed")["evidence"]["line"]
    assert (
        only_root(looked("NVRM: loading NVIDIA UNIX x86_64 Kernel Module"), "nvml-fails")["evidence"]["means"] is None
    )


def test_a_stage_that_died_is_named_and_repeated(target: Target) -> None:
    """A library of the driver's that dies when a session asks for it: the import alone works."""
    source = source_folder(target.folder) / "dies.c"
    source.write_text("#include <signal.h>\n__attribute__((constructor)) void f(void) { raise(SIGSEGV); }\n")
    folder = target.folder / "dying"
    folder.mkdir()
    compile_c(folder / "libcudnn.so.9", source, soname="libcudnn.so.9")
    report = target.looked(path=library_path(without=[cudnn_folder()], first=[folder]))
    finding = report.finding("ort-import-fails")
    assert finding["evidence"]["opening"] == "plain", report.summary()
    assert "opening a session" in finding["title"]
    assert "InferenceSession" in finding["fix"]["commands"][0]
    dying("SIGABRT")(target)
    finding = target.looked().finding("ort-import-fails")
    assert finding["evidence"]["opening"] is None
    assert "imported" in finding["title"]


def test_a_package_that_is_too_old_for_another_is_named(target: Target) -> None:
    """onnx 1.19 asks ml_dtypes for a type that only later releases have, and its metadata names no release of it."""
    install(
        target.python, "--no-deps", "onnx==1.19.0", "ml_dtypes==0.4.1", "protobuf==6.33.0", "typing_extensions==4.15.0"
    )
    finding = only_root(target.looked(), "dependency-version-conflict")
    assert meaning_of(finding) == "attribute-missing-elsewhere"
    assert finding["evidence"]["install"] == ["ml-dtypes", "onnx"]
    assert finding["evidence"]["means"]["values"]["module"] == "ml_dtypes"
    assert "ml_dtypes" in finding["message"]
    install(target.python, "--no-deps", "ml_dtypes==0.5.4")
    silent(target.looked())


def test_a_limit_of_the_address_space_is_understood(target: Target) -> None:
    install(target.python, "--no-deps", OPENCV)
    report = target.looked("--only", "package-import-fails", "--target", f"prlimit --as=200000000 {target.python}")
    finding = report.finding("package-import-fails")
    assert meaning_of(finding) in ("mapping-refused", "address-space-exhausted", "limit-of-threads"), report.summary()
    assert "ulimit -v" in finding["message"]
    assert "opencv-system-libs-missing" not in report.names
