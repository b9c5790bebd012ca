"""RD266 to RD269, RD294, RD295: the libraries of CUDA and cuDNN that onnxruntime-gpu needs, as the loader finds them or not."""

from __future__ import annotations

from retina_doctor.authoring import Action, Answer, check
from retina_doctor.model import Inapplicable, Problem, Reading, Reason, Severity, Unknown
from retina_doctor.settings import Settings

from ..advice.compatible import onnxruntime_advice, preload
from ..advice.machine import MachineSeen
from ..combined.asides import asides
from ..combined.refusals import of_ending
from ..combined.refused import said_in_a_session
from ..facts.ort_gpu import Attempt, FoundLibrary, OrtFiles, OrtRuntime
from ..facts.torch_cuda import TorchRuntime
from ..scopes import gpu_meant
from ..versions import dotted
from .libraries import Unfound, cuda_libraries, cudnn_libraries, damaged, major, reinstalled
from .situation import NO_ONNXRUNTIME, SUBJECT, another_version, no_provider, runs_here

MIXED = "cuda-libs-mixed-releases"
USUAL = {"plain": "system", "preload": "pip", "torch": "torch"}
"""Kind of place from which an attempt has libraries that were not found in any known one."""


def settled(files: OrtFiles, runtime: OrtRuntime | None) -> tuple[bool, Answer]:
    """(whether there is an answer already, that answer): no question here, or a session on CUDA has answered it."""
    answer = no_provider(files, runtime)
    if answer is not None:
        return True, answer
    if runtime is not None and runtime.on_cuda:
        return True, None
    if files.provider is not None and files.provider.found is None and not damaged(files):
        return True, Unknown(("ort_files",))
    return False, None


def _reached(runtime: OrtRuntime | None) -> Attempt | None:
    """An attempt that got to the GPU on a way that the service does not go."""
    return next((one for one in runtime.attempts[1:] if one.on_cuda), None) if runtime else None


def _mapped(attempt: Attempt, files: OrtFiles) -> tuple[FoundLibrary, ...]:
    """Where it had the libraries from that the loader does not find by itself."""
    missing = files.provider.missing if files.provider else ()
    kinds = {library.path: library.kind for library in files.libraries}
    return tuple(
        FoundLibrary(soname=soname, path=path, kind=kinds.get(path, USUAL[attempt.how]))
        for soname in missing
        for path in attempt.mapped
        if path.rpartition("/")[2].startswith(soname)
    )


def evidence_of(unfound: Unfound, files: OrtFiles) -> dict[str, object]:
    gpu = files.gpu
    return {
        "build": f"{gpu.name} {gpu.version}" if gpu else None,
        "build_cuda": dotted(gpu.cuda) if gpu else None,
        "missing": list(unfound.nowhere),
        "elsewhere": [{"soname": lib.soname, "path": lib.path, "kind": lib.kind} for lib in unfound.elsewhere],
        "other_major": [{"soname": lib.soname, "path": lib.path, "kind": lib.kind} for lib in unfound.other_major],
        "found": sorted((files.provider.found or {}) if files.provider else ()),
        "sonames": [lib.soname for lib in unfound.elsewhere],
        "other_paths": [lib.path for lib in unfound.other_major[:3]],
    }


@check("RD266", "ort-cuda-major-mismatch", Severity.ERROR, pitfall=2, scope=gpu_meant, action=Action.PIP)
def ort_cuda_major_mismatch(files: OrtFiles, machine: MachineSeen, runtime: OrtRuntime | None) -> Answer:
    """Libraries of the needed CUDA major are nowhere, those of another major are there."""
    done, answer = settled(files, runtime)
    unfound = cuda_libraries(files)
    if done or damaged(files) or _reached(runtime) or not unfound.other_major:
        return answer
    advice = onnxruntime_advice(machine)
    evidence = {
        **advice,
        "preload": preload(files),
        "notes": asides(runs_here(advice) if another_version(advice) else None),
        **evidence_of(unfound, files),
        "present_major": major(unfound.other_major[0].soname),
    }
    return Problem(subject=SUBJECT, evidence=evidence)


@check("RD267", "ort-cuda-libs-missing", Severity.ERROR, pitfall=2, scope=gpu_meant, action=Action.PIP)
def ort_cuda_libs_missing(files: OrtFiles, machine: MachineSeen, runtime: OrtRuntime | None) -> Answer:
    done, answer = settled(files, runtime)
    unfound, broken = cuda_libraries(files), damaged(files)
    if done or _reached(runtime) or not (broken or (unfound.nowhere and not unfound.other_major)):
        return answer
    evidence = {
        **onnxruntime_advice(machine),
        "preload": preload(files),
        **evidence_of(unfound, files),
        "damaged": broken.path if broken else None,
        "damage": broken.damage if broken else None,
        "reinstall": reinstalled(files, [*unfound.nowhere, *([broken.soname] if broken else [])]),
    }
    if broken:
        evidence["missing"] = []  # the loader gave up before it came to them
    closed = broken is not None and broken.damage == "EACCES"
    return Problem(
        subject=SUBJECT, evidence=evidence, variant="closed" if closed else "damaged" if broken else "missing"
    )


@check("RD268", "ort-cuda-libs-not-on-path", Severity.ERROR, pitfall=2, scope=gpu_meant, action=Action.EDIT)
def ort_cuda_libs_not_on_path(files: OrtFiles, runtime: OrtRuntime | None) -> Answer:
    """Everything is installed, and the loader looks elsewhere. A library that calls preload_dlls() mends that itself."""
    done, answer = settled(files, runtime)
    unfound, cudnn = cuda_libraries(files), cudnn_libraries(files)
    reached = _reached(runtime)
    elsewhere = _mapped(reached, files) if reached else unfound.elsewhere + cudnn.elsewhere
    if done or damaged(files) or not elsewhere or (unfound.nowhere and not reached):
        return answer
    if files.preloaded_by and all(lib.kind == "pip" for lib in elsewhere):
        return None
    kinds, ways = sorted({lib.kind for lib in elsewhere}), list(runtime.ways) if runtime else []
    evidence = {
        **evidence_of(Unfound(elsewhere=elsewhere, other_major=(), nowhere=()), files),
        "kinds": kinds,
        "folders": sorted({lib.path.rsplit("/", 1)[0] for lib in elsewhere}),
        "ways": ways,
        "notes": asides(
            Reason("torch-brings-them") if "torch" in (*kinds, *ways) else None,
            *(Reason(f"ran-{way}") for way in ways),
        ),
    }
    return Problem(subject=SUBJECT, evidence=evidence)


@check("RD269", "ort-cudnn-mismatch", Severity.ERROR, pitfall=2, scope=gpu_meant, action=Action.PIP)
def ort_cudnn_mismatch(files: OrtFiles, machine: MachineSeen, runtime: OrtRuntime | None) -> Answer:
    """cuDNN of the needed major is nowhere; from onnxruntime-gpu 1.28 on it shows only when a convolution runs."""
    done, answer = settled(files, runtime)
    unfound = cudnn_libraries(files)
    if done or damaged(files) or _reached(runtime) or not unfound.nowhere:
        return answer
    error = runtime.service.run_error if runtime and runtime.service else None
    evidence = {
        **onnxruntime_advice(machine),
        "preload": preload(files),
        **evidence_of(unfound, files),
        "needed_major": major(unfound.nowhere[0]),
        "reinstall": reinstalled(files, unfound.nowhere),
        "run_error": error,
        "more": asides(Reason("first-convolution-fails", {"error": error[:200]}) if error else None),
    }
    return Problem(subject=SUBJECT, evidence=evidence, variant="other-major" if unfound.other_major else "missing")


@check("RD294", "cuda-libs-mixed-releases", Severity.ERROR, pitfall=2, scope=gpu_meant, action=Action.PIP)
def cuda_libs_mixed_releases(
    runtime: OrtRuntime, torch: Reading[TorchRuntime], files: OrtFiles | None, machine: MachineSeen
) -> Answer:
    """A library of CUDA's asks another one for what that release of it does not have. By the loader's words alone: what a library
    needs of another is resolved only when it is loaded."""
    of_torch = of_ending(torch.recorded) if torch.value is None else None
    told = {
        "onnxruntime": said_in_a_session(runtime, MIXED),
        "torch": of_torch if of_torch is not None and of_torch.cause == MIXED else None,
    }
    said = [(name, meant) for name, meant in told.items() if meant is not None]
    if not said:
        return Unknown((torch.probe,)) if torch.value is None else None
    [name, meant], advice = said[0], onnxruntime_advice(machine)
    values = {key: value if value != "?" else None for key, value in meant.values.items()}
    found = (files.provider.found if files and files.provider else None) or {}
    with_libraries = advice["with_libraries"] if files is not None and files.gpu else []
    asked_path = found.get(values.get("version") or "")
    return Problem(
        subject=name,
        evidence={
            "more": asides(
                Reason("symbol-is-of", {"library": values["version"]}) if values.get("version") else None,
                Reason("loader-takes", {"path": asked_path}) if asked_path else None,
            ),
            "modules": [one for one, _ in said],
            "said": meant.line,
            "means": meant.told,
            "by": values.get("by"),
            "symbol": values.get("symbol"),
            "asked": values.get("version"),
            "asked_path": asked_path,
            "install": with_libraries if name == "onnxruntime" else torch_set(machine),
        },
    )


def torch_set(machine: MachineSeen) -> list[str]:
    """torch names the releases of CUDA's packages that it needs: reinstalled with them, they fit."""
    return [f"torch=={machine.torch.version}"] if machine.torch is not None and machine.torch.version else []


@check("RD295", "cudnn-incomplete", Severity.ERROR, pitfall=2, scope=gpu_meant, action=Action.PIP)
def cudnn_incomplete(files: OrtFiles, runtime: OrtRuntime | None, settings: Settings) -> Answer:
    """cuDNN 9 is one small library that opens seven others when it is used. By the names in it, or by its own word."""
    meant = said_in_a_session(runtime, "cudnn-incomplete")
    if not files.cudnn_lacks and meant is None:
        unsaid = files.cudnn_lacks is None and (runtime is None or not runtime.attempts)
        if unsaid and settings.gate.quick:
            return no_provider(files) or Inapplicable(Reason("quick"))
        return no_provider(files) or (Unknown(("ort_runtime",)) if unsaid else None)
    gpu, found = files.gpu, (files.provider.found if files.provider else None) or {}
    path = next((path for soname, path in found.items() if soname.startswith("libcudnn.so.")), None)
    cuda = gpu.cuda[0] if gpu is not None and gpu.cuda else None
    kind = next((one.kind for one in files.libraries if one.path == path), None)
    return Problem(
        subject="cudnn",
        evidence={
            "lacks": list(files.cudnn_lacks or ()),
            "path": path or "libcudnn.so.9",
            "kind": kind,
            "said": meant.line if meant else None,
            "install": [f"nvidia-cudnn-cu{cuda}==9.*"] if cuda else [],
            "more": asides(Reason("error-message", {"line": meant.line}) if meant else None),
            "notes": asides(Reason("incomplete-must-go") if kind != "pip" else None),
        },
        variant="missing" if files.cudnn_lacks else "not-loaded",
    )


@check("RD297", "cpu-affinity-refused", Severity.WARNING, action=Action.EDIT)
def cpu_affinity_refused(runtime: OrtRuntime) -> Answer:
    """onnxruntime pins its threads to all processors of the machine, of which this process may use some. It goes on, slower."""
    if runtime.service is None:
        return NO_ONNXRUNTIME
    meant = said_in_a_session(runtime, "cpu-affinity-refused")
    return Problem(subject=SUBJECT, evidence={"said": meant.line}) if meant is not None else None
