"""How long the HTML report takes, as a ratio to the JSON report of the same snapshot; and how large it is.

    uv run python -m benchmarks.html

All machines of fixtures/machines, read, judged and reported anew each time, as `retina-doctor diagnose FILE --format FORMAT`
does; processor time, both formats interleaved in one run. What is done once per process (packs, pages, templates) is done
before, and counted in the other ratio, that of whole processes.
"""

from __future__ import annotations

import gc
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from retina_doctor.catalogue.registry import installed
from retina_doctor.judging.diagnose import diagnose
from retina_doctor.model import Severity
from retina_doctor.reports.formats import writer
from retina_doctor.reports.report import PLAIN, report_of
from retina_doctor.support_file import load, save
from tests.machines import machine, names

ROUNDS, STARTS = 9, 15


def report(text: str, form: str) -> str:
    catalogue = installed()
    return writer(form)(report_of(diagnose(load(text), catalogue), catalogue, "en", Severity.ERROR), PLAIN)


def spent(form: str, texts: list[str]) -> float:
    """Milliseconds of processor time for each text."""
    before = time.process_time()
    for text in texts:
        report(text, form)
    return (time.process_time() - before) * 1000 / len(texts)


def started(form: str, file: Path) -> float:
    """Seconds of processor time of a whole process."""
    before = os.times()
    command = [sys.executable, "-m", "retina_doctor", "diagnose", str(file), "--format", form]
    subprocess.run(command, stdout=subprocess.DEVNULL, check=False)
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


def main() -> None:
    texts = {name: save(machine(name).snapshot) for name in names()}
    sizes = {name: len(report(text, "html").encode()) for name, text in texts.items()}
    for form in ("html", "json"):
        spent(form, list(texts.values()))
    gc.disable()  # as the doctor itself does
    pairs = [(spent("html", list(texts.values())), spent("json", list(texts.values()))) for _ in range(ROUNDS)]
    html, json = (statistics.median(column) for column in zip(*pairs, strict=True))
    print(f"{len(texts)} machines, medians of {ROUNDS} rounds: HTML {html:.1f} ms, JSON {json:.1f} ms a snapshot")
    print(f"ratio in one process, the HTML in two languages: {statistics.median(a / b for a, b in pairs):.2f}")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "snapshot.json"
        file.write_text(texts["guide-t4"], encoding="utf-8")
        ratios = [started("html", file) / started("json", file) for _ in range(STARTS)]
    print(f"ratio of whole processes: {statistics.median(ratios):.2f} (aim: 1.5)")
    largest = max(sizes, key=lambda name: sizes[name])
    print(
        f"largest: {largest}, {sizes[largest] / 1000:.0f} kB (aim: 500); median {statistics.median(sizes.values()) / 1000:.0f} kB"
    )


if __name__ == "__main__":
    main()
