"""Which running process is the service: the one that --pid names, the holder of a port, or the only one there is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from urllib.parse import urlsplit

from retina_doctor.authoring import RunningService
from retina_doctor.codec import Data, replace
from retina_doctor.errors import UsageError, described
from retina_doctor.model import Chosen
from retina_doctor.process_python import python_of
from retina_doctor.quoting import visible
from retina_doctor.registry import Catalogue
from retina_doctor.settings import Settings
from retina_doctor.standpoint import Standpoint, standpoint_of

Choose = Callable[[Sequence[RunningService]], RunningService | None]
"""Asks the operator which of several services is meant, or tells that none may be looked into; None: none of them."""


class Attachment(Data, frozen=True, kw_only=True):
    """Settings with what the service's own process says, and how that process was come by."""

    settings: Settings
    how: Chosen = "service"
    note: str | None = None
    """What the operator should know of a service that was found: why it is not looked into, or with whose rights it is."""


def attach(settings: Settings, catalogue: Catalogue, choose: Choose) -> Attachment:
    """As `_attach`; a pack whose finder breaks costs what it would have found, and not the report."""
    try:
        return _attach(settings, catalogue, choose)
    except UsageError:
        raise
    except Exception as error:
        return Attachment(settings=settings, note=f"running services could not be looked for: {described(error)}")


def _attach(settings: Settings, catalogue: Catalogue, choose: Choose) -> Attachment:
    """The settings with the process of the running service in them, and the model of its command line.

    What the operator named himself stays. A named target or host is looked at as it is: no process is looked for. Another
    user's process, or one in a container, is attached to only where its number or port is named, or it was chosen of several.
    """
    named = settings.service
    if named.pid is not None:
        one = next(iter(catalogue.services(named.pid, None)), None)
        standpoint = _standpoint(named.pid) if settings.target.command is None else None
        return Attachment(settings=_with(settings, one), note=_entering(standpoint) if standpoint else None)
    if not named.attach or settings.target.command is not None or named.host is not None or settings.scan.paths:
        return Attachment(settings=settings)
    port = named.port or _local_port(named.url)
    if port is None and named.url is not None:
        return Attachment(settings=settings)
    found = catalogue.services(None, port)
    if not found and named.port is None:
        found = catalogue.services(None, None)  # what listens at the URL may be a proxy before it
    alone = len(found) == 1 and found[0].readable
    one = found[0] if alone else choose(found) if found else None
    try:
        standpoint = _standpoint(one.pid) if one else None
        if one and (standpoint is None or python_of(one.pid).problem in ("ended", "no-python")):
            one = None
    except UsageError as error:
        return Attachment(settings=settings, note=f"a service runs here and is not looked at: {error}")
    if one is None or standpoint is None:
        return Attachment(settings=settings, how="found")
    if standpoint.foreign and alone and named.port is None:
        return Attachment(settings=settings, note=_unasked(one, standpoint))
    how: Chosen = "port" if port in one.ports else "found"
    return Attachment(settings=_with(settings, one), how=how, note=_entering(standpoint))


def _standpoint(pid: int) -> Standpoint | None:
    """None: it is gone. Raises UsageError where it may not be looked into."""
    try:
        return standpoint_of(pid)
    except (FileNotFoundError, ProcessLookupError):
        return None


def _entering(standpoint: Standpoint) -> str | None:
    """Said before anything of another user's, or in a container, is started."""
    if not standpoint.foreign:
        return None
    return f"process {standpoint.pid} belongs to {standpoint.owner}: its Python is started as that user"


def _unasked(one: RunningService, standpoint: Standpoint) -> str:
    told = f"a service of {standpoint.owner} runs here, and is not looked into unless you name it: --pid {one.pid}"
    return f"{told}  ({visible(one.command)})"


def _with(settings: Settings, one: RunningService | None) -> Settings:
    if one is None:
        return settings
    model = settings.model
    if model.path is None and one.model is not None:
        model = replace(model, path=one.model)
    return replace(settings, service=replace(settings.service, pid=one.pid), model=model)


def _local_port(url: str | None) -> int | None:
    """The port of a URL of this machine, as far as its words tell."""
    try:
        parts = urlsplit(url if url and "://" in url else f"http://{url}")
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    except ValueError:
        return None
    name = parts.hostname or ""
    return port if url and (name in ("localhost", "::1") or name.startswith(("127.", "0.0.0.0"))) else None  # noqa: S104
