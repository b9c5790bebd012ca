"""Python and system libraries of the target."""

from pathlib import Path

from retina_doctor.authoring import Domain, Probe, Side

from . import checks
from .facts import WorkingDirectory

probe = Probe(
    name="working_directory",
    facts=WorkingDirectory,
    module="retina_doctor_checks.python_env.look_directory",
    side=Side.TARGET,
)

domain = Domain(
    name="python_env",
    probes=(probe,),
    checks=(checks.working_directory_shadows_package,),
    pages=Path(__file__).parent / "pages",
)
