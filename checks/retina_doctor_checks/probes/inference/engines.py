"""Runs a model on one picture: an ONNX file by onnxruntime, a checkpoint by torch. Sent to targets: Python 3.8, numpy."""

from __future__ import annotations

from retina_doctor.hints import Any
from retina_doctor_checks.probes.native import sparing
from retina_doctor_checks.probes.ort_gpu import session

CHECKPOINTS = (".pth", ".pt")
FLOATS = {"tensor(float)": "float32", "tensor(float16)": "float16", "tensor(double)": "float64"}


class NotOurs(Exception):
    """A checkpoint that is none of the two networks known here, or a torch that cannot load it safely."""


def open_engine(path: str, gpu: bool) -> Any:
    """Of the model at *path*, with CUDA's libraries loaded as the service's insightface loads them. Raises NotOurs,
    OtherInput and what the framework raises."""
    if path.lower().endswith(CHECKPOINTS):
        from retina_doctor_checks.probes.models import contents

        told = contents.examine(path)["checkpoint"]
        if told is None or told["refused"] or told["network"] not in ("mobilenet0.25", "resnet50"):
            raise NotOurs(path)
        return Torch(path, gpu)
    sparing.spare()
    import onnxruntime

    preloaded = session.preload(onnxruntime, gpu)
    engine = OnnxEngine(onnxruntime, path, gpu)
    engine.preloaded = preloaded
    return engine


class OtherInput(Exception):
    """A graph that is not fed one picture [1, 3, height, width] of floats: a failed run would say nothing of it."""


class OnnxEngine:
    preloaded = False
    device = None
    framework = "onnxruntime"

    def __init__(self, onnxruntime: Any, path: str, gpu: bool) -> None:
        from retina_doctor_checks.probes.inference import detector

        self._onnxruntime, self._path = onnxruntime, path
        self._opened, self._how = session.open_session(onnxruntime, path, gpu)
        self._dtype = float_of(self._opened.get_inputs())
        self.contract = detector.contract(self._opened.get_outputs())
        self.providers = self._opened.get_providers()

    def size(self, wanted: list[Any]) -> tuple[Any, ...]:
        """(width, height) in pixels: the model's own where it is fixed, else as wanted."""
        height, width = (self._opened.get_inputs()[0].shape + [None] * 4)[2:4]
        return (width if isinstance(width, int) else wanted[0], height if isinstance(height, int) else wanted[1])

    def run(self, blob: Any) -> list[Any]:
        outputs = self._opened.run(None, self._feed(blob))
        return [one.astype("float32") if one.dtype in ("float16", "float64") else one for one in outputs]

    def _feed(self, blob: Any) -> dict[str, Any]:
        return {self._opened.get_inputs()[0].name: blob.astype(self._dtype, copy=False)}

    def operators(self) -> dict[str, Any] | None:
        """{provider: {operator: number of nodes}}, once it has run."""
        return session.operators(self._opened, self._how)

    @property
    def any_size(self) -> bool:
        """The graph leaves height and width open."""
        shape = self._opened.get_inputs()[0].shape
        return len(shape) == 4 and not any(isinstance(side, int) for side in shape[2:])

    def close(self) -> None:
        """Give its memory back. Of what ran, only the path is left."""
        self._opened = None

    def cpu_share(self, blob: Any) -> float | None:
        """By `session.cpu_share`; None also where it cannot be told."""
        feed = self._feed(blob)
        self.close()
        try:
            return session.cpu_share(self._onnxruntime, self._path, feed)
        except Exception:  # no room for one more session, or no disk for a profile: a figure less
            return None

    def on_cpu(self) -> OnnxEngine:
        """The same model on the CPU."""
        return OnnxEngine(self._onnxruntime, self._path, False)


def float_of(inputs: list[Any]) -> str:
    """The type of number that a graph with these inputs wants a picture in. Raises OtherInput."""
    first = inputs[0]
    shape = first.shape if isinstance(first.shape, list) and len(first.shape) == 4 else None
    # A side of any length has a name, or none.
    fits = shape and shape[3] not in (1, 3) and all(not isinstance(a, int) or a == n for a, n in zip(shape, (1, 3)))
    if len(inputs) != 1 or not fits or first.type not in FLOATS:
        raise OtherInput(str([(one.name, one.type, one.shape) for one in inputs]))
    return FLOATS[first.type]


class Torch:
    preloaded = False
    framework = "torch"
    contract = "retinaface"
    providers = None
    any_size = True

    def __init__(self, path: str, gpu: bool) -> None:
        import torch

        from retina_doctor_checks.probes.inference import torch_net

        self._torch, self._path = torch, path
        self.device = "cuda" if gpu and torch.cuda.is_available() else "cpu"
        try:
            self._net, self.backbone = torch_net.load(path, self.device)
        except (TypeError, ValueError) as error:  # a torch before 1.13 without weights_only; another network
            raise NotOurs(str(error)) from None

    def size(self, wanted: list[Any]) -> tuple[Any, ...]:
        return tuple(wanted)

    def run(self, blob: Any) -> list[Any]:
        with self._torch.no_grad():
            outputs = self._net(self._torch.from_numpy(blob).to(self.device))
        return [one.cpu().numpy() for one in outputs]

    def operators(self) -> dict[str, Any] | None:
        return None

    def on_cpu(self) -> Torch:
        return Torch(self._path, False)
