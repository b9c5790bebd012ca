"""RD412 and RD531: the service's answer against what its own model finds in the very picture that was posted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from retina_doctor.authoring import Action, Answer, Gathered, check
from retina_doctor.model import Inapplicable, Problem, Reason, Severity, Target, Unknown
from retina_doctor.settings import Settings

from ..facts.inference import Face, Inference
from ..facts.service import Detection, Ports
from ..inference.known import POSTED, expected
from ..settings import ModelSettings, ServiceSettings
from .checks import service_named
from .endpoint_checks import answered, asked
from .posting_command import posting_command, unverified
from .response import Wrong, corners, faces_of, overlap, shown, wrong_in

AT = 0.3
"""Intersection over union from which on a box is at a face: models draw the same face a little larger or smaller."""
NEAR, CUT = 1.0, 3.0
"""Pixels by which a side may be off of a box that is the same one: told with fractions, and in whole pixels (what cuts corner and
size off each is two off)."""
ALIKE = 0.005
"""By so much the scores of one input may differ: of kernels, and of a mean that is rounded."""
Box = tuple[float, float, float, float]


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
    def told(self) -> list[tuple[Box, float | None]] | None:
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
    def mistake(self) -> str | None:
        """How the input has to be made for its model to find just the boxes of the answer, where the usual way gives others."""
        posted, others = self.inference.posted, self.inference.mistaken or {}
        if not self.told or posted is None or _are_told(posted, self.told):
            return None
        return next((why for why, faces in others.items() if faces and _are_told(faces, self.told)), None)

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


def _are_told(faces: Sequence[Face], told: Sequence[tuple[Box, float | None]]) -> bool:
    """Whether each of these faces is there, with its score."""
    return all(any(_is(face, box, score) for box, score in told) for face in faces)


def _is(face: Face, box: Box, score: float | None) -> bool:
    near = CUT if all(side == int(side) for side in box) else NEAR
    alike = score is None or abs(score - face.score) <= ALIKE
    return alike and all(abs(a - b) <= near for a, b in zip(face.box, box, strict=True))


@check("RD412", "service-misses-faces", Severity.ERROR, pitfall=4, scope=service_named, action=Action.EDIT)
def service_misses_faces(own: OwnModel) -> Answer:
    """Each has a score above any usual threshold, and is large: who asks is told "nobody" of a picture with people."""
    if own.nothing_to_compare or not own.missed:
        return own.nothing_to_compare
    evidence = {**own.evidence, "missed": own.missed, "said": shown(own.body)}
    return Problem(subject=f"port:{own.ports.url and own.ports.url.port}", evidence=evidence)


@check("RD531", "service-wrong-preprocessing", Severity.WARNING, pitfall=4, scope=service_named, action=Action.EDIT)
def service_wrong_preprocessing(own: OwnModel) -> Answer:
    """Its boxes are, to the pixel, those of its model after a usual mistake. A warning: weights may be trained so."""
    if own.nothing_to_compare or own.mistake is None:
        return own.nothing_to_compare
    evidence = {**own.evidence, "mistake": own.mistake}
    return Problem(subject=f"port:{own.ports.url and own.ports.url.port}", evidence=evidence, variant=own.mistake)
