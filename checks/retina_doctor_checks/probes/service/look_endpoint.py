"""Asks a service of this machine to detect faces: the known picture, posted as a client posts one. Python 3.8,
standard library."""

from __future__ import annotations

import os
import re
import stat
from urllib.parse import urljoin, urlsplit

from retina_doctor.hints import Any
from retina_doctor_checks.probes.service import asked_for, own_headers, posting, routes

OTHER_FIELDS = ("image", "file", "img", "picture", "photo", "upload")
OTHER_KEYS = ("image_base64", "img_base64", "image_b64", "imageBase64", "base64", "b64", "data")
"""Of a JSON object with a picture in base64, beside those."""
FAILED = 500
"""As a service answers a form that it does not look at before it uses it."""
AGAIN = 2  # times that a form which failed is tried after another was taken: one in three may fail of itself
REFUSED_PICTURE = (400, 415, 422, FAILED)
NO_SUCH_ROUTE = (404, 405)
KEEPS_METHOD = (307, 308)
MOST_HOPS = 3
MOST_PHOTO = 8 * 2**20  # bytes
TRACEBACK = "Traceback (most recent call last)"
TAGS = re.compile(r"(?s)<(style|script|head)\b.*?</\1\s*>|<!--.*?-->|<[^>]*>")
PUT_IN_PLACE = re.compile(
    r"(?i)the server encountered an internal error and was unable to complete your request\.\s*"
    r"either the server is overloaded or there is an error in the application\.|server got itself in trouble|"
    r"a server error occurred\.\s*please contact the administrator\.|the server encountered an unexpected internal server error|"
    r"sorry, the requested url .*? caused an error:|the application encountered an unexpected error and could not continue\.|"
    r"internal server error|server error|unhandled exception|error|500"
)
"""werkzeug InternalServerError, aiohttp web_protocol.py, wsgiref handlers.py, CherryPy, Bottle ERROR_PAGE_TEMPLATE, Sanic
errorpages.py; Starlette, Django, Tornado and gunicorn have the last ones alone."""
COLD = 1.0  # seconds: an answer that took longer is asked for again, since the first one may have set things up


class Upload(object):
    """How a picture is posted: *form* (of posting.FORMS), in *field*. *faces*: the key of a right answer, "" where
    it is a list. *wide*, *broad*: other known pictures, no squares; *close*: of one large face; *nobody*: without a face;
    *photo*: the path of his own."""

    def __init__(
        self,
        form: str,
        field: str,
        faces: str,
        picture: bytes,
        wide: bytes | None = None,
        broad: bytes | None = None,
        close: bytes | None = None,
        nobody: bytes | None = None,
        photo: str | None = None,
    ) -> None:
        self.form, self.field, self.faces = form, field, faces
        self.picture, self.wide, self.broad, self.close = picture, wide, broad, close
        self.nobody, self.photo = nobody, photo

    def body(self) -> tuple[bytes, str]:
        return posting.picture_in(self.form, [self.field], self.picture)

    def otherwise(self, form: str, field: str) -> Upload:
        return Upload(form, field, self.faces, self.picture)

    def of(self, picture: bytes) -> Upload:
        return Upload(self.form, self.field, self.faces, picture)


def own_picture(path: str) -> bytes | None:
    """A file, which may be elsewhere, or larger than a service takes."""
    try:
        if not stat.S_ISREG(os.stat(path).st_mode) or os.path.getsize(path) > MOST_PHOTO:
            return None
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return None


def detect(
    url: dict[str, Any], address: str, upload: Upload, header_file: str | None, deadline: float
) -> dict[str, Any]:
    """What POST PATH with the picture gives. *url*: its scheme, host, port and path. *deadline*: time.monotonic().

    A certificate that is refused hides no other fault: what clients would be answered, had they trusted it, is asked for as well.
    """
    client = posting.Client(url, address, own_headers.of_file(header_file), deadline)
    told = judged(client, upload)
    if told["kind"] == "certificate":
        refused, there = told["words"], judged(client.trusting(), upload)
        if there["kind"] in ("http", "silent", "closed"):
            told = dict(there, refused_certificate=refused)
            return dict(client.told(told), header_names=[])
    return client.told(told)


def judged(client: posting.Client, upload: Upload) -> dict[str, Any]:
    """The answer as it is, with what was asked because of it."""
    told = followed(client, upload)
    if told["status"] in REFUSED_PICTURE:
        told["asked_for"] = asked_for.names(told)
        told.update(what_works(client, upload, told))
    elif told["status"] in NO_SUCH_ROUTE:
        told["routes"] = routes.found(client, told["path"])
    elif is_answered(told) and not holds(told["body"], upload.faces):
        if not client.late():
            told["everywhere"] = routes.everywhere(client, told, *upload.body())
        if told["everywhere"]:
            told["routes"] = routes.found(client, told["path"])
    elif is_answered(told) and told["seconds"] > COLD and not client.late():
        again = followed(client, upload)
        if again["status"] is not None and not 400 <= again["status"] < FAILED:
            # Else it minds the repetition (409, 429): the picture itself it has taken.
            told = dict(again, first_seconds=told["seconds"])
    if is_answered(told) and upload.wide is not None and holds(told["body"], upload.faces) and not client.late():
        # A picture of the network's own size cannot show in whose pixels the boxes are.
        told.update(of_others(client, upload, bool(listed(told["body"], upload.faces))))
    if (
        is_answered(told)
        and upload.close is not None
        and listed(told["body"], upload.faces) == []
        and not client.late()
    ):
        # Whoever leaves small faces out on purpose has none to tell.
        told["close_body"] = answer_to(client, upload, upload.close)
        missed = listed(told["close_body"], upload.faces) == [] and not client.late()
        data = own_picture(upload.photo) if missed and upload.photo else None
        if data is not None:
            # A filter that is made for photographs may have none of a drawing.
            photo = followed(client, upload.of(data))
            faces = listed(photo["body"], upload.faces) if is_answered(photo) else None
            told["photo_faces"] = len(faces) if faces is not None else None
    return told


def of_others(client: posting.Client, upload: Upload, seen: bool) -> dict[str, Any]:
    """What the pictures give that are no squares, and, where the first one's faces are *seen*, whether one of nobody fails."""
    wide = followed(client, upload.of(upload.wide or b""))
    told = {"wide_body": wide["body"] if is_answered(wide) else None}
    if not seen:
        return told
    well = is_answered(wide)
    if upload.broad is not None and (not well or listed(wide["body"], upload.faces) == []) and not client.late():
        broad = followed(client, upload.of(upload.broad))
        well = is_answered(broad)
        told["broad_body"] = broad["body"] if well else None
    # Who fails at all but the first has another trouble than a picture without a face: one in so many requests, or with sizes.
    if well and upload.nobody is not None and not client.late():
        told["nobody_fails"] = fails_at(client, upload, upload.nobody)
    return told


def fails_at(client: posting.Client, upload: Upload, picture: bytes) -> bool:
    """Whether a picture ends in an exception that nobody caught, twice, between which the first one is answered: what is told in
    JSON, or in words of the service's own, somebody has written, and one in three may fail of itself."""
    for one in (picture, upload.picture, picture):
        told = followed(client, upload.of(one))
        as_expected = told["status"] == FAILED and is_nobodys(told) if one is picture else is_answered(told)
        if not as_expected:
            return False
    return True


def is_nobodys(told: dict[str, Any]) -> bool:
    """Whether an error says what a framework puts in place of an exception, or nothing: no words of the service's own."""
    if told["json"] or told["packed"]:
        return False
    text = told["text"] or ""
    return TRACEBACK in text or not re.search(r"\w", PUT_IN_PLACE.sub("", TAGS.sub(" ", text)))


def answer_to(client: posting.Client, upload: Upload, picture: bytes) -> Any:
    """What another picture gives; None: no answer of success."""
    told = followed(client, upload.of(picture))
    return told["body"] if is_answered(told) else None


def is_answered(told: dict[str, Any]) -> bool:
    return told["status"] is not None and 200 <= told["status"] < 300


def holds(body: Any, faces: str) -> bool:
    """Whether the list of faces is where it should be; what is in it is judged elsewhere."""
    return listed(body, faces) is not None


def listed(body: Any, faces: str) -> list[Any] | None:
    for key in faces.split(".") if faces else ():
        body = body.get(key) if isinstance(body, dict) else None
    return body if isinstance(body, list) else None


def what_works(client: posting.Client, upload: Upload, refused: dict[str, Any]) -> dict[str, Any]:
    """{"works_with", "works_form", "works_body", "routes"}: another field or form with which the picture is taken, where
    one is found, and what is answered then."""
    told = routes.found(client, refused["path"])
    declared = [one for one in told if one["path"] == refused["path"]]
    named = [one["name"] for one in refused["asked_for"] if one["place"] == "body"]
    fields = list(dict.fromkeys([*named, upload.field, *OTHER_FIELDS]))
    tries = [(one["form"], one["field"] or upload.field) for one in declared if one["form"]]
    tries += [(posting.MULTIPART, field) for field in fields]
    tries += [(posting.JSON, field) for field in dict.fromkeys([*fields, *OTHER_KEYS])]
    tries.append((posting.RAW, upload.field))
    if refused["status"] == FAILED:
        tries = taken_together(client, upload, tries)
    for form, field in dict.fromkeys(tries):
        if client.late():
            break
        same = form == upload.form and (form == posting.RAW or field == upload.field)
        answer = None if same else followed(client, upload.otherwise(form, field))
        if answer is not None and is_answered(answer):
            if refused["status"] == FAILED and any(is_answered(followed(client, upload)) for _ in range(AGAIN)):
                break  # it fails now and then, at any form
            works = {"works_with": field, "works_form": form, "works_body": answer["body"]}
            return dict(works, routes=declared)
    return {"routes": declared}


def taken_together(client: posting.Client, upload: Upload, tries: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Those of a form that is taken if it has all their fields at once: a service that fails at every picture writes three
    more tracebacks into its log, and not one for each name."""
    for form in posting.FORMS:
        mine = [one for one in tries if one[0] == form]
        body = posting.picture_in(form, [field for _, field in mine], upload.picture)
        if client.late():
            break
        if is_answered(client.post(client.url["path"], *body)):
            return mine
    return []


def followed(client: posting.Client, upload: Upload) -> dict[str, Any]:
    """Goes after redirects that keep the method and stay on this port; others are told."""
    path, redirected = client.url["path"], None
    been = {path}
    told: dict[str, Any] = {}
    for _ in range(MOST_HOPS):
        told = dict(client.post(path, *upload.body()), redirected=redirected)
        there = on_the_same_port(client.url, path, told["location"]) if told["status"] in KEEPS_METHOD else None
        if there is None or told["login_page"]:
            break
        if there in been:
            told["loops"] = True
            break
        been.add(there)
        path = redirected = there
    return told


def on_the_same_port(url: dict[str, Any], path: str, location: str | None) -> str | None:
    """The path that a Location header leads to from *path*; None where that is elsewhere, or nonsense."""
    if location is None:
        return None
    try:
        there = urlsplit(urljoin("%s://%s:%d%s" % (url["scheme"], url["host"], url["port"], path), location))
        stays = there.hostname == url["host"] and (there.port or url["port"]) == url["port"]
        there_path = posting.quoted(there.path + ("?" + there.query if there.query else ""))
        return there_path if stays and there.scheme == url["scheme"] else None
    except ValueError:
        return None
