"""Is this machine what the operator expects, and does it reach what it is to reach?"""

from pathlib import Path

from retina_doctor.authoring import Domain

from . import checks

domain = Domain(
    name="expect",
    checks=(
        checks.gpu_count_unexpected,
        checks.gpu_name_unexpected,
        checks.driver_version_unexpected,
        checks.provider_unexpected,
        checks.face_count_unexpected,
        checks.model_hash_unexpected,
        checks.free_memory_below_expected,
        checks.latency_above_expected,
        checks.speedup_below_expected,
    ),
    pages=Path(__file__).parent / "pages",
)
