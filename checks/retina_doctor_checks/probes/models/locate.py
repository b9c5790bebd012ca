"""Resolves a model as the service would. Sent to targets: Python 3.8, standard library alone.

Sources: insightface 0.7.3 and 2.1, app/face_analysis.py and utils/storage.py (ROOT/models/NAME/*.onnx, root default
~/.insightface); the variable RETINAFACE_MODEL_PATH and /models/retinaface are the layout of a widely used cloud image.
"""

from __future__ import annotations

import os

from retina_doctor import owners
from retina_doctor.hints import Any

VARIABLE = "RETINAFACE_MODEL_PATH"
IMAGE_FOLDER = "/models/retinaface"
ENDINGS = (".onnx", ".pth", ".pt", ".tar", ".pkl", ".h5", ".ort", ".engine", ".trt", ".bin", ".params")


def pack_root(root: str | None) -> str:
    """The folder below which insightface keeps packs by name."""
    return os.path.join(os.path.abspath(os.path.expanduser(root or "~/.insightface")), "models")


def named_model(arguments: dict[str, Any]) -> dict[str, Any] | None:
    """{"named", "named_by", "kind": "path"|"pack"|"url", "path": absolute} of what the operator meant; None: nothing named.

    A name without a separator and without a model's ending is a pack, unless such a file or folder is there. An address
    leads to no place here: its path is itself.
    """
    named, by = arguments.get("path"), "settings"
    if not named:
        named, by = os.environ.get(VARIABLE), VARIABLE
    if not named:
        return None
    # A shell has expanded what it was given; what a variable holds, nobody expands before the service opens it.
    path = os.path.abspath(named if by == VARIABLE else os.path.expanduser(named))
    if is_address(named) and not os.path.exists(path):
        return {"named": named, "named_by": by, "kind": "url", "path": named}
    plain = os.sep not in named and not named.startswith("~") and not named.lower().endswith(ENDINGS)
    if plain and not os.path.exists(path):
        return {
            "named": named,
            "named_by": by,
            "kind": "pack",
            "path": os.path.join(pack_root(arguments.get("root")), named),
        }
    return {"named": named, "named_by": by, "kind": "path", "path": path}


def is_address(named: str) -> bool:
    """``https://…``, ``s3://…``, ``file:/…``: a scheme of RFC 3986 of two letters or more (one is a drive of Windows)."""
    scheme, colon, rest = named.partition(":")
    plain = scheme.replace("+", "").replace("-", "").replace(".", "")
    return bool(colon) and len(plain) > 1 and plain.isascii() and plain.isalnum() and rest.startswith("/")


def name_of(path: str) -> str:
    """The last step: of an address without what follows its path."""
    return os.path.basename(path.partition("?")[0].partition("#")[0] if is_address(path) else path)


def usual_models(arguments: dict[str, Any]) -> list[Any]:
    """Absolute paths where a model lies when nobody names one, the first that holds any wins."""
    root = pack_root(arguments.get("root"))
    packs = sorted(os.path.join(root, name) for name in entries(root) if os.path.isdir(os.path.join(root, name)))
    return [IMAGE_FOLDER, *packs]


def find(arguments: dict[str, Any]) -> tuple[Any, ...]:
    """(named model or None, [{"path", "exists", "models"}] that were searched because nothing was named)."""
    named = named_model(arguments)
    searched: list[dict[str, Any]] = []
    if named is None:
        root = pack_root(arguments.get("root"))
        for place in usual_models(arguments):
            files = model_files(place)
            searched.append({"path": place, "exists": os.path.exists(place), "models": len(files)})
            if files and named is None:
                named = {"named": place, "named_by": "found", "kind": "path", "path": place}
        if not any(one["path"].startswith(root) for one in searched):
            searched.append({"path": root, "exists": os.path.isdir(root), "models": 0})
    return named, searched


def entries(folder: str) -> list[Any]:
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []


def model_files(folder: str) -> list[Any]:
    """Absolute paths of the files in *folder* that have a model's ending. A hidden one, such as a Mac's ``._det_10g.onnx``, is
    none: no pattern ``*.onnx`` takes it."""
    names = [name for name in entries(folder) if name.lower().endswith(ENDINGS) and not name.startswith(".")]
    paths = [os.path.join(folder, name) for name in names]
    return [path for path in paths if not os.path.isdir(path)]


LEAST_OUTPUTS = 5
"""Of a detector to insightface (model_zoo.py)."""
MOST_READ, MOST_NEAR = 60, 5


def is_trusted(path: str) -> bool:
    """Whether nobody but root and this user can have put the file (or folder) there: it, and each folder and link that is passed
    on the way to it, belongs to one of them, and in no folder may others write (in a sticky one they cannot replace it)."""
    mine = (0, os.geteuid())
    try:
        if os.stat(path).st_mode & 0o022:
            return False
        for here in owners.passed(path):
            status = os.lstat(here)
            if status.st_uid not in mine or owners.others_write(status):
                return False
    except OSError:
        return False
    return True


def detectors_near(path: str, arguments: dict[str, Any]) -> list[Any]:
    """Paths of whole detectors: beside a file, or in the folders beside a folder; then in the packs on this machine. Only those
    that root or this user put there: what is found is proposed to be linked to by root."""
    beside = os.path.dirname(path)
    root = pack_root(arguments.get("root"))
    above = [root] if not os.path.isdir(path) or beside == os.sep else [beside, root]
    folders = [] if os.path.isdir(path) else [beside]
    folders += [os.path.join(one, name) for one in dict.fromkeys(above) for name in entries(one)[:20]]
    found: list[Any] = []
    files = [one for folder in dict.fromkeys(folders) if folder != path for one in model_files(folder)]
    for one in files[:MOST_READ]:
        if one != path and outputs_of(one) >= LEAST_OUTPUTS and os.access(one, os.R_OK) and is_trusted(one):
            found.append(one)
    return found[:MOST_NEAR]


def detector_file(path: str) -> str | None:
    """The detector's file: *path* itself, or in a folder the first with a detector's outputs, as insightface takes it."""
    if not os.path.isdir(path):
        return path
    for one in model_files(path):
        outputs = outputs_of(one)
        if outputs >= LEAST_OUTPUTS or outputs == 3:
            return str(one)
    return None


def outputs_of(file: str) -> int:
    """How many outputs a model has; 0 of what is no whole ONNX file."""
    from retina_doctor_checks.probes.models import onnx_walk

    if not file.lower().endswith(".onnx") or not os.path.isfile(file):  # a FIFO would keep us waiting
        return 0
    try:
        return len(onnx_walk.skeleton(file)["outputs"])
    except (onnx_walk.Damaged, OSError):
        return 0
