"""The driver domain on real processes: the real pynvml over a stand-in library, a card shown by bind mounts."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from retina_doctor_checks.advice.drivers import last_branch, least_driver
from retina_doctor_checks.combined.driver_seen import DriverSeen
from retina_doctor_checks.combined.visible_gpus import hidden
from retina_doctor_checks.driver.trouble import troubles
from retina_doctor_checks.facts.driver import DeviceNode, DriverLibrary, Gpu, Host, Nvml, PciGpu

from retina_doctor.catalogue.registry import installed
from retina_doctor.judging.diagnose import diagnose
from retina_doctor.model import Diagnosis
from retina_doctor.support_file import load
from retina_doctor.words.pages import render
from tests.machines import raw
from tests.standins import Machine, Report, cuda_folder, doctor, needs_root, nvml_folder

DRIVER = ("--only", "driver", "--timeout", "20")


def run(folder: Path, *words: str, machine: Machine | None = None, **standin: str) -> Report:
    """The driver domain with the stand-in NVML; *standin*: INIT="9" sets STANDIN_INIT."""
    variables = {f"STANDIN_{name}": value for name, value in standin.items()}
    environment = {**CLEAN, "LD_LIBRARY_PATH": str(nvml_folder()), **variables}
    return doctor(folder, *DRIVER, *words, environment=environment, machine=machine)


CLEAN: dict[str, str | None] = {
    "LD_LIBRARY_PATH": None,
    "CUDA_VISIBLE_DEVICES": None,
    "NVIDIA_VISIBLE_DEVICES": None,
    "RETINA_DOCTOR_DEVICE": None,
}


def facts(report: Report, name: str) -> Any:
    return report.json["facts"][name]


def test_everything_nvml_knows_is_told(tmp_path: Path) -> None:
    report = run(tmp_path, COUNT="2", PID=str(os.getpid()), USED=str(3 * 2**30), MIG="1")
    nvml = facts(report, "nvml")
    first, second = nvml["gpus"]
    assert (nvml["driver"], nvml["cuda"], nvml["error_code"]) == ("580.95.05", [13, 0], None)
    assert (first["name"], first["bus_id"], first["compute_capability"]) == ("Tesla T4", "00000000:00:1E.0", [7, 5])
    assert first["uuid"].startswith("GPU-00000000-") and second["uuid"].startswith("GPU-00000001-")
    assert (first["memory_total"], first["memory_used"]) == (15360 * 2**20, 3 * 2**30)
    assert first["memory_free"] == (15360 - 449 - 3072) * 2**20
    assert first["mig"] is True and len(first["mig_devices"]) == 1
    (process,) = first["processes"]
    assert (process["pid"], process["used_memory"]) == (os.getpid(), 3 * 2**30)
    initial = Path("/proc/self/ns/pid").readlink() == Path("pid:[4026531836]")
    comm = Path("/proc/self/comm").read_text().strip()
    assert process["name"] == (comm if initial else None)
    assert nvml["own_pids"] is initial
    assert second["processes"] == []
    assert report.verdict("no-nvidia-gpu") == "passed"
    assert report.verdict("nvml-fails") == "passed"


def test_memory_is_told_by_a_library_that_knows_only_the_old_question(tmp_path: Path) -> None:
    gpu = facts(run(tmp_path, OLD="1"), "nvml")["gpus"][0]
    assert gpu["memory_total"] == 15360 * 2**20
    assert gpu["memory_reserved"] is None
    assert gpu["error"] is None


def test_a_lost_gpu_does_not_hide_the_others(tmp_path: Path) -> None:
    report = run(tmp_path, COUNT="3", LOST="1")
    gpus = facts(report, "nvml")["gpus"]
    assert [gpu["name"] for gpu in gpus] == ["Tesla T4", None, "Tesla T4"]
    finding = report.finding("gpu-fallen-off-bus")
    assert finding["subject"] == "gpu:1"
    assert finding["evidence"]["said"].startswith("NVML: 15:")


def test_a_driver_that_hangs_is_a_finding_within_the_deadline(tmp_path: Path) -> None:
    report = run(tmp_path, "--timeout", "3", INIT="hang")
    evidence = report.finding("nvml-fails")["evidence"]
    assert (evidence["outcome"], evidence["stage"]) == ("timed_out", "nvmlInit")
    assert report.exit_code == 1


def test_nvidia_smi_that_hangs_is_a_finding_and_leaves_no_process(tmp_path: Path) -> None:
    seconds = f"1000.{os.getpid()}"  # tells this sleep from all others
    program(tmp_path / "bin" / "nvidia-smi", f"#!/bin/sh\nsleep {seconds} & exec sleep {seconds}\n")
    path = f"{tmp_path / 'bin'}:{os.environ['PATH']}"
    report = doctor(tmp_path, "--only", "nvidia-smi-hangs", "--timeout", "3", environment={**CLEAN, "PATH": path})
    finding = report.finding("nvidia-smi-hangs")
    assert finding["evidence"]["path"] == str(tmp_path / "bin" / "nvidia-smi")
    assert not [line for line in processes() if seconds in line]


def test_what_nvidia_smi_says_is_kept(tmp_path: Path) -> None:
    program(tmp_path / "bin" / "nvidia-smi", "#!/bin/sh\necho '0, Tesla T4'\necho broken >&2\nexit 9\n")
    path = f"{tmp_path / 'bin'}:{os.environ['PATH']}"
    report = doctor(tmp_path, "--only", "nvidia-smi-hangs", environment={**CLEAN, "PATH": path})
    told = facts(report, "nvidia_smi")
    assert (told["exit_code"], told["lines"], told["errors"]) == (9, ["0, Tesla T4"], ["broken"])
    assert report.verdict("nvidia-smi-hangs") == "passed"


def test_an_nvidia_smi_of_the_working_directory_is_not_run(tmp_path: Path) -> None:
    program(tmp_path / "nvidia-smi", f"#!/bin/sh\ntouch {tmp_path}/was-run\n")
    for entry in (".", ""):
        path = f"{entry}:{os.environ['PATH']}"
        report = doctor(tmp_path, "--only", "nvidia-smi-hangs", environment={**CLEAN, "PATH": path})
        assert facts(report, "nvidia_smi")["path"] != "./nvidia-smi"
    assert not (tmp_path / "was-run").exists()


def test_a_hidden_bus_is_not_taken_for_an_empty_one(tmp_path: Path) -> None:
    machine = Machine(folder=tmp_path / "machine", bus="hidden", module=None, nodes=())
    report = doctor(tmp_path, *DRIVER, environment=CLEAN, machine=machine)
    assert report.verdict("no-nvidia-gpu") == "unknown"
    assert "no-nvidia-gpu" not in report.names


def test_a_library_outside_the_loaders_folders(tmp_path: Path) -> None:
    place = "/usr/local/nvidia/lib64"
    files = {f"{place}/libnvidia-ml.so.1": nvml_folder() / "libnvidia-ml.so.1"}
    files |= {f"{place}/libcuda.so.1": cuda_folder() / "libcuda.so.1"}
    machine = Machine(folder=tmp_path / "machine", files=dict(files))
    report = doctor(tmp_path, *DRIVER, environment=CLEAN, machine=machine)
    assert report.roots == {"nvml-library-not-found"}, report.summary()
    assert report.finding("nvml-library-not-found")["evidence"]["folder"] == place


def test_what_the_host_shows_is_told(tmp_path: Path) -> None:
    machine = Machine(
        folder=tmp_path / "machine",
        secure_boot=True,
        kernel="6.1.0-31-standin",
        built={"6.1.0-31-standin": True, "6.1.0-30-standin": False},
        log=("NVRM: Xid (PCI:0000:00:1e): 31, pid=7", "usb 1-1: new device", "NVRM: Xid (PCI:0000:00:1e.0): 79, pid=8"),
    )
    host = facts(run(tmp_path, machine=machine), "host")
    assert (host["loaded_version"], host["container"], host["secure_boot"]) == ("580.95.05", None, True)
    assert [(one["path"], one["usable"]) for one in host["nodes"]] == [
        ("/dev/nvidia-uvm", True), ("/dev/nvidia0", True), ("/dev/nvidiactl", True)
    ]  # fmt: skip
    assert {one["kernel"]: one["signed"] for one in host["module_files"]} == {
        "6.1.0-31-standin": True,
        "6.1.0-30-standin": False,
    }
    assert [(one["bus_id"], one["code"]) for one in host["kernel_log"]["xids"]] == [
        ("0000:00:1e", 31), ("0000:00:1e.0", 79)
    ]  # fmt: skip
    assert (host["nvidia_loaded"], host["uvm_loaded"], host["nouveau_loaded"]) == (True, True, False)
    assert host["pci_gpus"] == [{"address": "0000:00:1e.0", "device": "0x1eb8", "bound_to": "nvidia"}]


@pytest.mark.parametrize("value", ["", "-1", "7"])
def test_the_targets_own_variable_hides_the_gpu(tmp_path: Path, value: str) -> None:
    wrapper = f"env CUDA_VISIBLE_DEVICES={value} {sys.executable}"
    environment = {**CLEAN, "LD_LIBRARY_PATH": str(nvml_folder())}
    report = doctor(tmp_path, *DRIVER, environment=environment, target=wrapper)
    assert report.finding("cuda-visible-devices-hides-gpu")["evidence"]["value"] == value


def test_cpu_meant_asks_nothing_of_the_driver(tmp_path: Path) -> None:
    report = run(tmp_path, "--device", "cpu", INIT="9")
    assert report.names == set()
    assert report.verdict("nvml-fails") == "inapplicable"


def gpu(index: int, uuid: str | None = None, mig_devices: tuple[str, ...] = ()) -> Gpu:
    nothing: dict[str, Any] = dict.fromkeys(
        ("name", "bus_id", "memory_total", "memory_free", "memory_used", "compute_capability", "compute_mode", "mig")
    )
    uuid = uuid or f"GPU-{index:08d}-aaaa-bbbb-cccc-dddddddddddd"
    return Gpu(index=index, uuid=uuid, mig_devices=mig_devices, processes=(), error=None, **nothing)


TWO = (gpu(0), gpu(1))


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (None, None), ("0", None), ("1,0", None), (" 1 ", None), ("1gpu", None), ("0,-1,1", None), ("0,7", None),
        ("", "empty"), ("  ", "empty"), ("-1", "none"), ("none", "none"), ("NoDevFiles", "none"), (",0", "none"),
        ("2", "no-such-index"), ("7,0", "no-such-index"), ("0,0", "twice"), ("1,01", "twice"),
        ("GPU-00000001", None), ("GPU-99", "no-such-uuid"), ("MIG-1234", "no-such-uuid"), ("all", "none"),
    ],
)  # fmt: skip
def test_what_cuda_visible_devices_leaves(value: str | None, why: str | None) -> None:
    assert hidden(value, TWO) == why


def test_without_the_list_of_gpus_only_the_plain_cases_are_judged() -> None:
    assert hidden("0", None) == "unknown"
    assert hidden("GPU-1", None) == "unknown"
    assert hidden("-1", None) == "none"
    assert hidden(None, None) is None


def test_mig_devices_and_redacted_uuids() -> None:
    mig = gpu(0, mig_devices=("MIG-5f2c7b1e-0000-1111-2222-333333333333",))
    assert hidden("MIG-5f2c", (mig,)) is None
    assert hidden(f"MIG-{mig.uuid}/1/0", (mig,)) is None
    redacted = gpu(0, uuid="GPU-5d2c1b0a-0000-0000-0000-000000000000")
    assert hidden("GPU-5d2c", (redacted,)) is None
    assert hidden("GPU-5d2d", (redacted,)) == "no-such-uuid"
    assert hidden("GPU-5d2c", (redacted, gpu(1, uuid="GPU-5d2c1b0b-0000-0000-0000-000000000000"))) == "ambiguous"
    assert hidden("GPU-5d2c,GPU-5d2c1", (redacted,)) == "twice"
    assert hidden("9" * 5000, (redacted,)) == "no-such-index"


LIBRARY = DriverLibrary(path="/usr/lib/libcuda.so.1", name="libcuda.so.1", version="580.95.05", on_loader_path=True)
WSL_LIBRARY = DriverLibrary(
    path="/usr/lib/wsl/lib/libcuda.so.1", name="libcuda.so.1", version=None, on_loader_path=True
)
CARD = (PciGpu(address="0000:01:00.0", device="0x2204", bound_to=None),)


def host(**differing: Any) -> Host:
    """A machine without anything of NVIDIA's, but for what differs."""
    plain: dict[str, Any] = {
        "kernel": "6.1.0-generic", "container": None, "wsl": False, "nvidia_loaded": False, "loaded_version": None,
        "nouveau_loaded": False, "pci_gpus": (), "nodes": (), "libraries": (),
    }  # fmt: skip
    return Host(**{**plain, **differing})


def silent(code: int) -> Nvml:
    return Nvml(error_code=code, error="an error", driver=None, cuda=None, gpus=())


def node(path: str) -> tuple[DeviceNode, ...]:
    return (DeviceNode(path=path, usable=True),)


@pytest.mark.parametrize(
    ("seen", "code", "name"),
    [
        (host(), 12, "no-nvidia-gpu"),
        (host(libraries=(LIBRARY,)), 9, "no-nvidia-gpu"),
        (host(container="docker"), 12, "no-nvidia-gpu"),
        (host(wsl=True), 12, "no-nvidia-gpu"),
        # /dev/dxg is a GPU of any vendor, Windows' libcuda one of NVIDIA's; a container on WSL may have been given none.
        (host(wsl=True, nodes=node("/dev/dxg")), 12, "no-nvidia-gpu"),
        (host(wsl=True, nodes=node("/dev/dxg"), libraries=(LIBRARY,)), 12, "no-nvidia-gpu"),
        (host(wsl=True, nodes=node("/dev/dxg"), libraries=(WSL_LIBRARY,)), 12, None),
        (host(wsl=True, container="docker"), 12, "container-started-without-gpu"),
        (host(pci_gpus=None), 12, None),
        (host(pci_gpus=CARD), 12, "driver-not-installed"),
        (host(pci_gpus=CARD, nvidia_loaded=True), 12, "driver-not-installed"),
        # A container that was given no GPU sees its host's card and module all the same.
        (host(pci_gpus=CARD, nvidia_loaded=True, container="docker"), 12, "container-started-without-gpu"),
        (host(pci_gpus=CARD, container="docker"), 12, "driver-not-installed"),
        (
            host(pci_gpus=CARD, nvidia_loaded=True, container="docker", nodes=node("/dev/nvidia0")),
            12,
            "container-driver-capabilities",
        ),
        (host(pci_gpus=CARD, libraries=(LIBRARY,)), 12, "driver-module-not-loaded"),
        (host(pci_gpus=CARD, libraries=(LIBRARY,), nouveau_loaded=True), 9, "driver-module-not-loaded"),
        (host(pci_gpus=CARD, libraries=(LIBRARY,), nvidia_loaded=None), 9, "driver-module-not-loaded"),
        (host(pci_gpus=CARD, libraries=(LIBRARY,), nvidia_loaded=True), 9, None),
        (host(pci_gpus=CARD, libraries=(LIBRARY,), nvidia_loaded=True), 18, "driver-library-mismatch"),
        # libcuda alone, as in a container without the capability "utility": the GPU can be used, NVML cannot.
        (host(pci_gpus=CARD, libraries=(LIBRARY,), nvidia_loaded=True), 12, None),
        (host(nodes=node("/dev/nvmap")), 12, None),
    ],
)
def test_one_trouble_has_one_name(seen: Host, code: int, name: str | None) -> None:
    found = next(iter(troubles(DriverSeen(host=seen, nvml=silent(code)))), None)
    assert (found.name if found else None) == name


def test_drivers_table() -> None:
    assert least_driver(12) == "525.60.13"
    assert least_driver(99) is least_driver(10) is None
    assert last_branch((3, 7)) == (470, 11)
    assert last_branch((7, 0)) == (580, 13)
    assert last_branch((7, 5)) is None


def wanting_a_driver(machine: str, **differing: Any) -> dict[str, dict[str, Any]]:
    """Evidence of driver-too-old by framework on a machine of fixtures/machines that differs by "probe.fact" = value."""
    return {
        finding.subject.split()[0]: dict(finding.evidence)
        for finding in judged(machine, **differing).findings
        if finding.name == "driver-too-old"
    }


def judged(machine: str, **differing: Any) -> Diagnosis:
    data = raw(machine)
    for place, value in differing.items():
        probe, _, fact = place.partition("__")
        data["readings"][probe]["facts"][fact] = value
    return diagnose(load(json.dumps(data)), installed())


def cards(*capabilities: tuple[int, int]) -> list[dict[str, Any]]:
    one = raw("t4-healthy")["readings"]["nvml"]["facts"]["gpus"][0]
    return [
        {**one, "index": i, "name": f"card {c}", "compute_capability": c, "uuid": f"GPU-0000000{i}-1111"}
        for i, c in enumerate(capabilities)
    ]


def test_a_newer_driver_is_not_advised_where_the_build_has_no_code_for_the_card() -> None:
    told = wanting_a_driver("driver-too-old-for-old-card")
    assert {name: one["has_code"] for name, one in told.items()} == {"onnxruntime-gpu": False, "torch": False}
    assert told["onnxruntime-gpu"]["install"] == ["onnxruntime-gpu[cuda,cudnn]==1.26.0"]
    assert told["torch"]["install"] == ["torch==2.7.1"]
    diagnosis = judged("driver-too-old-for-old-card")
    for finding in diagnosis.findings:
        if finding.name == "driver-too-old":
            assert "580" not in render(finding, diagnosis.snapshot, installed(), "en").fix
    assert {one["has_code"] for one in wanting_a_driver("driver-too-old").values()} == {True}


def test_a_build_is_advised_that_fits_every_card_the_service_may_use() -> None:
    mixed = cards((7, 5), (6, 1))
    for differing, torch in (
        ({}, "2.7.1"),
        ({"gpu_environment__cuda_device_order": "PCI_BUS_ID"}, "2.10.0"),
        ({"gpu_environment__cuda_visible_devices": "GPU-00000000"}, "2.10.0"),
        ({"gpu_environment__cuda_visible_devices": "GPU-00000001"}, "2.7.1"),
        ({"gpu_environment__cuda_visible_devices": "-1"}, "2.7.1"),
    ):
        told = wanting_a_driver("driver-too-old", nvml__gpus=mixed, **differing)
        assert told["torch"]["fitting"] == torch, differing
        assert told["torch"]["has_code"] is (torch == "2.10.0"), differing


def test_an_onnxruntime_of_unknown_build_is_not_passed() -> None:
    by_name = {one.name: one for one in judged("t4-healthy", ort_files__distributions=[]).judgements}
    assert (by_name["driver-too-old"].verdict, by_name["driver-too-old"].missing) == ("unknown", ("ort_files",))


def test_nvml_is_asked_in_a_target_that_has_nothing_installed(tmp_path: Path) -> None:
    """In another namespace the probes meant for the doctor's own side run in the target; -S: no site-packages there."""
    needs_root()
    environment = {**CLEAN, "LD_LIBRARY_PATH": str(nvml_folder())}
    report = doctor(tmp_path, *DRIVER, environment=environment, target=f"unshare --mount {sys.executable} -S -E")
    assert facts(report, "nvml")["driver"] == "580.95.05", report.summary()
    assert facts(report, "nvml")["gpus"][0]["name"] == "Tesla T4"
    assert facts(report, "host")["kernel"] == os.uname().release


def program(path: Path, text: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def processes() -> list[str]:
    told = subprocess.run(["ps", "-eo", "pid,args"], capture_output=True, text=True, check=True).stdout
    return told.splitlines()[1:]
