"""From the texts that were fetched to what in them costs a face-detection service its GPU, its faces or its callers.

Runs on the doctor's own side in a process of its own, which a hostile file may break or keep busy; nothing of a file is run.
"""

from __future__ import annotations

import base64
import contextlib
import gc
import signal
import sys
import time
import zlib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NoReturn

from retina_doctor.codec import Data, decode, encode
from retina_doctor.masking.words import masked

from ..facts.source import Unread
from .found import Found, FoundSum
from .kinds import Language, language
from .python.neighbours import Neighbours
from .python.outside import Outside
from .text import Unreadable

if TYPE_CHECKING:
    from retina_doctor.probing.child import Telling

MOST_BYTES = 5 * 2**20  # of a text; what a target says of itself is not believed
MOST_UNREAD = 200
LARGE = 200_000  # bytes of a file that may take seconds
MOST_EARLY = 6 * 2**20  # bytes that are told before the end; a probe may not tell more than some


class Packed(Data, frozen=True, kw_only=True):
    """A file's bytes, compressed by zlib, in base64. *kind*: "named" where only another file asks for it."""

    file: str
    kind: str
    data: str

    @property
    def content(self) -> bytes:
        """Raises ValueError, zlib.error."""
        unpacking = zlib.decompressobj()
        found = unpacking.decompress(base64.b64decode(self.data), MOST_BYTES + 1)
        if len(found) > MOST_BYTES:
            raise Unreadable(f"more than {MOST_BYTES // 2**20} MB")
        return found


class NotFetched(Data, frozen=True, kw_only=True):
    file: str
    kind: str
    error: str

    @property
    def kinds(self) -> tuple[Language, ...]:
        """Of what could not be read; a folder may hold files of both. A .env only gives numbers, and is often root's alone."""
        if self.kind == "dotenv":
            return ()
        return ("python", "deployment") if self.kind == "folder" else (language(self.kind),)


class FetchedTexts(Data, frozen=True, kw_only=True):
    """What probes/source/look_texts.py tells. *seconds*: how long that took. *models*: folders of
    ONNX files. *executed*, and *variables* of the
    environment that give numbers: of look_own.py alone."""

    paths: tuple[str, ...]
    missing: tuple[str, ...]
    files: int
    cut: bool
    unread: tuple[NotFetched, ...]
    texts: tuple[Packed, ...]
    seconds: float
    models: tuple[str, ...] = ()
    executed: tuple[str, ...] | None = None
    variables: tuple[tuple[str, str], ...] = ()


class OutOfTime(Exception):
    """In the midst of a file."""


def look(probe: Telling, arguments: Mapping[str, Any]) -> None:
    """Stops before *seconds*, of which the fetching had its share, are over, so that what was found until then is told before the
    reading counts as timed out."""
    gc.disable()  # a syntax tree is many objects and no circle: looking for circles takes longer than parsing
    start = time.monotonic()
    fetched = decode(arguments["told"], FetchedTexts)
    left = max(1.0, 0.7 * arguments["seconds"] - fetched.seconds)
    so_far = SoFar(probe, fetched)
    so_far.tell_early(0)
    cut = True
    with contextlib.suppress(OutOfTime), limited(left):
        for text in fetched.texts:
            if time.monotonic() - start > left or so_far.is_full:
                break
            so_far.take(text)
        else:
            cut = fetched.cut
    so_far.tell(cut)


class SoFar:
    """What was found so far. It is told before anything that may take all the time there is, or the process with it: parsing is
    not interrupted."""

    def __init__(self, probe: Telling, fetched: FetchedTexts) -> None:
        self._probe = probe
        self._texts = {text.file: text for text in fetched.texts}
        self._told: dict[str, Any] = {"paths": fetched.paths, "missing": fetched.missing, "files": fetched.files}
        self._told["models"] = fetched.models
        if fetched.executed is not None:
            self._told["executed"] = fetched.executed
        self._unread = [
            Unread(file=one.file, kind=kind, error=one.error) for one in fetched.unread for kind in one.kinds
        ]
        files = [one.file for one in fetched.texts if one.kind != "named" and language(one.kind) == "python"]
        others = [one.file for one in fetched.texts if language(one.kind) == "deployment"]
        outside = Outside(self._content_of, others, files, dict(fetched.variables))
        self._neighbours = Neighbours(self._content_of, files, outside)
        self._sum = FoundSum()
        self._early = 0

    @property
    def is_full(self) -> bool:
        return self._sum.cut or len(self._unread) >= MOST_UNREAD

    def take(self, text: Packed) -> None:
        try:
            content = text.content
            self.tell_early(len(content))
            self._sum.add(self._read(content, text))
        except Exception as error:  # one odd file must not cost what the others tell
            kind = "" if isinstance(error, Unreadable) else f"{type(error).__name__}: "
            words = masked(f"{kind}{str(error)[:200]}")
            self._unread.append(Unread(file=text.file, kind=language(text.kind), error=words))

    def _read(self, content: bytes, text: Packed) -> Found:
        """What a file tells. Raises whatever an odd file makes a reader raise."""
        if text.kind in ("named", "dotenv"):
            return Found()
        if language(text.kind) == "python":
            from .python.read import read as read_python  # only where there is a file: forty modules

            return read_python(content, text.file, self._neighbours, is_config=text.kind == "gunicorn")
        from .deployment.read import read as read_deployment

        return read_deployment(content, text.file, text.kind, self._content_of)

    def _content_of(self, path: str) -> bytes | None:
        try:
            return self._texts[path].content if path in self._texts else None
        except (ValueError, zlib.error):
            return None

    def tell_early(self, ahead: int) -> None:
        """*ahead*: bytes of the file that comes next. All that is told early counts."""
        if not 0 < ahead < LARGE and self._early < MOST_EARLY:
            self.tell(cut=True)
            self._early += self._sum.size + LARGE

    def tell(self, cut: bool) -> None:
        found = self._sum.facts()
        self._probe.tell(**self._told, cut=cut or self._sum.cut, unread=encode(self._unread), **found)


@contextlib.contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Within, OutOfTime is raised after so many seconds. The alarm that was set before, a last resort, is set again."""
    if sys.platform == "win32" or not hasattr(signal, "setitimer"):
        yield
        return
    before = signal.signal(signal.SIGALRM, _end)
    last_resort, _ = signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, max(0.0, last_resort - seconds))
        signal.signal(signal.SIGALRM, before)


def _end(*_: object) -> NoReturn:
    raise OutOfTime("there was no time left to read it")
