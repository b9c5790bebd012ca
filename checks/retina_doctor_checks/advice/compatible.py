"""The compatible set: which onnxruntime-gpu and which torch to have on this machine, or which driver is needed first.

What is installed and can run here is kept. What is not is replaced by the newest build that fits the machine and is of the
same CUDA major as what is kept: then both find the same libraries, of which there can be only one set: the cuDNN wheels of
CUDA 12 and 13 fill the same folder (seen in the wheels nvidia-cudnn-cu12 9.9 and nvidia-cudnn-cu13 9.28).
"""

from __future__ import annotations

from retina_doctor.codec import Data
from retina_doctor.model import Reason

from ..combined.asides import Asides, asides
from ..facts.ort_gpu import OrtDistribution, OrtFiles
from ..facts.torch_cuda import TorchFiles
from ..settings import GpuSettings
from ..versions import dotted
from .builds import Build, Terms, known, newest, onnxruntime_builds, torch_builds
from .drivers import least_driver
from .machine import MachineSeen

ORT = "onnxruntime-gpu"


class Compatible(Data, frozen=True, kw_only=True):
    """*onnxruntime*, *torch*: versions, None where none fits. *kept*: names of those that are installed already.

    *least_driver*: the driver that today's builds need, where none fits for want of a newer one.
    """

    onnxruntime: str | None
    torch: str | None
    kept: tuple[str, ...]
    least_driver: str | None


def compatible(machine: MachineSeen) -> Compatible:
    terms, ort, torch = machine.terms, machine.ort, machine.torch
    installed = ort.gpu if ort else None
    code = ort.provider.code if ort and ort.provider else None
    has_ort = installed is not None and runs(installed, code, terms)
    has_torch = torch is not None and torch.build == "cuda" and runs_torch(torch, terms)
    ort_version = installed.version if installed and has_ort else None
    torch_version = torch.version if torch and has_torch else None
    ort_major = installed.cuda[0] if installed and has_ort and installed.cuda else None
    torch_major = torch.cuda[0] if torch and has_torch and torch.cuda else None
    if ort_version is None:
        ort_version = _version(onnxruntime_builds(), terms, torch_major)
    if torch_version is None:
        torch_version = _version(torch_builds(), terms, ort_major or _major(onnxruntime_builds(), ort_version))
    newest_here = onnxruntime_builds()[0]
    too_old = ort_version is None and not terms.driver_starts(newest_here.cuda)
    return Compatible(
        onnxruntime=ort_version,
        torch=torch_version,
        kept=tuple(name for name, has in ((ORT, has_ort), ("torch", has_torch)) if has),
        least_driver=least_driver(newest_here.cuda[0]) if too_old else None,
    )


def _version(builds: tuple[Build, ...], terms: Terms, major: int | None) -> str | None:
    """Of the same major where there is one that fits; else the newest that fits."""
    build = newest(builds, terms, major) or newest(builds, terms)
    return build.version if build else None


def _major(builds: tuple[Build, ...], version: str | None) -> int | None:
    build = known(builds, version, None)
    return build.cuda[0] if build else None


def runs(installed: OrtDistribution, code: tuple[str, ...] | None, terms: Terms) -> bool:
    """Whether the driver can start the installed build, and the cards have its code, as far as that is known.

    *code*: as its library holds it; where that was not read, the table is asked.
    """
    row = known(onnxruntime_builds(), installed.version, terms.processor)
    return terms.driver_starts(installed.cuda) and terms.cards_run(code or (row.code if row else None))


def runs_torch(torch: TorchFiles, terms: Terms) -> bool:
    row = known(torch_builds(), torch.version, terms.processor)
    return terms.driver_starts(torch.cuda) and terms.cards_run(torch.code or (row.code if row else None))


def torch_advice(machine: MachineSeen) -> dict[str, object]:
    """Evidence for a remedy: the torch to install on this machine, and what it was chosen by."""
    version = compatible(machine).torch
    return {
        "driver_cuda": dotted(machine.terms.driver_cuda),
        "fitting": version,
        "requirement": f"torch=={version}" if version else None,
    }


def onnxruntime_advice(machine: MachineSeen) -> dict[str, object]:
    """Evidence for a remedy: the requirements of onnxruntime to install, with what they were chosen by.

    *requirement*: the package alone; *with_libraries*: a list that brings the CUDA and cuDNN wheels too; *install*: the
    latter where there is a card and the libraries are not on the disk (*brings_libraries*; then *preload*, what the service
    has to do beside it). *fits* False: no known build runs here. Where the GPU is not meant to be used, it is the CPU package.
    """
    ort, torch, nvml = machine.ort, machine.torch, machine.nvml
    cpu = machine.settings.of(GpuSettings).device == "cpu"
    installed = ort.gpu if ort else None
    chosen = compatible(machine)
    version = chosen.onnxruntime
    requirement = "onnxruntime" if cpu else f"{ORT}=={version}" if version else None
    with_libraries = ["onnxruntime"] if cpu else libraries_too(version, installed)
    card = nvml is not None and bool(nvml.gpus)
    brings = not cpu and card and version is not None and not libraries_present(version, installed, ort)
    return {
        "requirement": requirement,
        "with_libraries": with_libraries,
        "install": with_libraries if brings else [requirement] if requirement else [],
        "brings_libraries": brings,
        "preload": preload(ort) if brings else asides(),
        "version": version,
        "fits": requirement is not None,
        "installed_version": installed.version if installed else None,
        "installed_cuda": dotted(installed.cuda) if installed else None,
        "driver": nvml.driver if nvml else None,
        "driver_cuda": dotted(machine.terms.driver_cuda),
        "least_driver": chosen.least_driver,
        "keeps_version": installed is not None and version == installed.version,
        "beside_torch": torch.version if torch and "torch" in chosen.kept else None,
    }


def preload(ort: OrtFiles | None) -> Asides:
    """What the service has to do so that onnxruntime finds libraries that pip installed, unless a library does it for it."""
    return asides(Reason("preload-in-service") if ort is None or ort.preloaded_by is None else None)


def built_for(version: str | None, installed: OrtDistribution | None) -> tuple[tuple[int, int] | None, int | None]:
    """CUDA version and cuDNN major of that onnxruntime-gpu: as the installed wheel says, else as the table does."""
    if installed and installed.version == version:
        return installed.cuda, installed.cudnn_major
    build = known(onnxruntime_builds(), version, None)
    return (build.cuda, build.cudnn) if build else (None, None)


def libraries_too(version: str | None, installed: OrtDistribution | None) -> list[str]:
    """Requirements of onnxruntime-gpu of that version and of the libraries it needs: by its extras, where they can be
    resolved, else NVIDIA's wheels by name (nvidia-cublas-cu12; from CUDA 13 on nvidia-cublas, but nvidia-cudnn-cu13)."""
    if version is None:
        return []
    row = known(onnxruntime_builds(), version, None)
    has_extras = installed.has_extras if installed and installed.version == version else True
    if has_extras and (row is None or row.extras):
        return [f"{ORT}[cuda,cudnn]=={version}"]
    cuda, cudnn = built_for(version, installed)
    if cuda is None:
        return [f"{ORT}=={version}"]
    ending = f"-cu{cuda[0]}" if cuda[0] < 13 else ""
    # From CUDA 13 on the wheels of all majors share a name: without a bound, the next one would come.
    bound = "" if ending else f"=={cuda[0]}.*"
    parts = [f"nvidia-{part}{ending}{bound}" for part in ("cublas", "cuda-runtime", "cuda-nvrtc")]
    parts += [f"nvidia-{part}{ending}" for part in ("curand", "cufft")]
    return [f"{ORT}=={version}", *parts, *([f"nvidia-cudnn-cu{cuda[0]}=={cudnn}.*"] if cudnn else [])]


def libraries_present(version: str | None, installed: OrtDistribution | None, files: OrtFiles | None) -> bool:
    """Whether CUDA's and cuDNN's libraries for *version* lie on the disk, in the loader's way or not."""
    cuda, cudnn = built_for(version, installed)
    if cuda is None or files is None:
        return True  # nothing is known that would have to be brought
    wanted = {f"{name}.so.{cuda[0]}" for name in ("libcublas", "libcublasLt", "libcudart")}
    wanted |= {f"libcudnn.so.{cudnn}"} if cudnn else set()
    if cuda[0] == 11:
        wanted = {"libcudart.so.11.0" if one == "libcudart.so.11" else one for one in wanted}
    return wanted <= {library.soname for library in files.libraries}
