"""The example pack of fixtures/packs, changed and installed: a distribution in a folder that is on the path."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from tests.doctor import environment

EXAMPLE = Path(__file__).parents[1] / "fixtures" / "packs" / "acme-limits"
Edit = tuple[str, str, str | None]
"""(file of the package, text in it, what stands there instead); the text "" stands for the end of the file, made where it is
not there; None instead removes the file."""

FIRES: Edit = ("checks.py", "LEAST = 1024", "LEAST = 1 << 62")
"""No limit is high enough."""


def write(site: Path, edits: Iterable[Edit], *, package: str = "acme_limits", entry: str = "acme") -> Path:
    """A copy of the example under *site* that is called *package*, with an entry point called *entry*."""
    folder = site / package
    shutil.copytree(EXAMPLE / "acme_limits", folder, ignore=shutil.ignore_patterns("__pycache__"))
    for file in folder.rglob("*.*"):
        file.write_text(file.read_text(encoding="utf-8").replace("acme_limits", package), encoding="utf-8")
    for name, old, new in edits:
        file = folder / name
        text = file.read_text(encoding="utf-8") if file.exists() else ""
        assert old in text, f"{name}: {old}"
        if new is None:
            file.unlink()
        else:
            file.write_text(text.replace(old, new, 1) if old else text + new, encoding="utf-8")
    info = site / f"{package}-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1\n")
    (info / "entry_points.txt").write_text(f"[retina_doctor.checks]\n{entry} = {package}.pack:pack\n")
    return site


def on_path(site: Path) -> dict[str, str]:
    return environment(PYTHONPATH=str(site))
