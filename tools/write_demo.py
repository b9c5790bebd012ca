"""Writes the machines that `retina-doctor demo` judges, from fixtures/machines: python tools/write_demo.py"""

from __future__ import annotations

from pathlib import Path

from retina_doctor_checks.commands.demo.machines import FOLDER, NAMES

from retina_doctor.codec import from_json, to_json
from retina_doctor.support_file import save
from tests.machines import machine


def demo(name: str) -> str:
    """The snapshot of that machine, as small as JSON can be."""
    return to_json(from_json(save(machine(name).snapshot)), indent=0)


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for old in FOLDER.glob("*.json"):
        old.unlink()
    for name in NAMES:
        Path(FOLDER / f"{name}.json").write_text(demo(name), encoding="utf-8")


if __name__ == "__main__":
    main()
