"""What is known of torch: what lies on the disk, and what it does when it is imported."""

from typing import Literal

from retina_doctor.authoring import Facts
from retina_doctor.kinds import Name, Path, Version


class TorchFiles(Facts, frozen=True, kw_only=True):
    """*version*: with its local suffix where it has one ("2.13.0+cpu"). *path*: the folder torch/.

    *build*: what its version.py says it was compiled for, else the suffix, else the libraries beside it.
    *cuda* None: not a CUDA build, or not said anywhere. *libraries*: CUDA and torch libraries in torch/lib.
    *code*: the GPU architectures that libtorch_cuda holds code for ("sm_75", …); None: not read.
    """

    installed: bool
    version: Version | None
    path: Path | None
    build: Literal["cuda", "cpu", "rocm"] | None
    cuda: tuple[int, int] | None
    libraries: tuple[Path, ...]
    code: tuple[Name, ...] | None = None


class Launch(Facts, frozen=True, kw_only=True):
    """A kernel that was run on device 0, the one that a service uses unless it is told otherwise: a context on each card
    would take memory of all that work there. *error* None: it ran, and its result is right."""

    name: Name | None
    error: str | None


class TorchRuntime(Facts, frozen=True, kw_only=True):
    """*arch_list* like ("sm_75", "compute_120"); None: could not be asked. *warnings*: what torch said while it was
    asked whether CUDA is available; it says so there instead of raising. *mapped*: CUDA's and cuDNN's libraries that the
    process has loaded in the end."""

    installed: bool
    version: Version | None
    file: Path | None
    cuda: Version | None
    arch_list: tuple[Name, ...] | None
    available: bool | None
    warnings: tuple[str, ...]
    launch: Launch | None = None
    mapped: tuple[Path, ...] = ()

    @property
    def works(self) -> bool:
        return bool(self.available) and self.launch is not None and self.launch.error is None
