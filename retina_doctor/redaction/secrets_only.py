"""Rules for a report on the machine itself: names, paths and hosts stay, secrets do not."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator
from typing import Any

from retina_doctor.kinds import Kind
from retina_doctor.masking.forms import MARK, SECRET, SECRET_KEY
from retina_doctor.masking.shapes import unescaped
from retina_doctor.masking.words import masked, words_masked
from retina_doctor.patterns import pattern
from retina_doctor.redaction.announcing import announced, log_head
from retina_doctor.redaction.chunks import CHUNK, is_identifier, is_secret
from retina_doctor.redaction.harmless import CJK_RUN, ENDINGS, has_cjk, is_harmless
from retina_doctor.redaction.marks import Marks
from retina_doctor.redaction.names_of_code import DIGEST, is_digest_said
from retina_doctor.redaction.rules import Rules
from retina_doctor.redaction.speaking import (
    ASSIGNED,
    FLAG_TOLD,
    hides_a_secret,
    speaks_of_secrets,
)
from retina_doctor.redaction.token_shapes import (
    HEX,
    MACHINE_MADE,
    MODEL_FILE,
    has_a_tokens_shape,
    has_one_in_a_models_name,
    has_one_in_a_path,
)


class SecretsOnly(Rules):
    """For a report on the machine itself: names, paths and hosts stay, or no command would be right; secrets do not."""

    def __init__(self, marks: Marks) -> None:
        super().__init__(marks)
        self.of[Kind.USER] = self.name

    def unit(self, word: str) -> str:
        if HEX.fullmatch(word):
            return SECRET
        if MODEL_FILE.fullmatch(word):
            return self._step(word)
        if MACHINE_MADE.fullmatch(word) or not has_a_tokens_shape(word):
            return word
        return word if is_harmless(word) else SECRET

    def text(self, text: str) -> str:
        return _text_shown(text) if len(text) <= LONGEST_KEPT else self.whole_text(text)

    def whole_text(self, text: str) -> str:
        """A line that speaks of a secret is shown only as far as its words are known; others keep their names. What a log sets
        before each line is no part of the text."""
        text = masked(text)
        lines = text.split("\n")
        heads = [log_head(line) for line in lines]
        said = masked("\n".join(line.removeprefix(head) for line, head in zip(lines, heads, strict=True)))
        if not any(heads) or said.count("\n") != len(heads) - 1:
            return "\n".join(self._lines(text))
        shown = zip(heads, self._lines(said), strict=True)
        return "\n".join(CHUNK.sub(self._seen, head) + line for head, line in shown)

    def _lines(self, text: str) -> Iterator[str]:
        for lines, told in announced(text):
            for line in lines:
                yield CHUNK.sub(self._known, unescaped(line)) if told else CHUNK.sub(self._seen, line)

    def _seen(self, match: re.Match[str]) -> str:
        chunk = match[0]
        if is_identifier(match) or is_harmless(chunk) or is_digest_said(match, chunk.strip("=:.")):
            return chunk
        if MODEL_FILE.fullmatch(chunk):
            return self._step(chunk)
        if hides_a_secret(chunk):
            return SECRET
        if "://" in chunk:
            return self.url(chunk)
        if re.search(DIGEST, chunk):
            return _beside_digests(chunk, lambda one: CHUNK.sub(self._seen, one))
        core = chunk.strip("\\")
        if core != chunk and "\\" not in core:  # of quotes that were escaped
            return chunk.replace(core, CHUNK.sub(self._seen, core)) if core else chunk
        if ("/" in chunk and "@" not in chunk) or "\\" in chunk or has_cjk(chunk):
            return "/".join(self._step(part) for part in chunk.split("/"))
        return "".join(
            part if not part or part in "=:@,/" or is_digest_said(match, part) else self.unit(part)
            for part in re.split(r"([=:@,/])", chunk)
        )

    def _known(self, match: re.Match[str]) -> str:
        """In a line that speaks of a secret: paths, long flags, names of files and known words."""
        chunk = match[0]
        if hides_a_secret(chunk):
            return SECRET
        if "://" in chunk:
            return self._address(chunk, lambda part: part if self._is_known(part) else SECRET)
        if re.match(r"(?:[.~]{0,2}/|--)", chunk) and not re.search(r"[=\\]", chunk):
            return "/".join(self._step(part) for part in chunk.split("/"))
        parts = (_PARTS if chunk.isascii() else _PARTS_ZH).split(chunk)
        return "".join(part if not part or self._is_known(part) else SECRET for part in parts)

    def _is_known(self, part: str) -> bool:
        if _SPELT.search(part):
            return False
        bare = part.strip("-.*!?$#&")
        if bare.replace("-", "").isdigit():
            return len(bare.replace("-", "")) < 4 or _DAY.fullmatch(bare) is not None
        file = re.fullmatch(r"[\w-]+\.(?:\w+)", bare) and bare.rpartition(".")[2] in ENDINGS
        thrown = re.fullmatch(r"(?:[A-Za-z_]\w*\.)*[A-Z][A-Za-z]*(?:Error|Exception|Warning)", bare)
        return bool(len(part) == 1 or not bare or is_harmless(bare) or file or thrown)

    def _step(self, part: str) -> str:
        model = MODEL_FILE.fullmatch(part)
        if model:
            return f"{SECRET}.{model['ending']}" if has_one_in_a_models_name(model["stem"]) else part
        if re.search(DIGEST, part):
            return _beside_digests(part, self._step)
        token = has_one_in_a_path(part) and not is_harmless(part)
        return SECRET if token or hides_a_secret(part) else part

    def name(self, text: str) -> str:
        return _name_shown(text) if len(text) <= LONGEST_KEPT else self.whole_name(text)

    def whole_name(self, text: str) -> str:
        """Of a path, only what cannot be one is looked at: `token/x.onnx` is a folder, `token=x` is none."""
        if " " in text:
            return self.text(" ".join(words_masked(masked(text).split(" "))))
        odd = re.search(r"[^\w./\\:-]|[：＝]|\\(?:x|u00)[2-7]", text) or has_cjk(unescaped(text))
        if (odd and speaks_of_secrets(text)) or (":" in text and not re.match(r"(?:[A-Za-z]:)?[/\\]", text)):
            return self.text(text)
        return "/".join(self._step(part) for part in masked(text).split("/"))

    path = version = serial = host = key = name

    def url(self, text: str) -> str:
        if "://" not in text or re.search(r"\s", text):
            return self.name(text)
        return self._address(text, self.unit)

    def _address(self, text: str, unit: Callable[[str], str]) -> str:
        """*unit*: how a name or value of the query is shown."""
        way, mark, query = masked(text).partition("?")
        parts = re.split(rf"({DIGEST}|[&;#])", query)
        shown = (one if number % 2 else self._parameter(one, unit) for number, one in enumerate(parts))
        steps = [
            SECRET if place == 2 and HEX.fullmatch(step) else self._step(step)
            for place, step in enumerate(way.split("/"))
        ]
        return "/".join(steps) + mark + "".join(shown)

    def _parameter(self, text: str, unit: Callable[[str], str]) -> str:
        return self.text(text) if speaks_of_secrets(text) else "=".join(map(unit, text.split("=")))

    def words(self, words: list[str]) -> list[str]:
        shown = words_masked(words)
        others = [
            word
            for word, before in zip(shown, words, strict=True)
            if not ASSIGNED.fullmatch(word) or re.search(r"['\"(\[{`<]", before)
        ]
        line = " ".join(others)
        if speaks_of_secrets(line if _FED.search(" ".join(words)) else FLAG_TOLD.sub("", line)):
            program = 1 if shown and _PROGRAM.fullmatch(shown[0]) else 0
            return shown[:program] + [CHUNK.sub(self._known, word) for word in shown[program:]]
        return [word if word.startswith("/") and number == 0 else self.text(word) for number, word in enumerate(shown)]

    def command(self, text: str) -> str:
        """Of a holder or a process, to be read by people; what is to be run again comes as words."""
        words = " ".join(words_masked(masked(text).split(" ")))
        told = speaks_of_secrets(words if _FED.search(text) else FLAG_TOLD.sub("", words))
        return self.text(words) if told else " ".join(self.words(masked(text).split(" ")))

    def variable(self, text: str) -> str:
        if re.search(r"[ =@]|\w://", text) or speaks_of_secrets(text) or masked(text) != text:
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
                if is_secret(k, inner) or (told and k in ("value", "default", "data"))
                else self.document(inner)
                for k, inner in value.items()
            }
        if isinstance(value, list):
            return [self.document(inner) for inner in value]
        return self.text(value) if isinstance(value, str) else value


def _beside_digests(text: str, rule: Callable[[str], str]) -> str:
    parts = re.split(f"({DIGEST})", text)
    return "".join(one if number % 2 else rule(one) for number, one in enumerate(parts))


_PARTS = pattern(rf"({MARK}|[=:@,/\\+])")
_PARTS_ZH = pattern(rf"({MARK}|[=:@,/\\+＝：]|{CJK_RUN})")
_SPELT = pattern(r"(?:\w[.\0]){4}")
"""Letter by letter."""
_DAY = pattern(r"\d{4}-\d\d-\d\d")
_FED = pattern(r"<\(|<<|\$\(|`")
"""A shell puts there what another command says, or what comes next."""
_PROGRAM = pattern(r"[A-Za-z0-9_./+-]{1,300}")
"""As a command begins."""
LONGEST_KEPT = 300
"""Characters of a name or a text that is remembered."""


@functools.lru_cache(maxsize=8192)
def _text_shown(text: str) -> str:
    return _alone().whole_text(text)


@functools.lru_cache(maxsize=8192)
def _name_shown(text: str) -> str:
    """The same paths and versions stand in many facts, and on all nodes of a fleet; nothing is learned of them."""
    return _alone().whole_name(text)


@functools.cache
def _alone() -> SecretsOnly:
    """One: it refers to itself, and garbage is not looked for."""
    return SecretsOnly(Marks())
