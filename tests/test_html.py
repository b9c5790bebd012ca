"""The HTML report: whole, harmless, the same in both languages; and used in a real browser, with mouse, keys and axe."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
import socket
import tomllib
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from retina_doctor.catalogue.registry import installed
from retina_doctor.codec import replace
from retina_doctor.figures import Bar, Bars, Figure, FigureMark, Part, Spread, Spreads, quantity
from retina_doctor.judging.diagnose import diagnose, figures_of
from retina_doctor.language import LANGUAGES, Language
from retina_doctor.model import Reason, Recorded, Severity
from retina_doctor.reports.formats import writer
from retina_doctor.reports.html import prose, shown, view
from retina_doctor.reports.html.drawing import drawn
from retina_doctor.reports.html.words import Text
from retina_doctor.reports.report import PLAIN, Report, report_of
from retina_doctor.support_file import load
from tests import npm
from tests.browser import Page, browser
from tests.machines import machine, names, raw
from tests.test_reports import ESCAPES, every_machine, hostile, of

MOST_BYTES = 500_000
EMPTY = {"meta", "input", "br", "link", "img"}
DRAWN = {"rect", "line", "path", "circle"}


class Read(HTMLParser):
    """What a browser would make of a page: elements with their attributes, and the text of each kind of them."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == [], "an element is not closed"

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attributes)))
        if tag not in EMPTY:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attributes)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open[-1] == tag, f"{tag} closes {self.open[-3:]}"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        self.texts.append((self.open[-1] if self.open else "", data))

    def commands(self) -> list[str]:
        return [text for place, text in self.texts if place == "code"]


def written(report: Report) -> str:
    return writer("html")(report, PLAIN)


@every_machine
def test_a_page_is_whole_and_says_what_was_found(name: str) -> None:
    report = of(name)
    text = written(report)
    assert len(text.encode()) <= MOST_BYTES
    read = Read(text)
    said = "".join(part for _, part in read.texts)
    commands = read.commands()
    for finding in report.diagnosis.findings:
        for language in ("en", "zh"):
            words = replace(report, language=language).words(finding)
            assert words.title.replace("`", "") in said
            assert set(words.commands) <= set(commands)
    anchors = [attributes["id"] for _, attributes in read.elements if attributes.get("id")]
    assert len(set(anchors)) == len(anchors)
    links = [attributes["href"] for tag, attributes in read.elements if tag == "a"]
    assert {f"#{anchor}" for anchor in anchors} >= set(links)


@every_machine
def test_nothing_is_loaded_and_only_our_script_runs(name: str) -> None:
    text = written(of(name))
    read = Read(text)
    for tag, attributes in read.elements:
        assert not {key for key in attributes if key.startswith("on") or key in ("style", "src", "srcset", "action")}
        assert tag not in ("link", "img", "iframe", "object", "embed", "base", "form")
    [policy] = [a["content"] for t, a in read.elements if t == "meta" and "http-equiv" in a]
    assert policy is not None
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == rules["base-uri"] == rules["form-action"] == "'none'"
    [style] = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)
    [script] = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    for rule, source in (("style-src", style), ("script-src", script)):
        digest = base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()
        assert rules[rule] == f"'sha256-{digest}'"
    assert not re.search(r"url\(|@import|https?:", style + script.replace("http://www.w3.org/2000/svg", ""))


PLANTED = (
    '<img src=x onerror="window.planted=1"><script>window.planted=2</script></script><script>window.planted=3</script>',
    '"><svg onload=window.planted=4><style>*{display:none}</style>',
    "{{ 7*191 }}{% raw %}<!-- ]]> --><iframe srcdoc='<script>parent.planted=5</script>'>",
    "`<b id=told>`</code></pre></details></textarea></title><a href=javascript:window.planted=6>x</a>",
)


def planted(folder: Path, text: str) -> Report:
    """A report in which that text stands wherever a machine may put one."""
    report = hostile(folder)
    findings = tuple(
        replace(one, evidence={"text": text, text: [text]}, subject=text) for one in report.diagnosis.findings
    )
    judgements = tuple(replace(one, reason=text, missing=(text,)) for one in report.diagnosis.judgements)
    snapshot = report.diagnosis.snapshot
    readings = {
        name: replace(one, facts={**one.facts, text: text}, detail=text, stderr_tail=(text, text))
        for name, one in snapshot.readings.items()
    }
    snapshot = replace(snapshot, readings={**readings, text: Recorded(outcome=next(iter(readings.values())).outcome)},
                       label=text, created=text, doctor=text)  # fmt: skip
    diagnosis = replace(report.diagnosis, findings=findings, judgements=judgements, snapshot=snapshot)
    return replace(report, diagnosis=diagnosis, judged=text, again=text)


@pytest.mark.parametrize("text", PLANTED)
def test_planted_html_is_text(tmp_path: Path, text: str) -> None:
    page = written(planted(tmp_path, text))
    plain = Read(written(planted(tmp_path, "plain")))
    read = Read(page)
    assert [tag for tag, _ in read.elements if tag != "code"] == [tag for tag, _ in plain.elements if tag != "code"]
    assert {key for _, attributes in read.elements for key in attributes} == {
        key for _, attributes in plain.elements for key in attributes
    }
    assert "1337" not in page
    assert text in "".join(part for _, part in read.texts)


def test_control_characters_are_shown_and_not_obeyed(tmp_path: Path) -> None:
    for text in ("\x1b[31mred\x07", "\u202egnp.exe", "\x00\x9b2J"):
        page = written(planted(tmp_path, text))
        assert not ESCAPES.search(page.replace("\n", ""))


def test_both_languages_have_the_same_parts() -> None:
    for name in names():
        texts = {language: Read(written(of(name, language))) for language in ("en", "zh")}
        assert texts["en"].texts[4:] != []
        assert texts["en"].commands() == texts["zh"].commands()
        assert len(texts["en"].elements) == len(texts["zh"].elements)


# What is drawn


def say(reason: Reason) -> Text:
    return Text(reason.key, reason.key)


def test_parts_of_a_bar_are_its_whole() -> None:
    mib = 1024**2
    parts = [("used", 100 * mib), ("own", 300 * mib), ("most-own", 1), ("missing", 200 * mib)]
    figure = Bars(
        title=Reason("title"),
        unit="B",
        bars=(
            Bar(label=Reason("bar"), parts=tuple(Part(label=Reason(r), value=v, role=r) for r, v in parts)),  # type: ignore[arg-type]
        ),
    )
    [bar] = drawn(figure, say).bars
    assert [piece.value for piece in bar.pieces] == ["100 MiB", "300 MiB", "0 MiB", "200 MiB"]
    assert [piece.share for piece in bar.pieces] == ["25 %", "75 %", "< 1 %", "50 %"]
    ends = [piece.x + piece.width for piece in bar.pieces]
    assert ends[-1] == pytest.approx(100, abs=0.05)
    assert ends[:-1] == pytest.approx([piece.x for piece in bar.pieces[1:]], abs=0.02)
    assert bar.whole == bar.pieces[-1].x, "what is missing lies beyond the whole"
    assert bar.pieces[2].width > 0.3, "the smallest can be seen"


def test_places_on_a_scale_are_in_the_order_of_the_values() -> None:
    marks = tuple(FigureMark(label=Reason(str(v)), value=v, typical=v < 0.1) for v in (0.05, 0.06, 0.9))
    figure = Spreads(
        title=Reason("t"), unit="s", spreads=(Spread(label=Reason("s"), marks=marks, samples=(0.04, 0.0)),)
    )
    drawing = drawn(figure, say)
    [row] = drawing.rows
    places = [dot.x for dot in row.dots]
    assert places == sorted(places) and places[0] > 0 and places[-1] < 100
    assert (row.start, round(row.start + row.width, 2)) == (places[0], places[1])
    assert row.samples[0] < places[0] and row.samples[1] == 0.0
    assert [tick.value for tick in drawing.ticks] == ["50 ms", "100 ms", "200 ms", "500 ms", "1 s"]


def test_quantities() -> None:
    told = [quantity(0.0005, "s"), quantity(0.0541, "s"), quantity(1.64, "s"), quantity(2048, "s")]
    assert told == ["0.5 ms", "54.1 ms", "1.64 s", "2048 s"]
    assert [quantity(one, "s") for one in (0.9997, 999.7)] == ["1 s", "1000 s"]
    assert [quantity(v * 1024**2, "B") for v in (0.2, 938, 14931)] == ["0 MiB", "938 MiB", "14.6 GiB"]


def figures(name: str) -> dict[str, Figure]:
    return {figure.title.key: figure for figure in figures_of(machine(name).snapshot, installed())}


def test_the_memory_that_is_drawn_is_that_of_the_card() -> None:
    for name in names():
        drawing = figures(name).get("figure-memory")
        if not isinstance(drawing, Bars):
            continue
        totals = [gpu["memory_total"] for gpu in machine(name).snapshot.readings["nvml"].facts.get("gpus", [])] + [
            card["total"] for card in machine(name).snapshot.readings["inference"].facts.get("cards") or []
        ]
        for bar in drawing.bars:
            whole = sum(part.value for part in bar.parts if part.role != "missing")
            missing = sum(part.value for part in bar.parts if part.role == "missing")
            assert whole - missing in totals, name
    roles = [part.role for part in figures("vram-insufficient")["figure-memory"].bars[0].parts]  # type: ignore[union-attr]
    assert roles == ["used", "own", "also-own", "most-own", "missing"]


def test_a_figure_that_breaks_costs_nothing_else() -> None:
    report = of("t4-healthy")
    from retina_doctor.authoring import Pack
    from retina_doctor.catalogue.registry import build

    def raises(settings: Any) -> Iterator[Figure]:
        raise ValueError

    def unsaid(_nothing: Any = None) -> Iterator[Figure]:
        yield Bars(title=Reason("no such key"), unit="B", bars=())

    raises.__annotations__ = unsaid.__annotations__ = {"return": "Iterator[Figure]"}
    broken = build([Pack(name="odd", domains=(), figures=(raises, unsaid))]).figures
    catalogue = replace(report.catalogue, figures=(*broken, *report.catalogue.figures))
    assert written(replace(report, catalogue=catalogue)) == written(report)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_page_that_breaks_in_one_language_costs_nothing_else(language: Language, tmp_path: Path) -> None:
    """Of a step with something to do by hand."""
    report = of("det-nms-too-high")
    pages = tmp_path / "pages"
    shutil.copytree(report.catalogue.of_code("RD403").pages, pages)
    [page] = pages.glob(f"{report.catalogue.of_code('RD403').check.name}.{language}.md")
    page.write_text("# {{ no_such_name }}\n")
    entries = tuple(replace(e, pages=pages) if e.check.code == "RD403" else e for e in report.catalogue.entries)
    broken = replace(report, catalogue=replace(report.catalogue, entries=entries))
    assert "RD403" in written(broken)


def test_code_is_set_apart_in_titles_and_one_backtick_is_a_backtick() -> None:
    for name in names():
        shown = [
            (place, text) for place, text in Read(written(of(name))).texts if place not in ("pre", "script", "code")
        ]
        assert not [text for place, text in shown if text.count("`") >= 2], name
    assert str(prose("a `b` <c>")) == "a <code>b</code> &lt;c&gt;"
    assert str(prose("/tmp/a`b")) == "/tmp/a`b"


def test_no_word_and_no_field_of_the_page_is_dead() -> None:
    folder = Path(view.__file__).parent
    code = "".join(file.read_text(encoding="utf-8") for file in sorted(folder.glob("*.*")) if file.suffix != ".toml")
    words = tomllib.loads((folder / "words.toml").read_text(encoding="utf-8"))
    made = ("verdict-", "outcome-")  # by the names of verdicts and outcomes
    assert [key for key in words if f'"{key}"' not in code and not key.startswith(made)] == []
    laid = (folder / "page.html.jinja").read_text(encoding="utf-8")
    for noun in (shown.View, shown.Shown, shown.ShownGlance, shown.Probed, shown.Checked):
        assert [one for one in noun._fields if f".{one}" not in laid and f'"{one}"' not in laid] == []


# In a browser


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with browser(tmp_path_factory.mktemp("profile")) as one:
        one.ask("Browser.grantPermissions", permissions=["clipboardReadWrite", "clipboardSanitizedWrite"])
        yield one


@pytest.fixture(scope="session")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = npm.installed(tmp_path_factory, "axe-core@4")
    return (folder / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")


def saved(report: Report, folder: Path, name: str = "report.html") -> Path:
    file = folder / name
    file.write_text(written(report), encoding="utf-8")
    return file


SHOWN = ("guide-t4", "t4-healthy", "source-faulty", "vram-insufficient", "service-on-cpu", "nvidia-smi-hangs")


@pytest.mark.parametrize("name", SHOWN)
def test_no_complaint_and_nobody_is_shut_out(tmp_path: Path, page: Page, axe: str, name: str) -> None:
    file = saved(of(name), tmp_path)
    for width, dark, language in ((1280, False, "en"), (360, True, "zh"), (360, False, "en"), (1280, True, "zh")):
        page.open(file, width=width, dark=dark)
        page.click(f"button[value={language}]")
        page.tell("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        assert page.tell("document.documentElement.scrollWidth <= innerWidth"), f"wider than {width} pixels"
        page.tell(axe)
        found = page.tell(
            "axe.run().then((told) => told.violations.map((one) => [one.id, one.impact, one.nodes[0].html]))"
        )
        assert [one for one in found if one[1] in ("serious", "critical")] == [], (width, dark, language)
        assert page.complaints == []


def test_axe_finds_what_is_wrong(tmp_path: Path, page: Page, axe: str) -> None:
    file = saved(of("t4-healthy"), tmp_path)
    file.write_text(re.sub(r"<label>.*?(<input type=\"search\".*?>)</label>", r"\1", file.read_text(), flags=re.DOTALL))
    page.open(file)
    page.tell(axe)
    assert "label" in page.tell("axe.run().then((told) => told.violations.map((one) => one.id))")


SEEN = "[...document.querySelectorAll('h2')].filter((one) => one.checkVisibility()).map((one) => one.innerText)"


def test_the_language_is_switched(tmp_path: Path, page: Page) -> None:
    page.open(saved(of("guide-t4", "zh"), tmp_path))
    assert "概览" in page.tell(SEEN)
    page.click("button[value=en]")
    assert page.tell(SEEN)[:3] == ["At a glance", "Cause and effect", "Root causes"]
    assert page.tell("document.documentElement.lang") == "en"
    assert page.tell("document.title").startswith("retina-doctor · 1 root cause")
    page.click("button[value=zh]")
    assert page.tell(SEEN)[0] == "概览"
    assert page.tell("document.querySelector('button[value=zh]').ariaPressed") == "true"


def test_light_and_dark(tmp_path: Path, page: Page) -> None:
    file = saved(of("t4-healthy"), tmp_path)
    ground = "getComputedStyle(document.body).backgroundColor"
    page.open(file, dark=True)
    dark = page.tell(ground)
    page.click("#dark")
    light = page.tell(ground)
    assert light != dark
    page.open(file, dark=False)
    assert page.tell(ground) == light
    page.click("#dark")
    assert page.tell(ground) == dark


def test_a_command_is_copied_whole(tmp_path: Path, page: Page) -> None:
    report = of("guide-t4")
    page.open(saved(report, tmp_path), width=360)
    page.click(".copy")
    assert page.tell("navigator.clipboard.readText()") == report.words(report.diagnosis.roots[0]).commands[0]
    assert page.tell("document.querySelector('#told').innerText") == "Copied"


def test_checks_are_filtered(tmp_path: Path, page: Page) -> None:
    report = of("guide-t4")
    page.open(saved(report, tmp_path))
    left = "[...document.querySelectorAll('#rows tr:not([hidden])')].map((one) => one.querySelector('th').innerText)"
    assert len(page.tell(left)) == len(report.diagnosis.judgements)
    page.click("button.verdict-of[value=failed]")
    failed = [f"{one.code} {one.name}" for one in report.diagnosis.judgements if one.verdict == "failed"]
    assert page.tell(left) == failed
    page.click("#filter")
    page.write("rd602")
    assert page.tell(left) == ["RD602 smoke-on-cpu"]
    page.write(" nothing")
    assert page.tell(left) == []
    assert page.tell("document.querySelector('#none-left').checkVisibility()")


def test_a_link_opens_what_is_folded(tmp_path: Path, page: Page) -> None:
    page.open(saved(of("guide-t4"), tmp_path))
    assert not page.tell("document.querySelector('details.echo').open")
    page.click(".effect li a")
    assert page.tell("new Promise((done) => setTimeout(() => done(document.querySelector('details.echo').open), 50))")


@pytest.mark.parametrize("end", ["%E0%A4%A", "%", "nowhere", "constructor", "%22%3E%3Cimg src=x>"])
def test_a_link_that_somebody_cut_breaks_nothing(end: str, tmp_path: Path, page: Page) -> None:
    page.open(saved(of("guide-t4"), tmp_path))
    page.click(".language[value=zh]")
    assert page.tell("document.documentElement.lang") == "zh"
    page.tell(f"location.hash = {json.dumps(end)}")
    assert page.tell("new Promise((done) => setTimeout(() => done('still here'), 50))") == "still here"
    assert page.complaints == []


def test_worse_in_the_page_is_worse_at_the_gate(tmp_path: Path, page: Page) -> None:
    """By more than gate.regress, and by more than noise; not by a share of the page's own."""
    before, now = of("t4-healthy"), of("guide-t4")
    old = tmp_path / "earlier.json"
    old.write_text(writer("json")(before, PLAIN), encoding="utf-8")
    for allowed, worse in ((None, True), (0.2, True), (1000.0, False)):
        snapshot = now.diagnosis.snapshot
        snapshot = replace(snapshot, settings=snapshot.settings.changed(gate={"regress": allowed}))
        shown = replace(now, diagnosis=replace(now.diagnosis, snapshot=snapshot))
        page.open(saved(shown, tmp_path))
        page.choose("#earlier", old)
        page.tell(DIFFERENCE)
        assert (page.tell("document.querySelectorAll('#difference .worse').length") > 0) == worse, allowed


def test_all_is_reached_by_keys(tmp_path: Path, page: Page) -> None:
    """Each control by the tabulator, in the order in which they stand; and it does by a key what it does by a click."""
    page.open(saved(of("guide-t4"), tmp_path))
    wanted = page.tell(
        """[...document.querySelectorAll("a, button, summary, input, [tabindex='0']")]
             .filter((one) => one.checkVisibility()).length"""
    )
    seen = (
        "(() => { const one = document.activeElement; one.dataset.seen = 'yes'; return one.value ?? one.className; })()"
    )
    reached = []
    for _ in range(wanted):
        page.press("Tab")
        reached.append(page.tell(seen))
        if reached[-1] == "zh":
            page.press("Enter")
    assert page.tell("document.querySelectorAll('[data-seen]').length") == wanted
    assert page.tell("document.documentElement.lang") == "zh"
    page.tell("document.querySelector('summary').focus()")
    page.press(" ")
    assert page.tell("document.querySelector('details').open")


DIFFERENCE = """new Promise((done) => {
  const ask = () => document.querySelector("#difference").innerText || null;
  const again = () => ask() ? done(ask()) : setTimeout(again, 20);
  again();
})"""
COMPARED = "[...document.querySelectorAll('#difference ul')].map((one) => one.querySelectorAll('li').length)"


@pytest.mark.parametrize("form", ["json", "html"])
def test_another_report_is_compared(tmp_path: Path, page: Page, form: str) -> None:
    earlier = of("t4-healthy")
    old = tmp_path / f"earlier.{form}"
    old.write_text(writer(form)(earlier, PLAIN), encoding="utf-8")
    page.open(saved(of("guide-t4"), tmp_path))
    page.choose("#earlier", old)
    text = page.tell(DIFFERENCE)
    assert "New" in text and "RD264 ort-both-packages" in text
    assert page.tell(COMPARED) == [3]
    figures = page.tell(
        "[...document.querySelectorAll('#difference tbody tr')].map((one) => one.innerText.split('\\t'))"
    )
    assert ["One detection, median", "50 ms", "1.8 s", "+3500 %"] in figures
    assert page.tell("document.querySelectorAll('#difference .worse').length") > 0
    same = tmp_path / f"same.{form}"
    same.write_text(writer(form)(of("guide-t4", "zh"), PLAIN), encoding="utf-8")
    page.tell("document.querySelector('#difference').replaceChildren()")
    page.choose("#earlier", same)
    page.tell(DIFFERENCE)
    assert page.tell("document.querySelectorAll('#difference h3 + p').length") == 2, "nothing new, nothing gone"
    assert page.complaints == []


def test_what_is_no_report_is_told_to_be_none(tmp_path: Path, page: Page) -> None:
    page.open(saved(of("guide-t4"), tmp_path))
    for text in ("", "[]", "<p>", json.dumps({"format": 1, "findings": [{"title": "x"}]})[:-9], "null"):
        wrong = tmp_path / "wrong.json"
        wrong.write_text(text)
        page.tell("document.querySelector('#difference').replaceChildren()")
        page.choose("#earlier", wrong)
        told = page.tell(DIFFERENCE)
        assert told == "This file is no report of retina-doctor.", text
    assert page.complaints == []


def test_planted_html_of_another_report_is_text(tmp_path: Path, page: Page) -> None:
    finding = {"code": PLANTED[0], "name": PLANTED[1], "subject": PLANTED[2], "title": PLANTED[0], "location": None}
    other = tmp_path / "other.json"
    other.write_text(json.dumps({"format": 1, "findings": [finding], "facts": {"inference": {"median": PLANTED[0]}}}))
    page.open(saved(of("guide-t4"), tmp_path))
    page.choose("#earlier", other)
    assert PLANTED[0] in page.tell(DIFFERENCE)
    assert page.tell("document.querySelectorAll('#difference img, #difference script').length") == 0
    assert page.tell("window.planted === undefined")


def test_the_picture_is_laid_beneath_its_boxes(tmp_path: Path, page: Page) -> None:
    page.open(saved(of("t4-healthy"), tmp_path))
    dot = base64.b64decode(
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
    )
    picture = tmp_path / "group.png"
    picture.write_bytes(dot)
    page.choose(".under", picture)
    loaded = page.tell(
        "new Promise((done) => setTimeout(() => done(document.querySelector('image').getBBox().width), 200))"
    )
    assert loaded == 1920
    assert page.complaints == []


@pytest.mark.parametrize("name", ["model-wrong-directory", "service-on-cpu", "source-faulty"])
def test_the_longest_path_makes_no_page_wider_than_a_phone(name: str, tmp_path: Path, page: Page) -> None:
    """In titles, steps, effects and the other report that is compared, too."""
    long = "/" + "a-folder-without-any-break" * 12 + "/<img src=x onerror=alert(1)>"
    text = json.dumps(raw(name))
    for path in ("/models/retinaface", "/workspace", "/srv/face"):
        text = text.replace(path, long)
    report = report_of(diagnose(load(text), installed()), installed(), "en", Severity.ERROR)
    file, other = tmp_path / "report.html", tmp_path / "other.json"
    file.write_text(written(report), encoding="utf-8")
    other.write_text(writer("json")(of("guide-t4"), PLAIN), encoding="utf-8")
    page.open(file, width=375)
    page.choose("#earlier", other)
    page.tell("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    page.tell("new Promise((done) => setTimeout(done, 300))")
    assert page.tell("document.querySelector('#difference').textContent.length") > 0
    assert page.tell("document.documentElement.scrollWidth") <= 375
    assert not page.complaints


@pytest.mark.parametrize("text", PLANTED)
def test_nothing_planted_runs(tmp_path: Path, page: Page, text: str) -> None:
    (tmp_path / "pages").mkdir()
    page.open(saved(planted(tmp_path / "pages", text), tmp_path))
    page.tell("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    assert page.tell("window.planted === undefined")
    assert page.tell("document.querySelectorAll('img, iframe, form').length") == 0
    assert page.complaints == []


def test_the_policy_stops_what_escaping_would_let_pass(tmp_path: Path, page: Page) -> None:
    file = saved(of("t4-healthy"), tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        away = f"http://127.0.0.1:{server.getsockname()[1]}/x"
        calls = f"<script src='{away}.js'></script><img src='{away}.png'><link rel=stylesheet href='{away}.css'>"
        planted = f"{PLANTED[0]}<p style='color:red' id=styled>x</p>{calls}"
        file.write_text(file.read_text().replace("<main", f"{planted}<main", 1))
        page.open(file)
        assert page.tell("window.planted === undefined")
        assert page.tell("getComputedStyle(document.querySelector('#styled')).color !== 'rgb(255, 0, 0)'")
        assert len([one for one in page.complaints if "Content Security Policy" in one]) >= 6
        with pytest.raises(BlockingIOError):
            server.accept()


def test_without_script_all_can_be_read(tmp_path: Path, page: Page) -> None:
    file = saved(of("guide-t4"), tmp_path)
    file.write_text(re.sub(r"<script>.*?</script>", "", file.read_text(), flags=re.DOTALL))
    page.open(file)
    assert page.tell(SEEN)[0] == "At a glance"
    assert page.tell("[...document.querySelectorAll('button, input')].every((one) => !one.checkVisibility())")
