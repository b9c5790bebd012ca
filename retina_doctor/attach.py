"""Which running process is the service: the one that --pid names, the holder of a port, or the only one there is."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from retina_doctor.authoring import RunningService
from retina_doctor.codec import Data
from retina_doctor.errors import UsageError
from retina_doctor.model import Chosen
from retina_doctor.process_python import python_of
from retina_doctor.registry import Catalogue
from retina_doctor.settings import Settings

Choose = Callable[[Sequence[RunningService]], RunningService | None]
"""Asks the operator which of several services is meant, or tells that none may be looked into; None: none of them."""


class Attachment(Data, frozen=True, kw_only=True):
    """Settings with what the service's own process says, and how that process was come by."""

    settings: Settings
    how: Chosen = "service"
    note: str | None = None
    """What the operator should know of a service that was found and cannot be looked into."""


def attach(settings: Settings, catalogue: Catalogue, choose: Choose) -> Attachment:
    """The settings with the process of the running service in them, and what that process says of itself.

    What the operator named himself stays. A named target is looked at as it is: no process is looked for.
    """
    named = settings.process
    if named.pid is None and (not named.attach or settings.target.command is not None):
        return Attachment(settings=settings)
    found = catalogue.services(settings)
    if named.pid is not None:
        return Attachment(settings=_with(settings, next(iter(found), None)))
    one = found[0] if len(found) == 1 and found[0].readable else choose(found) if found else None
    try:
        if one is not None and python_of(one.pid) is None:
            one = None
    except UsageError as error:
        return Attachment(settings=settings, note=f"a service runs here and is not looked at: {error}")
    return Attachment(settings=_with(settings, one), how=one.how if one else "found")


def _with(settings: Settings, one: RunningService | None) -> Settings:
    return settings.implied(one.settings).changed(service={"pid": one.pid}) if one else settings
