"""What people say in their own words: no library's sentence, but words of certain lists that stand together (own_words*.toml)."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence

from . import tables
from .text import LogLine, LogText, text_of
from .words import holds, letters, places_of

NEAR = 110
"""Characters before and after the word of the first list within which one of each other list must stand."""
FURTHEST = 200
"""The same where the words may stand in two sentences."""
FIRST, LAST = 24_000, 8_000
"""Characters of a text at its beginning and its end that are looked at: people write above and below what they paste."""
SHORT = 3_000
"""Characters of a text up to which words that stand far from each other belong together."""
LEAST = 5
"""Characters of the shortest sentence that says anything; many a text has thousands of empty lines."""
MOST = 8
"""Places of one word in one sentence that are looked at."""
BROKEN = 45
"""Characters of a line from which on it may be a sentence that goes on in the next."""
_END = re.compile(rf"[.!?;](?=\s)|[。！？；]|(?<![^\n]{{{BROKEN}}})\n|\n\s{{0,9}}\n|\n(?=[#>|`*-])")

HARMLESS = re.compile(
    r"running\spip\sas\sthe\s'?root'?\suser\s[^.]{1,300}\.(?=\s)|retrying\s\(retry\(total=\d[^\n]{1,900}"
    r"|duplicated\smodel\stask\stype,\signore"
    r"|expandable_segments\snot\ssupported\son\sthis\splatform"
    r"|memory\sis\sinsufficient\sto\suse\stactic|skipping\stactic\s\d{1,9}\sdue\sto\sinsufficient\smemory"
)
"""What pip tells everybody who installs into an image ("broken", "conflicting" is what could be), and of a request that it makes
again (pip/_internal/cli/req_command.py; urllib3/connectionpool.py); insightface, of a file that it leaves out
(app/face_analysis.py); torch, of a setting (c10/cuda/CUDAAllocatorConfig.h); TensorRT, of a way to compute a layer that it
leaves out, of many (symptoms/vram.toml has those that end a build)."""
DENIAL = 24
"""Characters before a word in which a denial of it stands."""
_DENIED = re.compile(
    r"(?:没有(?:被|出现|发生|任何){0,2}|没被|未被|未出现|未发现|不再|(?<![会是])不会?"
    r"|(?<![a-z])(?:(?:no longer|never)(?: not)?(?: gets?| sees?| runs? into)?(?: an?| any)?"
    r"|no|without|nothing|not(?: been| being| a| an| any)?) )$"
)
_HEDGE = re.compile(
    r"(?<=\bnot )(?:(?:seem|appear|seeming|appearing|want|manage|managing|succeed) to |(?:be |being |get |getting )?able to "
    r"|get to |already |really |actually |even |currently |properly |correctly |always |ever |yet |still |fully |successfully "
    r"|automatically )+"
)
"""Words between a denial and what it denies."""
_UNABLE = re.compile(
    r"\b(?:unable to|fail(?:s|ed|ing)? to|refus(?:es|ed|ing|e) to|never|no longer|cease[sd]? to|no way to|impossible to|trouble"
    r"|hardly|stop(?:s|ped)(?= \w{2,20}ing\b)) (?!not |mind)"
)
"""Other ways to deny what follows; they stay, since they are words of their own."""
_PASSIVE = re.compile(r"(?<=\bnot )(?:be|been|being|get|gets|getting) (?=\w{2,20}(?:ed|und|nd|de|en)\b)")
"""Of "is not being used", "does not get detected"."""
_UNABLE_ZH = re.compile("没法|没办法|没能|未能|不能够|无法正常|不能正常|没有办法")
_HEDGE_ZH = re.compile(
    "(?<=不能|不会|无法|没有|没法)(?:正常|正确|准确|成功|顺利|稳定|自动|及时|完全|真正|主动|直接|继续|进行|再)(?=[\u4e00-\u9fff])"
)
"""Words between a denial and what it denies: 不能自动释放."""
_NOT = re.compile(r"\b(ca|wo|is|are|was|were|do|does|did|has|have|could|would|should)n ?'?t\b|\bcannot\b")


_HOLDING = "the|an?|i|is|was|are|it|to|and|in|of|when|my|but|this|that|with|not|for|we|you|have|has|be|does|do|can|if|how|why|as"
_OF_SPEECH = re.compile(rf"\b(?:{_HOLDING})\b")
"""Words that hold sentences together; programs, tables and lists have few of them."""
_OF_TELLING = re.compile(
    rf"\b(?:{_HOLDING}|on|at|from|by|than|then|there|our|me|us|only|just|after|although|while|so|because|every|each|all|out|up"
    r"|get|gets|got|since|before|whenever|until|says|said|never|always|still|now|please|some(?:one|body)|any(?:one|body)"
    r"|works?|worked|(?:do|does|did|is|are|was|were|wo|ca|could|would)n'?t|could|same|what|which|who|where|again|into|over|its|she|he|they)\b"
)
"""The same where a whole text is asked: in it a program's short words count for little."""
_CJK = re.compile("[\u4e00-\u9fff]")
SPEECH = 0.12
"""Share of such words among all from which on a line is speech."""


_LOGGED = re.compile(
    r"\W{0,3}(?:\d{4}[-/]\d\d[-/]\d\d|\d\d:\d\d:\d\d|[ewifd]:|(?:warn|info|debug|error|fatal|critical)\b|[\w.-]{1,40}\[\d{1,9}\]:"
    r"|-- |successfully |building |looking in |collecting |processing /|requirement already|using cached |downloading "
    r"|[a-z]{3} [ \d]\d \d\d:|[\w./-]{1,80}:\d{1,6}: |[\w ./-]{2,30}: not found\b)"
)
"""How lines begin that a program wrote for its log, whatever words they hold."""


def is_speech(said: str) -> bool:
    """Whether a good part of a text is what somebody tells; in lower case."""
    lines = [line for line in said.split("\n") if line.strip()]
    told = sum(len(line) for line in lines if _is_told(line))
    return 4 * told > sum(map(len, lines))


def told_alone(text: LogText) -> frozenset[str]:
    """Symptoms that people tell of without the help of what programs printed."""
    lines = [(line.number, line.text) for line in text.lines if _is_told(line.text.lower())]
    return frozenset(told(text_of(lines), 1)) if lines else frozenset()


def _is_told(line: str) -> bool:
    if _LOGGED.match(line):
        return False
    words = line.count(" ") + 1
    return len(_CJK.findall(line)) >= (4 if len(line) > BROKEN else 2) or len(_OF_TELLING.findall(line)) > max(
        SPEECH * words, 1
    )


_PRINTED = re.compile(
    r"\W{0,9}(?:[\w.]{1,80}(?:error|exception|warning)\b(?=\W{0,2}:)|traceback|(?:warn|info|debug|fatal|critical)\b|error\])"
    r"|kernel: |level=|\* running on"
)
"""How lines begin that a program printed; in lower case."""


def _is_spoken(sentence: str) -> bool:
    """Whether somebody may have written this sentence: words of two such sentences may belong together."""
    return not _PRINTED.match(sentence) and (
        len(_CJK.findall(sentence)) >= 4 or _OF_SPEECH.search(sentence) is not None
    )


_WISH = re.compile(
    r"(?:\bso that |(?<![,;] )\bso )(?:it|they|this|we|i|you|the \w{1,20}) (?:do|does|will|would|can|could|should) not\b"
    r"|\b(?:in order|so as|want|like|need|prefer) to not\b"
)
"""What is denied behind these is what somebody wants: "so that it does not download them again"."""
_WHY = re.compile(
    r"\bwhy (can|do|does|did|is|are|was|will|would|could|has) not ((?:(?!not\b|to\b|need|want|have)[\w.'-]{1,30} ){1,4}?)"
    r"(?=(?:being )?(?:detect|find|found|see|use|using|run|load|start|work|recogni|access|connect|read|respond)\w{0,4}\b)"
)
"""A question in which what is asked about stands between a denial and what it denies."""


_MISSPELT = {
    "memmory": "memory", "momery": "memory", "memery": "memory", "postive": "positive", "possitive": "positive",
    "detction": "detection", "dectect": "detect", "detet": "detect", "recoginiz": "recogniz", "recongni": "recogni",
    "segmentaion": "segmentation", "enviroment": "environment", "dosn't": "doesn't", "dosent": "doesn't", "dosen't": "doesn't",
    "cann't": "can't", "threshhold": "threshold", "treshold": "threshold", "bouding": "bounding", "dupplicate": "duplicate",
    "versoin": "version", "drvier": "driver", "instaled": "installed", "compatable": "compatible", "utlize": "utilize",
}  # fmt: skip
"""What people often type, and the word."""
_TYPED = re.compile("|".join(map(re.escape, _MISSPELT)))
_PAST = re.compile(
    r"\b(?:errors?|problems?|issues?|warnings?|trouble|timeouts?)"
    r"(?: (?:in|of|with|from|about)(?: (?!gpu|card|driver|device|nvidia)[\w.-]{1,20}){1,4})?"
    r" (?:is|are|was|were|has|have) (?:now )?(?:gone|fixed|solved|resolved|disappeared)\b"
)
"""A fault that is no more."""
_UNIT = re.compile(r"(?<=\d)(?=(?:ms|fps|secs?)\b)")
"""Of "240ms": what is counted is a word of its own."""
_NAMED = re.compile(r"(?<![\w'])'(?!faces?')([\w.+-]{2,60})'(?![\w'])")
"""One name in quotation marks, or marked as code: 'onnxruntime' and 'onnxruntime-gpu'."""


def spelled_out(said: str) -> str:
    """With "not" for every way to write it: "isn't", "isnt", "cannot"; next to what it denies: "doesn't seem to use", "why
    can't the service use"; "fails to use" and "is no longer being used", too."""
    denied = _NOT.sub(
        lambda match: f"{match[1] or 'can'} not".replace("ca not", "can not").replace("wo not", "will not"),
        _TYPED.sub(lambda match: _MISSPELT[match[0]], said),
    )
    denied = _UNABLE.sub(r"\g<0>not ", _HEDGE_ZH.sub("", _UNABLE_ZH.sub("无法", denied)))
    denied = _WISH.sub("so that it avoids to", denied)
    denied = _PAST.sub("is well", denied)
    denied = _UNIT.sub(" ", denied)
    return _NAMED.sub(r"\1", _WHY.sub(r"why \1 \2not ", _PASSIVE.sub("", _HEDGE.sub("", denied))))


def told(text: LogText, most: int) -> Mapping[str, list[tuple[LogLine, ...]]]:
    """Symptom -> the first places where people tell of it."""
    found: dict[str, list[tuple[LogLine, ...]]] = {}
    said = HARMLESS.sub(_blank, spelled_out(text.flowing))
    starts = [0, *(match.end() for match in re.finditer("\n", text.flowing))]  # spelling out moves no line
    for row, at in _told_at(said):
        places = found.setdefault(row.symptom, [])
        if len(places) < most and _is_ours(row, text.prose):
            places.append((text.line_flowing(starts[said.count("\n", 0, at)]),))
    return {symptom: places for symptom, places in found.items() if places}


def _told_at(said: str) -> Iterator[tuple[tables.Saying, int]]:
    """(saying, where it is told)."""
    whole = said.replace("\n", " ")
    short = len(whole) <= SHORT and is_speech(said)
    rows = [row for row in tables.sayings() if short or not row.far]
    lists = {name: tables.own_words()[name] for row in rows for name in row.all}
    there = {name: tuple(word for word in words if letters(word) in whole) for name, words in lists.items()}
    rows = [row for row in rows if all(there[name] for name in row.all)]
    far = ((row, _place(whole, row.all, there, SHORT)) for row in rows if row.far)
    yield from ((row, at) for row, at in far if at is not None)
    near = [row for row in rows if not row.far]
    bare = {name: tuple(map(letters, words)) for name, words in there.items()}
    last, held_last, spoken_last = 0, frozenset[str](), False
    for start, sentence in _sentences(said):
        if len(sentence) < LEAST:
            continue
        held = frozenset(name for name, words in bare.items() if any(word in sentence for word in words))
        two = whole[last : start + len(sentence)] if start - last <= 2 * FURTHEST else sentence
        spoken = _is_spoken(sentence)
        for row in near:
            if held.issuperset(row.all):
                at = _place(sentence, row.all, there, NEAR)
                yield from () if at is None else ((row, start + at),)
            elif row.wide and spoken and spoken_last and (held | held_last).issuperset(row.all):
                at = _place(two, row.all, there, FURTHEST)
                yield from () if at is None else ((row, start + len(sentence) - len(two) + at),)
        last, held_last, spoken_last = start, held, spoken


def _blank(match: re.Match[str]) -> str:
    """A sentence's end in place of it, and as many lines."""
    return ". " + "\n" * match[0].count("\n")


def _is_ours(row: tables.Saying, prose: str) -> bool:
    return (not row.beside or holds(row.beside, prose)) and not (row.unless and holds(row.unless, prose))


def _sentences(flowing: str) -> Iterator[tuple[int, str]]:
    """(where it begins, the sentence on one line)."""
    ends = [0, len(flowing)] if len(flowing) <= FIRST + LAST else [0, FIRST, len(flowing) - LAST, len(flowing)]
    for begin, end in zip(ends[::2], ends[1::2], strict=True):
        at = begin
        for match in _END.finditer(flowing, begin, end):
            yield at, flowing[at : match.start()].replace("\n", " ")
            at = match.end()
        yield at, flowing[at:end].replace("\n", " ")


def _denied(sentence: str, at: int) -> bool:
    return _DENIED.search(sentence[max(at - DENIAL, 0) : at]) is not None


def _place(sentence: str, names: Sequence[str], lists: Mapping[str, tuple[str, ...]], near: int) -> int | None:
    """Where a word of the first of these lists stands that has one of each other list within *near* characters; a fault that
    is denied counts for none."""

    def told_at(name: str, word: str, within: str, begin: int) -> Iterator[int]:
        places = (begin + place for place in places_of(word, within))
        deniable = name in tables.faults() and not word.startswith(
            "not "
        )  # "never finishes" is spelled "never not finishes"
        return (at for at in places if not deniable or not _denied(sentence, at))

    first, *others = names
    for word in lists[first]:
        for at in itertools.islice(told_at(first, word, sentence, 0), MOST + 1):
            begin = max(at - near, 0)
            around = sentence[begin : at + len(word) + near]
            if all(any(True for one in lists[name] for _ in told_at(name, one, around, begin)) for name in others):
                return at
    return None
