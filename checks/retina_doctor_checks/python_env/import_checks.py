"""RD291: an import of a package that is installed fails, for a reason that no other check names."""

from __future__ import annotations

from retina_doctor.authoring import Action, Answer, check, evidence_of
from retina_doctor.model import Problem, Reading, Reason, Severity, Unknown
from retina_doctor.patterns import pattern

from ..combined.asides import asides
from ..combined.asides import of_ending as told_of_ending
from ..combined.distribution_names import distribution, distribution_of
from ..combined.processor import understood
from ..combined.refusals import meaning, of_ending, quoted
from ..facts.python_env import Extensions, Imported, Imports, Packages

ABSENT = pattern(r"No module named ['\"]([\w.]+)['\"]")
NOTHING: tuple[str, list[str]] = ("", [])
STRIPPED: tuple[str, list[str]] = ("stripped", [])


@check("RD291", "package-import-fails", Severity.ERROR, action=Action.LOOK)
def package_import_fails(imports: Reading[Imports], extensions: Extensions | None, packages: Packages | None) -> Answer:
    """Speaks for the looking. A failure that passes on from module to module, or that strikes every library of the environment,
    is told once, of the first."""
    if imports.value is None:
        tried = imports.recorded.stage or ""
        module = tried.removeprefix("importing ") if tried.startswith("importing ") else None
        if module is None:
            return Unknown((imports.probe,))
        known = understood(of_ending(imports.recorded), extensions)
        return _failed_import(imports, module, None, [], known, NOTHING)
    first: dict[str, Imported] = {}
    also: dict[str, list[str]] = {}
    for one in imports.value.tried:
        if one.error is not None:
            meant = meaning(one.error)
            same = meant.mechanism if meant and meant.row.everywhere else one.error.partition(": ")[2]
            if same in first:
                also[same].append(one.module)
            else:
                first[same], also[same] = one, []
    return [_told(imports, imports.value, one, also[same], extensions, packages) for same, one in first.items()]


def _told(
    imports: Reading[Imports],
    tried: Imports,
    one: Imported,
    also: list[str],
    extensions: Extensions | None,
    packages: Packages | None,
) -> Problem:
    if _by_docstrings(tried, one):
        return _failed_import(
            imports, one.module, quoted(one.error or ""), also, understood(None, extensions), STRIPPED
        )
    known = understood(meaning(one.error), extensions)
    return _failed_import(imports, one.module, quoted(one.error or ""), also, known, _install(one, packages))


def _failed_import(
    imports: Reading[Imports],
    module: str,
    error: str | None,
    also: list[str],
    known: dict[str, object],
    install: tuple[str, list[str]],
) -> Problem:
    """*error*: of Python; without one its process ended. *also*: modules that fail with the same. *known*: what that means."""
    ended = {**evidence_of(imports), **known}
    more = [
        *asides(Reason("fail-likewise", {"modules": also}) if also else None),
        *told_of_ending({**ended, "stderr": None} if error else ended),
    ]
    return Problem(
        subject=f"module:{module}",
        evidence={
            **ended,
            "module": module,
            "error": error,
            "also": also,
            "more": more,
            "install": install[1],
            "notes": asides(Reason("else-fix-what-it-means" if known["means"] else "else-library-or-versions")),
        },
        variant=install[0] if install[1] or install == STRIPPED else "error" if error else "ended",
    )


def _by_docstrings(imports: Imports, one: Imported) -> bool:
    """A module lacks an attribute or a name where docstrings are dropped: scikit-image 0.26 reads its own as it is imported."""
    return imports.without_docstrings and str(one.error).startswith(("AttributeError", "ImportError", "TypeError"))


def _install(one: Imported, packages: Packages | None) -> tuple[str, list[str]]:
    """(variant, pip's words): a module that is not there is a part of the package itself, or one of what it requires.

    Where a package has a list of its files RD260 speaks of it; without one pip could not remove it. pip brings what a package
    declares when that is asked for again. Not insightface: with it comes the CPU build of onnxruntime.
    """
    match = ABSENT.search(one.error or "")
    if match is None or packages is None:
        return NOTHING
    asking, absent = one.raised_in or one.module, match[1].split(".")[0]
    name = distribution_of(asking, packages)
    version = packages.installed.get(name or "")
    if absent == asking:
        return ("part-missing", ["--ignore-installed", "--no-deps", f"{name}=={version}"]) if version else NOTHING
    own = distribution(absent)
    words = [f"{name}=={version}"] if version and name != "insightface" else []
    return "dependency-missing", [*words, own] if own is not None else words
