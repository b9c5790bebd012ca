"""Which of the libraries that the CUDA provider needs are not found by the loader, and where they are instead."""

from __future__ import annotations

import re
from collections.abc import Collection

from retina_doctor.codec import Data

from ..facts.ort_gpu import FoundLibrary, OrtFiles

OF_THE_DRIVER = ("libcuda.so.1",)
SHOWS_CUDA_MAJOR = ("libcublas", "libcublasLt", "libcudart")
"""Their soname's number is the CUDA major; curand and cufft count otherwise."""


def stem(soname: str) -> str:
    return soname.split(".so", 1)[0]


def major(soname: str) -> int | None:
    match = re.search(r"\.so\.(\d+)", soname)
    return int(match[1]) if match else None


class Unfound(Data, frozen=True, kw_only=True):
    """Sonames that the loader did not find: installed *elsewhere*, installed in another major only, or *nowhere*."""

    elsewhere: tuple[FoundLibrary, ...]
    other_major: tuple[FoundLibrary, ...]
    nowhere: tuple[str, ...]


def cuda_libraries(files: OrtFiles) -> Unfound:
    """Of CUDA itself; the driver's libcuda and cuDNN are judged apart."""
    wanted = files.provider.missing if files.provider else ()
    return _sort([s for s in wanted if s not in OF_THE_DRIVER and not stem(s).startswith("libcudnn")], files)


def cudnn_libraries(files: OrtFiles) -> Unfound:
    wanted = files.provider.missing if files.provider else ()
    return _sort([soname for soname in wanted if stem(soname) == "libcudnn"], files)


def copies(soname: str, files: OrtFiles) -> list[FoundLibrary]:
    """Files of that library on the disk, whole or not."""
    return [lib for lib in files.libraries if lib.soname == soname or lib.soname.startswith(soname + ".")]


def damaged(files: OrtFiles) -> FoundLibrary | None:
    """A library that the provider needs, and of which no whole file is there."""
    for soname in files.provider.missing if files.provider else ():
        found = copies(soname, files)
        if found and all(one.damage for one in found):
            return found[0]
    return None


def _sort(sonames: list[str], files: OrtFiles) -> Unfound:
    elsewhere: list[FoundLibrary] = []
    nowhere: list[str] = []
    other: list[FoundLibrary] = []
    for soname in sonames:
        same = [lib for lib in copies(soname, files) if lib.damage is None]
        if same:
            elsewhere.append(same[0])
            continue
        nowhere.append(soname)
        if stem(soname) in (*SHOWS_CUDA_MAJOR, "libcudnn"):
            other += [x for x in files.libraries if stem(x.soname) == stem(soname) and major(x.soname) != major(soname)]
    return Unfound(elsewhere=tuple(elsewhere), other_major=tuple(other), nowhere=tuple(nowhere))


def reinstalled(files: OrtFiles, sonames: Collection[str]) -> list[str]:
    """What pip must install once more, by force, to bring these back: it takes their packages for installed."""
    return [f"{one.name}=={one.version}" for one in files.emptied if set(one.sonames) & set(sonames)]
