"""Compiled files of a target that has none and may write none: kept for its user alone, and else not at all."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import pytest

from retina_doctor.model import Outcome, Target
from retina_doctor.probing.asking import Looking
from retina_doctor.probing.collect import collect
from retina_doctor.settings import Settings, TargetSettings
from retina_doctor.standpoint.target import surroundings
from tests.odd_probes.pack import odd_probe

ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files to another user")


class Image:
    """A folder of packages without compiled files, and a home; the environment forbids to write any."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.site, self.home = folder / "site", folder / "home"
        self.package = self.site / "lacking"
        self.package.mkdir(parents=True)
        self.home.mkdir(mode=0o700)
        self.release("1")
        monkeypatch.setenv("PYTHONPATH", str(self.site))
        monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
        monkeypatch.delenv("PYTHONPYCACHEPREFIX", raising=False)
        monkeypatch.setenv("HOME", str(self.home))

    def release(self, number: str) -> None:
        """Install that version: of a file with one size and one time of change, as reproducible builds make them."""
        for info in self.site.glob("*.dist-info"):
            info.rmdir()
        (self.site / f"lacking-{number}.dist-info").mkdir()
        source = self.package / "__init__.py"
        source.write_text(f"version = {number!r}\n")
        os.utime(source, (0, 0))

    def look(self, workdir: Path | None = None) -> tuple[str, str]:
        """Where the target's Python has the package's compiled file or would have, and its version. No others are there."""
        words = (sys.executable, "-S", "-")
        settings = Settings(TargetSettings(command=words, workdir=str(workdir) if workdir else None))
        target = Target(command=words, chosen="flag")
        asked = Looking(settings, target, surroundings(settings, target, os.environ))
        reading = collect(asked, [odd_probe("import_lacking")])[1]["odd"]
        assert reading.outcome is Outcome.OK, reading
        cached, version = reading.facts["first"]
        return cached, version

    @property
    def compiled(self) -> list[Path]:
        return [path for path in self.home.rglob("*.pyc") if "lacking" in path.parts]

    @property
    def untouched(self) -> bool:
        return not list(self.home.rglob("*")) and not list(self.site.rglob("*.pyc"))


@pytest.fixture
def image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Image:
    return Image(tmp_path, monkeypatch)


def test_they_are_kept_in_the_home_and_nothing_beside_the_sources(image: Image) -> None:
    image.look()
    [first] = image.compiled
    assert not list(image.site.rglob("*.pyc"))
    written = first.stat().st_mtime_ns
    seen = image.look()
    assert image.compiled == [first] and first.stat().st_mtime_ns == written, "the second looking reads it"
    assert seen == (str(first), "1")
    for folder in (
        image.home / ".cache",
        image.home / ".cache/retina-doctor",
        image.home / ".cache/retina-doctor/bytecode",
    ):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_where_files_may_be_written_none_is_kept_elsewhere(image: Image, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE")
    image.look()
    assert not list(image.home.iterdir())


def test_a_compiled_file_of_the_image_is_used_damaged_or_not(image: Image) -> None:
    """It is what the service runs: if it is damaged, that is to be found."""
    file = image.package / "__pycache__" / f"__init__.{sys.implementation.cache_tag}.pyc"
    file.parent.mkdir()
    file.write_bytes(b"\0" * 8)
    assert image.look() == (str(file), "1")
    assert not list(image.home.iterdir())


def test_what_an_installer_compiled_of_itself_is_nothing_that_is_used(image: Image) -> None:
    file = image.site / "pip" / "__pycache__" / f"__init__.{sys.implementation.cache_tag}.pyc"
    file.parent.mkdir(parents=True)
    (image.site / "pip" / "__init__.py").touch()
    file.touch()
    image.look()
    assert image.compiled


def test_another_release_of_the_same_size_and_time_is_compiled_anew(image: Image) -> None:
    assert image.look()[1] == "1"
    [old] = image.compiled
    image.release("2")
    assert image.look()[1] == "2"
    assert len(image.compiled) == 1 and not old.exists(), "what nobody can use any more is removed"


def test_few_environments_are_kept(image: Image) -> None:
    for number in range(6):
        (image.home / ".cache/retina-doctor/bytecode" / f"old-{number}").mkdir(parents=True)
    for folder in (image.home / ".cache", *(image.home / ".cache").rglob("*")):
        folder.chmod(0o700)
    image.look()
    assert len(list((image.home / ".cache/retina-doctor/bytecode").iterdir())) == 4


def open_home(image: Image) -> None:
    image.home.chmod(0o777)


def open_cache(image: Image) -> None:
    (image.home / ".cache").mkdir()
    (image.home / ".cache").chmod(0o770)


def open_folder(image: Image) -> None:
    (image.home / ".cache/retina-doctor").mkdir(parents=True)
    (image.home / ".cache/retina-doctor").chmod(0o755)


def led_elsewhere(image: Image) -> None:
    (image.home / ".cache").mkdir(mode=0o700)
    (image.home / "elsewhere").mkdir(mode=0o700)
    (image.home / ".cache/retina-doctor").symlink_to(image.home / "elsewhere")


def a_file(image: Image) -> None:
    (image.home / ".cache").touch()


@pytest.mark.parametrize("hostile", [open_home, open_cache, open_folder, led_elsewhere, a_file])
def test_where_others_could_put_files_none_is_kept(image: Image, hostile: object) -> None:
    assert callable(hostile)
    hostile(image)
    before = sorted(image.home.rglob("*"))
    assert image.look()[1] == "1"
    assert sorted(image.home.rglob("*")) == before


@ROOT
@pytest.mark.parametrize("whose", [".", ".cache", ".cache/retina-doctor"])
def test_a_folder_of_another_user_is_not_used(image: Image, whose: str) -> None:
    """Of root as well: what lies there would be run with root's rights."""
    (image.home / whose).mkdir(mode=0o700, parents=True, exist_ok=True)
    os.chown(image.home / whose, 12345, 12345)
    before = sorted(image.home.rglob("*"))
    image.look()
    assert sorted(image.home.rglob("*")) == before


@pytest.mark.parametrize("home", ["", "relative", "/nowhere/at/all", "/"])
def test_without_a_home_none_is_kept(image: Image, monkeypatch: pytest.MonkeyPatch, home: str) -> None:
    monkeypatch.setenv("HOME", home)
    monkeypatch.chdir(image.home)
    image.look()
    assert image.untouched


def test_none_is_kept_in_the_folder_of_the_service(image: Image) -> None:
    image.look(workdir=image.home)
    assert image.untouched


def test_none_is_kept_among_packages(image: Image, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(image.site))
    image.site.chmod(0o700)
    image.look()
    assert not (image.site / ".cache").exists()
