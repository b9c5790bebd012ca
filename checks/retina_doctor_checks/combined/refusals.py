"""What programs mean when they refuse: text or number -> meaning, by the tables refusals.toml, cuda_results.toml and codes.toml.

Loaders, importers, CUDA, cuDNN, NVML, nvidia-smi, the kernel and Python are read here and nowhere else.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import tomli

from retina_doctor.codec import Data
from retina_doctor.model import Outcome, Recorded
from retina_doctor.patterns import pattern

HERE = Path(__file__).parent
CUDA_CODE = pattern(
    r"CUDA failure (\d+)"  # onnxruntime core/providers/cuda/cuda_call.cc
    r"|(?:cuInit|cudaGetDeviceCount)\D{0,200}?[Ee]rror (\d+)"  # torch: "… cudaGetDeviceCount(). … Error 804: …"
    r"|\bCUDA (?:error|ERROR)(?: code)?[ :=(]+(\d{1,3})\b"
)
CUDA_NAME = pattern(r"\b(CUDA_ERROR_[A-Z_]+|cudaError[A-Z]\w+)")
CUDA_WORDS = pattern(r"CUDA (?:driver |runtime )?(?:error|failure \d+): ([^\n;]+)")
NUMPY_FAILED = pattern(r"\bimport numpy failed\b|\bnumpy[\w.]* failed to import\b")
"""In onnxruntime's own words (pybind11), and in those of what uses NumPy's C interface."""
HEAD = pattern(r"(?:\x1b\[[\d;]*m)*\d{4}-\d\d-\d\d \d\d:\d\d")
LONGEST = 600
"""Characters of a quotation."""


class RefusalRow(Data, frozen=True, kw_only=True):
    """A mechanism of refusals.toml, which says what its fields mean. *says*: regular expressions, compiled when asked."""

    mechanism: str
    says: tuple[str, ...]
    source: str
    cause: str | None = None
    everywhere: bool = False
    again: bool = False


class Result(Data, frozen=True, kw_only=True):
    """A result code of CUDA."""

    code: int
    driver: str | None = None
    runtime: str | None = None
    says: str | None = None
    means: str | None = None


class Meaning(Data, frozen=True, kw_only=True):
    """*mechanism* of *row*; *values*: what its words are filled from; *line*: that says so, cut to what tells the cause."""

    row: RefusalRow
    values: Mapping[str, str]
    line: str

    @property
    def mechanism(self) -> str:
        return self.row.mechanism

    @property
    def cause(self) -> str | None:
        """The name of the root cause, where the mechanism alone decides it."""
        return self.row.cause

    @property
    def told(self) -> dict[str, Any]:
        """For a finding's evidence: a key of reasons.toml and what fills it."""
        return {"key": f"means-{self.mechanism}", "values": dict(self.values)}


@functools.cache
def _numbers() -> Mapping[str, Any]:
    return tomli.loads((HERE / "codes.toml").read_text(encoding="utf-8"))


@functools.cache
def _text() -> str:
    return (HERE / "refusals.toml").read_text(encoding="utf-8")


@functools.cache
def rows() -> Mapping[str, RefusalRow]:
    """By mechanism, in the order in which they are tried."""
    return {told["mechanism"]: _row_of(told) for told in tomli.loads(_text())["refusal"]}


@functools.cache
def row(mechanism: str) -> RefusalRow:
    """One, without reading the others. Raises KeyError."""
    for text in _text().split("[[refusal]]\n")[1:]:
        if text.startswith(f'mechanism = "{mechanism}"\n'):
            return _row_of(tomli.loads(text))
    raise KeyError(mechanism)


def _row_of(told: Mapping[str, Any]) -> RefusalRow:
    return RefusalRow(**{**told, "says": tuple(told["says"])})


@functools.cache
def cuda_results() -> Mapping[int, Result]:
    told = tomli.loads((HERE / "cuda_results.toml").read_text(encoding="utf-8"))
    return {int(code): Result(code=int(code), **facts) for code, facts in told.items()}


@functools.cache
def xids() -> Mapping[int, str]:
    """Of the hardware or its firmware -> kind."""
    return {int(code): kind for code, kind in _numbers()["xid"].items()}


def meaning(*texts: str | None) -> Meaning | None:
    """Of what was said, the first that is understood: an earlier text before a later one, a finer mechanism before a rougher."""
    return next((one for text in texts if text for one in meanings(text)), None)


def told(*texts: str | None) -> dict[str, Any] | None:
    """`meaning` for a finding's evidence."""
    one = meaning(*texts)
    return one.told if one is not None else None


def of_ending(recorded: Recorded) -> Meaning | None:
    """What the end of a looking means: by the last words of its process, by how that ended, by what was raised."""
    if recorded.outcome is Outcome.TIMED_OUT:
        return None
    return meaning(recorded.detail, "\n".join(recorded.stderr_tail))


def entries(lines: Iterable[str]) -> tuple[str, ...]:
    """The lines of a log, each with those that belong to it: onnxruntime breaks a loader's words off its own, and
    begins each entry with the time."""
    found: list[str] = []
    for line in lines:
        if found and HEAD.match(found[-1]) and not HEAD.match(line):
            found[-1] += "\n" + line
        else:
            found.append(line)
    return tuple(found)


@functools.lru_cache(512)
def meanings(text: str) -> tuple[Meaning, ...]:
    """All mechanisms that *text*, one line or many, tells of, the finest first. A dozen checks ask of the same few texts."""
    return tuple(_understood(text)) if text else ()


def _understood(text: str) -> Iterator[Meaning]:
    found = set()
    for row in rows().values():
        one = understood_by(row, text)
        if one is not None:
            found.add(one.mechanism)
            yield one
    for code in _codes(text):
        by_code = of_cuda(code)
        if by_code is not None and by_code.mechanism not in found:
            found.add(by_code.mechanism)
            yield by_code


def understood_by(row: RefusalRow, text: str) -> Meaning | None:
    match = next((match for says in row.says if (match := re.search(says, text))), None)
    return _made(row, match, quotation(text, match.start())) if match else None


def _codes(text: str) -> Iterable[int]:
    for match in CUDA_CODE.finditer(text):
        yield int(next(group for group in match.groups() if group))
    names = {name: one.code for one in cuda_results().values() for name in (one.driver, one.runtime) if name}
    words = {one.says: one.code for one in cuda_results().values() if one.says}
    yield from (names[match[1]] for match in CUDA_NAME.finditer(text) if match[1] in names)
    yield from (words[match[1].strip()] for match in CUDA_WORDS.finditer(text) if match[1].strip() in words)


def _made(row: RefusalRow, match: re.Match[str] | None, line: str) -> Meaning:
    named = dict.fromkeys(name for says in row.says for name in re.compile(says).groupindex)
    values = {**named, **(match.groupdict() if match else {})}
    return Meaning(row=row, values={name: value or "?" for name, value in values.items()}, line=line)


def of_cuda(code: int | None) -> Meaning | None:
    """What a result of CUDA means; None: 0, an unknown number, or a mistake in a program."""
    result = cuda_results().get(code or 0)
    if result is None or result.means is None:
        return None
    words = result.says or ""
    made = _made(row(result.means), None, f"{result.driver or result.runtime} ({code}): {words}")
    return Meaning(row=made.row, values={**made.values, "code": str(code), "says": words}, line=made.line)


def of_nvml(code: int | None) -> Meaning | None:
    """What nvmlReturn_t, or nvidia-smi's exit status, means."""
    mechanism = None if code is None else _numbers()["nvml"].get(str(code))
    return None if mechanism is None else _made(row(mechanism), None, f"NVML {code}")


def quotation(text: str, at: int) -> str:
    """The line of *text* in which the word at *at* stands, cut around that word and never before it ends."""
    start = text.rfind("\n", 0, at) + 1
    end = text.find("\n", at)
    line = text[start : len(text) if end < 0 else end].strip()
    if len(line) <= LONGEST:
        return line
    first = max(0, min(at - start - LONGEST // 3, len(line) - LONGEST))
    return ("… " if first else "") + line[first : first + LONGEST].strip()


def quoted(text: str) -> str:
    """*text* cut to a quotation that holds the part which names the cause."""
    one = next(_understood(text), None)
    return one.line if one is not None and one.line else text.strip()[:LONGEST]
