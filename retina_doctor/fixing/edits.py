"""Lines of source that are changed: what a file would be, and its difference."""

from __future__ import annotations

import base64
import difflib
from collections.abc import Iterator, Sequence

from retina_doctor.codec import Data
from retina_doctor.fixing.hand import CannotFix, Hand
from retina_doctor.plan import StepCause


class Edited(Data, frozen=True, kw_only=True):
    """A file as it is and as it should be."""

    file: str
    old: bytes
    new: bytes

    @property
    def difference(self) -> str:
        """Unified, as `diff -u` and git write it."""
        old, new = (data.decode("utf-8", "replace").splitlines(keepends=True) for data in (self.old, self.new))
        lines = difflib.unified_diff(old, new, self.file, self.file)
        return "".join(line if line.endswith("\n") else f"{line}\n" for line in lines)


def edited(causes: Sequence[StepCause], hand: Hand) -> Iterator[Edited]:
    """Each file with all its lines. Raises CannotFix where a line is no longer as it was read, or shows only a part of it."""
    for file in dict.fromkeys(one.location.file for one in causes if one.location):
        old = base64.b64decode(hand.do("read", path=file)["data"])
        lines = old.splitlines(keepends=True)
        changed: set[int] = set()
        for one in causes:
            if one.location and one.location.file == file and one.location.line not in changed:
                _change(lines, one)
                changed.add(one.location.line)  # another cause on the same line is looked for again
        yield Edited(file=file, old=old, new=b"".join(lines))


def _change(lines: list[bytes], cause: StepCause) -> None:
    assert cause.location and cause.stands is not None and cause.instead is not None
    where = f"{cause.location.file}:{cause.location.line}"
    index = cause.location.line - 1
    if index >= len(lines):
        raise CannotFix(f"{where}: is not there any more")
    line = lines[index]
    body = line.strip()
    if body != cause.stands.strip().encode():
        raise CannotFix(f"{where}: is no longer the line that was read, or may not be shown whole")
    start = line.index(body)
    lines[index] = line[:start] + cause.instead.strip().encode() + line[start + len(body) :]
