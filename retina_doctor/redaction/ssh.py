"""Where an ssh command goes to."""

from __future__ import annotations

SSH_OPTIONS_WITH_VALUE = set("BbcDEeFIiJLlmOopQRSWw")


def ssh_destination(words: list[str] | tuple[str, ...]) -> int | None:
    """Which word of an ssh command says where to; None: it is no ssh command."""
    if not words or not all(isinstance(word, str) for word in words) or words[0].rpartition("/")[2] != "ssh":
        return None
    place = 1
    while place < len(words) and words[place].startswith("-"):
        flag = words[place]
        place += 2 if len(flag) == 2 and flag[1] in SSH_OPTIONS_WITH_VALUE else 1
    return place if place < len(words) else None
