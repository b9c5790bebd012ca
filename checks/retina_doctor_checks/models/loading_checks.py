"""RD111 to RD120: a whole file that nonetheless does not load as the face detector that the service wants."""

from __future__ import annotations

import difflib
import functools
import posixpath
import re
from collections.abc import Iterator, Mapping

from retina_doctor.authoring import Action, Answer, check
from retina_doctor.codec import replace
from retina_doctor.model import Inapplicable, Interpreter, Problem, Reason, Severity, Unknown

from ..advice.compatible import onnxruntime_advice
from ..advice.machine import MachineSeen
from ..combined.asides import Asides, asides
from ..facts.inference import Inference
from ..facts.models import Cache, Checkpoint, Model, ModelFile
from ..facts.python_env import Packages
from .checks import is_missing, named, nothing_named, nothing_to_read, packs, subject_of

MIB = 1024**2
IR_TOO_NEW = re.compile(r"Unsupported model IR version: (\d+), max supported IR version: (\d+)")
OPSET_TOO_NEW = re.compile(r"Opset (\d+) is under development.*?(?:till|up to) opset (\d+)", re.DOTALL)
BY_INPUT = {(96, 1): "gender-age", (192, 1): "landmarks", (128, 2): "face-swapping", (112, 1): "recognition"}
"""What a square input of that many pixels, and so many inputs, are to insightface (model_zoo.py, ModelRouter)."""


@functools.cache
def known_packs() -> tuple[str, ...]:
    return tuple(packs()["names"]["known"])


def is_unknown_pack(model: Model) -> bool:
    """A name that insightface neither finds on the disk nor could download."""
    nothing_near = not model.similar and not model.elsewhere
    return model.kind == "pack" and is_missing(model) and nothing_near and model.named not in known_packs()


@check("RD111", "model-external-data-missing", Severity.ERROR, pitfall=1, action=Action.EDIT)
def model_external_data_missing(model: Model) -> Answer:
    return list(_external(model)) or nothing_to_read(model)


def _external(model: Model) -> Iterator[Problem]:
    for file in model.files:
        bad = [one for one in file.onnx.external if one.problem] if file.onnx else []
        if bad:
            first = bad[0]
            evidence = {
                "path": file.path,
                "folder": posixpath.dirname(file.path),
                "locations": [one.location for one in bad],
                "weights": first.location,
                "problem": first.problem,
                "there": first.there,
                "needed": first.needed,
            }
            variant = first.problem if first.problem in ("missing", "outside", "cut-short") else "unreadable"
            yield Problem(subject=subject_of(file.path), evidence=evidence, variant=variant)


def checkpoints(model: Model) -> list[tuple[ModelFile, Checkpoint]]:
    return [(file, file.checkpoint) for file in model.files if file.checkpoint is not None]


def no_checkpoint(model: Model) -> Inapplicable | Unknown | None:
    answer = nothing_to_read(model)
    if answer is not None:
        return answer
    unread = [file for file in model.files if file.checkpoint is None and _may_be_checkpoint(file)]
    if any(file.problem is None for file in unread):
        return Unknown(("models",))
    return None if checkpoints(model) else Inapplicable(Reason("no-checkpoint"))


def _may_be_checkpoint(file: ModelFile) -> bool:
    named_so = file.path.lower().endswith((".pth", ".pt", ".pkl"))
    return file.content in ("torch-zip", "torch-legacy", "pickle") or (file.content == "unknown" and named_so)


@check("RD112", "model-weights-mismatch", Severity.ERROR, pitfall=1, action=Action.EDIT)
def model_weights_mismatch(model: Model) -> Answer:
    """The keys are another backbone's than the name says, or bear the prefix of torch.nn.DataParallel."""
    return list(_mismatched(model)) or no_checkpoint(model)


def _mismatched(model: Model) -> Iterator[Problem]:
    for file, weights in checkpoints(model):
        if weights.network not in ("mobilenet0.25", "resnet50"):
            continue
        name = posixpath.basename(file.path).lower()
        said = "mobilenet0.25" if "mobile" in name else "resnet50" if re.search(r"res(net)?-?50|r50", name) else None
        other = said is not None and said != weights.network
        if other or weights.prefix:
            evidence = {
                "path": file.path,
                "said": said if other else None,
                "network": weights.network,
                "prefix": weights.prefix,
                "keys": weights.keys,
                "stripped": posixpath.splitext(file.path)[0] + ".plain.pth",
            }
            at_most = None if other else Severity.WARNING
            variant = "other-network" if other else "prefix"
            yield Problem(subject=subject_of(file.path), evidence=evidence, at_most=at_most, variant=variant)


@check("RD113", "model-unsafe-pickle", Severity.ERROR, pitfall=1, action=Action.EDIT)
def model_unsafe_pickle(model: Model) -> Answer:
    """Judged by the names in the pickle; it is not unpickled. What is merely not admitted by torch.load is a warning."""
    return [
        Problem(
            subject=subject_of(file.path),
            evidence={"path": file.path, "refused": list(weights.refused), "dangerous": list(weights.dangerous)},
            at_most=None if weights.dangerous else Severity.WARNING,
            variant="dangerous" if weights.dangerous else "refused",
        )
        for file, weights in checkpoints(model)
        if weights.refused
    ] or no_checkpoint(model)


LEAST_OUTPUTS = 5
"""Of a detector to insightface 2.1 (model_zoo/model_zoo.py ModelRouter.get_model: len(outputs) >= 5)."""


@check("RD114", "model-not-a-detector", Severity.ERROR, pitfall=1, action=Action.EDIT)
def model_not_a_detector(model: Model, packages: Packages | None) -> Answer:
    """A whole model whose graph is none that RetinaFace or insightface's detectors have. A folder is RD105's, but for one that is
    named to insightface and holds no detector that this would take for one."""
    answer = nothing_to_read(model)
    if answer is not None:
        return answer
    if model.is_folder:
        found = _unknown_to_insightface(model)
        if packages is None and found:
            return Unknown(("packages",))
        return found if packages is not None and packages.insightface is not None else None
    return [_other_kind(file) for file in model.files if file.problem is None and _is_other(file)]


def _unknown_to_insightface(model: Model) -> list[Problem]:
    """FaceAnalysis ends with a bare `assert "detection" in self.models`. A service may load a file of the folder by itself: only
    a pack's name is surely insightface's, and a folder that nobody named says nothing of it."""
    whole = [file for file in model.files if file.problem is None and file.error is None]
    detectors = [file for file in whole if file.is_detector]
    of_insightface = [file for file in detectors if file.onnx is not None and len(file.onnx.outputs) >= LEAST_OUTPUTS]
    if model.named_by == "found" or of_insightface or any(file.onnx is None for file in detectors):
        return []
    at_most = None if model.kind == "pack" else Severity.WARNING
    return [replace(_other_kind(file), at_most=at_most) for file in detectors[:1]]


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


def _refused(inference: Inference, pattern: re.Pattern[str]) -> tuple[int, int] | Inapplicable | Unknown | None:
    """(the model's version, the newest that this onnxruntime takes), as onnxruntime itself says when it loads the model."""
    if inference.skipped:
        return Inapplicable(Reason(f"smoke-{inference.skipped}"))
    if inference.load_error is None:
        return None if inference.session is not None else Unknown(("inference",))
    found = pattern.search(inference.load_error)
    return (int(found[1]), int(found[2])) if found else None


def _other_release(advice: Mapping[str, object]) -> Asides:
    """A release that fits the machine better than the installed one may take the model as it is."""
    version = None if advice["keeps_version"] else advice["version"]
    return asides(Reason("or-other-onnxruntime", {"version": version}) if version else None)


def _too_new(inference: Inference, machine: MachineSeen, versions: tuple[int, int]) -> Problem:
    path = inference.model or ""
    advice = onnxruntime_advice(machine)
    installed = machine.ort.in_force if machine.ort else None
    return Problem(
        subject=subject_of(path),
        evidence={
            **advice,
            "path": path,
            "has": versions[0],
            "newest": versions[1],
            "onnxruntime": installed.version if installed else None,
            "more": _other_release(advice),
            "reader": f"onnxruntime {installed.version}" if installed else "onnxruntime",
            "converted": posixpath.splitext(path)[0] + ".older.onnx",
        },
    )


@check("RD115", "model-opset-too-new", Severity.ERROR, pitfall=1, action=Action.EDIT)
def model_opset_too_new(inference: Inference, machine: MachineSeen) -> Answer:
    answer = _refused(inference, OPSET_TOO_NEW)
    return _too_new(inference, machine, answer) if isinstance(answer, tuple) else answer


@check("RD116", "model-ir-too-new", Severity.ERROR, pitfall=1, action=Action.EDIT)
def model_ir_too_new(inference: Inference, machine: MachineSeen) -> Answer:
    answer = _refused(inference, IR_TOO_NEW)
    return _too_new(inference, machine, answer) if isinstance(answer, tuple) else answer


@check("RD117", "model-unknown-name", Severity.ERROR, pitfall=1, action=Action.EDIT)
def model_unknown_name(model: Model) -> Answer:
    if model.path is None:
        return nothing_named(model)
    if not is_unknown_pack(model):
        return None if model.exists or is_missing(model) else Unknown(missing=("models",))
    near = difflib.get_close_matches(model.named or "", known_packs(), 1)
    evidence = {
        **named(model),
        "near": near[0] if near else None,
        "known": list(known_packs()),
        "folder": posixpath.dirname(model.path) or "/",
    }
    return Problem(subject=subject_of(model.path), evidence=evidence, variant="near" if near else "unknown")


def _wanted(model: Model) -> Cache | Inapplicable | Unknown | None:
    """The cache that a download would go to; None: the pack is there already."""
    if model.path is None:
        return nothing_named(model)
    if model.kind != "pack":
        return Inapplicable(Reason("no-pack-named"))
    if not is_missing(model):
        return None if model.exists else Unknown(("models",))
    return model.cache if model.cache is not None else Unknown(("models",))


@check("RD118", "model-cache-not-writable", Severity.ERROR, pitfall=1, action=Action.EDIT)
def model_cache_not_writable(model: Model, interpreter: Interpreter | None) -> Answer:
    cache = _wanted(model)
    if not isinstance(cache, Cache):
        return cache
    if cache.writable:
        return None
    home = interpreter.home if interpreter is not None else None
    more = asides(Reason("home-is", {"home": home}) if home else None)
    evidence = {**named(model), "root": cache.root, "at": cache.at, "more": more}
    return Problem(subject=subject_of(model.path or ""), evidence=evidence)


@check("RD119", "model-download-failed", Severity.ERROR, pitfall=1, action=Action.EDIT)
def model_download_failed(model: Model) -> Answer:
    """A zip that a broken-off download left beside the folder that is not there."""
    cache = _wanted(model)
    if not isinstance(cache, Cache):
        return cache
    if cache.zip is None:
        return None
    evidence = {**named(model), "zip": cache.zip, "whole": cache.zip_whole}
    variant = "whole" if cache.zip_whole else "incomplete"
    return Problem(subject=subject_of(model.path or ""), evidence=evidence, variant=variant)


@functools.cache
def room_for_packs() -> dict[str, int]:
    """MiB that the zip of a pack and its unpacked files take together."""
    return {name: int(mebibytes) for name, mebibytes in packs()["room"].items()}


@check("RD120", "disk-full", Severity.ERROR, pitfall=1, action=Action.EDIT)
def disk_full(model: Model) -> Answer:
    """Too little space for a pack that is to be downloaded: its zip and what is unpacked from it."""
    cache = _wanted(model)
    if not isinstance(cache, Cache):
        return cache
    if cache.free is None:
        return Unknown(("models",))
    room = room_for_packs().get(model.named or "", min(room_for_packs().values())) * MIB
    if cache.free >= room:
        return None
    broken = cache.zip if cache.zip is not None and not cache.zip_whole else None
    evidence = {
        **named(model),
        "root": cache.root,
        "at": cache.at,
        "free": cache.free,
        "room": room,
        "zip": cache.zip,
        "broken_zip": broken,
    }
    variant = "incomplete-zip" if broken else "no-space"
    return Problem(subject=subject_of(model.path or ""), evidence=evidence, variant=variant)
