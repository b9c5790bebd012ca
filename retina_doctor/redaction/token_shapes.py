"""Which words have the shape of a token, and which of programs have it without being one: for a report on the machine itself."""

from __future__ import annotations

from retina_doctor.patterns import pattern
from retina_doctor.redaction.chunks import ODD
from retina_doctor.redaction.harmless import is_harmless
from retina_doctor.redaction.letters import is_no_word
from retina_doctor.redaction.speaking import is_shuffled

_RANDOM = pattern(
    r"(?<![^\W_])(?=[^\W_]{6,})(?!0x[0-9a-fA-F]+(?![^\W_]))(?:[A-Za-z]+\d+[A-Za-z]+|\d+[A-Za-z]+\d+)[^\W_]*"
)
"""Letters and digits by turns, as no word of a language has them."""
HEX = pattern(r"[0-9a-f-]{32,64}")
MACHINE_MADE = pattern(
    # Checksums; 60 digits are a folder of PyPI's, of a BLAKE2 whose first four name two folders above it.
    r"[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{60}|[0-9a-f]{64}|[0-9a-f-]{36}|_Z\w+|(?:GPU|MIG)-[0-9a-f-]+|.*\.so(?:\.\d+)*"
)
MODEL_FILE = pattern(
    r"(?P<stem>[\w.+-]{1,80})\.(?P<ending>onnx|pth?|params|engine|trt|caffemodel|prototxt|tflite|(?:pth\.)?tar)"
)
_LONG_RANDOM = pattern(r"(?=[\w+/=-]*\d)(?=[\w+/=-]*[a-z])(?=[\w+/=-]*[A-Z])[\w+/=-]{20,}")
_LONG_NUMBER = pattern(r"[A-Za-z]{2,}\d{16,}")
_RUN = pattern(r"[^\W_]+")
_CHECKSUM = pattern(r"[0-9a-f]+|[0-9A-F]+")
_LETTERS = pattern(r"[A-Za-z]+")
_OF_NETWORKS = pattern(
    r"(?i)\d{2,4}x\d{2,4}|(?:fp|bf|int|uint)(?:4|8|16|32)(?!\d)"
    r"|(?:bs|batch|dyn|opset|trt|sm|net|kps|yolov|glint|ms|iresnet|resnet|final|epoch|ep)\d{1,3}k?|(?<=\d)(?:gbn|g)?kps|\d+gbn"
    r"|[vr]\d{1,3}(?![a-z]\d)"
)
"""Sizes, precisions, releases, layers and data sets, as names of networks have them."""
_PIECE = pattern(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")
_ARCHITECTURE = pattern(r"(?i)(?:sm|u?int|fp|bf|tf|cu|cp|py|bs|rc)\d{1,3}")
_CAPITALS = pattern(r"(?=[A-Z]*\d)(?=\d*[A-Z])[A-Z\d]{16,}")


def has_a_tokens_shape(word: str) -> bool:
    odd = ODD.search(word.strip("$!#^&*~%\\@`.")) or _RANDOM.search(word) or _LONG_RANDOM.fullmatch(word)
    if odd or _is_typed_off(word) or _CAPITALS.fullmatch(word) or _LONG_NUMBER.fullmatch(word):
        return True
    return len(word) >= 12 and (is_shuffled(word) or any(map(is_no_word, _LETTERS.findall(word))))


def _is_typed_off(word: str) -> bool:
    """Groups of one length, most of which are no words, as keys of licences are printed to be typed."""
    groups = word.split("-")
    if not 4 <= len(groups) <= 8 or {*map(len, groups)} not in ({4}, {5}, {6}) or not all(map(str.isalnum, groups)):
        return False
    known = sum(bool(_ARCHITECTURE.fullmatch(one)) or (one.isalpha() and is_harmless(one)) for one in groups)
    if 2 * known >= len(groups):
        return False
    return any(not one.isalpha() and not one.isdigit() for one in groups)


def has_one_in_a_path(part: str) -> bool:
    """Less is one there: folders and files are named as people like it."""
    if len(part) < 16 or MACHINE_MADE.fullmatch(part):
        return False
    return any(len(one) > 11 for one in _RANDOM.findall(part)) or _is_put_together_by_chance(part)


def has_one_in_a_models_name(stem: str) -> bool:
    """Weights are named for what they are, a checksum among it: mobilenetV1X0.25_pretrain, resnet50-19c8e357. Hexadecimal digits
    are one; and of a token much is left without the sizes, precisions and words that such a name is put together of."""
    runs = [one for one in _RUN.findall(stem) if len(one) >= 16 and not _CHECKSUM.fullmatch(one)]
    runs = [one for one in runs if _unknown_letters(one) >= 12]
    return any(map(_RANDOM.fullmatch, runs)) or any(map(_is_put_together_by_chance, runs))


def _unknown_letters(run: str) -> int:
    """How many letters and digits are neither a size, a precision or a release nor of a known word."""
    pieces = _PIECE.findall(_OF_NETWORKS.sub(" ", run))
    return sum(len(piece) for piece in pieces if len(piece) < 3 or not is_harmless(piece))


def _is_put_together_by_chance(part: str) -> bool:
    """Of a path: letters that make no word; in small ones they may be the name of a person or a company, of any language."""
    return (
        any(len(one) >= 16 and is_shuffled(one) for one in _RUN.findall(part))
        or any(not one[1:].islower() and is_no_word(one) for one in _LETTERS.findall(part))
        or _LONG_NUMBER.fullmatch(part) is not None
    )
