"""How long a recorded snapshot takes to be judged and reported as JSON, as a ratio to `json.loads` of the same text.

    uv run python -m benchmarks.judging

All machines of fixtures/machines, read anew each time as `retina-doctor diagnose FILE --format json` reads them; processor time,
both sides interleaved in one run. What is done once per process (packs, pages, templates) is done before.
"""

from __future__ import annotations

import gc
import json
import statistics
import time
from collections.abc import Callable

from retina_doctor.catalogue.registry import installed
from retina_doctor.judging.diagnose import diagnose
from retina_doctor.model import Severity
from retina_doctor.reports.formats import writer
from retina_doctor.reports.report import PLAIN, Report
from retina_doctor.support_file import load, save
from tests.machines import machine, names

ROUNDS = 15


def report(text: str) -> str:
    catalogue = installed()
    diagnosis = diagnose(load(text), catalogue)
    return writer("json")(
        Report(diagnosis=diagnosis, catalogue=catalogue, language="en", fail_on=Severity.ERROR), PLAIN
    )


def spent(what: Callable[[str], object], texts: list[str]) -> float:
    """Milliseconds of processor time for each text."""
    before = time.process_time()
    for text in texts:
        what(text)
    return (time.process_time() - before) * 1000 / len(texts)


def main() -> None:
    texts = [save(machine(name).snapshot) for name in names()]
    spent(report, texts)
    gc.disable()  # as the doctor itself does
    pairs = [(spent(report, texts), spent(json.loads, texts)) for _ in range(ROUNDS)]
    judged, parsed = (statistics.median(column) for column in zip(*pairs, strict=True))
    size = sum(len(text) for text in texts) / len(texts) / 1024
    print(f"{len(texts)} machines of {size:.0f} KiB each, medians of {ROUNDS} rounds")
    print(f"judged and reported as JSON: {judged:.2f} ms a snapshot ({judged * 10:.0f} s of one core for 10,000)")
    print(f"json.loads of the same text: {parsed:.2f} ms")
    print(f"ratio: {statistics.median(a / b for a, b in pairs):.2f}")


if __name__ == "__main__":
    main()
