"""Saves and loads snapshots: the support file, the test fixture, the only input of a judgement."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

from retina_doctor.codec import DoesNotFit, decode, encode, from_json, to_json
from retina_doctor.files import read_regular
from retina_doctor.model import Snapshot
from retina_doctor.settings.declared import declarations

FORMAT = 1
MOST_BYTES = 16 * 2**20
"""Of a snapshot that is read: what probes tell is a tenth of that."""
MOST_DEPTH = 100
MOST_PARTS = 2_000_000
"""Commas and brackets of its JSON: each becomes a value of some hundred bytes in memory."""


class SnapshotError(ValueError):
    """A file is no snapshot that this version can read; the message says why, in one line."""


def save(snapshot: Snapshot) -> str:
    """JSON text; the inverse of `load`."""
    return to_json({"retina_doctor_snapshot": FORMAT, **encode(snapshot)})


def is_snapshot(file: Path) -> bool:
    """Whether the file says that it is one, whole or not."""
    try:
        return b'"retina_doctor_snapshot"' in read_regular(file, MOST_BYTES)
    except OSError as error:
        return error.errno != errno.EFBIG  # of the others whoever reads them will complain


def load(text: str | bytes) -> Snapshot:
    """The snapshot of a text that `save` wrote, in this or an earlier version. Raises SnapshotError."""
    raw = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
    if sum(map(raw.count, (b",", b"[", b"{"))) > MOST_PARTS:
        raise SnapshotError("is no snapshot of retina-doctor: too many values")
    try:
        data = from_json(raw)
    except DoesNotFit as error:
        raise SnapshotError(f"is not a whole snapshot: {error}") from None
    if not isinstance(data, dict) or "retina_doctor_snapshot" not in data:
        raise SnapshotError("is JSON, but no snapshot of retina-doctor (make one with `retina-doctor collect -o FILE`)")
    if not _shallow(data):
        raise SnapshotError(f"is no snapshot of retina-doctor: nested deeper than {MOST_DEPTH} levels")
    found = data.pop("retina_doctor_snapshot")
    if type(found) is not int or not 1 <= found <= FORMAT:
        raise SnapshotError(f"has snapshot format {found}; this version reads 1 to {FORMAT}: update retina-doctor")
    try:
        snapshot = decode(migrate(data, found), Snapshot)
    except DoesNotFit as error:
        raise SnapshotError(f"is a damaged snapshot: {error}") from None
    misfit = declarations().misfit(snapshot.settings)
    if misfit:
        raise SnapshotError(f"is a damaged snapshot: {misfit}")
    return snapshot


def _shallow(data: Any) -> bool:
    """JSON makes no other containers than these two, and a snapshot has thousands of values."""
    level = [data]
    for _ in range(MOST_DEPTH):
        level = [
            inner
            for value in level
            for inner in (value.values() if type(value) is dict else value)
            if type(inner) is dict or type(inner) is list
        ]
        if not level:
            return True
    return False


def migrate(data: dict[str, Any], found: int) -> dict[str, Any]:
    """*data* of snapshot format *found* in today's shape. Format 1 is today's."""
    assert found == FORMAT
    return data
