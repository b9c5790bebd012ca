"""What of the doctor's command names the process that a restart of the service ends."""

from __future__ import annotations

from collections.abc import Iterator

from retina_doctor.authoring import Settings
from retina_doctor.model import Target

from .facts.service import Ports
from .facts.service_process import Processes
from .settings import ServiceSettings

Words = tuple[str, ...]


DETECTING = ("onnxruntime_pybind11", "libonnxruntime.", "libtorch", "cv2")
"""Beginnings of what a process has loaded that is found without its number (`running.detecting`)."""


def restarted(
    settings: Settings, target: Target, ports: Ports | None, processes: Processes | None
) -> Iterator[tuple[Words, Words]]:
    """The new process has another number, and listens where the old one did. Without a port the doctor finds it unasked."""
    service, live = settings.of(ServiceSettings), processes.service if processes is not None else None
    if service.pid is None or not service.attach or not target.of_a_process:
        return
    if live is not None and live.readable and not live.has(*DETECTING):
        return
    process = ports.process if ports is not None else None
    listening = sorted(one.port for one in (process.sockets if process is not None else None) or ())
    named = service.port is not None or service.url is not None or not listening
    yield ("--pid", str(service.pid)), () if named else ("--port", str(listening[0]))
