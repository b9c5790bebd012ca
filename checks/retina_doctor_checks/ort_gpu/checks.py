"""RD261 to RD265, RD270: is onnxruntime there, is it the GPU build, and does a real session get the GPU?"""

from __future__ import annotations

import re

from retina_doctor.authoring import Action, Answer, check, evidence_of
from retina_doctor.model import Inapplicable, Outcome, Passed, Problem, Reading, Reason, Severity, Unknown

from ..advice.compatible import onnxruntime_advice
from ..advice.machine import MachineSeen
from ..combined.processor import understood
from ..combined.refusals import entries, meaning, of_ending, quoted
from ..facts.models import Model
from ..facts.ort_gpu import OrtFiles, OrtRuntime
from ..facts.python_env import Extensions
from ..scopes import gpu_meant
from .situation import BROKEN, NO_ONNXRUNTIME, SUBJECT

WORDS = {"plain": "without preload_dlls", "preload": "after preload_dlls", "torch": "after import torch"}
"""In the stages that the looking tells (probes/ort_gpu/look_runtime.py)."""
HOW = {"plain": "", "preload": " (preload_dlls)", "torch": " (import torch)"}
TORCH_CONTENTS = ("torch-zip", "torch-legacy")


def needs_torch_only(model: Model | None) -> bool:
    return model is not None and bool(model.files) and all(file.content in TORCH_CONTENTS for file in model.files)


@check("RD261", "ort-missing", Severity.ERROR, pitfall=2, action=Action.PIP)
def ort_missing(files: OrtFiles, machine: MachineSeen, model: Model | None) -> Answer:
    if files.distributions or files.folder:
        return None
    if needs_torch_only(model):
        return Inapplicable(Reason("onnxruntime-not-needed"))
    return Problem(subject=SUBJECT, evidence=onnxruntime_advice(machine))


@check("RD262", "ort-import-fails", Severity.ERROR, pitfall=2, action=Action.PIP)
def ort_import_fails(runtime: Reading[OrtRuntime], files: OrtFiles | None, extensions: Extensions | None) -> Answer:
    """Speaks for the looking at onnxruntime in use: it raised, crashed or hung.

    A failed import of a package that is alone and seems whole is mended by installing it anew; nothing is known of a hang.
    """
    if runtime.outcome is Outcome.OK:
        return NO_ONNXRUNTIME if runtime.value and not runtime.value.installed else None
    stage = runtime.recorded.stage or ""
    importing = stage == "importing onnxruntime" and runtime.outcome is not Outcome.TIMED_OUT
    meant = of_ending(runtime.recorded)
    cured = importing and (meant is None or meant.row.again)
    alone = files.distributions[0] if files and len(files.distributions) == 1 and cured else None
    opening = _way(stage, bool(runtime.recorded.facts.get("preloads")))
    session = None if opening is None else "session" if opening == "plain" else f"session-after-{opening}"
    evidence = {
        **evidence_of(runtime),
        **understood(meant, extensions),
        "version": runtime.recorded.facts.get("version"),
        "opening": opening,
        "reinstall": f"{alone.name}=={alone.version}" if alone else None,
    }
    return Problem(subject=SUBJECT, evidence=evidence, variant="reinstall" if alone else session or "import")


def _way(stage: str, preloads: bool) -> str | None:
    """How the session was to be opened in the stage that died; None: it was another stage."""
    if not stage.startswith("opening a session"):
        return None
    return next((how for how, words in WORDS.items() if words in stage), "preload" if preloads else "plain")


@check("RD263", "ort-broken-install", Severity.ERROR, pitfall=2, action=Action.PIP)
def ort_broken_install(files: OrtFiles, machine: MachineSeen) -> Answer:
    if not files.distributions and not files.folder:
        return NO_ONNXRUNTIME
    if not files.is_broken or len(files.distributions) > 1:
        return None
    one = files.distributions[0] if files.distributions else None
    evidence = {
        **onnxruntime_advice(machine),
        "installed": f"{one.name} {one.version}" if one else None,
        "name": one.name if one else None,
        "folder": files.folder,
        "missing": list(one.missing) if one else ["onnxruntime/__init__.py"],
    }
    if one and not one.gpu:
        evidence["requirement"] = f"{one.name}=={one.version}"
        evidence["install"] = [evidence["requirement"]]
    return Problem(subject=SUBJECT, evidence=evidence)


@check("RD264", "ort-both-packages", Severity.ERROR, pitfall=2, scope=gpu_meant, action=Action.PIP)
def ort_both_packages(files: OrtFiles, machine: MachineSeen) -> Answer:
    if not files.distributions:
        return Unknown(missing=("ort_files",)) if files.folder else NO_ONNXRUNTIME
    if len(files.distributions) < 2:
        return None
    in_force = files.in_force
    return Problem(
        subject=SUBJECT,
        evidence={
            **onnxruntime_advice(machine),
            "installed": [f"{d.name} {d.version}" for d in files.distributions],
            "names": [d.name for d in files.distributions],
            "in_force": in_force.name if in_force else None,
            "gpu_in_force": in_force.gpu if in_force else None,
        },
    )


@check("RD265", "ort-cpu-package", Severity.ERROR, pitfall=2, scope=gpu_meant, action=Action.PIP)
def ort_cpu_package(files: OrtFiles, machine: MachineSeen) -> Answer:
    if not files.distributions:
        return Unknown(missing=("ort_files",)) if files.folder else NO_ONNXRUNTIME
    if len(files.distributions) > 1 or files.gpu:
        return None
    one = files.distributions[0]
    evidence = {
        **onnxruntime_advice(machine),
        "installed": f"{one.name} {one.version}",
        "name": one.name,
    }
    return Problem(subject=SUBJECT, evidence=evidence)


@check("RD270", "ort-session-on-cpu", Severity.ERROR, pitfall=2, scope=gpu_meant, action=Action.LOOK)
def ort_session_on_cpu(files: OrtFiles, runtime: OrtRuntime) -> Answer:
    """The symptom behind all others of this domain, judged on a real session: which providers it has, what ran where."""
    if not runtime.installed:
        return NO_ONNXRUNTIME
    if runtime.empty:
        return BROKEN
    tried = runtime.service
    if tried is None:
        return Unknown(missing=("ort_runtime",))
    if tried.on_cuda:
        return Passed(Reason("session-on-cuda", {"version": runtime.version, "how": HOW[tried.how]}))
    text = tried.said
    if tried.nodes is None and not re.search(r"(?i)cuda|cudnn|cublas|ExecutionProvider|libcu", text):
        return Unknown(missing=("ort_runtime",))  # the trial failed for a reason that says nothing of the GPU
    failure = re.search(r"CUDA failure (\d+): (.*?) ; GPU=", text)
    telling = re.compile(r"Failed to load|CUD\w+ failure|CUDA error|cuDNN is unavailable|EP Error")
    said = next((one for one in entries(text.splitlines()) if telling.search(one)), None)
    meant = meaning(said, text)
    return Problem(
        subject=SUBJECT,
        evidence={
            "version": runtime.version,
            "package": runtime.package_name,
            "session": list(tried.session) if tried.session is not None else None,
            "nodes": tried.nodes,
            "cuda_error": int(failure[1]) if failure else None,
            "cuda_error_words": failure[2] if failure else None,
            "said": meant.line if meant else quoted(said) if said else None,
            "means": meant.told if meant else None,
            "error": tried.session_error or tried.run_error,
            "gpu_build": files.in_force.gpu if files.in_force else None,
            "ways": list(runtime.ways),
        },
    )
