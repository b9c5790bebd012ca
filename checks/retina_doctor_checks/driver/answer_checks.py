"""RD207, RD208, RD217: what fails or hangs when it is asked: nvidia-smi, NVML, CUDA itself."""

from __future__ import annotations

import re

from retina_doctor.authoring import Action, Answer, check, evidence_of
from retina_doctor.model import Inapplicable, Outcome, Passed, Problem, Reading, Reason, Severity, Unknown

from ..combined.asides import asides, of_ending
from ..combined.driver_seen import DriverSeen, lost_by_smi
from ..combined.no_cards import INTEGRATED, NO_GPU
from ..combined.refusals import Meaning, meaning, of_cuda, of_nvml
from ..combined.refusals import of_ending as meaning_of_ending
from ..combined.used_gpus import candidates
from ..facts.driver import CudaDriver, Gpu, GpuEnvironment, Host, NvidiaSmi, Nvml
from ..scopes import gpu_meant
from ..versions import dotted
from .card_checks import of_lost
from .judging import cap
from .trouble import explaining


@check("RD207", "nvidia-smi-hangs", Severity.ERROR, pitfall=2, scope=gpu_meant, action=Action.REBOOT)
def nvidia_smi_hangs(smi: Reading[NvidiaSmi]) -> Answer:
    if smi.value is not None:
        return Inapplicable(Reason("nvidia-smi-not-there")) if smi.value.path is None else None
    path = smi.recorded.facts.get("path")
    if smi.outcome is not Outcome.TIMED_OUT or not isinstance(path, str):
        return Unknown((smi.probe,))
    return Problem(subject="driver", evidence={"path": path, "seconds": smi.recorded.seconds})


@check("RD208", "nvml-fails", Severity.ERROR, pitfall=2, scope=gpu_meant, action=Action.LOOK)
def nvml_fails(
    nvml: Reading[Nvml],
    host: Host | None,
    variables: GpuEnvironment | None,
    cuda: CudaDriver | None,
    smi: NvidiaSmi | None,
) -> Answer:
    """Whatever NVML says or does not say that none of the other checks explains. Where CUDA works all the same, only those
    who watch the card are blind."""
    blind = Severity.WARNING if cuda is not None and cuda.works else None
    if nvml.value is None:
        nothing: dict[str, object] = {"code": None, "error": None, "cards": [], "gpu": None, "means": None}
        ended = evidence_of(nvml)
        evidence = {**ended, **nothing, "more": of_ending(ended)}
        return Problem(subject="driver", evidence=evidence, at_most=blind, variant="no-answer")
    lost = of_nvml(nvml.value.error_code)
    if lost is not None and lost.mechanism == "gpu-lost":
        return Inapplicable(Reason("explained-by", {"name": "gpu-fallen-off-bus"}))
    if nvml.value.error_code is None and nvml.value.gpus:
        used = candidates(nvml.value, variables, cuda)
        failing = [gpu for gpu in nvml.value.gpus if gpu.error is not None]
        told = [_failing(nvml, gpu, at_most=cap(gpu, used)) for gpu in failing if not of_lost(gpu.error)]
        return told if told or not failing else Inapplicable(Reason("explained-by", {"name": "gpu-fallen-off-bus"}))
    taken_by = None
    if host is not None:
        seen = DriverSeen(host=host, nvml=nvml.value, environment=variables, cuda=cuda)
        found = explaining(seen, "nvml")
        if found is not None:
            return Inapplicable(Reason("explained-by", {"name": found.name}))
        if seen.is_integrated:
            return INTEGRATED
        taken_by = seen.taken_by
    told_elsewhere = [*smi.lines, *smi.errors] if smi else []
    told_elsewhere += host.kernel_log.said if host and host.kernel_log else ()
    return _failing(nvml, None, host, at_most=blind, said="\n".join(told_elsewhere), taken_by=taken_by)


def _failing(
    nvml: Reading[Nvml],
    gpu: Gpu | None,
    host: Host | None = None,
    at_most: Severity | None = None,
    said: str | None = None,
    taken_by: str | None = None,
) -> Problem:
    """*said*: what others than NVML say of it. *taken_by*: the other driver that has all cards."""
    assert nvml.value is not None
    number = re.match(r"\d+", gpu.error or "") if gpu else None
    code = int(number[0]) if number else nvml.value.error_code
    meant = of_nvml(code) or meaning(said)
    cards = [one.address for one in (host.pci_gpus if host else None) or ()]
    known = Reason("kernel-knows-cards", {"cards": cards}) if cards and not gpu and not nvml.value.error else None
    evidence = {**evidence_of(nvml), "means": meant.told if meant else None}
    return Problem(
        subject=f"gpu:{gpu.index}" if gpu else "driver",
        evidence={
            **evidence,
            "code": None if gpu else nvml.value.error_code,
            "error": gpu.error if gpu else nvml.value.error,
            "cards": cards,
            "gpu": gpu.index if gpu else None,
            "taken_by": taken_by,
            "more": [*asides(known), *of_ending(evidence)],
        },
        at_most=at_most,
        variant="taken" if taken_by else _how_nvml_fails(nvml.value, gpu, meant),
    )


def _how_nvml_fails(nvml: Nvml, gpu: Gpu | None, meant: Meaning | None) -> str:
    if gpu is not None:
        return "wants-reset" if meant is not None and meant.mechanism == "gpu-wants-reset" else "card"
    return "error" if nvml.error else "no-card"


@check("RD217", "cuda-init-fails", Severity.ERROR, pitfall=2, scope=gpu_meant, action=Action.LOOK)
def cuda_init_fails(cuda: Reading[CudaDriver], host: Host | None, nvml: Nvml | None, smi: NvidiaSmi | None) -> Answer:
    """What every CUDA program does first, done in the target; the trouble that explains it is a finding of its own.

    CUDA's "unknown error" of a card that has fallen off the bus is known to nvidia-smi, though NVML may list the card still."""
    if host is not None and DriverSeen(host=host, nvml=nvml).card is False:
        return NO_GPU
    seen = cuda.value
    if seen is not None and seen.works:
        names = ", ".join(f"{device.ordinal}: {device.name}" for device in seen.devices)
        return Passed(Reason("cuda-works", {"devices": names}))
    words = seen.error if seen else None
    said = lost_by_smi(smi, nvml)
    lost = next(iter(said.values())) if nvml and said and len(said) == len(nvml.gpus) else None
    meant = (
        meaning(lost) or of_cuda(seen.init_code if seen else None) or meaning(words) or meaning_of_ending(cuda.recorded)
    )
    path = cuda.recorded.facts.get("path")
    evidence = {**evidence_of(cuda), "smi": lost, "means": meant.told if meant else None}
    return Problem(
        subject="driver",
        evidence={
            **evidence,
            "path": path,
            "error": seen.error if seen else None,
            "code": seen.init_code if seen else None,
            "name": (seen.init_name if seen else None) or "?",
            "version": dotted(seen.version) if seen else None,
            "more": [
                *asides(Reason("library-is", {"path": path}) if path else None, _few_addresses(seen, nvml)),
                *of_ending(evidence),
            ],
        },
        variant=_how_it_fails(seen),
    )


SCARCE = 512 * 2**20
"""Of a card: where less is free, memory itself may be what CUDA lacks."""


def _few_addresses(seen: CudaDriver | None, nvml: Nvml | None) -> Reason | None:
    """Memory of the machine and of all cards has addresses in one space, which CUDA reserves when it starts (CUDA C++ Programming
    Guide, "Unified Virtual Address Space"): many times what a process uses."""
    if seen is None or not seen.lacks_memory or seen.address_space is None:
        return None
    if any(gpu.memory_free is not None and gpu.memory_free < SCARCE for gpu in (nvml.gpus if nvml else ())):
        return None
    return Reason("few-addresses", {"mebibytes": seen.address_space // 2**20})


def _how_it_fails(seen: CudaDriver | None) -> str:
    if seen is None:
        return "no-answer"
    return "not-loadable" if seen.error else "error" if seen.init_code else "no-device"
