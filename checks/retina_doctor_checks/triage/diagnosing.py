"""From symptoms and circumstances to ranked causes.

Symptoms propose: each names the causes that it fits, in shares. Circumstances weigh them against each other. A cause leads
where it explains a symptom that no leader before it does; the other causes of its symptoms are its alternatives.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from retina_doctor.codec import Data

from . import tables
from .audience import is_impersonal, is_lesson, is_pleased, is_praise, is_spoken
from .case import Case
from .changes import is_change
from .comparisons import COMPARISONS
from .own_words import told_alone
from .quotations import is_quoted
from .symptoms import SymptomSeen, mentions, seen
from .text import LogLine, LogText
from .told import told

EXPLAINED = 0.08
"""Share of a symptom from which on it is evidence of a cause."""
RIVALS = 0.3
"""Part of the likeliest cause's share from which on another explains the symptom as well: one that fits it by a hair does
not, or a fault would hide behind its neighbour."""
AS_LIKELY = 0.8
"""Ratio of two scores from which on neither is called likelier."""
QUOTED = 0.6
"""Trust in a sentence of a program's that is only spoken of: that of people's own words."""
OPEN = 0.45
"""Share of its likeliest cause up to which a program's line leaves open which cause it is."""
FAINT = 0.02
"""Score below which an alternative is not worth a line."""


class TextDiagnosis(Data, frozen=True, kw_only=True):
    """*score*: 0 to 1, how likely it is this cause, and one at all. *leads*: it explains what no other before it does; else
    it is an alternative to the leading cause before it. *equal*: names of causes that the text fits as well."""

    name: str
    score: float
    leads: bool
    equal: tuple[str, ...]
    evidence: tuple[LogLine, ...]
    symptoms: tuple[str, ...]


class JudgedText(Data, frozen=True, kw_only=True):
    """A finding of a check about what the text tells: *lines* are those that told it."""

    name: str
    lines: tuple[LogLine, ...]
    trust: float


def case_of(text: LogText, *, people_wrote: bool = True) -> Case:
    """Read by both readers. *people_wrote*: as for `seen`."""
    found = seen(text, people_wrote=people_wrote)
    lesson = people_wrote and (is_lesson(text) or is_change(text))
    if lesson:
        found = tuple(one for one in found if not all(map(is_spoken, one.places)))
    elif people_wrote and any(one.symptom.prose for one in found) and (is_impersonal(text) or is_pleased(text)):
        found = tuple(one for one in found if not one.symptom.prose)
    if any(one.symptom.nearest for one in found):
        found = _without_idle_nearest(text, found)
    clear = tuple(one for one in found if not one.symptom.faint)
    finer = tuple(one for one in clear if not one.symptom.general)
    said = tuple(one for one in clear if one in finer or _decides(one, finer))
    if all(one.symptom.nearest for one in clear):
        clear = found  # what is told more surely, if faintly, stands beside what is nearest
    return Case(text=text, told=told(text), seen=said if finer else clear, lesson=lesson)


def _without_idle_nearest(text: LogText, found: Sequence[SymptomSeen]) -> tuple[SymptomSeen, ...]:
    """What is nearest counts where no program's line is seen; beside one it decides between the causes that it leaves open."""
    near = {one.symptom.name for one in found if one.symptom.nearest}
    programs = [one for one in found if not one.symptom.prose]
    if programs:
        alone = told_alone(text)
        near = {one.symptom.name for one in found if one.symptom.name in near & alone and _decides(one, programs)}
    if is_praise(text):
        near = set()
    return tuple(one for one in found if not one.symptom.nearest or one.symptom.name in near)


def _decides(general: SymptomSeen, finer: Sequence[SymptomSeen]) -> bool:
    """Whether people's own words mean one of the causes between which a program's line leaves it open."""
    fits = general.symptom.fits
    meant = max(fits, key=lambda name: fits[name])
    if not general.symptom.prose or _is_open(general.symptom, meant):
        return False
    return any(map(is_spoken, general.places)) and any(_is_open(one.symptom, meant) for one in finer)


def _is_open(symptom: tables.Symptom, meant: str) -> bool:
    return meant in symptom.fits and max(symptom.fits.values()) <= OPEN * sum(symptom.fits.values())


def diagnoses(
    case: Case, explains: Mapping[str, Collection[str]], judged: tuple[JudgedText, ...] = ()
) -> tuple[TextDiagnosis, ...]:
    """Best first: leading causes, roots before what they explain, then their alternatives. *explains*: root -> echoes."""
    clues = [*map(_of_symptom, _not_outdone(case.seen, judged)), *map(_of_finding, judged)]
    return ranked(clues, holding(case, {name for clue in clues for name in clue.fits}), explains) if clues else ()


def _not_outdone(seen: Sequence[SymptomSeen], judged: Sequence[JudgedText]) -> Sequence[SymptomSeen]:
    """A general symptom counts beside findings only where it may mean one of them."""
    named = {one.name for one in judged}
    return [one for one in seen if not named or not one.symptom.general or not named.isdisjoint(one.symptom.fits)]


def ranked(
    clues: Sequence[Clue], holds: Collection[str], explains: Mapping[str, Collection[str]]
) -> tuple[TextDiagnosis, ...]:
    """As `diagnoses`, of clues and of the names of circumstances that hold."""
    factors = _factors(holds, {name for clue in clues for name in clue.fits})
    shares = [_shares(clue, factors) for clue in clues]
    weight = {name: 0.0 for clue in clues for name in clue.fits}
    for clue, share in zip(clues, shares, strict=True):
        for name, part in share.items():
            weight[name] += part * clue.trust
    leaders = _leaders(weight, shares)
    edges = {
        name: {*explains.get(name, ()), *tables.causes()[name].explains}
        for name in [*explains, *tables.causes()]
        if name in tables.causes()
    }
    leaders = _roots_first(leaders, weight, edges)
    scores = {name: _score(name, clues, shares) for name in weight}
    others = sorted((name for name in weight if name not in leaders), key=lambda name: -scores[name])
    others = [name for name in others if scores[name] >= FAINT]
    found = []
    for name in [*leaders, *others]:
        mine = [clue for clue, share in zip(clues, shares, strict=True) if share.get(name, 0) >= EXPLAINED]
        rivals = {rival for clue in mine for rival in clue.fits if rival != name}
        equal = sorted(r for r in rivals if AS_LIKELY <= scores[r] / max(scores[name], 1e-9) <= 1 / AS_LIKELY)
        found.append(
            TextDiagnosis(
                name=name,
                score=round(scores[name], 2),
                leads=name in leaders,
                equal=tuple(equal),
                evidence=_evidence(mine or [clue for clue in clues if name in clue.fits]),
                symptoms=tuple(clue.name for clue in mine),
            )
        )
    return tuple(found)


class Clue(Data, frozen=True, kw_only=True):
    name: str
    trust: float
    fits: Mapping[str, float]
    places: tuple[tuple[LogLine, ...], ...]


def _of_symptom(one: SymptomSeen) -> Clue:
    trust = min(one.symptom.trust, QUOTED) if all(map(is_quoted, one.places)) else one.symptom.trust
    return Clue(name=one.symptom.name, trust=trust, fits=one.symptom.fits, places=one.places)


def clue_of(row: tables.Symptom) -> Clue:
    return Clue(name=row.name, trust=row.trust, fits=row.fits, places=())


def _of_finding(one: JudgedText) -> Clue:
    return Clue(name=f"told: {one.name}", trust=one.trust, fits={one.name: 10.0}, places=(one.lines,))


def holding(case: Case, names: Collection[str]) -> frozenset[str]:
    """Names of the circumstances that hold, of those that weigh any of the causes *names*."""
    return frozenset(
        row.name
        for row in tables.circumstances()
        if not row.weigh.keys().isdisjoint(names)
        and ((row.when and COMPARISONS[row.when](case)) or mentions(row.says, case.text))
    )


def _factors(holds: Collection[str], names: Collection[str]) -> Mapping[str, float]:
    """What the circumstances that hold make of these causes."""
    factors = dict.fromkeys(names, 1.0)
    for row in tables.circumstances():
        if row.name in holds:
            for name in factors.keys() & row.weigh.keys():
                factors[name] *= row.weigh[name]
    return factors


def _shares(clue: Clue, factors: Mapping[str, float]) -> Mapping[str, float]:
    """Cause -> its share of this clue; the shares of all come to 1."""
    weighed = {name: part * factors[name] for name, part in clue.fits.items()}
    total = sum(weighed.values())
    return {name: part / total for name, part in weighed.items()}


def _leaders(weight: Mapping[str, float], shares: list[Mapping[str, float]]) -> list[str]:
    """The heaviest cause, then the heaviest that explains a clue not yet explained, until all are."""
    explaining = [{name for name, part in share.items() if part >= RIVALS * max(share.values())} for share in shares]
    left = list(range(len(shares)))
    leaders: list[str] = []
    while left:
        best = max({name for i in left for name in explaining[i]}, key=lambda name: (weight[name], name))
        leaders.append(best)
        left = [i for i in left if best not in explaining[i]]
    return leaders


def _roots_first(leaders: list[str], weight: Mapping[str, float], explains: Mapping[str, Collection[str]]) -> list[str]:
    """In order of weight, but none before a leader that explains it."""
    ordered: list[str] = []
    rest = sorted(leaders, key=lambda name: -weight[name])
    while rest:
        free = [name for name in rest if not any(name in _reached(other, explains) for other in rest if other != name)]
        ordered.append((free or rest)[0])
        rest.remove(ordered[-1])
    return ordered


def _reached(root: str, explains: Mapping[str, Collection[str]]) -> set[str]:
    reached: set[str] = set()
    front = list(explains.get(root, ()))
    while front:
        name = front.pop()
        if name not in reached:
            reached.add(name)
            front += explains.get(name, ())
    return reached


def _score(name: str, clues: Sequence[Clue], shares: list[Mapping[str, float]]) -> float:
    """One less the chance that none of its clues means it: noisy or."""
    missed = 1.0
    for clue, share in zip(clues, shares, strict=True):
        missed *= 1 - clue.trust * share.get(name, 0.0)
    return 1 - missed


def _evidence(clues: list[Clue]) -> tuple[LogLine, ...]:
    """A few lines: the first place of each clue, and the last, which is the newest."""
    lines: dict[int, LogLine] = {}
    for clue in clues:
        for place in (clue.places[0], clue.places[-1]) if clue.places else ():
            for line in place[:4]:
                lines[line.number] = line
    return tuple(lines[number] for number in sorted(lines))[:8]
