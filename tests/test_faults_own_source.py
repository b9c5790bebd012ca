"""Faults that the file shows which lies where the service is started: where no start command is named, it tells of the start."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.doctor import DEV_PYTHON, install, make_venv, report, roots

APP = """{head}
from flask import Flask
from insightface.app import FaceAnalysis
app = Flask(__name__)
"""
MAY_BE_MISSING = """
from typing import TYPE_CHECKING
try:
    import torch
except ImportError:
    torch = None
if TYPE_CHECKING:
    import tensorflow
"""


def looked(folder: Path, *words: str, python: Path | str = DEV_PYTHON) -> dict[str, Any]:
    return report("check", "--device", "cpu", "--target", str(python), *words, cwd=folder)


def grave(told: dict[str, Any]) -> list[str]:
    """Names of errors that are roots."""
    return [one["name"] for one in told["findings"] if one["severity"] == "error" and one["root"] is None]


MISSING = ("--only", "torch,service-module-missing,insightface-missing,ort-missing")
"""And torch is not among what tests are run with."""


@pytest.mark.parametrize("way", ["the folder", "a start command", "a file that it imports"])
def test_torch_that_the_service_imports_and_its_python_lacks_is_the_one_root(way: str, tmp_path: Path) -> None:
    head = "from torch import nn"
    if way == "a file that it imports":
        (tmp_path / "net.py").write_text(head)
        head = "import net"
    (tmp_path / "app.py").write_text(APP.format(head=head))
    words = ["--start", f"{DEV_PYTHON} app.py"] if way == "a start command" else []
    told = looked(tmp_path, *MISSING, *words)
    assert roots(told) == grave(told) == ["torch-missing"]
    assert told["findings"][0]["evidence"]["needed_by"].endswith("net.py" if "net" in head else "app.py")
    (tmp_path / "app.py").write_text(APP.format(head=MAY_BE_MISSING))
    assert roots(looked(tmp_path, *MISSING, *words)) == []


def test_what_else_it_imports_and_its_python_lacks(tmp_path: Path) -> None:
    """And a file that serves nothing, or detects nothing, is none of the service's."""
    (tmp_path / "serve.py").write_text(APP.format(head="import nowhere_to_be_found"))
    assert roots(looked(tmp_path, *MISSING)) == ["service-module-missing"]
    (tmp_path / "serve.py").write_text("import nowhere_to_be_found\nimport flask\n")
    (tmp_path / "main.py").write_text("import nowhere_to_be_found\nimport cv2\n")
    assert roots(looked(tmp_path, *MISSING)) == []


def test_insightface_that_it_imports(tmp_path: Path) -> None:
    python = make_venv(tmp_path / "venv", "uv")
    install(python, "flask", "onnxruntime")
    (tmp_path / "app.py").write_text(APP.format(head=""))
    assert roots(looked(tmp_path, *MISSING, python=python)) == ["insightface-missing"]
