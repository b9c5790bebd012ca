"""What a service that refuses a request says that it wants. Python 3.8, standard library."""

from __future__ import annotations

import re

from retina_doctor.hints import Any

QUOTED = re.compile(r"""["'`]([A-Za-z_][\w-]{0,39})["'`]""")
MISSING = re.compile(
    r"(?i)\b(?:missing|requir\w+|fields?|parameters?|param|part|keys?|keyerror|form|needs?|needed|lacks?|provided?|absent"
    r"|expects?|not found|no (?:file|image|picture|value))\b|缺少|缺失|必填|必须|必需|需要|字段|参数|未提供"
)
"""Words beside the name of what is wanted."""
GIVEN = re.compile(
    r"(?i)\b(?:got|not|but|type|received|attribute|module|object|class|found|unknown|unexpected)[\s:=(]*$"
)
"""What stands before a name that is not wanted."""
AND = re.compile(r"(?i)(?:[\s,/|、，]|and|or|和|或)+")
BESIDE, MOST_DEPTH = 40, 8
MOST = 8


def names(told: dict[str, Any]) -> list[dict[str, str]]:
    """[{"place", "name"}] of what is missing, in the order in which it is said. *place*: body, query, header, path or cookie.

    FastAPI and pydantic: {"detail": [{"loc": ["body", "file"], ...}]}; Django REST: {"file": ["No file was
    submitted."]}; else the words between quotes of which is said that they are missing.
    """
    body = told["body"]
    found = []
    if isinstance(body, dict) and isinstance(body.get("detail"), list):
        found = [_of_location(one.get("loc")) for one in body["detail"] if isinstance(one, dict)]
    elif isinstance(body, dict) and body and all(_is_list_of_texts(value) for value in body.values()):
        found = [{"place": "body", "name": str(key)} for key in body]
    else:
        said = "\n".join(_texts(body)) if told["json"] else told["text"] or ""
        found = [{"place": "body", "name": name} for name in _missing(said)]
    unlike: list[dict[str, str]] = []
    for one in found:
        if one and one not in unlike:
            unlike.append(one)
    return unlike[:MOST]


def _missing(said: str) -> list[str]:
    """ "Missing field 'file'", "'image' is required"; not "'NoneType' object has no attribute 'shape'"."""
    found: list[str] = []
    end, taken = 0, False
    for match in QUOTED.finditer(said):
        between = said[end : match.start()]
        before = re.split(r"[.;\n\"'`]", said[max(0, match.start() - BESIDE) : match.start()])[-1]
        after = re.split(r"[.;\n\"'`]", said[match.end() : match.end() + BESIDE])[0]
        listed = taken and AND.fullmatch(between) is not None
        beside = MISSING.search(before) or MISSING.search(after)
        taken = listed or (beside is not None and not GIVEN.search(before))
        if taken:
            found.append(match.group(1))
        end = match.end()
    return found


def _of_location(place: Any) -> dict[str, str] | None:
    """["body", "file"] -> the field file; ["body"] alone says that the body is of another kind."""
    if isinstance(place, list) and len(place) >= 2 and all(isinstance(part, (str, int)) for part in place):
        return {"place": str(place[0])[:40], "name": str(place[1])[:40]}
    return None


def _is_list_of_texts(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(one, str) for one in value)


def _texts(value: Any, deep: int = 0) -> list[str]:
    if isinstance(value, dict) and deep < MOST_DEPTH:
        return [text for one in value.values() for text in _texts(one, deep + 1)]
    return [value] if isinstance(value, str) else []
