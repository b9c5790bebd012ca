"""Which distributions are installed, read from their own folders. Sent to targets: Python 3.8, standard library alone.

importlib.metadata would say the same (of what pip, uv and conda install; .egg-info folders without RECORD have no files
here), but its import alone takes longer than everything that is read with it here, and a quick check has half a second.
Formats: PyPA, "Recording installed projects"; PEP 376 and 427 for RECORD.
"""

from __future__ import annotations

import functools
import itertools
import os
import re

from retina_doctor.hints import Any
from retina_doctor_checks.probes.native import places

FOLDER = re.compile(r"(.+?)-([^-]+?)(?:-py\d[\d.]*)?\.(?:dist|egg)-info$")


class RecordEntry:
    """A file of a RECORD. *path* as it stands there; *size* and *digest* (sha256) None where it does not say. There are
    thousands: what few ask for is read when it is asked for."""

    __slots__ = ("path", "row", "site")

    def __init__(self, site: str, row: list[str]) -> None:
        self.path = os.path.relpath(row[0], site) if row[0][:1] == os.sep else row[0]
        self.site = site
        self.row = row

    @property
    def digest(self) -> str | None:
        return self.row[1][7:] if len(self.row) > 1 and self.row[1].startswith("sha256=") else None

    @property
    def size(self) -> int | None:
        return int(self.row[2]) if len(self.row) > 2 and self.row[2].isdigit() else None

    @property
    def place(self) -> str:
        return self.site + os.sep + self.path


class DistInfo:
    """*name* as PyPI compares names: lower case, "-" for any of "-_."."""

    def __init__(self, site: str, folder: str, name: str, version: str) -> None:
        self.site = site
        self.folder = os.path.join(site, folder)
        self.name = name
        self.version = version

    def standing(self) -> Any:
        try:
            return os.path.isfile(os.path.join(self.folder, "RECORD")), os.stat(self.folder).st_mtime
        except OSError:
            return False, 0.0

    def files(self, sign: str = "", or_sign: str | None = None) -> list[RecordEntry]:
        """Those whose line in RECORD holds one of these signs."""
        other = sign if or_sign is None else or_sign
        try:
            with open(os.path.join(self.folder, "RECORD"), "rb") as file:
                text = file.read().decode("utf-8", "replace")
        except OSError:
            return []
        quoted = sign.replace(",", '",')  # of a path with a comma in it
        lines = [line for line in text.split("\n") if sign in line or other in line or quoted in line]
        return [RecordEntry(self.site, row) for row in rows(lines) if row and row[0]]

    def values(self, key: str, file: str = "METADATA") -> list[str]:
        """Values of "Key: value" lines in the head of METADATA, or of WHEEL."""
        try:
            with open(os.path.join(self.folder, file), encoding="utf-8", errors="replace") as opened:
                head = "".join(itertools.takewhile("\n".__ne__, opened))  # what follows is a text for readers
        except OSError:
            return []
        return re.findall(r"^%s: *(.+?)\r?$" % re.escape(key), head, re.MULTILINE)


def rows(lines: list[str]) -> list[list[str]]:
    """Their fields. Without a quotation mark, as in nearly all lists, commas alone part them."""
    if not any('"' in line for line in lines):
        return [line.rstrip("\r").split(",") for line in lines]
    import csv  # only here: it takes half a millisecond

    try:
        return list(csv.reader(lines))
    except csv.Error:
        return []


def distributions(wanted: Any, sites: list[str] | None = None) -> dict[str, DistInfo]:
    """Those whose name the compiled pattern *wanted* matches, by name; in *sites*, or in all folders of sys.path.

    Of several with one name the first on sys.path; in one folder, where others were left behind by an installation that
    broke off, the one that has its RECORD and was made last.
    """
    found: dict[str, DistInfo] = {}
    for site in places.site_folders() if sites is None else sites:
        try:
            changed = os.stat(site).st_mtime_ns
        except OSError:
            continue
        for folder, name, version in folders(site, changed):
            if wanted.match(name):
                one, other = DistInfo(site, folder, name, version), found.get(name)
                if other is None or (other.site == site and one.standing() > other.standing()):
                    found[name] = one
    return found


@functools.lru_cache(maxsize=None)
def folders(site: str, _changed: int) -> list[Any]:
    """[(folder, name, version)] of those in *site*, which many probes ask for."""
    try:
        matches = [FOLDER.match(folder) for folder in sorted(os.listdir(site))]
    except OSError:
        return []
    return [(one.group(), re.sub(r"[-_.]+", "-", one.group(1)).lower(), one.group(2)) for one in matches if one]


def sha256(path: str) -> str:
    """As RECORD writes it: URL-safe base64 without padding."""
    import base64  # only here, both: they take 3 ms
    import hashlib

    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            digest.update(block)
    return base64.urlsafe_b64encode(digest.digest()).rstrip(b"=").decode("ascii")
