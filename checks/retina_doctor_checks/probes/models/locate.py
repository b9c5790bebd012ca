"""Resolves a model as the service would. Sent to targets: Python 3.8, standard library alone.

Sources: insightface 0.7.3 and 2.1, app/face_analysis.py and utils/storage.py (ROOT/models/NAME/*.onnx, root default
~/.insightface); the variable RETINAFACE_MODEL_PATH and /models/retinaface are the layout of a widely used cloud image.
"""

from __future__ import annotations

import os
from typing import Any

VARIABLE = "RETINAFACE_MODEL_PATH"
IMAGE_FOLDER = "/models/retinaface"
ENDINGS = (".onnx", ".pth", ".pt", ".tar", ".pkl", ".h5", ".ort", ".engine", ".trt", ".bin", ".params")


def pack_root(root: str | None) -> str:
    """The folder below which insightface keeps packs by name."""
    return os.path.join(os.path.abspath(os.path.expanduser(root or "~/.insightface")), "models")


def named_model(arguments: dict[str, Any]) -> dict[str, Any] | None:
    """{"named", "named_by", "kind": "path"|"pack", "path": absolute} of what the operator meant; None: nothing named.

    A name without a separator and without a model's ending is a pack, unless such a file or folder is there.
    """
    named, by = arguments.get("path"), "settings"
    if not named:
        named, by = os.environ.get(VARIABLE), VARIABLE
    if not named:
        return None
    # A shell has expanded what it was given; what a variable holds, nobody expands before the service opens it.
    path = os.path.abspath(named if by == VARIABLE else os.path.expanduser(named))
    plain = os.sep not in named and not named.startswith("~") and not named.lower().endswith(ENDINGS)
    if plain and not os.path.exists(path):
        return {
            "named": named,
            "named_by": by,
            "kind": "pack",
            "path": os.path.join(pack_root(arguments.get("root")), named),
        }
    return {"named": named, "named_by": by, "kind": "path", "path": path}


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
    """Absolute paths of the files in *folder* that have a model's ending."""
    paths = [os.path.join(folder, name) for name in entries(folder) if name.lower().endswith(ENDINGS)]
    return [path for path in paths if not os.path.isdir(path)]


def detector_file(path: str) -> str | None:
    """The detector's file: *path* itself, or in a folder the first with a detector's outputs, as insightface takes it."""
    if not os.path.isdir(path):
        return path
    from retina_doctor_checks.probes.models import onnx_walk

    for one in model_files(path):
        if not one.lower().endswith(".onnx") or not os.path.isfile(one):  # a FIFO would keep us waiting
            continue
        try:
            outputs = len(onnx_walk.skeleton(one)["outputs"])
        except (onnx_walk.Damaged, OSError):
            continue
        if outputs >= 5 or outputs == 3:
            return str(one)
    return None
