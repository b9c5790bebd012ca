"""Runs the detector on the given pictures at several input sizes, and tells every candidate with its score. Sent to targets:
Python 3.8, numpy, onnxruntime or torch."""

from __future__ import annotations

import os
import time
from typing import Any

from retina_doctor_checks.inference import look_inference
from retina_doctor_checks.models import locate
from retina_doctor_checks.native import output, places
from retina_doctor_checks.ort_gpu import session

ENDINGS = (".jpg", ".jpeg", ".png", ".bmp", ".webp")
MOST_PICTURES, MOST_CANDIDATES = 40, 400
LEAST_SCORE, LOOSEST = 0.2, 0.9
"""Candidates below that score, or overlapping a better one by more than that, are no faces at any setting that is tried."""


def look(probe: Any, arguments: dict[str, Any]) -> None:
    probe.tell(problem=None, model=None, pictures=[], sizes=[])
    named, _ = locate.find(arguments)
    path = locate.detector_file(named["path"]) if named else None
    if path is None or not os.path.isfile(path):
        probe.tell(problem="no-model")
        return
    probe.tell(model=path)
    files = pictures(arguments["images"])
    if not files:
        probe.tell(problem="no-pictures")
        return
    with output.captured():
        try:
            sweep(probe, arguments, path, files)
        finally:
            session.clean()


def pictures(folder: str) -> list[Any]:
    folder = os.path.abspath(os.path.expanduser(folder))
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return []
    return [os.path.join(folder, name) for name in names if name.lower().endswith(ENDINGS)][:MOST_PICTURES]


def sweep(probe: Any, arguments: dict[str, Any], path: str, files: list[Any]) -> None:
    from retina_doctor_checks.inference import detector, engines

    probe.stage("loading " + os.path.basename(path))
    if path.lower().endswith(look_inference.CHECKPOINTS):
        engine: Any = engines.Torch(path, arguments["gpu"])
    elif places.package_folder("onnxruntime"):
        import onnxruntime

        engine = engines.Onnx(onnxruntime, path, arguments["gpu"])
    else:
        probe.tell(problem="no-onnxruntime")
        return
    if engine.contract is None:
        probe.tell(problem="no-detector")
        return
    read = [(file, *look_inference.read_picture(file)) for file in files]
    good = [(file, picture) for file, picture, about in read if about["error"] is None]
    probe.tell(
        pictures=[
            {
                "name": os.path.basename(file),
                "width": about["width"],
                "height": about["height"],
                "error": about["error"],
            }
            for file, _, about in read
        ]
    )
    if not good:
        probe.tell(problem="no-pictures")
        return
    told: list[Any] = []
    fixed = list(engine.size([0, 0]))
    for size in [fixed] if all(fixed) else arguments["sizes"]:
        width, height = size
        found, times = [], []  # type: list[Any], list[float]
        for file, picture in good:
            probe.stage("%s at %dx%d" % (os.path.basename(file), width, height))
            canvas, scale = detector.letterbox(picture, width, height)
            blob = detector.blob(canvas, engine.contract)
            if not times:
                engine.run(blob)  # what is set up for a new size is no part of its time
            start = time.perf_counter()
            outputs = engine.run(blob)
            times.append(time.perf_counter() - start)
            candidates = detector.decode(outputs, engine.contract, width, height, LEAST_SCORE, LOOSEST)
            found.append([look_inference.in_source(one, scale) for one in candidates[:MOST_CANDIDATES]])
        told.append({"size": [width, height], "seconds": sorted(times)[len(times) // 2], "found": found})
        probe.tell(sizes=told)
