"""Does the service's model path lead to a face detector that can be read?"""

from pathlib import Path

from retina_doctor.authoring import Domain, Probe, Side

from . import checks
from .facts import Model

probe = Probe(
    name="models",
    facts=Model,
    module="retina_doctor_checks.models.look_models",
    sends=("retina_doctor_checks.models.locate", "retina_doctor_checks.models.onnx_walk"),
    side=Side.TARGET,
    share=True,
    arguments=lambda settings: {"path": settings.model.path, "root": settings.model.root},
)

domain = Domain(
    name="models",
    probes=(probe,),
    checks=(
        checks.model_missing,
        checks.model_wrong_directory,
        checks.model_name_typo,
        checks.model_nested_directory,
        checks.model_pack_incomplete,
        checks.model_corrupt,
        checks.model_empty,
        checks.model_lfs_pointer,
        checks.model_not_a_model,
        checks.model_unreadable,
    ),
    pages=Path(__file__).parent / "pages",
)
