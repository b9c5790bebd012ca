"""Does the service's own source keep it from the GPU, or from its faces? Asked by `retina-doctor scan`."""

from pathlib import Path

from retina_doctor.authoring import Domain, Probe, Side

from . import checks, figure_checks, serving_checks
from .facts import Source

PACK = "retina_doctor_checks.source"
PYTHON = ("tree", "values", "flow", "lines", "sessions", "detector", "paths", "pictures", "serving", "rules", "read")

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
        checks.model_wrong_directory,
        checks.image_not_read,
        figure_checks.det_threshold_too_high,
        figure_checks.det_threshold_too_low,
        figure_checks.det_nms_too_high,
        figure_checks.det_nms_too_low,
        figure_checks.det_size_not_multiple_of_32,
        serving_checks.service_loopback_only,
    ),
    pages=Path(__file__).parent / "pages",
)
