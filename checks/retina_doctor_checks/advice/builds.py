"""The builds that pip can install, and which of them a machine can run."""

from __future__ import annotations

import functools
from pathlib import Path

import tomli

from retina_doctor.codec import Data, decode

from .gpu_code import Capability, covers

Version = tuple[int, int]


class Build(Data, frozen=True, kw_only=True):
    """A wheel on PyPI. *processor* as uname calls it. *cudnn*: the major that it needs. *code*: GPU architectures that it
    holds code for. *extras*: whether ``[cuda,cudnn]`` can be resolved."""

    version: str
    processor: str
    cuda: Version
    cudnn: int
    python: tuple[Version, Version]
    code: tuple[str, ...]
    extras: bool = False


class Terms(Data, frozen=True, kw_only=True):
    """What a build has to fit. None, or no cards: not known, and not asked for.

    *driver_cuda*: the CUDA version that the driver supports; any build of the same or an older major starts on it
    (minor-version compatibility).
    """

    driver_cuda: Version | None
    python: Version | None
    processor: str | None
    cards: tuple[Capability, ...] = ()

    def driver_starts(self, cuda: Version | None) -> bool:
        return self.driver_cuda is None or cuda is None or cuda[0] <= self.driver_cuda[0]

    def cards_run(self, code: tuple[str, ...] | None) -> bool:
        return code is None or all(covers(code, card) for card in self.cards)

    def fit(self, build: Build) -> bool:
        oldest, newest = build.python
        return (
            self.processor in (None, build.processor)
            and (self.python is None or oldest <= self.python <= newest)
            and self.driver_starts(build.cuda)
            and self.cards_run(build.code)
        )


@functools.cache
def _table(name: str) -> tuple[Build, ...]:
    table = tomli.loads(Path(__file__).with_name(name).read_text(encoding="utf-8"))
    return decode(table["build"], tuple[Build, ...])


def onnxruntime_builds() -> tuple[Build, ...]:
    """Of onnxruntime-gpu, newest first."""
    return _table("onnxruntime.toml")


def torch_builds() -> tuple[Build, ...]:
    """Of torch, newest first."""
    return _table("torch.toml")


def known(builds: tuple[Build, ...], version: str | None, processor: str | None) -> Build | None:
    """The row of that version; a local suffix ("2.13.0+cu130") is not PyPI's."""
    rows = (build for build in builds if build.version == version)
    return next((build for build in rows if processor in (None, build.processor)), None)


def newest(builds: tuple[Build, ...], terms: Terms, cuda_major: int | None = None) -> Build | None:
    """The newest that fits, of that CUDA major where one is asked for."""
    fitting = (build for build in builds if terms.fit(build))
    return next((build for build in fitting if cuda_major is None or build.cuda[0] == cuda_major), None)
