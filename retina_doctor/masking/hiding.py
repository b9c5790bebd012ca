"""What stands in place of what a pattern of secrets has found. Sent to targets: Python 3.8, standard library alone."""

from __future__ import annotations

import re

from retina_doctor.masking.forms import NOTHING, OTHER_LINE, SECRET, WHOLE_MARK
from retina_doctor.masking.shapes import holds_text, is_a_count


def hidden(match):  # type: (re.Match[str]) -> str
    """The match with its value masked; quotes around it stay, so that what was JSON is JSON still."""
    value = match.group("value")
    if not value.strip("\\'\" \t\r\n,-[]"):
        return match.group(0)  # of a list: what stands between two of its words
    if re.fullmatch(WHOLE_MARK, value) or re.fullmatch(NOTHING, value) or is_a_count(match.group("head"), value):
        return match.group(0)
    start = len(value) - len(value.lstrip("\\'\"")) if value[:1] in "\\'\"" else 0
    end = len(value) - (len(value) - len(value.rstrip("\\'\"")) if start else 0)
    before = match.group(0)[: match.start("value") - match.start(0)]
    after = match.group(0)[match.end("value") - match.start(0) :]
    return before + value[:start] + SECRET + value[max(end, start) :] + after


def userinfo(match):  # type: (re.Match[str]) -> str
    if match.group("colon"):
        user, value = match.group("user"), match.group("value")
        return match.group("head") + user + ":" + (value if re.fullmatch(WHOLE_MARK, value) else SECRET) + "@"
    user = match.group("user") + match.group("value")
    return match.group(0) if re.fullmatch(WHOLE_MARK, user) or user == "git" else match.group("head") + SECRET + "@"


def block(match):  # type: (re.Match[str]) -> str
    """A block of text, or a value that goes on; a map that stands below such a name is masked name by name."""
    said = match.group("head").rstrip("\r \t")
    alone = re.search(r"[:=][ \t]*\S{1,200}\Z", said) is not None
    before = match.string[match.string.rfind("\n", 0, match.start()) + 1 : match.start()]
    further = len(before) - len(before.lstrip(" \t"))
    lines = match.group("value").split("\n")[1:]
    most = next((n for n, line in enumerate(lines) if line.strip() and _indent(line) <= further), len(lines))
    block = re.search(r"[:=][ \t]*(?:[&!]\S+[ \t]+)*[|>][-+]?\d?\Z", said) is not None
    if not block and (
        (before.strip(" \t-\"'") and not alone)
        or said[-1:] in ("(", "[", "{", ",")
        or any(re.search(OTHER_LINE, line) for line in lines[:most])
    ):
        return match.group(0)
    shown = [line[: _indent(line)] + SECRET if line.strip() else line for line in lines[:most]]
    return "\n".join([match.group("head"), *shown, *lines[most:]])


def _indent(line):  # type: (str) -> int
    return len(line) - len(line.lstrip(" \t"))


def second_at(match):  # type: (re.Match[str]) -> str
    return match.group("head")


def dumped(match):  # type: (re.Match[str]) -> str
    return SECRET if holds_text(match) else match.group(0)


def digest(match):  # type: (re.Match[str]) -> str
    return match.group(1) + SECRET
