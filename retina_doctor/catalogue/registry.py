"""All packs of this installation as one validated catalogue."""

from __future__ import annotations

import functools
from collections.abc import Iterable

from retina_doctor import own_checks
from retina_doctor.authoring import Pack
from retina_doctor.catalogue.catalogue import Catalogue, Entry, PackFailure
from retina_doctor.catalogue.draft import Draft, flaws
from retina_doctor.catalogue.needs import Need, Want
from retina_doctor.codec import replace
from retina_doctor.errors import PackError, described
from retina_doctor.points import loaded, points_of
from retina_doctor.settings.declared import declarations

__all__ = ["Catalogue", "Entry", "Need", "PackError", "PackFailure", "Want", "build", "installed"]

GROUP = "retina_doctor.checks"


@functools.cache
def installed() -> Catalogue:
    """The catalogue of the engine's own checks and all installed packs, whatever order they come in.

    A pack that cannot be loaded, or contradicts another, is left out and is a failure in it. Where two contradict, the
    doctor's own distribution goes first, then the order of names.
    """
    packs: list[tuple[str, Pack]] = []
    failures = [PackFailure(name, error, whole=False) for name, error in declarations().failures]
    for point in points_of(GROUP):
        try:
            pack = loaded(point)
            if not isinstance(pack, Pack):
                raise PackError(f"{point.value} is a {type(pack).__name__}, not a Pack")
        except PackError as error:
            failures.append(PackFailure(point.name, str(error)))
        else:
            packs.append((point.name, pack))
    while True:
        try:
            catalogue = build(pack for _, pack in packs)
        except Contradiction as error:
            name = packs.pop(error.number)[0]
            lost = f"; not loaded: {', '.join(f.pack for f in failures)}" if error.lacks and failures else ""
            failures.append(PackFailure(name, f"{error}{lost}"))
        else:
            return replace(catalogue, failures=(*failures, *catalogue.failures))


class Contradiction(PackError):
    """*number*: which of the packs that were to be built has to go."""

    def __init__(self, error: Exception, number: int) -> None:
        super().__init__(described(error), lacks=isinstance(error, PackError) and error.lacks)
        self.number = number


def build(packs: Iterable[Pack]) -> Catalogue:
    """One validated catalogue of the engine's own checks and *packs*. Raises Contradiction.

    A page or a probe's module that is not there is a failure in the catalogue: the rest of the pack can be judged.
    """
    packs = [own_checks.pack, *packs]
    draft = Draft()
    # First what each brings, then what it needs: that may be another's, and come later.
    for step in (draft.take, draft.connect):
        for number, pack in enumerate(packs, -1):
            try:
                step(pack)
            except Exception as error:
                raise Contradiction(error, number) from None
    return Catalogue(
        entries=tuple(entry for entries in draft.entries.values() for entry in entries),
        probes=draft.probes,
        explains=draft.explains,
        conditions=draft.conditions,
        reasons=tuple(pack.reasons for pack in packs if pack.reasons),
        finders=tuple(pack.services for pack in packs if pack.services),
        starters=tuple(pack.python for pack in packs if pack.python),
        started=tuple(pack.started for pack in packs if pack.started),
        rows=tuple(row for pack in packs for row in pack.rows),
        heads=tuple(draft.heads.values()),
        figures=tuple(draft.figures),
        restarted=tuple(draft.restarted),
        measures=tuple(measure for pack in packs for measure in pack.measures),
        knowledge={pack.name: pack.knowledge for pack in packs if pack.knowledge},
        examples=tuple(pack.examples for pack in packs if pack.examples),
        failures=tuple(PackFailure(pack.name, flaw, whole=False) for pack in packs for flaw in flaws(pack)),
    )
