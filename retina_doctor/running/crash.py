"""What an exception of the doctor itself leaves behind: a file that can be attached to an issue."""

from __future__ import annotations

import datetime
import platform
import sys
import tempfile
import traceback
from pathlib import Path

from retina_doctor import __version__
from retina_doctor.files import replace_file


def write_crash_file(error: BaseException) -> Path | None:
    """In the working directory, else in the one for temporary files; None: in neither. Masked as a support file is."""
    from retina_doctor.masking.words import beginning
    from retina_doctor.redaction.marks import Marks
    from retina_doctor.redaction.rules import Rules

    rules = Rules(Marks())
    where = [
        f"  {Path(frame.filename).name}:{frame.lineno} in {frame.name}"
        for frame in traceback.extract_tb(error.__traceback__)
    ]
    text = "\n".join(
        [
            f"retina-doctor {__version__}, Python {platform.python_version()}, {platform.system()} {platform.machine()}",
            "command: " + rules.text(" ".join(rules.words(sys.argv)[1:])),
            f"{type(error).__name__}: {rules.text(beginning(str(error), 2000))}",
            *where[-60:],
            "",
        ]
    )
    name = f"retina-doctor-crash-{datetime.datetime.now():%Y%m%d-%H%M%S-%f}.txt"
    for folder in (Path.cwd, lambda: Path(tempfile.gettempdir())):
        try:
            file = folder() / name
            replace_file(file, text, private=True)
        except OSError:
            continue
        return file
    return None
