"""What findings on the service's model show, and why it cannot be judged."""

from __future__ import annotations

import functools
import posixpath
from pathlib import Path
from typing import Any

import tomli

from retina_doctor.model import Inapplicable, Problem, Reason, Unknown

from ..facts.models import Model, ModelFile


@functools.cache
def packs() -> dict[str, Any]:
    """What is known of insightface's packs: packs.toml."""
    return tomli.loads(Path(__file__).with_name("packs.toml").read_text(encoding="utf-8"))


def nothing_named(model: Model) -> Inapplicable | None:
    if model.path is not None:
        return None
    return Inapplicable(Reason("no-model-named", {"searched": ", ".join(place.path for place in model.searched)}))


def nothing_to_read(model: Model) -> Inapplicable | Unknown | None:
    """Why the bytes of no file can be judged: none named, none there, or none that may be read."""
    if model.path is None:
        return nothing_named(model)
    if is_missing(model):
        return Inapplicable(Reason("model-not-there"))
    if model.error is not None or any(file.error for file in model.files):
        return Unknown(missing=("models",))
    return None


def subject_of(path: str) -> str:
    return f"model:{posixpath.basename(path) or path}"


def named(model: Model) -> dict[str, object]:
    """Evidence that every finding on a path shows: what was named, by whom, and where it led."""
    return {
        "named": model.named,
        "named_by": model.named_by,
        "path": model.path,
        "working_directory": model.working_directory,
    }


def renamed(model: Model, right: str) -> dict[str, object]:
    """Evidence where a page gives the service another path: *tell*, words that tell the doctor the same, where it was told the
    wrong one; *again_with* for its flag, which goes before them."""
    if model.named_by != "settings":
        return {"tell": [], "again_with": None}
    tell = ["export", f"RETINA_DOCTOR_MODEL_PATH={right}"]
    return {"tell": tell, "again_with": [["--model", model.named], ["--model", right]]}


def is_missing(model: Model) -> bool:
    return model.error is not None and model.error.kind == "missing"


def broken_link(model: Model) -> str | None:
    """Where the model's path leads as a link, and nothing is; None: it is no link."""
    return model.error.at if model.error is not None and model.error.at != model.path else None


def fetching(folder: str) -> dict[str, object] | None:
    """For a page's commands: from where the pack that a folder is named for is fetched, and where it is unpacked. None: it is
    named for none."""
    above, name = posixpath.split(folder.rstrip("/"))
    if name not in packs()["room"]:
        return None
    download = packs()["download"]
    return {"url": f"{download['url']}{name}.zip", "into": above if name in download["with_folder"] else folder}


def fetched_with_pack(file: ModelFile) -> dict[str, object] | None:
    """As `fetching`, where a download of the pack that its folder is named for brings the file: the pack's *folder*, too."""
    folder, name = posixpath.split(file.path)
    if name not in packs()["files"].get(posixpath.basename(folder), ()):
        return None
    fetched = fetching(folder)
    return None if fetched is None else {**fetched, "folder": folder}


def in_place_of_model(file: ModelFile, evidence: dict[str, object]) -> Problem:
    """What is there instead of the weights, which come with their pack or from wherever they were."""
    fetched = fetched_with_pack(file)
    variant = "alone" if fetched is None else "pack"
    return Problem(
        subject=subject_of(file.path), evidence={"path": file.path, **evidence, **(fetched or {})}, variant=variant
    )
