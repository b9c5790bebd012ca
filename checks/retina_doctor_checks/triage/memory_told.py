"""What a text tells of the card's memory: torch's own sums, and nvidia-smi's table."""

from __future__ import annotations

import re
from collections.abc import Mapping

from .case import Case

MOSTLY_USED = 0.4
"""Part of a card's memory from which on somebody has it, where nvidia-smi shows no process."""
_USED = re.compile(r"\b(\d{1,6}+)mib / {1,6}?(\d{3,6}+)mib")


def small_card(case: Case) -> bool:
    gib = [float(value) for value in case.told.all("memory-gib")] + [int(v) / 1024 for v in case.told.all("memory-mib")]
    return bool(gib) and min(gib) <= 4.2


_POWERS = ("g", "m", "k", "")


def _torch_sum(case: Case) -> Mapping[str, float]:
    """What torch's message says, in GiB: tried, total, free, allocated, reserved (or reserved and unallocated)."""
    text = case.text.flowing
    sums: dict[str, float] = {}
    for name, expression in (
        ("tried", r"tried to allocate (\d{1,6}(?:\.\d{1,2})?) ([gmk]?)i?b"),
        ("total", r"(\d{1,6}(?:\.\d{1,2})?) ([gmk]?)i?b total capacity"),
        ("total", r"total capacity of (\d{1,6}(?:\.\d{1,2})?) ([gmk]?)i?b"),
        ("free", r"(\d{1,6}(?:\.\d{1,2})?) ([gmk]?)i?b free"),
        ("free", r"of which (\d{1,6}(?:\.\d{1,2})?) ([gmk]?)i?b is free"),
        ("allocated", r"(\d{1,6}(?:\.\d{1,2})?) ([gmk]?)i?b already allocated"),
        ("allocated", r"(\d{1,6}(?:\.\d{1,2})?) ([gmk]?)i?b is allocated by pytorch"),
        ("reserved", r"(\d{1,6}(?:\.\d{1,2})?) ([gmk]?)i?b reserved in total"),
        ("unallocated", r"(\d{1,6}(?:\.\d{1,2})?) ([gmk]?)i?b is reserved by pytorch but unallocated"),
    ):
        match = re.search(expression, text)
        if match:
            sums.setdefault(name, float(match[1]) / 1024 ** _POWERS.index(match[2]))
    return sums


def little_of_it_is_ours(case: Case) -> bool:
    sums = _torch_sum(case)
    if not {"total", "free", "allocated"} <= sums.keys():
        return False
    ours = max(sums["allocated"], sums.get("reserved", 0), sums["allocated"] + sums.get("unallocated", 0))
    return sums["total"] - sums["free"] - ours > 0.35 * sums["total"]


def most_of_it_is_ours(case: Case) -> bool:
    sums = _torch_sum(case)
    ours = max(sums.get("reserved", 0), sums.get("allocated", 0) + sums.get("unallocated", 0))
    return bool(sums.get("total")) and ours > 0.66 * sums["total"]


def much_reserved_unallocated(case: Case) -> bool:
    sums = _torch_sum(case)
    spare = sums.get("unallocated", sums.get("reserved", 0) - sums.get("allocated", sums.get("reserved", 0)))
    return bool(sums.get("tried")) and spare > max(sums["tried"], 0.1 * sums.get("total", 0))


def free_would_do(case: Case) -> bool:
    """Several times as much is free as was asked for: it lacks no memory, but a block of it."""
    sums = _torch_sum(case)
    return "tried" in sums and sums.get("free", 0) > max(4 * sums["tried"], 0.1 * sums.get("total", 16))


def asks_for_most_of_the_card(case: Case) -> bool:
    sums = _torch_sum(case)
    return "tried" in sums and sums["tried"] > max(0.25 * sums.get("total", 16), 1.0)


NEARLY_ALL = 0.93
"""Part of a card's memory from which on nothing is left for others."""
MOST = 0.66
"""Part of a card's memory that one process must have to be the one who fills it."""
_OF_A_PROCESS = re.compile(r"\|  {0,20}\d{1,2}+ [^\n|]{1,200}?\b(\d{1,6}+)mib ?\|")
"""A row of nvidia-smi's table of processes."""
_IN_USE = re.compile(r"this process has (\d{1,4}(?:\.\d{1,2})?) gi?b memory in use")


def card_is_full(case: Case) -> bool:
    """nvidia-smi's table shows hardly anything left, which is not the failing program's own: torch's sum would say so, and one
    process that has it all may be that program."""
    rows = _OF_A_PROCESS.findall(case.text.flowing)
    if most_of_it_is_ours(case) or _has_most_of_it(case):
        return False
    return any(
        int(used) > NEARLY_ALL * int(total) and not (len(rows) == 1 and int(rows[0]) > MOST * int(used))
        for used, total in _USED.findall(case.text.flowing)
    )


def _has_most_of_it(case: Case) -> bool:
    """Torch says what its process has, whoever allocated it."""
    match = _IN_USE.search(case.text.flowing)
    total = _torch_sum(case).get("total")
    return match is not None and bool(total) and float(match[1]) > MOST * (total or 0)


def held_by_no_process_shown(case: Case) -> bool:
    """nvidia-smi's table shows a card in use and no process: whoever holds it is dead, hidden or another user's."""
    if "no running processes found" not in case.text.flowing:
        return False
    return any(int(used) > MOSTLY_USED * int(total) for used, total in _USED.findall(case.text.flowing))
