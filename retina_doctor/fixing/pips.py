"""A pip for a Python: its own, or the one that Python carries for new environments (ensurepip), which is run as it lies there."""

from __future__ import annotations

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
