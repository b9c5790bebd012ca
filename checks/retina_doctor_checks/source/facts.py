"""What the service's own source says, read as text and as a syntax tree: nothing of it is imported or run."""

from __future__ import annotations

from typing import Literal

from retina_doctor.authoring import Facts

Cause = Literal[
    "ort-provider-not-requested",
    "det-parameter-ignored",
    "cuda-hardcoded",
    "no-face-not-handled",
    "image-not-read",
    "model-wrong-directory",
]


class Mark(Facts, frozen=True, kw_only=True):
    """A comment ``# retina-doctor: ignore[word] reason`` beside a line."""

    word: str
    reason: str


class Line(Facts, frozen=True, kw_only=True):
    """A place in a file. *line* and *column* count from 1; *text*: the line without its indentation."""

    file: str
    line: int
    column: int
    text: str
    marks: tuple[Mark, ...]


class Hit(Facts, frozen=True, kw_only=True):
    """A place that bears a cause. *why*: which of the cause's forms it is; *what*: the word that it turns on; *fixed*: the
    line as it should be, where it can be written. *api*: the versions of insightface in which it is so; none: in any."""

    at: Line
    cause: Cause
    why: str
    what: str
    fixed: str | None
    api: tuple[str, ...]


class Figure(Facts, frozen=True, kw_only=True):
    """A number of the detector's that the source names: a score threshold, an NMS overlap, or width and height in pixels.
    *sides*: what stands before and after it on its line; None: no other could be put in its place."""

    at: Line
    kind: Literal["threshold", "nms", "size"]
    numbers: tuple[float, ...]
    sides: tuple[str, str] | None


class Server(Facts, frozen=True, kw_only=True):
    """Something listens. *host*, *port*: None where they cannot be told. *why*: whether the host is named, or the server's
    default. *sure*: neither a variable nor a flag may change it. *runs*: the module or script that a command starts."""

    at: Line
    by: str
    host: str | None
    port: int | None
    why: Literal["named", "default"]
    sure: bool
    fixed: str | None
    runs: str | None


class Unread(Facts, frozen=True, kw_only=True):
    """A file in which a cause could stand, and which could not be read."""

    file: str
    kind: Literal["python", "deployment"]
    error: str


class Source(Facts, frozen=True, kw_only=True):
    """*files*: how many were looked at; *cut*: there were more than are looked at."""

    paths: tuple[str, ...]
    missing: tuple[str, ...]
    files: int
    cut: bool
    unread: tuple[Unread, ...]
    hits: tuple[Hit, ...]
    figures: tuple[Figure, ...]
    servers: tuple[Server, ...]
