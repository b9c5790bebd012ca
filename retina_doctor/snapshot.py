"""Saves and loads snapshots: the support file, the test fixture, the only input of a judgement."""

from __future__ import annotations

from typing import Any

from retina_doctor.codec import DoesNotFit, decode, encode, from_json, to_json
from retina_doctor.declared import declarations
from retina_doctor.model import Snapshot

FORMAT = 1


class SnapshotError(ValueError):
    """A file is no snapshot that this version can read; the message says why, in one line."""


def save(snapshot: Snapshot) -> str:
    """JSON text; the inverse of `load`."""
    return to_json({"retina_doctor_snapshot": FORMAT, **encode(snapshot)})


def load(text: str | bytes) -> Snapshot:
    """The snapshot of a text that `save` wrote, in this or an earlier version. Raises SnapshotError."""
    try:
        data = from_json(text)
    except DoesNotFit as error:
        raise SnapshotError(f"is not a whole snapshot: {error}") from None
    if not isinstance(data, dict) or "retina_doctor_snapshot" not in data:
        raise SnapshotError("is JSON, but no snapshot of retina-doctor (make one with `retina-doctor collect -o FILE`)")
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


def migrate(data: dict[str, Any], found: int) -> dict[str, Any]:
    """*data* of snapshot format *found* in today's shape. Format 1 is today's."""
    assert found == FORMAT
    return data
