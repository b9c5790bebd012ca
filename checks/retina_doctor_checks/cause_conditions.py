"""When one finding explains another: what has to be true of the two, root first (causes.py)."""

import re
from typing import Any

from retina_doctor.model import Finding

from .combined.refusals import NUMPY_FAILED, row
from .combined.start_need import WITH_IT


def same_subject(root: Finding, echo: Finding) -> bool:
    return root.subject == echo.subject


def same_module(root: Finding, echo: Finding) -> bool:
    if echo.subject.removeprefix("module:") in root.evidence.get("modules", ()):
        return True
    return root.subject.removeprefix("module:") == echo.subject.removeprefix("module:")


def raised(root: Finding, _echo: Finding) -> bool:
    """The trial was no silent step back to the CPU: it failed, as a real model then does."""
    return root.evidence.get("error") is not None


def on_the_way_of_cuda(root: Finding, echo: Finding) -> bool:
    """Not: a card that the service does not use, or what keeps NVML alone from its library."""
    return grave(root, echo) and "cuda" in root.evidence.get("closes", ("cuda",))


def of_a_checkpoint(_root: Finding, echo: Finding) -> bool:
    return str(echo.evidence.get("model") or "").endswith((".pth", ".pt"))


def of_an_onnx_model(root: Finding, echo: Finding) -> bool:
    """A checkpoint of torch's says nothing of onnxruntime."""
    return not of_a_checkpoint(root, echo)


def raised_for_onnx(root: Finding, echo: Finding) -> bool:
    return raised(root, echo) and of_an_onnx_model(root, echo)


def words_of(finding: Finding) -> tuple[str, str, Any]:
    """(what was raised, without its class; how the process ended; what that means)"""
    evidence = finding.evidence
    raised_words = str(evidence.get("error") or evidence.get("detail") or "")
    ended = str(evidence.get("detail")) if evidence.get("outcome") == "crashed" else ""
    return raised_words.partition(": ")[2].strip(), ended, (evidence.get("means") or {}).get("key")


def same_words(root: Finding, echo: Finding) -> bool:
    (one, ended, means), (other, its_end, its_meaning) = words_of(root), words_of(echo)
    if ended or its_end:
        return ended == its_end
    return means == its_meaning and bool(one and other) and (one in other or other in one or one[-60:] == other[-60:])


ORT_FAILED = (
    "The installed ONNX Runtime package could not be imported",
    "InsightFace requires ONNX Runtime for inference",
    "module 'onnxruntime' has no attribute",
)
"""insightface 2.1, insightface/__init__.py: it fails, it is not there, and its files are empty."""


def passed_up(root: Finding, echo: Finding) -> bool:
    """What imports the framework fails with it. insightface 2 quotes the failure at the end of words of its own."""
    quotes = words_of(echo)[0].startswith(ORT_FAILED)
    return echo.subject == "module:insightface" and (same_words(root, echo) or quotes)


def passed_down(root: Finding, echo: Finding) -> bool:
    """Both frameworks import numpy; and what keeps any library from being mapped keeps theirs."""
    meant = words_of(root)[2]
    everywhere = meant is not None and meant == words_of(echo)[2] and row(meant.removeprefix("means-")).everywhere
    of_numpy = same_words(root, echo) or NUMPY_FAILED.search(words_of(echo)[0]) is not None
    return everywhere or (root.subject == "module:numpy" and of_numpy)


def in_its_place(root: Finding, echo: Finding) -> bool:
    return root.subject in echo.evidence.get("damaged", ())


def server_error(_root: Finding, echo: Finding) -> bool:
    """It answers 5xx to a picture: what it would need for that is missing."""
    return echo.evidence.get("kind") == "server-error"


def why_it_answers_500(root: Finding, echo: Finding) -> bool:
    """A traceback in the log of the run that answered so."""
    return server_error(root, echo) and grave(root, echo)


def shows_that_it_ended(_root: Finding, echo: Finding) -> bool:
    """And not why."""
    return echo.evidence.get("cause") == "service-crashed-or-not-ready"


def ended_it(_root: Finding, echo: Finding) -> bool:
    """Whoever was asked closed the connection without an answer, or its workers were gone: what is killed does that."""
    return echo.evidence.get("kind") == "closed" or bool(echo.evidence.get("gone"))


def same_holder(root: Finding, echo: Finding) -> bool:
    """The port is held by the very server that was asked about: freeing it is no remedy."""
    pid = root.evidence.get("pid")
    return root.subject == echo.subject and pid is not None and pid == echo.evidence.get("pid")


def elsewhere_on_loopback(root: Finding, echo: Finding) -> bool:
    """The URL names an address that the service leaves out, because it listens on one of this machine's own alone."""
    same_port = root.evidence.get("port") == echo.evidence.get("port")
    return (
        same_port
        and echo.variant == "listens-elsewhere"
        and root.evidence.get("address") in echo.evidence["listens_on"]
    )


def written_there(root: Finding, echo: Finding) -> bool:
    """The line of a file that runs is why its process is so."""
    return root.location is not None and grave(root, echo)


def bound_there(root: Finding, echo: Finding) -> bool:
    """The line that binds the port which was found on loopback. Not: what a container's file publishes."""
    ports = (root.evidence.get("port"), echo.evidence.get("port"))
    return written_there(root, echo) and root.variant != "published" and (None in ports or ports[0] == ports[1])


def ipv6_alone(root: Finding, echo: Finding) -> bool:
    """That the service takes IPv6 alone is why the URL is refused, and why this machine's IPv4 addresses are."""
    same_port = root.evidence.get("port") == echo.evidence.get("port")
    return same_port and root.variant == "listens-elsewhere" and echo.variant == "ipv6-only"


def of_that_framework(root: Finding, echo: Finding) -> bool:
    """A driver too old for torch says nothing of onnxruntime."""
    return root.subject.split("-")[0].split(" ")[0] == echo.subject


def grave(root: Finding, echo: Finding) -> bool:
    """Of a card that the service does not use, or a part that it does not need, nothing graver follows."""
    return root.severity.rank >= echo.severity.rank


def grave_and_crashed(root: Finding, echo: Finding) -> bool:
    return grave(root, echo) and echo.evidence.get("outcome") == "crashed"


def damaged_and_crashed(root: Finding, echo: Finding) -> bool:
    """Of a library that is cut short the loader maps what is not in the file, and touching that is a bus error."""
    return root.evidence.get("damaged") is not None and echo.evidence.get("outcome") == "crashed"


def busy(root: Finding, echo: Finding) -> bool:
    """CUDA says "busy or unavailable" (46) where another process has the card for itself."""
    said = (echo.evidence.get("said"), echo.evidence.get("cuda_error_words"), echo.evidence.get("error"))
    return grave(root, echo) and any("busy or unavailable" in str(words) for words in said)


def without_kernels(_root: Finding, echo: Finding) -> bool:
    """CUDA says 209 at the first kernel where there is no code for the card."""
    return "no kernel image" in str(echo.evidence)


def says_so(root: Finding, echo: Finding) -> bool:
    """What the echo's words mean is the root's own name."""
    meant = (echo.evidence.get("means") or {}).get("key")
    return meant is not None and row(str(meant).removeprefix("means-")).cause == root.name


def of_that_module(root: Finding, echo: Finding) -> bool:
    """It is of the module itself, or of one that fails with it."""
    modules = "|".join(map(re.escape, root.evidence.get("modules") or [root.subject.removeprefix("module:")]))
    words = " ".join(str(echo.evidence.get(key) or "") for key in ("error", "detail", "module", "wanted"))
    return same_module(root, echo) or re.search(rf"\b(?:{modules})\b", words) is not None


def lacks_part_of_that_module(root: Finding, echo: Finding) -> bool:
    """As CPython says it (moduleobject.c, ceval.c): what was imported is not the whole of it. An onnxruntime that is only
    named, as where it tells the place in its source, has refused something."""
    module = re.escape(root.subject.removeprefix("module:"))
    lacks = rf"module '{module}(?:\.[\w.]+)?' has no attribute|No module named '{module}\."
    gives_none = rf"cannot import name '\w+' from (?:partially initialized module )?'{module}\b"
    return re.search(f"{lacks}|{gives_none}", str(echo.evidence.get("detail") or "")) is not None


def of_that_module_alone(root: Finding, echo: Finding) -> bool:
    """What is imported at the start lacks nothing else."""
    package, missing = root.subject.removeprefix("module:"), set(echo.evidence.get("modules", ()))
    return package in missing and missing <= {package, *WITH_IT.get(package, ())}


def of_all_modules(root: Finding, _echo: Finding) -> bool:
    """The environment is another Python's, onnxruntime with it."""
    return root.subject == "modules" and "onnxruntime" in root.evidence["modules"]


def of_that_tag(root: Finding, echo: Finding) -> bool:
    """What pip's list names bears this Python's tag, and is not there."""
    return same_module(root, echo) or (root.subject == "modules" and root.evidence["wanted"] in str(echo.evidence))


def of_its_files(root: Finding, echo: Finding) -> bool:
    """It fails with a word of what is damaged, or dies of what is mapped and not in the file."""
    evidence, modules = echo.evidence, [re.escape(name) for name in root.evidence.get("modules", ())]
    told = " ".join(str(evidence.get(key) or "") for key in ("module", "error", "detail", "said", "asking", "lacking"))
    named = bool(modules) and re.search(rf"\b(?:{'|'.join(modules)})\b", told) is not None
    return named or same_module(root, echo) or "SIGBUS" in told


def of_closed_files(root: Finding, echo: Finding) -> bool:
    """It is of a package that may not be read, or the whole folder of packages may not."""
    modules = root.evidence.get("modules")
    return not modules or echo.subject.removeprefix("module:") in modules or of_its_files(root, echo)


def of_onnxruntime(root: Finding, _echo: Finding) -> bool:
    return root.subject == "module:onnxruntime"


def of_onnxruntime_itself(_root: Finding, echo: Finding) -> bool:
    return echo.subject == "module:onnxruntime"


def in_a_session(root: Finding, _echo: Finding) -> bool:
    """The provider that a session opens lacks it as well."""
    return "onnxruntime" in root.evidence.get("modules", ())


def in_modules(root: Finding, echo: Finding) -> bool:
    return any(echo.subject in (f"module:{name}", name) for name in root.evidence.get("modules", ()))


def hangs(_root: Finding, echo: Finding) -> bool:
    """A hung driver makes others hang; an import that raises has a reason of its own."""
    return bool(echo.evidence.get("outcome", "timed_out") == "timed_out")


def both_hang(root: Finding, echo: Finding) -> bool:
    return root.evidence.get("outcome") == "timed_out" and hangs(root, echo)


def out_of_memory(_root: Finding, echo: Finding) -> bool:
    pattern = r"(?i)out of memory|failed to allocate|alloc_failed|bad_alloc"
    said = (echo.evidence.get("detail"), echo.evidence.get("said"), echo.evidence.get("error"))
    return any(re.search(pattern, str(words)) for words in said)


def cuda_lacks_memory(root: Finding, echo: Finding) -> bool:
    """CUDA_ERROR_OUT_OF_MEMORY at its start, on a card that others have filled."""
    return root.variant in ("context", "unlisted") and echo.evidence.get("code") == 2


def same_memory(root: Finding, echo: Finding) -> bool:
    """What is held by nobody who is listed, told once for CUDA and once for the model."""
    return same_subject(root, echo) and root.variant == "unlisted" and echo.variant == "not-free"


def with_onnxruntime(_root: Finding, echo: Finding) -> bool:
    return bool(echo.evidence.get("onnxruntime"))


def without_onnxruntime(_root: Finding, echo: Finding) -> bool:
    return not echo.evidence.get("onnxruntime")


def faces_are_missed(_root: Finding, echo: Finding) -> bool:
    return bool(echo.evidence.get("why") == "faces")


def same_cause(root: Finding, echo: Finding) -> bool:
    """The machine itself shows what the service's log shows, or what its lines fit as well."""
    return root.name in echo.evidence.get("fits", ())


def why_it_ended(root: Finding, echo: Finding) -> bool:
    """A service that has ended left its reason in its log. Not: what the log itself is explained by."""
    return not same_cause(echo, root) and (root.evidence.get("alive") is False or explains_it(root, echo))


def explains_it(root: Finding, echo: Finding) -> bool:
    return not same_cause(echo, root) and echo.name in root.evidence.get("explains", ())


def of_the_download(root: Finding, echo: Finding) -> bool:
    """The log says why the pack is not there."""
    return root.evidence.get("cause") == "model-download-failed" and echo.variant in ("pack", "other-pack")


def of_the_gpu(root: Finding, echo: Finding) -> bool:
    """What its log says of the GPU is why it computes on the CPU."""
    return not same_cause(echo, root) and bool(root.evidence.get("gpu"))


def tells_one_twice(_root: Finding, echo: Finding) -> bool:
    """Two boxes of one face, which non-maximum suppression takes away."""
    return any(one.get("hint") == "repeated" for one in echo.evidence.get("wrong") or ())


def of_nobody(_root: Finding, echo: Finding) -> bool:
    """It fails at pictures without a face."""
    return echo.evidence.get("kind") == "nobody"
