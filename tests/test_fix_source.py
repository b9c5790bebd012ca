"""The corrected lines of a scan, applied by `retina-doctor fix` in real trees and scanned again: each finding ends."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from retina_doctor_checks.analysis.python.neighbours import Neighbours
from retina_doctor_checks.analysis.python.read import read
from retina_doctor_checks.facts.source import Hit

from tests.doctor import doctor
from tests.scan_pairs import HEAD
from tests.scan_pairs import PAIRS as SOURCES
from tests.scan_trees import CUDA
from tests.test_fix_lines import fix, plant

FACE = "from insightface.app import FaceAnalysis\n"
APP = "face = FaceAnalysis(providers=['CUDAExecutionProvider'])\nface.prepare(ctx_id=0)\n"
FAST = "import cv2, numpy as np\nfrom fastapi import FastAPI, Request  # web\n" + FACE + "app = FastAPI()\n" + APP
FLASK = "import cv2, numpy as np\nfrom flask import Flask, request\n" + FACE + "app = Flask(__name__)\n" + APP
READ = "    img = cv2.imdecode(np.frombuffer(data, np.uint8), 1)\n"
POD = """apiVersion: v1
kind: Pod
metadata: {name: face}
spec:
  containers:
  - name: face
    image: registry/face-gpu:1
    args: [uvicorn, "app:app", --host, 0.0.0.0]
"""
GPU = "    resources: {limits: {nvidia.com/gpu: 1}}\n"
COMPOSE = "services:\n  face:\n    build: .\n    gpus: all\n"
IMAGE = f"FROM {CUDA}\nRUN pip install onnxruntime-gpu==1.20.1\n%sCMD uvicorn --host 0.0.0.0 app:app\n"
SERVED = (
    "from fastapi import FastAPI\n" + FACE + "app = FastAPI()\nface = FaceAnalysis(root='/weights')\n"
    "@app.get('/health')\ndef health(): return {}\n"
)
FORM = "import fastapi\na = fastapi.FastAPI()\n@a.post('/')\ndef f(x: fastapi.UploadFile): pass\n"
TREES: Mapping[str, tuple[str, Mapping[str, str]]] = {
    # no-face-not-handled
    "the best of no face, in a route": (
        "RD410",
        {
            "app.py": FAST + "@app.post('/x')\ndef x(path: str) -> dict:\n    faces = face.get(load(path))\n"
            "    best = max(faces, key=area)\n    return {'faces': [best.det_score]}\n"
        },
    ),
    "the first of no face, at once, in a route": (
        "RD410",
        {
            "app.py": FLASK + "@app.route('/x')\ndef x():\n\timg = load()\n"
            "\treturn {'faces': [face.get(img)[0].embedding.tolist()]}\n"
        },
    ),
    "the first of no face, where None may come back": (
        "RD410",
        {
            "- it's my app.py": FACE
            + APP
            + "class A:\n    def f(self, img) -> list[float] | None:\n        found = face.get(img)\n\n"
            "        return found[0].embedding  # 人脸\n"
        },
    ),
    "the first of no face, in a script": (
        "RD410",
        {"app.py": FACE + APP + "faces = face.get(img)\nprint(faces[0].bbox)\n"},
    ),
    # image-not-read
    "an upload, of fastapi": (
        "RD426",
        {
            "app.py": FAST
            + "@app.post('/x')\nasync def x(r: Request):\n    data = await r.body()\n"
            + READ
            + "    return img.shape\n"
        },
    ),
    "an upload, of flask": (
        "RD426",
        {
            "app.py": FLASK
            + "@app.post('/x')\ndef x():\n    data = request.data\n"
            + READ
            + "    h, w = img.shape[:2]\n    return f'{h}'\n"
        },
    ),
    "a file, read and used at once": (
        "RD426",
        {"a 'b' \".py": "import cv2\ndef load(path):\n    return cv2.resize(cv2.imread(path), (9, 9))\n"},
    ),
    # det-parameter-ignored
    "what prepare takes, in the constructor": (
        "RD409",
        {"app.py": FACE + "a = FaceAnalysis('buffalo_l', det_thresh=0.5, det_size=(320, 320))\na.prepare(ctx_id=0)\n"},
    ),
    "what the detector takes, in the constructor": (
        "RD409",
        {
            "app.py": FACE
            + "class A:\n    def __init__(self):\n        self.a = FaceAnalysis(nms_thresh=0.4)\n        self.a.prepare(0)\n"
        },
    ),
    "what the detector takes, in prepare": (
        "RD409",
        {"app.py": FACE + "a = FaceAnalysis()\na.prepare(0, nms_thresh=0.4)\n"},
    ),
    "a misspelt parameter": ("RD409", {"app.py": FACE + "a = FaceAnalysis()\na.prepare(0, det_threshold=0.6)\n"}),
    "a misspelt parameter of retina-face": (
        "RD409",
        {"app.py": "from retinaface import RetinaFace\nRetinaFace.detect_faces('a.jpg', thresh=0.8)\n"},
    ),
    "no ctx_id for an old insightface": (
        "RD409",
        {"app.py": FACE + "a = FaceAnalysis()\na.prepare()\n", "requirements.txt": "insightface==0.7.3\n"},
    ),
    "a threshold of one call, of an old insightface": (
        "RD409",
        {
            "app.py": "from insightface.model_zoo import get_model\nd = get_model('a.onnx')\n"
            "d.detect(p, det_thresh=0.5, max_num=1)\n",
            "requirements.txt": "insightface==0.7.3\n",
        },
    ),
    # ort-provider-not-requested
    "the CPU, by a name": (
        "RD275",
        {"app.py": FACE + "CTX = -1\na = FaceAnalysis()\na.prepare(ctx_id=CTX)\n"},
    ),
    "the CPU, on a line of its own": (
        "RD275",
        {"app.py": FACE + "a = FaceAnalysis()\na.prepare(\n    ctx_id=-1,\n)\n"},
    ),
    "the CPU first, by a name": (
        "RD275",
        {
            "app.py": FACE
            + "ON = ['CPUExecutionProvider', 'CUDAExecutionProvider']\na = FaceAnalysis(\n    providers=ON)\na.prepare(0)\n"
        },
    ),
    # cuda-visible-devices-hides-gpu
    "no card, in the source": (
        "RD528",
        {"app.py": "import os\nos.environ['CUDA_VISIBLE_DEVICES'] = ''\n" + FACE + APP},
    ),
    "no card, of an image": ("RD528", {"Dockerfile": IMAGE % 'ENV A=1 CUDA_VISIBLE_DEVICES="" B=2\n'}),
    "no card, in a list": ("RD528", {"compose.yml": COMPOSE + "    environment:\n    - 'CUDA_VISIBLE_DEVICES=-1'\n"}),
    "no card, in a mapping": ("RD528", {"compose.yml": COMPOSE + "    environment: {CUDA_VISIBLE_DEVICES: none}\n"}),
    "no card, of a pod": (
        "RD528",
        {"pod.yaml": POD + GPU + '    env:\n    - name: CUDA_VISIBLE_DEVICES\n      value: ""\n'},
    ),
    # container-started-without-gpu
    "compose": ("RD231", {"compose.yml": f"services:\n    face: # 人脸\n        image: {CUDA}\n"}),
    "compose with a deploy of its own": (
        "RD231",
        {"compose.yml": f"services:\n  face:\n    image: {CUDA}\n    deploy: {{replicas: 2}}\n"},
    ),
    "compose in brackets": ("RD231", {"compose.yml": f"services: {{face: {{image: '{CUDA}'}}}}\n"}),
    "a pod": ("RD231", {"pod.yaml": POD}),
    "a pod with limits": ("RD231", {"pod.yaml": POD + "    resources:\n      limits:\n        cpu: 1\n"}),
    "a pod with requests": ("RD231", {"pod.yaml": POD + "    resources:\n      requests: {cpu: 1}\n"}),
    # packages that overwrite each other
    "two of onnxruntime": (
        "RD276",
        {"requirements.txt": "onnxruntime-gpu==1.20.1\nonnxruntime >= 1.17 ; python_version > '3' # both\n"},
    ),
    "two of onnxruntime, in a project": (
        "RD276",
        {"pyproject.toml": '[project]\nname = "a"\ndependencies = ["onnxruntime-gpu", "onnxruntime>=1.17", "flask"]\n'},
    ),
    "two of onnxruntime, in a RUN": (
        "RD276",
        {"Dockerfile": f"FROM {CUDA}\nRUN pip install 'onnxruntime>=1.17' onnxruntime-gpu==1.20.1\n"},
    ),
    "insightface brings the other": (
        "RD276",
        {
            "Dockerfile": f"FROM {CUDA}\nCOPY . .\nRUN python3 -m pip install --no-cache-dir -r requirements.txt\n",
            "requirements.txt": "insightface==2.1\nonnxruntime-gpu==1.20.1\n",
        },
    ),
    "insightface brings the other, by uv": (
        "RD276",
        {"Dockerfile": f"FROM {CUDA}\nRUN uv pip install --system insightface==2.1 onnxruntime-gpu==1.20.1\n"},
    ),
    "two of opencv": ("RD298", {"requirements.txt": "opencv-python==4.10.0.84\nopencv_python_headless\n"}),
    "two of opencv, by poetry": (
        "RD298",
        {"pyproject.toml": '[tool.poetry.dependencies]\nopencv-python = "^4.8"\nopencv-python-headless = "^4.8"\n'},
    ),
    # service-module-missing
    **{
        f"a form, {name}": ("RD523", {name: text, "app.py": FORM})
        for name, text in {
            "requirements.txt": "uvicorn\nfastapi~=0.110\n",
            "pyproject.toml": '[project]\nname = "a"\ndependencies = [\n    "uvicorn",\n    "fastapi>=0.110"\n]\n',
            "Pipfile": '[packages]\nfastapi = "*"\n',
            "Dockerfile": "FROM python:3.12\nRUN pip install --no-cache-dir fastapi==0.110 uvicorn\n",
        }.items()
    },
    # service-crashed-or-not-ready
    "a limit that is too small": (
        "RD529",
        {"pod.yaml": POD + "    resources: {limits: {memory: 100Mi, nvidia.com/gpu: 1}}\n", "app.py": SERVED},
    ),
    "a limit without a unit": (
        "RD529",
        {
            "pod.yaml": POD + '    resources:\n      limits:\n        memory: "512m"\n        nvidia.com/gpu: 1\n',
            "app.py": SERVED,
        },
    ),
    "more requested than the limit": (
        "RD529",
        {
            "pod.yaml": POD + "    resources:\n      requests:\n        memory: 2Gi\n"
            "      limits:\n        memory: 1Gi\n        nvidia.com/gpu: 1\n",
            "app.py": SERVED,
        },
    ),
    "a limit of compose": (
        "RD529",
        {"compose.yml": COMPOSE + "    mem_limit: 120m\n", "Dockerfile": IMAGE % "", "app.py": SERVED},
    ),
    "a probe that comes early": (
        "RD529",
        {
            "pod.yaml": POD
            + GPU
            + "    livenessProbe:\n      httpGet: {path: /health, port: 8000}\n      periodSeconds: 2\n",
            "app.py": SERVED,
        },
    ),
    "a probe that comes early, with a delay": (
        "RD529",
        {
            "pod.yaml": POD
            + GPU
            + "    livenessProbe: {initialDelaySeconds: 1, periodSeconds: 2, httpGet: {path: /health, port: 8000}}\n",
            "app.py": SERVED,
        },
    ),
    "a probe of another path": (
        "RD529",
        {
            "pod.yaml": POD + GPU + "    readinessProbe:\n      httpGet:\n        path: /healthz\n        port: 8000\n",
            "app.py": SERVED,
        },
    ),
    "a health check by curl": (
        "RD529",
        {
            "Dockerfile": IMAGE % "HEALTHCHECK --interval=9s CMD curl -f http://localhost:8000/health || exit 1\n",
            "app.py": SERVED,
        },
    ),
    "a health check by curl, of compose": (
        "RD529",
        {
            "compose.yml": COMPOSE
            + '    healthcheck:\n      test: ["CMD", "curl", "-f", "http://localhost:8000/health"]\n      interval: 60s\n',
            "Dockerfile": IMAGE % "",
            "app.py": SERVED,
        },
    ),
    # model-cache-not-writable
    "a root that is read-only": (
        "RD607",
        {"compose.yml": COMPOSE + "    read_only: true\n", "Dockerfile": IMAGE % "", "app.py": SERVED},
    ),
    "a root that is read-only, beside a volume": (
        "RD607",
        {
            "compose.yml": COMPOSE + "    read_only: true\n    volumes:\n      - ./a:/a:ro\n",
            "Dockerfile": IMAGE % "",
            "app.py": SERVED.replace("root='/weights'", ""),
        },
    ),
    "a pod whose root is read-only": (
        "RD607",
        {
            "pod.yaml": POD + GPU + "    securityContext: {readOnlyRootFilesystem: true}\n",
            "Dockerfile": IMAGE % "COPY app.py .\n",
            "app.py": SERVED,
        },
    ),
    "a pod whose root is read-only, beside volumes": (
        "RD607",
        {
            "pod.yaml": POD
            + GPU
            + "    securityContext: {readOnlyRootFilesystem: true}\n    volumeMounts:\n    - {name: a, mountPath: /tmp}\n"
            "  volumes:\n  - name: a\n    emptyDir: {}\n",
            "Dockerfile": IMAGE % "WORKDIR /srv\nCOPY . .\n",
            "app.py": SERVED,
        },
    ),
}


FIRST = {code: name for name, (code, _) in reversed(list(TREES.items()))}.values()
"""One of each check; the others take their time."""


@pytest.mark.parametrize("name", [pytest.param(one, marks=() if one in FIRST else pytest.mark.real) for one in TREES])
def test_the_corrected_lines_end_the_finding(name: str, tmp_path: Path) -> None:
    code, files = TREES[name]
    tree = plant(tmp_path / "tree", files)
    told: Any = json.loads(fix(tmp_path, tree, "--only", code, "--apply", "--format", "json").stdout)
    assert [(one["outcome"], one["fixed"], one["left"]) for one in told["applied"]] == [("done", [code], [])], told
    assert (told["verdict"], told["exit_code"]) == ("healthy", 0), told
    for file in tree.rglob("*.py"):
        compile(file.read_text(), file, "exec")


ANSWERS = {
    "other words": "return {'e': faces[0].det_score}",
    "a page": "return render('a.html', face=faces[0])",
    "more than faces": "return {'faces': [faces[0].det_score], 'n': 1}",
    "two kinds": "return {'faces': [faces[0].det_score]} if a else 1",
}
WITHIN = (
    "dict[str, float | None]",
    "tuple[int, None]",
    "'list[float | None] '",
    "tuple[Optional[int], int]",
    "Callable[[], None]",
)
DRAFTS = {
    **{
        f"a route that answers with {name}": FAST
        + "@app.post('/x')\ndef x(p, a):\n    faces = face.get(p)\n    "
        + answer
        + "\n"
        for name, answer in ANSWERS.items()
    },
    **{
        f"None within {said}": FACE + APP + f"def f(p) -> {said}:\n    faces = face.get(p)\n    return faces[0].a\n"
        for said in WITHIN
        if "list" not in said
    },
    "a helper that gives a face": FACE + APP + "def f(img):\n    faces = face.get(img)\n    return faces[0]\n",
    "a loop": FACE + APP + "for img in images:\n    faces = face.get(img)\n    print(faces[0].bbox)\n",
    "a generator": FACE + APP + "def f(img):\n    faces = face.get(img)\n    yield faces[0]\n",
    "a route with a model of its own": FAST
    + "@app.post('/x', response_model=Face)\ndef x(path: str):\n    faces = face.get(load(path))\n    return faces[0]\n",
}


@pytest.mark.parametrize("name", DRAFTS)
def test_what_only_the_author_knows_is_shown_and_not_done(name: str, tmp_path: Path) -> None:
    tree = plant(tmp_path / "tree", {"app.py": DRAFTS[name]})
    told = json.loads(doctor("scan", tree, "--only", "RD410", "--format", "json", cwd=tmp_path).stdout)
    [finding] = told["findings"]
    evidence = finding["evidence"]
    assert evidence["fixed"] is None
    assert evidence["draft"].split("\n")[0] in finding["fix"]["text"]
    assert json.loads(fix(tmp_path, tree, "--only", "RD410", "--apply", "--format", "json").stdout)["applied"] == []
    lines = (tree / "app.py").read_text().split("\n")
    old = lines[finding["location"]["line"] - 1]
    indent = old[: len(old) - len(old.lstrip())]
    lines[finding["location"]["line"] - 1 : finding["location"]["line"]] = [
        indent + one for one in evidence["draft"].split("\n")
    ]
    (tree / "app.py").write_text("\n".join(lines))
    compile("\n".join(lines), "app.py", "exec")
    assert doctor("scan", tree, "--only", "RD410", cwd=tmp_path).returncode == 0


KEPT: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "a requirement whose hashes follow": (
        "RD276",
        {
            "requirements.txt": "onnxruntime==1.20.1 ; python_version >= '3.9' \\\n    --hash=sha256:00\n"
            "onnxruntime-gpu==1.20.1 \\\n    --hash=sha256:11\n"
        },
    ),
    "a health check that sends something": (
        "RD529",
        {
            "Dockerfile": "FROM python:3.12-slim\nRUN pip install insightface onnxruntime uvicorn\n"
            "HEALTHCHECK CMD curl -f -X POST -d '{}' http://localhost:8000/infer\nCMD uvicorn --host 0.0.0.0 app:app\n",
            "app.py": SERVED,
        },
    ),
    "a pod of an image that nobody knows": (
        "RD607",
        {"pod.yaml": POD + GPU + "    securityContext: {readOnlyRootFilesystem: true}\n", "app.py": SERVED},
    ),
    "a name that stands for something else": (
        "RD426",
        {
            "app.py": FAST
            + "from starlette.exceptions import HTTPException\n@app.post('/x')\nasync def x(r: Request):\n"
            + "    data = await r.body()\n"
            + READ
            + "    return img.shape\n"
        },
    ),
}


@pytest.mark.parametrize("name", KEPT)
def test_what_may_be_wrong_is_told_and_not_written(name: str, tmp_path: Path) -> None:
    code, files = KEPT[name]
    tree = plant(tmp_path / "tree", files)
    told = json.loads(fix(tmp_path, tree, "--only", code, "--apply", "--format", "json").stdout)
    assert told["steps"] and told["applied"] == [], told
    assert {one: (tree / one).read_text() for one in files} == dict(files)


@pytest.mark.parametrize(
    "line", ["COPY buffalo_l /weights/models/buffalo_l", "ADD m.tar /weights", "RUN python fetch.py"]
)
def test_models_that_an_image_holds_need_no_room(line: str, tmp_path: Path) -> None:
    files = {"compose.yml": COMPOSE + "    read_only: true\n", "Dockerfile": IMAGE % f"{line}\n", "app.py": SERVED}
    tree = plant(tmp_path / "tree", files)
    assert doctor("scan", tree, "--only", "RD607", cwd=tmp_path).returncode == 0


def test_an_import_is_added_where_its_statement_ends(tmp_path: Path) -> None:
    source = (
        FAST.replace("FastAPI, Request  # web", "FastAPI, Request; import os")
        + "@app.post('/x')\nasync def x(r: Request):\n"
    )
    tree = plant(
        tmp_path / "tree", {"app.py": source + "    data = await r.body()\n" + READ + "    return img.shape\n"}
    )
    fix(tmp_path, tree, "--only", "RD426", "--apply")
    assert "from fastapi import FastAPI, Request, HTTPException; import os\n" in (tree / "app.py").read_text()


def hits(text: str) -> list[Hit]:
    return read(text.encode("utf-8", "surrogatepass"), "/tree/app.py", Neighbours(lambda _: None), False).hits


def with_lines(text: str, edits: Sequence[tuple[int, str]]) -> str:
    """The text with these in place of its lines, as `fix` writes them."""
    lines = text.split("\n")
    for number, new in sorted(edits, reverse=True):
        old = lines[number - 1]
        indent = old[: len(old) - len(old.lstrip())]
        lines[number - 1 : number] = [indent + one for one in new.split("\n")] if new else []
    return "\n".join(lines)


@pytest.mark.parametrize("name", [one for one, pair in SOURCES.items() if "\\ud800" not in pair[1]])
def test_every_line_that_is_written_for_a_fault_of_source_is_python_and_ends_it(name: str) -> None:
    """Of all faults of tests/scan_pairs.py, in the process itself: drafts, too."""
    text = HEAD + SOURCES[name][1] + "\n"
    for hit in hits(text):
        edits = [(one.at.line, one.fixed) for one in hit.also]
        written = hit.fixed if hit.fixed is not None else hit.draft
        edits += [(hit.at.line, written)] if written is not None else []
        if not edits:
            continue
        changed = with_lines(text, edits)
        compile(changed, name, "exec")
        alike = [(one.cause, one.what, one.at.text) for one in hits(text)]
        left = [(one.cause, one.what, one.at.text) for one in hits(changed)]
        mine = (hit.cause, hit.what, hit.at.text)
        assert left.count(mine) < alike.count(mine), changed


MAKES = FACE + "import argparse, json\nargs = argparse.ArgumentParser().parse_args()\n"
ON_CPU = "['CPUExecutionProvider']"
HEALTHY = {
    "a flag that another flag changes": MAKES
    + "if args.cpu:\n    args.ctx = -1\nFaceAnalysis().prepare(ctx_id=args.ctx)\n",
    "a setting of another file": MAKES + f"c = json.load(f)\nc['p'] = {ON_CPU}\nFaceAnalysis(providers=c['p'])\n",
    "a setting of a parameter": MAKES
    + f"def cpu(c):\n    c.p = {ON_CPU}\ndef load(c):\n    return FaceAnalysis(providers=c.p)\n",
    "a setting that a function may change": MAKES
    + f"c = {{}}\ndef cpu():\n    c['p'] = {ON_CPU}\ndef load():\n    return FaceAnalysis(providers=c['p'])\n",
    "options of a parameter, beside others of that name": MAKES
    + f"options = {{'providers': {ON_CPU}}}\ndef make(options):\n    return FaceAnalysis(**options)\n",
}


@pytest.mark.parametrize("name", HEALTHY)
def test_what_may_be_set_elsewhere_is_no_fault(name: str) -> None:
    assert hits(HEALTHY[name]) == []


def test_what_the_file_sets_itself_is_known() -> None:
    [hit] = hits(FACE + f"c = {{}}\nc['p'] = {ON_CPU}\na = FaceAnalysis(providers=c['p'])\n")
    assert hit.why == "cpu-only"
