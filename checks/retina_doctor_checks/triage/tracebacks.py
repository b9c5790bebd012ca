"""Where an error was raised: the package whose code stands last in a Python traceback says what kind of trouble it is, whatever
the sentence."""

from __future__ import annotations

import re
from collections.abc import Iterator

from retina_doctor.codec import Data

from .text import LogLine, LogText

FAR = 12
"""Lines between two frames, or the last one and its error, that may be source text."""
_FRAME = re.compile(r"(?:site|dist)-packages/(?P<module>[\w./-]{1,200})\.py\b'?(?P<rest>.{0,140})")
_FUNCTION = re.compile(r"(?:,? line \d{1,7})?(?::\d{1,7})?,? in (?P<name>[\w<>]{1,120})")
"""As Python, rich and IPython name it."""
_ERROR = re.compile(
    r"\s{0,40}(?:[a-z_]\w{0,60}\.){0,6}(?P<error>[A-Z]\w{0,60}(?:Error|Exception|Fail|Exit|Missing))(?::|\s|$)"
)


class Raised(Data, frozen=True, kw_only=True):
    """*module*: path of the innermost installed module ("torch/serialization"). *error*: the exception's class, or "" where the
    text holds none behind the frames. *importing*: an installed module was in its first lines, of which this came."""

    module: str
    function: str
    error: str
    importing: bool
    lines: tuple[LogLine, ...]

    def fits(self, pattern: str) -> bool:
        """*pattern*: "MODULE", "MODULE ERROR", "MODULE:FUNCTION" or "MODULE:FUNCTION ERROR"; a module that ends in a slash is
        all of a package, and "*" any. The function "import" is whatever was called while one was imported."""
        where, _, error = pattern.partition(" ")
        module, _, function = where.partition(":")
        return (
            (module == "*" or self.module == module or (module.endswith("/") and self.module.startswith(module)))
            and (not function or self.function == function or (function == "import" and self.importing))
            and (not error or self.error == error)
        )


def raised(text: LogText) -> Iterator[Raised]:
    """One for each traceback."""
    if "-packages" not in text.squeezed:
        return
    frame: re.Match[str] | None = None
    at, since, importing = None, 0, False
    for line in text.lines:
        since += 1
        error = _ERROR.match(line.text) if at is not None and since <= FAR else None
        if at is not None and frame is not None and (error is not None or since > FAR):
            yield _raised(frame, error["error"] if error else "", (at, line) if error else (at,), importing)
            at, importing = None, False
        elif (there := _FRAME.search(line.text.replace("\\", "/"))) is not None:
            frame, at, since = there, line, 0
            importing = importing or (_function(frame) == "<module>" and not there["module"].endswith("__main__"))
    if frame is not None and at is not None:
        yield _raised(frame, "", (at,), importing)


def _function(frame: re.Match[str]) -> str:
    function = _FUNCTION.match(frame["rest"])
    return function["name"] if function else ""


def _raised(frame: re.Match[str], error: str, lines: tuple[LogLine, ...], importing: bool) -> Raised:
    return Raised(module=frame["module"], function=_function(frame), error=error, lines=lines, importing=importing)
