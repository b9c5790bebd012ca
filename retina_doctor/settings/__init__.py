"""What the operator meant: tables of settings, each declared once, by the engine or by a pack.

A table is a class. Each field says its type, its range, and by a `Setting` what it is for and which flag stands for it::

    class DiskSettings(Table, frozen=True, kw_only=True):
        TABLE = "disk"
        least: Annotated[
            Annotated[float, Meta(ge=0)],
            Setting("Free space that must be left, GiB.", "至少要留出的空间（GiB）。", "--disk-least", "GIB"),
        ] = 1.0

The settings file, the environment (RETINA_DOCTOR_DISK_LEAST), the flags and their help, and the table in docs/settings.md
follow from that. A distribution names its tables by an entry point of the group ``retina_doctor.settings``.
"""

from retina_doctor.language import LANGUAGES, Language
from retina_doctor.settings.engine import (
    QUICK,
    SHORT,
    USUAL,
    AtLeastOne,
    GateSettings,
    Graded,
    Ignored,
    ProcessSettings,
    Seconds,
    TargetSettings,
    command_of,
    read_graded,
    read_ignored,
    words_of,
)
from retina_doctor.settings.tables import Setting, Table
from retina_doctor.settings.values import Settings

__all__ = [
    "LANGUAGES", "QUICK", "SHORT", "USUAL", "AtLeastOne", "GateSettings", "Graded", "Ignored", "Language",
    "ProcessSettings", "Seconds", "Setting", "Settings", "Table", "TargetSettings", "command_of", "read_graded",
    "read_ignored", "words_of",
]  # fmt: skip
