"""RD257, RD259, RD290: builds that suit neither this Python (onnxruntime-gpu) nor the GPU (TensorFlow), and pynvml."""

from __future__ import annotations

from retina_doctor.authoring import Action, Answer, check
from retina_doctor.model import Inapplicable, Problem, Reason, Severity, Unknown

from ..advice.builds import onnxruntime_builds
from ..advice.machine import MachineSeen
from ..combined.asides import asides
from ..facts.ort_gpu import OrtFiles
from ..facts.python_env import Packages
from ..scopes import gpu_meant
from ..versions import named, release

ON_TENSORFLOW = ("retina-face", "retinaface", "deepface", "tiny-retinaface", "mtcnn")
"""Face detectors whose metadata requires tensorflow (retina-face 0.0.17: "tensorflow (>=1.9.0)"), or that import it."""


@check("RD290", "pynvml-deprecated", Severity.NOTE, action=Action.PIP)
def pynvml_deprecated(packages: Packages) -> Answer:
    """The distribution, not the module, which nvidia-ml-py provides: old ones have a module of their own in its place."""
    version = packages.installed.get("pynvml")
    if version is None:
        return None
    other, own_module = packages.installed.get("nvidia-ml-py"), release(version) < (12,)
    evidence = {
        "version": version,
        "other": other,
        "own_module": own_module,
        "more": asides(
            Reason("pynvml-own-module" if own_module else "pynvml-warns"),
            Reason("also-installed", {"package": named("nvidia-ml-py", other)}) if other else None,
        ),
    }
    return Problem(subject="module:pynvml", evidence=evidence)


@check("RD259", "tensorflow-cannot-use-gpu", Severity.ERROR, pitfall=2, scope=gpu_meant, action=Action.PIP)
def tensorflow_cannot_use_gpu(packages: Packages) -> Answer:
    """The package retina-face runs on TensorFlow, which goes on on the CPU without a word to its caller. No graver than a warning
    where nothing of the kind is installed beside it."""
    seen = packages.tensorflow
    if seen is None:
        return Inapplicable(Reason("no-tensorflow"))
    if seen.cuda is not None and (seen.found is None or seen.found or not seen.lacks):
        return None if seen.found or not seen.lacks else Unknown(("packages",))
    user = next((one for one in ON_TENSORFLOW if one in packages.installed), None)
    evidence = {
        "name": seen.name,
        "version": seen.version,
        "cuda": seen.cuda,
        "lacks": list(seen.lacks),
        "user": named(user, packages.installed[user]) if user else None,
        "install": f"tensorflow[and-cuda]=={seen.version}",
        "replaced": [seen.name] if seen.name != "tensorflow" else [],
        "more": asides(Reason("uses-tensorflow", {"user": named(user, packages.installed[user])}) if user else None),
        "notes": asides(Reason("calls-tensorflow", {"user": user}) if user else None),
    }
    return Problem(
        subject="module:tensorflow",
        variant="cpu-build" if seen.cuda is None else "libraries-missing",
        evidence=evidence,
        at_most=None if user else Severity.WARNING,
    )


@check("RD257", "python-has-no-wheel", Severity.ERROR, pitfall=2, scope=gpu_meant, action=Action.EDIT)
def python_has_no_wheel(files: OrtFiles, machine: MachineSeen) -> Answer:
    """Nothing that pip could install there, whatever the driver: of what is installed, a wheel was there."""
    if files.distributions or files.folder:
        return Inapplicable(Reason("onnxruntime-installed"))
    here = machine.interpreter
    if here.implementation.lower() == "cpython" and any(
        oldest <= here.version[:2] <= newest and build.processor == here.machine
        for build in onnxruntime_builds()
        for oldest, newest in (build.python,)
    ):
        return None
    builds = [build for build in onnxruntime_builds() if build.processor == here.machine]
    ends = (min(b.python[0] for b in builds), max(b.python[1] for b in builds)) if builds else None
    evidence = {
        "python_version": ".".join(map(str, here.version[:2])),
        "implementation": here.implementation,
        "processor": here.machine,
        "oldest": ".".join(map(str, ends[0])) if ends else None,
        "newest": ".".join(map(str, ends[1])) if ends else None,
        "executable": here.executable,
    }
    return Problem(subject="onnxruntime", variant="python" if builds else "processor", evidence=evidence)
