"""What a container is allowed, and when it is killed, against what the service needs."""

from __future__ import annotations

import re
from collections.abc import Iterator

from retina_doctor.authoring import Action, Answer, check
from retina_doctor.model import Reason, Severity

from ..combined.asides import asides
from ..facts.source import DeployedContainer, HealthProbe, Image, Sign, Source, SystemPackage
from .judging import EITHER, SourcePlace, answer, is_test, of_source, scanned
from .together import CPU, GPU, environments, image_of, is_public, listening

MIB = 2**20
LEAST, LEAST_ON_GPU = 64 * MIB, 200 * MIB
"""Of a worker's own memory. Python with onnxruntime 1.31, OpenCV, Flask and RetinaFace MobileNet-0.25 at 640x640 took 111 MiB,
of them 60 anonymous, which no other process shares; with insightface 151 and 85 (smaps_rollup, on the CPU). A CUDA context and
cuDNN take several hundred MiB of the host's memory more; of that we have no figure of our own, and take a low one. Larger models
come on top."""
LOADING, SLOW_LOADING = 10, 20
"""Seconds: nobody loads a model on a GPU in the first; many do not in the second."""
EFFECTS = {
    "liveness": "probe-ends-the-container",
    "startup": "probe-ends-the-container",
    "readiness": "probe-keeps-requests-away",
}
"""What a probe that fails does to the pod."""
ITS_OWN = re.compile(r"/(?:docs|redoc|openapi\.json|static/.*|metrics)$")
"""Paths that frameworks and their usual companions serve by themselves."""

LACK = {
    r"^(?:docker\.io/)?(?:library/)?(?:python:[\w.-]*slim|debian(?::|$)|ubuntu(?::|$))": ("curl", "wget"),
    r"^(?:docker\.io/)?(?:library/)?(?:python:[\w.-]*alpine|alpine(?::|$))": ("curl",),
    r"^nvidia/cuda:[\w.-]*-(?:base|runtime)-ubuntu": ("curl", "wget"),
}
"""Images and the programs that they have not, which most health checks call (their Dockerfiles: docker-library's slim variants,
and gitlab.com/nvidia/container-images/cuda, which removes curl again; Alpine's busybox has a wget)."""


@check("RD529", "service-crashed-or-not-ready", Severity.ERROR, pitfall=5, scope=scanned, action=Action.EDIT)
@of_source
def service_crashed_or_not_ready(source: Source) -> Answer:
    """A memory limit that the workers exceed, and probes that fail or come before the model is loaded."""
    found = [*_starved(source), *_probed(source), *_without_tool(source)]
    return answer(source, "RD529", "service-crashed-or-not-ready", found, of=EITHER)


def _serving(source: Source) -> Iterator[DeployedContainer]:
    """Containers in which the model is loaded."""
    loads = any(one.kind in ("session", "pack") for one in source.signs) or bool(source.meant)
    loads = loads or any({CPU, GPU, "insightface"} & set(one.packages) for one in environments(source))
    for container in source.containers if loads else ():
        if container.gpu or (listening(source, container) is not None and not is_public(container.image or "")):
            yield container


def _starved(source: Source) -> Iterator[SourcePlace]:
    for container in _serving(source):
        limit = container.memory
        if limit is None:
            continue
        server = listening(source, container)
        workers = (server.workers if server else None) or 1
        needed = workers * (LEAST_ON_GPU if container.gpu else LEAST)
        more = {"workers": workers, "limit_bytes": limit.number, "needed_bytes": 2 * needed, "name": container.name}
        if limit.number < MIB:
            yield SourcePlace(at=limit.at, why="unit", what=str(limit.number), more=more)
        elif limit.least is not None and limit.least > limit.number:
            yield SourcePlace(at=limit.at, why="requests", what=str(limit.least), more=more)
        elif limit.number < 2 * needed:
            at_most = Severity.WARNING if limit.number >= needed else None
            yield SourcePlace(at=limit.at, why="memory", what=str(limit.number), at_most=at_most, more=more)


def _probed(source: Source) -> Iterator[SourcePlace]:
    served = _routes(source)
    for container in _serving(source):
        at_most = Severity.WARNING if container.kind == "compose" else None  # it only says "unhealthy"
        for probe in container.probes:
            more = {"name": container.name, "kind": probe.kind, "seconds": probe.seconds}
            kills = probe.kind in ("liveness", "startup") and not probe.spared
            refused = _refused(probe, served)
            if refused is not None:
                more["effect"] = asides(Reason(EFFECTS.get(probe.kind, "probe-calls-it-unhealthy")))
                more["routes"] = [f"{method} {path}" for method, path in sorted(served or ())][:6]
                yield SourcePlace(at=probe.at, why=refused, what=probe.path or "", at_most=at_most, more=more)
            elif kills and probe.seconds < SLOW_LOADING:
                early = None if probe.seconds < LOADING else Severity.WARNING
                yield SourcePlace(at=probe.at, why="early", what=f"{probe.seconds:g}", at_most=early, more=more)


def _without_tool(source: Source) -> Iterator[SourcePlace]:
    """What asks is no part of the image: the container is called unhealthy, whatever the service answers."""
    asked: list[tuple[str, Image | None, SystemPackage]] = [
        (image.at.file.rpartition("/")[2], image, image.asks) for image in source.images if image.asks is not None
    ]
    for container in _serving(source):
        image = image_of(source, container)
        base = image.base if image is not None else container.image or ""
        asked += [
            (container.name, image, SystemPackage(at=probe.at, name=probe.tool, base=base))
            for probe in container.probes
            if probe.tool is not None
        ]
    for name, image, tool in asked:
        lacks = next((tools for pattern, tools in LACK.items() if re.search(pattern, tool.base)), ())
        there = image is not None and (image.brings or tool.name in image.system)
        if tool.name in lacks and not there:
            more = {"name": name, "base": tool.base}
            yield SourcePlace(at=tool.at, why="tool", what=tool.name, at_most=Severity.WARNING, more=more)


def _routes(source: Source) -> set[tuple[str, str]] | None:
    """(method, path) of all that the tree serves; None: there may be more."""
    signs: list[Sign] = [one for one in source.signs if one.kind == "route" and not is_test(source, one.at.file)]
    pairs = {(method, path) for method, _, path in (one.what.partition(" ") for one in signs)}
    unread = any(one.kind == "python" for one in source.unread)
    return None if not pairs or unread or source.cut or ("*", "*") in pairs else pairs


def _refused(probe: HealthProbe, served: set[tuple[str, str]] | None) -> str | None:
    """How a GET of its path ends: "path", nobody serves it; "method", for another method alone."""
    if probe.path is None or served is None or ITS_OWN.search(probe.path):
        return None
    methods = {method for method, path in served if _is_same(path, probe.path)}
    if not methods:
        return "path"
    return "method" if not {"GET", "HEAD"} & methods else None


def _is_same(pattern: str, path: str) -> bool:
    """A route's path may hold <name> or {name}."""
    literal = re.split(r"<[^>]*>|\{[^}]*\}", pattern.rstrip("/") or "/")
    return re.fullmatch(".+".join(map(re.escape, literal)), path.rstrip("/") or "/") is not None


@check("RD607", "model-cache-not-writable", Severity.ERROR, pitfall=1, scope=scanned, action=Action.EDIT)
@of_source
def model_cache_not_writable(source: Source) -> Answer:
    """The container's root is read-only, and insightface unpacks its models where nothing is mounted."""
    return answer(source, "RD607", "model-cache-not-writable", _unwritable(source), of=EITHER)


def _unwritable(source: Source) -> Iterator[SourcePlace]:
    packs = [one for one in source.signs if one.kind == "pack" and not is_test(source, one.at.file)]
    for container in _serving(source) if packs else ():
        folder = packs[0].what
        if container.read_only is not None and not _is_mounted(container, folder):
            more = {
                "name": container.name,
                "by": container.kind,
                "load_file": packs[0].at.file,
                "load_line": packs[0].at.line,
            }
            yield SourcePlace(at=container.read_only, why="read-only", what=folder, more=more)


def _is_mounted(container: DeployedContainer, folder: str) -> bool:
    """Of a home nobody knows the place: any that is mounted counts, and so does any folder of models."""
    for mount in container.mounts:
        place = mount.rstrip("/") or "/"
        if folder.startswith("~"):
            if place == "/root" or place.startswith(("/root/.insightface", "/home")) or "insightface" in place:
                return True
        elif folder == place or folder.startswith(place + "/") or place.startswith(folder.rstrip("/") + "/models"):
            return True
    return False
