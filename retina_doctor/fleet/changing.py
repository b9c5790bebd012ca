"""What changed between two runs, node by node: pure, of two snapshots each.

Where other root causes stand than before, `comparing` tries which change makes them; elsewhere what changed is read off.
"""

from __future__ import annotations

from collections.abc import Mapping

from retina_doctor.codec import Data, to_line
from retina_doctor.comparing import Change, Comparison, compare
from retina_doctor.fleet.differences import shown
from retina_doctor.fleet.traits import Traits, Value
from retina_doctor.model import Snapshot
from retina_doctor.registry import Catalogue


class Changed(Data, frozen=True, kw_only=True):
    """What is new on some nodes. *changes*: those that findings hang on first."""

    appeared: tuple[str, ...]
    gone: tuple[str, ...]
    changes: tuple[Change, ...]

    @property
    def key(self) -> str:
        """Equal for nodes that changed alike."""
        return to_line(self)


def changed(before: Snapshot, after: Snapshot, tried: bool, catalogue: Catalogue) -> Changed | None:
    """None: nothing. *tried*: which change makes which finding. Raises UsageError where settings name unknown checks."""
    if tried:
        told: Comparison = compare(before, after, catalogue)
        mattering = tuple(one for one in told.changes if one.findings)
        others = tuple(one for one in told.changes if not one.findings)
        return Changed(appeared=told.appeared, gone=told.gone, changes=(*mattering, *others))
    was, now = (_traits(one, catalogue) for one in (before, after))
    changes = tuple(
        Change(what=what, before=_told(was, what), after=_told(now, what))
        for what in dict.fromkeys((*now, *was))
        if _told(was, what) != _told(now, what) and what != "doctor"
    )
    return Changed(appeared=(), gone=(), changes=changes) if changes else None


def _traits(snapshot: Snapshot, catalogue: Catalogue) -> Mapping[str, Value]:
    traits = Traits()
    traits.take(0, snapshot, catalogue)
    return {what: next(iter(values)) for what, values in traits.values.items()}


def _told(traits: Mapping[str, Value], what: str) -> str | None:
    return shown(traits[what]) if what in traits else None
