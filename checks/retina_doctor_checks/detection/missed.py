"""RD412: are faces missing in an answer that the service's own model finds in the very picture that was posted?"""

from __future__ import annotations

from typing import Any

from retina_doctor.authoring import Action, Answer, check
from retina_doctor.model import Inapplicable, Problem, Reason, Severity, Target
from retina_doctor.settings import Settings

from ..facts.inference import Inference
from ..facts.service import Detection, Ports
from ..inference.known import POSTED, expected
from ..service.checks import service_named
from ..service.endpoint_checks import answered, asked
from ..service.posting_command import posting_command, unverified
from ..service.response import Wrong, corners, faces_of, overlap, shown, wrong_in
from ..settings import ModelSettings, ResponseSettings, ServiceSettings

AT = 0.3
"""Intersection over union from which on a box is at a face: models draw the same face a little larger or smaller."""


@check("RD412", "service-misses-faces", Severity.WARNING, pitfall=4, scope=service_named, action=Action.EDIT)
def service_misses_faces(ports: Ports, settings: Settings, target: Target, inference: Inference) -> Answer:
    """No more than a warning: a strict threshold, or a filter of the service's own, may be meant."""
    one = asked(ports, settings, target)
    if not isinstance(one, Detection):
        return one
    wanted = settings.of(ServiceSettings).response
    if not answered(one) or not one.json or one.cut or one.shape != "plain" or wrong_in(one.body, wanted):
        return Inapplicable(Reason("endpoint-fails"))
    if not is_its_model(settings, target):
        return Inapplicable(Reason("model-not-the-services"))
    if inference.posted is None:
        return Inapplicable(Reason(f"smoke-{inference.skipped}" if inference.skipped else "posted-not-run"))
    lost = missed(one.body, wanted, inference)
    if not lost:
        return None
    assert ports.url
    evidence = {
        "url": ports.url.text,
        "path": one.path,
        "missed": lost,
        "model": inference.model,
        "said": shown(one.body),
        "look": posting_command(settings, ports.url.text, *unverified(one), "-i"),
    }
    return Problem(subject=f"port:{ports.url.port}", evidence=evidence)


def missed(body: Any, wanted: ResponseSettings, inference: Inference) -> int:
    """How many known faces its model is sure of, where the answer has none of them; 0: it has one, or that is not known."""
    faces = faces_of(body, wanted)
    if isinstance(faces, Wrong) or not inference.posted:
        return 0
    known = [face.box for picture in expected() if picture.name == POSTED for face in picture.faces]
    sure = [box for box in known if any(overlap(face.box, box) > AT for face in inference.posted)]
    told = [corners(face[wanted.box], wanted) for face in faces] if wanted.box else []
    if faces and not told:
        return 0  # how it names their places nobody has said
    return 0 if any(overlap(one, box) > AT for one in told for box in sure) else len(sure)


def is_its_model(settings: Settings, target: Target) -> bool:
    """The model that was run is the service's: somebody named it, or its process does."""
    return target.of_a_process or settings.of(ModelSettings).path is not None
