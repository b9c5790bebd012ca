"""Do the detection settings lose faces, invent them, or break the detector's grid? Judged on settings and what other domains
looked at: no probe."""

from pathlib import Path

from retina_doctor.authoring import Domain

from . import checks

domain = Domain(
    name="detection",
    checks=(
        checks.det_threshold_too_high,
        checks.det_threshold_too_low,
        checks.det_nms_too_high,
        checks.det_nms_too_low,
        checks.det_size_not_multiple_of_32,
        checks.det_size_too_small,
        checks.det_size_ignored,
        checks.det_size_too_large,
    ),
    pages=Path(__file__).parent / "pages",
)
