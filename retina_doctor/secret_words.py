"""What is a secret by the words around it or by its shape. Sent to targets, too: Python 3.8, standard library alone.

Text is masked here, where it was read, before it is cut: a cut could take away the words by which a secret is known.
"""

from __future__ import annotations

import functools
import re

from retina_doctor.secret_places import (
    ACCOUNTS,
    BEFORE_HOST,
    CERTIFICATE,
    CERTIFICATE_FLAG,
    CONFIGURED,
    GROUPS,
    MISREAD,
    ORACLE,
    PGPASS,
    SEED,
    SHORT,
    USER,
)
from retina_doctor.secret_shapes import HEX_PAIRS, PEM, SHAPES, YAML, YAML_ITEM, holds_text, is_a_count, unescaped

SECRET = "<secret>"  # noqa: S105
MARK = r"<(?:secret|email|machine|mac|user\d*|(?:host|address|name|number|serial)\d+)>"
"""What stands in place of something masked; nothing else between angle brackets does."""

WORD = (
    r"(?:[\w.-]*(?:token|passw(?:or)?d|passwort|passor[dt]|pass[-_]?phrase|pass[-_]?code|(?:pass|pwd?)[-_]?(?:hash|word|key|digest)|secret|credential"
    r"|(?:api|access|account|private|signing|shared"
    r"|encrypt(?:ion)?|license)[-_. ]?key|auth[-_]?(?:tok|ident)"
    r"|licen[cs]e[-_]?(?:file[-_]?)?(?:code|content|data|string)|key[-_]?material|signature|webhook"
    r"|connection[-_]?string)[\w-]*"
    r"|(?:[\w.-]*[_.-]|db|pg|require|master)?(?:pass|pwd|pw|pin(?:[-_]?code)?|otp|auth|authorization|cookies?|session[-_]?id|sessid|jsessionid|csrf|sig|apikey|sas|nonce"
    r"|salt|dsn|psk|(?:login|user|usr|admin|root|web|cam|bind)(?:pass?|pwd?|pw)|(?:snmp|r[ow])[-_]?community|mima|kouling|miyao|yanzhengma)(?![\w-]))"
)
CODE = (
    r"(?:(?:recovery|unlock|backup|verification|one[-_ ]time|security|2fa|mfa|sms|pin|pairing|activation|invit(?:e|ation))"
    r"[-_ ]codes?)"
)
ZH = (
    r"(?:密码|口令|令牌|密钥|秘钥|私钥|凭证|凭据|[帐账]密|密语|密語"
    r"|(?:验证|授权|提取|激活|注册|邀请|恢复|动态|安全|校验|短信|接入|认证|登录|解锁"
    r"|驗證|授權|啟用|註冊|邀請|恢復|動態|校驗|簡訊|認證|登入|解鎖|存取"
    r"|访问|分享|门禁|开门|开机|配对|兑换|安装|绑定|[Pp][Ii][Nn] ?)[码碼](?!率)"
    r"|暗号|密碼|金鑰|權杖|(?<![A-Za-z])PIN(?=[:：])|ПИН-?код)"
)
_IN_SHELL = r"'\"'\"'(?:(?!'\"'\"')[^\n])*'\"'\"'|'\\''(?:(?!'\\'')[^\n])*'\\''"
"""In quotes, within a text that a shell has in quotes."""
_QUOTED = r"[$^`]?(?:%s|(?:\\*\"(?:[^\"\\]|\\[^\"])*\\*\")|(?:\\*'(?:[^'\\]|\\[^'])*\\*'))" % _IN_SHELL
"""Bash, cmd and PowerShell have a sign of their own before a quote."""
_ATOM = r"(?:%s|<(?!/)|&#\w{2,7};|\\(?:[0-7]{3}|x[0-9A-Fa-f]{2})|[^\s'\",;&<>)}\]|\\])" % MARK
_BARE = r"%s+(?:[,;'\"<>)}\]|\\]+(?!\\*[\"']?[\w.-]+\\*[\"']?\s*[=:])%s+)*" % (_ATOM, _ATOM)
_ASSIGN = r"(?:[bruf]?\\*['\"])?\s*(?:=>|:=|->|[:=：＝])\s*"

# Patterns are texts: `re` compiles each when it is first needed, and most runs need none.
LONG = r"[^\s,;:\"']{600,}|\S{3000,}"
"""No word is so long. It is taken out first, since other patterns need time by the square of a word's length."""
DIGEST = r"(?i)(\bdigest\s+)(?:[\w-]+=(?:\"[^\"]*\"|[^\s,\"]+)(?:,\s*)?)+"
HEADER = (
    r"(?i)(?P<head>(?<![\w-])(?:(?:proxy-)?authorization|(?:set-)?cookie2?|x-[\w-]*(?:token|key|auth|secret|signature)[\w-]*)"
    r"\\*[\"']?\s*[:=：＝]\s*\\*[\"']?)(?P<value>[^\n\"'\\]+)"
)
SCHEME = r"(?i)(?P<head>\b(?:bearer|basic|negotiate|ntlm|apikey|token)\s+)(?P<value>(?-i:(?=[\w.~+/=-]*[\d=A-Z]))[\w.~+/-]{6,}=*)"
XML = r"(?is)(?P<head><(?P<tag>(?:\w+:)?%s)(?:\s[^>]*)?>)(?P<value>[^<]+)(?=</)" % WORD
QUOTED = r"(?i)(?P<head>(?P<q>['\"])(?:--?)?%s=)(?P<value>(?:(?!(?P=q))[^\n])+)(?=(?P=q))" % WORD
"""A whole assignment in quotes: the value may hold blanks."""
NAMED = r"(?is)(?P<head>(?<![\w-])(?:--?)?%s%s)(?:[bruf](?=\\*['\"]))?(?![{\[])(?P<value>%s|%s)" % (
    WORD,
    _ASSIGN,
    _QUOTED,
    _BARE,
)
CHARACTERS = (
    r"(?i)(?P<head>(?<![\w-])%s%s\[)(?P<value>(?:\d{1,3}|'?[^\s,'\[\]]'?)(?:,? ?(?:\d{1,3}|'?[^\s,'\[\]]'?)){3,})(?=\])"
) % (WORD, _ASSIGN)
"""One by one, or their numbers: `Password:[104 117 110]`."""
PHRASE = (
    r"(?i)(?P<head>\b(?:passw(?:or)?d|passphrase|passcode|pin|secret|token|%s)\b(?:[^\S\n]+(?!is\b)[\w.@-]+){0,4}?\s*"
    r"(?::\s+|\s(?:is|was)\s*:?\s+|：\s*))(?!(?:not|missing|invalid|required|empty|wrong|too|set|expired|incorrect|no|longer|shorter|larger|greater|less"
    r"|expected|used|of|in|on|the|an?|only|already|deprecated|ignored|disabled|enabled|found|valid|available|supported)"
    r"(?=\s|$|[,;'\"&)\\]|[.:!?]+(?:\s|$)))"
    r"(?P<value>[^\n,;'\"&)]+?)(?=\s+\S+=|\s+--?\w|\s*(?:[\n,;'\"&)]|$))" % CODE
)
SPOKEN_ZH = (
    r"(?P<head>(?:%s(?:[\w \t]{0,12}?)(?:为|是|叫|设为|设置为|[:：=＝]|\s)+"
    r"|(?<![A-Za-z0-9])(?i:pass\w{0,5}|pwd|pw|token|secret)\s*(?:设置?为|改为|为|是)[:：=＝\s]*)[「“‘\"'《]?)"
    r"(?!错误|无效|不正确|不匹配|为?空|不能|失败|已过期|过期|未(?:设置|配置|填|提供|知|指定|输入|定义|启用|找到|通过|授权))(?P<value>[^\s，。；、,;」”’\"'》]+)"
    % ZH
)
RUN_ON_ZH = r"(?P<head>%s)(?P<value>(?=[A-Za-z]{0,40}\d)[A-Za-z0-9!#$@_.-]{4,})" % ZH
_NAME_OF_FLAG = (
    r"(?:%s|[\w-]*(?:key|auth|bearer|creds?|login|licen[cs]e"
    r"|(?<!by)(?<!com)(?<!tres)(?<!sur)(?<!multi)(?<!multi[-_])(?<!single)(?<!single[-_])pass))"
) % WORD
FLAG = r"(?i)(?P<head>(?<![\w-])--?%s(?:=|\s+(?:-\s+)?(?!-)))(?P<value>%s|%s)" % (_NAME_OF_FLAG, _QUOTED, _BARE)
QUERY = (
    r"(?i)(?P<head>(?<=[?&;])(?:%s|[\w.-]*key(?:id)?|code|state|ticket|assertion|saml(?:request|response)|x-(?:amz|goog|oss|cos|ms)-[\w-]+|ossaccesskeyid)=)(?P<value>[^\s&\"'#;]+)"
    % WORD
)
URL_USER = (
    r"(?P<head>\b[a-zA-Z][a-zA-Z0-9+.-]*:(?:[/\\]{2,40}|(?<=\w\w:)/(?=[^\s/@:\"']*:))|(?<![\w:/\\])//(?=[^\s/@:\"']*:))"
    r"(?P<user>[^\s/\\@:\"']*)(?P<colon>:?)(?P<value>[^\s/@\"']*(?:@[^\s/@\"']+)*)@"
)
"""The slashes may be escaped (`\\/\\/`), turned round, one too few or too many, or stand without a scheme."""
DSN = (
    r"(?i)(?P<head>\b(?:postgres(?:ql)?|mysql|mariadb|mongodb|rediss?|amqps?|mssql|oracle|ftp|sftp|smtps?|ldaps?)(?:\+\w+)?://?"
    r"[^\s/@:\"']*:)(?P<value>[^\s\"'@]*)@"
)
ANY_URL = r"(?P<head>\b[A-Za-z][A-Za-z0-9+.-]{1,20}://[^\s/@:\"'\[]*:)(?P<value>(?!\d*[/?#])[^\s\"'@<>]{1,200})@"
"""A password may hold a slash: what stands before it would be a port, if it were digits."""
WEBHOOK = (
    r"(?i)(?P<head>(?:hooks\.slack\.com/(?:services|workflows)/|discord(?:app)?\.com/api/webhooks/|open-apis/bot/v2/hook/"
    r"|api\.telegram\.org/bot|webhook\.office\.com/\w+/|maker\.ifttt\.com/|events\.pagerduty\.com/|api\.day\.app/|ftqq\.com/"
    r"|(?<![\w.-])hooks?\.[\w-]+\.[\w.-]+(?::\d+)?/"
    r"|qmsg\.zendee\.cn/j?send/|(?://|@)[\w-]+\.[^\s\"'<>]{0,200}?/hooks?/|[/-]webhooks?/(?!send\?)|//[\w.-]+(?::\d+)?/t/(?=[^\s/]{8,}/)))(?P<value>[^\s\"'<>?]+)"
)
_ITEM = r"(?:\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*')"
_ESCAPED_ITEM = r"(?:(\\+)\"(?:[^\"\\]|(?!\%d\")\\+[^\n])*\%d\")"
WORDS = r"\[\s*%s(?:\s*,\s*%s)+(?:\s*,)?\s*\]" % (_ITEM, _ITEM)
"""A command line as JSON, YAML and Python write it: `["curl", "-u", "a:b"]`."""
ESCAPED_WORDS = r"\[\s*%s(?:\s*,\s*%s)+\s*\]" % (_ESCAPED_ITEM % (1, 1), _ESCAPED_ITEM % (2, 2))
"""Within JSON."""
SIGNED = r"(?i)(?P<head>(?<![\w-])[as]k%s)(?P<value>%s|%s)" % (_ASSIGN, _QUOTED, _BARE)
"""`ak` and `sk`, as Chinese clouds call the two parts of a key."""
FIELD = (
    r"(?i)(?P<head>form-data;[^\n]{0,200}?\bname=\\*[\"']?%s\\*[\"']?(?:[^\n\\]*(?:\r?\n|(?:\\+r)?\\+n)){1,3}?"
    r"[ \t]*(?:\r?\n|(?:\\+r)?\\+n)[ \t]*)"
    r"(?P<value>[^\s\\]+)" % WORD
)
"""Of a form in parts: the value stands after an empty line."""
ACCOUNT = (
    r"(?P<head>(?<![\w./@-])(?:admin(?:istrator)?|root|guest|operator|supervisor)[:/])(?P<value>\d{6,})(?![\w./:-])"
)
SECOND_AT = (
    r"(?P<head>://[^\s/@:\"']*:%s@)(?:[^\s\"'<>@]*@)+(?=(?:\d{1,3}\.){3}\d|[\w-]+(?:\.[\w-]+)*\.[A-Za-z]{2,}(?![\w.-]))"
    % SECRET
)
"""A password may hold slashes as well as that sign: what counts is the last one before a host."""
BY_PLACE = r"(?i)(?P<head>\bsshpass\s+-p\s*|(?<![^\s\"'])/(?:p|pw|pwd|pass|password):)(?P<value>%s|%s)" % (
    _QUOTED,
    _BARE,
)
SECRET_KEY = r"(?i)(?:%s|%s|key|[as]k|nonce|auth[\w-]*)" % (WORD, ZH)
"""A key of JSON or of a table whose value is a secret, whatever it is."""
SECRET_FLAG = r"(?i)--?" + _NAME_OF_FLAG
BLOCK = (
    r"(?i)(?P<head>(?<![\w-])%s\\*[\"']?[ \t]*[:=][^\n]{0,400})(?P<value>(?:\n(?:[ \t]+[^\n]+|[ \t]*(?=\n)))+)" % WORD
)
"""What stands below a name and further in goes on with its value."""
ESCAPED_BLOCK = (
    r"(?i)(?P<head>(?<![\w-])%s\\*[\"']?[ \t]*[:=][ \t]*[^\s\\\"']{1,200}\\+n[ \t]+)"
    r"(?P<value>(?!at |File |- |[\w.-]+[ \t]*[:=])[^\n\\\"]+(?:\\+n[ \t]+(?!at |File |- |[\w.-]+[ \t]*[:=])[^\n\\\"]+)*)"
) % WORD
_OTHER_LINE = r"^[ \t]*(?:- )?[\"']?[\w.-]+[\"']?[ \t]*[:=](?:\s|$)|^[ \t]+(?:at |File \")"
USER_FLAG = r"-[A-Za-z]{0,6}[uU]|--(?:proxy-)?user"
_WHOLE_MARK = r"[\\'\"]*%s[\\'\".:]*" % MARK
_NOTHING = r"(?i)[\\'\"]*(?:none|null|true|false|undefined|\*+|x{3,}|[-<]|\.\.\.|…)?[\\'\"]*"


def _hidden(match):  # type: (re.Match[str]) -> str
    """The match with its value masked; quotes around it stay, so that what was JSON is JSON still."""
    value = match.group("value")
    if not value.strip("\\'\" \t\r\n,-[]"):
        return match.group(0)  # of a list: what stands between two of its words
    if re.fullmatch(_WHOLE_MARK, value) or re.fullmatch(_NOTHING, value) or is_a_count(match.group("head"), value):
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


def _block(match):  # type: (re.Match[str]) -> str
    """A block of text, or a value that goes on; a map that stands below such a name is masked name by name."""
    said = match.group("head").rstrip("\r \t")
    alone = re.search(r"[:=][ \t]*\S{1,200}\Z", said) is not None
    before = match.string[match.string.rfind("\n", 0, match.start()) + 1 : match.start()]
    further = len(before) - len(before.lstrip(" \t"))
    lines = match.group("value").split("\n")[1:]
    most = next((n for n, line in enumerate(lines) if line.strip() and _indent(line) <= further), len(lines))
    block = re.search(r"[:=][ \t]*(?:[&!]\S+[ \t]+)*[|>][-+]?\d?\Z", said) is not None
    if not block and (
        (before.strip(" \t-\"'") and not alone)
        or said[-1:] in ("(", "[", "{", ",")
        or any(re.search(_OTHER_LINE, line) for line in lines[:most])
    ):
        return match.group(0)
    shown = [line[: _indent(line)] + SECRET if line.strip() else line for line in lines[:most]]
    return "\n".join([match.group("head"), *shown, *lines[most:]])


def _indent(line):  # type: (str) -> int
    return len(line) - len(line.lstrip(" \t"))


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


def _second_at(match):  # type: (re.Match[str]) -> str
    return match.group("head")


def _dumped(match):  # type: (re.Match[str]) -> str
    return SECRET if holds_text(match) else match.group(0)


def _digest(match):  # type: (re.Match[str]) -> str
    return match.group(1) + SECRET


OF_WORD = (
    "token|pas|secret|credential|ikey|skey|tkey|ekey|gkey|dkey|nkey|-key|_key|.key| key|sig|webhook|connection|pw|pin|otp|auth"
    "|cookie|sessid|sessionid|session-|session_|csrf|sas|nonce|salt|dsn|psk|material|licen"
    "|pwd|mima|kouling|miyao|yanzhengma|communit"
).split("|")
"""Of each word that *WORD* fits, a part."""
OF_KEY = (*OF_WORD, "key", "ak", "sk")
OF_FLAG = (*OF_WORD, "key", "bearer", "cred", "login", "licen")
SEED_PARTS = ("mnemonic", "phrase", "words", "助记词")
BY_THEIR_PLACE = ("@", "port", "eap", "bundle", "ak:", "sk:")
"""Of each text in whose words a secret may be one by its place alone."""
ANNOUNCED_ZH = ("密", "口令", "令牌", "秘钥", "私钥", "凭", "码", "碼", "暗号", "金鑰", "權杖", "PIN", "ПИН")
"""Of each word that *ZH* fits, a part."""
RULES = (
    (PEM, SECRET, ("-----BEGIN ",), ()),
    (WORDS, _words, ("[",), ('"-', "'-", *OF_WORD, *BY_THEIR_PLACE, "code", *ANNOUNCED_ZH)),
    (ESCAPED_WORDS, _escaped_words, ("[\\", "[ \\"), ('"-', *OF_WORD, *BY_THEIR_PLACE, "code", *ANNOUNCED_ZH)),
    (YAML, _yaml, ("- ",), ("\n", "\\n")),
    (FIELD, _hidden, (), ("form-data",)),
    (HEX_PAIRS, _dumped, (), ()),
    (DIGEST, _digest, ("=",), ("digest",)),
    (HEADER, _hidden, (":", "=", "：", "＝"), ("authorization", "cookie", "x-")),
    (SCHEME, _hidden, (), ("bearer", "basic", "negotiate", "ntlm", "apikey", "token")),
    (XML, _hidden, ("</",), OF_WORD),
    (DSN, _hidden, ("@",), ()),
    (ANY_URL, _hidden, ("@",), ()),
    (URL_USER, _userinfo, ("@",), ()),
    (SECOND_AT, _second_at, ("@",), ()),
    (BEFORE_HOST, _hidden, ("@",), ()),
    (PGPASS, _hidden, (":",), ()),
    (MISREAD, _hidden, (), ("host", "resolv", "port", "connect")),
    (ACCOUNTS, _hidden, (":", "="), ()),
    (ORACLE, _hidden, ("@",), ()),
    (USER, _hidden, ("-",), ("u",)),
    (SHORT, _hidden, ("-p",), ()),
    (CONFIGURED, _hidden, ("'", '"'), ("user",)),
    (CERTIFICATE, _hidden, ("-E", "cert"), ()),
    (SEED, _hidden, (), SEED_PARTS),
    (GROUPS, _hidden, (":", "="), ("key", "seed", "iv", "salt")),
    (BLOCK, _block, (":", "="), OF_WORD),
    (ESCAPED_BLOCK, _hidden, ("\\n ", "\\n\t"), OF_WORD),
    (ACCOUNT, _hidden, (":", "/"), ()),
    (QUOTED, _hidden, ("=",), OF_WORD),
    (WEBHOOK, _hidden, ("/",), ("hook", "telegram", "ifttt", "pagerduty", "day.app", "ftqq", "qmsg", "/t/")),
    (QUERY, _hidden, ("=",), [*OF_WORD, "key", "code", "state", "x-", "ticket", "assertion", "saml"]),
    (FLAG, _hidden, ("-",), OF_FLAG),
    (BY_PLACE, _hidden, (), ("sshpass", "/p:", "/pw:", "/pwd:", "/pass:", "/password:")),
    (NAMED, _hidden, ("=", ":", ">", "：", "＝"), OF_WORD),
    (CHARACTERS, _hidden, ("[",), OF_WORD),
    (SIGNED, _hidden, ("=", ":", ">", "：", "＝"), ("ak", "sk")),
    (PHRASE, _hidden, (), ("pass", "pin", "secret", "token", "code")),
    (SPOKEN_ZH, _hidden, (*ANNOUNCED_ZH, "为", "是"), ()),
    (RUN_ON_ZH, _hidden, ANNOUNCED_ZH, ()),
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
    return any(part in text for part in parts)


def masked(text):  # type: (str) -> str
    """The same without what is a secret by its name, its place or its shape. Masking twice changes nothing more."""
    if len(text) < 8 and text.isalnum():
        return text  # no pattern fits so little, and a hostile file has many such words
    return _masked_again(text) if len(text) <= 300 else _masked(text)


def _masked(text):  # type: (str) -> str
    """What is escaped is read as what it means, and stays as it is written where that holds no secret."""
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


_OF_A_SENTENCE = r"\A\d+\Z|[\"'@]|\w:[A-Za-z]"
"""Numbers, what is quoted, and what stands before a host or behind a name."""
_ASSIGNED_WORD = r"(?is)((?:--?)?(?:%s|(?<=-)[\w-]*(?:key|auth))=)(?=.)" % WORD
_ASSIGNED_FLAG = r"(?is)(--?[\w-]*(?:key|auth)=)(?=.)"


_BETWEEN = r"[-=:：＝]|[-=]>|is|was"
"""Between a name and its value, or before a word of a list in YAML."""
_OTHER_VALUE = r"\d{1,5}(?::\d{1,5})*(?:/\w+)?|[./~].*|-.*|\w+://.*|(?:\w+\.)+[A-Z][A-Za-z]*Worker|sync|gthread|gevent|eventlet|tornado|solo|prefork|threads|processes"
"""After -p, -a, -P or -k: a port, a file, another flag, an address (curl), workers (gunicorn, celery)."""


def words_masked(words):  # type: (list[str]) -> list[str]
    """The words of a command line without its secrets: a word says surely where it ends, and what flag stands before it."""
    shown = []  # type: list[str]
    for place, word in enumerate(words):
        earlier = [one for one in words[max(0, place - 2) : place] if not re.fullmatch(_BETWEEN, one)]
        before = earlier[-1].strip("\"',[]") if earlier else ""
        key = before.strip("\\'\"{[(:=：＝")
        named = _is_secret_flag(before) or ((place > 1 or before != key) and _is_secret_key(key))
        assigned = "=" in word and (re.match(_ASSIGNED_WORD, word) or re.match(_ASSIGNED_FLAG, word))
        if re.fullmatch(_BETWEEN, word):
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
