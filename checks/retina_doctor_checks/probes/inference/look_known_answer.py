"""Runs the doctor's own small detector on pictures whose faces are known: can this environment compute at all?"""

from __future__ import annotations

import base64

from retina_doctor.hints import Any
from retina_doctor_checks.probes.native import output, places, sparing
from retina_doctor_checks.probes.ort_gpu import session

THRESHOLD, NMS = 0.5, 0.4


def look(probe: Any, arguments: dict[str, Any]) -> None:
    probe.tell(skipped=None, session=None, nodes=None, preloaded=False, finite=None, pictures=[], seconds=None)
    if places.package_folder("onnxruntime") is None:
        probe.tell(skipped="no-onnxruntime")
        return
    probe.stage("importing onnxruntime")
    sparing.spare()
    import onnxruntime

    with output.captured():
        probe.tell(preloaded=session.preload(onnxruntime, arguments["gpu"]))
        try:
            run(probe, arguments, onnxruntime)
        finally:
            session.clean()


def run(probe: Any, arguments: dict[str, Any], onnxruntime: Any) -> None:
    import time

    import numpy

    from retina_doctor_checks.probes.inference import detector, drawing

    start = time.perf_counter()
    probe.stage("loading the doctor's own model")
    opened, how = session.open_session(onnxruntime, base64.b64decode(arguments["model"]), arguments["gpu"])
    probe.tell(session=opened.get_providers())
    name = opened.get_inputs()[0].name
    finite, told = True, []
    for picture in arguments["pictures"]:
        probe.stage("detecting in " + picture["name"])
        pixels = drawing.read(base64.b64decode(picture["png"]))
        height, width = pixels.shape[:2]
        outputs = opened.run(None, {name: detector.blob(pixels.astype(numpy.float32), "retinaface")})
        finite = finite and all(bool(numpy.isfinite(one).all()) for one in outputs)
        faces = detector.decode(outputs, "retinaface", width, height, THRESHOLD, NMS)[:50] if finite else []
        told.append({"name": picture["name"], "faces": [rounded(face) for face in faces]})
    probe.tell(finite=finite, pictures=told, seconds=time.perf_counter() - start)
    probe.tell(nodes=session.node_counts(session.operators(opened, how)))


def rounded(face: dict[str, Any]) -> dict[str, Any]:
    return {
        "box": [round(value, 3) for value in face["box"]],
        "score": round(face["score"], 6),
        "points": [[round(x, 3), round(y, 3)] for x, y in face["points"]],
    }
