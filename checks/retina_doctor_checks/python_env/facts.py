"""What is known of the target's Python environment as a whole."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Shadow:
    """A file or folder of the working directory that bears the name of a package the service needs."""

    name: str
    path: str
    installed: bool


@dataclass(frozen=True, kw_only=True)
class WorkingDirectory:
    path: str
    shadows: tuple[Shadow, ...]
