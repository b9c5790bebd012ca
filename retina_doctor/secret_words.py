"""What is a secret by the words around it or by its shape. Sent to targets, too: Python 3.8, standard library alone.

Text is masked here, where it was read, before it is cut: a cut could take away the words by which a secret is known.
Vendors' prefixes: their own documentation, compared with the public rules of gitleaks and detect-secrets (docs/security.md).
"""

from __future__ import annotations

import functools
import re

SECRET = "<secret>"  # noqa: S105
MARK = r"<(?:secret|email|machine|mac|user\d*|(?:host|address|name|number|serial)\d+)>"
"""What stands in place of something masked; nothing else between angle brackets does."""

_WORD = (
    r"(?:[\w.-]*(?:token|passw(?:or)?d|passwort|passphrase|passcode|secret|credential|(?:api|access|account|private|signing|shared"
    r"|encryption|license)[-_. ]?key|signature|webhook|connection[-_]?string)[\w-]*"
    r"|(?:[\w.]*[_.-]|db|pg)?(?:pass|pwd|pw|pin|otp|auth|authorization|cookies?|session[-_]?id|sessid|jsessionid|csrf|sig|apikey|sas|nonce"
    r"|salt|dsn|psk)(?![\w-]))"
)
CODE = (
    r"(?:(?:recovery|unlock|backup|verification|one[-_ ]time|security|2fa|mfa|sms|pairing|activation|invit(?:e|ation))"
    r"[-_ ]codes?)"
)
_ZH = r"(?:密码|口令|令牌|密钥|秘钥|私钥|凭证|凭据|验证码|授权码|暗号|密碼|金鑰)"
_QUOTED = r"(?:(?:\\*\"(?:[^\"\\]|\\[^\"])*\\*\")|(?:\\*'(?:[^'\\]|\\[^'])*\\*'))"
_ATOM = r"(?:%s|<(?!/)|[^\s'\",;&<>)}\]|\\])" % MARK
_BARE = r"%s+(?:[,;'\"<>)}\]|\\]+(?!\\*[\"']?[\w.-]+\\*[\"']?\s*[=:])%s+)*" % (_ATOM, _ATOM)
_ASSIGN = r"(?:[bruf]?\\*['\"])?\s*(?:=>|:=|->|[:=：＝])\s*"

# Patterns are texts: `re` compiles each when it is first needed, and most runs need none.
LONG = r"[^\s,;:\"']{600,}|\S{3000,}"
"""No word is so long. It is taken out first, since other patterns need time by the square of a word's length."""
PEM = r"(?s)-----BEGIN [A-Z0-9 ]+-----.*?(?:-----END [A-Z0-9 ]+-----|\Z)"
DIGEST = r"(?i)(\bdigest\s+)(?:[\w-]+=(?:\"[^\"]*\"|[^\s,\"]+)(?:,\s*)?)+"
HEADER = (
    r"(?i)(?P<head>(?<![\w-])(?:(?:proxy-)?authorization|(?:set-)?cookie2?|x-[\w-]*(?:token|key|auth|secret|signature)[\w-]*)"
    r"\\*[\"']?\s*[:=：＝]\s*\\*[\"']?)(?P<value>[^\n\"'\\]+)"
)
SCHEME = (
    r"(?i)(?P<head>\b(?:bearer|basic|negotiate|ntlm|apikey|token)\s+)(?P<value>(?=[\w.~+/=-]*[\d=A-Z])[\w.~+/-]{6,}=*)"
)
XML = r"(?is)(?P<head><(?P<tag>(?:\w+:)?%s)(?:\s[^>]*)?>)(?P<value>[^<]+)(?=</)" % _WORD
QUOTED = r"(?i)(?P<head>(?P<q>['\"])(?:--?)?%s=)(?P<value>(?:(?!(?P=q))[^\n])+)(?=(?P=q))" % _WORD
"""A whole assignment in quotes: the value may hold blanks."""
NAMED = r"(?is)(?P<head>(?<![\w-])(?:--?)?%s%s)(?:[bruf](?=\\*['\"]))?(?![{\[])(?P<value>%s|%s)" % (
    _WORD,
    _ASSIGN,
    _QUOTED,
    _BARE,
)
PHRASE = (
    r"(?i)(?P<head>\b(?:passw(?:or)?d|passphrase|passcode|pin|secret|token|%s)\b(?:\s+(?!is\b)[\w.@-]+){0,4}?\s*"
    r"(?::\s+|\s(?:is|was)\s*:?\s+|：\s*))(?!(?:not|missing|invalid|required|empty|wrong|too|set|expired|incorrect|no)\b)"
    r"(?P<value>[^\n,;'\"&)]+?)(?=\s+\S+=|\s+--?\w|\s*(?:[\n,;'\"&)]|$))" % CODE
)
SPOKEN_ZH = (
    r"(?P<head>%s(?:[\w \t]{0,12}?)(?:为|是|叫|设为|设置为|[:：=＝]|\s)+[「“‘\"'《]?)(?P<value>[^\s，。；、,;」”’\"'》]+)"
    % _ZH
)
_NAME_OF_FLAG = (
    r"(?:%s|[\w-]*(?:key|auth|bearer|creds?|login|licen[cs]e"
    r"|(?<!by)(?<!com)(?<!tres)(?<!sur)(?<!multi)(?<!multi[-_])(?<!single)(?<!single[-_])pass))"
) % _WORD
FLAG = r"(?i)(?P<head>(?<![\w-])--?%s(?:=|\s+(?!-)))(?P<value>%s|%s)" % (_NAME_OF_FLAG, _QUOTED, _BARE)
QUERY = (
    r"(?i)(?P<head>(?<=[?&;])(?:%s|[\w.-]*key(?:id)?|code|state|x-(?:amz|goog|oss|cos|ms)-[\w-]+|ossaccesskeyid)=)(?P<value>[^\s&\"'#;]+)"
    % _WORD
)
URL_USER = (
    r"(?P<head>\b[a-zA-Z][a-zA-Z0-9+.-]*://)(?P<user>[^\s/@:\"']*)(?P<colon>:?)(?P<value>[^\s/@\"']*(?:@[^\s/@\"']+)*)@"
)
DSN = (
    r"(?i)(?P<head>\b(?:postgres(?:ql)?|mysql|mariadb|mongodb|rediss?|amqps?|mssql|oracle|ftp|sftp|smtps?|ldaps?)(?:\+\w+)?://"
    r"[^\s/@:\"']*:)(?P<value>[^\s\"'@]*)@"
)
WEBHOOK = (
    r"(?i)(?P<head>(?:hooks\.slack\.com/(?:services|workflows)/|discord(?:app)?\.com/api/webhooks/|open-apis/bot/v2/hook/"
    r"|api\.telegram\.org/bot|webhook\.office\.com/\w+/|maker\.ifttt\.com/|events\.pagerduty\.com/|api\.day\.app/|ftqq\.com/"
    r"|(?<![\w.-])hooks?\.[\w-]+\.[\w.-]+(?::\d+)?/"
    r"|(?://|@)[\w-]+\.[^\s\"'<>]{0,200}?/hooks?/|/webhooks?/(?!send\?)|//[\w.-]+(?::\d+)?/t/(?=[^\s/]{8,}/)))(?P<value>[^\s\"'<>?]+)"
)
SSHPASS = r"(?P<head>\bsshpass\s+-p\s*)(?P<value>%s|%s)" % (_QUOTED, _BARE)
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
SECRET_KEY = r"(?i)(?:%s|%s|key|nonce|auth[\w-]*)" % (_WORD, _ZH)
"""A key of JSON or of a table whose value is a secret, whatever it is."""
SECRET_FLAG = r"(?i)--?" + _NAME_OF_FLAG
USER_FLAG = r"-[uU]|--(?:proxy-)?user"
_WHOLE_MARK = r"[\\'\"]*%s[\\'\".:]*" % MARK
_NOTHING = r"(?i)[\\'\"]*(?:none|null|true|false|undefined|\*+|x{3,}|[-<]|\.\.\.|…)?[\\'\"]*"


def _hidden(match):  # type: (re.Match[str]) -> str
    """The match with its value masked; quotes around it stay, so that what was JSON is JSON still."""
    value = match.group("value")
    if re.fullmatch(_WHOLE_MARK, value) or re.fullmatch(_NOTHING, value):
        return match.group(0)
    start = len(value) - len(value.lstrip("\\'\"")) if value[:1] in "\\'\"" else 0
    end = len(value) - (len(value) - len(value.rstrip("\\'\"")) if start else 0)
    before = match.group(0)[: match.start("value") - match.start(0)]
    after = match.group(0)[match.end("value") - match.start(0) :]
    return before + value[:start] + SECRET + value[max(end, start) :] + after


def _userinfo(match):  # type: (re.Match[str]) -> str
    if match.group("colon"):
        user, value = match.group("user"), match.group("value")
        return match.group("head") + user + ":" + (value if re.fullmatch(_WHOLE_MARK, value) else SECRET) + "@"
    user = match.group("user") + match.group("value")
    return match.group(0) if re.fullmatch(_WHOLE_MARK, user) or user == "git" else match.group("head") + SECRET + "@"


def _digest(match):  # type: (re.Match[str]) -> str
    return match.group(1) + SECRET


RULES = (
    (PEM, SECRET, ("-----BEGIN ",)),
    (DIGEST, _digest, ("=",)),
    (HEADER, _hidden, (":", "=", "：", "＝")),
    (SCHEME, _hidden, ("",)),
    (XML, _hidden, ("</",)),
    (DSN, _hidden, ("@",)),
    (URL_USER, _userinfo, ("@",)),
    (QUOTED, _hidden, ("=",)),
    (WEBHOOK, _hidden, ("/",)),
    (QUERY, _hidden, ("=",)),
    (FLAG, _hidden, ("-",)),
    (SSHPASS, _hidden, ("sshpass",)),
    (NAMED, _hidden, ("=", ":", ">", "：", "＝")),
    (PHRASE, _hidden, ("",)),
    (SPOKEN_ZH, _hidden, ("密", "口令", "令牌", "秘钥", "私钥", "凭", "验证码", "授权码", "暗号", "金鑰")),
    (JWT, SECRET, ("eyJ",)),
    (BOT, SECRET, (":",)),
    (AZURE, SECRET, ("Q~",)),
    (UUID, SECRET, ("-",)),
    (TOKEN, SECRET, ("",)),
)
"""In this order: a pattern, what takes the place of what it finds, and the signs of which it needs one: looking for those spares
most texts the pattern, and most runs its making."""


def masked(text):  # type: (str) -> str
    """The same without what is a secret by its name, its place or its shape. Masking twice changes nothing more."""
    if len(text) < 8 and text.isalnum():
        return text  # no pattern fits so little, and a hostile file has many such words
    return _masked_again(text) if len(text) <= 300 else _masked(text)


def _masked(text):  # type: (str) -> str
    if len(text) >= 600:
        text = re.sub(LONG, SECRET, text)
    for pattern, replacement, signs in RULES:
        for sign in signs:
            if sign in text:
                text = re.sub(pattern, replacement, text)
                break
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


def words_masked(words):  # type: (list[str]) -> list[str]
    """The words of a command line without its secrets: a word says surely where it ends, and what flag stands before it."""
    shown = []  # type: list[str]
    for place, word in enumerate(words):
        before = words[place - 1] if place else ""
        key = before.strip("\\'\"{[(:=：＝")
        named = re.fullmatch(SECRET_FLAG, before) or (re.fullmatch(SECRET_KEY, key) and place > 1)
        assigned = re.match(r"(?is)((?:--?)?(?:%s|(?<=-)[\w-]*(?:key|auth))=)(?=.)" % _WORD, word) or re.match(
            r"(?is)(--?[\w-]*(?:key|auth)=)(?=.)", word
        )
        if assigned:
            shown.append(assigned.group(1) + SECRET)
        elif (
            (place and named and not word.startswith("--"))
            or (place and re.fullmatch(USER_FLAG, before) and ":" in word)
            or (
                place
                and before in ("-p", "-a", "-P", "-k")
                and not re.fullmatch(r"\d{1,5}(?::\d{1,5})*(?:/\w+)?|[./~].*|-.*", word)
            )
        ):
            shown.append(SECRET)
        elif re.match(r"-p(?!roto|ath|rint|id|ort|ip|lay|rof|y)(?=.*[A-Za-z]).{3,}", word):
            shown.append("-p" + SECRET)
        else:
            shown.append(masked(word))
    return shown
