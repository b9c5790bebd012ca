"""The laws that any pack can be held to, whatever it looks at. For its tests: they read every file of it, a start does not."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import re
import string
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import tomli

from retina_doctor import own_checks
from retina_doctor.authoring import Check, Facts, Pack, Side
from retina_doctor.catalogue.registry import Catalogue, build
from retina_doctor.codec import Data
from retina_doctor.errors import PackError
from retina_doctor.judging.diagnose import diagnose
from retina_doctor.language import LANGUAGES
from retina_doctor.model import Action, Outcome, Recorded, Snapshot, Target, Verdict
from retina_doctor.sending import has_source, source_of
from retina_doctor.settings import Settings
from retina_doctor.words.filling import broken_places, names_in
from retina_doctor.words.page_source import BLOCK, PageError, PageSource, file_of, source
from retina_doctor.words.pages import spoken

CHINESE = re.compile(r"[\u4e00-\u9fff]")
Module = tuple[str, Path, str]
"""(name, file, source)"""


class Law(Data, frozen=True):
    """Call it to hold it: raises AssertionError with each breach, its file and line where that can be told."""

    name: str
    breaches: Callable[[], Iterable[str]]

    def __call__(self) -> None:
        found = list(self.breaches())
        assert not found, "\n".join([f"{self.name}:", *found])

    def __str__(self) -> str:
        return self.name


def pack_laws(pack: Pack, beside: Iterable[Pack] = ()) -> tuple[Law, ...]:
    """The laws of a pack; *beside*: others whose facts or checks it names.

    ``@pytest.mark.parametrize("law", pack_laws(pack), ids=str)``, or ``for law in pack_laws(pack): law()``.
    """
    others = tuple(beside)
    return tuple(
        Law(hold.__name__.strip("_").replace("_", " "), lambda hold=hold: hold(pack, others))  # type: ignore[misc]
        for hold in (
            _it_contradicts_neither_itself_nor_others,
            _pages_of_both_languages_have_one_form,
            _every_page_belongs_to_a_check,
            _every_check_is_listed_in_a_domain,
            _every_reason_has_its_words,
            _probes_can_be_sent_to_python_3_8,
            _facts_are_frozen_and_read_by_a_check,
            _lost_facts_break_no_check,
        )
    )


def _built(pack: Pack, others: tuple[Pack, ...]) -> Catalogue:
    return build(one for one in (*others, pack) if one is not own_checks.pack)


def _it_contradicts_neither_itself_nor_others(pack: Pack, others: tuple[Pack, ...]) -> Iterator[str]:
    try:
        yield from (f"{one.pack}: {one.error}" for one in _built(pack, others).failures)
    except PackError as error:
        yield str(error)


def _pages_of_both_languages_have_one_form(pack: Pack, _others: tuple[Pack, ...]) -> Iterator[str]:
    for domain in pack.domains:
        for check in domain.checks:
            pages = {}
            for language in LANGUAGES:
                file = file_of(domain.pages, check.name, language)
                try:
                    broken = [*broken_places(file.read_text(encoding="utf-8"))]
                    page = source(domain.pages, check.name, language)
                except (OSError, UnicodeDecodeError, PageError) as error:
                    yield f"{file}: {error}"
                    continue
                yield from (f"{file}:{line}: {why}" for line, why in broken)
                if not broken:
                    pages[language] = _form(page)
                    yield from (f"{file}: {flaw}" for flaw in _flaws_of_page(page, language))
                    if any(BLOCK.search(one.fix) for one in page.variants.values()) and check.action is None:
                        yield f"{check.place}: {check.code} prints commands: @check needs action="
            if len(pages) == len(LANGUAGES) and pages["en"] != pages["zh"]:
                yield f"{file_of(domain.pages, check.name, 'zh')}: other variants, placeholders or commands than the English page"


def _form(page: PageSource) -> tuple[dict[str, Any], dict[str, Any]]:
    """What both languages have in common, by variant: placeholders of each part, and blocks of commands."""
    names: dict[str, Any] = {}
    blocks: dict[str, Any] = {}
    for variant, found in page.variants.items():
        parts = {"title": found.title, "message": found.message, "fix": found.fix}
        names[variant] = {k: names_in(v) for k, v in parts.items()}
        blocks[variant] = BLOCK.findall(found.fix)
    return names, blocks


def _flaws_of_page(page: PageSource, language: str) -> Iterator[str]:
    said = "".join(found.message for found in page.variants.values())
    fixes = "\n".join(found.fix for found in page.variants.values())
    if re.search(r"\{[{%]", page.title + page.meaning + page.why):
        yield "title, meaning and why hold before anything is found: no placeholders"
    if any(kind and kind not in tuple(Action) for kind, _ in BLOCK.findall(fixes)):
        yield f"the kinds of ```sh blocks are {', '.join(Action)}"
    if "```" in BLOCK.sub("", fixes):
        yield "only ```sh blocks hold commands"
    if bool(CHINESE.search(said)) != (language == "zh"):
        yield "is not in the language that its name says"


def _every_page_belongs_to_a_check(pack: Pack, _others: tuple[Pack, ...]) -> Iterator[str]:
    owned = {file_of(d.pages, check.name, lang) for d in pack.domains for check in d.checks for lang in LANGUAGES}
    for folder in {domain.pages for domain in pack.domains}:
        yield from (f"{file}: no check is called so" for file in sorted(folder.glob("*.md")) if file not in owned)


def _every_check_is_listed_in_a_domain(pack: Pack, _others: tuple[Pack, ...]) -> Iterator[str]:
    listed = [check for domain in pack.domains for check in domain.checks]
    found: dict[int, Check] = {}
    for name, _file, text in _modules(pack):
        if re.search(r"\bcheck\(", text) and not name.endswith("__main__"):
            held = [value for value in vars(importlib.import_module(name)).values() if isinstance(value, Check)]
            found |= {id(check): check for check in held if _top(check.judge.__module__) in _tops(pack)}
    for check in found.values():
        if not any(one is check for one in listed):
            yield f"{check.place}: {check.code} {check.name}"


def _every_reason_has_its_words(pack: Pack, others: tuple[Pack, ...]) -> Iterator[str]:
    taken: set[str] = set()
    for one in (own_checks.pack, *others):
        taken |= set(_reasons(one)[0]) if one is not pack else set()
    table, wrong = _reasons(pack)
    yield from wrong
    yield from (f"{pack.reasons}: {key} is another pack's" for key in table if key in taken)
    for _name, file, text in _modules(pack):
        for node in ast.walk(ast.parse(text)):
            if not isinstance(node, ast.Call) or not node.args or not isinstance(node.args[0], ast.Constant):
                continue
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            key = node.args[0].value
            if called != "Reason" or not isinstance(key, str):
                continue
            given = _given(node)
            lacking = _placeholders(table[key]["en"]) - given if key in table and given is not None else set()
            if key not in table and key not in taken:
                yield f"{file}:{node.lineno}: no reason is called {key}"
            elif lacking:
                yield f"{file}:{node.lineno}: {key} is not told {', '.join(sorted(lacking))}"


def _reasons(pack: Pack) -> tuple[dict[str, Mapping[str, str]], list[str]]:
    """The pack's table of reasons, and what is wrong with it."""
    if pack.reasons is None:
        return {}, []
    try:
        table: dict[str, Any] = tomli.loads(pack.reasons.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        return {}, [f"{pack.reasons}: {error}"]
    wrong = []
    for key, texts in table.items():
        if not isinstance(texts, dict) or set(texts) != set(LANGUAGES):
            wrong.append(f"{pack.reasons}: {key} needs one text for each of {', '.join(LANGUAGES)}")
        elif _placeholders(texts["en"]) != _placeholders(texts["zh"]):
            wrong.append(f"{pack.reasons}: {key} has other placeholders in zh than in en")
    return {key: texts for key, texts in table.items() if isinstance(texts, dict) and "en" in texts}, wrong


def _placeholders(text: str) -> set[str]:
    return {re.split(r"[.\[]", name)[0] for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def _given(call: ast.Call) -> set[str] | None:
    """Keys of the values that a `Reason(key, values)` is given, where they are written there; None: not to be read off."""
    values = [*call.args[1:], *(word.value for word in call.keywords)]
    if not values:
        return set()
    keys = values[0].keys if isinstance(values[0], ast.Dict) else [None]
    names = {key.value for key in keys if isinstance(key, ast.Constant)}
    return {str(name) for name in names} if len(names) == len(keys) else None


def _probes_can_be_sent_to_python_3_8(pack: Pack, _others: tuple[Pack, ...]) -> Iterator[str]:
    for probe in (probe for domain in pack.domains for probe in domain.probes):
        if probe.local and not has_source(probe.local):
            yield f"{probe.name}: there is no module {probe.local}"
        if not has_source(probe.module):
            yield f"{probe.name}: there is no module {probe.module}"
            continue
        for module in probe.sent(Side.OWN):
            try:
                tree = ast.parse(source_of(module), filename=module, feature_version=(3, 8))
            except SyntaxError as error:
                yield f"{module}:{error.lineno}: {error.msg}"
                continue
            functions = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
            if module == probe.module and "look" not in functions:
                yield f"{module}: has no function look(probe, arguments)"


def _facts_are_frozen_and_read_by_a_check(pack: Pack, others: tuple[Pack, ...]) -> Iterator[str]:
    needed = {need.facts for entry in _built(pack, others).entries for need in entry.needs}
    for probe in (probe for domain in pack.domains for probe in domain.probes):
        if not issubclass(probe.facts, Facts) or not probe.facts.__struct_config__.frozen:
            yield f"{probe.name}: {probe.facts.__name__} must be a frozen class of Facts"
        if probe.facts not in needed:
            yield f"{probe.name}: no check needs {probe.facts.__name__}"


def _lost_facts_break_no_check(pack: Pack, others: tuple[Pack, ...]) -> Iterator[str]:
    """Nothing is known, or every looking of the pack ended badly, in each of the ways in which one can."""
    catalogue = _built(pack, others)
    target = Target(command=("python3",), chosen="path")
    for outcome in (outcome for outcome in Outcome if outcome is not Outcome.OK):
        ended = Recorded(outcome=outcome, detail="killed by SIGABRT", stage="starting", stderr_tail=("core dumped",))
        readings = {probe.name: ended for domain in pack.domains for probe in domain.probes}
        snapshot = Snapshot(created="", doctor="", settings=Settings(), target=target, readings=readings)
        diagnosis = diagnose(snapshot, catalogue)
        for one in diagnosis.with_verdict(Verdict.ERROR):
            yield f"{outcome}: {one.code} {one.name}: {one.reason}"
        for finding in diagnosis.findings:
            for language in LANGUAGES:
                broken = spoken(finding, snapshot, catalogue, language).broken
                if broken:
                    yield f"{outcome}: {broken}"


def _top(module: str) -> str:
    return module.split(".")[0]


def _tops(pack: Pack) -> set[str]:
    """The top-level packages or modules that the checks and probes come from."""
    judging = {check.judge.__module__ for domain in pack.domains for check in domain.checks}
    return {_top(name) for name in (*judging, *(probe.module for d in pack.domains for probe in d.probes))}


def _modules(pack: Pack) -> Iterator[Module]:
    """Every module of the pack but those that are sent, which are not imported here and judge nothing."""
    sent = {
        name
        for domain in pack.domains
        for probe in domain.probes
        if has_source(probe.module)
        for name in probe.sent(Side.OWN)
    }
    for top in sorted(_tops(pack)):
        spec = importlib.util.find_spec(top)
        if spec is None:
            continue
        folders = [Path(folder) for folder in spec.submodule_search_locations or ()]
        files = [(file, file.relative_to(folder.parent)) for folder in folders for file in sorted(folder.rglob("*.py"))]
        if not files and spec.origin is not None:
            files = [(Path(spec.origin), Path(Path(spec.origin).name))]
        for file, below in files:
            name = ".".join(below.with_suffix("").parts).removesuffix(".__init__")
            if name not in sent:
                yield name, file, file.read_text(encoding="utf-8")
