"""Which packages come into an environment together: those of an image, or of a file that no image installs."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from retina_doctor.codec import Data, replace

from ..facts.deployment import Doubt, Image, ImageStep, Package
from ..facts.source import Bundle, Source
from ..versions import allows, pinned

CPU, GPU = "onnxruntime", "onnxruntime-gpu"


RIVALS = (
    *(CPU, GPU, "onnxruntime-directml", "onnxruntime-openvino", "onnxruntime-rocm", "onnxruntime-migraphx"),
    *("onnxruntime-training", "onnxruntime-qnn", "onnxruntime-silicon", "onnxruntime-cann"),
    *("ort-nightly", "ort-nightly-gpu", "ort-nightly-directml", "ort-gpu-nightly"),
)
"""Distributions that fill the folder onnxruntime/ (PyPI, and the nightly feeds)."""


OPENCVS = ("opencv-python", "opencv-python-headless", "opencv-contrib-python", "opencv-contrib-python-headless")
"""Those that fill the folder cv2/."""


class Environment(Data, frozen=True, kw_only=True):
    """Packages that are installed together, the last word of each. *brought*: what insightface brings along; *image*: what they
    come into, None: a bundle that no image of the tree installs; *other*: of builds that are not PyPI's. *bare*: packages that
    came without what they require; *doubts*: what of it cannot be told."""

    packages: dict[str, Package]
    brought: Package | None
    image: Image | None
    group: str
    other: bool
    bare: frozenset[str] = frozenset()
    doubts: frozenset[Doubt] = frozenset()


def environments(source: Source) -> Iterator[Environment]:
    used: set[str] = set()
    for image in source.images:
        yield _installed(source, image, used)
    for bundle in source.bundles:
        if (bundle.group or bundle.at.file not in used) and lock_of(source, bundle.at.file) is None:
            packages = {one.name: one for one in contents(source, bundle)}
            brought = _brings(packages, bundle.kept_out)
            doubts = frozenset(_doubts(source, [bundle]))
            group = bundle.group
            yield Environment(packages=packages, brought=brought, image=None, group=group, other=False, doubts=doubts)


def _doubts(source: Source, bundles: list[Bundle]) -> Iterator[Doubt]:
    """What cannot be told of packages that are installed together. A lock in their folder, or above as of a workspace, says more
    than the wishes."""
    for bundle in bundles:
        yield from bundle.doubts
        yield from (two for one in source.bundles if one.at.file in bundle.included for two in one.doubts)
        if any(
            bundle.at.file.startswith(posixpath.dirname(one.at.file) + "/")
            for one in source.signs
            if one.kind == "lock"
        ):
            yield "lock"
        if any(one.kind == "deployment" for one in source.unread):
            yield "part"


def is_understood(one: Environment) -> bool:
    """Whether all that comes into it can be told: each package and each file is known, nothing else is run, and no lock, no index
    and no constraint of its own says more."""
    return not one.doubts and not one.other and not one.bare


def is_of_pypi(one: Environment) -> bool:
    """Whether the packages that it names come from PyPI, whatever else it has."""
    return not one.doubts & {"part", "index"} and not one.other


def lock_of(source: Source, file: str) -> str | None:
    """The file beside it that says what a file of wishes came to: uv.lock, or the compiled requirements."""
    folder, name = posixpath.split(file)
    lock = {"pyproject.toml": "uv.lock"}.get(name, name[:-3] + ".txt" if name.endswith(".in") else "")
    path = posixpath.join(folder, lock)
    return path if lock and any(one.at.file == path for one in source.bundles) else None


def contents(source: Source, bundle: Bundle) -> tuple[Package, ...]:
    """Its packages with those of the files that it includes."""
    more = (one for other in source.bundles if other.at.file in bundle.included for one in other.packages)
    return (*more, *bundle.packages)


def _installed(source: Source, image: Image, used: set[str]) -> Environment:
    """Step by step, as the Dockerfile says; notes in *used* the files that it installs."""
    packages: dict[str, Package] = {}
    brought: Package | None = None
    other = False
    bare: frozenset[str] = frozenset()
    doubts: set[Doubt] = {*image.doubts, *(() if is_wholly_known(source, image) else ("part",))}
    for step in image.steps:
        if step.does == "uninstall":
            for package in step.packages:
                packages.pop(package.name, None)
                brought = None if package.name == CPU else brought
            continue
        bundles = _named(source, step.file, image) if step.file else []
        doubts |= set(_doubts(source, bundles))
        used |= {one.at.file for one in bundles} | {file for one in bundles for file in one.included}
        came = {one.name: one for bundle in bundles if not bundle.group for one in contents(source, bundle)}
        came |= {one.name: one for one in step.packages}
        packages |= {name: kept(packages.get(name), one) for name, one in came.items()}
        bare = bare - set(came) if step.dependencies else bare | set(came)
        other = other or ((step.index or any(bundle.index for bundle in bundles)) and GPU in came)
        if step.dependencies:
            kept_out = tuple(name for bundle in bundles for name in bundle.kept_out)
            brought = _brings(came, kept_out) or brought
    return Environment(
        packages=packages,
        brought=brought,
        image=image,
        group="",
        other=other,
        bare=bare,
        doubts=frozenset(doubts),
    )


def kept(before: Package | None, wanted: Package) -> Package:
    """pip leaves what is there where a requirement lets it in: of what a range let in, it may be any of both."""
    if before is None:
        return wanted
    version = pinned(before.spec)
    if wanted.spec == "" or (version is not None and allows(wanted.spec, version)):
        return replace(wanted, spec=before.spec, cuda=before.cuda)
    is_range = before.spec and version is None and pinned(wanted.spec) is None and "|" not in before.spec + wanted.spec
    return replace(wanted, spec=f"{before.spec},{wanted.spec}") if is_range else wanted


def _named(source: Source, file: str, image: Image) -> list[Bundle]:
    """The bundles of the file that a Dockerfile installs: as it stands in the build's context, which is its folder or the one
    above; else, since it may have been copied anywhere, the nearest of that name."""
    folder = posixpath.dirname(image.at.file)
    above = posixpath.dirname(folder)
    name = posixpath.basename(file)
    places = [posixpath.normpath(posixpath.join(one, path)) for path in (file, name) for one in (folder, above)]
    for place in places:
        place = lock_of(source, place) or place
        found = [bundle for bundle in source.bundles if bundle.at.file == place]
        if found:
            return found
    return [
        one
        for one in source.bundles
        if one.at.file.startswith(folder + "/") and posixpath.basename(one.at.file) == name
    ]


def installed_by(source: Source, image: Image, step: ImageStep) -> tuple[Package, ...]:
    """The packages that one step of an image names, itself or in its file."""
    bundles = _named(source, step.file, image) if step.file and step.does != "uninstall" else []
    named = [one for bundle in bundles if not bundle.group for one in contents(source, bundle)]
    return (*named, *(step.packages if step.does != "uninstall" else ()))


def is_wholly_known(source: Source, image: Image) -> bool:
    """Whether all files that it installs are read."""
    return all(step.file is None or _named(source, step.file, image) for step in image.steps)


def _brings(packages: dict[str, Package], kept_out: tuple[str, ...]) -> Package | None:
    """The insightface that brings the CPU package along."""
    face = packages.get("insightface")
    if face is None or CPU in kept_out or CPU in packages:
        return None
    return face if any(allows(face.spec, version) for version in ("1.0.1", "2.0", "2.1")) else None
