"""Does the GPU have the memory that the model needs, and who holds it? Judged on other domains' facts: no probe."""

from pathlib import Path

from retina_doctor.authoring import Domain

from . import checks

domain = Domain(
    name="memory",
    checks=(checks.vram_insufficient, checks.vram_held_by_others),
    pages=Path(__file__).parent / "pages",
)
