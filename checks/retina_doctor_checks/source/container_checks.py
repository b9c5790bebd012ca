"""Containers that are started without the GPU that their image is made for."""

from __future__ import annotations

import re
from itertools import chain

from retina_doctor.authoring import Action, Answer, check
from retina_doctor.model import Severity

from ..facts.deployment import DeployedContainer
from ..facts.source import Source
from .judging import SourcePlace, answer, of_source, scanned_for_gpu
from .together import needs_gpu


@check("RD231", "container-started-without-gpu", Severity.ERROR, pitfall=2, scope=scanned_for_gpu, action=Action.EDIT)
@of_source
def container_started_without_gpu(source: Source) -> Answer:
    places = (
        SourcePlace(
            at=one.at,
            why=one.kind,
            what=one.name,
            fixed=with_gpus(one),
            also=one.with_gpu,
            at_most=Severity.WARNING if is_job(source, one) else None,
            more={"by": by},
        )
        for one in source.containers
        if one.known and not one.gpu and not given_elsewhere(source, one) and (by := needs_gpu(source, one)) is not None
    )
    refused = (
        SourcePlace(at=one.incomplete, why="incomplete", what=one.name, also=one.with_gpu)
        for one in source.containers
        if one.incomplete is not None
    )
    return answer(source, "RD231", "container-started-without-gpu", chain(places, refused), of=("deployment",))


@check("RD237", "container-runtime-not-nvidia", Severity.ERROR, pitfall=2, scope=scanned_for_gpu, action=Action.EDIT)
@of_source
def container_runtime_not_nvidia(source: Source) -> Answer:
    """The cluster has NVIDIA's runtime beside its default one, as k3s and rke2 do, and a pod with a GPU names none.
    A note: whether the node's default is NVIDIA's stands in no manifest; the node itself is judged by RD223."""
    named = {one.what for one in source.signs if one.kind == "runtime-class"}
    named |= {one.runtime_class for one in source.containers if one.runtime_class and "nvidia" in one.runtime_class}
    places = (
        SourcePlace(
            at=one.at, why="class", what=one.name, at_most=Severity.NOTE, more={"runtime_class": sorted(named)[0]}
        )
        for one in source.containers
        if named and one.kind == "kubernetes" and one.gpu and one.runtime_class is None
    )
    return answer(source, "RD237", "container-runtime-not-nvidia", places, of=("deployment",))


def given_elsewhere(source: Source, container: DeployedContainer) -> bool:
    """Another compose file of the same folder adds it: docker compose -f compose.yml -f compose.gpu.yml. Or another container
    of the image has it, and this one only migrates a database or runs the tests."""
    if is_job(source, container) and any(one.gpu and is_same_image(one, container) for one in source.containers):
        return True
    return any(one.gpu for one in overrides(source, container))


def overrides(source: Source, container: DeployedContainer) -> list[DeployedContainer]:
    """The same service as the compose files of its folder have it."""
    folder = container.at.file.rpartition("/")[0]
    return [
        one
        for one in source.containers
        if container.kind == one.kind == "compose"
        and one.name == container.name
        and one.at.file.rpartition("/")[0] == folder
    ]


def is_job(source: Source, container: DeployedContainer) -> bool:
    """By its own command, or the one that another compose file gives it."""
    all_of_it = [container, *overrides(source, container)]
    return any(one.commanded for one in all_of_it) and all(one.server is None for one in all_of_it)


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
