"""RetinaFace and SCRFD around the network: what goes in, what comes out. Sent to targets: Python 3.8, numpy.

Sources: biubug6/Pytorch_Retinaface (MIT), detect.py, layers/functions/prior_box.py, utils/box_utils.py, data/config.py;
insightface 0.7.3 and 2.1 (MIT), model_zoo/retinaface.py and scrfd.py; checked against both in tests/test_inference.py.
"""

from __future__ import annotations

import functools
import math

import numpy

from retina_doctor.hints import Any

STRIDES = (8, 16, 32)
MIN_SIZES = ((16, 32), (64, 128), (256, 512))  # anchors' sides in pixels, by stride
VARIANCES = (0.1, 0.2)
BGR_MEANS = (104.0, 117.0, 123.0)
MOST_CANDIDATES, MOST_FACES = 5000, 750  # as many as Pytorch_Retinaface's test_widerface.py takes and keeps
SCRFD_LAYOUTS = {
    6: (3, 2, False),
    9: (3, 2, True),
    10: (5, 1, False),
    15: (5, 1, True),
}  # outputs: strides, anchors, points


def contract(names_and_shapes: list[Any]) -> str | None:
    """ "retinaface" (boxes 4, scores 2, points 10), "scrfd" (6, 9, 10 or 15 outputs), or None, by the outputs' number."""
    count = len(names_and_shapes)
    if count == 3:
        return "retinaface"
    return "scrfd" if count in SCRFD_LAYOUTS else None


def letterbox(picture: Any, width: int, height: int) -> tuple[Any, ...]:
    """(RGB float32 [height, width, 3], scale): *picture* (RGB uint8 [h, w, 3]) shrunk or grown to fit, top left on black."""
    source_height, source_width = picture.shape[:2]
    scale = min(width / float(source_width), height / float(source_height))
    new_width, new_height = max(1, int(source_width * scale)), max(1, int(source_height * scale))
    canvas: Any = numpy.zeros((height, width, 3), numpy.float32)
    canvas[:new_height, :new_width] = resize(picture, new_width, new_height)
    return canvas, new_height / float(source_height)


def resize(picture: Any, width: int, height: int) -> Any:
    """Bilinear between the four nearest pixels, pixel centres at .5, as cv2.INTER_LINEAR; the same in every target."""
    source_height, source_width = picture.shape[:2]
    x = numpy.clip((numpy.arange(width) + 0.5) * source_width / width - 0.5, 0, source_width - 1)
    y = numpy.clip((numpy.arange(height) + 0.5) * source_height / height - 0.5, 0, source_height - 1)
    left, top = numpy.floor(x).astype(int), numpy.floor(y).astype(int)
    right, bottom = numpy.minimum(left + 1, source_width - 1), numpy.minimum(top + 1, source_height - 1)
    dx, dy = (x - left)[None, :, None].astype(numpy.float32), (y - top)[:, None, None].astype(numpy.float32)
    rows = picture[top].astype(numpy.float32) * (1 - dy) + picture[bottom].astype(numpy.float32) * dy
    return numpy.round(rows[:, left] * (1 - dx) + rows[:, right] * dx)


def blob(canvas: Any, kind: str | None) -> Any:
    """float32 [1, 3, height, width] as the model was trained on: BGR less its means, or RGB from -1 to 1."""
    values = (
        canvas[:, :, ::-1] - numpy.array(BGR_MEANS, numpy.float32) if kind == "retinaface" else (canvas - 127.5) / 128.0
    )
    return numpy.ascontiguousarray(values.transpose(2, 0, 1)[None], dtype=numpy.float32)


def mistaken(canvas: Any, kind: str | None) -> dict[str, Any]:
    """Inputs as they are when a usual mistake is made: the channels in the other order, or no mean subtracted."""
    made = {"channels": blob(canvas[:, :, ::-1], kind)}
    if kind == "retinaface":
        made["mean"] = numpy.ascontiguousarray(canvas[:, :, ::-1].transpose(2, 0, 1)[None], dtype=numpy.float32)
    return made


def decode(outputs: list[Any], kind: str, width: int, height: int, threshold: float, nms: float) -> list[Any]:
    """[{"box", "score", "points"}] in pixels of the input, best first. Raises ValueError where shapes do not fit."""
    boxes, scores, points = (retinaface if kind == "retinaface" else scrfd)(outputs, width, height)
    keep = numpy.flatnonzero(scores >= threshold)
    keep = keep[numpy.argsort(-scores[keep], kind="stable")][:MOST_CANDIDATES]
    kept = suppressed(boxes, keep, nms)
    return [
        {"box": boxes[i].tolist(), "score": float(scores[i]), "points": points[i].reshape(-1, 2).tolist()} for i in kept
    ]


def suppressed(boxes: Any, order: Any, nms: float) -> list[Any]:
    """Of the boxes with these indices, best first, those that overlap no better one by more than *nms*; MOST_FACES at most."""
    kept: list[Any] = []
    spans = numpy.maximum(boxes[:, 2:] - boxes[:, :2], 0)
    areas = spans[:, 0] * spans[:, 1]
    while len(order) and len(kept) < MOST_FACES:
        best, rest = order[0], order[1:]
        kept.append(best)
        low = numpy.maximum(boxes[best, :2], boxes[rest, :2])
        high = numpy.minimum(boxes[best, 2:], boxes[rest, 2:])
        sides = numpy.maximum(high - low, 0)
        both = sides[:, 0] * sides[:, 1]
        order = rest[both <= nms * (areas[best] + areas[rest] - both)]
    return kept


def retinaface(outputs: list[Any], width: int, height: int) -> tuple[Any, ...]:
    """Boxes, scores and points of the outputs [1, n, 4], [1, n, 2], [1, n, 10] in any order."""
    by_size = {}
    for output in outputs:
        by_size[output.shape[-1]] = output.reshape(-1, output.shape[-1]).astype(numpy.float64)
    if set(by_size) != {2, 4, 10}:
        raise ValueError("outputs of width %s, expected 2, 4 and 10" % sorted(by_size))
    priors = retinaface_priors(width, height)
    loc, conf, landmarks = by_size[4], by_size[2], by_size[10]
    if len(priors) != len(loc):
        raise ValueError("%d boxes for %d anchors at %dx%d" % (len(loc), len(priors), width, height))
    if conf.min() < 0 or conf.max() > 1:  # exported without its softmax
        conf = numpy.exp(conf - conf.max(axis=1, keepdims=True))
        conf /= conf.sum(axis=1, keepdims=True)
    centre = priors[:, :2] + loc[:, :2] * VARIANCES[0] * priors[:, 2:]
    size = priors[:, 2:] * numpy.exp(numpy.minimum(loc[:, 2:] * VARIANCES[1], 20))
    scale = numpy.array([width, height])
    boxes = numpy.concatenate([(centre - size / 2) * scale, (centre + size / 2) * scale], axis=1)
    spread = landmarks.reshape(-1, 5, 2) * VARIANCES[0] * priors[:, None, 2:]
    points = (priors[:, None, :2] + spread) * scale
    return boxes, conf[:, 1], points.reshape(-1, 10)


@functools.lru_cache(maxsize=4)
def retinaface_priors(width: int, height: int) -> Any:
    """[n, 4]: centre and size of each anchor as shares of the input, by stride, row, column, size."""
    priors = []
    for stride, sizes in zip(STRIDES, MIN_SIZES):
        rows, columns = math.ceil(height / stride), math.ceil(width / stride)
        y, x = numpy.mgrid[0:rows, 0:columns]
        centres = numpy.stack([(x + 0.5) * stride / width, (y + 0.5) * stride / height], axis=-1).reshape(-1, 1, 2)
        sides = numpy.array([[size / width, size / height] for size in sizes])
        both = (
            numpy.broadcast_to(centres, (rows * columns, len(sizes), 2)),
            numpy.broadcast_to(sides, (rows * columns, len(sizes), 2)),
        )
        priors.append(numpy.concatenate(both, axis=-1).reshape(-1, 4))
    return numpy.concatenate(priors)


def scrfd(outputs: list[Any], width: int, height: int) -> tuple[Any, ...]:
    """Boxes, scores and points of insightface's outputs: all scores, all distances, all points, each by stride."""
    levels, anchors, has_points = SCRFD_LAYOUTS[len(outputs)]
    all_boxes, all_scores, all_points = [], [], []
    for level in range(levels):
        stride = 8 << level
        rows, columns = math.ceil(height / stride), math.ceil(width / stride)
        scores = outputs[level].reshape(-1)
        distances = outputs[level + levels].reshape(-1, 4) * stride
        if len(scores) != rows * columns * anchors or len(distances) != len(scores):
            raise ValueError("%d scores for %d anchors of stride %d" % (len(scores), rows * columns * anchors, stride))
        y, x = numpy.mgrid[0:rows, 0:columns]
        centres = numpy.repeat(numpy.stack([x, y], axis=-1).reshape(-1, 2) * stride, anchors, axis=0).astype(
            numpy.float64
        )
        all_scores.append(scores)
        all_boxes.append(numpy.concatenate([centres - distances[:, :2], centres + distances[:, 2:]], axis=1))
        if has_points:
            offsets = outputs[level + 2 * levels].reshape(-1, 5, 2) * stride
            all_points.append((centres[:, None, :] + offsets).reshape(-1, 10))
        else:
            all_points.append(numpy.zeros((len(scores), 0)))
    return numpy.concatenate(all_boxes), numpy.concatenate(all_scores), numpy.concatenate(all_points)


def overlap(one: Any, other: Any) -> float:
    """Intersection over union of two boxes."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    if width <= 0 or height <= 0:
        return 0.0
    both = width * height
    areas = (one[2] - one[0]) * (one[3] - one[1]) + (other[2] - other[0]) * (other[3] - other[1])
    return float(both / (areas - both))
