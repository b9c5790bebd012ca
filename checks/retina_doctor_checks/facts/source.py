"""What the service's own source says, read as text and as a syntax tree: nothing of it is imported or run."""

from typing import Literal

from retina_doctor.authoring import Facts
from retina_doctor.kinds import Name, Path

from .deployment import DeployedContainer, Doubt, Image, Package, Route, Server
from .source_lines import LineCorrection, SourceLine

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


class Bundle(Facts, frozen=True, kw_only=True):
    """Packages that are required together: a requirements file, or a group of a project's (its dependencies among them).
    *included*: files that it takes in; *kept_out*: packages that an override keeps out of every environment;
    *index*: from an index whose builds are others than PyPI's; *doubts*: what of them cannot be told."""

    at: SourceLine
    group: Name
    packages: tuple[Package, ...]
    included: tuple[Path, ...]
    kept_out: tuple[Name, ...]
    index: bool = False
    doubts: tuple[Doubt, ...] = ()


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
    use the module's session (*what* "celery": its workers, unless their command says otherwise); "start-method": the program
    lets Python, or Celery, start processes in another way; "prepared": something's prepare() is called; "python": what the
    folder's environment is made with ("==3.9.*", ">=3.8,<3.10"); "low-ports": a script lets others than root bind them;
    "numpy-name": *what* of NumPy's is used that newer releases lack, "numpy-name-later": where a start may not come, in a
    function or in a file that asks what NumPy has; "numpy-given": the file gives NumPy that name itself;
    "tensorrt": onnxruntime's TensorRT provider is asked for; "name": a model's, by which insightface looks for it in its own
    folder, "own-name": in one that the code chooses; "lock": packages of the folder are locked here; "passed-on": something that
    may pass requests on to others; "drop-in": more lines of the unit *what*; "folder": one of insightface's models, by its name.
    *what*: the word that says so; *fixed*: the line without it, where it can be written; *near*: the model that is meant."""

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
        "python",
        "low-ports",
        "tensorrt",
        "name",
        "own-name",
        "numpy-name",
        "numpy-name-later",
        "numpy-given",
        "lock",
        "passed-on",
        "drop-in",
        "folder",
    ]
    what: Name
    fixed: str | None = None
    near: Name | None = None


class Source(Facts, frozen=True, kw_only=True):
    """*files*: how many were looked at; *cut*: there were more than are looked at; *models*: names of folders with ONNX files."""

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
    models: tuple[Name, ...] = ()


class OwnSource(Source, frozen=True, kw_only=True):
    """The few files that are the service's own, read where it runs. *executed*: those that its process or its start command
    runs; the others only lie in its working directory."""

    executed: tuple[Path, ...]
