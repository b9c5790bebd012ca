"""The exception by which a service has ended: the one behind the last frames in its log, where what comes after it, or where it
was raised, says so. A request that failed, and was answered, leaves frames too."""

from __future__ import annotations

from collections.abc import Sequence

from retina_doctor.masking.words import beginning, masked
from retina_doctor.patterns import pattern

from ..facts.service_log import LastException

RAISED = pattern(r"(?:.{0,200}?(?:\]: |[0-9]Z ))?((?:[A-Za-z_]\w{0,80}\.){0,9}[A-Z]\w{2,80})(?:: .{0,2000})?\s*")
"""The last line of a traceback, behind what journald or an engine of containers puts before each line."""
FRAME = pattern(r'.{0,300}?  File "([^"]{1,1000})", line (\d{1,7})(?:, in (.{0,200}))?\s*')
NOT_ITS_OWN = pattern(r"<|.*/(?:site-packages|dist-packages|lib/python3[^/]*)/")
NO_MODULE = pattern(r"ModuleNotFoundError: No module named '([\w.]{1,200})'.*")
ENDS = pattern(
    r"(?i)application startup failed|worker failed to boot|shutting down: master|\b(?:process|worker|container) .{0,80}exited"
    r"|failed with result|main process exited|exited \([1-9]|exit (?:code|status) [1-9]"
)
"""What servers, systemd and engines of containers say of an end (uvicorn/lifespan/on.py, gunicorn/arbiter.py)."""
AT_THE_TOP = ("<module>", "_run_module_as_main", "")
"""Where the first frame of what ends a program stands; a file that Python does not accept has none of a function."""
WISHED = ("KeyboardInterrupt", "SystemExit", "CancelledError", "GeneratorExit")
AFTER, ABOVE, SAID = 12, 240, 4
"""Lines: what servers say of their end after the exception, how far its frames go up, and source and marks below a frame."""
LONGEST = 300


def raised_in(lines: Sequence[str]) -> LastException | None:
    last = next((number for number in reversed(range(len(lines))) if FRAME.fullmatch(lines[number][:2000])), None)
    number = _exception_below(lines, last) if last is not None else None
    if last is None or number is None:
        return None
    after = [line for line in lines[number + 1 :] if line.strip()]
    frames = _frames(lines, last)
    if len(after) > AFTER or not (any(map(ENDS.search, after)) or (not after and frames[-1][2] in AT_THE_TOP)):
        return None
    match = RAISED.fullmatch(lines[number][:3000])
    own = next((frame for frame in frames if not NOT_ITS_OWN.match(frame[0])), None)
    place = own or next((frame for frame in frames if not frame[0].startswith("<")), None)
    if match is None or place is None or match[1].rpartition(".")[2] in WISHED:
        return None
    said = beginning(masked(lines[number][match.start(1) :].strip()), LONGEST)
    module = NO_MODULE.fullmatch(said) if own else None  # else it is the application's own, under a wrong name
    return LastException(said=said, file=place[0], line=place[1], module=module[1] if module else None)


def _exception_below(lines: Sequence[str], frame: int) -> int | None:
    """The first line below a frame that is no source and no mark of it: those stand further in."""
    below = range(frame + 1, min(len(lines), frame + 1 + SAID))
    return next((number for number in below if RAISED.fullmatch(lines[number][:3000])), None)


def _frames(lines: Sequence[str], last: int) -> list[tuple[str, int, str]]:
    """(file, line, function) of the frames of one traceback, the last first."""
    found: list[tuple[str, int, str]] = []
    for above in reversed(lines[max(0, last - ABOVE) : last + 1]):
        match = FRAME.fullmatch(above[:2000])
        if match:
            found.append((match[1], int(match[2]), (match[3] or "").strip()))
        elif "Traceback (most recent call last)" in above:
            break
    return found
