"""The checks for RetinaFace / InsightFace services: one folder per domain."""

from pathlib import Path

from retina_doctor.authoring import Pack

from . import models
from .causes import causes

pack = Pack(
    name="retinaface",
    domains=(models.domain,),
    causes=causes,
    reasons=Path(__file__).parent / "reasons.toml",
)
