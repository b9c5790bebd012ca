"""RD610: does a container whose code hands data on through shared memory get enough of it?"""

from __future__ import annotations

from collections.abc import Iterator

from retina_doctor.authoring import Action, Answer, check
from retina_doctor.model import Severity

from ..combined.source_files import is_test, within
from ..facts.deployment import DeployedContainer
from ..facts.source import Source
from .container_checks import overrides
from .judging import EITHER, SourcePlace, answer, of_source, scanned
from .together import image_of, is_public

SHARED = "/dev/shm"  # noqa: S108 - it is what is looked for


@check("RD610", "container-shm-too-small", Severity.ERROR, pitfall=2, scope=scanned, action=Action.EDIT)
@of_source
def container_shm_too_small(source: Source) -> Answer:
    """A warning: how much a loader's workers have on the way at once depends on the pictures (pytorch README, "Docker Image")."""
    return answer(source, "RD610", "container-shm-too-small", _small(source), of=EITHER)


def _small(source: Source) -> Iterator[SourcePlace]:
    every = [one for one in source.signs if one.kind == "loader" and not is_test(source, one.at.file)]
    for container in source.containers if every else ():
        loaders = [one for one in every if _runs(source, container, one.at.file)]
        if loaders and is_own(source, container) and not _has_memory(source, container):
            yield SourcePlace(
                at=container.at,
                why=container.kind,
                what=container.name,
                at_most=Severity.WARNING,
                more={"load_file": loaders[0].at.file, "load_line": loaders[0].at.line},
            )


def _runs(source: Source, container: DeployedContainer, file: str) -> bool:
    """Whether the file is what the container starts. What that imports is not looked for."""
    server = container.server
    if server is None and not container.commanded:
        image = image_of(source, container)
        server = image.server if image is not None else None
    started = (server.runs or "").split(":")[0] if server is not None else ""
    path = started if started.endswith(".py") else started.replace(".", "/") + ".py"
    inside = f"/{within(source, file)}"
    if path.startswith("/"):  # where the image has it
        return path.endswith(inside)
    return bool(started) and inside.endswith("/" + path.removeprefix("./"))


def _has_memory(source: Source, container: DeployedContainer) -> bool:
    """It has a /dev/shm of its own size, or another compose file of the folder gives it one."""
    return any(one.shared_memory or SHARED in _places(one) for one in (container, *overrides(source, container)))


def _places(container: DeployedContainer) -> set[str]:
    return {mount.rstrip("/") for mount in container.mounts}


def is_own(source: Source, container: DeployedContainer) -> bool:
    """Made of the tree's own image, or on a GPU: what loads with torch runs in no database."""
    return (
        container.known
        and (container.gpu or image_of(source, container) is not None)
        and not is_public(container.image or "")
    )
