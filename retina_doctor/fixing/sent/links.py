"""A link that is laid where something is missing, and taken away again."""

from __future__ import annotations

import os
from typing import Any, Dict, List

from retina_doctor.fixing.sent.places import FixOvertaken, FixRefused, own, place, settled


def absent(path: str) -> Dict[str, Any]:
    """Which folders above *path* are missing, the highest first. Refuses where it is there, or its folder is not this user's."""
    if os.path.lexists(path):
        raise FixRefused("%s: is there already" % path)
    above = os.path.dirname(path)
    missing: List[str] = []
    while not os.path.lexists(above):
        missing.insert(0, above)
        above = os.path.dirname(above)
    own(settled(above))
    return {"missing": missing}


def link(path: str, to: str, missing: List[str]) -> Dict[str, Any]:
    for folder in missing:
        if not os.path.isdir(folder):
            os.mkdir(folder)
    os.symlink(to, place(path))
    return {}


def unlink(path: str, to: str, missing: List[str]) -> Dict[str, Any]:
    """Take away the link that `link` made, and the folders where nothing else lies in them. *changed*: there was one."""
    there = os.path.lexists(path)
    if there:
        if not os.path.islink(path) or os.readlink(path) != to:
            raise FixOvertaken(path)
        os.unlink(place(path))
    for folder in reversed(missing):
        try:
            os.rmdir(folder)
            there = True
        except OSError:
            pass
    return {"changed": there}
