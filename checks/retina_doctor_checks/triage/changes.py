"""Whether a text tells what a change of code does: pull requests and commits bear the words of the faults that they mend."""

from __future__ import annotations

import re

from .text import LogText

_SUBJECT = re.compile(
    r"\W{0,6}(?:feat|fix|docs|chore|refactor|perf|build|ci|test|style|revert)(?:\([\w ,./@-]{1,60}\))?!?: \S",
    re.IGNORECASE,
)
"""A commit's subject, as conventionalcommits.org has it."""
_HEADING = re.compile(
    r"(?:^|\n)#{1,6} (?:(?:description|summary) of (?:the )?(?:changes?|corrections?)|(?:the )?(?:proposed )?changes?(?: made)?"
    r"|types? of changes?|things done|what (?:i did|was done|has been done|this (?:pr|does|changes))"
    r"|how (?:to test|has this been tested)|变更说明|具体改动|修改内容|改动内容)\W{0,4}(?=\n|$)",
    re.IGNORECASE,
)
"""Headings of templates for pull requests; those for reports ask what happened."""
_SAYS_WHAT_IT_DOES = re.compile(
    r"\b(?:this|the) (?:pr|pull request|patch|merge request|commit) (?:also )?(?:adds?|fixes|addresses|updates?|changes?|makes?"
    r"|removes?|replaces?|introduces?|bumps?|moves?|implements?|improves?|resolves|switches)\b"
    r"|\bwith this (?:pr|pull request|patch|commit)\b|(?:^|\n)\W{0,4}(?:closes|resolves|fixes):? #\d",
    re.IGNORECASE,
)
_COMPLAINS = re.compile(
    r"(?<![\w'])my (?!last|previous|other|earlier|own)|\b(?:broke|broken by|regression)\b"
    r"|\b(?:since|after|because of) (?:this|that|the) (?:pr|pull request|patch|commit|change)\b"
    r"|\b(?:please help|help me|any(?:one|body)|some(?:one|body) (?:help|know)|any (?:idea|help|hints?)"
    r"|how (?:do|can|should) i|why (?:do|does|is|are))\b"
    r"|请问|求助|求教|怎么办|(?:怎么|如何)解决",
    re.IGNORECASE,
)
"""Who asks for help with a change, or because of one, complains all the same."""


def is_change(text: LogText) -> bool:
    said = "\n".join(line.text for line in text.lines)
    if _COMPLAINS.search(said):
        return False
    return any(mark(said) is not None for mark in (_SUBJECT.match, _HEADING.search, _SAYS_WHAT_IT_DOES.search))
