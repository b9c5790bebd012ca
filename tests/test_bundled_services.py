"""Services that bring their packages along: a pex, shiv, and what PyInstaller has made."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sysconfig
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from retina_doctor_checks.probes.service import look_processes

from retina_doctor.standpoint.process_python import python_of
from tests.doctor import environment, report, roots, verdicts
from tests.test_process_python import BASE

SITE = Path(sysconfig.get_paths()["purelib"])
LIBRARY = "onnxruntime/capi/libonnxruntime_stand_in.so"
LISTENS = """
import ctypes, socket, sys, time
ctypes.CDLL(sys.argv[-1])
one = socket.create_server(("127.0.0.1", 0))
print(one.getsockname()[1], flush=True)
time.sleep(600)
"""


def library(folder: Path) -> Path:
    """A shared library at the place where a package has its own."""
    path = folder / LIBRARY
    path.parent.mkdir(parents=True)
    (folder.parent / "empty.c").write_text("int nothing;\n")
    subprocess.run(["cc", "-shared", "-o", path, folder.parent / "empty.c"], check=True)
    return path


@contextmanager
def listening(*words: str | Path) -> Iterator[tuple[int, str]]:
    """(its pid, its port)"""
    with subprocess.Popen([*map(str, words)], stdout=subprocess.PIPE, text=True, cwd="/") as process:
        try:
            assert process.stdout
            yield process.pid, process.stdout.readline().strip()
        finally:
            process.kill()


def told_of(port: str, folder: Path) -> dict[str, Any]:
    env = environment(RETINA_DOCTOR_SERVICE_ATTACH=None)
    return report("check", "--device", "cpu", "--only", "RD005,RD261,RD501,RD510", "--port", port, cwd=folder, env=env)


def test_the_packages_of_a_pex_are_those_of_its_service(tmp_path: Path) -> None:
    wheel = tmp_path / "installed_wheels" / "onnxruntime-1.31.1-cp311.whl"
    loaded = library(wheel)
    pex = tmp_path / "unzipped_pexes" / "face"
    (pex / ".deps").mkdir(parents=True)
    (pex / "PEX-INFO").write_text(json.dumps({"distributions": {wheel.name: "x"}}))
    (pex / "__main__.py").write_text(LISTENS)
    (pex / ".deps" / wheel.name).symlink_to(wheel)
    (pex / ".deps" / "all").symlink_to(SITE)  # a real onnxruntime
    with listening(BASE, pex, "app.py", loaded) as (pid, port):
        assert python_of(pid).paths == (str(pex / ".deps" / "all"), str(pex / ".deps" / wheel.name))
        told = told_of(port, tmp_path)
    assert told["target"]["chosen_by"] == str(pid)
    assert verdicts(told)["ort-missing"] == "passed"


@pytest.mark.parametrize(
    "words",
    [("-X", "dev", "{pex}"), ("-W", "ignore", "{pex}"), ("-Bsu", "{pex}/__main__.py"), ("-uXdev", "--", "{pex}")],
)
def test_a_pex_behind_pythons_own_options(words: tuple[str, ...], tmp_path: Path) -> None:
    pex = pex_of(tmp_path / "face of mine", LISTENS)
    with listening(BASE, *(word.format(pex=pex) for word in words), library(tmp_path / "a")) as (pid, _):
        assert python_of(pid).paths == (str(pex / ".deps" / "one.whl"),)


def pex_of(folder: Path, main: str) -> Path:
    (folder / ".deps" / "one.whl").mkdir(parents=True)
    (folder / "PEX-INFO").touch()
    (folder / "__main__.py").write_text(main)
    return folder


@pytest.mark.skipif(os.geteuid() != 0, reason="another user's service is looked at by root")
@pytest.mark.parametrize("way", ["link", "way", "own"])
def test_root_lists_no_packages_that_the_services_user_may_not(way: str, tmp_path: Path) -> None:
    with tempfile.TemporaryDirectory() as name:
        above = Path(name)
        above.chmod(0o755)
        pex = pex_of(above / "pex", SLEEPS)
        private = above / "private"
        (private / "open" / "secret").mkdir(parents=True)
        for folder in (above, private):
            (folder / "PEX-INFO").touch()
        if way != "own":
            private.chmod(0o700)
            (pex / ".deps" / "one.whl").rmdir()
            (pex / ".deps").rmdir()
            (pex / ".deps").symlink_to(private if way == "link" else private / "open")
        with as_nobody("-B", pex) as pid:
            assert python_of(pid).paths == ((str(pex / ".deps" / "one.whl"),) if way == "own" else ())


SLEEPS = "import time; print(0, flush=True); time.sleep(600)"


@contextmanager
def as_nobody(*words: str | Path) -> Iterator[int]:
    apart = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "/usr/bin/python3"]
    with listening(*apart, *words) as (pid, _):
        yield pid


@pytest.mark.parametrize(("count", "length"), [(1, 10), (700, 200), (1200, 10)])
def test_more_packages_than_a_program_can_be_started_with(count: int, length: int, tmp_path: Path) -> None:
    pex = pex_of(tmp_path / "pex", LISTENS)
    for number in range(count):
        (pex / ".deps" / f"{number:0{length}}").mkdir()
    with listening(BASE, pex, library(tmp_path / "a.whl")) as (_, port):
        told = told_of(port, tmp_path)
    assert told["target"]["chosen"] == "port"
    assert "interpreter" in told["facts"]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_pex_without_a_package_is_to_be_built_again(language: str, tmp_path: Path) -> None:
    pex = pex_of(tmp_path / "pex", LISTENS)
    with listening(BASE, pex, library(tmp_path / "a")) as (pid, _):
        told = report(
            "check", "--device", "cpu", "--only", "RD261", "--pid", str(pid), "--lang", language, cwd=tmp_path
        )
    [one] = told["findings"]
    assert one["name"] == "ort-missing"
    assert one["fix"]["commands"] == []
    assert str(pex / ".deps") in one["fix"]["text"]
    assert "`pip install" in one["fix"]["text"]


@pytest.mark.parametrize("inner", ["site-packages", "lib/python3.11/site-packages"])
def test_unpacked_packages_are_looked_at_where_no_installation_has_them(inner: str, tmp_path: Path) -> None:
    folder = tmp_path / "service 0123" / inner
    with listening(BASE, "-c", LISTENS, library(folder)) as (pid, _):
        assert python_of(pid).paths == ((str(folder),) if inner == "site-packages" else ())


@pytest.mark.parametrize("way", ["unpacked by itself", "there before", "linked since", "exchanged since"])
def test_what_a_service_has_unpacked_itself_was_not_installed_since(way: str, tmp_path: Path) -> None:
    """Of what is exchanged, one library is loaded from the old files, and one from the new."""
    folder = tmp_path / "service_0123" / "site-packages"
    first = tmp_path / "service_0123" / "libempty.so"
    waits = "import ctypes, sys; ctypes.CDLL(sys.argv[1]); print(0, flush=True); sys.stdin.readline(); "
    waits += LISTENS.replace("\n", "; ").strip("; ")
    if way == "unpacked by itself":
        first.parent.mkdir()
        subprocess.run(["cc", "-shared", "-o", first, "-xc", "/dev/null"], check=True)
    else:
        first = library(folder)
    second = folder / "onnxruntime/capi/libonnxruntime_second.so" if way == "exchanged since" else folder / LIBRARY
    words = [str(BASE), "-c", waits, str(first), str(second)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin
        assert process.stdout
        process.stdout.readline()
        begun = look_processes.started(f"/proc/{process.pid}")
        assert begun is not None
        late = tmp_path / "late"  # a file system counts in coarser steps than the kernel
        late.touch()
        while late.stat().st_ctime <= begun + 2 * look_processes.CLOCKS_APART:
            late.touch()
        if way == "unpacked by itself":
            library(folder)
        elif way == "linked since":
            (tmp_path / "other.so").hardlink_to(first)
        elif way == "exchanged since":
            content = first.read_bytes()
            first.unlink()
            second.write_bytes(content)
        (folder / "onnxruntime-1.31.1.dist-info").mkdir()
        process.stdin.write("\n")
        process.stdin.flush()
        process.stdout.readline()
        since = look_processes.about(process.pid)["installed_since"]
        process.kill()
    assert since == ([] if way == "unpacked by itself" else ["onnxruntime 1.31.1"])


def test_of_a_frozen_program_no_other_python_is_judged(tmp_path: Path) -> None:
    """PyInstaller's bootloader is no Python that could be asked, and one on PATH is not the service's."""
    frozen = tmp_path / "face"
    source = tmp_path / "face.c"
    source.write_text(
        "#include <dlfcn.h>\n#include <stdio.h>\n#include <unistd.h>\n#include <sys/socket.h>\n#include <netinet/in.h>\n"
        "int main(int n, char **v) {\n"
        " struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000001)}; socklen_t l = sizeof a;\n"
        " int s = socket(AF_INET, SOCK_STREAM, 0);\n"
        " if (!dlopen(v[1], RTLD_NOW)) return 1;\n"
        ' bind(s, (void *)&a, l); listen(s, 5); getsockname(s, (void *)&a, &l); printf("%d\\n", ntohs(a.sin_port));\n'
        " fflush(stdout); sleep(600); return 0; }\n"
    )
    subprocess.run(["cc", "-o", frozen, source, "-ldl"], check=True)
    with listening(frozen, library(tmp_path / "_internal")) as (pid, port):
        told = told_of(port, tmp_path)
    assert (told["target"]["chosen"], told["target"]["problem"]) == ("port", "no-python")
    assert told["target"]["chosen_by"] == str(pid)
    assert roots(told) == []
    assert verdicts(told)["ort-missing"] == "unknown"
    assert verdicts(told)["service-not-running"] == "passed"


@pytest.mark.parametrize("words", [("-c", LISTENS + "#" * 5000), ("-W", "x" * 300, "-c", LISTENS)])
def test_words_that_are_no_path_lead_nowhere(words: tuple[str, ...], tmp_path: Path) -> None:
    with listening(BASE, *words, library(tmp_path / "a")) as (pid, _):
        found = python_of(pid)
    assert (found.command, found.paths) == ((str(BASE),), ())


def test_another_program_at_the_port_is_no_service(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as one:
        told = told_of(str(one.getsockname()[1]), tmp_path)
    assert told["target"]["chosen"] != "port"
