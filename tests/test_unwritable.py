"""What cannot be written costs that alone: one line says so, and the exit code is the one of the verdict. Real refusals: closed
and full streams, a full and a read-only file system, no home, no locale, no room for temporary files."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from pathlib import Path

import pytest

from retina_doctor.codec import replace
from retina_doctor.support_file import save
from tests.machines import machine
from tests.odd_probes import runs
from tests.test_bare_surroundings import APART

VERDICTS = {
    "check": "check --quick --device cpu",
    "healthy": "diagnose t4-healthy.json",
    "found": "diagnose model-missing.json",
    "unknown": "diagnose busy-machine.json",
    "several": "diagnose t4-healthy.json model-missing.json",
    "nagios": "diagnose model-missing.json --format nagios",
    "npd": "diagnose busy-machine.json --format npd",
    "demo": "demo",
    "diff": "diff t4-healthy.json model-missing.json",
    "diff json": "diff t4-healthy.json t4-healthy.json --format json",
    "triage": "triage log.txt",
    "scan": "scan app.py",
    "fleet": "fleet report t4-healthy.json model-missing.json",
    "fleet json": "fleet report t4-healthy.json --format json",
    "fix": "fix --plan app.py",
}
SHOWING = (
    "list",
    "explain RD101",
    "--version",
    "--help",
    "check --help",
    "fleet --help",
    "demo --names",
    "collect --quick -o -",
)
"""Commands that are there to show something: where they cannot, that is no success."""
STREAMS = {
    ">&-": "standard output is closed",
    ">/dev/full": "standard output cannot be written: No space left on device",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("machines")
    for name in ("t4-healthy", "model-missing", "busy-machine"):
        (made / f"{name}.json").write_text(save(replace(machine(name).snapshot, label=name)), encoding="utf-8")
    (made / "log.txt").write_text("ImportError: libcublas.so.12: cannot open shared object file: No such file\n")
    (made / "app.py").write_text("import cv2\nimage = cv2.imread('a.jpg')\nprint(image.shape)\n")
    made.chmod(0o755)
    return made


def ran(script: str, cwd: Path, *, apart: bool = False, **more: str) -> subprocess.CompletedProcess[str]:
    """`@` stands for the doctor. *apart*: in a mount namespace of its own."""
    script = script.replace("@", shlex.join(runs.COMMAND))
    return subprocess.run(
        [*(APART if apart else []), "sh", "-c", script],
        cwd=cwd,
        env=runs.environment(RETINA_DOCTOR_SERVICE_ATTACH="false", **more),
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("stream", STREAMS)
@pytest.mark.parametrize("name", VERDICTS)
def test_standard_output_that_takes_nothing_changes_no_verdict(name: str, stream: str, folder: Path) -> None:
    whole = ran(f"@ {VERDICTS[name]}", folder)
    assert whole.stdout and whole.stderr == ""
    lost = ran(f"@ {VERDICTS[name]} {stream}", folder)
    assert lost.returncode == whole.returncode
    assert lost.stderr.startswith(f"retina-doctor: {STREAMS[stream]}") and lost.stderr.count("\n") == 1


@pytest.mark.parametrize("stream", STREAMS)
@pytest.mark.parametrize("words", SHOWING)
def test_a_command_that_only_shows_something_has_failed(words: str, stream: str, folder: Path) -> None:
    if words.endswith("--help") and stream == ">&-":
        pytest.skip("Typer prints its help to nobody, and says nothing of it")
    lost = ran(f"@ {words} {stream}", folder)
    assert lost.returncode == 3
    assert lost.stderr.startswith(f"retina-doctor: {STREAMS[stream]}") and lost.stderr.count("\n") == 1


@pytest.mark.parametrize("stream", STREAMS)
def test_a_file_that_was_written_is_no_failure(stream: str, folder: Path, tmp_path: Path) -> None:
    for words, file in (("collect --quick --device cpu -o", "s.json"), ("init --device cpu -o", "d.toml")):
        lost = ran(f"@ {words} {tmp_path / file} {stream}", folder)
        assert lost.returncode == 0 and STREAMS[stream] in lost.stderr
        assert (tmp_path / file).stat().st_size > 100


def test_standard_error_that_takes_nothing(folder: Path) -> None:
    for name, words in VERDICTS.items():
        whole = ran(f"@ {words}", folder)
        for stream in ("2>&-", "2>/dev/full"):
            lost = ran(f"@ {words} {stream}", folder)
            assert lost.returncode == whole.returncode, (name, stream)
            assert bool(lost.stdout) == bool(whole.stdout), (name, stream)


FULL = "mount -t tmpfs -o size=32k none /mnt && head -c 100000 /dev/zero > /mnt/filler 2> /dev/null;"
READ_ONLY = "mount -t tmpfs none /mnt && mount -o remount,ro /mnt;"
REFUSED = {"full": (FULL, "No space left on device"), "read-only": (READ_ONLY, "Read-only file system")}
FORMS = ("terminal", "json", "html", "junit", "sarif", "github", "gitlab", "markdown", "prometheus", "nagios", "npd")


@pytest.mark.parametrize("how", REFUSED)
@pytest.mark.parametrize("name", ["t4-healthy", "model-missing", "busy-machine"])
def test_a_report_that_cannot_be_written_costs_itself_alone(name: str, how: str, folder: Path, tmp_path: Path) -> None:
    """Of eleven formats ten are lost; the one on standard output and the one in another folder are whole."""
    make, told = REFUSED[how]
    whole = ran(f"@ diagnose {name}.json", folder)
    words = [f"--format {form}=/mnt/{form}" for form in FORMS]
    lost = ran(
        f"{make} @ diagnose {name}.json --format terminal {' '.join(words)} --format json={tmp_path}/r",
        folder,
        apart=True,
    )
    assert lost.returncode == whole.returncode
    assert lost.stdout == whole.stdout
    *lines, last = lost.stderr.splitlines()
    assert sorted(lines) == sorted(f"retina-doctor: /mnt/{form}: cannot be written: {told}." for form in FORMS)
    assert last.endswith("json report written to " + f"{tmp_path}/r.")
    assert json.loads((tmp_path / "r").read_text())["exit_code"] == whole.returncode


@pytest.mark.parametrize("how", REFUSED)
def test_the_machine_is_looked_at_all_the_same(how: str, folder: Path) -> None:
    make, told = REFUSED[how]
    lost = ran(f"{make} @ --quick --device cpu --format html=/mnt/x.html --format json", folder, apart=True)
    assert json.loads(lost.stdout)["exit_code"] == lost.returncode
    assert lost.stderr == f"retina-doctor: /mnt/x.html: cannot be written: {told}.\n"


@pytest.mark.parametrize("how", REFUSED)
def test_reports_and_the_history_of_a_fleet(how: str, folder: Path) -> None:
    make, told = REFUSED[how]
    files = "t4-healthy.json model-missing.json"
    whole = ran(f"@ fleet report {files}", folder)
    lost = ran(
        f"{make} @ fleet report {files} --format terminal --format html=/mnt/x --into /mnt/h.db", folder, apart=True
    )
    assert (lost.returncode, lost.stdout) == (whole.returncode, whole.stdout)
    kept, report = sorted(lost.stderr.splitlines())  # what is known before the look is told before it
    assert kept.startswith("retina-doctor: /mnt/h.db: the run is not kept: ")
    assert report == f"retina-doctor: /mnt/x: cannot be written: {told}."


def test_a_history_that_is_full_keeps_what_it_had(folder: Path) -> None:
    first = "@ fleet report t4-healthy.json --into /mnt/h.db --run one > /dev/null;"
    fill = "head -c 9000000 /dev/zero > /mnt/filler 2> /dev/null;"
    second = "@ fleet report t4-healthy.json model-missing.json --into /mnt/h.db --run two; echo $?; rm /mnt/filler;"
    third = (
        "@ fleet report model-missing.json --into /mnt/h.db --run three > /dev/null; @ fleet diff /mnt/h.db one three"
    )
    done = ran(f"mount -t tmpfs -o size=256k none /mnt; {first} {fill} {second} {third}", folder, apart=True)
    assert "/mnt/h.db: the run is not kept: " in done.stderr and done.stderr.count("\n") == 1
    assert "\n1\n" in done.stdout, "the verdict of the run that was not kept"
    assert done.returncode in (0, 1, 3), done.stdout


def test_no_room_for_temporary_files(folder: Path, tmp_path: Path) -> None:
    several = f"@ diagnose t4-healthy.json model-missing.json --format json={tmp_path}/r"
    for words in (VERDICTS["check"], VERDICTS["several"], VERDICTS["triage"], VERDICTS["scan"], VERDICTS["fix"]):
        whole = ran(f"@ {words}", folder)
        lost = ran(f"{FULL} @ {words}", folder, apart=True, TMPDIR="/mnt")
        assert (lost.returncode, lost.stderr) == (whole.returncode, "")
    assert ran(f"{FULL} {several}", folder, apart=True, TMPDIR="/mnt").returncode == 1
    assert len((tmp_path / "r").read_text().splitlines()) == 2


@pytest.mark.parametrize("home", ["/nonexistent", "/dev/null", "relative", "", "/proc/self/none"])
def test_a_home_that_is_none(home: str, folder: Path) -> None:
    for words in (VERDICTS["check"], VERDICTS["found"], VERDICTS["fix"], VERDICTS["scan"]):
        whole = ran(f"@ {words}", folder)
        there = ran(f"HOME={shlex.quote(home)}; export HOME; @ {words}", folder)
        assert there.returncode == whole.returncode and there.stderr == ""
    assert not (folder / "relative").exists() and not (folder / ".local").exists()


NO_HOME = "retina-doctor: fix: this user has no home folder: XDG_STATE_HOME names a folder for its journal.\n"


def test_a_user_without_any_home(folder: Path) -> None:
    """No HOME, and no entry in the list of users either."""
    from tests.test_bare_surroundings import OPEN

    words = f"{OPEN} unset HOME; exec setpriv --reuid=54321 --regid=54321 --clear-groups "
    done = ran(words + f"@ {VERDICTS['found']}", folder, apart=True)
    assert (done.returncode, done.stderr) == (1, "")
    done = ran(words + "@ --quick --device cpu --format json", folder, apart=True)
    assert json.loads(done.stdout)["exit_code"] == done.returncode and done.stderr == ""
    done = ran(words + "@ fix --apply app.py", folder, apart=True)
    assert done.returncode == 2 and done.stderr == NO_HOME


@pytest.mark.parametrize("locale", ["xx_YY.UTF-8", "C", "POSIX", "zh_CN.GBK", "broken.\udcff"])
def test_a_locale_that_is_not_there(locale: str, folder: Path) -> None:
    for lang in ("en", "zh"):
        # By the variable: `--lang` is repeated in "explain" where the locale means another language.
        whole = ran("@ demo", folder, RETINA_DOCTOR_LANG=lang)
        other = ran("@ demo", folder, RETINA_DOCTOR_LANG=lang, LC_ALL=locale, LANG=locale)
        assert (other.returncode, other.stdout, other.stderr) == (whole.returncode, whole.stdout, "")


def without_reader(words: list[str], folder: Path) -> tuple[int, str]:
    """(exit code, standard error) of the doctor, whose standard output is a pipe that nobody reads."""
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            [*runs.COMMAND, *words],
            cwd=folder,
            env=runs.environment(RETINA_DOCTOR_SERVICE_ATTACH="false"),
            stdout=writing,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    finally:
        os.close(writing)
    return done.returncode, done.stderr


@pytest.mark.parametrize("form", FORMS)
def test_a_report_that_nobody_reads(form: str, folder: Path) -> None:
    for name in ("t4-healthy", "model-missing", "busy-machine"):
        read = ran(f"@ diagnose {name}.json --format {form}", folder)
        assert without_reader(["diagnose", f"{name}.json", "--format", form], folder) == (read.returncode, "")


@pytest.mark.parametrize("words", ["list", "explain RD101", "demo", "--help", "check --help", "-V"])
def test_words_that_nobody_reads(words: str, folder: Path) -> None:
    read = ran(f"@ {words}", folder)
    assert without_reader(words.split(), folder) == (read.returncode, "")


def test_an_interrupted_pipe_changes_nothing(folder: Path) -> None:
    done = ran("{ @ diagnose model-missing.json --format json; echo $? >&2; } | head -c 10", folder)
    assert done.stderr == "1\n"


LONG = "a" * 300
NAMES = {
    LONG: "File name too long",
    "loop": "Too many levels of symbolic links",
    "log.txt/x": "Not a directory",
    "closed/x": "Permission denied",
    "~nobody-of-this-name/x": "no such file",
}
READING = (
    "scan {}",
    "diagnose {}",
    "triage {}",
    "fleet report {}",
    "diff {} {}",
    "fix --plan {}",
    "explain RD101 --from {}",
)
WRITING = ("demo --format json={}", "collect --quick --device cpu -o {}", "init -o {}")


@pytest.fixture
def names(folder: Path, tmp_path: Path) -> Path:
    """A folder with files of each kind that the system refuses a user who is not root."""
    tmp_path.chmod(0o777)
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "log.txt").write_text("")
    (tmp_path / "closed").mkdir(mode=0o700)
    for above in tmp_path.parents:
        if above.stat().st_uid == os.getuid() and above.name.startswith("pytest"):
            above.chmod(0o755)
    return tmp_path


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("command", READING + WRITING)
def test_a_name_that_the_system_refuses_is_said_to_be_one(command: str, name: str, names: Path) -> None:
    from tests.test_bare_surroundings import NOBODY, OPEN

    done = ran(f"{OPEN} exec {NOBODY} @ {command.replace('{}', name)}", names, apart=True)
    told = "exists already" if (command, name) == ("init -o {}", "loop") else NAMES[name]
    assert done.stderr.count("\n") == 1 and told.lower() in done.stderr.lower(), done.stderr
    # A report that cannot be written for want of a right changes no verdict; a name that can be none is wrong usage.
    assert done.returncode == (1 if (command, name) == (WRITING[0], "closed/x") else 2)


def test_a_working_directory_that_is_gone(folder: Path, tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    done = ran("rmdir $PWD; @ demo --format json=x.json --format terminal", gone)
    assert (done.returncode, done.stderr) == (
        1,
        "retina-doctor: x.json: cannot be written: No such file or directory.\n",
    )
    assert done.stdout == ran("@ demo", folder).stdout
