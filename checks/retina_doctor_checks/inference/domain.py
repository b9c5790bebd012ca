"""Does the service's own model find faces here, and where does it really run?"""

from pathlib import Path

from retina_doctor.authoring import Domain, Probe, Side
from retina_doctor.model import Json
from retina_doctor.settings import Settings

from ..facts.inference import Inference, KnownAnswer
from ..settings import DetectionSettings, GpuSettings, ModelSettings, ServiceSettings
from . import checks, known, known_checks

DEFAULT_SIZE, DEFAULT_THRESHOLD, DEFAULT_NMS = (640, 640), 0.5, 0.4
"""insightface's own defaults (0.7.3, app/face_analysis.py, model_zoo/retinaface.py)."""


def arguments(settings: Settings) -> dict[str, Json]:
    wanted, model = settings.of(DetectionSettings), settings.of(ModelSettings)
    return {
        "path": model.path,
        "root": model.root,
        "gpu": settings.of(GpuSettings).device != "cpu",
        "size": [wanted.size.width, wanted.size.height] if wanted.size else list(DEFAULT_SIZE),
        "threshold": DEFAULT_THRESHOLD if wanted.threshold is None else wanted.threshold,
        "nms": DEFAULT_NMS if wanted.nms is None else wanted.nms,
        "image": wanted.image,
        "save": wanted.save_picture,
        "posted": known.encoded(known.POSTED),
        # Seconds for what only the answer of a service is compared with.
        "spare": min(2.0, 0.1 * settings.gate.timeout) if settings.of(ServiceSettings).url is not None else None,
    }


PROBES = "retina_doctor_checks.probes"

probe = Probe(
    name="inference",
    facts=Inference,
    module=f"{PROBES}.inference.look_inference",
    side=Side.TARGET,
    heavy=True,
    hangs_with=("models", "cuda_driver"),
    arguments=arguments,
)

known_probe = Probe(
    name="known_answer",
    facts=KnownAnswer,
    module=f"{PROBES}.inference.look_known_answer",
    side=Side.TARGET,
    heavy=True,
    group="onnxruntime",
    hangs_with=("cuda_driver",),
    arguments=lambda settings: {"gpu": settings.of(GpuSettings).device != "cpu", **known.arguments()},
)

domain = Domain(
    name="inference",
    probes=(probe, known_probe),
    checks=(
        checks.smoke_inference_failed,
        checks.smoke_on_cpu,
        checks.smoke_wrong_result,
        checks.image_not_read,
        checks.smoke_too_slow,
        known_checks.known_answer_wrong,
        checks.host_memory_limit_too_small,
    ),
    pages=Path(__file__).parent / "pages",
)
