"""What changed between two runs, node by node: pure, of two snapshots each.

Where other root causes stand than before, `comparing` tries which change makes them; elsewhere what changed is read off.
"""

from __future__ import annotations

from collections.abc import Mapping

from retina_doctor.catalogue.registry import Catalogue
from retina_doctor.codec import Data, to_line
from retina_doctor.fleet.differences import shown
from retina_doctor.fleet.history import Kept
from retina_doctor.fleet.traits import Traits, Value
from retina_doctor.judging.comparing import Change, Comparison, compare
from retina_doctor.language import Language
from retina_doctor.model import Diagnosis, Snapshot
from retina_doctor.words.pages import spoken


class CauseTold(Data, frozen=True, kw_only=True):
    """A finding that came or went. *root*: the name of what explains it, or ""."""

    name: str
    code: str
    title: str
    root: str


class Changed(Data, frozen=True, kw_only=True):
    """What is new on some nodes. *changes*: those that findings hang on first. *causes*: what is said of each name in
    *appeared* and *gone* on the first of these nodes."""

    appeared: tuple[str, ...]
    gone: tuple[str, ...]
    changes: tuple[Change, ...]
    causes: Mapping[str, CauseTold] = {}

    @property
    def key(self) -> str:
        """Equal for nodes that changed alike; titles may name a path."""
        return to_line([self.appeared, self.gone, self.changes])


class Difference(Data, frozen=True, kw_only=True):
    """*groups*: nodes that changed alike, those with new root causes first. *added*, *removed*: told in one run alone. *lost*:
    not reached now, and told before."""

    before: Kept
    after: Kept
    groups: tuple[tuple[tuple[str, ...], Changed], ...]
    added: tuple[str, ...]
    removed: tuple[str, ...]
    lost: tuple[str, ...]

    @property
    def exit_code(self) -> int:
        if any(one.appeared for _, one in self.groups):
            return 1
        return 3 if self.lost else 0


def changed(before: Snapshot, after: Snapshot, tried: bool, catalogue: Catalogue, language: Language) -> Changed | None:
    """None: nothing. *tried*: which change makes which finding. Raises UsageError where settings name unknown checks."""
    if tried:
        told: Comparison = compare(before, after, catalogue)
        mattering = tuple(one for one in told.changes if one.findings)
        others = tuple(one for one in told.changes if not one.findings)
        causes = {
            **{name: _cause(name, told.before, catalogue, language) for name in told.gone},
            **{name: _cause(name, told.after, catalogue, language) for name in told.appeared},
        }
        return Changed(appeared=told.appeared, gone=told.gone, changes=(*mattering, *others), causes=causes)
    was, now = (_traits(one, catalogue) for one in (before, after))
    changes = tuple(
        Change(what=what, before=_told(was, what), after=_told(now, what))
        for what in dict.fromkeys((*now, *was))
        if _told(was, what) != _told(now, what) and what != "doctor"
    )
    return Changed(appeared=(), gone=(), changes=changes) if changes else None


def _cause(name: str, where: Diagnosis, catalogue: Catalogue, language: Language) -> CauseTold:
    finding = next(one for one in where.findings if one.name == name)
    title = spoken(finding, where.snapshot, catalogue, language).title.replace("`", "")
    return CauseTold(name=name, code=finding.code, title=title, root=finding.root.name if finding.root else "")


def _traits(snapshot: Snapshot, catalogue: Catalogue) -> Mapping[str, Value]:
    traits = Traits()
    traits.take(0, snapshot, catalogue)
    return {what: next(iter(values)) for what, values in traits.values.items()}


def _told(traits: Mapping[str, Value], what: str) -> str | None:
    return shown(traits[what]) if what in traits else None
