"""Files of short texts in TOML, of which a report needs few."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import tomli

_UNSEEN = r"\x00-\x1f\x7f"
_HEAD = rf'\[(?:"[^"\\\[\]{_UNSEEN}]+"|[A-Za-z0-9_-]+)\]\n'
_TEXT = rf'"[^"\\{_UNSEEN}]*(?:\\["\\nt][^"\\{_UNSEEN}]*)*"'
_REST = rf"(?:(?:#[^{_UNSEEN}]*|[a-z]+ = {_TEXT})?\n)*"
_PLAIN = re.compile(rf"(?:(?:#[^{_UNSEEN}]*)?\n)*(?:{_HEAD}{_REST})*")


class Tables(Mapping[str, Any]):
    """The tables of a TOML text, each parsed when it is asked for: all of them would cost a twentieth of a quick check.

    Where the text is more than lines of ``[key]`` and ``name = "text"`` it is parsed at once. Raises ValueError.
    """

    def __init__(self, text: str) -> None:
        self._texts: dict[str, str] = {}
        self._parsed: dict[str, Any] = {}
        heads = list(re.finditer(f"^{_HEAD}", text, re.MULTILINE))
        for head, end in zip(heads, [*(one.start() for one in heads[1:]), len(text)], strict=False):
            self._texts[head[0].strip('[]"\n')] = text[head.end() : end]
        if len(self._texts) < len(heads) or not _PLAIN.fullmatch(text):
            self._parsed = tomli.loads(text)
            self._texts = dict.fromkeys(self._parsed, "")

    def __getitem__(self, key: str) -> Any:
        if key not in self._parsed:
            self._parsed[key] = tomli.loads(self._texts[key])
        return self._parsed[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._texts)

    def __len__(self) -> int:
        return len(self._texts)
