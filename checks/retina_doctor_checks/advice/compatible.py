"""Which onnxruntime to install on this machine: what the remedies of this domain are filled with."""

from __future__ import annotations

from retina_doctor.model import Interpreter
from retina_doctor.settings import Settings

from ..driver.facts import GpuEnvironment, Nvml
from ..driver.used_gpu import capabilities
from ..versions import dotted
from .builds import builds, newest_fitting
from .facts import Distribution, OrtFiles

GPU_NAME = "onnxruntime-gpu"


def advice(
    settings: Settings,
    interpreter: Interpreter,
    nvml: Nvml | None,
    environment: GpuEnvironment | None,
    files: OrtFiles | None,
) -> dict[str, object]:
    """Evidence for a remedy: the requirements to install, with what they were chosen by.

    The installed GPU wheel's own version is kept where it can run on this driver and these cards; else the newest that
    can. *requirement*: the package alone; *with_libraries*: a list that brings the CUDA and cuDNN wheels too; *install*:
    the latter where there is a card and the libraries are not on the disk (*brings_libraries*). *fits* False: no known
    build runs here.
    """
    installed = files.gpu if files else None
    driver_cuda = nvml.cuda if nvml else None
    cards = capabilities(nvml, environment) if nvml else ()
    version: str | None
    if installed and runs_on(installed, driver_cuda, cards):
        version = installed.version
    else:
        card = cards[0] if cards else None
        version = newest_fitting(driver_cuda, interpreter.version, card, interpreter.machine, cards[1:])
    if settings.gpu.device == "cpu":
        requirement: str | None = "onnxruntime"
        with_libraries = ["onnxruntime"]
    else:
        requirement = f"{GPU_NAME}=={version}" if version else None
        with_libraries = libraries_too(version, installed)
    brings = bool(nvml and nvml.gpus and version) and not libraries_present(version, installed, files)
    return {
        "requirement": requirement,
        "with_libraries": with_libraries,
        "install": with_libraries if brings else [requirement] if requirement else [],
        "brings_libraries": brings,
        "version": version,
        "fits": requirement is not None,
        "installed_version": installed.version if installed else None,
        "installed_cuda": dotted(installed.cuda) if installed else None,
        "driver": nvml.driver if nvml else None,
        "driver_cuda": dotted(driver_cuda),
        "keeps_version": installed is not None and version == installed.version,
    }


def built_for(version: str | None, installed: Distribution | None) -> tuple[tuple[int, int] | None, int | None]:
    """CUDA version and cuDNN major of that onnxruntime-gpu: as the installed wheel says, else as the table does."""
    if installed and installed.version == version:
        return installed.cuda, installed.cudnn_major
    build = next((build for build in builds() if build.version == version), None)
    return (build.cuda, build.cudnn) if build else (None, None)


def libraries_too(version: str | None, installed: Distribution | None) -> list[str]:
    """Requirements of onnxruntime-gpu of that version and of the libraries it needs: by its extras, where they can be
    resolved, else NVIDIA's wheels by name (nvidia-cublas-cu12; from CUDA 13 on nvidia-cublas, but nvidia-cudnn-cu13)."""
    if version is None:
        return []
    row = next((build for build in builds() if build.version == version), None)
    has_extras = installed.has_extras if installed and installed.version == version else True
    if has_extras and (row is None or row.extras):
        return [f"{GPU_NAME}[cuda,cudnn]=={version}"]
    cuda, cudnn = built_for(version, installed)
    if cuda is None:
        return [f"{GPU_NAME}=={version}"]
    ending = f"-cu{cuda[0]}" if cuda[0] < 13 else ""
    parts = [f"nvidia-{part}{ending}" for part in ("cublas", "cuda-runtime", "curand", "cufft")]
    return [f"{GPU_NAME}=={version}", *parts, *([f"nvidia-cudnn-cu{cuda[0]}=={cudnn}.*"] if cudnn else [])]


def libraries_present(version: str | None, installed: Distribution | None, files: OrtFiles | None) -> bool:
    """Whether CUDA's and cuDNN's libraries for *version* lie on the disk, in the loader's way or not."""
    cuda, cudnn = built_for(version, installed)
    if cuda is None or files is None:
        return True  # nothing is known that would have to be brought
    wanted = {f"{name}.so.{cuda[0]}" for name in ("libcublas", "libcublasLt", "libcudart")}
    wanted |= {f"libcudnn.so.{cudnn}"} if cudnn else set()
    if cuda[0] == 11:
        wanted = {"libcudart.so.11.0" if one == "libcudart.so.11" else one for one in wanted}
    return wanted <= {library.soname for library in files.libraries}


def runs_on(installed: Distribution, driver_cuda: tuple[int, int] | None, cards: tuple[tuple[int, int], ...]) -> bool:
    """Whether the driver can start the installed build, and, where the table knows that build, the cards have its code."""
    if driver_cuda is not None and installed.cuda is not None and installed.cuda[0] > driver_cuda[0]:
        return False
    known = next((build for build in builds() if build.version == installed.version), None)
    return known is None or all(known.runs_on(card) for card in cards)
