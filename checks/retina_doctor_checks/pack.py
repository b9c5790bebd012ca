"""The checks for RetinaFace / InsightFace services: one folder per domain."""

from pathlib import Path

from retina_doctor.authoring import Pack, RunningService
from retina_doctor.settings import Settings

from . import figures, first_screen, restarting
from .causes import causes
from .container.domain import domain as container
from .detection.domain import domain as detection
from .driver.domain import domain as driver
from .expect.domain import domain as expect
from .inference.domain import domain as inference
from .memory.domain import domain as memory
from .models.domain import domain as models
from .ort_gpu.domain import domain as ort_gpu
from .python_env.domain import domain as python_env
from .service.domain import domain as service
from .source.domain import domain as source
from .torch_cuda.domain import domain as torch_cuda


def services(settings: Settings) -> tuple[RunningService, ...]:
    from .running import services as find

    return find(settings)


def python(settings: Settings) -> tuple[str, ...] | None:
    from .started import python_of_start

    return python_of_start(settings)


def started(settings: Settings) -> dict[str, dict[str, str]]:
    from .started import said_by_start

    return said_by_start(settings)


pack = Pack(
    started=started,
    name="retinaface",
    domains=(
        models,
        driver,
        container,
        torch_cuda,
        ort_gpu,
        python_env,
        memory,
        detection,
        service,
        inference,
        source,
        expect,
    ),
    causes=causes,
    reasons=Path(__file__).parent / "reasons.toml",
    services=services,
    python=python,
    rows=first_screen.rows,
    head=first_screen.head,
    restarted=restarting.restarted,
    figures=(figures.memory, figures.times, figures.detections),
    measures=figures.measures,
    knowledge="2026-12",
    examples=Path(__file__).parent / "examples.json",
)
