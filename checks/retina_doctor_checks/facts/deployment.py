"""What the files say by which the service is deployed: packages, images, containers, what they publish and may use."""

from typing import Literal

from retina_doctor.authoring import Facts
from retina_doctor.kinds import HostName, Name, Path

from .source_lines import LineCorrection, SourceLine

Doubt = Literal["package", "index", "part", "python", "limit", "lock"]
"""What of packages that are installed together cannot be told: one of unknown needs; a source that is not PyPI or a mirror of it;
something that was not read; another Python beside the system's; what a file of constraints says; what a lock says."""


class Server(Facts, frozen=True, kw_only=True):
    """Something listens. *host*, *port*: None where they cannot be told. *why*: whether the host is named, or the server's
    default. *sure*: neither a variable nor a flag may change it. *runs*: the module or script that a command starts; *config*:
    the configuration in which gunicorn looks for what the command does not say. *flags*: --preload, --reload, --debug, where
    its command has them. *workers*: processes that its command asks for. *user*: of its systemd unit, where nothing there lets it
    bind ports below 1024."""

    at: SourceLine
    by: Name
    host: HostName | None
    port: int | None
    why: Literal["named", "default"]
    sure: bool
    fixed: str | None
    runs: Path | None
    config: Path | None
    flags: tuple[Name, ...] = ()
    workers: int | None = None
    user: Name | None = None


class Package(Facts, frozen=True, kw_only=True):
    """A requirement of a package that matters (analysis/deployment/packages.py OURS).

    *spec*: its versions as they are written ("==1.18.0",
    "^0.7", "" for any); *extras*: it asks for extras, such as [cuda,cudnn]; *extra*: which, by name. *cuda*: the major version
    that its local version or pytorch's index says ("11" of +cu118, "" of +cpu); None: they say none. *conda*: it is conda's own,
    not PyPI's."""

    at: SourceLine
    name: Name
    spec: Name
    extras: bool
    extra: tuple[Name, ...] = ()
    cuda: Name | None = None
    conda: bool = False


class ImageStep(Facts, frozen=True, kw_only=True):
    """What a RUN does to packages. *file*: the requirements or the project that it installs; *dependencies*: with theirs;
    *index*: from an index of its own, whose builds are others than PyPI's; *lacks*: the package of the system's without which no
    C++ extension is compiled here."""

    at: SourceLine
    does: Literal["install", "uninstall", "file", "project"]
    packages: tuple[Package, ...]
    file: Path | None
    dependencies: bool
    index: bool
    lacks: Name | None = None


class Port(Facts, frozen=True, kw_only=True):
    """A port on the container's side. *host*: the address on the host's side; *name*: where it is named, or asked for by name."""

    at: SourceLine
    number: int | None
    host: HostName | None
    name: Name | None


class SetVariable(Facts, frozen=True, kw_only=True):
    """A variable of those that say which GPUs are seen (analysis/variables.py). *hides*: its value lets CUDA see none."""

    at: SourceLine
    name: Name
    value: Name
    hides: bool = False


class SystemPackage(Facts, frozen=True, kw_only=True):
    """A package of the system's, or a program. *base*: the image on which it is installed or called, "" where that cannot be
    told."""

    at: SourceLine
    name: Name
    base: Name


class Image(Facts, frozen=True, kw_only=True):
    """The last stage of a Dockerfile with what it builds on. *at*: the FROM of *base*, "" where that cannot be told; *stage*: its
    name. *sets*: its ENV; *system*: packages of the system that it installs; *graphics*: where this or another stage
    does so for OpenGL; *asks*: the program by which its HEALTHCHECK asks; *brings*: it copies or installs what is not known;
    *user*: as whom its containers run, where it says so; *filled*: folders into which files are copied, and "" where a RUN may
    write anywhere; *own_python*: it installs a Python that is not its system's;
    *doubts*: what of its packages cannot be told."""

    at: SourceLine
    base: Name
    steps: tuple[ImageStep, ...]
    ports: tuple[Port, ...]
    stage: Name | None = None
    server: Server | None
    sets: tuple[SetVariable, ...] = ()
    system: tuple[Name, ...] = ()
    graphics: tuple[SystemPackage, ...] = ()
    asks: SystemPackage | None = None
    brings: bool = False
    user: Name | None = None
    filled: tuple[Name, ...] = ()
    own_python: bool = False
    doubts: tuple[Doubt, ...] = ()


class Amount(Facts, frozen=True, kw_only=True):
    """*number*: of bytes; *least*: what is asked for at least, as far as that is more."""

    at: SourceLine
    number: int
    least: int | None = None


class HealthProbe(Facts, frozen=True, kw_only=True):
    """*seconds*: until it has failed often enough, from the start of the container on; *spared*: a startup probe goes before it.
    *path*: that it gets over HTTP; None: it only connects, or runs a program. *tool*: the program that gets it, where one of the
    container's own has to. *later*: the line by which it begins a minute after the container's start."""

    at: SourceLine
    kind: Literal["liveness", "readiness", "startup", "healthcheck"]
    path: Name | None
    seconds: float
    spared: bool = False
    tool: Name | None = None
    later: LineCorrection | None = None


class DeployedContainer(Facts, frozen=True, kw_only=True):
    """A service of compose, a container of a pod, or a `docker run`. *dockerfile*: what builds it; *known*: nothing of it is
    said elsewhere; *ports*: published, or a pod's; *asked*: of its probes; *labels*: of its pod, KEY=VALUE;
    *commanded*: it has a command of its own in place of its image's; *moved*: its environment may say where that listens;
    *target*: the stage of its Dockerfile; *varied*: it is built with arguments of its own. *sets*: of its variables; *memory*:
    that it may have at most; *read_only*: where its root is said to be so, and *mounts*: what of it is not; *probes*: what asks
    whether it lives. *with_gpu*: the lines by which it gets a GPU; *with_volume*: those by which a volume is mounted at FOLDER;
    *user*: as whom it runs, where it says so. *shared_memory*: it is given a /dev/shm of its own size, or the host's;
    *runtime_class*: of its pod; *low_ports*: a sysctl of its own says who may bind them; *reached*: by others than through its
    ports, as far as it can be told; *incomplete*: where its GPU is reserved without capabilities."""

    at: SourceLine
    kind: Literal["compose", "kubernetes", "run"]
    name: Name
    image: Name | None
    dockerfile: Path | None
    gpu: bool
    known: bool
    host_network: bool
    ports: tuple[Port, ...]
    asked: tuple[Port, ...]
    labels: tuple[str, ...]
    commanded: bool
    moved: bool = False
    target: Name | None = None
    varied: bool = False
    server: Server | None
    sets: tuple[SetVariable, ...] = ()
    memory: Amount | None = None
    read_only: SourceLine | None = None
    mounts: tuple[Path, ...] = ()
    probes: tuple[HealthProbe, ...] = ()
    with_gpu: tuple[LineCorrection, ...] = ()
    with_volume: tuple[LineCorrection, ...] = ()
    user: Name | None = None
    shared_memory: bool = False
    runtime_class: Name | None = None
    low_ports: bool = False
    reached: bool = True
    incomplete: SourceLine | None = None


class Route(Facts, frozen=True, kw_only=True):
    """Where a Kubernetes service sends to: a port of the pods that have all labels of *selector*."""

    at: SourceLine
    port: Port
    selector: tuple[str, ...]
