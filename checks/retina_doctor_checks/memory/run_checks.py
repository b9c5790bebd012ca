"""RD306, RD307: what the trial detection itself shows of GPU memory."""

from __future__ import annotations

import itertools
import re

from retina_doctor.authoring import Action, Answer, check
from retina_doctor.codec import Data
from retina_doctor.model import Inapplicable, Passed, Problem, Reason, Severity, Unknown
from retina_doctor_checks.combined.run_memory import TrialRun, card_of, need_at
from retina_doctor_checks.inference.checks import not_tried, subject_of
from retina_doctor_checks.scopes import gpu_meant

from ..combined.asides import asides
from ..combined.card_part import MIB, in_mib

MARGIN = 32 * MIB
"""By so much memory must grow at every one of the inputs. NVML counts in steps of 2 MiB, and an arena that has room for the
largest input has room for the others. Not calibrated on a card: a guess on the safe side, and therefore a warning alone."""


@check("RD306", "vram-shape-churn", Severity.WARNING, pitfall=3, scope=gpu_meant, action=Action.EDIT)
def vram_shape_churn(run: TrialRun) -> Answer:
    """The process keeps more memory after each input of another size, though none is larger than the first."""
    inference = run.inference
    if not_tried(inference):
        return not_tried(inference)
    shapes, card = inference.shapes, card_of(run)
    if shapes is None:
        return Unknown(("inference",))
    if shapes.skipped:
        return Inapplicable(Reason(f"shapes-{shapes.skipped}"))
    if card is None or card.own_after is None or not shapes.uses:
        return Unknown(("inference",))
    held = [card.own_after, *(use.own for use in shapes.uses)]
    grown = held[-1] - held[0]
    if min(after - before for before, after in itertools.pairwise(held)) < MARGIN:
        return Passed(Reason("shapes", {"count": len(shapes.uses), "grown": round(grown / MIB)}))
    evidence = {
        "model": inference.model,
        "gpu": card.index,
        "size": "x".join(map(str, inference.input_size or ())),
        "start": held[0],
        "grown": grown,
        "count": len(shapes.uses),
        "steps": [{"size": "x".join(map(str, use.size)), "held": use.own} for use in shapes.uses],
        "then": [f"{'x'.join(map(str, use.size))}: {in_mib(use.own or 0)}" for use in shapes.uses],
    }
    return Problem(subject=f"gpu:{card.index}", evidence=evidence)


class RefusedMemory(Data, frozen=True, kw_only=True):
    """Bytes, out of an out-of-memory error. *free*, *unused*: what torch says is free on the card, and in its own cache."""

    wanted: int
    free: int | None = None
    unused: int | None = None


AMOUNT = r"([\d.]+) ([KMG]?i?B|bytes)"
UNITS = {"bytes": 1, "B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}


def refused(said: str) -> RefusedMemory | None:
    """What a framework wanted and did not get. None: it complains of something else.

    torch: c10/cuda/CUDACachingAllocator.cpp, of 1.10 to 2.0 and as it is since. onnxruntime: core/framework/bfc_arena.cc.
    """
    wanted = _amount(rf"Tried to allocate {AMOUNT}", said)
    if wanted is not None:
        free = _amount(rf"of which {AMOUNT} is free", said) or _amount(rf"; {AMOUNT} free;", said)
        unused = _amount(rf"{AMOUNT} is reserved by PyTorch but unallocated", said)
        reserved, taken = _amount(rf"{AMOUNT} reserved in total", said), _amount(rf"{AMOUNT} already allocated", said)
        if unused is None and reserved is not None and taken is not None:
            unused = reserved - taken
        return RefusedMemory(wanted=wanted, free=free, unused=unused)
    found = re.search(r"Failed to allocate memory for requested buffer of size (\d+)", said)
    return RefusedMemory(wanted=int(found[1])) if found else None


def _amount(pattern: str, said: str) -> int | None:
    found = re.search(pattern, said)
    return round(float(found[1]) * UNITS[found[2]]) if found and found[2] in UNITS else None


@check("RD307", "vram-fragmented", Severity.ERROR, pitfall=3, scope=gpu_meant, action=Action.EDIT)
def vram_fragmented(run: TrialRun) -> Answer:
    """Out of memory, although the card had room for the model, and what was wanted is free: in the framework's cache or on
    the card."""
    inference = run.inference
    if inference.skipped:
        return not_tried(inference)
    said = inference.run_error or inference.load_error
    if said is None:
        if inference.on_cuda is None:
            return Unknown(("inference",))
        return None if inference.on_cuda else Inapplicable(Reason("smoke-all-on-cpu"))
    asked, card = refused(said), card_of(run)
    if asked is None:
        return Inapplicable(Reason("smoke-not-out-of-memory"))
    free = asked.free if asked.free is not None else card.total - card.peak if card else None
    if free is None:
        return Unknown(("nvml",))
    there = free + (asked.unused or 0)
    need = need_at(run, card) if card else None
    too_full = (
        card is not None and card.before is not None and need is not None and card.total - card.before < need.total
    )
    if there < asked.wanted or too_full:
        return None  # there is not enough, in one block or in many
    evidence = {
        "model": inference.model,
        "framework": inference.framework,
        "gpu": card.index if card else None,
        "wanted": asked.wanted,
        "there": there,
        "free": free,
        "unused": asked.unused,
        "said": said[:300],
        "more": asides(
            Reason("on-card", {"gpu": card.index}) if card else None,
            Reason("unused-in-cache", {"framework": inference.framework, "amount": in_mib(asked.unused)})
            if asked.unused
            else None,
        ),
    }
    return Problem(
        subject=f"gpu:{card.index}" if card else subject_of(inference),
        evidence=evidence,
        variant="torch" if inference.framework == "torch" else "onnxruntime",
    )
