"""What programs say when they refuse is understood: said by the real loader, importer, kernel, libcudart and pynvml."""

from __future__ import annotations

import ctypes
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from string import Formatter

import pytest
from retina_doctor_checks.combined import refusals
from retina_doctor_checks.combined.refusals import Meaning, meaning, meanings, of_cuda, of_nvml

from retina_doctor.probing.process import exit_words
from tests.standins import needs_root, real_cudart_folder
from tests.standins.build import compile_c

REASONS = tomllib.loads((Path(refusals.HERE).parent / "reasons.toml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("mechanism", refusals.rows())
def test_a_mechanism_has_words_that_its_groups_fill_and_a_source(mechanism: str) -> None:
    row = refusals.rows()[mechanism]
    words = REASONS[f"means-{mechanism}"]
    groups = {name for says in row.says for name in re.compile(says).groupindex}
    asked = [{name for _, name, _, _ in Formatter().parse(words[language]) if name} for language in ("en", "zh")]
    assert asked[0] == asked[1]
    assert asked[0] <= groups
    assert row.source
    assert row.cause is None or re.fullmatch(r"[a-z0-9-]+", row.cause)


def test_words_are_there_for_mechanisms_alone() -> None:
    assert {key.removeprefix("means-") for key in REASONS if key.startswith("means-")} == set(refusals.rows())


def test_all_results_of_cuda_are_those_of_the_real_library() -> None:
    library = ctypes.CDLL(str(real_cudart_folder() / "libcudart.so.13"))
    library.cudaGetErrorName.restype = library.cudaGetErrorString.restype = ctypes.c_char_p
    told = {
        code: (library.cudaGetErrorName(code).decode(), library.cudaGetErrorString(code).decode())
        for code in range(1, 1000)
    }
    known = {code: words for code, words in told.items() if words[1] != "unrecognized error code"}
    ours = {code: (one.runtime, one.says) for code, one in refusals.cuda_results().items() if one.runtime}
    assert ours == known


@pytest.mark.parametrize("code", [code for code, one in refusals.cuda_results().items() if one.means and one.says])
def test_a_result_is_understood_however_it_is_said(code: int) -> None:
    one = refusals.cuda_results()[code]
    said = of_cuda(code)
    assert said is not None
    for text in (
        f"CUDA failure {code}: {one.says} ; GPU=-1 ; hostname=gpu-7 ; file=/x.cc ; line=355 ; expr=cudaSetDevice(0);",
        f"RuntimeError: CUDA error: {one.says}\nCompile with `TORCH_USE_CUDA_DSA` to enable device-side assertions.",
        f"Unexpected error from cudaGetDeviceCount(). Did you run some cuda functions before? Error {code}: {one.says}",
    ):
        assert said.mechanism in [found.mechanism for found in meanings(text)], text
        assert (found := meaning(text)) is not None
        assert found.mechanism == said.mechanism, (text, found)


def test_what_nvml_says_is_understood_by_number_and_by_words() -> None:
    import pynvml

    for code in range(31):
        by_number, words = of_nvml(code), pynvml.NVMLError._errcode_to_string.get(code)
        if by_number is not None and code != 17:
            assert words is not None
            assert (by_words := meaning(str(words))) is not None, words
            assert by_words.mechanism == by_number.mechanism


@pytest.mark.parametrize(
    ("text", "mechanism"),
    [
        ("Unable to determine the device handle for GPU0000:1B:00.0: Unknown Error", "gpu-lost"),
        ("Unable to determine the device handle for GPU0: 0000:01:00.0: GPU is lost.  Reboot the system", "gpu-lost"),
        ("NVRM: Xid (PCI:0000:65:00): 79, pid='<unknown>', name=<unknown>, GPU has fallen off the bus.", "gpu-lost"),
        ("NVRM: GPU 0000:65:00.0: RmInitAdapter failed! (0x24:0x65:1589)", "adapter-does-not-start"),
        ("NVRM: GPU 0000:65:00.0: rm_init_adapter failed, device minor number 0", "adapter-does-not-start"),
        ("NVRM: installed in this system is not supported by open nvidia.ko because", "driver-drops-card"),
        ("NVRM: installed in this system requires use of the NVIDIA open kernel modules.", "driver-drops-card"),
        ("NVRM: API mismatch: the client has the version 580.95.05, but", "driver-mismatch"),
        ("NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. Make sure that", "driver-not-reached"),
        ("Failed to initialize NVML: Driver/library version mismatch", "driver-mismatch"),
        ("Failed to initialize NVML: GPU access blocked by the operating system", "gpu-access-blocked"),
        ("RuntimeError: NumPy was built with baseline optimizations: \n(X86_V2) but your machine", "instruction-unknown"),
        ("traps: python3[771] trap invalid opcode ip:7f20 sp:7ffd error:0 in libx.so[7f20+100]", "instruction-unknown"),
        ("Out of memory: Killed process 4242 (python3) total-vm:8388608kB", "killed-for-memory"),
        ("Cannot re-initialize CUDA in forked subprocess. To use", "cuda-before-fork"),
        ("Unable to load any of {libcudnn_ops.so.9.1.0, libcudnn_ops.so.9}", "cudnn-parts-missing"),
        ("Error relocating /x/state.so: __memcpy_chk: symbol not found", "musl"),
        ("Form data requires \"python-multipart\" to be installed.", "extra-missing"),
        ("module 'ml_dtypes' has no attribute 'float4_e2m1fn'", "attribute-missing-elsewhere"),
        ("cannot import name 'preserve_channel_dim' from 'albucore.utils' (/v/albucore/utils.py)", "attribute-missing-elsewhere"),
        ("module 'numpy' has no attribute 'int'.\n`np.int` was a deprecated alias", "numpy-alias-removed"),
        ("TypeError: Descriptors cannot be created directly.", "protobuf-of-another-release"),
    ],
)  # fmt: skip
def test_known_sentences(text: str, mechanism: str) -> None:
    found = meaning(text)
    assert found is not None
    assert found.mechanism == mechanism, found


@pytest.mark.parametrize(
    "text",
    [
        "",
        "OK",
        "GET /detect HTTP/1.1 404",
        "2 Memcpy nodes are added to the graph main_graph for CUDAExecutionProvider.",
        "Some nodes were not assigned to the preferred execution providers",
        "0, Tesla T4, 580.95.05, 15360, 7.5",
        "set ort logger severity 3",
        "NVRM: loading NVIDIA UNIX x86_64 Kernel Module  580.95.05",
        "exit status 1",
        "FutureWarning: The pynvml package is deprecated. Please install nvidia-ml-py instead.",
    ],
)
def test_what_refuses_nothing_means_nothing(text: str) -> None:
    assert meanings(text) == ()


# The loader itself, each time with a library that it takes.

LIMIT = "import resource; resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))"
LOAD = "import ctypes, sys; ctypes.CDLL(sys.argv[1])"


def refused(library: Path, *before: str, program: str = LOAD) -> str:
    """What a Python says that loads it."""
    words = [*before, sys.executable, "-I", "-c", program, str(library)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60)
    assert done.returncode != 0, "it is loaded"
    return done.stderr


def library(folder: Path, name: str, code: str, *flags: str, versioned: bool = False) -> Path:
    source = folder / f"{name}.c"
    source.write_text(code)
    if not flags:
        compile_c(folder / name, source, soname=name, versioned=versioned)
    else:
        subprocess.run(["gcc", "-shared", "-fPIC", "-o", folder / name, source, *flags], check=True, timeout=60)
    return folder / name


def loads(path: Path, *before: str) -> None:
    done = subprocess.run(
        [*before, sys.executable, "-I", "-c", LOAD, str(path)], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr


CALLER = "int cublasLtNew(void); int caller(void) { return cublasLtNew(); }"


def mixed(folder: Path, *, versioned_after: bool) -> Path:
    """cuBLAS of one release beside cublasLt of another, which lacks a symbol, or its version."""
    library(
        folder,
        "libcublasLt.so.13",
        "int cublasLtNew(void) { return 0; }\nint cublasLtOld(void) { return 0; }",
        versioned=True,
    )
    path = library(
        folder, "libcublas.so.13", CALLER, f"-L{folder}", "-l:libcublasLt.so.13", f"-Wl,-rpath,{folder}", "-Wl,-z,now"
    )
    loads(path)
    library(folder, "libcublasLt.so.13", "int cublasLtOld(void) { return 0; }", versioned=versioned_after)
    return path


def plainly_mixed(folder: Path) -> Path:
    return library(folder, "libcudnn_ops.so.9", CALLER, "-Wl,-z,now")


def newer_glibc(folder: Path) -> Path:
    path = library(folder, "libnew.so", '#include <stdio.h>\nint f(void) { return puts(""); }')
    loads(path)
    path.write_bytes(path.read_bytes().replace(b"GLIBC_2.2.5", b"GLIBC_9.2.5"))
    return path


def cut_short(folder: Path) -> Path:
    path = library(folder, "libcut.so", "int f(void) { return 0; }")
    path.write_bytes(path.read_bytes()[:40])
    return path


def of_32_bits(folder: Path) -> Path:
    path = library(folder, "lib32.so", "int f(void) { return 0; }")
    data = bytearray(path.read_bytes())
    data[4] = 1  # ELFCLASS32
    path.write_bytes(data)
    return path


def no_library(folder: Path) -> Path:
    path = folder / "libpage.so"
    path.write_text("<!DOCTYPE html>" * 100)
    return path


def missing(folder: Path) -> Path:
    library(folder, "libgone.so.1", "int g(void) { return 0; }")
    path = library(folder, "libneeds.so", "int g(void); int f(void) { return g(); }", f"-L{folder}", "-l:libgone.so.1")
    (folder / "libgone.so.1").unlink()
    return path


BUILT: dict[str, tuple[Callable[[Path], Path], str]] = {
    "a symbol of another release": (lambda folder: mixed(folder, versioned_after=True), "cuda-libraries-mixed"),
    "a version of another release": (lambda folder: mixed(folder, versioned_after=False), "cuda-libraries-mixed"),
    "a symbol without a version": (plainly_mixed, "cuda-libraries-mixed"),
    "a newer glibc": (newer_glibc, "glibc-too-old"),
    "cut short": (cut_short, "library-damaged"),
    "a page": (no_library, "library-damaged"),
    "of 32 bits": (of_32_bits, "library-of-another-machine"),
    "one that is gone": (missing, "library-missing"),
}


@pytest.mark.parametrize("name", BUILT)
def test_what_the_loader_says_is_understood(name: str, tmp_path: Path) -> None:
    build, mechanism = BUILT[name]
    said = refused(build(tmp_path))
    found = meaning(said)
    assert found is not None, said
    assert found.mechanism == mechanism, said
    assert found.line in said


DENY = """
import ctypes, sys
if ctypes.CDLL(None, use_errno=True).prctl(65, 1, 0, 0, 0):  # PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN
    sys.exit("this kernel does not know memory-deny-write-execute")
ctypes.CDLL(sys.argv[1])
"""


def test_an_executable_stack_is_refused(tmp_path: Path) -> None:
    path = library(tmp_path, "libstack.so", "int f(void) { return 0; }", "-z", "execstack")
    said = refused(path, program=DENY)
    found = meaning(said)
    assert found is not None, said
    assert (found.mechanism, found.cause) == ("executable-stack", "executable-stack-refused"), said
    twin = library(tmp_path, "libplain.so", "int f(void) { return 0; }")
    assert subprocess.run([sys.executable, "-I", "-c", DENY, twin], timeout=60).returncode == 0


def test_a_volume_may_not_be_mapped_as_code(tmp_path: Path) -> None:
    needs_root()
    path = library(tmp_path, "libplain.so", "int f(void) { return 0; }")
    script = f'mount --bind {tmp_path} {tmp_path} && mount -o remount,bind,noexec {tmp_path} && exec "$@"'
    before = ("unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh")
    found = meaning(said := refused(path, *before))
    assert found is not None, said
    assert (found.mechanism, found.values["by"]) == ("mapping-refused", str(path)), said
    loads(path)


def test_for_a_limit_of_the_address_space_the_loader_has_the_same_words_and_ours_name_both(tmp_path: Path) -> None:
    path = library(tmp_path, "libhuge.so", "char huge[1L << 33]; char *f(void) { return huge; }", "-mcmodel=large")
    found = meaning(said := refused(path, program=f"{LIMIT}; {LOAD}"))
    assert found is not None, said
    assert found.mechanism == "mapping-refused", said
    assert "noexec" in REASONS["means-mapping-refused"]["en"]
    assert "ulimit -v" in REASONS["means-mapping-refused"]["en"]


def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    needs_root()
    path = library(tmp_path, "libsecret.so", "int f(void) { return 0; }")
    path.chmod(0)
    found = meaning(said := refused(path, "setpriv", "--bounding-set=-dac_override,-dac_read_search"))
    assert found is not None, said
    assert found.mechanism == "library-unreadable", said


def ended_by(path: Path) -> Meaning | None:
    done = subprocess.run([sys.executable, "-I", "-c", LOAD, path], capture_output=True, timeout=60)
    return meaning(exit_words(done.returncode))


def test_a_signal_has_a_meaning(tmp_path: Path) -> None:
    illegal = library(tmp_path, "libudf.so", "__attribute__((constructor)) void f(void) { __builtin_trap(); }")
    assert (found := ended_by(illegal)) is not None
    assert found.mechanism == "instruction-unknown"
    plain = library(tmp_path, "libplain.so", "int f(void) { return 0; }")
    assert ended_by(plain) is None


# Python itself.


def raised(program: str, folder: Path) -> str:
    done = subprocess.run([sys.executable, "-S", "-c", program], cwd=folder, capture_output=True, text=True, timeout=60)
    assert done.returncode != 0
    return done.stderr


@pytest.mark.parametrize(
    ("files", "program", "mechanism"),
    [
        ({"cv2/data/x": ""}, "from cv2 import imread", "package-emptied"),
        ({"onnxruntime/capi/x": ""}, "import onnxruntime; onnxruntime.InferenceSession", "package-emptied"),
        ({"torch/lib/x": ""}, "import torch; torch.load", "package-emptied"),
        ({"helper.py": "x = 1"}, "from helper import y", "attribute-missing-elsewhere"),
        ({"helper.py": "x = 1"}, "import helper; helper.y", "attribute-missing-elsewhere"),
        ({}, "import no_such_module", "module-missing"),
        (
            {"onnxruntime/__init__.py": "import onnxruntime.capi.state", "onnxruntime/capi/__init__.py": ""},
            "import onnxruntime",
            "module-part-missing",
        ),
        ({}, f"{LIMIT}; x = bytearray(1 << 31)", "address-space-exhausted"),
        ({}, "f = open('/dev/full', 'w'); f.write('x' * 99999); f.flush()", "disk-full"),
        ({}, "import os; os.mkdir('/proc/no')", None),
    ],
)  # fmt: skip
def test_what_python_says_is_understood(
    files: dict[str, str], program: str, mechanism: str | None, tmp_path: Path
) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    said = raised(program, tmp_path).rpartition("\n  ")[2]
    found = meaning(said)
    assert (found.mechanism if found else None) == mechanism, said


def test_a_quotation_holds_the_part_that_names_the_cause() -> None:
    head = "[E:onnxruntime:Default, provider_bridge_ort.cc:2251 TryGetProviderInfo_CUDA] " + "/very/long/path" * 80
    text = f"{head} with error: /x/libcublas.so.13: undefined symbol: cublasLtNew, version libcublasLt.so.13"
    shown = refusals.quoted(text)
    assert len(shown) <= refusals.LONGEST + 4
    assert "undefined symbol: cublasLtNew, version libcublasLt.so.13" in shown


def test_words_that_the_loader_breaks_off_belong_to_the_entry() -> None:
    log = (
        "2026-11-28 10:00:00.1 [E:onnxruntime] Failed to load library x.so with error: ",
        "/y.so: undefined symbol: f",
        "2026-11-28 10:00:01.1 [W:onnxruntime] other",
    )
    assert len(refusals.entries(log)) == 2
    assert "undefined symbol" in refusals.entries(log)[0]
