"""From the end of a service's log, as it was fetched, to the places that complain; and nothing else of it.

Runs on the doctor's own side in a process of its own: whoever can send the service a picture may write into its log.
"""

from __future__ import annotations

import base64
import itertools
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from retina_doctor.codec import Data, decode, encode
from retina_doctor.masking.words import beginning, masked

from ..facts.service_log import Log, ShownLog
from .case import Case
from .dates import Clock, moments
from .diagnosing import holding
from .first_look import thinned
from .raised import raised_in
from .sentences import is_open, sentence, squeezed
from .symptoms import SymptomSeen, seen
from .tables import wordings
from .text import LogText, text_of
from .told import told

if TYPE_CHECKING:
    from retina_doctor.probing.child import Telling

MOST_BYTES = 2 * 2**20
"""Of one log, unpacked; what a target says of itself is not believed."""
MOST_PLACES, MOST_LINES, LONGEST = 3, 4, 300
"""Of one symptom, the newest; of one place; characters of a line."""
EVERY = 1000
"""Places of one sentence that are looked at: the newest are wanted, and these are the last."""
FELL_BACK = re.compile(
    r"Falling back to \['CPUExecutionProvider'\][^\n]{0,300}|Failed to create CUDAExecutionProvider[^\n]{0,300}"
    r"|CUDAExecutionProvider' is not in available provider names[^\n]{0,300}"
)
"""onnxruntime/capi/onnxruntime_inference_collection.py; onnxruntime/python/onnxruntime_pybind_state.cc."""


class FetchedLog(Data, frozen=True, kw_only=True):
    """What probes/service/log_end.py tells of one log."""

    kind: Any
    name: str
    problem: Any
    words: str | None
    size: int
    data: str
    fresh: bool = False

    @property
    def text(self) -> str:
        """Raises ValueError, zlib.error."""
        raw = zlib.decompressobj().decompress(base64.b64decode(self.data), MOST_BYTES)
        return raw.decode("utf-8", "replace")


def look(probe: Telling, arguments: Mapping[str, Any]) -> None:
    fetched = arguments["told"]
    own = {"started": fetched.get("started")} if arguments["own"] else {"exit": fetched.get("exit")}
    clock = Clock(
        now=float(fetched["now"]),
        offset=float(fetched["offset"]),
        started=fetched.get("started"),
        pids=tuple(fetched.get("pids", ())),
    )
    probe.tell(**own, logs=[])
    logs = [understood(decode(one, FetchedLog), clock) for one in fetched["fetched"]]
    probe.tell(logs=encode(tuple(logs)))


def understood(one: FetchedLog, clock: Clock) -> Log:
    shown: tuple[ShownLog, ...] = ()
    holds: tuple[str, ...] = ()
    fell_back: list[str] = []
    raised = None
    if one.data:
        content = one.text
        lines = content.split("\n")
        when = list(moments(lines, clock))
        text = latest(lines)
        case = Case(text=text, told=told(text), seen=seen(text, EVERY, people_wrote=False))
        shown = tuple(place for symptom in case.seen for place in places(symptom, when))
        holds = tuple(sorted(holding(case, {name for s in case.seen for name in s.symptom.fits})))
        raised = raised_in(lines)
        fell_back = list(dict.fromkeys(_fell_back(lines)))
    words = None if one.words is None else beginning(one.words, LONGEST)
    return Log(
        kind=one.kind, name=one.name, problem=one.problem, words=words, size=one.size, fresh=one.fresh, shown=shown, holds=holds,
        fell_back=tuple(fell_back[-3:]), raised=raised,
    )  # fmt: skip


def _fell_back(lines: Sequence[str]) -> Iterator[str]:
    """A line is masked whole: after what is looked for it may go on with other fields of a record."""
    for line in lines:
        if FELL_BACK.search(line):
            yield from (beginning(match[0].strip(), LONGEST) for match in FELL_BACK.finditer(masked(line)))


def latest(lines: Sequence[str]) -> LogText:
    """Without what repeats itself: of lines that differ in numbers alone the last few, which are the newest."""
    backwards = ((number, lines[number - 1]) for number in range(len(lines), 0, -1))
    return text_of(reversed(list(thinned(backwards))))


def places(one: SymptomSeen, when: Sequence[tuple[float | None, bool]]) -> list[ShownLog]:
    found = []
    for place in one.places[-MOST_PLACES:]:
        moment, dated = when[place[0].number - 1]
        words = tuple(quoted(line.shown.strip(), wordings(one.symptom)) for line in itertools.islice(place, MOST_LINES))
        found.append(ShownLog(symptom=one.symptom.name, lines=words, moment=moment, dated=dated))
    return found


def quoted(line: str, says: Sequence[str]) -> str:
    """The line without secrets; of a long one what is around the sentence that was looked for, cut between words."""
    line = masked(line)
    if len(line) <= LONGEST:
        return line
    bare = squeezed(line)
    literals = (sentence(pattern).literal if is_open(pattern) else squeezed(pattern) for pattern in says)
    place = next((at for literal in literals if (at := bare.find(literal)) >= 0), 0)
    # How far that is in the line itself, whose white space counts.
    start = next(itertools.islice((i for i, letter in enumerate(line) if not letter.isspace()), place, None), 0)
    first = line.rfind(" ", 0, max(0, start - LONGEST // 3)) + 1
    last = line.find(" ", min(len(line), first + LONGEST))
    whole = line[first : last if 0 <= last < first + 2 * LONGEST else first + LONGEST]
    return ("… " if first else "") + whole + (" …" if first + len(whole) < len(line) else "")
