"""What is known of the running service's own process: what it has loaded, and whether it has the GPU."""

import posixpath

from retina_doctor.authoring import Facts, varying
from retina_doctor.kinds import CommandLine, Name, Path, User


class Loaded(Facts, frozen=True, kw_only=True):
    """A library that the process has mapped. *replaced*: the file was exchanged or removed since."""

    path: Path
    replaced: bool


class LiveProcess(Facts, frozen=True, kw_only=True):
    """A process and its workers (*family*: all of their numbers). *readable* False: what it has loaded may not be read.

    *libraries*: of onnxruntime, torch and CUDA. *devices*: NVIDIA's device files that it has open; *devices_told*: whether these
    could be listed for all of the family. *installed_since*: packages ("onnxruntime-gpu 1.31.1") that were installed beside its
    own after it was started. *fell_back*: lines of its log by which onnxruntime went on without CUDA, in snapshots of version
    0.2 (facts/service_log.py has them now).
    """

    varies = varying(pid=None, family=None)

    pid: int
    alive: bool
    family: tuple[int, ...]
    command: CommandLine | None
    working_directory: Path | None
    user: User | None
    readable: bool
    libraries: tuple[Loaded, ...]
    devices: tuple[Path, ...]
    installed_since: tuple[Name, ...]
    devices_told: bool | None = None
    fell_back: tuple[str, ...] = ()

    def has(self, *beginnings: str) -> bool:
        """Whether a library whose file's name begins so is loaded."""
        return any(posixpath.basename(one.path).startswith(beginnings) for one in self.libraries)

    @property
    def onnxruntime(self) -> bool:
        return self.has("onnxruntime_pybind11", "libonnxruntime.")

    @property
    def cuda_provider(self) -> bool:
        return self.has("libonnxruntime_providers_cuda")


class Processes(Facts, frozen=True, kw_only=True):
    """*service* None: no process was named or found."""

    service: LiveProcess | None
