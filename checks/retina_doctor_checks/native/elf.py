"""Reads the needed libraries of an ELF file. Sent to targets: Python 3.8, standard library alone.

Format: System V ABI, "Object Files" (elf.h). Little-endian 64-bit only, which all GPU machines of this field are.
"""

from __future__ import annotations

import struct
from typing import Any

DT_NEEDED, DT_STRTAB = 1, 5
PT_LOAD, PT_DYNAMIC = 1, 2
MOST_ENTRIES = 4096


class NotElf(Exception):
    """Not a 64-bit little-endian ELF file, or a damaged one."""


def needed(path: str) -> list[Any]:
    """The sonames in the dynamic section (DT_NEEDED), in their order. Raises NotElf, OSError."""
    with open(path, "rb") as file:
        try:
            return _needed(file)
        except (struct.error, ValueError, UnicodeDecodeError) as error:
            raise NotElf("damaged: %s" % error)


def _needed(file: Any) -> list[Any]:
    head = file.read(64)
    if head[:4] != b"\x7fELF" or head[4:6] != b"\x02\x01":
        raise NotElf("not a 64-bit little-endian ELF file")
    table, size, count = struct.unpack_from("<Q", head, 32)[0], *struct.unpack_from("<HH", head, 54)
    loads, dynamic = [], None
    for index in range(min(count, MOST_ENTRIES)):
        file.seek(table + index * size)
        entry = file.read(56)
        kind = struct.unpack_from("<I", entry)[0]
        offset, address, _, length = struct.unpack_from("<QQQQ", entry, 8)
        if kind == PT_LOAD:
            loads.append((address, offset, length))
        elif kind == PT_DYNAMIC:
            dynamic = (offset, length)
    if dynamic is None:
        raise NotElf("no dynamic section")
    file.seek(dynamic[0])
    section = file.read(min(dynamic[1], MOST_ENTRIES * 16))
    entries = list(struct.iter_unpack("<qQ", section[: len(section) // 16 * 16]))
    strings = [value for tag, value in entries if tag == DT_STRTAB]
    if not strings:
        raise NotElf("no string table")
    base = next((strings[0] - a + o for a, o, n in loads if a <= strings[0] < a + n), None)
    if base is None:
        raise NotElf("string table outside the file")
    names = []
    for tag, value in entries:
        if tag == DT_NEEDED:
            file.seek(base + value)
            names.append(file.read(256).split(b"\0")[0].decode("ascii"))
    return names
