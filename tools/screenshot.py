"""Draws the terminal report of a recorded machine as an SVG picture.

usage: uv run python tools/screenshot.py SNAPSHOT OUTPUT [TITLE]; the picture of the README:
    uv run python tools/screenshot.py SNAPSHOT docs/report.svg \\
        retina-doctor --device auto --model mobilenet025.onnx --port 8080
"""

import io
import re
import sys
from pathlib import Path

from rich.console import Console

from retina_doctor.diagnose import diagnose
from retina_doctor.model import Severity
from retina_doctor.registry import installed
from retina_doctor.reports import Report
from retina_doctor.reports.terminal import draw
from retina_doctor.snapshot import load

source, output = Path(sys.argv[1]), Path(sys.argv[2])
catalogue = installed()
diagnosis = diagnose(load(source.read_bytes()), catalogue)
console = Console(record=True, width=96, force_terminal=True, file=io.StringIO(), highlight=False)
draw(Report(diagnosis=diagnosis, catalogue=catalogue, language="en", fail_on=Severity.ERROR), console)
# No font is fetched from elsewhere when the picture is looked at.
svg = console.export_svg(title=" ".join(sys.argv[3:]) or "retina-doctor", unique_id="report")
svg = re.sub(r",\s*url\(.https?://[^;]*;", ";", svg)
output.write_text(svg + "\n")
