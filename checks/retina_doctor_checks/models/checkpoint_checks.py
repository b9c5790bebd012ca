"""RD112 and RD113: what a torch checkpoint's pickle names. It is read and not run."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from retina_doctor.authoring import Action, Answer, check
from retina_doctor.model import Inapplicable, Problem, Reason, Severity, Unknown

from ..facts.models import Checkpoint, Model, ModelFile
from .evidence import nothing_to_read, subject_of


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
    """There are none, or none of the heads; the keys are another backbone's than the name says, or bear a prefix."""
    return list(_mismatched(model)) or no_checkpoint(model)


def _mismatched(model: Model) -> Iterator[Problem]:
    for file, weights in checkpoints(model):
        if not weights.tensors or weights.lacks or _nameless(file, weights):
            yield _incomplete(file, weights)
            continue
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


def _nameless(file: ModelFile, weights: Checkpoint) -> bool:
    """A tensor, or several, without the names that a network's have: torch.save(output, path). A whole module has them
    elsewhere."""
    of_torch = file.content in ("torch-zip", "torch-legacy")
    return of_torch and weights.tensors and not weights.keys and not weights.refused


def _incomplete(file: ModelFile, weights: Checkpoint) -> Problem:
    """No weights at all, as `torch.save({})` leaves it, tensors that are none, or those of a backbone alone."""
    evidence = {"path": file.path, "keys": weights.keys, "network": weights.network, "lacks": list(weights.lacks)}
    variant = "no-weights" if not weights.tensors else "no-heads" if weights.lacks else "no-names"
    return Problem(subject=subject_of(file.path), evidence=evidence, variant=variant)


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
