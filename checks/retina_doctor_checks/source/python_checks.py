"""RD280: have the required releases wheels for the Python that they are installed for?"""

from __future__ import annotations

import re
from collections.abc import Iterator

from retina_doctor.authoring import Action, Answer, check
from retina_doctor.model import Reason, Severity

from ..advice.pythons import UNKNOWN, Version, newest_for, ranges
from ..combined.asides import asides
from ..facts.deployment import Package
from ..facts.source import Source
from ..versions import allows, pinned, release
from .environments import GPU, Environment, environments, is_of_pypi
from .judging import SourcePlace, answer, foretells, of_source, scanned
from .package_checks import once
from .pythons import Said, python_of
from .requirement_lines import is_conditional, is_direct

JUDGED = (GPU, "onnxruntime", "numpy", "torch")
BUILDABLE = ("numpy", (1, 26))
"""From this release on its source builds with a compiler alone on newer Pythons, too (it builds by meson-python); older ones do
while Python has distutils."""
WITHOUT_DISTUTILS = (3, 12)


@check("RD280", "python-has-no-wheel", Severity.ERROR, pitfall=2, scope=scanned, action=Action.EDIT)
@of_source
def python_has_no_wheel(source: Source) -> Answer:
    places = (place for one in environments(source) for place in without_wheel(source, one))
    return answer(source, "RD280", "python-has-no-wheel", once(places), of=("deployment",))


def without_wheel(source: Source, one: Environment) -> Iterator[SourcePlace]:
    """The Python that a file names, and the releases that the requirement lets in."""
    said = python_of(source, one) if one.image is not None or foretells(source) else None
    for name in JUDGED if said is not None and said.each and is_of_pypi(one) else ():
        package = one.packages.get(name)
        known = ranges(name, package.spec) if package is not None else []
        if said is None or package is None or not known or is_direct(package) or is_conditional(package):
            continue
        if package.conda or is_built(one, package, known, said):
            continue
        if not any(may_have(package, known, python) for python in said.each):
            yield place(said, package, known)


def may_have(package: Package, known: list[tuple[Version, Version]], python: Version) -> bool:
    """A release that the table does not know may be for a newer Python, not for an older one."""
    is_open = allows(package.spec, UNKNOWN)
    return any(oldest <= python and (is_open or python <= newest) for oldest, newest in known)


def place(said: Said, package: Package, known: list[tuple[Version, Version]]) -> SourcePlace:
    oldest, newest = min(one[0] for one in known), max(one[1] for one in known)
    fits = newest_for(package.name, said.each[-1])
    more = {
        "base": said.by,
        "python_version": said.text,
        "name": package.name,
        "oldest": f"{oldest[0]}.{oldest[1]}",
        "newest": f"{newest[0]}.{newest[1]}",
        "fits": fits,
        "or_older": asides(
            Reason("or-require", {"name": package.name, "fits": fits, "file": package.at.file, "python": said.text})
            if fits
            else None
        ),
        "package_file": package.at.file,
    }
    better = max(oldest, min(newest, (3, 12)))
    fixed = re.sub(
        rf"(?<![\d.]){re.escape(said.text)}(?:\.\d+)?(?![\d])", f"{better[0]}.{better[1]}", said.at.text, count=1
    )
    is_exact = re.fullmatch(r"\d\.\d+", said.text) is not None
    return SourcePlace(
        at=said.at,
        why="pinned" if pinned(package.spec) else "any",
        what=package.name + package.spec,
        fixed=fixed if is_exact else None,
        more=more,
    )


def is_built(one: Environment, package: Package, known: list[tuple[Version, Version]], said: Said) -> bool:
    """Whether pip compiles it for a newer Python than its wheels are for; without an image a compiler may be there."""
    name, first = BUILDABLE
    if package.name != name or said.each[-1] <= max(newest for _, newest in known):
        return False
    lacks = one.image is not None and any(step.lacks == "g++" for step in one.image.steps)
    return not lacks and (release(pinned(package.spec)) >= first or said.each[0] < WITHOUT_DISTUTILS)
