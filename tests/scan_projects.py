"""Whole small projects as people write them, each with one fault that several of its files show together, beside its healthy
twin: for tests/test_scan_projects.py."""

# ruff: noqa: E501 - their lines are those of the projects

from __future__ import annotations

Tree = dict[str, str]
PROJECTS: dict[str, tuple[str, Tree, Tree]] = {}
"""name -> (the fault, the project, its twin)"""


def pair(name: str, cause: str, files: Tree, change: dict[str, str | tuple[str, str] | None]) -> None:
    """*change*: of each file that differs in the twin its text, a part of it before and after, or that it is not there."""
    twin = dict(files)
    for file, new in change.items():
        if isinstance(new, tuple):
            assert new[0] in twin[file], (name, file)
            twin[file] = twin[file].replace(*new)
        elif new is None:
            twin.pop(file, None)
        else:
            twin[file] = new
    PROJECTS[name] = (cause, dict(files), twin)


HEALTHY: dict[str, Tree] = {}


def healthy(name: str, files: Tree) -> None:
    HEALTHY[name] = files


FLASK = '''"""人脸检测服务"""
import cv2
import numpy as np
from flask import Flask, jsonify, request
from insightface.app import FaceAnalysis

app = Flask(__name__)

# 启动时加载一次模型
face_app = FaceAnalysis(name="buffalo_l", providers=["CUDAExecutionProvider", "CPUExecutionProvider"])
face_app.prepare(ctx_id=0, det_size=(640, 640), det_thresh=0.6)


@app.route("/detect", methods=["POST"])
def detect():
    data = np.frombuffer(request.files["image"].read(), np.uint8)
    img = cv2.imdecode(data, cv2.IMREAD_COLOR)
    if img is None:
        return jsonify(error="图片无法读取"), 400
    faces = face_app.get(img)
    return jsonify(faces=[{"bbox": f.bbox.tolist(), "confidence": float(f.det_score)} for f in faces])


if __name__ == "__main__":
    app.run(host="0.0.0.0", port=8080)
'''
FAST = """from contextlib import asynccontextmanager

import cv2
import numpy as np
from fastapi import FastAPI, File, HTTPException, UploadFile
from insightface.app import FaceAnalysis

models = {}


@asynccontextmanager
async def lifespan(app: FastAPI):
    analyser = FaceAnalysis(name="buffalo_l", providers=["CUDAExecutionProvider", "CPUExecutionProvider"])
    analyser.prepare(ctx_id=0, det_size=(640, 640))
    models["face"] = analyser
    yield
    models.clear()


app = FastAPI(title="face-api", lifespan=lifespan)


@app.get("/healthz")
def healthz():
    return {"ok": "face" in models}


@app.post("/detect")
async def detect(image: UploadFile = File(...)):
    img = cv2.imdecode(np.frombuffer(await image.read(), np.uint8), cv2.IMREAD_COLOR)
    if img is None:
        raise HTTPException(status_code=400, detail="cannot decode image")
    return {"faces": [{"bbox": f.bbox.tolist(), "score": float(f.det_score)} for f in models["face"].get(img)]}
"""
REQ = "flask==3.0.3\ngunicorn==22.0.0\ninsightface==0.7.3\nonnxruntime-gpu==1.18.1\nopencv-python-headless==4.10.0.84\nnumpy==1.26.4\n"
REQF = "fastapi==0.115.0\nuvicorn[standard]==0.30.6\npython-multipart==0.0.9\ninsightface==0.7.3\nonnxruntime-gpu==1.20.1\nopencv-python-headless==4.10.0.84\nnumpy==1.26.4\n"
CUDA11 = "nvidia/cuda:11.8.0-cudnn8-runtime-ubuntu22.04"
CUDA12 = "nvidia/cuda:12.4.1-cudnn-runtime-ubuntu22.04"
DOCKF = f"""FROM {CUDA12}
ENV DEBIAN_FRONTEND=noninteractive
RUN apt-get update && apt-get install -y python3 python3-pip python3-dev build-essential libglib2.0-0 && rm -rf /var/lib/apt/lists/*
WORKDIR /app
COPY requirements.txt .
RUN pip3 install --no-cache-dir -r requirements.txt
COPY . .
EXPOSE 8000
CMD ["uvicorn", "main:app", "--host", "0.0.0.0", "--port", "8000"]
"""
COMPF = """services:
  face:
    build: .
    restart: unless-stopped
    ports:
      - "8000:8000"
    volumes:
      - models:/root/.insightface
    deploy:
      resources:
        reservations:
          devices:
            - driver: nvidia
              count: 1
              capabilities: [gpu]
volumes:
  models:
"""
F = {"main.py": FAST, "requirements.txt": REQF, "Dockerfile": DOCKF, "docker-compose.yml": COMPF}
W = {
    "app.py": FLASK,
    "requirements.txt": REQ,
    "README.md": "# 人脸检测\n\npip install -r requirements.txt\npython app.py\n",
}

# --- 1 names
pair("name-xl", "model-unknown-name", {**F, "main.py": FAST.replace('"buffalo_l"', '"buffalo_xl"')}, {"main.py": FAST})
pair(
    "name-antelope-v2",
    "model-unknown-name",
    {**W, "app.py": FLASK.replace('"buffalo_l"', '"antelope_v2"')},
    {"app.py": FLASK.replace("buffalo_l", "antelopev2")},
)
GM = """import cv2
import insightface

# 只要检测模型
detector = insightface.model_zoo.get_model("retinaface_r50_v1")
detector.prepare(ctx_id=0, input_size=(640, 640))


def detect(path):
    img = cv2.imread(path)
    if img is None:
        raise ValueError(path)
    bboxes, kpss = detector.detect(img)
    return bboxes.tolist()
"""
pair(
    "get-model-mxnet-name",
    "model-unknown-name",
    {
        "detector.py": GM,
        "requirements.txt": "insightface==0.7.3\nonnxruntime-gpu==1.20.1\n",
        "server.py": FLASK.replace(
            "from insightface.app import FaceAnalysis\n", "from detector import detect as run\n"
        ).split("# 启动")[0]
        + """

@app.route("/detect", methods=["POST"])
def handle():
    request.files["image"].save("/tmp/in.jpg")
    return jsonify(faces=run("/tmp/in.jpg"))


if __name__ == "__main__":
    app.run(host="0.0.0.0", port=8080)
""",
    },
    {"detector.py": ('"retinaface_r50_v1"', '"/models/retinaface/det_10g.onnx"')},
)
pair(
    "name-by-env-default",
    "model-unknown-name",
    {
        **F,
        "config.py": 'import os\n\nMODEL_PACK = os.getenv("MODEL_PACK", "bufallo_l")\nDET_SIZE = (640, 640)\n',
        "main.py": FAST.replace('name="buffalo_l"', "name=MODEL_PACK").replace(
            "from insightface", "from config import MODEL_PACK\nfrom insightface"
        ),
    },
    {"config.py": 'import os\n\nMODEL_PACK = os.getenv("MODEL_PACK", "buffalo_l")\nDET_SIZE = (640, 640)\n'},
)
pair(
    "name-custom-baked",
    "model-unknown-name",
    {**F, "main.py": FAST.replace('"buffalo_l"', '"buffalo-l"')},
    {
        "main.py": FAST.replace('"buffalo_l"', '"face_v3"').replace(
            "providers=", 'root="/opt/insightface", providers='
        ),
        "Dockerfile": DOCKF.replace("COPY . .", "COPY packs/face_v3 /opt/insightface/models/face_v3\nCOPY . ."),
    },
)

# --- 2 pythons
SLIMF = """FROM python:{py}-slim
RUN apt-get update && apt-get install -y --no-install-recommends build-essential libglib2.0-0 && rm -rf /var/lib/apt/lists/*
WORKDIR /app
COPY requirements.txt .
RUN pip install --no-cache-dir -r requirements.txt
COPY . .
CMD ["uvicorn", "main:app", "--host", "0.0.0.0", "--port", "8000"]
"""
REQX = REQF.replace("onnxruntime-gpu==1.20.1", "onnxruntime-gpu[cuda,cudnn]==1.20.1")
REQC = REQF.replace("onnxruntime-gpu==1.20.1", "onnxruntime==1.20.1")
FCPU = FAST.replace(', providers=["CUDAExecutionProvider", "CPUExecutionProvider"]', "")
pair(
    "py38-ort120",
    "python-has-no-wheel",
    {
        "main.py": FCPU,
        "requirements.txt": REQC.replace("numpy==1.26.4", "numpy==1.24.4"),
        "Dockerfile": SLIMF.format(py="3.8"),
        "docker-compose.yml": 'services:\n  face:\n    build: .\n    ports:\n      - "8000:8000"\n',
    },
    {"Dockerfile": SLIMF.format(py="3.10")},
)
pair(
    "py39-numpy21",
    "python-has-no-wheel",
    {
        "main.py": FCPU,
        "requirements.txt": "fastapi\nuvicorn\npython-multipart\ninsightface==0.7.3\nonnxruntime==1.19.2\nopencv-python-headless==4.10.0.84\nnumpy==2.1.0\n",
        "Dockerfile": SLIMF.format(py="3.9"),
    },
    {
        "requirements.txt": "fastapi\nuvicorn\npython-multipart\ninsightface==0.7.3\nonnxruntime==1.19.2\nopencv-python-headless==4.10.0.84\nnumpy==2.0.2\n"
    },
)
pair(
    "py313-ort118",
    "python-has-no-wheel",
    {
        "main.py": FCPU,
        "requirements.txt": REQC.replace("onnxruntime==1.20.1", "onnxruntime==1.18.1"),
        "Dockerfile": SLIMF.format(py="3.13"),
    },
    {"Dockerfile": SLIMF.format(py="3.11")},
)
pair(
    "py314-torch",
    "python-has-no-wheel",
    {
        "main.py": FCPU,
        "requirements.txt": "torch==2.5.1\nfastapi\nuvicorn\npython-multipart\ninsightface==2.1\nonnxruntime\nopencv-python-headless\n",
        "Dockerfile": SLIMF.format(py="3.14").replace("build-essential ", "libgl1 "),
    },
    {"Dockerfile": SLIMF.format(py="3.12").replace("build-essential ", "libgl1 ")},
)
pair(
    "ubuntu2004-ort",
    "python-has-no-wheel",
    {
        **F,
        "Dockerfile": DOCKF.replace("ubuntu22.04", "ubuntu20.04").replace("12.4.1-cudnn", "12.6.3-cudnn"),
        "requirements.txt": REQF.replace("1.20.1", "1.20.1").replace("numpy==1.26.4", "numpy<2"),
    },
    {"Dockerfile": DOCKF, "requirements.txt": REQF},
)
PYPROJ = """[project]
name = "face-service"
version = "0.1.0"
requires-python = "{rp}"
dependencies = [
    "fastapi>=0.110",
    "uvicorn[standard]",
    "python-multipart",
    "insightface==0.7.3",
    "onnxruntime-gpu[cuda,cudnn]==1.20.1",
    "numpy<2",
    "opencv-python-headless",
]
"""
pair(
    "requires-python",
    "python-has-no-wheel",
    {
        "main.py": FAST,
        "pyproject.toml": PYPROJ.format(rp=">=3.8,<3.10"),
        "README.md": "uv sync && uv run uvicorn main:app\n",
    },
    {"pyproject.toml": PYPROJ.format(rp=">=3.10,<3.13")},
)
pair(
    "python-version-file",
    "python-has-no-wheel",
    {
        "main.py": FAST,
        "pyproject.toml": PYPROJ.format(rp=">=3.9"),
        ".python-version": "3.9\n",
        "README.md": "uv sync\n",
    },
    {".python-version": "3.11\n"},
)
CONDA = """name: face
channels:
  - conda-forge
dependencies:
  - python={py}
  - pip
  - pip:
      - insightface==0.7.3
      - onnxruntime-gpu[cuda,cudnn]==1.20.1
      - opencv-python-headless==4.10.0.84
      - numpy==1.26.4
      - flask
"""
pair(
    "conda-py38",
    "python-has-no-wheel",
    {"app.py": FLASK, "environment.yml": CONDA.format(py="3.8")},
    {"environment.yml": CONDA.format(py="3.10")},
)

# --- 3 build
SLIM311 = """# 轻量镜像
FROM python:3.11-slim

WORKDIR /app
RUN apt-get update && apt-get install -y --no-install-recommends libgl1 libglib2.0-0 curl && rm -rf /var/lib/apt/lists/*
COPY requirements.txt ./
RUN pip install --no-cache-dir -i https://pypi.tuna.tsinghua.edu.cn/simple -r requirements.txt
COPY . .
CMD ["gunicorn", "-w", "1", "-b", "0.0.0.0:8080", "app:app"]
"""
REQW = REQ.replace("onnxruntime-gpu==1.18.1", "onnxruntime-gpu[cuda,cudnn]==1.20.1")
B = {"app.py": FLASK, "requirements.txt": REQW, "Dockerfile": SLIM311}
pair("slim-no-compiler", "insightface-build-failed", B, {"Dockerfile": SLIM311.replace("libgl1 ", "libgl1 g++ ")})
pair(
    "slim-gcc-only",
    "insightface-build-failed",
    {**B, "Dockerfile": SLIM311.replace("libgl1 ", "gcc libgl1 ")},
    {
        "Dockerfile": """FROM python:3.11 AS builder
COPY requirements.txt .
RUN pip install --no-cache-dir --prefix=/install -r requirements.txt

FROM python:3.11-slim
COPY --from=builder /install /usr/local
RUN apt-get update && apt-get install -y --no-install-recommends libgl1 libglib2.0-0 && rm -rf /var/lib/apt/lists/*
WORKDIR /app
COPY . .
CMD ["gunicorn", "-w", "1", "-b", "0.0.0.0:8080", "app:app"]
"""
    },
)
pair(
    "slim-run-pip",
    "insightface-build-failed",
    {
        "app.py": FLASK,
        "Dockerfile": 'FROM python:3.10-slim-bookworm\nRUN pip install flask gunicorn numpy==1.26.4 "insightface<1.0" "onnxruntime-gpu[cuda,cudnn]==1.20.1" opencv-python-headless\nCOPY app.py /srv/\nWORKDIR /srv\nEXPOSE 8080\nCMD python app.py\n',
    },
    {"Dockerfile": ("RUN pip install", "RUN apt-get update && apt-get install -y build-essential && pip install")},
)
pair(
    "cuda-runtime-no-recommends",
    "insightface-build-failed",
    {
        **F,
        "Dockerfile": DOCKF.replace(
            "apt-get install -y python3 python3-pip python3-dev build-essential",
            "apt-get install -y --no-install-recommends python3 python3-pip",
        ),
    },
    {
        "Dockerfile": DOCKF.replace(
            "apt-get install -y python3 python3-pip python3-dev build-essential",
            "apt-get install -y python3 python3-pip",
        )
    },
)
pair(
    "slim-pip-2.1",
    "insightface-build-failed",
    {**B, "requirements.txt": REQW.replace("insightface==0.7.3", "insightface~=0.7")},
    {
        "requirements.txt": REQW.replace(
            "insightface==0.7.3", "https://wheels.example.com/insightface-0.7.3-cp311-cp311-linux_x86_64.whl"
        )
    },
)

# --- 4 numpy
REQN = "flask\ngunicorn\ninsightface==0.7.3\nonnxruntime-gpu==1.16.3\nopencv-python-headless==4.10.0.84\n"
D11 = (
    DOCKF.replace(CUDA12, CUDA11)
    .replace(
        '["uvicorn", "main:app", "--host", "0.0.0.0", "--port", "8000"]',
        '["gunicorn", "-b", "0.0.0.0:8080", "app:app"]',
    )
    .replace("EXPOSE 8000", "EXPOSE 8080")
)
pair(
    "ort116-free-numpy",
    "numpy-abi",
    {"app.py": FLASK, "requirements.txt": REQN, "Dockerfile": D11},
    {"requirements.txt": REQN + "numpy<2\n"},
)
pair(
    "ort116-numpy-lower-bound",
    "numpy-abi",
    {"app.py": FLASK, "requirements.txt": REQN + "numpy>=1.21\n", "Dockerfile": D11},
    {"requirements.txt": "-c constraints.txt\n" + REQN + "numpy>=1.21\n", "constraints.txt": "numpy==1.26.4\n"},
)
pair(
    "opencv47-free-numpy",
    "numpy-abi",
    {
        "app.py": FLASK,
        "requirements.txt": REQN.replace("==1.16.3", "==1.20.1").replace("4.10.0.84", "4.7.0.72"),
        "Dockerfile": DOCKF.replace(
            '["uvicorn", "main:app", "--host", "0.0.0.0", "--port", "8000"]',
            '["gunicorn", "-b", "0.0.0.0:8080", "app:app"]',
        ).replace("EXPOSE 8000", "EXPOSE 8080"),
    },
    {"requirements.txt": REQN.replace("==1.16.3", "==1.20.1").replace("4.10.0.84", "4.7.0.72") + "scipy==1.11.4\n"},
)
pair(
    "ort117-run",
    "numpy-abi",
    {
        "app.py": FLASK,
        "Dockerfile": f'FROM {CUDA11}\nRUN apt-get update && apt-get install -y python3 python3-pip libgl1 libglib2.0-0\nRUN pip3 install flask gunicorn "insightface==0.7.3" onnxruntime-gpu==1.16.3 opencv-python-headless==4.10.0.84\nWORKDIR /app\nCOPY app.py .\nCMD ["python3", "app.py"]\n',
    },
    {
        "Dockerfile": ("RUN pip3 install", "COPY constraints.txt /tmp/\nRUN pip3 install -c /tmp/constraints.txt"),
        "constraints.txt": "numpy<2\n",
    },
)

# --- 5 ports
UNIT = """[Unit]
Description=face detection
After=network-online.target

[Service]
User=www-data
Group=www-data
WorkingDirectory=/opt/face
Environment=PYTHONUNBUFFERED=1
ExecStart=/opt/face/venv/bin/uvicorn main:app --host 0.0.0.0 --port 80
Restart=always

[Install]
WantedBy=multi-user.target
"""
pair(
    "unit-port-80",
    "port-forbidden",
    {"main.py": FAST, "requirements.txt": REQF, "deploy/face.service": UNIT},
    {"deploy/face.service": ("User=www-data", "AmbientCapabilities=CAP_NET_BIND_SERVICE\nUser=www-data")},
)
pair(
    "unit-python-app-443",
    "port-forbidden",
    {
        "app.py": FLASK.replace("8080", "443"),
        "requirements.txt": REQ,
        "face.service": UNIT.replace(
            "/opt/face/venv/bin/uvicorn main:app --host 0.0.0.0 --port 80", "/opt/face/venv/bin/python app.py"
        ).replace("www-data", "face"),
    },
    {"app.py": FLASK},
)
pair(
    "compose-host-user",
    "port-forbidden",
    {
        **F,
        "Dockerfile": DOCKF.replace("8000", "80"),
        "docker-compose.yml": COMPF.replace(
            '    ports:\n      - "8000:8000"\n', '    network_mode: host\n    user: "1000:1000"\n'
        ).replace("/root/", "/home/app/"),
    },
    {
        "docker-compose.yml": COMPF.replace('"8000:8000"', '"80:80"')
        .replace("    restart", '    user: "1000:1000"\n    restart')
        .replace("/root/", "/home/app/")
    },
)
K8S = """apiVersion: apps/v1
kind: Deployment
metadata:
  name: face
spec:
  replicas: 1
  selector:
    matchLabels: {app: face}
  template:
    metadata:
      labels: {app: face}
    spec:
      securityContext:
        runAsUser: 1000
      containers:
        - name: face
          image: registry.example.com/face:1.4
          command: ["uvicorn", "main:app", "--host", "0.0.0.0", "--port", "PORT"]
          ports:
            - containerPort: PORT
          resources:
            limits:
              nvidia.com/gpu: 1
              memory: 6Gi
"""
pair(
    "k8s-user-80",
    "port-forbidden",
    {"main.py": FAST, "requirements.txt": REQF, "k8s/deployment.yaml": K8S.replace("PORT", "80")},
    {"k8s/deployment.yaml": K8S.replace("PORT", "8080")},
)

# --- 6 reach
pair(
    "compose-no-ports",
    "port-not-published",
    {**F, "docker-compose.yml": COMPF.replace('    ports:\n      - "8000:8000"\n', "")},
    {
        "docker-compose.yml": COMPF.replace('    ports:\n      - "8000:8000"\n', "").replace(
            "volumes:\n  models:\n",
            '  nginx:\n    image: nginx:1.27\n    ports: ["80:80"]\n    volumes: ["./nginx.conf:/etc/nginx/nginx.conf:ro"]\nvolumes:\n  models:\n',
        )
    },
)
pair(
    "run-sh-no-p",
    "port-not-published",
    {
        **{k: v for k, v in F.items() if "compose" not in k},
        "run.sh": "#!/bin/bash\n# 启动服务\ndocker build -t face-api .\ndocker run -d --name face --gpus all face-api\nsleep 5\ncurl -F image=@test.jpg http://localhost:8000/detect\n",
    },
    {
        "run.sh": "#!/bin/bash\n# 启动服务\ndocker build -t face-api .\ndocker run -d --name face --gpus all -p 8000:8000 face-api\nsleep 5\ncurl -F image=@test.jpg http://localhost:8000/detect\n"
    },
)
pair(
    "compose-wrong-port",
    "port-not-published",
    {**F, "docker-compose.yml": COMPF.replace("8000:8000", "8080:8080")},
    {"docker-compose.yml": COMPF.replace("8000:8000", "8080:8000")},
)
pair(
    "container-loopback",
    "service-loopback-only",
    {**F, "Dockerfile": DOCKF.replace('"0.0.0.0"', '"127.0.0.1"')},
    {"Dockerfile": DOCKF},
)
pair(
    "compose-no-gpu",
    "container-started-without-gpu",
    {**F, "docker-compose.yml": COMPF.split("    deploy:")[0] + "volumes:\n  models:\n"},
    {"docker-compose.yml": COMPF.split("    deploy:")[0] + "    runtime: nvidia\nvolumes:\n  models:\n"},
)
pair(
    "readme-run-no-gpus",
    "container-started-without-gpu",
    {
        **{k: v for k, v in F.items() if "compose" not in k},
        "Makefile": "IMAGE=face-api\n\nbuild:\n\tdocker build -t face-api .\n\nrun: build\n\tdocker run --rm -it -p 8000:8000 face-api\n",
    },
    {"Makefile": ("--rm -it", "--rm -it --gpus all")},
)

# --- 7 cuda
pair(
    "trt-without",
    "ort-tensorrt-libs-missing",
    {**F, "main.py": FAST.replace('["CUDAExecutionProvider"', '["TensorrtExecutionProvider", "CUDAExecutionProvider"')},
    {"requirements.txt": REQF + "tensorrt-cu12==10.4.0\n"},
)
pair(
    "cuda118-ort120",
    "ort-cuda-major-mismatch",
    {**F, "Dockerfile": DOCKF.replace(CUDA12, CUDA11)},
    {"Dockerfile": DOCKF},
)
pair(
    "cuda-base-image",
    "ort-cuda-libs-missing",
    {**F, "Dockerfile": DOCKF.replace("12.4.1-cudnn-runtime", "12.4.1-base")},
    {"Dockerfile": DOCKF},
)
pair(
    "cuda-no-cudnn",
    "ort-cudnn-mismatch",
    {**F, "Dockerfile": DOCKF.replace("12.4.1-cudnn-runtime", "12.4.1-runtime")},
    {"Dockerfile": DOCKF},
)
TORCH = SLIMF.format(py="3.11").replace(
    "RUN pip install --no-cache-dir -r",
    "RUN pip install --no-cache-dir torch==2.4.1 --index-url https://download.pytorch.org/whl/cu118\nRUN pip install --no-cache-dir -r",
)
pair(
    "torch-cu118-ort-cu12",
    "ort-cuda-major-mismatch",
    {
        "main.py": FAST.replace("import cv2\n", "import cv2\nimport torch  # brings the CUDA libraries\n"),
        "requirements.txt": REQF,
        "Dockerfile": TORCH,
    },
    {"Dockerfile": TORCH.replace("cu118", "cu124")},
)
pair(
    "torch-cpu-index",
    "torch-cpu-build",
    {
        "main.py": 'import torch\nfrom fastapi import FastAPI, UploadFile\nfrom retinaface import RetinaFace\n\nnet = torch.jit.load("/models/retinaface.pt").to("cuda").eval()\napp = FastAPI()\n\n\n@app.get("/health")\ndef health():\n    return {"cuda": torch.cuda.is_available()}\n',
        "requirements.txt": "torch==2.4.1\nfastapi\nuvicorn\npython-multipart\n",
        "Dockerfile": DOCKF.replace(
            "RUN pip3 install --no-cache-dir -r",
            "RUN pip3 install torch==2.4.1 torchvision --index-url https://download.pytorch.org/whl/cpu\nRUN pip3 install --no-cache-dir -r",
        ),
        "docker-compose.yml": COMPF,
    },
    {"Dockerfile": DOCKF},
)

# --- 8 per request
STREAM = """import cv2
import numpy as np
import streamlit as st
from insightface.app import FaceAnalysis

st.title("人脸检测演示")


{deco}def load():
    app = FaceAnalysis(name="buffalo_l", providers=["CUDAExecutionProvider", "CPUExecutionProvider"])
    app.prepare(ctx_id=0, det_size=(640, 640))
    return app


app = load()
up = st.file_uploader("选择图片", type=["jpg", "png"])
if up is not None:
    img = cv2.imdecode(np.frombuffer(up.read(), np.uint8), cv2.IMREAD_COLOR)
    if img is None:
        st.error("无法读取")
        st.stop()
    faces = app.get(img)
    st.write(f"{{len(faces)}} faces")
"""
pair(
    "streamlit",
    "service-model-per-request",
    {
        "app.py": STREAM.format(deco=""),
        "requirements.txt": "streamlit\ninsightface==0.7.3\nonnxruntime-gpu==1.18.1\nnumpy<2\n",
    },
    {"app.py": STREAM.format(deco="@st.cache_resource\n")},
)
GR = """import gradio as gr
from insightface.app import FaceAnalysis
{top}

def detect(img):
{inner}    if img is None:
        return []
    faces = app.get(img[:, :, ::-1])
    return [f.bbox.tolist() for f in faces]


demo = gr.Interface(fn=detect, inputs=gr.Image(type="numpy"), outputs="json")
demo.launch(server_name="0.0.0.0", server_port=7860)
"""
MK = 'app = FaceAnalysis(name="buffalo_l", providers=["CUDAExecutionProvider", "CPUExecutionProvider"])\n%sapp.prepare(ctx_id=0, det_size=(640, 640))\n'
pair(
    "gradio",
    "service-model-per-request",
    {
        "demo.py": GR.format(top="", inner="    " + MK % "    "),
        "requirements.txt": "gradio\ninsightface==0.7.3\nonnxruntime-gpu==1.18.1\nnumpy<2\n",
    },
    {"demo.py": GR.format(top="\n" + MK % "", inner="")},
)
CEL = """import cv2
from celery import Celery
from insightface.app import FaceAnalysis

celery = Celery("faces", broker="redis://redis:6379/0", backend="redis://redis:6379/1")
{top}

@celery.task
def detect(path):
{inner}    img = cv2.imread(path)
    if img is None:
        return {{"error": "unreadable"}}
    return [f.bbox.tolist() for f in app.get(img)]
"""
pair(
    "celery",
    "service-model-per-request",
    {
        "tasks.py": CEL.format(top="", inner="    " + MK % "    "),
        "requirements.txt": "celery[redis]\ninsightface==0.7.3\nonnxruntime-gpu==1.18.1\nnumpy<2\n",
        "Procfile": "worker: celery -A tasks worker --pool=solo\n",
    },
    {
        "tasks.py": CEL.format(
            top='_app = None\n\n\ndef get_app():\n    global _app\n    if _app is None:\n        _app = FaceAnalysis(name="buffalo_l", providers=["CUDAExecutionProvider", "CPUExecutionProvider"])\n        _app.prepare(ctx_id=0, det_size=(640, 640))\n    return _app\n',
            inner="    app = get_app()\n",
        )
    },
)
RQ = """# jobs.py: run by `rq worker faces`
import cv2
from insightface.app import FaceAnalysis
{top}

def detect_faces(path: str):
{inner}    img = cv2.imread(path)
    if img is None:
        return []
    return [f.bbox.tolist() for f in app.get(img)]
"""
WEBRQ = """from flask import Flask, jsonify, request
from redis import Redis
from rq import Queue

from jobs import detect_faces

web = Flask(__name__)
queue = Queue("faces", connection=Redis(host="redis"))


@web.post("/detect")
def submit():
    path = "/data/in.jpg"
    request.files["image"].save(path)
    job = queue.enqueue(detect_faces, path)
    return jsonify(id=job.id)
"""
pair(
    "rq",
    "service-model-per-request",
    {
        "jobs.py": RQ.format(top="", inner="    " + MK % "    "),
        "web.py": WEBRQ,
        "requirements.txt": "flask\nrq\nredis\ninsightface==0.7.3\nonnxruntime-gpu==1.18.1\nnumpy<2\n",
        "Procfile": "web: gunicorn web:web -b 0.0.0.0:$PORT\nworker: rq worker faces\n",
    },
    {
        "jobs.py": RQ.format(top="\n" + MK % "", inner=""),
        "Procfile": "web: gunicorn web:web -b 0.0.0.0:$PORT\nworker: rq worker -w rq.SimpleWorker faces\n",
    },
)
ENVT = FAST.replace("import cv2\n", "import os\n\nimport cv2\n").replace(
    "det_size=(640, 640)", 'det_size=(640, 640), det_thresh=float(os.environ.get("DET_THRESH", "0.6"))'
)
CENV = COMPF.replace(
    "    restart: unless-stopped\n", '    restart: unless-stopped\n    environment:\n      DET_THRESH: "VAL"\n', 1
)
pair(
    "compose-threshold",
    "det-threshold-too-high",
    {**F, "main.py": ENVT, "docker-compose.yml": CENV.replace("VAL", "0.95")},
    {
        "docker-compose.yml": CENV.replace("VAL", "0.6").replace(
            "volumes:\n  models:\n",
            '  gallery:\n    image: registry.example.com/gallery:2\n    environment:\n      DET_THRESH: "0.95"\nvolumes:\n  models:\n',
        )
    },
)
pair(
    "scrfd-name",
    "model-unknown-name",
    {
        "worker.py": GM.replace("retinaface_r50_v1", "scrfd_10g_bnkps"),
        "requirements.txt": "insightface==0.7.3\nonnxruntime-gpu==1.20.2\nopencv-python-headless\n",
    },
    {"worker.py": GM.replace('get_model("retinaface_r50_v1")', 'get_model("buffalo_l")')},
)
ARG = """import argparse

import cv2
from insightface.app import FaceAnalysis

parser = argparse.ArgumentParser()
parser.add_argument("--pack", default="buffalo-sc", help="insightface model pack")
parser.add_argument("image")


def main():
    args = parser.parse_args()
    app = FaceAnalysis(name=args.pack)
    app.prepare(ctx_id=0, det_size=(640, 640))
    img = cv2.imread(args.image)
    if img is None:
        raise SystemExit("cannot read " + args.image)
    for face in app.get(img):
        print(face.bbox, face.det_score)


if __name__ == "__main__":
    main()
"""
pair(
    "argparse-name",
    "model-unknown-name",
    {"detect.py": ARG, "requirements.txt": "insightface==0.7.3\nonnxruntime-gpu==1.20.2\nopencv-python-headless\n"},
    {"detect.py": ("buffalo-sc", "buffalo_sc")},
)
CLS = """from insightface.app import FaceAnalysis


class Detector:
    MODEL = "antelope-v2"  # 更准的模型

    def __init__(self, size: int = 640):
        self.app = FaceAnalysis(name=self.MODEL, allowed_modules=["detection"])
        self.app.prepare(ctx_id=0, det_size=(size, size))

    def __call__(self, img):
        return [f.bbox.tolist() for f in self.app.get(img)]
"""
pair(
    "class-constant-name",
    "model-unknown-name",
    {
        "detector.py": CLS,
        "main.py": FAST.split("@asynccontextmanager")[0]
        .replace("from insightface.app import FaceAnalysis", "from detector import Detector")
        .replace("models = {}", "detector = Detector()\napp = FastAPI()")
        + """@app.post("/detect")
async def detect(image: UploadFile = File(...)):
    img = cv2.imdecode(np.frombuffer(await image.read(), np.uint8), cv2.IMREAD_COLOR)
    if img is None:
        raise HTTPException(400, "bad image")
    return {"faces": detector(img)}
""",
        "requirements.txt": REQF,
    },
    {"detector.py": CLS.replace("antelope-v2", "antelopev2")},
)
pair(
    "arg-python",
    "python-has-no-wheel",
    {
        "main.py": FCPU,
        "requirements.txt": REQC,
        "Dockerfile": "ARG PYTHON_VERSION=3.9\n" + SLIMF.format(py="${PYTHON_VERSION}"),
    },
    {"Dockerfile": "ARG PYTHON_VERSION=3.12\n" + SLIMF.format(py="${PYTHON_VERSION}")},
)
pair(
    "py312-numpy124",
    "python-has-no-wheel",
    {"main.py": FCPU, "requirements.txt": REQC.replace("1.26.4", "1.24.4"), "Dockerfile": SLIMF.format(py="3.12")},
    {"requirements.txt": REQC},
)
pair(
    "pipfile-py38",
    "python-has-no-wheel",
    {
        "app.py": FLASK,
        "Pipfile": '[packages]\nflask = "*"\ninsightface = "==0.7.3"\nonnxruntime-gpu = {version = "==1.22.0", extras = ["cuda", "cudnn"]}\nnumpy = "<2"\n\n[requires]\npython_version = "3.8"\n',
    },
    {"Pipfile": ('"3.8"', '"3.11"')},
)
pair(
    "setup-sh-conda",
    "python-has-no-wheel",
    {
        "app.py": FLASK,
        "requirements.txt": REQ.replace("1.18.1", "1.22.0"),
        "setup.sh": "#!/usr/bin/env bash\n# 环境安装\nset -e\nconda create -n face python=3.8 -y\nconda activate face\npip install -r requirements.txt\n",
    },
    {
        "setup.sh": "#!/usr/bin/env bash\n# 环境安装\nset -e\nconda create -n face python=3.10 -y\nconda activate face\npip install -r requirements.txt\n"
    },
)
pair(
    "poetry-python",
    "python-has-no-wheel",
    {
        "app.py": FLASK,
        "pyproject.toml": '[tool.poetry]\nname = "face"\nversion = "0.1.0"\n\n[tool.poetry.dependencies]\npython = "~3.9"\nflask = "^3.0"\ninsightface = "0.7.3"\nonnxruntime-gpu = "1.22.0"\nnumpy = "^1.26"\n',
    },
    {
        "pyproject.toml": '[tool.poetry]\nname = "face"\nversion = "0.1.0"\n\n[tool.poetry.dependencies]\npython = "~3.10"\nflask = "^3.0"\ninsightface = "0.7.3"\nonnxruntime-gpu = "1.22.0"\nnumpy = "^1.26"\n'
    },
)
pair(
    "builder-slim",
    "insightface-build-failed",
    {
        **B,
        "Dockerfile": """FROM python:3.11-slim AS build
WORKDIR /src
COPY requirements.txt .
RUN python -m venv /venv && /venv/bin/pip install -r requirements.txt

FROM python:3.11-slim
RUN apt-get update && apt-get install -y --no-install-recommends libgl1 libglib2.0-0
COPY --from=build /venv /venv
WORKDIR /srv
COPY . .
CMD ["/venv/bin/gunicorn", "-b", "0.0.0.0:8080", "app:app"]
""",
    },
    {
        "Dockerfile": """FROM python:3.11-slim AS build
WORKDIR /src
RUN apt-get update && apt-get install -y --no-install-recommends build-essential
COPY requirements.txt .
RUN python -m venv /venv && /venv/bin/pip install -r requirements.txt

FROM python:3.11-slim
RUN apt-get update && apt-get install -y --no-install-recommends libgl1 libglib2.0-0
COPY --from=build /venv /venv
WORKDIR /srv
COPY . .
CMD ["/venv/bin/gunicorn", "-b", "0.0.0.0:8080", "app:app"]
"""
    },
)
DEB = """FROM debian:bookworm-slim
RUN apt-get update \\
 && apt-get install -y --no-install-recommends python3 python3-pip python3-venv libgl1 libglib2.0-0 \\
 && rm -rf /var/lib/apt/lists/*
WORKDIR /app
COPY requirements.txt .
RUN pip3 install --break-system-packages -r requirements.txt
COPY . .
CMD ["gunicorn", "-b", "0.0.0.0:8080", "app:app"]
"""
pair(
    "bookworm-slim",
    "insightface-build-failed",
    {**B, "Dockerfile": DEB},
    {"Dockerfile": DEB.replace("python3-venv", "python3-dev g++")},
)
PT = """FROM pytorch/pytorch:2.4.1-cuda12.4-cudnn9-runtime
RUN apt-get update && apt-get install -y libgl1 libglib2.0-0 && rm -rf /var/lib/apt/lists/*
WORKDIR /app
COPY requirements.txt .
RUN pip install -r requirements.txt
COPY . .
CMD ["uvicorn", "main:app", "--host", "0.0.0.0"]
"""
pair(
    "pytorch-runtime",
    "insightface-build-failed",
    {**F, "Dockerfile": PT},
    {"Dockerfile": PT.replace("-runtime", "-devel")},
)
pair(
    "alpine",
    "libc-unsupported",
    {
        **B,
        "Dockerfile": 'FROM python:3.11-alpine\nRUN apk add --no-cache build-base\nWORKDIR /app\nCOPY . .\nRUN pip install -r requirements.txt\nCMD ["gunicorn", "-b", "0.0.0.0:8080", "app:app"]\n',
    },
    {
        "Dockerfile": 'FROM python:3.11\nRUN apt-get update && apt-get install -y libgl1\nWORKDIR /app\nCOPY . .\nRUN pip install -r requirements.txt\nCMD ["gunicorn", "-b", "0.0.0.0:8080", "app:app"]\n'
    },
)
pair(
    "contrib48-pyproject",
    "numpy-abi",
    {
        "main.py": FAST,
        "pyproject.toml": PYPROJ.format(rp=">=3.10,<3.12")
        .replace('    "numpy<2",\n', "")
        .replace('"opencv-python-headless"', '"opencv-contrib-python-headless==4.8.1.78"'),
    },
    {
        "pyproject.toml": PYPROJ.format(rp=">=3.10,<3.12").replace(
            '"opencv-python-headless"', '"opencv-contrib-python-headless==4.8.1.78"'
        )
    },
)
pair(
    "numpy-upgraded-later",
    "numpy-abi",
    {"app.py": FLASK, "requirements.txt": REQN, "Dockerfile": SLIM311.replace("libgl1 ", "libgl1 g++ ")},
    {
        "Dockerfile": SLIM311.replace("libgl1 ", "libgl1 g++ ").replace(
            "RUN pip install", 'RUN pip install "numpy<2"\nRUN pip install'
        )
    },
)
for tree in PROJECTS["numpy-upgraded-later"][1:]:
    tree["requirements.txt"] = (
        "flask\ngunicorn\ninsightface==0.7.3\nonnxruntime==1.15.1\nopencv-python-headless==4.10.0.84\n"
    )
for tree in PROJECTS["numpy-upgraded-later"][1:]:
    tree["app.py"] = FLASK.replace(', providers=["CUDAExecutionProvider", "CPUExecutionProvider"]', "")
pair(
    "unit-dynamic",
    "port-forbidden",
    {
        "main.py": FAST,
        "requirements.txt": REQF,
        "face.service": "[Unit]\nDescription=face\n\n[Service]\nDynamicUser=yes\nStateDirectory=face\nExecStart=/opt/face/.venv/bin/gunicorn -k uvicorn.workers.UvicornWorker -b 0.0.0.0:443 main:app\n\n[Install]\nWantedBy=multi-user.target\n",
    },
    {"face.service": ("0.0.0.0:443", "0.0.0.0:8443")},
)
pair(
    "unit-setcap",
    "port-forbidden",
    {"main.py": FAST, "requirements.txt": REQF, "face.service": UNIT},
    {
        "install.sh": "#!/bin/sh\nset -e\ncp face.service /etc/systemd/system/\nsetcap cap_net_bind_service=+ep $(readlink -f /opt/face/venv/bin/python3)\nsystemctl enable --now face\n"
    },
)
pair(
    "compose-yaml-no-ports",
    "port-not-published",
    {**F, "compose.yaml": COMPF.replace('    ports:\n      - "8000:8000"\n', "")},
    {"compose.yaml": COMPF},
)
for tree in PROJECTS["compose-yaml-no-ports"][1:]:
    tree.pop("docker-compose.yml", None)
pair(
    "run-with-db",
    "port-not-published",
    {
        **F,
        "docker-compose.yml": COMPF.replace('    ports:\n      - "8000:8000"\n', "    depends_on: [redis]\n").replace(
            "volumes:\n  models:\n", "  redis:\n    image: redis:7-alpine\nvolumes:\n  models:\n"
        ),
    },
    {
        "docker-compose.yml": COMPF.replace("    volumes:", "    depends_on: [redis]\n    volumes:", 1).replace(
            "volumes:\n  models:\n", "  redis:\n    image: redis:7-alpine\nvolumes:\n  models:\n"
        )
    },
)
pair(
    "traefik",
    "port-not-published",
    {**F, "docker-compose.yml": COMPF.replace('    ports:\n      - "8000:8000"\n', "")},
    {
        "docker-compose.yml": COMPF.replace(
            '    ports:\n      - "8000:8000"\n',
            "    labels:\n      - traefik.http.routers.face.rule=Host(`face.example.com`)\n      - traefik.http.services.face.loadbalancer.server.port=8000\n    networks: [edge]\n",
        )
        + "networks:\n  edge:\n    external: true\n"
    },
)
pair(
    "torch-cu118-req",
    "ort-cuda-major-mismatch",
    {
        "main.py": FAST.replace("import cv2\n", "import cv2\nimport torch\n"),
        "requirements.txt": "--extra-index-url https://download.pytorch.org/whl/cu118\ntorch==2.4.1+cu118\n"
        + REQF.replace("1.20.1", "1.22.0"),
        "Dockerfile": SLIMF.format(py="3.11"),
    },
    {
        "requirements.txt": "--extra-index-url https://download.pytorch.org/whl/cu124\ntorch==2.4.1+cu124\n"
        + REQF.replace("1.20.1", "1.22.0")
    },
)
pair(
    "torch-plus-cpu",
    "torch-cpu-build",
    {
        **PROJECTS["torch-cpu-index"][2],
        "requirements.txt": "--extra-index-url https://download.pytorch.org/whl/cpu\ntorch==2.3.1+cpu\nfastapi\nuvicorn\npython-multipart\n",
    },
    {"requirements.txt": "torch==2.3.1\nfastapi\nuvicorn\npython-multipart\n"},
)
pair(
    "trt-session",
    "ort-tensorrt-libs-missing",
    {
        "infer.py": 'import numpy as np\nimport onnxruntime as ort\n\nPROVIDERS = [\n    ("TensorrtExecutionProvider", {"trt_fp16_enable": True}),\n    "CUDAExecutionProvider",\n    "CPUExecutionProvider",\n]\nsession = ort.InferenceSession("/models/retinaface/det_10g.onnx", providers=PROVIDERS)\n\n\ndef run(blob: np.ndarray):\n    return session.run(None, {session.get_inputs()[0].name: blob})\n',
        "requirements.txt": "onnxruntime-gpu==1.20.2\nnumpy<2\n",
        "Dockerfile": f'FROM {CUDA12}\nRUN apt-get update && apt-get install -y python3 python3-pip curl\nCOPY requirements.txt .\nRUN pip3 install -r requirements.txt\nCOPY infer.py .\nCMD ["python3", "infer.py"]\n',
    },
    {
        "Dockerfile": 'FROM nvcr.io/nvidia/tensorrt:24.10-py3\nCOPY requirements.txt .\nRUN pip3 install -r requirements.txt\nCOPY infer.py .\nCMD ["python3", "infer.py"]\n'
    },
)
DJ = {
    "views.py": """import cv2
import numpy as np
from django.http import JsonResponse
from django.views.decorators.http import require_POST
from insightface.app import FaceAnalysis


@require_POST
def detect(request):
    app = FaceAnalysis(name="buffalo_l")
    app.prepare(ctx_id=0, det_size=(640, 640))
    img = cv2.imdecode(np.frombuffer(request.FILES["image"].read(), np.uint8), 1)
    if img is None:
        return JsonResponse({"error": "bad image"}, status=400)
    return JsonResponse({"n": len(app.get(img))})
""",
    "urls.py": 'from django.urls import path\n\nfrom . import views\n\nurlpatterns = [path("detect", views.detect)]\n',
    "requirements.txt": "django==5.1\ninsightface==0.7.3\nonnxruntime-gpu==1.20.2\nnumpy<2\n",
}
DJ = {("faces/" + k if k.endswith(".py") else k): v for k, v in DJ.items()}
DJ["faces/__init__.py"] = ""
pair(
    "django",
    "service-model-per-request",
    DJ,
    {
        "faces/views.py": DJ["faces/views.py"]
        .replace('    app = FaceAnalysis(name="buffalo_l")\n    app.prepare(ctx_id=0, det_size=(640, 640))\n', "")
        .replace(
            "@require_POST",
            'app = FaceAnalysis(name="buffalo_l")\napp.prepare(ctx_id=0, det_size=(640, 640))\n\n\n@require_POST',
        )
    },
)
DRA = (
    CEL.replace("from celery import Celery", "import dramatiq\nfrom dramatiq.brokers.redis import RedisBroker")
    .replace(
        'celery = Celery("faces", broker="redis://redis:6379/0", backend="redis://redis:6379/1")',
        'dramatiq.set_broker(RedisBroker(host="redis"))',
    )
    .replace("@celery.task", "@dramatiq.actor(max_retries=3)")
)
pair(
    "dramatiq",
    "service-model-per-request",
    {
        "tasks.py": DRA.format(top="", inner="    " + MK % "    "),
        "requirements.txt": "dramatiq[redis]\ninsightface==0.7.3\nonnxruntime-gpu==1.20.2\nnumpy<2\n",
    },
    {"tasks.py": DRA.format(top="\n" + MK % "", inner="")},
)
pair(
    "env-size",
    "det-size-not-multiple-of-32",
    {
        **F,
        "main.py": FAST.replace("import cv2\n", "import os\n\nimport cv2\n")
        .replace("models = {}", 'models = {}\nSIZE = int(os.environ.get("DET_SIZE", "640"))')
        .replace("(640, 640)", "(SIZE, SIZE)"),
        "docker-compose.yml": COMPF.replace("    volumes:", "    environment:\n      - DET_SIZE=600\n    volumes:", 1),
    },
    {"docker-compose.yml": COMPF.replace("    volumes:", "    environment:\n      - DET_SIZE=1280\n    volumes:", 1)},
)
pair(
    "no-ort",
    "ort-missing",
    {
        "app.py": FLASK,
        "requirements.txt": "flask\ngunicorn\ninsightface==0.7.3\nopencv-python-headless\nnumpy<2\n",
        "Dockerfile": D11,
    },
    {
        "requirements.txt": "flask\ngunicorn\ninsightface==0.7.3\nonnxruntime-gpu==1.18.1\nopencv-python-headless\nnumpy<2\n"
    },
)
pair(
    "retinaface-clash",
    "retinaface-import-clash",
    {
        "app.py": 'from flask import Flask, jsonify, request\nfrom retinaface import RetinaFace\n\napp = Flask(__name__)\n\n\n@app.post("/detect")\ndef detect():\n    request.files["image"].save("/tmp/a.jpg")\n    found = RetinaFace.detect_faces("/tmp/a.jpg", threshold=0.7)\n    return jsonify(n=len(found))\n',
        "requirements.txt": "flask\nretina-face==0.0.17\nretinaface-pytorch==0.0.8\ntensorflow\n",
    },
    {"requirements.txt": "flask\nretina-face==0.0.17\ntensorflow\n"},
)


UVD = """FROM ghcr.io/astral-sh/uv:python3.{m}-bookworm-slim
WORKDIR /app
{extra}COPY requirements.txt .
RUN uv pip install --system -r requirements.txt
COPY . .
CMD ["uvicorn", "main:app", "--host", "0.0.0.0", "--port", "8000"]
"""
pair(
    "uv-image",
    "insightface-build-failed",
    {"main.py": FAST, "requirements.txt": REQX.replace("1.20.1", "1.22.0"), "Dockerfile": UVD.format(m=11, extra="")},
    {"Dockerfile": UVD.format(m=11, extra="RUN apt-get update && apt-get install -y --no-install-recommends g++\n")},
)
pair(
    "uv-image-py",
    "python-has-no-wheel",
    {
        "main.py": FAST,
        "requirements.txt": REQX.replace("1.20.1", "1.22.0").replace("numpy==1.26.4", "numpy<2"),
        "Dockerfile": UVD.format(m=9, extra="RUN apt-get update && apt-get install -y --no-install-recommends g++\n"),
    },
    {"Dockerfile": UVD.format(m=12, extra="RUN apt-get update && apt-get install -y --no-install-recommends g++\n")},
)
pair(
    "bullseye-gcc",
    "insightface-build-failed",
    {
        **B,
        "Dockerfile": SLIM311.replace("python:3.11-slim", "python:3.10-slim-bullseye").replace(
            "libgl1 ", "gcc python3-dev libgl1 "
        ),
    },
    {
        "Dockerfile": SLIM311.replace("python:3.11-slim", "python:3.10-slim-bullseye").replace(
            "libgl1 ", "build-essential libgl1 "
        )
    },
)
GU = UNIT.replace(
    "/opt/face/venv/bin/uvicorn main:app --host 0.0.0.0 --port 80",
    "/opt/face/venv/bin/gunicorn -c gunicorn.conf.py app:app",
)
pair(
    "unit-gunicorn-conf",
    "port-forbidden",
    {
        "app.py": FLASK,
        "requirements.txt": REQ,
        "gunicorn.conf.py": 'bind = "0.0.0.0:80"\nworkers = 1\ntimeout = 120\n',
        "face.service": GU,
    },
    {"gunicorn.conf.py": 'bind = "0.0.0.0:8080"\nworkers = 1\ntimeout = 120\n'},
)
DS = """FROM nvidia/cuda:12.4.1-cudnn-runtime-ubuntu22.04
RUN apt-get update && apt-get install -y software-properties-common && add-apt-repository ppa:deadsnakes/ppa \\
    && apt-get install -y python{v} python{v}-dev python{v}-venv build-essential
RUN python{v} -m ensurepip && python{v} -m pip install -U pip
COPY requirements.txt .
RUN python{v} -m pip install -r requirements.txt
COPY . /app
WORKDIR /app
CMD ["python{v}", "-m", "uvicorn", "main:app", "--host", "0.0.0.0", "--port", "8000"]
"""
pair(
    "deadsnakes",
    "python-has-no-wheel",
    {
        "main.py": FAST,
        "requirements.txt": REQF.replace("1.20.1", "1.22.0").replace("numpy==1.26.4", "numpy<2"),
        "Dockerfile": DS.format(v="3.8"),
    },
    {"Dockerfile": DS.format(v="3.11")},
)

healthy(
    "worker-and-api",
    {
        **F,
        "docker-compose.yml": COMPF.replace('    ports:\n      - "8000:8000"\n', "").replace(
            "volumes:\n  models:\n",
            '  client:\n    build: ./client\n    depends_on: [face]\n    environment: {FACE_URL: "http://face:8000/detect"}\nvolumes:\n  models:\n',
        ),
        "client/Dockerfile": "FROM python:3.12-slim\nCOPY loop.py .\nRUN pip install requests\nCMD python loop.py\n",
    },
)
healthy(
    "override",
    {
        **F,
        "docker-compose.yml": COMPF.replace('    ports:\n      - "8000:8000"\n', ""),
        "docker-compose.override.yml": 'services:\n  face:\n    ports: ["8000:8000"]\n',
    },
)
healthy(
    "makefile-shell",
    {
        **{k: v for k, v in F.items() if "compose" not in k},
        "Makefile": "build:\n\tdocker build -t face-api .\nshell:\n\tdocker run --rm -it --gpus all face-api bash\nserve:\n\tdocker run --rm --gpus all -p 8000:8000 face-api\n",
    },
)
healthy(
    "own-pack", {**F, "main.py": FAST.replace('name="buffalo_l"', 'name="buffalo_l_fp16", root="/models/insightface"')}
)
healthy(
    "devel",
    {**F, "Dockerfile": DOCKF.replace("-runtime-", "-devel-").replace(" python3-dev build-essential", " python3-dev")},
)
healthy("pandas-caps", {"app.py": FLASK, "requirements.txt": REQN + "pandas==2.1.4\n"})
healthy("ort-1181", {"app.py": FLASK, "requirements.txt": REQN.replace("1.16.3", "1.18.1")})
healthy(
    "py38-old",
    {
        "main.py": FCPU,
        "requirements.txt": "fastapi\nuvicorn\npython-multipart\ninsightface==0.7.3\nonnxruntime==1.16.3\nopencv-python-headless==4.8.1.78\n",
        "Dockerfile": SLIMF.format(py="3.8"),
    },
)
healthy(
    "conda-docker",
    {
        "app.py": FLASK,
        "requirements.txt": REQN + "numpy<2\n",
        "Dockerfile": 'FROM continuumio/miniconda3:24.7.1-0\nRUN conda create -n face python=3.10 -y && conda install -n face -c conda-forge cudnn=8.9 cudatoolkit=11.8 gxx -y\nCOPY requirements.txt .\nRUN conda run -n face pip install -r requirements.txt\nCOPY . .\nCMD ["conda", "run", "-n", "face", "gunicorn", "-b", "0.0.0.0:8080", "app:app"]\n',
    },
)
healthy(
    "wheelhouse",
    {
        **B,
        "Dockerfile": SLIM311.replace(
            "-i https://pypi.tuna.tsinghua.edu.cn/simple", "--no-index --find-links /wheels"
        ).replace("RUN pip", "COPY wheels /wheels\nRUN pip"),
    },
)
healthy(
    "user-80-docker",
    {
        **F,
        "Dockerfile": DOCKF.replace("8000", "80").replace("EXPOSE", "USER 1000\nEXPOSE"),
        "docker-compose.yml": COMPF.replace("8000:8000", "80:80").replace("/root/", "/home/app/"),
    },
)
healthy(
    "trt-available",
    {
        **F,
        "main.py": FAST.replace(
            "models = {}",
            'import onnxruntime as ort\n\nmodels = {}\nWANTED = ["TensorrtExecutionProvider", "CUDAExecutionProvider", "CPUExecutionProvider"]\nPROVIDERS = [p for p in WANTED if p in ort.get_available_providers()]',
        ).replace('["CUDAExecutionProvider", "CPUExecutionProvider"]', "PROVIDERS", 1),
    },
)
healthy(
    "two-stage-torch",
    {
        **F,
        "requirements.txt": "torch==2.4.1\n" + REQF,
        "main.py": FAST.replace("import cv2\n", "import cv2\nimport torch\n"),
    },
)
healthy(
    "podman",
    {
        **{k: v for k, v in F.items() if "compose" not in k},
        "up.sh": "#!/bin/sh\npodman build -t face .\npodman run -d --name face --device nvidia.com/gpu=all --network web face\n",
    },
)
healthy(
    "build-deps-by-argument",
    {
        **B,
        "Dockerfile": SLIM311.replace("WORKDIR", 'ARG BUILD_DEPS="build-essential git"\n\nWORKDIR').replace(
            "libgl1 ", "$BUILD_DEPS libgl1 "
        ),
    },
)
healthy("packages-of-a-file", {**B, "Dockerfile": SLIM311.replace("libgl1 ", "$(cat apt.txt) ")})
healthy(
    "markers",
    {
        "main.py": FCPU,
        "Dockerfile": SLIMF.format(py="3.8"),
        "requirements.txt": "fastapi\nuvicorn\npython-multipart\ninsightface==0.7.3\nopencv-python-headless\n"
        "onnxruntime==1.16.3; python_version < '3.10'\nonnxruntime==1.22.0; python_version >= '3.10'\n",
    },
)


pair(
    "reservation-without-capabilities",
    "container-started-without-gpu",
    {
        "app.py": FLASK,
        "docker-compose.yml": """services:
  face:
    image: registry.example.com/face:1.4
    command: gunicorn -w 1 -b 0.0.0.0:8000 app:app
    ports:
      - "8000:8000"
    deploy:
      resources:
        reservations:
          devices:
            - driver: nvidia
              count: 1
""",
    },
    {"docker-compose.yml": ("count: 1\n", "count: 1\n              capabilities: [gpu]\n")},
)
LOCKED = """version = 1
requires-python = ">=3.10"

[[package]]
name = "face"
source = { virtual = "." }
dependencies = [
    { name = "numpy", version = "2.2.6", marker = "python_full_version < '3.11'" },
    { name = "numpy", version = "2.4.2", marker = "python_full_version >= '3.11'" },
    { name = "onnxruntime" },
]

[[package]]
name = "onnxruntime"
version = "1.22.0"

[[package]]
name = "numpy"
version = "2.4.2"
"""
pair(
    "locked-in-one-version",
    "python-has-no-wheel",
    {".python-version": "3.10\n", "uv.lock": LOCKED},
    {"uv.lock": LOCKED + '\n[[package]]\nname = "numpy"\nversion = "2.2.6"\n'},
)
