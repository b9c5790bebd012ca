"""The detector's numbers that the source names, held against the same limits as those that the operator names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from retina_doctor.authoring import Action, Answer, check
from retina_doctor.model import Severity
from retina_doctor_checks.combined import detection_limits as limits
from retina_doctor_checks.detection.geometry import nearest_sizes

from ..combined.source_files import is_test
from ..facts.source import Figure, Source
from ..settings_values import Size
from .judging import SourcePlace, answer, of_source, scanned


def numbered(
    source: Source, code: str, name: str, kind: str, limit: float, rule: limits.Range, wrong: Callable[[float], bool]
) -> Answer:
    """A score or an overlap is between 0 and 1: within, where it begins to cost faces is a matter of the pictures, which a
    test knows."""
    places = (
        SourcePlace(
            at=figure.at,
            why="costly" if 0 <= number <= 1 else "impossible",
            what=f"{number:g}",
            fixed=f"{figure.sides[0]}{rule.start:g}{figure.sides[1]}".strip() if figure.sides is not None else None,
            at_most=Severity.WARNING if 0 <= number <= 1 else None,
            more={"limit": limit, "default": rule.default},
        )
        for figure in source.figures
        for number in figure.numbers
        if figure.kind == kind and wrong(number) and not is_test(source, figure.at.file)
    )
    return answer(source, code, name, places, of=("python",))


@check("RD421", "det-threshold-too-high", Severity.ERROR, pitfall=4, scope=scanned, action=Action.EDIT)
@of_source
def det_threshold_too_high(source: Source) -> Answer:
    rule = limits.threshold()
    return numbered(
        source, "RD421", "det-threshold-too-high", "threshold", rule.highest, rule, lambda n: n > rule.highest
    )


@check("RD422", "det-threshold-too-low", Severity.ERROR, pitfall=4, scope=scanned, action=Action.EDIT)
@of_source
def det_threshold_too_low(source: Source) -> Answer:
    rule = limits.threshold()
    return numbered(source, "RD422", "det-threshold-too-low", "threshold", rule.lowest, rule, lambda n: n < rule.lowest)


@check("RD423", "det-nms-too-high", Severity.ERROR, pitfall=4, scope=scanned, action=Action.EDIT)
@of_source
def det_nms_too_high(source: Source) -> Answer:
    rule = limits.nms()
    return numbered(source, "RD423", "det-nms-too-high", "nms", rule.highest, rule, lambda n: n > rule.highest)


@check("RD424", "det-nms-too-low", Severity.ERROR, pitfall=4, scope=scanned, action=Action.EDIT)
@of_source
def det_nms_too_low(source: Source) -> Answer:
    rule = limits.nms()
    return numbered(source, "RD424", "det-nms-too-low", "nms", rule.lowest, rule, lambda n: n < rule.lowest)


@check("RD425", "det-size-not-multiple-of-32", Severity.ERROR, pitfall=4, scope=scanned, action=Action.EDIT)
@of_source
def det_size_not_multiple_of_32(source: Source) -> Answer:
    stride = limits.geometry().stride
    sizes = ((figure, Size(*map(int, figure.numbers))) for figure in source.figures if figure.kind == "size")
    places = (sized(figure, size, stride) for figure, size in sizes if size.width % stride or size.height % stride)
    return answer(source, "RD425", "det-size-not-multiple-of-32", places, of=("python",))


def sized(figure: Figure, size: Size, stride: int) -> SourcePlace:
    down, up = nearest_sizes(size, stride)
    fixed = None
    if figure.sides is not None and min(size.width, size.height) >= stride:
        fixed = f"{figure.sides[0]}({up.width}, {up.height}){figure.sides[1]}".strip()
    more: dict[str, Any] = {"stride": stride, "down": str(down), "up": str(up)}
    return SourcePlace(at=figure.at, why="stride", what=str(size), fixed=fixed, more=more)
