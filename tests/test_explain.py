"""`explain`, `list` and docs/checks: what the program says of its own checks is prose, in both languages."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len

from retina_doctor.catalogue.registry import installed
from retina_doctor.explaining import explain
from retina_doctor.explaining.explain import explanations
from retina_doctor.explaining.reference import table_text
from retina_doctor.language import LANGUAGES
from retina_doctor.reports.report import PLAIN
from retina_doctor.support_file import save
from retina_doctor.words.page_source import source
from tests.doctor import doctor
from tests.machines import machine
from tools.write_explanations import docs, files

CATALOGUE = installed()
every_code = pytest.mark.parametrize("code", [entry.check.code for entry in CATALOGUE.entries])
every_language = pytest.mark.parametrize("language", LANGUAGES)
MARKUP = re.compile(r"\{\{|\{%|%\}|‹|›|^#|`|\bendif\b", re.MULTILINE)


@every_code
@every_language
def test_an_explanation_is_prose_that_stands_alone(code: str, language: Any) -> None:
    entry = CATALOGUE.of_code(code)
    (told,) = explanations([entry], CATALOGUE, language)
    assert told.meaning and told.why and told.examples
    assert told.found or code in ("RD001", "RD003", "RD005", "RD006", "RD007", "RD008"), (
        "of the doctor, not of a machine"
    )
    variants = source(entry.pages, entry.check.name, language).variants
    assert len(told.examples) == len(variants), "an example of each variant"
    text = explain.text([told], PLAIN, language)
    commands = {command for filled in told.examples for command in filled.words.commands}
    text = "\n".join(line for line in text.splitlines() if line.strip() not in commands)
    assert not MARKUP.search(text), MARKUP.search(text)
    for line in text.splitlines():
        assert cell_len(line) <= PLAIN.width, line
    headings = {"en": ("What it means", "Why"), "zh": ("含义", "原因")}
    lines = text.splitlines()
    assert set(headings[language]) <= set(lines)
    assert not set(headings["zh" if language == "en" else "en"]) & set(lines)


@every_language
def test_titles_of_the_list_are_plain(language: Any) -> None:
    text = table_text(CATALOGUE, language)
    assert not MARKUP.search(text)
    assert len(text.splitlines()) == len(CATALOGUE.entries)
    if language == "zh":
        assert not re.search(r"\b(error|warning|note)\b", text)
        assert all(re.search(r"[\u4e00-\u9fff]", line) for line in text.splitlines())
    titles = [source(one.pages, one.check.name, language).title for one in CATALOGUE.entries]
    assert len(set(titles)) > len(titles) - 8, "some causes are seen from two sides; few titles say the same"
    assert all(len(title) <= 60 for title in titles)


def test_an_example_is_taken_from_a_snapshot(tmp_path: Path) -> None:
    (tmp_path / "here.json").write_text(save(machine("port-in-use").snapshot), encoding="utf-8")
    done = doctor("explain", "port-in-use", "--from", "here.json", "--format", "json", cwd=tmp_path)
    told = json.loads(done.stdout)
    assert [one["machine"] for one in told["examples"]] == ["here.json"]
    assert told["here"] is None
    done = doctor("explain", "RD264", "--from", "here.json", cwd=tmp_path)
    assert "here.json: this check passed there" in done.stdout
    assert "Example: " in done.stdout
    done = doctor("explain", "RD264", "--from", "nowhere.json", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")


def test_examples_are_those_of_the_machines() -> None:
    """If this fails: python -m tools.write_explanations"""
    for file, text in files().items():
        assert file.read_text(encoding="utf-8") == text, file


def test_docs_say_what_the_program_says() -> None:
    """If this fails: python -m tools.write_explanations"""
    told = docs()
    assert {file.name for file in next(iter(told)).parent.glob("*.md")} == {file.name for file in told}
    for file, text in told.items():
        assert file.read_text(encoding="utf-8") == text, file


@every_language
def test_links_of_the_docs_lead_to_headings(language: Any) -> None:
    told = docs()
    table = next(
        text for file, text in told.items() if file.name == ("README.zh.md" if language == "zh" else "README.md")
    )
    by_name = {file.name: text for file, text in told.items()}
    links = re.findall(r"\[RD\d+\]\(([^)#]+)#([^)]+)\)", table)
    assert len(links) == len(CATALOGUE.entries)
    for file, anchor in links:
        headings = re.findall(r"^## (.+)$", by_name[file], re.MULTILINE)
        assert anchor in [heading.lower().replace(" ", "-") for heading in headings]
