"""RD412 and RD531: the service's answer against what its own model finds in the very picture that was posted."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from retina_doctor.authoring import Action, Answer, Gathered, check
from retina_doctor.model import Inapplicable, Passed, Problem, Reason, Severity, Target, Unknown
from retina_doctor.settings import Settings

from ..facts.inference import Face, Inference, OtherSize
from ..facts.service import Detection, Ports
from ..inference.known import POSTED, expected
from ..settings import ModelSettings, ServiceSettings
from .checks import service_named
from .endpoint_checks import answered, asked
from .posting_command import posting_command, unverified
from .response import Wrong, corners, faces_of, overlap, shown, wrong_in

AT = 0.3
"""Intersection over union from which on a box is at a face: models draw the same face a little larger or smaller."""
NEAR, CLEAR, CUT = 1.0, 2.0, 3.0
"""Pixels by which a side may be off of a box that is the same one: told with fractions; in whole pixels of the picture or of the
network, without scores; and with them (what cuts corner and size off each is two off)."""
ROUND, SIDE = 0.02, 640
"""By so much a number may be off of a whole one; the side of the posted picture in pixels."""
LEAST_SURE = 0.9
"""The score from which on the probe tells faces."""
ALIKE = 0.005
"""By so much the scores of one input may differ: of kernels, and of a mean that is rounded."""
Box = tuple[float, float, float, float]
Told = tuple[Box, float | None]
Size = tuple[int, int]


class OwnModel(Gathered, frozen=True, kw_only=True):
    """The answer to the posted picture, and the model that was run on it."""

    ports: Ports
    settings: Settings
    target: Target
    inference: Inference

    @property
    def nothing_to_compare(self) -> Inapplicable | Unknown | None:
        one, wanted = asked(self.ports, self.settings, self.target), self.settings.of(ServiceSettings).response
        if not isinstance(one, Detection):
            return one
        if not answered(one) or not one.json or one.cut or one.shape != "plain" or wrong_in(one.body, wanted):
            return Inapplicable(Reason("endpoint-fails"))
        if not (self.target.of_a_process or self.settings.of(ModelSettings).path is not None):
            return Inapplicable(Reason("model-not-the-services"))
        skipped = self.inference.skipped
        if self.inference.posted is None:
            return Inapplicable(Reason(f"smoke-{skipped}" if skipped else "posted-not-run"))
        return None

    @property
    def body(self) -> Any:
        return self.ports.detection.body if self.ports.detection else None

    @property
    def told(self) -> list[Told] | None:
        """Boxes and scores of the answer; None: how it names their places nobody has said."""
        wanted = self.settings.of(ServiceSettings).response
        faces = faces_of(self.body, wanted)
        if isinstance(faces, Wrong) or (faces and not wanted.box):
            return None
        return [(corners(face[wanted.box], wanted), face.get(wanted.score)) for face in faces]

    @property
    def missed(self) -> int:
        """How many known faces its model is sure of, where the answer has none of them; 0: it has one, or that is not known."""
        if self.told is None:
            return 0
        known = [face.box for picture in expected() if picture.name == POSTED for face in picture.faces]
        found = self.inference.posted or ()
        sure = [box for box in known if any(overlap(face.box, box) > AT for face in found)]
        return 0 if any(overlap(one, box) > AT for one, _ in self.told for box in sure) else len(sure)

    @property
    def finds_large(self) -> bool:
        """Whether a large face is found by itself: then the small ones are left out."""
        body = self.ports.detection.close_body if self.ports.detection else None
        faces = faces_of(body, self.settings.of(ServiceSettings).response)
        return bool(faces) and not isinstance(faces, Wrong)

    @property
    def finds_in_photo(self) -> bool:
        """Whether the operator's own picture gives faces: a filter of the service's keeps out what is drawn."""
        return bool(self.ports.detection and self.ports.detection.photo_faces)

    @property
    def mistake(self) -> tuple[str, Size] | None:
        """How the input has to be made, and of which size, for its model to find just the faces of the answer, where the usual
        way gives others at every size."""
        posted, told = self.inference.posted, self.told
        if not told or posted is None or self.inference.input_size is None:
            return None
        own = OtherSize(size=self.inference.input_size, posted=posted, mistaken=self.inference.mistaken or {})
        sizes = (own, *self.inference.at_sizes)
        if any(one.posted and _explains(one.posted, told, one.size) for one in sizes):
            return None
        for one in sizes:
            for why, faces in one.mistaken.items():
                there = _all_told(faces, told, one.size) and _only_those(faces, told, one.size)
                if there and len(faces) >= _enough(told):
                    return why, one.size
        return None

    @property
    def evidence(self) -> dict[str, Any]:
        ports = self.ports
        assert ports.url and ports.detection
        return {
            "url": ports.url.text,
            "path": ports.detection.path,
            "model": self.inference.model,
            "look": posting_command(self.settings, ports.url.text, *unverified(ports.detection), "-i"),
        }


def _explains(faces: Sequence[Face], told: Sequence[Told], size: Size) -> bool:
    return _all_told(faces, told, size) or _only_those(faces, told, size)


def _all_told(faces: Sequence[Face], told: Sequence[Told], size: Size) -> bool:
    """Whether each of the faces that an input of that size gives is in the answer, with its score."""
    return all(any(_is(face, one, size) for one in told) for face in faces)


def _enough(told: Sequence[Told]) -> float:
    """Faces that have to be where a mistake puts them: of 246 right ways to make the input (sizes, kernels, the largest face
    alone), each told in seven forms, none is then taken for a mistake."""
    exact = any(side != int(side) for box, _ in told for side in box)
    scored = all(score is not None for _, score in told)
    return 1 if exact and scored else 2 if exact or scored else math.inf


def _only_those(faces: Sequence[Face], told: Sequence[Told], size: Size) -> bool:
    """Whether the answer has no other face that is as sure."""
    surely = [one for one in told if one[1] is None or one[1] >= LEAST_SURE + ALIKE]
    return bool(surely) and all(any(_is(face, one, size) for face in faces) for one in surely)


def _is(face: Face, told: Told, size: Size) -> bool:
    box, score = told
    near, scale = NEAR, max(size) / SIDE
    for by in (1.0, scale):
        if all(abs(side * by - round(side * by)) < ROUND for side in box):
            near = max(near, (CLEAR if score is None else CUT) / by)
    alike = score is None or abs(score - face.score) <= ALIKE
    return alike and all(abs(a - b) <= near for a, b in zip(face.box, box, strict=True))


@check("RD412", "service-misses-faces", Severity.ERROR, pitfall=4, scope=service_named, action=Action.EDIT)
def service_misses_faces(own: OwnModel) -> Answer:
    """Each has a score above any usual threshold: who asks is told "nobody" of a picture with people. A warning where a larger
    face is found: small ones may be left out on purpose."""
    if own.nothing_to_compare or not own.missed:
        return own.nothing_to_compare
    if own.finds_in_photo:
        return Passed(
            Reason("faces-in-own-picture", {"count": own.ports.detection and own.ports.detection.photo_faces})
        )
    evidence = {**own.evidence, "missed": own.missed, "said": shown(own.body)}
    subject, small = f"port:{own.ports.url and own.ports.url.port}", own.finds_large
    at_most, variant = (Severity.WARNING, "small") if small else (None, "all")
    return Problem(subject=subject, evidence=evidence, at_most=at_most, variant=variant)


@check("RD531", "service-wrong-preprocessing", Severity.WARNING, pitfall=4, scope=service_named, action=Action.EDIT)
def service_wrong_preprocessing(own: OwnModel) -> Answer:
    """Its boxes are, to the pixel, those of its model after a usual mistake. A warning: weights may be trained so."""
    if own.nothing_to_compare or own.mistake is None:
        return own.nothing_to_compare
    why, size = own.mistake
    evidence = {**own.evidence, "mistake": why, "size": f"{size[0]}x{size[1]}"}
    return Problem(subject=f"port:{own.ports.url and own.ports.url.port}", evidence=evidence, variant=why)
