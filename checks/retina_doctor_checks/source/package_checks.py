"""Which onnxruntime comes into an environment, as requirements, projects, locks and Dockerfiles say."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from retina_doctor.authoring import Action, Answer, check
from retina_doctor.codec import replace
from retina_doctor.model import Severity
from retina_doctor.patterns import pattern

from ..advice.base_images import in_short
from ..combined.source_files import is_test
from ..facts.deployment import Image, Package
from ..facts.source import Sign, Source
from ..versions import allows, pinned, release
from . import requirement_lines
from .builds_required import built, fitting, goes_on, repinned
from .environments import CPU, GPU, RIVALS, Environment, environments, is_understood
from .judging import EITHER, SourcePlace, answer, of_source, scanned, scanned_for_gpu
from .together import cuda_major, image_of, is_gpu_image

BESIDE = pattern(r"(?i)(?:^|[^a-z])(?:tests?|dev|lint|docs?|ci|cpu|examples?)(?![a-z])")
"""Groups and files that are not what serves, or mean the CPU."""


def once(places: Iterable[SourcePlace]) -> Iterator[SourcePlace]:
    """Each place once: a package stands in every group that it is part of."""
    seen = set()
    for place in places:
        if (place.at.file, place.at.line) not in seen:
            seen.add((place.at.file, place.at.line))
            yield place


BARE = pattern(r"^(?:python|debian|ubuntu|buildpack-deps)(?::|$)")
"""Images without any library of CUDA's."""
CUDA_BASE = pattern(r"(?:^|/)nvidia/cuda:\d")
MUSL = pattern(r"(?:^|/)alpine(?::|$)|:[\w.-]*alpine")
OLD_GLIBC = {
    r"(?:^|/)(?:centos|rhel|ubi|oraclelinux|scientificlinux)\D*:?7(?:\D|$)|centos7|ubi7|(?:^|/)amazonlinux:2(?:\.|$)": "2.17",
    r"ubuntu:?16\.04|xenial": "2.23",
    r"debian:(?:9|stretch)|-stretch|(?:^|/)amazonlinux:1": "2.24",
}
"""Images -> their glibc (distrowatch's tables of packages); amazonlinux:2 has 2.26."""
NEEDS_GLIBC = {"onnxruntime-gpu": "2.27", "onnxruntime": "2.27"}
"""Tags of the wheels on PyPI since 1.18: manylinux_2_27 and manylinux_2_28."""
WITH_GLIBC_ALONE = (*RIVALS, "insightface")
"""No wheel of these bears a musllinux tag (PyPI); OpenCV's do since 4.12."""


@check("RD279", "libc-unsupported", Severity.ERROR, scope=scanned, action=Action.EDIT)
@of_source
def libc_unsupported(source: Source) -> Answer:
    places = (place for one in environments(source) if (place := on_another_libc(one)) is not None)
    return answer(source, "RD279", "libc-unsupported", once(places), of=("deployment",))


def on_another_libc(one: Environment) -> SourcePlace | None:
    if one.image is None or one.other:
        return None
    base = one.image.base
    if MUSL.search(base):
        named = next((one.packages[name] for name in WITH_GLIBC_ALONE if name in one.packages), None)
        fixed = re.sub(r"(python:[\d.]+)-alpine[\d.]*", r"\1-slim", one.image.at.text)
        return _libc(one.image, named, "musl", fixed) if named is not None else None
    glibc = next((version for pattern, version in OLD_GLIBC.items() if re.search(pattern, base)), None)
    named = next((one.packages[name] for name in NEEDS_GLIBC if name in one.packages), None)
    if glibc is None or named is None:
        return None
    version = pinned(named.spec)
    if version is not None and release(version) < (1, 18):
        return None
    return _libc(one.image, named, glibc, None)


def _libc(image: Image, package: Package, libc: str, fixed: str | None) -> SourcePlace:
    more = {"base": image.base, "libc": libc, "needs": NEEDS_GLIBC.get(package.name, "2.17")}
    return SourcePlace(at=image.at, why="musl" if libc == "musl" else "old", what=package.name, fixed=fixed, more=more)


@check("RD523", "service-module-missing", Severity.ERROR, pitfall=5, scope=scanned, action=Action.EDIT)
@of_source
def service_module_missing(source: Source) -> Answer:
    """A FastAPI route that takes a form, and requirements that name fastapi without python-multipart."""
    signs = [one for one in source.signs if one.kind == "multipart" and not is_test(source, one.at.file)]
    installing = [one for one in environments(source) if "fastapi" in one.packages] if signs else []
    found = []
    for one in installing:
        package = one.packages["fastapi"]
        own = [sign for sign in signs if one in serving(installing, sign)]
        if not own or brings_forms(package) or "python-multipart" in one.packages or BESIDE.search(one.group):
            continue
        sign = own[0]
        more = {"declares": sign.what, "route_file": sign.at.file, "route_line": sign.at.line}
        fixed = requirement_lines.with_another(package, "python-multipart")
        found.append(SourcePlace(at=package.at, why="fastapi", what="python-multipart", fixed=fixed, more=more))
    return answer(source, "RD523", "service-module-missing", once(found), of=EITHER)


def serving(installing: Sequence[Environment], sign: Sign) -> Sequence[Environment]:
    """Those that are asked for in the route's folder, or the nearest above: another image of the tree does not run it. All, where
    there is none."""
    folders = [one.packages["fastapi"].at.file.rpartition("/")[0] + "/" for one in installing]
    above = [folder for folder in folders if sign.at.file.startswith(folder)]
    nearest = max(above, key=len, default=None)
    return [one for one, folder in zip(installing, folders, strict=True) if nearest in (None, folder)]


def brings_forms(package: Package) -> bool:
    """fastapi[standard] and fastapi[all] require python-multipart (its pyproject.toml); [email] does not. What was recorded
    before extras were told by name may be any."""
    named = set(package.extra)
    return bool({"standard", "all", "standard-no-fastapi-cloud-cli"} & named) or (package.extras and not named)


@check("RD277", "ort-cpu-package", Severity.ERROR, pitfall=2, scope=scanned_for_gpu, action=Action.EDIT)
@of_source
def ort_cpu_package(source: Source) -> Answer:
    found = list(environments(source))
    another = any(GPU in one.packages for one in found)
    others = set(RIVALS) - {CPU}  # beside one of these the line is RD276's
    places = (
        cpu(source, one) for one in found if (CPU in one.packages or one.brought) and not others & set(one.packages)
    )
    wanted = (place for place in places if place is not None and (place.why == "image" or not another))
    return answer(source, "RD277", "ort-cpu-package", once(wanted), of=EITHER)


def cpu(source: Source, one: Environment) -> SourcePlace | None:
    """Where the tree means the GPU; a warning where only the source says so, which often takes what there is."""
    package = one.packages.get(CPU) or one.brought
    assert package is not None
    if BESIDE.search(one.group) or BESIDE.search(package.at.file.rsplit("/", 1)[-1]):
        return None
    why, by = meant(source, one)
    if why is None:
        return None
    at_most = Severity.WARNING if why == "source" else None
    what = f"{package.name}{package.spec}"
    return SourcePlace(at=package.at, why=why, what=what, fixed=on_gpu(one, package), at_most=at_most, more={"by": by})


def on_gpu(one: Environment, package: Package) -> str | None:
    """The line with the GPU's package, in a release for the image's CUDA; None where that cannot be told."""
    text = package.at.text
    if package.name != CPU or requirement_lines.is_direct(package) or goes_on(text):
        return None
    text = re.sub(r"(?<![\w-])onnxruntime(?![\w-])", GPU, text, count=1)
    renamed = replace(package, name=GPU, at=replace(package.at, text=text))
    major = cuda_major(one.image.base) if one.image else None
    build = built(renamed)
    if major is None or build is None or build.cuda[0] == major or one.other:
        return text
    fits = fitting(major)
    return repinned(renamed, fits.version) if fits else None


OTHER_RUNTIME = pattern(r"(?:^|/)(?:tensorrt|tritonserver|deepstream)\b")
"""Images whose GPU is there for what they bring themselves."""


def meant(source: Source, one: Environment) -> tuple[str | None, str]:
    if one.image is not None and OTHER_RUNTIME.search(one.image.base):
        pass  # only the source can say it
    elif one.image is not None:
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


@check("RD249", "ort-missing", Severity.ERROR, pitfall=2, scope=scanned, action=Action.EDIT)
@of_source
def ort_missing(source: Source) -> Answer:
    """insightface before 1.0 requires no onnxruntime, and imports it."""
    places = (
        SourcePlace(
            at=one.packages["insightface"].at,
            why="image",
            what=f"insightface{one.packages['insightface'].spec}",
            fixed=requirement_lines.with_another(
                one.packages["insightface"], GPU if is_gpu_image(one.image.base) else CPU
            ),
            more={"base": one.image.base},
        )
        for one in environments(source)
        if one.image is not None and is_without_onnxruntime(one, one.image)
    )
    return answer(source, "RD249", "ort-missing", once(places), of=("deployment",))


def is_without_onnxruntime(one: Environment, image: Image) -> bool:
    """An image whose base may have it, or a file of it that was not read, says nothing."""
    face = one.packages.get("insightface")
    if face is None or set(RIVALS) & set(one.packages) or image.brings:
        return False
    if not is_understood(one) or not is_bare(image):
        return False
    version = pinned(face.spec)
    on_mxnet = version is not None and release(version) < (0, 2)
    return not on_mxnet and not any(allows(face.spec, version) for version in ("1.0", "1.0.1", "2.0", "2.1"))


def is_bare(image: Image) -> bool:
    """Whether no package of Python's is there that it does not install itself."""
    return BARE.match(in_short(image.base)) is not None or CUDA_BASE.search(image.base) is not None
