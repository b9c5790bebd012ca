"""Causes that were once known to triage alone, made for real where this machine can; each healthy twin is silent."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from retina_doctor_checks.advice.architectures import architecture, architectures, unsupported

from tests.doctor import DEV_PYTHON, environment, install, make_venv, report, run_fix
from tests.standins import cudnn_folder, library_path, real_cudart_folder
from tests.standins.build import compile_c, defined_in, functions, source_folder
from tests.test_faults_onnxruntime import Target, only_root, silent, target

__all__ = ["target"]


@pytest.mark.parametrize(
    ("device", "name"),
    [
        ("0x1eb8", "Turing"),  # T4
        ("0x15f8", "Pascal"),  # P100
        ("0x1db4", "Volta"),  # V100
        ("0x20b5", "Ampere"),  # A100
        ("0x2684", "Ada"),  # RTX 4090
        ("0x2330", "Hopper"),  # H100
        ("0x2b85", "Blackwell"),  # RTX 5090
        ("0x13c2", "Maxwell"),  # GTX 970
        ("0x102d", "Kepler"),  # K80
        ("0x3fff", None),
        (None, None),
    ],
)
def test_a_cards_generation_by_its_number(device: str | None, name: str | None) -> None:
    found = architecture(device)
    assert (found.name if found else None) == name


@pytest.mark.parametrize(
    ("name", "release", "modules", "why"),
    [
        ("Pascal", "595.58.03", "proprietary", "ended"),
        ("Pascal", "580.95.05", "proprietary", None),
        ("Pascal", "580.95.05", "open", "wants-proprietary"),
        ("Blackwell", "565.57.01", None, "not-yet"),
        ("Blackwell", "580.95.05", "proprietary", "wants-open"),
        ("Blackwell", "580.95.05", None, None),
        ("Turing", "620.1", "open", None),
        ("Kepler", None, None, None),
    ],
)
def test_what_drives_a_generation(name: str, release: str | None, modules: str | None, why: str | None) -> None:
    assert unsupported(architectures()[name], release, modules) == why


def test_xid_79_in_the_kernels_log(target: Target) -> None:
    """The card is listed still, and CUDA fails; where CUDA works the card has been reset since."""
    log = ("NVRM: Xid (PCI:0000:00:1e): 79, pid='<unknown>', name=<unknown>, GPU has fallen off the bus.",)
    path = library_path(cudart=real_cudart_folder())
    report = target.looked_on({"log": log}, path=path, STANDIN_CUINIT="999")
    assert "Xid 79" in only_root(report, "gpu-fallen-off-bus")["evidence"]["said"]
    silent(target.looked_on({"log": log}))


def test_a_driver_that_dropped_the_card_says_so_in_the_kernels_log(target: Target) -> None:
    log = ("NVRM: installed in this system is not supported by open nvidia.ko because",)
    path = library_path(cudart=real_cudart_folder())
    report = target.looked_on({"log": log}, path=path, STANDIN_COUNT="0", STANDIN_CUINIT="100")
    assert only_root(report, "driver-dropped-gpu")["evidence"]["line"] == log[0]


def test_cudnn_without_its_parts(target: Target) -> None:
    """A library that holds the names of those that it opens, as the real shim does, beside all but one of them."""
    folder = target.folder / "cudnn"
    folder.mkdir()
    names = ("graph", "ops", "cnn")
    source = source_folder(target.folder) / "names.c"
    held = " ".join(f'"libcudnn_{name}.so\\0"' for name in names)
    source.write_text(f'__attribute__((used)) const char names[] = "\\0" {held};\n')
    own = Path(__file__).parent / "standins" / "cudnn.c"
    shutil.copy(cudnn_folder() / "libcudnn.so.9", folder / "whole")
    symbols = {line.split()[-1] for line in exported(folder / "whole")}
    rest = functions(symbols - defined_in(own), folder / "libcudnn.so.9")
    (folder / "whole").unlink()
    compile_c(folder / "libcudnn.so.9", own, rest, source, soname="libcudnn.so.9")
    for name in names:
        part = f"libcudnn_{name}.so.9"
        compile_c(folder / part, functions(set(), folder / part), soname=part)
    path = library_path(without=[cudnn_folder()], first=[folder])
    silent(target.looked(path=path))
    (folder / "libcudnn_ops.so.9").unlink()
    assert only_root(target.looked(path=path), "cudnn-incomplete")["evidence"]["lacks"] == ["libcudnn_ops.so.9"]


def exported(path: Path) -> list[str]:
    told = subprocess.run(["nm", "-D", "--defined-only", str(path)], capture_output=True, text=True, check=True)
    return told.stdout.splitlines()


def test_another_onnxruntime_before_the_environments_own(target: Target) -> None:
    """By PYTHONPATH: what goes wrong with it has that as its root, and without the variable all is well."""
    other = target.folder / "shared"
    words = ["uv", "pip", "install", "--quiet", "--no-deps", "--target", str(other), "onnxruntime==1.23.2"]
    subprocess.run(words, check=True, cwd="/", env=environment(UV_NO_CONFIG="1"), timeout=300)
    report = target.looked(PYTHONPATH=str(other))
    finding = report.finding("package-shadowed")
    assert report.roots == {"package-shadowed"}, report.summary()
    assert finding["evidence"]["by"] == "PYTHONPATH"
    assert finding["evidence"]["distribution"] == "onnxruntime 1.23.2"
    assert report.finding("ort-cpu-package")["root"]["name"] == "package-shadowed"
    silent(target.looked())


def checked(folder: Path, *words: str, python: Path | str = DEV_PYTHON, **more: str) -> dict[str, Any]:
    return report(
        "check", "--quick", "--device", "cpu", *words, "--target", str(python), cwd=folder, env=environment(**more)
    )


def roots(told: dict[str, Any]) -> set[str]:
    return {one["name"] for one in told["findings"] if one["root"] is None}


def test_a_full_disk_is_why_the_pack_is_not_there(tmp_path: Path) -> None:
    """A tmpfs of 4 MiB as the home, in a namespace of its own; one of 2 GiB has room."""
    for size, expected in (("4m", {"disk-full"}), ("2g", {"model-missing"})):
        home = tmp_path / size
        home.mkdir()
        inside = (
            f"mount -t tmpfs -o size={size} none {home} && exec {DEV_PYTHON} -m retina_doctor check --quick --device cpu "
            f"--only models --model buffalo_l --format json --target {DEV_PYTHON}"
        )
        command = ["unshare", "--mount", "--propagation", "private", "sh", "-c", inside]
        done = subprocess.run(
            command, cwd=tmp_path, env=environment(HOME=str(home)), capture_output=True, text=True, check=False
        )
        assert roots(json.loads(done.stdout)) == expected, done.stdout


RETINA_FACE = ("retina-face==0.0.17",)


def test_retina_face_on_a_tensorflow_without_cuda_libraries(tmp_path: Path) -> None:
    """The metadata of tensorflow 2.20.0 as PyPI has it, without its 600 MB: what it wants of NVIDIA, and does not bring."""
    python = make_venv(tmp_path / "venv", "uv")
    install(python, "--no-deps", *RETINA_FACE)
    site = next((tmp_path / "venv" / "lib").glob("python3*/site-packages"))
    info = site / "tensorflow-2.20.0.dist-info"
    info.mkdir()
    wants = ("nvidia-cublas-cu12<13.0,>=12.5.3.2", "nvidia-cudnn-cu12<10.0,>=9.3.0.75")
    lines = "".join(f'Requires-Dist: {one}; extra == "and-cuda"\n' for one in wants)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: tensorflow\nVersion: 2.20.0\n{lines}\n")
    place = site / "tensorflow" / "python" / "platform"
    place.mkdir(parents=True)
    (site / "tensorflow" / "__init__.py").touch()
    (place / "build_info.py").write_text("build_info = dict([('cpu_compiler', 'clang'), ('cuda_version', '12.5.1')])\n")
    words = ("check", "--quick", "--device", "gpu", "--only", "python_env", "--target", str(python))

    def looked() -> dict[str, Any]:
        return report(*words, cwd=tmp_path, env=environment())

    [finding] = [one for one in looked()["findings"] if one["name"] == "tensorflow-cannot-use-gpu"]
    assert finding["evidence"]["lacks"] == list(wants)
    assert finding["evidence"]["user"] == "retina-face 0.0.17"
    assert "tensorflow[and-cuda]==2.20.0" in finding["fix"]["commands"][0]
    for one in wants:
        name = one.partition("<")[0]
        (site / f"{name.replace('-', '_')}-12.9.0.dist-info").mkdir()
    assert [one for one in looked()["findings"] if one["name"] == "tensorflow-cannot-use-gpu"] == []


@pytest.mark.parametrize("name", ["model-name-typo", "model-wrong-directory"])
def test_the_commands_put_the_model_where_it_is_looked_for(name: str, tmp_path: Path) -> None:
    from retina_doctor_checks.inference import known

    model = next((Path(known.__file__).parent / "known_answer").glob("*.onnx"))
    (tmp_path / "models").mkdir()
    shutil.copy(model, tmp_path / "models" / "face_detector.onnx")
    asked = "models/face_detectr.onnx" if name == "model-name-typo" else "face_detector.onnx"
    told = checked(tmp_path, "--only", "models", "--model", asked)
    assert name in roots(told)
    run_fix(told, name, tmp_path)
    assert name not in roots(checked(tmp_path, "--only", "models", "--model", asked))
