"""What is shown beside an error: sizes of model files, nodes of the driver, cards, who else sees the card."""

from __future__ import annotations

import re

from .case import Case

_LISTED = re.compile(
    r"^-[rwxst-]{9}[.+@]?\s+\d+\s+\S+\s+\S+\s+(\d{1,15})\s.{4,40}?\s\S{0,300}\.(?:onnx|pth|pt|pkl|h5|params|bin|engine|safetensors)$",
    re.IGNORECASE,
)
"""A line of ls -l whose size is in bytes."""
POINTER = range(120, 140)
"""Bytes of a git-lfs pointer: three lines, of which the size's digits alone vary (docs/spec.md)."""


def _sizes(case: Case) -> list[int]:
    found = (_LISTED.match(line.text.strip()) for line in case.text.lines)
    return [int(match[1]) for match in found if match]


def model_of_no_bytes(case: Case) -> bool:
    return 0 in _sizes(case)


def model_of_a_pointers_size(case: Case) -> bool:
    return any(size in POINTER for size in _sizes(case))


def nodes_without_uvm(case: Case) -> bool:
    """The driver's node and a card's are listed or given, that of unified memory, without which CUDA does not start, is not."""
    said = case.text.flowing
    return "nvidiactl" in said and re.search(r"\bnvidia\d", said) is not None and "nvidia-uvm" not in said


_CLUSTER = re.compile(r"\b(?:kubernetes|k8s|k3s|rke2|pods?|nvidia-device-plugin)\b")
_DOCKER_WORKS = re.compile(r"\bworks?\b[^\n.]{0,30}\bdocker\b|\bdocker\b[^\n.]{0,60}\bworks\b")


def docker_works_beside_a_cluster(case: Case) -> bool:
    """The toolkit is installed and docker uses it; the cluster's own runtime was not told of it."""
    said = case.text.flowing
    return _CLUSTER.search(said) is not None and _DOCKER_WORKS.search(said) is not None


def cards_of_others_alone(case: Case) -> bool:
    """lspci shows a display controller, and none of NVIDIA's of whatever kind."""
    said = case.text.flowing
    return "vga compatible controller:" in said and "nvidia corporation" not in said and "10de:" not in said
