"""The torch domain on real processes: packages called torch that do what broken ones do."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from typing import Any

import pytest
from retina_doctor_checks.advice.builds import Terms, newest, torch_builds
from retina_doctor_checks.advice.gpu_code import covers

from retina_doctor.catalogue.registry import installed
from retina_doctor.judging.diagnose import diagnose
from retina_doctor.support_file import load
from tests.machines import raw
from tests.standins import Report, doctor, nvml_folder

TORCH = ("--only", "torch", "--timeout", "4")
TURING_ON = ["sm_75", "sm_80", "sm_86", "sm_90", "sm_100", "sm_120"]

VERSION_FILE = """from typing import Optional
__all__ = ['__version__', 'debug', 'cuda', 'git_version', 'hip']
__version__ = {version!r}
debug = False
cuda: Optional[str] = {cuda!r}
git_version = 'f00'
hip: Optional[str] = {hip!r}
"""

WORKING = """
import types, warnings
from .version import __version__
from . import version
class _C:
    @staticmethod
    def _cuda_getArchFlags():
        return {arch!r}
def _is_available():
    warnings.warn("CUDA initialization: Found no NVIDIA driver on your system.")
    return False
cuda = types.SimpleNamespace(is_available=_is_available, device_count=lambda: 0, get_arch_list=lambda: [])
"""


def make_torch(
    folder: Path, body: str, version: str = "2.11.0", cuda: str | None = "13.0", hip: str | None = None
) -> Path:
    """A package torch in *folder*/site whose __init__ runs *body*."""
    package = folder / "site" / "torch"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(body)
    (package / "version.py").write_text(VERSION_FILE.format(version=version, cuda=cuda, hip=hip))
    return package.parent


def run(folder: Path, site: Path | None, *words: str, **variables: str) -> Report:
    """The torch domain; *site* is put before the target's own packages."""
    environment = {"PYTHONPATH": str(site) if site else None, "LD_LIBRARY_PATH": str(nvml_folder()), **variables}
    return doctor(folder, *(words or TORCH), environment=environment)


def bare_target(folder: Path) -> str:
    """A venv of its own without any package."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder / "venv")], check=True, timeout=60)
    return str(folder / "venv" / "bin" / "python")


def survivors(mark: str) -> list[str]:
    """Command lines and environments of running processes that hold *mark*."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if entry.name != str(os.getpid()) and mark.encode() in (entry / "cmdline").read_bytes():
                found.append(entry.name)
        except OSError:
            continue
    return found


SAYS = "import sys; print({!r}, file=sys.stderr, flush=True)\n"
BREAKAGES: dict[str, tuple[str, str, str]] = {
    # what the import does: the body, how the looking ends, what the detail says
    "aborts": (SAYS.format("libtorch: fatal") + "import os; os.abort()", "crashed", "SIGABRT"),
    "segfaults": (SAYS.format("going down") + "import ctypes; ctypes.string_at(0)", "crashed", "SIGSEGV"),
    "hangs": (SAYS.format("waiting") + "import time; time.sleep(1000)", "timed_out", "4 s"),
    "exits": ("import os; os._exit(7)", "crashed", "exit status 7"),
    "quits": ("raise SystemExit(3)", "failed", "SystemExit"),
    "raises": ("raise ImportError('libcudart.so.13: cannot open shared object file')", "failed", "libcudart.so.13"),
    "is_half_there": ("from ._C import *", "failed", "torch._C"),
}  # fmt: skip


@pytest.mark.parametrize("how", BREAKAGES)
def test_an_import_that_breaks_is_a_finding_and_the_report_is_whole(tmp_path: Path, how: str) -> None:
    body, outcome, detail = BREAKAGES[how]
    report = run(tmp_path, make_torch(tmp_path, body))
    evidence = report.finding("torch-import-fails")["evidence"]
    assert evidence["outcome"] == outcome
    assert detail in evidence["detail"]
    assert (evidence["stage"], evidence["version"]) == ("importing torch", "2.11.0")
    assert report.exit_code == 1
    assert report.verdict("torch-cpu-build") == "passed"  # read from files, whatever the import does


@pytest.mark.parametrize(
    ("how", "last_words"), [("aborts", "libtorch: fatal"), ("segfaults", "going down"), ("hangs", "waiting")]
)
def test_the_last_words_are_kept(tmp_path: Path, how: str, last_words: str) -> None:
    report = run(tmp_path, make_torch(tmp_path, BREAKAGES[how][0]))
    finding = report.finding("torch-import-fails")
    assert last_words in finding["evidence"]["stderr"]
    assert last_words in finding["message"]


def test_garbage_on_the_output_does_not_become_facts(tmp_path: Path) -> None:
    body = 'import os\nos.write(1, b\'\\xff\\x00{"tell": {"installed": false}}\\n\' * 20000)\n' + WORKING.format(
        arch="sm_75"
    )
    report = run(tmp_path, make_torch(tmp_path, body))
    assert "torch-import-fails" not in report.names, report.summary()
    assert report.json["facts"]["torch_runtime"]["installed"] is True
    json.dumps(report.json)


@pytest.mark.parametrize("start", ["", "os.setsid()"], ids=["same session", "own session"])
def test_a_grandchild_does_not_hold_the_report_up_nor_survive_it(tmp_path: Path, start: str) -> None:
    seconds = f"1000.{os.getpid()}{len(start)}"
    body = f"import os\nif os.fork() == 0:\n    {start or 'pass'}\n    os.execvp('sleep', ['sleep', '{seconds}'])\n"
    report = run(tmp_path, make_torch(tmp_path, body + WORKING.format(arch="sm_75")))
    assert report.json["facts"]["torch_runtime"]["installed"] is True
    assert "torch-import-fails" not in report.names
    assert wait_until_gone(seconds) == []


def test_a_grandchild_of_a_hanging_import_is_ended_with_it(tmp_path: Path) -> None:
    seconds = f"1000.{os.getpid()}9"
    child = f"    os.setsid()\n    os.execvp('sleep', ['sleep', '{seconds}'])\n"
    body = f"import os, time\nif os.fork() == 0:\n{child}time.sleep(1000)"
    report = run(tmp_path, make_torch(tmp_path, body))
    assert report.finding("torch-import-fails")["evidence"]["hangs"] is True
    assert wait_until_gone(seconds) == []


def wait_until_gone(mark: str) -> list[str]:
    """Killed processes vanish when their parent has taken note; that is no longer than a moment away."""
    for _ in range(100):
        if not (left := survivors(mark)):
            return []
        time.sleep(0.05)
    return left


def test_what_a_working_torch_says_of_cuda(tmp_path: Path) -> None:
    report = run(tmp_path, make_torch(tmp_path, WORKING.format(arch=" ".join(TURING_ON))))
    told = report.json["facts"]["torch_runtime"]
    assert told["arch_list"] == TURING_ON
    assert (told["version"], told["cuda"], told["available"]) == ("2.11.0", "13.0", False)
    assert told["warnings"] == ["CUDA initialization: Found no NVIDIA driver on your system."]
    assert report.verdict("torch-arch-unsupported") == "passed"


def test_a_card_that_the_build_has_no_code_for(tmp_path: Path) -> None:
    site = make_torch(tmp_path, WORKING.format(arch=" ".join(TURING_ON)))
    report = run(tmp_path, site, STANDIN_CAPABILITY="70", STANDIN_NAME="Tesla V100", STANDIN_COUNT="2")
    finding = report.finding("torch-arch-unsupported")
    assert finding["subject"] == "gpu:0"
    assert (finding["evidence"]["capability"], finding["evidence"]["arch_list"]) == ("7.0", TURING_ON)


def test_quick_judges_the_cards_by_the_files_alone(tmp_path: Path) -> None:
    site = make_torch(tmp_path, "raise AssertionError('imported')")
    report = run(tmp_path, site, "--only", "torch", "--quick", STANDIN_CAPABILITY="70")
    assert report.names >= {"torch-arch-unsupported"}, report.summary()
    assert report.verdict("torch-import-fails") == "inapplicable"


CPU = ("2.13.0+cpu", None, None)
BUILDS: list[tuple[tuple[str, str | None, str | None], str, list[int] | None]] = [
    (CPU, "cpu", None),
    (("2.11.0", "13.0", None), "cuda", [13, 0]),
    (("2.9.1+cu128", "12.8", None), "cuda", [12, 8]),
    (("2.9.1+rocm6.4", None, "6.4.43482"), "rocm", None),
]


@pytest.mark.parametrize(("made", "build", "cuda"), BUILDS)
def test_the_build_is_read_without_an_import(
    tmp_path: Path, made: tuple[str, str | None, str | None], build: str, cuda: list[int] | None
) -> None:
    site = make_torch(tmp_path, "raise AssertionError('imported')", *made)
    told = run(tmp_path, site, "--only", "torch-cpu-build").json["facts"]["torch_files"]
    assert (told["version"], told["build"], told["cuda"]) == (made[0], build, cuda)
    assert told["path"] == str(site / "torch")


def test_the_suffix_tells_where_the_version_file_is_broken(tmp_path: Path) -> None:
    site = make_torch(tmp_path, "")
    (site / "torch" / "version.py").write_text("this is (no Python")
    (site / "torch-2.6.0+cu126.dist-info").mkdir()
    (site / "torch-2.6.0+cu126.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: torch\nVersion: 2.6.0+cu126\n"
    )
    told = run(tmp_path, site, "--only", "torch-cpu-build").json["facts"]["torch_files"]
    assert (told["version"], told["build"], told["cuda"]) == ("2.6.0+cu126", "cuda", [12, 6])


def checkpoint(folder: Path) -> Path:
    """A file of the form that torch.save writes."""
    path = folder / "Resnet50_Final.pth"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", b"\x80\x02}.")
        archive.writestr("archive/version", b"3\n")
    return path


def test_a_cpu_build_is_an_error_under_a_checkpoint_and_a_warning_beside_onnx(tmp_path: Path) -> None:
    site = make_torch(tmp_path, WORKING.format(arch=""), *CPU)
    words = ("--only", "torch-cpu-build")
    under = run(tmp_path, site, *words, "--model", str(checkpoint(tmp_path))).finding("torch-cpu-build")
    assert (under["severity"], under["evidence"]["needed_by"]) == ("error", str(tmp_path / "Resnet50_Final.pth"))
    model = tmp_path / "det.onnx"
    model.write_bytes(b"\x08\x07\x12\x04test:\x00")
    beside = run(tmp_path, site, *words, "--model", str(model)).finding("torch-cpu-build")
    assert beside["severity"] == "warning"


def test_a_missing_torch_matters_only_to_a_checkpoint(tmp_path: Path) -> None:
    target = bare_target(tmp_path)
    environment: dict[str, Any] = {"PYTHONPATH": None}
    report = doctor(tmp_path, *TORCH, "--model", str(checkpoint(tmp_path)), environment=environment, target=target)
    assert report.finding("torch-missing")["evidence"]["needed_by"].endswith("Resnet50_Final.pth")
    assert report.verdict("torch-import-fails") == "inapplicable"
    report = doctor(tmp_path, *TORCH, "--model", str(tmp_path / "no.onnx"), environment=environment, target=target)
    assert report.names == set()
    assert report.verdict("torch-missing") == "inapplicable"


def test_a_neighbour_called_torch_is_not_imported(tmp_path: Path) -> None:
    (tmp_path / "torch.py").write_text("raise AssertionError('imported')")
    report = doctor(tmp_path, *TORCH, environment={"PYTHONPATH": None}, target=bare_target(tmp_path))
    assert report.json["facts"]["torch_files"]["installed"] is False


@pytest.mark.parametrize(
    ("arch_list", "capability", "runs"),
    [
        (["sm_75"], (7, 5), True), (["sm_75"], (7, 0), False), (["sm_70"], (7, 5), True), (["sm_70"], (7, 2), False),
        (["sm_80"], (8, 6), True), (["sm_80"], (8, 7), False), (["sm_86"], (8, 9), True), (["sm_86"], (8, 0), False),
        (["sm_90"], (9, 0), True), (["sm_90"], (10, 0), False), (["sm_90a"], (9, 0), True), (["sm_100"], (10, 3), True),
        (["sm_100"], (10, 1), False), (["sm_120"], (12, 1), True), (["sm_100a"], (10, 3), False),
        (["sm_100f"], (10, 3), True), (["compute_90"], (12, 0), True), (["compute_120"], (9, 0), False),
        (["sm_60", "compute_60"], (7, 0), True), ([], (7, 5), False), (["gfx942"], (9, 0), False),
    ],
)  # fmt: skip
def test_which_cards_code_runs_on(arch_list: list[str], capability: tuple[int, int], runs: bool) -> None:
    assert covers(arch_list, capability) is runs


@pytest.mark.parametrize(
    ("driver", "python", "capability", "machine", "version"),
    [
        ((13, 0), (3, 11, 9), (7, 5), "x86_64", "2.15.0"),
        ((12, 2), (3, 11, 9), (7, 5), "x86_64", "2.10.0"),
        ((13, 0), (3, 11, 9), (7, 0), "x86_64", "2.10.0"),
        ((13, 0), (3, 11, 9), (6, 1), "x86_64", "2.7.1"),
        ((12, 2), (3, 8, 18), (8, 6), "x86_64", "2.4.1"),
        ((11, 4), (3, 11, 9), (7, 5), "x86_64", "2.0.1"),
        ((12, 2), (3, 15, 0), (7, 5), "x86_64", None),
        ((13, 0), (3, 11, 9), (9, 0), "aarch64", "2.15.0"),
        ((12, 2), (3, 11, 9), (9, 0), "aarch64", None),  # built for the CPU only until 2.10
        (None, (3, 10, 0), None, "x86_64", "2.14.1"),
    ],
)
def test_which_torch_is_advised(
    driver: tuple[int, int] | None,
    python: tuple[int, int, int],
    capability: tuple[int, int] | None,
    machine: str,
    version: str | None,
) -> None:
    terms = Terms(driver_cuda=driver, python=python[:2], processor=machine, cards=(capability,) if capability else ())
    build = newest(torch_builds(), terms)
    assert (build.version if build else None) == version


def test_a_card_that_the_service_will_not_use_is_not_judged() -> None:
    data = raw("torch-arch-unsupported")
    facts = data["readings"]["nvml"]["facts"]
    facts["gpus"].append({**facts["gpus"][0], "index": 1, "name": "Tesla T4", "compute_capability": [7, 5]})
    facts["gpus"][1]["uuid"] = "GPU-00000001-1111"
    data["readings"]["cuda_driver"]["outcome"] = "not_run"  # where CUDA itself does not tell, the variable does
    first = facts["gpus"][0]["uuid"]
    for visible, verdict in ((first, "failed"), ("GPU-00000001-1111", "passed"), (None, "unknown")):
        data["readings"]["gpu_environment"]["facts"]["cuda_visible_devices"] = visible
        diagnosis = diagnose(load(json.dumps(data)), installed())
        assert {one.name: one.verdict for one in diagnosis.judgements}["torch-arch-unsupported"] == verdict


def test_builds_for_cuda_13_leave_out_what_is_older_than_turing() -> None:
    rows = [build for build in torch_builds() if build.cuda[0] == 13 and build.processor == "x86_64"]
    assert rows
    for build in rows:
        assert covers(build.code, (7, 5)) and not covers(build.code, (7, 0))
