"""mypy for Windows and macOS over all that the commands of a support engineer's laptop import.

    uv run python -m tools.desk_types

Which modules these are is asked of the commands themselves, run as tests/desk.py runs them. What they import only on Linux is
not among them, and not looked at.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
PLATFORMS = ("win32", "darwin")
MACHINES = ROOT / "fixtures" / "machines"
COMMANDS = (
    ("diagnose", str(MACHINES / "both-packages-vm" / "snapshot.json")),
    ("diff", str(MACHINES / "both-packages-vm" / "snapshot.json"), str(MACHINES / "no-gpu-vm" / "snapshot.json")),
    ("explain", "ort-both-packages"),
    ("list",),
    ("triage", str(ROOT / "tests" / "triage_texts" / "sick" / "driver-too-old.txt")),
    ("scan", str(ROOT / "fixtures" / "service")),
)
IN_PROCESSES_OF_THEIR_OWN = (
    ROOT / "retina_doctor" / "probing" / "child.py",
    ROOT / "checks" / "retina_doctor_checks" / "probes" / "source" / "look_texts.py",
    *sorted((ROOT / "checks" / "retina_doctor_checks" / "analysis").rglob("*.py")),
)
"""What `scan` starts."""


def modules() -> set[str]:
    """Names of our modules that the commands import."""
    program = (ROOT / "tests" / "desk.py").read_text(encoding="utf-8")
    found: set[str] = set()
    with tempfile.TemporaryDirectory() as folder:
        for words in COMMANDS:
            command = [sys.executable, "-I", "-c", program, "--list", *words]
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
            names = set(done.stderr.split())
            if "retina_doctor.main" not in names:
                raise SystemExit(f"{' '.join(words)}: {done.stderr.strip()[-300:]}")
            found |= names
    return found


def files(names: set[str]) -> list[Path]:
    folders = {"retina_doctor": ROOT, "retina_doctor_checks": ROOT / "checks"}
    found = []
    for name in sorted(names):
        path = folders[name.partition(".")[0]].joinpath(*name.split("."))
        found += [one for one in (path.with_suffix(".py"), path / "__init__.py") if one.is_file()]
    return sorted({*found, *IN_PROCESSES_OF_THEIR_OWN})


def main() -> int:
    wanted = [str(file.relative_to(ROOT)) for file in files(modules())]
    codes = []
    for platform in PLATFORMS:
        print(f"mypy --platform {platform}: {len(wanted)} files", flush=True)
        flags = ["--platform", platform, "--follow-imports", "silent", "--cache-dir", f".mypy_cache/{platform}"]
        codes.append(subprocess.run(["mypy", *flags, *wanted], cwd=ROOT, check=False).returncode)
    return max(codes)


if __name__ == "__main__":
    sys.exit(main())
