"""What is known of onnxruntime: what lies on the disk, and what it does when it is used."""

from typing import Literal

from retina_doctor.authoring import Facts
from retina_doctor.kinds import Name, Path, Version


class OrtDistribution(Facts, frozen=True, kw_only=True):
    """An installed distribution that fills the folder onnxruntime/.

    *gpu*: its RECORD lists the CUDA provider. *cuda* and *cudnn_major*: what it was built for, as the wheel itself says
    (build_and_package_info.py, the provider library's needed libraries, the extras of its metadata).
    *missing*: files of its RECORD without which it cannot be used, that are not on the disk or cut short. *tags*: of the
    wheel, like "cp311-cp311-manylinux_2_28_x86_64".
    """

    name: Name
    version: Version
    gpu: bool
    cuda: tuple[int, int] | None
    cudnn_major: int | None
    has_extras: bool
    missing: tuple[Path, ...]
    tags: tuple[Name, ...] = ()


class Provider(Facts, frozen=True, kw_only=True):
    """A provider library of onnxruntime. *needed*: the sonames in it that the dynamic loader must find (DT_NEEDED).

    *wanted*: those of NVIDIA's, cuDNN where newer wheels open it only when they use it, and what these lack. *found*:
    soname -> the file that the target's loader takes for it; what is wanted and not found is missing. None: the loader could
    not be asked (*loader_problem* says why). *code*: GPU architectures that the library holds code for; None: not read.
    """

    path: Path
    needed: tuple[Name, ...]
    problem: str | None
    wanted: tuple[Name, ...] = ()
    found: dict[Name, Path] | None
    loader_problem: str | None = None
    code: tuple[Name, ...] | None = None

    @property
    def missing(self) -> tuple[str, ...]:
        return tuple(soname for soname in self.wanted if soname not in (self.found or {}))


class Binary(Facts, frozen=True, kw_only=True):
    """The compiled module that an import loads. *machine*: the processor it is for, as uname calls it; None: no ELF file.

    *fits*: its name bears one of the endings that this Python looks for.
    """

    path: Path
    machine: Name | None
    fits: bool


class FoundLibrary(Facts, frozen=True, kw_only=True):
    """A library of CUDA, cuDNN or TensorRT on the disk. *kind*: pip, torch, toolkit, conda, system or LD_LIBRARY_PATH.

    *version*: "9.1.0", as its file's name or pip's package says; None: neither does. *damage*: what is wrong with the
    file (probes/native/elf.py), or None."""

    soname: Name
    path: Path
    kind: Name
    version: Version | None = None
    damage: str | None = None


class Emptied(Facts, frozen=True, kw_only=True):
    """A package of NVIDIA's libraries that pip takes for installed, while these of its list are gone or damaged."""

    name: Name
    version: Version
    sonames: tuple[Name, ...]


class OrtFiles(Facts, frozen=True, kw_only=True):
    """*owner*: name of the distribution whose compiled module is really on the disk (by the hash in its RECORD).
    *importable*: the folder has its __init__.py; without, an import gives an empty namespace package.
    *cudnn_lacks*: sonames that the found libcudnn opens by itself (cuDNN 9) and that neither stand beside it nor are found by the
    loader; None: no libcudnn was found, or its file does not name them.
    *preloaded_by*: an installed library that calls onnxruntime.preload_dlls() itself ("insightface 2.1")."""

    distributions: tuple[OrtDistribution, ...]
    folder: Path | None
    importable: bool
    owner: Name | None
    provider: Provider | None
    libraries: tuple[FoundLibrary, ...]
    preloaded_by: Name | None
    tensorrt: Provider | None = None
    binaries: tuple[Binary, ...] = ()
    cudnn_lacks: tuple[Name, ...] | None = None
    emptied: tuple[Emptied, ...] = ()

    @property
    def in_force(self) -> OrtDistribution | None:
        """The distribution that `import onnxruntime` gives."""
        if len(self.distributions) == 1:
            return self.distributions[0]
        return next((d for d in self.distributions if d.name == self.owner), None)

    @property
    def gpu(self) -> OrtDistribution | None:
        """The installed GPU distribution, in force or not."""
        return next((d for d in self.distributions if d.gpu), None)

    @property
    def is_broken(self) -> bool:
        damaged = self.provider is not None and self.provider.problem is not None
        bare = self.folder is not None and not self.importable
        return damaged or bare or any(d.missing for d in self.distributions)


class Attempt(Facts, frozen=True, kw_only=True):
    """A session of a one-convolution model that asked for CUDA before the CPU, in a process of its own.

    *how*: "plain"; "preload": after onnxruntime.preload_dlls(); "torch": after `import torch`. *session*: the providers that
    it really has; *nodes*: how many nodes each of them got. *log*: what onnxruntime wrote meanwhile. *mapped*: the files of
    CUDA's and cuDNN's libraries that the process had loaded in the end.
    """

    how: Literal["plain", "preload", "torch"]
    session: tuple[Name, ...] | None
    session_error: str | None
    nodes: dict[Name, int] | None
    run_error: str | None
    log: tuple[str, ...]
    mapped: tuple[Path, ...] = ()

    @property
    def on_cuda(self) -> bool:
        """The convolution ran, on CUDA: a session alone shows nothing, since cuDNN is opened only then."""
        return self.run_error is None and bool(self.nodes and self.nodes.get("CUDAExecutionProvider"))

    @property
    def said(self) -> str:
        return "\n".join([*self.log, self.session_error or "", self.run_error or ""])


class OrtRuntime(Facts, frozen=True, kw_only=True):
    """*empty*: the import gave a shell without its classes. *advertised* is what the wheel was compiled with, and no
    evidence of anything. *preloads*: the service's library calls preload_dlls() itself. *attempts*: the first is what the
    service does; others were made only where that one did not get to the GPU, and a driver can be loaded.
    """

    installed: bool
    empty: bool
    version: Version | None
    package_name: Name | None
    file: Path | None
    advertised: tuple[Name, ...]
    preloads: bool
    attempts: tuple[Attempt, ...]

    @property
    def service(self) -> Attempt | None:
        return self.attempts[0] if self.attempts else None

    @property
    def on_cuda(self) -> bool:
        return self.service is not None and self.service.on_cuda

    @property
    def ways(self) -> tuple[str, ...]:
        """By which the GPU was reached though the service does not go them."""
        return tuple(one.how for one in self.attempts[1:] if one.on_cuda)
