"""The console script: runs the command, and turns whatever ends it into one line and an exit code."""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import sys
import threading
from typing import Any, NoReturn

from retina_doctor import __version__
from retina_doctor.cli import app
from retina_doctor.ears import heard
from retina_doctor.errors import Interrupted, UsageError
from retina_doctor.running.output import complain, is_lost, lose, refuses, sentence, set_charsets, tell

COMPLETE = "_RETINA_DOCTOR_COMPLETE"


def _left(ended: SystemExit) -> int:
    """By Typer's ways out: of a shell's completion (0), and of any broken pipe (1). That the reader of its help has gone
    (`| head -1`) is nobody's fault."""
    return 0 if not ended.code or {"--help", "-h"} & set(sys.argv) else 3


def main() -> NoReturn:
    """The console script. One clear line and exit code 2 for wrong usage; 128 + signal when interrupted; 3 for our own bugs."""
    _take_closed_descriptors()
    set_charsets()
    if COMPLETE in os.environ:  # a shell asks what could follow, or for the lines that make it ask
        from typer._completion_classes import completion_init

        completion_init()
    code = 3
    before = _heard()
    try:
        verdict = app(standalone_mode=False, complete_var=COMPLETE)
        if verdict == 130:  # Ctrl-C before anything was looked at, in Typer's words
            raise Interrupted(2)
        code = (
            verdict if verdict is not None else 3 if is_lost() else 0
        )  # a command without verdict is there to show something
    except SystemExit as ended:
        code = _left(ended)
    except UsageError as error:
        code = complain(str(error))
    except Interrupted as interrupt:
        tell("retina-doctor: interrupted\n")
        code = 128 + int(interrupt.args[0])
    except Exception as error:
        code = _failed(error)
    for number, handler in before.items():
        signal.signal(number, handler)
    gc.freeze()  # nor is anything looked through at the end
    sys.exit(code)


def _failed(error: Exception) -> int:
    """The exit code of what is neither wrong usage nor an interrupt, by its class; says what it is."""
    if isinstance(error.__cause__, Interrupted):  # Python 3.11 and older wrap what is raised while a class is made
        tell("retina-doctor: interrupted\n")
        return 128 + int(error.__cause__.args[0])
    if isinstance(error, OSError) and refuses(error):  # Typer prints its help itself
        lose(error)
        return 3
    # Typer has its own copy of click, so its errors have no importable base class.
    told = getattr(error, "format_message", None)
    if told is None:
        _crashed(error)
        return 3
    context = getattr(error, "ctx", None)
    command = f" {context.command.name}" if context is not None and context.parent is not None else ""
    return complain(f"{sentence(told())}{_late_command(context)} See: retina-doctor{command} --help")


def _late_command(context: Any) -> str:
    """Of `--lang zh scan .`, which begins with a flag of check's: what to write instead."""
    if context is None or context.parent is None or not "".join(sys.argv[1:2]).startswith("-"):
        return ""
    names = context.parent.command.list_commands(context.parent)
    late = next((word for word in sys.argv[2:] if word in names), None)
    return f" The command goes first: retina-doctor {late}." if late else ""


def _crashed(error: Exception) -> None:
    """One line, and a file that can be attached to an issue."""
    from retina_doctor.running.crash import write_crash_file

    try:
        file = write_crash_file(error)
    except Exception:
        file = None
    told = f"{type(error).__name__} in the doctor itself, which is a bug of ours; please report it"
    tell(f"retina-doctor {__version__}: {told}{f' with {file}' if file else ''}\n")


def _heard() -> dict[int, Any]:
    """From here on signals raise Interrupted, but those that the caller ignores; the handlers that stood before."""
    sys.unraisablehook = _unraised
    return {number: signal.signal(number, _interrupt) for number in heard()}


def _interrupt(number: int, _frame: object) -> None:
    raise Interrupted(number)


def _unraised(what: sys.UnraisableHookArgs) -> None:
    """Raised where Python lets nothing through (importlib's callbacks), Interrupted would be lost: it comes again."""
    if not isinstance(what.exc_value, Interrupted):
        sys.__unraisablehook__(what)
        return
    told = os.getpid(), int(what.exc_value.args[0])
    while True:  # the next signal may come right here, and be lost as the first was
        with contextlib.suppress(Interrupted):
            again = threading.Timer(0.01, os.kill, told)
            again.daemon = True
            again.start()
            return


def _take_closed_descriptors() -> None:
    """Give /dev/null the places of closed standard streams, lest a pipe of ours gets one and a library writes into it."""
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
