"""What `scan` reads: a Python file, and a tree of deployment files; from their bytes to findings."""

from __future__ import annotations

import base64
import json
import re
import zlib
from pathlib import PurePosixPath

from retina_doctor_checks.analysis.kinds import KINDS
from retina_doctor_checks.analysis.look import FetchedTexts, Packed, SoFar
from retina_doctor_checks.facts.source import Source

from retina_doctor.catalogue.registry import installed
from retina_doctor.codec import decode, replace
from retina_doctor.judging.diagnose import diagnose
from retina_doctor.model import Outcome, Recorded, Snapshot
from retina_doctor.redaction import redact, without_secrets
from retina_doctor.reports.formats import writer
from retina_doctor.reports.report import PLAIN, report_of
from retina_doctor.support_file import load
from tests.machines import raw
from tests.scan_pairs import HEAD
from tests.scan_pairs import PAIRS as SOURCES
from tests.scan_trees import PAIRS as TREES

MEANT = (
    "SyntaxError IndentationError TabError TokenError UnicodeDecodeError TOMLDecodeError RecursionError MemoryError"
).split()
"""What an odd file makes a reader raise; ValueError as well, but for those that Python's own functions raise."""
UNMEANT = re.compile(r"invalid literal|could not convert|not in list|substring not found|values to unpack|empty")


class Told:
    """What the look tells, in place of the probe."""

    def __init__(self) -> None:
        self.facts: dict[str, object] = {}

    def tell(self, **facts: object) -> None:
        self.facts |= facts


def source(data: bytes) -> None:
    _scanned({"app.py": data})


def deployment(data: bytes) -> None:
    """A tree as JSON, file -> text, or one file: its name on the first line."""
    try:
        tree = json.loads(data)
    except (ValueError, RecursionError):
        name, _, content = data.partition(b"\n")
        _scanned({name.decode("utf-8", "replace"): content})
        return
    if isinstance(tree, dict):
        _scanned({name: str(text).encode("utf-8", "surrogatepass") for name, text in tree.items()})


def _scanned(tree: dict[str, bytes]) -> None:
    texts = tuple(
        Packed(file=f"/srv/{name}", kind=kind, data=base64.b64encode(zlib.compress(content, 1)).decode())
        for name, content in tree.items()
        for kind in [_kind(name)]
        if kind is not None
    )
    told = Told()
    fetched = FetchedTexts(paths=("/srv",), missing=(), files=len(tree), cut=False, unread=(), texts=texts, seconds=0.0)
    so_far = SoFar(told, fetched)  # type: ignore[arg-type]
    for text in texts:
        so_far.take(text)
    so_far.tell(cut=False)
    for one in decode(told.facts, Source).unread:
        error, _, words = one.error.partition(": ")
        ours = re.fullmatch(r"[A-Z]\w+", error) is None  # a sentence, and no exception's name
        if not ours and error not in MEANT and (error != "ValueError" or UNMEANT.search(words)):
            raise AssertionError(f"{one.file}: {one.error}")
    _judged(told.facts)


def _judged(facts: dict[str, object]) -> None:
    seen, catalogue = _machine(), installed()
    readings = {"source": Recorded(outcome=Outcome.OK, facts=json.loads(json.dumps(facts)))}
    seen = replace(seen, readings=readings, settings=seen.settings.changed(gate={"only": ["source"]}))
    report = report_of(diagnose(without_secrets(seen, catalogue), catalogue), catalogue, "zh", None)
    for name in ("terminal", "sarif"):
        writer(name)(report, PLAIN)
    redact(seen, catalogue)


def _machine() -> Snapshot:
    return load(json.dumps(raw("source-scanned")))


def _kind(path: str) -> str | None:
    name, folder = PurePosixPath(path).name, PurePosixPath(path).parent.name
    fitting = (one.kind for one in KINDS if re.match(one.name, name) and re.match(one.folder or "", folder))
    return next(fitting, None)


def source_seeds() -> list[bytes]:
    return [(HEAD + text + "\n").encode() for _, before, after in SOURCES.values() for text in (before, after)]


def deployment_seeds() -> list[bytes]:
    trees = [tree for _, before, after in TREES.values() for tree in (before, after)]
    files = {name: text for tree in trees for name, text in tree.items()}
    return [json.dumps(tree).encode() for tree in trees] + [f"{n}\n{text}".encode() for n, text in files.items()]
