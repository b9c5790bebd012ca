"""RD117 to RD120: a pack that insightface would download: its name, the folder it goes into, what an earlier download left."""

from __future__ import annotations

import difflib
import functools
import posixpath

from retina_doctor.authoring import Action, Answer, check
from retina_doctor.model import Inapplicable, Interpreter, Problem, Reason, Severity, Unknown

from ..combined.asides import asides
from ..facts.models import Cache, Model
from .evidence import fetching, is_missing, named, nothing_named, packs, subject_of

MIB = 1024**2


@functools.cache
def known_packs() -> tuple[str, ...]:
    return tuple(packs()["names"]["known"])


def is_unknown_pack(model: Model) -> bool:
    """A name that insightface neither finds on the disk nor could download."""
    nothing_near = not model.similar and not model.elsewhere
    return model.kind == "pack" and is_missing(model) and nothing_near and model.named not in known_packs()


@check("RD117", "model-unknown-name", Severity.ERROR, pitfall=1, action=Action.EDIT)
def model_unknown_name(model: Model) -> Answer:
    if model.path is None:
        return nothing_named(model)
    if not is_unknown_pack(model):
        return None if model.exists or is_missing(model) else Unknown(missing=("models",))
    near = difflib.get_close_matches(model.named or "", known_packs(), 1)
    evidence = {
        **named(model),
        "near": near[0] if near else None,
        "known": list(known_packs()),
        "folder": posixpath.dirname(model.path) or "/",
    }
    fetched = fetching(posixpath.join(posixpath.dirname(model.path), near[0])) if near else None
    if fetched is not None:
        evidence |= {**fetched, "right": posixpath.join(posixpath.dirname(model.path), near[0])}
    variant = "unknown" if not near else "near" if fetched is None else "near-pack"
    return Problem(subject=subject_of(model.path), evidence=evidence, variant=variant)


def _wanted(model: Model) -> Cache | Inapplicable | Unknown | None:
    """The cache that a download would go to; None: the pack is there already."""
    if model.path is None:
        return nothing_named(model)
    if model.kind != "pack":
        return Inapplicable(Reason("no-pack-named"))
    if not is_missing(model):
        return None if model.exists else Unknown(("models",))
    return model.cache if model.cache is not None else Unknown(("models",))


@check("RD118", "model-cache-not-writable", Severity.ERROR, pitfall=1, action=Action.EDIT)
def model_cache_not_writable(model: Model, interpreter: Interpreter | None) -> Answer:
    cache = _wanted(model)
    if not isinstance(cache, Cache):
        return cache
    if cache.writable:
        return None
    home = interpreter.home if interpreter is not None else None
    more = asides(Reason("home-is", {"home": home}) if home else None)
    user = interpreter.user or str(interpreter.uid) if interpreter is not None else None
    leads_to = cache.leads_to or cache.root
    evidence = {**named(model), "root": cache.root, "at": cache.at, "user": user, "leads_to": leads_to, "more": more}
    variant = "known-user" if user is not None else "unknown-user"
    if cache.leads_to is not None:  # the user may have chosen where: root must give nothing away there
        variant = "linked"
    return Problem(subject=subject_of(model.path or ""), evidence=evidence, variant=variant)


@check("RD119", "model-download-failed", Severity.ERROR, pitfall=1, action=Action.EDIT)
def model_download_failed(model: Model) -> Answer:
    """A zip that a broken-off download left beside the folder that is not there; or no download can begin."""
    cache = _wanted(model)
    if not isinstance(cache, Cache):
        return cache
    if cache.zip is None:
        return _no_way(model, cache)
    evidence = {**named(model), "zip": cache.zip, "whole": cache.zip_whole}
    variant = "whole" if cache.zip_whole else "incomplete"
    return Problem(subject=subject_of(model.path or ""), evidence=evidence, variant=variant)


def _no_way(model: Model, cache: Cache) -> Problem | None:
    """Of a pack that could be downloaded, and that no other folder has."""
    fetched = fetching(model.path or "")
    if cache.no_way is None or fetched is None or model.similar or model.elsewhere:
        return None
    evidence = {**named(model), **fetched, "proxy": cache.proxy}
    return Problem(subject=subject_of(model.path or ""), evidence=evidence, variant=cache.no_way)


@functools.cache
def room_for_packs() -> dict[str, int]:
    """MiB that the zip of a pack and its unpacked files take together."""
    return {name: int(mebibytes) for name, mebibytes in packs()["room"].items()}


@check("RD120", "disk-full", Severity.ERROR, pitfall=1, action=Action.EDIT)
def disk_full(model: Model) -> Answer:
    """Too little space for a pack that is to be downloaded: its zip and what is unpacked from it."""
    cache = _wanted(model)
    if not isinstance(cache, Cache):
        return cache
    if cache.free is None:
        return Unknown(("models",))
    room = room_for_packs().get(model.named or "", min(room_for_packs().values())) * MIB
    if cache.free >= room:
        return None
    broken = cache.zip if cache.zip is not None and not cache.zip_whole else None
    evidence = {
        **named(model),
        "root": cache.root,
        "at": cache.at,
        "free": cache.free,
        "room": room,
        "zip": cache.zip,
        "broken_zip": broken,
    }
    variant = "incomplete-zip" if broken else "no-space"
    return Problem(subject=subject_of(model.path or ""), evidence=evidence, variant=variant)
