"""`retina-doctor scan`: each fault before and after, files that are no source, and code that must not be run."""

from __future__ import annotations

import json
import os
import sysconfig
from pathlib import Path
from typing import Any

import pytest

from tests.doctor import doctor

HEAD = "import onnxruntime as ort\nfrom insightface.app import FaceAnalysis\nimport torch\nimg = None\n"
SELF = "class A:\n    def __init__(self):\n        self.app = FaceAnalysis()\n"
APP = "app = FaceAnalysis(providers=['CUDAExecutionProvider'])\n"
BOTH = "providers=['CUDAExecutionProvider', 'CPUExecutionProvider']"

PAIRS: dict[str, tuple[str, str, str]] = {
    # fault: (name, before, after)
    "no providers": ("ort-provider-not-requested", "s = ort.InferenceSession('a')", f"s = ort.InferenceSession('a', {BOTH})"),
    "no providers, by from": (
        "ort-provider-not-requested",
        "from onnxruntime import InferenceSession as S\ns = S('a')",
        f"from onnxruntime import InferenceSession as S\ns = S('a', {BOTH})",
    ),
    "no providers, in a function": (
        "ort-provider-not-requested",
        "def f():\n    return ort.InferenceSession('a', sess_options=None)",
        "def f():\n    return ort.InferenceSession('a', None, ['CUDAExecutionProvider'])",
    ),
    "no providers, in an attribute": (
        "ort-provider-not-requested",
        "class A:\n    def __init__(self):\n        self.s = ort.InferenceSession('a')",
        f"class A:\n    def __init__(self):\n        self.s = ort.InferenceSession('a', {BOTH})",
    ),
    "the CPU alone": (
        "ort-provider-not-requested",
        "s = ort.InferenceSession('a', providers=['CPUExecutionProvider'])",
        f"s = ort.InferenceSession('a', {BOTH})",
    ),
    "the CPU alone, through a name": (
        "ort-provider-not-requested",
        "P = ['CPUExecutionProvider']\ns = ort.InferenceSession('a', providers=P)",
        "P = ['TensorrtExecutionProvider', 'CPUExecutionProvider']\ns = ort.InferenceSession('a', providers=P)",
    ),
    "the CPU alone, in a tuple": (
        "ort-provider-not-requested",
        "s = ort.InferenceSession('a', providers=('CPUExecutionProvider',))",
        "def f(p):\n    return ort.InferenceSession('a', providers=p)",
    ),
    "threshold to the constructor": (
        "det-parameter-ignored",
        "app = FaceAnalysis(det_thresh=0.6)",
        "app = FaceAnalysis()\napp.prepare(0, det_thresh=0.6)",
    ),
    "size to the constructor": (
        "det-parameter-ignored",
        "app = FaceAnalysis(name='x', det_size=(640, 640))",
        "app = FaceAnalysis(name='x')\napp.prepare(0, det_size=(640, 640))",
    ),
    "ctx_id to the constructor": (
        "det-parameter-ignored", "app = FaceAnalysis(ctx_id=0)", "app = FaceAnalysis()\napp.prepare(ctx_id=0)",
    ),
    "nms to the constructor": (
        "det-parameter-ignored",
        "app = FaceAnalysis(det_nms_threshold=0.5)",
        "app = FaceAnalysis()\napp.det_model.nms_thresh = 0.5",
    ),
    "max_num to the constructor": (
        "det-parameter-ignored", "app = FaceAnalysis(max_num=1)", "app = FaceAnalysis()\nfaces = app.get(img, max_num=1)",
    ),
    "by the module's own path": (
        "det-parameter-ignored",
        "import insightface\na = insightface.app.FaceAnalysis(det_thresh=0.5)",
        "import insightface\na = insightface.app.FaceAnalysis(allowed_modules=['detection'])",
    ),
    "nms to prepare, of an attribute": (
        "det-parameter-ignored",
        SELF + "        self.app.prepare(0, nms_thresh=0.5)",
        SELF + "        self.app.det_model.prepare(0, nms_thresh=0.5)",
    ),
    "the first face of an attribute": (
        "no-face-not-handled",
        SELF + "    def f(self, i):\n        return self.app.get(i)[0]",
        SELF + "    def f(self, i):\n        return list(self.app.get(i))",
    ),
    "nms to prepare": (
        "det-parameter-ignored", APP + "app.prepare(0, nms_thresh=0.5)", APP + "app.prepare(0)\napp.det_model.nms_thresh = 0.5",
    ),
    "a number for a size": (
        "det-parameter-ignored", APP + "app.prepare(0, det_size=640)", APP + "app.prepare(0, det_size=(640, 640))",
    ),
    "a number for a size, through a name": (
        "det-parameter-ignored", APP + "SIDE = 640\napp.prepare(0, det_size=SIDE)", APP + "app.prepare(0, det_size=None)",
    ),
    "model_path to detect_faces": (
        "det-parameter-ignored",
        "from retinaface import RetinaFace\nRetinaFace.detect_faces('a.jpg', model_path='b')",
        "from retinaface import RetinaFace\nRetinaFace.detect_faces('a.jpg', threshold=0.8)",
    ),
    "cuda() unguarded": (
        "cuda-hardcoded",
        "net = torch.nn.Linear(1, 1).cuda()",
        "if torch.cuda.is_available():\n    net = torch.nn.Linear(1, 1).cuda()",
    ),
    "to cuda unguarded": ("cuda-hardcoded", "x = torch.zeros(1).to('cuda')", "x = torch.zeros(1).to('cpu')"),
    "to cuda:0 unguarded": ("cuda-hardcoded", "x = torch.zeros(1).to('cuda:0')", "d = 'cpu'\nx = torch.zeros(1).to(d)"),
    "a device of cuda": (
        "cuda-hardcoded",
        "d = torch.device('cuda')",
        "d = torch.device('cuda' if torch.cuda.is_available() else 'cpu')",
    ),
    "the first face": (
        "no-face-not-handled",
        APP + "def f(i):\n    faces = app.get(i)\n    return faces[0]",
        APP + "def f(i):\n    faces = app.get(i)\n    if not faces:\n        return None\n    return faces[0]",
    ),
    "the last face": (
        "no-face-not-handled",
        APP + "def f(i):\n    faces = app.get(i)\n    return faces[-1].bbox",
        APP + "def f(i):\n    faces = app.get(i)\n    return faces[-1].bbox if len(faces) else None",
    ),
    "the first face at once": (
        "no-face-not-handled", APP + "e = app.get(img)[0].embedding", APP + "for face in app.get(img):\n    e = face.embedding",
    ),
    "the first face in a module": (
        "no-face-not-handled",
        APP + "faces = app.get(img)\nprint(faces[0])",
        APP + "faces = app.get(img)\nassert faces\nprint(faces[0])",
    ),
    "the first face in a try that catches something else": (
        "no-face-not-handled",
        APP + "try:\n    e = app.get(img)[0]\nexcept OSError:\n    e = None",
        APP + "try:\n    e = app.get(img)[0]\nexcept IndexError:\n    e = None",
    ),
    "the first face in a coroutine": (
        "no-face-not-handled",
        APP + "async def f(i):\n    faces = app.get(i)\n    return faces[0]",
        APP + "async def f(i):\n    faces = app.get(i)\n    return faces[0] if faces else None",
    ),
    "another function asks": (
        "no-face-not-handled",
        APP + "def g(faces):\n    if faces: pass\ndef f(i):\n    found = app.get(i)\n    return found[0]",
        APP + "def f(i):\n    found = app.get(i)\n    while found:\n        return found[0]",
    ),
    "the first face in a loop": (
        "no-face-not-handled",
        APP + "for i in []:\n    faces = app.get(i)\n    print(faces[0])",
        APP + "for i in []:\n    faces = app.get(i)\n    if len(faces) > 0:\n        print(faces[0])",
    ),
    "the first face under a context": (
        "no-face-not-handled",
        APP + "with open('a') as f:\n    faces = app.get(img)\n    print(faces[0])",
        APP + "with open('a') as f:\n    print([face for face in app.get(img)])",
    ),
    # values followed within a file
    "the CPU alone, by a call's argument": (
        "ort-provider-not-requested",
        "def make(p):\n    return ort.InferenceSession('a', providers=p)\nmake(['CPUExecutionProvider'])",
        "def make(p):\n    return ort.InferenceSession('a', providers=p)\nmake(['CUDAExecutionProvider'])",
    ),
    "the CPU alone, by a default": (
        "ort-provider-not-requested",
        "def make(p=['CPUExecutionProvider']):\n    return ort.InferenceSession('a', providers=p)",
        "def make(p=None):\n    return ort.InferenceSession('a', providers=p)",
    ),
    "the CPU alone, by a method's argument": (
        "ort-provider-not-requested",
        "class A:\n    def make(self, *, p):\n        return ort.InferenceSession('a', providers=p)\n"
        "A().make(p=['CPUExecutionProvider'])",
        "class A:\n    def make(self, *, p):\n        return ort.InferenceSession('a', providers=p)\n"
        "register(A().make)\nA().make(p=['CPUExecutionProvider'])",
    ),
    "a number for a size, by a constructor's argument": (
        "det-parameter-ignored",
        "class A:\n    def __init__(self, side):\n        self.side = side\n        self.app = FaceAnalysis()\n"
        "        self.app.prepare(0, det_size=self.side)\nA(640)",
        "class A:\n    def __init__(self, side):\n        self.side = side\n        self.app = FaceAnalysis()\n"
        "        self.app.prepare(0, det_size=(self.side, self.side))\nA(640)",
    ),
    "the app by a function that makes it": (
        "det-parameter-ignored",
        "def make():\n    app = FaceAnalysis()\n    return app\napp = make()\napp.prepare(0, nms_thresh=0.5)",
        "def make():\n    app = FaceAnalysis()\n    return app\napp = make()\napp.prepare(0, det_thresh=0.5)",
    ),
    "the app by a global": (
        "no-face-not-handled",
        "app = None\ndef load():\n    global app\n    app = FaceAnalysis()\ndef f(i):\n    return app.get(i)[0]",
        "app = None\ndef load(store):\n    app = FaceAnalysis()\ndef f(i):\n    return app.get(i)[0]",
    ),
    "the app as an argument": (
        "no-face-not-handled",
        APP + "def f(one, i):\n    return one.get(i)[0]\nf(app, img)",
        APP + "def f(one, i):\n    return one.get(i)[0]\nf({1: 2}, img)",
    ),
}  # fmt: skip


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


def test_place_line_and_correction(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(
        "import onnxruntime\n\nsession = onnxruntime.InferenceSession('a.onnx')  # 人脸\n", "utf-8"
    )
    [finding] = scanned(tmp_path, ".", exit_code=1)["findings"]
    assert finding["location"] == {"file": str(tmp_path / "app.py"), "line": 3, "column": 11}
    assert finding["evidence"]["text"] == "session = onnxruntime.InferenceSession('a.onnx')  # 人脸"
    both = '["CUDAExecutionProvider", "CPUExecutionProvider"]'
    fixed = f"session = onnxruntime.InferenceSession('a.onnx', providers={both})  # 人脸"
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
    [check] = [one for one in told["checks"] if one["name"] == "ort-provider-not-requested"]
    assert check["verdict"] == "passed" and "1 places ignored" in check["reason"]


def test_what_may_be_meant_is_a_warning(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(
        "import onnxruntime\ns = onnxruntime.InferenceSession('a', providers=['CPUExecutionProvider'])\n"
    )
    [finding] = scanned(tmp_path, ".", exit_code=0)["findings"]
    assert finding["severity"] == "warning"
    assert doctor("scan", ".", "--fail-on", "warning", cwd=tmp_path).returncode == 1


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
    assert unread == {"wrong.py", "broken.py", "zero.py", "deep.py", "large.py"}


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
    [check] = [one for one in told["checks"] if one["name"] == "ort-provider-not-requested"]
    assert check["verdict"] == "unknown"
    assert f"{tmp_path}/broken.py (SyntaxError" in check["missing"][0]
    assert "broken.py(SyntaxError" in "".join(doctor("scan", ".", cwd=tmp_path).stdout.split())
    (tmp_path / "broken.py").write_text("import os\ndef f(:\n")  # in which nothing could have been found
    scanned(tmp_path, ".", exit_code=0)


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


def test_pythons_own_library_has_no_finding(tmp_path: Path) -> None:
    told = scanned(tmp_path, sysconfig.get_path("stdlib"), exit_code=0)
    assert told["findings"] == []
    assert told["facts"]["source"]["files"] > 500


def test_what_is_not_there_is_wrong_usage(tmp_path: Path) -> None:
    done = doctor("scan", "gone.py", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "gone.py: no such file or folder" in done.stderr


def test_a_check_of_the_machine_says_nothing_of_source(tmp_path: Path) -> None:
    told = json.loads(doctor("check", "--only", "source", "--format", "json", cwd=tmp_path).stdout)
    assert {one["verdict"] for one in told["checks"] if one["name"] in {pair[0] for pair in PAIRS.values()}} == {
        "inapplicable"
    }
