"""Runs the detector on the given pictures at several input sizes, and tells every candidate with its score. Sent to targets:
Python 3.8, numpy, onnxruntime or torch."""

from __future__ import annotations

import os
import time

from retina_doctor.hints import Any
from retina_doctor.masking.words import beginning
from retina_doctor_checks.probes.inference import picture
from retina_doctor_checks.probes.models import locate
from retina_doctor_checks.probes.native import output, places
from retina_doctor_checks.probes.ort_gpu import session

ENDINGS = (".jpg", ".jpeg", ".png", ".bmp", ".webp")
MOST_PICTURES = 40


def look(probe: Any, arguments: dict[str, Any]) -> None:
    probe.tell(problem=None, model=None, device=None, stopped=None, left_out=0, pictures=[], sizes=[])
    named, _ = locate.find(arguments)
    path = locate.detector_file(named["path"]) if named else None
    if path is None or not os.path.isfile(path):
        probe.tell(problem="model-missing" if named else "no-model")
        return
    probe.tell(model=path)
    every = pictures(arguments["images"])
    files = every[:MOST_PICTURES]
    probe.tell(left_out=len(every) - len(files))
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
    return [os.path.join(folder, name) for name in names if name.lower().endswith(ENDINGS)]


def sweep(probe: Any, arguments: dict[str, Any], path: str, files: list[Any]) -> None:
    from retina_doctor_checks.probes.inference import engines

    probe.stage("loading " + os.path.basename(path))
    framework = "torch" if path.lower().endswith(engines.CHECKPOINTS) else "onnxruntime"
    if places.package_folder(framework) is None:
        probe.tell(problem="no-" + framework)
        return
    try:
        engine = engines.open_engine(path, arguments["gpu"])
    except engines.NotOurs:
        probe.tell(problem="no-detector")
        return
    if engine.contract is None:
        probe.tell(problem="no-detector")
        return
    good = readable(probe, files)
    if not good:
        return
    probe.tell(device=engine.device or ("cuda" if session.CUDA in engine.providers else "cpu"))
    told: list[Any] = []
    fixed = list(engine.size([0, 0]))
    for width, height in [fixed] if all(fixed) else arguments["sizes"]:
        try:
            told.append(at_size(probe, arguments, engine, good, width, height))
        except Exception as error:  # one size that does not run says nothing of the others
            probe.tell(stopped="%dx%d: %s" % (width, height, beginning(str(error), 300)))
            continue
        probe.tell(sizes=told)


def readable(probe: Any, files: list[Any]) -> list[Any]:
    """The files that are pictures. None is kept: forty of a good camera would take gigabytes."""
    seen, good = [], []
    for file in files:
        _, about = picture.read_picture(file)
        seen.append(
            {
                "name": os.path.basename(file),
                "width": about["width"],
                "height": about["height"],
                "error": about["error"],
            }
        )
        if about["error"] is None:
            good.append(file)
        elif not about["decoder"]:
            probe.tell(problem="no-decoder")
            return []
    probe.tell(pictures=seen, problem=None if good else "no-pictures")
    return good


def at_size(
    probe: Any, arguments: dict[str, Any], engine: Any, files: list[Any], width: int, height: int
) -> dict[str, Any]:
    from retina_doctor_checks.probes.inference import detector

    found: list[Any] = []
    times: list[float] = []
    for file in files:
        probe.stage("%s at %dx%d" % (os.path.basename(file), width, height))
        canvas, scale = detector.letterbox(picture.read_picture(file)[0], width, height)
        blob = detector.blob(canvas, engine.contract)
        if not times:
            engine.run(blob)  # what is set up for a new size is no part of its time
        start = time.perf_counter()
        outputs = engine.run(blob)
        times.append(time.perf_counter() - start)
        candidates = detector.decode(outputs, engine.contract, width, height, arguments["least"], arguments["loosest"])
        found.append([picture.in_source(one, scale) for one in candidates])
    return {"size": [width, height], "seconds": sorted(times)[len(times) // 2], "found": found}
