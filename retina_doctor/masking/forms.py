"""How a secret is written: the names before it, and patterns. Sent to targets, too: Python 3.8, standard library alone.

A pattern is a text: `re` compiles each when it is first needed, and most runs need none.
"""

from __future__ import annotations

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
    r"(?i)(?P<head>(?<=[?&;])(?:%s|[\w.-]*key(?:id)?|sign(?==[^\s&]{6})|code|state|ticket|assertion|saml(?:request|response)|x-(?:amz|goog|oss|cos|ms)-[\w-]+|ossaccesskeyid)=)(?P<value>[^\s&\"'#;]+)"
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
BY_PLACE = (
    r"(?i)(?P<head>\b(?:sshpass|(?:useradd|usermod|easyconnect)(?:\s[^\n;|&]{0,200}?)?)\s+-p\s*"
    r"|(?<![^\s\"'])/(?:p|pw|pwd|pass|password):)(?P<value>%s|%s)"
) % (_QUOTED, _BARE)
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
OTHER_LINE = r"^[ \t]*(?:- )?[\"']?[\w.-]+[\"']?[ \t]*[:=](?:\s|$)|^[ \t]+(?:at |File \")"
USER_FLAG = r"-[A-Za-z]{0,6}[uU]|--(?:proxy-)?user"
WHOLE_MARK = r"[\\'\"]*%s[\\'\".:]*" % MARK
NOTHING = r"(?i)[\\'\"]*(?:none|null|true|false|undefined|\*+|x{3,}|[-<]|\.\.\.|…)?[\\'\"]*"

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
