"""What is a secret by the words around it or by its shape. Sent to targets, too: Python 3.8, standard library alone.

Text is masked here, where it was read, before it is cut: a cut could take away the words by which a secret is known.
"""

from __future__ import annotations

import functools
import re

from retina_doctor.masking.forms import (
    ACCOUNT,
    ANNOUNCED_ZH,
    ANY_URL,
    BLOCK,
    BY_PLACE,
    BY_THEIR_PLACE,
    CHARACTERS,
    DIGEST,
    DSN,
    ESCAPED_BLOCK,
    ESCAPED_WORDS,
    FIELD,
    FLAG,
    HEADER,
    LONG,
    NAMED,
    OF_FLAG,
    OF_KEY,
    OF_WORD,
    PHRASE,
    QUERY,
    QUOTED,
    RUN_ON_ZH,
    SCHEME,
    SECOND_AT,
    SECRET,
    SECRET_FLAG,
    SECRET_KEY,
    SEED_PARTS,
    SIGNED,
    SPOKEN_ZH,
    URL_USER,
    USER_FLAG,
    WEBHOOK,
    WORD,
    WORDS,
    XML,
)
from retina_doctor.masking.hiding import block, digest, dumped, hidden, second_at, userinfo
from retina_doctor.masking.places import (
    ACCOUNTS,
    ACL,
    BEFORE_HOST,
    CALL,
    CERTIFICATE,
    CERTIFICATE_FLAG,
    CONFIGURED,
    ENVIRONMENT,
    GROUPS,
    INPUT,
    MISREAD,
    ORACLE,
    PGPASS,
    SEED,
    SHORT,
    SIGNING,
    SPELT_ZH,
    USER,
)
from retina_doctor.masking.shapes import (
    HEX_PAIRS,
    PEM,
    SHAPES,
    YAML,
    YAML_ITEM,
    of_two_bytes,
    unescaped,
)


def _words(match):  # type: (re.Match[str]) -> str
    return _listed(match, r"(?P<open>[\"'])(?P<word>(?:(?!(?P=open))[^\\]|\\.)*)(?P<close>(?P=open))")


def _escaped_words(match):  # type: (re.Match[str]) -> str
    return _listed(match, r"(?P<open>(?P<e>\\+)\")(?P<word>(?:[^\"\\]|(?!(?P=open))\\+[^\n])*)(?P<close>(?P=open))")


def _listed(match, item):  # type: (re.Match[str], str) -> str
    """The words of a list without their secrets, each in its quotes."""
    shown = iter(_words_of_a_list([one.group("word") for one in re.finditer(item, match.group(0))]))
    return re.sub(item, lambda one: one.group("open") + next(shown) + one.group("close"), match.group(0))


def _yaml(match):  # type: (re.Match[str]) -> str
    shown = iter(_words_of_a_list([item[2] for item in re.findall(YAML_ITEM, match.group(0))]))
    return re.sub(YAML_ITEM, lambda item: item.group(1) + next(shown) + item.group(4), match.group(0))


def _words_of_a_list(words):  # type: (list[str]) -> list[str]
    """A list without flags may be one of names: of those, only what ends as before a value has one behind it."""
    if any(word[:1] == "-" for word in words):
        return words_masked(words)
    named = [""] + [re.sub(r"[\\'\"{\[(]", "", re.split(r"(?:\s|\\+[nrt])+", word.strip())[-1]) for word in words]
    shown = [
        SECRET if re.fullmatch(r".+[:=：＝]", before) and _is_secret_key(before[:-1]) else masked(word)
        for before, word in zip(named, words)  # noqa: B905 - Python 3.8
    ]
    return _as_a_sentence(shown)


def _as_a_sentence(words):  # type: (list[str]) -> list[str]
    """What is masked as in one text, too, where each word stays one: `one-time code is 471122`, `host name "x@db"`."""
    told = [re.search(_OF_A_SENTENCE, word) is not None for word in words]
    if any(" " in word for word in words) or not any(told):
        return words
    parts = masked(" ".join(words)).split(" ")
    if len(parts) != len(words):
        return words
    return [part if one else word for part, one, word in zip(parts, told, words)]  # noqa: B905 - Python 3.8


RULES = (
    (PEM, SECRET, ("-----BEGIN ",), ()),
    (WORDS, _words, ("[",), ('"-', "'-", *OF_WORD, *BY_THEIR_PLACE, "code", *ANNOUNCED_ZH)),
    (ESCAPED_WORDS, _escaped_words, ("[\\", "[ \\"), ('"-', *OF_WORD, *BY_THEIR_PLACE, "code", *ANNOUNCED_ZH)),
    (YAML, _yaml, ("- ",), ("\n", "\\n")),
    (FIELD, hidden, (), ("form-data",)),
    (HEX_PAIRS, dumped, (), ()),
    (DIGEST, digest, ("=",), ("digest",)),
    (HEADER, hidden, (":", "=", "：", "＝"), ("authorization", "cookie", "x-")),
    (SCHEME, hidden, (), ("bearer", "basic", "negotiate", "ntlm", "apikey", "token")),
    (XML, hidden, ("</",), OF_WORD),
    (DSN, hidden, ("@",), ()),
    (ANY_URL, hidden, ("@",), ()),
    (URL_USER, userinfo, ("@",), ()),
    (SECOND_AT, second_at, ("@",), ()),
    (BEFORE_HOST, hidden, ("@",), ()),
    (PGPASS, hidden, (":",), ()),
    (MISREAD, hidden, (), ("host", "resolv", "port", "connect")),
    (ACCOUNTS, hidden, (":", "="), ()),
    (ORACLE, hidden, ("@",), ()),
    (USER, hidden, ("-",), ("u",)),
    (SHORT, hidden, ("-p",), ()),
    (CONFIGURED, hidden, ("'", '"'), ("user",)),
    (CERTIFICATE, hidden, ("-E", "cert"), ()),
    (SEED, hidden, (), SEED_PARTS),
    (GROUPS, hidden, (":", "="), ("key", "seed", "iv", "salt")),
    (BLOCK, block, (":", "="), OF_WORD),
    (ESCAPED_BLOCK, hidden, ("\\n ", "\\n\t"), OF_WORD),
    (ACCOUNT, hidden, (":", "/"), ()),
    (CALL, hidden, ("',", '",'), ("admin", "root", "user", "elastic", "postgres", "sa'", 'sa"', "sa\\")),
    (SIGNING, hidden, (), ("jwt.",)),
    (ACL, hidden, (">",), ("setuser",)),
    (INPUT, hidden, ("input_value=",), ()),
    (ENVIRONMENT, hidden, ("KEY=",), ()),
    (SPELT_ZH, hidden, ("户", "号"), ("mm",)),
    (QUOTED, hidden, ("=",), OF_WORD),
    (WEBHOOK, hidden, ("/",), ("hook", "telegram", "ifttt", "pagerduty", "day.app", "ftqq", "qmsg", "/t/")),
    (QUERY, hidden, ("=",), [*OF_WORD, "key", "sign", "code", "state", "x-", "ticket", "assertion", "saml"]),
    (FLAG, hidden, ("-",), OF_FLAG),
    (BY_PLACE, hidden, (), ("sshpass", "user", "easyconnect", "/p:", "/pw:", "/pwd:", "/pass:", "/password:")),
    (NAMED, hidden, ("=", ":", ">", "：", "＝"), OF_WORD),
    (CHARACTERS, hidden, ("[",), OF_WORD),
    (SIGNED, hidden, ("=", ":", ">", "：", "＝"), ("ak", "sk")),
    (PHRASE, hidden, (), ("pass", "pin", "secret", "token", "code")),
    (SPOKEN_ZH, hidden, (*ANNOUNCED_ZH, "为", "是"), ()),
    (RUN_ON_ZH, hidden, ANNOUNCED_ZH, ()),
)
"""In this order: a pattern, what takes the place of what it finds, the signs and the parts of words (in small letters) of which
it needs one each: looking for those spares most texts the pattern, and most runs its making."""


def small(text):  # type: (str) -> str
    """Letters that `(?i)` takes for the same, as the same."""
    if text.isascii():
        return text.lower()
    return text.casefold().replace("\u0131", "i").replace("i\u0307", "i")


def clues(text):  # type: (str) -> str
    """In small letters what parts of words are looked for in: without that of "insight", which stands in every other path."""
    return small(text).replace("insight", "in t")


def has_one(text, parts):  # type: (str, list[str] | tuple[str, ...]) -> bool
    for part in parts:  # noqa: SIM110 - `any` would take twice as long, and this is asked some thousand times
        if part in text:
            return True
    return False


def masked(text):  # type: (str) -> str
    """The same without what is a secret by its name, its place or its shape. Masking twice changes nothing more."""
    if len(text) < 8 and text.isalnum():
        return text  # no pattern fits so little, and a hostile file has many such words
    return _masked_again(text) if len(text) <= 300 else _masked(text)


def _masked(text):  # type: (str) -> str
    """What is escaped is read as what it means, and stays as it is written where that holds no secret."""
    if "\0" in text:
        plain = of_two_bytes(text)
        shown = _by_rules(plain)
        if shown != plain:
            return shown
    plain = unescaped(text)
    shown = _by_rules(plain)
    return text if shown == plain else shown


def _by_rules(text):  # type: (str) -> str
    if len(text) >= 600 and max(map(len, text.split()), default=0) >= 600:
        text = re.sub(LONG, SECRET, text)
    words = clues(text)
    for pattern, replacement, signs, parts in RULES:
        if (not signs or has_one(text, signs)) and (not parts or has_one(words, parts)):
            shown = re.sub(pattern, replacement, text)
            if shown != text:
                text, words = shown, clues(shown)
    for shape, signs in SHAPES:
        if not signs or has_one(text, signs):
            text = re.sub(shape, SECRET, text)
    return text


_masked_again = functools.lru_cache(maxsize=4096)(_masked)
"""The same words and lines stand in many places, and are masked until nothing changes more."""


def beginning(text, most):  # type: (str, int) -> str
    """The first *most* characters or so, masked before they are cut, and cut between two words: no secret is laid bare."""
    text = masked(text)
    if len(text) <= most:
        return text
    cut = text[:most]
    whole = re.match(r"(?s).*[\s,;&]", cut)
    return (whole.group(0).rstrip() if whole else "") + " ..."


@functools.lru_cache(maxsize=4096)
def _is_secret_flag(word):  # type: (str) -> bool
    return word[:1] == "-" and has_one(clues(word), OF_FLAG) and re.fullmatch(SECRET_FLAG, word) is not None


@functools.lru_cache(maxsize=4096)
def _is_secret_key(word):  # type: (str) -> bool
    telling = has_one(clues(word), OF_KEY) or has_one(word, ANNOUNCED_ZH)
    return telling and re.fullmatch(SECRET_KEY, word) is not None


_OF_A_SENTENCE = r"\A\d+\Z|[\"'@]|\w:[A-Za-z]|\A(?:>|mm=)\w"
"""Numbers, what is quoted, and what stands before a host or behind a name."""
_ASSIGNED_WORD = r"(?is)((?:--?)?(?:%s|(?<=-)[\w-]*(?:key|auth))=)(?=.)" % WORD
_ASSIGNED_FLAG = r"(?is)(--?[\w-]*(?:key|auth)=)(?=.)"


_BETWEEN = ("-", "=", ":", "：", "＝", "->", "=>", "is", "was")
"""Between a name and its value, or before a word of a list in YAML."""
_OTHER_VALUE = r"\d{1,5}(?::\d{1,5})*(?:/\w+)?|[./~].*|-.*|\w+://.*|(?:\w+\.)+[A-Z][A-Za-z]*Worker|sync|gthread|gevent|eventlet|tornado|solo|prefork|threads|processes"
"""After -p, -a, -P or -k: a port, a file, another flag, an address (curl), workers (gunicorn, celery)."""


def words_masked(words):  # type: (list[str]) -> list[str]
    """The words of a command line without its secrets: a word says surely where it ends, and what flag stands before it."""
    shown = []  # type: list[str]
    for place, word in enumerate(words):
        earlier = [one for one in words[max(0, place - 2) : place] if one not in _BETWEEN]
        before = earlier[-1].strip("\"',[]") if earlier else ""
        key = before.strip("\\'\"{[(:=：＝")
        named = _is_secret_flag(before) or ((place > 1 or before != key) and _is_secret_key(key))
        assigned = "=" in word and (re.match(_ASSIGNED_WORD, word) or re.match(_ASSIGNED_FLAG, word))
        if word in _BETWEEN:
            shown.append(word)
        elif assigned:
            shown.append(assigned.group(1) + SECRET)
        elif (
            (place and named and not word.startswith("--"))
            or (place and re.fullmatch(USER_FLAG, before) and ":" in word and not re.fullmatch(r"\d+:\d+", word))
            or (place and before in ("-p", "-a", "-P", "-k") and not re.fullmatch(_OTHER_VALUE, word))
        ):
            shown.append(SECRET)
        elif re.match(r"-u[\w.@-]+:(?!\d+$).", word):
            shown.append("-u" + SECRET)
        elif re.match(r"-p(?!roto|ath|rint|id|ort|ip|lay|rof|y)(?=.*[A-Za-z]).{3,}", word):
            shown.append("-p" + SECRET)
        elif re.fullmatch(CERTIFICATE_FLAG, before) and ":" in word[2:]:
            shown.append(word[:2] + word[2:].partition(":")[0] + ":" + SECRET)
        else:
            shown.append(masked(word))
    return _across(words, _as_a_sentence(shown))


ACROSS = (USER, SHORT, CONFIGURED, FLAG, NAMED, QUOTED)
"""Whose value may be in quotes."""


def _across(words, shown):  # type: (list[str], list[str]) -> list[str]
    """A text that was divided at each blank has words in quotes, and those of a wallet, in several pieces."""
    line, spans = " ".join(words), []
    if any(word.count("'") % 2 or word.count('"') % 2 for word in words):
        spans = [match.span("value") for pattern in ACROSS for match in re.finditer(pattern, line)]
    if has_one(small(line), SEED_PARTS):
        spans += [match.span("value") for match in re.finditer(SEED, line)]
    end = -1
    for place, word in enumerate(words):
        start, end = end + 1, end + 1 + len(word)
        if any(first < start < last for first, last in spans):  # not the first of them: that is masked by its own
            shown[place] = SECRET
    return shown
