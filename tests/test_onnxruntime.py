"""The two onnxruntime packages over each other, for real: named, and mended by the printed commands as printed."""

from __future__ import annotations

import shutil
import subprocess
from ctypes.util import find_library
from pathlib import Path
from typing import Any

import pytest
from retina_doctor_checks.advice.builds import Terms, newest, onnxruntime_builds

from tests.doctor import DEV_PYTHON, environment, found, install, make_venv, report, run_fix, uninstall, verdicts
from tests.standins.build import library

GPU, CPU = "onnxruntime-gpu==1.31.1", "onnxruntime==1.32.0"
PACKAGING = {"ort-missing", "ort-both-packages", "ort-broken-install", "ort-cpu-package", "ort-import-fails"}


def look(python: Path, cwd: Path) -> dict[str, Any]:
    return report("--target", python, "--only", "onnxruntime", cwd=cwd)


@pytest.mark.parametrize("kind", ["venv", "uv"])
@pytest.mark.parametrize(
    ("order", "then_remove_cpu", "named"),
    [
        ((GPU, CPU), False, "ort-both-packages"),
        ((CPU, GPU), False, "ort-both-packages"),
        ((GPU, CPU), True, "ort-broken-install"),
    ],
)
def test_overlapping_packages_are_named_and_mended(
    kind: str, order: tuple[str, str], then_remove_cpu: bool, named: str, tmp_path: Path
) -> None:
    python = make_venv(tmp_path / "target", kind)
    for requirement in order:
        install(python, requirement)
    if then_remove_cpu:
        uninstall(python, "onnxruntime")
    told = look(python, tmp_path)
    assert PACKAGING & set(found(told)) == {named}
    [finding] = [f for f in told["findings"] if f["name"] == named]
    if named == "ort-both-packages":
        # The one installed last is in force, and the report says which.
        assert finding["evidence"]["in_force"] == order[1].split("==")[0]
    assert any("uv pip" in command for command in finding["fix"]["commands"]) == (kind == "uv")

    run_fix(told, named, tmp_path)

    mended = look(python, tmp_path)
    assert not PACKAGING & set(found(mended))
    assert mended["facts"]["ort_runtime"]["package_name"] == "onnxruntime-gpu"
    assert "CUDAExecutionProvider" in mended["facts"]["ort_runtime"]["advertised"]


def test_removing_the_cpu_package_from_the_other_order_breaks_it_too(tmp_path: Path) -> None:
    python = make_venv(tmp_path / "target", "uv")
    install(python, CPU)
    install(python, GPU)
    uninstall(python, "onnxruntime")
    assert PACKAGING & set(found(look(python, tmp_path))) == {"ort-broken-install"}


def test_no_onnxruntime_and_only_the_cpu_one(tmp_path: Path) -> None:
    python = make_venv(tmp_path / "target", "uv")
    assert PACKAGING & set(found(look(python, tmp_path))) == {"ort-missing"}
    install(python, CPU)
    told = look(python, tmp_path)
    assert PACKAGING & set(found(told)) == {"ort-cpu-package"}
    run_fix(told, "ort-cpu-package", tmp_path)
    assert not PACKAGING & set(found(look(python, tmp_path)))


def test_every_missing_library_is_named_not_only_the_first(tmp_path: Path) -> None:
    told = report("--target", DEV_PYTHON, "--only", "onnxruntime", cwd=tmp_path, env=environment(LD_LIBRARY_PATH=None))
    [finding] = [f for f in told["findings"] if f["name"] == "ort-cuda-libs-missing"]
    assert {"libcublasLt.so.13", "libcublas.so.13", "libcurand.so.10"} <= set(finding["evidence"]["missing"])
    assert "libcuda.so.1" not in finding["evidence"]["missing"]
    assert verdicts(told)["ort-session-on-cpu"] == "failed"
    [attempt, *others] = told["facts"]["ort_runtime"]["attempts"]
    assert attempt["nodes"] == {"CPUExecutionProvider": 2}
    assert others == [] or find_library("cuda"), "without a driver there is no other way to the GPU that could be tried"


def test_what_onnxruntime_would_report_to_its_makers_stays_here(tmp_path: Path, real_model: Path) -> None:
    """From 1.31 on an import alone leaves a number of this machine in the home, and starts a thread that uploads."""
    home = tmp_path / "home"
    home.mkdir()
    env = environment(
        HOME=str(home), ORT_DISABLE_TELEMETRY=None
    )  # which insightface sets where it is imported, here as well
    told = report("--target", DEV_PYTHON, "--model", real_model, cwd=tmp_path, env=env)
    ran = {probe["name"] for probe in told["probes"] if probe["outcome"] == "ok"}
    assert {"ort_runtime", "footprint", "known_answer", "inference", "imports"} <= ran
    assert "insightface" in {one["module"] for one in told["facts"]["imports"]["tried"]}
    assert not (home / ".cache" / "Microsoft").exists()


def test_libraries_of_another_major_or_out_of_the_loaders_way(tmp_path: Path) -> None:
    """Libraries in which there is nothing: what the loader finds or not is real."""
    python = make_venv(tmp_path / "target", "uv")
    install(python, GPU)
    site = next((tmp_path / "target" / "lib").glob("python3*/site-packages"))
    names = ["libcublas", "libcublasLt", "libcudart"]
    for name in names:
        library(site / "nvidia" / "cublas" / "lib", f"{name}.so.12")
    told = look(python, tmp_path)
    assert "ort-cuda-major-mismatch" in found(told)
    assert "ort-cuda-libs-missing" not in found(told)

    here = site / "nvidia" / "cu13" / "lib"
    for name in ("libcublas.so.13", "libcublasLt.so.13", "libcudart.so.13", "libcurand.so.10"):
        library(here, name)
    told = look(python, tmp_path)
    assert "ort-cuda-libs-not-on-path" in found(told)
    assert not {"ort-cuda-major-mismatch", "ort-cuda-libs-missing"} & set(found(told))
    [finding] = [f for f in told["findings"] if f["name"] == "ort-cuda-libs-not-on-path"]
    assert str(here) in finding["evidence"]["folders"]


@pytest.mark.parametrize("how", ["abort", "hang", "garbage", "grandchild"])
def test_an_onnxruntime_that_dies_or_hangs_is_a_finding_and_everything_else_is_judged(how: str, tmp_path: Path) -> None:
    bodies = {
        "abort": "import os, sys; sys.stderr.write('last words\\n'); sys.stderr.flush(); os.abort()",
        "hang": "import time; time.sleep(1000)",
        "garbage": "import os; os.write(1, bytes(range(256)) * 4096); raise ImportError('libfoo.so.1: cannot open')",
        "grandchild": "import os, time\nif os.fork() == 0:\n    os.setsid()\n    time.sleep(1000)\nimport sys; sys.exit(7)",
    }
    package = tmp_path / "site" / "onnxruntime"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(bodies[how])
    env = environment(PYTHONPATH=str(package.parent))
    told = report("--target", DEV_PYTHON, "--timeout", "4", "--skip", "inference", cwd=tmp_path, env=env)
    [finding] = [f for f in told["findings"] if f["name"] == "ort-import-fails"]
    outcome = {"abort": "crashed", "hang": "timed_out", "garbage": "failed", "grandchild": "failed"}[how]
    assert finding["evidence"]["outcome"] == outcome
    assert finding["evidence"]["stage"] == "importing onnxruntime"
    if how == "abort":
        assert "last words" in finding["evidence"]["stderr"]
    judged = verdicts(told)
    assert judged["no-nvidia-gpu"] in ("passed", "failed")
    assert judged["target-python-broken"] == "passed"
    assert not survivors(f"PYTHONPATH={package.parent}"), "a child of the doctor is still there"


def survivors(mark: str) -> list[str]:
    """Processes of a run of ours: they have its token, and the mark, in their environment."""
    left = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            variables = (entry / "environ").read_bytes()
            if b"RETINA_DOCTOR_RUN=" in variables and mark.encode() in variables:
                left.append((entry / "cmdline").read_bytes().decode(errors="replace"))
        except OSError:
            continue
    return left


@pytest.mark.parametrize(
    ("driver", "python", "cards", "version"),
    [
        ((12, 2), (3, 11), ((7, 5),), "1.26.0"),
        ((13, 0), (3, 11), ((7, 5),), "1.31.1"),
        ((13, 0), (3, 11), ((7, 0),), "1.26.0"),  # Volta has no code in wheels for CUDA 13
        ((12, 2), (3, 10), ((7, 5),), "1.23.2"),
        ((12, 2), (3, 8), ((7, 5),), "1.19.2"),
        ((13, 0), (3, 12), ((10, 0),), "1.28.0"),  # later wheels have neither sm_100a nor PTX
        ((13, 0), (3, 12), ((10, 3),), "1.26.0"),  # sm_100a runs on 10.0 alone; PTX 90 is compiled for anything newer
        ((12, 8), (3, 12), ((10, 0),), "1.26.0"),
        ((13, 0), (3, 12), ((8, 0), (6, 1)), "1.26.0"),  # both cards must be fitted
        ((11, 4), (3, 11), ((7, 5),), "1.18.1"),
        ((10, 2), (3, 11), ((7, 5),), None),
    ],
)
def test_the_advised_build_fits_driver_python_and_card(
    driver: tuple[int, int], python: tuple[int, int], cards: tuple[tuple[int, int], ...], version: str | None
) -> None:
    build = newest(onnxruntime_builds(), Terms(driver_cuda=driver, python=python, processor="x86_64", cards=cards))
    assert (build.version if build else None) == version


def test_a_library_of_a_registered_package_is_brought_back(tmp_path: Path) -> None:
    """pip takes the package for installed, and leaves it as it is unless it is told otherwise. A library that nothing needs may
    have been left out to make an image small."""
    python = make_venv(tmp_path / "target", "uv")
    install(python, GPU, "nvidia-curand==10.4.5.25")
    site = next((tmp_path / "target" / "lib").glob("python3*/site-packages"))
    spare = site / "nvidia_nccl_cu13-2.28.9.dist-info"
    spare.mkdir()
    (spare / "METADATA").write_text("Metadata-Version: 2.1\nName: nvidia-nccl-cu13\nVersion: 2.28.9\n")
    (spare / "RECORD").write_text("nvidia/nccl/lib/libnccl.so.2,,\n")
    assert _missing(python, tmp_path)["evidence"]["reinstall"] == []

    [curand] = site.glob("nvidia/*/lib/libcurand.so.10")
    curand.unlink()
    finding = _missing(python, tmp_path)
    assert finding["evidence"]["reinstall"] == ["nvidia-curand==10.4.5.25"]
    again, others = finding["fix"]["commands"]
    assert again.endswith("--reinstall --no-deps nvidia-curand==10.4.5.25") and "onnxruntime-gpu[" in others
    subprocess.run(["bash", "-c", again], check=True, env=environment(UV_NO_CONFIG="1"))
    assert curand.is_file()


def _missing(python: Path, cwd: Path) -> Any:
    told = report("--target", python, "--only", "onnxruntime", cwd=cwd, env=environment(LD_LIBRARY_PATH=None))
    [finding] = [one for one in told["findings"] if one["name"] == "ort-cuda-libs-missing"]
    return finding


def test_a_broken_gpu_package_stays_one_where_the_cpu_is_meant(tmp_path: Path) -> None:
    """The CPU's package over what is left of it would leave two that fill the folder."""
    python = make_venv(tmp_path / "target", "uv")
    install(python, GPU)
    site = next((tmp_path / "target" / "lib").glob("python3*/site-packages"))
    shutil.rmtree(site / "onnxruntime" / "capi")
    words = ("--target", python, "--only", "onnxruntime", "--device", "cpu")
    told = report(*words, cwd=tmp_path)
    assert PACKAGING & set(found(told)) == {"ort-broken-install", "ort-import-fails"}
    [finding] = [one for one in told["findings"] if one["name"] == "ort-broken-install"]
    assert finding["evidence"]["requirement"] == GPU
    run_fix(told, "ort-broken-install", tmp_path)
    told = report(*words, cwd=tmp_path)
    assert not PACKAGING & set(found(told))
    assert [one["name"] for one in told["facts"]["ort_files"]["distributions"]] == ["onnxruntime-gpu"]
