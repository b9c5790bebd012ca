"""The checks for RetinaFace / InsightFace services: one folder per domain."""

from pathlib import Path

from retina_doctor.authoring import Pack

from . import container, detection, driver, inference, memory, models, ort_gpu, python_env, service, torch_cuda
from .causes import causes

pack = Pack(
    name="retinaface",
    domains=(
        models.domain,
        driver.domain,
        container.domain,
        torch_cuda.domain,
        ort_gpu.domain,
        python_env.domain,
        memory.domain,
        detection.domain,
        service.domain,
        inference.domain,
    ),
    causes=causes,
    reasons=Path(__file__).parent / "reasons.toml",
)
