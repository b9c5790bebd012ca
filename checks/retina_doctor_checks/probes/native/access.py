"""What is there, and what this user may not read. A file that may not be seen is not gone. Sent to targets: Python 3.8."""

from __future__ import annotations

import os
import stat


def is_gone(path: str) -> bool:
    """Nothing is there, or a link to nothing. Not: something to which this user is refused the way."""
    try:
        os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False


def is_closed(path: str) -> bool:
    """It is there, and this user may not read it, or not list and enter it; or not enter a folder above it."""
    try:
        mode = os.stat(path).st_mode
    except PermissionError:
        return True
    except OSError:
        return False
    return not os.access(path, os.R_OK | os.X_OK if stat.S_ISDIR(mode) else os.R_OK)


def first_closed(site: str, path: str) -> str | None:
    """Of *site* and what follows on the way down to *path*: the first that is closed."""
    here = site
    for part in [*os.path.relpath(path, site).split(os.sep), ""]:
        if is_closed(here):
            return here
        here = os.path.join(here, part)
    return None
