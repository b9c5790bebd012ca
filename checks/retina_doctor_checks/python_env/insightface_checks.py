"""RD287, RD288, RD292: is insightface there, whole, and of a release that fits what is around it?"""

from __future__ import annotations

from retina_doctor.authoring import Action, Answer, check
from retina_doctor.model import Inapplicable, Problem, Reason, Severity, Unknown

from ..advice.compatible import onnxruntime_advice
from ..advice.machine import MachineSeen
from ..combined.asides import asides
from ..combined.port_owner import Guess
from ..combined.start_need import alone_missing, at_most
from ..facts.models import Model
from ..facts.python_env import Packages
from ..facts.service_start import Start
from ..models.download_checks import is_unknown_pack
from ..scopes import gpu_meant

NO_INSIGHTFACE = Inapplicable(Reason("no-insightface"))


def reinstalled_onnxruntime(machine: MachineSeen) -> dict[str, object]:
    """Evidence for what must follow `pip install insightface`, which from 1.0 on brings the CPU build of onnxruntime along."""
    if machine.ort is None or machine.ort.gpu is None:
        return {"replaced": [], "onnxruntime": [], "notes": []}
    return {
        "replaced": ["onnxruntime", "onnxruntime-gpu"],
        "onnxruntime": onnxruntime_advice(machine)["install"],
        "notes": asides(Reason("insightface-brings-onnxruntime")),
    }


@check("RD287", "insightface-build-failed", Severity.ERROR, action=Action.PIP)
def insightface_build_failed(packages: Packages, machine: MachineSeen) -> Answer:
    """Releases before 1.0 have a compiled part; here it is missing, or was compiled for another Python."""
    seen = packages.insightface
    if seen is None:
        return NO_INSIGHTFACE
    if seen.extension is not False:
        return None
    evidence = {
        "version": seen.version,
        "path": seen.path,
        "compiler": packages.compiler,
        "headers": packages.headers,
        "more": asides(
            None if packages.compiler else Reason("no-compiler"),
            None if packages.headers else Reason("no-python-headers"),
        ),
        **reinstalled_onnxruntime(machine),
    }
    return Problem(subject="module:insightface", evidence=evidence)


@check("RD288", "insightface-api-mismatch", Severity.ERROR, pitfall=2, scope=gpu_meant, action=Action.PIP)
def insightface_api_mismatch(packages: Packages, machine: MachineSeen) -> Answer:
    """A release so old that FaceAnalysis cannot be told which provider to use: today's code fails on it with a TypeError."""
    seen = packages.insightface
    if seen is None:
        return NO_INSIGHTFACE
    if seen.takes_providers is None:
        return Unknown(("packages",))
    if seen.takes_providers:
        return None
    after = reinstalled_onnxruntime(machine)
    return Problem(subject="module:insightface", evidence={"version": seen.version, "path": seen.path, **after})


@check("RD292", "insightface-missing", Severity.ERROR, pitfall=1, action=Action.PIP)
def insightface_missing(
    packages: Packages, model: Model | None, machine: MachineSeen, start: Start | None, guessed: Guess
) -> Answer:
    """A pack is a thing of insightface's: nothing else loads it by its name."""
    if packages.insightface is not None:
        return None
    imported = alone_missing(start, "insightface")
    if imported is not None:
        told = {"file": imported.file, "line": imported.line, **reinstalled_onnxruntime(machine)}
        capped = at_most(start) or guessed.at_most
        return Problem(subject="module:insightface", evidence=told, variant="imported", at_most=capped)
    if model is None:
        return Unknown(("models",))
    if model.kind != "pack":
        return Inapplicable(Reason("insightface-not-needed"))
    if is_unknown_pack(model):
        return Inapplicable(Reason("no-pack-of-insightface"))
    after = reinstalled_onnxruntime(machine)
    return Problem(subject="module:insightface", evidence={"pack": model.named, **after}, variant="pack")
