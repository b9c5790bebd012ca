"""Kubernetes manifests: containers of pods, their ports and probes, and the ports that services send to."""

from __future__ import annotations

from collections.abc import Iterator

from ...facts.source import DeployedContainer, Port, Route
from ..found import Found
from ..text import SourceText
from . import servers
from .compose import whole
from .nodes import YamlNode, documents

PROBES = ("livenessProbe", "readinessProbe", "startupProbe")


def told(text: SourceText, content: str) -> Found:
    """Raises ValueError."""
    found = Found()
    for document in documents(content):
        for one in document["items"].items if document["kind"].text == "List" else [document]:
            kind = one["kind"].text
            if kind == "Service":
                found.routes += routes(text, one)
            elif kind:
                template = pod(one, kind)
                for container in template["spec"]["containers"].items:
                    made = contained(text, one, template, container)
                    found.containers.append(made)
                    found.servers += [made.server] if made.server else []
    return found


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
    limits = container.get("resources", "limits").pairs + container.get("resources", "requests").pairs
    command = container["command"] or container["args"]
    return DeployedContainer(
        at=text.at(*container.place),
        kind="kubernetes",
        name=container["name"].text or owner.get("metadata", "name").text or "",
        image=container["image"].text,
        dockerfile=None,
        gpu=any("/" in name and ("nvidia" in name or "gpu" in name) for name, _ in limits)
        or bool(spec["runtimeClassName"] or container.get("resources", "claims")),
        known=True,
        host_network=spec["hostNetwork"].text == "true",
        ports=tuple(
            Port(
                at=text.at(*port.place),
                number=whole(port["containerPort"].text or ""),
                host=None,
                name=port["name"].text,
            )
            for port in container["ports"].items
            if port["protocol"].text != "UDP"
        ),
        asked=tuple(one for name in PROBES for one in probed(text, container[name])),
        labels=labels(template.get("metadata", "labels")),
        commanded=bool(command),
        moved=bool(container["envFrom"]) or servers.moved_by(given),
        server=server.moved_by_file(bool(container["envFrom"])).at(text.at(*command.place)) if server else None,
    )


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
