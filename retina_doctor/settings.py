"""What the operator meant: a file, then the environment, then flags, each overriding the one before.

Tables and keys are the fields of the classes below, so this file is their reference. In TOML::

    [model]
    path = "/models/retinaface/retinaface_r50_v1.onnx"
    [gate]
    ignore = { RD401 = "our cameras are close" }
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from retina_doctor.codec import Data, field

Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = ("en", "zh")
"""Languages of reports and pages."""


class Size(Data, frozen=True):
    """Pixels."""

    width: int
    height: int

    def __str__(self) -> str:
        return f"{self.width}x{self.height}"


class TargetSettings(Data, frozen=True, kw_only=True):
    command: tuple[str, ...] | None = None
    """Words that start the service's Python: ["docker", "exec", "-i", "face", "python3"]."""
    workdir: str | None = None
    """The service's working directory, from which relative paths resolve. Default: the current one."""


class ModelSettings(Data, frozen=True, kw_only=True):
    path: str | None = None
    """A model file, an insightface pack's name, or a folder of models."""
    root: str | None = None
    """insightface's root, below which models/NAME lies. Default: ~/.insightface."""


class DetectionSettings(Data, frozen=True, kw_only=True):
    size: Size | None = None
    """Input size of the detector in pixels (det_size)."""
    threshold: float | None = None
    """Least score of a face, 0 to 1 (det_thresh)."""
    nms: float | None = None
    """Overlap (intersection over union) above which two boxes are one face, 0 to 1 (nms_thresh)."""
    source_size: Size | None = None
    """Size in pixels of the pictures that the service gets."""
    smallest_face: int | None = None
    """Side in source pixels of the smallest face that must be found."""
    image: str | None = None
    """A picture for the smoke test, on the target's disk."""
    save_picture: str | None = None
    """Where on the target's disk that picture is written with the faces that were found (PNG)."""
    image_faces: int | None = None
    """How many faces that picture shows. Default: at least one."""


class ResponseSettings(Data, frozen=True, kw_only=True):
    """How the service is asked and answers, where it differs from ``{"faces": [{"bbox", "keypoints", "confidence"}]}``."""

    field: str = "image"
    """Name of the multipart field that the picture is posted in."""
    faces: str = "faces"
    """Where in the answer the list of faces is: keys with dots between them; "" where the answer is the list."""
    box: str = "bbox"
    """Key of a face's box."""
    box_form: Literal["corners", "size"] = "corners"
    """corners: left, top, right, bottom; size: left, top, width, height. In pixels of the picture."""
    points: str = "keypoints"
    """Key of a face's five points; "" where the service gives none."""
    score: str = "confidence"
    """Key of a face's score, 0 to 1."""


class Load(Data, frozen=True, kw_only=True):
    requests: int
    at_once: int


class ServiceSettings(Data, frozen=True, kw_only=True):
    host: str | None = None
    port: int | None = None
    url: str | None = None
    pid: int | None = None
    response: ResponseSettings = ResponseSettings()
    load: Load | None = None
    """Pictures to post to the URL, and how many at once: "200,8"."""
    attach: bool = True
    """Look for the running service where no process, host or target is named, and look at the service's own Python."""
    workers: int = 1
    """Processes of the service, each with a session of its own on the same GPU."""


class GpuSettings(Data, frozen=True, kw_only=True):
    device: Literal["gpu", "cpu", "auto"] = "gpu"
    """gpu: running on the CPU is an error; auto: a warning; cpu: the GPU is not looked at."""


class ScanSettings(Data, frozen=True, kw_only=True):
    paths: tuple[str, ...] = ()
    """Source files of the service, or folders of them, on the doctor's own disk."""


class GateSettings(Data, frozen=True, kw_only=True):
    fail_on: Literal["error", "warning", "never"] = "error"
    only: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()
    ignore: Mapping[str, str] = field(default_factory=dict)
    """Code of a check -> why its findings are accepted here."""
    timeout: float = 60.0
    """Seconds that each probe is given."""
    quick: bool = False
    """Import nothing heavy: judge from files and light probes alone."""


class Settings(Data, frozen=True, kw_only=True):
    target: TargetSettings = TargetSettings()
    model: ModelSettings = ModelSettings()
    detection: DetectionSettings = DetectionSettings()
    service: ServiceSettings = ServiceSettings()
    gpu: GpuSettings = GpuSettings()
    scan: ScanSettings = ScanSettings()
    gate: GateSettings = GateSettings()
