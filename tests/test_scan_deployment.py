"""`retina-doctor scan` of deployment files: each fault before and after, whole trees, and files that are none."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from retina_doctor_checks.analysis.deployment import (
    compose,
    dockerfile,
    kubernetes,
    projects,
    requirements,
    scripts,
    servers,
)
from retina_doctor_checks.analysis.text import SourceText

from retina_doctor.model import Severity
from tests import scanning
from tests.scan_trees import CUDA, PAIRS
from tests.scanning import grow
from tests.test_scan import scanned


@pytest.mark.parametrize("name", PAIRS)
def test_the_before_is_named_and_the_after_silent(name: str, tmp_path: Path) -> None:
    cause, before, after = PAIRS[name]
    assert {one.name for one in scanning.scanned(tmp_path / "before", before).findings} == {cause}
    told = scanning.scanned(tmp_path / "after", after)
    assert [(one.name, one.evidence) for one in told.findings] == []
    assert told.exit_code(Severity.ERROR) == 0
    assert told.snapshot.readings["source"].facts["unread"] == []


def test_the_corrected_line_is_silent(tmp_path: Path) -> None:
    """Each correction in its place, until nothing is left: of a tree with one of each."""
    files = {
        "Dockerfile": f"FROM {CUDA}\nRUN pip install onnxruntime-gpu==1.31.1\nEXPOSE 5000\n"
        f"CMD gunicorn -b 127.0.0.1:8080 app:app\n",
        "compose.yml": "services:\n  face:\n    build: .\n    gpus: all\n    ports:\n    - 127.0.0.1:80:5000\n",
        "run.sh": f"docker run {CUDA} true\n",
    }
    grow(tmp_path, files)
    seen: set[str] = set()
    for _ in range(8):
        findings = scanned(tmp_path, ".")["findings"]
        if not findings:
            break
        first = findings[0]
        seen.add(first["name"])
        file = Path(first["location"]["file"])
        lines = file.read_text().split("\n")
        old = lines[first["location"]["line"] - 1]
        lines[first["location"]["line"] - 1] = old.replace(first["evidence"]["text"], first["evidence"]["fixed"])
        file.write_text("\n".join(lines))
    assert scanned(tmp_path, ".", exit_code=0)["findings"] == []
    assert seen == {
        "ort-cuda-major-mismatch", "service-loopback-only", "port-not-published", "container-started-without-gpu",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "command", "fixed"),
    [
        ("Dockerfile", 'CMD ["gunicorn", "app:app"]', 'CMD ["gunicorn", "--bind", "0.0.0.0:8000", "app:app"]'),
        ("Dockerfile", "CMD python -m uvicorn app:app", "CMD python -m uvicorn --host 0.0.0.0 app:app"),
        ("Dockerfile", "CMD flask --app a run", "CMD flask --app a run --host 0.0.0.0"),
        ("Procfile", "web: /venv/bin/hypercorn app:app", "web: /venv/bin/hypercorn --bind 0.0.0.0:8000 app:app"),
        ("compose.yml", "    command: [uvicorn, 'app:app']", "    command: [uvicorn, --host, 0.0.0.0, 'app:app']"),
        ("compose.yml", "    command: gunicorn -b localhost app:app", "    command: gunicorn -b 0.0.0.0 app:app"),
        ("gunicorn.conf.py", "bind = '127.0.0.1:80'", 'bind = "0.0.0.0:80"'),
    ],
)
def test_the_corrected_command_is_silent(tmp_path: Path, name: str, command: str, fixed: str) -> None:
    composed = "services:\n  a:\n    image: a\n    ports: ['80:8000']\n"
    before = {"Dockerfile": "FROM python:3.11\n", "compose.yml": composed}.get(name, "")
    grow(tmp_path, {name: before + command + "\n"})
    [finding] = scanned(tmp_path, ".", exit_code=1)["findings"]
    assert finding["evidence"]["fixed"] == fixed.strip()
    grow(tmp_path, {name: before + fixed + "\n"})
    assert scanned(tmp_path, ".", exit_code=0)["findings"] == []


BUILT = "FROM nvidia/cuda:11.8.0-cudnn8-runtime-ubuntu22.04\nCOPY . .\nRUN %s\n"


@pytest.mark.parametrize(
    ("name", "install", "line", "fixed"),
    [
        (
            "requirements.txt",
            "pip install -r requirements.txt",
            "onnxruntime-gpu == 1.20.0 ; python_version > '3'",
            True,
        ),
        ("requirements.txt", "pip install -r requirements.txt", "onnxruntime-gpu==1.20.0 --hash=sha256:a", False),
        ("pyproject.toml", "poetry install", '[tool.poetry.dependencies]\nonnxruntime-gpu = "1.20.0"', False),
    ],
)
def test_a_pin_is_rewritten_where_it_is_plain(tmp_path: Path, name: str, install: str, line: str, fixed: bool) -> None:
    grow(tmp_path, {"Dockerfile": BUILT % install, name: line + "\n"})
    [finding] = scanned(tmp_path, ".", exit_code=1)["findings"]
    assert finding["name"] == "ort-cuda-major-mismatch"
    wanted = f"onnxruntime-gpu=={finding['evidence']['fits']} ; python_version > '3'" if fixed else None
    assert finding["evidence"]["fixed"] == wanted


@pytest.mark.parametrize(
    ("line", "fixed"),
    [
        ("onnxruntime==1.18.1", "onnxruntime-gpu==1.18.1"),
        ("onnxruntime==1.20.0", "onnxruntime-gpu=="),  # on PyPI it is built for CUDA 12
        ("onnxruntime==1.18.1 --hash=sha256:a", None),
        ("onnxruntime @ https://x.example/onnxruntime-1.18.0-cp310-cp310-linux_x86_64.whl", None),
    ],
)
def test_the_gpu_s_package_is_named_in_a_release_that_is_there_for_the_image(
    tmp_path: Path, line: str, fixed: str | None
) -> None:
    grow(tmp_path, {"Dockerfile": BUILT % "pip install -r requirements.txt", "requirements.txt": line + "\n"})
    [finding] = scanned(tmp_path, ".", exit_code=1)["findings"]
    assert finding["name"] == "ort-cpu-package"
    told = finding["evidence"]["fixed"]
    assert told is None if fixed is None else told.startswith(fixed)
    if told is not None:
        (tmp_path / "requirements.txt").write_text(told + "\n", encoding="utf-8")
        assert scanned(tmp_path, ".", exit_code=0)["findings"] == []


def test_who_goes_by_the_numbers_of_two_faults_in_one_another_does_no_harm(tmp_path: Path) -> None:
    lines = ["opencv-contrib-python==4.10.0.84", "onnxruntime==1.19.2", "fastapi", "opencv-python-headless==4.10.0.84"]
    lines += ["onnxruntime-gpu==1.19.2", "uvicorn"]
    grow(tmp_path, {"requirements.txt": "\n".join(lines)})
    [edit] = [one for one in scanned(tmp_path, ".", exit_code=1)["plan"] if one["edits"]]
    for one in edit["edits"]:
        at = one["location"]["line"] - 1
        lines[at : at + 1] = one["instead"].split("\n") if one["instead"] else []
    assert lines == ["opencv-contrib-python-headless==4.10.0.84", "fastapi", "onnxruntime-gpu==1.19.2", "uvicorn"]


def test_an_address_is_that_of_one_package(tmp_path: Path) -> None:
    lines = "opencv-python-headless==4.10.0.84\nopencv-contrib-python @ https://x.example/opencv_contrib_python-4.10-cp310.whl\n"
    grow(tmp_path, {"requirements.txt": lines})
    [finding] = scanned(tmp_path, ".", exit_code=0)["findings"]
    assert (finding["name"], finding["evidence"]["fixed"]) == ("opencv-both-packages", None)


@pytest.mark.parametrize(
    ("line", "fixed"),
    [
        ("poetry run docker run a:cuda12", "poetry run docker run --gpus all a:cuda12"),
        ("make run && docker run a:cuda12", "make run && docker run --gpus all a:cuda12"),
        ("podman container run a:cuda12", "podman container run --gpus all a:cuda12"),
        ("docker run x; docker run a:cuda12", None),
    ],
)
def test_the_gpu_is_asked_for_behind_the_real_run(tmp_path: Path, line: str, fixed: str | None) -> None:
    grow(tmp_path, {"a.sh": line + "\n"})
    [finding] = scanned(tmp_path, ".", exit_code=1)["findings"]
    assert finding["evidence"]["fixed"] == fixed


@pytest.mark.parametrize(
    ("name", "text", "line"),
    [
        ("Dockerfile", "FROM python:3.11\n# retina-doctor: ignore[RD521] a proxy\nCMD gunicorn app:app\n", 3),
        ("requirements.txt", "onnxruntime  # retina-doctor: ignore[ort-both-packages] tried\nonnxruntime-gpu\n", 1),
        ("compose.yml", f"services:\n  a:  # retina-doctor: ignore[RD231] by hand\n    image: {CUDA}\n", 2),
        ("Procfile", "# retina-doctor: ignore[RD521] a proxy\nweb: uvicorn app:app\n", 2),
        ("start.sh", f"docker run {CUDA} # retina-doctor: ignore[RD231] to look into it\n", 1),
    ],
)
def test_a_reason_is_honoured_and_counted_in_every_kind_of_file(
    tmp_path: Path, name: str, text: str, line: int
) -> None:
    (tmp_path / name).write_text(text)
    told = scanned(tmp_path, ".", exit_code=0)
    assert told["findings"] == []
    assert any(one["reason"] and "1 places ignored" in one["reason"] for one in told["checks"])
    (tmp_path / name).write_text(text.replace("retina-doctor", "another-doctor"))
    assert [one["location"]["line"] for one in scanned(tmp_path, ".", exit_code=1)["findings"]] == [line]


BOMB = "services:\n  a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"  {one}: &{one} [{', '.join([f'*{other}'] * 9)}]\n" for other, one in zip("abcdefgh", "bcdefghi", strict=True)
)


def test_files_that_are_no_such_files(tmp_path: Path) -> None:
    """A document that multiplies itself, tags that would construct objects, depth, junk, templates, encodings, sizes."""
    mark = tmp_path / "it-ran"
    (tmp_path / "tree").mkdir()
    tree = tmp_path / "tree"
    bad = "services:\n  a:\n    image: face\n    command: uvicorn app:app\n"
    (tree / "compose.bomb.yml").write_text(BOMB)
    (tree / "compose.bomb2.yml").write_text(bad + BOMB.replace("services:", "x-more:"))
    (tree / "compose.tag.yml").write_text(bad + f"  b: !!python/object/apply:os.system ['touch {mark}']\n")
    (tree / "compose.deep.yml").write_text(bad + "x: " + "[" * 20000)
    (tree / "compose.blocks.yml").write_text(bad + "x:\n  " + "- " * 20000 + "x\n")
    (tree / "compose.self.yml").write_text("services: &s\n  a: *s\n  <<: *s\n")
    (tree / "compose.junk.yml").write_bytes(bytes(range(256)) * 100)
    (tree / "junk.yml").write_bytes(bytes(range(256)) * 100)  # names nothing that a rule is about
    (tree / "chart.yaml").write_text(
        "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n{{ toYaml .Values.spec }}\n"
    )
    (tree / "large.yaml").write_text("apiVersion: v1\nkind: Pod\n" + "#" * (6 * 2**20))
    (tree / "requirements.txt").write_bytes("onnxruntime\r\nonnxruntime-gpu\r\n".encode("utf-16"))
    (tree / "requirements-latin.txt").write_bytes(b"onnxruntime # caf\xe9\n")
    (tree / "pyproject.toml").write_text("[project\nonnxruntime")
    (tree / "Dockerfile").symlink_to("Dockerfile")
    (tree / "Dockerfile.circle").symlink_to(".")
    (tree / "Dockerfile.empty").touch()
    (tree / "Dockerfile.lost").write_text("\\\n# FROM x\nFROM\nRUN <<E\nFROM a\n")
    (tree / "Dockerfile.dockerignore").write_text("CMD gunicorn app:app\n")
    os.mkfifo(tree / "compose.pipe.yml")
    told = scanned(tmp_path, "tree", exit_code=1)
    assert not mark.exists()
    found = {(Path(one["location"]["file"]).name, one["name"]) for one in told["findings"]}
    assert found == {
        ("compose.bomb2.yml", "service-loopback-only"),
        ("compose.tag.yml", "service-loopback-only"),
        ("requirements.txt", "ort-both-packages"),
    }
    unread = {Path(one["file"]).name for one in told["facts"]["source"]["unread"]}
    assert unread == {
        "compose.deep.yml", "compose.blocks.yml", "compose.junk.yml", "chart.yaml", "large.yaml", "requirements-latin.txt",
        "pyproject.toml", "compose.pipe.yml", "Dockerfile",
    }  # fmt: skip


def test_five_megabytes_of_yaml_are_read(tmp_path: Path) -> None:
    services = "".join(f"  s{number}: {{image: face, ports: ['{number}:80']}}\n" for number in range(10000))
    comment = "# and so on\n" * (4 * 2**20 // 12)
    (tmp_path / "compose.yml").write_text("services:\n" + services + comment)
    told = scanned(tmp_path, ".")
    assert told["facts"]["source"]["unread"] == []
    assert told["facts"]["source"]["cut"]  # more containers than are looked at: no pass
    assert told["exit_code"] == 3


def test_what_could_not_be_read_is_unknown_for_what_it_could_show(tmp_path: Path) -> None:
    (tmp_path / "compose.yml").write_text("services: [")
    (tmp_path / "app.py").write_text("import onnxruntime\n")
    told = scanned(tmp_path, ".", exit_code=3)
    verdicts = {one["code"]: one["verdict"] for one in told["checks"]}
    assert (verdicts["RD522"], verdicts["RD276"], verdicts["RD275"]) == ("unknown", "unknown", "passed")


def test_nothing_but_deployment_files(tmp_path: Path) -> None:
    grow(tmp_path, {"Dockerfile": "FROM python:3.11\n"})
    told = scanned(tmp_path, "Dockerfile", exit_code=0)
    assert told["facts"]["source"]["files"] == 1


def test_a_development_server_that_gunicorn_replaces_is_a_warning(tmp_path: Path) -> None:
    app = "from flask import Flask\napp = Flask('a')\nif __name__ == '__main__':\n    app.run()\n"
    grow(tmp_path, {"src/service.py": app, "Dockerfile": "FROM python:3.11\nCMD gunicorn -b :80 src.service:app\n"})
    [finding] = scanned(tmp_path, ".", exit_code=0)["findings"]
    assert (finding["severity"], Path(finding["location"]["file"]).name) == ("warning", "service.py")
    (tmp_path / "Dockerfile").unlink()
    [finding] = scanned(tmp_path, ".", exit_code=1)["findings"]
    assert finding["severity"] == "error"


WORDS = st.sampled_from(
    [
        *(
            "FROM",
            "RUN",
            "CMD",
            "ENTRYPOINT",
            "ENV",
            "ARG",
            "EXPOSE",
            "COPY",
            "--from=a",
            "AS",
            "a",
            "\\\n",
            "\n",
            "<<E",
            "E",
        ),
        *(
            "#",
            "[",
            '"',
            "'",
            "]",
            "$",
            "${",
            "}",
            "$(",
            ")",
            "&&",
            ";",
            "=",
            ":",
            "pip",
            "install",
            "-r",
            "onnxruntime",
            "==",
        ),
        *(
            ">=",
            "[x]",
            "@",
            "gunicorn",
            "-b",
            "sh",
            "-c",
            "docker",
            "run",
            "-p",
            "80",
            "flask",
            "uvicorn",
            "--host",
            "python",
        ),
        *("-m", "exec", "conda", "env", "http.server", "人"),
    ]
)


@settings(deadline=None)  # a busy machine is no fault
@given(st.lists(WORDS, max_size=40).map(" ".join) | st.text(max_size=200))
def test_no_text_breaks_a_reader(text: str) -> None:
    def of(name: str) -> tuple[SourceText, str]:
        return SourceText("/tree/" + name, text.split("\n")), text

    for name in ("a.sh", "Procfile", "Makefile", "a.service"):
        scripts.told(*of(name))
    dockerfile.told(*of("Dockerfile"))
    requirements.told(*of("requirements.txt"), {"/tree/E": text.encode("utf-8", "replace")}.get)
    servers.started(text.split(), {})
    for refuses in (compose.told, projects.told, kubernetes.told):
        with contextlib.suppress(ValueError):
            refuses(*of("compose.yml"))


ENDLESS = (
    "onnxruntime" + "=" * 10**6,
    "a" + " " * 10**6 + "b",
    "$(" * 10**6,
    "\n" * 10**6,
    "onnxruntime;" + "and " * 10**5,
)


@pytest.mark.parametrize("line", ENDLESS, ids=lambda line: repr(line[:12]))
def test_a_line_without_end_is_no_trouble(tmp_path: Path, line: str) -> None:
    """One megabyte in one line, in each kind of file, within the time that one scan has."""
    names = ("requirements.txt", "Dockerfile", "gunicorn.sh", "Procfile", "compose.yml")
    for name in names:
        (tmp_path / name).write_text(line + "\nonnxruntime gunicorn\nRUN " + line)
    told = scanned(tmp_path, ".")
    assert told["facts"]["source"]["files"] == len(names)


@pytest.mark.parametrize(
    "start",
    [
        'gunicorn "$@" app:app',
        "gunicorn $GUNICORN_ARGS app:app",
        'uvicorn "${ARGS[@]}" app:app',
        "uvicorn app:app ${UVICORN_OPTS}",
        "flask run $*",
    ],
)
def test_words_that_a_caller_gives_may_say_where_a_server_listens(start: str, tmp_path: Path) -> None:
    image = {"Dockerfile": 'FROM python:3.12\nCOPY . .\nENTRYPOINT ["./start.sh"]\nCMD ["--bind", "0.0.0.0:8000"]\n'}
    told = scanning.scanned(tmp_path / "given", {**image, "start.sh": f"#!/bin/bash\nexec {start}\n"})
    assert [one.name for one in told.findings] == []
    plain = " ".join(word for word in start.split() if "$" not in word)
    told = scanning.scanned(tmp_path / "plain", {**image, "start.sh": f"#!/bin/bash\nexec {plain}\n"})
    assert {one.name for one in told.findings} == {"service-loopback-only"}


def test_a_variable_that_is_a_value_says_nothing_of_where_it_listens(tmp_path: Path) -> None:
    told = scanning.scanned(tmp_path, {"start.sh": "#!/bin/bash\nexec uvicorn app:app --workers $WORKERS $TARGET\n"})
    assert {one.name for one in told.findings} == {"service-loopback-only"}
