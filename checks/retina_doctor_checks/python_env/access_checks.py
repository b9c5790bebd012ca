"""RD247, RD248: does the service's Python see the packages of its own environment?"""

from __future__ import annotations

import posixpath

from retina_doctor.authoring import Action, Answer, check
from retina_doctor.model import Inapplicable, Interpreter, Problem, Reason, Severity

from ..combined.asides import asides
from ..facts.python_env import Closed, Imports, InstalledFiles, Packages

MOST_NAMED = 5


@check("RD247", "package-unreadable", Severity.ERROR, pitfall=2, action=Action.EDIT)
def package_unreadable(files: InstalledFiles, imports: Imports | None, interpreter: Interpreter | None) -> Answer:
    """Installed by root with a umask of 077, as hardened machines have it. Python says of such a folder that it is not there.

    What belongs to others than root gets no command that root would copy: its owner can put a link in its place.
    """
    if not files.closed:
        return None if files.looked_at else Inapplicable(Reason("no-lists-of-files"))
    paths = _together([one.path for one in files.closed])
    rest = len(paths) - MOST_NAMED
    user = interpreter.user or interpreter.uid if interpreter is not None else None
    modules = sorted({name for one in files.closed for name in one.modules})
    return Problem(
        subject="packages",
        evidence={
            "paths": paths[:MOST_NAMED],
            "modules": modules if all(one.modules for one in files.closed) else [],
            "user": "?" if user is None else str(user),
            "more": asides(Reason("more-files-closed", {"count": rest}) if rest > 0 else None),
        },
        variant="of-root" if all(one.of_root for one in files.closed) else "of-others",
        at_most=Severity.WARNING if _works(files.closed, imports) else None,
    )


def _together(paths: list[str]) -> list[str]:
    """The folder of packages itself, where more is closed in it than can be named."""
    above = posixpath.commonpath(paths)
    many = len(paths) > MOST_NAMED and posixpath.basename(above) in ("site-packages", "dist-packages")
    return [above] if many else paths


def _works(closed: tuple[Closed, ...], imports: Imports | None) -> bool:
    """Each package of which something is closed was imported nevertheless."""
    well = {one.module for one in imports.tried if one.error is None} if imports is not None else set()
    return all(one.modules and well.issuperset(one.modules) for one in closed)


@check("RD248", "environment-not-recognized", Severity.ERROR, pitfall=2, action=Action.EDIT)
def environment_not_recognized(packages: Packages) -> Answer:
    """Copied without its pyvenv.cfg, or closed to the service's user: Python then takes other packages, without a word."""
    lost = packages.lost
    if lost is None:
        return None
    return Problem(
        subject="environment",
        evidence={"folder": lost.folder, "settings": lost.settings, "base": lost.base},
        variant="closed" if lost.closed else "gone",
    )
