"""The tables: one row per mechanism, read once."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tomli

from retina_doctor.codec import Data, decode
from retina_doctor.model import Severity

HERE = Path(__file__).parent


class Symptom(Data, frozen=True, kw_only=True):
    """What a program prints when a mechanism strikes.

    *says*: sentences, any of which will do (sentences.py). *codes*: kind of spelling -> numbers that say the
    same. *raised*: where a traceback ends (tracebacks.py). *by*: the library that prints it, with versions
    where they matter. *fits*: cause -> how often, of
    ten such reports of which nothing else is known, it is that one. *trust*: how surely the sentence means
    trouble at all. *beside*: one of these must be in the text as well. *nowhere*: none of these may be
    anywhere in it. *unless*: a place with one of these on its lines, or the next to them, is somebody else's
    trouble. Both may name a list of words.toml. *general*: it counts only where nothing finer is seen in the
    whole text; *faint*: not even where another general one is; *nearest*: one of `nearest`. *prose*: it is people's
    own words, or a session that they paste: not looked for in a log too large to be read whole.
    """

    name: str
    by: str
    fits: Mapping[str, float]
    source: str
    says: tuple[str, ...] = ()
    codes: Mapping[str, tuple[int, ...]] = {}
    raised: tuple[str, ...] = ()
    trust: float = 0.95
    beside: tuple[str, ...] = ()
    unless: tuple[str, ...] = ()
    nowhere: tuple[str, ...] = ()
    general: bool = False
    faint: bool = False
    nearest: bool = False
    prose: bool = False


class Saying(Data, frozen=True, kw_only=True):
    """*symptom*: the one that people tell of where words of *all* these lists stand together in a sentence. *beside* and
    *unless*: words of which one must, and none may, be in the text. *wide*: they may stand in two sentences, one behind the
    other: lists so particular that nothing else brings them together. *far*: they may stand anywhere in a short text."""

    symptom: str
    all: tuple[str, ...]
    wide: bool = False
    far: bool = False
    beside: tuple[str, ...] = ()
    unless: tuple[str, ...] = ()


class Spelling(Data, frozen=True, kw_only=True):
    """*forms*: sentences in which the number stands as {code}. *kind*: what the numbers are those of."""

    kind: str
    why: str
    forms: tuple[str, ...]


class Circumstance(Data, frozen=True, kw_only=True):
    """What makes some of the causes that a symptom fits likelier, or less likely, than others; alone it means nothing.

    *says*: as in Symptom; or *when*: the name of a comparison of facts (comparisons.py). *weigh*: cause -> factor.
    """

    name: str
    weigh: Mapping[str, float]
    why: str
    says: tuple[str, ...] = ()
    when: str | None = None


class CauseWords(Data, frozen=True):
    en: str
    zh: str


class TriageCause(Data, frozen=True, kw_only=True):
    """*title*: one true sentence. *ask*: the one command whose answer decides; *decides*: what it tells.

    *explains*: causes that are but its echo where both are named, besides the edges between checks. *gpu*: it matters only
    where the GPU is meant to be used. *at_most*: how grave it is in a log of a service, where that is no error.
    """

    title: CauseWords
    ask: str
    decides: CauseWords
    explains: tuple[str, ...] = ()
    gpu: bool = False
    at_most: Severity | None = None


class FactRow(Data, frozen=True, kw_only=True):
    """*finds*: linear regular expressions over flowing lower-case text; the first group is the value. *near*: without one of
    these words in the text none of them can match, and looking for words is quicker."""

    kind: str
    finds: tuple[str, ...]
    near: tuple[str, ...] = ()
    why: str = ""


def _read(path: Path) -> dict[str, Any]:
    return tomli.loads(path.read_text(encoding="utf-8"))


@functools.cache
def _words() -> Mapping[str, list[str]]:
    return _read(HERE / "words.toml")


def _with_words(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Names of lists of words.toml as these words."""
    words = _words()
    for row in rows:
        for key in row.keys() & {"beside", "unless", "nowhere"}:
            row[key] = [word for one in row[key] for word in (words[one[1:]] if one.startswith("@") else (one,))]
    return rows


@functools.cache
def symptoms() -> tuple[Symptom, ...]:
    rows = [row for path in sorted((HERE / "symptoms").glob("*.toml")) for row in _read(path)["symptom"]]
    return (*decode(_with_words(rows), tuple[Symptom, ...]), *map(_nearest, nearest()))


def _nearest(cause: str) -> Symptom:
    """The more circumstances it takes, the surer is what they mean."""
    lists = min(len(saying.split()) for saying in nearest()[cause])
    return Symptom(
        name=f"{NEAREST}{cause}", by="people's own words, far from each other", fits={cause: 10}, source=f"page of {cause}",
        trust=round(0.18 + 0.04 * lists, 2), prose=True, general=True, nearest=True,
    )  # fmt: skip


@functools.cache
def nearest() -> Mapping[str, tuple[str, ...]]:
    """Cause -> its sayings: names of lists that all have a word in a short text."""
    return decode(own_words_in("own_words_nearest.toml")["nearest"], dict[str, tuple[str, ...]])


NEAREST, OUR_WORLD, FACES = "near-", "our-world", "faces-world"
"""How the symptoms of `nearest` are called; the list of which a text must hold a word for them, and for those of `of-faces`."""
OWN_WORDS = (
    "own_words.toml", "own_words_machine.toml", "own_words_service.toml", "own_words_places.toml", "own_words_causes.toml",
    "own_words_operations.toml", "own_words_nearest.toml",
)  # fmt: skip
"""Tables of people's own words; a list of one may be named in another."""


@functools.cache
def sayings() -> tuple[Saying, ...]:
    rows = [row for file in OWN_WORDS for row in own_words_in(file).get("saying", ())]
    far = (_far(cause, lists) for cause, sayings in nearest().items() for lists in sayings)
    return (*decode(_with_words(rows), tuple[Saying, ...]), *far)


def _far(cause: str, lists: str) -> Saying:
    others = _words()
    world = FACES if cause in own_words_in("own_words_nearest.toml")["of-faces"] else OUR_WORLD
    return Saying(
        symptom=f"{NEAREST}{cause}", all=tuple(lists.split()), far=True, beside=own_words()[world],
        unless=(*others["other-programs"], *others["other-services"]),
    )  # fmt: skip


@functools.cache
def faults() -> frozenset[str]:
    """Lists whose words are what is wrong: where one is denied, it is not."""
    return frozenset(name for file in OWN_WORDS for name in own_words_in(file).get("faults", ()))


@functools.cache
def own_words_in(file: str) -> dict[str, Any]:
    return _read(HERE / file)


@functools.cache
def own_words() -> Mapping[str, tuple[str, ...]]:
    """Name of a list -> its words."""
    lists = {name: words for file in OWN_WORDS for name, words in own_words_in(file)["words"].items()}
    return decode(lists, dict[str, tuple[str, ...]])


@functools.cache
def spellings() -> Mapping[str, Spelling]:
    rows = decode(_read(HERE / "spellings.toml")["spelling"], tuple[Spelling, ...])
    return {row.kind: row for row in rows}


def wordings(row: Symptom) -> tuple[str, ...]:
    """All sentences by which a symptom is found."""
    return (*row.says, *(form for kind in row.codes for form in spellings()[kind].forms))


@functools.cache
def circumstances() -> tuple[Circumstance, ...]:
    return decode(_read(HERE / "circumstances.toml")["circumstance"], tuple[Circumstance, ...])


@functools.cache
def causes() -> Mapping[str, TriageCause]:
    return decode(_read(HERE / "causes.toml"), dict[str, TriageCause])


@functools.cache
def fact_rows() -> tuple[FactRow, ...]:
    return decode(_read(HERE / "facts.toml")["fact"], tuple[FactRow, ...])


@functools.cache
def _cards() -> Mapping[re.Pattern[str], tuple[int, int]]:
    named = {re.escape(name).replace(r"\#", r"\d"): value for name, value in _read(HERE / "cards.toml").items()}
    return {re.compile(rf"{name}(?!\d)"): (value[0], value[1]) for name, value in named.items()}


def capability(card: str) -> tuple[int, int] | None:
    """Of a card by its name; None: not in the table."""
    short = re.sub(r"\b(?:nvidia|geforce|tesla|quadro)\b ?", "", card.lower())
    spaced = re.sub(r"\b(rtx|gtx?) ?(?=a?\d)", r"\1 ", short)
    if "quadro" not in card.lower():  # Quadro 4000 is none of the RTX
        spaced = re.sub(r"^(?=[2-5]0\d0)", "rtx ", re.sub(r"^(?=1[06]\d0)", "gtx ", spaced))
    return next((value for name, value in _cards().items() if name.match(spaced)), None)
