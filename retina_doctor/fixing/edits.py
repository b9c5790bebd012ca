"""Lines of source that are changed: what a file would be, and its difference."""

from __future__ import annotations

import base64
import codecs
import difflib
import io
import re
import tokenize
from collections.abc import Iterator, Sequence

from retina_doctor.codec import Data
from retina_doctor.fixing.hand import CannotFix, Hand
from retina_doctor.words.plan import LineEdit, StepCause

LINE = re.compile(r"[^\n]*\n|[^\n]+")
"""As diff and patch take them; str.splitlines ends one at a form feed, too."""


class Edited(Data, frozen=True, kw_only=True):
    """A file as it is and as it should be. *encoding*: as it says itself."""

    file: str
    old: bytes
    new: bytes
    encoding: str

    @property
    def difference(self) -> str:
        """Unified, as `diff -u` and git write it."""
        old, new = (LINE.findall(data.decode(self.encoding, "replace")) for data in (self.old, self.new))
        lines = difflib.unified_diff(old, new, self.file, self.file)
        return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


def edited(causes: Sequence[StepCause], hand: Hand) -> Iterator[Edited]:
    """Each file with all its lines. Raises CannotFix where a line is no longer as it was read, or shows only a part of it."""
    edits = [one for cause in causes for one in cause.edits]  # the plan writes each line once
    for file in dict.fromkeys(one.location.file for one in edits):
        old = base64.b64decode(hand.do("read", path=file)["data"])
        encoding, lines = _encoding(old), old.splitlines(keepends=True)
        end = b"\r\n" if lines[:1] and lines[0].endswith(b"\r\n") else b"\n"
        for one in edits:
            if one.location.file == file:
                _change(lines, one, encoding, end)
        yield Edited(file=file, old=old, new=b"".join(lines), encoding=encoding)


def _encoding(data: bytes) -> str:
    """What a Python file says in one of its first two lines (`coding: gbk`), and any other as well; else UTF-8."""
    try:
        found = tokenize.detect_encoding(io.BytesIO(data).readline)[0]
        b"#".decode(found, "replace")
    except (SyntaxError, LookupError, UnicodeError):  # none that is known, or none of text (rot13, undefined, idna)
        return "utf-8"
    return "utf-8" if found == "utf-8-sig" else found


def _change(lines: list[bytes], edit: LineEdit, encoding: str, end: bytes) -> None:
    """*end*: of the file's lines, where this one has none."""
    where = f"{edit.location.file}:{edit.location.line}"
    index = edit.location.line - 1
    if index >= len(lines):
        raise CannotFix(f"{where}: is not there any more")
    mark = codecs.BOM_UTF8 if index == 0 and lines[0].startswith(codecs.BOM_UTF8) else b""
    line = lines[index][len(mark) :]
    body = line.strip()
    try:
        stands = body.decode(encoding)
    except UnicodeError:
        raise CannotFix(f"{where}: is not written in {encoding}") from None
    if stands != edit.stands.strip():
        raise CannotFix(f"{where}: is no longer the line that was read, or may not be shown whole")
    start = line.index(body)
    before, behind = line[:start], line[start + len(body) :]
    try:
        new = [before + one.encode(encoding) for one in edit.instead.strip().split("\n")]
    except UnicodeError:
        raise CannotFix(f"{where}: the new line cannot be written in {encoding}") from None
    if behind.endswith((b"\r\n", b"\n")):
        end = b"\r\n" if behind.endswith(b"\r\n") else b"\n"
    lines[index] = mark + (end.join(new) + behind if edit.instead.strip() else b"")
