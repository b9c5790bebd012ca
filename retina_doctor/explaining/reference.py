"""What the program says of its own checks and settings: `list`, and the tables of docs/."""

from __future__ import annotations

from rich.cells import cell_len

from retina_doctor.catalogue.registry import Catalogue, Entry
from retina_doctor.codec import to_json
from retina_doctor.language import Language
from retina_doctor.reports.labels import label
from retina_doctor.settings.declared import Declarations, Declared
from retina_doctor.words.page_source import PageError, PageSource, source
from retina_doctor.words.reasons import domain_name
from retina_doctor.words.unfilled import shown


def page_source(entry: Entry, language: Language) -> PageSource:
    """The page, or what is wrong with it."""
    try:
        return source(entry.pages, entry.check.name, language)
    except PageError as error:
        return PageSource(title=entry.check.name, meaning=str(error), variants={}, why="")


def title_of(entry: Entry, language: Language) -> str:
    return shown(page_source(entry, language).title)


def head_of(entry: Entry, catalogue: Catalogue, language: Language) -> str:
    """ "error · onnxruntime"."""
    return f"{label(entry.check.severity, language)} · {domain_name(entry.domain, catalogue, language)}"


def table_text(catalogue: Catalogue, language: Language) -> str:
    """A line for each check: code, name, severity, title; columns as wide as their widest cell."""
    rows = [
        (e.check.code, e.check.name, label(e.check.severity, language), title_of(e, language))
        for e in catalogue.entries
    ]
    widths = [max(cell_len(row[column]) for row in rows) for column in range(3)]
    return "".join(
        "  ".join(cell + " " * (width - cell_len(cell)) for cell, width in zip(row, widths, strict=False))
        + f"  {row[3]}\n"
        for row in rows
    )


def table_json(catalogue: Catalogue, language: Language) -> str:
    return to_json({"checks": [row(entry, language) for entry in catalogue.entries]})


def row(entry: Entry, language: Language) -> dict[str, object]:
    """Machine words, and the title in the language."""
    check = entry.check
    return {
        "code": check.code,
        "name": check.name,
        "severity": check.severity,
        "domain": entry.domain,
        "pitfall": check.pitfall,
        "title": title_of(entry, language),
    }


def settings_table(known: Declarations) -> str:
    """Markdown: every key, the flag that stands for it, what it is for, its default."""
    rows = ["| key | flag | what it says | default |", "| --- | --- | --- | --- |"]
    for table, keys in known.tables.items():
        for one in keys.values():
            rows += [_setting_row(f"[{table}] {one.key}", one)] if not one.inner else []
            rows += [_setting_row(f"[{table}.{one.key}] {inner.key}", inner) for inner in one.inner.values()]
    return "\n".join(rows) + "\n"


def _setting_row(name: str, one: Declared) -> str:
    flag = " ".join(filter(None, (one.setting.flag, one.setting.metavar)))
    default = "" if one.default in (None, (), {}) else to_json(one.default).strip()
    cells = (f"`{name}`", f"`{flag}`" if flag else "", one.setting.en, f"`{default}`" if default else "")
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
