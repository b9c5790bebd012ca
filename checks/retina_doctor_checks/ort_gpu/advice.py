"""Which onnxruntime to install on this machine: what the remedies of this domain are filled with."""

from __future__ import annotations

from retina_doctor.model import Interpreter
from retina_doctor.settings import Settings

from ..driver.facts import Nvml
from .builds import builds, newest_fitting
from .facts import Distribution, OrtFiles

GPU_NAME = "onnxruntime-gpu"


def dotted(version: tuple[int, ...] | None) -> str | None:
    return None if version is None else ".".join(map(str, version))


def advice(
    settings: Settings, interpreter: Interpreter | None, nvml: Nvml | None, files: OrtFiles | None
) -> dict[str, object]:
    """Evidence for a remedy: the requirement to install, with what it was chosen by.

    The installed GPU wheel's own version is kept where it can run on this driver; else the newest that can.
    *requirement* without extras, *with_libraries* with the CUDA and cuDNN wheels; *install* is the latter where there is
    a card and the advised build's libraries are not on the disk (*brings_libraries*). *fits* False: no known build runs.
    """
    installed = files.gpu if files else None
    driver_cuda = nvml.cuda if nvml else None
    capability = next((g.compute_capability for g in nvml.gpus if g.compute_capability), None) if nvml else None
    python = interpreter.version if interpreter else (3, 11, 0)
    version = newest_fitting(driver_cuda, python, capability)
    if installed and runs_on(installed, driver_cuda, capability):
        version = installed.version
    if settings.gpu.device == "cpu":
        requirement: str | None = "onnxruntime"
    else:
        requirement = f"{GPU_NAME}=={version}" if version else None
    with_libraries = f"{GPU_NAME}[cuda,cudnn]=={version}" if version and has_extras(version) else requirement
    brings = (
        with_libraries != requirement and bool(nvml and nvml.gpus) and not libraries_present(version, installed, files)
    )
    return {
        "requirement": requirement,
        "with_libraries": with_libraries,
        "install": with_libraries if brings else requirement,
        "brings_libraries": brings,
        "version": version,
        "fits": requirement is not None,
        "installed_version": installed.version if installed else None,
        "installed_cuda": dotted(installed.cuda) if installed else None,
        "driver": nvml.driver if nvml else None,
        "driver_cuda": dotted(driver_cuda),
        "keeps_version": installed is not None and version == installed.version,
    }


def libraries_present(version: str | None, installed: Distribution | None, files: OrtFiles | None) -> bool:
    """Whether CUDA's and cuDNN's libraries for *version* lie on the disk, in the loader's way or not."""
    if installed and installed.version == version:
        cuda, cudnn = installed.cuda, installed.cudnn_major
    else:
        build = next((build for build in builds() if build.version == version), None)
        cuda, cudnn = (build.cuda, build.cudnn) if build else (None, None)
    if cuda is None or files is None:
        return True  # nothing is known that would have to be brought
    wanted = {f"{name}.so.{cuda[0]}" for name in ("libcublas", "libcublasLt", "libcudart")}
    wanted |= {f"libcudnn.so.{cudnn}"} if cudnn else set()
    return wanted <= {library.soname for library in files.libraries}


def runs_on(installed: Distribution, driver_cuda: tuple[int, int] | None, capability: tuple[int, int] | None) -> bool:
    """Whether the driver can start the installed build, and, where the table knows that build, the card has its code."""
    if driver_cuda is not None and installed.cuda is not None and installed.cuda[0] > driver_cuda[0]:
        return False
    known = next((build for build in builds() if build.version == installed.version), None)
    return known is None or capability is None or known.runs_on(capability)


def has_extras(version: str) -> bool:
    known = next((build for build in builds() if build.version == version), None)
    return known is None or known.extras
