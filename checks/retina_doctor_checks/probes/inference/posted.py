"""What the service's own model finds in the picture that is posted to the service: what its answer is compared with."""

from __future__ import annotations

import base64
import time

from retina_doctor.hints import Any
from retina_doctor_checks.probes.inference import picture
from retina_doctor_checks.probes.native import room

SURE = 0.9  # a score that no usual threshold is above
LEAST = 0.4  # untrained weights give every anchor about as much, or more
MOST_SURE = 20
OTHER_SIDES = (320, 480, 1024, 512, 800, 416, 960, 768, 1280)
"""A service has a size of its own, which nobody may have named."""


def tell(probe: Any, engine: Any, arguments: dict[str, Any], size: tuple[int, int], device: str | None) -> None:
    """*arguments*: "posted", a PNG in base64; "spare", seconds for inputs that are made wrongly or of other sizes, or None."""
    from retina_doctor_checks.probes.inference import drawing

    width, height = size
    from_png = drawing.read(base64.b64decode(arguments["posted"]))
    spare = arguments["spare"]
    probe.tell(**in_posted(engine, from_png, size, arguments["nms"], spare is not None))
    if spare is not None and engine.any_size:
        most = most_pixels(width * height, device)
        sides = [side for side in OTHER_SIDES if (side, side) != size and side * side <= most]
        probe.tell(at_sizes=at_sizes(engine, from_png, sides, arguments["nms"], spare))


def in_posted(engine: Any, posted: Any, size: tuple[int, int], nms: float, wrongly: bool) -> dict[str, Any]:
    """What is told of the picture that is posted to the service; nothing, where the outputs are no known detector's. *wrongly*:
    also of inputs that are made as they should not be."""
    from retina_doctor_checks.probes.inference import detector

    width, height = size
    canvas, scale = detector.letterbox(posted, width, height)

    def found(blob: Any, least: float) -> list[Any]:
        outputs = engine.run(blob)
        return [
            picture.in_source(one, scale)
            for one in detector.decode(outputs, engine.contract, width, height, least, nms)
        ]

    try:
        seen = found(detector.blob(canvas, engine.contract), LEAST)
        inputs = detector.mistaken(canvas, engine.contract) if wrongly else {}
        slips = {why: found(blob, SURE) for why, blob in inputs.items()}
    except Exception:  # of outputs or inputs in a form of its own nothing is known
        return {}
    sure = [one for one in seen if one["score"] >= SURE][:MOST_SURE]
    return {
        "posted": sure,
        "candidates": len(seen),
        "mistaken": {why: faces[:MOST_SURE] for why, faces in slips.items()} if wrongly else None,
    }


def most_pixels(own: int, device: str | None) -> int:
    """How many an input may have that nobody has asked for: of a card's memory, which others use, it takes no more than the
    service's own, and of the machine's a quarter of what is left, by what this process holds with the own one."""
    held = room.held()
    return own if device == "cuda" or not held else max(own, own * room.left() // (4 * held))


def at_sizes(engine: Any, posted: Any, sides: list[int], nms: float, seconds: float) -> list[dict[str, Any]]:
    """The same at square inputs of these sides, as far as so many seconds last: time goes with the pixels."""
    told: list[dict[str, Any]] = []
    start = time.perf_counter()
    pixels = 0
    for side in sides:
        spent = time.perf_counter() - start
        if pixels and spent + spent * side * side / pixels > seconds:
            continue
        pixels += side * side
        one = in_posted(engine, posted, (side, side), nms, True)
        if not one:  # a graph that takes no other, though it does not say so
            break
        told.append({"size": [side, side], "posted": one["posted"], "mistaken": one["mistaken"]})
    return told
