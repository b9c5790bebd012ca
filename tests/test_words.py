"""How the doctor speaks: plain English, uniform Chinese, and no sentence with a hole in it, on any machine."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from retina_doctor.catalogue.registry import installed
from retina_doctor.command import OF_THE_RUN
from retina_doctor.language import LANGUAGES
from retina_doctor.reports import labels
from retina_doctor.settings.declared import declarations
from retina_doctor.words.pages import render
from retina_doctor.words.reasons import reason_text
from retina_doctor.words.tables import Tables
from tests.machines import names
from tests.rejudging import CATALOGUE, judged
from tests.variants import scenes

ROOT = Path(__file__).parents[1]
PAGES = sorted(ROOT.glob("checks/retina_doctor_checks/*/pages/*.md")) + sorted(
    ROOT.glob("retina_doctor/own_checks/pages/*.md")
)
TABLES = [
    ROOT / "retina_doctor" / "own_checks" / "reasons.toml",
    ROOT / "retina_doctor" / "reports" / "labels.toml",
    *sorted(ROOT.glob("checks/retina_doctor_checks/reasons.toml")),
    *sorted(ROOT.glob("checks/retina_doctor_checks/commands/*/words.toml")),
    *sorted(ROOT.glob("retina_doctor/**/words.toml")),
]
DOCS = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "SECURITY.md",
    ROOT / "action.yml",
    *sorted(ROOT.glob("docs/*.md")),
]
ENGLISH = re.compile(
    r"\b(mend(s|ed|ing)?|anew|in force|pass(es)? over|last words|foretold|heed(s|ed)?|the looking|a look at|without a word"
    r"|daily life|neighbour file|no whole|come along as|fare no better|for want of|cannot be looked at|nobody heeded"
    r"|(?<!there )(is|are) no (model|pair|detector|zip|file|multiple|one)|stands? before|falls? to pieces|in pieces)\b",
    re.IGNORECASE,
)
"""Words that no search engine would find. Instead: fix, again or recreate, active, ignores, last output, predicted."""
CHINESE = re.compile(
    r"根因|目标环境|目标解释器|目标 ?Python|该解释器|大版本|(?<!百)分数|置信度阈值|工具包|工作进程"
    r"|你|结局|遗言|execution provider"
)
"""One term per thing: 根本原因, 服务的 Python 环境, 主版本, 得分, toolkit, worker, 您, 执行提供者."""
HAN = "\u4e00-\u9fff"
HALF_WIDTH = re.compile(
    rf"[{HAN}] ?[,;:?!](?![/\w=])|[{HAN}]\(|\)[{HAN}]|[{HAN}] [{HAN}]|[{HAN}][A-Za-z]|[A-Za-z][{HAN}]|[。，：；、] "
)
HOLE = re.compile(
    r"(?<!returns )(?<!返回 )(?<!到 )\bNone\b(?! of)|(?<!\w)\(\)|（）|``|  | (?!::)[,.;:](?!\w)|: ?[.;]|[：，][。；，]|\{'|\[\]"
    r"|\bnull\b|undefined|[。，：；] "
)


def outside_code(text: str) -> str:
    """Without ```blocks```, `code` and what is filled in."""
    text = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    text = re.sub(r"\{\{ told\(.*?\}\}", "", text)  # whole sentences, which stand in the tables
    text = re.sub(r"\{\{.*?\}\}", "X", text)
    return re.sub(r"`[^`]*`", "X", re.sub(r"\]\([^)]*\)", "]", text))


def language_of(file: Path) -> str:
    return "zh" if ".zh." in file.name else "en"


def texts(language: str) -> Iterator[tuple[str, str]]:
    """(where, text) of everything that people read in a language."""
    for file in (*PAGES, *DOCS):
        if language_of(file) == language:
            for number, line in enumerate(outside_code(file.read_text(encoding="utf-8")).splitlines(), 1):
                if not line.startswith("## "):
                    yield f"{file.relative_to(ROOT)}:{number}", line
    for file in TABLES:
        for key, words in tomllib.loads(file.read_text(encoding="utf-8")).items():
            if isinstance(words, dict) and language in words:
                yield f"{file.relative_to(ROOT)}: {key}", outside_code(str(words[language]))
    for name, (_, _, english, chinese) in OF_THE_RUN.items():
        yield f"--{name}", english if language == "en" else chinese
    for table, keys in declarations().tables.items():
        for one in keys.values():
            yield f"[{table}] {one.key}", one.setting.en if language == "en" else one.setting.zh


def test_english_is_plain() -> None:
    found = [f"{where}: {match[0]}" for where, text in texts("en") if (match := ENGLISH.search(text))]
    assert not found, "\n".join(found)


def test_chinese_has_one_term_per_thing_and_its_own_punctuation() -> None:
    found = [
        f"{where}: {match[0]!r} in {text[max(0, match.start() - 12) : match.end() + 12]!r}"
        for where, text in texts("zh")
        for match in (CHINESE.search(text), HALF_WIDTH.search(text))
        if match
    ]
    assert not found, "\n".join(found)


CONTRARY = (
    (re.compile(r"\bcannot be (\w+)"), r"\bcan be {}\b"),
    (re.compile(r"\bcannot (?!be\b)(\w+)"), r"\bcan {}\b"),
    (re.compile(r"无法([\u4e00-\u9fff]{2})"), r"可以{}"),
    (re.compile(r"没有(安装|加载|运行|设置)"), r"已{}"),
)
"""What a title denies, and how its message would affirm it."""


@pytest.mark.parametrize("name", [*names(), *scenes()])
@pytest.mark.parametrize("language", LANGUAGES)
def test_no_title_is_repeated_or_contradicted(name: str, language: Any) -> None:
    diagnosis = scenes()[name].diagnosis if name in scenes() else judged(name)
    for finding in diagnosis.findings:
        words = render(finding, diagnosis.snapshot, CATALOGUE, language)
        said = words.message.replace("`", "").rstrip("。. ")
        assert said != words.title.replace("`", ""), f"{finding.code}: says its title again"
        assert not words.title.endswith((":", "：", ",", "，", "(", "（")), (
            f"{finding.code}: {words.title!r} ends in nothing"
        )
        for denied, affirmed in CONTRARY:
            for verb in denied.findall(words.title):
                assert not re.search(affirmed.format(verb), words.message), (
                    f"{finding.code}: {words.title!r}: {words.message!r}"
                )


@pytest.mark.parametrize("name", [*names(), *scenes()])
@pytest.mark.parametrize("language", LANGUAGES)
def test_no_sentence_has_a_hole(name: str, language: Any) -> None:
    """A placeholder that was filled with nothing leaves a blank, an empty pair of brackets, or None."""
    diagnosis = scenes()[name].diagnosis if name in scenes() else judged(name)
    for finding in diagnosis.findings:
        words = render(finding, diagnosis.snapshot, CATALOGUE, language)
        told = json.dumps(finding.evidence)
        for text in (words.title, words.message, words.fix):
            match = HOLE.search(re.sub(r"`[^`]+`", "X", text))
            assert not match or match[0] in told, f"{finding.code}: {match[0]!r} in {text}"
    for judgement in diagnosis.judgements:
        text = reason_text(judgement.reason, CATALOGUE, language)
        match = HOLE.search(text)
        assert not match, f"{judgement.code}: {match[0]!r} in {text}"


@pytest.mark.parametrize(
    "text",
    [
        '# of whom\n[a-b]\nen = "x [y]"  # z\nzh = "[a]"\n["word: two words"]\nen = """\n[c]\n"""\n',
        '[a]\nen = "x"\n[a.b]\nen = "y"\n',
        'first = "x"\n[a]\nen = [\n[1],\n[2],\n]\n',
        ' [a]\nen = "x"\n[b] # c\nen = 1\n',
        "[a]\r\nen = 'x'\r\n[b]\r\nen = 2\r\n",
        '["[a]"]\nen = "x"\n',
        "",
    ],
)
def test_tables_that_are_parsed_one_by_one_are_the_same(text: str) -> None:
    assert dict(Tables(text)) == tomllib.loads(text)


def test_all_reasons_and_labels_parsed_one_by_one_are_the_same() -> None:
    for file in (*installed().reasons, Path(labels.__file__).with_suffix(".toml")):
        text = file.read_text(encoding="utf-8")
        assert dict(Tables(text)) == tomllib.loads(text)


@pytest.mark.parametrize("text", ["[a]\nen = 1\n[a]\nen = 2\n", "[a\nen = 1\n", "[a]\nen = \n"])
def test_a_table_that_is_none_is_an_error(text: str) -> None:
    with pytest.raises(ValueError):  # tomllib's own words
        dict(Tables(text))


@pytest.mark.parametrize("line", ['en = "\\q"', 'en = "\\u12"', 'en = "\x01"', "# \x00"])
def test_a_character_that_toml_refuses_is_an_error_at_once(line: str) -> None:
    """And not in the middle of a report, when its table is asked for."""
    with pytest.raises(ValueError):  # tomllib's own words
        Tables(f"[a]\n{line}\n")
