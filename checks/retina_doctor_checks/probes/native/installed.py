"""Which distributions are installed, read from their own folders. Sent to targets: Python 3.8, standard library alone.

importlib.metadata would say the same (of what pip, uv and conda install; .egg-info folders without RECORD have no files
here), but its import alone takes longer than everything that is read with it here, and a quick check has half a second.
Formats: PyPA, "Recording installed projects"; PEP 376 and 427 for RECORD.
"""

from __future__ import annotations

import base64
import csv
import os
import re
from typing import Any

from retina_doctor_checks.probes.native import places

FOLDER = re.compile(r"(.+?)-([^-]+?)(?:-py\d[\d.]*)?\.(?:dist|egg)-info$")


class RecordEntry:
    """A file of a RECORD. *path* as it stands there; *size* and *digest* (sha256) None where it does not say."""

    def __init__(self, site: str, row: list[str]) -> None:
        self.path = os.path.relpath(row[0], site) if os.path.isabs(row[0]) else row[0]
        self.site = site
        self.digest = row[1][7:] if len(row) > 1 and row[1].startswith("sha256=") else None
        self.size = int(row[2]) if len(row) > 2 and row[2].isdigit() else None

    @property
    def place(self) -> str:
        return os.path.join(self.site, self.path)


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

    def files(self, part: str = "") -> list[RecordEntry]:
        """Those whose line in RECORD has *part*."""
        try:
            with open(os.path.join(self.folder, "RECORD"), encoding="utf-8", errors="replace", newline="") as file:
                return [RecordEntry(self.site, row) for row in csv.reader(line for line in file if part in line) if row]
        except (OSError, ValueError, csv.Error):
            return []

    def values(self, key: str, file: str = "METADATA") -> list[str]:
        """Values of "Key: value" lines in the head of METADATA, or of WHEEL."""
        try:
            with open(os.path.join(self.folder, file), encoding="utf-8", errors="replace") as opened:
                head = opened.read().split("\n\n")[0]
        except OSError:
            return []
        return re.findall(r"^%s: *(.+?)\r?$" % re.escape(key), head, re.MULTILINE)


def distributions(wanted: Any, sites: list[str] | None = None) -> dict[str, DistInfo]:
    """Those whose name the compiled pattern *wanted* matches, by name; in *sites*, or in all folders of sys.path.

    Of several with one name the first on sys.path; in one folder, where others were left behind by an installation that
    broke off, the one that has its RECORD and was made last.
    """
    found: dict[str, DistInfo] = {}
    for site in places.site_folders() if sites is None else sites:
        try:
            folders = sorted(os.listdir(site))
        except OSError:
            continue
        for folder in folders:
            match = FOLDER.match(folder)
            name = re.sub(r"[-_.]+", "-", match.group(1)).lower() if match else ""
            if match and wanted.match(name):
                one, other = DistInfo(site, folder, name, match.group(2)), found.get(name)
                if other is None or (other.site == site and one.standing() > other.standing()):
                    found[name] = one
    return found


def sha256(path: str) -> str:
    """As RECORD writes it: URL-safe base64 without padding."""
    import hashlib  # only here: it takes 3 ms

    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            digest.update(block)
    return base64.urlsafe_b64encode(digest.digest()).rstrip(b"=").decode("ascii")
