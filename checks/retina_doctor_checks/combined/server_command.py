"""The command of a server, changed so that it listens on all addresses of its machine or container."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Sequence

from retina_doctor.patterns import pattern

ALL = "0.0.0.0"  # noqa: S104 - what a service in a container binds
BINDING = {
    "gunicorn": ("gunicorn", ("--bind", ALL + ":{port}")),
    "hypercorn": ("hypercorn", ("--bind", ALL + ":{port}")),
    "uvicorn": ("uvicorn", ("--host", ALL)),
    "daphne": ("daphne", ("-b", ALL)),
    "flask": ("run", ("--host", ALL)),
    "fastapi": ("dev", ("--host", ALL)),
}
"""Server -> the word of its command after which these bind all addresses."""
FLAGS = ("--host", "--bind", "-b", "-H", "-h", "--listen", "--address", "--server-name", "--ip", "runserver")
"""Behind these stands where a server listens."""
SOCKETS = ("--uds", "--fd", "-u", "--unix-socket", "-e", "--endpoint")
"""Likewise, and it is no address: with one, a server takes no host."""
WITH_SOCKETS = ("uvicorn", "daphne")
PLACE = pattern(
    r"(?P<flag>--[a-z-]+=|-b)?(?P<scheme>tcp://)?(?P<host>\[[^\]]*\]|[^:/=]+|::1?|[\da-fA-F]*:[\da-fA-F:]*:[\da-fA-F]*)(?P<port>:\d+)?"
)
PYTHON = pattern(r"(?:python|pypy)[\d.]*")


def is_loopback(host: str) -> bool:
    return host.startswith("127.") or host in ("localhost", "::1", "[::1]")


def rebound(words: Sequence[str], port: int | None, wrong: Callable[[str], bool] = is_loopback) -> list[str]:
    """The words with all addresses in place of a *wrong* one, or of the server's own default, which is loopback; none where it
    is not known how."""
    changed = [_changed(before, word, wrong) for before, word in zip(("", *words), words, strict=False)]
    if changed != list(words):
        return changed
    flags = [word.partition("=")[0] for word in words]
    server = None if any(flag in FLAGS or flag.startswith("-b") for flag in flags) else server_of(words)
    if server is None or (server in WITH_SOCKETS and any(flag in SOCKETS for flag in behind(flags, server))):
        return []
    after, added = BINDING[server]
    place = next((place for place, word in enumerate(words, 1) if posixpath.basename(word) == after), None)
    more = [word.format(port=port or 8000) for word in added]
    return [*words[:place], *more, *words[place:]] if place is not None else []


def _changed(before: str, word: str, wrong: Callable[[str], bool]) -> str:
    match = PLACE.fullmatch(word)
    if match is None or not wrong(match["host"]):
        return word
    flag = match["flag"] or ""
    if before not in FLAGS and flag.rstrip("=") not in FLAGS:
        return word
    return f"{flag}{match['scheme'] or ''}{ALL}{match['port'] or ''}"


def server_of(words: Sequence[str]) -> str | None:
    """Which server of BINDING these words start: by itself, as a script of a Python's, or by -m."""
    names: Sequence[str] = [posixpath.basename(word) for word in words]
    if names and PYTHON.fullmatch(names[0]):
        names = _run_by_python(names[1:])
    return names[0] if names and names[0] in BINDING else None


def behind(flags: Sequence[str], server: str) -> Sequence[str]:
    """Behind the server's own word: what stands before it is Python's."""
    return flags[[posixpath.basename(flag) for flag in flags].index(server) :]


def _run_by_python(words: Sequence[str]) -> Sequence[str]:
    """From the module or script on, behind Python's own options."""
    place = 0
    while place < len(words) and words[place].startswith("-") and words[place] != "-m":
        place += 2 if words[place] in ("-X", "-W") else 1
    return words[place + 1 :] if words[place : place + 1] == ["-m"] else words[place:]
