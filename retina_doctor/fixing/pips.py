"""A pip for a Python: its own, or the one that Python carries for new environments (ensurepip), which is run as it lies there."""

from __future__ import annotations

import contextlib
import re

from retina_doctor.fixing.hand import CannotFix, Hand
from retina_doctor.model import Interpreter

CARRIED = """
import ensurepip, glob, os
folders = [os.path.join(os.path.dirname(ensurepip.__file__), "_bundled"), getattr(ensurepip, "_WHEEL_PKG_DIR", None) or ""]
print(*sorted(wheel for folder in folders if folder for wheel in glob.glob(os.path.join(folder, "pip-*.whl"))), sep="\\n")
"""


def pip_of(here: Interpreter, hand: Hand) -> list[str]:
    """The words that start it for this Python. Raises CannotFix."""
    if here.has_pip:
        return [here.executable, "-I", "-m", "pip"]
    return carried_pip(here.executable, hand)


def carried_pip(python: str, hand: Hand) -> list[str]:
    """Raises CannotFix."""
    wheels = hand.run([python, "-I", "-S", "-c", CARRIED]).split()
    if not wheels:
        raise CannotFix(f"{python}: has no pip, nor does it carry one (ensurepip)")
    return [python, "-I", f"{wheels[-1]}/pip"]


ELSEWHERE = ("target", "prefix", "root", "user", "python", "dry-run")
"""What a configuration file can say so that pip installs into another place than its own, or nothing."""
SET = re.compile(r"(?:global|install|uninstall)\.([a-z_-]+)=(.*)")
SET_OF_UV = re.compile(r"\s*(target|prefix): Some\(")


def installs_here(hand: Hand, here: Interpreter, python: str) -> None:
    """Raises CannotFix where a configuration file leads pip or uv elsewhere than to the packages of *python*."""
    if here.has_pip:
        for line in hand.run([python, "-I", "-m", "pip", "config", "list"]).splitlines():
            told = SET.fullmatch(line.strip())
            name, value = (told[1].replace("_", "-"), told[2].strip("'\"").lower()) if told else ("", "")
            if name in ELSEWHERE and value not in ("", "0", "no", "off", "false", "f", "n"):
                raise CannotFix(f"pip is configured to install elsewhere: {line.strip()}")
    elif here.uv:
        shown = ""
        with contextlib.suppress(CannotFix):  # a uv that does not know the flag
            shown = hand.run([here.uv, "pip", "install", "--show-settings", "--python", python, "pip"])
        for line in shown.splitlines():
            if told := SET_OF_UV.match(line):
                raise CannotFix(f"uv is configured to install elsewhere: {told[1]}")
