"""`retina-doctor fix` on real faults in real environments: it ends healthy, or as it was before, byte for byte; killed at any
step it leaves the one or the other, and `--undo` brings back the old."""

from __future__ import annotations

import json
import os
import pty
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from retina_doctor.catalogue.registry import installed
from retina_doctor.fixing.applying import bring_back, run
from retina_doctor.fixing.hand import WORKER, CannotFix, Hand, Whose
from retina_doctor.fixing.journal import Journal
from retina_doctor.fixing.outcome import outcome
from retina_doctor.fixing.sent import contents, copies, environments, places
from retina_doctor.fixing.steps import FixAction, is_plain
from retina_doctor.judging.diagnose import diagnose
from retina_doctor.model import Action
from retina_doctor.sending import one_text
from retina_doctor.words.remedies import MakeLink
from tests.doctor import doctor, environment, install, make_venv, uninstall
from tests.machines import machine
from tests.scan_pairs import HEAD
from tests.scan_trees import CUDA
from tests.standins import Machine, library_path
from tests.standins import doctor as on_machine
from tests.standins.killing import killing_library
from tests.test_faults_driver import CLEAN, DOMAINS
from tests.test_faults_onnxruntime import CASES, GPU, SEVERAL, Target, make_target
from tests.test_faults_onnxruntime import replace as rewritten
from tests.test_faults_python import BARE, FAULTS, bare_target
from tests.test_probing import PYTHONS

CPU = ("onnxruntime==1.32.0", "numpy==2.4.6")
LOOK = ("--device", "cpu", "--only", "RD263,RD264,RD265")


@dataclass(kw_only=True)
class Bench:
    """A target, the state folder of fixes, and how it is looked at."""

    folder: Path
    python: Path
    words: tuple[str, ...] = LOOK
    more: dict[str, str | None] = field(default_factory=dict)

    @property
    def prefix(self) -> Path:
        return self.python.parents[1]

    @property
    def site(self) -> Path:
        return next((self.prefix / "lib").glob("python3*/site-packages"))

    @property
    def state(self) -> Path:
        return self.folder / "state"

    @property
    def variables(self) -> dict[str, str]:
        return environment(**{"UV_NO_CONFIG": "1", "XDG_STATE_HOME": str(self.state), **self.more})

    def fix(self, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
        looked = () if "--undo" in words else ("--target", str(self.python), *self.words)
        return doctor("fix", *words, *looked, cwd=self.folder, env={**self.variables, **more})

    def told(self, *words: str, **more: str) -> Any:
        done = self.fix(*words, "--format", "json", **more)
        assert done.stdout, done.stderr
        return json.loads(done.stdout)

    @property
    def digest(self) -> str:
        """Names, modes and contents of all files but __pycache__."""
        return str(contents.hashes(str(self.prefix))["digest"])

    @property
    def freeze(self) -> list[str]:
        command = ["uv", "pip", "freeze", "--quiet", "--python", str(self.python)]
        done = subprocess.run(command, env=self.variables, cwd="/", capture_output=True, text=True, check=True)
        return done.stdout.splitlines()

    @property
    def left_beside(self) -> list[str]:
        return [path.name for path in self.prefix.iterdir() if path.name.startswith(places.STAGED)]

    @property
    def journal(self) -> list[dict[str, Any]]:
        written = sorted(self.state.glob("retina-doctor/fixes/*/journal.jsonl"))
        return [json.loads(line) for line in written[-1].read_text().splitlines()] if written else []


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """Shared: an environment with onnxruntime in it, from which a test takes what it needs, and which it leaves as it was."""
    folder = tmp_path_factory.mktemp("bench")
    python = make_venv(folder / "target", "uv")
    install(python, *CPU)
    return Bench(folder=folder, python=python)


@pytest.fixture
def broken(bench: Bench) -> Iterator[Bench]:
    """A file of onnxruntime is gone; afterwards it is there again."""
    file = bench.site / "onnxruntime" / "capi" / "_pybind_state.py"
    kept = file.read_bytes() if file.exists() else None
    assert kept is not None
    file.unlink()
    yield bench
    bench.fix("--undo", "--yes")
    if not file.exists():
        file.write_bytes(kept)
    shutil.rmtree(bench.state, ignore_errors=True)


# What is fixed


@dataclass(frozen=True, kw_only=True)
class Spoiled:
    """How a target is made, and what is wrong with it then."""

    make: Callable[[Path], Target]
    roots: frozenset[str]
    words: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()


def of_packages(name: str) -> Spoiled:
    fault = FAULTS[name]

    def make(folder: Path) -> Target:
        target = bare_target(folder, *fault.requirements)
        fault.spoil(target)
        return target

    return Spoiled(make=make, roots=frozenset({fault.root}), words=fault.words, absent=fault.absent)


def of_onnxruntime(name: str) -> Spoiled:
    requirements, spoil, root = CASES[name]

    def make(folder: Path) -> Target:
        target = make_target(folder, *requirements)
        spoil(target)
        return target

    return Spoiled(make=make, roots=frozenset({root}))


def of_several(name: str) -> Spoiled:
    before, then, roots = SEVERAL[name]

    def make(folder: Path) -> Target:
        target = make_target(folder, *before)
        if then:
            install(target.python, *then)
        return target

    words = ("--model", "buffalo_l", *BARE) if "insightface-missing" in roots else ()
    return Spoiled(make=make, roots=frozenset(roots), words=words)


def of_another_python(folder: Path) -> Target:
    target = make_target(folder, *GPU)
    [module] = target.capi.glob("onnxruntime_pybind11_state*.so")
    module.rename(module.with_name(module.name.replace("cpython-311", "cpython-312")))
    for name in ("RECORD", "WHEEL"):
        [file] = target.site.glob(f"onnxruntime_gpu-*.dist-info/{name}")
        rewritten(file, file.read_text().replace("cpython-311", "cpython-312").replace("cp311", "cp312"))
    return target


def with_pip(folder: Path) -> Target:
    """Of the standard library's venv, which brings pip: that is what is used then."""
    target = make_target(folder, kind="venv")
    install(target.python, *GPU)
    (target.capi / "_pybind_state.py").unlink()
    return target


def of_file(root: str, spoil: Callable[[Target], None], *more: str) -> Spoiled:
    """With a package beside onnxruntime."""

    def make(folder: Path) -> Target:
        target = make_target(folder, *GPU, OPENCV, *more)
        spoil(target)
        return target

    return Spoiled(make=make, roots=frozenset({root}))


def cut(file: Path, size: int) -> None:
    data = file.read_bytes()[:size]
    file.unlink()  # a link to uv's cache
    file.write_bytes(data)


OPENCV = "opencv-python-headless==5.0.0.93"
CUDA_PART, SHARED_PART = "libonnxruntime_providers_cuda.so", "libonnxruntime_providers_shared.so"
SPOILED: dict[str, Spoiled] = {
    "a library is gone": of_file("ort-broken-install", lambda t: (t.capi / SHARED_PART).unlink()),
    "the library for CUDA is gone": of_file("ort-broken-install", lambda t: (t.capi / CUDA_PART).unlink()),
    "a library is cut": of_file("ort-broken-install", lambda t: cut(t.capi / CUDA_PART, 1 << 20)),
    "the compiled module is empty": of_file(
        "ort-broken-install", lambda t: cut(next(t.capi.glob("onnxruntime_pybind11_state*.so")), 0)
    ),
    "a file of OpenCV is gone": of_file("opencv-both-packages", lambda t: (t.site / "cv2" / "__init__.py").unlink()),
    "two OpenCVs": of_file("opencv-both-packages", lambda _: None, "opencv-python==4.11.0.86"),
    **{f"onnxruntime: {name}": of_onnxruntime(name) for name in CASES},
    **{f"several: {name}": of_several(name) for name in SEVERAL},
    **{
        f"packages: {name}": of_packages(name)
        for name, fault in FAULTS.items()
        if fault.severity != "note" and name not in ("insightface that was not compiled", "onnx without protobuf")
    },
    "a wheel of another Python": Spoiled(make=of_another_python, roots=frozenset({"ort-wheel-wrong-platform"})),
    "with pip": Spoiled(make=with_pip, roots=frozenset({"ort-broken-install"})),
}


@pytest.mark.parametrize("name", SPOILED)
def test_faults_of_packages_end_healthy(name: str, tmp_path: Path) -> None:
    spoiled = SPOILED[name]
    target = spoiled.make(tmp_path)
    variables = {
        **CLEAN, "LD_LIBRARY_PATH": library_path(), "UV_NO_CONFIG": "1", "XDG_STATE_HOME": str(tmp_path / "state")
    }  # fmt: skip

    machine = Machine(folder=tmp_path / "machine", absent=spoiled.absent)
    done = on_machine(
        tmp_path, *DOMAINS, *spoiled.words, environment=variables, machine=machine, target=str(target.python),
        verb=("fix", "--apply", "--yes"),
    )  # fmt: skip
    [step] = done.json["applied"]
    assert step["outcome"] == "done", (done.json, done.stderr)
    names = {entry.check.code: entry.check.name for entry in installed().entries}
    assert spoiled.roots <= {names[code] for code in step["fixed"]}, (step, done.stderr)
    assert (done.json["verdict"], done.exit_code, step["left"]) == ("healthy", 0, []), (done.json, done.stderr)
    scripts = [
        path for path in (target.folder / "target" / "bin").iterdir() if path.is_file() and not path.is_symlink()
    ]
    assert not [path.name for path in scripts if places.STAGED.encode() in path.read_bytes()]
    if name in CHECKED:
        again = Machine(folder=tmp_path / "again", absent=spoiled.absent)
        found = on_machine(
            tmp_path, *DOMAINS, *spoiled.words, environment=variables, target=str(target.python), machine=again
        )  # fmt: skip
        assert not {one["name"] for one in found.json["findings"] if one["severity"] != "note"}, found.summary()


CHECKED = ("with pip", "several: both packages, and the old pynvml")
"""After which `check` itself is asked, too."""


TREE = {
    "app.py": HEAD
    + """import os
import flask
s = ort.InferenceSession('/models/a.onnx')
app = FaceAnalysis(providers=['CUDAExecutionProvider'])
app.prepare(0, det_size=(600, 640))
app.prepare(0, det_size=640)
w = torch.load('a.pth')
web = flask.Flask('a')
web.run('127.0.0.1', 80)
""",
    "docker/Dockerfile": 'FROM python:3.11\nCMD ["gunicorn", "app:app"]\n',
    "docker/compose.yml": "services:\n  a:\n    build: .\n    ports: ['8000:8000']\n    command: gunicorn -b localhost app:app\n",
}


def grow(folder: Path) -> dict[str, str]:
    for name, text in TREE.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return TREE


def test_lines_of_source_are_changed_as_the_difference_shows(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    grow(tree)
    env = environment(XDG_STATE_HOME=str(tmp_path / "state"))
    plan = json.loads(doctor("fix", tree, "--format", "json", cwd=tmp_path, env=env).stdout)
    [step] = [one for one in plan["steps"] if one["runs"]]
    assert {"RD275", "RD425", "RD409", "RD131", "RD521"} <= set(step["fixes"])
    assert step["diff"].count("\n+") - step["diff"].count("\n+++") >= 7
    patched = tmp_path / "patched"
    shutil.copytree(tree, patched)
    told = step["diff"].replace(str(tree), str(patched))
    subprocess.run(["patch", "--quiet", "-p0", "-d", "/"], input=told, text=True, check=True)
    (tree / "app.py").chmod(0o640)

    done = json.loads(doctor("fix", tree, "--apply", "--yes", "--format", "json", cwd=tmp_path, env=env).stdout)
    assert [one["outcome"] for one in done["applied"]] == ["done"], done
    assert {name: (tree / name).read_text() for name in TREE} == {name: (patched / name).read_text() for name in TREE}
    assert (tree / "app.py").stat().st_mode & 0o777 == 0o640
    assert sorted(path.name for path in tree.rglob("*") if path.is_file()) == ["Dockerfile", "app.py", "compose.yml"]
    again = json.loads(doctor("scan", tree, "--format", "json", cwd=tmp_path, env=env).stdout)
    assert not [one for one in again["findings"] if one["evidence"].get("fixed")], again["findings"]

    undone = doctor("fix", "--undo", "--yes", cwd=tmp_path, env=env)
    assert undone.returncode == 0, undone.stderr
    assert {name: (tree / name).read_text() for name in TREE} == TREE


def test_deployment_files_end_healthy(tmp_path: Path) -> None:
    """What one line's cause hid is found by the next look, and fixed by the next call."""
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "Dockerfile").write_text(
        f"FROM {CUDA}\nRUN pip install onnxruntime-gpu==1.31.1\nEXPOSE 5000\nCMD gunicorn -b 127.0.0.1:8080 app:app\n"
    )
    (tree / "compose.yml").write_text(
        "services:\n  face:\n    build: .\n    gpus: all\n    ports:\n    - 127.0.0.1:80:5000\n"
    )
    (tree / "run.sh").write_text(f"docker run {CUDA} true\n")
    (tree / "run.sh").chmod(0o755)
    env = environment(XDG_STATE_HOME=str(tmp_path / "state"))
    fixed: set[str] = set()
    for _ in range(4):
        done = json.loads(doctor("fix", tree, "--apply", "--yes", "--format", "json", cwd=tmp_path, env=env).stdout)
        fixed |= {code for one in done["applied"] for code in one["fixed"]}
        if done["verdict"] == "healthy":
            break
    assert (done["verdict"], fixed) == ("healthy", {"RD231", "RD278", "RD521", "RD522"}), done
    assert os.access(tree / "run.sh", os.X_OK)


def test_a_line_that_somebody_changes_after_the_fix_is_not_lost_by_undo(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    grow(tree)
    env = environment(XDG_STATE_HOME=str(tmp_path / "state"))
    assert doctor("fix", tree, "--apply", "--yes", cwd=tmp_path, env=env).returncode in (0, 1)
    (tree / "app.py").write_text("mine\n")
    undone = doctor("fix", "--undo", "--yes", cwd=tmp_path, env=env)
    assert (undone.returncode, (tree / "app.py").read_text()) == (2, "mine\n")
    assert "changed by somebody else" in undone.stderr


def test_a_nested_pack_is_moved_up_in_one_step(tmp_path: Path, real_model: Path) -> None:
    pack = tmp_path / "models" / "buffalo_l"
    inner = pack / "buffalo_l"
    inner.mkdir(parents=True)
    shutil.copy(real_model, inner / "det_10g.onnx")
    env = environment(XDG_STATE_HOME=str(tmp_path / "state"))
    words = ("--target", sys.executable, "--device", "cpu", "--only", "model-nested-directory", "--model", str(pack))
    done = json.loads(doctor("fix", "--apply", "--yes", "--format", "json", *words, cwd=tmp_path, env=env).stdout)
    assert [one["outcome"] for one in done["applied"]] == ["done"], done
    assert sorted(path.name for path in pack.iterdir()) == ["buffalo_l", "det_10g.onnx"]
    assert (pack / "det_10g.onnx").read_bytes() == real_model.read_bytes()
    assert doctor("fix", "--undo", "--yes", cwd=tmp_path, env=env).returncode == 0
    assert [str(path.relative_to(pack)) for path in pack.rglob("*.onnx")] == ["buffalo_l/det_10g.onnx"]
    assert [path.name for path in pack.parent.iterdir()] == ["buffalo_l"]


def models_at(folder: Path, *words: str) -> tuple[str, ...]:
    return ("--target", sys.executable, "--device", "cpu", "--only", *words[:1], "--model", *words[1:])


def test_a_missing_link_is_made_and_undone(tmp_path: Path, real_model: Path) -> None:
    """With the folders above it, which go with it."""
    there = tmp_path / "models" / "det_10g.onnx"
    there.parent.mkdir()
    shutil.copy(real_model, there)
    wanted = tmp_path / "models" / "det_10G.onnx"
    env = environment(XDG_STATE_HOME=str(tmp_path / "state"))
    words = models_at(tmp_path, "model-name-typo", str(wanted))
    plan = json.loads(doctor("fix", "--format", "json", *words, cwd=tmp_path, env=env).stdout)
    assert [(one["commands"], one["runs"]) for one in plan["steps"] if one["runs"]] == [
        ([f"ln -s {there} {wanted}"], True)
    ]
    done = json.loads(doctor("fix", "--apply", "--yes", "--format", "json", *words, cwd=tmp_path, env=env).stdout)
    assert [one["outcome"] for one in done["applied"]] == ["done"], done
    assert (wanted.readlink(), done["exit_code"]) == (there, 0)
    undone = doctor("fix", "--undo", "--yes", cwd=tmp_path, env=env)
    assert "as it was before" in undone.stdout, undone.stderr
    assert [path.name for path in there.parent.iterdir()] == ["det_10g.onnx"]


def test_a_link_into_a_missing_folder_and_what_is_laid_there_since(tmp_path: Path, real_model: Path) -> None:
    (tmp_path / "state").mkdir()
    hand = Hand(None, os.environ)
    journal = Journal.begun(tmp_path / "state")
    journal.write("begin", when="", whose=None, target=[])
    path = tmp_path / "a" / "b" / "det.onnx"
    step = FixAction(
        kind=Action.EDIT, causes=(), commands=("",), files=(MakeLink(path=str(path), to=str(real_model)),)
    )  # fmt: skip
    hands = {"service": hand, "caller": hand}
    run(step, 1, journal, hands, None)
    assert path.readlink() == real_model
    (tmp_path / "a" / "mine").touch()
    assert bring_back(journal, hands) is True
    assert sorted(str(one.relative_to(tmp_path)) for one in (tmp_path / "a").rglob("*")) == ["a/mine"]
    run(step, 2, journal, hands, None)
    path.unlink()
    path.write_text("mine")
    with pytest.raises(CannotFix, match="changed by somebody else"):
        bring_back(journal, hands, 2)
    assert path.read_text() == "mine"


def test_a_model_of_its_own_that_may_not_be_read_is_let_be_read(tmp_path: Path, real_model: Path) -> None:
    """By a service of another user, as that user: so what is somebody else's stays as it is."""
    user = 65534
    home = Path("/tmp") / f"retina-doctor-mode-{os.getpid()}"
    home.mkdir(mode=0o755)
    own, foreign = home / "own.onnx", home / "foreign.onnx"
    for file in (own, foreign):
        shutil.copy(real_model, file)
        file.chmod(0o200)
    for path in (home, own):
        os.chown(path, user, user)
    drop = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"]
    sleeping = [*drop, "/usr/bin/python3", "-c", "import time; time.sleep(600)"]
    env = environment(XDG_STATE_HOME=str(tmp_path / "state"))
    with subprocess.Popen(sleeping, cwd=home, env={"PATH": "/usr/bin:/bin"}) as service:

        def fix(file: Path) -> Any:
            words = ("--pid", str(service.pid), "--device", "cpu", "--only", "model-unreadable", "--model", str(file))
            done = doctor("fix", "--apply", "--yes", *words, "--format", "json", cwd=tmp_path, env=env)
            assert done.stdout, done.stderr
            return json.loads(done.stdout)

        try:
            time.sleep(0.5)
            told = fix(foreign)
            assert (told["applied"], foreign.stat().st_mode & 0o777) == ([], 0o200)
            assert "belongs to another user" in told["steps"][0]["reason"]
            told = fix(own)
            assert [one["outcome"] for one in told["applied"]] == ["done"], told
            assert (own.stat().st_mode & 0o777, told["exit_code"]) == (0o644, 0)
            undone = doctor("fix", "--undo", "--yes", cwd=tmp_path, env=env)
            assert (undone.returncode, own.stat().st_mode & 0o777) == (0, 0o200), undone.stderr
        finally:
            service.kill()
            shutil.rmtree(home)


# What stays as it was


def test_undo_brings_back_every_byte(broken: Bench) -> None:
    before, packages = broken.digest, broken.freeze
    assert broken.fix("--apply", "--yes").returncode == 0
    assert broken.digest != before
    undone = broken.fix("--undo", "--yes")
    assert "as it was before" in undone.stdout, undone.stderr
    assert (broken.digest, broken.freeze, broken.left_beside) == (before, packages, [])
    assert broken.fix("--undo", "--yes").stdout == "There is no fix to undo.\n"


def test_the_folder_of_the_state_is_private(broken: Bench) -> None:
    assert broken.fix("--apply", "--yes").returncode == 0
    for path in broken.state.rglob("*"):
        assert path.stat().st_mode & 0o077 == 0 or path.name == "lock", path
    [packages] = broken.state.rglob("packages.txt")
    assert "onnxruntime==1.32.0" in packages.read_text().splitlines()


def test_a_step_that_fails_half_way_leaves_every_byte(tmp_path: Path) -> None:
    """The packages are removed, and what is to take their place cannot be fetched."""
    target = make_target(tmp_path, *GPU)
    install(target.python, "onnxruntime==1.32.0")
    one = Bench(folder=tmp_path, python=target.python, words=("--device", "gpu", "--only", "onnxruntime"))
    before, packages = one.digest, one.freeze
    nowhere = {"UV_INDEX_URL": "http://127.0.0.1:9/simple", "UV_NO_CACHE": "1", "UV_HTTP_TIMEOUT": "2"}
    told = one.told("--apply", "--yes", **nowhere)
    assert [step["outcome"] for step in told["applied"]] == ["failed"], told
    ran = [entry["words"][2] for entry in one.journal if entry["what"] == "run"]
    assert ran == ["uninstall", "install"], one.journal
    assert (one.digest, one.freeze, one.left_beside) == (before, packages, [])


def test_a_fix_that_does_not_help_is_rolled_back(broken: Bench, tmp_path: Path) -> None:
    """Whatever starts this Python removes the file again."""
    file = broken.site / "onnxruntime" / "capi" / "_pybind_state.py"
    line = broken.site / "remove.pth"
    line.write_text(f"import os; os.path.exists({str(file)!r}) and os.unlink({str(file)!r})\n")
    before, packages = broken.digest, broken.freeze
    try:
        [step] = broken.told("--apply", "--yes")["applied"]
        assert (step["outcome"], step["left"]) == ("rolled-back", ["RD263"]), step
        assert (broken.digest, broken.freeze, broken.left_beside) == (before, packages, [])
    finally:
        line.unlink()


def test_what_passed_before_and_fails_after_is_worse() -> None:
    catalogue = installed()
    sick, well = (diagnose(machine(name).snapshot, catalogue) for name in ("guide-t4", "guide-t4-mended"))
    codes = [root.code for root in sick.roots]
    helped = outcome(sick, well, codes)
    assert (set(helped.fixed), helped.left, helped.worse, helped.good) == (set(codes), (), (), True)
    harmed = outcome(well, sick, ())
    assert set(codes) & set(harmed.worse) and not harmed.good
    assert not outcome(sick, sick, codes).good


# Killed at every step


@pytest.fixture(scope="module")
def killer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return killing_library(tmp_path_factory.mktemp("killer"))


def test_killed_at_every_step_it_leaves_the_old_state_or_the_new(broken: Bench, killer: Path) -> None:
    old, packages = broken.digest, broken.freeze
    assert broken.fix("--apply", "--yes").returncode == 0
    new = broken.digest
    steps = [entry["what"] for entry in broken.journal]
    assert steps == [
        *("begin", "stage", "run", "settle", "exchange", "exchanged", "look", "looked", "after", "end")
    ], steps  # fmt: skip
    assert broken.fix("--undo", "--yes").returncode == 0
    assert broken.digest == old
    seen: dict[int, str] = {}
    for number in range(1, 30):
        shutil.rmtree(broken.state, ignore_errors=True)
        done = broken.fix("--apply", "--yes", LD_PRELOAD=str(killer), KILL_AT=str(number))
        if done.returncode != -signal.SIGKILL:
            assert done.returncode == 0, done.stderr
            break
        assert broken.digest in (old, new), (number, broken.journal)
        seen[number] = "old" if broken.digest == old else "new"
        steps_begun = [entry["what"] for entry in broken.journal]
        if steps_begun[-1:] == ["run"]:
            refused = broken.fix("--apply", "--yes")
            assert (refused.returncode, "interrupted" in refused.stderr) == (2, True), refused.stderr
        undone = broken.fix("--undo", "--yes")
        assert undone.returncode == 0, undone.stderr
        word = "as it was before" if seen[number] == "new" else ("nothing yet", "no fix to undo")
        assert any(one in undone.stdout for one in ([word] if isinstance(word, str) else word)), undone.stdout
        assert (broken.digest, broken.left_beside) == (old, []), number
    assert broken.freeze == packages
    assert set(seen.values()) == {"old", "new"}
    assert len(seen) >= len(steps), seen


def test_killed_while_pip_runs(broken: Bench) -> None:
    """At no particular moment of it: the process group of the doctor is gone, and no pip goes on without it."""
    old = broken.digest
    command = [sys.executable, "-m", "retina_doctor", "fix", "--apply", "--yes", "--target", str(broken.python), *LOOK]
    for wait in (0.0, 0.1, 0.3):
        shutil.rmtree(broken.state, ignore_errors=True)
        running = subprocess.Popen(
            command, cwd=broken.folder, env=broken.variables, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )  # fmt: skip
        while running.poll() is None and not any(
            '"run"' in file.read_text() for file in broken.state.glob("retina-doctor/fixes/*/journal.jsonl")
        ):
            time.sleep(0.002)
        time.sleep(wait)
        running.kill()
        running.wait()
        assert broken.fix("--undo", "--yes").returncode == 0
        assert (broken.digest, broken.left_beside) == (old, []), wait


def test_an_interrupt_leaves_what_was(broken: Bench) -> None:
    old = broken.digest
    command = [sys.executable, "-m", "retina_doctor", "fix", "--apply", "--yes", "--target", str(broken.python), *LOOK]
    running = subprocess.Popen(
        command, cwd=broken.folder, env=broken.variables, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )  # fmt: skip
    while running.poll() is None and not any(
        '"stage"' in file.read_text() for file in broken.state.glob("retina-doctor/fixes/*/journal.jsonl")
    ):
        time.sleep(0.002)
    running.send_signal(signal.SIGINT)
    _, said = running.communicate()
    assert (running.returncode, said.splitlines()[-1]) == (130, "retina-doctor: interrupted")
    assert (broken.digest, broken.left_beside) == (old, [])


# What is not run, and why


def test_nobody_is_asked_where_there_is_no_terminal(broken: Bench) -> None:
    old = broken.digest
    done = broken.fix("--apply")
    assert done.returncode == 2
    assert "--yes" in done.stderr
    assert (broken.digest, list(broken.state.rglob("journal.jsonl"))) == (old, [])


@pytest.mark.parametrize(("answer", "changed"), [("n", False), ("", False), ("y", True)])
def test_at_a_terminal_it_asks(broken: Bench, answer: str, changed: bool) -> None:
    old = broken.digest
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "retina_doctor", "fix", "--apply", "--target", str(broken.python), *LOOK]
    os.write(ours, f"{answer}\n".encode())
    done = subprocess.run(
        command, cwd=broken.folder, env=broken.variables, stdin=theirs, stderr=theirs, stdout=subprocess.PIPE, text=True,
        check=False, timeout=120,
    )  # fmt: skip
    os.close(ours)
    os.close(theirs)
    assert (broken.digest != old) is changed, done.stdout


def why(bench: Bench, python: Path, words: tuple[str, ...] = LOOK) -> dict[str, str]:
    done = doctor("fix", "--format", "json", "--target", python, *words, cwd=bench.folder, env=bench.variables)
    return {one["kind"]: one["why_not"] for one in json.loads(done.stdout)["steps"]}


def test_a_system_python_is_none_of_ours(bench: Bench) -> None:
    """The base of the environment, in which the packages are missing."""
    base = Path(sys.base_prefix) / "bin" / "python3"
    assert why(bench, base, ("--device", "cpu", "--only", "onnxruntime"))["pip"] == "system-python"


def test_inside_a_container_it_is_said_that_it_will_be_lost(broken: Bench) -> None:
    for words in ((), ("--apply", "--yes")):
        done = broken.fix(*words, container="docker")
        assert "You are inside a container: this is lost when it is recreated" in done.stdout + done.stderr, words
    assert done.returncode == 0


def test_an_environment_of_another_user_is_none_of_ours(broken: Bench) -> None:
    os.chown(broken.site, 65534, 65534)
    try:
        assert why(broken, broken.python)["pip"] == "foreign"
    finally:
        os.chown(broken.site, 0, 0)


def test_a_pack_in_a_folder_of_another_user_is_not_moved(tmp_path: Path, real_model: Path) -> None:
    """Though root could: who owns the folder could lay a link in the way."""
    pack = tmp_path / "models" / "buffalo_l"
    (pack / "buffalo_l").mkdir(parents=True)
    shutil.copy(real_model, pack / "buffalo_l" / "det_10g.onnx")
    os.chown(pack.parent, 65534, 65534)
    env = environment(XDG_STATE_HOME=str(tmp_path / "state"))
    words = ("--target", sys.executable, "--device", "cpu", "--only", "model-nested-directory", "--model", str(pack))
    done = json.loads(doctor("fix", "--apply", "--yes", "--format", "json", *words, cwd=tmp_path, env=env).stdout)
    assert done["applied"] == []
    [step] = [one for one in done["steps"] if one["kind"] == "edit"]
    assert (step["runs"], "belongs to another user" in step["reason"]) == (False, True), done
    assert [str(path.relative_to(pack)) for path in pack.rglob("*.onnx")] == ["buffalo_l/det_10g.onnx"]
    assert [path.name for path in pack.parent.iterdir()] == ["buffalo_l"]


def test_packages_that_lie_elsewhere_are_not_changed(broken: Bench, tmp_path: Path) -> None:
    """The copy's pip would go through the link, to the files of before."""
    real = tmp_path / "packages"
    site = broken.site
    site.rename(real)
    site.symlink_to(real)
    try:
        assert why(broken, broken.python)["pip"] == "apart"
    finally:
        site.unlink()
        real.rename(site)


# Who could lead it elsewhere


def test_a_way_that_another_user_can_change_is_not_gone(tmp_path: Path) -> None:
    folder = tmp_path / "home" / "models" / "pack"
    folder.mkdir(parents=True)
    assert places.settled(str(folder)) == str(folder)
    (tmp_path / "link").symlink_to("home/models")
    assert places.settled(str(tmp_path / "link" / ".." / "models" / "pack")) == str(folder)
    assert places.settled(str(tmp_path / "link" / "new")) == str(folder.parent / "new")
    (tmp_path / "round").symlink_to("round")
    spoilt: tuple[tuple[Callable[[], None], str], ...] = (
        (lambda: os.chown(folder.parents[1], 65534, 65534), "belongs to another user"),
        (lambda: folder.parents[1].chmod(0o777), "others may write"),
        (lambda: folder.parents[1].chmod(0o775), "others may write"),
    )
    for spoil, said in spoilt:
        os.chown(folder.parents[1], 0, 65534)
        spoil()
        for path in (folder, tmp_path / "link" / "pack"):
            with pytest.raises(places.FixRefused, match=said):
                places.settled(str(path))
        os.chown(folder.parents[1], 0, 0)
        folder.parents[1].chmod(0o755)
    folder.parents[1].chmod(0o1777)
    assert places.settled(str(folder)) == str(folder)
    os.lchown(tmp_path / "link", 65534, 65534)
    with pytest.raises(places.FixRefused, match="belongs to another user"):
        places.settled(str(tmp_path / "link" / "pack"))
    with pytest.raises(places.FixRefused, match="too many links"):
        places.settled(str(tmp_path / "round" / "x"))


def test_a_journal_that_another_user_can_replace_is_not_used(broken: Bench, tmp_path: Path) -> None:
    """What it says is done, by root."""
    other = tmp_path / "other"
    other.mkdir()
    os.chown(other, 65534, 65534)
    old = broken.digest
    done = broken.fix("--apply", "--yes", XDG_STATE_HOME=str(other / "state"))
    assert (done.returncode, "belongs to another user" in done.stderr, broken.digest) == (2, True, old), done.stderr


def test_a_line_that_was_cut_costs_the_journal_nothing_else(tmp_path: Path) -> None:
    journal = Journal.begun(tmp_path)
    journal.write("begin", whose=None)
    with journal.file.open("ab") as file:
        file.write(b'{"what": "sta')
    journal.write("reverted", step=1)
    assert [one["what"] for one in journal.entries] == ["begin", "reverted"]


def test_a_python_that_lies_is_none_to_fix_with(tmp_path: Path) -> None:
    """It is started as its user, and may say anything: too much, or what is no answer."""
    python = tmp_path / "python"
    for text, said in (
        ("echo '[]'", "python: "),
        ("echo '{}'", "python: "),
        ("""echo '{"prefix": 1, "virtual": true, "foreign": [], "elsewhere": [], "writable": true}'""", "python: "),
        ("cat /dev/zero", "says too much"),
    ):
        python.write_text(f"#!/bin/sh\ncat > /dev/null\necho liar >&2\n{text}\n")
        python.chmod(0o755)
        hand = Hand(Whose(user=0, group=0, groups=(), python=str(python)), os.environ)
        with pytest.raises(CannotFix, match=said):
            hand.do("environment", prefix="/")


def test_what_a_container_says_of_its_python_is_not_started_here(tmp_path: Path) -> None:
    """--target reaches elsewhere: the path of the interpreter there is a path of there."""
    trap, trace = tmp_path / "trap", tmp_path / "trace"
    trap.write_text(f"#!/bin/sh\ntouch {trace}\n")
    trap.chmod(0o755)
    there = tmp_path / "there"
    code = f"import sys; sys.executable = {str(trap)!r}; exec(sys.stdin.read())"
    there.write_text(f"#!/bin/sh\nexec {BASE} -c {shlex.quote(code)}\n")
    there.chmod(0o755)
    env = environment(XDG_STATE_HOME=str(tmp_path / "state"))
    words = ("--target", f"env X=1 {there}", "--device", "cpu", "--only", "onnxruntime", "--format", "json")
    done = doctor("fix", "--plan", "--offline", *words, cwd=tmp_path, env=env)
    told = json.loads(done.stdout)
    assert [one["why_not"] for one in told["steps"] if one["kind"] == "pip"] == ["elsewhere"], told
    assert told["offline"]["wheels"] is None
    assert told["offline"]["fetch"]
    assert not trace.exists()


BASE = Path(sys.base_prefix) / "bin" / "python3"


@pytest.mark.parametrize(
    ("action", "plain"),
    [
        (("install", "onnxruntime-gpu[cuda,cudnn]==1.31.1"), True),
        (("install", "--force-reinstall", "--no-deps", "numpy<2"), True),
        (("uninstall", "onnxruntime", "onnxruntime-gpu"), True),
        (("install", "numpy @ file:///tmp/evil.whl"), False),
        (("install", "--index-url", "http://evil.example"), False),
        (("install", "--target=/etc", "numpy"), False),
        (("install", "/tmp/evil.whl"), False),
        (("install", "./evil"), False),
        (("install", "-r", "evil.txt"), False),
        (("download", "numpy"), False),
        (("install",), False),
    ],
)
def test_words_that_are_no_plain_requirement_are_not_run(action: tuple[str, ...], plain: bool) -> None:
    assert is_plain(action) is plain


def test_what_only_root_may_do_is_printed(bench: Bench) -> None:
    target = Machine(folder=bench.folder / "machine", module=None)
    done = on_machine(
        bench.folder, "--only", "driver", environment={**bench.variables, "LD_LIBRARY_PATH": ""}, machine=target,
        target=str(bench.python), verb=("fix", "--apply", "--yes"),
    )  # fmt: skip
    assert done.exit_code == 1
    assert done.json["applied"] == []
    assert {"root", "reboot", "provider", "machine"} & {one["kind"] for one in done.json["steps"]}, done.json
    assert not any(one["runs"] for one in done.json["steps"])


def test_a_strangers_environment_is_changed_by_the_stranger(tmp_path: Path) -> None:
    """Root's doctor, a service of another user: nothing of it runs as root, and nothing in it is root's afterwards."""
    if os.geteuid() != 0:
        pytest.fail("needs root")
    user = 65534
    home = Path("/tmp") / f"retina-doctor-fix-{os.getpid()}"
    base = Path("/usr/bin/python3")
    home.mkdir(mode=0o755)
    try:
        python = home / "venv" / "bin" / "python"
        subprocess.run(["uv", "venv", "--quiet", "--python", base, home / "venv"], check=True, cwd="/")
        install(python, "numpy==2.4.6", *CPU[:1], "pip", copied=True)
        site = next((home / "venv" / "lib").glob("python3*/site-packages"))
        canary = home / "canary"
        rewritten_canary = f"import os; open({str(canary)!r}, 'a').write(f'{{os.geteuid()}}\\n')\n"
        (site / "canary.pth").write_text(rewritten_canary)
        (site / "onnxruntime" / "capi" / "_pybind_state.py").unlink()
        canary.touch()
        for path in (home, *home.rglob("*")):
            os.chown(path, user, user, follow_symlinks=False)
        drop = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"]
        service = subprocess.Popen(
            [*drop, python, "-c", "import time; time.sleep(600)"], cwd=home, env={"HOME": str(home), "PATH": "/usr/bin:/bin"}
        )  # fmt: skip
        try:
            time.sleep(0.5)
            env = environment(XDG_STATE_HOME=str(tmp_path / "state"))
            words = ("--pid", str(service.pid), *LOOK, "--format", "json")
            done = doctor("fix", "--apply", "--yes", *words, cwd=tmp_path, env=env)
            told = json.loads(done.stdout)
            assert [one["outcome"] for one in told["applied"]] == ["done"], (told, done.stderr)
        finally:
            service.kill()
            service.wait()
        assert (site / "onnxruntime" / "capi" / "_pybind_state.py").exists()
        assert {path.lstat().st_uid for path in home.rglob("*")} == {user}
        assert set(canary.read_text().split()) == {str(user)}
        assert doctor("fix", "--undo", "--yes", cwd=tmp_path, env=env).returncode == 0
        assert not (site / "onnxruntime" / "capi" / "_pybind_state.py").exists()
        assert {path.lstat().st_uid for path in home.rglob("*")} == {user}
    finally:
        shutil.rmtree(home)


def test_wheels_for_a_machine_without_network_are_named_with_their_hashes(broken: Bench, tmp_path: Path) -> None:
    import hashlib
    import urllib.request

    told = broken.told("--plan", "--offline")["offline"]
    [one] = told["wheels"]
    assert one["file"].startswith("onnxruntime-1.32.0-cp311-cp311-manylinux")
    with urllib.request.urlopen(one["url"]) as answer:
        data = answer.read()
    assert hashlib.sha256(data).hexdigest() == one["sha256"]
    # And they are enough: with them and no index the fault is fixed.
    (tmp_path / one["file"]).write_bytes(data)
    assert broken.fix("--apply", "--yes", UV_NO_INDEX="1", UV_FIND_LINKS=str(tmp_path)).returncode == 0


def test_where_no_index_answers_the_wheels_are_left_to_another_machine(broken: Bench) -> None:
    told = broken.told("--plan", "--offline", PIP_INDEX_URL="http://127.0.0.1:9/simple")["offline"]
    assert told["wheels"] is None
    [command] = told["fetch"]
    assert "--python-version 3.11" in command and "manylinux_2_28_x86_64" in command
    assert command.endswith("onnxruntime==1.32.0")
    assert "--no-index --find-links wheels" in told["commands"][0]


def test_the_worker_runs_on_the_oldest_python(tmp_path: Path) -> None:
    oldest = PYTHONS[min(version for version in PYTHONS if version >= (3, 8))]
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "file").write_text("1")

    def asked(**request: object) -> Any:
        command = [str(oldest), "-I", "-S", "-c", one_text(WORKER)]
        done = subprocess.run(command, input=json.dumps(request), capture_output=True, text=True, check=True)
        return json.loads(done.stdout)

    old, new = str(tmp_path / "old"), str(tmp_path / f"{places.STAGED}new")
    was = asked(do="stage", folder=old, into=new)["was"]
    Path(new, "file").unlink()
    pairs = asked(do="whole", folder=old, staged=new, was=was)["pairs"]
    assert asked(do="become", pairs=pairs, wanted="new") == {}
    assert (asked(do="state", pairs=pairs)["state"], list(Path(old).iterdir())) == ("new", [])
    assert asked(do="become", pairs=pairs, wanted="old") == {}
    assert (asked(do="state", pairs=pairs)["state"], Path(old, "file").read_text()) == ("old", "1")
    assert "is none of the doctor's copies" in asked(do="discard", path=old)["refused"]
    assert asked(do="discard", path=new) == {} and not Path(new).exists()


def test_scripts_that_are_installed_name_the_real_python(bench: Bench) -> None:
    """They are made in the copy, whose Python they name at first; and RECORD holds what they are."""
    import base64
    import hashlib

    uninstall(bench.python, "numpy")
    install(bench.python, "numpy==2.4.6")
    staged = bench.prefix / f"{places.STAGED}test"
    copies.stage(str(bench.prefix), str(staged))
    install(staged / "bin" / "python", "tqdm")
    environments.settle(str(staged), str(bench.prefix))
    script = staged / "bin" / "tqdm"
    assert script.read_text().splitlines()[0] == f"#!{bench.python}"
    [record] = staged.glob("lib/python3*/site-packages/tqdm-*.dist-info/RECORD")
    [line] = [line for line in record.read_text().splitlines() if "bin/tqdm" in line]
    digest = base64.urlsafe_b64encode(hashlib.sha256(script.read_bytes()).digest()).rstrip(b"=").decode()
    assert line == f"../../../bin/tqdm,sha256={digest},{script.stat().st_size}"
    copies.discard(str(staged))
