"""From settings to a snapshot: the only way from the left side (the world) to the right side (judgement)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from retina_doctor import __version__
from retina_doctor.attach import Attachment
from retina_doctor.codec import replace
from retina_doctor.model import Recorded, Snapshot
from retina_doctor.moment import now
from retina_doctor.probing.collect import Looking
from retina_doctor.probing.processes import Progress
from retina_doctor.registry import Catalogue
from retina_doctor.selection import Selection
from retina_doctor.target import numbered_inside, target_with_surroundings


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
    settings = numbered_inside(settings, around)
    target, readings = Looking(settings, chosen, around, progress, meanwhile).collect(probes)
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
