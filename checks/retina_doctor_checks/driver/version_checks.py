"""RD205: is the driver new enough for what is installed, and what fits it?"""

from __future__ import annotations

from collections.abc import Iterator

from retina_doctor.authoring import Action, Answer, check
from retina_doctor.codec import Data
from retina_doctor.model import Passed, Problem, Reason, Severity, Unknown

from ..advice.builds import known, onnxruntime_builds, torch_builds
from ..advice.compatible import ORT, Compatible, compatible, libraries_present, libraries_too, preload
from ..advice.drivers import last_branch, least_driver
from ..advice.machine import MachineSeen
from ..combined.asides import asides
from ..combined.driver_seen import DriverSeen
from ..combined.no_cards import NO_GPU
from ..combined.torch_need import importance
from ..facts.driver import Host, Nvml
from ..facts.models import Model
from ..facts.ort_gpu import OrtFiles
from ..facts.torch_cuda import TorchFiles
from ..scopes import gpu_meant
from ..versions import dotted
from .trouble import troubles


class Framework(Data, frozen=True, kw_only=True):
    """An installed build. *code*: GPU architectures that it holds code for; None: not known.

    *fitting*: the version of the same package that belongs to the compatible set; *install*: what pip is to install for it.
    """

    name: str
    version: str
    cuda: tuple[int, int]
    code: tuple[str, ...] | None
    fitting: str | None
    install: list[str]
    brings_libraries: bool = False
    at_most: Severity | None = None


@check("RD205", "driver-too-old", Severity.ERROR, pitfall=2, scope=gpu_meant, action=Action.ROOT)
def driver_too_old(nvml: Nvml, machine: MachineSeen, host: Host | None, model: Model | None) -> Answer:
    if machine.driver_cuda is None:
        # Without a driver that answers there is none to be too old; only what NVML itself cannot say is unknown.
        found = troubles(DriverSeen(host=host, nvml=nvml)) if host is not None else ()
        nothing = any(one.name in ("no-nvidia-gpu", "driver-not-installed") for one in found)
        return NO_GPU if nothing else Unknown(("nvml",) if nvml.cuda is None else ("cuda_driver",))
    chosen = compatible(machine)
    problems = [
        _too_old(nvml.driver, machine, one, chosen)
        for one in _frameworks(machine, model, chosen)
        if not machine.terms.driver_starts(one.cuda)
    ]
    if problems:
        return problems
    missing = _untold(machine.ort, machine.torch)
    if missing:
        return Unknown(missing)
    builds = [f"{one.name} {one.version}" for one in _frameworks(machine, model, chosen)]
    values = {"cuda": dotted(machine.driver_cuda), "builds": ", ".join(builds)}
    return Passed(_fits(nvml.driver, values)) if builds else None


def _fits(driver: str | None, values: dict[str, str | None]) -> Reason:
    """Some ways to the driver tell which CUDA it supports, and not its own version."""
    return Reason("driver-fits", {"driver": driver, **values}) if driver else Reason("driver-cuda-fits", values)


def _frameworks(machine: MachineSeen, model: Model | None, chosen: Compatible) -> Iterator[Framework]:
    ort, torch, processor = machine.ort, machine.torch, machine.interpreter.machine
    installed = ort.in_force if ort else None
    if ort is not None and installed is not None and installed.cuda is not None:
        row = known(onnxruntime_builds(), installed.version, processor)
        code = ort.provider.code if ort.provider else None
        brings = chosen.onnxruntime is not None and not libraries_present(chosen.onnxruntime, ort.gpu, ort)
        yield Framework(
            name=ORT,
            version=installed.version,
            cuda=installed.cuda,
            code=code or (row.code if row else None),
            fitting=chosen.onnxruntime,
            install=[f"{ORT}=={chosen.onnxruntime}"]
            if chosen.onnxruntime and not brings
            else libraries_too(chosen.onnxruntime, ort.gpu),
            brings_libraries=brings,
        )
    if torch is not None and torch.cuda is not None:
        row = known(torch_builds(), torch.version, processor)
        yield Framework(
            name="torch",
            version=torch.version or "",
            cuda=torch.cuda,
            code=torch.code or (row.code if row else None),
            fitting=chosen.torch,
            install=[f"torch=={chosen.torch}"] if chosen.torch else [],
            at_most=importance(model),
        )


def _untold(ort: OrtFiles | None, torch: TorchFiles | None) -> tuple[str, ...]:
    """Probes that did not tell which CUDA an installed framework is built for."""
    installed = ort.in_force if ort else None
    missing = []
    if (
        ort is None
        or (installed is None and (ort.distributions or ort.folder))
        or (installed is not None and installed.gpu and installed.cuda is None)
    ):
        missing.append("ort_files")
    if torch is None or (torch.build == "cuda" and torch.cuda is None):
        missing.append("torch_files")
    return tuple(missing)


def _too_old(driver: str | None, machine: MachineSeen, framework: Framework, chosen: Compatible) -> Problem:
    terms, ort = machine.terms, machine.ort
    ends = [end for end in map(last_branch, terms.cards) if end and end[1] < framework.cuda[0]]
    kept = [name for name in chosen.kept if name != framework.name]
    has_code = terms.cards_run(framework.code) if framework.code and terms.cards else None
    fits = {"framework": framework.name, "fitting": framework.fitting, "beside": kept[0] if kept else None}
    return Problem(
        subject=f"{framework.name} {framework.version}",
        evidence={
            "driver": driver,
            "driver_cuda": dotted(terms.driver_cuda),
            "framework": framework.name,
            "version": framework.version,
            "needed_cuda": dotted(framework.cuda),
            "needed_major": framework.cuda[0],
            "least_driver": least_driver(framework.cuda[0]),
            # The card's last driver branch, where even that is too old: then only another build helps.
            "last_branch": min(ends)[0] if ends else None,
            "has_code": has_code,
            "fitting": framework.fitting,
            "beside": kept[0] if kept else None,
            "install": framework.install,
            "brings_libraries": framework.brings_libraries,
            "preload": preload(ort) if framework.fitting and framework.brings_libraries else asides(),
            "notes": asides(
                Reason("nothing-fits", fits)
                if not framework.fitting
                else Reason("newest-that-fits-beside" if kept else "newest-that-fits", fits),
                Reason("preload-libraries") if framework.fitting and framework.brings_libraries else None,
            ),
        },
        at_most=framework.at_most,
        variant="card-too-old" if ends else "no-code" if has_code is False else "update",
    )
