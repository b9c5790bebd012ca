"""What names a person, a machine or a place of the net by its form: homes, e-mail, addresses, serials, telephones."""

from __future__ import annotations

import ipaddress
import re

from retina_doctor.patterns import pattern
from retina_doctor.redaction.harmless import is_harmless
from retina_doctor.redaction.marks import Marks

HOME = pattern(r"(/home/|/Users/|\\Users\\|\\\\Users\\\\)(?!<)([^/\\\s:\"',;()\[\]<>]+)")
_EMAIL = pattern(r"[\w.+%-]+(?P<domain>@(?:[\w-]+\.)+(?=[\d_-]*[^\W\d_])[\w-]+)?")
"""Without a domain too, so that no long word is looked at again from each of its characters."""
_MAC = pattern(
    r"(?<![\w:.-])(?:[0-9A-Fa-f]{2}[:-]){5}(?:[0-9A-Fa-f]{2})(?:[:-][0-9A-Fa-f]{2}){0,14}(?![\w:-])"
    r"|(?<![\w.])(?:[0-9A-Fa-f]{4}\.){2}[0-9A-Fa-f]{4}(?![\w.])"
)
GPU_ID = pattern(r"\b((?:GPU|MIG)-[0-9a-f]{8})(-[0-9a-f]{1,4}[0-9a-f-]*)")
_PHONE = pattern(
    r"(?<!\d)\d{6}[ -]\d{8}[ -]\d{3}[\dXx](?!\w)|\(0\d{2,3}\)[ -]?\d{7,8}(?!\d)"
    r"|(?<![\w.:/-])\+?\d{1,4}(?:[ -]\d{2,5}){2,4}(?![\w-]|:\S|\.\d)|(?<![\w.:/-])1[3-9]\d\.\d{4}\.\d{4}(?![\w.])"
)
_IN_GROUPS = pattern(
    r"(?<!\S)(?:(?:\(?\+\d{1,3}\)?|\(0\d{2,3}\)|0\d{2,3}-\d{3,4})(?: \d{3,5}){1,3}"
    r"|1[3-9]\d \d{4} \d{4}|[3-6]\d{3}(?: \d{4}){3}(?: \d{1,3})?"
    r"|\d{6} \d{8} \d{3}[\dXx]|[A-Z]{2}\d\d(?: [A-Z0-9]{4}){3,7}(?: [A-Z0-9]{1,3})?)(?!\S)"
)
"""Telephones, cards, people's numbers and accounts, of which a command has each group as a word."""
_STAFF = pattern(
    r"(?i)(?<![a-z])(?:(?:employee|emp|staff|student|member|customer|patient|person)[-_ ]?(?:id|no|num(?:ber)?)"
    r"|工号|学号|员工编?号|会员编?号)"
    r"\W{1,4}(?P<number>[a-z]{0,3}\d{4,})"
)
_PLACE = pattern(
    r"(?i)(?<![a-z])(?:lat(?:itude)?|l(?:on|ng)(?:gitude)?|location|gps|geo|coord(?:inate)?s?|[经纬]度|坐标|位置)\W{1,4}"
    r"(?P<place>-?\d{1,3}\.\d{4,12}(?:\s?[,/ ]\s?-?\d{1,3}\.\d{4,12})?)"
    r"|(?P<degrees>\d{1,3}°\s?\d{1,2}['′]\s?\d{1,2}(?:\.\d{1,6})?)"
)
"""Degrees of a place on earth."""
_DATED = pattern(r"\d{4}-\d\d-\d\d.*")
_IPV6 = pattern(r"(?<![\w:.])(?=[0-9a-fA-F:]*[0-9a-fA-F]:)(?:[0-9a-fA-F]{0,4}:){2,7}[0-9a-fA-F]{0,4}(?:%\w+)?(?![\w:])")
_IPV4 = pattern(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w.]*\w)")
_HOST_SAID = pattern(r"(?i)(\b(?:host|hostname|server|node|peer)(?:=|: ?| ))(?!<)([^\s;,'\"()\[\]{}]+)")
SYMBOL = pattern(r"(?P<name>[A-Za-z_]\w*)@{1,2}(?P<version>[A-Z][A-Z0-9]*_\d[\d.]*)")
_VERSION_BEFORE = pattern(r"(?i)(?:[=<>~!]=|[-_]|\bversions?[=:\s]+|\.so\.|cu(?:da|dnn|blas)?\w*[ =-]+)\Z")
_ADDRESS_BEFORE = pattern(
    r"(?i)(?:://|@|\[|\b(?:host|ip|addr|address|bind|peer|server|listen|connect(?:ed)?|reach|from|to|at|on)[=:\s'\"(]+)$"
)


def without_names(text: str, marks: Marks) -> str:
    """Without what is known by its form to name a person, a machine or a place of the net."""
    text = HOME.sub(lambda m: m[1] + marks.user(m[2]), text)
    for name, mark in marks.names:
        text = name.sub(mark, text)
    if "@" in text:
        text = _EMAIL.sub(lambda m: "<email>" if m["domain"] and not SYMBOL.fullmatch(m[0]) else m[0], text)
    text = _MAC.sub("<mac>", text)
    text = GPU_ID.sub(lambda m: m[1] + re.sub("[0-9a-f]", "0", m[2]), text)
    text = _PHONE.sub(lambda m: m[0] if _DATED.fullmatch(m[0]) else marks.word("number", m[0]), text)
    text = _PLACE.sub(lambda m: _numbered(m, m["place"] or m["degrees"], marks), text)
    text = _STAFF.sub(lambda m: _numbered(m, m["number"], marks), text)
    text = _IPV6.sub(lambda m: _ipv6(m, marks), text)
    text = _IPV4.sub(lambda m: _ipv4(m, marks), text)
    return _HOST_SAID.sub(lambda m: _said_host(m, marks), text)


def _numbered(match: re.Match[str], number: str, marks: Marks) -> str:
    """Two figures of a place stay two, so that words of a command stay as many."""
    return match[0].replace(number, re.sub(r"[^\s,/]+", lambda one: marks.word("number", one[0]), number))


def in_groups(words: list[str]) -> set[int]:
    """Places of those words that together are somebody's number."""
    line, places = " ".join(word.replace(" ", "_") for word in words), set[int]()
    for match in _IN_GROUPS.finditer(line):
        first = line.count(" ", 0, match.start())
        places.update(range(first, first + match[0].count(" ") + 1))
    return places


def _said_host(match: re.Match[str], marks: Marks) -> str:
    name = match[2].rstrip(".:")
    if (
        is_harmless(name)
        or is_harmless(name.partition(":")[0])
        or "/" in name
        or "@" in name
        or not match[1].strip().endswith(("=", ":"))
    ):
        return match[0]
    host, colon, port = name.partition(":")
    return match[1] + marks.host(host) + colon + port + match[2][len(name) :]


def _ipv6(match: re.Match[str], marks: Marks) -> str:
    """c10::add is C++, 12:34:56 a time, 0000:00:1e.0 a bus."""
    text = match[0].rstrip(":") if not match[0].endswith("::") else match[0]
    if re.fullmatch(r"\d\d:\d\d:\d\d|[0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2}", text):
        return match[0]
    try:
        first = ipaddress.IPv6Address(text.partition("%")[0]).packed[0]
    except ValueError:
        return match[0]
    given = 0x20 <= first < 0x40 or first in (0, 0xFC, 0xFD, 0xFE)
    return marks.address(text) + match[0][len(text) :] if given else match[0]


def _ipv4(match: re.Match[str], marks: Marks) -> str:
    """Versions of four parts stay where a version is meant (CUDA's libraries have them: 8.9.7.29, 12.4.5.8)."""
    before = match.string[max(0, match.start() - 80) : match.start()]
    meant = _ADDRESS_BEFORE.search(before) or re.match(r"[:/]\d", match.string[match.end() :][:2])
    return match[0] if _VERSION_BEFORE.search(before) and not meant else marks.address(match[0])


def is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    return True
