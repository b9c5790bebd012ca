"""`retina-doctor fix` where others work in the same place, disks are full, folders are closed, and files are written as few
are: it ends healthy or changes nothing, and says which."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from retina_doctor.fixing.applying import run
from retina_doctor.fixing.hand import WORKER, CannotFix, Hand
from retina_doctor.fixing.journal import Journal, state_folder
from retina_doctor.fixing.pips import installs_here
from retina_doctor.fixing.sent import copies, exchange, places
from retina_doctor.fixing.steps import FixAction
from retina_doctor.model import Action, interpreter_of
from retina_doctor.sending import one_text
from retina_doctor.words.remedies import MoveUp
from tests.doctor import doctor, environment, install, make_venv
from tests.machines import machine
from tests.odd_probes.runs import heed_signals
from tests.test_fix import Bench
from tests.test_fix_lines import SESSION, fix, plant, state
from tests.test_fix_source import APP, FACE

# Others work in the same place


def staged_environment(folder: Path) -> tuple[Path, Path, dict[str, str]]:
    """An environment, its copy in which a package was installed, and what was copied."""
    python = make_venv(folder / "venv", "uv")
    prefix = python.parents[1]
    [site] = (prefix / "lib").glob("python3*/site-packages")
    (site / "face.log").write_text("started\n")
    staged = prefix / f"{places.STAGED}test"
    was = copies.stage(str(prefix), str(staged))["was"]
    install(staged / "bin" / "python", "tqdm")
    return prefix, staged, was


def test_what_somebody_installs_meanwhile_is_not_lost(tmp_path: Path) -> None:
    prefix, staged, was = staged_environment(tmp_path)
    install(prefix / "bin" / "python", "iniconfig")
    with pytest.raises(places.FixOvertaken, match="changed by somebody else meanwhile"):
        exchange.differing(str(prefix), str(staged), was)


def test_what_a_running_service_writes_there_is_no_change(tmp_path: Path) -> None:
    """Compiled files, a log that is appended to, and what lies beside the packages."""
    prefix, staged, was = staged_environment(tmp_path)
    [site] = (prefix / "lib").glob("python3*/site-packages")
    (site / "__pycache__").mkdir(exist_ok=True)
    (site / "__pycache__" / "a.pyc").touch()
    with (site / "face.log").open("a") as file:
        file.write("# one line more\n")
    (prefix / "service.log").write_text("started\n")
    pairs = exchange.differing(str(prefix), str(staged), was)["pairs"]
    assert [name for pair in pairs if (name := Path(pair[0]).name) != ".lock"] == ["bin", "lib"]


def half_done(folder: Path, model: Path) -> tuple[Path, tuple[str, ...]]:
    """A pack that a fix has moved up before it was killed; and how it is looked at."""
    pack = folder / "models" / "buffalo_l"
    nested(pack, model)
    journal = Journal.begun(state_folder({"XDG_STATE_HOME": str(folder / "state")}))
    journal.write("begin", when="2026-11-29 18:00:00 UTC", whose=None, target=[])
    hand = Hand(None, os.environ)
    move = MoveUp(folder=str(pack), inner="buffalo_l", ending=".onnx")
    step = FixAction(kind=Action.EDIT, causes=(), commands=("",), files=(move,))
    run(step, 1, journal, {"service": hand, "caller": hand}, None)
    look = ("--device", "cpu", "--only", "model-nested-directory", "--model", str(pack))
    return pack, ("--target", sys.executable, *look)


def nested(pack: Path, model: Path) -> None:
    (pack / "buffalo_l").mkdir(parents=True)
    shutil.copy(model, pack / "buffalo_l" / "det_10g.onnx")


def test_an_interrupted_fix_names_its_time(tmp_path: Path, real_model: Path) -> None:
    _, words = half_done(tmp_path, real_model)
    refused = fix(tmp_path, "--apply", *words)
    assert refused.returncode == 2
    assert "The fix of 2026-11-29 18:00:00 UTC was interrupted" in refused.stderr
    assert fix(tmp_path, "--undo").returncode == 0


def test_what_was_made_again_after_a_kill_stays_and_keeps_no_fix_from_running(tmp_path: Path, real_model: Path) -> None:
    pack, words = half_done(tmp_path, real_model)
    shutil.rmtree(pack)
    nested(pack, real_model)
    before = state(pack)
    undone = fix(tmp_path, "--undo")
    assert (undone.returncode, "and stays as it is" in undone.stderr) == (2, True), undone.stderr
    assert state(pack) == before
    done = fix(tmp_path, "--apply", *words)
    assert (done.returncode, (pack / "det_10g.onnx").exists()) == (0, True), done.stderr
    assert fix(tmp_path, "--undo").returncode == 0
    assert state(pack) == before


# Where nothing can be written


def test_a_full_disk_under_the_journal_is_one_line_and_changes_nothing(tmp_path: Path) -> None:
    tree = plant(tmp_path / "tree", {"app.py": SESSION % ""})
    before = state(tree)
    (tmp_path / "state").mkdir()
    program = 'mount -t tmpfs -o size=8k tmpfs "$1" && shift && exec "$@"'
    words = (sys.executable, "-m", "retina_doctor", "fix", "--apply", "--yes", str(tree))
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", program, "sh", str(tmp_path / "state"), *words], cwd=tmp_path,
        env=environment(XDG_STATE_HOME=str(tmp_path / "state")), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2, done.stderr
    assert "No space left on device; nothing was changed" in done.stderr
    assert (len(done.stderr.splitlines()), state(tree)) == (1, before), done.stderr


def as_nobody(**request: object) -> Any:
    drop = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    words = [*drop, "/usr/bin/python3", "-I", "-S", "-c", one_text(WORKER)]
    done = subprocess.run(words, input=json.dumps(request), capture_output=True, text=True, check=True, cwd="/")
    return json.loads(done.stdout)


def test_closed_folders_are_told_beforehand_and_their_copies_removed(tmp_path: Path) -> None:
    """By a user for whom they are closed, which root never is."""
    home = Path("/tmp") / f"retina-doctor-closed-{os.getpid()}"
    home.mkdir(mode=0o755)
    try:
        subprocess.run(["uv", "venv", "--quiet", "--python", "/usr/bin/python3", home / "v"], check=True, cwd="/")
        for path in (home, *home.rglob("*")):
            os.chown(path, 65534, 65534, follow_symlinks=False)
        assert as_nobody(do="environment", prefix=str(home / "v"))["closed"] == []
        [site] = (home / "v" / "lib").glob("python3*/site-packages")
        site.chmod(0o555)
        assert as_nobody(do="environment", prefix=str(home / "v"))["closed"] == [str(site)]
        staged = str(home / "v" / f"{places.STAGED}x")
        assert set(as_nobody(do="stage", folder=str(home / "v"), into=staged)) == {"was"}
        assert as_nobody(do="discard", path=staged) == {}
        assert not Path(staged).exists()
        assert site.stat().st_mode & 0o777 == 0o555
    finally:
        shutil.rmtree(home)


# Where it would install elsewhere


def test_an_installer_that_is_configured_to_install_elsewhere_installs_nothing(tmp_path: Path) -> None:
    python = make_venv(tmp_path / "target", "uv")
    install(python, "onnxruntime==1.32.0", "numpy==2.4.6")
    one = Bench(folder=tmp_path, python=python)
    (one.site / "onnxruntime" / "capi" / "_pybind_state.py").unlink()
    (tmp_path / "uv.toml").write_text(f'[pip]\ntarget = "{tmp_path / "elsewhere"}"\n')
    one.more = {"UV_NO_CONFIG": None, "UV_CONFIG_FILE": str(tmp_path / "uv.toml")}
    before = one.digest
    told = one.told("--apply", "--yes")
    assert [step["outcome"] for step in told["applied"]] == ["failed"], told
    assert "configured to install elsewhere" in told["applied"][0]["why"]
    assert (one.digest, one.left_beside, (tmp_path / "elsewhere").exists()) == (before, [], False)


@pytest.mark.parametrize(
    ("text", "elsewhere"),
    [
        ("[global]\ntarget = /opt/x\n", True),
        ("[install]\nprefix = /opt/x\n", True),
        ("[install]\nuser = true\n", True),
        (
            "[install]\nuser = false\n[download]\nprefix = /x\n[global]\ntimeout = 60\nindex-url = https://pypi.org/simple\n",
            False,
        ),
    ],
)
def test_what_pips_configuration_says(text: str, elsewhere: bool, pip_python: Path) -> None:
    file = pip_python.parents[1] / "pip.conf"
    file.write_text(text)
    here = interpreter_of(machine("t4-healthy").snapshot)
    assert here and here.has_pip
    hand = Hand(None, os.environ)
    if elsewhere:
        with pytest.raises(CannotFix, match="configured to install elsewhere"):
            installs_here(hand, here, str(pip_python))
    else:
        installs_here(hand, here, str(pip_python))


@pytest.fixture(scope="module")
def pip_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_venv(tmp_path_factory.mktemp("pip") / "target", "venv")


# Files as not everybody writes them


WRITTEN: Mapping[str, tuple[str, bytes]] = {
    "GBK, said in the first line": (
        "app.py",
        f"# -*- coding: gbk -*-\n{SESSION % ''}".rstrip("\n").encode("gbk") + "  # 人脸\n".encode("gbk"),
    ),
    "a byte order mark before the line": (
        "app.py",
        b"\xef\xbb\xbf" + b"import onnxruntime as ort; s = ort.InferenceSession('/models/a.onnx')\n",
    ),
    "CRLF": ("app.py", (SESSION % "").replace("\n", "\r\n").encode()),
    "CRLF and tabs, several lines for the last": (
        "app.py",
        f"{FACE}{APP}def f(img) -> list | None:\n\treturn face.get(img)[0].embedding".replace("\n", "\r\n").encode(),
    ),
    "form feeds, and no end of the last line": ("app.py", f"x = 1\n\x0c\ny = 'a\x0bb'\n{SESSION % ''}"[:-1].encode()),
}


def planned(folder: Path, tree: Path) -> Any:
    env = environment(XDG_STATE_HOME=str(folder / "state"))
    return json.loads(doctor("fix", tree, "--format", "json", cwd=folder, env=env).stdout)


@pytest.mark.parametrize("name", WRITTEN)
def test_a_file_keeps_how_it_is_written(name: str, tmp_path: Path) -> None:
    file, data = WRITTEN[name]
    tree = plant(tmp_path / "tree", {})
    (tree / file).write_bytes(data)
    plan = planned(tmp_path, tree)
    [step] = [one for one in plan["steps"] if one["runs"]]
    done = json.loads(fix(tmp_path, tree, "--apply", "--format", "json").stdout)
    assert [one["outcome"] for one in done["applied"]] == ["done"], done
    new = (tree / file).read_bytes()
    compile(new, file, "exec")
    assert new.startswith(b"\xef\xbb\xbf") is data.startswith(b"\xef\xbb\xbf")
    assert (b"\r\n" in new, new.count(b"\r\n")) == (b"\r\n" in data, new.count(b"\n") if b"\r\n" in data else 0)
    assert new.endswith(b"\n") is data.endswith(b"\n")
    assert ("\\ No newline at end of file" in step["diff"]) is not data.endswith(b"\n")
    assert "\ufffd" not in step["diff"]
    assert fix(tmp_path, "--undo").returncode == 0
    assert (tree / file).read_bytes() == data


def test_a_link_is_said_to_be_one(tmp_path: Path) -> None:
    tree = plant(tmp_path / "tree", {})
    (tmp_path / "real.py").write_text(SESSION % "")
    (tree / "app.py").symlink_to(tmp_path / "real.py")
    plan = planned(tmp_path, tree)
    assert "is a link" in plan["steps"][0]["reason"]


def test_extended_attributes_stay(tmp_path: Path) -> None:
    """As lists of access are."""
    tree = plant(tmp_path / "tree", {"app.py": SESSION % ""})
    os.setxattr(tree / "app.py", "user.owner", b"face")
    assert fix(tmp_path, tree, "--apply").returncode == 0
    assert os.getxattr(tree / "app.py", "user.owner") == b"face"
    assert fix(tmp_path, "--undo").returncode == 0
    assert os.getxattr(tree / "app.py", "user.owner") == b"face"


# Interrupted twice

TWICE = """
import os, random, signal, threading, time
from retina_doctor.main import _heard
from retina_doctor.errors import Interrupted

class Lost:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.001)

_heard()
came = 0
for number in range(300):
    try:
        again = threading.Timer(random.uniform(0.001, 0.002), os.kill, (os.getpid(), signal.SIGINT))
        again.start()
        one = Lost()
        del one
        time.sleep(0.1)
    except Interrupted:
        came += 1
    try:
        time.sleep(0.03)
    except Interrupted:
        pass
signal.signal(signal.SIGINT, signal.SIG_IGN)
print(came)
"""


def test_a_second_interrupt_right_after_one_that_python_dropped(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", TWICE], cwd=tmp_path, capture_output=True, text=True, check=True, preexec_fn=heed_signals
    )
    assert (done.stdout, done.stderr) == ("300\n", "")


def test_commands_without_a_network_bring_the_pip_that_they_need(tmp_path: Path) -> None:
    """An environment without pip, on a machine without uv."""
    python = make_venv(tmp_path / "target", "uv")
    install(python, "onnxruntime==1.32.0", "numpy==2.4.6")
    one = Bench(folder=tmp_path, python=python)
    (one.site / "onnxruntime" / "capi" / "_pybind_state.py").unlink()
    one.more = {"PATH": "/usr/bin:/bin", "PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_CONFIG_FILE": os.devnull}
    told = one.told("--plan", "--offline")["offline"]
    assert told["commands"] == [
        f"{python} -m ensurepip && {python} -m pip install --no-index --find-links wheels --force-reinstall --no-deps"
        " onnxruntime==1.32.0"
    ]
