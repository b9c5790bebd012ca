"""What stands for what: marks are numbered in the order in which they are needed, and what is masked already keeps its number.

So masking twice is masking once, and two people, hosts or names stay two.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable

from retina_doctor.patterns import pattern
from retina_doctor.redaction.harmless import WHOLE_MARK, is_harmless

NUMBERED = pattern(r"<(user|host|address|name|number|serial)(\d+)>")
PLAIN_USERS = {"root", "nobody", "www-data", "ubuntu", "app", "user", "git"}
PLAIN_HOSTS = {"localhost", "vm", "host"}
PUBLIC_HOSTS = pattern(
    r"(?:.+\.)?(?:github\.com|githubusercontent\.com|python\.org|pypi\.org|pythonhosted\.org|pytorch\.org|onnxruntime\.ai"
    r"|nvidia\.com|microsoft\.com|huggingface\.co|anaconda\.(?:com|org)|docker\.(?:com|io)|readthedocs\.io|aka\.ms)"
)


_PADDED = pattern(r"(?<![0-9a-fA-F:])0{1,2}(?=\d{1,2}(?![0-9a-fA-F:]))")
"""`010.002.003.004`."""


class Marks:
    """What stands for what in one snapshot."""

    def __init__(self) -> None:
        self.words: dict[tuple[str, str], str] = {}
        self.last: dict[str, int] = {}
        self.names: list[tuple[re.Pattern[str], str]] = []

    def used(self, texts: Iterable[str]) -> None:
        for text in texts:
            for kind, number in NUMBERED.findall(text):
                self.last[kind] = max(self.last.get(kind, 0), int(number))

    def word(self, kind: str, text: str) -> str:
        if (kind, text) not in self.words:
            self.last[kind] = self.last.get(kind, 0) + 1
            self.words[kind, text] = f"<{kind}{self.last[kind]}>"
        return self.words[kind, text]

    def user(self, name: str) -> str:
        plain = name in PLAIN_USERS or re.fullmatch(r"\d{1,10}", name) or WHOLE_MARK.fullmatch(name)
        return name if plain or not name else self.word("user", name)

    def host(self, name: str) -> str:
        plain = WHOLE_MARK.fullmatch(name) or name.lower() in PLAIN_HOSTS or PUBLIC_HOSTS.fullmatch(name.lower())
        return name if plain or not name else self.word("host", name)

    def address(self, text: str) -> str:
        """Loopback and the wildcard say the same of every machine."""
        try:
            address = ipaddress.ip_address(_PADDED.sub("", text.partition("%")[0]))
        except ValueError:
            return text
        inner = getattr(address, "ipv4_mapped", None) or address
        return text if inner.is_loopback or inner.is_unspecified else self.word("address", text)

    def learn(self) -> None:
        """Names of users and hosts that are known by now are taken out of other texts as well, words of the trade excepted."""
        self.names = [
            (re.compile(rf"(?<![\w<.-]){re.escape(name)}(?![\w>-])"), mark)
            for (kind, name), mark in sorted(self.words.items(), key=lambda item: -len(item[0][1]))
            if kind in ("user", "host") and len(name) > 2 and not is_harmless(name) and not name.isdigit()
        ]
