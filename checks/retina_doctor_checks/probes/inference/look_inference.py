"""One real detection in the target: loads the service's model, runs it on a picture, tells where it ran and what it found."""

from __future__ import annotations

import os
import time

from retina_doctor.hints import Any
from retina_doctor_checks.probes.inference import card_memory, engines, picture
from retina_doctor_checks.probes.models import locate
from retina_doctor_checks.probes.native import output, places, room, sparing
from retina_doctor_checks.probes.ort_gpu import session

FEWEST_RUNS, MOST_RUNS, ENOUGH = 4, 20, 0.1
"""Runs after the first, until so many seconds are over: on a card the most; four of a slow one tell its median and its worst."""
SMALLER = ((0.75, 0.75), (0.5, 1.0), (1.0, 0.5))  # shares of the width and of the height in force
SLOW = 5.0  # seconds of a first run, after which no other input is tried
EMPTY: dict[str, Any] = {
    "skipped": None, "model": None, "framework": None, "device": None, "contract": None, "input_size": None, "session": None,
    "nodes": None, "cpu_operators": None, "preloaded": False, "load": None, "first": None, "median": None, "p95": None,
    "cpu_median": None, "picture": None, "finite": None, "cpu_difference": None, "faces": None, "log": [], "load_error": None,
    "by_insightface": None, "saved": None, "run_error": None, "cards": None, "shapes": None, "cpu_share": None,
    "runs": None, "host_memory": None, "posted": None, "mistaken": None, "candidates": None,
    "at_sizes": [],
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
    of_torch = path.lower().endswith(engines.CHECKPOINTS)
    if not of_torch and not path.lower().endswith(".onnx"):
        probe.tell(skipped="not-onnx")
        return
    framework = "torch" if of_torch else "onnxruntime"
    if places.package_folder(framework) is None:
        probe.tell(skipped="no-" + framework)
        return
    if of_torch and places.package_folder("numpy") is None:
        probe.tell(skipped="no-numpy")  # torch works without; what reads the picture here does not
        return
    probe.tell(framework=framework)
    probe.stage("importing " + framework)
    if not of_torch:
        sparing.spare()
    with output.captured() as log:
        watch = card_memory.Watch(arguments["gpu"])
        __import__(framework)
        try:
            run(probe, arguments, path, watch)
            if named["kind"] == "pack" and places.package_folder("insightface"):
                probe.stage("asking insightface")
                probe.tell(by_insightface=by_insightface(arguments, named["named"]))
        finally:
            watch.end()
            session.clean()
    probe.tell(log=list(log))


def run(probe: Any, arguments: dict[str, Any], path: str, watch: Any) -> None:
    import numpy

    from retina_doctor_checks.probes.inference import detector

    watch.begin()
    probe.stage("loading " + os.path.basename(path))
    start = time.perf_counter()
    try:
        engine = engines.open_engine(path, arguments["gpu"])
    except engines.NotOurs:
        probe.tell(skipped="no-known-checkpoint")
        return
    except engines.OtherInput:
        probe.tell(skipped="other-input")
        return
    except Exception as error:
        probe.tell(load_error=words(error), cards=watch.told())
        return
    width, height = engine.size(arguments["size"])
    probe.tell(
        load=time.perf_counter() - start,
        preloaded=engine.preloaded,
        session=engine.providers,
        contract=engine.contract,
        input_size=[width, height],
    )
    image, about = picture.read_picture(arguments["image"])
    probe.tell(picture=about)
    canvas, scale = detector.letterbox(image, width, height)
    blob = detector.blob(canvas, engine.contract)
    probe.stage("detecting")
    try:
        outputs, times = timed(engine, blob)
    except Exception as error:
        probe.tell(run_error=words(error), cards=watch.told())
        return
    runs = [round(seconds, 6) for seconds in times[1:]]
    probe.tell(first=times[0], runs=runs, **spread(times[1:]), cards=watch.told(), host_memory=room.held())
    operators = engine.operators()
    nodes = session.node_counts(operators)
    device = engine.device or ("cuda" if nodes and nodes.get(session.CUDA) else "cpu" if nodes else None)
    probe.tell(nodes=nodes, device=device, cpu_operators=None if operators is None else operators.get(session.CPU, {}))
    finite = all(bool(numpy.isfinite(one).all()) for one in outputs)
    probe.tell(finite=finite)
    if device == "cuda":
        probe.stage("comparing with the CPU")
        reference, cpu_times = timed(engine.on_cpu(), blob, 1, 1)
        probe.tell(cpu_difference=difference(outputs, reference), cpu_median=spread(cpu_times[1:])["median"])
    if finite and engine.contract is not None and about["path"] is not None and about["error"] is None:
        try:
            found = detector.decode(outputs, engine.contract, width, height, arguments["threshold"], arguments["nms"])
        except (
            ValueError,
            IndexError,
        ):  # as many outputs as a RetinaFace has, in another form: the service reads its own
            found = None
            probe.tell(contract=None)
        if found is not None:
            faces = [picture.in_source(face, scale) for face in found]
            probe.tell(faces=faces)
            if arguments["save"]:
                probe.tell(saved=picture.saved(arguments["save"], image, faces))
    # What is tried beyond the detection itself comes last: if the process dies of it, all else has been told.
    probe.stage("running smaller inputs")
    probe.tell(shapes=shapes(engine, device, blob, times[0], watch))
    watch.end()
    if arguments.get("posted") and finite and times[0] <= SLOW:
        probe.stage("detecting in the drawn picture")
        from retina_doctor_checks.probes.inference import posted

        posted.tell(probe, engine, arguments, (width, height), device)
    if nodes and len(nodes) > 1:
        probe.stage("timing the nodes on the CPU")
        probe.tell(cpu_share=engine.cpu_share(blob))


def words(error: Exception) -> str:
    return "%s: %s" % (type(error).__name__, output.cut(str(error), 2000))


def shapes(engine: Any, device: str | None, blob: Any, first: float, watch: Any) -> dict[str, Any]:
    """Whether the process keeps more memory after each input of another size, though none is larger than *blob*."""
    told: dict[str, Any] = {"skipped": None, "uses": []}
    if device != "cuda":
        return dict(told, skipped="not-cuda")
    if not engine.any_size:
        return dict(told, skipped="fixed-size")
    if first > SLOW:
        return dict(told, skipped="slow")
    height, width = blob.shape[2:]
    for across, down in SMALLER:
        size = [max(32, int(width * across) // 32 * 32), max(32, int(height * down) // 32 * 32)]
        try:
            engine.run(blob[:, :, : size[1], : size[0]].copy())
        except Exception:  # a graph that takes no other, though it does not say so
            return {"skipped": "refused", "uses": []}
        own = watch.own()
        if own is None:
            return {"skipped": "not-told", "uses": []}
        told["uses"].append({"size": size, "own": own})
    return told


def timed(engine: Any, blob: Any, fewest: int = FEWEST_RUNS, most: int = MOST_RUNS) -> tuple[Any, ...]:
    """(outputs, seconds of each run): the first, which sets things up, and as many after it as ENOUGH holds, within bounds."""
    times: list[float] = []
    while len(times) < 1 + fewest or (len(times) < 1 + most and sum(times[1:]) < ENOUGH):
        start = time.perf_counter()
        outputs = engine.run(blob)
        times.append(time.perf_counter() - start)
    return outputs, times


def spread(times: list[float]) -> dict[str, float]:
    ordered = sorted(times)
    return {"median": ordered[len(ordered) // 2], "p95": ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))]}


def by_insightface(arguments: dict[str, Any], name: str) -> dict[str, Any]:
    """{"faces", "error"}: what FaceAnalysis itself finds with the pack, called as a service calls it."""
    image, about = picture.read_picture(arguments["image"])
    try:
        from insightface.app import FaceAnalysis

        providers = ([session.CUDA] if arguments["gpu"] else []) + [session.CPU]
        where = {"root": arguments["root"]} if arguments["root"] else {}
        app = FaceAnalysis(name=name, allowed_modules=["detection"], providers=providers, **where)
        size = tuple(arguments["size"])
        app.prepare(ctx_id=0 if arguments["gpu"] else -1, det_thresh=arguments["threshold"], det_size=size)
        app.det_model.nms_thresh = arguments["nms"]
        return {"faces": len(app.get(image[:, :, ::-1].copy())) if about["error"] is None else None, "error": None}
    except Exception as error:
        return {"faces": None, "error": "%s: %s" % (type(error).__name__, output.cut(str(error), 2000))}


def difference(outputs: list[Any], reference: list[Any]) -> float:
    """Largest difference of any output, as a share of that output's largest value."""
    import numpy

    shares = [float(numpy.abs(a - b).max() / (numpy.abs(b).max() + 1e-6)) for a, b in zip(outputs, reference) if b.size]
    return max(shares) if shares else 0.0
