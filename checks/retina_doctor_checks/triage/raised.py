"""The exception by which a service has ended: the last one in its log, where little comes after it."""

from __future__ import annotations

from collections.abc import Sequence

from retina_doctor.patterns import pattern
from retina_doctor.secret_words import beginning, masked

from ..facts.service_log import LastException

RAISED = pattern(r"(?:.{0,200}?(?:\]: |[0-9]Z ))?((?:[A-Za-z_]\w{0,80}\.){0,9}[A-Z]\w{2,80})(?:: .{0,2000})?\s*")
"""The last line of a traceback, behind what journald or an engine of containers puts before each line."""
FRAME = pattern(r'.{0,300}?  File "([^"]{1,1000})", line (\d{1,7})(?:, in .{0,200})?\s*')
NOT_ITS_OWN = pattern(r"<|.*/(?:site-packages|dist-packages|lib/python3[^/]*)/")
NO_MODULE = pattern(r"ModuleNotFoundError: No module named '([\w.]{1,200})'.*")
AFTER, ABOVE = 12, 12
"""Lines: what servers say of their end after the exception, and where its last frame is looked for (an exception's own words may
be long)."""
LONGEST = 300


def raised_in(lines: Sequence[str]) -> LastException | None:
    filled = [number for number, line in enumerate(lines) if line.strip()]
    for number in reversed(filled[-AFTER:]):
        match = RAISED.fullmatch(lines[number][:3000])
        frame = _frame(lines, number) if match else None
        if match and frame:
            file, at = _own(lines, number) or frame
            said = beginning(masked(lines[number][match.start(1) :].strip()), LONGEST)
            module = NO_MODULE.fullmatch(said)
            return LastException(said=said, file=file, line=at, module=module[1] if module else None)
    return None


def _frame(lines: Sequence[str], number: int) -> tuple[str, int] | None:
    """The last frame above: a traceback's exception follows its frames, and other lines that look like one have none."""
    for above in reversed(lines[max(0, number - ABOVE) : number]):
        match = FRAME.fullmatch(above[:2000])
        if match:
            return match[1], int(match[2])
    return None


def _own(lines: Sequence[str], number: int) -> tuple[str, int] | None:
    """The last frame that is of the service's own files."""
    for above in reversed(lines[max(0, number - 20 * ABOVE) : number]):
        match = FRAME.fullmatch(above[:2000])
        if match and not NOT_ITS_OWN.match(match[1]):
            return match[1], int(match[2])
        if "Traceback (most recent call last)" in above:
            break
    return None
