"""Texts of a page for reading where a pack ships no example: ‹name› where evidence will stand."""

from __future__ import annotations

import re

from retina_doctor.words.page_source import BLOCK, Variant
from retina_doctor.words.pages import Words


def unfilled(page: Variant) -> Words:
    """The words of a finding with signs for what a run fills in."""
    commands = [line.strip() for block in BLOCK.finditer(page.fix) for line in block[2].split("\n") if line.strip()]
    return Words(
        title=shown(page.title),
        message=shown(page.message),
        fix=shown(re.sub(r"\n{3,}", "\n\n", BLOCK.sub("", page.fix))).strip(),
        commands=tuple(map(shown, commands)),
        aside="",
        why="",
    )


def shown(template: str) -> str:
    text = re.sub(
        r"\{\{\s*pip_(install|uninstall)\((.*?)\)\s*\}\}", lambda m: f"pip {m[1]} {_arguments(m[2])}", template
    )
    text = re.sub(r"\{\{\s*f\"[^{\"]*\{(\w+).*?\}\}", r"‹\1›", text)
    return re.sub(r"\{\{\s*([^ |.(\[}]*).*?\}\}", r"‹\1›", text)


def _arguments(text: str) -> str:
    """The arguments of a page's function: literals as they are, names as placeholders."""
    told = []
    for word in re.sub(r"\((\w+) or .*?\)", r"\1", text).split(","):
        literal = re.fullmatch(r"\s*\"([^\"]*)\"\s*", word)
        name = re.search(r"[a-z_]+", word)
        told.append(literal[1] if literal else f"‹{name[0]}›" if name else word.strip())
    return " ".join(told)
