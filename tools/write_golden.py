"""Writes tests/golden anew: what some telling machines are told, so that a changed sentence is seen in review.

Run it after a change of words, and read the difference before it is committed: python tools/write_golden.py
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from retina_doctor.catalogue.registry import installed
from retina_doctor.codec import from_json, to_json
from retina_doctor.judging.diagnose import diagnose
from retina_doctor.language import Language
from retina_doctor.model import Severity
from retina_doctor.reports import formats
from retina_doctor.reports.report import PLAIN, Report
from tests.machines import machine

FOLDER = Path(__file__).parents[1] / "tests" / "golden"
MACHINES = (
    "t4-healthy",
    "guide-t4",
    "no-gpu-vm",
    "no-nvidia-gpu",
    "container-started-without-gpu",
    "driver-too-old",
    "nvidia-smi-hangs",
    "service-on-cpu",
    "service-fails-under-load",
    "vram-held-by-others",
    "vram-insufficient",
    "model-corrupt",
    "model-look-fails",
    "det-size-misses-faces",
    "target-python-dies",
    "source-faulty",
)
LANGUAGES: Mapping[str, tuple[Language, ...]] = {"terminal": ("en", "zh")}
"""Other formats are held in English: their sentences are the same."""
FEW: Mapping[str, tuple[str, ...]] = {"html": ("guide-t4", "vram-insufficient")}
"""Formats that are long, and held for these machines alone."""


def golden(name: str) -> dict[str, str]:
    """The reports of a machine by name of file: MACHINE.EXIT.LANGUAGE.FORMAT. Terminals are 80 columns wide, without colour."""
    catalogue = installed()
    diagnosis = diagnose(machine(name).snapshot, catalogue)
    texts = {}
    for form in formats.names():
        if name not in FEW.get(form, MACHINES):
            continue
        for language in LANGUAGES.get(form, ("en",)):
            report = Report(diagnosis=diagnosis, catalogue=catalogue, language=language, fail_on=Severity.ERROR)
            chosen = formats.load(form)
            text = chosen.write(report, PLAIN)
            code = chosen.exit_code(report) if chosen.exit_code else report.exit_code
            texts[f"{name}.{code}.{language}.{form}"] = WITHOUT_REPEATS.get(form, str)(text)
    return texts


def without_facts(text: str) -> str:
    """The facts are the snapshot's, word for word, and would hide what is said of them."""
    report = from_json(text)
    del report["facts"]
    return to_json(report)


def without_parts(text: str) -> str:
    """Of a page: its style sheet, its script and their hashes, which are files of their own; and the facts."""
    text = re.sub(r"(?s)<style>.*?</style>|<script>.*?</script>|'sha256-[^']*'", "", text)
    return re.sub(r'(?s)<section aria-labelledby="facts">.*?</section>', "", text)


WITHOUT_REPEATS = {"json": without_facts, "html": without_parts}


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    texts = {file: text for name in MACHINES for file, text in golden(name).items()}
    for old in FOLDER.iterdir():
        if old.name not in texts:
            old.unlink()
    for file, text in texts.items():
        (FOLDER / file).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
