"""Which GPU architectures a CUDA library holds code for. Sent to targets: Python 3.8, standard library alone.

NVIDIA documents no format. What is read here was found by compiling one kernel for each kind of target with nvcc 13.0
and comparing the headers, and agrees with `cuobjdump --list-elf` on onnxruntime-gpu (a test does that). Section
.nv_fatbin is a row of containers, one for each source file: magic u32, version u16, header size u16, size u64; in each a
row of entries: kind u16 (1 PTX, 2 machine code), version u16, header size u32, size u64; at 28 the architecture u32, at
40 the flags u64.
"""

from __future__ import annotations

import collections
import os
import struct

from retina_doctor.hints import Any
from retina_doctor_checks.probes.native import elf

MAGIC = 0xBA55ED50
PTX, CODE = 1, 2
ONLY_ITSELF, ONLY_ITS_FAMILY = 0x100000, 0x200000  # flags: sm_90a, sm_100f
MOST_ENTRIES = 20000  # onnxruntime-gpu 1.31.1 has 2058 in 609 containers, torch 2.15.0 has 2504 in 476
FEW = 0.25
"""An architecture that fewer entries than this share of the most frequent one's have is not what the library was built for:
torch 2.15.0 has 476 for each of its architectures, but also 59 for sm_100a and one for sm_89, of special kernels."""


def architectures(path: str) -> list[Any]:
    """What the library was built for, like ["sm_75", "sm_90a", "compute_120"], sorted; empty: no GPU code in it.

    Raises elf.NotElf, OSError.
    """
    place = elf.section(path, ".nv_fatbin")
    if place is None:
        return []
    counts: Any = collections.Counter()
    with open(path, "rb", buffering=0) as file:
        try:
            for kind, arch, flags in entries(file.fileno(), place[0], place[0] + place[1]):
                mark = "a" if flags & ONLY_ITSELF else "f" if flags & ONLY_ITS_FAMILY else ""
                if kind in (PTX, CODE):
                    counts[arch, "%s_%d%s" % ("sm" if kind == CODE else "compute", arch, mark)] += 1
        except (struct.error, OverflowError, ValueError) as error:  # sizes of damaged or hostile files
            raise elf.NotElf("damaged GPU code: %s" % error)
    least = FEW * max(counts.values()) if counts else 0
    return [name for (arch, name), count in sorted(counts.items()) if count >= least]


def gpu_code(path: str) -> list[Any] | None:
    """As `architectures`; None: no GPU code, or none that can be read."""
    try:
        return architectures(path) or None
    except (OSError, elf.NotElf):
        return None


CONTAINER, ENTRY = struct.Struct("<IHHQ"), struct.Struct("<HxxIQ12xI8xQ")


def entries(file: int, start: int, end: int) -> Any:
    """(kind, architecture, flags) of the entries of all containers. Of 400 MB 48 bytes here and there are read, no more."""
    count = 0
    while start < end and count < MOST_ENTRIES:
        magic, _, head_size, size = CONTAINER.unpack(os.pread(file, CONTAINER.size, start))
        if magic != MAGIC:
            start += 8  # containers are aligned
            count += 1
            continue
        inner, start = start + head_size, start + max(16, head_size + size)
        count += 1
        while inner < start and count < MOST_ENTRIES:
            kind, own_size, rest, arch, flags = ENTRY.unpack(os.pread(file, ENTRY.size, inner))
            yield kind, arch, flags
            inner += max(16, own_size + rest)
            count += 1
