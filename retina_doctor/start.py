"""The doctor's own start: isolated from the caller's Python variables, and deaf to no signal.

`launcher/retina-doctor` starts Python with -I -S and `PROGRAM`, which sets handlers before it imports anything but what is
compiled into Python; `python -m retina_doctor` restarts itself so. A start that fails is never exit 0 or 1.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:  # with -m the working directory comes first: what Python has not loaded yet would be looked for there
    from typing import NoReturn

PROGRAM = """HELD = False
import os, sys, _signal
def stop(number, frame):
    os.write(2, b"retina-doctor: interrupted\\n")
    os._exit(128 + number)
for number in (_signal.SIGINT, _signal.SIGTERM, _signal.SIGHUP):
    if _signal.getsignal(number) != _signal.SIG_IGN or (number == _signal.SIGINT and HELD):
        _signal.signal(number, stop)
try:
    import site
    site.main()
    from retina_doctor.start import start
except BaseException as error:
    os.write(2, ("retina-doctor: cannot be started, reinstall it: %s: %s\\n" % (type(error).__name__, error)).encode())
    os._exit(3)
start()
"""
"""What the launcher runs; it holds the same text (tests/test_start.py).

While Python sets itself up, which takes some ten milliseconds, an interrupt would end it with a traceback and exit 1. So the
launcher holds SIGINT off until the handlers stand, unless the caller ignores it anyway (HELD).
"""


def start() -> NoReturn:
    """Import and run the doctor; where its own parts are missing or broken: one line, exit 3."""
    import gc

    gc.disable()  # a run lasts seconds and makes little garbage; looking for it costs more than it frees
    try:
        from retina_doctor.main import main
    except Exception as error:
        os.write(2, f"retina-doctor: cannot be started, reinstall it: {type(error).__name__}: {error}\n".encode())
        os._exit(3)
    sys.argv[0] = "retina-doctor"
    try:
        main()
    except SystemExit as ended:
        leave(ended.code)
        raise


def leave(code: object) -> None:
    """End the process at once: to take hundreds of modules to pieces costs ten milliseconds, and the kernel frees them anyway.

    Comes back where Python has more to do: a thread is to be waited for, or what was written cannot be delivered.
    """
    import atexit
    import threading

    if not isinstance(code, int) or any(not one.daemon for one in threading.enumerate()[1:]):
        return
    atexit._run_exitfuncs()
    try:
        for stream in filter(None, (sys.stdout, sys.stderr)):
            stream.flush()
    except (OSError, ValueError):
        return
    os._exit(code)


def restart() -> NoReturn:
    """Run again without what PYTHON* variables and the working directory say; at once where that is so already.

    What they have done before the first line of this module cannot be undone: the launcher keeps it out.
    """
    if sys.flags.isolated or os.name != "posix":
        start()
    here = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))  # noqa: PTH120 - without pathlib, as above
    # Where it runs from a folder that is not installed, that folder goes last: nothing beside it can stand for another module.
    program = PROGRAM.replace("    site.main()\n", f"    site.main()\n    sys.path.append({here!r})\n")
    os.execv(sys.executable, [sys.executable, "-I", "-S", "-c", program, *sys.argv[1:]])  # noqa: S606
