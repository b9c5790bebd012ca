"""Who knows which nodes there are: the operator, a file, Ansible, Kubernetes."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from retina_doctor.codec import DoesNotFit, from_json
from retina_doctor.errors import UsageError
from retina_doctor.fleet.node_sets import NODE, NodeNaming, NodesNamed, expanded, folded
from retina_doctor.masking.words import beginning
from retina_doctor.redaction import lines_shown
from retina_doctor.running import output

ASKING = 60.0
"""Seconds for who knows which nodes there are (kubectl, ansible-inventory)."""


def nodes_of(sets: Sequence[str], groups: Sequence[str], hosts: str, inventory: str) -> NodesNamed:
    """The nodes that are named in any way, each once. Raises UsageError where there is none."""
    naming = NodeNaming()
    for text in sets:
        naming.take(partial(expanded, text))
    for group in groups:
        naming.take(partial(expanded, f"@{group}", groups=True))
    if hosts:
        for line in naming.asked(partial(_lines, hosts)):
            naming.take(partial(expanded, line))
    if inventory:
        for name in naming.asked(partial(_of_ansible, inventory)):
            naming.take(partial(plain, [name], inventory))
    found = naming.named()
    if not found.nodes:
        raise UsageError("fleet collect: name nodes with -w gpu-[01-20], -g GROUP, --hosts FILE or --inventory FILE")
    return found


def _lines(file: str) -> list[str]:
    try:
        text = Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{file}: cannot be read: {getattr(error, 'strerror', None) or error}") from None
    lines = (line.partition("#")[0].strip() for line in text.splitlines())
    return [line for line in lines if line]


def _of_ansible(inventory: str) -> list[str]:
    """All hosts of all groups. They are asked by these names: ansible_host is Ansible's own, and ssh has its configuration."""
    told = answered(["ansible-inventory", "-i", inventory, "--list"])
    groups = told if isinstance(told, dict) else {}
    variables = _table(_table(groups.get("_meta")).get("hostvars"))
    names: list[Any] = []
    for group in groups.values():
        hosts = _table(group).get("hosts")
        # Each once, whatever it is: what is no name is refused where it is asked for.
        names += [one for one in (hosts if isinstance(hosts, list) else ()) if one not in names]
    if not names:
        raise UsageError(f"{inventory}: ansible-inventory names no host")
    elsewhere = [
        name
        for name in names
        if isinstance(name, str) and _table(variables.get(name)).get("ansible_host", name) != name
    ]
    if elsewhere:
        output.complain(f"ansible_host is not used, but ssh's own configuration: {folded(elsewhere)}")
    return names


def _table(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def pods_of(namespace: str, selector: str) -> NodesNamed:
    """Running pods, by name. Raises UsageError."""
    told = answered(["kubectl", "get", "pods", "-n", namespace, "-l", selector, "-o", "json"])
    items = _table(told).get("items")
    pods = [_table(one) for one in (items if isinstance(items, list) else ())]
    names = [
        _table(one.get("metadata")).get("name") for one in pods if _table(one.get("status")).get("phase") == "Running"
    ]
    if not names:
        raise UsageError(f"no running pod in namespace {namespace} has the labels {selector}")
    naming = NodeNaming()
    for name in names:
        naming.take(partial(plain, [name], "kubectl"))
    return naming.named()


def plain(names: list[Any], source: str) -> list[str]:
    """Raises UsageError where one of them is no name of a node."""
    for name in names:
        if not isinstance(name, str) or not NODE.fullmatch(name):
            raise UsageError(f"{source}: {name!r} is no name of a node")
    return names


def answered(words: Sequence[str]) -> Any:
    """What a program says, as JSON. Raises UsageError."""
    try:
        return from_json(said(words))
    except DoesNotFit as error:
        raise UsageError(f"{words[0]} does not answer in JSON: {error}") from None


def said(words: Sequence[str]) -> str:
    """What a program says. Raises UsageError."""
    if shutil.which(words[0]) is None:
        raise UsageError(f"{words[0]} is not installed here")
    try:
        done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, timeout=ASKING, check=False)
    except subprocess.TimeoutExpired:
        raise UsageError(f"{words[0]} does not answer in {ASKING:g} s") from None
    if done.returncode:
        lines = lines_shown(done.stderr.decode("utf-8", "replace"))
        raise UsageError(
            f"{words[0]} failed: {beginning(lines[-1], 300) if lines else f'exit status {done.returncode}'}"
        )
    return done.stdout.decode("utf-8", "replace")
