"""Where reports go: the formats that were asked for, standard output and files.

What was asked wrongly is complained of before anything is looked at. What the system refuses later, or refuses already (a closed
standard output, a read-only folder, a full disk), costs that report alone: one line says so, and the exit code tells the verdict.
"""

from __future__ import annotations

import errno
import importlib
import io
import os
import shutil
import sys
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TextIO, TypeVar

from retina_doctor.errors import UsageError, described
from retina_doctor.files import is_folder, refusal, replace_file
from retina_doctor.reports import formats

if TYPE_CHECKING:
    from collections.abc import Callable

    from retina_doctor.reports.report import Look, Report

T = TypeVar("T")
Outputs = list[tuple[str, Path | None]]
"""(format, file or None for standard output)"""


class BrokenFormat(Exception):
    """The format of a third party broke."""


_lost: list[str] = []
"""What standard output did not take, as it was complained of."""
_refused: set[Path] = set()
"""Files of which was said before the looking that they cannot be written."""


def outputs(wanted: list[str] | None, known: Sequence[str] | None = None) -> Outputs:
    """What each --format asks for. *known*: of a command with formats of its own. Raises UsageError."""
    found: Outputs = []
    for word in wanted or ["terminal"]:
        name, _, file = word.partition("=")
        if known is None:
            formats.check(name)
        elif name not in known:
            raise UsageError(f"--format {word}: here, known are {', '.join(known)}")
        found.append((name, Path(file) if file else None))
    if sum(file is None for _, file in found) > 1:
        raise UsageError("--format: only one report can go to standard output; write others as FORMAT=FILE")
    files = [path for _, path in found if path]
    for path in files:
        if sum(_place(path) == _place(other) for other in files) > 1:
            raise UsageError(f"--format: two reports go to the same file, {path}")
        check_named(path)
        _foretell(path)
    return found


def _foretell(file: Path) -> None:
    """A folder that admits no report costs that report alone; who waits for it hears so before the looking."""
    folder = file.parent
    closed = refusal(file) is not None and not os.access(folder, os.W_OK | os.X_OK)
    if closed:
        read_only = sys.platform != "win32" and os.statvfs(folder).f_flag & os.ST_RDONLY
        _refused.add(file)
        complain(f"{file}: cannot be written: {os.strerror(errno.EROFS if read_only else errno.EACCES)}")


def _place(file: Path) -> str:
    """Without symbolic links, as far as they lead anywhere."""
    try:
        return os.path.realpath(file)
    except OSError:  # the working directory is gone, or a link is not shown to us
        return os.path.normpath(file)


def one_of(wanted: list[str] | None, known: tuple[str, ...]) -> list[str]:
    """The formats asked of a command that knows fewer. Raises UsageError."""
    for word in wanted or []:
        if word not in known:
            raise UsageError(f"--format {word}: here, known are {', '.join(known)}")
    return wanted or []


def check_named(file: Path) -> None:
    """Raises UsageError where no file can have that name."""
    error = refusal(file)
    problem = error.errno if error else errno.EISDIR if is_folder(file) else None
    if problem == errno.ENOENT and refusal(file.parent) is None:
        problem = None  # it is to be made
    if problem in (errno.EISDIR, errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG, errno.ELOOP):
        raise UsageError(f"{file}: cannot be written: {os.strerror(problem)}")


def check_writable(file: Path) -> None:
    """For a command that only makes this file. Raises UsageError before it begins; leaves no file behind."""
    check_named(file)
    if not os.access(file.parent if refusal(file) else file, os.W_OK):
        raise UsageError(f"{file}: cannot be written: {os.strerror(errno.EACCES)}")


def prepare(wanted: Outputs) -> None:
    """Import what writing these reports needs, words included, and make what nearly every one needs of that."""
    for name in ("retina_doctor.redaction.harmless", "retina_doctor.redaction", "retina_doctor.words.pages"):
        importlib.import_module(name)
    for name, _ in wanted:
        formats.load(name)
    from retina_doctor.catalogue.registry import installed
    from retina_doctor.running.called import as_called
    from retina_doctor.words.reasons import said_at_all

    said_at_all("", installed())  # tables of words are read
    as_called()  # masked words are remembered, and so are the patterns that find them, which most of a report needs


def give(report: Report, wanted: Outputs, look: Look) -> int:
    """Write the report in all formats, and tell the exit code, which the format on standard output may decide.

    First to standard output, with that *look*, so that a full disk does not cost that one. What cannot be written changes no
    exit code; a format that breaks hides no finding, and where nothing was found the doctor itself has failed.
    """
    from retina_doctor.reports.report import PLAIN

    code, broken = report.exit_code, False
    for name, file in sorted(wanted, key=lambda output: output[1] is not None):
        try:
            form = formats.load(name)
            text = _told(form, partial(form.write, report, PLAIN if file else look))
            if file is None and form.exit_code:
                code = _told(form, partial(form.exit_code, report))
        except (UsageError, BrokenFormat) as error:
            complain(str(error))
            broken = True
        else:
            deliver(name, file, text)
    forms = {name for name, _ in wanted}
    if os.environ.get("GITHUB_ACTIONS") == "true" and ("terminal", None) in wanted and "github" not in forms:
        tell(formats.load("github").write(report, PLAIN))  # its runner reads annotations from either stream
    return code if not broken or report.exit_code == 1 else 3


def deliver(name: str, file: Path | None, text: str | Iterable[str]) -> None:
    """The report in the format of that name, or its parts, to its file or to standard output; one line says what is lost."""
    from retina_doctor.quoting import visible

    if file is None:
        show(text if isinstance(text, str) else "".join(text))
        return
    try:
        write(file, text)
    except UsageError as error:
        if file not in _refused:
            complain(str(error))
    else:
        tell(f"retina-doctor: {name} report written to {visible(str(file))}.\n")


def _told(form: formats.Format, tell: Callable[[], T]) -> T:
    """Raises BrokenFormat where the format of a third party breaks. One of our own is a bug that goes on as such."""
    try:
        return tell()
    except Exception as error:
        if form.own:
            raise
        raise BrokenFormat(f"--format {form.name}: {described(error)}") from None


def _is_terminal() -> bool:
    return sys.stdout is not None and sys.stdout.isatty()


def coloured(stream: TextIO | None) -> bool:
    """Whether that stream is one for colour.

    FORCE_COLOR, NO_COLOR and TERM=dumb are heeded, in this order; empty ones say nothing (force-color.org, no-color.org).
    """
    if os.environ.get("FORCE_COLOR"):
        return True
    plain = bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"
    return stream is not None and stream.isatty() and not plain


def terminal(colour: bool = True) -> Look:
    """Width and colour of standard output. *colour* False: none, whatever the environment says."""
    from retina_doctor.reports.report import Look

    width = shutil.get_terminal_size((80, 24)).columns if _is_terminal() or "COLUMNS" in os.environ else 80
    return Look(max(40, min(width, 120)), colour and coloured(sys.stdout))


def set_charsets() -> None:
    """Both streams speak UTF-8 whatever the locale says: a service's LANG is often C, and reports are in Chinese, too.

    But a terminal whose own charset has Chinese (GB18030, Big5) is one that was set up so, and is spoken to in that.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            own = stream.isatty() and _has_chinese(stream.encoding)
            stream.reconfigure(encoding=stream.encoding if own else "utf-8", errors="replace")


def _has_chinese(charset: str) -> bool:
    try:
        "中".encode(charset)
    except UnicodeError:
        return False
    return True


def show(text: str) -> None:
    """To standard output.

    Where it takes nothing, one line says so, and the command goes on: what it was doing is not left half done.
    """
    if sys.stdout is None:
        _lose("is closed; write reports to files with --format FORMAT=FILE")
        return
    try:
        sys.stdout.buffer.write(text.encode(sys.stdout.encoding, "replace"))
        sys.stdout.flush()
    except OSError as error:
        lose(error)


def lose(error: OSError) -> None:
    """Standard output took nothing."""
    _silence(sys.stdout.fileno())
    # The reader of our report (head, less) has gone: that changes nothing of what was found.
    if not isinstance(error, BrokenPipeError):
        _lose(f"cannot be written: {error.strerror}")


def _lose(why: str) -> None:
    if not _lost:
        complain(f"standard output {why}")
    _lost.append(why)


def _silence(descriptor: int) -> None:
    """A stream that takes nothing is not tried again, not even when the interpreter ends, which would change the exit code."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), descriptor)


def is_lost() -> bool:
    """Whether something that was to be shown was not."""
    return bool(_lost)


def refuses(error: OSError) -> bool:
    """Whether *error* is what standard output says: what was printed to it is still waiting then, and refused once more."""
    try:
        sys.stdout.flush()
    except OSError as again:
        return again.errno == error.errno
    return False


def write(file: Path, text: str | Iterable[str], *, private: bool = False) -> None:
    """Whole or not at all; *private*: for its owner alone. Raises UsageError."""
    try:
        replace_file(file, text, private=private)
    except OSError as error:
        raise UsageError(f"{file}: cannot be written: {error.strerror}") from None


def tell(text: str) -> None:
    """To standard error, as far as there is one."""
    if sys.stderr is None:
        return
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except OSError:
        _silence(sys.stderr.fileno())


def complain(text: str) -> int:
    """Wrong usage: one line, whatever a file name or a value in it holds; a value may be a URL with its password."""
    from retina_doctor.redaction import shown

    tell(f"retina-doctor: {in_one_line(sentence(shown(text)))}\n")
    return 2


def sentence(text: str) -> str:
    return text if text.endswith((".", "?", "!")) else f"{text}."


def in_one_line(text: str) -> str:
    """What would move a terminal's cursor, as Python writes it."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
