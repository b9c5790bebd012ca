"""RD284: names that the installed NumPy has no more, in packages, in the service's own files, and as an import met them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from retina_doctor.authoring import Action, Answer, Gathered, check
from retina_doctor.model import Inapplicable, Location, Problem, Reason, Severity, Unknown
from retina_doctor.settings import Settings

from ..advice.machine import MachineSeen
from ..combined.distribution_names import distribution_of
from ..combined.refusals import meanings
from ..facts.python_env import Imports, Packages
from ..facts.source import OwnSource
from ..numpy_names import INSTEAD, is_gone, last_with
from ..scopes import reads_own
from ..versions import named
from .insightface_checks import reinstalled_onnxruntime

LAST_PYTHONS = {"<1.24": (3, 11), "<2.0": (3, 12)}
"""NumPy 1.23 has wheels up to CPython 3.11, 1.26 up to 3.12 (PyPI)."""


class Uses(Gathered, frozen=True, kw_only=True):
    """All that tells of names of NumPy's."""

    packages: Packages
    imports: Imports | None
    own: OwnSource | None
    settings: Settings

    @property
    def nothing(self) -> Answer:
        """What is said where none of them is used."""
        if self.settings.gate.quick:
            return Inapplicable(Reason("quick"))
        lacks = ["imports"] if self.imports is None else []
        lacks += ["service_source"] if self.own is None and reads_own(self.settings) else []
        return Unknown(tuple(lacks)) if lacks else None

    def gone(self, name: str) -> bool:
        """Whether NumPy lacks "int", and the service's own files do not give it back (np.int = int)."""
        signs = self.own.signs if self.own is not None else ()
        given = any(one.kind == "numpy-given" and one.what == name for one in signs)
        return not given and is_gone(name, self.packages.installed["numpy"])


@check("RD284", "numpy-removed-alias", Severity.ERROR, action=Action.PIP)
def numpy_removed_alias(uses: Uses, machine: MachineSeen) -> Answer:
    """An error where a package could not be imported for it, or what the service runs has it; else it fails only when that
    line is reached: a warning."""
    if "numpy" not in uses.packages.installed:
        return Inapplicable(Reason("no-numpy"))
    found = {
        one.subject: one for one in (*_read(uses, machine), *_raised(uses, machine))
    }  # what was raised before what was read
    return [*found.values(), *_of_source(uses)] or uses.nothing


def _read(uses: Uses, machine: MachineSeen) -> Iterator[Problem]:
    for one in reversed(uses.packages.aliases):
        if uses.gone(one.name.split(".")[1]):
            at = {"file": one.file, "line": one.line}
            yield _problem(uses, machine, one.package, one.name.split(".")[1], at, Severity.WARNING)


def _raised(uses: Uses, machine: MachineSeen) -> Iterator[Problem]:
    for one in reversed(uses.imports.tried if uses.imports is not None else ()):
        means = meanings(one.error or "")[:1]
        if means and means[0].cause == "numpy-removed-alias":
            at = {"module": one.module, "error": one.error}
            yield _problem(uses, machine, one.raised_in or one.module, means[0].values["attribute"], at, None)


def _problem(
    uses: Uses, machine: MachineSeen, package: str, name: str, at: Mapping[str, object], at_most: Severity | None
) -> Problem:
    """*name*: without "np."; *at*: where it stands, or what was raised."""
    older = last_with(name)
    old_numpy = machine.interpreter.version[:2] <= LAST_PYTHONS.get(older, ())
    version = uses.packages.installed.get(distribution_of(package, uses.packages) or package)
    variant = "insightface" if package == "insightface" else "old-numpy" if old_numpy else "edit"
    evidence = {
        "package": package,
        "version": version,
        "release": named(package, version),
        **at,
        "name": f"np.{name}",
        "numpy": uses.packages.installed["numpy"],
        "newer_insightface": package == "insightface",
        "old_numpy": old_numpy,
        "older": f"numpy{older}",
        **reinstalled_onnxruntime(machine),
    }
    return Problem(
        subject=f"module:{package}",
        evidence=evidence,
        variant=variant if "line" in at else f"raised-{variant}",
        at_most=at_most,
    )


def _of_source(uses: Uses) -> Iterator[Problem]:
    """The first in each of the service's own files, that of its start before others."""
    own = uses.own
    kinds = ("numpy-name", "numpy-name-later")
    signs = [one for one in own.signs if one.kind in kinds and uses.gone(one.what)] if own is not None else []
    signs.sort(key=lambda one: kinds.index(one.kind))
    for one in {one.at.file: one for one in reversed(signs)}.values():
        run = own is not None and one.at.file in own.executed and one.kind == "numpy-name"
        yield Problem(
            subject=f"{one.at.file.rpartition('/')[2]}:{one.at.line}",
            evidence={
                "file": one.at.file,
                "line": one.at.line,
                "text": one.at.text,
                "name": f"np.{one.what}",
                "instead": INSTEAD.get(one.what, one.what),
                "numpy": uses.packages.installed["numpy"],
                "older": f"numpy{last_with(one.what)}",
            },
            variant="own" if one.what in INSTEAD else "own-unknown",
            location=Location(file=one.at.file, line=one.at.line, column=one.at.column),
            action=Action.EDIT,
            at_most=None if run else Severity.WARNING,
        )
