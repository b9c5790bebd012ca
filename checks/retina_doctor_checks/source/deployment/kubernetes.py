"""Kubernetes manifests: containers of pods, their ports and probes, and the ports that services send to."""

from __future__ import annotations

from typing import Any

from retina_doctor_checks.source.deployment import servers
from retina_doctor_checks.source.deployment.compose import whole
from retina_doctor_checks.source.deployment.nodes import Node, documents

PROBES = ("livenessProbe", "readinessProbe", "startupProbe")


def told(text: str) -> dict[str, list[Any]]:
    """{"containers": [...], "routes": [...], "servers": [...]}. Raises ValueError."""
    found: dict[str, list[Any]] = {"containers": [], "routes": [], "servers": []}
    for document in documents(text):
        for one in document["items"].items if document["kind"].text == "List" else [document]:
            kind = one["kind"].text
            if kind == "Service":
                found["routes"] += routes(one)
            elif kind:
                template = pod(one, kind)
                for container in template["spec"]["containers"].items:
                    made = contained(one, template, container)
                    found["containers"].append(made)
                    found["servers"] += [made["server"]] if made["server"] else []
    return found


def pod(one: Node, kind: str) -> Node:
    """The node that has the pod's metadata and spec."""
    if kind == "Pod":
        return one
    if kind == "CronJob":
        return one.get("spec", "jobTemplate", "spec", "template")
    return one.get("spec", "template")


def labels(node: Node) -> list[str]:
    return sorted("%s=%s" % (key, value.text) for key, value in node.pairs if value.text is not None)


def contained(owner: Node, template: Node, container: Node) -> dict[str, Any]:
    spec = template["spec"]
    words = container["command"].words + container["args"].words
    server = servers.started(words, variables(container["env"])) if words else None
    if server and container["envFrom"] and server["why"] == "default":
        server.update(host=None, port=None)
    given = [one["name"].text for one in container["env"].items]
    limits = container.get("resources", "limits").pairs + container.get("resources", "requests").pairs
    started = container["command"] or container["args"]
    return {
        **container.at,
        "kind": "kubernetes",
        "name": container["name"].text or owner.get("metadata", "name").text or "",
        "image": container["image"].text,
        "dockerfile": None,
        "gpu": any("/" in name and ("nvidia" in name or "gpu" in name) for name, _ in limits)
        or bool(spec["runtimeClassName"] or container.get("resources", "claims")),
        "known": True,
        "host_network": spec["hostNetwork"].text == "true",
        "ports": [
            {**port.at, "number": whole(port["containerPort"].text or ""), "host": None, "name": port["name"].text}
            for port in container["ports"].items
            if port["protocol"].text != "UDP"
        ],
        "asked": [one for name in PROBES for one in probed(container[name])],
        "labels": labels(template.get("metadata", "labels")),
        "commanded": bool(started),
        "moved": bool(container["envFrom"]) or servers.moved_by(given),
        "server": dict(server, **started.at) if server else None,
    }


def probed(probe: Node) -> list[dict[str, Any]]:
    """The port that a probe asks."""
    port = probe.get("httpGet", "port") or probe.get("tcpSocket", "port")
    return [aimed(port)] if port else []


def aimed(port: Node) -> dict[str, Any]:
    """A port by its number or by its name."""
    number = whole(port.text or "")
    return {**port.at, "number": number, "host": None, "name": None if number is not None else port.text}


def routes(service: Node) -> list[dict[str, Any]]:
    selector = labels(service.get("spec", "selector"))
    found = []
    for port in service.get("spec", "ports").items:
        target = port["targetPort"] or port["port"]
        if selector and target and port["protocol"].text != "UDP":
            found.append({**target.at, "port": aimed(target), "selector": selector})
    return found


def variables(env: Node) -> dict[str, str]:
    return {one["name"].text or "": one["value"].text or "" for one in env.items if one["value"]}
