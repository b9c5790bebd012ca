"""What the service's own source says, read as text and as a syntax tree: nothing of it is imported or run."""

from typing import Literal

from retina_doctor.authoring import Facts
from retina_doctor.kinds import HostName, Name, Path

Cause = Literal[
    "ort-provider-not-requested",
    "det-parameter-ignored",
    "cuda-hardcoded",
    "no-face-not-handled",
    "image-not-read",
    "model-wrong-directory",
    "cuda-visible-devices-hides-gpu",
    "service-model-per-request",
    "image-wrong-form",
    "det-not-prepared",
]


class Mark(Facts, frozen=True, kw_only=True):
    """A comment ``# retina-doctor: ignore[word] reason`` beside a line."""

    word: Name
    reason: str


class SourceLine(Facts, frozen=True, kw_only=True):
    """A place in a file. *line* and *column* count from 1; *text*: the line without its indentation."""

    file: Path
    line: int
    column: int
    text: str
    marks: tuple[Mark, ...]


FOLDER = "/FOLDER"
"""Stands in a line for the folder that is known only where all files are judged together."""


class LineCorrection(Facts, frozen=True, kw_only=True):
    """A line as it should be. *fixed*: one line or several, "" where it goes."""

    at: SourceLine
    fixed: str


class Hit(Facts, frozen=True, kw_only=True):
    """A place that bears a cause. *why*: which of the cause's forms it is; *what*: the word that it turns on; *fixed*: the
    line as it should be, where it can be written (several lines, or "" where it goes); *also*: lines that change with it;
    *draft*: how it could be, where only who knows the code can tell. *api*: the versions of insightface in which it is so; none:
    in any."""

    at: SourceLine
    cause: Cause
    why: Name
    what: Name
    fixed: str | None
    api: tuple[Name, ...]
    also: tuple[LineCorrection, ...] = ()
    draft: str | None = None


class Figure(Facts, frozen=True, kw_only=True):
    """A number of the detector's that the source names: a score threshold, an NMS overlap, or width and height in pixels.
    *sides*: what stands before and after it on its line; None: no other could be put in its place."""

    at: SourceLine
    kind: Literal["threshold", "nms", "size"]
    numbers: tuple[float, ...]
    sides: tuple[str, str] | None


class Server(Facts, frozen=True, kw_only=True):
    """Something listens. *host*, *port*: None where they cannot be told. *why*: whether the host is named, or the server's
    default. *sure*: neither a variable nor a flag may change it. *runs*: the module or script that a command starts; *config*:
    the configuration in which gunicorn looks for what the command does not say. *flags*: --preload, --reload, --debug, where
    its command has them. *workers*: processes that its command asks for."""

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


class Package(Facts, frozen=True, kw_only=True):
    """A requirement of a package that matters (analysis/deployment/packages.py OURS).

    *spec*: its versions as they are written ("==1.18.0",
    "^0.7", "" for any); *extras*: it asks for extras, such as [cuda,cudnn]; *extra*: which, by name."""

    at: SourceLine
    name: Name
    spec: Name
    extras: bool
    extra: tuple[Name, ...] = ()


class Bundle(Facts, frozen=True, kw_only=True):
    """Packages that are required together: a requirements file, or a group of a project's (its dependencies among them).
    *included*: files that it takes in; *kept_out*: packages that an override keeps out of every environment;
    *index*: from an index whose builds are others than PyPI's."""

    at: SourceLine
    group: Name
    packages: tuple[Package, ...]
    included: tuple[Path, ...]
    kept_out: tuple[Name, ...]
    index: bool = False


class ImageStep(Facts, frozen=True, kw_only=True):
    """What a RUN does to packages. *file*: the requirements or the project that it installs; *dependencies*: with theirs;
    *index*: from an index of its own, whose builds are others than PyPI's."""

    at: SourceLine
    does: Literal["install", "uninstall", "file", "project"]
    packages: tuple[Package, ...]
    file: Path | None
    dependencies: bool
    index: bool


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
    write anywhere."""

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
    that it
    may have at most; *read_only*: where its root is said to be so, and *mounts*:
    what of it is not; *probes*: what asks whether it lives. *with_gpu*: the lines by which it gets a GPU; *with_volume*: those by
    which a volume is mounted at FOLDER; *user*: as whom it runs, where it says so. *shared_memory*: it is given a /dev/shm of its
    own size, or the host's; *runtime_class*: of its pod."""

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


class Route(Facts, frozen=True, kw_only=True):
    """Where a Kubernetes service sends to: a port of the pods that have all labels of *selector*."""

    at: SourceLine
    port: Port
    selector: tuple[str, ...]


class Tag(Facts, frozen=True, kw_only=True):
    """The name of an image that is built here."""

    at: SourceLine
    name: Name
    dockerfile: Path


class Unread(Facts, frozen=True, kw_only=True):
    """A file in which a cause could stand, and which could not be read."""

    file: Path
    kind: Literal["python", "deployment"]
    error: str


class Sign(Facts, frozen=True, kw_only=True):
    """What is no fault by itself, and one beside another. *kind*: "session": a model is loaded when the module is;
    "cpu-session": likewise, and not onto the GPU; "preload": gunicorn loads the application before it forks; "debug": the server
    loads it twice and reloads it; "multipart": a route takes a form or a file; "pack": insightface downloads a pack of models
    where it is not there; "route": a path that is served, with its methods before it ("GET /health"); "cache": onnxruntime
    writes what it has built into a folder ("." where none is named); "loader": torch hands data from its worker processes on
    through /dev/shm; "runtime-class": NVIDIA's runtime is one of several of the cluster's; "fork": processes are forked that
    use the module's session; "start-method": the program lets Python start processes in another way; "prepared": something's
    prepare() is called.
    *what*: the word that says so; *fixed*: the line without it, where it can be written."""

    at: SourceLine
    kind: Literal[
        "session",
        "cpu-session",
        "preload",
        "debug",
        "multipart",
        "pack",
        "route",
        "cache",
        "loader",
        "runtime-class",
        "fork",
        "start-method",
        "prepared",
    ]
    what: Name
    fixed: str | None = None


class Source(Facts, frozen=True, kw_only=True):
    """*files*: how many were looked at; *cut*: there were more than are looked at."""

    paths: tuple[Path, ...]
    missing: tuple[Path, ...]
    files: int
    cut: bool
    unread: tuple[Unread, ...]
    hits: tuple[Hit, ...]
    figures: tuple[Figure, ...]
    servers: tuple[Server, ...]
    meant: tuple[SourceLine, ...]
    bundles: tuple[Bundle, ...]
    images: tuple[Image, ...]
    containers: tuple[DeployedContainer, ...]
    routes: tuple[Route, ...]
    tags: tuple[Tag, ...]
    signs: tuple[Sign, ...] = ()


class OwnSource(Source, frozen=True, kw_only=True):
    """The few files that are the service's own, read where it runs. *executed*: those that its process runs; the others only
    lie in its working directory."""

    executed: tuple[Path, ...]
