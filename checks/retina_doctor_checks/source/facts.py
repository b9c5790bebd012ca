"""What the service's own source says, read as a syntax tree: nothing of it is imported or run."""

from __future__ import annotations

from typing import Literal

from retina_doctor.authoring import Facts

Cause = Literal["ort-provider-not-requested", "det-parameter-ignored", "cuda-hardcoded", "no-face-not-handled"]


class Hit(Facts, frozen=True, kw_only=True):
    """A place in a file that bears a cause. *line* and *column* count from 1. *why*: which of the cause's forms it is;
    *what*: the word that it turns on; *fixed*: the line as it should be, where it can be written. *ignored*: the
    reason beside it."""

    cause: Cause
    file: str
    line: int
    column: int
    text: str
    why: str
    what: str
    fixed: str | None
    ignored: str | None


class Unread(Facts, frozen=True, kw_only=True):
    file: str
    error: str


class Source(Facts, frozen=True, kw_only=True):
    """*files*: how many were read; *cut*: there were more than are looked at."""

    paths: tuple[str, ...]
    missing: tuple[str, ...]
    files: int
    cut: bool
    unread: tuple[Unread, ...]
    hits: tuple[Hit, ...]
