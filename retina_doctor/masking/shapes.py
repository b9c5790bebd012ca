"""What is a secret by its shape alone, and ways of writing that hide one. Sent to targets: Python 3.8, standard library alone.

Vendors' prefixes: their own documentation, compared with the public rules of gitleaks and detect-secrets (docs/security.md).
"""

from __future__ import annotations

import re

PEM = r"(?s)-----BEGIN [A-Z0-9 ]+-----.*?(?:-----END [A-Z0-9 ]+-----|\Z)"
JWT = r"(?<![\w-])eyJ[\w-]{4,}(?:\.[\w-]*){0,4}(?:\r?\n(?=[\w.-]{8,}(?:\r?\n|\Z))[\w.-]+)*"
"""A log may break it over several lines."""
BOT = r"(?<![\w:])\d{8,10}:[A-Za-z0-9_-]{30,}"
PREFIXES = (
    "A3T AKIA ASIA AGPA AIDA AROA AIPA ANPA ANVA ABIA ACCA AIza ya29. GOCSPX- LTAI AKID AKLT sk_live_ sk_test_ "
    "rk_live_ rk_test_ pk_live_ whsec_ sk-ant- sk-proj- sk-or- sk- pypi- npm_ dckr_pat_ dckr_oat_ nvapi- SG. hf_ "
    "api_org_ ghp_ gho_ ghu_ ghs_ ghr_ github_pat_ glpat- gldt- glrt- glcbt- glptt- gloas- glsoat- GR1348941 "
    "xoxa- xoxb- xoxp- xoxe- xoxo- xoxr- xoxs- xapp- dop_v1_ doo_v1_ dor_v1_ shpat_ shpca_ shppa_ shpss_ lin_api_ "
    "r8_ gsk_ pplx- xai- tvly- EAAC EAAB EAAG AGE-SECRET-KEY- CFPAT- dp.pt. dp.st. hvs. hvb. hvr. tskey- glsa_ "
    "glc_ eyJrIjoi NRAK- NRII- NRJS- PMAK- rubygems_ sntrys_ sntryu_ sbp_ sq0atp- sq0csp- EAAAE ntn_ figd_ ATATT3 "
    "nfp_ pscale_ squ_ sqp_ sqa_ AKCp ALTAK- amzn.mws. HRKU- EZAK EZTK ATBB rpa_ fo1_ FlyV1 pul- oy2 scw_ ops_eyJ "
    "sq0idp- sk.eyJ pk.eyJ EXO pspace_ waka_ wandb_ duffel_ fio-u- kc_ bkua_ LUPA zpka_ "
).split()
AZURE = r"(?<![\w~.-])[\w~.]{3}\dQ~[\w~.-]{31,34}"
UUID = r"(?<![\w-])(?:ms|sdk|mob|api)-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
TOKEN = r"(?<![A-Za-z0-9])(?:%s)(?=[\w.~+/=-]*(?:\d|[a-z][A-Z]|[A-Z][a-z]*[A-Z]))[\w.~+/=-]{6,}" % "|".join(
    sorted({re.escape(one) for one in PREFIXES}, key=len, reverse=True)
)
LICENCE = (
    r"(?<![\w-])(?=[A-Z0-9-]*[A-Z])(?=[A-Z0-9-]*[0-9])"
    r"(?!(?:[A-Z]{2,4}\d{1,2}-)+[A-Z]{2,4}\d{1,2}(?![\w-]))"
    r"(?:[A-Z0-9]{5}(?:-[A-Z0-9]{5}){3,7}|[A-Z0-9]{4}(?:-[A-Z0-9]{4}){3,7})(?![\w-])"
)
"""Groups of one length, as keys are printed to be typed; but `SM75-SM80-SM86-SM90` is none."""
SHAPES = (
    (JWT, ("eyJ",)),
    (BOT, (":",)),
    (AZURE, ("Q~",)),
    (UUID, ("ms-", "sdk-", "mob-", "api-")),
    (TOKEN, ()),
    (LICENCE, ("-",)),
)
"""Each with signs of which it needs one."""
HEX_PAIRS = (
    r"(?<![\w.])(?:(?:(?:0x|\\x)?[0-9a-fA-F]{2}[ ,:]{1,2}){9,}(?:0x|\\x)?[0-9a-fA-F]{2}"
    r"|(?:[0-9a-fA-F]{4} ){4,}(?:[0-9a-fA-F]{2}){1,2})(?!\w)"
)
"""A dump of bytes, one or two at a time."""
_DASH = r"[ \t]*-[ \t]+(?![ \t])"
_INNER = r"(?:[^\n\\\"]|\1\\*[^\n\\n])"
YAML = r"(?:(?:\A|(?<=[\n\"'])|\r?\n)%s(?:[^\n\\]|\\+[^\n\\n])+|(?<!\\)(\\+)n%s(?:\"%s*\"|%s+)){2,}" % (
    (_DASH,) * 2 + (_INNER,) * 2
)
YAML_ITEM = (
    r"((?:\A|(?<=\n)|\r?\n|\\+n)%s(\\*[\"']|))((?:[^\n\\]|\\+[^\n\\n])+?)(?<![ \t\r])(\2(?:[ \t\r]|\\+r)*)(?=\r?\n|\\+n|\Z)"
    % _DASH
)
"""A command line as a list in YAML; where its lines are escaped, it ends at a quote that is less so."""
_ESCAPED = r"\\+u([0-9a-fA-F]{4})"


PAIRED = r"\0?(?:[\t\n\r -~]\0){6,}[\t\n\r -~]?"


def of_two_bytes(text):  # type: (str) -> str
    """What a text of two bytes a letter says, as Windows writes it, that was read as one of one byte; of another text that of its
    pieces of this kind."""
    try:
        data = text.encode("latin-1")
    except UnicodeEncodeError:
        data = b""
    first, second = data[::2].count(0), data[1::2].count(0)
    if 2 * max(first, second) > len(data) // 2 or data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16-le" if second > first else "utf-16-be", "replace").lstrip("\ufeff")
    return re.sub(PAIRED, lambda run: run.group(0).replace("\0", ""), text)


def unescaped(text):  # type: (str) -> str
    """JSON escapes what is no ASCII: letters and signs of another script stand again as what they are."""
    return re.sub(_ESCAPED, _letter, text) if "\\u" in text else text


def _letter(match):  # type: (re.Match[str]) -> str
    code = int(match.group(1), 16)
    if code < 0xA1 or 0xD800 <= code < 0xF900:
        return match.group(0)
    return chr(code) if chr(code).isalpha() or 0x590 <= code < 0x1100 or code >= 0x3000 else match.group(0)


def holds_text(match):  # type: (re.Match[str]) -> bool
    """A dump of bytes that are all printable: of what, it does not say. Two decimal digits a time are figures."""
    pairs = re.findall(r"[0-9a-fA-F]{2}", re.sub(r"0x|[^0-9a-fA-F]", "", match.group(0)))
    return any(not pair.isdigit() for pair in pairs) and all(32 <= int(pair, 16) < 127 for pair in pairs)


def is_a_count(name, value):  # type: (str, str) -> bool
    """`max_tokens=2048`: of a language model, not of a service's door."""
    return (
        value.isdigit()
        and len(value) < 8
        and re.search(r"(?i)tokens\W*\Z|token_(?:ids?|limit|count)\W*\Z", name) is not None
    )
