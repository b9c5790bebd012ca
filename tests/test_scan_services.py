"""`retina-doctor scan` of whole small services: the faulty one is named for its fault alone, its healthy twin not at all."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.scan_across import ACROSS, LOOKALIKES
from tests.scan_services import FORMS, OTHERS, PER_REQUEST
from tests.scan_twins import NAMED, SILENT
from tests.scanning import scanned

HEALTHY = {**SILENT, **LOOKALIKES}
SERVICES = {**PER_REQUEST, **FORMS, **OTHERS}


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
