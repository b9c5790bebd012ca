"""docker compose: what each service runs, publishes and is given."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from retina_doctor.codec import replace

from ...facts.deployment import Amount, DeployedContainer, HealthProbe, Port, Server
from ...facts.source import Tag
from ...facts.source_lines import FOLDER, LineCorrection
from ..found import Found
from ..text import SourceText
from ..variables import GIVES_NONE, alone
from . import servers, shell
from .asking import asking_tool
from .nodes import YamlNode, documents
from .yaml_lines import all_or_none, with_entry, with_item


def told(text: SourceText, content: str) -> Found:
    """Raises ValueError."""
    found = Found()
    for document in documents(content):
        for key, service in document["services"].entries:
            one = replace(container(text, key, service), reached=is_reached(document, service))
            found.containers.append(one)
            found.servers += [one.server] if one.server else []
            if one.image and one.dockerfile:
                found.tags.append(Tag(at=one.at, name=one.image, dockerfile=one.dockerfile))
    return found


def container(text: SourceText, key: YamlNode, service: YamlNode) -> DeployedContainer:
    image = service["image"].text
    variables = environment(service["environment"])
    unsaid = incomplete(service)
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
        asked=tuple(asked(text, service["healthcheck"])),
        labels=(),
        commanded=bool(service["command"] or service["entrypoint"]),
        moved=bool(service["env_file"]) or servers.moved_by([*variables, *service["environment"].words]),
        target=service.get("build", "target").text,
        varied=bool(service.get("build", "args")),
        server=command(text, service, variables),
        sets=alone((name, value, text.at(*node.place)) for name, value, node in set_by(service["environment"])),
        memory=limit(text, service),
        read_only=text.at(*service["read_only"].place) if service["read_only"].text == "true" else None,
        mounts=tuple(one for node in (service["volumes"], service["tmpfs"]) for one in mounted(node)),
        probes=tuple(health(text, service["healthcheck"])),
        with_gpu=all_or_none(with_entry(text, unsaid, "capabilities: [gpu]") if unsaid else with_gpu(text, service)),
        incomplete=text.at(*unsaid.place) if unsaid else None,
        with_volume=all_or_none(with_volume(text, service)),
        user=service["user"].text,
        shared_memory=bool(service["shm_size"])
        or (service["ipc"].text or "").startswith(("host", "container:", "service:")),
        low_ports=bool(service["sysctls"]),
    )


def is_reached(document: YamlNode, service: YamlNode) -> bool:
    """Whether others than this file's services may come to it by another way than its ports: a network from outside or with a
    name or a driver of its own, a proxy that reads labels or variables, or the network of another container; or another file says
    more."""
    outside = any(one["external"] or one["name"] or one["driver"] for _, one in document["networks"].pairs)
    labels = [*service["labels"].words, *(key for key, _ in service["labels"].pairs)]
    labels += [*service["deploy"]["labels"].words, *(key for key, _ in service["deploy"]["labels"].pairs)]
    variables = [*environment(service["environment"]), *service["environment"].words]
    proxied = re.search(r"traefik|caddy", " ".join(labels)) or any(map(PROXIED.match, variables))
    return bool(outside or proxied or service["network_mode"] or service["expose"] or document["include"])


PROXIED = re.compile(r"VIRTUAL_HOST|VIRTUAL_PORT|SERVICE_FQDN|SERVICE_URL|LETSENCRYPT_HOST")
"""Variables by which nginx-proxy and Coolify find a service."""


DEVICES = "deploy: {resources: {reservations: {devices: [{driver: nvidia, count: all, capabilities: [gpu]}]}}}"


def with_gpu(text: SourceText, service: YamlNode) -> LineCorrection | None:
    """Beside a deploy of its own, the short form, which docker compose knows from 2.30 on."""
    return with_entry(text, service, "gpus: all" if service["deploy"] else DEVICES) if service.own else None


def with_volume(text: SourceText, service: YamlNode) -> LineCorrection | None:
    """An anonymous volume needs no declaration."""
    if service["volumes"]:
        return with_item(text, service["volumes"], FOLDER)
    return with_entry(text, service, f"volumes: [{FOLDER}]") if service.own else None


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
    seen = environment(service["environment"]).get("NVIDIA_VISIBLE_DEVICES")
    if service["gpus"] or "$" in runtime or ("nvidia" in runtime and seen not in GIVES_NONE):
        return True
    reserved = service.get("deploy", "resources", "reservations")
    for generic in reserved["generic_resources"].items:
        if "gpu" in (generic.get("discrete_resource_spec", "kind").text or "").lower():
            return True
    for device in reserved["devices"].items:
        if device["driver"].text in ("nvidia", "cdi") or "gpu" in device["capabilities"].words:
            return True
    return any("nvidia" in word for word in service["devices"].words)


def incomplete(service: YamlNode) -> YamlNode | None:
    """A device of NVIDIA's that is reserved without its capabilities: docker compose refuses the file ("missing property
    'capabilities'", compose-spec's schema)."""
    devices = service.get("deploy", "resources", "reservations", "devices").items
    return next((one for one in devices if one["driver"].text == "nvidia" and not one["capabilities"]), None)


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


URL = re.compile(r"https?://(?:localhost|127\.0\.0\.1|0\.0\.0\.0|\[::1\])(?::(\d+))?(/[^\s'\"|;)]*)?")


def asked(text: SourceText, healthcheck: YamlNode) -> list[Port]:
    """The port of the address that it gets."""
    match = URL.search(" ".join(healthcheck["test"].words) or healthcheck["test"].text or "")
    if match is None or healthcheck["disable"].text == "true":
        return []
    return [Port(at=text.at(*healthcheck["test"].place), number=int(match[1] or 80), host=None, name=None)]


def health(text: SourceText, healthcheck: YamlNode) -> list[HealthProbe]:
    match = URL.search(" ".join(healthcheck["test"].words) or healthcheck["test"].text or "")
    if match is None or healthcheck["disable"].text == "true":
        return []
    retries = whole(healthcheck["retries"].text or "3")
    period = duration(healthcheck["interval"].text or "30s")
    seconds = duration(healthcheck["start_period"].text or "0s") + (retries or 3) * period
    at = text.at(*healthcheck["test"].place)
    words = healthcheck["test"].words or ["CMD-SHELL", healthcheck["test"].text or ""]
    tool = asking_tool(words[1:]) if words[0] in ("CMD", "CMD-SHELL") else None
    return [HealthProbe(at=at, kind="healthcheck", path=(match[2] or "/").split("?")[0], seconds=seconds, tool=tool)]


def duration(said: str) -> float:
    """1m30s, 10s, 500ms; long where it cannot be read."""
    parts = re.findall(r"([\d.]+)(us|ms|s|m|h)", said)
    scale = {"us": 1e-6, "ms": 1e-3, "s": 1, "m": 60, "h": 3600}
    try:
        return sum(float(number) * scale[unit] for number, unit in parts) if parts else 1e6
    except ValueError:
        return 1e6


def limit(text: SourceText, service: YamlNode) -> Amount | None:
    """mem_limit, or deploy's."""
    node = service["mem_limit"] or service.get("deploy", "resources", "limits", "memory")
    match = re.match(r"(?i)([\d.]+)\s*([bkmg]?)i?b?$", node.text or "")
    if match is None:
        return None
    try:
        number = float(match[1]) * {"": 1, "b": 1, "k": 2**10, "m": 2**20, "g": 2**30}[match[2].lower()]
    except (ValueError, OverflowError):
        return None
    return Amount(at=text.at(*node.place), number=int(min(number, 2**60)))


def mounted(node: YamlNode) -> Iterator[str]:
    """Paths within the container that volumes and tmpfs give it."""
    for one in node.items or ([node] if node.text else []):
        if one["target"]:
            yield one["target"].text or ""
        elif one.text:
            parts = one.text.split(":")
            yield parts[1] if len(parts) > 1 and parts[1].startswith("/") else parts[0]


def set_by(node: YamlNode) -> Iterator[tuple[str, str, YamlNode]]:
    for one in node.items:
        if one.text and "=" in one.text:
            name, _, value = one.text.partition("=")
            yield name, value, one
    for key, given in node.entries:
        yield key.text or "", given.text or "", given


def environment(node: YamlNode) -> dict[str, str]:
    listed = [word.partition("=")[::2] for word in node.words if "=" in word]
    return dict([*listed, *((key, value.text or "") for key, value in node.pairs)])


def whole(text: str) -> int | None:
    return int(text) if text.isdecimal() else None
