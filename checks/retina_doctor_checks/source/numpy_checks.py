"""RD299: do the packages that are installed together fit NumPy 2?"""

from __future__ import annotations

from collections.abc import Iterator

from retina_doctor.authoring import Action, Answer, check
from retina_doctor.model import Severity

from ..advice.pythons import UNKNOWN
from ..combined.numpy_2 import FIRST
from ..facts.deployment import Package
from ..facts.source import Source
from ..versions import allows, pinned, release
from .environments import OPENCVS, RIVALS, Environment, environments, is_understood
from .judging import SourcePlace, answer, foretells, of_source, scanned
from .package_checks import is_bare, once
from .pythons import python_of
from .requirement_lines import installs, is_conditional, is_written, with_another

OLD = ("1.19.5", "1.21.6", "1.23.5", "1.24.4", "1.26.4")
NEW = ("2.0.0", "2.1.3", "2.2.6", "2.3.5", "2.4.0")
"""Releases of NumPy, of which a requirement lets in some."""


@check("RD299", "numpy-abi", Severity.ERROR, scope=scanned, action=Action.EDIT)
@of_source
def numpy_abi(source: Source) -> Answer:
    """Compiled against NumPy 1, and installed with NumPy 2: the import fails. NumPy 2 is required, or comes because nothing that
    was read keeps it out."""
    places = (place for one in environments(source) for place in (*_unfit(one), *_free(source, one)))
    return answer(source, "RD299", "numpy-abi", once(places), of=("deployment",))


def _unfit(one: Environment) -> Iterator[SourcePlace]:
    numpy = one.packages.get("numpy")
    spec = numpy.spec if numpy is not None else ""
    if any(allows(spec, version) for version in OLD) or not _is_new(spec):
        return
    for name, first in FIRST.items():
        package = one.packages.get(name)
        if package is None or not is_older(package.spec, first):
            continue
        yield SourcePlace(
            at=package.at,
            why="named",
            what=f"{name}{package.spec}",
            more={"name": name, "first": first, "numpy": f"numpy{spec}"},
        )


CAPPED = ("1.18.1",)
"""Of onnxruntime and onnxruntime-gpu, whose metadata say numpy<2; those of 1.14 to 1.18.0 do not, nor do opencv's of 4.8 and 4.9
(METADATA of their wheels on PyPI)."""
FREE = (*RIVALS, *OPENCVS, "insightface", "fastapi", "python-multipart", "torch", "numpy", "retina-face")
"""The packages that requirements are read for and of which no release, or only one of CAPPED, limits NumPy."""
NUMPY_2 = (3, 9)
"""The oldest Python that NumPy 2 is for."""


def _free(source: Source, one: Environment) -> Iterator[SourcePlace]:
    """NumPy is required in no release, or in any from some on: pip takes the newest that the others let in."""
    numpy = one.packages.get("numpy")
    if not foretells(source) or (numpy is not None and not allows(numpy.spec, UNKNOWN)):
        return
    if not is_understood(one) or is_limited(one):
        return
    if one.image is not None and not is_bare(one.image):
        return  # conda's NumPy is there already, or NVIDIA's constraints
    said = python_of(source, one)
    if said is not None and not any(python >= NUMPY_2 for python in said.each):
        return
    for name, first in FIRST.items():
        package = one.packages.get(name)
        if package is None or not is_older(package.spec, first) or any(allows(package.spec, two) for two in CAPPED):
            continue
        if is_written(package) and not is_conditional(package):
            yield SourcePlace(
                fixed=None if numpy is not None else capped(package),
                at=package.at,
                why="free",
                what=f"{name}{package.spec}",
                at_most=Severity.WARNING,
                more={"name": name, "first": first, "numpy": numpy.spec if numpy is not None else ""},
            )
            return


def capped(package: Package) -> str | None:
    """The line with NumPy 1 beside it; a shell takes < for itself."""
    fixed = with_another(package, "'numpy<2'" if installs(package.at.text) else "numpy<2")
    return fixed if fixed is not None and '= "*"' not in fixed else None


def is_limited(one: Environment) -> bool:
    """Whether another package may keep NumPy below 2: those of which any release does, or none is known."""
    return any(name not in FREE and not name.startswith(("nvidia-", "tensorrt")) for name in one.packages)


def is_older(spec: str, first: str) -> bool:
    """Whether a requirement lets in releases before that one alone."""
    version = pinned(spec)
    if version is not None:
        return release(version) < release(first)
    major, minor = release(first)[:2]
    later = [f"{major}.{minor + more}.{patch}" for more in range(30) for patch in (0, 1, 2, 3)]
    return bool(spec) and not any(allows(spec, one) for one in (first, *later, f"{major + 1}.0.0", UNKNOWN))


def _is_new(spec: str) -> bool:
    return any(allows(spec, version) for version in NEW) or release(pinned(spec))[:1] >= (2,)
