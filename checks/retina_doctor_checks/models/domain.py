"""Does the service's model path lead to a face detector that can be read?"""

from pathlib import Path

from retina_doctor.authoring import Domain, Probe, Side

from ..facts.models import Model
from ..settings import ExpectSettings, ModelSettings
from . import checkpoint_checks, checks, download_checks, kind_checks, loading_checks

probe = Probe(
    name="models",
    facts=Model,
    module="retina_doctor_checks.probes.models.look_models",
    side=Side.TARGET,
    share=True,
    arguments=lambda settings: {
        "path": settings.of(ModelSettings).path,
        "root": settings.of(ModelSettings).root,
        "sha256": settings.of(ExpectSettings).model_sha256 is not None,
    },
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
        kind_checks.model_not_a_model,
        checks.model_unreadable,
        loading_checks.model_external_data_missing,
        checkpoint_checks.model_weights_mismatch,
        checkpoint_checks.model_unsafe_pickle,
        kind_checks.model_not_a_detector,
        loading_checks.model_opset_too_new,
        loading_checks.model_ir_too_new,
        download_checks.model_unknown_name,
        download_checks.model_cache_not_writable,
        download_checks.model_download_failed,
        download_checks.disk_full,
    ),
    pages=Path(__file__).parent / "pages",
)
