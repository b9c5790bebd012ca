"""Does the GPU have the memory that the model needs, and who holds it?"""

from pathlib import Path

from retina_doctor.authoring import Domain, Probe, Side

from ..facts.memory import Calibrations, Footprint
from ..settings import ModelSettings
from . import checks, held_checks, run_checks

PROBES = "retina_doctor_checks.probes"

probe = Probe(
    name="footprint",
    facts=Footprint,
    module=f"{PROBES}.memory.look_footprint",
    side=Side.TARGET,
    heavy=True,
    group="onnxruntime",
    hangs_with=("models",),
    arguments=lambda settings: {"path": settings.of(ModelSettings).path, "root": settings.of(ModelSettings).root},
)

calibrations = Probe(
    name="calibrations",
    since="0.3",
    facts=Calibrations,
    module=f"{PROBES}.memory.look_calibrations",
    side=Side.OWN,
    share=True,
)

domain = Domain(
    name="memory",
    probes=(probe, calibrations),
    checks=(
        checks.vram_insufficient,
        held_checks.vram_held_by_others,
        checks.vram_input_too_large,
        checks.vram_too_many_workers,
        held_checks.vram_framework_grabs_all,
        checks.vram_tight,
        run_checks.vram_shape_churn,
        run_checks.vram_fragmented,
    ),
    pages=Path(__file__).parent / "pages",
)
