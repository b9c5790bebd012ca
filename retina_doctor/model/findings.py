"""What checks say: problems, or why there is no judgement; and the findings that are made of problems."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from retina_doctor.codec import Data, field
from retina_doctor.model.recorded import Json


class Severity(StrEnum):
    NOTE = "note"
    WARNING = "warning"
    ERROR = "error"

    @property
    def rank(self) -> int:
        """0 for a note, 1 for a warning, 2 for an error."""
        return _RANKS[self]

    def capped(self, at_most: Severity | None) -> Severity:
        """The lesser of the two; *at_most* None means no cap."""
        return self if at_most is None or self.rank <= at_most.rank else at_most


class Action(StrEnum):
    """What kind of action a finding asks for, in the order in which such steps are taken."""

    MACHINE = "machine"  # another machine or card
    PROVIDER = "provider"  # whoever starts the container or lends the machine
    ROOT = "root"
    REBOOT = "reboot"
    PIP = "pip"  # packages of the service's Python
    EDIT = "edit"  # the user's own files: source, settings, models, links
    LOOK = "look"  # only decides what the cause is
    RESTART = "restart"  # of the service


_RANKS = {severity: rank for rank, severity in enumerate(Severity)}


class Location(Data, frozen=True, kw_only=True):
    file: str
    line: int
    column: int = 1


class Problem(Data, frozen=True, kw_only=True):
    """What a check reports: on which subject ("gpu:1", "model:det_10g.onnx"), with which evidence. No prose.

    *variant*: which of the things that the check tells apart; its page has a section for each. *action*: what it asks for,
    where that is not what its check asks for."""

    subject: str
    evidence: Mapping[str, Json] = field(default_factory=dict)
    at_most: Severity | None = None
    location: Location | None = None
    variant: str = ""
    action: Action | None = None


class Reason(Data, frozen=True):
    """A key of a pack's reasons table and what fills its placeholders."""

    key: str
    values: Mapping[str, Json] = field(default_factory=dict)


class Passed(Data, frozen=True):
    """Nothing wrong, and something worth showing."""

    reason: Reason


class Inapplicable(Data, frozen=True):
    """Something in the settings or facts says that the question does not arise."""

    reason: Reason


class Unknown(Data, frozen=True):
    """The facts were there, but what the judgement rests on was not among them."""

    missing: tuple[str, ...]


class FindingKey(Data, frozen=True, kw_only=True):
    code: str
    name: str
    subject: str


class Finding(Data, frozen=True, kw_only=True):
    code: str
    name: str
    severity: Severity
    subject: str
    evidence: Mapping[str, Json]
    root: FindingKey | None
    location: Location | None
    pitfall: int | None
    action: Action | None = None
    variant: str = ""

    @property
    def key(self) -> FindingKey:
        return FindingKey(code=self.code, name=self.name, subject=self.subject)
