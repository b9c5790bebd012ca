"""Record this machine as a fixture of the test-suite: what `collect` saw, redacted, and what `diagnose` says of it.

    uv run python -m tools.record_machine NAME --hardware "Tesla T4, driver 580.95.05" --model M --image I --target PYTHON

Words of other names go to `collect`. Writes fixtures/machines/NAME: read it before it is committed, the verdicts above all.
"""

from __future__ import annotations

import argparse
import datetime
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[1] / "fixtures" / "machines"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name")
    parser.add_argument("--hardware", required=True)
    parser.add_argument("--folder", type=Path, default=FOLDER)
    given, words = parser.parse_known_args()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "seen.json"
        doctor("collect", "-o", str(file), *words)
        snapshot = json.loads(file.read_text(encoding="utf-8"))
        told = json.loads(doctor("diagnose", str(file), "--format", "json"))
    write(given.folder / given.name, given.hardware, snapshot, told)
    print(f"{given.folder / given.name}: exit {told['exit_code']}, {len(told['findings'])} findings")


def doctor(*words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "retina_doctor", *words], stdout=subprocess.PIPE, text=True, check=False
    )
    if done.returncode not in (0, 1, 3):
        sys.exit(done.returncode)
    return done.stdout


def write(machine: Path, hardware: str, snapshot: dict[str, Any], told: dict[str, Any]) -> None:
    """In the form that tests/machines.py reads."""
    (machine / "readings").mkdir(parents=True)
    for name, reading in snapshot["readings"].items():
        (machine / "readings" / f"{name}.json").write_text(as_text(reading), encoding="utf-8")
    (machine / "snapshot.json").write_text(as_text({**snapshot, "readings": {}}), encoding="utf-8")
    findings = [one["name"] for one in told["findings"]]
    roots = [one["name"] for one in told["findings"] if one["root"] is None]
    today = datetime.datetime.now(datetime.UTC).date()
    source = f"Recorded {today} with `retina-doctor collect` on {hardware}"
    lines = [
        'origin = "recorded"',
        f"source = {json.dumps(source, ensure_ascii=False)}",
        "[expect]",
        f"exit = {told['exit_code']}",
        f"roots = {json.dumps(roots)}",
        f"findings = {json.dumps(findings)}",
    ]
    (machine / "machine.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")


def as_text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1) + "\n"


if __name__ == "__main__":
    main()
