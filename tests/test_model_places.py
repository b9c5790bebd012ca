"""Archives in a model's place, and links that lead nowhere: the printed commands are run, and what they give is silent."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import shutil
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import pytest

from tests.doctor import DEV_PYTHON, environment, found, report


def looked(model: str | Path, cwd: Path) -> Any:
    words = ("--only", "models", "--target", DEV_PYTHON, "--model", model)
    return report(*words, cwd=cwd, env=environment(HOME=str(cwd)))


def fixed(told: Any, name: str, cwd: Path) -> None:
    [finding] = [one for one in told["findings"] if one["name"] == name]
    for command in finding["fix"]["commands"]:
        subprocess.run(["bash", "-c", command], cwd=cwd, check=True, capture_output=True, timeout=60)


def tar_of(model: Path, mode: Literal["w", "w:gz"]) -> bytes:
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode=mode) as archive:
        archive.add(model, "whole.onnx")
    return held.getvalue()


ARCHIVES: dict[str, tuple[Callable[[Path], bytes], str | None]] = {
    "tar": (lambda model: tar_of(model, "w"), None),
    "a compressed tar": (lambda model: tar_of(model, "w:gz"), "whole.onnx"),
    "gzip": (lambda model: gzip.compress(model.read_bytes()), "in the way.onnx"),
    "bzip2": (lambda model: bz2.compress(model.read_bytes()), "in the way.onnx"),
    "xz": (lambda model: lzma.compress(model.read_bytes()), "in the way.onnx"),
}


@pytest.mark.parametrize("name", ARCHIVES)
def test_an_archive_in_a_models_place_is_unpacked_by_what_is_printed(
    name: str, real_model: Path, tmp_path: Path
) -> None:
    pack, inside = ARCHIVES[name]
    path = tmp_path / "in the way.onnx"
    path.write_bytes(pack(real_model))
    told = looked(path, tmp_path)
    assert found(told) == ["model-not-a-model"]
    fixed(told, "model-not-a-model", tmp_path)
    unpacked = (
        path if inside is None else tmp_path / "in the way.onnx.unpacked" / inside
    )  # its one model takes its place
    assert found(looked(unpacked, tmp_path)) == []


def test_a_tar_may_be_an_old_checkpoint(real_model: Path, tmp_path: Path) -> None:
    for name in ("net.tar", "net.pth", "net.pth.tar"):
        (tmp_path / name).write_bytes(tar_of(real_model, "w"))
        assert found(looked(tmp_path / name, tmp_path)) == []


def test_a_link_to_a_volume_that_is_gone_is_told_and_led_elsewhere(real_model: Path, tmp_path: Path) -> None:
    (tmp_path / "service").mkdir()
    (tmp_path / "models").mkdir()
    path = tmp_path / "service" / "det.onnx"
    path.symlink_to("/mnt/gone/det.onnx")
    told = looked(path, tmp_path)
    assert found(told) == ["model-missing"]
    assert "/mnt/gone/det.onnx" in told["findings"][0]["message"]
    shutil.copy(real_model, tmp_path / "models" / "det.onnx")
    told = looked(path, tmp_path)
    assert found(told) == ["model-wrong-directory"]
    assert "/mnt/gone/det.onnx" in told["findings"][0]["message"]
    fixed(told, "model-wrong-directory", tmp_path)
    assert found(looked(path, tmp_path)) == []


def test_a_pack_that_is_a_link_to_nothing_is_not_downloaded_into_it(tmp_path: Path) -> None:
    pack = tmp_path / ".insightface" / "models" / "buffalo_l"
    pack.parent.mkdir(parents=True)
    pack.symlink_to("/mnt/gone/buffalo_l")
    [finding] = looked("buffalo_l", tmp_path)["findings"]
    assert finding["name"] == "model-missing" and "/mnt/gone/buffalo_l" in finding["message"]
    assert not any("curl" in command for command in finding["fix"]["commands"])
