"""What is known of the target's Python environment as a whole."""

from typing import Literal

from retina_doctor.authoring import Facts
from retina_doctor.kinds import Name, Path, Version


class Shadow(Facts, frozen=True, kw_only=True):
    """A file or folder of the working directory that bears the name of a package the service needs; *standard*: of a module
    that comes with Python and that those packages import; *lacks*: it is sure that names of that are not in it."""

    name: Name
    path: Path
    installed: bool
    standard: bool = False
    lacks: bool = False


class WorkingDirectory(Facts, frozen=True, kw_only=True):
    path: Path
    shadows: tuple[Shadow, ...]


class Distribution(Facts, frozen=True, kw_only=True):
    name: Name
    version: Version


class Alias(Facts, frozen=True, kw_only=True):
    """A use of a name that NumPy no longer has, like "np.int", in an installed package."""

    package: Name
    file: Path
    line: int
    name: Name


class InsightFace(Facts, frozen=True, kw_only=True):
    """The installed insightface, as its source says. *version* None: a folder without a registered package.

    *takes_providers*: FaceAnalysis(providers=…) is accepted; None: its source could not be read.
    *extension*: the compiled part that releases before 1.0 import; None: this release has none.
    """

    version: Version | None
    path: Path
    takes_providers: bool | None
    extension: bool | None


class TensorFlow(Facts, frozen=True, kw_only=True):
    """The installed TensorFlow, by its metadata and build info. *cuda*: that it was built for; None: a CPU build.

    *wants*: NVIDIA's wheels that its extra `and-cuda` names, with their releases; *lacks*: those of them that are not
    installed. *found*: the loader finds libcudart of that major; None: it could not be asked.
    """

    name: Name
    version: Version
    cuda: Version | None
    wants: tuple[Name, ...]
    lacks: tuple[Name, ...]
    found: bool | None


class Shadowed(Facts, frozen=True, kw_only=True):
    """A package that is installed twice. *path* is what an import takes, *own* what the environment has. Distributions
    ("onnxruntime-gpu 1.31.1"); None: none is registered beside it. *by*: what puts the first one before the second."""

    name: Name
    path: Path
    distribution: Name | None
    own: Path
    own_distribution: Name | None
    by: Literal["PYTHONPATH", "user-site", "other"]


class LostEnvironment(Facts, frozen=True, kw_only=True):
    """A virtual environment that this Python was started from and does not take for one. *settings*: its pyvenv.cfg, of which
    *closed* says that it is there and may not be read. *base*: the Python that its link leads to."""

    folder: Path
    settings: Path
    base: Path
    closed: bool


class Packages(Facts, frozen=True, kw_only=True):
    """*installed*: distributions that matter to a face service, name (normalised) -> version.

    *retinaface*: those that fill the folder retinaface/; *retinaface_owner*: whose __init__.py is on the disk.
    *cudnn*: NVIDIA's cuDNN wheels, which fill one folder; *cudnn_owner*: whose libcudnn is on the disk.
    *opencv*: those that fill the folder cv2/; *opencv_owner*: whose compiled module is on the disk; *opencv_lacks*: files of it
    without which it cannot be imported, that are not on the disk.
    *shadowed*: packages of which another copy comes before the environment's own.
    *tensorflow*: which of its own CUDA libraries are not there, where the wheel was built for CUDA.
    *lost*: an environment that is there and not in use.
    *compiler*: path of a C++ compiler. *headers*: this Python's C headers are installed.
    """

    installed: dict[Name, Version]
    aliases: tuple[Alias, ...]
    retinaface: tuple[Distribution, ...]
    retinaface_owner: Name | None
    cudnn: tuple[Distribution, ...]
    cudnn_owner: Name | None
    insightface: InsightFace | None
    compiler: Path | None
    headers: bool
    opencv: tuple[Distribution, ...] = ()
    opencv_owner: Name | None = None
    opencv_lacks: tuple[Path, ...] = ()
    shadowed: tuple[Shadowed, ...] = ()
    tensorflow: TensorFlow | None = None
    lost: LostEnvironment | None = None


class MissingVersion(Facts, frozen=True, kw_only=True):
    """A symbol version ("GLIBCXX_3.4.30") that *by* needs and the *library* that the loader takes does not have."""

    library: Path
    version: Version
    by: Path


class Extension(Facts, frozen=True, kw_only=True):
    """A compiled module, and what the loader finds for it. *missing*: sonames that it does not find.

    *distribution*: which installed it. *numpy_abi*: the NumPy major that it was compiled for; None: it does not use
    NumPy's C interface. *problem*: why the loader could not be asked.
    """

    module: Name
    path: Path
    distribution: Name | None
    version: Version | None
    missing: tuple[Name, ...]
    versions: tuple[MissingVersion, ...]
    numpy_abi: int | None
    problem: str | None


class Shadowing(Facts, frozen=True, kw_only=True):
    """A library that LD_LIBRARY_PATH puts before the one that pip or torch brought. Versions None: not told by any name.

    *file*, *bundled_file*: the same with links followed, as a process shows what it has loaded.
    """

    soname: Name
    path: Path
    file: Path
    version: Version | None
    bundled: Path
    bundled_file: Path
    bundled_version: Version | None


class Foreign(Facts, frozen=True, kw_only=True):
    """A package that was compiled for another Python: *tag* is in its modules' names, and *wanted* is this Python's."""

    module: Name
    path: Path
    tag: Name
    wanted: Name


class Extensions(Facts, frozen=True, kw_only=True):
    """*cpu_flags*: which of the instruction sets that builds ask for the processor has, and "hypervisor"; None: not told.

    *noexec*: mount points of folders of sys.path from which nothing may be mapped as code; None: not told."""

    extensions: tuple[Extension, ...]
    shadowed: tuple[Shadowing, ...]
    cpu_flags: tuple[str, ...] | None = None
    noexec: tuple[Path, ...] | None = None
    foreign: tuple[Foreign, ...] = ()


class Imported(Facts, frozen=True, kw_only=True):
    """An import that was tried. *error* None: it worked. *output*: what was printed meanwhile. *raised_in*: the package in whose
    code it was raised; None: it worked, or in no package's. *asked_by*: the package that imported that one."""

    module: Name
    version: Version | None
    error: str | None
    output: tuple[str, ...]
    raised_in: Name | None = None
    asked_by: Name | None = None


class Imports(Facts, frozen=True, kw_only=True):
    """In this order and in one process, as the service imports them; those that are not installed are left out.

    *optimize*: sys.flags.optimize; from 2 on Python drops docstrings."""

    tried: tuple[Imported, ...]
    optimize: int = 0

    @property
    def without_docstrings(self) -> bool:
        return self.optimize > 1


class DamagedPackage(Facts, frozen=True, kw_only=True):
    """An installed distribution of which *count* files are gone or cut short; *files*: the first of them. *modules*: what is
    imported of it. *there*: another version that its source states, and files of it are of another length than was installed."""

    name: Name
    version: Version
    modules: tuple[Name, ...]
    files: tuple[Path, ...]
    count: int
    there: Version | None = None


class Closed(Facts, frozen=True, kw_only=True):
    """A file or folder among the packages that the user may not read. *modules*: what is imported of it; none where it is a whole
    folder of packages. *of_root*: nobody but root can have put it there."""

    path: Path
    modules: tuple[Name, ...]
    of_root: bool


class InstalledFiles(Facts, frozen=True, kw_only=True):
    """*looked_at*: how many of the distributions that a face service imports list their files."""

    looked_at: int
    damaged: tuple[DamagedPackage, ...]
    closed: tuple[Closed, ...] = ()
