"""Which onnxruntime comes into an environment, as requirements, projects, locks and Dockerfiles say."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from retina_doctor.authoring import Action, Answer, check
from retina_doctor.model import Severity
from retina_doctor_checks.advice.builds import Build, onnxruntime_builds

from ..facts.source import Package, Source
from ..versions import allows, pinned, release
from .judging import EITHER, Place, answer, of_source, scanned
from .together import CPU, GPU, Environment, cuda_major, environments, image_of, is_gpu_image

CLAUSE = r"(?:={2,3}|[<>!~]=|[<>])\s*[\w.*+]+"
BESIDE = re.compile(r"(?i)(?:^|[^a-z])(?:tests?|dev|lint|docs?|ci|cpu|examples?)(?![a-z])")
"""Groups and files that are not what serves, or mean the CPU."""


def once(places: Iterable[Place]) -> Iterator[Place]:
    """Each place once: a package stands in every group that it is part of."""
    seen = set()
    for place in places:
        if (place.at.file, place.at.line) not in seen:
            seen.add((place.at.file, place.at.line))
            yield place


@check("RD276", "ort-both-packages", Severity.ERROR, pitfall=2, scope=scanned, action=Action.EDIT)
@of_source
def ort_both_packages(source: Source) -> Answer:
    places = (both(one) for one in environments(source) if GPU in one.packages and (CPU in one.packages or one.brought))
    return answer(source, "RD276", "ort-both-packages", once(places), of=("deployment",))


def both(one: Environment) -> Place:
    package = one.packages.get(CPU) or one.brought
    assert package is not None
    why = "named" if package.name == CPU else "insightface"
    return Place(
        at=package.at, why=why, what=f"{package.name}{package.spec}", more={"gpu": GPU + one.packages[GPU].spec}
    )


@check("RD277", "ort-cpu-package", Severity.ERROR, pitfall=2, scope=scanned, action=Action.EDIT)
@of_source
def ort_cpu_package(source: Source) -> Answer:
    found = list(environments(source))
    another = any(GPU in one.packages for one in found)
    places = (cpu(source, one) for one in found if GPU not in one.packages and (CPU in one.packages or one.brought))
    wanted = (place for place in places if place is not None and (place.why == "image" or not another))
    return answer(source, "RD277", "ort-cpu-package", once(wanted), of=EITHER)


def cpu(source: Source, one: Environment) -> Place | None:
    """Where the tree means the GPU; a warning where only the source says so, which often takes what there is."""
    package = one.packages.get(CPU) or one.brought
    assert package is not None
    if BESIDE.search(one.group) or BESIDE.search(package.at.file.rsplit("/", 1)[-1]):
        return None
    why, by = meant(source, one)
    if why is None:
        return None
    fixed = re.sub(r"(?<![\w-])onnxruntime(?![\w-])", GPU, package.at.text, count=1) if package.name == CPU else None
    at_most = Severity.WARNING if why == "source" else None
    return Place(
        at=package.at, why=why, what=f"{package.name}{package.spec}", fixed=fixed, at_most=at_most, more={"by": by}
    )


def meant(source: Source, one: Environment) -> tuple[str | None, str]:
    if one.image is not None:
        if is_gpu_image(one.image.base):
            return "image", one.image.base
        given = next((c for c in source.containers if c.gpu and image_of(source, c) is one.image), None)
        if given is not None:
            return "container", given.name
    elif not source.images:
        given = next((container for container in source.containers if container.gpu), None)
        if given is not None:
            return "container", given.name
    if source.meant:
        return "source", f"{source.meant[0].file.rsplit('/', 1)[-1]}:{source.meant[0].line}"
    return None, ""


@check("RD278", "ort-cuda-major-mismatch", Severity.ERROR, pitfall=2, scope=scanned, action=Action.EDIT)
@of_source
def ort_cuda_major_mismatch(source: Source) -> Answer:
    places = (place for one in environments(source) if (place := mismatch(one)) is not None)
    return answer(source, "RD278", "ort-cuda-major-mismatch", once(places), of=("deployment",))


def mismatch(one: Environment) -> Place | None:
    """A wheel whose own CUDA packages come along (extras) needs none of the image's."""
    package = one.packages.get(GPU)
    major = cuda_major(one.image.base) if one.image else None
    if package is None or one.image is None or major is None or package.extras or one.other:
        return None
    build = built(package)
    if build is None or build.cuda[0] == major:
        return None
    fitting = next((row for row in onnxruntime_builds() if row.cuda[0] == major and row.processor == "x86_64"), None)
    is_pinned = pinned(package.spec) is not None
    return Place(
        at=package.at,
        why="pinned" if is_pinned else "newest",
        what=f"{GPU} {build.version}",
        fixed=repinned(package, fitting.version) if fitting else None,
        at_most=None if is_pinned else Severity.WARNING,
        more={
            "base": one.image.base,
            "major": major,
            "build_cuda": build.cuda[0],
            "fits": fitting.version if fitting else None,
        },
    )


def built(package: Package) -> Build | None:
    """The newest build that the requirement lets in; for a pin, the known one of its minor version, whose CUDA is the same."""
    rows = [row for row in onnxruntime_builds() if row.processor == "x86_64"]
    version = pinned(package.spec)
    if version is not None:
        return next((row for row in rows if release(row.version)[:2] == release(version)[:2]), None)
    return next((row for row in rows if allows(package.spec, row.version)), None)


def repinned(package: Package, version: str) -> str | None:
    """The line with another pin; None where the line has more to say than pip's plain form, or goes on with hashes."""
    if package.at.text.startswith("onnxruntime") and re.search(r"--hash|\\$", package.at.text):
        return None
    pattern = rf"(onnxruntime[-_.]gpu(?:\[[^\]]*\])?)(?:\s*{CLAUSE}(?:\s*,\s*{CLAUSE})*)?(?![\w.*+]|\s*[<>=!~^,])"
    text, count = re.subn(pattern, rf"\g<1>=={version}", package.at.text, count=1)
    return text if count else None
