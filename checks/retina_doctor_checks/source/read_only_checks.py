"""A container whose root is read-only, against what the service writes."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from retina_doctor.authoring import Action, Answer, check
from retina_doctor.codec import replace
from retina_doctor.model import Severity

from ..advice.base_images import in_short
from ..combined.source_files import is_test
from ..facts.deployment import DeployedContainer, Image
from ..facts.source import Source
from ..facts.source_lines import FOLDER
from .judging import EITHER, SourcePlace, answer, of_source, scanned
from .together import image_of, serving

BARE = (r"^(?:python|debian|ubuntu|alpine)(?::|$)", r"^(?:nvcr\.io/)?nvidia/cuda(?::|$)")
"""Base images that hold no models."""


@check("RD607", "model-cache-not-writable", Severity.ERROR, pitfall=1, scope=scanned, action=Action.EDIT)
@of_source
def model_cache_not_writable(source: Source) -> Answer:
    """The container's root is read-only, and insightface unpacks its models, or onnxruntime writes its engines, where nothing is
    mounted. Without its engines the service runs, and builds them at every start: a warning."""
    return answer(source, "RD607", "model-cache-not-writable", [*_unwritable(source), *_caches(source)], of=EITHER)


def _unwritable(source: Source) -> Iterator[SourcePlace]:
    packs = [one for one in source.signs if one.kind == "pack" and not is_test(source, one.at.file)]
    for container in serving(source) if packs else ():
        folder = packs[0].what
        image = image_of(source, container)
        if container.read_only is not None and not _is_mounted(container, folder) and not holds_models(image, folder):
            more = {
                "name": container.name,
                "by": container.kind,
                "load_file": packs[0].at.file,
                "load_line": packs[0].at.line,
            }
            place = _place_of(source, container, folder) if image is not None and is_bare(image) else ""
            also = [replace(one, fixed=one.fixed.replace(FOLDER, place)) for one in container.with_volume if place]
            yield SourcePlace(at=container.read_only, why="read-only", what=folder, also=tuple(also), more=more)


WHOLE = ("/", "/root", "/home")
"""Of what is copied there nobody can say that it is models."""


def holds_models(image: Image | None, folder: str) -> bool:
    """Whether the image may hold the models already: files are copied into their folder, or one that it lies in, or a RUN may
    have put them there."""
    for filled in image.filled if image is not None else ():
        if not filled or (folder.startswith("~") and ".insightface" in filled):
            return True
        if filled == folder or filled.startswith(folder.rstrip("/") + "/"):
            return True
        if filled not in WHOLE and folder.startswith(filled + "/"):
            return True
    return False


def is_bare(image: Image) -> bool:
    """Whether it is made from everybody's image, in which no models are: a volume hides what is in its folder."""
    return any(re.search(pattern, in_short(image.base)) for pattern in BARE)


def _place_of(source: Source, container: DeployedContainer, folder: str) -> str:
    """The folder within the container into which models are unpacked; "" where nobody says whose home it is in. A name that
    YAML would read as more than a name is not written."""
    if folder.startswith("~/"):
        image = image_of(source, container)
        user = container.user or (image.user or "root" if image is not None else None)
        folder = f"/root{folder[1:]}" if user in ("root", "0", "0:0", "root:root") else ""
    else:
        folder = posixpath.join(folder, "models")
    return folder if re.fullmatch(r"/[\w./-]+", folder) else ""


def _caches(source: Source) -> Iterator[SourcePlace]:
    """Engines that onnxruntime builds for minutes, and cannot keep. Where the path is relative, nobody knows the folder."""
    caches = [one for one in source.signs if one.kind == "cache" and not is_test(source, one.at.file)]
    for container in serving(source) if caches else ():
        folder = caches[0].what
        mounted = _is_mounted(container, folder) if folder.startswith("/") else bool(container.mounts)
        if container.read_only is not None and not mounted:
            load = {"load_file": caches[0].at.file, "load_line": caches[0].at.line}
            more = {"name": container.name, "by": container.kind, **load}
            yield SourcePlace(at=container.read_only, why="cache", what=folder, at_most=Severity.WARNING, more=more)


def _is_mounted(container: DeployedContainer, folder: str) -> bool:
    """Of a home nobody knows the place: any that is mounted counts, and so does any folder of models."""
    for mount in container.mounts:
        place = mount.rstrip("/") or "/"
        if folder.startswith("~"):
            if place == "/root" or place.startswith(("/root/.insightface", "/home")) or "insightface" in place:
                return True
        elif folder == place or folder.startswith(place + "/") or place.startswith(folder.rstrip("/") + "/models"):
            return True
    return False
