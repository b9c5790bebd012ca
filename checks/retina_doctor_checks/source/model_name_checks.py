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
from .environments import Environment, environments
from .judging import SourcePlace, answer, of_source, scanned
from .numpy_checks import is_older

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
    filled = [path for one in source.images for path in one.filled]
    folders = [*filled, *(path for one in source.containers for path in one.mounts)]
    known = list(known_packs())
    made = {one.what for one in source.signs if one.kind == "folder"}
    if sign.what in {part for path in folders for part in path.split("/")} | {*source.models} | made:
        return
    if sign.near is not None:
        if sign.kind == "own-name" or any(not path or posixpath.basename(path) in KEPT for path in filled):
            return  # the folder may be the service's own
        at_most = Severity.WARNING if sign.what.startswith(sign.near) else None
        fixed = re.sub(rf"(?<![\w-]){re.escape(sign.what)}(?![\w-])", sign.near, sign.at.text)
        more = {"near": sign.near, "known": known}
        yield SourcePlace(at=sign.at, why="near", what=sign.what, fixed=fixed, at_most=at_most, more=more)
        return
    is_old = sign.what in packs()["old"]["names"]
    if is_old and any(is_on_mxnet(one) for one in environments(source)):
        return
    may_be_there = sign.kind == "own-name" or any(posixpath.basename(path) in KEPT for path in folders)
    if is_old or not may_be_there:
        at_most = None if is_old else Severity.WARNING
        yield SourcePlace(at=sign.at, why="unknown", what=sign.what, at_most=at_most, more={"known": known})


def is_on_mxnet(one: Environment) -> bool:
    """Whether it asks for a release of insightface that has the old names."""
    face = one.packages.get("insightface")
    return face is not None and is_older(face.spec, "0.2.0")
