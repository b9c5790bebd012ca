"""Looks at onnxruntime in use: a real session of one convolution, as the service would open it, and where that does not get
to the GPU, again after preload_dlls() and after `import torch`, each in a process of its own."""

from __future__ import annotations

import json
import os
import signal
import time

from retina_doctor.hints import Any
from retina_doctor_checks.probes.native import mapped, output, places, sparing
from retina_doctor_checks.probes.ort_gpu import conv_model, look_files, session

SHARE = 0.4  # of the probe's own seconds that another attempt gets
EMPTY: dict[str, Any] = {
    "session": None,
    "session_error": None,
    "nodes": None,
    "run_error": None,
    "log": [],
    "mapped": [],
}


def look(probe: Any, arguments: dict[str, Any]) -> None:
    folder = places.package_folder("onnxruntime")
    nothing: dict[str, Any] = dict.fromkeys(("version", "package_name", "file"))
    nothing.update(advertised=[], preloads=False, attempts=[])
    if folder is None:
        probe.tell(installed=False, empty=False, **nothing)
        return
    probe.tell(installed=True)
    gpu = bool(arguments["gpu"] and look_files.provider_facts(folder, look_files.PROVIDER))
    preloads = gpu and bool(look_files.preloaded_by())
    sparing.spare()
    # Forked before anything is imported: a library that is loaded once stays loaded.
    ways = ("plain" if preloads else "preload", "torch") if gpu else ()
    others = [Waiting(how, arguments["seconds"]) for how in ways]
    probe.stage("importing onnxruntime")
    import onnxruntime

    if not hasattr(onnxruntime, "InferenceSession"):
        probe.tell(**dict(nothing, empty=True))
        return
    preloads = preloads and hasattr(onnxruntime, "preload_dlls")
    probe.tell(
        empty=False,
        version=onnxruntime.__version__,
        package_name=getattr(onnxruntime, "package_name", None),
        file=onnxruntime.__file__,
        advertised=onnxruntime.get_available_providers(),
        preloads=preloads,
    )
    probe.stage("opening a session")
    try:
        attempts = [attempt("preload" if preloads else "plain", arguments["gpu"])]
        probe.tell(attempts=attempts)
        failed = not (attempts[0]["nodes"] or {}).get(session.CUDA) or attempts[0]["run_error"]
        if failed and others and has_driver():
            for other in others:
                probe.stage("opening a session %s" % other.words)
                told = other.answer(arguments["seconds"] * SHARE)
                attempts += [told] if told else []
                probe.tell(attempts=attempts)
    finally:
        session.clean()


def has_driver() -> bool:
    """Without its library nothing runs on CUDA, however it is tried: torch need not be imported to see that."""
    import ctypes

    try:
        ctypes.CDLL("libcuda.so.1")
    except OSError:
        return False
    return True


def attempt(how: str, gpu: bool) -> dict[str, Any]:
    """A session of the convolution model, run once."""
    told: dict[str, Any] = dict(EMPTY, how=how)
    opened = None
    with output.captured() as log:
        try:
            if how == "torch":
                import torch  # noqa: F401
            import onnxruntime

            if how == "preload":
                onnxruntime.preload_dlls()
            opened, counting = session.open_session(onnxruntime, conv_model.MODEL, gpu)
            told["session"] = opened.get_providers()
        except Exception as error:
            told["session_error"] = output.cut(str(error), 2000)
        if opened is not None:
            try:
                import numpy

                opened.run(None, {"x": numpy.zeros((1, 3, 32, 32), numpy.float32)})
                told["nodes"] = session.node_counts(session.operators(opened, counting))
            except Exception as error:
                told["run_error"] = output.cut(str(error), 2000)
    told.update(log=list(log), mapped=mapped.cuda_libraries())
    return told


class Waiting:
    """A process that has imported nothing yet, and makes its attempt when it is asked for its answer."""

    words: str

    def __init__(self, how: str, seconds: float) -> None:
        self.how = how
        self.words = {
            "plain": "without preload_dlls()",
            "preload": "after preload_dlls()",
            "torch": "after import torch",
        }[how]
        start, self._start = os.pipe()
        self._answer, answer = os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            signal.alarm(int(seconds) + 2)  # as its mother has: a clock is not handed down
            os.close(self._start)
            os.close(self._answer)
            if os.read(start, 1):
                os.write(answer, json.dumps(self._attempt()).encode("ascii"))
            os._exit(0)
        os.close(start)
        os.close(answer)

    def _attempt(self) -> dict[str, Any] | None:
        """None: this way cannot be gone here."""
        from importlib import util

        try:
            if self.how == "torch" and util.find_spec("torch") is None:
                return None
            if self.how == "preload":
                import onnxruntime

                if not hasattr(onnxruntime, "preload_dlls"):
                    return None
            return attempt(self.how, True)
        except BaseException as error:
            return dict(EMPTY, how=self.how, session_error="%s: %s" % (type(error).__name__, error))

    def answer(self, seconds: float) -> dict[str, Any] | None:
        os.write(self._start, b"!")
        data, deadline = b"", time.monotonic() + seconds
        while True:
            left = deadline - time.monotonic()
            if left <= 0 or not output.is_ready(self._answer, left):
                os.kill(self._pid, signal.SIGKILL)
                os.waitpid(self._pid, 0)
                return dict(EMPTY, how=self.how, session_error="no answer in %g s" % seconds)
            block = os.read(self._answer, 65536)
            if not block:
                break
            data += block
        _, status = os.waitpid(self._pid, 0)
        if not data:
            return dict(EMPTY, how=self.how, session_error="the process ended with status %d" % status)
        told: dict[str, Any] | None = json.loads(data.decode("ascii"))
        return told
