"""RD1xx: does the service's model path lead to a face detector that can be read?"""

from __future__ import annotations

import functools
import posixpath
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from retina_doctor.authoring import Action, Answer, check
from retina_doctor.model import Inapplicable, Interpreter, Passed, Problem, Reason, Severity, Unknown

from ..combined.asides import asides
from ..facts.models import Model, ModelFile

MODEL_CONTENTS = ("onnx", "ort", "torch-zip", "torch-legacy", "pickle", "hdf5", "tensorrt", "tflite", "tar", "unknown")
"""What may be weights. *unknown* is left to the library that loads it; *tar* is a form of old torch checkpoints."""


@functools.cache
def packs() -> dict[str, Any]:
    """What is known of insightface's packs: packs.toml."""
    return tomllib.loads(Path(__file__).with_name("packs.toml").read_text(encoding="utf-8"))


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


def is_missing(model: Model) -> bool:
    return model.error is not None and model.error.kind == "missing"


@check("RD101", "model-missing", Severity.ERROR, pitfall=1, action=Action.EDIT)
def model_missing(model: Model) -> Answer:
    if model.path is None:
        return nothing_named(model)
    if is_missing(model) and not model.elsewhere and not model.similar:
        link = model.error.at if model.error and model.error.at != model.path else None
        folder, name = posixpath.split(model.path.rstrip("/"))
        evidence = {**named(model), "kind": model.kind, "link": link, "folder": folder or "/", "name": name}
        if model.kind != "pack":
            return Problem(subject=subject_of(model.path), evidence=evidence, variant="link" if link else "path")
        if model.named not in packs()["room"]:
            return Problem(subject=subject_of(model.path), evidence=evidence, variant="other-pack")
        download = packs()["download"]
        into = folder if name in download["with_folder"] else model.path
        fetched = {"url": f"{download['url']}{name}.zip", "into": into}
        return Problem(subject=subject_of(model.path), evidence={**evidence, **fetched}, variant="pack")
    if model.exists:
        return Passed(Reason("model-at", {"path": model.path}))
    return None if is_missing(model) else Unknown(missing=("models",))


@check("RD102", "model-wrong-directory", Severity.ERROR, pitfall=1, action=Action.EDIT)
def model_wrong_directory(model: Model) -> Answer:
    if model.path is None:
        return nothing_named(model)
    if not (is_missing(model) and model.elsewhere):
        return None if model.exists or is_missing(model) else Unknown(missing=("models",))
    found = model.elsewhere[0]
    evidence = {
        **named(model),
        "found": found,
        "all_found": list(model.elsewhere),
        "parent": posixpath.dirname(model.path),
    }
    return Problem(subject=subject_of(model.path), evidence=evidence, variant=_how_named(model))


def _how_named(model: Model) -> str:
    if (model.named or "").startswith("~"):
        return "tilde"
    is_relative = model.kind == "path" and model.working_directory and not posixpath.isabs(model.named or "/")
    return "relative" if is_relative else "other"


@check("RD103", "model-name-typo", Severity.ERROR, pitfall=1, action=Action.EDIT)
def model_name_typo(model: Model) -> Answer:
    if model.path is None:
        return nothing_named(model)
    if not (is_missing(model) and model.similar and not model.elsewhere):
        return None if model.exists or is_missing(model) else Unknown(missing=("models",))
    folder, name = posixpath.split(model.path)
    right = posixpath.join(folder, model.similar[0])
    evidence = {**named(model), "folder": folder, "name": name, "similar": list(model.similar), "right": right}
    return Problem(subject=subject_of(model.path), evidence={**evidence, "kind": model.kind})


@check("RD104", "model-nested-directory", Severity.ERROR, pitfall=1, action=Action.EDIT)
def model_nested_directory(model: Model) -> Answer:
    """NAME/NAME/*.onnx: insightface does not look into subfolders."""
    if model.path is None or not model.exists:
        return nothing_to_read(model)
    if not model.is_folder or model.files:
        return None
    name = posixpath.basename(model.path.rstrip("/"))
    nested = next((s for s in model.subfolders if s.name == name and s.models), None)
    if nested is None:
        holding = [s for s in model.subfolders if s.models]
        nested = holding[0] if len(holding) == 1 and len(model.subfolders) == 1 else None
    if nested is None:
        return None
    inner = posixpath.join(model.path, nested.name)
    return Problem(
        subject=subject_of(model.path), evidence={**named(model), "inner": inner, "models": list(nested.models)}
    )


@check("RD105", "model-pack-incomplete", Severity.ERROR, pitfall=1, action=Action.EDIT)
def model_pack_incomplete(model: Model) -> Answer:
    if model.path is None or not model.exists:
        return nothing_to_read(model)
    if not model.is_folder or any(s.models for s in model.subfolders if not model.files):
        return None
    if any(file.is_detector or file.problem or file.error or is_foreign(file) for file in model.files):
        return None  # a detector is there, or damaged: that is another finding
    there = [posixpath.basename(file.path) for file in model.files]
    damaged = [subject_of(file.path) for file in model.files if file.content in DAMAGED]
    evidence = {**named(model), "models": there, "damaged": damaged}
    return Problem(subject=subject_of(model.path), evidence=evidence, variant="others" if there else "empty")


@check("RD106", "model-corrupt", Severity.ERROR, pitfall=1, action=Action.EDIT)
def model_corrupt(model: Model) -> Answer:
    return list(_corrupt(model)) or nothing_to_read(model)


def _corrupt(model: Model) -> Iterator[Problem]:
    for file in model.files:
        if file.problem is not None or file.content == "zeros":
            evidence = {
                "path": file.path,
                "size": file.size,
                "content": file.content,
                "damage": file.problem.kind if file.problem else "zeros",
                "there": file.problem.there if file.problem else None,
                "needed": file.problem.needed if file.problem else None,
            }
            told = ("cut-short", "no-directory", "no-storages", "no-graph", "zeros")
            variant = evidence["damage"] if evidence["damage"] in told else "broken"
            yield Problem(subject=subject_of(file.path), evidence=evidence, variant=str(variant))


@check("RD107", "model-empty", Severity.ERROR, pitfall=1, action=Action.EDIT)
def model_empty(model: Model) -> Answer:
    return [
        Problem(subject=subject_of(file.path), evidence={"path": file.path})
        for file in model.files
        if file.content == "empty"
    ] or nothing_to_read(model)


@check("RD108", "model-lfs-pointer", Severity.ERROR, pitfall=1, action=Action.EDIT)
def model_lfs_pointer(model: Model) -> Answer:
    return [
        Problem(
            subject=subject_of(file.path),
            evidence={"path": file.path, "size": file.size, "folder": posixpath.dirname(file.path)},
        )
        for file in model.files
        if file.content == "lfs-pointer"
    ] or nothing_to_read(model)


ARCHIVES = ("zip", "gzip", "7z", "rar", "bzip2", "xz")
DAMAGED = ("empty", "lfs-pointer", "zeros")
"""What stands in a model's place: it may be the very detector."""


def is_foreign(file: ModelFile) -> bool:
    """Content that no library takes for weights, under a model's name."""
    return file.error is None and file.content not in (*MODEL_CONTENTS, *DAMAGED)


@check("RD109", "model-not-a-model", Severity.ERROR, pitfall=1, action=Action.EDIT)
def model_not_a_model(model: Model) -> Answer:
    return [
        Problem(
            subject=subject_of(file.path),
            evidence={
                "path": file.path,
                "size": file.size,
                "content": file.content,
                "archive": file.content in ARCHIVES,
            },
            variant="zip" if file.content == "zip" else "archive" if file.content in ARCHIVES else "other",
        )
        for file in model.files
        if is_foreign(file)
    ] or nothing_to_read(model)


@check("RD110", "model-unreadable", Severity.ERROR, pitfall=1, action=Action.EDIT)
def model_unreadable(model: Model, interpreter: Interpreter | None) -> Answer:
    if model.path is None:
        return nothing_named(model)
    user = interpreter.user or interpreter.uid if interpreter is not None else None
    by = ("checked-as-service",) if user is None else ("checked-as-user", {"user": user})
    obstacles = [(model.path, model.error)] + [(file.path, file.error) for file in model.files]
    return [
        Problem(
            subject=subject_of(path),
            evidence={"path": path, "at": error.at, "words": error.words, "more": asides(Reason(*by))},
            variant="file" if error.at == path else "folder",
        )
        for path, error in obstacles
        if error is not None and error.kind != "missing"
    ]
