"""What an answer of another form is in words of [service.response]: found by trying, and right where nothing is wrong by them."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from typing import Any

from retina_doctor.codec import replace

from ..settings import ResponseSettings
from .response import wrong_in

DEEP = 3
MOST_KEYS = 30


def fitting(body: Any, settings: ResponseSettings) -> ResponseSettings | None:
    """Settings by which nothing is wrong in the answer; None: there are none, or it shows no face."""
    for faces, first in _lists(body, ""):
        keys = list(first)[:MOST_KEYS]
        boxes = [key for key in keys if isinstance(first[key], list) and len(first[key]) == 4]
        scores = [key for key in keys if isinstance(first[key], float | int) and not isinstance(first[key], bool)]
        points = [key for key in keys if isinstance(first[key], list | dict) and len(first[key]) == 5]
        forms = (settings.box_form, "size" if settings.box_form == "corners" else "corners")
        for box, form, score, named in itertools.product(boxes, forms, scores, [*points, ""]):
            tried = replace(settings, faces=faces, box=box, box_form=form, score=score, points=named)
            if not wrong_in(body, tried):
                return tried
    return None


def _lists(value: Any, path: str, deep: int = DEEP) -> Iterator[tuple[str, dict[str, Any]]]:
    """(where, its first face) of the lists of objects in the answer; a key with a dot cannot be named."""
    if isinstance(value, list):
        if value and isinstance(value[0], dict):
            yield path, value[0]
    elif isinstance(value, dict) and deep:
        for key, inner in list(value.items())[:MOST_KEYS]:
            if key and "." not in key:
                yield from _lists(inner, f"{path}.{key}" if path else key, deep - 1)


def table(settings: ResponseSettings, present: ResponseSettings) -> str:
    """What the default or the *present* settings have otherwise, as the variable RETINA_DOCTOR_SERVICE_RESPONSE holds it."""
    default = ResponseSettings()
    differing = {
        key: getattr(settings, key)
        for key in settings.__struct_fields__
        if not getattr(settings, key) == getattr(default, key) == getattr(present, key)
    }
    lines = [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in differing.items()]
    return f"{{ {', '.join(lines)} }}"
