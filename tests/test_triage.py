"""Triage: from text to the cause. The texts are what real programs print, made here or written after their sources."""

from __future__ import annotations

import gzip
import io
import json
import re
import subprocess
import sys
import tarfile
import textwrap
import zipfile
from collections.abc import Callable, Iterator, Mapping
from functools import partial as applied
from pathlib import Path
from random import Random
from re import _constants as op  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from retina_doctor_checks.facts.driver import Nvml
from retina_doctor_checks.facts.ort_gpu import OrtFiles
from retina_doctor_checks.triage import tables
from retina_doctor_checks.triage.comparisons import COMPARISONS
from retina_doctor_checks.triage.diagnosing import TextDiagnosis, case_of, diagnoses
from retina_doctor_checks.triage.first_look import ANCHORS, Excerpt
from retina_doctor_checks.triage.partial import NotTold, partial
from retina_doctor_checks.triage.readings import judged
from retina_doctor_checks.triage.sentences import is_open, sentence, squeezed
from retina_doctor_checks.triage.symptoms import matches, seen
from retina_doctor_checks.triage.text import read
from retina_doctor_checks.triage.told import ANOTHER_BUILD, ARCHIVE, MOVED, OF_TEMPLATE, PACKAGE, PROVIDER, told

from retina_doctor.catalogue.registry import installed
from retina_doctor.words.page_source import source

TEXTS = Path(__file__).parent / "triage_texts"
PAGES = Path(tables.__file__).parent / "pages"


def of(text: str) -> tuple[TextDiagnosis, ...]:
    case, catalogue = case_of(read(text)), installed()
    return diagnoses(case, catalogue.explains, judged(case, catalogue))


def names(text: str) -> list[str]:
    return [one.name for one in of(text)]


def leading(text: str) -> list[str]:
    return [one.name for one in of(text) if one.leads]


# ---- texts


@pytest.mark.parametrize("folder", ["healthy", "unrelated"])
def test_there_are_enough_texts(folder: str) -> None:
    assert len(list((TEXTS / folder).iterdir())) >= {"healthy": 25, "unrelated": 10}[folder]


@pytest.mark.parametrize(
    "file", sorted([*(TEXTS / "healthy").iterdir(), *(TEXTS / "unrelated").iterdir()]), ids=lambda f: f.stem
)
def test_no_diagnosis_of_what_is_healthy_or_somebody_elses(file: Path) -> None:
    assert names(file.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("file", sorted((TEXTS / "sick").iterdir()), ids=lambda f: f.stem)
def test_sick_text_names_its_cause_first(file: Path) -> None:
    assert names(file.read_text(encoding="utf-8"))[0] == file.name.split(".")[0]


SICK = {
    file.stem: file.read_text(encoding="utf-8").strip()
    for file in sorted((TEXTS / "sick").glob("*.txt"))
    if "." not in file.stem
}
"""Cause -> a text written after the source of the program that prints it."""
LIBRARY, PORT, NUMPY, DRIVER = (
    SICK[name] for name in ("ort-cuda-major-mismatch", "port-in-use", "numpy-removed-alias", "driver-too-old")
)


def test_three_faults_in_one_log_are_all_named() -> None:
    log = "\n\n".join([PORT, NUMPY, DRIVER])
    assert set(leading(log)) == {"port-in-use", "numpy-removed-alias", "driver-too-old"}
    assert set(names(log)[:3]) == set(leading(log)), "what leads stands before what is a mere alternative"


def test_a_root_stands_before_its_echo() -> None:
    text = (
        "NVRM: The NVIDIA GPU 0000:03:00.0 installed in this system is not supported by open\n"
        "NVRM: nvidia.ko because it does not include the required GPU\n"
        "NVRM: GPU 0000:03:00.0: RmInitAdapter failed! (0x24:0x72:1603)\n$ nvidia-smi\nNo devices were found"
    )
    assert names(text)[0] == "driver-dropped-gpu"
    twice = "[CRITICAL] WORKER TIMEOUT (pid:12)\n" * 2 + "gunicorn: Form data requires 'python-multipart'"
    assert leading(f"{twice} to be installed.") == ["service-module-missing", "service-crashed-or-not-ready"]


def test_what_fits_equally_is_said_to() -> None:
    one = of("RuntimeError: No CUDA GPUs are available")[0]
    assert one.equal
    assert one.score < 0.5, "a sentence that fits many causes is no certainty"


def test_versions_alone_are_judged_by_the_checks_themselves() -> None:
    text = "| NVIDIA-SMI 535.129.03   Driver Version: 535.129.03   CUDA Version: 12.2 |\n\nonnxruntime-gpu     1.31.1\n"
    (one,) = of(text)
    assert one.name == "driver-too-old"
    assert [line.number for line in one.evidence] == [1, 3]
    assert names(text.replace("1.31.1", "1.26.0")) == [], "built for CUDA 12: fits"


def test_a_card_without_code_in_the_wheel_is_found_from_names() -> None:
    assert names("gpu: Tesla V100\ndriver: 580.95.05\ntorch==2.11.0") == ["torch-arch-unsupported"]


def test_both_distributions_in_a_sentence_are_no_list() -> None:
    assert names("I replaced onnxruntime 1.16.3 by onnxruntime-gpu 1.18.0, works now.") == []


# ---- the same text in other clothes

BEFORE_EACH_LINE = {
    "iso": "2026-11-23T09:00:00.123Z ",
    "compose": "face-api-1  | ",
    "syslog": "Nov 23 09:00:03 gpu-7 python[2211]: ",
    "short-iso": "2026-11-23T09:00:03+0000 gpu-7 python[2211]: ",
    "rfc5424": "<11>1 2026-11-23T09:00:03Z gpu-7 face 2211 - - ",
    "cri": "2026-11-23T09:00:00.123456789Z stderr F ",
    "kubectl": "[pod/face-0/api] 2026-11-23T09:00:00.123456789Z ",
    "loguru": "2026-11-23 09:00:03.123 | ERROR    | app.main:detect:12 - ",
    "logging": "2026-11-23 09:00:03,123 - app.main - ERROR - ",
    "glog": "E1123 09:00:03.123456  2211 server.cc:12] ",
    "vllm": "(Worker pid=2211) ERROR 11-23 09:00:03 [engine.py:12] ",
    "rich": "[11/23/26 09:00:03] INFO     ",
    "quote": "> ",
    "mail": "> > ",
}
Worn = Callable[[str], str]


def _each(change: Worn, end: str = "\n") -> Worn:
    return lambda text: end.join(change(line) for line in text.splitlines())


def _wrapped(**how: bool) -> Worn:
    return _each(lambda line: "\n".join(textwrap.wrap(line, 80, **how) or [""]))  # type: ignore[arg-type]


CLOTHES: Mapping[str, Worn] = {
    **{name: _each(applied(str.__add__, before)) for name, before in BEFORE_EACH_LINE.items()},
    "hard": _wrapped(break_long_words=True, break_on_hyphens=False, drop_whitespace=False),
    "soft": _wrapped(),
    "colour": _each(lambda line: f"\x1b[1;31m{line}\x1b[0m\x1b[K"),
    "crlf": _each(str, "\r\n"),
    "zh": lambda text: f"大家好，部署之后服务起不来，日志如下：\n\n{text}\n\n请问这是什么原因？谢谢！",
    "twice": lambda text: f"{text}\n\n{text}",
    "html": lambda text: text.replace("<", "&lt;").replace(">", "&gt;").replace("'", "&#x27;").replace("  ", "&nbsp; "),
    "box": _each(lambda line: f"│ {line.ljust(76)} │"),
    "docker": _each(lambda line: json.dumps({"log": f"{line}\n", "stream": "stderr"}, separators=(",", ":"))),
    "details": lambda text: f"<details>\n<summary>Full log</summary>\n\n```shell\n{text}\n```\n\n</details>",
    "markdown": lambda text: re.sub(r"([\[\]_*])", r"\\\1", text),
    "mojibake": lambda text: text.replace("'", "’").encode().decode("cp1252", "replace"),
    "ligature": lambda text: text.replace("fi", "ﬁ").replace("fl", "ﬂ"),
    "hard-space": lambda text: text.replace(" ", "\u00a0"),
}


@pytest.mark.parametrize("how", CLOTHES)
def test_every_sick_text_in_each_of_them(how: str) -> None:
    for file in sorted((TEXTS / "sick").glob("*.txt")):
        text = file.read_text(encoding="utf-8").strip()
        assert set(leading(CLOTHES[how](text))) == set(leading(text)), file.stem


@settings(deadline=None, max_examples=150)
@given(
    st.lists(st.sampled_from(sorted(SICK)), min_size=1, max_size=3, unique=True),
    st.lists(st.sampled_from(sorted(CLOTHES)), max_size=2, unique=True),
    st.randoms(),
)
@example(
    sorted(SICK)[:3], ["hard-space", "mojibake"], Random(0)
)  # a no-break space in the wrong code page: "Â" before it
@example(
    ["container-toolkit-missing", "cuda-used-before-fork", "ort-cuda-major-mismatch"],
    ["ligature", "mojibake"],
    Random(0),
)
@example(["model-empty", "ort-cuda-major-mismatch"], ["compose", "box"], Random(0))
@example(["model-empty", "ort-cuda-major-mismatch"], ["compose", "box"], Random(1))
@example(["model-empty", "ort-cuda-major-mismatch"], ["docker", "box"], Random(0))
@example(["model-empty", "ort-cuda-major-mismatch"], ["docker", "box"], Random(1))
def test_the_same_text_in_other_clothes_gives_the_same_diagnosis(
    causes: list[str], clothes: list[str], random: Any
) -> None:
    parts = [SICK[cause] for cause in causes]
    plain = set(leading("\n\n".join(parts)))
    random.shuffle(parts)
    text = "\n\n".join(parts)
    for how in clothes:
        text = CLOTHES[how](text)
    assert set(leading(text)) == plain
    assert plain >= set(causes)


PIECES = st.one_of(
    st.text(max_size=60),
    st.sampled_from(
        [*SICK.values(), "{", "…", "'", "\x1b[", "\r", "\x1e", "driver: 999.", "İ" * 9, '{"log":"' + "[" * 500]
    ),
    st.sampled_from([sentence for row in tables.symptoms() for sentence in row.says]),
)


@settings(deadline=None, max_examples=150)
@given(st.lists(PIECES, max_size=8), st.sampled_from(["\n", " ", "\n\n", ""]))
def test_no_text_breaks_it(pieces: list[str], between: str) -> None:
    text = between.join(pieces)
    for one in of(text):
        assert 0 <= one.score <= 1
        assert one.evidence
    assert names(text) == names(text)


# ---- tables


def test_every_cause_has_words_and_a_symptom() -> None:
    fitted = {name for row in tables.symptoms() for name in row.fits}
    assert fitted == set(tables.causes())
    for name, cause in tables.causes().items():
        assert cause.title.en, name
        assert re.search(r"[\u4e00-\u9fff]", cause.title.zh) and re.search(r"[\u4e00-\u9fff]", cause.decides.zh), name
        assert set(cause.explains) <= set(tables.causes()), name


def test_every_cause_without_a_check_has_pages() -> None:
    borne = {entry.check.name for entry in installed().entries}
    for name in set(tables.causes()) - borne:
        en, zh = source(PAGES, name, "en").of(""), source(PAGES, name, "zh").of("")
        commands = [re.findall(r"```sh\n(.*?)```", page.fix, re.DOTALL) for page in (en, zh)]
        assert commands[0] == commands[1] != [], name


def test_every_row_names_what_exists() -> None:
    for symptom in tables.symptoms():
        assert set(symptom.codes) <= set(tables.spellings()), symptom.name
        assert len(set(symptom.says)) == len(symptom.says), symptom.name
    for spelling in tables.spellings().values():
        assert all("{code}" in form for form in spelling.forms)
    fitted = {name for row in tables.symptoms() for name in row.fits}
    for row in tables.circumstances():
        assert set(row.weigh) <= fitted, row.name
        assert row.says or row.when, row.name
        assert row.when is None or row.when in COMPARISONS, row.name
    used = {row.when for row in tables.circumstances()} - {None}
    assert used == set(COMPARISONS)
    every = [row.name for row in tables.symptoms()] + [row.name for row in tables.circumstances()]
    assert len(every) == len(set(every))


def test_every_symptom_has_a_source_and_a_library() -> None:
    assert all(row.source and row.by for row in tables.symptoms())


def sentences() -> Iterator[str]:
    for spelling in tables.spellings().values():
        yield from spelling.forms
    for row in tables.symptoms():
        yield from row.says
        yield from filter(is_open, row.beside)
    for circumstance in tables.circumstances():
        yield from filter(is_open, circumstance.says)


def expressions() -> Iterator[str]:
    yield from {sentence(one).expression for one in sentences()}
    for row in tables.fact_rows():
        yield from row.finds
    yield from (PACKAGE, ARCHIVE, MOVED, OF_TEMPLATE, PROVIDER, ANOTHER_BUILD)


def ways(tree: Any) -> int:
    """In how many ways an expression can be tried from one place of the text: what a failure costs, whatever the text."""
    number = 1
    for kind, value in tree:
        if kind in (op.MAX_REPEAT, op.MIN_REPEAT):
            least, most, inner = value
            assert most is not op.MAXREPEAT, "an open repeat goes back through all that it took"
            number *= sum(ways(inner) ** count for count in range(least, most + 1))
        elif kind is op.POSSESSIVE_REPEAT:
            least, most, inner = value
            assert most is not op.MAXREPEAT
            assert ways(inner) <= LIMIT
        elif kind is op.ATOMIC_GROUP:
            assert ways(value) <= LIMIT
        elif kind is op.SUBPATTERN:
            number *= ways(value[-1])
        elif kind is op.BRANCH:
            number *= sum(ways(one) for one in value[1])
        elif kind in (op.ASSERT, op.ASSERT_NOT):
            assert ways(value[1]) <= LIMIT
    return number


LIMIT = 40_000


def test_every_expression_takes_linear_time() -> None:
    for expression in expressions():
        assert ways(parser.parse(expression)) <= LIMIT, expression


def test_the_measure_of_linear_time_sees_what_is_not() -> None:
    assert ways(parser.parse(r"(?:a{0,30}b?){0,30}c")) > LIMIT
    with pytest.raises(AssertionError):
        ways(parser.parse(r"(a+)+b"))
    assert ways(parser.parse(r"(?>.{0,240}?b)(?>.{0,240}?c)")) == 1


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("cannot open /models/det.onnx", True),
        ("Cannot open 'C:\\models\\det 10g.onnx' for reading", True),
        ("cannot open shared object file: No such file. Load model from det.onnx", False),
    ],
)
def test_a_path_holds_no_colon_but_a_drives(text: str, is_one: bool) -> None:
    assert bool(sentence("cannot open {path:p}.onnx").compiled.search(squeezed(text))) is is_one


def test_what_stands_in_a_box_is_read_without_its_edges() -> None:
    text = "│ face-1  | out of memory   │\n┃ x" + " " * 300_000 + "y"
    assert [line.text.split() for line in read(text).lines] == [["out", "of", "memory"], ["x"]]


def test_each_sentence_stands_its_worst_case() -> None:
    """The text that lets it begin everywhere and end nowhere. It is enough that this ends."""
    for one in set(sentences()):
        compiled = sentence(one).compiled
        begin = squeezed(re.split(r"…|\{|\(", one)[0] or "lib")[:8]
        for text in (begin * 800, ("1" * 4 + begin) * 400, begin + "x" * 5000):
            list(compiled.finditer(text))
            list(matches(one, read(text)))


def test_a_sentence_must_begin_with_some_text() -> None:
    with pytest.raises(ValueError, match="three characters"):
        sentence("…anything")


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        ("Error {=35}", "error 35", True),
        ("Error {=35}", "Error 350", False),
        ("lib(a|b).so.{n}: cannot", "LIBB.so.12: can\nnot", True),
        ("begins … ends", "begins and then\nends", True),
        ("begins … ends", "begins here\n\nends there", False),
        ("begins … ends", "begins" + "x" * 400 + "ends", False),
        ("open '{name:t}' failed", "open 'a b c' failed", True),
        ("open '{name:t}' failed", "open 'a' or 'b' failed", False),
    ],
)
def test_the_pattern_language(pattern: str, text: str, found: bool) -> None:
    assert bool(sentence(pattern).compiled.search(read(text).squeezed)) is found


# ---- facts


def test_facts_bear_the_line_they_come_from() -> None:
    text = read(
        "os: Ubuntu 22.04\ntorch 2.5.1+cu121\nGPU: RTX 4060 Ti, driver 555.58.02\nCUDA_VISIBLE_DEVICES=1 python app.py"
    )
    found = {(fact.kind, fact.value): fact.line.number for fact in told(text).facts}
    assert found["package", "torch 2.5.1+cu121"] == 2
    assert found["driver", "555.58.02"] == 3
    assert found["gpu", "rtx 4060 ti"] == 3
    assert found["cuda-visible-devices", "1"] == 4


@pytest.mark.parametrize(
    "text",
    [
        "onnxruntime-gpu    1.20.1", "onnxruntime-gpu==1.20.1", "onnxruntime_gpu: 1.20.1", "onnxruntime-gpu 1.20.1 pypi_0 pypi",
        "I use onnxruntime-gpu 1.20.1 here", "onnxruntime-gpu (1.20.1)", "onnxruntime_gpu-1.20.1-cp311-cp311-linux_x86_64.whl",
        "onnxruntime-gpu\n1.20.1", "| onnxruntime-gpu | 1.20.1 |",
    ],
)  # fmt: skip
def test_versions_in_lists_and_in_prose(text: str) -> None:
    assert told(read(text.replace(" | 1", " 1"))).packages == {"onnxruntime-gpu": "1.20.1"}


@pytest.mark.parametrize("file", sorted(TEXTS.rglob("*.txt")), ids=lambda f: f.stem)
def test_words_that_are_looked_for_first_leave_no_fact_out(file: Path) -> None:
    text = read(file.read_text(encoding="utf-8"))
    found = {(fact.kind, fact.value) for fact in told(text).facts}
    for row in tables.fact_rows():
        for expression in row.finds:
            for match in list(re.finditer(expression, text.flowing))[:20]:
                value = " ".join(match[1].split())
                assert (row.kind, value) in found or row.kind == "cuda", "what the driver supports is no toolkit"


def test_a_partial_fact_tells_what_it_was_told_and_refuses_the_rest() -> None:
    one = partial(Nvml, driver="535.129.03")
    assert one.driver == "535.129.03"
    with pytest.raises(NotTold, match=r"Nvml\.gpus"):
        _ = one.gpus
    with pytest.raises(AttributeError):
        _ = one.nonsense  # type: ignore[attr-defined]
    with pytest.raises(TypeError):
        partial(Nvml, nonsense=1)
    first = object()
    assert partial(OrtFiles, distributions=(first,)).in_force is first, "a property works as far as it is told"


# ---- the command


def triage(*arguments: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "retina_doctor", "triage", *arguments]
    return subprocess.run(command, input=given, capture_output=True, timeout=120)


MEASURED = """
import os, sys
child = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ)
_, status, used = os.wait4(child, 0)
os.write(2, b"%d" % used.ru_maxrss)
os._exit(os.waitstatus_to_exitcode(status))
"""
"""Until it executes another program a child counts the memory of its parent as its own: so the parent is a small one."""


def triage_measured(*arguments: str) -> tuple[subprocess.CompletedProcess[bytes], int]:
    """And its peak in KiB."""
    command = [sys.executable, "-S", "-c", MEASURED, sys.executable, "-m", "retina_doctor", "triage", *arguments]
    done = subprocess.run(command, capture_output=True, timeout=120)
    return done, int(done.stderr.split()[-1])


def test_json_keeps_the_contract() -> None:
    done = triage("-", "--format", "json", given=f"start\n{PORT}\n".encode())
    report = json.loads(done.stdout)
    assert done.returncode == report["exit_code"] == 1
    assert report["format"] == 1 and isinstance(report["facts"], dict)
    first = report["diagnoses"][0]
    assert (first["name"], first["code"]) == ("port-in-use", "RD503")
    assert 0 < first["score"] <= 1
    assert first["evidence"] == [{"line": 3, "text": PORT.splitlines()[1]}]
    assert first["ask"][0].keys() == {"command", "decides"}


def test_nothing_found_is_exit_0_and_says_whose_it_is_not() -> None:
    done = triage("-", given=(TEXTS / "unrelated" / "npm.txt").read_bytes())
    assert done.returncode == 0
    assert b"not one of mine" in done.stdout
    assert b"not one of mine" not in triage("-", given=b"all is well\n").stdout


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_report_fits_80_columns_except_what_is_for_copying(language: str) -> None:
    from rich.cells import cell_len

    done = triage("-", "--lang", language, given="\n\n".join(SICK.values()).encode())
    commands = {cause.ask for cause in tables.causes().values()}
    for line in done.stdout.decode().splitlines():
        if line.strip() not in commands and "retina-doctor explain" not in line and not line.startswith("       "):
            assert cell_len(line) <= 80, line


def test_no_escape_sequence_of_the_text_reaches_the_terminal() -> None:
    evil = "\x1b]0;owned\x07\x1b[2J\x9b31m Address already in use \u202e\x08\x7f $(touch /tmp/x) `id`"
    for arguments in ((), ("--format", "json")):
        out = triage("-", *arguments, given=evil.encode()).stdout.decode()
        assert "port-in-use" in out
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]", out)
        assert "[2J" not in out and "owned" not in out, "nor its remains"


def test_commands_come_from_the_tables_alone() -> None:
    report = json.loads(
        triage("-", "--format", "json", given=b"Address already in use; $(rm -rf ~) port 8000\n").stdout
    )
    commands = {cause.ask for cause in tables.causes().values()}
    assert {ask["command"] for one in report["diagnoses"] for ask in one["ask"]} <= commands


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda p: p / "none.log", "no such file"),
        (lambda p: p, "is a directory"),
        (lambda p: _written(p / "empty.log", b""), "is empty"),
        (lambda p: _written(p / "blank.log", b" \n\n"), "is empty"),
        (lambda p: _written(p / "a.out", b"\x7fELF\x02\x01\x01\0\0\0"), "is not text"),
        (lambda p: _written(p / "zeros", bytes(9000)), "is not text"),
        (lambda p: _written(p / "cut.gz", gzip.compress(b"x" * 9000)[:12]), "gzip"),
        (lambda p: _written(p / "bad.zip", b"PK\x03\x04 and no more"), "zip"),
        (lambda p: _written(p / "picture.gz", gzip.compress(b"\x89PNG\r\n\x1a\n" + bytes(99))), "no text"),
    ],
)
def test_bad_input_is_one_clear_line_and_exit_2(tmp_path: Path, make: Any, words: str) -> None:
    done = triage(str(make(tmp_path)))
    assert done.returncode == 2
    assert done.stdout == b""
    assert done.stderr.count(b"\n") == 1
    assert words in done.stderr.decode()


def _written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def archive(kind: str, content: bytes) -> bytes:
    out = io.BytesIO()
    if kind == "gz":
        return gzip.compress(content)
    if kind == "zip":
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
            packed.writestr("logs/picture.png", b"\x89PNG\r\n\x1a\n" + bytes(50))
            packed.writestr("logs/app.log", content)
        return out.getvalue()
    with tarfile.open(fileobj=out, mode="w:gz" if kind == "tar.gz" else "w") as packed:
        for name, data in (("logs/core", bytes(5000)), ("logs/app.log.gz", gzip.compress(content))):
            member = tarfile.TarInfo(name)
            member.size = len(data)
            packed.addfile(member, io.BytesIO(data))
    return out.getvalue()


@pytest.mark.parametrize("kind", ["gz", "zip", "tar", "tar.gz"])
@pytest.mark.parametrize("piped", [False, True])
def test_archives_are_read_as_what_they_hold(tmp_path: Path, kind: str, piped: bool) -> None:
    packed = archive(kind, f"{PORT}\n".encode())
    done = (
        triage("-", "--format", "json", given=packed)
        if piped
        else triage(str(_written(tmp_path / "a", packed)), "--format", "json")
    )
    report = json.loads(done.stdout)
    assert report["diagnoses"][0]["name"] == "port-in-use"
    assert report["diagnoses"][0]["evidence"][0]["line"] == 2


def test_several_files_are_one_case_and_each_line_says_whose_it_is(tmp_path: Path) -> None:
    a, b = (
        _written(tmp_path / "a.log", LIBRARY.splitlines()[0].encode()),
        _written(tmp_path / "b.txt", b"x\nCUDA 12.4\n"),
    )
    report = json.loads(triage(str(a), str(b), "--format", "json").stdout)
    assert report["diagnoses"][0]["name"] == "ort-cuda-major-mismatch"
    assert report["diagnoses"][0]["evidence"][0]["file"] == str(a)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "gb18030", "utf-8-sig"])
def test_encodings_of_windows(encoding: str) -> None:
    text = f"服务启动失败\r\n{PORT.splitlines()[-1]}\r\n"
    out = triage("-", given=text.encode(encoding)).stdout.decode()
    assert "port-in-use" in out
    assert "服务启动失败" in out, "the line before the evidence is shown"


def test_another_encoding_in_the_middle_of_a_log() -> None:
    """onnxruntime on Windows writes wide characters whatever the rest of the output is."""
    mixed = b"starting the service, please wait\n" * 3 + PORT.splitlines()[-1].encode("utf-16-le") + b"\nthe end\n"
    assert b"port-in-use" in triage("-", given=mixed).stdout


def test_a_large_log_is_streamed_in_bounded_memory(tmp_path: Path) -> None:
    log = tmp_path / "large.log"
    with log.open("wb") as file:
        for count in range(200_000):
            file.write(b"2026-11-23 09:00:00 INFO 10.0.0.7 GET /health 200 in 3 ms trace=%032x\n" % (count * 7919))
            if count % 500 == 0:
                file.write(b"2026-11-23 09:00:00 WARN onnxruntime: slow run %d\n" % count)
            if count == 150_000:
                file.write(f"{LIBRARY}\n".encode())
    done, peak = triage_measured(str(log), "--format", "json")
    report = json.loads(done.stdout)
    assert report["diagnoses"][0]["name"] == "ort-cuda-major-mismatch"
    with log.open("rb") as file:
        expected = next(number for number, line in enumerate(file, 1) if b"libcublasLt" in line)
    assert report["diagnoses"][0]["evidence"][0]["line"] == expected
    assert peak < 150 * 1024, "KiB"


def test_a_gigabyte_costs_no_more_memory(tmp_path: Path) -> None:
    """Mostly holes, which a log that is cut short while it is open has, and which are read as fast as memory is."""
    log = tmp_path / "huge.log"
    with log.open("wb") as file:
        file.write(b"2026-11-23 09:00:00 INFO started\n" * 1000)
        file.seek(1 << 30)
        file.write(f"{LIBRARY}\n".encode())
    done, peak = triage_measured(str(log), "--format", "json")
    assert json.loads(done.stdout)["diagnoses"][0]["name"] == "ort-cuda-major-mismatch"
    assert peak < 150 * 1024, "KiB"


# ---- the first look


def excerpt(content: bytes, size: int) -> list[tuple[int, bytes]]:
    one = Excerpt()
    for start in range(0, len(content), size):
        one.feed(content[start : start + size])
    return list(one.end())


@settings(deadline=None, max_examples=60)
@given(
    st.integers(1, 400),
    st.lists(st.sampled_from([b"all is well", b"an ERROR here", b"", b"nothing", b"CUDA"]), max_size=60),
)
def test_chunks_of_any_size_keep_the_same_lines(size: int, lines: list[bytes]) -> None:
    content = b"\n".join(lines)
    kept = excerpt(content, size)
    for number, line in kept:
        assert content.split(b"\n")[number - 1] == line
    assert len({number for number, _ in kept}) == len(kept)
    for number, line in enumerate(lines, 1):
        if line == b"CUDA" and lines[:number].count(b"CUDA") <= 3:
            assert (number, line) in kept


@pytest.mark.parametrize("size", [60_000, 3_000_000])
def test_the_one_line_that_differs_in_a_code_is_not_lost(size: int) -> None:
    line = "[  100.123456] NVRM: Xid (PCI:0000:00:1e): %d, pid=4242, name=python, channel 0x00000010\n"
    count = size // len(line)
    log = (line % 13) * count + (line % 79) + (line % 13) * 10
    report = json.loads(triage("-", "--format", "json", given=log.encode()).stdout)
    assert report["diagnoses"][0]["name"] == "gpu-fallen-off-bus"
    assert report["diagnoses"][0]["evidence"][0]["line"] == count + 1


def test_most_sentences_of_programs_hold_an_anchor() -> None:
    """Those that do not are found where an anchor is near: few programs say what is wrong without such a word."""
    own = [one for row in tables.symptoms() if not row.prose for one in row.says]
    held = [one for one in own if any(anchor.decode() in one.lower() for anchor in ANCHORS)]
    assert len(held) >= 0.75 * len(own)


def test_reading_is_pure_and_quick_to_repeat() -> None:
    text = read("\n\n".join(SICK.values()))
    assert seen(text) == seen(text)
    assert told(text) == told(text)
