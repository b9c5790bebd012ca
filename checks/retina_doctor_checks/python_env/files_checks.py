"""RD260: do installed packages still have all of their files?"""

from __future__ import annotations

import re

from retina_doctor.authoring import Action, Answer, check
from retina_doctor.model import Inapplicable, Problem, Reason, Severity

from ..combined.asides import asides
from ..facts.python_env import DamagedPackage, Imports, InstalledFiles, Packages
from ..versions import named


@check("RD260", "package-damaged", Severity.ERROR, pitfall=2, action=Action.PIP)
def package_damaged(files: InstalledFiles, packages: Packages | None, imports: Imports | None) -> Answer:
    """By the list of files that pip keeps. Where all that was imported works nevertheless, it may work on: a warning."""
    if not files.looked_at:
        return Inapplicable(Reason("no-lists-of-files"))
    others = _told_of_elsewhere(packages)
    return [_problem(one, imports) for one in files.damaged if one.name not in others]


def _told_of_elsewhere(packages: Packages | None) -> set[str]:
    """Distributions that fill one folder, or of which another one's removal has emptied it: that is the cause."""
    if packages is None:
        return set()
    opencv = packages.opencv if len(packages.opencv) > 1 or packages.opencv_lacks else ()
    retinaface = packages.retinaface if len(packages.retinaface) > 1 else ()
    return {one.name for one in (*opencv, *retinaface)}


def _problem(one: DamagedPackage, imports: Imports | None) -> Problem:
    tried = [each for each in imports.tried if each.error is not None] if imports is not None else []
    fails = [each.module for each in tried if each.module in one.modules or _names(one, each.error or "")]
    works = imports is not None and not fails
    more = Reason("more-files-missing", {"count": one.count - len(one.files)}) if one.count > len(one.files) else None
    return Problem(
        subject=f"module:{one.modules[0] if one.modules else one.name}",
        evidence={
            "name": one.name,
            "package": named(one.name, one.version),
            "modules": list(one.modules),
            "missing": list(one.files),
            "count": one.count,
            "there": one.there,
            "requirement": f"{one.name}=={one.version}",
            "more": asides(more, Reason("imports-still-work") if works else None),
        },
        at_most=Severity.WARNING if works else None,
        variant="overwritten" if one.there else "missing",
    )


def _names(one: DamagedPackage, words: str) -> bool:
    return any(re.search(rf"\b{re.escape(module)}\b", words) for module in one.modules)
