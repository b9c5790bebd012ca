"""`retina-doctor bundle`: one file, run without network by every Python that is installed here."""

from __future__ import annotations

import json
import os
import subprocess
import zipfile
from pathlib import Path

import pytest
from packaging.tags import compatible_tags, cpython_tags
from packaging.utils import parse_wheel_filename

from tests.doctor import doctor, environment
from tests.test_probing import pythons


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bundle")
    done = doctor("bundle", "-o", "doctor.pyz", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "for Python 3.11, 3.12, 3.13, 3.14" in done.stdout
    return folder / "doctor.pyz"


PYTHONS = {f"{major}.{minor}": path for (major, minor), path in pythons().items()}
"""Those that uv and pyenv keep, and those on PATH."""


def run(bundle: Path, python: str, *words: str, **more: str | None) -> subprocess.CompletedProcess[str]:
    """In a network namespace that has nothing but a loopback that is down."""
    env = environment(XDG_CACHE_HOME=str(bundle.parent / "cache"), **more)
    command = ["unshare", "--net", PYTHONS[python], str(bundle), *words]
    return subprocess.run(command, env=env, cwd=bundle.parent, capture_output=True, text=True, check=False, timeout=120)


@pytest.mark.parametrize("python", [one for one in PYTHONS if one in ("3.11", "3.12", "3.13", "3.14")])
def test_it_runs_without_network(bundle: Path, python: str) -> None:
    ours = doctor("demo", "guide-t4", "--format", "json", cwd=bundle.parent)
    theirs = run(bundle, python, "demo", "guide-t4", "--format", "json")
    assert (theirs.returncode, json.loads(theirs.stdout)) == (ours.returncode, json.loads(ours.stdout)), theirs.stderr
    words = ("--quick", "--target", PYTHONS[python], "--device", "cpu", "--only", "python_env", "--format", "json")
    looked = run(bundle, python, "check", *words)
    told = json.loads(looked.stdout)
    assert looked.returncode in (0, 1, 3), looked.stderr
    assert next(one for one in told["probes"] if one["name"] == "interpreter")["outcome"] == "ok"
    again = run(bundle, python, "--help")
    assert "bundle" in again.stdout and "fix" in again.stdout
    for folder in (bundle.parent / "cache").iterdir():
        assert folder.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("python", [one for one in PYTHONS if one not in ("3.11", "3.12", "3.13", "3.14", "2.7")])
def test_an_older_python_is_told_which_it_was_made_for(bundle: Path, python: str) -> None:
    done = run(bundle, python, "--version")
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.startswith("retina-doctor: this bundle cannot be used here: it was made for CPython 3.11,")


@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13", "3.14"])
def test_every_version_has_all_wheels_and_only_such_as_fit(bundle: Path, python: str) -> None:
    """Also where that Python is not installed here."""
    with zipfile.ZipFile(bundle) as opened:
        manifest = json.loads(opened.read("manifest.json"))
    version = (int(python[0]), int(python[2:]))
    platforms = [f"manylinux_2_{minor}_{os.uname().machine}" for minor in range(5, 29)]
    platforms.append(f"manylinux2014_{os.uname().machine}")
    fitting = {*cpython_tags(version, platforms=platforms), *compatible_tags(version, f"cp{python}", platforms)}
    wheels = [parse_wheel_filename(name) for name in manifest["pythons"][python]]
    assert {name for name, *_ in wheels} >= {
        "msgspec",
        "jinja2",
        "markupsafe",
        "pyyaml",
        "rich",
        "typer",
        "retina-doctor",
    }
    assert len({name for name, *_ in wheels}) == len(wheels)
    assert all(tags & fitting for *_, tags in wheels), manifest["pythons"][python]


def test_variables_and_neighbours_do_not_get_in(bundle: Path) -> None:
    trap = bundle.parent / "trap"
    (trap / "retina_doctor").mkdir(parents=True)
    (trap / "retina_doctor" / "__init__.py").write_text("raise SystemExit('trapped')\n")
    # Others may be loaded while a Python starts, by what its own site-packages say.
    (trap / "json.py").write_text("raise SystemExit('trapped')\n")
    for path in (str(trap), f"{trap}{os.pathsep}"):
        done = run(bundle, "3.11", "--version", PYTHONPATH=path)
        assert (done.returncode, done.stdout.split()[0]) == (0, "retina-doctor"), done.stderr


def test_a_cache_that_another_user_can_replace_is_not_used(bundle: Path, tmp_path: Path) -> None:
    """As under a sudo that keeps HOME."""
    copy = tmp_path / "doctor.pyz"
    copy.write_bytes(bundle.read_bytes())
    cache = tmp_path / "cache"
    cache.mkdir()
    os.chown(cache, 65534, 65534)
    done = run(copy, "3.11", "--version")
    assert done.returncode == 0, done.stderr
    assert list(cache.glob("retina-doctor/*")) == []


@pytest.mark.parametrize("closed", [False, True])
def test_a_disk_from_which_nothing_can_be_loaded_is_not_used(bundle: Path, tmp_path: Path, closed: bool) -> None:
    """Mounted noexec: the cache, and *closed*: /tmp as well."""
    copy = tmp_path / "doctor.pyz"
    copy.write_bytes(bundle.read_bytes())
    (tmp_path / "cache").mkdir()
    mounts = 'exec 3< "$2"; mount -t tmpfs -o noexec tmpfs "$1"' + (
        "; mount -t tmpfs -o noexec tmpfs /tmp" if closed else ""
    )
    look = f"{PYTHONS['3.11']} /dev/fd/3 --quick --device cpu --only RD263 --format json"
    words = ["unshare", "-m", "sh", "-c", f"{mounts}; {look}", "sh", str(tmp_path / "cache"), str(copy)]
    env = environment(XDG_CACHE_HOME=str(tmp_path / "cache"))
    done = subprocess.run(words, env=env, cwd="/", capture_output=True, text=True, check=False)
    if closed:
        assert (done.returncode, "loaded from" in done.stderr) == (3, True), done.stderr
    else:
        assert done.returncode in (0, 1, 3) and json.loads(done.stdout), done.stderr


def test_a_damaged_wheel_is_not_unpacked(bundle: Path, tmp_path: Path) -> None:
    data = bytearray(bundle.read_bytes())
    with zipfile.ZipFile(bundle) as opened:
        place = next(one for one in opened.infolist() if one.filename.startswith("wheels/rich-"))
    data[place.header_offset + 2000] ^= 1
    damaged = tmp_path / "doctor.pyz"
    damaged.write_bytes(data)
    done = run(damaged, "3.11", "--version")
    assert (done.returncode, "damaged" in done.stderr) == (3, True), done.stderr
    assert list((tmp_path / "cache" / "retina-doctor").iterdir()) == []


def test_a_folder_that_others_can_write_to_is_not_used(bundle: Path, tmp_path: Path) -> None:
    copy = tmp_path / "doctor.pyz"
    copy.write_bytes(bundle.read_bytes())
    (tmp_path / "cache" / "retina-doctor").mkdir(parents=True)
    (tmp_path / "cache" / "retina-doctor").chmod(0o777)
    done = run(copy, "3.11", "--version")
    assert (done.returncode, "0700" in done.stderr) == (3, True), done.stderr


def test_without_an_index_it_says_so_and_leaves_no_file(tmp_path: Path) -> None:
    env = environment(PIP_INDEX_URL="http://127.0.0.1:9/simple", PIP_RETRIES="0", PIP_NO_CACHE_DIR="1")
    done = doctor("bundle", "--python", "3.12", "-o", "doctor.pyz", cwd=tmp_path, env=env)
    assert done.returncode == 2, done.stdout
    assert "cannot be fetched" in done.stderr
    assert list(tmp_path.iterdir()) == []
