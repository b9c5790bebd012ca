"""Tells what decides over the target's cards: variables, device nodes and the driver's libraries, as its user sees them."""

from __future__ import annotations

import os

from retina_doctor.hints import Any
from retina_doctor_checks.probes.driver import driver_files
from retina_doctor_checks.probes.native import loader, places

NAMES = (
    "CUDA_VISIBLE_DEVICES",
    "CUDA_DEVICE_ORDER",
    "NVIDIA_VISIBLE_DEVICES",
    "NVIDIA_DRIVER_CAPABILITIES",
    "LD_LIBRARY_PATH",
)
SLOWING = (
    "CUDA_LAUNCH_BLOCKING",
    "CUDA_FORCE_PTX_JIT",
    "CUDA_CACHE_DISABLE",
    "CUDA_INJECTION64_PATH",
    "PYTORCH_NO_CUDA_MEMORY_CACHING",
)
MPS_PIPES = "/tmp/nvidia-mps"  # noqa: S108 - where CUDA looks without the variable (docs.nvidia.com/deploy/mps)
LIBRARIES = {"libcuda": "libcuda.so.1", "libnvidia_ml": "libnvidia-ml.so.1"}


def look(probe: Any, _arguments: dict[str, Any]) -> None:
    probe.tell(**{name.lower(): os.environ.get(name) for name in NAMES})
    given = [(name, os.environ.get(name)) for name in SLOWING]
    probe.tell(slowing=[{"name": name, "value": value} for name, value in given if value is not None])
    pipes = os.environ.get("CUDA_MPS_PIPE_DIRECTORY")
    probe.tell(mps_pipe_directory=pipes, mps_control=os.path.exists(os.path.join(pipes or MPS_PIPES, "control")))
    answer = loader.trace(list(LIBRARIES.values()))
    for fact, soname in LIBRARIES.items():
        path = answer["found"].get(soname)
        probe.tell(**{fact: os.path.realpath(path) if path else None})
    probe.tell(loader_problem=answer["problem"], nodes=driver_files.nodes())
    libraries = driver_files.libraries(list(dict.fromkeys(places.library_path())))
    probe.tell(libraries=[dict(one, on_loader_path=True) for one in libraries])
