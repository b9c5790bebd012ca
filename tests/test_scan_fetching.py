"""Fetching apart from understanding: where files are read, what goes along, and what a hostile one can do."""

from __future__ import annotations

import base64
import json
import os
import signal
import sys
import zlib
from pathlib import Path
from typing import Any

import pytest
from retina_doctor_checks.analysis.kinds import KINDS, PYTHON
from retina_doctor_checks.analysis.look import MOST_BYTES, OutOfTime, Packed, limited
from retina_doctor_checks.analysis.python import rules
from retina_doctor_checks.probes.source import look_texts
from retina_doctor_checks.settings import ScanSettings
from retina_doctor_checks.source.domain import probe

from retina_doctor import hints
from retina_doctor.authoring import Side
from retina_doctor.codec import replace
from retina_doctor.model import Outcome, Recorded, Target
from retina_doctor.probing.asking import Looking
from retina_doctor.probing.collect import collect
from retina_doctor.settings import GateSettings, Settings
from retina_doctor.standpoint.target import surroundings
from tests.doctor import doctor
from tests.scan_trees import pod
from tests.standins import needs_root
from tests.test_probing import PYTHONS
from tests.test_scan import scanned

FAULTY = {
    "app.py": "import onnxruntime\ns = onnxruntime.InferenceSession('/a')  # caf\u00e9 \u4eba\u8138\n",
    "Dockerfile": "FROM python:3.11\nRUN pip install -r requirements.txt\nCMD uvicorn a:a\n",
    "requirements.txt": "-r more/base.txt\n-c limits.txt\ninsightface\n",
    "more/base.txt": "onnxruntime-gpu\n-r ../requirements.txt\n-r deeper.txt\n",
    "more/deeper.txt": "flask\n",
    "limits.txt": "insightface<1\n",
    "compose.yml": "services:\n  a:\n    image: x\n    command: uvicorn a:a\n",
    "k.yaml": pod("        args: [uvicorn, 'a:a']\n"),
}


def grow(folder: Path, tree: dict[str, str]) -> Path:
    for name, text in tree.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def fetched_in(side: Side, folder: Path, *command: str) -> Recorded:
    """The reading of the tree by a probe of that side, from a target with this command."""
    settings = Settings(ScanSettings(paths=(str(folder),)), GateSettings(timeout=60))
    target = Target(command=command or (sys.executable,), chosen="flag")
    looking = Looking(settings, target, surroundings(settings, target, os.environ))
    return collect(looking, [replace(probe, side=side)])[1]["source"]


def in_a_mount(shown: Path, place: Path) -> list[str]:
    """The oldest Python at hand, in a namespace where *shown* stands at *place*."""
    oldest = PYTHONS[min(version for version in PYTHONS if version >= (3, 8))]
    return ["unshare", "-m", "sh", "-c", f'mount --bind "{shown}" "{place}" && exec "{oldest}" -S -E']


def test_the_target_s_files_are_read_by_an_old_python_without_libraries(tmp_path: Path) -> None:
    """The same facts as here, though only the fetching is sent; and nothing but them is in the reading."""
    needs_root()
    there, place = grow(tmp_path / "there", FAULTY), tmp_path / "place"
    place.mkdir()
    elsewhere = fetched_in(Side.TARGET, place, *in_a_mount(there, place))
    assert elsewhere.outcome is Outcome.OK, elsewhere
    here = fetched_in(Side.CALLER, there)
    assert json.loads(json.dumps(elsewhere.facts).replace(str(place), str(there))) == here.facts
    assert here.facts["files"] == 5
    assert len(here.facts["servers"]) == 3
    assert set(here.facts) == set(probe.facts.__struct_fields__)


def test_only_the_fetching_is_sent() -> None:
    assert probe.sent(Side.TARGET) == (hints.__name__, look_texts.__name__)


def test_scan_reads_the_callers_disk_wherever_the_target_is(tmp_path: Path) -> None:
    needs_root()
    grow(tmp_path / "tree", FAULTY)
    empty = tmp_path / "empty"
    empty.mkdir()
    command = in_a_mount(empty, tmp_path / "tree")
    (tmp_path / "doctor.toml").write_text(f"[target]\ncommand = {json.dumps(command)}\n")
    done = doctor("scan", "tree", "--config", "doctor.toml", "--format", "json", cwd=tmp_path)
    told = json.loads(done.stdout)
    named = {one["name"] for one in told["findings"]}
    assert named == {
        *("ort-provider-not-requested", "service-loopback-only"),
        *("container-started-without-gpu", "ort-cuda-libs-missing"),
    }


def test_what_requirements_name_is_fetched_too(tmp_path: Path) -> None:
    grow(tmp_path, FAULTY)
    [bundle] = scanned(tmp_path, "requirements.txt")["facts"]["source"]["bundles"]
    assert bundle["included"] == [str(tmp_path / "more" / "base.txt"), str(tmp_path / "more" / "deeper.txt")]
    assert [(one["name"], one["spec"]) for one in bundle["packages"]] == [
        ("insightface", "<1"),
        ("onnxruntime-gpu", ""),
    ]


def test_every_word_that_a_rule_is_about_is_looked_for() -> None:
    """A file without any of them is not fetched; `http` is looked for as http.server, since it is a frequent word."""
    assert set(PYTHON) == {*rules.PACKAGES, "http.server"} - {"http"}
    assert {kind.kind for kind in KINDS} >= {"python", "gunicorn", "manifest"}


def packed(data: bytes) -> Packed:
    return Packed(file="/a.py", kind="python", data=base64.b64encode(zlib.compress(data)).decode())


def test_what_is_fetched_is_unpacked_as_far_as_a_file_may_be_large() -> None:
    assert packed(b"x" * MOST_BYTES).content == b"x" * MOST_BYTES
    with pytest.raises(ValueError, match="more than 5 MB"):
        _ = packed(b"x" * 2**30).content


def busy(calls: int) -> str:
    """A file that takes long to understand."""
    return "import onnxruntime\n" + "f(a, b=[c, d(e)])\n" * calls


def test_a_file_that_takes_all_the_time_does_not_take_what_was_found_before(tmp_path: Path) -> None:
    grow(tmp_path, {"a.py": FAULTY["app.py"], "b.py": busy(2 * 10**5), "c.py": FAULTY["app.py"]})
    told: Any = scanned(tmp_path, ".", "--timeout", "4")
    assert told["exit_code"] in (1, 3)  # 3 where the process had to be ended: parsing cannot be interrupted
    [hit] = told["facts"]["source"]["hits"]
    assert Path(hit["at"]["file"]).name == "a.py"
    assert told["facts"]["source"]["cut"]


def test_the_time_of_a_file_ends_in_its_midst_and_the_last_resort_stays_set() -> None:
    signal.alarm(600)
    try:
        with pytest.raises(OutOfTime), limited(0.1):
            while True:
                pass
        assert 1 < signal.alarm(0) <= 600
    finally:
        signal.alarm(0)


def test_more_than_is_fetched_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of noise, which does not shrink."""
    for number in range(4):
        noise = base64.b64encode(os.urandom(3 * 2**20)).decode()
        (tmp_path / f"{number}.py").write_text(f"import onnxruntime\n# {noise}\n")
    told = scanned(tmp_path, ".", exit_code=3)
    assert told["facts"]["source"]["cut"]
    assert told["findings"] == []
