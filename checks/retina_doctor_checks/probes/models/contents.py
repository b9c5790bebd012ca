"""What a model file is, by its bytes. Nothing is loaded or unpickled."""

from __future__ import annotations

import itertools
import os
import stat

from retina_doctor.hints import Any
from retina_doctor_checks.probes.models import locate, onnx_walk

HEAD = 512
ARCHIVES = ("zip", "tar")
MOST_MEMBERS, MOST_INSIDE = 1000, 10
CHECKPOINTS = ("torch-zip", "torch-legacy", "pickle")
MARKS = (
    (0, b"\x1f\x8b", "gzip"),
    (0, b"7z\xbc\xaf\x27\x1c", "7z"),
    (0, b"Rar!", "rar"),
    (0, b"BZh", "bzip2"),
    (0, b"\xfd7zXZ", "xz"),
    (0, b"\x89HDF\r\n\x1a\n", "hdf5"),
    (0, b"\x89PNG", "picture"),
    (0, b"\xff\xd8\xff", "picture"),
    (0, b"%PDF", "pdf"),
    (0, b"\x7fELF", "program"),
    (0, b"ftrt", "tensorrt"),
    (4, b"ORTM", "ort"),
    (4, b"TFL3", "tflite"),
    (6, b'\0\0{"', "safetensors"),  # after the length of what follows, in eight bytes
    (257, b"ustar", "tar"),
)
"""(offset, bytes, kind of content)"""


def leading(path: str) -> dict[str, Any]:
    """{"leads_to": where links lead, as far as this user may follow them; None: nowhere else, "like_a_model": by its name}."""
    there = os.path.realpath(path)
    told = None if there == os.path.abspath(path) else there
    return {"leads_to": told, "like_a_model": path.lower().endswith(locate.ENDINGS)}


def examine(path: str) -> dict[str, Any]:
    """What a file is, by its bytes: {"path", "size", "content", "problem", "error", "onnx"}."""
    facts: dict[str, Any] = dict.fromkeys(("path", "size", "content", "problem", "error", "onnx", "checkpoint"))
    facts.update(path=path, content="unknown", inside=[])
    try:
        status = os.stat(path)
        if not stat.S_ISREG(status.st_mode):
            facts["error"] = dict(leading(path), kind="other", at=path, words="not a regular file")
            return facts
        facts["size"] = status.st_size
        with open(path, "rb") as file:
            head = file.read(HEAD)
    except OSError as error:
        kinds = ((PermissionError, "forbidden"), (FileNotFoundError, "missing"), (OSError, "other"))
        kind = next(kind for sort, kind in kinds if isinstance(error, sort))
        facts["error"] = dict(leading(path), kind=kind, at=path, words=str(error.strerror))
        return facts
    facts["content"] = content(path, head)
    # A pickle of protocol 0 has no mark of its own.
    perhaps = facts["content"] in ("unknown", "text") and path.lower().endswith((".pth", ".pt", ".pkl"))
    if facts["content"] in CHECKPOINTS or perhaps:
        from retina_doctor_checks.probes.models import pickles  # only here: an ONNX file need not wait for it

        facts["checkpoint"] = pickles.checkpoint(path, facts["content"])
        if perhaps and facts["checkpoint"] is not None:
            facts["content"] = "pickle"
    if facts["content"] in ARCHIVES:
        facts["inside"] = models_inside(path, facts["content"])
    if facts["content"] == "onnx":
        try:
            facts["onnx"] = onnx_walk.skeleton(path)
        except onnx_walk.Damaged as damage:
            facts["problem"] = problem(damage.kind, damage.there, damage.needed)
    elif facts["content"] == "torch-zip":
        facts["problem"] = zip_problem(path)
    elif facts["content"] == "torch-legacy" and not legacy_ends(path):
        facts["problem"] = problem("no-storages", facts["size"])
    return facts


def problem(kind: str, there: int | None = None, needed: int | None = None) -> dict[str, Any]:
    return {"kind": kind, "there": there, "needed": needed}


def content(path: str, head: bytes) -> str:
    """The kind of content, told by its first bytes (and, for zip files, by their directory)."""
    if not head:
        return "empty"
    written = text_content(head)
    if written:
        return written
    if head.startswith(b"PK\x03\x04"):
        return zip_content(path, head)
    if b"\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19" in head[:32]:
        return "torch-legacy"
    if head[:1] == b"\x80" and head[1:2] in (b"\x01", b"\x02", b"\x03", b"\x04", b"\x05"):
        return "pickle"
    marked = next((kind for at, mark, kind in MARKS if head.startswith(mark, at)), None)
    if marked:
        return marked
    if not head.strip(b"\0"):
        return "zeros"
    if path.lower().endswith(".onnx") or (
        head[:1] == b"\x08" and head[1:2] < b"\x20" and head[2:3] in (b"\x12", b"\x3a")
    ):
        return "text" if printable(head) else "onnx"
    return "text" if printable(head) else "unknown"


def text_content(head: bytes) -> str | None:
    """What was saved in a model's place, most often: a pointer, or a page that says why there is no download."""
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    lower = text[:64].lower()
    if text.startswith((b"version https://git-lfs", b"version https://hawser")):
        return "lfs-pointer"
    if lower.startswith((b"<!doctype html", b"<html", b"<head", b"<body")):
        return "html"
    if lower.startswith((b"<?xml", b"<error")):
        return "xml"
    return "json" if text[:1] in (b"{", b"[") and printable(head) else None


def printable(head: bytes) -> bool:
    try:
        return all(c.isprintable() or c in "\r\n\t" for c in head.decode("utf-8"))
    except UnicodeDecodeError as error:
        return error.start > len(head) - 4 and all(b >= 32 or b in b"\r\n\t" for b in head[: error.start])


def zip_content(path: str, head: bytes) -> str:
    """A torch checkpoint is a zip with NAME/data.pkl in it; any other zip is an archive."""
    import zipfile  # only here: most models are no zip, and a quick check has half a second

    try:
        with zipfile.ZipFile(path) as archive:
            return "torch-zip" if any(n.split("/")[-1] == "data.pkl" for n in archive.namelist()) else "zip"
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return "torch-zip" if b"data.pkl" in head or path.lower().endswith((".pth", ".pt")) else "zip"


def zip_problem(path: str) -> dict[str, Any] | None:
    """None, or how a checkpoint's zip is damaged. Reads its directory only, not the weights."""
    import zipfile

    try:
        size = os.path.getsize(path)
        with zipfile.ZipFile(path) as archive:
            for entry in archive.infolist():
                if entry.header_offset + entry.compress_size > size:
                    return problem("cut-short", size, entry.header_offset + entry.compress_size)
        return None
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return problem("no-directory", os.path.getsize(path))


def models_inside(path: str, kind: str) -> list[Any]:
    """Names of members that have a model's ending and, unpacked, stay in the folder they are unpacked into."""
    import tarfile
    import zipfile

    try:
        if kind == "zip":
            with zipfile.ZipFile(path) as archive:
                members = archive.namelist()[:MOST_MEMBERS]
        else:
            with tarfile.open(path, "r:") as tape:
                members = [one.name for one in itertools.islice(tape, MOST_MEMBERS) if one.isreg()]
    except (zipfile.BadZipFile, tarfile.TarError, OSError, ValueError, NotImplementedError):
        return []
    return [
        one
        for one in members
        if one.lower().endswith(locate.ENDINGS) and not one.startswith("/") and ".." not in one.split("/")
    ][:MOST_INSIDE]


def legacy_ends(path: str) -> bool:
    """A legacy checkpoint's pickles are followed by its storages: the bare magic pickle alone is cut short."""
    return os.path.getsize(path) > HEAD


def sha256(path: str) -> str | None:
    """In hexadecimal; None where the file cannot be read."""
    import hashlib

    whole = hashlib.sha256()
    try:
        with open(path, "rb") as file:
            for block in iter(lambda: file.read(1 << 20), b""):
                whole.update(block)
    except OSError:
        return None
    return whole.hexdigest()
