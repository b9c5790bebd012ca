"""What a user gets who only wants the doctor: the wheel, in an environment of its own."""

from __future__ import annotations

import json
import os
import subprocess
import zipfile
from pathlib import Path

from retina_doctor.registry import installed
from tests.doctor import environment, install, make_venv, uv

ROOT = Path(__file__).parents[1]
TARGETS_LIBRARIES = {"torch", "onnxruntime", "onnxruntime_gpu", "insightface", "onnx", "cv2", "numpy", "pydantic"}


def test_the_wheel_alone_runs_and_brings_none_of_the_targets_libraries(tmp_path: Path) -> None:
    build = [uv(), "build", "--quiet", "--wheel", "--out-dir", str(tmp_path), str(ROOT)]
    subprocess.run(build, check=True, cwd=tmp_path)
    [wheel] = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        held = set(archive.namelist())
    for entry in installed().entries:
        for language in ("en", "zh"):
            page = entry.pages / f"{entry.check.name}.{language}.md"
            assert any(str(page).endswith("/" + name) for name in held if name.endswith(".md")), page.name
    assert not any(name.startswith(("tests/", "fixtures/", "benchmarks/")) for name in held)

    python = make_venv(tmp_path / "own", "uv")
    install(python, str(wheel))
    site = next((tmp_path / "own" / "lib").glob("python3*/site-packages"))
    assert not TARGETS_LIBRARIES & {path.name for path in site.iterdir()}

    script = python.parent / "retina-doctor"
    listed = subprocess.run([script, "list", "--format", "json"], capture_output=True, check=True, cwd=tmp_path)
    assert len(json.loads(listed.stdout)["checks"]) == len(installed().entries)
    empty = tmp_path / "empty.onnx"
    empty.write_bytes(b"")
    words: list[str | Path] = [script, "--only", "models", "--model", empty, "--target", python, "--lang", "zh"]
    done = subprocess.run(words, capture_output=True, text=True, check=False, cwd=tmp_path, env=environment())
    assert done.returncode == 1, done.stderr
    assert "模型文件是空的" in done.stdout
    assert (python.parent / "doctor").exists()
    assert os.access(script, os.X_OK)
