"""What memory a container is allowed, and what asks whether it lives, against what the service needs."""

from __future__ import annotations

import re
from collections.abc import Iterator

from retina_doctor.authoring import Action, Answer, check
from retina_doctor.model import Reason, Severity
from retina_doctor.patterns import pattern

from ..advice.base_images import in_short
from ..combined.asides import asides
from ..combined.source_files import is_test
from ..facts.deployment import HealthProbe, Image, SystemPackage
from ..facts.source import Sign, Source
from .container_lines import MIB, asking_another, asking_in_python, limited
from .judging import EITHER, SourcePlace, answer, of_source, scanned
from .together import image_of, listening, loads_model, serving

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
ITS_OWN = pattern(r"/(?:docs|redoc|openapi\.json|static/.*|metrics)$")
"""Paths that frameworks and their usual companions serve by themselves."""

LACK = {
    r"^(?:python:[\w.-]*slim|debian(?::|$)|ubuntu(?::|$))": ("curl", "wget"),
    r"^(?:python:[\w.-]*alpine|alpine(?::|$))": ("curl",),
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


def _starved(source: Source) -> Iterator[SourcePlace]:
    for container in serving(source):
        limit = container.memory
        if limit is None:
            continue
        server = listening(source, container)
        workers = (server.workers if server else None) or 1
        needed = workers * (LEAST_ON_GPU if container.gpu else LEAST)
        more = {"workers": workers, "limit_bytes": limit.number, "needed_bytes": 2 * needed, "name": container.name}
        if limit.number < MIB:
            yield SourcePlace(
                at=limit.at, why="unit", what=str(limit.number), fixed=limited(container, 2 * needed, True), more=more
            )
        elif limit.least is not None and limit.least > limit.number:
            fixed = limited(container, max(limit.least, 2 * needed))
            yield SourcePlace(at=limit.at, why="requests", what=str(limit.least), fixed=fixed, more=more)
        elif limit.number < 2 * needed:
            at_most = Severity.WARNING if limit.number >= needed else None
            fixed = limited(container, 2 * needed)
            yield SourcePlace(
                at=limit.at, why="memory", what=str(limit.number), fixed=fixed, at_most=at_most, more=more
            )


def _probed(source: Source) -> Iterator[SourcePlace]:
    served = _routes(source)
    for container in serving(source):
        at_most = Severity.WARNING if container.kind == "compose" else None  # it only says "unhealthy"
        for probe in container.probes:
            more = {"name": container.name, "kind": probe.kind, "seconds": probe.seconds}
            kills = probe.kind in ("liveness", "startup") and not probe.spared
            refused = _refused(probe, served)
            if refused is not None:
                more["effect"] = asides(Reason(EFFECTS.get(probe.kind, "probe-calls-it-unhealthy")))
                more["routes"] = [f"{method} {path}" for method, path in sorted(served or ())][:6]
                fixed = asking_another(probe, served or set())
                yield SourcePlace(
                    at=probe.at, why=refused, what=probe.path or "", fixed=fixed, at_most=at_most, more=more
                )
            elif kills and probe.seconds < SLOW_LOADING:
                early = None if probe.seconds < LOADING else Severity.WARNING
                also = (probe.later,) if probe.later is not None else ()
                yield SourcePlace(
                    at=probe.at, why="early", what=f"{probe.seconds:g}", also=also, at_most=early, more=more
                )


def _without_tool(source: Source) -> Iterator[SourcePlace]:
    """What asks is no part of the image: the container is called unhealthy, whatever the service answers."""
    asked: list[tuple[str, Image | None, SystemPackage]] = [
        (image.at.file.rpartition("/")[2], image, image.asks)
        for image in (source.images if loads_model(source) else ())
        if image.asks is not None
    ]
    for container in serving(source):
        image = image_of(source, container)
        base = image.base if image is not None else container.image or ""
        asked += [
            (container.name, image, SystemPackage(at=probe.at, name=probe.tool, base=base))
            for probe in container.probes
            if probe.tool is not None
        ]
    for name, image, tool in asked:
        lacks = next((tools for pattern, tools in LACK.items() if re.search(pattern, in_short(tool.base))), ())
        there = image is not None and (image.brings or tool.name in image.system)
        if tool.name in lacks and not there:
            more = {"name": name, "base": tool.base}
            fixed = asking_in_python(tool.at.text)
            yield SourcePlace(at=tool.at, why="tool", what=tool.name, fixed=fixed, at_most=Severity.WARNING, more=more)


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
