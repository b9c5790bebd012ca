"""What looks like a secret in a text. Sent to targets, too: Python 3.8, standard library alone."""

from __future__ import annotations

import re

_SECRET_NAME = (
    r"(?:[\w-]*(?:token|passw(?:or)?d|passphrase|secret|(?:api|access|account|private)[-_]?key|credential)[\w-]*"  # noqa: S105
    r"|(?:[\w-]*[_-]|db|pg)(?:pass|pwd)(?![\w-])|pass(?==))"  # but PWD is where a shell is, and bypass no word to pass
)
_SECRET_FLAG = rf"--?(?:{_SECRET_NAME}|[\w-]*(?:key|auth))"
_VALUE = r"(?:\"[^\"]*\"|'[^']*'|[^\s'\",;&]+(?:,[^\s'\",;&]+)*)"

QUOTED_FLAG = re.compile(rf"(?i)(?P<q>['\"])((?:{_SECRET_FLAG}|{_SECRET_NAME})=)(?!<)(?:(?!(?P=q)).)+(?P=q)")
SECRET = re.compile(
    rf"(?i)((?<![\w-])(?:{_SECRET_NAME}['\"]?\s*[=:]\s*|{_SECRET_FLAG}(?:=|\s+(?!-))|(?<=[?&])(?:key|sig|signature|auth)=)"
    rf"|\bauthorization['\"]?\s*[=:]\s*['\"]?(?=(?P<how>(?:(?:basic|bearer|token)\s+)?))(?P=how))(?!['\"]?<){_VALUE}"
)
FLAG_AND_SECRET = re.compile(rf"(?is)((?:{_SECRET_FLAG}|{_SECRET_NAME})=)(?!<).+")
SECRET_KEY = re.compile(rf"(?i){_SECRET_NAME}")
SECRET_FLAG = re.compile(rf"(?i){_SECRET_FLAG}")
BEARER = re.compile(r"(?i)(\bbearer\s+)(?!<)[\w.~+/=-]{6,}")
KNOWN_TOKEN = re.compile(
    r"(?<![\w-])(?:(?:hf|gh[oprsu])_(?=[A-Za-z]*\d)[A-Za-z0-9]{8,}|(?:sk-|glpat-|xox[abp]-|github_pat_)(?=[\w-]*\d)[\w-]{8,})"
)
URL_USER = re.compile(r"(\b[a-z][a-z0-9+.-]*://)(?!<)[^\s/@]+@")


def masked(text: str) -> str:
    """The same without what looks like a secret."""
    text = QUOTED_FLAG.sub(r"\g<q>\2<secret>\g<q>", text)
    text = BEARER.sub(r"\1<secret>", text)
    text = SECRET.sub(r"\1<secret>", text)
    text = KNOWN_TOKEN.sub("<secret>", text)
    return URL_USER.sub(r"\1<user>@", text)
