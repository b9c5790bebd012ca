"""A Python environment: whose it is, what is installed, and its scripts once it was made in another place."""

from __future__ import annotations

import base64
import hashlib
import os
from typing import Any, Dict, List

from retina_doctor.fixing.sent.places import STAGED, settled
from retina_doctor.fixing.sent.texts import replace


def environment(prefix: str) -> Dict[str, Any]:
    """Whether a virtual environment is this user's own, to be changed as a whole. *foreign*: what in it is not."""
    real = settled(prefix)
    packages = folders_of_packages(real)
    whose = [real, *(os.path.join(real, name) for name in ("bin", "lib", "pyvenv.cfg"))]
    whose += [*map(os.path.dirname, packages), *packages]
    foreign = [path for path in whose if os.path.exists(path) and os.stat(path).st_uid != os.getuid()]
    entries = [entry for entry in os.scandir(real) if not entry.name.startswith(STAGED)]
    elsewhere = [
        entry.path
        for entry in entries
        if os.lstat(entry.path).st_dev != os.lstat(real).st_dev
        or (entry.is_symlink() and entry.name == "lib")
        or (entry.is_symlink() and entry.name == "lib64" and os.readlink(entry.path) != "lib")
    ]
    elsewhere += [path for path in folders_of_packages(real) if not os.path.realpath(path).startswith(real + "/")]
    return {
        "prefix": real,
        "virtual": os.path.isfile(os.path.join(real, "pyvenv.cfg")),
        "foreign": foreign,
        "elsewhere": elsewhere,
        "closed": [path for path in whose if os.path.isdir(path) and not os.access(path, os.W_OK | os.X_OK)],
    }


def folders_of_packages(prefix: str) -> List[str]:
    lib = os.path.join(prefix, "lib")
    names = [name for name in os.listdir(lib) if name.startswith("python")] if os.path.isdir(lib) else []
    return [os.path.join(lib, name, "site-packages") for name in names]


def packages(prefix: str) -> Dict[str, Any]:
    """`name==version` of what is installed, by the names of its folders: also where pip itself is what is broken."""
    found = set()
    for site in folders_of_packages(prefix):
        for name in os.listdir(site) if os.path.isdir(site) else []:
            if name.endswith(".dist-info") and "-" in name:
                found.add("==".join(name[: -len(".dist-info")].rsplit("-", 1)))
    return {"packages": sorted(found, key=str.lower)}


def settle(staged: str, prefix: str) -> Dict[str, Any]:
    """Scripts that were installed into the copy name its Python: they are to name the real one, and RECORD their new hash."""
    named, real = os.fsencode(staged), os.fsencode(prefix)
    changed = {}
    scripts = os.path.join(staged, "bin")
    for entry in os.scandir(scripts):
        if entry.is_file(follow_symlinks=False) and entry.stat().st_size < 1 << 20:
            with open(entry.path, "rb") as file:
                data = file.read()
            if named in data:
                changed[entry.name] = data.replace(named, real)
                replace(entry.path, changed[entry.name])
    for site in folders_of_packages(staged) if changed else []:
        for entry in os.scandir(site):
            record = os.path.join(entry.path, "RECORD")
            if entry.name.endswith(".dist-info") and os.path.isfile(record):
                record_again(record, changed)
    return {}


def record_again(record: str, changed: Dict[str, bytes]) -> None:
    with open(record, encoding="utf-8", newline="") as file:
        lines = file.read().splitlines(keepends=True)
    again = []
    for line in lines:
        path = line.split(",")[0]
        data = changed.get(os.path.basename(path)) if path.startswith("../../../bin/") else None
        if data is not None:
            digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
            end = line[len(line.rstrip("\r\n")) :]
            line = "%s,sha256=%s,%d%s" % (path, digest, len(data), end)
        again.append(line)
    if again != lines:
        replace(record, "".join(again).encode())
