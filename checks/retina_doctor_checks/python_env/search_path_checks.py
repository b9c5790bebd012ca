"""RD256, RD281: what stands before a package on the path of imports."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from retina_doctor.authoring import Action, check
from retina_doctor.model import Problem, Reason, Severity

from ..combined.asides import asides
from ..combined.start_need import at_most as capped
from ..facts.python_env import Packages, Shadow, WorkingDirectory
from ..facts.service_start import Start

OF_ARRAYS = ("cv2", "insightface", "onnxruntime", "scipy", "torch")
ALSO_IMPORTS = {
    "numpy": OF_ARRAYS,
    **dict.fromkeys(("cv2", "onnx", "onnxruntime", "requests", "skimage", "tqdm"), ("insightface",)),
}
"""Package -> others that import it as soon as they are imported."""
NOT_BY = {
    "flask": frozenset(
        "asyncio calendar ctypes decimal html queue secrets signal subprocess tokenize traceback".split()
    ),
    "fastapi": frozenset("asyncio calendar ctypes decimal hashlib html json pickle queue signal".split()),
    "insightface": frozenset("asyncio ctypes decimal hashlib html pickle queue signal subprocess uuid".split()),
}
"""Package -> those of Python's own modules with an empty file in whose place it is imported all the same (tried one by one:
insightface 2.1, flask 3.1, fastapi 0.16)."""


@check("RD281", "working-directory-shadows-package", Severity.ERROR, pitfall=2, action=Action.EDIT)
def working_directory_shadows_package(directory: WorkingDirectory, start: Start | None) -> Iterator[Problem]:
    """An error where the service's start imports it from there, and lacks something of it; else a warning."""
    for shadow in directory.shadows:
        if shadow.installed:
            stem, ending = posixpath.splitext(shadow.path)
            renamed = f"{stem}_local{ending}"
            imported = _is_imported(shadow, start)
            evidence = {
                "name": shadow.name,
                "path": shadow.path,
                "directory": directory.path,
                "renamed": renamed,
                "more": asides(Reason("start-imports-it") if imported else None),
            }
            variant = "standard" if shadow.standard else "package"
            at_most = capped(start) if imported else Severity.WARNING
            yield Problem(subject=f"module:{shadow.name}", variant=variant, evidence=evidence, at_most=at_most)


def _is_imported(shadow: Shadow, start: Start | None) -> bool:
    """By what the start loads, from a folder that stands first on its sys.path."""
    folder = posixpath.dirname(shadow.path.removesuffix("/__init__.py"))
    if start is None or folder not in start.folders:
        return False
    if shadow.standard:
        # What the service's own files import by that name may be meant: it is the packages that need Python's own.
        by = {package for package, without in NOT_BY.items() if shadow.name not in without}
        return shadow.lacks and start.first == folder and not by.isdisjoint(start.imports)
    return not {shadow.name, *ALSO_IMPORTS.get(shadow.name, ())}.isdisjoint(start.imports)


@check("RD256", "package-shadowed", Severity.WARNING, pitfall=2, action=Action.EDIT)
def package_shadowed(packages: Packages) -> Iterator[Problem]:
    """A warning: it may be meant. What goes wrong with the copy that is imported shows in findings of their own, under this one;
    pip's commands would change the other copy."""
    for one in packages.shadowed:
        distribution = one.distribution.split(",")[0].split(" ")[0] if one.distribution else None
        evidence = {
            "name": one.name,
            "path": one.path,
            "folder": one.path.rpartition("/")[0],
            "distribution": one.distribution,
            "own": one.own,
            "own_distribution": one.own_distribution,
            "by": one.by,
            "uninstall": [distribution] if distribution and one.by == "user-site" else [],
            "more": asides(
                *(
                    Reason("belongs-to", {"path": path, "package": package}) if package else None
                    for path, package in ((one.path, one.distribution), (one.own, one.own_distribution))
                )
            ),
        }
        variant = one.by.lower() if one.by in ("PYTHONPATH", "user-site") else "other"
        yield Problem(subject=f"module:{one.name}", variant=variant, evidence=evidence)
