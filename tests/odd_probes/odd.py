"""A probe that misbehaves on demand, as libraries do. Sent to targets: Python 3.8, standard library alone."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

SLEEP = [sys.executable, "-S", "-c", "import time; time.sleep(600)"]


def look(probe: Any, arguments: Any) -> None:
    probe.tell(first="told before")
    probe.stage("doing " + arguments["do"])
    globals()[arguments["do"]](probe)
    probe.tell(last="told after")


def behave(probe: Any) -> None:
    pass


def wait_for_a_file(probe: Any) -> None:
    """That another process makes meanwhile; told is whether it was there in time."""
    end = time.time() + 60
    path = Path(os.environ["ODD_FILE"])
    while not path.exists() and time.time() < end:
        time.sleep(0.01)
    probe.tell(first=str(path.exists()))


def import_lacking(probe: Any) -> None:
    """A package that a test has laid down: where its compiled file lies or would, and its version."""
    import lacking  # type: ignore[import-not-found]

    probe.tell(first=[lacking.__cached__, lacking.version])


def two_lines(probe: Any) -> None:
    sys.stderr.write("one\n\ntwo\n")


def one_long_line(probe: Any) -> None:
    sys.stderr.write("x" * 1000000 + "\nthe end\n")


def raise_error(probe: Any) -> None:
    raise ValueError("a plain error")


def leave(probe: Any) -> None:
    sys.exit(0)


def stop_at_once(probe: Any) -> None:
    os._exit(0)


def abort(probe: Any) -> None:
    sys.stderr.write("terminate called after throwing an instance of 'std::bad_alloc'\n")
    sys.stderr.flush()
    os.abort()


def segfault(probe: Any) -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def hang(probe: Any) -> None:
    time.sleep(600)


def hang_deaf(probe: Any) -> None:
    """As native code that holds the interpreter: no signal but SIGKILL ends it."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    time.sleep(600)


def shout(probe: Any) -> None:
    """Three MiB of what is no text, on both streams, by Python and by the descriptor."""
    for _ in range(48):
        os.write(1, b"\xff\xfe\x00\x80garbage{\n" * 4096)
        os.write(2, b"\xff\xfe\x00\x80garbage{\r" * 4096)
    print("printed")  # noqa: T201
    sys.stdout.flush()


def shout_then_abort(probe: Any) -> None:
    shout(probe)
    os.write(2, b"\nthe last words \xff\n")
    os.abort()


def flood(probe: Any) -> None:
    for number in range(40):
        probe.tell(**{f"f{number}": "x" * 1024 * 1024})


def tell_much(probe: Any) -> None:
    probe.tell(big="x" * 8 * 1024 * 1024)


def tell_odd_values(probe: Any) -> None:
    """What file names and drivers really hand out: a name that is no UTF-8, no number, a number of 70 bits."""
    probe.tell(name=os.fsdecode(b"det_\xff.onnx"), ratio=float("nan"), size=2**70, more=[{"\udcfe": float("inf")}])


def tell_what_is_no_json(probe: Any) -> None:
    probe.tell(value=object())


def leave_a_child(probe: Any) -> None:
    subprocess.Popen(SLEEP)


def leave_a_daemon(probe: Any) -> None:
    """Double fork, a session of its own: no longer in the probe's process group, nor its descendant."""
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.execv(SLEEP[0], SLEEP)
        os._exit(0)
    os.wait()


def leave_a_daemon_without_environment(probe: Any) -> None:
    """As a daemon that clears its environment: it bears no mark of the run."""
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.execve(SLEEP[0], SLEEP, {"ODD_MARK": os.environ["ODD_MARK"]})
        os._exit(0)
    os.wait()


def leave_a_daemon_that_shouts(probe: Any) -> None:
    """It holds our standard error open and never stops writing to it."""
    subprocess.Popen(["yes", "garbage"], stdout=2, start_new_session=True)


def daemon_then_hang(probe: Any) -> None:
    leave_a_child(probe)
    leave_a_daemon(probe)
    leave_a_daemon_without_environment(probe)
    time.sleep(600)


def wait_for_another(probe: Any) -> None:
    """Until another probe, run meanwhile, has said that it was."""
    while not Path(os.environ["ODD_FILE"]).exists():
        time.sleep(0.01)


def end_the_waiting(probe: Any) -> None:
    Path(os.environ["ODD_FILE"]).touch()


def want_a_processor(probe: Any) -> None:
    """For longer than anybody waits."""
    probe.tell(first="told before")
    while True:
        pass


def work_hard(probe: Any) -> None:
    """A third of a second of CPU time by this process, as much by a child, and 300 MiB."""
    held = b"x" * (300 * 1024 * 1024)
    burn = "import time\nwhile time.process_time() < 0.33: pass\n"
    subprocess.run([sys.executable, "-S", "-c", burn], check=True)
    until = time.process_time() + 0.33
    while time.process_time() < until:
        pass
    del held


def work_hard_and_abort(probe: Any) -> None:
    work_hard(probe)
    os.abort()


def lie_about_use(probe: Any) -> None:
    probe._send({"end": "odd", "failed": None, "used": [-1, "much"]})


def tell_path(probe: Any) -> None:
    import json

    probe.tell(
        path=sys.path, here=os.path.realpath("."), json=json.__file__, executable=sys.executable, pid=os.getpid()
    )
    probe.tell(variable=os.environ.get("ODD_VARIABLE"), site=hasattr(sys, "PLANTED"))


def import_neighbours(probe: Any) -> None:
    found = {}
    for name in ("torch", "onnxruntime", "neighbour"):
        try:
            found[name] = __import__(name).__file__
        except ImportError:
            found[name] = None
    probe.tell(found=found)
