"""RD605: does this environment compute what it should? Asked with the doctor's own model, whatever the service's may be."""

from __future__ import annotations

from retina_doctor.authoring import Action, Answer, check, evidence_of
from retina_doctor.model import Inapplicable, Passed, Problem, Reading, Reason, Severity, Unknown

from ..combined.asides import of_ending as told_of_ending
from ..facts.inference import KnownAnswer
from .known import EXACT, TENSOR_CORES, compared, expected

CUDA = "CUDAExecutionProvider"


def on_cuda(answer: KnownAnswer) -> bool:
    """Where it is not told which nodes ran there (an old onnxruntime without a writable disk), as the session says."""
    return bool(answer.nodes.get(CUDA)) if answer.nodes else CUDA in (answer.session or ())


def right(answer: KnownAnswer) -> bool | None:
    """Whether this environment computed the known answer; None: it was not tried."""
    if answer.skipped or answer.finite is None:
        return None
    off = compared(answer)
    score, pixels = TENSOR_CORES if on_cuda(answer) else EXACT
    return answer.finite and not off.missing and not off.surplus and off.score <= score and off.pixels <= pixels


@check("RD605", "known-answer-wrong", Severity.ERROR, action=Action.LOOK)
def known_answer_wrong(answer: Reading[KnownAnswer]) -> Answer:
    """Speaks for the looking. What fails here is no fault of the service's model."""
    if answer.value is None:
        from ..triage.log_causes import of_ending  # what failed is rare, and its tables are large

        ended, means = evidence_of(answer), of_ending(answer.recorded)
        more = told_of_ending({"means": means})
        evidence = {**ended, "why": "failed", "means": means, "more": more}
        return Problem(subject="onnxruntime", evidence=evidence, variant="failed")
    seen = answer.value
    if seen.skipped:
        return Inapplicable(Reason(f"smoke-{seen.skipped}"))
    verdict = right(seen)
    if verdict is None:
        return Unknown((answer.probe,))
    on = CUDA if on_cuda(seen) else "CPUExecutionProvider"
    if verdict:
        return Passed(Reason("known-answer", {"faces": sum(len(one.faces) for one in expected()), "provider": on}))
    off = compared(seen)
    evidence = {
        **evidence_of(answer),
        "means": None,
        "why": "differs" if seen.finite else "not-finite",
        "provider": on,
        "picture": off.picture,
        "score": round(off.score, 4),
        "pixels": round(off.pixels, 2),
        "missing": off.missing,
        "surplus": off.surplus,
    }
    return Problem(subject="onnxruntime", evidence=evidence, variant="differs" if seen.finite else "not-finite")
