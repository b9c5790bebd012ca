"""`retina-doctor scan`: each fault before and after, files that are no source, and code that must not be run."""

from __future__ import annotations

import json
import os
import sysconfig
from pathlib import Path
from typing import Any

import pytest
from retina_doctor_checks.analysis.python.read import is_word_of

from tests.doctor import doctor
from tests.scan_pairs import HEAD
from tests.scan_pairs import PAIRS as PLAIN
from tests.scan_styles import STYLES

PAIRS = {**PLAIN, **STYLES}


def scanned(folder: Path, *words: str, exit_code: int | None = None) -> Any:
    done = doctor("scan", *words, "--format", "json", cwd=folder)
    assert done.stdout, done.stderr
    if exit_code is not None:
        assert done.returncode == exit_code, done.stdout
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """All pairs in two folders, each read once."""
    folder = tmp_path_factory.mktemp("pairs")
    for which in ("before", "after"):
        (folder / which).mkdir()
        for number, pair in enumerate(PAIRS.values()):
            (folder / which / f"pair{number}.py").write_text(HEAD + pair[1 if which == "before" else 2] + "\n")
    return {which: scanned(folder, which) for which in ("before", "after")}


@pytest.mark.parametrize("name", PAIRS)
def test_the_before_is_named_and_the_after_silent(name: str, pairs: Any) -> None:
    file = f"pair{list(PAIRS).index(name)}.py"

    def found(which: str) -> set[str]:
        return {one["name"] for one in pairs[which]["findings"] if one["location"]["file"].endswith("/" + file)}

    assert found("before") == {PAIRS[name][0]}
    assert found("after") == set()


BOTH = 'providers=["CUDAExecutionProvider", "CPUExecutionProvider"]'
LOOPS = {
    "a dict of sessions": f"""
PATHS = {{"small": "models/a.onnx", "large": "/models/b.onnx"}}
sessions = {{name: onnxruntime.InferenceSession(path, {BOTH}) for name, path in PATHS.items()}}
""",
    "a list of paths": f"""
sessions = []
for path in ["/models/b.onnx", "models/a.onnx"]:
    sessions.append(onnxruntime.InferenceSession(path, {BOTH}))
""",
    "a dict that is filled later": f"""
PATHS = {{"small": "/models/a.onnx"}}
PATHS["large"] = input()
sessions = [onnxruntime.InferenceSession(path, {BOTH}) for path in PATHS.values()]
""",
    "a list of detectors": """
for app in [FaceAnalysis(name="buffalo_l"), FaceAnalysis(name="buffalo_s")]:
    app.prepare(ctx_id=-1)
""",
    "a dict of detectors": """
apps = {name: FaceAnalysis(name=name) for name in ("buffalo_l", "buffalo_s")}
for app in apps.values():
    app.prepare(ctx_id=-1)
""",
    "of something else": """
for one in [FaceAnalysis(name="buffalo_l"), print]:
    one.prepare(ctx_id=-1)
""",
}
OF_LOOPS = {
    "a dict of sessions": [("model-wrong-directory", 2)],
    "a list of paths": [("model-wrong-directory", 3)],
    "a list of detectors": [("ort-provider-not-requested", 3)],
    "a dict of detectors": [("ort-provider-not-requested", 4)],
}


@pytest.mark.parametrize("name", LOOPS)
def test_what_a_loop_goes_through_is_each_of_it(name: str, tmp_path: Path) -> None:
    head = "from insightface.app import FaceAnalysis" if "FaceAnalysis" in LOOPS[name] else "import onnxruntime"
    (tmp_path / "app.py").write_text(head + LOOPS[name])
    told = scanned(tmp_path, ".")["findings"]
    assert [(one["name"], one["location"]["line"]) for one in told] == OF_LOOPS.get(name, [])


def test_place_line_and_correction(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(
        "import onnxruntime\n\nsession = onnxruntime.InferenceSession('/models/a.onnx')  # 人脸\n", "utf-8"
    )
    [finding] = scanned(tmp_path, ".", exit_code=1)["findings"]
    assert finding["location"] == {"file": str(tmp_path / "app.py"), "line": 3, "column": 11}
    assert finding["evidence"]["text"] == "session = onnxruntime.InferenceSession('/models/a.onnx')  # 人脸"
    both = '["CUDAExecutionProvider", "CPUExecutionProvider"]'
    fixed = f"session = onnxruntime.InferenceSession('/models/a.onnx', providers={both})  # 人脸"
    assert finding["evidence"]["fixed"] == fixed
    (tmp_path / "app.py").write_text("import onnxruntime\n" + fixed + "\n", "utf-8")
    assert scanned(tmp_path, ".", exit_code=0)["findings"] == []


@pytest.mark.parametrize("mark", ["RD275", "ort-provider-not-requested"])
def test_a_reason_beside_the_line_is_honoured_and_counted(tmp_path: Path, mark: str) -> None:
    line = "s = onnxruntime.InferenceSession('a')"
    (tmp_path / "app.py").write_text(
        f"import onnxruntime\n{line}  # retina-doctor: ignore[{mark}] a tool for the CPU\n{line}\n"
    )
    told = scanned(tmp_path, ".")
    assert [one["location"]["line"] for one in told["findings"]] == [3]
    (tmp_path / "app.py").write_text(
        f"import onnxruntime\n{line}  # retina-doctor: ignore[{mark}] a tool for the CPU\n"
    )
    told = scanned(tmp_path, ".", exit_code=0)
    [check] = [one for one in told["checks"] if one["code"] == "RD275"]
    assert check["verdict"] == "passed" and "1 places ignored" in check["reason"]


def test_what_may_be_meant_is_a_warning(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(
        "import onnxruntime\ns = onnxruntime.InferenceSession('a', providers=['CPUExecutionProvider'])\n"
    )
    [finding] = scanned(tmp_path, ".", exit_code=0)["findings"]
    assert finding["severity"] == "warning"
    assert doctor("scan", ".", "--fail-on", "warning", cwd=tmp_path).returncode == 1


def test_what_nobody_may_have_sent_is_a_warning_and_what_may_lie_elsewhere_a_draft(tmp_path: Path) -> None:
    reads = "import cv2\ndef f(p):\n    img = cv2.imread(p)\n    return img.shape\n"
    loads = "import os, onnxruntime\ns = onnxruntime.InferenceSession('a.onnx', providers=wanted)\n"
    files = {
        "tool.py": reads,
        "served.py": "import flask\n" + reads,
        "screen.py": "import gradio\ngradio.Blocks().launch()\n",
        "plain.py": "import onnxruntime\ns = onnxruntime.InferenceSession('/a')\n",
        "top.py": loads,
        "src/below.py": loads,
        "requirements.txt": "onnxruntime==1.20.0\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    told = {Path(one["location"]["file"]).name: one for one in scanned(tmp_path, ".")["findings"]}
    assert {name: one["severity"] for name, one in told.items()} == {
        "tool.py": "warning",
        "served.py": "error",
        "screen.py": "warning",
        "plain.py": "warning",
        "top.py": "error",
        "below.py": "error",
    }
    beside = "os.path.join(os.path.dirname(os.path.abspath(__file__)), 'a.onnx')"
    fixed = f"s = onnxruntime.InferenceSession({beside}, providers=wanted)"
    assert told["top.py"]["evidence"]["fixed"] == fixed and "draft" not in told["top.py"]["evidence"]
    assert told["below.py"]["evidence"]["draft"] == fixed and told["below.py"]["evidence"]["fixed"] is None
    (tmp_path / "requirements.txt").write_text("onnxruntime-gpu==1.20.0\n")
    told = {Path(one["location"]["file"]).name: one for one in scanned(tmp_path, ".")["findings"]}
    assert told["plain.py"]["severity"] == "error"


def test_files_that_are_no_source_and_folders_that_turn_in_circles(tmp_path: Path) -> None:
    good = "import onnxruntime\ns = onnxruntime.InferenceSession('a')\n"
    (tmp_path / "good.py").write_text(good)
    (tmp_path / "latin.py").write_bytes(b"# -*- coding: latin-1 -*-\n# caf\xe9\n" + good.encode())
    (tmp_path / "wrong.py").write_bytes(b"import onnxruntime\n# caf\xe9\n")
    (tmp_path / "broken.py").write_text("import onnxruntime\ndef f(:\n")
    (tmp_path / "zero.py").write_bytes(b"import onnxruntime\n\0\n")
    (tmp_path / "deep.py").write_text("import onnxruntime\nx = " + "(" * 5000 + ")" * 5000 + "\n")
    (tmp_path / "large.py").write_text("import onnxruntime\n" + "#" * (6 * 2**20))
    (tmp_path / "circle").symlink_to(tmp_path)
    (tmp_path / "nowhere.py").symlink_to("gone.py")
    os.mkfifo(tmp_path / "pipe.py")
    (tmp_path / "venv").mkdir()
    (tmp_path / "venv" / "pyvenv.cfg").touch()
    (tmp_path / "venv" / "inside.py").write_text(good)
    told = scanned(tmp_path, ".", exit_code=1)
    assert [Path(one["location"]["file"]).name for one in told["findings"]] == ["good.py", "latin.py"]
    unread = {Path(one["file"]).name for one in told["facts"]["source"]["unread"]}
    assert unread == {"wrong.py", "broken.py", "zero.py", "deep.py", "large.py", "pipe.py", "nowhere.py"}


def test_the_call_that_is_wrong_is_named(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(
        "import onnxruntime\ndef make(p):\n    return onnxruntime.InferenceSession('a', providers=p)\n"
        "make(['CUDAExecutionProvider'])\nmake(['CPUExecutionProvider'])\n"
    )
    [finding] = scanned(tmp_path, ".", exit_code=0)["findings"]
    assert (finding["location"]["line"], finding["location"]["column"]) == (5, 6)


def test_what_could_not_be_read_is_unknown_and_said(tmp_path: Path) -> None:
    (tmp_path / "good.py").write_text("import onnxruntime\n")
    (tmp_path / "broken.py").write_text("import onnxruntime\ndef f(:\n")
    told = scanned(tmp_path, ".", exit_code=3)
    assert told["findings"] == []
    [check] = [one for one in told["checks"] if one["code"] == "RD275"]
    assert check["verdict"] == "unknown"
    assert f"{tmp_path}/broken.py (SyntaxError" in check["missing"][0]
    assert "broken.py(SyntaxError" in "".join(doctor("scan", ".", cwd=tmp_path).stdout.split())
    (tmp_path / "broken.py").write_text("import os\ndef f(:\n")  # in which nothing could have been found
    scanned(tmp_path, ".", exit_code=0)


@pytest.mark.parametrize(
    ("head", "line", "fixed"),
    [
        (
            "from insightface.app import FaceAnalysis\napp = FaceAnalysis()\n",
            "app.prepare(0, det_size=(600, 640))",
            "app.prepare(0, det_size=(608, 640))",
        ),
        (
            "import os, torch\n",
            "w = torch.load('a.pth')  # 权重",
            "w = torch.load(os.path.join(os.path.dirname(os.path.abspath(__file__)), 'a.pth'))  # 权重",
        ),
        (
            "from pathlib import Path\nimport torch\nNAME = 'a.pth'\n",
            "w = torch.load(NAME)",
            "w = torch.load(str(Path(__file__).resolve().parent / NAME))",
        ),
        ("import flask\nweb = flask.Flask('a')\n", "web.run()", 'web.run(host="0.0.0.0")'),
        ("import flask\nweb = flask.Flask('a')\n", "web.run('127.0.0.1', 80)", 'web.run("0.0.0.0", 80)'),
        ("import uvicorn\n", "uvicorn.run(make(), port=80,)", 'uvicorn.run(make(), port=80, host="0.0.0.0")'),
    ],
)
def test_the_corrected_line_is_silent(tmp_path: Path, head: str, line: str, fixed: str) -> None:
    (tmp_path / "app.py").write_text(head + line + "\n", "utf-8")
    [finding] = scanned(tmp_path, ".", exit_code=1)["findings"]
    assert finding["evidence"]["fixed"] == fixed
    (tmp_path / "app.py").write_text(head + fixed + "\n", "utf-8")
    assert scanned(tmp_path, ".", exit_code=0)["findings"] == []


@pytest.mark.parametrize(
    ("line", "fixed"),
    [
        ("app.prepare(0, det_thresh=1.5)  # 得分", "app.prepare(0, det_thresh=0.6)  # 得分"),
        ("app.prepare(0, 0.95)", "app.prepare(0, 0.6)"),
        ("app.prepare(0, det_thresh=.1)", "app.prepare(0, det_thresh=0.6)"),
        ("app.det_model.nms_thresh = 0.9", "app.det_model.nms_thresh = 0.4"),
        ("app.det_model.nms_thresh = 0.1", "app.det_model.nms_thresh = 0.4"),
    ],
)
def test_the_corrected_number_is_silent(tmp_path: Path, line: str, fixed: str) -> None:
    head = "from insightface.app import FaceAnalysis\napp = FaceAnalysis()\n"
    (tmp_path / "app.py").write_text(head + line + "\n", "utf-8")
    [finding] = scanned(tmp_path, ".", exit_code=1 if "1.5" in line else 0)["findings"]
    assert finding["evidence"]["fixed"] == fixed
    (tmp_path / "app.py").write_text(head + fixed + "\n", "utf-8")
    assert scanned(tmp_path, ".", exit_code=0)["findings"] == []


@pytest.mark.parametrize("kind", ["compose.yml", "start.sh"])
def test_the_published_port_has_words_however_it_is_published(tmp_path: Path, kind: str) -> None:
    (tmp_path / "Dockerfile").write_text('FROM python:3.12-slim\nCMD ["gunicorn", "-b", "0.0.0.0:8080", "app:web"]\n')
    published = {
        "compose.yml": 'services:\n  face:\n    build: .\n    ports: ["80:5000"]\n',
        "start.sh": "docker build -t face .\ndocker run -p 80:5000 face\n",
    }
    (tmp_path / kind).write_text(published[kind])
    told = " ".join(doctor("scan", ".", cwd=tmp_path).stdout.split())
    assert "RD522" in told and "gunicorn listens on 8080." in told
    assert "broke" not in told


def test_a_reason_may_stand_alone_above(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(
        "import onnxruntime\n# retina-doctor: ignore[RD275] a tool for the CPU\n# and so on\n"
        "s = onnxruntime.InferenceSession('a')\n"
    )
    scanned(tmp_path, ".", exit_code=0)


def test_nothing_of_the_source_is_run(tmp_path: Path) -> None:
    mark = tmp_path / "it-ran"
    (tmp_path / "app").mkdir()
    for name in ("app.py", "sitecustomize.py", "ast.py", "onnxruntime.py"):
        (tmp_path / "app" / name).write_text(f"import onnxruntime\nopen({str(mark)!r}, 'w').close()\n")
    scanned(tmp_path, "app", exit_code=0)
    assert not mark.exists()


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        (b"ray", True),
        (b"import ray\n", True),
        (b"from ray.serve import run", True),
        (b"x = array(1)\nimport ray_tools", True),
        (b"array rays tray", False),
        (b"array " * 20_000, True),
    ],
    ids=["alone", "imported", "a package", "part of a name", "parts of words", "more parts than are looked at"],
)
def test_a_part_of_a_word_is_not_the_package(text: bytes, is_one: bool) -> None:
    """Else most files would be parsed, which takes most of the time."""
    assert is_word_of(text, b"ray") is is_one


def test_pythons_own_library_has_no_finding(tmp_path: Path) -> None:
    told = scanned(tmp_path, sysconfig.get_path("stdlib"), exit_code=0)
    assert told["findings"] == []
    assert told["facts"]["source"]["files"] > 500


def test_a_line_of_blanks_takes_not_all_the_time(tmp_path: Path) -> None:
    """What one file sets in another is looked for in the text of each."""
    (tmp_path / "app.py").write_text('import streamlit as st\nst.title("a")\nimport onnxruntime\n')
    (tmp_path / "settings.py").write_text("import streamlit\na.b:" + " " * 400_000 + "\na.c" + "\t" * 400_000 + "\n")
    told = scanned(tmp_path, ".")["facts"]["source"]
    assert (told["files"], told["cut"]) == (2, False)
    assert [one["file"] for one in told["unread"]] == [str(tmp_path / "settings.py")], "it is no Python"


def test_what_is_not_there_is_wrong_usage(tmp_path: Path) -> None:
    done = doctor("scan", "gone.py", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "gone.py: no such file or folder" in done.stderr


def test_a_check_of_the_machine_says_nothing_of_source(tmp_path: Path) -> None:
    told = json.loads(doctor("check", "--only", "source", "--format", "json", cwd=tmp_path).stdout)
    assert {one["verdict"] for one in told["checks"] if one["name"] in {pair[0] for pair in PAIRS.values()}} == {
        "inapplicable"
    }


ODD = {
    "infinite.py": "from insightface.app import FaceAnalysis\nFaceAnalysis().prepare(0, det_thresh=1e999)\n",
    "huge.py": f"from insightface.app import FaceAnalysis\nFaceAnalysis().prepare(0, det_size=({'9' * 400}, 640))\n",
    "halves.py": "import onnxruntime\nonnxruntime.InferenceSession('/a', providers=['\\ud800'])\n",
    "Dockerfile": 'FROM a\nCMD ["gunicorn", "-b", "\\ud800:80", "app:app"]\n',
    "compose.yml": "services:\n  a:\n    <<: abc\n    image: x\n    ports: ['80:²']\n",
    "one/uv.lock": "package = 5\n# onnxruntime\n",
    "two/uv.lock": "[[package]]\nname='onnxruntime'\nsource={virtual='.'}\ndependencies=[{name='onnxruntime',marker=5}, 7]\n",
}


def test_an_odd_file_does_not_take_the_findings_of_others(tmp_path: Path) -> None:
    for name, text in ODD.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, "utf-8")
    (tmp_path / "app.py").write_text("import onnxruntime\ns = onnxruntime.InferenceSession('/a')\n")
    told = scanned(tmp_path, ".", exit_code=1)
    assert {one["name"] for one in told["findings"]} == {"ort-provider-not-requested"}
    assert {Path(one["location"]["file"]).name for one in told["findings"]} == {"app.py", "halves.py"}


ENDLESS = {
    "tuples": ("({0},{0},{0},{0},{0},{0},{0},{0})", "FaceAnalysis().prepare(0, det_size=a0)"),
    "texts": ('f"' + "{{{0}}}" * 8 + '"', "ort.InferenceSession(a0)"),
}


@pytest.mark.parametrize("kind", ENDLESS)
def test_names_that_multiply_are_not_followed_for_ever(tmp_path: Path, kind: str) -> None:
    form, use = ENDLESS[kind]
    lines = [f"a{number} = {form.format(f'a{number + 1}')}" for number in range(12)]
    (tmp_path / "app.py").write_text("\n".join([HEAD, *lines, "a12 = 640", use]))
    told = scanned(tmp_path, ".", exit_code=3)
    [unread] = told["facts"]["source"]["unread"]
    assert Path(unread["file"]).name == "app.py"


def test_secrets_do_not_leave_the_line(tmp_path: Path) -> None:
    (tmp_path / "run.sh").write_text(
        "docker run -e DB_PASSWORD=hunter1 -e DB_PASS=hunter2 -e MYSQL_PWD=hunter3 -e SECRET_KEY='hunter 4' a:cuda12\n"
        'docker run -e "DB_PASSWORD=hunter 5" -e URL=postgres://u:hunter6@db/x b:cuda12\n'
    )
    (tmp_path / "app.py").write_text("import uvicorn\nuvicorn.run(app, api_key='hunter7', port=80)\n")
    told = scanned(tmp_path, ".", exit_code=1)
    assert len(told["findings"]) == 3 and all(one["evidence"]["fixed"] for one in told["findings"])
    assert "hunter" not in json.dumps(told)
    assert not [word for word in ("4'", '5\\"') if word in json.dumps(told["findings"])]


@pytest.mark.parametrize(
    "call",
    [
        "s = onnxruntime.InferenceSession(\n    '/a',\n)  # retina-doctor: ignore[RD275] a tool for the CPU",
        "s = onnxruntime.InferenceSession(\n    '/a',  # retina-doctor: ignore[RD275] a tool for the CPU\n)",
        "s = onnxruntime.InferenceSession('/a')  # Retina-Doctor: ignore[RD131, rd275] a tool for the CPU",
    ],
)
def test_a_reason_may_stand_on_any_line_of_the_call(tmp_path: Path, call: str) -> None:
    (tmp_path / "app.py").write_text(f"import onnxruntime\n{call}\n")
    assert scanned(tmp_path, ".", exit_code=0)["findings"] == []


def test_a_text_is_no_reason(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(
        "import onnxruntime\ns = onnxruntime.InferenceSession('/# retina-doctor: ignore[RD275] a')\n"
    )
    scanned(tmp_path, ".", exit_code=1)


@pytest.mark.parametrize(
    ("head", "line"),
    [
        ("import torch\n", "w = torch.load('a.pth')"),
        ("import torch\n", "net = torch.nn.Linear(1, 1).cuda()"),
        ("import onnxruntime\n", "s = onnxruntime.InferenceSession(p for p in ['/a'])"),
        ("from insightface.app import FaceAnalysis\n", "FaceAnalysis().prepare(0, det_size=(16, 640))"),
    ],
)
def test_no_line_is_better_than_one_that_breaks(tmp_path: Path, head: str, line: str) -> None:
    (tmp_path / "app.py").write_text(head + line + "\n")
    [finding] = scanned(tmp_path, ".")["findings"]
    assert finding["evidence"]["fixed"] is None


OF_A_TEST = """import cv2, torch
from insightface.app import FaceAnalysis
w = torch.load('a.pth')
app = FaceAnalysis(providers=['CPUExecutionProvider'])
app.prepare(ctx_id=-1, det_thresh=0.05)
face = app.get(cv2.imread(path))[0]
"""


def test_a_test_knows_its_pictures_and_its_numbers(tmp_path: Path) -> None:
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "conftest.py").write_text(OF_A_TEST)
    assert scanned(tmp_path, ".", exit_code=0)["findings"] == []
    (tmp_path / "app.py").write_text(OF_A_TEST)
    found = scanned(tmp_path, ".", exit_code=1)["findings"]
    assert {one["location"]["file"].rpartition("/")[2] for one in found} == {"app.py"}
    names = {"model-wrong-directory", "ort-provider-not-requested", "det-threshold-too-low", "image-not-read"}
    assert {one["name"] for one in found} == names | {"no-face-not-handled"}


@pytest.mark.parametrize("pinned", ["0.1.5", "0.7.3"])
def test_what_an_old_insightface_takes_is_not_refused(tmp_path: Path, pinned: str) -> None:
    (tmp_path / "requirements.txt").write_text(f"insightface=={pinned}\n")
    (tmp_path / "app.py").write_text(
        "from insightface.app import FaceAnalysis\nFaceAnalysis().prepare(ctx_id=0, nms=0.4)\n"
    )
    found = [one["name"] for one in scanned(tmp_path, ".")["findings"]]
    assert found == (["det-parameter-ignored"] if pinned == "0.7.3" else [])


@pytest.mark.parametrize("line", ["# P = ['CUDAExecutionProvider']", "P = ['CUDAExecutionProvider']"])
def test_what_a_comment_names_is_not_meant(tmp_path: Path, line: str) -> None:
    (tmp_path / "requirements.txt").write_text("onnxruntime==1.21.0\n")
    (tmp_path / "app.py").write_text(f'"""Without CUDAExecutionProvider."""\nimport onnxruntime\n{line}\n')
    found = [one["name"] for one in scanned(tmp_path, ".")["findings"]]
    assert found == ([] if line.startswith("#") else ["ort-cpu-package"])


@pytest.mark.parametrize(("uses", "said"), [(3, None), (4, "one more place:"), (7, "4 more places:")])
def test_many_places_of_one_kind_are_told_by_place(tmp_path: Path, uses: int, said: str | None) -> None:
    lines = [f"def f{n}(p):\n    img = cv2.imread(p)\n    return img.shape" for n in range(uses)]
    (tmp_path / "app.py").write_text("import cv2, flask\n" + "\n".join(lines) + "\n")
    assert len(scanned(tmp_path, ".")["findings"]) == uses
    told = " ".join(doctor("scan", ".", cwd=tmp_path).stdout.split())
    assert told.count(" error RD426 image-not-read") == min(uses, 3)
    assert ("The same at" in told) == (said is not None)
    assert said is None or told.count(f"The same at {said}") == 1  # the plan writes each line
    assert told.count("if img is None:") == uses + min(uses, 3)  # in the plan; in the advice of each
    assert all(f"app.py:{4 + 3 * n}" in told or f"line {4 + 3 * n}" in told for n in range(uses))


def test_a_pool_of_processes_is_told_its_own_remedy_and_it_alone(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(HEAD + STYLES["a pool of processes"][1])
    done = doctor("scan", ".", "--lang", "en", cwd=tmp_path)
    assert "set_start_method" in done.stdout
    assert "post_fork" not in done.stdout
    assert "::" not in done.stdout
