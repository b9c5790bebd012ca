"""What a page prints under Fix, run as it stands in a shell on the real fault: the finding is gone."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.doctor import doctor, environment
from tests.test_models import insightfaces, recognition


def found(folder: Path, *words: str, command: str = "check", **variables: str) -> list[Any]:
    """Findings of a real run in *folder*, whose home it is, too."""
    target = ("--target", sys.executable, "--device", "cpu") if command == "check" else ()
    done = doctor(
        command,
        *words,
        *target,
        "--format",
        "json",
        cwd=folder,
        env=environment(HOME=str(folder), UV_NO_CONFIG="1", **variables),
    )
    assert done.stdout, done.stderr
    told: list[Any] = json.loads(done.stdout)["findings"]
    return told


def follow(finding: Any, folder: Path) -> None:
    for line in finding["fix"]["commands"]:
        subprocess.run(["sh", "-c", line], cwd=folder, check=True, timeout=60)


def archive(at: Path, model: Path) -> None:
    at.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(at, "w") as pack:
        pack.write(model, "det_10g.onnx")


def test_a_pack_that_was_not_unpacked(tmp_path: Path, real_model: Path) -> None:
    archive(tmp_path / ".insightface" / "models" / "buffalo_l.zip", real_model)
    words = ("--only", "RD101,RD119", "--model", "buffalo_l")
    [root] = [one for one in found(tmp_path, *words) if one["code"] == "RD119"]
    follow(root, tmp_path)
    assert found(tmp_path, *words) == []


def test_an_archive_in_place_of_the_model(tmp_path: Path, real_model: Path) -> None:
    model = tmp_path / "det 10g.onnx"
    archive(model, real_model)
    [root] = found(tmp_path, "--only", "RD109", "--model", str(model))
    follow(root, tmp_path)
    assert found(tmp_path, "--only", "RD109,RD101", "--model", str(model)) == [], "it is in the archive's place"


def test_an_archive_with_a_name_of_its_own(tmp_path: Path, real_model: Path) -> None:
    """The plan names the model in it to the doctor, too, in place of the archive."""
    packed = tmp_path / "det 10g.zip"
    archive(packed, real_model)
    [root] = found(tmp_path, "--only", "RD109", "--model", str(packed))
    follow(root, tmp_path)
    right = root["evidence"]["right"]
    assert root["evidence"]["again_with"] == [["--model", str(packed)], ["--model", right]]
    assert found(tmp_path, "--only", "RD109,RD101", "--model", right) == []


def test_a_tar_that_would_leave_its_folder_is_not_unpacked(tmp_path: Path, real_model: Path) -> None:
    for name, known in (("det_10g.onnx", True), ("../det_10g.onnx", False)):
        with tarfile.open(tmp_path / "model.onnx", "w") as packed:
            packed.add(real_model, name)
        [root] = found(tmp_path, "--only", "RD109", "--model", str(tmp_path / "model.onnx"))
        assert ("inner" in root["evidence"]) == known


def test_a_file_that_bears_the_name_of_a_package(tmp_path: Path) -> None:
    (tmp_path / "numpy.py").write_text("mine = 1\n")
    [root] = found(tmp_path, "--only", "RD281")
    follow(root, tmp_path)
    assert found(tmp_path, "--only", "RD281") == []
    assert (tmp_path / "numpy_local.py").read_text() == "mine = 1\n"


def test_weights_that_are_on_the_machine_are_found(tmp_path: Path, real_model: Path) -> None:
    """Where it cannot be known, the command decides: it prints the place."""
    place = tmp_path / "elsewhere" / "deep" / "er" / "and" / "deeper"
    place.mkdir(parents=True)
    shutil.copy(real_model, place / "r 50.onnx")
    [root] = found(tmp_path, "--only", "RD101", "--model", str(tmp_path / "models" / "r 50.onnx"))
    [command] = root["fix"]["commands"]
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=120, check=False)
    assert str(place / "r 50.onnx") in done.stdout.splitlines()


@pytest.mark.parametrize(("host", "severity"), [("127.0.0.1:", "error"), ("", None)])
def test_a_port_that_is_published_on_loopback_is_as_grave_as_a_server_on_it(
    host: str, severity: str | None, tmp_path: Path
) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "Dockerfile").write_text("FROM python:3.12-slim\nCMD gunicorn -b 0.0.0.0:8080 app:app\n")
    (tree / "compose.yml").write_text(f'services:\n  face:\n    build: .\n    ports:\n    - "{host}80:8080"\n')
    told = found(tmp_path, str(tree), "--only", "RD521", command="scan")
    assert [one["severity"] for one in told] == ([severity] if severity else [])


def pack(home: Path, name: str) -> Path:
    folder = home / ".insightface" / "models" / name
    folder.mkdir(parents=True)
    return folder


def follow_without_network(finding: Any, folder: Path, fetched: Path) -> None:
    """The commands, where *fetched* is what the first of them would have downloaded."""
    curl, *rest = finding["fix"]["commands"]
    at = shlex.split(curl)[shlex.split(curl).index("-o") + 1]
    assert curl.startswith("curl -fL") and curl.endswith(".zip")
    shutil.move(fetched, at)
    for line in rest:
        subprocess.run(["sh", "-c", line], cwd=folder, check=True, timeout=60)


def test_a_pack_without_detector_beside_one_that_has_it(tmp_path: Path) -> None:
    insightfaces(pack(tmp_path, "it's a pack") / "- det 10g.onnx")
    recognition(pack(tmp_path, "buffalo_l") / "w600k_r50.onnx")
    words = ("--only", "RD105,RD114,RD101", "--model", "buffalo_l")
    [root] = found(tmp_path, *words)
    assert root["code"] == "RD105"
    follow(root, tmp_path)
    assert found(tmp_path, *words) == []


@pytest.mark.parametrize("there", ["nothing", "others", "damaged"])
def test_a_pack_that_has_to_be_fetched_again(there: str, tmp_path: Path) -> None:
    folder = pack(tmp_path, "buffalo_s")
    whole = tmp_path / "det_500m.onnx"
    insightfaces(whole)
    if there == "others":
        recognition(folder / "w600k_mbf.onnx")
    elif there == "damaged":
        (folder / "det_500m.onnx").write_bytes(whole.read_bytes()[:-40])
    with zipfile.ZipFile(tmp_path / "fetched.zip", "w") as archived:
        archived.write(whole, "det_500m.onnx")
    words = ("--only", "RD105,RD106,RD101,RD114", "--model", "buffalo_s")
    [root] = [one for one in found(tmp_path, *words) if one["root"] is None]
    assert root["code"] == ("RD106" if there == "damaged" else "RD105")
    follow_without_network(root, tmp_path, tmp_path / "fetched.zip")
    assert found(tmp_path, *words) == []


def test_a_recognition_model_beside_the_detector(tmp_path: Path) -> None:
    insightfaces(tmp_path / 'it\'s the "detector".onnx')
    recognition(tmp_path / "w600k r50.onnx")
    [root] = found(tmp_path, "--only", "RD114", RETINAFACE_MODEL_PATH=str(tmp_path / "w600k r50.onnx"))
    [command] = root["fix"]["commands"]
    done = subprocess.run(
        ["sh", "-c", f'{command}; printf %s "$RETINAFACE_MODEL_PATH"'], capture_output=True, text=True, check=True
    )
    assert found(tmp_path, "--only", "RD114,RD101", RETINAFACE_MODEL_PATH=done.stdout) == []


def test_a_folder_in_which_insightface_knows_no_detector(tmp_path: Path, real_model: Path) -> None:
    """A RetinaFace of three outputs, to a service that names its folder: where insightface is installed, it ends with that."""
    shutil.copy(real_model, pack(tmp_path, "mine") / "retinaface.onnx")
    insightfaces(pack(tmp_path, "buffalo_sc") / "det_500m.onnx")
    [root] = found(tmp_path, "--only", "RD114", "--model", "mine")
    follow(root, tmp_path)
    assert found(tmp_path, "--only", "RD114,RD101", "--model", "mine") == []


def test_a_name_that_insightface_does_not_know(tmp_path: Path) -> None:
    insightfaces(tmp_path / "det_500m.onnx")
    with zipfile.ZipFile(tmp_path / "fetched.zip", "w") as archived:
        archived.write(tmp_path / "det_500m.onnx", "det_500m.onnx")
    pack(tmp_path, "empty").rmdir()
    words = ("--only", "RD101,RD103,RD117", "--model", "bufalo_sc")
    [root] = [one for one in found(tmp_path, *words) if one["root"] is None]
    assert root["code"] == "RD117"
    follow_without_network(root, tmp_path, tmp_path / "fetched.zip")
    assert found(tmp_path, *words) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="becomes another user")
def test_a_cache_that_the_services_user_may_not_write(monkeypatch: pytest.MonkeyPatch) -> None:
    home = Path(tempfile.mkdtemp(dir="/tmp", prefix="it's a home"))  # pytest's folders are closed to others
    home.chmod(0o755)
    drop = "setpriv --bounding-set=-dac_override,-dac_read_search --inh-caps=-all --reuid=65534 --clear-groups "
    monkeypatch.setattr(sys, "executable", drop + sys.executable)
    try:
        words = ("--only", "RD118", "--model", "buffalo_l")
        [root] = found(home, *words)
        follow(root, home)
        assert found(home, *words) == []
    finally:
        shutil.rmtree(home)
