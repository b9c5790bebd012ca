"""The proof that a change of the code changes no report: what every machine of fixtures/machines is told, before and after.

    uv run python -m tools.compare_reports write FOLDER      # at the old commit, and again at the new one
    uv run python -m tools.compare_reports compare OLD NEW   # exit 1, and the machines whose reports differ

One file per machine: its JSON report, then what a terminal of 80 columns shows, in each language.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from retina_doctor.catalogue.registry import installed
from retina_doctor.judging.diagnose import diagnose
from retina_doctor.language import LANGUAGES
from retina_doctor.model import Severity
from retina_doctor.reports.formats import writer
from retina_doctor.reports.report import PLAIN, Report
from tests.machines import machine, names


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("write").add_argument("folder", type=Path)
    compare = commands.add_parser("compare")
    compare.add_argument("old", type=Path)
    compare.add_argument("new", type=Path)
    given = parser.parse_args()
    if given.command == "write":
        write(given.folder)
        return
    differing = differences(given.old, given.new)
    print("\n".join(differing) or f"{len(list(given.new.iterdir()))} machines, all the same")
    sys.exit(1 if differing else 0)


def write(folder: Path) -> None:
    """A file for each machine in *folder*, which must be new: what an older run left there would be compared, too."""
    folder.mkdir(parents=True)
    for name in names():
        (folder / f"{name}.txt").write_text(reports(name), encoding="utf-8")


def reports(name: str) -> str:
    """All that a machine is told."""
    catalogue = installed()
    diagnosis = diagnose(machine(name).snapshot, catalogue)
    parts = []
    for language in LANGUAGES:
        report = Report(diagnosis=diagnosis, catalogue=catalogue, language=language, fail_on=Severity.ERROR)
        parts += [f"=== {language} {format}\n{writer(format)(report, PLAIN)}" for format in ("json", "terminal")]
    return "".join(parts)


def differences(old: Path, new: Path) -> list[str]:
    """What differs, byte for byte, and what only one of the two folders has. Raises OSError for a folder that is not there."""
    before, after = ({file.stem: file.read_bytes() for file in folder.iterdir()} for folder in (old, new))
    if not before and not after:
        return ["nothing to compare: both folders are empty"]
    told = {
        name: f"only in {old if name in before else new}: {name}" if name in before.keys() ^ after.keys() else name
        for name in sorted(before.keys() | after.keys())
    }
    return [line for name, line in told.items() if before.get(name) != after.get(name)]


if __name__ == "__main__":
    main()
