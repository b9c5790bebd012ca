"""What is known of the target's Python environment as a whole."""

from __future__ import annotations

from retina_doctor.authoring import Facts


class Shadow(Facts, frozen=True, kw_only=True):
    """A file or folder of the working directory that bears the name of a package the service needs."""

    name: str
    path: str
    installed: bool


class WorkingDirectory(Facts, frozen=True, kw_only=True):
    path: str
    shadows: tuple[Shadow, ...]
