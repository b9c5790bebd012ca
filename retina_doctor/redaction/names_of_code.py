"""Names that programs put together of known words, and digests of what is public: of these a reader needs each letter."""

from __future__ import annotations

import re
from collections.abc import Callable

from retina_doctor.patterns import pattern

Known = Callable[[str], bool]

_HUMP = pattern(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")
_OUTCOME = pattern(
    r"Error|Exception|Warning|Timeout|Fail(?:ed|ure)|Interrupt|Exit|Disconnected|Refused|Denied|Provider|NotFound|(?:Not|No)\w+Available"
)
_STEP = pattern(r"_{0,2}[A-Za-z]\w{0,30}")
_PARAMETER = pattern(r".+\.(?:weight|bias|running_(?:mean|var)|num_batches_tracked|gamma|beta)")
_NUMBER = pattern(r"\d{1,3}")
DIGEST = (
    r"(?:(?<![\w-])sha(?:256|512):|(?<=#)sha256=)(?:[0-9a-f]{128}|[0-9a-f]{64})(?![\w-])|(?<=@)[0-9a-f]{40}(?=$|[#&/])"
)
"""Of an image, a model or a wheel, with its algorithm; or the commit of a package's source."""
_DIGEST_SAID = pattern(
    r"(?i)\b(?:sha(?:256|512)|commit|revision)[\"']?[ :=]*[\"']?\Z"
    r"|hash value \(expected \"(?:\w{8,64}\", got \")?\Z"
)
_BARE_DIGEST = pattern(r"[0-9a-f]{64}|[0-9a-f]{128}|[0-9a-f]{40}|[0-9a-f]{8}")


def is_outcome(word: str, known: Known) -> bool:
    """`pymongo.errors.ServerSelectionTimeoutError`, `cudaErrorInsufficientDriver`."""
    *modules, name = word.split(".")
    if (
        len(word) > 120
        or not name.isalpha()
        or not _OUTCOME.search(name)
        or not (name[0].isupper() or name.startswith("cu"))
    ):
        return False
    return all(len(one) < 3 or known(one) for one in _HUMP.findall(name)) and all(
        _STEP.fullmatch(one) and known(one.strip("_")) for one in modules
    )


def is_parameter(word: str, known: Known) -> bool:
    """Of a network: `body.stage1.0.0.weight`, `ClassHead.0.conv1x1.weight`. Numbers alone may be an address or a telephone's."""
    if len(word) > 120 or not _PARAMETER.fullmatch(word):
        return False
    *steps, _ = word.split(".")
    named = [step for step in steps if not _NUMBER.fullmatch(step)]
    return (bool(named) or len(steps) == 1) and all(known(step) or _is_known_layer(step, known) for step in named)


def _is_known_layer(step: str, known: Known) -> bool:
    humps = _HUMP.findall(step.rstrip("0123456789"))
    return bool(humps) and all(map(known, humps))


def is_digest_said(match: re.Match[str], core: str) -> bool:
    """What stands before it says of what it is."""
    if not _BARE_DIGEST.fullmatch(core):
        return False
    start = match.start() + match[0].find(core)
    said = _DIGEST_SAID.search(match.string[max(0, start - 80) : start])
    return said is not None and (len(core) > 8 or said[0].lower().startswith("hash"))
