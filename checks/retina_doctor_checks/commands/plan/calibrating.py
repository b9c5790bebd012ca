"""`retina-doctor plan --calibrate`: what this card takes of each process beside the model, out of a trial detection, and kept."""

from __future__ import annotations

import json
import posixpath
from pathlib import Path

from retina_doctor.catalogue.registry import installed
from retina_doctor.codec import DoesNotFit, decode, encode, to_json
from retina_doctor.errors import UsageError
from retina_doctor.files import read_regular, replace_file
from retina_doctor.judging.readings import Readings
from retina_doctor.model import Snapshot

from ...combined.memory_need import need_of
from ...facts.driver import Nvml
from ...facts.inference import CardUse, Inference
from ...facts.memory import Calibration, Calibrations, Footprint
from ...facts.models import Model
from ...facts.ort_gpu import OrtFiles
from ...settings_values import Size

MOST = 1 << 20
"""Bytes that the probe reads of it (probes/memory/look_calibrations.py)."""
CHECKS = ("memory", "smoke-on-cpu")


class NotMeasured(Exception):
    """A key of the words that says why."""


def measured(snapshot: Snapshot) -> Calibration:
    """What the trial detection took beside weights and activations. Raises NotMeasured.

    The arena may have taken up to `Need.growth` times the activations: the interval allows for that, so a small model and a
    small input make it narrow.
    """
    readings = Readings(snapshot, installed())
    inference, nvml, model = readings.value(Inference), readings.value(Nvml), readings.value(Model)
    ort, footprint = readings.value(OrtFiles), readings.value(Footprint)
    detector = model.detector if model else None
    if inference is None or inference.skipped or inference.input_size is None or detector is None or not detector.size:
        raise NotMeasured("not-run")
    if inference.framework != "onnxruntime" or not inference.on_cuda or inference.run_error:
        raise NotMeasured("not-on-cuda")
    card = _card(inference)
    gpu = next((one for one in nvml.gpus if card and one.uuid == card.uuid), None) if nvml else None
    if card is None or gpu is None or card.own_peak is None:
        raise NotMeasured("not-listed")
    version = ort.in_force.version if ort and ort.in_force else None
    need = need_of(detector.size, Size(*inference.input_size), footprint)
    least, most = (card.own_peak - need.weights - times * need.pixels for times in (need.growth, 1))
    if not need.measured or version is None or gpu.name is None or nvml is None or nvml.driver is None or least <= 0:
        raise NotMeasured("not-counted")
    return Calibration(
        gpu=gpu.name,
        driver=nvml.driver,
        onnxruntime=version,
        date=snapshot.created[:10],
        model=posixpath.basename(detector.path),
        size=inference.input_size,
        least=least,
        most=most,
    )


def _card(inference: Inference) -> CardUse | None:
    """The one on which NVML lists the process that ran the model."""
    listed = [card for card in inference.cards or () if card.own_peak is not None]
    return listed[0] if len(listed) == 1 else None


def keep(new: Calibration, snapshot: Snapshot) -> Calibrations:
    """Write *new* beside what is kept already, in place of what was measured before of the same card, driver and onnxruntime.

    Raises NotMeasured where there is no place for it, UsageError where what lies there is not ours to overwrite.
    """
    # Told also where what lies there is damaged.
    where = Readings(snapshot, installed()).of(Calibrations).recorded.facts.get("file")
    if not isinstance(where, str):
        raise NotMeasured("nowhere")
    file = Path(where)
    kept = tuple(one for one in _kept(file) if _what(one) != _what(new))
    told = Calibrations(file=where, cards=(*kept, new))
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        replace_file(file, to_json({"format": 1, "cards": encode(told.cards)}), private=True)
    except OSError as error:
        raise UsageError(f"{file}: cannot be written: {error.strerror}") from None
    return told


def _what(one: Calibration) -> tuple[str, str, str]:
    return (one.gpu, one.driver, one.onnxruntime)


def _kept(file: Path) -> tuple[Calibration, ...]:
    try:
        told = json.loads(read_regular(file, MOST))
        return decode({"file": None, "cards": told["cards"]}, Calibrations).cards
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise UsageError(f"{file}: cannot be read: {error.strerror or error}") from None
    except (ValueError, KeyError, TypeError, DoesNotFit) as error:
        raise UsageError(f"{file}: {error}; move it away to measure again") from None
