"""Takes out of a snapshot what says who and where, and keeps what a judgement rests on.

Replacement is consistent and one to one (two people, hosts or addresses stay two: <user1>, <user2>), since checks compare
paths and addresses. Redacting twice changes nothing more: what is redacted already keeps its number.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Sequence
from typing import Any

from retina_doctor.codec import decode, encode, replace
from retina_doctor.model import Snapshot
from retina_doctor.secret_words import FLAG_AND_SECRET, SECRET_FLAG, SECRET_KEY, masked

_HOST = r"[A-Za-z0-9](?:[\w.-]*\w)?"

URL_HOST = re.compile(rf"(\b[a-z][a-z0-9+.-]*://(?:<user>@)?)({_HOST})")
_AT = r"@(?![A-Z][A-Z0-9]*_\d|v?\d+(?:\.\d+)*(?![\w.]))"  # but memcpy@GLIBC_2.14 and package@1.2 are no people
EMAIL = re.compile(rf"(?<![\w<])[\w.+-]+{_AT}[\w-]+(?:\.[\w-]+)+")
USER_AT_HOST = re.compile(rf"(?<![\w<./@+-])([A-Za-z_][\w.-]*){_AT}({_HOST})(?!\w*:/)")
HOME = re.compile(r"(/home/|/Users/|\\Users\\)(?!<)([^/\\\s:\"',;()\[\]<>]+)")
IPV4 = re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w.]*\w)")
IPV6 = re.compile(r"(?<![\w:.])[0-9a-fA-F]{3,4}:[0-9a-fA-F:]*:[0-9a-fA-F]*(?![\w:])")
GPU_UUID = re.compile(r"\b((?:GPU|MIG)-[0-9a-f]{8})(-[0-9a-f]{1,4}[0-9a-f-]*)")
"""The first eight digits stay: CUDA_VISIBLE_DEVICES may name a card by its beginning."""
BOOT_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
HOST_IN_LOG = re.compile(r"(\bhostname=)(?!<)([^\s;]+)")
NUMBERED = re.compile(r"<(user|host|address)(\d+)>")

PLAIN_USERS = {"root", "nobody", "www-data", "ubuntu", "app", "user"}
PLAIN_HOSTS = {"localhost", "vm", "host"}
PUBLIC_HOSTS = re.compile(
    r"(?:.+\.)?(?:github\.com|githubusercontent\.com|python\.org|pypi\.org|pythonhosted\.org|pytorch\.org|onnxruntime\.ai"
    r"|nvidia\.com|microsoft\.com|huggingface\.co|anaconda\.(?:com|org)|docker\.(?:com|io)|readthedocs\.io|aka\.ms)"
)
TECHNICAL = {
    "admin", "bin", "conda", "cpu", "cuda", "data", "detect", "dev", "docker", "etc", "face", "gpu", "home", "insightface",
    "lib", "local", "mnt", "model", "models", "nvidia", "onnx", "onnxruntime", "opt", "proc", "python", "python3",
    "retinaface", "run", "server", "service", "site-packages", "src", "srv", "sys", "tmp", "torch", "usr", "var", "venv",
}  # fmt: skip
"""Names that mean something else in most texts: taken out only where they surely name somebody."""
ADDRESS_KEYS = {"address", "addresses", "host", "url", "text", "peer"}
ADDRESS_BEFORE = re.compile(
    r"(?i)(?:://|@|\[|\b(?:host|ip|addr|address|bind|peer|server|listen|connect(?:ed)?|reach|from|to|at|on)[=:\s'\"(]+)$"
)
VERSION_BEFORE = re.compile(r"(?i)(?:[=<>~!]=|[-_]|\bversions?[=:\s]+|\.so\.)$")
SSH_OPTIONS_WITH_VALUE = set("BbcDEeFIiJLlmOopQRSWw")


def redact(snapshot: Snapshot) -> Snapshot:
    """The same machine without names of people and hosts, addresses, GPU serials, and secrets in command lines."""
    data = encode(snapshot)
    return replace(decode(_Redaction(data).clean(data), Snapshot), redacted=True)


class _Redaction:
    """The words that stand for the names of one snapshot."""

    def __init__(self, data: Any) -> None:
        self.words: dict[tuple[str, str], str] = {}
        self.last = {"user": 0, "host": 0, "address": 0}
        for _, text in _strings(data):
            for kind, number in NUMBERED.findall(text):
                self.last[kind] = max(self.last[kind], int(number))
        for key, text in _strings(data):
            self.note(key, text)
        for words in _lists(data):
            place = ssh_destination(words)
            if place is not None:
                self.destination(words[place])
        self.known = [
            (re.compile(_AS_PART[kind].format(re.escape(name))), word)
            for (kind, name), word in self.words.items()
            if kind in _AS_PART and len(name) > 2 and not name.isdigit() and name.lower() not in TECHNICAL
        ]

    def note(self, key: str, text: str) -> None:
        """Learn the names that this value surely gives."""
        for match in HOME.finditer(text):
            self.user(match[2])
        if key == "user":
            self.user(text)
        if key == "hostname" or (key == "host" and re.fullmatch(_HOST, text)):
            self.host(text)

    def word(self, kind: str, name: str) -> str:
        if (kind, name) not in self.words:
            self.last[kind] += 1
            self.words[kind, name] = f"<{kind}{self.last[kind]}>"
        return self.words[kind, name]

    def user(self, name: str) -> str:
        return name if name in PLAIN_USERS or name.startswith("<") else self.word("user", name)

    def host(self, name: str) -> str:
        plain = name.startswith("<") or name.lower() in PLAIN_HOSTS or PUBLIC_HOSTS.fullmatch(name.lower())
        return name if plain or not name or IPV4.fullmatch(name) else self.word("host", name)

    def destination(self, text: str) -> str:
        """[user@]host, as ssh takes it."""
        user, at, host = text.rpartition("@")
        return (self.user(user) if at else "") + at + self.host(host)

    def clean(self, value: Any, key: str = "") -> Any:
        if isinstance(value, dict):
            return {
                name: "<secret>" if isinstance(inner, str) and SECRET_KEY.fullmatch(name) else self.clean(inner, name)
                for name, inner in value.items()
            }
        if isinstance(value, list):
            return self.clean_list(value, key)
        if not isinstance(value, str):
            return value
        if key == "user":
            return self.user(value)
        if key == "hostname" or (key == "host" and re.fullmatch(_HOST, value) and not IPV4.fullmatch(value)):
            return self.host(value)
        if key == "machine" and BOOT_ID.fullmatch(value):
            return "<machine>"
        return self.text(value, key)

    def clean_list(self, value: list[Any], key: str) -> list[Any]:
        """A command is a list of words: the one after --token is the token."""
        destination = ssh_destination(value)
        cleaned: list[Any] = []
        for place, inner in enumerate(value):
            before = value[place - 1] if place and isinstance(value[place - 1], str) else ""
            named = SECRET_FLAG.fullmatch(before) or SECRET_KEY.fullmatch(before)
            if isinstance(inner, str) and named and not inner.startswith("--"):
                cleaned.append("<secret>")
            elif place == destination:
                cleaned.append(self.text(self.destination(inner), "host"))
            elif isinstance(inner, str):
                # Here alone it is certain where the value ends.
                whole = FLAG_AND_SECRET.fullmatch(inner)
                cleaned.append(f"{whole[1]}<secret>" if whole else self.clean(inner, key))
            else:
                cleaned.append(self.clean(inner, key))
        return cleaned

    def text(self, text: str, key: str = "") -> str:
        text = HOST_IN_LOG.sub(lambda m: m[1] + self.host(m[2]), text)
        text = masked(text)
        text = URL_HOST.sub(lambda m: m[1] + self.host(m[2]), text)
        text = EMAIL.sub("<email>", text)
        text = USER_AT_HOST.sub(lambda m: self.user(m[1]) + "@" + self.host(m[2]), text)
        text = HOME.sub(lambda m: m[1] + self.user(m[2]), text)
        text = IPV6.sub(self.ipv6, text)
        text = IPV4.sub(lambda m: self.ipv4(m, key), text)
        text = GPU_UUID.sub(lambda m: m[1] + re.sub("[0-9a-f]", "0", m[2]), text)
        for pattern, word in self.known:
            text = pattern.sub(word, text)
        return text

    def ipv6(self, match: re.Match[str]) -> str:
        """Of the ranges that are given to machines; c10::add is C++."""
        try:
            first = ipaddress.IPv6Address(match[0]).packed[0]
        except ValueError:
            return match[0]
        return self.word("address", match[0]) if 0x20 <= first < 0x40 or first in (0xFC, 0xFD, 0xFE) else match[0]

    def ipv4(self, match: re.Match[str], key: str) -> str:
        """What says the same of every machine stays: loopback and the wildcard. So do version numbers of four parts,
        such as CUDA's libraries have (8.9.7.29, 12.4.5.8): no such major number is beyond 13."""
        try:
            address = ipaddress.IPv4Address(match[0])
        except ValueError:
            return match[0]
        if address.is_loopback or address.is_unspecified:
            return match[0]
        before, after = match.string[: match.start()], match.string[match.end() :]
        meant = key in ADDRESS_KEYS or ADDRESS_BEFORE.search(before) or re.match(r"[:/]\d", after)
        version = "version" in key or key.startswith(("nvidia", "tensorrt")) or VERSION_BEFORE.search(before)
        first = address.packed[0]
        if not meant and first < 14 and (version or first != 10):
            return match[0]
        return self.word("address", match[0])


_AS_PART = {
    "user": r"(?<=[/\\]){}(?![\w.<>-])",
    "host": r"(?<![\w/.<-]){}(?![\w/>-])",
}


def ssh_destination(words: Sequence[Any]) -> int | None:
    """Which word of an ssh command says where to; None: it is no ssh command."""
    if not words or not all(isinstance(word, str) for word in words) or words[0].rpartition("/")[2] != "ssh":
        return None
    place = 1
    while place < len(words) and words[place].startswith("-"):
        flag = words[place]
        place += 2 if len(flag) == 2 and flag[1] in SSH_OPTIONS_WITH_VALUE else 1
    return place if place < len(words) else None


def _strings(value: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """(key, text) of every string; those of a list bear the list's key."""
    if isinstance(value, str):
        yield key, value
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from _strings(inner, name)
    elif isinstance(value, list):
        for inner in value:
            yield from _strings(inner, key)


def _lists(value: Any) -> Iterator[list[Any]]:
    if isinstance(value, list):
        yield value
    if isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _lists(inner)
