"""`retina-doctor init`: a settings file that says what was seen, and that the doctor reads back."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from retina_doctor_checks.commands.init.settings_file import seen, toml, written
from retina_doctor_checks.settings import DetectionSettings, ExpectSettings, ModelSettings, ServiceSettings

from retina_doctor.codec import replace
from retina_doctor.settings.declared import declarations
from retina_doctor.settings.sources import load_settings
from tests.machines import machine
from tests.odd_probes import runs


@pytest.mark.parametrize("language", ["en", "zh"])
def test_what_was_seen_is_read_back(tmp_path: Path, language: Any) -> None:
    snapshot = machine("t4-healthy").snapshot
    assert snapshot.settings.of(ServiceSettings).start, "what is run is known, and is for a file that is named"
    text = written(seen(snapshot), language)
    (tmp_path / "retina-doctor.toml").write_text(text, encoding="utf-8")
    settings = load_settings(None, {}, {}, tmp_path)
    assert settings.of(ExpectSettings) == ExpectSettings(gpus=1, gpu_name="Tesla T4", driver=">=580")
    assert settings.of(ModelSettings).path == "/models/retinaface/retinaface_r50_v1.onnx"
    assert settings.of(DetectionSettings).image_faces == 6
    assert settings.target.command is None
    for table, keys in declarations().tables.items():
        for key, one in keys.items():
            told = any(line.removeprefix("# ").startswith(f"{key} = ") for line in text.splitlines())
            assert one.inner or told is not one.setting.named_only, (table, key)


def test_every_line_that_is_commented_out_can_be_taken_in(tmp_path: Path) -> None:
    """But for those whose value only the operator knows."""
    text = written({}, "en")
    file = tmp_path / "retina-doctor.toml"
    tried = 0
    for table, keys in declarations().tables.items():
        for key, one in keys.items():
            line = next((line for line in text.splitlines() if line.startswith(f"# {key} = ")), None)
            if one.default is not None and not one.inner and line:
                file.write_text(f"[{table}]\n{line[2:]}\n")
                load_settings(file, {}, {}, tmp_path)
                tried += 1
    assert tried > 10
    assert set(tomllib.loads(text)) == set(declarations().tables)


@pytest.mark.parametrize("path", ['a"b', "a\nb = 1\n[target]\ncommand = 'x'", "a\\u0041", "\x7f\x1b[2J", "中文", "'''"])
def test_a_path_of_any_kind_stays_one_value(path: str, tmp_path: Path) -> None:
    snapshot = machine("t4-healthy").snapshot
    snapshot = replace(snapshot, settings=snapshot.settings.changed(model={"path": path}))
    told = tomllib.loads(written(seen(snapshot), "en"))
    assert told["model"] == {"path": path}
    assert told["target"] == {}


def test_values_are_toml() -> None:
    values: tuple[Any, ...] = ({"width": 640, "height": 480}, ["a", 1.5], True, "x", {"a b": {"c": []}})
    for value in values:
        assert tomllib.loads(f"v = {toml(value)}")["v"] == value


def test_the_command_writes_once_and_what_it_wrote_is_read(tmp_path: Path) -> None:
    words = ("init", "--model", "absent/det_10g.onnx", "--device", "cpu", "--target", "/usr/bin/env python3")
    done = runs.run(*words, cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "retina-doctor.toml\n", "")
    text = (tmp_path / "retina-doctor.toml").read_text()
    assert 'path = "absent/det_10g.onnx"' in text
    assert 'device = "cpu"' in text
    assert "command" not in tomllib.loads(text)["target"]
    assert "env python3" not in text
    again = runs.run(*words, cwd=tmp_path)
    assert (again.returncode, again.stdout) == (2, "")
    assert "retina-doctor.toml: exists already, and is not overwritten" in again.stderr
    assert (tmp_path / "retina-doctor.toml").read_text() == text
    assert runs.run("--only", "RD004", cwd=tmp_path).returncode == 0


def test_nothing_is_written_through_a_dangling_link(tmp_path: Path) -> None:
    (tmp_path / "retina-doctor.toml").symlink_to(tmp_path / "elsewhere")
    assert runs.run("init", cwd=tmp_path).returncode == 2
    assert not (tmp_path / "elsewhere").exists()
