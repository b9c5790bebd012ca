"""Looks at onnxruntime in use: the loader's answer for each needed library, then a real session of one convolution."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

from retina_doctor_checks.ort_gpu import conv_model, look_files, session


def look(probe: Any, arguments: dict[str, Any]) -> None:
    folder = look_files.package_folder()
    nothing: dict[str, Any] = {
        "version": None,
        "package_name": None,
        "file": None,
        "advertised": [],
        "preloaded": False,
    }
    unused: dict[str, Any] = {"session": None, "session_error": None, "nodes": None, "run_error": None, "log": []}
    if folder is None:
        probe.tell(installed=False, empty=False, loader=[], **nothing, **unused)
        return
    probe.tell(installed=True)
    provider = look_files.provider_facts(folder)
    if arguments["gpu"] and provider:
        probe.stage("asking the loader for CUDA libraries")
        probe.tell(loader=loader_answers(wanted_sonames(provider)))
    else:
        probe.tell(loader=[])
    probe.stage("importing onnxruntime")
    import onnxruntime

    if not hasattr(onnxruntime, "InferenceSession"):
        probe.tell(empty=True, **nothing, **unused)
        return
    probe.tell(
        empty=False,
        version=onnxruntime.__version__,
        package_name=getattr(onnxruntime, "package_name", None),
        file=onnxruntime.__file__,
        advertised=onnxruntime.get_available_providers(),
    )
    preloads = arguments["gpu"] and bool(look_files.preloaded_by()) and hasattr(onnxruntime, "preload_dlls")
    probe.tell(preloaded=preloads)
    probe.stage("opening a session")
    try:
        probe.tell(**try_session(onnxruntime, preloads, arguments["gpu"]))
    finally:
        session.clean()


def wanted_sonames(provider: dict[str, Any]) -> list[Any]:
    """What the provider library needs, and cuDNN where newer wheels open it only at the first convolution."""
    wanted = [
        s
        for s in provider["needed"]
        if not s.startswith(("libc.", "libm.", "libdl.", "libpthread.", "librt.", "libstdc++", "libgcc_s", "ld-linux"))
    ]
    if not any(s.startswith("libcudnn.") for s in wanted):
        from importlib import metadata

        for one in metadata.distributions():
            if look_files.DISTRIBUTION.match(one.metadata["Name"] or ""):
                major = look_files.cudnn_of(None, one.requires or [])
                if major and "libcudnn.so.%d" % major not in wanted:
                    wanted.append("libcudnn.so.%d" % major)
    return wanted


def loader_answers(sonames: list[Any]) -> list[Any]:
    """[{"soname", "path", "error"}]: each asked for in a process of its own, so that this one stays as it was."""
    answers = []
    for soname in sonames:
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reading)
            os.write(writing, json.dumps(load(soname)).encode("ascii")[:4000])
            os._exit(0)
        os.close(writing)
        data = b""
        for block in iter(lambda: os.read(reading, 4096), b""):  # noqa: B023
            data += block
        os.close(reading)
        _, status = os.waitpid(child, 0)
        died = {"soname": soname, "path": None, "error": "loading it ended the process with status %d" % status}
        answers.append(json.loads(data.decode("ascii")) if data else died)
    return answers


def load(soname: str) -> dict[str, Any]:
    import ctypes

    try:
        ctypes.CDLL(soname)
    except OSError as error:
        return {"soname": soname, "path": None, "error": str(error)[:500]}
    try:
        with open("/proc/self/maps") as maps:
            paths = [line.split(None, 5)[5].strip() for line in maps if line.count("/")]
    except OSError:
        paths = []
    stem = soname.split(".so")[0]
    mapped = [path for path in paths if os.path.basename(path).startswith(stem + ".so")]
    return {"soname": soname, "path": mapped[0] if mapped else None, "error": None}


def try_session(onnxruntime: Any, preloads: bool, want_gpu: bool) -> dict[str, Any]:
    told: dict[str, Any] = {"session": None, "session_error": None, "nodes": None, "run_error": None}
    opened = None
    with session.captured() as log:
        try:
            if preloads:
                onnxruntime.preload_dlls()
            opened, how = session.open_session(onnxruntime, conv_model.MODEL, want_gpu)
            told["session"] = opened.get_providers()
        except Exception as error:
            told["session_error"] = str(error)[:2000]
        if opened is not None:
            try:
                import numpy

                opened.run(None, {"x": numpy.zeros((1, 3, 32, 32), numpy.float32)})
                told["nodes"] = session.node_counts(opened, how)
            except Exception as error:
                told["run_error"] = str(error)[:2000]
    told["log"] = list(log)
    sys.stdout.flush()
    return told
