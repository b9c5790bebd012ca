"""Reads ELF files: needed libraries, the loader that they name, sections. Sent to targets: Python 3.8, standard library.

Format: System V ABI, "Object Files" (elf.h). Little-endian 64-bit only, which all GPU machines of this field are.
"""

from __future__ import annotations

import contextlib
import errno
import os
import struct

from retina_doctor.hints import Any

DT_NEEDED, DT_STRTAB = 1, 5
PT_LOAD, PT_DYNAMIC, PT_INTERP = 1, 2, 3
MACHINES = {62: "x86_64", 183: "aarch64"}
MOST_ENTRIES = 4096


class NotElf(Exception):
    """Not a 64-bit little-endian ELF file, or a damaged one."""


def needed(path: str) -> list[Any]:
    """The sonames in the dynamic section (DT_NEEDED), in their order. Raises NotElf, OSError."""
    with _opened(path) as (file, head):
        segments = _segments(file, head)
        dynamic = next(((s["offset"], s["size"]) for s in segments if s["kind"] == PT_DYNAMIC), None)
        if dynamic is None:
            raise NotElf("no dynamic section")
        entries = list(
            struct.iter_unpack("<qQ", _part(file, dynamic[0], min(dynamic[1], MOST_ENTRIES * 16) // 16 * 16))
        )
        strings = next((value for tag, value in entries if tag == DT_STRTAB), None)
        base = None if strings is None else _in_file(strings, segments)
        if base is None:
            raise NotElf("no string table")
        return [_string(file, base + value) for tag, value in entries if tag == DT_NEEDED]


def loader(path: str) -> str | None:
    """The dynamic loader that a program names (PT_INTERP), or None. Raises NotElf, OSError."""
    with _opened(path) as (file, head):
        return next((_string(file, s["offset"]) for s in _segments(file, head) if s["kind"] == PT_INTERP), None)


def machine(path: str) -> str:
    """The processor that the file is for, as uname calls it. Raises NotElf, OSError."""
    with _opened(path) as (_, head):
        number = struct.unpack_from("<H", head, 18)[0]
        return MACHINES.get(number, "ELF machine %d" % number)


def cut_short(path: str) -> bool:
    """Whether the file ends before what its segments promise: loading it would kill the process. Raises NotElf, OSError."""
    with _opened(path) as (file, head):
        length = file.seek(0, 2)
        return any(one["kind"] == PT_LOAD and one["offset"] + one["size"] > length for one in _segments(file, head))


def damage(path: str) -> str | None:
    """What is wrong with a library's file: leads-nowhere (a link), no-file, empty, no-library, cut-short, or errno's name."""
    if not os.path.isfile(path):
        return "no-file" if os.path.exists(path) else "leads-nowhere"
    try:
        return "cut-short" if cut_short(path) else None
    except NotElf:
        return "no-library" if os.path.getsize(path) else "empty"
    except OSError as error:
        return errno.errorcode.get(error.errno or 0, "EIO")


def section(path: str, name: str) -> tuple[int, int] | None:
    """(offset, size) in bytes of the section of that name, or None. Raises NotElf, OSError."""
    with _opened(path) as (file, head):
        table = struct.unpack_from("<Q", head, 40)[0]
        size, count, names = struct.unpack_from("<HHH", head, 58)
        rows = [_part(file, table + index * size, 40) for index in range(min(count, MOST_ENTRIES))]
        places = [struct.unpack_from("<QQ", row, 24) for row in rows]
        for row, place in zip(rows, places):
            if _string(file, places[names][0] + struct.unpack_from("<I", row)[0]) == name:
                return (place[0], place[1])
    return None


@contextlib.contextmanager
def _opened(path: str) -> Any:
    """Within: (the open file, its header); what a damaged file leads to becomes NotElf."""
    with open(path, "rb") as file:
        head = file.read(64)
        if head[:4] != b"\x7fELF" or head[4:6] != b"\x02\x01" or len(head) < 64:
            raise NotElf("not a 64-bit little-endian ELF file")
        try:
            yield file, head
        except (struct.error, ValueError, IndexError, OverflowError) as error:
            raise NotElf("damaged: %s" % error)


def _segments(file: Any, head: bytes) -> list[Any]:
    table, size, count = struct.unpack_from("<Q", head, 32)[0], *struct.unpack_from("<HH", head, 54)
    segments = []
    for index in range(min(count, MOST_ENTRIES)):
        entry = _part(file, table + index * size, 56)
        offset, address, _, length = struct.unpack_from("<QQQQ", entry, 8)
        kind = struct.unpack_from("<I", entry)[0]
        segments.append({"kind": kind, "offset": offset, "address": address, "size": length})
    return segments


def _in_file(address: int, segments: list[Any]) -> int | None:
    """Where in the file that address of the loaded library is."""
    for one in segments:
        if one["kind"] == PT_LOAD and one["address"] <= address < one["address"] + one["size"]:
            return int(address - one["address"] + one["offset"])
    return None


def _part(file: Any, offset: int, size: int) -> bytes:
    file.seek(offset)
    part: bytes = file.read(size)
    return part


def _string(file: Any, offset: int) -> str:
    return _part(file, offset, 256).split(b"\0")[0].decode("ascii")
