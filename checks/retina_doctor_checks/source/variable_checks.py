"""Variables that hide the GPU, where the code, the image or the container sets them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from retina_doctor.authoring import Action, Answer, check
from retina_doctor.model import Severity

from ..combined.source_files import is_test
from ..facts.deployment import DeployedContainer, Image, SetVariable
from ..facts.source import Source
from .environments import GPU, environments
from .judging import EITHER, SourcePlace, answer, of_source, scanned_for_gpu
from .together import image_of, needs_gpu

CAPABILITIES = "NVIDIA_DRIVER_CAPABILITIES"


@check("RD528", "cuda-visible-devices-hides-gpu", Severity.ERROR, pitfall=2, scope=scanned_for_gpu, action=Action.EDIT)
@of_source
def cuda_visible_devices_hides_gpu(source: Source) -> Answer:
    """CUDA_VISIBLE_DEVICES is set to a value that names no card."""
    return answer(source, "RD528", "cuda-visible-devices-hides-gpu", _hidden(source), of=EITHER)


def _hidden(source: Source) -> Iterator[SourcePlace]:
    for hit in source.hits:
        if hit.cause == "cuda-visible-devices-hides-gpu" and not is_test(source, hit.at.file):
            at_most = None if source.meant else Severity.WARNING
            yield SourcePlace(at=hit.at, why="source", what=hit.what, fixed=hit.fixed, at_most=at_most)
    for one in _set(source):
        if one.hides:
            yield SourcePlace(at=one.at, why="deployment", what=f"{one.name}={one.value}", fixed=first_card(one))


def first_card(one: SetVariable) -> str | None:
    """The line with the first card in place of none: NAME=VALUE of an image or a list, NAME: VALUE, or a pod's value: VALUE."""
    value = re.escape(one.value)
    forms = (
        (rf"({one.name}=)([\"']?){value}\2(?=[\s\"',\]]|$)", r"\g<1>0"),
        (rf"({one.name}[\"']?\s*:\s*)([\"']?){value}\2(?=\s*(?:[,}}#]|$))", r'\1"0"'),
        (rf"(\bvalue[\"']?\s*:\s*)([\"']?){value}\2(?=\s*(?:[,}}#]|$))", r'\1"0"'),
    )
    for pattern, new in forms:
        text, count = re.subn(pattern, new, one.at.text)
        if count == 1:
            return text
    return None


@check("RD608", "container-driver-capabilities", Severity.ERROR, pitfall=2, scope=scanned_for_gpu, action=Action.EDIT)
@of_source
def container_driver_capabilities(source: Source) -> Answer:
    """NVIDIA_DRIVER_CAPABILITIES lacks "compute": libcuda is then not brought into the container."""
    places = (_without_compute(one) for one in _set(source) if one.name == CAPABILITIES and "$" not in one.value)
    found = (place for place in places if place is not None)
    return answer(source, "RD608", "container-driver-capabilities", found, of=("deployment",))


def _without_compute(one: SetVariable) -> SourcePlace | None:
    words = [word.strip() for word in one.value.split(",") if word.strip()]
    if not words or {"all", "compute"} & set(words):
        return None
    wanted = ",".join(["compute", *words])
    fixed = one.at.text.replace(one.value, wanted) if one.at.text.count(one.value) == 1 else None
    return SourcePlace(
        at=one.at, why="deployment", what=f"{one.name}={one.value}", fixed=fixed, more={"wanted": wanted}
    )


def _set(source: Source) -> Iterator[SetVariable]:
    """By images and containers that mean the GPU."""
    for image in source.images:
        if _means(source, image):
            yield from image.sets
    for container in source.containers:
        if container.gpu or needs_gpu(source, container) is not None:
            yield from container.sets


def _means(source: Source, image: Image) -> bool:
    def is_given(container: DeployedContainer) -> bool:
        return container.gpu and image_of(source, container) is image

    return any(map(is_given, source.containers)) or any(
        one.image is image and GPU in one.packages for one in environments(source)
    )
