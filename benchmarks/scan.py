"""How many files a minute `retina-doctor scan` reads: Python's own library, and where every file is concerned, of each kind.

uv run python benchmarks/scan.py
"""

from __future__ import annotations

import json
import subprocess
import sys
import sysconfig
import tempfile
import time
from pathlib import Path

SERVICE = """import onnxruntime as ort
from insightface.app import FaceAnalysis
app = FaceAnalysis(name="buffalo_l", providers=["CUDAExecutionProvider", "CPUExecutionProvider"])
app.prepare(ctx_id=0, det_thresh=0.6, det_size=(640, 640))
def detect(picture):
    faces = app.get(picture)
    if not faces:
        return []
    return [{"box": face.bbox.tolist(), "score": float(face.det_score)} for face in faces]
"""
SERVICE += (
    """
def line_of(points):
    left, right = min(points), max(points)
    width = right - left if right > left else 1
    return [(point - left) / width for point in points]
"""
    * 12
)
DOCKERFILE = """FROM nvidia/cuda:12.4.1-cudnn-runtime-ubuntu22.04
ENV PORT=8080
RUN apt-get update && apt-get install -y --no-install-recommends python3 python3-pip \\
    && rm -rf /var/lib/apt/lists/*
COPY requirements.txt /app/
RUN pip install --no-cache-dir 'onnxruntime-gpu==1.26.0' flask gunicorn
COPY . /app
WORKDIR /app
EXPOSE 8080
CMD ["gunicorn", "--bind", "0.0.0.0:8080", "--workers", "1", "app:app"]
"""
COMPOSE = """services:
  face:
    image: face
    command: gunicorn --bind 0.0.0.0:8080 app:app
    environment: {MODEL: /models/retinaface}
    ports: ["80:8080"]
    volumes: ["/models:/models:ro"]
    deploy: {resources: {reservations: {devices: [{driver: nvidia, count: 1, capabilities: [gpu]}]}}}
"""
MANIFEST = """apiVersion: apps/v1
kind: Deployment
metadata: {name: face}
spec:
  template:
    metadata: {labels: {app: face}}
    spec:
      containers:
      - name: face
        image: face
        args: ["gunicorn", "--bind", "0.0.0.0:8080", "app:app"]
        ports: [{containerPort: 8080}]
        readinessProbe: {httpGet: {path: /health, port: 8080}}
        resources: {limits: {nvidia.com/gpu: 1}}
"""
REQUIREMENTS = "flask==3.1.3\nnumpy==2.4.6\nonnxruntime-gpu==1.26.0\ninsightface==0.7.3\ngunicorn\n"
SCRIPT = "#!/bin/sh\nset -e\nexec gunicorn --bind 0.0.0.0:8080 app:app\n"
DEPLOYMENT = {
    "Dockerfile.{}": DOCKERFILE,
    "compose.{}.yml": COMPOSE,
    "manifest{}.yaml": MANIFEST,
    "requirements-{}.txt": REQUIREMENTS,
    "start{}.sh": SCRIPT,
}


def measure(name: str, folder: str) -> None:
    start = time.perf_counter()
    command = [sys.executable, "-m", "retina_doctor", "scan", folder, "--format", "json", "--fail-on", "never"]
    told = json.loads(subprocess.run(command, check=False, capture_output=True, text=True).stdout)
    seconds = time.perf_counter() - start
    source = told["facts"]["source"]
    assert not source["cut"], "measured over a part only"
    print(f"{name}: {source['files']} files in {seconds:.1f} s = {source['files'] / seconds * 60:.0f} a minute")


def main() -> None:
    print("aim: 10,000 a minute")
    measure("Python's own library", sysconfig.get_path("stdlib"))
    with tempfile.TemporaryDirectory() as folder:
        for number in range(1500):
            (Path(folder) / f"service{number}.py").write_text(SERVICE, encoding="utf-8")
        measure("services of 80 lines", folder)
    for name, text in DEPLOYMENT.items():
        with tempfile.TemporaryDirectory() as folder:
            for number in range(900):
                (Path(folder) / name.format(number)).write_text(text, encoding="utf-8")
            measure(name.format("*"), folder)


if __name__ == "__main__":
    main()
