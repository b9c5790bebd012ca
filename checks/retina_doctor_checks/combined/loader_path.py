"""How a folder came to be searched by the service's loader: by its LD_LIBRARY_PATH, or by the loader's own list."""

from __future__ import annotations

TELLING = ("stubs", "compat", "cuda-compat")
"""Last parts of folders that hold no libraries but those of that kind. /usr/local/cuda is a link, and what was loaded is told
with links followed."""


def searched(folder: str, variable: str | None) -> bool:
    """Whether that value of LD_LIBRARY_PATH names *folder*."""
    return any(_is(one, folder) for one in _folders(variable))


def without(folder: str, variable: str | None) -> str:
    """That value without the folder; glibc takes an empty one for none."""
    return ":".join(one for one in _folders(variable) if not _is(one, folder))


def first(folder: str, variable: str | None) -> str:
    """That value with the folder before all others."""
    return ":".join([folder, *(one for one in _folders(variable) if one != folder)])


def _is(entry: str, folder: str) -> bool:
    last = folder.rpartition("/")[2]
    return entry == folder or (last in TELLING and entry.rpartition("/")[2] == last)


def _folders(variable: str | None) -> list[str]:
    return [one.rstrip("/") or one for one in (variable or "").split(":") if one]
