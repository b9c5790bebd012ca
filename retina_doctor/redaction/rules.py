"""One rule for each kind of text: what is known to be harmless stays, the rest becomes a mark, the same wherever it stands.

Marks are numbered in the order in which they are needed, and what is masked already keeps its number: masking twice is
masking once, and two people, hosts or names stay two.
"""

from __future__ import annotations

import functools
import ipaddress
import re
from collections.abc import Callable, Iterable
from typing import Any

from retina_doctor.kinds import Kind
from retina_doctor.redaction.harmless import CARD, CJK, ENDINGS, VERSION, WHOLE_MARK, is_harmless
from retina_doctor.redaction.letters import is_no_word
from retina_doctor.redaction.speaking import (
    ASSIGNED,
    FLAG_TOLD,
    OPEN_ENDED,
    hides_a_secret,
    is_shuffled,
    speaks_of_secrets,
)
from retina_doctor.secret_words import MARK, SECRET, SECRET_KEY, masked, words_masked

NUMBERED = re.compile(r"<(user|host|address|name|number|serial)(\d+)>")
_CHUNK = re.compile(rf"(?:{MARK}|[^\s\"'<>(){{}}\[\],;|`，。；、：！？（）「」“”‘’《》])+")
_EDGES = re.compile(r"(?s)([=:!?*&.#$^~+@-]*)(.*?)([=:!?*&.#$^~@+-]*)")
_URL = re.compile(
    rf"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<user>(?:{MARK}|[^\s/@])*@)?(?P<host>\[[^\]\s]*\]|(?:{MARK}|[^\s/:?#])*)(?P<rest>\S*)"
)
_QUERY = re.compile(r"[?&;#]")
_NAMED_BEFORE = re.compile(r"(?:(?:has no attribute|cannot import name) '|undefined symbol: )$")
"""Before an identifier of somebody's source, of which the sentence of Python or of the loader speaks (`float4_e2m1fn`)."""
_MAC = re.compile(
    r"(?<![\w:.-])(?:[0-9A-Fa-f]{2}[:-]){5}(?:[0-9A-Fa-f]{2})(?:[:-][0-9A-Fa-f]{2}){0,2}(?![\w:-])"
    r"|(?<![\w.])(?:[0-9A-Fa-f]{4}\.){2}[0-9A-Fa-f]{4}(?![\w.])"
)
_IPV4 = re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w.]*\w)")
_IPV4_IN_A_NAME = re.compile(r"(?:\d{1,3}\.){4}[A-Za-z]")
_IPV6 = re.compile(
    r"(?<![\w:.])(?=[0-9a-fA-F:]*[0-9a-fA-F]:)(?:[0-9a-fA-F]{0,4}:){2,7}[0-9a-fA-F]{0,4}(?:%\w+)?(?![\w:])"
)
_EMAIL = re.compile(r"[\w.+%-]+@[\w-]+(?:\.[\w-]+)+")
_SYMBOL = re.compile(r"(?P<name>[A-Za-z_]\w*)@{1,2}(?P<version>[A-Z][A-Z0-9]*_\d[\d.]*)")
_GPU_ID = re.compile(r"\b((?:GPU|MIG)-[0-9a-f]{8})(-[0-9a-f]{1,4}[0-9a-f-]*)")
_BOOT_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_HOME = re.compile(r"(/home/|/Users/|\\Users\\|\\\\Users\\\\)(?!<)([^/\\\s:\"',;()\[\]<>]+)")
_HOST_SAID = re.compile(r"(?i)(\b(?:host|hostname|server|node|peer)(?:=|: ?| ))(?!<)([^\s;,'\"()\[\]{}]+)")
_SIZED = re.compile(r"(?i)(?:size|bytes?|memory|of|allocate|limit|total|free|used|need(?:ed)?|there|at|found)[ :=]*$")
_BYTES = re.compile(r"(?i)\s?(?:bytes|B\b|MiB|KiB)")
_PHONE = re.compile(r"(?<![\w.:/-])\+?\d{1,4}(?:[ -]\d{2,5}){2,4}(?![\w:-]|\.\d)")
_DATED = re.compile(r"\d{4}-\d\d-\d\d.*")
_VERSION_BEFORE = re.compile(r"(?i)(?:[=<>~!]=|[-_]|\bversions?[=:\s]+|\.so\.|cu(?:da|dnn|blas)?\w*[ =-]+)$")
_ADDRESS_BEFORE = re.compile(
    r"(?i)(?:://|@|\[|\b(?:host|ip|addr|address|bind|peer|server|listen|connect(?:ed)?|reach|from|to|at|on)[=:\s'\"(]+)$"
)
_RANDOM = re.compile(
    r"(?<![^\W_])(?=[^\W_]{6,})(?!0x[0-9a-fA-F]+(?![^\W_]))(?:[A-Za-z]+\d+[A-Za-z]+|\d+[A-Za-z]+\d+)[^\W_]*"
)
"""Letters and digits by turns, as no word of a language has them."""
_HEX = re.compile(r"[0-9a-f-]{32,64}")
_MACHINE_MADE = re.compile(
    r"[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64}|[0-9a-f-]{36}|_Z\w+|(?:GPU|MIG)-[0-9a-f-]+|.*\.so(?:\.\d+)*"
)
_MODEL_FILE = re.compile(r"[\w.+-]{1,80}\.(?:onnx|pth?|params|engine|trt|caffemodel|prototxt|tflite|(?:pth\.)?tar)")
"""Weights are named for what they are, a checksum among it: mobilenetV1X0.25_pretrain.tar, resnet50-19c8e357.pth."""
_LONG_RANDOM = re.compile(r"(?=[\w+/=-]*\d)(?=[\w+/=-]*[a-z])(?=[\w+/=-]*[A-Z])[\w+/=-]{20,}")
_LONG_NUMBER = re.compile(r"[A-Za-z]{2,}\d{16,}")
_LETTERS = re.compile(r"[A-Za-z]+")
_CAPITALS = re.compile(r"(?=[A-Z]*\d)(?=\d*[A-Z])[A-Z\d]{16,}")
_ODD = re.compile(r"[$!#^&*~%\\@`]")
PLAIN_USERS = {"root", "nobody", "www-data", "ubuntu", "app", "user", "git"}
PLAIN_HOSTS = {"localhost", "vm", "host"}
PUBLIC_HOSTS = re.compile(
    r"(?:.+\.)?(?:github\.com|githubusercontent\.com|python\.org|pypi\.org|pythonhosted\.org|pytorch\.org|onnxruntime\.ai"
    r"|nvidia\.com|microsoft\.com|huggingface\.co|anaconda\.(?:com|org)|docker\.(?:com|io)|readthedocs\.io|aka\.ms)"
)


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
            address = ipaddress.ip_address(text.partition("%")[0])
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


class Rules:
    """For what leaves the machine. Each method takes a text of its kind and gives what may be seen of it."""

    def __init__(self, marks: Marks) -> None:
        self.marks = marks
        self.of: dict[Kind, Callable[[str], str]] = {
            Kind.TEXT: self.text,
            Kind.NAME: self.name,
            Kind.VERSION: self.version,
            Kind.PATH: self.path,
            Kind.HOST: self.host,
            Kind.ADDRESS: self.host,
            Kind.URL: self.url,
            Kind.USER: marks.user,
            Kind.COMMAND: self.command,
            Kind.VARIABLE: self.variable,
            Kind.SERIAL: self.serial,
            Kind.KEY: self.key,
        }

    def unit(self, word: str) -> str:
        """One word: as it is where it is harmless."""
        return word if is_harmless(word) else self.marks.word("name", word)

    def text(self, text: str) -> str:
        return _CHUNK.sub(self._chunk, self._who_and_where(masked(text)))

    def _who_and_where(self, text: str) -> str:
        """Without what is known by its form to name a person, a machine or a place of the net."""
        text = _HOME.sub(lambda m: m[1] + self.marks.user(m[2]), text)
        for pattern, mark in self.marks.names:
            text = pattern.sub(mark, text)
        text = _EMAIL.sub(lambda m: m[0] if _SYMBOL.fullmatch(m[0]) or m[0].startswith("<") else "<email>", text)
        text = _MAC.sub("<mac>", text)
        text = _GPU_ID.sub(lambda m: m[1] + re.sub("[0-9a-f]", "0", m[2]), text)
        text = _PHONE.sub(lambda m: m[0] if _DATED.fullmatch(m[0]) else self.marks.word("number", m[0]), text)
        text = _IPV6.sub(self._ipv6, text)
        text = _IPV4.sub(self._ipv4, text)
        return _HOST_SAID.sub(self._said_host, text)

    def _said_host(self, match: re.Match[str]) -> str:
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
        return match[1] + self.marks.host(host) + colon + port + match[2][len(name) :]

    def _chunk(self, match: re.Match[str]) -> str:
        chunk = match[0]
        if _is_identifier(match):
            return chunk
        if "://" in chunk and _URL.fullmatch(chunk):
            return self.url(chunk.rstrip(".:")) + chunk[len(chunk.rstrip(".:")) :]
        edges = _EDGES.fullmatch(chunk)
        assert edges
        before, core, after = edges.groups()
        return before + self._core(core, match) + after

    def _core(self, core: str, match: re.Match[str]) -> str:
        if core.isdigit() and len(core) > 8:
            text = match.string
            sized = _SIZED.search(text[max(0, match.start() - 24) : match.start()]) or _BYTES.match(text, match.end())
            return core if sized and len(core) <= 13 else self.marks.word("number", core)
        symbol = _SYMBOL.fullmatch(core)
        if symbol:
            return self.unit(symbol["name"]) + core[symbol.end("name") : symbol.start("version")] + symbol["version"]
        if is_harmless(core):
            return core
        if WHOLE_MARK.search(core):
            parts = re.split(rf"({MARK})", core)
            return "".join(one if WHOLE_MARK.fullmatch(one) or not one else self._core(one, match) for one in parts)
        if "\\" in core and not core.startswith("\\"):
            return "\\".join(self._core(part, match) for part in core.split("\\"))
        key, equals, value = core.partition("=")
        if equals and re.fullmatch(r"[A-Za-z_][\w.-]*", key):
            return (
                self._core(key, match) + equals + (self._core(value, match) if "://" not in value else self.url(value))
            )
        user, at, host = core.partition("@")
        if (
            at
            and re.fullmatch(rf"(?:{MARK}|[\w.-])+", user)
            and re.fullmatch(rf"(?:{MARK}|[\w.-])+(?::[\w./~-]*)?", host)
        ):
            if re.fullmatch(r"v?\d+(?:\.\d+)*", host) and is_harmless(user):
                return core
            name, colon, rest = host.partition(":")
            return self.marks.user(user) + at + self.marks.host(name) + colon + self.path(rest)
        if "/" in core:
            return self.path(core)
        if _ODD.search(core):
            return self.marks.word("name", core)
        for separator in ("==", ">=", "<=", "::", "=", ":", "+", "＝"):
            if separator in core:
                return separator.join(self._core(part, match) for part in core.split(separator))
        return self.unit(core)

    def _ipv6(self, match: re.Match[str]) -> str:
        """c10::add is C++, 12:34:56 a time, 0000:00:1e.0 a bus."""
        text = match[0].rstrip(":") if not match[0].endswith("::") else match[0]
        if re.fullmatch(r"\d\d:\d\d:\d\d|[0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2}", text):
            return match[0]
        try:
            first = ipaddress.IPv6Address(text.partition("%")[0]).packed[0]
        except ValueError:
            return match[0]
        given = 0x20 <= first < 0x40 or first in (0, 0xFC, 0xFD, 0xFE)
        return self.marks.address(text) + match[0][len(text) :] if given else match[0]

    def _ipv4(self, match: re.Match[str]) -> str:
        """Versions of four parts stay where a version is meant (CUDA's libraries have them: 8.9.7.29, 12.4.5.8)."""
        before, after = match.string[: match.start()], match.string[match.end() :]
        meant = _ADDRESS_BEFORE.search(before) or re.match(r"[:/]\d", after)
        return match[0] if _VERSION_BEFORE.search(before) and not meant else self.marks.address(match[0])

    def name(self, text: str) -> str:
        """A name of the trade, a card's among them; anything else is free text."""
        plain = self._who_and_where(masked(text)) == text
        if is_harmless(text) and plain:
            return text
        kept = all(is_harmless(word) or _is_put_together(word.split("-")) for word in text.split(" "))
        return text if kept and plain and "@" not in text else self.text(text)

    def version(self, text: str) -> str:
        if re.fullmatch(VERSION, text):
            return text
        parts = re.split(r"([ ,()]+)", text)
        if self._who_and_where(masked(text)) == text and all(
            re.fullmatch(VERSION, part)
            or is_harmless(part)
            or (not _IPV4_IN_A_NAME.match(part) and all(map(is_harmless, re.split(r"[.+-]", part))))
            for part in parts
        ):
            return text
        return self.text(text)

    def path(self, text: str) -> str:
        text = self._who_and_where(masked(text))
        return "".join(part if part in "/\\: " else self._part(part) for part in re.split(r"([/\\: ])", text))

    def _part(self, part: str) -> str:
        """A folder or file: the ending of its name stays, since it says what the file is meant to be."""
        if is_harmless(part) or (CARD.fullmatch(part) and len(part) < 5):
            return part
        stem, dot, ending = part.rpartition(".")
        if dot and re.fullmatch(
            r"(?:onnx|pth?|pkl|py|so|zip|engine|toml|json|ya?ml|jpe?g|png|data|log|txt|service|sock)", ending
        ):
            return self._part(stem) + dot + ending
        return (
            _GPU_ID.sub("<serial>", self.marks.word("name", part)) if not WHOLE_MARK.search(part) else self._mixed(part)
        )

    def _mixed(self, part: str) -> str:
        """A mark and something beside it, such as user@host."""
        return "".join(
            one if WHOLE_MARK.fullmatch(one) else self.unit(one) for one in re.split(rf"({MARK}|[-_.@+])", part)
        )

    def host(self, text: str) -> str:
        bare = text.strip("[]")
        if self.marks.address(bare) != bare or _is_address(bare):
            return text.replace(bare, self.marks.address(bare)) if bare else text
        return self.marks.host(text)

    def url(self, text: str) -> str:
        match = _URL.fullmatch(masked(text))
        if not match:
            way, mark, query = masked(text).partition("?")
            return self.path(way) + self._query(query, mark) if text[:1] == "/" else self.text(text)
        user = match["user"] or ""
        name, colon, secret = user[:-1].partition(":")
        shown = (
            (self.marks.user(name) if name != SECRET else name) + colon + (SECRET if secret else "") + "@"
            if user
            else ""
        )
        port = re.match(r":\d{1,5}(?!\d)", match["rest"])
        rest = match["rest"][port.end() if port else 0 :]
        way, mark, query = re.match(r"(?s)([^?#]*)([?#]?)(.*)", rest).groups()  # type: ignore[union-attr]
        if not port and way.startswith(":"):
            way = ":" + self.marks.word("name", way[1:]) if len(way) > 1 else way
        scheme = self.unit(match["scheme"])
        host = (
            self.path(match["host"])
            if match["scheme"] in ("unix", "file", "docker-image")
            else self.host(match["host"])
        )
        return f"{scheme}://{shown}{host}{port[0] if port else ''}{self.path(way)}{self._query(query, mark)}"

    def _query(self, query: str, mark: str) -> str:
        parts = re.split(r"([&;=#])", query)
        return mark + "".join(part if part in "&;=#" else self.unit(part) for part in parts)

    def words(self, words: list[str]) -> list[str]:
        """The words of a command: flags and names of known programs stay."""
        shown = _as_a_sentence(words_masked(words))
        place = ssh_destination(words)
        return [self._destination(word) if number == place else self._word(word) for number, word in enumerate(shown)]

    def _destination(self, text: str) -> str:
        user, at, host = text.rpartition("@")
        return (self.marks.user(user) if at else "") + at + self.host(host)

    def _word(self, word: str) -> str:
        if not re.search(r"[\s\"'{}\[\]()]", word):
            if word.startswith(("/", "./", "~/")):
                return self.path(word)
            flag, equals, value = word.partition("=")
            if flag.startswith("-") and equals:
                bare = flag.lstrip("-")
                return flag[: len(flag) - len(bare)] + self._flag(bare) + equals + self._word(value)
            if word.startswith("-"):
                bare = word.lstrip("-")
                return word[: len(word) - len(bare)] + self._flag(bare)
        return self.text(word)

    def _flag(self, name: str) -> str:
        parts = re.split(r"([-_.:/])", name)
        return "".join(part if part in "-_.:/" else self.unit(part) for part in parts)

    def command(self, text: str) -> str:
        return " ".join(self.words(self._who_and_where(masked(text)).split(" ")))

    def variable(self, text: str) -> str:
        if masked(text) != text or " " in text:
            return self.text(text)
        text = self._who_and_where(text)
        return "".join(part if part in ":,; " else self.path(part) for part in re.split(r"([:,; ])", text))

    def serial(self, text: str) -> str:
        if _BOOT_ID.fullmatch(text):
            return "<machine>"
        shown = _GPU_ID.sub(lambda m: m[1] + re.sub("[0-9a-f]", "0", m[2]), text)
        return shown if is_harmless(shown) and self._who_and_where(shown) == shown else self.marks.word("serial", text)

    def key(self, text: str) -> str:
        if re.search(r"[^\w.\[\]-]|(?:\d{1,3}\.){3}\d", text) or self._who_and_where(text) != text:
            return self.text(text)
        return "".join(part if part in ".[]" else self.unit(part) for part in re.split(r"([.\[\]])", text))

    def document(self, value: Any) -> Any:
        """Somebody's JSON: names of its fields are words as well."""
        if isinstance(value, dict):
            return {
                self.key(name): SECRET if _is_secret(name, inner) else self.document(inner)
                for name, inner in value.items()
            }
        if isinstance(value, list):
            return [self.document(inner) for inner in value]
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 10**9:
            return self.marks.word("number", str(value))
        return value


def _as_a_sentence(words: list[str]) -> list[str]:
    """Numbers masked as in one text, too, where each word stays one: `one-time code is 471122`."""
    parts = masked(" ".join(words)).split(" ")
    if len(parts) != len(words) or any(" " in word for word in words):
        return words
    return [part if word.isdigit() else word for part, word in zip(parts, words, strict=True)]


def _is_no_name(part: str) -> bool:
    """Of a path: one in small letters may be the name of a person or a company, of any language."""
    return bool(_LONG_NUMBER.fullmatch(part)) or (not part[1:].islower() and is_no_word(part))


def _is_identifier(match: re.Match[str]) -> bool:
    before = match.string[max(0, match.start() - 32) : match.start()]
    name = match[0].rstrip(",")
    return name.isidentifier() and len(name) <= 40 and _NAMED_BEFORE.search(before) is not None


class SecretsOnly(Rules):
    """For a report on the machine itself: names, paths and hosts stay, or no command would be right; secrets do not."""

    def unit(self, word: str) -> str:
        if _HEX.fullmatch(word):
            return SECRET
        if _MACHINE_MADE.fullmatch(word) or _MODEL_FILE.fullmatch(word):
            return word
        odd = _ODD.search(word.strip("$!#^&*~%\\@`.")) or _RANDOM.search(word) or _LONG_RANDOM.fullmatch(word)
        odd = odd or _CAPITALS.fullmatch(word) or _LONG_NUMBER.fullmatch(word)
        if odd or (len(word) >= 12 and (is_shuffled(word) or any(map(is_no_word, _LETTERS.findall(word))))):
            return word if is_harmless(word) else SECRET
        return word

    def text(self, text: str) -> str:
        """A line that speaks of a secret is shown only as far as its words are known; others keep their names."""
        shown, open_ended = [], False
        for line in masked(text).split("\n"):
            told = speaks_of_secrets(line) or open_ended
            shown.append(_CHUNK.sub(self._known if told else self._seen, line))
            open_ended = told and OPEN_ENDED.search(line) is not None
        return "\n".join(shown)

    def _seen(self, match: re.Match[str]) -> str:
        chunk = match[0]
        if _is_identifier(match) or is_harmless(chunk) or _MODEL_FILE.fullmatch(chunk):
            return chunk
        if hides_a_secret(chunk):
            return SECRET
        if "://" in chunk:
            return self.url(chunk)
        if ("/" in chunk and "@" not in chunk) or "\\" in chunk or CJK.search(chunk):
            return "/".join(self._step(part) for part in chunk.split("/"))
        return "".join(
            part if not part or part in "=:@,/" else self.unit(part) for part in re.split(r"([=:@,/])", chunk)
        )

    def _known(self, match: re.Match[str]) -> str:
        """In a line that speaks of a secret: paths, long flags, names of files and known words."""
        chunk = match[0]
        if hides_a_secret(chunk):
            return SECRET
        if "://" in chunk:
            return self.url(chunk)
        if re.match(r"(?:[.~]{0,2}/|--)", chunk) and "=" not in chunk:
            return "/".join(self._step(part) for part in chunk.split("/"))
        parts = re.split(rf"({MARK}|[=:@,/\\+＝：]|{CJK.pattern})", chunk)
        return "".join(part if not part or self._is_known(part) else SECRET for part in parts)

    def _is_known(self, part: str) -> bool:
        bare = part.strip("-.*!?$#&")
        if bare.isdigit():
            return len(bare) < 4
        file = re.fullmatch(r"[\w-]+\.(?:\w+)", bare) and bare.rpartition(".")[2] in ENDINGS
        return bool(len(part) == 1 or not bare or is_harmless(bare) or file)

    def _step(self, part: str) -> str:
        if _MODEL_FILE.fullmatch(part):
            return part
        long = (
            len(part) >= 16
            and (any(len(one) > 11 for one in _RANDOM.findall(part)) or is_shuffled(part) or _is_no_name(part))
            and not _MACHINE_MADE.fullmatch(part)
        )
        return SECRET if (long and not is_harmless(part)) or hides_a_secret(part) else part

    def name(self, text: str) -> str:
        return _name_shown(text) if len(text) <= LONGEST_KEPT else self.whole_name(text)

    def whole_name(self, text: str) -> str:
        """Of a path, only what cannot be one is looked at: `token/x.onnx` is a folder, `token=x` is none."""
        if " " in text:
            return self.text(" ".join(words_masked(text.split(" "))))
        odd = re.search(r"[^\w./\\:-]|[：＝]", text) or CJK.search(text)
        if (odd and speaks_of_secrets(text)) or (":" in text and not re.match(r"(?:[A-Za-z]:)?[/\\]", text)):
            return self.text(text)
        return "/".join(self._step(part) for part in masked(text).split("/"))

    path = version = serial = host = key = name

    def url(self, text: str) -> str:
        if "://" not in text or re.search(r"\s", text):
            return self.name(text)
        way, mark, query = masked(text).partition("?")
        shown = "".join(map(self._parameter, re.split(r"([&;])", query)))
        return "/".join(map(self._step, way.split("/"))) + mark + shown

    def _parameter(self, text: str) -> str:
        return self.text(text) if speaks_of_secrets(text) else "=".join(map(self.unit, text.split("=")))

    def words(self, words: list[str]) -> list[str]:
        shown = words_masked(words)
        others = [
            word
            for word, before in zip(shown, words, strict=True)
            if not ASSIGNED.fullmatch(word) or re.search(r"['\"(\[{]", before)
        ]
        if speaks_of_secrets(FLAG_TOLD.sub("", " ".join(others))):
            return shown[:1] + [_CHUNK.sub(self._known, word) for word in shown[1:]]
        return [word if word.startswith("/") and number == 0 else self.text(word) for number, word in enumerate(shown)]

    def command(self, text: str) -> str:
        """Of a holder or a process, to be read by people; what is to be run again comes as words."""
        words = " ".join(words_masked(masked(text).split(" ")))
        told = speaks_of_secrets(FLAG_TOLD.sub("", words))
        return self.text(words) if told else " ".join(self.words(masked(text).split(" ")))

    def variable(self, text: str) -> str:
        if re.search(r"[ =@]", text) or speaks_of_secrets(text):
            return self.text(text)
        return "".join(
            self.name(part) if "/" in part else self.text(part) if part not in ":,;" else part
            for part in re.split(r"([:,;])", text)
        )

    def document(self, value: Any) -> Any:
        if isinstance(value, dict):
            told = any(isinstance(one, str) and re.fullmatch(SECRET_KEY, one) for one in value.values())
            return {
                self.text(k): SECRET
                if _is_secret(k, inner) or (told and k in ("value", "default", "data"))
                else self.document(inner)
                for k, inner in value.items()
            }
        if isinstance(value, list):
            return [self.document(inner) for inner in value]
        return self.text(value) if isinstance(value, str) else value

    def __init__(self, marks: Marks) -> None:
        super().__init__(marks)
        self.of[Kind.USER] = self.name


LONGEST_KEPT = 300
"""Characters of a name that is remembered."""


@functools.lru_cache(maxsize=8192)
def _name_shown(text: str) -> str:
    """The same paths and versions stand in many facts, and on all nodes of a fleet; nothing is learned of them."""
    return _alone().whole_name(text)


@functools.cache
def _alone() -> SecretsOnly:
    """One: it refers to itself, and garbage is not looked for."""
    return SecretsOnly(Marks())


class Hearing(Rules):
    """For a first pass that only learns who and where is named: nothing is masked by it."""

    def __init__(self, marks: Marks) -> None:
        super().__init__(marks)
        self.of = {kind: self.of[kind] if kind in (Kind.USER, Kind.HOST) else str for kind in Kind}

    def homes(self, text: str) -> None:
        for match in _HOME.finditer(text):
            self.marks.user(match[2])

    def words(self, words: list[str]) -> list[str]:
        return words

    def document(self, value: Any) -> Any:
        return value

    def key(self, text: str) -> str:
        return text


def _is_put_together(parts: list[str]) -> bool:
    """A card's name (A100-SXM4-80GB), or words of which most are no numbers (cuda-error-999), not as of hosts (db-17)."""
    numbered = sum(not part.isalpha() for part in parts)
    of_a_card = parts[0][:1].isalpha() and all(map(CARD.fullmatch, parts))
    return of_a_card or (all(map(is_harmless, parts)) and 2 * numbered < len(parts))


def _is_secret(key: str, value: Any) -> bool:
    return (
        bool(re.fullmatch(SECRET_KEY, key))
        and value is not None
        and not isinstance(value, bool)
        and value not in ("", [], {})
    )


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    return True


SSH_OPTIONS_WITH_VALUE = set("BbcDEeFIiJLlmOopQRSWw")


def ssh_destination(words: list[str] | tuple[str, ...]) -> int | None:
    """Which word of an ssh command says where to; None: it is no ssh command."""
    if not words or not all(isinstance(word, str) for word in words) or words[0].rpartition("/")[2] != "ssh":
        return None
    place = 1
    while place < len(words) and words[place].startswith("-"):
        flag = words[place]
        place += 2 if len(flag) == 2 and flag[1] in SSH_OPTIONS_WITH_VALUE else 1
    return place if place < len(words) else None
