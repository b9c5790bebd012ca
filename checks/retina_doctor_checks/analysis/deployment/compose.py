"""docker compose: what each service runs, publishes and is given."""

from __future__ import annotations

import posixpath

from ...facts.source import DeployedContainer, Port, Server, Tag
from ..found import Found
from ..text import SourceText
from . import servers, shell
from .nodes import YamlNode, documents


def told(text: SourceText, content: str) -> Found:
    """Raises ValueError."""
    found = Found()
    for document in documents(content):
        for key, service in document["services"].entries:
            one = container(text, key, service)
            found.containers.append(one)
            found.servers += [one.server] if one.server else []
            if one.image and one.dockerfile:
                found.tags.append(Tag(at=one.at, name=one.image, dockerfile=one.dockerfile))
    return found


def container(text: SourceText, key: YamlNode, service: YamlNode) -> DeployedContainer:
    image = service["image"].text
    variables = environment(service["environment"])
    return DeployedContainer(
        at=text.at(*key.place),
        kind="compose",
        name=key.text or "",
        image=shell.substituted(image, {}) if image else None,
        dockerfile=dockerfile(service["build"], text.path),
        gpu=has_gpu(service),
        known=not service["extends"],
        host_network=service["network_mode"].text == "host",
        ports=tuple(one for port in service["ports"].items for one in published(text, port)),
        asked=(),
        labels=(),
        commanded=bool(service["command"] or service["entrypoint"]),
        moved=bool(service["env_file"]) or servers.moved_by([*variables, *service["environment"].words]),
        target=service.get("build", "target").text,
        varied=bool(service.get("build", "args")),
        server=command(text, service, variables),
    )


def dockerfile(build: YamlNode, path: str) -> str | None:
    """The file that builds it, beside the compose file; None where it is not built."""
    if not build:
        return None
    context = build.text or build["context"].text or "."
    if "://" in context:
        return None
    file = build["dockerfile"].text or "Dockerfile"
    return posixpath.normpath(posixpath.join(posixpath.dirname(path), context, file))


def has_gpu(service: YamlNode) -> bool:
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


def published(text: SourceText, port: YamlNode) -> list[Port]:
    """One or none of the container's ports: "[[IP:]HOST:]CONTAINER[/udp]", or a mapping of target, published and host_ip."""
    at = text.at(*port.place)
    if port["target"]:
        return [Port(at=at, number=whole(port["target"].text or ""), host=port["host_ip"].text, name=None)]
    words = shell.substituted(port.text or "", {})
    if not words or words.endswith("/udp") or "-" in words.split(":")[-1]:
        return []
    before, _, target = words.split("/")[0].rpartition(":")
    host, _, _ = before.rpartition(":")
    return [Port(at=at, number=whole(target), host=host.strip("[]") or None, name=None)]


def command(text: SourceText, service: YamlNode, variables: dict[str, str]) -> Server | None:
    """The server that its command or entry point starts."""
    words: list[str] = []
    place = None
    for key in ("entrypoint", "command"):
        node = service[key]
        if node:
            place = place or node
            line = shell.substituted((node.text or "").replace("$$", "$"), {})
            words += node.words or [word for _, one in shell.commands([(1, line)]) for word in one]
    started = servers.started(words, variables) if words else None
    if started is None or place is None:
        return None
    return started.moved_by_file(bool(service["env_file"])).at(text.at(*place.place))


def environment(node: YamlNode) -> dict[str, str]:
    listed = [word.partition("=")[::2] for word in node.words if "=" in word]
    return dict([*listed, *((key, value.text or "") for key, value in node.pairs)])


def whole(text: str) -> int | None:
    return int(text) if text.isdecimal() else None
