"""What the service's own source imports when it is started, and its Python does not have."""

from __future__ import annotations

from retina_doctor.model import Severity

from ..facts.service_start import MissingModule, Start

WITH_IT = {"torch": ("torchvision", "torchaudio", "facenet_pytorch")}
"""Package -> what goes with it, and is of no use without."""


def alone_missing(start: Start | None, name: str) -> MissingModule | None:
    """Where the package is imported, if nothing but it is missing: else it is the environment that is another one."""
    missing = {one.name: one for one in reversed(start.missing)} if start is not None else {}
    of_it = {name, *WITH_IT.get(name, ())}
    return missing.get(name) if set(missing) <= of_it else None


def at_most(start: Start | None) -> Severity | None:
    """A file that was chosen by its name alone may be none of the service's, or be started from another folder."""
    return Severity.WARNING if start is not None and start.source == "folder" else None
