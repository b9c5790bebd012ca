"""One rule for each kind of text: what is known to be harmless stays, the rest becomes a mark, the same wherever it stands."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from retina_doctor.kinds import Kind
from retina_doctor.masking.forms import MARK, SECRET
from retina_doctor.masking.words import masked, words_masked
from retina_doctor.patterns import pattern
from retina_doctor.redaction.chunks import CHUNK, ODD, is_identifier, is_secret
from retina_doctor.redaction.harmless import CARD, VERSION, WHOLE_MARK, is_harmless
from retina_doctor.redaction.marks import Marks
from retina_doctor.redaction.names_of_code import DIGEST, is_digest_said
from retina_doctor.redaction.ssh import ssh_destination
from retina_doctor.redaction.who_and_where import GPU_ID, SYMBOL, in_groups, is_address, without_names

_EDGES = "=:!?*&.#$^~+@-"
_URL = pattern(
    rf"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<user>(?:{MARK}|[^\s/@])*@)?(?P<host>\[[^\]\s]*\]|(?:{MARK}|[^\s/:?#])*)(?P<rest>\S*)"
)
_IPV4_IN_A_NAME = pattern(r"(?:\d{1,3}\.){4}[A-Za-z]")
_NO_VERSION = pattern(r"(?=.*(?<!\d)0\d)(?:\d{3}\.){3}\d{3}|1[3-9]\d\.\d{4}\.\d{4}")
"""It looks like a version, and is an address (four numbers of three digits, one beginning with a zero) or a telephone."""
_BOOT_ID = pattern(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_SIZED = pattern(r"(?i)(?:size|bytes?|memory|of|allocate|limit|total|free|used|need(?:ed)?|there|at|found)[ :=]*$")
_KEPT = pattern(rf"({MARK}|{DIGEST})")
_BYTES = pattern(r"(?i)\s?(?:bytes|B\b|MiB|KiB)")


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
        return CHUNK.sub(self._chunk, self._unnamed(masked(text)))

    def _chunk(self, match: re.Match[str]) -> str:
        chunk = match[0]
        if is_identifier(match):
            return chunk
        if "://" in chunk and _URL.fullmatch(chunk):
            return self.url(chunk.rstrip(".:")) + chunk[len(chunk.rstrip(".:")) :]
        core = chunk.strip(_EDGES)
        before, _, after = chunk.partition(core) if core else (chunk, "", "")
        return before + self._core(core, match) + after

    def _core(self, core: str, match: re.Match[str]) -> str:
        if core.isdigit() and len(core) > 8:
            text = match.string
            sized = _SIZED.search(text[max(0, match.start() - 24) : match.start()]) or _BYTES.match(text, match.end())
            return core if sized and len(core) <= 13 else self.marks.word("number", core)
        symbol = SYMBOL.fullmatch(core)
        if symbol:
            return self.unit(symbol["name"]) + core[symbol.end("name") : symbol.start("version")] + symbol["version"]
        if is_harmless(core) or is_digest_said(match, core):
            return core
        if _KEPT.search(core):
            return "".join(one if _KEPT.fullmatch(one) else self._piece(one, match) for one in _KEPT.split(core) if one)
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
        if ODD.search(core):
            return self.marks.word("name", core)
        for separator in ("==", ">=", "<=", "::", "=", ":", "+", "＝"):
            if separator in core:
                return separator.join(self._core(part, match) for part in core.split(separator))
        return self.unit(core)

    def _piece(self, text: str, match: re.Match[str]) -> str:
        """Between two things that stay, or beside one."""
        core = text.strip(_EDGES)
        before, _, after = text.partition(core) if core else (text, "", "")
        return before + (self._core(core, match) if core else "") + after

    def name(self, text: str) -> str:
        """A name of the trade, a card's among them; anything else is free text."""
        plain = self._unnamed(masked(text)) == text
        if is_harmless(text) and plain:
            return text
        kept = all(is_harmless(word) or _is_put_together(word.split("-")) for word in text.split(" "))
        return text if kept and plain and "@" not in text else self.text(text)

    def version(self, text: str) -> str:
        if _NO_VERSION.fullmatch(text):
            return self.marks.word("number", text) if text.count(".") == 2 else self.host(text)
        if re.fullmatch(VERSION, text):
            return text
        parts = re.split(r"([ ,()]+)", text)
        if self._unnamed(masked(text)) == text and all(
            re.fullmatch(VERSION, part)
            or is_harmless(part)
            or (not _IPV4_IN_A_NAME.match(part) and all(map(is_harmless, re.split(r"[.+-]", part))))
            for part in parts
        ):
            return text
        return self.text(text)

    def path(self, text: str) -> str:
        text = self._unnamed(masked(text))
        return "".join(part if part in "/\\: " else self._part(part) for part in re.split(r"([/\\: ])", text))

    def _part(self, part: str) -> str:
        """A folder or file: the ending of its name stays, since it says what the file is meant to be."""
        if is_harmless(part) or (CARD.fullmatch(part) and len(part) < 5):
            return part
        package, at, commit = part.rpartition("@")
        if at and re.fullmatch("[0-9a-f]{40}", commit):
            return self._part(package) + part[len(package) :]
        stem, dot, ending = part.rpartition(".")
        if dot and re.fullmatch(
            r"(?:onnx|pth?|pkl|py|so|zip|engine|toml|json|ya?ml|jpe?g|png|data|log|txt|service|sock)", ending
        ):
            return self._part(stem) + dot + ending
        return (
            GPU_ID.sub("<serial>", self.marks.word("name", part)) if not WHOLE_MARK.search(part) else self._mixed(part)
        )

    def _mixed(self, part: str) -> str:
        """A mark and something beside it, such as user@host."""
        return "".join(
            one if WHOLE_MARK.fullmatch(one) else self.unit(one) for one in re.split(rf"({MARK}|[-_.@+])", part)
        )

    def host(self, text: str) -> str:
        bare = text.strip("[]")
        if self.marks.address(bare) != bare or is_address(bare):
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
        if not port and way.startswith(":") and not WHOLE_MARK.fullmatch(way[1:]):
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
        shown = words_masked(words)
        destination, grouped = ssh_destination(words), in_groups(shown)
        for number, word in enumerate(self._as_a_sentence(shown)):
            if number in grouped:
                shown[number] = self.marks.word("number", word)
            else:
                shown[number] = self._destination(word) if number == destination else self._word(word)
        return shown

    def _as_a_sentence(self, words: list[str]) -> list[str]:
        """A word may say what the next one is: `coordinates: 116.682788`."""
        named = self._unnamed(" ".join(words)).split(" ")
        return named if len(named) == len(words) and not any(" " in word for word in words) else words

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
        return " ".join(self.words(self._unnamed(masked(text)).split(" ")))

    def variable(self, text: str) -> str:
        if masked(text) != text or " " in text:
            return self.text(text)
        text = self._unnamed(text)
        return "".join(part if part in ":,; " else self.path(part) for part in re.split(r"([:,; ])", text))

    def serial(self, text: str) -> str:
        if _BOOT_ID.fullmatch(text):
            return "<machine>"
        shown = GPU_ID.sub(lambda m: m[1] + re.sub("[0-9a-f]", "0", m[2]), text)
        return (
            shown if is_harmless(shown) and self._unnamed(masked(shown)) == shown else self.marks.word("serial", text)
        )

    def key(self, text: str) -> str:
        if re.search(r"[^\w.\[\]-]|(?:\d{1,3}\.){3}\d|(?:[0-9a-f]\.){8}", text) or self._unnamed(masked(text)) != text:
            return self.text(text)
        return "".join(part if part in ".[]" else self.unit(part) for part in re.split(r"([.\[\]])", text))

    def document(self, value: Any) -> Any:
        """Somebody's JSON: names of its fields are words as well."""
        if isinstance(value, dict):
            return {
                self.key(name): SECRET if is_secret(name, inner) else self.document(inner)
                for name, inner in value.items()
            }
        if isinstance(value, list):
            return [self.document(inner) for inner in value]
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 10**9:
            return self.marks.word("number", str(value))
        return value

    def _unnamed(self, text: str) -> str:
        return without_names(text, self.marks)


def _is_put_together(parts: list[str]) -> bool:
    """A card's name (A100-SXM4-80GB), or words of which most are no numbers (cuda-error-999), not as of hosts (db-17)."""
    numbered = sum(not part.isalpha() for part in parts)
    of_a_card = parts[0][:1].isalpha() and all(map(CARD.fullmatch, parts))
    return of_a_card or (all(map(is_harmless, parts)) and 2 * numbered < len(parts))
