"""RD299: do the packages that are installed together fit NumPy 2?"""

from __future__ import annotations

from collections.abc import Iterator

from retina_doctor.authoring import Action, Answer, check
from retina_doctor.model import Severity

from ..combined.numpy_2 import FIRST
from ..facts.source import Source
from ..versions import allows, pinned, release
from .judging import SourcePlace, answer, of_source, scanned
from .package_checks import once
from .together import Environment, environments

OLD = ("1.19.5", "1.21.6", "1.23.5", "1.24.4", "1.26.4")
NEW = ("2.0.0", "2.1.3", "2.2.6", "2.3.5", "2.4.0")
"""Releases of NumPy, of which a requirement lets in some."""


@check("RD299", "numpy-abi", Severity.ERROR, scope=scanned, action=Action.EDIT)
@of_source
def numpy_abi(source: Source) -> Answer:
    """Compiled against NumPy 1, and required with NumPy 2: the import fails. Where a requirement lets NumPy 1 in, what comes
    depends on Python and on the metadata of all other packages, and nothing is said."""
    places = (place for one in environments(source) for place in _unfit(one))
    return answer(source, "RD299", "numpy-abi", once(places), of=("deployment",))


def _unfit(one: Environment) -> Iterator[SourcePlace]:
    numpy = one.packages.get("numpy")
    spec = numpy.spec if numpy is not None else ""
    if any(allows(spec, version) for version in OLD) or not _is_new(spec):
        return
    for name, first in FIRST.items():
        package = one.packages.get(name)
        version = pinned(package.spec) if package is not None else None
        if package is None or version is None or release(version) >= release(first):
            continue
        yield SourcePlace(
            at=package.at,
            why="named",
            what=f"{name}{package.spec}",
            more={"name": name, "first": first, "numpy": f"numpy{spec}"},
        )


def _is_new(spec: str) -> bool:
    return any(allows(spec, version) for version in NEW) or release(pinned(spec))[:1] >= (2,)
