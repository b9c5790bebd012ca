"""Takes out of a snapshot what says who and where, and keeps what a judgement rests on.

Replacement is consistent (the same name becomes the same word), and redacting twice changes nothing more.
"""

from __future__ import annotations

import dataclasses
import ipaddress
import re
from collections.abc import Mapping
from typing import Any

from retina_doctor.codec import decode, encode
from retina_doctor.model import Snapshot

SECRET = re.compile(
    r"(?i)((?<![\w-])(?:[\w-]*(?:token|passw(?:or)?d|secret|api[-_]?key|credential)[\w-]*)\s*[=:]\s*"
    r"|(?<![\w-])--?[\w-]*(?:token|passw(?:or)?d|secret|key)\s+)(?!<)([^\s'\",;&]+)"
)
SECRET_FLAG = re.compile(r"(?i)--?[\w-]*(?:token|passw(?:or)?d|secret|key)")
URL_USER = re.compile(r"(\b[a-z][a-z0-9+.-]*://)(?!<)[^\s/@]+@")
EMAIL = re.compile(r"(?<![\w<])[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
HOME = re.compile(r"(/home/|/Users/|\\Users\\)(?!<)([^/\\\s:\"',;]+)")
ADDRESS = re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w.])")
GPU_UUID = re.compile(r"\b(GPU|MIG)-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-([0-9a-f]{12})\b")
BOOT_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
HOST_IN_LOG = re.compile(r"(\bhostname=)(?!<)[^\s;]+")
PLAIN_USERS = {"root", "nobody", "www-data", "ubuntu", "app", "user"}
PLAIN_HOSTS = {"localhost", "vm", "host"}


def redact(snapshot: Snapshot) -> Snapshot:
    """The same machine without names of people and hosts, addresses, GPU serials, and secrets in command lines."""
    facts = dict(snapshot.readings["interpreter"].facts) if "interpreter" in snapshot.readings else {}
    names = {
        str(facts[key]): word
        for key, word, plain in (("user", "<user>", PLAIN_USERS), ("hostname", "<host>", PLAIN_HOSTS))
        if facts.get(key) and len(str(facts[key])) > 2 and facts[key] not in plain
    }
    return dataclasses.replace(decode(_clean(encode(snapshot), names), Snapshot), redacted=True)


def _clean(value: Any, names: Mapping[str, str], key: str = "") -> Any:
    if isinstance(value, dict):
        return {name: _clean(inner, names, name) for name, inner in value.items()}
    if isinstance(value, list):
        # A command is a list of words: the one after --token is the token.
        words = [before if isinstance(before, str) else "" for before in ["", *value]]
        return [
            "<secret>" if isinstance(inner, str) and SECRET_FLAG.fullmatch(before) else _clean(inner, names, key)
            for before, inner in zip(words, value, strict=False)
        ]
    if not isinstance(value, str):
        return value
    if key == "user" and value not in PLAIN_USERS:
        return "<user>"
    if key == "hostname" and value not in PLAIN_HOSTS:
        return "<host>"
    if key == "machine" and BOOT_ID.fullmatch(value):
        return "<machine>"
    return redact_text(value, names)


def redact_text(text: str, names: Mapping[str, str]) -> str:
    text = HOST_IN_LOG.sub(r"\1<host>", text)
    text = SECRET.sub(r"\1<secret>", text)
    text = URL_USER.sub(r"\1<user>@", text)
    text = EMAIL.sub("<email>", text)
    text = HOME.sub(r"\1<user>", text)
    text = ADDRESS.sub(_address, text)
    text = GPU_UUID.sub(r"\1-00000000-0000-0000-0000-\2", text)
    for name, word in names.items():
        if word == "<host>":
            text = re.sub(rf"(?<![\w/.<-]){re.escape(name)}(?![\w/>-])", word, text)
    return text


def _address(match: re.Match[str]) -> str:
    """Addresses that say something of every machine alike stay: loopback and the wildcard; so do version numbers."""
    try:
        address = ipaddress.IPv4Address(match[0])
    except ValueError:
        return match[0]
    return match[0] if address.is_loopback or address.is_unspecified or address.packed[0] < 10 else "<address>"
