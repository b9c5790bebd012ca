"""`retina-doctor scan` of whole small services: the faulty one is named for its fault alone, its healthy twin not at all.

Fetched, read and judged by the parts that `scan` is made of, in one process: a hundred services are many starts otherwise.
"""

from __future__ import annotations

import ast
import gc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from retina_doctor_checks.analysis import kinds, look
from retina_doctor_checks.probes.source import look_texts

from retina_doctor.codec import replace
from retina_doctor.judging.diagnose import diagnose
from retina_doctor.model import Diagnosis
from tests.machines import machine
from tests.rejudging import CATALOGUE
from tests.scan_across import ACROSS, LOOKALIKES
from tests.scan_services import FORMS, OTHERS, PER_REQUEST, Tree
from tests.scan_twins import NAMED, SILENT
from tests.test_scan_deployment import grow

HEALTHY = {**SILENT, **LOOKALIKES}
SERVICES = {**PER_REQUEST, **FORMS, **OTHERS}


class Heard:
    """What a probe tells."""

    def __init__(self) -> None:
        self.said: dict[str, Any] = {}

    def tell(self, **said: Any) -> None:
        self.said |= said


@pytest.fixture(autouse=True)
def collecting() -> Iterator[None]:
    yield
    gc.enable()  # the reading of a probe's process never needs it


def scanned(folder: Path, tree: Tree) -> Diagnosis:
    grow(folder, tree)
    fetched, told = Heard(), Heard()
    look_texts.look(fetched, {"paths": [str(folder)], "kinds": kinds.wanted(), "seconds": 60})
    look.look(told, {"told": fetched.said, "seconds": 60})  # type: ignore[arg-type]
    snapshot = machine("source-scanned").snapshot
    readings = {**snapshot.readings, "source": replace(snapshot.readings["source"], facts=told.said)}
    return diagnose(replace(snapshot, readings=readings), CATALOGUE)


@pytest.mark.parametrize("name", SERVICES)
def test_the_faulty_one_is_named_and_its_twin_silent(name: str, tmp_path: Path) -> None:
    causes, before, after = SERVICES[name]
    told = scanned(tmp_path / "before", before)
    assert {one.name for one in told.findings} == causes
    told = scanned(tmp_path / "after", after)
    assert [(one.name, one.evidence) for one in told.findings] == []


@pytest.mark.parametrize("name", HEALTHY)
def test_what_only_looks_like_a_fault_is_none(name: str, tmp_path: Path) -> None:
    assert [(one.name, one.evidence) for one in scanned(tmp_path, HEALTHY[name]).findings] == []


@pytest.mark.parametrize("name", NAMED)
def test_a_fault_is_named_once(name: str, tmp_path: Path) -> None:
    cause, tree = NAMED[name]
    assert {one.name for one in scanned(tmp_path, tree).findings} == {cause}


@pytest.mark.parametrize("name", ACROSS)
def test_what_several_places_say_together(name: str, tmp_path: Path) -> None:
    cause, before, after = ACROSS[name]
    found = scanned(tmp_path / "before", before).findings
    assert {one.name for one in found} == ({cause} if cause else set())
    told = scanned(tmp_path / "after", after).findings if after is not None else ()
    assert [(one.name, one.evidence) for one in told] == []


@pytest.mark.parametrize(
    "name",
    [
        "flask, of PIL",
        "BGR made RGB",
        "not prepared, insightface 0.7",
        "the branches the wrong way round",
        "NMS by OpenCV",
        "helper",
        "streamlit",
        "streamlit load()",
        "streamlit import once",
        "gradio",
        "gradio other file",
        "django",
    ],
)
def test_the_corrected_lines_are_silent(name: str, tmp_path: Path) -> None:
    [one] = scanned(tmp_path, SERVICES[name][1] if name in SERVICES else ACROSS[name][1]).findings
    shown = one.evidence
    changed = [line for line in (shown, *shown.get("also", ())) if line["fixed"] is not None]
    assert changed
    for line in sorted(changed, key=lambda one: -one["line"]):  # several in place of one move those below it
        file = Path(line["file"])
        lines = file.read_text().split("\n")
        old = lines[line["line"] - 1]
        indent = old[: len(old) - len(old.lstrip())]
        lines[line["line"] - 1] = "\n".join(indent + part for part in line["fixed"].split("\n"))
        file.write_text("\n".join(lines))
        ast.parse(file.read_text())
    assert scanned(tmp_path, {}).findings == ()
