"""RD250 to RD254: one mechanism keeps packages from being imported, and its words name it. What fails with it is its echo."""

from __future__ import annotations

import posixpath
import re

from retina_doctor.authoring import Action, Answer, check
from retina_doctor.model import Interpreter, Problem, Reason, Severity, Unknown

from ..combined.asides import asides, on_host
from ..combined.distribution_names import distribution_of
from ..combined.processor import lacks
from ..combined.refused import Refused, Struck
from ..facts.python_env import Extensions, Imports, Packages
from ..versions import named

ASKED_MOST = "avx2"
"""What builds ask for most often, where nothing says which instruction it was."""


def _evidence(struck: tuple[Struck, ...]) -> dict[str, object]:
    first = struck[0].meaning
    return {
        "modules": list(dict.fromkeys(one.module for one in struck)),
        "said": first.line,
        "means": first.told,
        "by": first.values.get("by") if first.values.get("by") != "?" else None,
    }


def _nothing(refused: Refused) -> Unknown | None:
    """None of them said so; one that ended otherwise may have hidden it."""
    return Unknown(refused.untold) if refused.untold else None


def _lacks_its_own(one: Struck) -> bool:
    """What a package does not find in itself is missing from its files: no other package has to do with it."""
    lacking = one.meaning.values.get("module", "?").split(".")[0]
    return lacking in (one.raised_in or one.module, "?") and one.meaning.mechanism == "attribute-missing-elsewhere"


@check("RD250", "dependency-version-conflict", Severity.ERROR, action=Action.PIP)
def dependency_version_conflict(refused: Refused, packages: Packages | None, imports: Imports | None) -> Answer:
    """Something is asked of a package that this release of it does not have. Both go to releases that fit.

    Not where docstrings are dropped: what a module makes of them as it is imported fails, and then lacks names (RD291)."""
    struck = tuple(one for one in refused.struck("dependency-version-conflict") if not _lacks_its_own(one))
    if not struck or (imports is not None and imports.without_docstrings):
        return _nothing(refused)
    one = struck[0]
    asking = one.raised_in or one.module
    lacking = one.meaning.values.get("module", "google.protobuf")  # protobuf's own words do not name it
    if (
        lacking.lower() == asking and one.asked_by is not None
    ):  # it refuses by itself: whoever imports it got another than it needs
        asking, lacking = one.asked_by, asking
    names = [distribution_of(module, packages) or module for module in (asking, lacking)]
    installed = packages.installed if packages is not None else {}
    versions = [installed.get(name) for name in names]
    return Problem(
        subject=f"module:{asking}",
        evidence={
            **_evidence(struck),
            "asking": names[0],
            "asking_version": versions[0],
            "asking_release": named(names[0], versions[0]),
            "lacking": names[1],
            "lacking_version": versions[1],
            "lacking_release": named(names[1], versions[1]),
            "install": sorted(set(names)),
        },
    )


@check("RD251", "executable-stack-refused", Severity.ERROR, action=Action.EDIT)
def executable_stack_refused(refused: Refused, interpreter: Interpreter | None) -> Answer:
    """glibc 2.41 and later, SELinux and systemd's MemoryDenyWriteExecute refuse a module that asks for an executable stack."""
    struck = refused.struck("executable-stack-refused")
    if not struck:
        return _nothing(refused)
    evidence = _evidence(struck)
    told = interpreter.libc if interpreter is not None else None
    more = asides(Reason("c-library-is", {"libc": told}) if told else None)
    return Problem(
        subject=f"module:{struck[0].module}",
        evidence={**evidence, "libc": told, "path": evidence["by"], "more": more},
        variant="file" if evidence["by"] else "library",
    )


@check("RD252", "library-mapping-refused", Severity.ERROR, action=Action.ROOT)
def library_mapping_refused(refused: Refused, interpreter: Interpreter | None) -> Answer:
    """A volume that is mounted noexec, or a security policy: no library on it may be mapped as code."""
    struck = refused.struck("library-mapping-refused")
    if not struck:
        return _nothing(refused)
    container = interpreter.container if interpreter else None
    noexec = refused.extensions.noexec if refused.extensions is not None else None
    folder = posixpath.dirname(str(_evidence(struck)["by"] or "")) or (interpreter.prefix if interpreter else "/")
    return Problem(
        subject="environment",
        evidence={
            **_evidence(struck),
            "noexec": list(noexec) if noexec is not None else None,
            "folder": folder,
            "container": container,
            "notes": on_host(container),
        },
        variant="unknown" if noexec is None else "noexec" if noexec else "refused",
    )


@check("RD253", "libc-unsupported", Severity.ERROR, action=Action.PIP)
def libc_unsupported(refused: Refused, packages: Packages | None, interpreter: Interpreter | None) -> Answer:
    """Built for a newer glibc than the system has, or for glibc where the system has musl. pip takes no such wheel: it was copied
    from elsewhere, compiled elsewhere, or its tag is wrong."""
    struck = refused.struck("libc-unsupported")
    if not struck:
        return _nothing(refused)
    evidence = _evidence(struck)
    module = _module_of(str(evidence["by"] or "")) or struck[0].module
    name = distribution_of(module, packages)
    version = packages.installed.get(name or "") if packages is not None else None
    wanted, libc = struck[0].meaning.values.get("version"), interpreter.libc if interpreter is not None else None
    musl = struck[0].meaning.mechanism == "musl"
    return Problem(
        subject=f"module:{module}",
        evidence={
            **evidence,
            "musl": musl,
            "wanted": wanted,
            "libc": libc,
            "package": named(name or module, version),
            "name": name,
            "version": version,
            "older": [f"{name}<{version}"] if name and version else [],
        },
        variant="musl" if musl else "glibc" if wanted and libc else "unknown",
    )


def _module_of(path: str) -> str | None:
    """The top package of a file of site-packages."""
    match = re.search(r"(?:site|dist)-packages/([\w]+?)(?:\.libs)?/", path)
    return match[1] if match else None


@check("RD254", "cpu-instructions-missing", Severity.ERROR, action=Action.MACHINE)
def cpu_instructions_missing(refused: Refused, packages: Packages | None) -> Answer:
    """SIGILL, or a build that says so itself."""
    struck = refused.struck("cpu-instructions-missing")
    if not struck:
        return _nothing(refused)
    # Who imports numpy or onnxruntime dies with it: those come first.
    modules = sorted({one.module for one in struck}, key=lambda name: (name not in ("numpy", "onnxruntime"), name))
    version = packages.installed.get("numpy") if packages is not None else None
    numpy = modules[0] == "numpy" and version is not None
    virtual, lacking = _virtual(refused.extensions), lacks(refused.extensions)
    return Problem(
        variant="virtual" if virtual else "physical",
        subject=f"module:{modules[0]}",
        evidence={
            **_evidence(struck),
            "modules": modules,
            "lacks": lacking,
            "flag": lacking[0] if lacking else ASKED_MOST,
            "virtual": virtual,
            "numpy": version if numpy else None,
            "older": ["numpy<2.4"] if numpy else [],
            "more": asides(_said_of_processor(lacking, virtual)),
            "notes": asides(Reason("numpy-without-sse4-2" if numpy else "reinstalling-does-not-help")),
        },
    )


def _said_of_processor(lacking: list[str] | None, virtual: bool | None) -> Reason | None:
    if lacking:
        return Reason("virtual-processor-lacks" if virtual else "processor-lacks", {"what": lacking})
    return None if lacking is None else Reason("processor-has-them")


def _virtual(extensions: Extensions | None) -> bool | None:
    flags = extensions.cpu_flags if extensions is not None else None
    return None if flags is None else "hypervisor" in flags
