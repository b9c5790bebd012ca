"""README and docs/usage.md, and their Chinese equals: the same commands in the same order, links that lead somewhere."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import typer

from retina_doctor.cli import app
from tools.write_pictures import DOCS, PICTURES, picture

ROOT = Path(__file__).parents[1]
PAIRS = [
    ("README.md", "docs/README.zh.md"),
    ("docs/usage.md", "docs/usage.zh.md"),
    ("docs/checks/README.md", "docs/checks/README.zh.md"),
]
every_pair = pytest.mark.parametrize(("english", "chinese"), PAIRS)
every_file = pytest.mark.parametrize("file", [file for pair in PAIRS for file in pair])


def text(file: str) -> str:
    return (ROOT / file).read_text(encoding="utf-8")


def outside_blocks(told: str) -> str:
    return re.sub(r"^```.*?^```$", "", told, flags=re.MULTILINE | re.DOTALL)


@every_pair
def test_both_languages_say_as_much(english: str, chinese: str) -> None:
    def form(file: str) -> list[str]:
        return re.findall(r"^#+ |^\| --- .*$|^!\[", outside_blocks(text(file)), re.MULTILINE)

    def blocks(file: str) -> list[str]:
        return re.findall(r"^```(?:sh|toml)\n.*?^```$", text(file), re.MULTILINE | re.DOTALL)

    assert form(english) == form(chinese)
    assert blocks(english) == blocks(chinese)
    commands = [
        re.findall(r"`((?:uv|uvx|pip|pipx|retina-doctor)\b[^`]*)`", outside_blocks(text(file)))
        for file in (english, chinese)
    ]
    # In a table of codes `explain CODE` is said in words.
    assert sorted(one for one in commands[0] if one.isascii()) == sorted(
        one for one in commands[1] if one.isascii()
    ) or english.startswith("docs/checks")
    assert re.search(r"[\u4e00-\u9fff]", text(chinese)) and not re.search(
        r"[\u4e00-\u9fff]", re.sub(r"\[中文(说明)?\]", "", text(english))
    )


@every_file
def test_links_lead_somewhere(file: str) -> None:
    links = re.findall(r"\]\(([^)#]*)(?:#[^)]*)?\)", outside_blocks(text(file)))
    assert links
    for link in links:
        assert "://" in link or not link or ((ROOT / file).parent / link).exists(), link


@pytest.mark.parametrize("file", PAIRS[0])
def test_the_readme_is_short_and_begins_with_what_to_run(file: str) -> None:
    assert len(text(file).splitlines()) <= 150
    blocks = re.findall(r"^```sh\n(.*?)^```$", text(file), re.MULTILINE | re.DOTALL)
    assert blocks[0] == "pip install uv && uvx --from . retina-doctor\n", "the light way first"
    assert {"pip install uv && uv run retina-doctor\n", "pip install uv && uv run pytest\n"} <= set(blocks)


def shown(file: str) -> set[str]:
    """Every command line of the doctor's that a file shows."""
    lines = [
        line
        for block in re.findall(r"^```sh\n(.*?)^```$", text(file), re.MULTILINE | re.DOTALL)
        for line in block.splitlines()
    ]
    lines += re.findall(r"`(retina-doctor [^`]*)`", text(file))
    return {f"retina-doctor {part}" for line in lines for part in re.findall(r"retina-doctor (?!\|)([^|']*)", line)}


@every_file
def test_commands_and_flags_that_are_shown_are_there(file: str) -> None:
    group = typer.main.get_command(app)
    context = typer.Context(group)
    for line in shown(file):
        words = shlex.split(line)[1:]
        known = group.list_commands(context)  # type: ignore[attr-defined]
        name = words[0] if words and words[0] in known else "check"
        command = group.get_command(context, name)  # type: ignore[attr-defined]
        if len(words) > 1 and hasattr(command, "commands"):  # fleet collect
            command = command.commands[words[1]]
        flags = {flag for parameter in command.get_params(typer.Context(command)) for flag in parameter.opts}
        for word in words:
            if word.startswith("-") and word != "-":
                assert word in flags | {"--help"}, line
        assert not words or words[0].startswith("-") or words[0] in known, line


@pytest.mark.parametrize("name", PICTURES)
def test_pictures_show_what_the_doctor_prints_today(name: str) -> None:
    """If this fails: python -m tools.write_pictures"""
    assert (DOCS / name).read_text(encoding="utf-8") == picture(PICTURES[name])
    assert any(f"{name})" in text(file) for pair in PAIRS for file in pair), "no page shows it"
