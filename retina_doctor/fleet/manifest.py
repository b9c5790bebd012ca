"""What a cluster runs so that each node tells its snapshot: a DaemonSet whose pods print it and then wait."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import yaml

from retina_doctor.errors import UsageError

NAME = "retina-doctor"
HEAD = """# kubectl apply -f FILE; when the pods run:
# kubectl logs -n {namespace} -l app={name} --tail=-1 --max-log-requests=1000 | retina-doctor fleet report -
# kubectl delete -n {namespace} daemonset {name}
"""
LOOK = 'retina-doctor collect --label "$NODE_NAME" -o -; exec sleep infinity'
"""The pod of a DaemonSet may not end: it would be started again, and its log would be gone."""


def kubernetes(image: str, namespace: str, resources: Sequence[str], where: Sequence[str]) -> str:
    """YAML of an apps/v1 DaemonSet. *resources*, *where*: NAME=VALUE. Raises UsageError."""
    container: dict[str, Any] = {
        "name": NAME,
        "image": image,
        "command": ["/bin/sh", "-c", LOOK],
        "env": [{"name": "NODE_NAME", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}}],
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    if resources:
        container["resources"] = {"limits": _pairs(resources, "--resource")}
    pod: dict[str, Any] = {
        "automountServiceAccountToken": False,
        "terminationGracePeriodSeconds": 1,
        "containers": [container],
        "tolerations": [{"operator": "Exists"}],  # nodes with GPUs are often kept for those who ask for one
    }
    if where:
        pod["nodeSelector"] = _pairs(where, "--node-selector")
    labels = {"app": NAME}
    whole = {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": {"name": NAME, "namespace": namespace, "labels": labels},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": pod},
        },
    }
    if not image.strip() or any(not one.isprintable() for one in image + namespace):
        raise UsageError("--image and --namespace: no control characters")
    text: str = yaml.safe_dump(whole, sort_keys=False)
    return HEAD.format(namespace=namespace, name=NAME) + text


def _pairs(words: Sequence[str], flag: str) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not name or not equals or not value:
            raise UsageError(f"{flag} {word}: write NAME=VALUE")
        pairs[name] = value
    return pairs
