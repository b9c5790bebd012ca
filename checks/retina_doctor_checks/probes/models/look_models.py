"""Looks at the model: where it resolves, what stands there, what its bytes are. Nothing is loaded or unpickled."""

from __future__ import annotations

import os

from retina_doctor.hints import Any
from retina_doctor_checks.probes.models import contents, locate

MOST_FILES = 200
MOST_VISITED = 5000


ROUTE_UP = 1
"""RTF_UP of linux/route.h."""


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
        files = [contents.examine(one) for one in locate.model_files(path)[:MOST_FILES]]
        probe.tell(subfolders=subfolders(path))
    else:
        files = [contents.examine(path)] if error is None else []
        probe.tell(subfolders=[])
    if arguments.get("sha256"):
        probe.tell(files=files)  # hashing takes its time, and these are not to be lost with it
        for one in files:
            probe.stage("hashing " + one["path"])
            one["sha256"] = contents.sha256(one["path"]) if one["size"] is not None else None
    probe.tell(files=files)
    lacking = error is None and lacks_detector(path, files)
    probe.tell(nearby=locate.detectors_near(path, arguments) if lacking else [])
    missing = error is not None and error["kind"] == "missing"
    probe.tell(cache=cache(named, arguments) if missing and named["kind"] == "pack" else None)
    probe.tell(
        similar=similar(path, named["kind"]) if missing else [], elsewhere=elsewhere(path, arguments) if missing else []
    )


def lacks_detector(path: str, files: list[Any]) -> bool:
    """Of a folder, whether insightface finds none in it; of a file, whether its graph is no RetinaFace's either."""
    outputs = [len(one["onnx"]["outputs"]) for one in files if one["onnx"] is not None and one["problem"] is None]
    if any(number >= locate.LEAST_OUTPUTS for number in outputs):
        return False
    return os.path.isdir(path) or (bool(outputs) and outputs != [3])


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
        "leads_to": contents.leading(root)["leads_to"],
        "zip": left if whole is not None else None,
        "zip_whole": whole,
        "free": free(at),
        **dict(zip(("no_way", "proxy"), no_way())),
    }


def no_way() -> tuple[str | None, str | None]:
    """Why a download cannot begin, as far as this machine alone tells: nothing is sent anywhere else."""
    names = ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")
    proxy = next((os.environ[name] for name in names if os.environ.get(name)), None)
    if proxy is None:
        return ("no-route" if has_route() is False else None), None
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(proxy if "://" in proxy else "http://" + proxy)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return None, None
    if port is None or not (host == "localhost" or host.startswith("127.")):
        return None, None
    import socket

    try:
        socket.create_connection((host, port), 0.5).close()
    except ConnectionRefusedError:
        return "no-proxy", "%s:%d" % (host, port)
    except OSError:
        pass
    return None, None


def has_route() -> bool | None:
    """Whether a default route leads out by another device than lo (proc(5); net/ipv6/route.c); None: not told."""
    try:
        with open("/proc/self/net/route") as file:
            four = [line.split() for line in file][1:]
    except OSError:
        return None
    try:
        with open("/proc/self/net/ipv6_route") as file:
            six = [line.split() for line in file]
    except OSError:
        six = []
    by_four = any(row[1] == "00000000" and int(row[3], 16) & ROUTE_UP for row in four if len(row) > 3)
    return by_four or any(row[0] == "0" * 32 and row[1] == "00" and row[-1] != "lo" for row in six if len(row) > 9)


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
        return dict(contents.leading(path), kind="forbidden", at=blocked_at(path), words=error.strerror)
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
    names: dict[str, list[str]] = {}
    for one in there:
        names.setdefault(stem(one), []).append(one)
    import difflib  # only here: a model that is there needs no suggestion

    near = difflib.get_close_matches(stem(name), list(names), 3, 0.75)
    return [one for each in near for one in names[each]][:3]


def stem(name: str) -> str:
    """Without the ending, by which all models are alike."""
    return name.lower()[: len(name) - len(ending(name))]


def ending(name: str) -> str:
    """The model's ending that a name has, or nothing."""
    return next((one for one in locate.ENDINGS if name.lower().endswith(one)), "")


def holds_models(folder: str) -> bool:
    return bool(locate.model_files(folder)) or any(inner["models"] for inner in subfolders(folder))


def elsewhere(path: str, arguments: dict[str, Any]) -> list[Any]:
    """Paths of exactly this name in the places where models usually lie: files, and folders with models. Bounded."""
    name = locate.name_of(path)
    places = [current(), locate.IMAGE_FOLDER, "/models", "/workspace", locate.pack_root(arguments.get("root"))]
    places += [os.path.dirname(os.path.dirname(path)), os.path.expanduser("~/models"), "/app", "/opt/models"]
    found, seen, visited = [], set(), 0
    if path.startswith("file:/"):
        local = "/" + path[len("file:") :].lstrip("/")
        if os.path.exists(local):
            found.append(local)
            seen.add(os.path.realpath(local))
    if "/~" in path:
        home = os.path.expanduser("~" + path.partition("/~")[2])
        if os.path.exists(home):
            found.append(home)
            seen.add(os.path.realpath(home))
    here = current()
    if here and path.startswith(here + os.sep):  # relative, and started one folder too deep
        above = os.path.join(os.path.dirname(here), os.path.relpath(path, here))
        if os.path.isfile(above) or (os.path.isdir(above) and holds_models(above)):
            found.append(above)
            seen.add(os.path.realpath(above))
    for place in places:
        if not place or place == os.sep or not name:
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
