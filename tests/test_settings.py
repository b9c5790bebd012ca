"""Settings: a file, then the environment, then flags, each overriding the one before, key by key."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from retina_doctor_checks.settings import DetectionSettings, GpuSettings, ModelSettings, ServiceSettings
from retina_doctor_checks.settings_values import Size, read_size

from retina_doctor.codec import encode
from retina_doctor.errors import UsageError
from retina_doctor.settings import Settings
from retina_doctor.settings.declared import declarations
from retina_doctor.settings.sources import line_of, load_settings, of_flags

FILE = """
[model]
path = "from-file.onnx"
root = "/root-from-file"
[detection]
size = "320x240"
threshold = 0.3
[gate]
fail_on = "warning"
skip = "models"
ignore = { RD401 = "our cameras are close" }
"""


def loaded(folder: Path, environment: dict[str, str] | None = None, file: Path | None = None, **flags: Any) -> Settings:
    return load_settings(file, environment or {}, of_flags(flags), folder)


DEFAULTS = Settings(*(kind() for kind in declarations().kinds))


def test_nothing_said_gives_the_defaults(tmp_path: Path) -> None:
    assert loaded(tmp_path) == DEFAULTS
    assert loaded(tmp_path, {"PATH": "/bin", "RETINA_DOCTOR_LANG": "zh", "RETINA_DOCTOR_RUN": "x"}) == DEFAULTS


def test_flags_over_environment_over_file_key_by_key(tmp_path: Path) -> None:
    (tmp_path / "retina-doctor.toml").write_text(FILE)
    environment = {"RETINA_DOCTOR_MODEL_PATH": "from-environment.onnx", "RETINA_DOCTOR_DETECTION_THRESHOLD": "0.4"}
    by_file = loaded(tmp_path)
    assert (by_file.of(ModelSettings).path, by_file.of(ModelSettings).root) == ("from-file.onnx", "/root-from-file")
    assert by_file.of(DetectionSettings).size == Size(320, 240)
    assert by_file.gate.fail_on == "warning"
    assert by_file.gate.skip == ("models",)
    assert dict(by_file.gate.ignore) == {"RD401": "our cameras are close"}
    by_environment = loaded(tmp_path, environment)
    assert by_environment.of(ModelSettings).path == "from-environment.onnx"
    assert by_environment.of(ModelSettings).root == "/root-from-file"
    assert by_environment.of(DetectionSettings).threshold == 0.4
    assert by_environment.of(DetectionSettings).size == Size(320, 240)
    by_flag = loaded(tmp_path, environment, model="from-flag.onnx", det_size="640")
    assert by_flag.of(ModelSettings).path == "from-flag.onnx"
    assert by_flag.of(DetectionSettings).size == Size(640, 640)
    assert by_flag.of(DetectionSettings).threshold == 0.4


def test_own_file_is_read_before_pyproject(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "x"\n[tool.retina-doctor.model]\npath = "shared"\n')
    assert loaded(tmp_path).of(ModelSettings).path == "shared"
    (tmp_path / "retina-doctor.toml").write_text('[model]\npath = "own"\n')
    assert loaded(tmp_path).of(ModelSettings).path == "own"
    assert loaded(tmp_path, file=tmp_path / "pyproject.toml").of(ModelSettings).path == "shared"


@pytest.mark.parametrize(
    "text",
    ["", "[tool.ruff]\n", "# retina-doctor\n[project\n", "tool = 'retina'\n", "tool = 'retina-doctor'\n", "\xff"],
)
def test_a_pyproject_that_is_not_about_us_is_left_alone(tmp_path: Path, text: str) -> None:
    (tmp_path / "pyproject.toml").write_bytes(text.encode("latin-1"))
    assert loaded(tmp_path) == DEFAULTS


def test_named_file_is_read_in_place_of_the_one_in_the_directory(tmp_path: Path) -> None:
    (tmp_path / "retina-doctor.toml").write_text(FILE)
    other = tmp_path / "other.toml"
    other.write_text("[gpu]\ndevice = 'cpu'\n")
    settings = loaded(tmp_path, file=other)
    assert settings.of(GpuSettings).device == "cpu"
    assert settings.of(ModelSettings).path is None


@pytest.mark.parametrize(
    ("name", "text", "table", "key", "value"),
    [
        (
            "TARGET_COMMAND",
            "docker exec -i 'my face' python3",
            "target",
            "command",
            ("docker", "exec", "-i", "my face", "python3"),
        ),
        ("TARGET_WORKDIR", "/workspace", "target", "workdir", "/workspace"),
        ("DETECTION_SIZE", "640x480", "detection", "size", Size(640, 480)),
        ("DETECTION_SOURCE_SIZE", "1920x1080", "detection", "source_size", Size(1920, 1080)),
        ("DETECTION_NMS", "0.4", "detection", "nms", 0.4),
        ("DETECTION_IMAGE_FACES", "0", "detection", "image_faces", 0),
        ("SERVICE_PORT", "8080", "service", "port", 8080),
        ("GATE_TIMEOUT", "2.5", "gate", "timeout", 2.5),
        ("GATE_QUICK", "1", "gate", "quick", True),
        ("GATE_QUICK", "False", "gate", "quick", False),
        ("GATE_ONLY", "models, RD401 torch", "gate", "only", ("models", "RD401", "torch")),
        ("GATE_IGNORE", '{ RD401 = "near" }', "gate", "ignore", {"RD401": "near"}),
        ("GATE_FAIL_ON", "never", "gate", "fail_on", "never"),
    ],
)
def test_environment_variables(tmp_path: Path, name: str, text: str, table: str, key: str, value: object) -> None:
    settings = loaded(tmp_path, {f"RETINA_DOCTOR_{name}": text})
    kind = next(kind for kind in declarations().kinds if table == kind.TABLE and key in kind.__struct_fields__)
    assert getattr(settings.of(kind), key) == value


def test_codes_may_be_joined_by_commas(tmp_path: Path) -> None:
    assert loaded(tmp_path, only=["RD601,RD602", "models"]).gate.only == ("RD601", "RD602", "models")


def test_the_flags_are_those_that_scripts_rely_on() -> None:
    homes = {one.setting.flag: (one.table, one.key) for one in declarations().flags.values()}
    assert homes == {
        "--target": ("target", "command"),
        "--header-file": ("service", "header_file"),
        "--model": ("model", "path"),
        "--det-size": ("detection", "size"),
        "--det-thresh": ("detection", "threshold"),
        "--nms-thresh": ("detection", "nms"),
        "--image": ("detection", "image"),
        "--save-picture": ("detection", "save_picture"),
        "--host": ("service", "host"),
        "--port": ("service", "port"),
        "--url": ("service", "url"),
        "--start": ("service", "start"),
        "--pid": ("service", "pid"),
        "--workers": ("service", "workers"),
        "--load": ("service", "load"),
        "--log": ("service", "log"),
        "--device": ("gpu", "device"),
        "--no-source": ("scan", "no_source"),
        "--only": ("gate", "only"),
        "--skip": ("gate", "skip"),
        "--require": ("gate", "required"),
        "--regress": ("gate", "regress"),
        "--fail-on": ("gate", "fail_on"),
        "--quick": ("gate", "quick"),
        "--timeout": ("gate", "timeout"),
    }


def test_a_flag_that_was_not_given_overrides_nothing(tmp_path: Path) -> None:
    (tmp_path / "retina-doctor.toml").write_text(FILE)
    assert loaded(tmp_path, skip=[], model=None, quick=None) == loaded(tmp_path)


@pytest.mark.parametrize(
    ("value", "size"),
    [
        *((text, (640, 480)) for text in ("640x480", "640X480", "640×480", " 640 x 480 ", "640,480", [640, 480])),
        *((text, (640, 640)) for text in (640, "640", [640, 640])),
        ({"width": 1, "height": 32768}, (1, 32768)),
    ],
)
def test_sizes(value: Any, size: tuple[int, int]) -> None:
    assert Size(**read_size(value)) == Size(*size)
    assert read_size(str(Size(*size))) == read_size(value)


@pytest.mark.parametrize(
    "value",
    ["abc", "", "640x", "x480", "0x0", "640x480x3", "-640x480", "64.5x64", 0, -1, True, None, 1.5, [640], [1, 2, 3],
     [640, "480"], ["640", "480"], {"width": 640}, 32769, "99999x1", [True, True], "６４０x480x"],
)  # fmt: skip
def test_what_is_no_size(value: Any) -> None:
    with pytest.raises(ValueError, match="is not a size in pixels such as 640x640"):
        read_size(value)


@pytest.mark.parametrize(
    ("text", "table", "key", "line"),
    [
        ("[a]\nx = 1\n[b]\nx = 2\n", "b", "x", 4),
        ("[a]\nx = 1\n[b]\ny = 2\n", "b", None, 3),
        ("b.x = 2\n", "b", "x", 1),
        ("\nb = { x = 2 }\n", "b", "x", 2),
        ('[ "tool" . "b" ]\n"x" = 2\n', "tool.b", "x", 2),
        ("[a]\n", "b", "x", None),
    ],
)
def test_lines(text: str, table: str, key: str | None, line: int | None) -> None:
    assert line_of(text, table, key) == line


def test_a_complaint_names_file_line_key_and_the_nearest_name(tmp_path: Path) -> None:
    (tmp_path / "retina-doctor.toml").write_text("[detection]\n\ntreshold = 0.5\n")
    with pytest.raises(UsageError) as complaint:
        loaded(tmp_path)
    file = tmp_path / "retina-doctor.toml"
    assert str(complaint.value) == f"{file}:3: detection.treshold: no such key in [detection]; did you mean threshold?"


@pytest.mark.parametrize(
    ("table", "key", "text", "read"),
    [
        ("target", "command", '["sh", "-c", "touch owned"]', ["sh", "-c", "touch owned"]),
        ("detection", "save_picture", '"/etc/cron.d/owned"', "/etc/cron.d/owned"),
        ("service", "start", '"venv/bin/python app.py"', "venv/bin/python app.py"),
    ],
)
def test_a_file_that_merely_lies_there_does_not_say_what_to_run_or_write(
    table: str, key: str, text: str, read: Any, tmp_path: Path
) -> None:
    file = tmp_path / "retina-doctor.toml"
    file.write_text(f"[{table}]\n{key} = {text}\n")
    with pytest.raises(UsageError, match=rf"retina-doctor.toml:2: {table}.{key}: .*--config"):
        load_settings(None, {}, {}, tmp_path)
    assert encode(load_settings(file, {}, {}, tmp_path))[table][key] == read


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("faeces = 'x'", "no such key in [service.response]; did you mean faces?"),
        ("field = 3", "3 is a whole number, not text"),
        ("box_form = 'xywh'", "known are corners, size"),
        ("field = ''", "is no name of a field"),
    ],
)
def test_a_table_within_a_table_is_as_exact(line: str, words: str, tmp_path: Path) -> None:
    file = tmp_path / "retina-doctor.toml"
    file.write_text(
        f"[service]\nport = 8080\n\n[service.response]\nfaces = 'result'\n{line}\n".replace("faces = 'r", "points = 'r")
    )
    with pytest.raises(UsageError) as complaint:
        loaded(tmp_path)
    key = line.partition(" ")[0]
    assert str(complaint.value).startswith(f"{file}:6: service.response.{key}: ")
    assert words in str(complaint.value)


def test_a_variable_adds_to_a_table_within_a_table(tmp_path: Path) -> None:
    (tmp_path / "retina-doctor.toml").write_text("[service.response]\nfaces = 'result'\n")
    variables = {"RETINA_DOCTOR_SERVICE_RESPONSE": '{ field = "file" }', "RETINA_DOCTOR_SERVICE_LOAD": "20,4"}
    settings = load_settings(None, variables, {}, tmp_path)
    assert (settings.of(ServiceSettings).response.faces, settings.of(ServiceSettings).response.field) == (
        "result",
        "file",
    )
    load = settings.of(ServiceSettings).load
    assert load is not None and load.at_once == 4
    with pytest.raises(UsageError, match=r"variable RETINA_DOCTOR_SERVICE_RESPONSE: feild: no such key"):
        load_settings(None, {"RETINA_DOCTOR_SERVICE_RESPONSE": '{ feild = "x" }'}, {}, tmp_path)


@pytest.mark.parametrize("value", ["200", "0,1", "200,257", "1000000,1", [200, 8.5], "a,b"])
def test_what_is_no_load(value: Any, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--load"):
        load_settings(None, {}, {"service": {"load": value}}, tmp_path)
