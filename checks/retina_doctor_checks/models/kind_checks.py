"""RD109 and RD114: a file that is no model, or none of its name's kind; a whole model that is no face detector, or none that
insightface knows as one."""

from __future__ import annotations

import posixpath

from retina_doctor.authoring import Action, Answer, check
from retina_doctor.codec import replace
from retina_doctor.model import Problem, Reason, Severity, Unknown

from ..combined.asides import asides
from ..facts.models import Model, ModelFile
from ..facts.python_env import Packages
from .checks import is_folder_in_place_of_a_file
from .contents import ARCHIVES, COMPRESSED, FORMATS, ending, is_foreign
from .evidence import fetched_with_pack, nothing_to_read, renamed, subject_of

BY_INPUT = {(96, 1): "gender-age", (192, 1): "landmarks", (128, 2): "face-swapping", (112, 1): "recognition"}
"""What a square input of that many pixels, and so many inputs, are to insightface (model_zoo.py, ModelRouter)."""
MOST_NAMES = 6
LEAST_OUTPUTS = 5
"""Of a detector to insightface 2.1 (model_zoo/model_zoo.py ModelRouter.get_model: len(outputs) >= 5)."""


@check("RD109", "model-not-a-model", Severity.ERROR, pitfall=1, action=Action.EDIT)
def model_not_a_model(model: Model) -> Answer:
    if is_folder_in_place_of_a_file(model):
        return _folder(model)
    return [_foreign(model, file) for file in model.files if is_foreign(file)] or nothing_to_read(model)


def _folder(model: Model) -> Problem:
    """Docker makes an empty one where the file that is to be mounted is not there; a download may unpack into one of its name."""
    assert model.path is not None
    inner = _only_model(model)
    ending_ = posixpath.splitext(model.path)[1]
    evidence = {
        **dict.fromkeys(("size", "content", "archive")),
        "path": model.path,
        "ending": ending_,
        "right": inner.path if inner is not None else None,
        "inside": [posixpath.basename(one.path) for one in model.files][:MOST_NAMES],
    }
    takes_its_place = inner is not None and posixpath.splitext(inner.path)[1] == ending_
    variant = "folder-with-model" if takes_its_place else "folder-with-models" if model.files else "folder"
    return Problem(subject=subject_of(model.path), evidence=evidence, variant=variant)


def _only_model(model: Model) -> ModelFile | None:
    """The one detector that is in a folder, else the one file; None where that leaves a choice."""
    detectors = [one for one in model.files if one.is_detector and one.problem is None and one.error is None]
    return next((some[0] for some in (detectors, model.files) if len(some) == 1), None)


def _unpacked(model: Model, file: ModelFile) -> dict[str, object]:
    """Evidence: the one model of an archive takes its place where the name says so, else its own path is the right one."""
    inner = file.inside[0]
    in_place = posixpath.splitext(inner)[1].lower() == ending(file)
    packed = f"{file.path}.{file.content}" if in_place else file.path
    right = file.path if in_place else posixpath.join(f"{file.path}.unpacked", inner)
    told = {
        "inner": inner,
        "right": right,
        "unpack": ["-m", f"{file.content}file", "-e", packed, f"{file.path}.unpacked"],
    }
    if not in_place:
        return {**told, "aside": [], "place": [], **renamed(model, right)}
    moved = ["mv", "-n", posixpath.join(f"{file.path}.unpacked", inner), file.path]
    return {**told, "aside": ["mv", "-n", file.path, packed], "place": moved, "tell": [], "again_with": None}


def _foreign(model: Model, file: ModelFile) -> Problem:
    format_ = FORMATS.get(file.content)
    archive = _archive(file.content)
    evidence: dict[str, object] = {
        "path": file.path,
        "size": file.size,
        "content": format_ or file.content,
        "archive": archive is not None,
        "ending": ending(file),
        "name": posixpath.basename(file.path),
    }
    variant = "renamed" if format_ else archive or "other"
    if len(file.inside) == 1:
        evidence, variant = {**evidence, **_unpacked(model, file)}, "holds-model"
    fetched = fetched_with_pack(file) if variant == "other" else None
    if fetched is not None:
        evidence, variant = {**evidence, **fetched}, "other-pack"
    return Problem(subject=subject_of(file.path), evidence=evidence, variant=variant)


def _archive(content: str) -> str | None:
    if content in ("zip", "tar"):
        return content
    return "compressed" if content in COMPRESSED else "archive" if content in ARCHIVES else None


@check("RD114", "model-not-a-detector", Severity.ERROR, pitfall=1, action=Action.EDIT)
def model_not_a_detector(model: Model, packages: Packages | None) -> Answer:
    """A whole model whose graph is none that RetinaFace or insightface's detectors have. A folder is RD105's, but for one that is
    named to insightface and holds no detector that this would take for one."""
    answer = nothing_to_read(model)
    if answer is not None:
        return answer
    if is_folder_in_place_of_a_file(model):
        return None
    if model.is_folder:
        found = _unknown_to_insightface(model)
        if packages is None and found:
            return Unknown(("packages",))
        return found if packages is not None and packages.insightface is not None else None
    return [_beside(model, _other_kind(file)) for file in model.files if file.problem is None and _is_other(file)]


def _beside(model: Model, problem: Problem) -> Problem:
    """With the detector that lies beside it or in a pack, where there is one."""
    if not model.nearby or problem.variant == "checkpoint":  # what loads a checkpoint loads no ONNX
        return problem
    near = model.nearby[0]
    place = posixpath.join(str(problem.evidence["folder"]), posixpath.basename(near))
    evidence = {**problem.evidence, "near": near, "all_near": list(model.nearby), "place": place}
    evidence |= renamed(model, near) if problem.variant != "retinaface" else {}
    return replace(problem, evidence=evidence, variant=f"{problem.variant}-near")


def _unknown_to_insightface(model: Model) -> list[Problem]:
    """FaceAnalysis ends with a bare `assert "detection" in self.models`. A service may load a file of the folder by itself: only
    a pack's name is surely insightface's, and a folder that nobody named says nothing of it."""
    whole = [file for file in model.files if file.problem is None and file.error is None]
    detectors = [file for file in whole if file.is_detector]
    of_insightface = [file for file in detectors if file.onnx is not None and len(file.onnx.outputs) >= LEAST_OUTPUTS]
    if model.named_by == "found" or of_insightface or any(file.onnx is None for file in detectors):
        return []
    at_most = None if model.kind == "pack" else Severity.WARNING
    return [_beside(model, replace(_other_kind(file), at_most=at_most)) for file in detectors[:1]]


def _is_other(file: ModelFile) -> bool:
    known = file.onnx is not None or (file.checkpoint is not None and file.checkpoint.network == "other")
    return known and not file.is_detector


def _other_kind(file: ModelFile) -> Problem:
    shape = file.onnx.inputs[0].shape if file.onnx and file.onnx.inputs else None
    side = shape[-1] if shape and len(shape) == 4 and shape[-1] == shape[-2] else None
    kind = BY_INPUT.get((side, len(file.onnx.inputs))) if file.onnx and isinstance(side, int) else None
    kind = "retinaface" if file.is_detector else kind
    evidence = {
        "path": file.path,
        "folder": posixpath.dirname(file.path) or "/",
        "outputs": [one.name for one in file.onnx.outputs] if file.onnx else None,
        "input": list(shape) if shape else None,
        "more": asides(
            Reason("model-input", {"shape": "×".join("?" if side is None else str(side) for side in shape)})
            if shape
            else None
        ),
        "kind": kind,
        "keys": file.checkpoint.keys if file.checkpoint else None,
    }
    at_most = None if kind else Severity.WARNING
    # The page tells apart what is recognised; of a model for something else, its outputs say enough.
    variant = (
        "checkpoint" if file.checkpoint and not kind else kind if kind in ("retinaface", "recognition") else "other"
    )
    return Problem(subject=subject_of(file.path), evidence=evidence, at_most=at_most, variant=variant)
