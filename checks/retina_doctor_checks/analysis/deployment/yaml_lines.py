"""Lines of a YAML file with one entry more, or with another value."""

from __future__ import annotations

import re

from ...facts.source_lines import LineCorrection
from ..text import SourceText, corrected_lines
from .nodes import YamlNode

DASH = re.compile(r"(?:-\s+)*")


def with_entry(text: SourceText, mapping: YamlNode, entry: str) -> LineCorrection | None:
    """The line of a mapping before which one entry more stands: its second, so that a name stays first; None where that cannot
    be written on it. *entry*: in one line, such as "gpus: all"."""
    own = mapping.own
    if mapping.in_brackets:
        return in_brackets(text, mapping, entry, bool(own))
    return before(text, own[:2][-1][0].place, entry) if own else None


def with_item(text: SourceText, sequence: YamlNode, item: str) -> LineCorrection | None:
    """Likewise of a sequence."""
    items = sequence.items
    if sequence.in_brackets:
        return in_brackets(text, sequence, item, bool(items))
    if not items:
        return None
    line, column = items[0].place
    raw = text.lines[line - 1]
    dash = raw[: column - 1].rfind("-")
    return before(text, (line, dash + 1), f"- {item}") if dash >= 0 else None


def before(text: SourceText, place: tuple[int, int], new: str) -> LineCorrection | None:
    """A line of its own before what stands at a place, which only dashes may stand before."""
    line, column = place
    raw = text.lines[line - 1]
    start = len(raw) - len(raw.lstrip())
    head = raw[start : column - 1]
    if DASH.fullmatch(head) is None or "\t" in raw[:start]:
        return None
    pad = " " * len(head)
    return correction(text, line, f"{head}{new}", pad + raw[column - 1 :])


def in_brackets(text: SourceText, node: YamlNode, new: str, more: bool) -> LineCorrection | None:
    line, column = node.place
    raw = text.lines[line - 1]
    if raw[column - 1 : column] not in ("{", "["):
        return None
    return correction(text, line, raw[:column].lstrip() + new + (", " if more else "") + raw[column:])


def with_value(text: SourceText, node: YamlNode, value: str) -> LineCorrection | None:
    """The line with another value in place of a plain or quoted scalar that ends on it."""
    line, column = node.place
    raw = text.lines[line - 1]
    match = re.compile(r"\"[^\"\\]*\"|'[^']*'|[^\s,{}\[\]#&*!|>'\"][^\s,{}\[\]]*").match(raw, column - 1)
    if match is None or match[0].strip("\"'") != node.text:
        return None
    return correction(text, line, raw[: match.start()].lstrip() + value + raw[match.end() :])


def correction(text: SourceText, line: int, *lines: str) -> LineCorrection | None:
    fixed = corrected_lines(*lines)
    return LineCorrection(at=text.at(line), fixed=fixed) if fixed is not None else None


def all_or_none(*those: LineCorrection | None) -> tuple[LineCorrection, ...]:
    """All of them, or none where one cannot be written."""
    known = tuple(one for one in those if one is not None)
    return known if len(known) == len(those) else ()
