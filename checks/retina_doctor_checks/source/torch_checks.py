"""RD240: is the torch that a GPU's image installs one with CUDA?"""

from __future__ import annotations

from collections.abc import Iterator

from retina_doctor.authoring import Action, Answer, check
from retina_doctor.model import Severity

from ..facts.source import Source
from .environments import GPU, environments
from .judging import SourcePlace, answer, of_source, scanned_for_gpu
from .package_checks import meant, once
from .together import image_of


@check("RD240", "torch-cpu-build", Severity.ERROR, pitfall=2, scope=scanned_for_gpu, action=Action.EDIT)
@of_source
def torch_cpu_build(source: Source) -> Answer:
    return answer(source, "RD240", "torch-cpu-build", once(_cpu(source)), of=("deployment",))


def _cpu(source: Source) -> Iterator[SourcePlace]:
    """An image for the GPU, or of a container that has one, and torch of the index that is for the CPU."""
    for one in environments(source):
        package = one.packages.get("torch")
        if package is None or one.image is None or package.cuda != "":
            continue
        if any(two.varied and image_of(source, two) is one.image for two in source.containers):
            continue  # an argument of the build may name another index
        why, by = meant(source, one)
        if why in ("image", "container"):
            at_most = Severity.WARNING if GPU in one.packages else None  # beside it torch may be meant for the CPU
            yield SourcePlace(at=package.at, why="image", what=f"torch{package.spec}", at_most=at_most, more={"by": by})
