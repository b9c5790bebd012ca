"""Makes one file of the doctor and all that it needs, for machines without a network."""

from __future__ import annotations

import hashlib
import io
import json
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from retina_doctor.codec import Data
from retina_doctor.errors import UsageError
from retina_doctor.fixing.hand import CannotFix, Hand
from retina_doctor.fixing.pips import carried_pip

NAME = "retina-doctor"
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
NEWEST_GLIBC = (2, 28)
"""Wheels that need a newer C library are not taken: of 2018, it is in all that is still maintained (Debian 10, RHEL 8)."""
WHEN = (1980, 1, 1, 0, 0, 0)  # the same files give the same bundle


class DoctorBundle(Data, frozen=True, kw_only=True):
    """What was made. *packs*: of third parties, which are not in it."""

    size: int
    pythons: tuple[str, ...]
    platform: str
    wheels: tuple[str, ...]
    packs: tuple[str, ...]


def make(file: Path, pythons: Sequence[str] = PYTHONS) -> DoctorBundle:
    """Write the bundle to *file*. Raises UsageError where wheels cannot be fetched, OSError."""
    with tempfile.TemporaryDirectory(prefix="retina-doctor-bundle-") as folder:
        found = {python: _fetched(Path(folder) / python, python) for python in pythons}
        wheels = {wheel.name: wheel.read_bytes() for paths in found.values() for wheel in paths}
    own, data = _own_wheel()
    wheels[own] = data
    manifest = {
        "format": 1,
        "doctor": metadata.version(NAME),
        "platform": f"{sys.platform} {os.uname().machine}",
        "pythons": {python: [*sorted(path.name for path in paths), own] for python, paths in found.items()},
        "sha256": {name: hashlib.sha256(wheels[name]).hexdigest() for name in sorted(wheels)},
        "program": _program(),
    }
    _write(file, wheels, json.dumps(manifest, indent=1).encode())
    return DoctorBundle(
        size=file.stat().st_size, pythons=tuple(pythons), platform=str(manifest["platform"]), wheels=tuple(sorted(wheels)),
        packs=tuple(sorted(_other_packs())),
    )  # fmt: skip


def _program() -> str:
    from retina_doctor.start import PROGRAM

    return PROGRAM


def _write(file: Path, wheels: Mapping[str, bytes], manifest: bytes) -> None:
    launch = (Path(__file__).with_name("launch.py")).read_bytes()
    descriptor, name = tempfile.mkstemp(prefix=f".{file.name[:100]}.", dir=file.parent)
    beside = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as opened:
            opened.write(b"#!/usr/bin/env python3\n")
            with zipfile.ZipFile(opened, "w") as archive:
                for place, data in (("__main__.py", launch), ("manifest.json", manifest)):
                    archive.writestr(zipfile.ZipInfo(place, WHEN), data, zipfile.ZIP_DEFLATED)
                for place in sorted(wheels):  # compressed already
                    archive.writestr(zipfile.ZipInfo(f"wheels/{place}", WHEN), wheels[place], zipfile.ZIP_STORED)
        beside.chmod(0o755)
        beside.replace(file)
    finally:
        beside.unlink(missing_ok=True)


def _fetched(folder: Path, python: str) -> list[Path]:
    """What the doctor needs, of the versions with which it runs here, for that Python. Raises UsageError."""
    folder.mkdir()
    number = python.replace(".", "")
    platforms = [word for tag in _platforms() for word in ("--platform", tag)]
    constraints = folder / "constraints.txt"
    pinned = sorted(f"{one}=={metadata.version(one)}" for one in _needed(NAME))
    constraints.write_text("\n".join(pinned) + "\n", "utf-8")
    try:
        hand = Hand(None, os.environ)
        hand.run(
            [
                *carried_pip(sys.executable, hand), "download", "--quiet", "--dest", str(folder), "--only-binary=:all:",
                "--python-version", python, "--implementation", "cp", "--abi", f"cp{number}", "--abi", "abi3", "--abi", "none",
                *platforms, "--constraint", str(constraints), *_direct(),
            ]
        )  # fmt: skip
    except (CannotFix, subprocess.SubprocessError) as error:
        raise UsageError(f"bundle: the wheels for Python {python} cannot be fetched: {error}") from None
    return sorted(folder.glob("*.whl"))


def _platforms() -> list[str]:
    """Tags of wheels that run here and on older systems of this kind."""
    from packaging.tags import platform_tags

    found = []
    for tag in platform_tags():
        words = tag.split("_")
        if tag.startswith("manylinux_") and (int(words[1]), int(words[2])) > NEWEST_GLIBC:
            continue
        found.append(tag)
    return found


def _direct() -> list[str]:
    from packaging.requirements import Requirement

    wishes = map(Requirement, metadata.requires(NAME) or ())
    return [
        str(one).partition(";")[0].strip() for one in wishes if one.marker is None or one.marker.evaluate({"extra": ""})
    ]


def _needed(name: str, seen: set[str] | None = None) -> set[str]:
    """Distributions that one needs, and those that these need, as they are installed here."""
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    seen = set() if seen is None else seen
    for wish in map(Requirement, metadata.requires(name) or ()):
        one = canonicalize_name(wish.name)
        if one not in seen and (wish.marker is None or wish.marker.evaluate({"extra": ""})):
            try:
                metadata.version(one)
            except metadata.PackageNotFoundError:
                continue
            seen.add(one)
            _needed(one, seen)
    return seen


def _own_wheel() -> tuple[str, bytes]:
    """The doctor as it runs here, also where it is installed as a link to its source."""
    distribution = metadata.distribution(NAME)
    modules = {point.value.partition(":")[0].partition(".")[0] for point in distribution.entry_points}
    stem = f"retina_doctor-{distribution.version}"
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        for module in sorted(modules):
            spec = find_spec(module)
            for place in spec.submodule_search_locations or () if spec else ():
                for path in _files(Path(place)):
                    info = zipfile.ZipInfo(f"{module}/{path.relative_to(place).as_posix()}", WHEN)
                    archive.writestr(info, path.read_bytes(), zipfile.ZIP_DEFLATED)
        for name in ("METADATA", "entry_points.txt", "licenses/LICENSE"):
            text = distribution.read_text(name) or ""
            archive.writestr(zipfile.ZipInfo(f"{stem}.dist-info/{name}", WHEN), text, zipfile.ZIP_DEFLATED)
    return f"{stem}-py3-none-any.whl", written.getvalue()


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            yield path


def _other_packs() -> set[str]:
    points = [
        *metadata.entry_points(group="retina_doctor.checks"),
        *metadata.entry_points(group="retina_doctor.commands"),
    ]
    return {point.dist.name for point in points if point.dist is not None and point.dist.name != NAME}
