"""RD111, RD115 and RD116: a whole file that nonetheless does not load: weights beside it, an opset or IR that is too new."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping

from retina_doctor.authoring import Action, Answer, check
from retina_doctor.model import Inapplicable, Problem, Reason, Severity, Unknown
from retina_doctor.patterns import pattern

from ..advice.compatible import onnxruntime_advice
from ..advice.machine import MachineSeen
from ..combined.asides import Asides, asides
from ..facts.inference import Inference
from ..facts.models import Model
from .evidence import nothing_to_read, subject_of

IR_TOO_NEW = pattern(r"Unsupported model IR version: (\d+), max supported IR version: (\d+)")
POINTER = "lfs-pointer"
"""RD108 speaks of it."""
OPSET_TOO_NEW = pattern(r"Opset (\d+) is under development.*?(?:till|up to) opset (\d+)", re.DOTALL)


@check("RD111", "model-external-data-missing", Severity.ERROR, pitfall=1, action=Action.EDIT)
def model_external_data_missing(model: Model) -> Answer:
    return list(_external(model)) or nothing_to_read(model)


def _external(model: Model) -> Iterator[Problem]:
    for file in model.files:
        bad = [one for one in file.onnx.external if one.problem not in (None, POINTER)] if file.onnx else []
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


SURE = 18
"""Opset whose operators each onnxruntime has that takes it or a newer one (1.14 on); the newest that a release takes it has
without some kernels (1.16: none for Shape of 19). Below it onnx cannot convert each operator (Split)."""
NEWEST_OF_IR = {4: 9, 5: 10, 6: 11, 7: 12, 8: 17}
"""IR version -> an opset that each onnxruntime takes which reads it (onnx, docs/Versioning.md; the first release with it)."""


def _too_new(inference: Inference, machine: MachineSeen, versions: tuple[int, int], opset: int) -> Problem:
    """*opset*: to which a copy is converted."""
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
            "opset": opset,
            "onnxruntime": installed.version if installed else None,
            "more": _other_release(advice),
            "reader": f"onnxruntime {installed.version}" if installed else "onnxruntime",
            "converted": posixpath.splitext(path)[0] + ".older.onnx",
        },
    )


@check("RD115", "model-opset-too-new", Severity.ERROR, pitfall=1, action=Action.EDIT)
def model_opset_too_new(inference: Inference, machine: MachineSeen) -> Answer:
    answer = _refused(inference, OPSET_TOO_NEW)
    return _too_new(inference, machine, answer, min(answer[1], SURE)) if isinstance(answer, tuple) else answer


@check("RD116", "model-ir-too-new", Severity.ERROR, pitfall=1, action=Action.EDIT)
def model_ir_too_new(inference: Inference, machine: MachineSeen) -> Answer:
    """A file of a newer layout mostly has a newer opset as well, of which onnxruntime speaks only when it can read it."""
    answer = _refused(inference, IR_TOO_NEW)
    if not isinstance(answer, tuple):
        return answer
    return _too_new(inference, machine, answer, NEWEST_OF_IR.get(answer[1], SURE))
