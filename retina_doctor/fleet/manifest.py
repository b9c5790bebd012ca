"""What a cluster runs so that each node tells its snapshot: a DaemonSet whose pods print it and then wait."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import yaml

from retina_doctor.errors import UsageError

NAME = "retina-doctor"
IMAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/:@-]{0,1000}")
NAMESPACE = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
KEY = re.compile(r"(?:[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?/)?[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")
LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")
QUANTITY = re.compile(r"[0-9]+(?:\.[0-9]+)?(?:m|k|[MGTPE]i?|Ki)?")
"""As the API server takes them (names, labels, resource.Quantity of k8s.io/apimachinery)."""
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
        container["resources"] = {"limits": _pairs(resources, "--resource", QUANTITY)}
    pod: dict[str, Any] = {
        "automountServiceAccountToken": False,
        "terminationGracePeriodSeconds": 1,
        "containers": [container],
        "tolerations": [{"operator": "Exists"}],  # nodes with GPUs are often kept for those who ask for one
    }
    if where:
        pod["nodeSelector"] = _pairs(where, "--node-selector", LABEL)
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
    if not IMAGE.fullmatch(image):
        raise UsageError(f"--image {image}: is no name of an image")
    if not NAMESPACE.fullmatch(namespace):
        raise UsageError(f"--namespace {namespace}: is no name of a namespace (small letters, digits and -)")
    text: str = yaml.safe_dump(whole, sort_keys=False)
    return HEAD.format(namespace=namespace, name=NAME) + text


def _pairs(words: Sequence[str], flag: str, values: re.Pattern[str]) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not name or not equals or not value:
            raise UsageError(f"{flag} {word}: write NAME=VALUE")
        if not KEY.fullmatch(name) or not values.fullmatch(value):
            raise UsageError(f"{flag} {word}: a cluster would refuse that")
        pairs[name] = value
    return pairs
