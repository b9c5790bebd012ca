"""RD132: is the model that the code names one of insightface's?"""

from __future__ import annotations

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
    known = list(known_packs())
    if sign.what in {part for path in folders for part in path.split("/")}:
        return
    if sign.near is not None:
        fixed = re.sub(rf"(?<![\w-]){re.escape(sign.what)}(?![\w-])", sign.near, sign.at.text)
        yield SourcePlace(at=sign.at, why="near", what=sign.what, fixed=fixed, more={"near": sign.near, "known": known})
        return
    is_old = sign.what in packs()["old"]["names"]
    may_be_there = sign.kind == "own-name" or any(posixpath.basename(path) in KEPT for path in folders)
    if is_old or not may_be_there:
        at_most = None if is_old else Severity.WARNING
        yield SourcePlace(at=sign.at, why="unknown", what=sign.what, at_most=at_most, more={"known": known})
