"""Which onnxruntime-gpu can run on this driver, this Python and this card."""

from __future__ import annotations

import functools
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Build:
    version: str
    cuda: tuple[int, int]
    cudnn: int
    python: tuple[tuple[int, int], tuple[int, int]]
    sm: tuple[str, ...]
    ptx: int
    extras: bool

    def runs_on(self, capability: tuple[int, int]) -> bool:
        """Machine code runs on its own major and the same or a higher minor; code marked "a" on exactly its own; PTX on
        the same or anything newer (CUDA programming guide, "Compute capabilities")."""
        major, minor = capability
        number = major * 10 + minor
        for code in self.sm:
            match = re.fullmatch(r"(\d+)(\d)(a?)", code)
            if match and int(match[1]) == major and (minor == int(match[2]) if match[3] else minor >= int(match[2])):
                return True
        return 0 < self.ptx <= number


@functools.cache
def builds() -> tuple[Build, ...]:
    """The rows of builds.toml, newest first."""
    rows = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))["build"]
    return tuple(
        Build(
            version=row["version"],
            cuda=tuple(row["cuda"]),
            cudnn=row["cudnn"],
            python=(tuple(row["python"][0]), tuple(row["python"][1])),
            sm=tuple(row["sm"]),
            ptx=row["ptx"],
            extras=row["extras"],
        )
        for row in rows
    )


def newest_fitting(
    driver_cuda: tuple[int, int] | None,
    python_version: tuple[int, ...],
    compute_capability: tuple[int, int] | None,
    machine: str = "x86_64",
    others: tuple[tuple[int, int], ...] = (),
) -> str | None:
    """Version of the newest onnxruntime-gpu for what is known; None where no row fits.

    *driver_cuda*: the CUDA version that the driver supports; any build of the same or an older major starts on it
    (minor-version compatibility). *machine*: as uname calls the processor; PyPI has Linux wheels for x86_64 alone.
    *others*: compute capabilities of further cards that the service will use. What is None is not asked for.
    """
    if machine != "x86_64":
        return None
    cards = [card for card in (compute_capability, *others) if card is not None]
    for build in builds():
        oldest, newest = build.python
        if (
            (driver_cuda is None or build.cuda[0] <= driver_cuda[0])
            and oldest <= python_version[:2] <= newest
            and all(build.runs_on(card) for card in cards)
        ):
            return build.version
    return None
