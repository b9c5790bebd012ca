"""What is known of the model: where it resolves, what stands there, what its bytes are."""

from typing import Literal

from retina_doctor.authoring import Facts
from retina_doctor.kinds import Name, Path, Serial, UrlText


class Obstacle(Facts, frozen=True, kw_only=True):
    """Why a path cannot be used, and at which part of it. *leads_to*: where links on its way lead; None: nowhere else.
    *like_a_model*: its name has the ending of one."""

    kind: Literal["missing", "forbidden", "other"]
    at: Path
    words: str
    leads_to: Path | None = None
    like_a_model: bool = True


class Tensor(Facts, frozen=True, kw_only=True):
    """An input or output: sizes are numbers, or names where they are free."""

    name: Name
    shape: tuple[int | Name, ...] | None


class External(Facts, frozen=True, kw_only=True):
    """A file beside the model in which weights lie. Sizes in bytes."""

    location: Path
    problem: Literal["missing", "cut-short", "lfs-pointer", "outside", "unreadable"] | None
    there: int | None
    needed: int


class Checkpoint(Facts, frozen=True, kw_only=True):
    """What a torch checkpoint's pickle names. *keys*: of weights; *prefix* "module." where torch.nn.DataParallel saved it.
    *tensors*: it holds any. *lacks*: heads of that network without a key.
    *refused*: what torch.load does not admit under weights_only; *dangerous*: those of it that can run any code."""

    keys: int
    prefix: Name
    network: Literal["mobilenet0.25", "resnet50", "detector", "other"] | None
    refused: tuple[Name, ...]
    dangerous: tuple[Name, ...]
    tensors: bool = True
    lacks: tuple[Name, ...] = ()


class Cache(Facts, frozen=True, kw_only=True):
    """Where insightface would put a pack that it downloads. *at*: the nearest folder on the way that exists, *writable* for the
    target's user. *leads_to*: where links on the way lead; None: nowhere else.
    *zip*: what a download left beside, and whether it is whole. *free*: bytes that may still be written there. *no_way*: why
    nothing can be downloaded: "no-route" leads out of this machine (or container), or the *proxy* on it is not there; None:
    nothing here speaks against it, and no connection was tried."""

    root: Path
    at: Path
    writable: bool
    leads_to: Path | None = None
    zip: Path | None
    zip_whole: bool | None
    free: int | None = None
    no_way: Literal["no-route", "no-proxy"] | None = None
    proxy: UrlText | None = None


class OnnxFile(Facts, frozen=True, kw_only=True):
    ir_version: int | None
    opset: int | None
    producer: Name
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    nodes: int
    external: tuple[External, ...] = ()


class Damage(Facts, frozen=True, kw_only=True):
    """*cut-short*: *needed* bytes at least, *there* bytes; *not-protobuf* from byte *there* on; *no-graph*: parseable, but
    without any node; *no-directory*: a zip whose end is missing; *no-storages*: a legacy checkpoint without weights."""

    kind: Literal["cut-short", "not-protobuf", "no-graph", "no-directory", "no-storages"]
    there: int | None
    needed: int | None


class ModelFile(Facts, frozen=True, kw_only=True):
    """*content* is told by the bytes, not by the name; *problem* says how it is damaged. Size in bytes.

    *sha256*: in hexadecimal; None where nobody asked for it, or it could not be read to its end. *inside*: of a zip or tar, the
    models in it.
    """

    path: Path
    size: int | None
    content: Name
    problem: Damage | None
    error: Obstacle | None
    onnx: OnnxFile | None
    checkpoint: Checkpoint | None = None
    sha256: Serial | None = None
    inside: tuple[Path, ...] = ()

    @property
    def is_detector(self) -> bool:
        """A face detector by its graph, as insightface decides (model_zoo.py: five outputs or more), or the three
        outputs loc, conf, landmarks of a Pytorch_Retinaface export."""
        if self.checkpoint is not None and self.checkpoint.network == "other":
            return False
        if self.onnx is None:
            return self.content in ("torch-zip", "torch-legacy", "pickle", "tensorrt", "ort", "hdf5")
        return len(self.onnx.outputs) >= 5 or (len(self.onnx.outputs) == 3 and len(self.onnx.inputs) == 1)


class Subfolder(Facts, frozen=True, kw_only=True):
    name: Name
    models: tuple[Name, ...]


class Searched(Facts, frozen=True, kw_only=True):
    path: Path
    exists: bool
    models: int


class Model(Facts, frozen=True, kw_only=True):
    """*named_by*: settings, the variable RETINAFACE_MODEL_PATH, or found in a usual place. *nearby*: where what is named holds no
    detector, whole files beside it and in packs that are detectors to insightface."""

    searched: tuple[Searched, ...]
    working_directory: Path
    variable: Path | None
    named: Path | None
    named_by: Literal["settings", "RETINAFACE_MODEL_PATH", "found"] | None
    kind: Literal["path", "pack", "url"] | None
    path: Path | None
    exists: bool
    is_folder: bool
    error: Obstacle | None
    files: tuple[ModelFile, ...]
    subfolders: tuple[Subfolder, ...]
    similar: tuple[Name, ...]
    elsewhere: tuple[Path, ...]
    cache: Cache | None = None
    nearby: tuple[Path, ...] = ()

    @property
    def detector(self) -> ModelFile | None:
        """The file that a detector would be loaded from: the named one, or the first in the folder, as insightface does."""
        whole = [file for file in self.files if file.is_detector and file.problem is None and file.error is None]
        return whole[0] if whole else None
