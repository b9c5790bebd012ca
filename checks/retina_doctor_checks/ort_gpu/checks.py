"""RD26x: is onnxruntime there, is it the GPU build, and does a real session get the GPU?"""

from __future__ import annotations

import re

from retina_doctor.authoring import Answer, check
from retina_doctor.model import Inapplicable, Interpreter, Outcome, Problem, Reading, Reason, Severity, Unknown
from retina_doctor.own_checks import evidence_of
from retina_doctor.settings import Settings

from ..driver.facts import GpuEnvironment, Nvml
from ..models.facts import Model
from ..scopes import gpu_meant
from ..versions import dotted
from .advice import advice
from .facts import OrtFiles, OrtRuntime
from .libraries import Unfound, cuda_libraries, cudnn_libraries, major

TORCH_CONTENTS = ("torch-zip", "torch-legacy")
NO_ONNXRUNTIME = Inapplicable(Reason("no-onnxruntime"))
NO_GPU_BUILD = Inapplicable(Reason("no-gpu-build"))
BROKEN = Inapplicable(Reason("onnxruntime-broken"))
SUBJECT = "onnxruntime"


def needs_torch_only(model: Model | None) -> bool:
    return model is not None and bool(model.files) and all(file.content in TORCH_CONTENTS for file in model.files)


@check("RD261", "ort-missing", Severity.ERROR, pitfall=2)
def ort_missing(
    files: OrtFiles,
    model: Model | None,
    settings: Settings,
    interpreter: Interpreter,
    nvml: Nvml | None,
    gpus: GpuEnvironment | None,
) -> Answer:
    if files.distributions or files.folder:
        return None
    if needs_torch_only(model):
        return Inapplicable(Reason("onnxruntime-not-needed"))
    return Problem(subject=SUBJECT, evidence=advice(settings, interpreter, nvml, gpus, files))


@check("RD262", "ort-import-fails", Severity.ERROR, pitfall=2)
def ort_import_fails(runtime: Reading[OrtRuntime]) -> Answer:
    """Speaks for the looking at onnxruntime in use: it raised, crashed or hung."""
    if runtime.outcome is Outcome.OK:
        return NO_ONNXRUNTIME if runtime.value and not runtime.value.installed else None
    return Problem(subject=SUBJECT, evidence=evidence_of(runtime))


@check("RD263", "ort-broken-install", Severity.ERROR, pitfall=2)
def ort_broken_install(
    files: OrtFiles,
    settings: Settings,
    interpreter: Interpreter,
    nvml: Nvml | None,
    gpus: GpuEnvironment | None,
) -> Answer:
    if not files.distributions and not files.folder:
        return NO_ONNXRUNTIME
    if not files.is_broken or len(files.distributions) > 1:
        return None
    one = files.distributions[0] if files.distributions else None
    evidence = {
        **advice(settings, interpreter, nvml, gpus, files),
        "installed": f"{one.name} {one.version}" if one else None,
        "name": one.name if one else None,
        "folder": files.folder,
        "missing": list(one.missing) if one else ["onnxruntime/__init__.py"],
    }
    if one and not one.gpu:
        evidence["requirement"] = f"{one.name}=={one.version}"
        evidence["install"] = [evidence["requirement"]]
    return Problem(subject=SUBJECT, evidence=evidence)


@check("RD264", "ort-both-packages", Severity.ERROR, pitfall=2, scope=gpu_meant)
def ort_both_packages(
    files: OrtFiles,
    settings: Settings,
    interpreter: Interpreter,
    nvml: Nvml | None,
    gpus: GpuEnvironment | None,
) -> Answer:
    if not files.distributions:
        return Unknown(missing=("ort_files",)) if files.folder else NO_ONNXRUNTIME
    if len(files.distributions) < 2:
        return None
    in_force = files.in_force
    return Problem(
        subject=SUBJECT,
        evidence={
            **advice(settings, interpreter, nvml, gpus, files),
            "installed": [f"{d.name} {d.version}" for d in files.distributions],
            "names": [d.name for d in files.distributions],
            "in_force": in_force.name if in_force else None,
            "gpu_in_force": in_force.gpu if in_force else None,
        },
    )


@check("RD265", "ort-cpu-package", Severity.ERROR, pitfall=2, scope=gpu_meant)
def ort_cpu_package(
    files: OrtFiles,
    settings: Settings,
    interpreter: Interpreter,
    nvml: Nvml | None,
    gpus: GpuEnvironment | None,
) -> Answer:
    if not files.distributions:
        return Unknown(missing=("ort_files",)) if files.folder else NO_ONNXRUNTIME
    if len(files.distributions) > 1 or files.gpu:
        return None
    one = files.distributions[0]
    evidence = {
        **advice(settings, interpreter, nvml, gpus, files),
        "installed": f"{one.name} {one.version}",
        "name": one.name,
    }
    return Problem(subject=SUBJECT, evidence=evidence)


def no_provider(files: OrtFiles, runtime: OrtRuntime) -> Inapplicable | None:
    """Why the libraries of the CUDA provider are no question here."""
    if not runtime.installed:
        return NO_ONNXRUNTIME
    if runtime.empty or files.is_broken:
        return BROKEN
    in_force = files.in_force
    return NO_GPU_BUILD if files.provider is None or in_force is None or not in_force.gpu else None


def library_evidence(unfound: Unfound, files: OrtFiles, runtime: OrtRuntime) -> dict[str, object]:
    gpu = files.gpu
    return {
        "build": f"{gpu.name} {gpu.version}" if gpu else None,
        "build_cuda": dotted(gpu.cuda) if gpu else None,
        "missing": list(unfound.nowhere),
        "elsewhere": [{"soname": lib.soname, "path": lib.path, "kind": lib.kind} for lib in unfound.elsewhere],
        "other_major": [{"soname": lib.soname, "path": lib.path, "kind": lib.kind} for lib in unfound.other_major],
        "found": [one.soname for one in runtime.loader if one.error is None],
    }


@check("RD266", "ort-cuda-major-mismatch", Severity.ERROR, pitfall=2, scope=gpu_meant)
def ort_cuda_major_mismatch(
    files: OrtFiles,
    runtime: OrtRuntime,
    settings: Settings,
    interpreter: Interpreter,
    nvml: Nvml | None,
    gpus: GpuEnvironment | None,
) -> Answer:
    """Libraries of the needed CUDA major are nowhere, those of another major are there."""
    unfound = cuda_libraries(files, runtime)
    if no_provider(files, runtime) or not unfound.other_major:
        return no_provider(files, runtime)
    evidence = {
        **advice(settings, interpreter, nvml, gpus, files),
        **library_evidence(unfound, files, runtime),
        "present_major": major(unfound.other_major[0].soname),
    }
    return Problem(subject=SUBJECT, evidence=evidence)


@check("RD267", "ort-cuda-libs-missing", Severity.ERROR, pitfall=2, scope=gpu_meant)
def ort_cuda_libs_missing(
    files: OrtFiles,
    runtime: OrtRuntime,
    settings: Settings,
    interpreter: Interpreter,
    nvml: Nvml | None,
    gpus: GpuEnvironment | None,
) -> Answer:
    unfound = cuda_libraries(files, runtime)
    if no_provider(files, runtime) or not unfound.nowhere or unfound.other_major:
        return no_provider(files, runtime)
    evidence = {**advice(settings, interpreter, nvml, gpus, files), **library_evidence(unfound, files, runtime)}
    return Problem(subject=SUBJECT, evidence=evidence)


@check("RD268", "ort-cuda-libs-not-on-path", Severity.ERROR, pitfall=2, scope=gpu_meant)
def ort_cuda_libs_not_on_path(files: OrtFiles, runtime: OrtRuntime) -> Answer:
    """Everything is installed, and the loader looks elsewhere. A library that calls preload_dlls() mends that itself."""
    unfound, cudnn = cuda_libraries(files, runtime), cudnn_libraries(files, runtime)
    elsewhere = unfound.elsewhere + cudnn.elsewhere
    if no_provider(files, runtime) or unfound.nowhere or not elsewhere or runtime.on_cuda:
        return no_provider(files, runtime)
    if runtime.preloaded and all(lib.kind == "pip" for lib in elsewhere):
        return None
    evidence = {
        **library_evidence(Unfound(elsewhere=elsewhere, other_major=(), nowhere=()), files, runtime),
        "kinds": sorted({lib.kind for lib in elsewhere}),
        "folders": sorted({lib.path.rsplit("/", 1)[0] for lib in elsewhere}),
    }
    return Problem(subject=SUBJECT, evidence=evidence)


@check("RD269", "ort-cudnn-mismatch", Severity.ERROR, pitfall=2, scope=gpu_meant)
def ort_cudnn_mismatch(
    files: OrtFiles,
    runtime: OrtRuntime,
    settings: Settings,
    interpreter: Interpreter,
    nvml: Nvml | None,
    gpus: GpuEnvironment | None,
) -> Answer:
    """cuDNN of the needed major is nowhere; from onnxruntime-gpu 1.28 on it shows only when a convolution runs."""
    unfound = cudnn_libraries(files, runtime)
    if no_provider(files, runtime) or not unfound.nowhere:
        return no_provider(files, runtime)
    evidence = {
        **advice(settings, interpreter, nvml, gpus, files),
        **library_evidence(unfound, files, runtime),
        "needed_major": major(unfound.nowhere[0]),
        "run_error": runtime.run_error,
    }
    return Problem(subject=SUBJECT, evidence=evidence)


@check("RD270", "ort-session-on-cpu", Severity.ERROR, pitfall=2, scope=gpu_meant)
def ort_session_on_cpu(files: OrtFiles, runtime: OrtRuntime) -> Answer:
    """The symptom behind all others of this domain, judged on a real session: which providers it has, what ran where."""
    if not runtime.installed:
        return NO_ONNXRUNTIME
    if runtime.empty:
        return BROKEN
    on_cuda = bool(runtime.nodes and runtime.nodes.get("CUDAExecutionProvider"))
    if runtime.on_cuda and on_cuda and runtime.run_error is None:
        return None
    text = "\n".join([*runtime.log, runtime.session_error or "", runtime.run_error or ""])
    if runtime.nodes is None and not re.search(r"CUDA|cuDNN|cudnn|ExecutionProvider|libcu", text):
        return Unknown(missing=("ort_runtime",))  # the trial failed for a reason that says nothing of the GPU
    failure = re.search(r"CUDA failure (\d+): (.*?) ; GPU=", text)
    said = [
        line
        for line in text.splitlines()
        if re.search(r"Failed to load|CUDA failure|cuDNN is unavailable|EP Error", line)
    ]
    return Problem(
        subject=SUBJECT,
        evidence={
            "version": runtime.version,
            "package": runtime.package_name,
            "session": list(runtime.session) if runtime.session is not None else None,
            "nodes": runtime.nodes,
            "cuda_error": int(failure[1]) if failure else None,
            "cuda_error_words": failure[2] if failure else None,
            "said": said[0][:400] if said else None,
            "error": runtime.session_error or runtime.run_error,
            "gpu_build": files.in_force.gpu if files.in_force else None,
        },
    )
