"""From settings to a snapshot: the only way from the left side (the world) to the right side (judgement)."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping

from retina_doctor import __version__
from retina_doctor.catalogue.registry import Catalogue
from retina_doctor.catalogue.selection import Selection
from retina_doctor.codec import replace
from retina_doctor.looking.attach import Attachment
from retina_doctor.model import Recorded, Snapshot, Target
from retina_doctor.moment import now
from retina_doctor.probing.asking import Looking, Progress
from retina_doctor.probing.collect import collect
from retina_doctor.standpoint.target import Surroundings, numbered_inside, target_with_surroundings, without_hanging

GUESSED = ("folder", "path", "own")
"""Ways in which a target is chosen that nobody named."""


def look(
    attachment: Attachment,
    catalogue: Catalogue,
    environment: Mapping[str, str],
    progress: Progress | None = None,
    meanwhile: Callable[[Callable[[], Snapshot]], None] = lambda _: None,
    tell: Callable[[str], None] = lambda _: None,
) -> Snapshot:
    """Run the probes that the selected checks need; *meanwhile* is called when they are running, with what tells how far
    they have come; *tell* with what is left out of PATH. Raises UsageError."""
    settings = attachment.settings
    probes = Selection(settings, catalogue).wanted_probes()
    chosen, around = target_with_surroundings(settings, environment, attachment.how)
    if chosen.chosen in GUESSED and any(one.why == "several" for one in attachment.passed_over):
        chosen = replace(chosen, command=(), problem="several")  # what another Python lacks, none of them needs
    elif chosen.chosen in GUESSED and attachment.closed:
        chosen = replace(chosen, command=(), problem="not-permitted")
    around = _without_hanging(around, tell)
    settings = numbered_inside(settings, around)

    def seen(target: Target, readings: Mapping[str, Recorded]) -> Snapshot:
        return Snapshot(
            created=now(),
            doctor=__version__,
            settings=settings,
            target=target,
            readings=since_the_first(readings),
            seen_from=around.seen_from,
            passed_over=attachment.passed_over,
        )

    looking = Looking(settings, chosen, around, progress)
    return seen(*collect(looking, probes, lambda so_far: meanwhile(lambda: seen(chosen, so_far()))))


def _without_hanging(around: Surroundings, tell: Callable[[str], None]) -> Surroundings:
    """What looks for a program in a folder that does not answer would wait as long as its probe may: the last one of PATH,
    where no program that is there stands before it. Of a service's own PATH nothing is left out: it waits as well."""
    path, hanging = without_hanging(os.environ.get("PATH", os.defpath))
    if not hanging:
        return around
    tell(f"PATH: {', '.join(hanging)} does not answer (a network or FUSE file system hangs): looked without it")
    own = around.environment.get("PATH") == os.environ.get("PATH")
    os.environ["PATH"] = path
    return replace(around, environment={**around.environment, "PATH": path}) if own else around


def since_the_first(readings: Mapping[str, Recorded]) -> dict[str, Recorded]:
    """With the times at which they began counted from the first of them: what a clock shows is of no use elsewhere."""
    first = min((one.began for one in readings.values() if one.began is not None), default=0.0)
    return {
        name: one if one.began is None else replace(one, began=round(one.began - first, 3))
        for name, one in readings.items()
    }
