"""From settings to a snapshot: the only way from the left side (the world) to the right side (judgement)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from retina_doctor import __version__
from retina_doctor.catalogue.registry import Catalogue
from retina_doctor.catalogue.selection import Selection
from retina_doctor.codec import replace
from retina_doctor.looking.attach import Attachment
from retina_doctor.model import Recorded, Snapshot
from retina_doctor.moment import now
from retina_doctor.probing.asking import Looking, Progress
from retina_doctor.probing.collect import collect
from retina_doctor.standpoint.target import numbered_inside, target_with_surroundings

GUESSED = ("path", "own")
"""Ways in which a target is chosen that nobody named."""


def look(
    attachment: Attachment,
    catalogue: Catalogue,
    environment: Mapping[str, str],
    progress: Progress | None = None,
    meanwhile: Callable[[], None] = lambda: None,
) -> Snapshot:
    """Run the probes that the selected checks need; *meanwhile* is called when they are running. Raises UsageError."""
    settings = attachment.settings
    probes = Selection(settings, catalogue).wanted_probes()
    chosen, around = target_with_surroundings(settings, environment, attachment.how)
    if chosen.chosen in GUESSED and any(one.why == "several" for one in attachment.passed_over):
        chosen = replace(chosen, command=(), problem="several")  # what another Python lacks, none of them needs
    settings = numbered_inside(settings, around)
    target, readings = collect(Looking(settings, chosen, around, progress), probes, meanwhile)
    return Snapshot(
        created=now(),
        doctor=__version__,
        settings=settings,
        target=target,
        readings=since_the_first(readings),
        seen_from=around.seen_from,
        passed_over=attachment.passed_over,
    )


def since_the_first(readings: Mapping[str, Recorded]) -> dict[str, Recorded]:
    """With the times at which they began counted from the first of them: what a clock shows is of no use elsewhere."""
    first = min((one.began for one in readings.values() if one.began is not None), default=0.0)
    return {
        name: one if one.began is None else replace(one, began=round(one.began - first, 3))
        for name, one in readings.items()
    }
