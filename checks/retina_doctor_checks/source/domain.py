"""Does the service's own source keep it from the GPU, or from its faces? Asked by `retina-doctor scan`."""

from pathlib import Path

from retina_doctor.authoring import Domain, Probe, Side

from . import checks
from .facts import Source

PACK = "retina_doctor_checks.source"
PYTHON = ("tree", "values", "flow", "lines", "sessions", "detector", "rules", "read")

probe = Probe(
    name="source",
    facts=Source,
    module=f"{PACK}.look_source",
    sends=tuple(f"{PACK}.python.{name}" for name in PYTHON),
    side=Side.OWN,
    arguments=lambda settings: {"paths": list(settings.scan.paths)},
)

domain = Domain(
    name="source",
    probes=(probe,),
    checks=(
        checks.ort_provider_not_requested,
        checks.cuda_hardcoded,
        checks.det_parameter_ignored,
        checks.no_face_not_handled,
    ),
    pages=Path(__file__).parent / "pages",
)
