"""Headers that the operator gives with --header-file, as curl's -H @FILE takes them. They are secrets: nothing tells
their values."""

from __future__ import annotations

import html
import json
import re
from urllib.parse import quote

from retina_doctor.hints import Any
from retina_doctor.masking.forms import SECRET, SECRET_KEY

NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+$")  # a token of RFC 9110, 5.6.2
OURS = ("connection", "content-encoding", "content-length", "content-type", "expect", "transfer-encoding", "user-agent")
"""What belongs to the request itself."""
MOST = 65536  # bytes of the file
SHORTEST = 4  # characters: shorter parts of a value are no secrets, and are found everywhere
OPEN = re.compile(
    r"(?i)(?:accept(?:-[\w-]+)?|cache-control|pragma|te|range|prefer|dnt|if-[\w-]+|sec-[\w-]+|access-control-[\w-]+)$"
)
"""Headers that say what a client takes: nothing in them is a secret."""
SCHEMES = ("apikey", "basic", "bearer", "digest", "hmac", "hoba", "mutual", "negotiate", "ntlm", "token", "vapid")
"""Words before a credential (IANA's registry of authentication schemes, and those in use beside it)."""
WORDS = re.compile(r"[A-Za-z]+(?:[/._+-][A-Za-z]+)*$")
"""Words, a media type, a path: as likely part of the service's own language as a secret."""


class Headers(object):
    """*sent*: by name. *problem*: why the file gave none, and *line*, the number of its first bad one."""

    def __init__(self, sent: dict[str, str], problem: str | None = None, line: int | None = None) -> None:
        self.sent, self.problem, self.line = sent, problem, line
        secrets, likely = secret_parts(sent)
        self.secrets = sorted(secrets, key=len, reverse=True)
        words = "|".join(map(re.escape, sorted(likely, key=len, reverse=True)))
        self.likely = re.compile(r"(?<!\w)(?:%s)(?!\w)" % words) if words else None

    def hidden_name(self, text: str) -> str:
        """A key, a path or a type, which are judged later, without our secrets."""
        for secret in self.secrets:
            text = text.replace(secret, SECRET)
        return text

    def hidden(self, text: str) -> str:
        """A sentence of the service without our values, which it may repeat."""
        text = self.hidden_name(text)
        return self.likely.sub(SECRET, text) if self.likely else text

    def told(self) -> dict[str, Any]:
        return {"header_names": sorted(self.sent), "header_problem": self.problem, "header_line": self.line}


def secret_parts(sent: dict[str, str]) -> tuple[set[str], set[str]]:
    """(secrets, words that may well be none and are hidden in sentences alone) of the values, as a service may write them."""
    secrets: set[str] = set()
    likely: set[str] = set()
    for name, value in sent.items():
        if OPEN.match(name):
            continue
        scheme, _, credential = value.partition(" ")
        whole = (value, credential.strip()) if scheme.lower() in SCHEMES else (value,)
        named = re.search(SECRET_KEY, name) is not None
        for part in {*whole, *re.split(r"[\s;,]+|(?<=[^=])=(?=[^=])", value)}:
            if len(part) >= SHORTEST and part.lower() not in SCHEMES:
                word = WORDS.match(part) is not None and not (named and part in whole)
                (likely if word else secrets).update(spellings(part))
    return secrets, likely


def spellings(secret: str) -> set[str]:
    """As a service may write it: in UTF-8, escaped for JSON, a URL or a page."""
    plain = {secret, secret.encode("latin-1").decode("utf-8", "ignore")}
    found: set[str] = set()
    for one in plain:
        escaped = json.dumps(one)[1:-1]
        found.update((one, escaped, escaped.replace("/", "\\/"), quote(one), quote(one, safe=""), html.escape(one)))
    return {one for one in found if len(one) >= SHORTEST}


def of_file(path: str | None) -> Headers:
    """A line "NAME: VALUE" each; blank lines and those that begin with # say nothing."""
    if path is None:
        return Headers({})
    try:
        with open(path, "rb") as file:
            lines = file.read(MOST).decode("latin-1").splitlines()
    except OSError as error:
        return Headers({}, error.strerror or str(error))
    sent = {}
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("#"):
            continue
        name, colon, value = line.partition(":")
        problem = "no-colon" if not colon else "bad-name" if not NAME.match(name) else None
        if problem or name.lower() in OURS:
            return Headers({}, problem or "own-header", number)
        sent[name] = value.strip()
    return Headers(sent, None if sent else "empty")
