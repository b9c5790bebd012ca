"""One real detection in the target: loads the service's model, runs it on a picture, tells where it ran and what it found."""

from __future__ import annotations

import os
import time
from typing import Any

from retina_doctor_checks.models import locate
from retina_doctor_checks.native import output, places
from retina_doctor_checks.ort_gpu import look_files, session

REPEATS = 5
MOST_PICTURE = 200 * 10**6  # bytes
EMPTY: dict[str, Any] = {
    "skipped": None, "model": None, "contract": None, "input_size": None, "session": None, "nodes": None, "cpu_operators": None,
    "preloaded": False,
    "load": None, "first": None, "median": None, "picture": None, "finite": None, "cpu_difference": None, "faces": None,
    "log": [], "load_error": None,
}  # fmt: skip


def look(probe: Any, arguments: dict[str, Any]) -> None:
    probe.tell(**EMPTY)
    named, _ = locate.find(arguments)
    if named is None:
        probe.tell(skipped="no-model")
        return
    path = locate.detector_file(named["path"])
    if path is None or not os.path.isfile(path):
        probe.tell(skipped="missing")
        return
    probe.tell(model=path)
    if not path.lower().endswith(".onnx"):
        probe.tell(skipped="not-onnx")
        return
    if places.package_folder("onnxruntime") is None:
        probe.tell(skipped="no-onnxruntime")
        return
    probe.stage("importing onnxruntime")
    import onnxruntime

    preload = arguments["gpu"] and look_files.preloaded_by() and getattr(onnxruntime, "preload_dlls", None)
    probe.tell(preloaded=bool(preload))
    with output.captured() as log:
        if preload:
            preload()
        try:
            run(probe, arguments, onnxruntime, path)
        finally:
            session.clean()
    probe.tell(log=list(log))


def run(probe: Any, arguments: dict[str, Any], onnxruntime: Any, path: str) -> None:
    import numpy

    from retina_doctor_checks.inference import detector

    probe.stage("loading " + os.path.basename(path))
    start = time.perf_counter()
    try:
        opened, how = session.open_session(onnxruntime, path, arguments["gpu"])
    except Exception as error:
        probe.tell(load_error="%s: %s" % (type(error).__name__, str(error)[:2000]))
        return
    kind = detector.contract(opened.get_outputs())
    width, height = input_size(opened.get_inputs()[0].shape, arguments["size"])
    probe.tell(
        load=time.perf_counter() - start, session=opened.get_providers(), contract=kind, input_size=[width, height]
    )
    picture, about = read_picture(arguments["image"])
    probe.tell(picture=about)
    canvas, scale = detector.letterbox(picture, width, height)
    feed = {opened.get_inputs()[0].name: detector.blob(canvas, kind)}
    probe.stage("detecting")
    times = []
    for _ in range(1 + REPEATS):
        start = time.perf_counter()
        outputs = opened.run(None, feed)
        times.append(time.perf_counter() - start)
    probe.tell(first=times[0], median=sorted(times[1:])[REPEATS // 2])
    operators = session.operators(opened, how)
    nodes = session.node_counts(operators)
    probe.tell(nodes=nodes, cpu_operators=None if operators is None else operators.get(session.CPU, {}))
    probe.tell(finite=all(bool(numpy.isfinite(output).all()) for output in outputs))
    if nodes and nodes.get(session.CUDA):
        probe.stage("comparing with the CPU")
        reference = session.open_session(onnxruntime, path, False, count=False)[0].run(None, feed)
        probe.tell(cpu_difference=difference(outputs, reference))
    if kind is not None and about["path"] is not None and about["error"] is None:
        found = detector.decode(outputs, kind, width, height, arguments["threshold"], arguments["nms"])
        probe.tell(faces=[in_source(face, scale) for face in found[:100]])


def input_size(shape: list[Any], wanted: list[Any]) -> tuple[Any, ...]:
    """(width, height) in pixels: the model's own where it is fixed, else as wanted. *shape*: [n, 3, height, width]."""
    height, width = (shape + [None] * 4)[2:4]
    return (width if isinstance(width, int) else wanted[0], height if isinstance(height, int) else wanted[1])


def read_picture(path: str) -> tuple[Any, ...]:
    """(RGB uint8 [h, w, 3], facts): the given picture, by cv2 or Pillow, whichever the target has; else noise."""
    import numpy

    noise = numpy.random.RandomState(0).randint(0, 256, (480, 640, 3)).astype(numpy.uint8)
    facts = {"path": None, "width": 640, "height": 480, "error": None, "decoder": True}
    if not path:
        return noise, facts
    path = os.path.abspath(os.path.expanduser(path))
    try:
        if not os.path.isfile(path) or os.path.getsize(path) > MOST_PICTURE:
            raise ValueError("is no regular file of up to %d MB" % (MOST_PICTURE // 10**6))
        with open(path, "rb") as file:
            data = file.read()
        picture = pixels(data)
    except ImportError as error:
        return noise, dict(facts, path=path, width=None, height=None, error=str(error)[:300], decoder=False)
    except (OSError, ValueError) as error:
        return noise, dict(facts, path=path, width=None, height=None, error=str(error)[:300])
    return picture, dict(facts, path=path, width=picture.shape[1], height=picture.shape[0])


def pixels(data: bytes) -> Any:
    import numpy

    try:
        import cv2

        decoded = cv2.imdecode(numpy.frombuffer(data, numpy.uint8), cv2.IMREAD_COLOR) if data else None
        if decoded is None:
            raise ValueError("is no picture that OpenCV can read")
        return decoded[:, :, ::-1]
    except ImportError:
        import io

        from PIL import Image

        return numpy.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def difference(outputs: list[Any], reference: list[Any]) -> float:
    """Largest difference of any output, as a share of that output's largest value."""
    import numpy

    shares = [float(numpy.abs(a - b).max() / (numpy.abs(b).max() + 1e-6)) for a, b in zip(outputs, reference) if b.size]
    return max(shares) if shares else 0.0


def in_source(face: dict[str, Any], scale: float) -> dict[str, Any]:
    """A face in pixels of the picture, to a tenth."""
    return {
        "box": [round(value / scale, 1) for value in face["box"]],
        "score": round(face["score"], 4),
        "points": [[round(x / scale, 1), round(y / scale, 1)] for x, y in face["points"]],
    }
