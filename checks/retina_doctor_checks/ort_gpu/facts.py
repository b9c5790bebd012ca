"""What is known of onnxruntime: what lies on the disk, and what it does when it is used."""

from __future__ import annotations

from retina_doctor.authoring import Facts


class Distribution(Facts, frozen=True, kw_only=True):
    """An installed distribution that fills the folder onnxruntime/.

    *gpu*: its RECORD lists the CUDA provider. *cuda* and *cudnn_major*: what it was built for, as the wheel itself says
    (build_and_package_info.py, the provider library's needed libraries, the extras of its metadata).
    *missing*: files of its RECORD without which it cannot be imported, that are not on the disk.
    """

    name: str
    version: str
    gpu: bool
    cuda: tuple[int, int] | None
    cudnn_major: int | None
    has_extras: bool
    missing: tuple[str, ...]


class Provider(Facts, frozen=True, kw_only=True):
    """The CUDA provider library; *needed*: the sonames that the dynamic loader must find for it (DT_NEEDED)."""

    path: str
    needed: tuple[str, ...]
    problem: str | None


class FoundLibrary(Facts, frozen=True, kw_only=True):
    """A CUDA or cuDNN library on the disk. *kind*: pip, torch, toolkit, conda, system or LD_LIBRARY_PATH."""

    soname: str
    path: str
    kind: str


class OrtFiles(Facts, frozen=True, kw_only=True):
    """*owner*: name of the distribution whose compiled module is really on the disk (by the hash in its RECORD).
    *importable*: the folder has its __init__.py; without, an import gives an empty namespace package.
    *preloaded_by*: an installed library that calls onnxruntime.preload_dlls() itself ("insightface 2.1")."""

    distributions: tuple[Distribution, ...]
    folder: str | None
    importable: bool
    owner: str | None
    provider: Provider | None
    libraries: tuple[FoundLibrary, ...]
    preloaded_by: str | None

    @property
    def in_force(self) -> Distribution | None:
        """The distribution that `import onnxruntime` gives."""
        if len(self.distributions) == 1:
            return self.distributions[0]
        return next((d for d in self.distributions if d.name == self.owner), None)

    @property
    def gpu(self) -> Distribution | None:
        """The installed GPU distribution, in force or not."""
        return next((d for d in self.distributions if d.gpu), None)

    @property
    def is_broken(self) -> bool:
        damaged = self.provider is not None and self.provider.problem is not None
        bare = self.folder is not None and not self.importable
        return damaged or bare or any(d.missing for d in self.distributions)


class Loaded(Facts, frozen=True, kw_only=True):
    """What the dynamic loader said of one soname; *path*: the file that it mapped."""

    soname: str
    path: str | None
    error: str | None


class OrtRuntime(Facts, frozen=True, kw_only=True):
    """A session of a one-convolution model that asked for CUDA. *empty*: the import gave a shell without its classes.

    *advertised* is what the wheel was compiled with, and no evidence of anything; *session* are the providers that the
    session really has, *nodes* how many nodes each of them got. *log* is what onnxruntime wrote meanwhile.
    """

    installed: bool
    empty: bool
    version: str | None
    package_name: str | None
    file: str | None
    advertised: tuple[str, ...]
    loader: tuple[Loaded, ...]
    preloaded: bool
    session: tuple[str, ...] | None
    session_error: str | None
    nodes: dict[str, int] | None
    run_error: str | None
    log: tuple[str, ...]

    @property
    def on_cuda(self) -> bool:
        return self.session is not None and "CUDAExecutionProvider" in self.session
