"""Runs the model once on the CPU under onnxruntime's profiler, small, and reads how many bytes were in use at each node.

The plan of a graph's memory does not depend on the device, and grows with the pixels: what was seen at 320x320 tells the rest.
Sent to targets: Python 3.8, onnxruntime and numpy.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from typing import Any

from retina_doctor_checks.models import locate
from retina_doctor_checks.native import output, places

SIDE = 320
TYPES = {"tensor(float)": "float32", "tensor(float16)": "float16", "tensor(uint8)": "uint8"}
IN_USE = "mem_bytes_requested_in_use"  # of the args of a node's event; seen in onnxruntime 1.31.1


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
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.enable_profiling = True
    options.profile_file_prefix = os.path.join(folder, "profile")
    probe.stage("loading " + os.path.basename(path))
    try:
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except Exception:
        probe.tell(skipped="not-loaded")  # which the inference probe speaks of
        return
    pictures = session.get_inputs()
    shape = pictures[0].shape if len(pictures) == 1 else []
    if len(shape) != 4 or pictures[0].type not in TYPES:
        probe.tell(skipped="no-picture")
        return
    sizes = [one if isinstance(one, int) else usual for one, usual in zip(shape, (1, 3, SIDE, SIDE))]
    probe.stage("running it at %dx%d" % (sizes[3], sizes[2]))
    session.run(None, {pictures[0].name: numpy.zeros(sizes, TYPES[pictures[0].type])})
    with open(session.end_profiling()) as file:
        events = json.load(file)
    in_use = [int(e["args"][IN_USE]) for e in events if e.get("cat") == "Node" and IN_USE in e.get("args", {})]
    probe.tell(size=[sizes[3], sizes[2]], activations=max(in_use) // sizes[0] if in_use else None)
