"""RD296: packages whose compiled modules are for another Python, which this one passes over as if they were not there."""

from __future__ import annotations

from retina_doctor.authoring import Action, check
from retina_doctor.model import Problem, Severity
from retina_doctor.patterns import pattern

from ..combined.distribution_names import distribution_of
from ..facts.python_env import Extensions, Foreign, Packages
from ..versions import named

SEVERAL = 3
"""Packages of one tag, from which on it is the environment that is another Python's."""
VERSION = pattern(r"(?:cpython-|cp|pypy)(\d)(\d+)")


@check("RD296", "package-for-other-python", Severity.ERROR, action=Action.PIP)
def package_for_other_python(extensions: Extensions, packages: Packages | None) -> list[Problem]:
    """Copied from another image, from an Alpine one, or left by an upgrade of Python. pip would have taken another wheel."""
    if len(extensions.foreign) >= SEVERAL and len({(one.tag, one.wanted) for one in extensions.foreign}) == 1:
        return [_of_all(extensions.foreign, packages)]
    return [_problem(one, packages) for one in extensions.foreign]


def _of_all(foreign: tuple[Foreign, ...], packages: Packages | None) -> Problem:
    """They have one reason: the folder was copied, or Python was exchanged under it."""
    each = [_problem(one, packages).evidence for one in foreign]
    return Problem(
        subject="modules",
        evidence={
            **each[0],
            "modules": [one.module for one in foreign],
            "package": [one["package"] for one in each],
            "requirement": [word for one in each for word in one["requirement"]],
        },
        variant="all",
    )


def _problem(one: Foreign, packages: Packages | None) -> Problem:
    name = distribution_of(one.module, packages)
    version = packages.installed.get(name or "") if packages is not None else None
    return Problem(
        subject=f"module:{one.module}",
        evidence={
            "module": one.module,
            "modules": [one.module],
            "path": one.path,
            "tag": one.tag,
            "wanted": one.wanted,
            "package": named(name or one.module, version),
            "requirement": [f"{name}=={version}"] if name and version else [name] if name else [],
        },
        variant=_differs(one.tag, one.wanted),
    )


def _differs(tag: str, wanted: str) -> str:
    """In what: the C library, else the processor, else Python itself."""
    theirs, ours = (VERSION.match(text) for text in (tag, wanted))
    if theirs and ours and theirs.groups() != ours.groups():
        return "python"
    if ("musl" in tag) != ("musl" in wanted):
        return "musl" if "musl" in tag else "glibc"
    return "machine"
