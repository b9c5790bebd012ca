"""Looks at the model: where it resolves, what stands there, what its bytes are. Nothing is loaded or unpickled."""

from __future__ import annotations

import difflib
import os
import stat
from typing import Any

from retina_doctor_checks.probes.models import locate, onnx_walk

HEAD = 512
MOST_FILES = 200
MOST_VISITED = 5000
CHECKPOINTS = ("torch-zip", "torch-legacy", "pickle")


def look(probe: Any, arguments: dict[str, Any]) -> None:
    named, searched = locate.find(arguments)
    probe.tell(searched=searched, working_directory=current(), variable=os.environ.get(locate.VARIABLE))
    if named is None:
        probe.tell(named=None, named_by=None, kind=None, path=None, exists=False, is_folder=False, error=None)
        probe.tell(files=[], subfolders=[], similar=[], elsewhere=[])
        return
    path = named["path"]
    error = reachable(path)
    probe.tell(exists=error is None, error=error, is_folder=os.path.isdir(path), **named)
    probe.stage("reading " + path)
    if os.path.isdir(path):
        files = [examine(one) for one in locate.model_files(path)[:MOST_FILES]]
        probe.tell(subfolders=subfolders(path))
    else:
        files = [examine(path)] if error is None else []
        probe.tell(subfolders=[])
    if arguments.get("sha256"):
        probe.tell(files=files)  # hashing takes its time, and these are not to be lost with it
        for one in files:
            probe.stage("hashing " + one["path"])
            one["sha256"] = sha256(one["path"]) if one["size"] is not None else None
    probe.tell(files=files)
    missing = error is not None and error["kind"] == "missing"
    probe.tell(cache=cache(named, arguments) if missing and named["kind"] == "pack" else None)
    probe.tell(
        similar=similar(path, named["kind"]) if missing else [], elsewhere=elsewhere(path, arguments) if missing else []
    )


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


def cache(named: dict[str, Any], arguments: dict[str, Any]) -> dict[str, Any]:
    """Whether insightface could download the pack: into its root, as ROOT/models/NAME.zip, which it unpacks."""
    root = locate.pack_root(arguments.get("root"))
    at = root
    while not os.path.isdir(at) and os.path.dirname(at) != at:
        at = os.path.dirname(at)
    left = os.path.join(root, os.path.basename(named["path"]) + ".zip")
    whole = None
    if os.path.isfile(left):
        import zipfile

        whole = zipfile.is_zipfile(left)
    return {
        "root": root,
        "at": at,
        "writable": os.access(at, os.W_OK | os.X_OK),
        "zip": left if whole is not None else None,
        "zip_whole": whole,
        "free": free(at),
    }


def free(folder: str) -> int | None:
    try:
        told = os.statvfs(folder)
    except (OSError, AttributeError):
        return None
    return told.f_bavail * told.f_frsize


def current() -> str:
    try:
        return os.getcwd()
    except OSError:
        return ""


def reachable(path: str) -> dict[str, Any] | None:
    """None, or why the path cannot be used: {"kind": "missing"|"forbidden"|"other", "at": path, "words": str}."""
    try:
        os.stat(path)
        if os.path.isdir(path):
            os.listdir(path)
        return None
    except FileNotFoundError as error:
        dangling = os.path.islink(path)
        return {"kind": "missing", "at": os.readlink(path) if dangling else path, "words": error.strerror}
    except PermissionError as error:
        return {"kind": "forbidden", "at": blocked_at(path), "words": error.strerror}
    except OSError as error:
        return {"kind": "other", "at": path, "words": str(error.strerror)}


def blocked_at(path: str) -> str:
    """The first part of the path that this user may not pass."""
    part = path
    while os.path.dirname(part) != part and not os.access(os.path.dirname(part), os.X_OK):
        part = os.path.dirname(part)
    return part


def subfolders(path: str) -> list[Any]:
    """[{"name", "models": file names}] of the folders directly below."""
    found = []
    for name in locate.entries(path)[:MOST_FILES]:
        inner = os.path.join(path, name)
        if os.path.isdir(inner):
            found.append({"name": name, "models": [os.path.basename(p) for p in locate.model_files(inner)[:20]]})
    return found


def similar(path: str, kind: str) -> list[Any]:
    """Names in the same folder that are nearly this one, best first. Of another known ending is another kind of model."""
    folder, name = os.path.split(path)
    there = [one for one in locate.entries(folder) if one != name]
    if kind == "pack":
        there = [one for one in there if os.path.isdir(os.path.join(folder, one))]
    elif ending(name):
        there = [one for one in there if ending(one) == ending(name)]
    names = {one.lower(): one for one in there}
    return [names[one] for one in difflib.get_close_matches(name.lower(), list(names), 3, 0.75)]


def ending(name: str) -> str:
    """The model's ending that a name has, or nothing."""
    return next((one for one in locate.ENDINGS if name.lower().endswith(one)), "")


def holds_models(folder: str) -> bool:
    return bool(locate.model_files(folder)) or any(inner["models"] for inner in subfolders(folder))


def elsewhere(path: str, arguments: dict[str, Any]) -> list[Any]:
    """Paths of exactly this name in the places where models usually lie: files, and folders with models. Bounded."""
    name = os.path.basename(path)
    places = [current(), locate.IMAGE_FOLDER, "/models", "/workspace", locate.pack_root(arguments.get("root"))]
    places += [os.path.dirname(os.path.dirname(path)), os.path.expanduser("~/models"), "/app", "/opt/models"]
    found, seen, visited = [], set(), 0
    for place in places:
        if not place or place == os.sep:
            continue
        for folder, folders, files in os.walk(place):
            visited += 1 + len(files)
            depth = os.path.relpath(folder, place).count(os.sep)
            folders[:] = [
                f for f in folders if depth < 3 and not f.startswith(".") and f not in ("node_modules", "site-packages")
            ]
            real = os.path.realpath(os.path.join(folder, name))
            there = name in files or (name in folders and holds_models(os.path.join(folder, name)))
            if there and real not in seen and os.path.join(folder, name) != path:
                seen.add(real)
                found.append(os.path.join(folder, name))
            if visited > MOST_VISITED:
                return found[:5]
    return found[:5]


def examine(path: str) -> dict[str, Any]:
    """What a file is, by its bytes: {"path", "size", "content", "problem", "error", "onnx"}."""
    facts: dict[str, Any] = {
        "path": path,
        "size": None,
        "content": "unknown",
        "problem": None,
        "error": None,
        "onnx": None,
        "checkpoint": None,
    }
    try:
        status = os.stat(path)
        if not stat.S_ISREG(status.st_mode):
            facts["error"] = {"kind": "other", "at": path, "words": "not a regular file"}
            return facts
        facts["size"] = status.st_size
        with open(path, "rb") as file:
            head = file.read(HEAD)
    except PermissionError as error:
        facts["error"] = {"kind": "forbidden", "at": path, "words": error.strerror}
        return facts
    except OSError as error:
        facts["error"] = {
            "kind": "missing" if isinstance(error, FileNotFoundError) else "other",
            "at": path,
            "words": str(error.strerror),
        }
        return facts
    facts["content"] = content(path, head)
    # A pickle of protocol 0 has no mark of its own.
    perhaps = facts["content"] in ("unknown", "text") and path.lower().endswith((".pth", ".pt", ".pkl"))
    if facts["content"] in CHECKPOINTS or perhaps:
        from retina_doctor_checks.probes.models import pickles  # only here: an ONNX file need not wait for it

        facts["checkpoint"] = pickles.checkpoint(path, facts["content"])
        if perhaps and facts["checkpoint"] is not None:
            facts["content"] = "pickle"
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
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    lower = text[:64].lower()
    if not head:
        return "empty"
    if text.startswith((b"version https://git-lfs", b"version https://hawser")):
        return "lfs-pointer"
    if lower.startswith((b"<!doctype html", b"<html", b"<head", b"<body")):
        return "html"
    if lower.startswith((b"<?xml", b"<error")):
        return "xml"
    if text[:1] in (b"{", b"[") and printable(head):
        return "json"
    if head.startswith(b"PK\x03\x04"):
        return zip_content(path, head)
    if b"\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19" in head[:32]:
        return "torch-legacy"
    if head[:1] == b"\x80" and head[1:2] in (b"\x01", b"\x02", b"\x03", b"\x04", b"\x05"):
        return "pickle"
    for mark, kind in (
        (b"\x1f\x8b", "gzip"), (b"7z\xbc\xaf\x27\x1c", "7z"), (b"Rar!", "rar"), (b"BZh", "bzip2"), (b"\xfd7zXZ", "xz"),
        (b"\x89HDF\r\n\x1a\n", "hdf5"), (b"\x89PNG", "picture"), (b"\xff\xd8\xff", "picture"), (b"%PDF", "pdf"),
        (b"\x7fELF", "program"), (b"ftrt", "tensorrt"),
    ):  # fmt: skip
        if head.startswith(mark):
            return kind
    if head[4:8] == b"ORTM":
        return "ort"
    if head[4:8] == b"TFL3":
        return "tflite"
    if head[257:262] == b"ustar":
        return "tar"
    if not head.strip(b"\0"):
        return "zeros"
    if path.lower().endswith(".onnx") or (
        head[:1] == b"\x08" and head[1:2] < b"\x20" and head[2:3] in (b"\x12", b"\x3a")
    ):
        return "text" if printable(head) else "onnx"
    return "text" if printable(head) else "unknown"


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


def legacy_ends(path: str) -> bool:
    """A legacy checkpoint's pickles are followed by its storages: the bare magic pickle alone is cut short."""
    return os.path.getsize(path) > HEAD
