"""RD1xx: does the service's model path lead to a face detector that can be read?"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from urllib.parse import urlsplit

from retina_doctor.authoring import Action, Answer, check
from retina_doctor.model import Interpreter, Passed, Problem, Reason, Severity, Unknown

from ..combined.asides import asides
from ..facts.models import Model, ModelFile, Obstacle
from .contents import DAMAGED, is_foreign
from .evidence import (
    broken_link,
    fetched_with_pack,
    fetching,
    in_place_of_model,
    is_missing,
    named,
    nothing_named,
    nothing_to_read,
    renamed,
    subject_of,
)

FILES_OF_A_MODEL = (".onnx", ".pth", ".pt", ".ort", ".engine", ".trt", ".pkl", ".h5")


def _name_of_address(address: str) -> str:
    """Without who logs in there, and what follows the path; nothing where that names no file."""
    try:
        name = posixpath.basename(urlsplit(address).path)
    except ValueError:  # "http://[::1/det.onnx"
        return ""
    return "" if name in (".", "..") else name


@check("RD101", "model-missing", Severity.ERROR, pitfall=1, action=Action.EDIT)
def model_missing(model: Model) -> Answer:
    if model.path is None:
        return nothing_named(model)
    if is_missing(model) and not model.elsewhere and not model.similar:
        if model.kind == "url":
            return _at_an_address(model)
        link = broken_link(model)
        folder, name = posixpath.split(model.path.rstrip("/"))
        evidence = {**named(model), "kind": model.kind, "link": link, "folder": folder or "/", "name": name}
        if model.kind != "pack" or link:
            return Problem(subject=subject_of(model.path), evidence=evidence, variant="link" if link else "path")
        fetched = fetching(model.path)
        if fetched is None:
            return Problem(subject=subject_of(model.path), evidence=evidence, variant="other-pack")
        return Problem(subject=subject_of(model.path), evidence={**evidence, **fetched}, variant="pack")
    if model.exists:
        return Passed(Reason("model-at", {"path": model.path}))
    return None if is_missing(model) else Unknown(missing=("models",))


def _at_an_address(model: Model) -> Problem:
    name = _name_of_address(model.path or "")
    evidence = {**named(model), "kind": model.kind, "name": name, "into": posixpath.join(model.working_directory, name)}
    fetched = name and urlsplit(model.path or "").scheme in ("http", "https")
    variant = "download" if fetched else "url"
    return Problem(subject=f"model:{name or 'url'}", evidence=evidence, variant=variant, at_most=_may_be_fetched(model))


def _may_be_fetched(model: Model) -> Severity | None:
    """What a variable holds the service may download by itself; who names a model to the doctor means what is opened."""
    return Severity.WARNING if model.kind == "url" and model.named_by != "settings" else None


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
        "link": broken_link(model),
        "parent": posixpath.dirname(model.path),
    }
    variant = _how_named(model)
    if variant == "url":
        evidence |= renamed(model, found)
    subject = f"model:{posixpath.basename(found)}" if model.kind == "url" else subject_of(model.path)
    return Problem(subject=subject, evidence=evidence, variant=variant, at_most=_may_be_fetched(model))


def _how_named(model: Model) -> str:
    if model.kind == "url":
        return "url"
    if (model.named or "").startswith("~"):
        return "tilde"
    if model.kind == "path" and broken_link(model) is not None:
        return "link"
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
    link = broken_link(model)
    evidence = {**named(model), "folder": folder, "name": name, "similar": list(model.similar), "right": right}
    evidence |= {"kind": model.kind, "link": link}
    return Problem(subject=subject_of(model.path), evidence=evidence, variant="link" if link else "name")


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


def is_folder_in_place_of_a_file(model: Model) -> bool:
    """What is called a file, and opened as one. A pack may have any name."""
    named_so = model.kind == "path" and posixpath.splitext(model.path or "")[1] in FILES_OF_A_MODEL
    return model.is_folder and named_so and not any(one.models for one in model.subfolders)


def is_passed_over(file: ModelFile) -> bool:
    """insightface looks for *.onnx (app/face_analysis.py), and Linux tells .ONNX from that."""
    name = posixpath.splitext(file.path)[1]
    return name.lower() == ".onnx" and name != ".onnx"


@check("RD105", "model-pack-incomplete", Severity.ERROR, pitfall=1, action=Action.EDIT)
def model_pack_incomplete(model: Model) -> Answer:
    if model.path is None or not model.exists:
        return nothing_to_read(model)
    if not model.is_folder or any(s.models for s in model.subfolders if not model.files):
        return None
    if is_folder_in_place_of_a_file(model):
        return None
    taken = [file for file in model.files if not is_passed_over(file)]
    if any(file.is_detector or file.problem or file.error or is_foreign(file) for file in taken):
        return None  # a detector is there, or damaged: that is another finding
    unseen = next((file.path for file in model.files if is_passed_over(file) and file.is_detector), None)
    if unseen is not None:
        right = posixpath.splitext(unseen)[0] + ".onnx"
        evidence = {
            **named(model),
            "models": [posixpath.basename(unseen)],
            "damaged": [],
            "unseen": unseen,
            "right": right,
        }
        return Problem(subject=subject_of(model.path), evidence=evidence, variant="upper-case")
    if len(taken) < len(model.files) and any(file.problem or file.error or is_foreign(file) for file in model.files):
        return None
    there = [posixpath.basename(file.path) for file in model.files]
    damaged = [subject_of(file.path) for file in model.files if file.content in DAMAGED]
    evidence = {**named(model), "models": there, "damaged": damaged}
    remedy = ""
    near = next((one for one in model.nearby if posixpath.basename(one) not in there), None)
    if near is not None:
        evidence |= {"near": near, "place": posixpath.join(model.path, posixpath.basename(near))}
        remedy = "-near"
    elif (fetched := fetching(model.path)) is not None:
        evidence |= fetched
        remedy = "-pack"
    return Problem(subject=subject_of(model.path), evidence=evidence, variant=("others" if there else "empty") + remedy)


@check("RD106", "model-corrupt", Severity.ERROR, pitfall=1, action=Action.EDIT)
def model_corrupt(model: Model) -> Answer:
    return list(_corrupt(model)) or nothing_to_read(model)


def _corrupt(model: Model) -> Iterator[Problem]:
    for file in model.files:
        if file.problem is not None or file.content == "zeros":
            evidence: dict[str, object] = {
                "path": file.path,
                "size": file.size,
                "content": file.content,
                "damage": file.problem.kind if file.problem else "zeros",
                "there": file.problem.there if file.problem else None,
                "needed": file.problem.needed if file.problem else None,
            }
            told = ("cut-short", "no-directory", "no-storages", "no-graph", "zeros")
            variant = str(evidence["damage"] if evidence["damage"] in told else "broken")
            fetched = fetched_with_pack(file)
            if fetched is not None:
                evidence = {**evidence, **fetched}
                variant += "-pack"
            yield Problem(subject=subject_of(file.path), evidence=evidence, variant=variant)


@check("RD107", "model-empty", Severity.ERROR, pitfall=1, action=Action.EDIT)
def model_empty(model: Model) -> Answer:
    empty = [in_place_of_model(file, {}) for file in model.files if file.content == "empty"]
    return empty or nothing_to_read(model)


@check("RD108", "model-lfs-pointer", Severity.ERROR, pitfall=1, action=Action.EDIT)
def model_lfs_pointer(model: Model) -> Answer:
    """In place of the model, or of the file beside it that holds its weights."""
    found = [
        in_place_of_model(file, {"size": file.size, "folder": posixpath.dirname(file.path)})
        for file in model.files
        if file.content == "lfs-pointer"
    ]
    return [*found, *_pointers_beside(model)] or nothing_to_read(model)


def _pointers_beside(model: Model) -> Iterator[Problem]:
    for file in model.files:
        folder = posixpath.dirname(file.path)
        for one in file.onnx.external if file.onnx else ():
            if one.problem == "lfs-pointer":
                evidence = {"path": posixpath.join(folder, one.location), "size": one.there, "folder": folder}
                yield Problem(subject=subject_of(file.path), evidence=evidence, variant="alone")


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
            evidence={
                "path": path,
                "at": error.at,
                "words": error.words,
                "leads_to": error.leads_to or path,
                "more": asides(Reason(*by)),
            },
            variant=_blocked(model, path, error),
        )
        for path, error in obstacles
        if error is not None and error.kind != "missing"
    ]


def _blocked(model: Model, path: str, error: Obstacle) -> str:
    """What a service names, and where links of its user lead, that user has chosen: a file that root alone may read, and that
    nobody meant for him, must not be opened to everybody by a command that root copies."""
    if error.kind != "forbidden":
        return "other"
    if error.at != path:
        return "folder"
    is_model = error.like_a_model or (path == model.path and model.kind == "pack")
    return "file" if error.leads_to is None and is_model else "elsewhere"
