"""What is read off compiled files, against NVIDIA's own tool, readelf and the loader; damaged files are told, not crashed on."""

from __future__ import annotations

import contextlib
import csv
import glob
import importlib.metadata
import os
import random
import re
import struct
import subprocess
import sys
from pathlib import Path

import numpy
import pytest
from retina_doctor_checks.advice.builds import known, onnxruntime_builds
from retina_doctor_checks.probes.native import elf, fatbin, installed, loader, places, room, whole
from retina_doctor_checks.probes.python_env import look_extensions

from tests.doctor import uv
from tests.standins.build import compile_c, functions, provider


@pytest.fixture(scope="module")
def cuobjdump(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """NVIDIA's tool, of its wheel."""
    folder = tmp_path_factory.mktemp("cuobjdump")
    words = [uv(), "pip", "install", "--quiet", "--no-deps", "--target", str(folder), "nvidia-cuda-cuobjdump==13.5.37"]
    subprocess.run(words, check=True, cwd="/", env={**os.environ, "UV_NO_CONFIG": "1"})
    [tool] = folder.glob("nvidia/*/bin/cuobjdump")
    tool.chmod(0o755)
    return tool


def test_gpu_code_is_read_as_nvidias_tool_reads_it(cuobjdump: Path) -> None:
    done = subprocess.run([cuobjdump, "--list-elf", provider()], capture_output=True, text=True, check=True)
    told = set(re.findall(r"\.(sm_\d+[af]?)\.cubin", done.stdout))
    done = subprocess.run([cuobjdump, "--list-ptx", provider()], capture_output=True, text=True, check=False)
    told |= {name.replace("sm_", "compute_") for name in re.findall(r"\.(sm_\d+[af]?)\.ptx", done.stdout)}
    assert told and set(fatbin.architectures(str(provider()))) == told


def test_the_table_says_of_the_installed_wheel_what_the_wheel_says() -> None:
    row = known(onnxruntime_builds(), "1.31.1", os.uname().machine)
    assert row is not None
    assert list(row.code) == fatbin.architectures(str(provider()))


def test_needed_libraries_are_read_as_readelf_reads_them() -> None:
    told = subprocess.run(["readelf", "-d", provider()], capture_output=True, text=True, check=True).stdout
    expected = [line.split("[")[1].rstrip("]") for line in told.splitlines() if "(NEEDED)" in line]
    assert elf.needed(str(provider())) == expected
    assert "libcublasLt.so.13" in expected
    assert elf.machine(str(provider())) == os.uname().machine
    assert elf.loader(os.path.realpath(sys.executable)) is not None
    assert elf.section(str(provider()), ".nv_fatbin") is not None
    assert elf.section(str(provider()), ".no_such_section") is None


def compiled_files() -> list[Path]:
    """Of every installed distribution that has any: one of each."""
    site = Path(numpy.__file__).parents[1]
    folders = [folder for folder in sorted(site.iterdir()) if folder.is_dir()]
    return [found[0] for folder in folders if (found := sorted(folder.rglob("*.so*")))]


def test_sections_and_needed_libraries_are_those_of_pyelftools() -> None:
    """An ELF reader of others, over files of many linkers (auditwheel, Cython, Rust, CUDA)."""
    from elftools.elf.elffile import ELFFile

    files = compiled_files()
    assert len(files) > 10
    for path in files:
        with path.open("rb") as opened:
            theirs = ELFFile(opened)
            dynamic = theirs.get_section_by_name(".dynamic")
            assert elf.needed(str(path)) == [t.needed for t in dynamic.iter_tags() if t.entry.d_tag == "DT_NEEDED"]
            for section in theirs.iter_sections():
                if section.name in (".text", ".dynstr", ".nv_fatbin"):
                    assert elf.section(str(path), section.name) == (section["sh_offset"], section["sh_size"])


def make(folder: Path, name: str, *needs: Path) -> Path:
    """A library that needs others."""
    folder.mkdir(exist_ok=True)
    library = folder / name
    flags = [f"-L{one.parent}" for one in needs] + [f"-l:{one.name}" for one in needs]
    source = functions({f"of_{name.partition('.')[0]}"}, library)
    subprocess.run(
        [
            "gcc",
            "-shared",
            "-fPIC",
            "-o",
            str(library),
            str(source),
            f"-Wl,-soname,{name}",
            "-Wl,--no-as-needed,-rpath,$ORIGIN",
            *flags,
        ],
        check=True,
    )
    return library


def test_the_loader_names_all_that_is_missing_at_once_and_what_it_finds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = make(tmp_path / "deep", "libdeep.so.1")
    one, two = make(tmp_path / "one", "libone.so.1", deep), make(tmp_path / "two", "libtwo.so.2")
    top = make(tmp_path / "top", "libtop.so", one, two)
    answer = loader.trace([str(top)])
    assert set(answer["missing"]) == {"libone.so.1", "libtwo.so.2"}
    monkeypatch.setenv("LD_LIBRARY_PATH", f"{one.parent}:{two.parent}")
    answer = loader.trace([str(top), "libnothing.so.7"])
    assert answer["found"]["libtwo.so.2"] == str(two)
    assert set(answer["missing"]) == {"libdeep.so.1", "libnothing.so.7"}
    assert answer["problem"] is None


def test_a_library_that_is_cut_short_is_the_loaders_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = make(tmp_path / "one", "libone.so.1")
    top = make(tmp_path / "top", "libtop.so", one)
    one.write_bytes(one.read_bytes()[:100])
    monkeypatch.setenv("LD_LIBRARY_PATH", str(one.parent))
    assert str(one) in loader.trace([str(top)])["problem"]


def test_nothing_of_a_library_is_run(tmp_path: Path) -> None:
    source = tmp_path / "source.c"
    mark = tmp_path / "ran"
    source.write_text(
        f'#include <stdio.h>\n__attribute__((constructor)) static void run(void) {{ fclose(fopen("{mark}", "w")); }}\n'
    )
    compile_c(tmp_path / "libevil.so", source)
    assert loader.trace([str(tmp_path / "libevil.so")])["problem"] is None
    assert not mark.exists()


@pytest.mark.parametrize("folder", ["a folder", "a:folder"])
def test_a_path_that_the_loaders_list_cannot_hold(folder: str, tmp_path: Path) -> None:
    """And which finds its neighbour by $ORIGIN: the folder that it lies in is its own all the same."""
    deep = make(tmp_path / folder, "libdeep.so.1")
    library = make(tmp_path / folder, "libtop.so", deep, make(tmp_path / "gone", "libgone.so.2"))
    subprocess.run(["rm", "-r", tmp_path / "gone"], check=True)
    answer = loader.trace([str(library), "libnothing.so.7"])
    assert answer["problem"] is None
    assert set(answer["missing"]) == {"libgone.so.2", "libnothing.so.7"}
    assert Path(answer["found"]["libdeep.so.1"]).name == "libdeep.so.1"


def test_damaged_files_are_told(tmp_path: Path) -> None:
    """Cut short anywhere, or with bytes of its headers changed: NotElf or an answer, never anything else, and soon."""
    whole = make(tmp_path / "lib", "libx.so.1").read_bytes()
    chance = random.Random(3)
    file = tmp_path / "damaged.so"
    for number in range(400):
        data = bytearray(whole[: chance.randrange(len(whole))] if number % 2 else whole)
        for _ in range(chance.randrange(1, 8)):
            if data:
                data[chance.randrange(min(len(data), 4096))] = chance.randrange(256)
        file.write_bytes(bytes(data))
        for read in (elf.needed, elf.loader, elf.machine, fatbin.architectures):
            try:
                read(str(file))
            except (elf.NotElf, OSError):
                continue


def test_damaged_gpu_code_ends(tmp_path: Path) -> None:
    """Containers and entries of any size and kind, behind a section header that names them."""
    chance = random.Random(5)
    source = tmp_path / "fat.c"
    for _ in range(40):
        words = ", ".join(str(chance.choice((0xBA55ED50, chance.randrange(2**32), 0, 16, 64))) for _ in range(256))
        start = f"0xBA55ED50, 0x00100001, {chance.randrange(2048)}, 0"
        source.write_text(f'__attribute__((section(".nv_fatbin"))) unsigned code[] = {{{start}, {words}}};\n')
        library = tmp_path / "libfat.so"
        compile_c(library, source)
        try:
            assert all(re.fullmatch(r"(sm|compute)_\d+[af]?", one) for one in fatbin.architectures(str(library)))
        except elf.NotElf:
            continue


@pytest.mark.parametrize("size", [2**63 - 8, 2**63, 2**64 - 1, 2**64 - 0x50])
def test_sizes_that_lead_nowhere_are_told(size: int, tmp_path: Path) -> None:
    """Of a container of GPU code, of an entry in one, of a section."""
    source, library = tmp_path / "fat.c", tmp_path / "libfat.so"
    words = f"0x00100001BA55ED50ULL, {size}ULL, 0x0000004000000002ULL, {size}ULL, 0, 0, 0, 0"
    source.write_text(f'__attribute__((section(".nv_fatbin"))) unsigned long long code[] = {{{words}}};\n')
    compile_c(library, source)
    with contextlib.suppress(elf.NotElf):
        assert set(fatbin.architectures(str(library))) <= {"sm_0"}

    source.write_text('const char text[] = "module compiled against ABI numpy.core";\n')
    compile_c(library, source)
    data = bytearray(library.read_bytes())
    place = elf.section(str(library), ".rodata")
    assert place is not None
    told = data.rindex(struct.pack("<QQ", *place))  # sh_offset and sh_size in the table of sections
    data[told + 8 : told + 16] = struct.pack("<Q", size)
    library.write_bytes(data)
    assert look_extensions.numpy_abi(str(library)) is None


def test_what_is_installed_is_what_importlib_metadata_names() -> None:
    """In our own environment: wheels, and one installed for editing."""
    found = installed.distributions(re.compile(""))
    told = {re.sub(r"[-_.]+", "-", one.name).lower(): one for one in importlib.metadata.distributions()}
    assert {name: one.version for name, one in found.items()} == {name: one.version for name, one in told.items()}
    assert {"onnxruntime-gpu", "retina-doctor", "numpy"} <= set(found)
    for name, one in found.items():
        if one.folder.endswith(".dist-info"):
            assert [(e.path, e.size, e.digest) for e in one.files()] == [
                (str(file), file.size, file.hash.value if file.hash else None) for file in told[name].files or ()
            ]
            assert one.values("Requires-Dist") == list(told[name].requires or ())


@pytest.mark.parametrize(
    "lines", ["a/b.py,sha256=x,3\r\nc.so.1,,\r\n", '"a,b/c.py",sha256=x,3\nd.py,"",\n', "\n\nlast.py,,7"]
)
def test_a_list_of_files_is_read_as_a_csv_reader_reads_it(lines: str, tmp_path: Path) -> None:
    (tmp_path / "x-1.dist-info").mkdir()
    (tmp_path / "x-1.dist-info" / "RECORD").write_bytes(lines.encode())
    told = installed.DistInfo(str(tmp_path), "x-1.dist-info", "x", "1").files()
    expected = [row for row in csv.reader(lines.splitlines()) if row]
    assert [entry.row for entry in told] == expected
    code = installed.DistInfo(str(tmp_path), "x-1.dist-info", "x", "1").files(".py,", ".so")
    assert [entry.row for entry in code] == [row for row in expected if row[0].endswith((".py", ".so.1"))]


def test_places_are_found_as_glob_finds_them(tmp_path: Path) -> None:
    for name in ("a/lib/x.so", "b/lib/x1.so", "b/lib/.x.so", "b/lib/x.sox", "c/x.so", ".d/lib/x.so", "a[1]/lib/x.so"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "lost.so").symlink_to("nowhere")
    assert places.matching(str(tmp_path), "lost.so") == [str(tmp_path / "lost.so")]
    for pattern in ("*/lib/x*.so", "a/lib/x.so", "a/*", "*.so", "nothing/*", "c/x.so/*", "*b/lib/*.sox", "a[1]/*/x.so"):
        there = glob.glob(f"{glob.escape(str(tmp_path))}/{pattern.replace('[', '[[]')}")  # noqa: PTH207 - what it is held against
        assert places.matching(str(tmp_path), pattern) == sorted(there)


def test_the_hash_of_a_file_is_as_its_record_says() -> None:
    entries = installed.distributions(re.compile("numpy$"))["numpy"].files("numpy/version.py")
    assert [entry.path for entry in entries][-1] == "numpy/version.pyi"
    for entry in entries:
        assert installed.sha256(entry.place) == entry.digest


PRINTING = """
import os, sys
from retina_doctor_checks.probes.native.output import captured
print("before")
with captured() as lines:
    print("by Python")
    print("by Python, as an error", file=sys.stderr)
    os.write(1, b"by a library\\n")
print("after")
assert sorted(lines) == ["by Python", "by Python, as an error", "by a library"], lines
"""


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_what_is_printed_is_captured_whoever_prints_it(unbuffered: str) -> None:
    environment = {**os.environ, "PYTHONUNBUFFERED": unbuffered}
    words = [sys.executable, "-c", PRINTING]
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "before\nafter\n"), done.stderr


ENDING = """
import os, subprocess, sys
from retina_doctor_checks.probes.native.output import captured
with captured() as lines:
    os.write(1, b"terminate called\\n")
    {end}
print(lines)
"""


def test_last_words_of_who_aborts_are_not_lost() -> None:
    words = [sys.executable, "-c", ENDING.format(end="os.abort()")]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode < 0
    assert "terminate called" in done.stderr


def test_a_daemon_that_keeps_the_streams_does_not_hold_us() -> None:
    words = [sys.executable, "-c", ENDING.format(end="left = subprocess.Popen(['sleep', '600'])") + "left.kill()"]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout) == (0, "['terminate called']\n"), done.stderr
    assert "terminate called" in done.stderr


def test_room_is_the_least_that_machine_and_control_groups_leave(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of this machine, and of files as a container of each version of cgroups has them."""
    assert (
        0 < room.left() <= 1024 * int(re.findall(r"MemAvailable: +(\d+)", Path("/proc/meminfo").read_text())[0]) * 1.5
    )
    for version, (most, used) in enumerate(room.FILES):
        group = tmp_path / str(version)
        group.mkdir()
        for given, left in (("5000\n", 3000), ("max\n", None), ("", None)):
            (group / most).write_text(given)
            (group / used).write_text("2000\n")
            assert room.left_in(str(group)) == left
    monkeypatch.setattr(room, "GROUPS", str(tmp_path / "sys"))  # a machine's own, as this process stands in it
    own = Path(room.groups()[0])
    own.mkdir(parents=True)
    (own / "memory.max").write_text("2500\n")
    (own / "memory.current").write_text("2000\n")
    assert room.left() == 500


@pytest.mark.parametrize(
    ("said", "listed", "other"),
    [
        ("1.26.4", "2.4.6", True), ("2026.10.19", "2026.10.19.post1", False), ("2.13.0", "2.13.0+cpu", False),
        ("2.0", "2.0.0", False), ("2.1.0rc1", "2.1.0", False), ("2.1", "2.10", True), (None, "2.1", False),
    ],
)  # fmt: skip
def test_two_releases_are_told_apart_by_their_numbers(said: str | None, listed: str, other: bool) -> None:
    assert whole.is_other(said, listed) is other


def test_a_library_that_auditwheel_copied_into_a_wheel_is_none_of_the_systems(tmp_path: Path) -> None:
    """It is gone with a part of the wheel: no system has one of that name to install."""
    module = tmp_path / "cv2.so"
    needed = [tmp_path / name for name in ("libopenblasp-r0-59ffcd50.3.15.so", "libGLnowhere.so.1")]
    for one in needed:
        compile_c(one, functions({f"f{needed.index(one)}"}, one), soname=one.name)
    source = tmp_path / "cv2.c"
    source.write_text("int f0(void), f1(void); int both(void) { return f0() + f1(); }\n")
    compile_c(module, source, *needed)
    for one in needed:
        one.unlink()
    told = look_extensions.extension("cv2", str(module), loader.trace([str(module)]))
    assert told["missing"] == ["libGLnowhere.so.1"]
