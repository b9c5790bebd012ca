"""Commands for packages that root installed and another user's service runs: that user may not change them, so root does."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from retina_doctor.standpoint.kept import ROOT, is_kept
from tests.doctor import environment, follow_plan, report, roots, uv
from tests.test_other_users import NOBODY, system_python

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="taking on another user takes root")


@pytest.fixture
def folder() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="roots-own-"))  # the folders of pytest are closed to others
    made.chmod(0o755)
    words = [uv(), "venv", "--quiet", "--python", system_python(), str(made / "venv")]
    subprocess.run(words, check=True, cwd="/", env=environment(UV_NO_CONFIG="1"))
    yield made
    shutil.rmtree(made)


@contextmanager
def waiting(folder: Path) -> Iterator[int]:
    """A process of another user's that runs that Python."""
    program = "import time; print(1, flush=True); time.sleep(600)"
    words = [*NOBODY.words.split(), str(folder / "venv" / "bin" / "python"), "-c", program]
    with subprocess.Popen(words, stdout=subprocess.PIPE, cwd=folder) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process.pid
        process.kill()


def asked(folder: Path, pid: int) -> dict[str, Any]:
    return report("check", "--device", "cpu", "--pid", str(pid), "--only", "RD261,RD263", cwd=folder)


def test_what_root_installed_is_changed_by_root(folder: Path) -> None:
    with waiting(folder) as pid:
        told = asked(folder, pid)
        assert roots(told) == ["ort-missing"]
        [finding] = told["findings"]
        assert all("setpriv" not in one for one in finding["fix"]["commands"])
        follow_plan(told, folder)
        assert roots(asked(folder, pid)) == []


def test_what_its_user_may_change_is_never_run_by_root(folder: Path) -> None:
    [site] = (folder / "venv").glob("lib/python3*/site-packages")
    python = str(folder / "venv" / "bin" / "python")
    assert is_kept(python, ROOT)
    (site / "its.pth").touch()
    os.chown(site / "its.pth", NOBODY.number, NOBODY.number)
    assert not is_kept(python, ROOT)
    with waiting(folder) as pid:
        [finding] = asked(folder, pid)["findings"]
        assert all(one.startswith("setpriv ") for one in finding["fix"]["commands"])


def test_each_thing_on_the_way_counts(folder: Path) -> None:
    venv = folder / "venv"
    [site] = venv.glob("lib/python3*/site-packages")
    python = str(venv / "bin" / "python")
    inner = site / "package" / "inner"
    inner.mkdir(parents=True)
    for path in (folder, venv, venv / "bin", venv / "bin" / "python", venv / "pyvenv.cfg", site, inner):
        os.chown(path, NOBODY.number, NOBODY.number, follow_symlinks=False)
        assert not is_kept(python, ROOT), path
        os.chown(path, 0, 0, follow_symlinks=False)
        assert is_kept(python, ROOT)
    inner.chmod(0o777)
    assert not is_kept(python, ROOT), "others may write there"
    inner.chmod(0o755)
    site.chmod(0o1777)
    assert not is_kept(python, ROOT), "or add something"
    site.chmod(0o755)
    outside = Path(tempfile.mkdtemp(prefix="outside-"))
    os.chown(outside, NOBODY.number, NOBODY.number)
    (site / "link").symlink_to(outside)
    assert not is_kept(python, ROOT), "a link leads to what another user owns"
    outside.rmdir()


def test_other_folders_on_its_search_path_count(folder: Path) -> None:
    """They may hold what pip imports, and are not looked through."""
    venv = folder / "venv"
    [site] = venv.glob("lib/python3*/site-packages")
    python, settings = str(venv / "bin" / "python"), (venv / "pyvenv.cfg").read_text()
    (site / "of_a_distribution.pth").write_text("# of root's\nimport os; x = 1\n")
    assert is_kept(python, ROOT)
    (site / "source.pth").write_text("/srv/face/source\n")
    assert not is_kept(python, ROOT)
    (site / "source.pth").unlink()
    (venv / "pyvenv.cfg").write_text(settings.replace("packages = false", "packages = true"))
    assert not is_kept(python, ROOT)
    (venv / "pyvenv.cfg").write_text("\n".join(one for one in settings.splitlines() if not one.startswith("home")))
    assert not is_kept(python, ROOT), "whose library it has is not known"
    (venv / "pyvenv.cfg").write_text(settings)
    assert is_kept(python, ROOT)


def test_the_library_of_its_python_counts(folder: Path) -> None:
    venv = folder / "venv"
    [site] = venv.glob("lib/python3*/site-packages")
    base = folder / "base"
    (base / "bin").mkdir(parents=True)
    module = base / "lib" / site.parent.name / "json" / "decoder.py"
    module.parent.mkdir(parents=True)
    module.touch()
    settings = (venv / "pyvenv.cfg").read_text().splitlines()
    (venv / "pyvenv.cfg").write_text(
        "\n".join(f"home = {base / 'bin'}" if one.startswith("home") else one for one in settings)
    )
    python = str(venv / "bin" / "python")
    assert is_kept(python, ROOT)
    for path in (module, module.parent, base):
        os.chown(path, NOBODY.number, NOBODY.number)
        assert not is_kept(python, ROOT), path
        os.chown(path, 0, 0)
