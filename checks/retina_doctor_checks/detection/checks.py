"""RD4xx: do the detection settings lose faces, invent them, or break the detector's grid?"""

from __future__ import annotations

import posixpath

from retina_doctor.authoring import Action, Answer, check
from retina_doctor.model import Inapplicable, Passed, Problem, Reason, Severity
from retina_doctor_checks.facts.models import Model

from ..combined import detection_limits as limits
from ..combined.asides import asides
from ..combined.detector_input import size_of_model, size_used
from ..settings import DetectionSettings
from ..settings_values import Size
from .geometry import nearest_sizes, size_for, smallest_face
from .told_size import SizeTold

SUBJECT = "detection"
PICTURES = "pictures"
"""A folder of the reader's own, where the settings name no picture."""


def prepared(detection: DetectionSettings, *, threshold: float | None = None, size: Size | None = None) -> str:
    """insightface's line with the settings, but for what is changed, or cannot stay as it is either."""
    taken, kept = size or _sound_size(detection), threshold or _sound_threshold(detection)
    score = f"det_thresh={kept:g}, " if kept is not None else ""
    return f"app.prepare(ctx_id=0, {score}det_size=({taken.width}, {taken.height}))"


def _sound_size(detection: DetectionSettings) -> Size:
    size, rule = detection.size, limits.geometry()
    if size is None:
        return Size(rule.default, rule.default)
    return size if size.width % rule.stride == 0 == size.height % rule.stride else nearest_sizes(size, rule.stride)[1]


def _sound_threshold(detection: DetectionSettings) -> float | None:
    kept, limit = detection.threshold, limits.threshold()
    return kept if kept is None or limit.lowest <= kept <= limit.highest else limit.start


def changed(flag: str, wrong: object, right: object) -> list[list[str]]:
    """For the command that looks again: what is given there goes before what the plan exports."""
    return [[flag, str(wrong)], [flag, str(right)]]


def tried_on(detection: DetectionSettings) -> str:
    """The folder of pictures that values are tried on."""
    return posixpath.dirname(detection.image or "") or PICTURES


def _threshold(detection: DetectionSettings) -> dict[str, object]:
    limit = limits.threshold()
    line = prepared(detection, threshold=limit.start)
    told = {"default": limit.default, "start": limit.start, "fixed_line": line, "pictures": tried_on(detection)}
    return {**told, "again_with": changed("--det-thresh", f"{detection.threshold:g}", f"{limit.start:g}")}


def _nms(detection: DetectionSettings) -> dict[str, object]:
    limit = limits.nms()
    line = f"app.det_model.nms_thresh = {limit.start:g}"
    told = {"default": limit.default, "start": limit.start, "fixed_line": line, "pictures": tried_on(detection)}
    return {**told, "again_with": changed("--nms-thresh", f"{detection.nms:g}", f"{limit.start:g}")}


def costly(evidence: dict[str, object]) -> Problem:
    """A score or an overlap that is possible costs faces and does not break the service: a warning. Settings take no other, the
    source may hold one that is none (RD421 to RD424): an error."""
    return Problem(subject=SUBJECT, evidence=evidence, at_most=Severity.WARNING)


@check("RD401", "det-threshold-too-high", Severity.ERROR, pitfall=4, action=Action.EDIT)
def det_threshold_too_high(detection: DetectionSettings) -> Answer:
    threshold, limit = detection.threshold, limits.threshold()
    if threshold is None:
        return Inapplicable(Reason("no-threshold-named", {"default": limit.default}))
    if threshold <= limit.highest:
        return None
    return costly({"threshold": threshold, "limit": limit.highest, **_threshold(detection)})


@check("RD402", "det-threshold-too-low", Severity.ERROR, pitfall=4, action=Action.EDIT)
def det_threshold_too_low(detection: DetectionSettings) -> Answer:
    threshold, limit = detection.threshold, limits.threshold()
    if threshold is None:
        return Inapplicable(Reason("no-threshold-named", {"default": limit.default}))
    if threshold >= limit.lowest:
        return None
    return costly({"threshold": threshold, "limit": limit.lowest, **_threshold(detection)})


@check("RD403", "det-nms-too-high", Severity.ERROR, pitfall=4, action=Action.EDIT)
def det_nms_too_high(detection: DetectionSettings) -> Answer:
    nms, limit = detection.nms, limits.nms()
    if nms is None:
        return Inapplicable(Reason("no-nms-named", {"default": limit.default}))
    if nms <= limit.highest:
        return None
    return costly({"nms": nms, "limit": limit.highest, **_nms(detection)})


@check("RD404", "det-nms-too-low", Severity.ERROR, pitfall=4, action=Action.EDIT)
def det_nms_too_low(detection: DetectionSettings) -> Answer:
    nms, limit = detection.nms, limits.nms()
    if nms is None:
        return Inapplicable(Reason("no-nms-named", {"default": limit.default}))
    if nms >= limit.lowest:
        return None
    return costly({"nms": nms, "limit": limit.lowest, **_nms(detection)})


def no_size_named() -> Inapplicable:
    default = limits.geometry().default
    return Inapplicable(Reason("no-size-named", {"default": str(Size(default, default))}))


@check("RD405", "det-size-not-multiple-of-32", Severity.ERROR, pitfall=4, action=Action.EDIT)
def det_size_not_multiple_of_32(detection: DetectionSettings, model: Model | None) -> Answer:
    size, stride = detection.size, limits.geometry().stride
    if size is None:
        return no_size_named()
    fixed = size_of_model(model)
    if fixed is not None:
        return Inapplicable(Reason("size-fixed-by-model", {"size": str(fixed)}))
    if size.width % stride == 0 and size.height % stride == 0:
        return None
    down, up = nearest_sizes(size, stride)
    return Problem(
        subject=SUBJECT,
        evidence={
            "size": str(size),
            "stride": stride,
            "down": str(down),
            "up": str(up),
            "down_tuple": f"({down.width}, {down.height})",
            "up_tuple": f"({up.width}, {up.height})",
            "fixed_line": prepared(detection, size=up),
            "again_with": changed("--det-size", size, up),
        },
    )


@check("RD406", "det-size-too-small", Severity.WARNING, pitfall=4, action=Action.EDIT)
def det_size_too_small(detection: DetectionSettings, model: Model, telling: SizeTold) -> Answer:
    wanted, rule = detection, limits.geometry()
    unusual = telling.unusual(small=True)
    if unusual is not None:
        return Problem(subject=SUBJECT, evidence=unusual[1], variant="usual", location=unusual[0].location)
    size = size_used(detection, model)
    if size is None:
        return no_size_named()
    if wanted.source_size is None:
        return Inapplicable(Reason("smallest-input-face", {"least": rule.smallest_face, "size": str(size)}))
    seen = smallest_face(wanted.source_size, size, rule.smallest_face)
    shown = {"size": str(size), "smallest": seen, "source": str(wanted.source_size)}
    if wanted.smallest_face is None:
        return Inapplicable(Reason("smallest-face-unnamed", shown))
    if seen <= wanted.smallest_face:
        return Passed(Reason("smallest-face", shown))
    needed = size_for(wanted.source_size, wanted.smallest_face, rule.smallest_face, rule.stride)
    return Problem(
        subject=SUBJECT,
        evidence={
            **shown,
            "wanted": wanted.smallest_face,
            "needed": str(needed),
            "needed_tuple": f"({needed.width}, {needed.height})",
            "fixed_line": prepared(detection, size=needed),
            "again_with": changed("--det-size", size, needed),
            "cost": round(needed.width * needed.height / (size.width * size.height), 1),
            "more": asides(Reason("picture-enlarged") if needed.width > wanted.source_size.width else None),
        },
        variant="fixed" if size_of_model(model) is not None else "free",
    )


@check("RD407", "det-size-ignored", Severity.WARNING, pitfall=4, action=Action.EDIT)
def det_size_ignored(detection: DetectionSettings, model: Model) -> Answer:
    """A graph with a fixed input size: insightface passes over det_size, with a line on stdout at most."""
    size, fixed = detection.size, size_of_model(model)
    if size is None:
        return no_size_named()
    if model.detector is None or model.detector.onnx is None:
        return Inapplicable(Reason("no-onnx-detector"))
    if fixed is None or fixed == size:
        return None
    path = model.detector.path
    again_with = changed("--det-size", size, fixed)
    evidence = {"size": str(size), "fixed": str(fixed), "path": path, "again_with": again_with}
    return Problem(subject=f"model:{posixpath.basename(path)}", evidence=evidence)


@check("RD408", "det-size-too-large", Severity.NOTE, pitfall=4, action=Action.EDIT)
def det_size_too_large(detection: DetectionSettings, model: Model, telling: SizeTold) -> Answer:
    """Four times the pixels that the smallest wanted face needs, and more than the usual size: cost without gain."""
    wanted, rule = detection, limits.geometry()
    unusual = telling.unusual(small=False)
    if unusual is not None:
        return Problem(subject=SUBJECT, evidence=unusual[1], variant="usual", location=unusual[0].location)
    size = size_used(detection, model)
    if size is None:
        return no_size_named()
    if wanted.source_size is None or wanted.smallest_face is None:
        return Inapplicable(Reason("smallest-face-needed"))
    needed = size_for(wanted.source_size, wanted.smallest_face, rule.smallest_face, rule.stride)
    too_large = min(size.width / needed.width, size.height / needed.height) >= 2
    if not too_large or size.width * size.height <= rule.default**2:
        return None
    return Problem(
        subject=SUBJECT,
        evidence={
            "size": str(size),
            "source": str(wanted.source_size),
            "wanted": wanted.smallest_face,
            "needed": str(needed),
            "needed_tuple": f"({needed.width}, {needed.height})",
            "fixed_line": prepared(detection, size=needed),
            "pictures": tried_on(detection),
            "saved": round(size.width * size.height / (needed.width * needed.height), 1),
        },
        variant="unneeded",
    )
