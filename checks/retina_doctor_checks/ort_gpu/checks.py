"""RD261 to RD265, RD270: is onnxruntime there, is it the GPU build, and does a real session get the GPU?"""

from __future__ import annotations

import re
from collections.abc import Iterator

from retina_doctor.authoring import Action, Answer, check, evidence_of
from retina_doctor.model import Inapplicable, Outcome, Passed, Problem, Reading, Reason, Severity, Unknown

from ..advice.compatible import onnxruntime_advice
from ..advice.machine import MachineSeen
from ..combined.asides import asides, of_ending
from ..combined.port_owner import Guess
from ..combined.processor import understood
from ..combined.refusals import entries, meaning, quoted
from ..combined.refusals import of_ending as meaning_of_ending
from ..facts.models import Model
from ..facts.ort_gpu import Attempt, OrtFiles, OrtRuntime
from ..facts.python_env import Extensions
from ..scopes import gpu_meant
from .situation import BROKEN, NO_ONNXRUNTIME, SUBJECT, another_version, notes, runs_here

WORDS = {"plain": "without preload_dlls", "preload": "after preload_dlls", "torch": "after import torch"}
"""In the stages that the looking tells (probes/ort_gpu/look_runtime.py)."""
HOW = {"plain": "", "preload": " (preload_dlls)", "torch": " (import torch)"}
TORCH_CONTENTS = ("torch-zip", "torch-legacy")


def needs_torch_only(model: Model | None) -> bool:
    return model is not None and bool(model.files) and all(file.content in TORCH_CONTENTS for file in model.files)


@check("RD261", "ort-missing", Severity.ERROR, pitfall=2, action=Action.PIP)
def ort_missing(files: OrtFiles, machine: MachineSeen, model: Model | None, guessed: Guess) -> Answer:
    if files.distributions or files.folder:
        return None
    if needs_torch_only(model):
        return Inapplicable(Reason("onnxruntime-not-needed"))
    advice = onnxruntime_advice(machine)
    fitting = {"what": advice["install"], "driver": advice["driver"], "cuda": advice["driver_cuda"]}
    more = asides(Reason("fits-this-machine", fitting) if advice["fits"] and advice["driver_cuda"] else None)
    evidence = {**advice, "more": more, "notes": notes(advice)}
    variant = "fits" if advice["fits"] else "nothing-fits"
    return Problem(subject=SUBJECT, evidence=evidence, variant=variant, at_most=guessed.at_most)


@check("RD262", "ort-import-fails", Severity.ERROR, pitfall=2, action=Action.PIP)
def ort_import_fails(runtime: Reading[OrtRuntime], files: OrtFiles | None, extensions: Extensions | None) -> Answer:
    """Speaks for the looking at onnxruntime in use: it raised, crashed or hung.

    A failed import of a package that is alone and seems whole is mended by installing it anew; nothing is known of a hang.
    """
    if runtime.outcome is Outcome.OK:
        return NO_ONNXRUNTIME if runtime.value and not runtime.value.installed else None
    stage = runtime.recorded.stage or ""
    importing = stage == "importing onnxruntime" and runtime.outcome is not Outcome.TIMED_OUT
    meant = meaning_of_ending(runtime.recorded)
    cured = importing and (meant is None or meant.row.again)
    alone = files.distributions[0] if files and len(files.distributions) == 1 and cured else None
    opening = _way(stage, bool(runtime.recorded.facts.get("preloads")))
    session = None if opening is None else "session" if opening == "plain" else f"session-after-{opening}"
    ended = {**evidence_of(runtime), **understood(meant, extensions)}
    evidence = {
        **ended,
        "more": of_ending(ended, lines=5),
        "notes": asides(Reason("fix-what-it-means") if meant else None),
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
    advice = onnxruntime_advice(machine)
    evidence = {
        **advice,
        "notes": asides(runs_here(advice) if another_version(advice) and (one is None or one.gpu) else None),
        "installed": f"{one.name} {one.version}" if one else None,
        "name": one.name if one else None,
        "folder": files.folder,
        "missing": list(one.missing) if one else ["onnxruntime/__init__.py"],
    }
    if one and not (one.gpu and _names(advice["requirement"], one.name)):
        # Another package over what is left of this one would leave two that fill the folder.
        evidence["requirement"] = f"{one.name}=={one.version}"
        evidence["install"] = [evidence["requirement"]]
    return Problem(subject=SUBJECT, evidence=evidence, variant="registered" if one else "folder-alone")


def _names(requirement: object, name: str) -> bool:
    return re.split(r"[\[=<>~!]", str(requirement or ""))[0] == name


@check("RD264", "ort-both-packages", Severity.ERROR, pitfall=2, scope=gpu_meant, action=Action.PIP)
def ort_both_packages(files: OrtFiles, machine: MachineSeen) -> Answer:
    if not files.distributions:
        return Unknown(missing=("ort_files",)) if files.folder else NO_ONNXRUNTIME
    if len(files.distributions) < 2:
        return None
    in_force, advice = files.in_force, onnxruntime_advice(machine)
    keys = ("installed_version", "installed_cuda", "driver", "driver_cuda", "version")
    wrong = Reason("do-not-reinstall", {key: advice[key] for key in keys})
    return Problem(
        subject=SUBJECT,
        evidence={
            **advice,
            "more": asides(wrong if another_version(advice) and advice["installed_cuda"] else None),
            "notes": notes(advice),
            "installed": [f"{d.name} {d.version}" for d in files.distributions],
            "names": [d.name for d in files.distributions],
            "in_force": in_force.name if in_force else None,
            "gpu_in_force": in_force.gpu if in_force else None,
        },
        variant="mixture" if in_force is None else "gpu-build" if in_force.gpu else "cpu-build",
    )


@check("RD265", "ort-cpu-package", Severity.ERROR, pitfall=2, scope=gpu_meant, action=Action.PIP)
def ort_cpu_package(files: OrtFiles, machine: MachineSeen) -> Answer:
    if not files.distributions:
        return Unknown(missing=("ort_files",)) if files.folder else NO_ONNXRUNTIME
    if len(files.distributions) > 1 or files.gpu:
        return None
    one = files.distributions[0]
    advice = onnxruntime_advice(machine)
    evidence = {
        **advice,
        "more": asides(runs_here(advice) if advice["driver_cuda"] and advice["version"] else None),
        "notes": notes(advice),
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
    quotation = meant.line if meant else quoted(said) if said else None
    error = tried.session_error or tried.run_error
    return Problem(
        subject=SUBJECT,
        evidence={
            "more": [
                *asides(*_came_to(tried), _said(failure, quotation, error)),
                *of_ending({"means": meant and meant.told}),
            ],
            "notes": asides(Reason(f"ran-{runtime.ways[0]}") if runtime.ways else None),
            "version": runtime.version,
            "package": runtime.package_name,
            "session": list(tried.session) if tried.session is not None else None,
            "nodes": tried.nodes,
            "cuda_error": int(failure[1]) if failure else None,
            "cuda_error_words": failure[2] if failure else None,
            "said": quotation,
            "means": meant.told if meant else None,
            "error": error,
            "gpu_build": files.in_force.gpu if files.in_force else None,
            "ways": list(runtime.ways),
        },
    )


def _came_to(tried: Attempt) -> Iterator[Reason]:
    yield Reason("session-has", {"providers": list(tried.session)}) if tried.session else Reason("no-session")
    if tried.nodes:
        yield Reason("nodes-ran-on", {"nodes": [f"{name}: {count}" for name, count in tried.nodes.items()]})


def _said(failure: re.Match[str] | None, said: str | None, error: str | None) -> Reason | None:
    if failure:
        return Reason("cuda-error-is", {"code": failure[1], "words": failure[2]})
    if said:
        return Reason("onnxruntime-said", {"line": said})
    return Reason("failed-with", {"error": error}) if error else None
