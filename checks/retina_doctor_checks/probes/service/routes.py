"""Where else a service may take pictures: its own OpenAPI document tells, else paths that are often used. Python
3.8, standard library."""

from __future__ import annotations

import posixpath
import re

from retina_doctor.hints import Any
from retina_doctor_checks.probes.service import answer_body, posting

OFTEN = ("", "/api", "/api/v1", "/v1")
DOCUMENT = "openapi.json"  # where FastAPI and others of OpenAPI have it by default
NOWHERE = "/retina-doctor-looks-for-no-such-path"
FORMS = (("multipart/form-data", posting.MULTIPART), ("application/json", posting.JSON), ("image/", posting.RAW))
MOST_ROUTES = 8
HIGHEST_CODE = 999  # greater whole numbers are clocks and counters; smaller ones may be an error's code
VARYING = re.compile(r"(?i)\b(?=[\da-f-]*\d)[\da-f-]{8,}\b|\d+")
PICTURES = ("image", "img", "file", "photo", "picture", "upload", "b64", "base64")


def found(client: posting.Client, path: str) -> list[dict[str, Any]]:
    """[{"path", "form", "field"}] of routes that take a POST; form and field None where nobody tells."""
    for prefix in dict.fromkeys([*ancestors(path), *OFTEN]):
        told = _get(client, "%s/%s" % (prefix, DOCUMENT))
        if told["status"] == 200 and isinstance(told["body"], dict) and "paths" in told["body"]:
            return described(told["body"])
        if told["status"] is None:
            return []
    nowhere = _get(client, NOWHERE)["status"]
    if nowhere != 404:
        return []
    last = posixpath.basename(path.partition("?")[0].rstrip("/")) or "detect"
    tries = [one for prefix in OFTEN for one in ("%s/%s" % (prefix, last), "%s/%s/" % (prefix, last)) if one != path]
    there = [one for one in tries if _get(client, one)["status"] in (200, 400, 405, 415, 422)]
    return [{"path": one, "form": None, "field": None} for one in there]


def ancestors(path: str) -> list[str]:
    """ "/face/detect" -> "/face", "": where the application of a sub-path has its document."""
    parts = path.partition("?")[0].strip("/").split("/")[:-1]
    return ["/" + "/".join(parts[:count]) for count in range(len(parts), 0, -1)] + [""]


def everywhere(client: posting.Client, answered: dict[str, Any], body: bytes, content_type: str) -> bool:
    """Whether a path that cannot be there is answered in the same way: a page or a health check for all of them."""
    other = client.post(NOWHERE, body, content_type)
    return _alike(_kind(other), _kind(answered))


def _kind(told: dict[str, Any]) -> list[Any]:
    """Of an answer: its status, its type and what it says, without the path that was asked."""
    said = told["body"] if told["json"] else (told["text"] or "")[: answer_body.MOST_TEXT]
    return [told["status"], told["json"], told["content_type"], _without(said, told["path"])]


def _without(value: Any, path: str, deep: int = 0) -> Any:
    if isinstance(value, dict) and deep < answer_body.MOST_DEPTH:
        return {key: _without(one, path, deep + 1) for key, one in value.items()}
    return value.replace(path, "") if isinstance(value, str) else value


def _alike(one: Any, other: Any, deep: int = 0) -> bool:
    """Whether two answers say the same: clocks, counters and numbers of requests (VARYING) are not compared."""
    if deep > answer_body.MOST_DEPTH:
        return True
    if isinstance(one, dict) and isinstance(other, dict):
        return set(one) == set(other) and all(_alike(one[key], other[key], deep + 1) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(_alike(*pair, deep=deep + 1) for pair in zip(one, other))
    if isinstance(one, str) and isinstance(other, str):
        return VARYING.sub("", one) == VARYING.sub("", other)
    if type(one) is type(other) and isinstance(one, (int, float)) and not isinstance(one, bool):
        return one == other or isinstance(one, float) or min(one, other) > HIGHEST_CODE
    return type(one) is type(other) and bool(one == other)


def _get(client: posting.Client, path: str) -> dict[str, Any]:
    if client.late():
        return posting.EMPTY
    return client.exchange("GET", path, None, {"Accept": "application/json"})


def described(document: dict[str, Any]) -> list[dict[str, Any]]:
    """The routes of an OpenAPI document that take a POST with a body; first those that take a picture."""
    routes = []
    for path, about in _table(document.get("paths")).items():
        content = _table(_table(_table(about).get("post")).get("requestBody")).get("content")
        for kind, form in FORMS:
            for name, one in _table(content).items():
                if name.startswith(kind):
                    routes.append({"path": path[:200], "form": form, "field": _field(document, form, _table(one))})
    routes.sort(key=lambda one: one["field"] is None and one["form"] != posting.RAW)
    return routes[:MOST_ROUTES]


def _field(document: dict[str, Any], form: str, content: dict[str, Any]) -> str | None:
    """The property that holds the picture: a file of a form, a text of that name in JSON."""
    fields = _table(_schema(document, content.get("schema")).get("properties"))
    for name, about in fields.items():
        about = _schema(document, about)
        if form == posting.MULTIPART and (about.get("format") == "binary" or "contentMediaType" in about):
            return name[:80]
        if form == posting.JSON and about.get("type") == "string" and any(word in name.lower() for word in PICTURES):
            return name[:80]
    return None


def _schema(document: dict[str, Any], schema: Any) -> dict[str, Any]:
    """Behind a reference of the same document ("#/components/schemas/Body_detect")."""
    schema = _table(schema)
    target: Any = document
    for part in str(schema["$ref"]).lstrip("#/").split("/") if "$ref" in schema else ():
        target = _table(target).get(part)
    return _table(target) if "$ref" in schema else schema


def _table(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
