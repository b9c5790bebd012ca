"""What is a secret by where it stands, whatever it is called. Sent to targets: Python 3.8, standard library alone."""

from __future__ import annotations

USER = (
    r"(?P<head>(?<!\S)(?:-[A-Za-z]{0,6}[uU]|--(?:proxy-)?user)[ =]{0,2}\\*(?P<q>[\"'])[^\"'\s:\\]{1,64}:)"
    r"(?P<value>(?!\d+\\*[\"'])[^\"'\n\\]+)(?=\\*(?P=q))"
)
"""Told in quotes, so that it may hold blanks: `curl -u 'face:a b'`."""
SHORT = (
    r"(?P<head>(?<!\S)(?:-p|(?:-u ?|--user(?:name)?[ =])\S{1,100} -p[ =]?))"
    r"(?P<value>[$^`]?(?P<q>'\"'\"'|'\\''|\\*[\"'])(?![/$.~]|[\d:.-]+(?P=q))[^\"'\n\\]+(?P=q))(?![\w:=])"
)
"""`mysql -p'a b'`, `mongosh -u face -p 'a b'`."""
CONFIGURED = (
    r"(?i)(?P<head>(?<![\w.-])(?:proxy-)?user(?:pwd)?\s{0,4}[=:]\s{0,4}\\*[\"'](?P<user>[^\"'\s:/\\]{1,64}):)"
    r"(?P<value>(?!\d+\\*[\"']|(?P=user)\\*[\"'])[^\"'\n\\]{2,})(?=\\*[\"'])"
)
"""In a file of curl's: `user = "face:x"`. Of a container, the second is a group."""
CERTIFICATE = r"(?P<head>(?<!\S)(?:-E|--(?:proxy-)?cert)[ =][^\s:]{1,200}:)(?P<value>[^\s/\\\"']\S*)"
CERTIFICATE_FLAG = r"-E|--(?:proxy-)?cert"
PGPASS = (
    r"(?P<head>(?<![\w.:/*-])(?!\S{0,200}\.(?:py|c|cc|cpp|cu|h|js|go|rs|java):)(?:(?=[\w.-]{0,63}[A-Za-z])[\w.-]{1,253}|\*|(?:\d{1,3}\.){3}\d{1,3})"
    r":(?:\d{3,5}|\*):(?=[\w-]{0,63}[A-Za-z*])[\w*-]{1,63}:(?=[\w.-]{0,63}[A-Za-z*])[\w.*-]{1,63}:)"
    r"(?P<value>(?:[^\s:\\\"']|\\[:\\]){3,})(?=[\s\\\"']|$)"
)
"""host:port:database:user:password, as in `~/.pgpass`."""
MISREAD = (
    r"(?i)(?P<head>\b(?:host ?name|resolve|connecting to|(?:nonnumeric|invalid|bad) port(?: number)?"
    r"|(?P<cast>port could not be cast to integer value as))[:\s\"'\\]{1,9})"
    r"(?P<value>(?(cast)(?!\d+[\"'])[^\s\"'\\]+|[^\s\"'@\\:/]+(?=@)))"
)
"""The rest of a password in an address that a program divided wrongly, and says so."""
ACCOUNTS = (
    r"(?P<head>\[[\w.-]{1,253}\](?::\d{1,5})?[ \t]+[^\s:]{1,200}:|:[ \t]{1,4}(?:EAP|XAUTH|PSK|NTLM)[ \t]{1,4}\\*[\"']"
    r"|(?<![\w.-])user[ \t]?=[ \t]?(?P<user>[\w.-]{1,64}):"
    r"|\bBUNDLE_\w{1,100}\\*[\"']?[:=][ \t]?\\*[\"']?[\w.-]{1,64}:)"
    r"(?P<value>(?!\d+(?:\W|$)|(?P=user)\b)[^\s:/\"'\\]{3,})"
)
"""Of mail relays (`[host]:587 user:x`), of strongSwan (`user : EAP "x"`) of coturn (`user=name:x`) and of Bundler."""
ORACLE = (
    r"(?P<head>(?<![\w./@:%+-])[\w.-]{1,64}/)(?P<value>[^\s/@:\"'\\]{3,200})(?=@(?://)?[\w.-]{1,253}:\d{2,5}[/:]\w)"
)
"""`user/x@host:1521/service`."""
BEFORE_HOST = (
    r"(?P<head>(?<![\w./@:%+-])(?!(?i:mailto|e?-?mail|sips?|xmpp|acct|to|from|b?cc|author|contact|maintainer):)[\w.%+-]{1,64}:)"
    r"(?P<value>(?!\d{1,3}@)[^\s/@:\"',;=<>()]{3,})"
    r"(?=@(?:(?:\d{1,3}\.){3}\d{1,3}(?![\w.])|\[[0-9a-fA-F:]{2,45}\]|(?!sha\d)[A-Za-z][\w-]{0,62}:\d{2,5}(?!\w)"
    r"|(?=[\w.-]{0,200}[A-Za-z])[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}(?![\w(])|(?:tcp|udp|unix)\())"
)
"""An address without its scheme: `face:x@10.2.3.4:3128`."""
CALL = (
    r"(?i)(?P<head>(?:log[_-]?[io]n|connect|camera|auth|session|client|device|[nd]vr|ssh|ftp|smtp|imap|mqtt|sql|redis|database)\w*\("
    r"[^()\n]{0,200}?(?P<q>'\"'\"'|'\\''|\\*[\"'])(?:admin(?:istrator)?|root|user|elastic|postgres|sa)(?P=q),[ ]?(?P=q))"
    r"(?P<value>[^\"'\\\n]{3,})(?=(?P=q))"
)
"""`ONVIFCamera('10.0.0.6', 80, 'admin', 'x')`: two arguments of a call that connects."""
SIGNING = (
    r"(?P<head>\bjwt\.(?:en|de)code\([^,()\n]{1,200},[ ]?(?:key[ ]?=[ ]?)?(?P<q>'\"'\"'|'\\''|\\*[\"']))"
    r"(?P<value>[^\"'\\\n]{3,})(?=(?P=q))"
)
ACL = r"(?i)(?P<head>\bsetuser\s\S{1,64}(?:\s[^\n>]{0,200})?\s>)(?P<value>\S+)"
"""Of Redis: `ACL SETUSER face on >x`."""
INPUT = (
    r"(?P<head>\btype=(?:string_\w{1,40}|value_error|assertion_error), input_value=\\*(?P<q>[\"']))"
    r"(?P<value>[^\"'\\\n]{4,})(?=\\*(?P=q))"
)
"""Of pydantic, which names the field a line before: of what it finds too short or without a digit, say."""
ENVIRONMENT = (
    r"(?P<head>(?:(?<![\w-])(?:[A-Z][A-Z0-9]{0,40}_){0,6}"
    r"(?:SERVICE|SERVER|CLIENT|APP|ADMIN|MASTER|ROOT|LICEN[CS]E|ENCRYPTION|SIGNING|HMAC|JWT|DEPLOY|INTERNAL|GATEWAY|WEB|CLOUD)_"
    r"|(?<![\w-])(?<![A-Z] ))KEY=\\*[\"']?)"
    r"(?P<value>(?![/$.~<]|\d{1,6}(?!\w))[^\s\"'\\;&,]{4,})"
)
"""A variable: `FACE_SERVICE_KEY=x`; no path, and no number."""
SPELT_ZH = (
    r"(?i)(?P<head>(?:用户名?|[账帐]号)[^\n]{0,60}?(?<![A-Za-z])mm[ ]?[:=：＝ ][ ]?)"
    r"(?P<value>(?!\d{1,3}(?!\w))[^\s，。；、,;]{4,})"
)
"""`mm` for 密码 beside an account; elsewhere they are millimetres."""
SEED = (
    r"(?i)(?P<head>(?:\b(?:mnemonic|(?:seed|recovery|backup)[ _-]?(?:phrase|words))|助记词)[^\w\n]{0,4}"
    r"(?:is\s{1,4}|[为是]\s{0,4})?)"
    r"(?P<value>(?:[a-z]{3,8}[ ,]{1,2}){2,23}[a-z]{3,8})(?![\w-])"
)
"""The words of a wallet are those of a dictionary."""
GROUPS = (
    r"(?i)(?P<head>(?<![A-Za-z])(?:key|seed|iv|salt)\\*[\"']?\s{0,4}[:=]\s{0,4}\\*[\"']?)"
    r"(?P<value>(?:[0-9a-f]{4,16}[ :-]){3,31}[0-9a-f]{4,16})(?![\w-])"
)
"""Digits as they are grouped to be typed."""
