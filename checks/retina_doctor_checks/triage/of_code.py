"""Lines that tell of a program's code and of no run: names of tests, subjects of commits, entries of a changelog, statements.
They bear the words of the faults that were mended, or that could be."""

from __future__ import annotations

import re
from collections.abc import Iterable

_OUTCOME = re.compile(r"\S{1,300}\.py::\S{1,300}")
_SUBJECT = re.compile(r"(?P<commit>(?=[a-f]{0,11}\d)(?=\d{0,11}[a-f])[0-9a-f]{7,12}) (?:\([^)]{1,80}\) )?[A-Z]\S")
_RUN = re.compile(r"\b(?:DEBUG|INFO|WARN|WARNING|ERROR|CRITICAL|FATAL)\b|[a-z](?:Error|Exception)\b")
"""What a service prints behind the number of a request, which looks like that of a commit."""
_SOURCE = re.compile(
    r"\s{0,40}(?:raise [\w.]{1,80}\(f?'|(?:el)?if (?:not )?[\w.\[\]()]{1,60} (?:is|==|!=|in|<|>|<=|>=) [^:]{1,120}:$"
    r"|(?:el)?if (?:not )?[\w.]{1,60}[\w.()]{0,40}:$"
    r"|(?:self\.)?_?log(?:ger|ging)?\.(?:debug|info|warn|warning|error|critical|exception)\(f?')"
)
"""A statement of Python's that would say it, or tests for it: what was raised is printed below as well."""
_MENDED = re.compile(
    r"\s{0,8}[-*+] \W{0,4}(?:fixed|fixes|resolved)\b(?!.{0,300}(?:\b(?:still|but|however)\b|仍|但))", re.IGNORECASE
)
"""An entry of a changelog, whatever stands above; who goes on with "but" tells of what he tried."""
_RELEASE = re.compile(
    r"#{1,4} (?:version |release )?\[?v?\d{1,4}\.\d{1,4}(?:\.\d{1,4}){0,2}\]?(?: ?[-(:].{0,60})?$", re.IGNORECASE
)
_ENTRY = re.compile(r"\s{0,8}[-*+] ")


def without_code(said: Iterable[str]) -> tuple[str, ...]:
    """The lines, with nothing where one tells of code alone."""
    lines = list(said)
    commits = [match["commit"] if (match := _SUBJECT.match(line)) else None for line in lines]
    subjects = [line for line, commit in zip(lines, commits, strict=True) if commit is not None]
    is_history = len({*commits} - {None}) == len(subjects) > 2 and not any(map(_RUN.search, subjects))
    kept, in_release = [], False
    for line, commit in zip(lines, commits, strict=True):
        if _RELEASE.match(line):
            in_release = True
        elif line.strip() and not _ENTRY.match(line) and not line.startswith("  "):
            in_release = False
        mute = (is_history and commit is not None) or (in_release and _ENTRY.match(line) is not None)
        mute = mute or _MENDED.match(line) is not None or _SOURCE.match(line) is not None
        kept.append("" if mute else _OUTCOME.sub("", line) if "::" in line else line)
    return tuple(kept)
