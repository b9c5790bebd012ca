"""What one real detection gave: where it ran, how long it took, which faces it found."""

from typing import Literal

from retina_doctor.authoring import Facts, varying
from retina_doctor.kinds import Name, Path, Serial


class Face(Facts, frozen=True, kw_only=True):
    """In pixels of the picture: box as left, top, right, bottom; five points as (x, y): the eyes, nose and mouth corners
    in the order of the model. Score 0 to 1."""

    box: tuple[float, float, float, float]
    score: float
    points: tuple[tuple[float, float], ...]


class Picture(Facts, frozen=True, kw_only=True):
    """*path* None: generated noise, which shows that arithmetic runs, and no faces. *error*: why it cannot be read.
    *decoder*: the target has OpenCV or Pillow; without, no picture can be read whatever it is."""

    path: Path | None
    width: int | None
    height: int | None
    error: str | None
    decoder: bool = True


class ByInsightface(Facts, frozen=True, kw_only=True):
    """What FaceAnalysis itself did with a pack: number of faces, or why there is none."""

    faces: int | None
    error: str | None


class CardUse(Facts, frozen=True, kw_only=True):
    """Memory of one GPU while the model was loaded and run, in bytes, as NVML counts it every ten milliseconds.

    *before* (None: not known), *peak* and *after* the runs, with the session still open: of the whole card, others' use and the
    driver's own among it. *own_peak*, *own_after*: of the process that ran the model alone, its CUDA context among it; None
    where NVML does not list it (another namespace, WSL), or where it used another card.
    """

    varies = varying(before=0.1, peak=0.1, after=0.1)

    index: int
    uuid: Serial | None
    total: int
    before: int | None
    peak: int
    after: int
    own_peak: int | None
    own_after: int | None


class ShapeUse(Facts, frozen=True, kw_only=True):
    """What the process had in use, in bytes, after an input of another size, (width, height) in pixels."""

    size: tuple[int, int]
    own: int


class Shapes(Facts, frozen=True, kw_only=True):
    """The model at inputs no larger than the one in force, one after the other. *skipped*: why they were not tried:
    "fixed-size" of the graph, "refused" by it, "not-cuda", "slow" (a first run takes many seconds), "not-told" (memory by
    process)."""

    skipped: Literal["fixed-size", "refused", "not-cuda", "slow", "not-told"] | None
    uses: tuple[ShapeUse, ...]


class Saved(Facts, frozen=True, kw_only=True):
    """Where the picture with its faces was written, or why it was not."""

    path: Path
    error: str | None


class OtherSize(Facts, frozen=True, kw_only=True):
    """*posted* and *mistaken* of Inference at an input of another *size*, (width, height) in pixels."""

    size: tuple[int, int]
    posted: tuple[Face, ...]
    mistaken: dict[Name, tuple[Face, ...]]


class Inference(Facts, frozen=True, kw_only=True):
    """*skipped*: why nothing was tried. *contract*: the family of the model by its outputs; None: no known detector's.

    *load_error*: what onnxruntime said when it refused the model; then nothing else is known. *run_error*: the same of a model
    that was loaded, when it was run.
    *session* are the providers that the session has, *nodes* how many nodes each ran, *cpu_operators* how many of each
    operator the CPU ran. *input_size* is (width, height)
    in pixels. Times in seconds: *first* includes what is set up at the first run, *runs* are those after it (None: not told),
    of which are *median* and *p95*; *cpu_median*: one run after the first on the CPU, where the model ran on CUDA.
    *finite*: no NaN or infinity in the outputs. *cpu_difference*: largest difference to the CPU's outputs relative to
    the largest output; None where the session itself ran on the CPU. *faces* None: not decoded.
    *cards*: None: no GPU was meant, or NVML did not answer; cards that are divided by MIG are left out.
    *cpu_share*: of a session with nodes on CUDA and on the CPU, the time of the CPU's nodes by the time of the whole run, 0 to 1,
    as onnxruntime's profile tells of a run of its own (on CUDA it tells when kernels are launched, not when they end).
    *posted*: faces of which the model is sure in the doctor's drawn picture of two faces, which is posted to the service; None:
    not decoded. *mistaken*: likewise, by how its input was made wrongly on purpose ("channels" in the other order, "mean" not
    subtracted). *at_sizes*: likewise at other usual sizes, for a service's own may be one of them. *candidates*: how many
    it takes for a face there at all, of which a trained one has a handful.
    *host_memory*: bytes of the process that no file stands behind (RssAnon, proc_pid_status(5)), after the runs with the session
    open: what the kernel cannot take back. None: the kernel does not tell.
    """

    varies = varying(
        load=0.5, first=0.5, median=0.3, p95=0.5, cpu_median=0.3, cpu_share=0.3, runs=None, host_memory=0.2
    )

    skipped: (
        Literal[
            "no-model",
            "missing",
            "not-onnx",
            "no-onnxruntime",
            "no-numpy",
            "no-known-checkpoint",
            "no-torch",
            "other-input",
        ]
        | None
    )
    model: Path | None
    contract: Literal["retinaface", "scrfd"] | None
    input_size: tuple[int, int] | None
    session: tuple[Name, ...] | None
    nodes: dict[Name, int] | None
    preloaded: bool
    load: float | None
    first: float | None
    median: float | None
    picture: Picture | None
    finite: bool | None
    cpu_difference: float | None
    faces: tuple[Face, ...] | None
    log: tuple[str, ...]
    cpu_operators: dict[Name, int] | None = None
    load_error: str | None = None
    framework: Literal["onnxruntime", "torch"] | None = "onnxruntime"
    device: Literal["cuda", "cpu"] | None = None
    p95: float | None = None
    cpu_median: float | None = None
    by_insightface: ByInsightface | None = None
    saved: Saved | None = None
    run_error: str | None = None
    cards: tuple[CardUse, ...] | None = None
    shapes: Shapes | None = None
    cpu_share: float | None = None
    runs: tuple[float, ...] | None = None
    host_memory: int | None = None
    posted: tuple[Face, ...] | None = None
    mistaken: dict[Name, tuple[Face, ...]] | None = None
    candidates: int | None = None
    at_sizes: tuple[OtherSize, ...] = ()

    @property
    def on_cuda(self) -> bool | None:
        """Whether any node ran there; None: not known."""
        if self.device is not None:
            return self.device == "cuda"
        return bool(self.nodes.get("CUDAExecutionProvider")) if self.nodes else None

    @property
    def ran_on(self) -> str | None:
        """The provider that ran most nodes, or torch's device."""
        if self.framework == "torch":
            return f"torch ({self.device})"
        return max(self.nodes, key=lambda name: self.nodes[name] if self.nodes else 0) if self.nodes else None


class Answered(Facts, frozen=True, kw_only=True):
    name: Name
    faces: tuple[Face, ...]


class KnownAnswer(Facts, frozen=True, kw_only=True):
    """What the doctor's own model found in its own pictures. *finite*: no NaN or infinity in the outputs."""

    varies = varying(seconds=None)

    skipped: Literal["no-onnxruntime", "no-numpy"] | None
    session: tuple[Name, ...] | None
    nodes: dict[Name, int] | None
    preloaded: bool
    finite: bool | None
    pictures: tuple[Answered, ...]
    seconds: float | None
