"""What settings say of a check before anything is looked at."""

from __future__ import annotations

from retina_doctor.authoring import EVERYWHERE, Scope
from retina_doctor.model import Reason, Severity
from retina_doctor.settings import Settings

from .settings import GpuSettings, ScanSettings


def gpu_meant(settings: Settings) -> Scope:
    """gpu: full severity; auto: a warning at most; cpu: the question does not arise."""
    device = settings.of(GpuSettings).device
    if device == "cpu":
        return Scope(inapplicable=Reason("device-cpu"))
    return Scope(at_most=Severity.WARNING) if device == "auto" else EVERYWHERE


def reads_own(settings: Settings) -> bool:
    """Whether the service's own few files are read."""
    scan = settings.of(ScanSettings)
    return not (scan.paths or scan.no_source or settings.gate.quick)
