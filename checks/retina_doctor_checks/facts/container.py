"""What is known of containers: the one that the target is in, and what starts them on this machine."""

from typing import Literal

from retina_doctor.authoring import Facts, varying
from retina_doctor.kinds import Name, Path


class Container(Facts, frozen=True, kw_only=True):
    """What the target has. *shm_total*, *shm_free*: of /dev/shm in bytes."""

    varies = varying(shm_free=0.1)

    shm_total: int | None
    shm_free: int | None


class Compose(Facts, frozen=True, kw_only=True):
    """*plugin*: docker's own (version 2 and later); else the old program docker-compose, with its *version*."""

    path: Path
    plugin: bool
    version: tuple[int, ...] | None


class Configuration(Facts, frozen=True, kw_only=True):
    """A file of an engine's configuration, and the runtimes that it names."""

    engine: Literal["docker", "containerd", "crio"]
    path: Path
    runtimes: tuple[Name, ...]


class ContainerHost(Facts, frozen=True, kw_only=True):
    """What starts containers on this machine. *engines*: paths of dockerd, podman, containerd that are installed.

    *toolkit*: paths of programs of the NVIDIA Container Toolkit; *cdi*: its device specifications. *kubelet*: this is a
    node of a Kubernetes cluster. *unreadable*: configurations that are there and could not be read or understood.
    """

    engines: tuple[Path, ...]
    toolkit: tuple[Path, ...]
    cdi: tuple[Path, ...]
    kubelet: bool
    configurations: tuple[Configuration, ...]
    unreadable: tuple[Path, ...]
    compose: Compose | None
