"""The picture that is looked at: read as the target can, told of, and written with what was found."""

from __future__ import annotations

import os

from retina_doctor.hints import Any
from retina_doctor_checks.probes.native import output

MOST_PICTURE = 200 * 10**6  # bytes


def read_picture(path: str) -> tuple[Any, ...]:
    """(RGB uint8 [h, w, 3], facts): the given picture, by cv2 or Pillow, whichever the target has; else noise."""
    import numpy

    noise = numpy.random.RandomState(0).randint(0, 256, (480, 640, 3)).astype(numpy.uint8)
    facts = {"path": None, "width": 640, "height": 480, "error": None, "decoder": True}
    if not path:
        return noise, facts
    path = os.path.abspath(os.path.expanduser(path))
    try:
        if not os.path.isfile(path) or os.path.getsize(path) > MOST_PICTURE:
            raise ValueError("is no regular file of up to %d MB" % (MOST_PICTURE // 10**6))
        with open(path, "rb") as file:
            data = file.read()
        picture = pixels(data)
    except ImportError as error:
        return noise, dict(facts, path=path, width=None, height=None, error=output.cut(str(error), 300), decoder=False)
    except (OSError, ValueError) as error:
        return noise, dict(facts, path=path, width=None, height=None, error=output.cut(str(error), 300))
    return picture, dict(facts, path=path, width=picture.shape[1], height=picture.shape[0])


def pixels(data: bytes) -> Any:
    import numpy

    try:
        import cv2

        decoded = cv2.imdecode(numpy.frombuffer(data, numpy.uint8), cv2.IMREAD_COLOR) if data else None
        if decoded is None:
            raise ValueError("is no picture that OpenCV can read")
        return decoded[:, :, ::-1]
    except ImportError:
        import io

        from PIL import Image

        return numpy.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def saved(path: str, picture: Any, faces: list[Any]) -> dict[str, Any]:
    """{"path", "error"}: the picture with what was found, written as PNG."""
    from retina_doctor_checks.probes.inference import drawing

    path = os.path.abspath(os.path.expanduser(path))
    try:
        with open(path, "wb") as file:
            file.write(drawing.write(drawing.marked(picture, faces)))
        return {"path": path, "error": None}
    except OSError as error:
        return {"path": path, "error": error.strerror}


def in_source(face: dict[str, Any], scale: float) -> dict[str, Any]:
    """A face in pixels of the picture, to a tenth."""
    return {
        "box": [round(value / scale, 1) for value in face["box"]],
        "score": round(face["score"], 4),
        "points": [[round(x / scale, 1), round(y / scale, 1)] for x, y in face["points"]],
    }
