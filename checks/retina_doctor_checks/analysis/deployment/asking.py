"""By which program a health check asks the service."""

from __future__ import annotations

from collections.abc import Sequence

from . import shell

TOOLS = ("curl", "wget")


def asking_tool(words: Sequence[str]) -> str | None:
    """*words*: a command, or a line for a shell alone. None: none of these, or one of several."""
    line = words[0] if len(words) == 1 else None
    commands = [command for _, command in shell.commands([(1, line)], {})] if line is not None else [list(words)]
    programs = [shell.base(inner[0]) for command in commands if (inner := shell.program(command)[0])]
    named = {one for one in programs if one in TOOLS}
    return named.pop() if len(named) == 1 else None
