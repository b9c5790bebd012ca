"""What is known of containers: the one that the target is in, and what starts them on this machine."""

from __future__ import annotations

from retina_doctor.authoring import Facts


class Container(Facts, frozen=True, kw_only=True):
    """Of the target. *kind*: docker, podman, kubernetes, … or None. *shm_total*, *shm_free*: of /dev/shm in bytes."""

    kind: str | None
    shm_total: int | None
    shm_free: int | None


class Compose(Facts, frozen=True, kw_only=True):
    """*plugin*: docker's own (version 2 and later); else the old program docker-compose, with its *version*."""

    path: str
    plugin: bool
    version: tuple[int, ...] | None


class ContainerHost(Facts, frozen=True, kw_only=True):
    """What starts containers on this machine. *engines*: paths of dockerd, podman, containerd that are installed.

    *toolkit*: paths of programs of the NVIDIA Container Toolkit; *cdi*: its device specifications. *kubelet*: this is a
    node of a Kubernetes cluster. *runtimes*: what the configurations of the engines name; *problem*: one that cannot be read.
    """

    engines: tuple[str, ...]
    toolkit: tuple[str, ...]
    cdi: tuple[str, ...]
    kubelet: bool
    runtimes: tuple[str, ...]
    configurations: tuple[str, ...]
    problem: str | None
    compose: Compose | None
