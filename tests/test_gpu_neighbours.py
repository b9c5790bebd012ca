"""Machines that look like one whose card is lost, lacks firmware or is full, and are another: what must not be said of them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from retina_doctor_checks.probes.driver.look_host import lost_cards
from retina_doctor_checks.probes.native import places

from retina_doctor.catalogue.registry import installed
from retina_doctor.judging.diagnose import diagnose
from retina_doctor.model import Finding
from retina_doctor.support_file import load
from tests.machines import put, raw
from tests.standins import toolkit_folder
from tests.test_faults_onnxruntime import for_aarch64

HOST, NVML, CUDA = "/readings/host/facts/", "/readings/nvml/facts/", "/readings/cuda_driver/facts/"
LOADED = "NVRM: loading NVIDIA UNIX Open Kernel Module for x86_64  580.95.05"
XID_79 = "NVRM: Xid (PCI:0000:00:1e): 79, pid='<unknown>', name=<unknown>, GPU has fallen off the bus."
AT_LOAD = "NVRM: The NVIDIA GPU 0000:00:1e.0 (PCI ID: 10de:1eb8) installed in this system has fallen off the bus and"
FOUND_AGAIN = "pci 0000:00:1e.0: [10de:1eb8] type 00 class 0x030200 PCIe Endpoint"
NO_FIRMWARE = "NVRM: RmFetchGspRmImages: No firmware image found"
NOT_STARTED = "NVRM: GPU 0000:00:1e.0: RmInitAdapter failed! ({})"
SILENT: dict[str, Any] = {CUDA + "init_code": 999, CUDA + "devices": [], NVML + "error_code": 999, NVML + "gpus": []}
UNLOADED: dict[str, Any] = {
    **SILENT,
    NVML + "error_code": 9,
    HOST + "nvidia_loaded": False,
    HOST + "loaded_version": None,
    HOST + "uvm_loaded": False,
    HOST + "nodes": [],
}
FULL: dict[str, Any] = {
    CUDA + "init_code": 2,
    CUDA + "devices": [],
    NVML + "gpus/0/memory_free": 100 * 2**20,
    NVML + "gpus/0/memory_used": 14800 * 2**20,
    NVML + "gpus/0/processes": [],
}
OWN = {"pid": 77, "used_memory": 14000 * 2**20, "name": "python3", "trial": True}


def roots(base: str, values: dict[str, Any]) -> dict[str, Finding]:
    return {name: one for name, one in findings(base, values).items() if one.root is None}


def findings(base: str, values: dict[str, Any]) -> dict[str, Finding]:
    data = raw(base)
    for pointer, value in values.items():
        put(data, pointer, value)
    return {one.name: one for one in diagnose(load(json.dumps(data)), installed()).findings}


def log(*lines: str) -> dict[str, Any]:
    return {HOST + "kernel_log": {"xids": [], "refusals": [], "said": list(lines), "lost": lost_cards(list(lines))}}


def cards(*numbers: int) -> dict[str, Any]:
    told = [{"address": f"0000:00:{number:x}.0", "device": "0x1eb8", "bound_to": "nvidia"} for number in numbers]
    return {HOST + "pci_gpus": told}


@pytest.mark.parametrize(
    ("values", "root"),
    [
        ({**SILENT, **log(LOADED, XID_79)}, "gpu-fallen-off-bus"),
        ({**UNLOADED, **log(AT_LOAD)}, "gpu-fallen-off-bus"),
        ({**SILENT, **log(XID_79, LOADED)}, "nvml-fails"),
        ({**SILENT, **log(LOADED, XID_79, FOUND_AGAIN)}, "nvml-fails"),
        ({**SILENT, **log(XID_79), **cards(0x1E, 0x1F)}, "nvml-fails"),
        ({**SILENT, NVML + "error_code": None, **log(XID_79), **cards(0x1E, 0x1F)}, "nvml-fails"),
        ({**SILENT, **log(XID_79), **cards(0x1F)}, "nvml-fails"),
        ({**UNLOADED, **log(LOADED, XID_79)}, "driver-module-not-loaded"),
    ],
    ids=[
        "of the module that runs",
        "that did not answer the module",
        "of an earlier load",
        "that was found again on the bus",
        "beside one that answers",
        "beside one that NVML does not list either",
        "that is gone, beside one that answers",
        "of a module that was taken away for an update",
    ],
)
def test_a_card_that_the_log_says_is_lost(values: dict[str, Any], root: str) -> None:
    assert set(roots("t4-healthy", values)) == {root}


@pytest.mark.parametrize(
    ("code", "variant"), [("0x61:0x56:1697", "no-firmware"), ("0x26:0x56:1463", ""), ("0x62:0x65:1792", "")]
)
def test_firmware_is_told_where_the_drivers_code_says_it(code: str, variant: str) -> None:
    """Without an image it may go on without, and fail for another reason."""
    found = roots("gpu-adapter-init-failed", log(NO_FIRMWARE, NOT_STARTED.format(code)))
    assert found["gpu-adapter-init-failed"].variant == variant


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({}, True),
        ({NVML + "gpus/0/processes": [OWN]}, False),
        ({NVML + "gpus/0/mig": True}, False),
        ({HOST + "wsl": True, HOST + "pci_gpus": []}, False),
    ],
    ids=["nobody", "the doctor's own trial", "instances of MIG", "Windows"],
)
def test_who_holds_a_full_card(values: dict[str, Any], told: bool) -> None:
    found = roots("t4-healthy", {**FULL, **values})
    assert ("vram-held-by-others" in found) == told
    assert not told or set(found) == {"vram-held-by-others"}


@pytest.mark.parametrize("free", [100, 14000])
def test_a_limit_of_addresses_is_told_where_memory_is_free(free: int) -> None:
    values = {**FULL, NVML + "gpus/0/memory_free": free * 2**20, CUDA + "address_space": 2**36}
    keys = [one["key"] for one in findings("t4-healthy", values)["cuda-init-fails"].evidence["more"]]
    assert ("few-addresses" in keys) == (free == 14000)


def test_a_systems_library_for_another_processor_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Debian keeps one folder for each; the loader looks into that of its own processor alone."""
    folders = [tmp_path / "aarch64-linux-gnu", tmp_path / "own"]
    for folder in folders:
        folder.mkdir()
        shutil.copy(toolkit_folder() / "libcublas.so.13", folder)
    for_aarch64(folders[0] / "libcublas.so.13")
    monkeypatch.setattr(places, "SYSTEM", tuple(map(str, folders)))
    [found] = [one for one in places.cuda_libraries() if one["path"].startswith(str(tmp_path))]
    assert (found["path"], found["damage"]) == (f"{folders[1]}/libcublas.so.13", None)
