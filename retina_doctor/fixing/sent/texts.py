"""A file of the user's own: read, and replaced whole."""

from __future__ import annotations

import base64
import hashlib
import os
import stat
from typing import Any, Dict, List

from retina_doctor.fixing.sent.contents import digest_of
from retina_doctor.fixing.sent.modes import as_before, attributes
from retina_doctor.fixing.sent.places import STAGED, FixOvertaken, FixRefused, own, place


def read(path: str) -> Dict[str, Any]:
    """A file of this user's own. Never a link: it may lead anywhere."""
    path = place(path)
    if not os.path.lexists(path):
        raise FixOvertaken(path)
    state = os.lstat(path)
    if stat.S_ISLNK(state.st_mode):
        raise FixRefused("%s: is a link; name the folder of the file that it leads to" % path)
    if not stat.S_ISREG(state.st_mode) or state.st_size > 1 << 22:
        raise FixRefused("%s: is no regular file of at most 4 MiB" % path)
    if state.st_uid != os.getuid():
        raise FixRefused("%s: belongs to another user" % path)
    own(os.path.dirname(path))
    with open(path, "rb") as file:
        return {"data": base64.b64encode(file.read()).decode()}


def write(path: str, expected: List[str], data: str) -> Dict[str, Any]:
    """Replace a file whole, if it is what was *expected* (SHA-256); nothing is done where it is what is to be written."""
    new = base64.b64decode(data)
    path = place(path)
    now = digest_of(path)
    if now == hashlib.sha256(new).hexdigest():
        return {}
    if now not in expected:
        raise FixOvertaken(path)
    replace(path, new)
    return {}


def replace(path: str, data: bytes) -> None:
    old = os.lstat(path)
    beside = "%s/%s%s" % (os.path.dirname(path), STAGED, os.path.basename(path))
    if os.path.lexists(beside):
        os.unlink(beside)
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(descriptor)
        as_before(descriptor, old)
        attributes(path, descriptor)
    os.rename(beside, path)
