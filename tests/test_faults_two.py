"""Two faults at once, made for real: each is a root of its own, and neither hides the other. Beside them what looks like two and
is one, and what a card that the service does not use has to say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.standins import cuda_folder, library_path, nvml_folder, real_cudart_folder
from tests.test_faults_driver import Fault, cuda_in, cuinit, looked, real


def hidden_nvml(folder: Path, *, cuda_too: bool = False) -> str:
    """The driver's libraries in a folder where no loader looks."""
    without = [nvml_folder(), *([cuda_folder()] if cuda_too else [])]
    return library_path(cudart=real_cudart_folder(), without=without)


def beside(*folders: Path) -> dict[str, Any]:
    """Files of the driver below /opt/nvidia/lib64, off the loader's path."""
    files = {f"/opt/nvidia/lib64/{file.name}": file for folder in folders for file in folder.glob("*.so.1")}
    return {"files": files}


CASES: dict[str, tuple[set[str], Fault]] = {
    "NVML 18 and a container without libcuda": (
        {"driver-library-mismatch", "container-driver-capabilities"},
        Fault(
            root="",
            machine={"container": True, "module": "570.86.15"},
            environment={"STANDIN_INIT": "18", "NVIDIA_DRIVER_CAPABILITIES": "utility"},
            path=lambda _: library_path(without=[cuda_folder()]),
        ),
    ),
    "NVML 18 and the toolkit's stub": (
        {"driver-library-mismatch", "cuda-stub-library"},
        Fault(
            root="",
            machine={"module": "570.86.15"},
            environment={"STANDIN_INIT": "18", **cuinit(34)},
            path=cuda_in("cuda", "lib64", "stubs"),
        ),
    ),
    "NVML off the path and a fabric that is not ready": (
        {"nvml-library-not-found", "fabric-manager-not-running"},
        Fault(root="", machine=beside(nvml_folder()), environment=cuinit(802), path=hidden_nvml),
    ),
    "no capability utility and cuda-compat": (
        {"container-driver-capabilities", "container-compat-libraries"},
        Fault(
            root="",
            machine={"container": True},
            environment={"NVIDIA_DRIVER_CAPABILITIES": "compute", **cuinit(804)},
            path=lambda folder: cuda_in("cuda-13.0", "compat")(folder).replace(f"{nvml_folder()}:", ""),
        ),
    ),
    "another card is lost, and this one has lost its state": (
        {"gpu-fallen-off-bus", "driver-state-lost"},
        Fault(
            root="",
            environment={"STANDIN_COUNT": "3", "STANDIN_LOST": "1", "CUDA_VISIBLE_DEVICES": "0", **cuinit(999)},
            path=real(),
        ),
    ),
    "the variable hides the card, and memory fails": (
        {"cuda-visible-devices-hides-gpu", "gpu-hardware-errors"},
        Fault(root="", environment={"CUDA_VISIBLE_DEVICES": "-1", "STANDIN_ECC": "2"}, path=real()),
    ),
    "both libraries off the path are one": (
        {"nvml-library-not-found"},
        Fault(
            root="",
            machine=beside(nvml_folder(), cuda_folder()),
            path=lambda folder: hidden_nvml(folder, cuda_too=True),
        ),
    ),
    "NVML 18 and CUDA 803 are one": (
        {"driver-library-mismatch"},
        Fault(root="", machine={"module": "570.86.15"}, environment={"STANDIN_INIT": "18", **cuinit(803)}, path=real()),
    ),
    "the chosen card is divided, the other is whole": (
        {"mig-device-not-selected"},
        Fault(
            root="",
            environment={
                "STANDIN_COUNT": "2",
                "STANDIN_MIG": "1",
                "STANDIN_WHOLE": "1",
                "STANDIN_INSTANCES": "0",
                "STANDIN_VISIBLE": "0",
                "CUDA_VISIBLE_DEVICES": "0",
            },
            path=real(),
        ),
    ),
    "the chosen card is named by its UUID and divided": (
        {"mig-device-not-selected"},
        Fault(
            root="",
            environment={
                "STANDIN_COUNT": "2",
                "STANDIN_MIG": "1",
                "STANDIN_WHOLE": "0",
                "STANDIN_INSTANCES": "0",
                "STANDIN_VISIBLE": "0",
                "CUDA_VISIBLE_DEVICES": "GPU-00000001",
            },
            path=real(),
        ),
    ),
    "a libcuda without a number, of another release": (
        {"driver-library-mismatch"},
        Fault(root="", environment=cuinit(803), path=cuda_in("opt", "image")),
    ),
    "conda-forge's cuda-compat": (
        {"container-compat-libraries"},
        Fault(root="", environment=cuinit(804), path=cuda_in("conda", "cuda-compat")),
    ),
    "a cuda-compat that somebody copied elsewhere": (
        {"container-compat-libraries"},
        Fault(root="", environment=cuinit(804), path=cuda_in("opt", "image")),
    ),
    "an old cuda-compat of a numbered folder": (
        {"container-compat-libraries"},
        Fault(root="", machine={"container": True}, environment=cuinit(803), path=cuda_in("usr", "compat-12.2")),
    ),
}
TWINS: dict[str, Fault] = {
    "the other card is divided, the chosen one is whole": Fault(
        root="",
        environment={
            "STANDIN_COUNT": "2",
            "STANDIN_MIG": "1",
            "STANDIN_WHOLE": "0",
            "STANDIN_INSTANCES": "0",
            "CUDA_VISIBLE_DEVICES": "0",
        },
    ),
    "a libcuda without a number that works": Fault(root="", path=cuda_in("opt", "image", works=True)),
    "a folder whose name only sounds like it": Fault(root="", path=cuda_in("opt", "compatible", works=True)),
}


@pytest.mark.parametrize("name", CASES)
def test_each_fault_is_a_root_of_its_own(name: str, tmp_path: Path) -> None:
    roots, fault = CASES[name]
    report = looked(tmp_path, fault)
    assert report.roots == roots, report.summary()


@pytest.mark.parametrize("name", TWINS)
def test_a_healthy_twin_is_silent(name: str, tmp_path: Path) -> None:
    report = looked(tmp_path, TWINS[name])
    assert report.names == set(), report.summary()


def test_with_device_auto_a_cause_still_explains_its_consequences(tmp_path: Path) -> None:
    """There all is a warning at most, causes and consequences alike."""
    fault = Fault(root="", environment=cuinit(802), path=real(), words=("--device", "auto"))
    assert looked(tmp_path, fault).roots == {"fabric-manager-not-running"}


def test_a_libcuda_is_called_foreign_where_the_driver_does_not_have_it(tmp_path: Path) -> None:
    report = looked(tmp_path, Fault(root="", environment=cuinit(803), path=cuda_in("opt", "image")))
    assert report.finding("driver-library-mismatch")["evidence"]["path"].startswith(f"{tmp_path}/opt/image/")
