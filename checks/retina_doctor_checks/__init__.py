"""The checks for RetinaFace / InsightFace services: one folder per domain."""

from pathlib import Path

from retina_doctor.authoring import Pack

from . import detection, driver, inference, models, ort_gpu, python_env, torch_cuda
from .causes import causes

pack = Pack(
    name="retinaface",
    domains=(models.domain, driver.domain, torch_cuda.domain, ort_gpu.domain, python_env.domain, inference.domain, detection.domain),
    causes=causes,
    reasons=Path(__file__).parent / "reasons.toml",
)
