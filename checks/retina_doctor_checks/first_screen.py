"""The first screen of a report: what this machine is, and the five pitfalls at a glance."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from retina_doctor.authoring import Interpreter, Reason, Row

from .facts.driver import Host, Nvml
from .facts.service import Ports
from .facts.service_process import Processes
from .versions import dotted

rows = (
    Row(label="row-model", pitfall=1, tells=("RD101",)),
    Row(label="row-gpu", pitfall=2, tells=("RD508", "RD270", "RD245", "RD243")),
    Row(label="row-memory", pitfall=3, tells=("RD301",)),
    Row(label="row-detection", pitfall=4, tells=("RD406", "RD405")),
    Row(label="row-service", pitfall=5, tells=("RD511", "RD501", "RD503")),
    Row(label="row-run", domains=("inference",), tells=("RD601", "RD605")),
)


def head(
    nvml: Nvml | None,
    host: Host | None,
    interpreter: Interpreter | None,
    ports: Ports | None,
    processes: Processes | None,
) -> Iterator[list[Reason]]:
    """The machine, then the service where a process of it is known."""
    yield [*_cards(nvml, host), *_container(host, interpreter)]
    service = processes.service if processes else None
    named = ports.process if ports else None
    for process in (service, named):
        if process is not None and process.alive and process.command:
            values = {"command": process.command, "pid": process.pid, "user": process.user or "?"}
            yield [Reason("head-service", values)]
            return


def _cards(nvml: Nvml | None, host: Host | None) -> Iterator[Reason]:
    names = Counter(gpu.name or "?" for gpu in nvml.gpus) if nvml else Counter[str]()
    for name, count in names.items():
        yield Reason("head-gpu", {"name": name}) if count == 1 else Reason("head-gpus", {"name": name, "count": count})
    if not names:
        there = bool(host and host.pci_gpus)
        yield Reason("head-gpu-silent" if there else "head-no-gpu")
    driver = (nvml.driver if nvml else None) or (host.loaded_version if host else None)
    if driver and nvml and nvml.cuda:
        yield Reason("head-driver-cuda", {"driver": driver, "cuda": dotted(nvml.cuda)})
    elif driver:
        yield Reason("head-driver", {"driver": driver})


def _container(host: Host | None, interpreter: Interpreter | None) -> Iterator[Reason]:
    kind = (interpreter.container if interpreter else None) or (host.container if host else None)
    if kind:
        yield Reason("head-container", {"kind": kind})
