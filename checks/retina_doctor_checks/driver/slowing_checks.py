"""RD236: variables that are meant for debugging, and make CUDA slow for whoever is started with them."""

from __future__ import annotations

from collections.abc import Iterator

from retina_doctor.authoring import Action, Answer, check
from retina_doctor.model import Passed, Problem, Reason, Severity
from retina_doctor.patterns import pattern

from ..combined.asides import asides
from ..facts.driver import GivenVariable, GpuEnvironment
from ..scopes import gpu_meant

SWITCHES = ("CUDA_LAUNCH_BLOCKING", "CUDA_FORCE_PTX_JIT", "CUDA_CACHE_DISABLE")
"""On for any number but 0 (docs.nvidia.com/cuda/cuda-c-programming-guide, "CUDA Environment Variables"). What is no number is
read as none."""
BY_BEING_SET = ("PYTORCH_NO_CUDA_MEMORY_CACHING",)
"""On whatever it says, "0" and "" too (pytorch c10/cuda/CUDACachingAllocator.cpp asks whether getenv() gives anything)."""
NUMBER = pattern(r"\s*[+-]?0*[1-9]")


def is_on(one: GivenVariable) -> bool:
    if one.name in BY_BEING_SET:
        return True
    if one.name in SWITCHES:
        return NUMBER.match(one.value) is not None
    return bool(one.value)  # the path of a library that is loaded into every CUDA program (CUPTI, compute-sanitizer)


@check("RD236", "cuda-slowed-by-variable", Severity.WARNING, pitfall=2, scope=gpu_meant, action=Action.EDIT)
def cuda_slowed_by_variable(variables: GpuEnvironment) -> Answer:
    """A warning: the GPU is used, and results are right. Only what NVIDIA and PyTorch document as slow, nothing of taste."""
    return list(_slowing(variables)) or Passed(Reason("no-slowing-variable"))


def _slowing(variables: GpuEnvironment) -> Iterator[Problem]:
    for one in filter(is_on, variables.slowing):
        evidence = {"variable": one.name, "value": one.value, "more": asides(Reason(f"slows-{one.name.lower()}"))}
        yield Problem(subject=f"variable:{one.name}", evidence=evidence)
