"""What the checks of this domain have in common: when a question does not arise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from retina_doctor.model import Inapplicable, Reason

from ..combined.asides import Asides, asides
from ..facts.ort_gpu import OrtFiles, OrtRuntime

NO_ONNXRUNTIME = Inapplicable(Reason("no-onnxruntime"))
NO_GPU_BUILD = Inapplicable(Reason("no-gpu-build"))
BROKEN = Inapplicable(Reason("onnxruntime-broken"))
SUBJECT = "onnxruntime"


def no_provider(files: OrtFiles, runtime: OrtRuntime | None = None) -> Inapplicable | None:
    """Why the CUDA provider and its libraries are no question here."""
    if not files.distributions and not files.folder:
        return NO_ONNXRUNTIME
    if (runtime is not None and runtime.empty) or files.is_broken:
        return BROKEN
    in_force = files.in_force
    return NO_GPU_BUILD if files.provider is None or in_force is None or not in_force.gpu else None


def notes(advice: Mapping[str, Any]) -> Asides:
    """What to mind with the build that is advised: that none runs here before the driver is updated, or what it needs."""
    return asides(None if advice["fits"] else _none_runs(advice), libraries_come_along(advice))


def libraries_come_along(advice: Mapping[str, Any]) -> Reason | None:
    return Reason("preload-libraries") if advice["brings_libraries"] else None


def _none_runs(advice: Mapping[str, Any]) -> Reason:
    here = {"driver": advice["driver"] or "?", "cuda": advice["driver_cuda"] or "?"}
    least = advice["least_driver"]
    return Reason("no-build-runs-below", {**here, "least": least}) if least else Reason("no-build-runs", here)


def another_version(advice: Mapping[str, Any]) -> bool:
    """The installed build does not run on this driver, and another one does."""
    return bool(advice["version"] and advice["driver_cuda"]) and not advice["keeps_version"]


def runs_here(advice: Mapping[str, Any]) -> Reason:
    return Reason("driver-runs-build", {key: advice[key] for key in ("driver", "driver_cuda", "version")})
