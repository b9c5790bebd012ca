"""Containers that are started without the GPU that their image is made for."""

from __future__ import annotations

from retina_doctor.authoring import Answer, check
from retina_doctor.model import Severity

from .facts import Container, Source
from .judging import Place, answer, scanned
from .together import needs_gpu


@check("RD231", "container-started-without-gpu", Severity.ERROR, pitfall=2, scope=scanned)
def container_started_without_gpu(source: Source) -> Answer:
    places = (
        Place(at=one.at, why=one.kind, what=one.name, fixed=with_gpus(one), more={"by": by})
        for one in source.containers
        if one.known and not one.gpu and not given_elsewhere(source, one) and (by := needs_gpu(source, one)) is not None
    )
    return answer(source, "RD231", "container-started-without-gpu", places, of=("deployment",))


def given_elsewhere(source: Source, container: Container) -> bool:
    """Another compose file of the same folder adds it: docker compose -f compose.yml -f compose.gpu.yml."""
    folder = container.at.file.rpartition("/")[0]
    return container.kind == "compose" and any(
        one.gpu and one.kind == "compose" and one.name == container.name and one.at.file.rpartition("/")[0] == folder
        for one in source.containers
    )


def with_gpus(container: Container) -> str | None:
    if container.kind != "run" or " run " not in container.at.text:
        return None
    return container.at.text.replace(" run ", " run --gpus all ", 1)
