"""The copy beside, in which what is to be changed is changed."""

from __future__ import annotations

import os
import shutil
from typing import Any, Dict

from retina_doctor.fixing.sent.contents import as_it_is
from retina_doctor.fixing.sent.modes import as_before
from retina_doctor.fixing.sent.places import STAGED, FixRefused, own, place, settled


def stage(folder: str, into: str) -> Dict[str, Any]:
    """Copy *folder* to *into*: hard links to its files, but copies of what this user may not link. *was*: what was copied."""
    folder, into = settled(folder), place(into)
    own(folder)
    own(os.path.dirname(into))
    if os.path.lexists(into):
        shutil.rmtree(into)
    was = as_it_is(folder)
    os.mkdir(into, 0o700)
    copy(folder, into)
    as_before(into, os.stat(folder))
    return {"was": was}


def copy(folder: str, into: str) -> None:
    for entry in os.scandir(folder):
        target = os.path.join(into, entry.name)
        if entry.name.startswith(STAGED):
            continue
        if entry.is_symlink():
            os.symlink(os.readlink(entry.path), target)
        elif entry.is_dir():
            os.mkdir(target, 0o700)
            copy(entry.path, target)
            shutil.copystat(entry.path, target)
            as_before(target, entry.stat())
        elif entry.is_file():
            try:
                os.link(entry.path, target)
            except OSError:
                shutil.copy2(entry.path, target)
                as_before(target, entry.stat())
        else:
            raise FixRefused("%s: is no file, folder or link" % entry.path)


def up(staged: str, inner: str, ending: str) -> Dict[str, Any]:
    """In the copy: move the files with that ending from the folder *inner* up into it."""
    nested = os.path.join(staged, inner)
    names = [name for name in sorted(os.listdir(nested)) if name.endswith(ending)]
    if not names:
        raise FixRefused("%s: holds no *%s any more" % (nested, ending))
    for name in names:
        if os.path.lexists(os.path.join(staged, name)):
            raise FixRefused("%s: is there already" % name)
        os.rename(os.path.join(nested, name), os.path.join(staged, name))
    return {"names": names}


def discard(path: str) -> Dict[str, Any]:
    """Remove a copy: only what bears our mark in its name."""
    if not os.path.basename(path).startswith(STAGED):
        raise FixRefused("%s: is none of the doctor's copies" % path)
    if os.path.lexists(path):
        own(os.path.dirname(place(path)))
        let_remove(path)
        shutil.rmtree(path)
    return {}


def let_remove(folder: str) -> None:
    """What was copied with its modes may be closed to its own user."""
    os.chmod(folder, 0o700)
    for entry in os.scandir(folder):
        if entry.is_dir(follow_symlinks=False):
            let_remove(entry.path)
