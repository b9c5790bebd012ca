"""How much longer the smoke test takes than a bare script that opens the same sessions and does the same inferences.

    uv run python benchmarks/smoke.py [--runs 7]

Interleaved runs, medians and fastest, after one of each that is not counted; Python keeps compiled files, as where the doctor was
installed by pip. On the CPU, with a real picture; MobileNet-0.25 has real weights, ResNet50 random ones.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from retinaface.weights import WEIGHTS

sys.path.insert(0, str(Path(__file__).parents[1]))
from tools.architectures import retinaface

BARE = """
import base64, glob, json, os, sys, time
import cv2, numpy, onnxruntime
model, picture, own, runs = sys.argv[1:]
def opened(path):
    options = onnxruntime.SessionOptions()
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
def blob(pixels):
    return numpy.ascontiguousarray((pixels.astype(numpy.float32) - (104, 117, 123)).transpose(2, 0, 1)[None], dtype=numpy.float32)
session = opened(model)
image = cv2.imread(picture)
scale = min(640 / image.shape[1], 640 / image.shape[0])
canvas = numpy.zeros((640, 640, 3), numpy.uint8)
small = cv2.resize(image, None, fx=scale, fy=scale)
canvas[:small.shape[0], :small.shape[1]] = small
for _ in range(1 + int(runs)):
    session.run(None, {session.get_inputs()[0].name: blob(canvas)})
known = opened(os.path.join(own, "model.onnx"))
for path in sorted(glob.glob(os.path.join(own, "*.png"))):
    known.run(None, {"picture": blob(cv2.imread(path))})
"""
OWN = Path(__file__).parents[1] / "checks/retina_doctor_checks/inference/known_answer"
ENVIRONMENT = {
    name: value
    for name, value in os.environ.items()
    if name not in ("PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED")  # many images set them
}
RUNS = {"mobilenet0.25": 21, "resnet50": 5}
"""That the smoke test does after the first, with models as fast as these: the last one is of the drawn picture."""


def main() -> None:
    import insightface

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=7)
    given = parser.parse_args()
    picture = Path(insightface.__file__).parent / "data" / "images" / "t1.jpg"
    for name, weights in (("mobilenet0.25", WEIGHTS), ("resnet50", retinaface("resnet50"))):
        compare(name, weights, picture, given.runs)


def compare(network: str, weights: bytes, picture: Path, count: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        model = Path(folder) / "model.onnx"
        model.write_bytes(weights)
        script = Path(folder) / "bare.py"
        script.write_text(BARE, encoding="utf-8")
        words = ["--only", "inference", "--device", "cpu", "--model", str(model), "--image", str(picture)]
        commands = {
            "bare": [sys.executable, str(script), str(model), str(picture), str(OWN), str(RUNS[network])],
            "smoke": [sys.executable, "-m", "retina_doctor", *words, "--target", sys.executable],
        }
        times: dict[str, list[float]] = {name: [] for name in commands}
        for turn in range(1 + count):
            for name, command in commands.items():
                start = time.perf_counter()
                subprocess.run(command, check=False, cwd=folder, stdout=subprocess.DEVNULL, env=ENVIRONMENT)
                if turn:
                    times[name].append(time.perf_counter() - start)
    for kind, of in (("median", statistics.median), ("fastest", min)):
        bare, smoke = of(times["bare"]), of(times["smoke"])
        print(
            f"{network}, {kind}: smoke test {smoke:.3f} s / bare script {bare:.3f} s = {smoke / bare:.2f} (aim: 1.15)"
        )


if __name__ == "__main__":
    main()
