"""Makes the shipped files of the known-answer test from a trained model, and measures it on fresh pictures.

    python -m tools.known_answer.export FOLDER      writes checks/retina_doctor_checks/inference/known_answer/
    python -m tools.known_answer.export FOLDER --measure 300

FOLDER holds model.pt, as train.py leaves it. Weights are stored in float16 behind a Cast (half the bytes, computed in float32).
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
from pathlib import Path
from typing import Any

import numpy
import onnx
import onnxruntime
import torch
from onnx import TensorProto, helper, numpy_helper
from retina_doctor_checks.inference.known import FOLDER as SHIPPED
from retina_doctor_checks.probes.inference import detector, drawing

from .network import RetinaFace
from .scenes import Picture, draw

OPSET, IR = 11, 6
SCORE, OVERLAP = 0.6, 0.5
FIRST_MEASURED, FIRST_SHIPPED = 0, 500_000  # seeds; the training pictures' begin at 1,000,000
SIZES = ((320, 320), (640, 640), (640, 480), (517, 333))
SHIPPED_SIZES = ((320, 320),) * 5 + ((640, 640),) * 2 + ((517, 333),) * 2
SURE, QUIET, LEAST_FACE = 0.85, 0.3, 40.0
"""A shipped picture's faces score at least this, nothing else more than that, and each is as high as this many pixels."""


def exported(folder: Path) -> bytes:
    net = RetinaFace().eval()
    net.load_state_dict(torch.load(folder / "model.pt", weights_only=True))
    file = io.BytesIO()
    free = {0: "n", 2: "height", 3: "width"}
    names = ["boxes", "scores", "points"]
    axes = {"picture": free, **{name: {0: "n", 1: "anchors"} for name in names}}
    torch.onnx.export(
        net, (torch.zeros(1, 3, 320, 320),), file, opset_version=OPSET, dynamo=False,
        input_names=["picture"], output_names=names, dynamic_axes=axes,
    )  # fmt: skip
    return halved(onnx.load_from_string(file.getvalue()))


def halved(model: Any) -> bytes:
    """Convolutions' weights in float16, each behind a Cast to float32."""
    casts = []
    for tensor in model.graph.initializer:
        if tensor.data_type == TensorProto.FLOAT and len(tensor.dims) == 4:
            name = tensor.name
            tensor.CopyFrom(
                numpy_helper.from_array(numpy_helper.to_array(tensor).astype(numpy.float16), name + ".half")
            )
            casts.append(helper.make_node("Cast", [name + ".half"], [name], to=TensorProto.FLOAT))
    for index, cast in enumerate(casts):
        model.graph.node.insert(index, cast)
    model.ir_version = IR
    model.producer_name, model.producer_version = "retina-doctor", ""
    model.doc_string = "Finds drawn faces only: the known-answer test of retina-doctor. Not a face detector."
    onnx.checker.check_model(model, full_check=True)
    return model.SerializeToString()  # type: ignore[no-any-return]


class Detector:
    def __init__(self, model: bytes) -> None:
        self._session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])

    def faces(self, picture: Picture, threshold: float) -> list[Any]:
        rgb = picture.pixels[:, :, ::-1].astype(numpy.float32)
        outputs = self._session.run(None, {"picture": detector.blob(rgb, "retinaface")})
        return detector.decode(outputs, "retinaface", rgb.shape[1], rgb.shape[0], threshold, 0.4)


def measure(model: bytes, count: int) -> dict[str, Any]:
    """Precision and recall on *count* fresh pictures of each size, at the stated score and overlap."""
    net, found, right = Detector(model), 0, 0
    heights: list[float] = []
    hit: list[bool] = []
    marks: list[float] = []
    for width, height in SIZES:
        for seed in range(count // len(SIZES)):
            picture = draw(FIRST_MEASURED + seed, width, height)
            faces = net.faces(picture, SCORE)
            found += len(faces)
            left = list(faces)
            for box, points in zip(picture.boxes, picture.points, strict=True):
                best = max(left, key=lambda face: detector.overlap(face["box"], box), default=None)
                matched = best is not None and detector.overlap(best["box"], box) >= OVERLAP
                heights.append(float(box[3] - box[1]))
                hit.append(matched)
                if matched and best is not None:
                    left.remove(best)
                    right += 1
                    off = numpy.linalg.norm(numpy.array(best["points"]) - points, axis=1).mean()
                    marks.append(float(off / (box[3] - box[1])))
    tall, seen = numpy.array(heights), numpy.array(hit)
    bands = {f"{low}-{high}": (tall >= low) & (tall < high) for low, high in ((16, 24), (24, 40), (40, 80), (80, 301))}
    return {
        "pictures": count // len(SIZES) * len(SIZES),
        "faces": len(hit),
        "precision": round(right / max(found, 1), 4),
        "recall": round(float(seen.mean()), 4),
        "recall_from_40_px": round(float(seen[tall >= 40].mean()), 4),
        "recall_by_height": {name: f"{int(seen[band].sum())} of {int(band.sum())}" for name, band in bands.items()},
        "points_off": round(float(numpy.mean(marks)), 4),
    }


def choose(model: bytes) -> list[tuple[str, Picture, list[Any]]]:
    """Pictures whose answer has a margin, and a blank one: what is tested is arithmetic, not the detector's quality."""
    net, chosen, seed = Detector(model), [], FIRST_SHIPPED
    for number, (width, height) in enumerate(SHIPPED_SIZES):
        while True:
            seed += 1
            picture = draw(seed, width, height)
            faces = net.faces(picture, QUIET)
            high = all(box[3] - box[1] >= LEAST_FACE for box in picture.boxes)
            sure = all(face["score"] >= SURE for face in faces)
            if (
                1 <= len(faces) == len(picture.boxes) <= 4
                and high
                and sure
                and len(drawing.write(picture.pixels)) < 60_000
            ):
                break
        chosen.append((f"faces-{number + 1}.png", picture, faces))
    blank = draw(seed + 1, 320, 320, people=0)
    while net.faces(blank, QUIET) or len(drawing.write(blank.pixels)) > 40_000:
        seed += 1
        blank = draw(seed, 320, 320, people=0)
    return [*chosen, ("nobody.png", blank, [])]


def ship(model: bytes) -> None:
    SHIPPED.mkdir(exist_ok=True)
    for old in SHIPPED.iterdir():
        old.unlink()
    (SHIPPED / "model.onnx").write_bytes(model)
    told = []
    for name, picture, faces in choose(model):
        (SHIPPED / name).write_bytes(drawing.write(picture.pixels[:, :, ::-1]))
        rounded = [
            {
                "box": [round(value, 3) for value in face["box"]],
                "score": round(face["score"], 5),
                "points": [[round(x, 3), round(y, 3)] for x, y in face["points"]],
            }
            for face in faces
        ]
        told.append({"name": name, "faces": rounded})
    answers = {
        "model_sha256": hashlib.sha256(model).hexdigest(),
        "made_with": f"onnxruntime {onnxruntime.__version__}, CPUExecutionProvider",
        "pictures": told,
    }
    (SHIPPED / "answers.json").write_text(json.dumps(answers, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--measure", type=int, metavar="PICTURES")
    given = parser.parse_args()
    bytes_of_model = exported(given.folder)
    if given.measure:
        print(json.dumps(measure(bytes_of_model, given.measure), indent=1))
    else:
        ship(bytes_of_model)
