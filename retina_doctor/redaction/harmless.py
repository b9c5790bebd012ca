"""Which words are known to be harmless: those of known programs, and shapes that hold nothing of anybody's."""

from __future__ import annotations

import errno
import functools
import re
import signal
from pathlib import Path

from retina_doctor.masking.forms import MARK
from retina_doctor.patterns import pattern
from retina_doctor.redaction.names_of_code import is_outcome, is_parameter
from retina_doctor.redaction.vocabulary import Vocabulary

WHOLE_MARK = pattern(MARK)
_VOCABULARY = Vocabulary()

ENDINGS = (
    "py pyc pyi so onnx pt pth pkl ckpt engine trt plan ort data json toml yaml yml cfg conf ini txt md log png "
    "jpg jpeg bmp webp zip gz tar whl cc cpp cu h c js html htm css sh lock bin h5 hdf5 pb tflite csv tsv pem crt "
    "sock socket service dll exe prototxt params npz npy mp4 avi older plain final Dockerfile dist-info egg-info "
    "ko "
).split()
TOP_LEVEL = pattern(
    r"(?:com|net|org|cn|io|ai|dev|local|internal|lan|corp|intra|home|svc|cluster|cloud|edu|gov|co|me|info|biz)"
)
CODES = {*errno.errorcode.values(), *(one.name for one in signal.Signals)}

_LETTERED = (
    r"(?:(?:\.|-)?(?:a|b|c|rc|dev|post|alpha|beta|pre|final|p|r|build|generic|lts|cpu|rocm|cu|cuda|cudnn|tegra|wsl2?|el|fc)"
    r"\.?\d{0,4})"
)
VERSION = (
    rf"v?\d{{1,5}}(?:\.\d{{1,9}}){{0,4}}(?:-\d{{1,4}}(?=-)){{0,2}}{_LETTERED}{{0,2}}"
    r"(?:\+(?:cu\d{2,3}|cpu|rocm[\d.]+|deb\w*|local|xpu|pt\d+))?(?:\.x)?"
)
IMAGE_PART = (
    r"(?:cudnn\d{0,2}|runtime|devel|base|tensorrt|slim|alpine|"
    r"(?:ubuntu|debian|rockylinux|ubi)[\d.]{1,5}|bookworm|bullseye|trixie|py3)"
)
_MOMENT = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)?"
SHAPES = pattern(
    rf"""(?:
      {_MOMENT} |
      [+-]?\d{{1,8}}(?:\.\d{{0,9}})?(?:e[+-]?\d{{1,3}})?%?
    | [+-]?\d{{1,8}}(?:\.\d{{1,4}})?(?:s|ms|us|ns|[kKMGTP]i?B?|B|x|px|m|h|d|st|nd|rd|th|D|bit|bits|Hz|MHz|GHz|W|C|fps)
    | \d{{1,5}}(?:x\d{{1,5}}){{1,3}}
    | {VERSION}
    | 0x(?:[0-9a-fA-F]{{1,12}}|(?:0000|[fF]{{4}})[0-9a-fA-F]{{12}})
    | \d{{4}}-\d\d-\d\d(?:T\d\d)? | \d\d(?:\.\d{{1,9}})?Z?
    | (?:sm|compute)_\d{{2,3}}[a-z]? | cp\d{{2,3}} | cu\d{{2,3}} | py[23] | cpython(?:-\d{{2,3}})? |
      (?:many|musl)?linux_\d_\d{{1,2}}
    | (?:cuda|python|py|ubuntu|torch|release|build|epoch|rank|worker|node)\d{{1,4}}
    | (?:nvidia|input|output|conv|bn|fc|layer|stage|block|body|head|gpu|cpu|card|renderD)\d{{1,3}} | [ALHTVPKB]\d{{1,3}}[A-Z]?
    | {VERSION}(?:-{IMAGE_PART})+
    | nvidia[-_](?:cu[a-z]+|nccl|nvtx|nvjitlink|cuda[-_](?:runtime|nvrtc|cupti))[-_]cu1[123]
    | (?:[ALHTVPBRG]\d{{1,3}}[A-Z]?|[AP]\d000)(?:-(?:SXM\d?|PCIE?|PCIe|NVL|\d{{1,3}}GB|\d{{1,2}}[CQ]))* | HBM\d\w? | G?DDR\d\w?
    | [1-7]g\.\d{{1,3}}gb | conv\d{{1,2}}x\d{{1,2}} | video\d{{1,2}} | (?:WARN|ERROR|INFO|DEBUG):\d{{1,4}}@\d{{1,7}}\.\d{{1,3}}
    | \d\d/\d\d/\d{{4}}(?:-\d\d:\d\d:\d\d)? | (?:git|hg|svn|bzr)\+(?:https?|ssh|file) | 0x\d\d | h26[345]
    | RD\d{{3}} | DS_\w{{5}} | [xyzijknwh]\d
    | (?:GPU|MIG)-[0-9a-f]{{1,8}}(?:-[0-]*)?
    | (?:GPU)?[0-9a-fA-F]{{4,8}}:[0-9a-fA-F]{{2}}:[0-9a-fA-F]{{2}}(?:\.\d)?
    | \w{{2,20}}:\[\d{{1,12}}\]
    )""",
    re.VERBOSE,
)
FIGURES = pattern(rf"[+-]?\d{{1,8}}(?:\.\d{{0,9}})?|\d{{1,5}}(?:\.\d{{1,9}}){{0,4}}|\d{{4}}-\d\d-\d\d|{_MOMENT}")
"""Of `SHAPES` those of figures: most words with a figure have one of these, and need the rest not to be made."""
HASH = pattern(r"(?=\d*[a-fA-F])(?=[a-fA-F]*\d)[0-9a-fA-F]{9,}")
"""Of anything: a container, a network card. It could be read as a version with letters behind it."""
CARD = pattern(r"(?:[A-Z]{1,3}\d{1,4}[A-Za-z]{0,2}|\d{1,4}[A-Z]{0,2}|SXM\d?|PCIE?|\d{1,3}GB)")
SONAME = pattern(r"(?:lib)?(?P<stem>[A-Za-z0-9_+.-]+?)\.so(?:\.\d{1,9})*")
CJK_RUN = r"[\u3400-\u9fff\uf900-\ufaff]+"
CJK = pattern(CJK_RUN)
ESCAPED = pattern(r"%[0-9A-Fa-f]{2}")


@functools.cache
def known_pairs() -> frozenset[str]:
    """Pairs of neighbouring Chinese characters in the pages of this project and in the messages of a Chinese system."""
    return frozenset((Path(__file__).parent / "pairs.txt").read_text(encoding="utf-8").split())


@functools.lru_cache(4096)
def is_harmless(word: str) -> bool:
    """One word without white space or quotes. Unknown is not harmless."""
    if not word or WHOLE_MARK.fullmatch(word):
        return True
    if has_cjk(word):
        return all(is_harmless(part) for part in CJK.split(word)) and all(map(_chinese, CJK.findall(word)))
    if ESCAPED.search(word):
        return False
    bare = word.strip("_-+.~")
    if len(bare) <= 2 and (bare.isalpha() or not bare):
        return True
    if HASH.fullmatch(bare):
        return _known(bare)
    if bare.isascii() and _known(bare):  # as most are: no pattern is needed
        return True
    if _has_a_shape(word) or (bare != word and _has_a_shape(bare)) or (bare.upper() in CODES and bare.isupper()):
        return True
    if not bare.isascii():
        return False
    return is_outcome(bare, _plain) or is_parameter(bare, _plain) or _compound(bare) or _mangled(word)


def _has_a_shape(word: str) -> bool:
    """Of `SHAPES`; what shows at its first or last letter that it has none is not asked for."""
    if not (word[0].isalnum() or word[0] in "_+-") or word[-1] in ":/":
        return False
    if word.strip("0123456789.+-") == "" or (word[10:11] == "T" and word[4] == "-" and ":" in word):
        return FIGURES.fullmatch(word) is not None
    return SHAPES.fullmatch(word) is not None


def has_cjk(text: str) -> bool:
    return not text.isascii() and CJK.search(text) is not None


def _known(word: str) -> bool:
    return word.lower() in _VOCABULARY


def _plain(word: str) -> bool:
    return _known(word) or (word != "" and _has_a_shape(word))


def _chinese(run: str) -> bool:
    return len(run) == 1 or all(run[i : i + 2] in known_pairs() for i in range(len(run) - 1))


def _mangled(word: str) -> bool:
    """A name of C++ as linkers write it (_ZN3c105ErrorE), whose parts are known."""
    rest = re.sub(r"^_ZN?K?", "", word) if word.startswith("_Z") else ""
    while match := re.match(r"\d{1,2}", rest):
        name = rest[match.end() : match.end() + int(match[0])]
        if not is_harmless(name):
            return False
        rest = rest[match.end() + int(match[0]) :]
    return word.startswith("_Z") and bool(re.fullmatch(r"(?:[CD]\d)?E?[A-Za-z]{0,6}", rest))


def _compound(word: str) -> bool:
    """Words put together as programs put them together: not as people make up host names and pass phrases."""
    soname = SONAME.fullmatch(word)
    if soname:
        return all(
            (part.isdigit() and len(part) <= 4) or is_harmless(part) for part in re.split(r"[._+-]", soname["stem"])
        )
    stem, dot, ending = word.rpartition(".")
    if dot and ending in ENDINGS:
        return is_harmless(stem) or ("-" not in stem and all(map(is_harmless, stem.split("_"))))
    word = word.removesuffix(".dist-info")
    package = re.fullmatch(rf"(?P<name>[A-Za-z][A-Za-z0-9_-]*?)[-_](?P<version>{VERSION})", word)
    if package and is_harmless(package["name"]) and "." in package["version"]:
        return True
    if "." in word and not re.search(r"\d{4}|^(?:\d{1,3}\.){4}[A-Za-z]", word):
        parts = word.split(".")
        return not TOP_LEVEL.fullmatch(parts[-1]) and all(is_harmless(part) and part for part in parts)
    if "_" in word and word.isupper():
        return all(_known(part) or len(part) <= 2 or (part.isdigit() and len(part) <= 4) for part in word.split("_"))
    numbered = re.fullmatch(r"(?P<base>[A-Z][A-Za-z]+)_\d{1,4}", word)
    if numbered:
        return numbered["base"].lower() in OPERATORS
    if "-" in word and any(c.isdigit() for c in word):
        return all(TAG.fullmatch(part) for part in re.split("[-.]", word) if part)
    return False


TAG = pattern(
    r"cp\d+|cpython|\d{2,3}|gnu|musl|win(?:_amd64)?|arm64|aarch64|x86(?:_64)?|py3|abi3|none|any|cu\d+|(?:many|musl)?linux\w*"
)
"""A part of a wheel's tags, or of the name of a module that is compiled for one Python."""
OPERATORS = frozenset(
    (
        "conv relu add mul concat reshape transpose sigmoid softmax maxpool averagepool globalaveragepool "
        "batchnormalization gemm matmul resize upsample sub div clip prelu leakyrelu flatten slice shape gather "
        "unsqueeze squeeze cast pad exp sqrt reducemean identity constant "
    ).split()
)
"""Operators of ONNX that face detectors are made of; nodes are called Conv_0, Relu_17."""
