"""RD255, RD289, RD293: several distributions fill one folder, and the last one has overwritten files of the others."""

from __future__ import annotations

from retina_doctor.authoring import Action, Answer, check
from retina_doctor.model import Inapplicable, Problem, Reason, Severity

from ..combined.asides import asides
from ..combined.refusals import NUMPY_FAILED, meaning
from ..facts.ort_gpu import OrtFiles
from ..facts.python_env import Imported, Imports, Packages
from ..facts.torch_cuda import TorchFiles
from ..scopes import gpu_meant
from ..versions import named


@check("RD289", "retinaface-import-clash", Severity.ERROR, action=Action.PIP)
def retinaface_import_clash(packages: Packages) -> Answer:
    if len(packages.retinaface) < 2:
        return None
    kept = next((one for one in packages.retinaface if one.name == packages.retinaface_owner), packages.retinaface[0])
    evidence = {
        "names": [one.name for one in packages.retinaface],
        "installed": [named(one.name, one.version) for one in packages.retinaface],
        "in_force": packages.retinaface_owner,
        "more": asides(_whose_files(packages.retinaface_owner)),
        "kept": f"{kept.name}=={kept.version}",
    }
    return Problem(subject="module:retinaface", evidence=evidence)


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
        "installed": [named(one.name, one.version) for one in packages.cudnn],
        "in_force": packages.cudnn_owner,
        "kept": next((f"{one.name}=={one.version}" for one in packages.cudnn if one.name == wanted), wanted),
        "majors": sorted(set(majors)),
        "more": asides(_whose_files(packages.cudnn_owner)),
        "notes": asides(_built_for(sorted(set(majors)))),
    }
    return Problem(subject="cudnn", evidence=evidence)


def _not_its_own(one: Imported) -> bool:
    """It fails with what keeps any library from being loaded, such as a volume that is mounted noexec, or in what it imports."""
    meant = meaning(one.error)
    everywhere = meant is not None and meant.row.everywhere
    return everywhere or one.raised_in not in ("cv2", None) or NUMPY_FAILED.search(one.error or "") is not None


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
    tried = (
        [one.error for one in imports.tried if one.module == "cv2" and not _not_its_own(one)]
        if imports is not None
        else []
    )
    fails = bool(packages.opencv_lacks) or any(tried)
    headless = next((one for one in packages.opencv if one.name.endswith("headless")), None)
    kept = headless or next((one for one in packages.opencv if one.name == packages.opencv_owner), packages.opencv[0])
    at_most = (
        None if fails else Severity.WARNING if len({one.version for one in packages.opencv}) > 1 else Severity.NOTE
    )
    evidence = {
        "names": [one.name for one in packages.opencv],
        "installed": [named(one.name, one.version) for one in packages.opencv],
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
