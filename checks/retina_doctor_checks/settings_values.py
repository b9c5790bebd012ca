"""Values that the pack's settings take, and how files, variables and flags say them."""

import errno
import os
import re
from pathlib import Path
from typing import Annotated, Any

from retina_doctor.codec import Data, Meta
from retina_doctor.files import read_regular
from retina_doctor.patterns import pattern

MOST_REQUESTS, MOST_AT_ONCE = 100_000, 256
SIDE_MOST = 32768
"""Pixels. Larger pictures fit into no GPU and no file format in use."""


class Size(Data, frozen=True):
    """Pixels."""

    width: int
    height: int

    def __str__(self) -> str:
        return f"{self.width}x{self.height}"


def read_size(value: Any) -> Any:
    """ "640x480", 640, [640, 480] or a table -> width and height in pixels. Raises ValueError."""
    pair = value
    if isinstance(value, dict) and set(value) == {"width", "height"}:
        pair = [value["width"], value["height"]]
    elif isinstance(value, str):
        match = re.fullmatch(r"\s*(\d{1,5})\s*(?:[xX×,]\s*(\d{1,5})\s*)?", value)
        pair = [int(match[1]), int(match[2] or match[1])] if match else None
    elif type(value) is int:
        pair = [value, value]
    if isinstance(pair, list) and len(pair) == 2 and all(type(side) is int and 1 <= side <= SIDE_MOST for side in pair):
        return {"width": pair[0], "height": pair[1]}
    raise ValueError(f"{value!r} is not a size in pixels such as 640x640")


class LoadWanted(Data, frozen=True, kw_only=True):
    requests: int
    at_once: int


def read_load(value: Any) -> Any:
    """ "200,8", [200, 8] or a table -> 200 requests, 8 at once. Raises ValueError."""
    pair = value
    if isinstance(value, dict) and set(value) == {"requests", "at_once"}:
        pair = [value["requests"], value["at_once"]]
    elif isinstance(value, str) and re.fullmatch(r"\s*\d{1,9}\s*,\s*\d{1,9}\s*", value):
        pair = [int(part) for part in value.split(",")]
    if not (isinstance(pair, list) and len(pair) == 2 and all(type(part) is int and part >= 1 for part in pair)):
        raise ValueError(f"{value!r} is not requests and how many at once, such as 200,8")
    if pair[0] > MOST_REQUESTS or pair[1] > MOST_AT_ONCE:
        raise ValueError(f"at most {MOST_REQUESTS} requests, {MOST_AT_ONCE} at once")
    return {"requests": pair[0], "at_once": pair[1]}


def read_field(value: Any) -> Any:
    """Raises ValueError for what no multipart field is called."""
    if isinstance(value, str) and not (value and value.isprintable()):
        raise ValueError(f"{value!r} is no name of a field")
    return value


LOG_OF_UNIT, LOG_OF_CONTAINER = "unit", "docker"


def read_log(value: Any) -> Any:
    """A path, "unit:face.service" or "docker:face". Raises ValueError."""
    if not isinstance(value, str):
        return value
    kind, colon, name = value.strip().partition(":")
    if kind == LOG_OF_UNIT and colon:
        if not re.fullmatch(r"[A-Za-z0-9:_.\\@-]{1,255}", name) or name.startswith("-"):
            raise ValueError(f"{name!r} is no name of a systemd unit")
    elif kind == LOG_OF_CONTAINER and colon:
        if not re.fullmatch(r"[A-Za-z0-9][\w.-]{0,252}", name):
            raise ValueError(f"{name!r} is no name of a container")
    elif not value.strip() or not value.isprintable():
        raise ValueError(f"{value!r} is no path of a log")
    return value.strip()


def check_log(value: str) -> None:
    """A file is there and can be read. Raises ValueError."""
    if value.partition(":")[0] in (LOG_OF_UNIT, LOG_OF_CONTAINER) and ":" in value:
        return
    try:
        read_regular(Path(os.path.expanduser(value)), 0)  # noqa: PTH111 - Path.expanduser raises where there is no such user
    except OSError as error:
        if error.errno != errno.EFBIG:
            raise ValueError(f"{value}: cannot be read: {error.strerror}") from None


Share = Annotated[float, Meta(ge=0, le=1, description="is not between 0 and 1")]
Port = Annotated[int, Meta(ge=1, le=65535, description="is not a port: ports are 1 to 65535")]


RANGE = pattern(r"(>=|<=|==|!=|>|<)\s*(\d+(?:\.\d+)*)")


def read_range(value: Any) -> Any:
    """ ">=535, <600" or one exact version. Raises ValueError."""
    parts = [part.strip() for part in value.split(",")] if isinstance(value, str) else [""]
    exact = [f"=={part}" if part[:1].isdigit() else part for part in parts]
    if not all(RANGE.fullmatch(part) for part in exact):
        raise ValueError(f"{value!r} is not a range of versions such as '>=535, <600'")
    return ",".join(exact)


def read_sha256(value: Any) -> Any:
    """64 hexadecimal digits, as sha256sum prints them. Raises ValueError."""
    if not (isinstance(value, str) and re.fullmatch(r"[0-9a-fA-F]{64}", value.strip())):
        raise ValueError(f"{value!r} is not a SHA-256 of 64 hexadecimal digits")
    return value.strip().lower()


Count = Annotated[int, Meta(ge=0, description="must not be negative")]
Above = Annotated[float, Meta(gt=0, description="must be above 0")]
