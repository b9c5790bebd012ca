"""Kubernetes manifests: containers of pods, their ports and probes, and the ports that services send to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

from ...facts.deployment import Amount, DeployedContainer, HealthProbe, Port, Route
from ...facts.source import Sign
from ...facts.source_lines import FOLDER, LineCorrection, SourceLine
from ..found import Found
from ..text import SourceText
from ..variables import alone
from . import servers
from .compose import whole
from .nodes import YamlNode, documents
from .yaml_lines import all_or_none, with_entry, with_item, with_value

PROBES = ("livenessProbe", "readinessProbe", "startupProbe")


def told(text: SourceText, content: str) -> Found:
    """Raises ValueError."""
    found = Found()
    for document in documents(content):
        for one in document["items"].items if document["kind"].text == "List" else [document]:
            kind = one["kind"].text
            if kind == "Service":
                found.routes += routes(text, one)
            elif kind == "RuntimeClass":
                if "nvidia" in (one["handler"].text or ""):
                    found.signs.append(Sign(at=text.at(*one["handler"].place), kind="runtime-class", what=named(one)))
            elif kind:
                template = pod(one, kind)
                for container in template["spec"]["containers"].items:
                    made = contained(text, one, template, container)
                    found.containers.append(made)
                    found.servers += [made.server] if made.server else []
    return found


def named(one: YamlNode) -> str:
    return one.get("metadata", "name").text or ""


def pod(one: YamlNode, kind: str) -> YamlNode:
    """The node that has the pod's metadata and spec."""
    if kind == "Pod":
        return one
    if kind == "CronJob":
        return one.get("spec", "jobTemplate", "spec", "template")
    return one.get("spec", "template")


def labels(node: YamlNode) -> tuple[str, ...]:
    return tuple(sorted(f"{key}={value.text}" for key, value in node.pairs if value.text is not None))


def contained(text: SourceText, owner: YamlNode, template: YamlNode, container: YamlNode) -> DeployedContainer:
    spec = template["spec"]
    words = container["command"].words + container["args"].words
    server = servers.started(words, variables(container["env"])) if words else None
    given = [one["name"].text for one in container["env"].items]
    limits = container.get("resources", "limits").pairs  # of an extended resource a request alone is refused
    command = container["command"] or container["args"]
    root = container.get("securityContext", "readOnlyRootFilesystem")
    return DeployedContainer(
        at=text.at(*container.place),
        kind="kubernetes",
        name=container["name"].text or named(owner),
        image=container["image"].text,
        dockerfile=None,
        gpu=any("/" in name and ("nvidia" in name or "gpu" in name) and node.text != "0" for name, node in limits)
        or bool(spec["runtimeClassName"] or container.get("resources", "claims")),
        known=True,
        host_network=spec["hostNetwork"].text == "true",
        ports=tuple(declared(text, container)),
        asked=tuple(one for name in PROBES for one in probed(text, container[name])),
        labels=labels(template.get("metadata", "labels")),
        commanded=bool(command),
        moved=bool(container["envFrom"]) or servers.moved_by(given),
        server=server.moved_by_file(bool(container["envFrom"])).at(text.at(*command.place)) if server else None,
        sets=alone(said_in(text, container)),
        memory=memory(text, container["resources"]),
        read_only=text.at(*root.place) if root.text == "true" else None,
        mounts=tuple(one["mountPath"].text or "" for one in container["volumeMounts"].items),
        probes=tuple(health(text, container)),
        with_gpu=all_or_none(with_gpu(text, container)),
        with_volume=with_volume(text, spec, container),
        user=user(spec, container),
        shared_memory=spec["hostIPC"].text == "true",
        runtime_class=spec["runtimeClassName"].text,
        low_ports=bool(spec.get("securityContext", "sysctls")),
    )


GPU = "nvidia.com/gpu: 1"


def with_gpu(text: SourceText, container: YamlNode) -> LineCorrection | None:
    resources, limits = container["resources"], container.get("resources", "limits")
    if limits:
        return with_entry(text, limits, GPU)
    if resources:
        return with_entry(text, resources, f"limits: {{{GPU}}}")
    return with_entry(text, container, f"resources: {{limits: {{{GPU}}}}}")


def with_volume(text: SourceText, spec: YamlNode, container: YamlNode) -> tuple[LineCorrection, ...]:
    """The pod's volume and the container's mount; both on one line, where nothing else could be written."""
    volume, mount = "{name: models, emptyDir: {}}", f"{{name: models, mountPath: {FOLDER}}}"
    volumes, mounts = spec["volumes"], container["volumeMounts"]
    if any(one["name"].text == "models" for one in volumes.items):
        return ()
    return all_or_none(
        with_item(text, volumes, volume) if volumes else with_entry(text, spec, f"volumes: [{volume}]"),
        with_item(text, mounts, mount) if mounts else with_entry(text, container, f"volumeMounts: [{mount}]"),
    )


def user(spec: YamlNode, container: YamlNode) -> str | None:
    """The container's own, else the pod's; "?": any but root."""
    contexts = (container["securityContext"], spec["securityContext"])
    named = next((one["runAsUser"].text for one in contexts if one["runAsUser"]), None)
    return named or ("?" if any(one["runAsNonRoot"].text == "true" for one in contexts) else None)


DELAY = 60  # seconds


def later(text: SourceText, probe: YamlNode) -> LineCorrection | None:
    delay = probe["initialDelaySeconds"]
    return with_value(text, delay, str(DELAY)) if delay else with_entry(text, probe, f"initialDelaySeconds: {DELAY}")


UNITS = {
    "": 1, "m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40,
}  # fmt: skip
"""Kubernetes, "Quantity": m is a thousandth."""


def quantity(node: YamlNode) -> int | None:
    match = re.match(r"([\d.]+)(m|k|M|G|T|Ki|Mi|Gi|Ti)?$", node.text or "")
    try:
        return int(min(float(match[1]) * UNITS[match[2] or ""], 2**60)) if match else None
    except ValueError:
        return None


def memory(text: SourceText, resources: YamlNode) -> Amount | None:
    node = resources.get("limits", "memory")
    number = quantity(node)
    if number is None:
        return None
    return Amount(at=text.at(*node.place), number=number, least=quantity(resources.get("requests", "memory")))


KINDS: dict[str, Literal["liveness", "readiness", "startup"]] = {
    "livenessProbe": "liveness",
    "readinessProbe": "readiness",
    "startupProbe": "startup",
}


def health(text: SourceText, container: YamlNode) -> Iterator[HealthProbe]:
    """When a probe has failed often enough, by its numbers and their defaults."""
    for name, kind in KINDS.items():
        probe = container[name]
        if not (probe["httpGet"] or probe["tcpSocket"]):
            continue
        delay, period, times = (
            float(whole(probe[key].text or "") or default)
            for key, default in (("initialDelaySeconds", 0), ("periodSeconds", 10), ("failureThreshold", 3))
        )
        path = probe.get("httpGet", "path")
        yield HealthProbe(
            at=text.at(*(path or probe).place),
            kind=kind,
            path=(path.text or "/").split("?")[0] if probe["httpGet"] else None,
            seconds=delay + period * times,
            spared=bool(container["startupProbe"]) and kind != "startup",
            later=later(text, probe),
        )


def declared(text: SourceText, container: YamlNode) -> Iterator[Port]:
    for port in container["ports"].items:
        if port["protocol"].text != "UDP":
            number = whole(port["containerPort"].text or "")
            yield Port(at=text.at(*port.place), number=number, host=None, name=port["name"].text)


def said_in(text: SourceText, container: YamlNode) -> Iterator[tuple[str, str, SourceLine]]:
    """(name, value, its line) of its variables."""
    for one in container["env"].items:
        if one["value"]:
            yield one["name"].text or "", one["value"].text or "", text.at(*one["value"].place)


def probed(text: SourceText, probe: YamlNode) -> list[Port]:
    """The port that a probe asks."""
    port = probe.get("httpGet", "port") or probe.get("tcpSocket", "port")
    return [aimed(text, port)] if port else []


def aimed(text: SourceText, port: YamlNode) -> Port:
    """A port by its number or by its name."""
    number = whole(port.text or "")
    return Port(at=text.at(*port.place), number=number, host=None, name=None if number is not None else port.text)


def routes(text: SourceText, service: YamlNode) -> Iterator[Route]:
    selector = labels(service.get("spec", "selector"))
    for port in service.get("spec", "ports").items:
        target = port["targetPort"] or port["port"]
        if selector and target and port["protocol"].text != "UDP":
            yield Route(at=text.at(*target.place), port=aimed(text, target), selector=selector)


def variables(env: YamlNode) -> dict[str, str]:
    return {one["name"].text or "": one["value"].text or "" for one in env.items if one["value"]}
