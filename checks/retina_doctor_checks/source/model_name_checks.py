"""RD132: is the model that the code names one of insightface's?"""

from __future__ import annotations

import difflib
import posixpath
import re
from collections.abc import Iterator

from retina_doctor.authoring import Action, Answer, check
from retina_doctor.model import Severity

from ..combined.source_files import is_test
from ..facts.source import Sign, Source
from ..models.download_checks import known_packs
from ..models.evidence import packs
from .judging import SourcePlace, answer, of_source, scanned

ALIKE = 0.8
"""By difflib's ratio: a letter or two of a pack's name."""
KEPT = (".insightface", "models")
"""Folders in which a pack of the service's own may lie."""


@check("RD132", "model-unknown-name", Severity.ERROR, pitfall=1, scope=scanned, action=Action.EDIT)
@of_source
def model_unknown_name(source: Source) -> Answer:
    """A name that is no pack of insightface's, and of which no file says that a folder of it is put where insightface looks."""
    named = [one for one in source.signs if one.kind in ("name", "own-name") and not is_test(source, one.at.file)]
    places = (place for one in named for place in unknown(source, one))
    return answer(source, "RD132", "model-unknown-name", places, of=("python",))


def unknown(source: Source, sign: Sign) -> Iterator[SourcePlace]:
    folders = [path for one in source.containers for path in one.mounts]
    folders += [path for one in source.images for path in one.filled]
    parts = {part for path in folders for part in path.split("/")}
    if sign.what in (*known_packs(), *parts):
        return
    near = nearest(sign.what)
    known = list(known_packs())
    if near is not None:
        fixed = re.sub(rf"(?<![\w-]){re.escape(sign.what)}(?![\w-])", near, sign.at.text)
        yield SourcePlace(at=sign.at, why="near", what=sign.what, fixed=fixed, more={"near": near, "known": known})
        return
    is_old = sign.what in packs()["old"]["names"]
    may_be_there = sign.kind == "own-name" or any(posixpath.basename(path) in KEPT for path in folders)
    if is_old or not may_be_there:
        at_most = None if is_old else Severity.WARNING
        yield SourcePlace(at=sign.at, why="unknown", what=sign.what, at_most=at_most, more={"known": known})


def nearest(name: str) -> str | None:
    """The pack of which the name is plainly a misspelling."""
    plain = {re.sub(r"[-_]", "", one).lower(): one for one in known_packs()}
    found = difflib.get_close_matches(re.sub(r"[-_]", "", name).lower(), plain, 1, ALIKE)
    return plain[found[0]] if found and abs(len(found[0]) - len(re.sub(r"[-_]", "", name))) <= 2 else None
