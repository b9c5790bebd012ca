"""The default run reads the service's own few files: what its process runs, else what lies where the service is started."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import zipapp
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from retina_doctor_checks.probes.source.look_own import main_file, with_imports

from tests.doctor import doctor, report

SERVE = """
import http.server, threading
{text}
server = http.server.HTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler)
print(server.server_port, flush=True)
server.serve_forever()
"""
FAULTS = """
def prepare():
    from insightface.app import FaceAnalysis
    app = FaceAnalysis(det_thresh=0.6)
    app.prepare(ctx_id=0, det_size=(650, 650))
"""
ONLY = ("--only", "source", "--device", "cpu", "--target", sys.executable)


@contextlib.contextmanager
def served(folder: Path, *words: str) -> Iterator[int]:
    """Its process number, when it listens."""
    process = subprocess.Popen([sys.executable, *words], cwd=folder, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout and process.stdout.readline().strip().isdigit()
        yield process.pid
    finally:
        process.kill()
        process.wait()


def found(told: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """By name: severity, and the file's name."""
    return {f["name"]: (f["severity"], Path(f["location"]["file"]).name) for f in told["findings"]}


def attached(folder: Path, pid: int, *more: str) -> dict[str, Any]:
    return report("--only", "source", "--device", "cpu", "--pid", str(pid), *more, cwd=folder)


def test_what_the_service_runs_is_read_and_as_grave_as_in_scan(tmp_path: Path) -> None:
    service, elsewhere = tmp_path / "service", tmp_path / "elsewhere"
    service.mkdir()
    elsewhere.mkdir()
    (service / "serve.py").write_text(SERVE.format(text="import detector"))
    (service / "detector.py").write_text(FAULTS)
    (service / "other.py").write_text(FAULTS.replace("0.6", "0.61"))
    (elsewhere / "app.py").write_text(FAULTS)
    with served(service, "serve.py") as pid:
        told = attached(elsewhere, pid)
        off = attached(elsewhere, pid, "--no-source")
        quick = attached(elsewhere, pid, "--quick")
    wanted = {
        "det-parameter-ignored": ("error", "detector.py"),
        "det-size-not-multiple-of-32": ("error", "detector.py"),
    }
    assert found(told) == wanted
    assert told["facts"]["service_source"]["executed"] == [str(service / name) for name in ("serve.py", "detector.py")]
    for less in (off, quick):
        assert found(less) == {} and "service_source" not in less["facts"]


def test_a_zipped_application_is_no_source_file(tmp_path: Path) -> None:
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "__main__.py").write_text(SERVE.format(text=""))
    zipapp.create_archive(tmp_path / "source", tmp_path / "face.pyz", "/usr/bin/env python3")
    with served(tmp_path, "face.pyz") as pid:
        told = attached(tmp_path, pid)
    assert [one["name"] for one in told["checks"] if one["verdict"] == "unknown"] == []


def test_what_only_lies_there_is_a_warning_at_most(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(FAULTS)
    (tmp_path / "requirements.txt").write_text("onnxruntime\nonnxruntime-gpu\n")
    (tmp_path / "tool.py").write_text(FAULTS)
    told = report(*ONLY, cwd=tmp_path)
    assert found(told) == {
        "det-parameter-ignored": ("warning", "app.py"),
        "det-size-not-multiple-of-32": ("warning", "app.py"),
        "ort-both-packages": ("warning", "requirements.txt"),
    }
    assert told["exit_code"] == 0


def test_nothing_of_a_file_is_run(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(f"import onnxruntime\nopen({str(tmp_path / 'ran')!r}, 'w')\n{FAULTS}")
    report(*ONLY, cwd=tmp_path)
    assert not (tmp_path / "ran").exists()


def test_a_file_that_cannot_be_parsed_is_no_clean_bill(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("import onnxruntime\nthis is no Python\n")
    told = report(*ONLY, cwd=tmp_path)
    assert {c["verdict"] for c in told["checks"] if c["name"] == "det-parameter-ignored"} == {"unknown"}


@pytest.mark.parametrize(
    ("words", "file"),
    [
        ("python app.py", "app.py"),
        ("python -u -X dev app.py --port 1", "app.py"),
        ("python -m face.web", "face/web.py"),
        ("python -m face", "face/__main__.py"),
        ("python face", "face/__main__.py"),
        ("python /usr/bin/gunicorn -b 0.0.0.0:8080 face.web:app", "face/web.py"),
        ("python -m uvicorn app:web --host 127.0.0.1 --port 80", "app.py"),
        ("python /usr/bin/flask --app face.web run -p 80", "face/web.py"),
        ("python /usr/bin/flask run", "app.py"),
        ("python /usr/bin/flask -A face.web run -p 80", "face/web.py"),
        ("python /usr/bin/gunicorn face.web:app -b localhost:8000", "face/web.py"),
        ("python /v/bin/gunicorn --chdir=face --preload -w 2 web:app", "face/web.py"),
        ("python /v/bin/uvicorn --reload --app-dir face web:app", "face/web.py"),
        ("python /v/bin/hypercorn -b [::]:80 --debug face.web", "face/web.py"),
        ("python /v/bin/granian --interface asgi --reload face.web:app", "face/web.py"),
        ("python /v/bin/fastapi run --port 80 face/web.py", "face/web.py"),
        ("python /v/bin/fastapi run", "app.py"),
        ("python /v/bin/celery -A face.web worker -c 1", "face/web.py"),
        ("python /v/bin/serve run face.web:deployment", "face/web.py"),
        ("python /v/bin/waitress-serve --port 80 --call face.web:make", "face/web.py"),
        ("python -muvicorn face.web:app", "face/web.py"),
        ("gunicorn: master [face.web:app]", "face/web.py"),
        ("/usr/bin/uwsgi --http :80 --module face.web:app", "face/web.py"),
        ("python -c pass", None),
        ("python", None),
        ("python gone.py", None),
        ("python -m http.server", None),
    ],
)
def test_which_file_a_command_runs(words: str, file: str | None, tmp_path: Path) -> None:
    (tmp_path / "face").mkdir()
    for name in ("app.py", "face/web.py", "face/__main__.py", "face/__init__.py"):
        (tmp_path / name).touch()
    assert main_file(words.split(), str(tmp_path)) == (str(tmp_path / file) if file else None)


def test_imports_are_followed_within_the_folder(tmp_path: Path) -> None:
    (tmp_path / "face").mkdir()
    (tmp_path / "app.py").write_text("import os, face.web as web\nfrom helper import x\nimport numpy\n")
    (tmp_path / "helper.py").write_text("import app\n")
    (tmp_path / "face" / "web.py").write_text("from . import detector\nfrom .gone import y\n")
    (tmp_path / "face" / "detector.py").write_text("import helper\n")
    read = [os.path.relpath(file, tmp_path) for file in with_imports(str(tmp_path / "app.py"))]
    assert sorted(read) == ["app.py", "face/detector.py", "face/web.py", "helper.py"]


@pytest.mark.parametrize(
    ("line", "read"),
    [
        ("from core.net import *", ["core/net.py"]),
        ("from core.net import (\n    detect,  # of a face\n    draw,\n)", ["core/net.py"]),
        ("from core import (\n    draw,\n    net as network,\n)", ["core/__init__.py", "core/draw.py", "core/net.py"]),
        ("from core.net import detect, draw  # both", ["core/net.py"]),
        ("from core.gone import *", []),
        ("# from core.net import *", []),
        ("text = 'from core.net import *'", []),
    ],
)
def test_imports_are_followed_however_they_are_written(line: str, read: list[str], tmp_path: Path) -> None:
    (tmp_path / "core").mkdir()
    for name in ("__init__.py", "net.py", "draw.py"):
        (tmp_path / "core" / name).touch()
    (tmp_path / "app.py").write_text(line + "\n")
    assert sorted(os.path.relpath(file, tmp_path) for file in with_imports(str(tmp_path / "app.py"))) == [
        "app.py",
        *read,
    ]


def test_that_the_gpu_is_not_asked_for_is_no_fault_where_it_is_not_meant(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(
        "import onnxruntime\nonnxruntime.InferenceSession('/m.onnx', providers=['CPUExecutionProvider'])\n"
    )
    (tmp_path / "requirements.txt").write_text("onnxruntime\n")
    told = {
        device: report("--only", "source", "--device", device, "--target", sys.executable, cwd=tmp_path)
        for device in ("cpu", "auto")
    }
    assert (found(told["cpu"]), set(found(told["auto"]))) == ({}, {"ort-provider-not-requested"})


@pytest.mark.parametrize("words", [("check", *ONLY), ("scan", ".")])
def test_a_dotenv_that_cannot_be_read_costs_its_numbers_alone(words: tuple[str, ...], tmp_path: Path) -> None:
    """Often it is root's, who gives it to a unit by EnvironmentFile."""
    (tmp_path / "app.py").write_text(FAULTS.replace("0.6", "0.5").replace("650", "640"))
    with (tmp_path / ".env").open("wb") as file:
        file.truncate(6 * 2**20)  # more than is read, of root's doctor as well
    told = report(*words, cwd=tmp_path)
    assert [one["name"] for one in told["checks"] if one["verdict"] == "unknown"] == []
    (tmp_path / "app.py").unlink()
    assert report(*words, cwd=tmp_path)["exit_code"] == 0


def test_what_files_will_make_is_not_foretold_of_a_service_that_is_there(tmp_path: Path) -> None:
    """NumPy was chosen when it was installed, and its port is looked at itself."""
    (tmp_path / "requirements.txt").write_text("onnxruntime==1.16.3\n")
    (tmp_path / "compose.yml").write_text(
        "services:\n  face:\n    image: face\n    command: uvicorn --host 0.0.0.0 a:b\n"
    )
    asked = doctor("scan", str(tmp_path), "--format", "json", cwd=tmp_path)
    assert set(found(json.loads(asked.stdout))) == {"numpy-abi", "port-not-published"}
    here = report("--only", "source", "--device", "cpu", "--target", sys.executable, cwd=tmp_path)
    assert found(here) == {}
