"""Containers that are started without the GPU that their image is made for."""

from __future__ import annotations

import re

from retina_doctor.authoring import Action, Answer, check
from retina_doctor.model import Severity

from ..facts.source import DeployedContainer, Source
from .judging import SourcePlace, answer, of_source, scanned
from .together import needs_gpu


@check("RD231", "container-started-without-gpu", Severity.ERROR, pitfall=2, scope=scanned, action=Action.EDIT)
@of_source
def container_started_without_gpu(source: Source) -> Answer:
    places = (
        SourcePlace(
            at=one.at,
            why=one.kind,
            what=one.name,
            fixed=with_gpus(one),
            at_most=Severity.WARNING if is_job(one) else None,
            more={"by": by},
        )
        for one in source.containers
        if one.known and not one.gpu and not given_elsewhere(source, one) and (by := needs_gpu(source, one)) is not None
    )
    return answer(source, "RD231", "container-started-without-gpu", places, of=("deployment",))


def given_elsewhere(source: Source, container: DeployedContainer) -> bool:
    """Another compose file of the same folder adds it: docker compose -f compose.yml -f compose.gpu.yml. Or another container
    of the image has it, and this one only migrates a database or runs the tests."""
    if is_job(container) and any(one.gpu and is_same_image(one, container) for one in source.containers):
        return True
    folder = container.at.file.rpartition("/")[0]
    return container.kind == "compose" and any(
        one.gpu and one.kind == "compose" and one.name == container.name and one.at.file.rpartition("/")[0] == folder
        for one in source.containers
    )


def is_job(container: DeployedContainer) -> bool:
    return container.commanded and container.server is None


def is_same_image(one: DeployedContainer, other: DeployedContainer) -> bool:
    built = one.dockerfile is not None and one.dockerfile == other.dockerfile
    return built or (one.image is not None and one.image == other.image)


def with_gpus(container: DeployedContainer) -> str | None:
    if container.kind != "run":
        return None
    text, count = re.subn(
        r"(\b(?:docker|podman|nerdctl)(?:\s+container)?\s+run)(?=\s)", r"\1 --gpus all", container.at.text
    )
    return text if count == 1 else None
