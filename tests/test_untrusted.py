"""Targets that answer nonsense, files that are none, and a doctor that breaks: one line, the right exit code, bounded."""

from __future__ import annotations

import json
import os
import resource
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from retina_doctor.files import replace_file
from retina_doctor.running.crash import write_crash_file
from retina_doctor.support_file import SnapshotError, load
from tests import doctor as runs
from tests.machines import raw

DOCTOR = Path(sys.executable).parent / "doctor"
LIAR = """#!{python}
import os, re, sys
program = sys.stdin.buffer.read().decode()
token = re.search(r"retina-doctor-[0-9a-f]{{16}} ", program)[0]
names = re.findall(r'"probe\\W+(\\w+)', program)
say = lambda text: os.write(1, ("\\n" + token + text + "\\n").encode("utf-8", "surrogatepass"))
say('{{"hello": [3, 11, 0]}}')
for name in names:
    say('{{"begin": "%s"}}' % name)
    {body}
    say('{{"end": "%s", "failed": null}}' % name)
say('{{"done": true}}')
"""
NONSENSE = {
    "a list": "say('[1]')",
    "a number": "say('5')",
    "null": "say('null')",
    "a text": "say('\"x\"')",
    "tell is a list": """say('{"tell": [1]}')""",
    "tell is a number": """say('{"tell": 7}')""",
    "stage is a list": """say('{"stage": ["x"]}')""",
    "a surrogate in a stage": r"""say('{"stage": "\\ud800"}')""",
    "a surrogate in a key": r"""say('{"tell": {"\\udcff": "\\udcff"}}')""",
    "a probe's name is a table": """say('{"begin": {}}')""",
    "failed is a number": """say('{"end": "%s", "failed": 3}' % name)""",
    "brackets": """say('[' * 100000)""",
    "deep": """say('{"tell": {"x": ' + '[' * 900 + ']' * 900 + '}}')""",
    "a long number": """say('{"tell": {"version": ' + '9' * 5000 + '}}')""",
    "a great number": """say('{"tell": {"version": ' + '9' * 400 + '}}')""",
    "facts of a wrong type": """say('{"tell": {"executable": 5, "version": "x", "place": []}}')""",
    "bytes": "os.write(1, bytes(range(256)))",
    "half a line": "os.write(1, token.encode() + b'{')",
}


@pytest.mark.parametrize("kind", NONSENSE)
def test_a_target_that_answers_nonsense(kind: str, tmp_path: Path) -> None:
    liar = tmp_path / "python"
    liar.write_text(LIAR.format(python=sys.executable, body=NONSENSE[kind]))
    liar.chmod(0o755)
    for command in (("check", "--format", "json"), ("check", "--lang", "zh"), ("collect", "-o", "out.json")):
        done = runs.doctor(*command, "--target", liar, "--device", "cpu", "--quick", cwd=tmp_path)
        assert "Traceback" not in done.stderr, done.stderr
        if done.returncode == 2:  # what tells nothing of itself is no Python
            assert "is not a Python" in done.stderr
            assert done.stderr.count("\n") == 1
        else:
            assert done.returncode in (0, 1, 3), done.stderr
        assert "bug" not in done.stderr
    assert not list(tmp_path.glob("retina-doctor-crash*"))


def limited(*words: str | Path, cwd: Path, megabytes: int = 300) -> subprocess.CompletedProcess[str]:
    """The doctor with so much memory at most, and ten seconds."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_DATA, (megabytes * 2**20, megabytes * 2**20))

    return subprocess.run(
        [Path(sys.executable).parent / "retina-doctor", *map(str, words)], cwd=cwd, env=runs.environment(),
        capture_output=True, text=True, timeout=60, check=False, preexec_fn=limit,
    )  # fmt: skip


def odd_files(folder: Path) -> dict[str, Path]:
    os.mkfifo(folder / "fifo")
    with (folder / "huge").open("wb") as file:
        file.truncate(2 * 2**30)
    (folder / "lists").write_bytes(b"[" + b"[]," * 5_000_000 + b"[]]")
    (folder / "text").write_bytes(b'{"retina_doctor_snapshot": 1, "x": "' + b"a" * 15_000_000 + b'"}')
    (folder / "deep").write_bytes(b'{"retina_doctor_snapshot": 1, "x": ' + b"[" * 800 + b"]" * 800 + b"}")
    (folder / "brackets").write_bytes(b"[" * 10_000_000)
    (folder / "bytes").write_bytes(bytes(range(256)) * 1000)
    (folder / "loop").symlink_to("loop")
    return {name: folder / name for name in ("fifo", "huge", "lists", "text", "deep", "brackets", "bytes", "loop", "nowhere")} | {
        "zero": Path("/dev/zero"), "folder": folder, "random": Path("/dev/urandom"), "terminal": Path("/dev/ptmx"),
    }  # fmt: skip


def test_files_that_are_no_snapshots_or_settings(tmp_path: Path) -> None:
    for name, file in odd_files(tmp_path).items():
        for words in (("diagnose", file), ("check", "--quick", "--config", file)):
            done = limited(*words, cwd=tmp_path)
            assert done.returncode == 2, (name, words, done)
            assert done.stderr.count("\n") == 1, (name, done.stderr)
            assert done.stdout == ""


@pytest.mark.parametrize(
    "make", [os.mkfifo, lambda p: p.symlink_to("/dev/zero"), lambda p: p.write_text("x = " + "[" * 5000)]
)
@pytest.mark.parametrize("name", ["retina-doctor.toml", "pyproject.toml"])
def test_settings_that_merely_lie_there(name: str, make: object, tmp_path: Path) -> None:
    make(tmp_path / name)  # type: ignore[operator]
    done = limited("list", cwd=tmp_path)
    assert done.returncode == 0
    done = limited("check", "--quick", "--device", "cpu", cwd=tmp_path, megabytes=600)
    assert done.returncode == 2 if name == "retina-doctor.toml" else done.returncode in (1, 3), done.stderr
    assert "Traceback" not in done.stderr


def test_a_deep_or_numerous_snapshot_is_none() -> None:
    data = raw("t4-healthy")
    for _ in range(200):
        data["readings"]["nvml"]["facts"] = {"x": [data["readings"]["nvml"]["facts"]]}
    with pytest.raises(SnapshotError, match="nested deeper"):
        load(json.dumps(data))


def test_a_support_file_is_its_owners_alone(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_text("whole")
    (tmp_path / "out.json").symlink_to(other)
    done = runs.doctor("collect", "-o", "out.json", "--quick", "--device", "cpu", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert other.read_text() == "whole", "a planted link is replaced, not followed"
    out = tmp_path / "out.json"
    assert not out.is_symlink()
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert json.loads(out.read_text())["masked"]
    assert list(tmp_path.glob(".out*")) == []


IN_PLACE = """
import os, sys
from pathlib import Path
from retina_doctor.files import replace_file
if os.geteuid() == 0:  # to whom every folder is open
    os.setgroups([]); os.setgid(65534); os.setuid(65534)
replace_file(Path(sys.argv[1]), "new", private=True)
"""


def test_a_support_file_that_is_written_in_place_is_its_owners_alone() -> None:
    """Where the folder takes no new file, the old one's mode does not stay."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out.json"
        out.write_text("old")
        out.chmod(0o644)
        if os.geteuid() == 0:
            os.chown(out, 65534, 65534)
        Path(folder).chmod(0o555)
        done = subprocess.run([sys.executable, "-c", IN_PLACE, out], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert (out.read_text(), stat.S_IMODE(out.stat().st_mode)) == ("new", 0o600)
        Path(folder).chmod(0o700)


def test_a_full_disk_leaves_the_old_file_whole(tmp_path: Path) -> None:
    (tmp_path / "out.json").write_text("old")
    for words in (("collect", "-o", "out.json"), ("check", "--format", "json=out.json")):
        done = subprocess.run(
            ["sh", "-c", 'ulimit -f 8; exec "$0" "$@"', DOCTOR, *words, "--quick", "--device=cpu"],
            cwd=tmp_path, env=runs.environment(), capture_output=True, text=True, check=False,
        )  # fmt: skip
        # A lost report hides no finding: what was found is still exit 1.
        assert done.returncode in ((2,) if words[0] == "collect" else (1, 3)), done.stderr
        assert "cannot be written" in done.stderr
        assert [file.name for file in tmp_path.iterdir()] == ["out.json"]
        assert (tmp_path / "out.json").read_text() == "old"


def test_what_is_no_file_is_not_replaced(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    for private in (True, False):
        with pytest.raises(OSError, match=r"no regular file|No such device"):
            replace_file(tmp_path / "fifo", "x", private=private)
        with pytest.raises(OSError, match=r"."):
            replace_file(tmp_path, "x", private=private)
    replace_file(Path("/dev/null"), "x", private=False)
    assert Path("/dev/null").is_char_device()


def test_show_prints_what_would_be_sent_and_writes_nothing(tmp_path: Path) -> None:
    done = runs.doctor("collect", "--show", "--quick", "--device", "cpu", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["redacted"] is True
    assert list(tmp_path.iterdir()) == []


def test_a_bug_of_ours_leaves_a_file_to_attach(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["retina-doctor", "check", "--url", "http://svc:Kx7vbq91@h/", "--token", "Zz81kq"])
    try:
        raise RuntimeError("cannot reach postgres://svc:Kx7vbq91@db-9/faces for zhangsanfeng")
    except RuntimeError as error:
        file = write_crash_file(error)
    assert file is not None
    text = file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    for secret in ("Kx7vbq91", "Zz81kq", "zhangsanfeng", "db-9"):
        assert secret not in text
    assert "RuntimeError" in text
    assert "test_untrusted.py" in text


def test_a_broken_report_still_tells_what_was_judged(tmp_path: Path) -> None:
    """A writer that raises, in the real program: findings by name, exit 3, a crash file."""
    (tmp_path / "snapshot.json").write_text(json.dumps(raw("port-in-use")))
    program = (
        "import sys, retina_doctor.reports.terminal as t\n"
        "def broken(*_): raise RuntimeError('no report')\n"
        "t.write = broken\nfrom retina_doctor.main import main\nmain()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "diagnose", "snapshot.json"], cwd=tmp_path, env=runs.environment(),
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 3
    assert "port-in-use" in done.stdout
    assert "verdict: findings" in done.stdout
    assert "Traceback" not in done.stderr
    [crash] = tmp_path.glob("retina-doctor-crash-*.txt")
    assert str(crash) in done.stderr
