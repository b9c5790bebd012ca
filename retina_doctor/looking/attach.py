"""Which running process is the service: the one that --pid names, the holder of a port, or the only one there is."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

from retina_doctor.apart import unless_local
from retina_doctor.authoring import RunningService
from retina_doctor.catalogue.registry import Catalogue
from retina_doctor.codec import Data
from retina_doctor.errors import UsageError, described
from retina_doctor.kinds import Kind
from retina_doctor.model import Against, Chosen, PassedOver
from retina_doctor.quoting import visible
from retina_doctor.settings import Settings
from retina_doctor.standpoint.process_python import python_of
from retina_doctor.standpoint.standpoint import Standpoint, standpoint_of

Choose = Callable[[Sequence[RunningService]], RunningService | None]
"""Asks the operator which of these services is meant; None: none of them, or nobody is there to ask."""


class Attachment(Data, frozen=True, kw_only=True):
    """Settings with what the service's own process says, and how that process was come by."""

    settings: Settings
    how: Chosen = "service"
    note: str | None = None
    """What the operator should know of a service that was found: why it is not looked into, or with whose rights it is."""
    passed_over: tuple[PassedOver, ...] = ()
    closed: bool = False
    """The operator named a port, and what listens there is another user's, into which this one may not look."""


def attach(settings: Settings, catalogue: Catalogue, choose: Choose) -> Attachment:
    """As `_attach`; a pack whose finder breaks costs what it would have found, and not the report."""
    try:
        return _attach(settings, catalogue, choose)
    except UsageError:
        raise
    except Exception as error:
        return Attachment(settings=settings, note=f"running services could not be looked for: {described(error)}")


def _attach(settings: Settings, catalogue: Catalogue, choose: Choose) -> Attachment:
    """The settings with the process of the running service in them, and what that process says of itself.

    What the operator named himself stays. A named target is looked at as it is: no process is looked for. A process that was
    named by its number or port is looked at wherever it is, whosever it is. Unasked, the only one there is, if nothing speaks
    against it. Of several, or where something does, the operator chooses, or none is taken.
    """
    named = settings.process
    if named.pid is None and settings.target.command is not None:
        return Attachment(settings=settings)
    if named.pid is None and not named.attach:
        return Attachment(settings=_as_started(settings, catalogue))
    found = unless_local(lambda: catalogue.services(settings))
    if named.pid is not None:
        standpoint = _standpoint(named.pid) if settings.target.command is None else None
        note = _entering(standpoint) if standpoint else None
        return Attachment(settings=_with(settings, next(iter(found), None)), note=note)
    candidates = [one for one in map(_candidate, found) if one is not None]
    if len(candidates) == 1 and not candidates[0].against:
        return _attached(settings, candidates[0])
    choice = choose([one.service for one in candidates if one.standpoint is not None])
    chosen = next((one for one in candidates if one.service is choice), None)
    if chosen is not None:
        return _attached(settings, chosen)
    seen = tuple(_passed_over(one, len(candidates)) for one in candidates)
    left = _as_started(settings, catalogue)
    closed = bool(seen) and all(one.service.named and one.standpoint is None for one in candidates)
    return Attachment(settings=left, how="found", note=passed_over_words(seen), passed_over=seen, closed=closed)


def _as_started(settings: Settings, catalogue: Catalogue) -> Settings:
    """Where it does not run, its Python is the one that its start command names; so are its model and its folder."""
    for say in catalogue.started:
        settings = settings.implied(say(settings))
    words = catalogue.python(settings)
    return settings.implied({"target": {"command": list(words)}}) if words else settings


class _Candidate(Data, frozen=True):
    """A service that was found. *standpoint* None: this user may not look into it. *against*: what speaks against it."""

    service: RunningService
    standpoint: Standpoint | None
    against: tuple[tuple[Against, str], ...]


def _candidate(one: RunningService) -> _Candidate | None:
    """None: it has ended meanwhile, or is no Python; at the port that was named, no other Python stands in for it."""
    if not one.readable:
        return _Candidate(one, None, (("user", ""),))
    try:
        standpoint = standpoint_of(one.pid)
        problem = python_of(one.pid).problem
        if problem == "ended" or (problem == "no-python" and not one.named):
            return None
    except (FileNotFoundError, ProcessLookupError):
        return None
    except UsageError as error:
        return _Candidate(one, None, (("refused", str(error)),))
    against: list[tuple[Against, str]] = []
    if not one.named:
        if standpoint.contained:
            against.append(("container", ""))
        against += one.doubts
    return _Candidate(one, standpoint, tuple(against))


def _attached(settings: Settings, one: _Candidate) -> Attachment:
    assert one.standpoint is not None
    return Attachment(settings=_with(settings, one.service), how=one.service.how, note=_entering(one.standpoint))


def _passed_over(one: _Candidate, count: int) -> PassedOver:
    against: tuple[tuple[Against, str], ...] = one.against
    if count > 1 and one.standpoint is not None:
        against = (("several", ""),)
    why, detail = against[0]
    service, standpoint = one.service, one.standpoint
    user = standpoint.user_name if standpoint else service.user or "?"
    return PassedOver(pid=service.pid, command=service.command, user=user, ports=service.ports, why=why, detail=detail)


BECAUSE = {
    "several": "",
    "container": "it is in a container",
    "user": "this user may not look into it",
    "refused": "this user may not look into it",
    "variable": "{detail} names another model here than there",
    "model": "it does not read the model that was named, {detail}",
    "folder": "the current folder holds another service ({detail})",
}


def passed_over_words(seen: Sequence[PassedOver]) -> str | None:
    """One line: what runs here and is not looked into, why, and the flag that chooses it."""
    if not seen:
        return None
    if len(seen) > 1:
        told = "; ".join(f"--pid {one.pid}  port {_ports(one)}  {_short(one)}" for one in seen)
        if all(one.why == "user" for one in seen):
            return f"these may be the service, and belong to other users: {told}  ({_as_whom('one of them')})"
        return f"several services run here; --pid chooses one: {told}"
    [one] = seen
    if one.why == "user":
        told = f"--pid {one.pid}  port {_ports(one)}  {_short(one)}"
        return f"this may be the service, and belongs to another user: {told}  ({_as_whom(one.user)})"
    if one.why == "refused":
        return f"a service runs here and is not looked at: {one.detail}"
    because = BECAUSE[one.why].format(detail=one.detail)
    owner = f"user {one.user}, in a container" if one.why == "container" else f"user {one.user}"
    told = f"a service of {owner} runs here, and is not looked into unless you name it: --pid {one.pid}"
    return f"{told}  ({_short(one)}): {because}"


def _as_whom(user: str) -> str:
    if os.geteuid() == 0:
        return f"root has not the right to look into it here, CAP_SYS_PTRACE; run the doctor as {user}"
    return f"run the doctor as root, or as {user}"


def _ports(one: PassedOver) -> str:
    return ", ".join(map(str, one.ports)) or "?"


def _short(one: PassedOver) -> str:
    from retina_doctor.redaction import shown

    return str(visible(shown(one.command, Kind.COMMAND)))[:160]


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


def _with(settings: Settings, one: RunningService | None) -> Settings:
    return settings.implied(one.settings).changed(service={"pid": one.pid}) if one else settings
