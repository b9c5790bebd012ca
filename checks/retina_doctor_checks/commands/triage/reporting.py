"""The report of `triage` for people, and the progress of a long reading."""

from __future__ import annotations

import contextlib
import functools
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import tomli

from retina_doctor.quoting import visible
from retina_doctor.redaction import shown as plain

from ...triage import tables
from ...triage.diagnosing import TextDiagnosis
from ...triage.text import LogLine
from .examining import Examined, as_json, examine, without_secrets

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["as_json", "drawn", "examine", "progress"]

PAGES = Path(tables.__file__).parent / "pages"
SHOWN_FACTS = ("driver", "driver-cuda", "cuda", "cudnn", "gpu", "other-gpu", "python", "os", "container", "package")
FEW = 4
"""Evidence lines, alternatives and facts of one kind that are shown."""
FAILURE = re.compile(r"\b(?:error|fail(?:ed|ure)?|exception|fatal|traceback|panic|npm err)\b", re.IGNORECASE)


@contextlib.contextmanager
def progress() -> Iterator[Callable[[int], None]]:
    """A function that is told how many bytes were read; it shows them where standard error is a terminal."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield lambda _size: None
        return
    step = 32 << 20
    shown = 0

    def tell(size: int) -> None:
        nonlocal shown
        if size - shown >= step:
            shown = size
            sys.stderr.write(f"\r{size >> 20} MiB ")
            sys.stderr.flush()

    yield tell
    if shown:
        sys.stderr.write("\r" + " " * 20 + "\r")


@functools.cache
def _words() -> dict[str, dict[str, str]]:
    return tomli.loads(Path(__file__).with_name("words.toml").read_text(encoding="utf-8"))


def drawn(result: Examined, language: str, width: int, colour: bool) -> str:
    """Not wider than *width*, commands and evidence excepted, which are not broken."""
    from retina_doctor.reports import drawing
    from retina_doctor.reports.report import Look

    return drawing.drawn(Look(width, colour), lambda console: _draw(result, language, console))


def _draw(result: Examined, language: str, console: Console) -> None:
    from rich.text import Text

    say = {key: row[language] for key, row in _words().items()}
    if not result.gathered.whole:
        size = f"{result.gathered.size / 1024**2:.0f} MiB"
        lines = max((line.number for line in result.gathered.text.lines), default=0)
        console.print(Text(say["excerpt"].format(size=size, lines=lines), style="dim"))
        console.print()
    for note in result.notes:
        console.print(Text(str(visible(note)), style="dim"))
    leading = [one for one in result.diagnoses if one.leads]
    others = [one for one in result.diagnoses if not one.leads]
    for number, one in enumerate(leading, 1):
        _draw_one(result, one, f"{number}.", language, say, console)
    if others:
        console.print(Text(say["others"], style="bold"))
        for one in others[:FEW]:
            cause = tables.causes()[one.name]
            aside = f"（{_percent(one)} %，{one.name}）" if language == "zh" else f" ({_percent(one)} %, {one.name})"
            _lines(console, getattr(cause.title, language) + aside, 2)
            _command(console, cause.ask, getattr(cause.decides, language), 4)
        console.print()
    if not result.diagnoses:
        console.print(say["nothing"])
        if any(FAILURE.search(line.text) for line in result.gathered.text.lines):
            _lines(console, say["not-mine"], 0)
        console.print()
    _draw_facts(result, language, say, console)
    _lines(console, say["live"].replace("`", ""), 0)


def _percent(one: TextDiagnosis) -> int:
    return max(1, min(99, round(one.score * 100)))


def _draw_one(
    result: Examined, one: TextDiagnosis, number: str, language: str, say: dict[str, str], console: Console
) -> None:
    from rich.text import Text

    cause = tables.causes()[one.name]
    _lines(console, f"{number} {getattr(cause.title, language)}", 0, "bold red")
    head = " ".join(filter(None, (result.codes.get(one.name), one.name, f"· {_percent(one)} %")))
    if one.equal:
        separator = "、" if language == "zh" else ", "
        head += " · " + say["equal"].format(names=separator.join(one.equal))
    _lines(console, head, 3, "dim")
    _draw_evidence(result, one, console)
    console.print(Text("   " + say["ask"], style="bold"))
    _command(console, cause.ask, getattr(cause.decides, language), 5)
    if one.name in result.codes:
        console.print(Text("   " + say["more"].format(command=f"retina-doctor explain {one.name}")), soft_wrap=True)
    else:
        _draw_page(one.name, language, say, console)
    console.print()


def _draw_page(name: str, language: str, say: dict[str, str], console: Console) -> None:
    """The page of a cause that no check bears yet."""
    from rich.text import Text

    from retina_doctor.words.page_source import BLOCK, PageError, source

    try:
        page = source(PAGES, name, "zh" if language == "zh" else "en").of("")
    except PageError:
        return
    console.print(Text("   " + say["fix"], style="bold"))
    position = 0
    for block in BLOCK.finditer(page.fix):
        _lines(console, page.fix[position : block.start()], 5)
        for command in block[2].splitlines():
            console.print(Text("       " + command, style="green"), soft_wrap=True)
        position = block.end()
    _lines(console, page.fix[position:], 5)


def _draw_evidence(result: Examined, one: TextDiagnosis, console: Console) -> None:
    """The matched lines, marked, each with its neighbours."""
    from rich.text import Text

    lines = result.gathered.text.lines
    index = {line.number: position for position, line in enumerate(lines)}
    marked = {line.number for line in one.evidence[:FEW]}
    shown: dict[int, LogLine] = {}
    for number in marked:
        for line in lines[max(index[number] - 1, 0) : index[number] + 2]:
            if abs(line.number - number) <= 1 and line.text.strip():
                shown[line.number] = line
    previous = None
    for number in sorted(shown):
        source, place = result.gathered.place(number)
        if previous is not None and number > previous + 1:
            console.print(Text("     …", style="dim"))
        previous = number
        name = f"{source.rsplit('/', 1)[-1]}:" if len(result.gathered.names) > 1 else ""
        mark = ">" if number in marked else " "
        room = max(20, console.width - 8 - len(name) - len(str(place)))
        text = _clipped(str(visible(without_secrets(shown[number], result.gathered.text))), room)
        console.print(
            Text(f"   {mark} {visible(name)}{place}: {text}", style="" if number in marked else "dim"), soft_wrap=True
        )


def _clipped(text: str, cells: int) -> str:
    from rich.cells import cell_len, set_cell_size

    return text if cell_len(text) <= cells else set_cell_size(text, cells - 1).rstrip() + "…"


def _command(console: Console, command: str, decides: str, indent: int) -> None:
    from rich.text import Text

    console.print(Text(" " * indent + command, style="green"), soft_wrap=True)
    _lines(console, decides, indent + 2)


def _draw_facts(result: Examined, language: str, say: dict[str, str], console: Console) -> None:
    told = result.case.told
    parts = []
    for kind in SHOWN_FACTS:
        values = told.all(kind)[: FEW * 2 if kind == "package" else FEW]
        if values:
            colon, comma = ("：", "、") if language == "zh" else (": ", ", ")
            parts.append(f"{say[kind]}{colon}{comma.join(map(plain, values))}")
    if parts:
        separator = "；" if language == "zh" else "; "
        colon = "：" if language == "zh" else ": "
        _lines(console, say["told"] + colon + separator.join(parts), 0, "dim")


def _lines(console: Console, text: str, indent: int, style: str = "") -> None:
    """Wrapped by cells; between Chinese characters anywhere, inside Latin words nowhere."""
    from rich.cells import cell_len
    from rich.text import Text

    text = str(visible(re.sub(r"\s+", " ", text.strip()))).replace("`", "")
    width = console.width - indent
    line = ""
    for word in re.findall(
        r"[\u2e80-\u9fff\uff00-\uffef][，。；：、！？）】”》]*|[^\s\u2e80-\u9fff\uff00-\uffef]+|\s", text
    ):
        if cell_len(line + word) > width and line.strip():
            console.print(Text(" " * indent + line.strip(), style=style), soft_wrap=True)
            line = ""
        line += word
    if line.strip():
        console.print(Text(" " * indent + line.strip(), style=style), soft_wrap=True)
