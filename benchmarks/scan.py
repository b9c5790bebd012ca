"""How many Python files a minute `retina-doctor scan` reads: of Python's own library, and where every file is concerned.

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


def measure(name: str, folder: str) -> None:
    start = time.perf_counter()
    command = [sys.executable, "-m", "retina_doctor", "scan", folder, "--format", "json", "--fail-on", "never"]
    told = json.loads(subprocess.run(command, check=False, capture_output=True, text=True).stdout)
    seconds = time.perf_counter() - start
    files = told["facts"]["source"]["files"]
    print(f"{name}: {files} files in {seconds:.1f} s = {files / seconds * 60:.0f} a minute (aim: 10,000)")


def main() -> None:
    measure("Python's own library", sysconfig.get_path("stdlib"))
    with tempfile.TemporaryDirectory() as folder:
        for number in range(3000):
            (Path(folder) / f"service{number}.py").write_text(SERVICE * 8, encoding="utf-8")
        measure("3,000 services of 80 lines", folder)


if __name__ == "__main__":
    main()
