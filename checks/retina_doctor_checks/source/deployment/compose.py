"""docker compose: what each service runs, publishes and is given."""

from __future__ import annotations

import os
from typing import Any

from retina_doctor_checks.source.deployment import servers, shell
from retina_doctor_checks.source.deployment.nodes import Node, documents


def told(text: str, path: str) -> dict[str, list[Any]]:
    """{"containers": [...], "servers": [...], "tags": [...]}. Raises ValueError."""
    found: dict[str, list[Any]] = {"containers": [], "servers": [], "tags": []}
    for document in documents(text):
        for key, service in document["services"].entries:
            one = dict(container(key.text or "", service, path), **key.at)
            found["containers"].append(one)
            found["servers"] += [one["server"]] if one["server"] else []
            if one["image"] and one["dockerfile"]:
                found["tags"].append({"name": one["image"], "dockerfile": one["dockerfile"], **key.at})
    return found


def container(name: str, service: Node, path: str) -> dict[str, Any]:
    image = service["image"].text
    variables = environment(service["environment"])
    return {
        "kind": "compose",
        "name": name,
        "image": shell.substituted(image, {}) if image else None,
        "dockerfile": dockerfile(service["build"], path),
        "gpu": has_gpu(service),
        "known": not service["extends"],
        "host_network": service["network_mode"].text == "host",
        "ports": [one for port in service["ports"].items for one in published(port)],
        "asked": [],
        "labels": [],
        "commanded": bool(service["command"] or service["entrypoint"]),
        "moved": bool(service["env_file"]) or servers.moved_by([*variables, *service["environment"].words]),
        "target": service.get("build", "target").text,
        "varied": bool(service.get("build", "args")),
        "server": command(service, variables),
    }


def dockerfile(build: Node, path: str) -> str | None:
    """The file that builds it, beside the compose file; None where it is not built."""
    if not build:
        return None
    context = build.text or build["context"].text or "."
    if "://" in context:
        return None
    file = build["dockerfile"].text or "Dockerfile"
    return os.path.normpath(os.path.join(os.path.dirname(path), context, file))


def has_gpu(service: Node) -> bool:
    runtime = shell.substituted(service["runtime"].text or "", {})
    if service["gpus"] or "nvidia" in runtime or "$" in runtime:
        return True
    reserved = service.get("deploy", "resources", "reservations")
    for generic in reserved["generic_resources"].items:
        if "gpu" in (generic.get("discrete_resource_spec", "kind").text or "").lower():
            return True
    for device in reserved["devices"].items:
        if device["driver"].text in ("nvidia", "cdi") or "gpu" in device["capabilities"].words:
            return True
    return any("nvidia" in word for word in service["devices"].words)


def published(port: Node) -> list[dict[str, Any]]:
    """One or none of the container's ports: "[[IP:]HOST:]CONTAINER[/udp]", or a mapping of target, published and host_ip."""
    if port["target"]:
        target = port["target"].text or ""
        return [{**port.at, "number": whole(target), "host": port["host_ip"].text, "name": None}]
    text = shell.substituted(port.text or "", {})
    if not text or text.endswith("/udp") or "-" in text.split(":")[-1]:
        return []
    before, _, target = text.split("/")[0].rpartition(":")
    host, _, _ = before.rpartition(":")
    return [{**port.at, "number": whole(target), "host": host.strip("[]") or None, "name": None}]


def command(service: Node, variables: dict[str, str]) -> dict[str, Any] | None:
    """The server that its command or entry point starts."""
    words: list[str] = []
    place = None
    for key in ("entrypoint", "command"):
        node = service[key]
        if node:
            place = place or node
            text = shell.substituted((node.text or "").replace("$$", "$"), {})
            words += node.words or [word for _, one in shell.commands([(1, text)]) for word in one]
    server = servers.started(words, variables) if words else None
    if server and service["env_file"] and server["why"] == "default":
        server.update(host=None, port=None)
    return dict(server, **place.at) if server and place else None


def environment(node: Node) -> dict[str, str]:
    listed = [word.partition("=")[::2] for word in node.words if "=" in word]
    return dict([*listed, *((key, value.text or "") for key, value in node.pairs)])


def whole(text: str) -> int | None:
    return int(text) if text.isdecimal() else None
