"""What the program says of its own checks: `list` and `explain`."""

from __future__ import annotations

import re
from collections.abc import Sequence

from retina_doctor.codec import to_json
from retina_doctor.declared import Declarations, Declared
from retina_doctor.pages import PageError, Source, source
from retina_doctor.registry import Catalogue, Entry
from retina_doctor.settings import Language

LEGEND: dict[Language, str] = {
    "en": "(‹…›: what a run fills in; [… | …]: one or the other, as it finds)",
    "zh": "（‹…›：运行时填入的内容；[… | …]：视检查结果取其一）",
}


def placeholders_shown(template: str) -> str:
    """A page's template for reading: ‹name› where evidence will stand, [one | other] where it decides."""
    text = re.sub(r"\{%-?\s*(?:if|for)\b.*?%\}", "[", template, flags=re.DOTALL)
    text = re.sub(r"\{%-?\s*(?:else|elif)\b.*?%\}", " | ", text, flags=re.DOTALL)
    text = re.sub(r"\{%-?\s*end(?:if|for)\s*-?%\}", "]", text)
    text = re.sub(r"\{\{\s*pip_(install|uninstall)\((.*?)\)\s*\}\}", lambda m: f"pip {m[1]} {_arguments(m[2])}", text)
    return re.sub(r"\{\{\s*([^ |.(\[}]*).*?\}\}", r"‹\1›", text)


def _arguments(text: str) -> str:
    """The arguments of a page's function: literals as they are, names as placeholders."""
    shown = []
    text = re.sub(r"\((\w+) or .*?\)", r"\1", text)
    for word in text.split(","):
        literal = re.fullmatch(r"\s*\"([^\"]*)\"\s*", word)
        name = re.search(r"[a-z_]+", word)
        shown.append(literal[1] if literal else f"‹{name[0]}›" if name else word.strip())
    return " ".join(shown)


def title_of(entry: Entry, language: Language) -> str:
    return placeholders_shown(page_source(entry, language).title)


def page_source(entry: Entry, language: Language) -> Source:
    """The page, or what is wrong with it."""
    try:
        return source(entry.pages, entry.check.name, language)
    except PageError as error:
        return Source(title=entry.check.name, message=str(error), fix="", why="")


def pages_text(entries: Sequence[Entry], language: Language) -> str:
    """The pages of one check, or of all that bear one name."""
    return "\n".join(page_text(entry, language) for entry in entries)


def page_text(entry: Entry, language: Language) -> str:
    page = page_source(entry, language)
    check = entry.check
    head = f"{check.code} {check.name} ({check.severity}, {entry.domain})"
    parts = [head, page.title, page.message, "## Fix", page.fix, "## Why", page.why]
    return placeholders_shown("\n\n".join([*parts, LEGEND[language]])) + "\n"


def pages_json(entries: Sequence[Entry], language: Language) -> str:
    """The first page as an object; those of other checks that bear its name under "also"."""
    first, *others = [page_of(entry, language) for entry in entries]
    return to_json({**first, "also": others})


def page_of(entry: Entry, language: Language) -> dict[str, object]:
    page = page_source(entry, language)
    return {**_row(entry, language), "message": page.message, "fix": page.fix, "why": page.why}


def table_text(catalogue: Catalogue, language: Language) -> str:
    width = max(len(entry.check.name) for entry in catalogue.entries)
    return "".join(
        f"{e.check.code}  {e.check.name:<{width}}  {e.check.severity:<7}  {title_of(e, language)}\n"
        for e in catalogue.entries
    )


def table_json(catalogue: Catalogue, language: Language) -> str:
    return to_json({"checks": [_row(entry, language) for entry in catalogue.entries]})


def _row(entry: Entry, language: Language) -> dict[str, object]:
    check = entry.check
    return {
        "code": check.code,
        "name": check.name,
        "severity": check.severity,
        "domain": entry.domain,
        "pitfall": check.pitfall,
        "title": title_of(entry, language),
    }


def readme_table(catalogue: Catalogue) -> str:
    """The table of codes that README.md holds, in Markdown."""
    rows = [
        f"| {e.check.code} | {e.check.name} | {e.check.severity} | {title_of(e, 'en').replace('|', chr(92) + '|')} |"
        for e in catalogue.entries
    ]
    return "\n".join(["| code | name | severity | title |", "| --- | --- | --- | --- |", *rows]) + "\n"


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
