"""Compiles the stand-in libraries: NVIDIA's, as far as the real onnxruntime-gpu and pynvml call them."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

HERE = Path(__file__).parent
DRIVER = "580.95.05"
CUBLAS = ("libcublas.so.13", "libcublasLt.so.13")


def provider() -> Path:
    """The CUDA provider library of the installed onnxruntime-gpu."""
    import onnxruntime

    return Path(onnxruntime.__file__).parent / "capi" / "libonnxruntime_providers_cuda.so"


def compile_c(target: Path, *sources: Path, soname: str | None = None, versioned: bool = False) -> None:
    """A shared library. *versioned*: all its symbols bear its soname as their version, as CUDA's own do."""
    words = ["gcc", "-shared", "-fPIC", "-Wall", "-Werror", "-Wno-builtin-declaration-mismatch", "-o", str(target)]
    words += [*map(str, sources), "-ldl"]
    if soname:
        words.append(f"-Wl,-soname,{soname}")
    if versioned:
        script = source_folder(target.parent) / f"{target.name}.map"
        script.write_text(f"{soname} {{ global: *; }};\n")
        words.append(f"-Wl,--version-script={script}")
    subprocess.run(words, check=True, timeout=120)


def source_folder(folder: Path) -> Path:
    """Where what a library in *folder* is compiled from is written."""
    (folder / "source").mkdir(exist_ok=True)
    return folder / "source"


def functions(names: set[str], target: Path) -> Path:
    """C source, for the library *target*, of functions that return 0."""
    source = source_folder(target.parent) / f"{target.name}.c"
    source.write_text("".join(f"int {name}(void) {{ return 0; }}\n" for name in sorted(names)) or "int nothing;\n")
    return source


def needed_by_provider() -> dict[str, set[str]]:
    """soname -> symbols that the provider takes from it: they are bound to it by their version."""
    told = subprocess.run(
        ["nm", "-D", "--undefined-only", provider()], capture_output=True, text=True, check=True
    ).stdout
    wanted: dict[str, set[str]] = {}
    for match in re.finditer(r"^\s+U (\w+)@+(lib\S+)$", told, re.MULTILINE):
        wanted.setdefault(match[2], set()).add(match[1])
    return wanted


def defined_in(source: Path) -> set[str]:
    return set(re.findall(r"^[\w ]+?[ *]+(\w+)\(", source.read_text(), re.MULTILINE))


def build_nvml(folder: Path, driver: str = DRIVER) -> Path:
    return named(folder, "libnvidia-ml.so.1", driver, HERE / "nvml.c")


def build_cuda(folder: Path, driver: str = DRIVER) -> Path:
    return named(folder, "libcuda.so.1", driver, HERE / "cuda.c")


def named(folder: Path, name: str, driver: str, source: Path) -> Path:
    """*folder*/*name*, a link to a file that is named after a driver, as the real ones are."""
    folder.mkdir(parents=True, exist_ok=True)
    library = folder / f"{name.removesuffix('.1')}.{driver}"
    if not library.exists():
        compile_c(library, source, soname=name)
    link = folder / name
    link.unlink(missing_ok=True)
    link.symlink_to(library.name)
    return folder


def build_toolkit(folder: Path) -> Path:
    """cuBLAS and cuRAND that do nothing: enough for the provider to be loaded."""
    folder.mkdir(parents=True, exist_ok=True)
    wanted = needed_by_provider()
    for soname in CUBLAS:
        source = functions(wanted[soname], folder / soname)
        compile_c(folder / soname, source, soname=soname, versioned=True)
    compile_c(folder / "libcurand.so.10", functions(set(), folder / "libcurand.so.10"), soname="libcurand.so.10")
    return folder


def build_cudart(folder: Path) -> Path:
    """A CUDA runtime under which every card works."""
    folder.mkdir(parents=True, exist_ok=True)
    own = HERE / "cudart.c"
    rest = functions(needed_by_provider()["libcudart.so.13"] - defined_in(own), folder / "libcudart.so.13")
    compile_c(folder / "libcudart.so.13", own, rest, soname="libcudart.so.13", versioned=True)
    return folder


def build_cudnn(folder: Path) -> Path:
    """A cuDNN whose convolutions seem to run. It is opened by name, so what it must have stands in the provider as text."""
    folder.mkdir(parents=True, exist_ok=True)
    own = HERE / "cudnn.c"
    told = set(re.findall(rb"\0(cudnn[A-Z]\w+)\0", provider().read_bytes()))
    rest = functions({name.decode() for name in told} - defined_in(own), folder / "libcudnn.so.9")
    compile_c(folder / "libcudnn.so.9", own, rest, soname="libcudnn.so.9")
    return folder


def library(folder: Path, name: str) -> Path:
    """A library of that name in which there is nothing."""
    folder.mkdir(parents=True, exist_ok=True)
    compile_c(folder / name, functions(set(), folder / name), soname=name)
    return folder
