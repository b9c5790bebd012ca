"""What changed between two snapshots, and which findings hang on it: a pure function of both and the catalogue.

Which change makes a finding is tried, not guessed: the later machine is judged once more with that one change undone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from retina_doctor.catalogue.registry import Catalogue, Want
from retina_doctor.codec import Data, Facts, decode, encode, replace
from retina_doctor.errors import UsageError
from retina_doctor.judging.diagnose import diagnose
from retina_doctor.judging.readings import Readings
from retina_doctor.model import Diagnosis, Finding, Json, Outcome, Recorded, Snapshot
from retina_doctor.redaction import redact, without_secrets
from retina_doctor.settings import Settings

MOST_TRIED = 200
"""Changes that are undone one by one; two machines that share nothing differ in more, and a judgement takes ~10 ms."""
IDENTITIES = ("index", "ordinal", "path", "name", "soname", "module", "file", "how", "address", "kind")
"""Fields by which an entry of a list is told among the others, best first."""
NOISE = re.compile(
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?|\b\d\d:\d\d:\d\d(?:[.,]\d+)?|0x[0-9a-f]{6,}"
    r"|\b(?:pid|process|thread|tid)[ =:#]*\d+"
)
"""Times, addresses and numbers of processes within a text: two that differ in these alone say the same."""

Steps = tuple[str | int, ...]


class Change(Data, frozen=True, kw_only=True):
    """*what*: where it stands among the facts, "nvml.driver". *before*, *after*: None where there was nothing.
    *findings*: names of those that would be gone, or there again, without this change."""

    what: str
    before: Json
    after: Json
    findings: tuple[str, ...] = ()


class Comparison(Data, frozen=True, kw_only=True):
    """*changes*: those that findings hang on first. *appeared*, *gone*: names, roots first."""

    changes: tuple[Change, ...]
    appeared: tuple[str, ...]
    gone: tuple[str, ...]
    before: Diagnosis
    after: Diagnosis

    @property
    def exit_code(self) -> int:
        return 1 if self.appeared else 0


def compare(before: Snapshot, after: Snapshot, catalogue: Catalogue) -> Comparison:
    """Raises UsageError where the settings of one name checks that do not exist."""
    if before.redacted != after.redacted:  # else every name would differ from the word that stands for it
        before, after = (one if one.redacted else redact(one, catalogue) for one in (before, after))
    before, after = without_secrets(before, catalogue), without_secrets(after, catalogue)
    was, now = diagnose(before, catalogue), diagnose(after, catalogue)
    differing = list(_differing(before, after, catalogue))
    appeared, gone = _more(now.findings, was.findings), _more(was.findings, now.findings)
    names_in_order = dict.fromkeys((*appeared, *gone, *(one.name for one in now.findings)))
    order = {name: place for place, name in enumerate(names_in_order)}
    tried = [_hanging(one, now, set(gone), catalogue) for one in differing[:MOST_TRIED]]
    unexplained = ({*appeared} | {*gone}).difference(*tried)
    looked_at = [_rests_on(name, catalogue) for name in (*appeared, *gone)]
    ranked: list[tuple[tuple[int, int], Change]] = []
    for place, one in enumerate(differing):
        names = set(tried[place]) if place < len(tried) else set()
        names |= {name for name in unexplained if one.probe in _rests_on(name, catalogue)}
        by_name = sorted(names, key=lambda name: order[name])
        # Of what no finding hangs on alone, what their checks look at comes first.
        near = next((rank for rank, probes in enumerate(looked_at) if one.probe in probes), len(looked_at))
        rank = (order[by_name[0]] if by_name else len(order), near)
        ranked.append((rank, replace(one.change, findings=tuple(by_name))))
    changes = tuple(change for _, change in sorted(ranked, key=lambda pair: pair[0]))
    return Comparison(changes=changes, appeared=appeared, gone=gone, before=was, after=now)


def _more(these: Sequence[Finding], than: Sequence[Finding]) -> tuple[str, ...]:
    """Names that more of *these* bear; subjects (a port, a path) may be called otherwise on another machine."""
    names = [one.name for one in sorted(these, key=lambda finding: finding.root is not None)]
    others = [one.name for one in than]
    return tuple(name for name in dict.fromkeys(names) if names.count(name) > others.count(name))


def _rests_on(name: str, catalogue: Catalogue) -> set[str]:
    """The probes without whose facts none of the checks of that name judges."""
    return {
        catalogue.probe_of[need.facts].name
        for entry in catalogue.entries
        if entry.check.name == name
        for need in entry.needs
        if need.want is not Want.OPTIONAL and need.facts in catalogue.probe_of
    }


class _Difference(Data, frozen=True, kw_only=True):
    """A change, and the later snapshot as it would be without it. *probe* "": of the settings."""

    change: Change
    probe: str
    undone: Snapshot


def _hanging(one: _Difference, now: Diagnosis, gone: set[str], catalogue: Catalogue) -> tuple[str, ...]:
    try:
        without = diagnose(one.undone, catalogue).findings
    except UsageError:
        return ()
    lost = _more(now.findings, without)
    back = (name for name in _more(without, now.findings) if name in gone)
    return (*lost, *back)


def _differing(before: Snapshot, after: Snapshot, catalogue: Catalogue) -> Iterator[_Difference]:
    old, new = encode(before.settings), encode(after.settings)
    for what, steps, was, now in _walk(old, new, "settings"):
        settings = decode(_put(new, steps, _at(old, steps)), Settings)
        change = Change(what=what, before=encode(was), after=encode(now))
        yield _Difference(change=change, probe="", undone=replace(after, settings=settings))
    if before.target.command != after.target.command:
        commands = (encode(one.target.command) for one in (before, after))
        change = Change(what="target.command", before=next(commands), after=next(commands))
        yield _Difference(change=change, probe="", undone=replace(after, target=before.target))
    for probe in dict.fromkeys((*after.readings, *before.readings)):
        yield from _of_probe(probe, before, after, catalogue)


def _of_probe(probe: str, before: Snapshot, after: Snapshot, catalogue: Catalogue) -> Iterator[_Difference]:
    was, now = before.readings.get(probe), after.readings.get(probe)

    def undone(recorded: Recorded | None) -> Snapshot:
        readings = {name: one for name, one in after.readings.items() if name != probe}
        return replace(after, readings=readings if recorded is None else {**readings, probe: recorded})

    old, new = _ended(was), _ended(now)
    if was is None or now is None or was.outcome is not now.outcome:
        if old != new:
            yield _Difference(change=Change(what=probe, before=old, after=new), probe=probe, undone=undone(was))
        return
    if _still(old) != _still(new):
        yield _Difference(change=Change(what=probe, before=old, after=new), probe=probe, undone=undone(was))
    typed = [_typed(one, probe, catalogue) for one in (before, after)]
    facts = [encode(one) for one in typed]
    for what, steps, earlier, later in _walk(typed[0], typed[1], probe):
        recorded = replace(now, facts=_put(facts[1], steps, _at(facts[0], steps)))
        change = Change(what=what, before=encode(earlier), after=encode(later))
        yield _Difference(change=change, probe=probe, undone=undone(recorded))


def _ended(recorded: Recorded | None) -> str | None:
    """How the looking ended, in its own words. None: not looked."""
    if recorded is None or recorded.outcome is Outcome.NOT_RUN:
        return None
    return recorded.outcome.replace("_", " ") + (f": {recorded.detail}" if recorded.detail else "")


def _typed(snapshot: Snapshot, probe: str, catalogue: Catalogue) -> Any:
    """The facts as their own type, which knows what varies; as plain data where no pack here knows them."""
    known = catalogue.probes.get(probe)
    reading = Readings(snapshot, catalogue).of(known.facts) if known else None
    value = reading.value if reading else None
    return dict(snapshot.readings[probe].facts) if value is None else value


_GONE = object()


def _says_nothing(value: Any) -> bool:
    """Whether it says no more than its absence: an earlier version that did not know the field, or left it empty."""
    return value is None or (isinstance(value, Mapping | str | tuple | list) and not value)


def _walk(was: Any, now: Any, what: str, steps: Steps = ()) -> Iterator[tuple[str, Steps, Any, Any]]:
    """(what it is called, the way to what has to be put back, before, after) of all that differs in more than noise."""
    if isinstance(was, Facts) and type(was) is type(now):
        for name in was.__struct_fields__:
            one, other = getattr(was, name), getattr(now, name)
            if name not in was.varies or not _alike(one, other, was.varies[name]):
                yield from _walk(one, other, f"{what}.{name}", (*steps, name))
    elif isinstance(was, Mapping) and isinstance(now, Mapping):
        for name in dict.fromkeys((*was, *now)):
            inner = (*steps, name)
            if name in was and name in now:
                yield from _walk(was[name], now[name], f"{what}.{name}", inner)
            elif not (_says_nothing(was.get(name)) and _says_nothing(now.get(name))):
                yield f"{what}.{name}", inner, was.get(name), now.get(name)
    elif _are_lists(was, now) and any(isinstance(one, Facts | Mapping) for one in (*was, *now)):
        yield from _walk_entries(was, now, what, steps)
    elif _are_lists(was, now):
        lost, new = _left_over(was, now), _left_over(now, was)
        if lost or new:
            yield what, steps, lost or None, new or None
    elif not _alike(was, now, 0.0):
        yield what, steps, was, now


def _walk_entries(was: Any, now: Any, what: str, steps: Steps) -> Iterator[tuple[str, Steps, Any, Any]]:
    """Entries that are the same thing are compared; what is new or gone is named, with the whole list to be put back."""
    key = next((one for one in IDENTITIES if tells(one, was) and tells(one, now)), None)
    old = {_name(one, key, place): (place, one) for place, one in enumerate(was)}
    new = {_name(one, key, place): (place, one) for place, one in enumerate(now)}
    for name in dict.fromkeys((*old, *new)):
        called = f"{what}[{name}]"
        if name not in old or name not in new:
            yield called, steps, old.get(name, (0, None))[1], new.get(name, (0, None))[1]
            continue
        (before, one), (after, other) = old[name], new[name]
        for inner, way, earlier, later in _walk(one, other, called):
            # Where the order changed, the places differ, and the list is put back as a whole.
            yield inner, (*steps, after, *way) if before == after else steps, earlier, later


def _are_lists(*values: Any) -> bool:
    return all(isinstance(one, list | tuple) for one in values)


def _field(entry: Any, key: str) -> Any:
    return entry.get(key) if isinstance(entry, Mapping) else getattr(entry, key, None)


def tells(key: str, entries: Sequence[Any]) -> bool:
    """Every entry has it, and no two the same."""
    values = [_field(one, key) for one in entries]
    return all(isinstance(one, str | int) for one in values) and len(set(values)) == len(values)


def _name(entry: Any, key: str | None, place: int) -> str:
    return str(place if key is None else _field(entry, key))


def _left_over(these: Sequence[Any], those: Sequence[Any]) -> list[Any]:
    """Of *these*, what is not among *those*; the order of a list is none of what changed."""
    told = [_still(one) for one in those]
    return [one for one in these if _still(one) not in told]


def _still(value: Any) -> Any:
    return NOISE.sub("", value) if isinstance(value, str) else value


def _alike(was: Any, now: Any, spread: float | None) -> bool:
    """*spread*: the share of the larger by which a number usually differs; None: by anything, if there is one on both sides.
    What appears or goes is a change in any case."""
    if was is None or now is None:
        return was is now
    if spread is None and not isinstance(was, str):
        return True
    numbers = all(isinstance(one, int | float) and not isinstance(one, bool) for one in (was, now))
    if numbers and spread:
        return bool(abs(was - now) <= spread * max(abs(was), abs(now)))
    return bool(spread is None or _still(was) == _still(now))


def _at(data: Any, steps: Steps) -> Any:
    for step in steps:
        if isinstance(data, Mapping) and step not in data:
            return _GONE
        data = data[step]
    return data


def _put(data: Any, steps: Steps, value: Any) -> Any:
    """A copy of *data* with *value* there; _GONE: with nothing there."""
    if not steps:
        return value
    [first, *rest] = steps
    if isinstance(data, Mapping):
        others = {name: one for name, one in data.items() if name != first}
        return others if value is _GONE and not rest else {**data, first: _put(data.get(first), tuple(rest), value)}
    return [_put(one, tuple(rest), value) if place == first else one for place, one in enumerate(data)]
