"""Runs the model once on the CPU under onnxruntime's profiler, small, and reads how many bytes were in use at each node.

The plan of a graph's memory does not depend on the device, and grows with the pixels: what was seen at 320x320 tells the rest.
Sent to targets: Python 3.8, onnxruntime and numpy.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile

from retina_doctor.hints import Any
from retina_doctor_checks.probes.models import locate, onnx_walk
from retina_doctor_checks.probes.native import output, places, sparing

SIDE = 320
TYPES = {"tensor(float)": "float32", "tensor(float16)": "float16", "tensor(uint8)": "uint8"}
IN_USE = (
    "mem_bytes_requested_in_use"  # of the args of a node's event; in onnxruntime 1.30 to 1.32, not in 1.20 and 1.26
)
IN_PLACE = (
    "Relu",
    "LeakyRelu",
    "PRelu",
    "Clip",
    "Sigmoid",
    "Softmax",
    "Add",
    "Reshape",
    "Flatten",
    "Squeeze",
    "Unsqueeze",
    "Identity",
)
"""Operators whose result may take the place of an input that nobody needs afterwards."""


def look(probe: Any, arguments: dict[str, Any]) -> None:
    probe.tell(skipped=None, model=None, size=None, activations=None)
    named, _ = locate.find(arguments)
    path = locate.detector_file(named["path"]) if named else None
    if path is None or not os.path.isfile(path):
        probe.tell(skipped="missing" if named else "no-model")
        return
    probe.tell(model=path)
    if not path.lower().endswith(".onnx"):
        probe.tell(skipped="not-onnx")
        return
    if places.package_folder("onnxruntime") is None:
        probe.tell(skipped="no-onnxruntime")
        return
    sparing.spare()
    try:
        import numpy
    except ImportError:
        probe.tell(skipped="no-numpy")
        return
    probe.stage("importing onnxruntime")
    import onnxruntime

    folder = tempfile.mkdtemp(prefix="retina-doctor-")
    try:
        with output.captured():
            measure(probe, onnxruntime, numpy, path, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def measure(probe: Any, onnxruntime: Any, numpy: Any, path: str, folder: str) -> None:
    probe.stage("loading " + os.path.basename(path))
    try:
        session = profiled(onnxruntime, path, folder, True)
    except Exception as error:
        if not type(error).__module__.startswith("onnxruntime"):
            raise  # it is no matter of the model: no room for the profile, say
        probe.tell(skipped="not-loaded")  # which the inference probe speaks of
        return
    pictures = session.get_inputs()
    shape = pictures[0].shape if len(pictures) == 1 else []
    if len(shape) != 4 or pictures[0].type not in TYPES:
        probe.tell(skipped="no-picture")
        return
    sizes = [one if isinstance(one, int) else usual for one, usual in zip(shape, (1, 3, SIDE, SIDE))]
    probe.stage("running it at %dx%d" % (sizes[3], sizes[2]))
    feed = {pictures[0].name: numpy.zeros(sizes, TYPES[pictures[0].type])}
    in_use = [int(event["args"][IN_USE]) for event in events_of(session, feed) if IN_USE in event["args"]]
    most = max(in_use) if in_use else None
    if most is None:
        most = by_life(onnx_walk.nodes(path), events_of(profiled(onnxruntime, path, folder, False), feed))
    probe.tell(size=[sizes[3], sizes[2]], activations=most // sizes[0] if most else None)


def profiled(onnxruntime: Any, path: str, folder: str, optimized: bool) -> Any:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.enable_profiling = True
    options.profile_file_prefix = os.path.join(folder, "profile-%s" % optimized)
    if not optimized:  # so that nodes keep their names
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def events_of(session: Any, feed: dict[str, Any]) -> list[Any]:
    """The profile's events of the kernels of one run, in their order."""
    session.run(None, feed)
    with open(session.end_profiling()) as file:
        told = json.load(file)
    return [e for e in told if e.get("cat") == "Node" and e["name"].endswith("_kernel_time")]


def by_life(nodes: list[Any], events: list[Any]) -> int | None:
    """Most bytes alive at once: each result from the node that makes it to the last that reads it. None: nodes have no names."""
    sizes = {event["name"][: -len("_kernel_time")]: int(event["args"].get("output_size", 0)) for event in events}
    order = {name: place for place, name in enumerate(sizes)}
    run = sorted((node for node in nodes if node[0] in sizes), key=lambda node: order[node[0]])
    last = {name: place for place, node in enumerate(run) for name in node[2]}
    alive: dict[str, int] = {}
    most = 0
    for place, (name, operator, inputs, outputs) in enumerate(run):
        if operator in IN_PLACE:
            dying = [one for one in inputs if last.get(one) == place and alive.get(one) == sizes[name]]
            for one in dying[:1]:
                del alive[one]
        for index, one in enumerate(outputs):
            alive[one] = sizes[name] if index == 0 else 0
        most = max(most, sum(alive.values()))
        alive = {one: size for one, size in alive.items() if last.get(one, len(run)) > place}
    return most or None
