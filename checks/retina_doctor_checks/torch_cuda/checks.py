"""RD24x: can torch be imported, is it a CUDA build, and has it code for these cards?"""

from __future__ import annotations

from collections.abc import Mapping

from retina_doctor.authoring import Action, Answer, check, evidence_of
from retina_doctor.model import Inapplicable, Outcome, Passed, Problem, Reading, Reason, Severity, Unknown
from retina_doctor.patterns import pattern

from ..advice.builds import known, torch_builds
from ..advice.compatible import torch_advice
from ..advice.machine import MachineSeen
from ..combined.asides import Asides, asides, of_ending
from ..combined.no_cards import no_cards
from ..combined.port_owner import Guess
from ..combined.processor import understood
from ..combined.refusals import Meaning, told
from ..combined.refusals import of_ending as meaning_of_ending
from ..combined.start_need import alone_missing, at_most
from ..combined.torch_need import importance, needing
from ..facts.driver import Host, Nvml
from ..facts.models import Model
from ..facts.python_env import Extensions
from ..facts.service_start import MissingModule, Start
from ..facts.torch_cuda import TorchFiles, TorchRuntime
from ..scopes import gpu_meant
from ..settings import GpuSettings
from ..versions import dotted

LOCAL = pattern(r"cpu|cu\d+|rocm[\d.]+")
"""Local versions that download.pytorch.org has an index of."""
NOT_INSTALLED = Inapplicable(Reason("torch-not-installed"))
CPU_BUILD = Inapplicable(Reason("torch-is-cpu-build"))


@check("RD241", "torch-missing", Severity.ERROR, pitfall=2, action=Action.PIP)
def torch_missing(
    torch: TorchFiles, machine: MachineSeen, model: Model | None, start: Start | None, guessed: Guess
) -> Answer:
    if torch.installed:
        return None
    imported = alone_missing(start, "torch")
    if imported is not None:
        return _imported_and_missing(imported, machine, at_most(start) or guessed.at_most)
    if model is None:
        return Unknown(("models",))
    path = needing(model)
    if path is None:
        return Inapplicable(Reason("torch-not-needed"))
    advice = torch_advice(machine)
    evidence = {"needed_by": path, **advice, "notes": _on_this_driver(advice)}
    return Problem(subject="torch", evidence=evidence, variant=_fits(advice))


def _imported_and_missing(imported: MissingModule, machine: MachineSeen, capped: Severity | None) -> Problem:
    advice = torch_advice(machine)
    told = {"needed_by": imported.file, "line": imported.line, **advice, "notes": _on_this_driver(advice)}
    return Problem(subject="torch", evidence=told, variant=f"imported-{_fits(advice)}", at_most=capped)


def _fits(advice: Mapping[str, object]) -> str:
    return "fits" if advice["fitting"] else "nothing-fits"


def _on_this_driver(advice: Mapping[str, object]) -> Asides:
    cuda = advice["driver_cuda"]
    return asides(Reason("driver-supports-cuda", {"cuda": cuda}) if cuda and advice["fitting"] else None)


OWN_LIBRARIES = ("libtorch", "libc10", "libshm", "libcaffe2")
"""Of torch's own wheel: where one of them is missing, files of it are gone."""


def _cured_by_reinstalling(meant: Meaning | None) -> bool:
    if meant is None or meant.row.again:
        return True
    return meant.mechanism == "library-missing" and meant.values.get("library", "").startswith(OWN_LIBRARIES)


def _again(version: str | None) -> list[str]:
    """What pip is told to install the same build once more: one with a local version is on PyTorch's own index."""
    if version is None:
        return []
    local = version.partition("+")[2]
    index = ["--index-url", f"https://download.pytorch.org/whl/{local}"] if LOCAL.fullmatch(local) else []
    return [] if local and not index else [f"torch=={version}", *index]


@check("RD242", "torch-import-fails", Severity.ERROR, pitfall=2, action=Action.PIP)
def torch_import_fails(
    runtime: Reading[TorchRuntime], torch: TorchFiles | None, extensions: Extensions | None, gpu: GpuSettings
) -> Answer:
    """Speaks for everything that goes wrong while torch is imported and asked for CUDA. An installed torch that dies on import
    is a finding whatever the device: it takes with it who imports it."""
    if runtime.value is not None:
        return None if runtime.value.installed else NOT_INSTALLED
    if not runtime.recorded.facts.get("installed"):
        return Unknown((runtime.probe,))  # ended before it came to torch
    meant = meaning_of_ending(runtime.recorded)
    imported = runtime.recorded.facts.get("version") is not None
    hangs = runtime.outcome is Outcome.TIMED_OUT
    again = [] if imported or hangs or not _cured_by_reinstalling(meant) else _again(torch.version if torch else None)
    ended, path = {**evidence_of(runtime), **understood(meant, extensions)}, torch.path if torch else None
    return Problem(
        subject="torch",
        evidence={
            **ended,
            "version": (torch.version if torch else None) or runtime.recorded.facts.get("version"),
            "path": path,
            "hangs": hangs,
            "imported": imported,
            "reinstall": again,
            "more": [*asides(Reason("installed-at", {"path": path}) if path else None), *of_ending(ended)],
            "notes": asides(Reason("fix-what-it-means") if meant else Reason("another-installation-interferes")),
        },
        at_most=Severity.WARNING if imported and gpu.device == "auto" else None,
        variant="reinstall" if again else ("cuda" if imported else "import") + ("-hangs" if hangs else ""),
    )


@check("RD243", "torch-cpu-build", Severity.ERROR, pitfall=2, scope=gpu_meant, action=Action.PIP)
def torch_cpu_build(torch: TorchFiles, machine: MachineSeen, model: Model | None) -> Answer:
    if not torch.installed:
        return NOT_INSTALLED
    if torch.build is None:
        return Unknown(("torch_files",))
    if torch.build != "cpu":
        return Passed(Reason("torch-build", {"version": torch.version, "cuda": dotted(torch.cuda) or torch.build}))
    advice, needed_by = torch_advice(machine), needing(model) if model else None
    return Problem(
        subject="torch",
        evidence={
            "version": torch.version,
            "path": torch.path,
            "needed_by": needed_by,
            **advice,
            "more": asides(
                Reason("model-needs-torch", {"model": needed_by}) if needed_by else Reason("onnx-needs-no-torch")
            ),
            "notes": _on_this_driver(advice),
        },
        at_most=importance(model),
        variant=_fits(advice),
    )


@check("RD244", "torch-arch-unsupported", Severity.ERROR, pitfall=2, scope=gpu_meant, action=Action.PIP)
def torch_arch_unsupported(
    torch: TorchFiles,
    machine: MachineSeen,
    nvml: Nvml,
    host: Host | None,
    runtime: TorchRuntime | None,
    model: Model | None,
) -> Answer:
    if not torch.installed:
        return NOT_INSTALLED
    if torch.build == "cpu":
        return CPU_BUILD
    nothing = None if machine.gpus else no_cards(nvml, host)
    if nothing is not None:
        return nothing
    code = _code(torch, runtime, machine.interpreter.machine)
    if code is None:
        return Unknown(("torch_files",))
    lacking, advice = machine.without(code), torch_advice(machine)
    if lacking is None:
        return Unknown(("nvml",))
    return [
        Problem(
            subject=f"gpu:{gpu.index}",
            evidence={
                "gpu": gpu.index,
                "name": gpu.name,
                "capability": dotted(gpu.compute_capability),
                "version": torch.version,
                "cuda": dotted(torch.cuda),
                "arch_list": list(code),
                **advice,
                "notes": _on_this_driver(advice),
            },
            at_most=importance(model),
            variant=_fits(advice),
        )
        for gpu in lacking
    ]


def _code(torch: TorchFiles, runtime: TorchRuntime | None, processor: str) -> tuple[str, ...] | None:
    """What this build says of itself, what its library holds, or what the wheel of that version on PyPI does."""
    if runtime is not None and runtime.arch_list:
        return runtime.arch_list
    row = known(torch_builds(), torch.version, processor)
    return torch.code or (row.code if row else None)


@check("RD245", "torch-cannot-use-gpu", Severity.ERROR, pitfall=2, scope=gpu_meant, action=Action.LOOK)
def torch_cannot_use_gpu(runtime: TorchRuntime, torch: TorchFiles, model: Model | None) -> Answer:
    """The symptom behind all others of this domain: a kernel was to be run on the card, and could not."""
    if not runtime.installed:
        return NOT_INSTALLED
    if torch.build == "cpu":
        return CPU_BUILD
    if runtime.available is None:
        return Unknown(("torch_runtime",))
    if runtime.works:
        return None
    said = (runtime.launch.error if runtime.launch else None) or next(iter(runtime.warnings), None)
    means = told(said)
    words = Reason("torch-said", {"line": said[:1000]}) if said else Reason("torch-said-nothing")
    return Problem(
        subject="torch",
        evidence={
            "version": runtime.version,
            "available": runtime.available,
            "said": said,
            "means": means,
            "more": [*asides(words), *of_ending({"means": means})],
        },
        at_most=importance(model),
        variant="fails" if runtime.available else "unavailable",
    )
