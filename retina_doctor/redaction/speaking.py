"""Which lines speak of a secret. In a report on the spot such a line is shown only as far as its words are known."""

from __future__ import annotations

import base64
import re
from urllib.parse import unquote

from retina_doctor.masking.forms import CODE, SECRET, ZH
from retina_doctor.masking.shapes import unescaped
from retina_doctor.masking.words import has_one, masked, small
from retina_doctor.patterns import pattern
from retina_doctor.redaction.harmless import is_harmless

_NAMES = (
    # Of what is secret, in the languages of programs and of their operators.
    (
        r"(?<!unexpected )token(?!iz|[ _](?:ind|ids?\b|type|length|limit|count)|s(?:/s|\b(?!\\*[\"']? ?[:=])"
        r"|\\*[\"']? ?[:=] ?\d))",
        "token",
    ),
    ("passw|p[a@4][s5$]{2}w?[o0]r[dt]|pass[-_ ]?phrase|pass[-_ ]?code", "pass|ord|ort|0rd|0rt"),
    ("secret|credential|(?<!un)authoriz|webhook|cookie", "secret|credential|authoriz|webhook|cookie"),
    ("apikey|(?:api|access|private|subscription|license|encrypt)[-_ ]?key|key content", "key"),
    ("auth[-_]?(?:tok|ident)", "auth"),
    ("sess(?:ion)?[-_]?id", "sessid|sessionid|sess-|sess_|session-|session_"),
    (
        r"(?<![A-Za-z0-9])(?:auth|creds?|pin(?! memory)|otp|dsn|psk|mima|kouling|miyao|yanzhengma|log[-_ ]?in)(?![A-Za-z0-9_])",
        "auth|cred|pin|otp|dsn|psk|mima|kouling|miyao|yanzhengma|login|log-in|log_in|log in",
    ),
    (r"(?<![A-Za-z0-9])(?:pwd?|snmp)(?![A-Za-z0-9])|[a-z]pwd?(?![A-Za-z0-9_])", "pw|snmp"),
    (
        r"pass[-_]?(?:hash|key)|[a-z]auth(?=\()|securestring|(?:snmp|r[ow])communit|(?<![A-Za-z])(?:snmp|r[ow])[-_]communit",
        "pass|auth(|securestring|communit",
    ),
    (CODE, "code"),
    (
        r"totp|(?<![a-z])mnemonic(?![a-z])|(?:seed|recovery)[ _-]phrase|(?:en|de)crypt\(|key[-_]?material"
        r"|wifi:[a-z]:|(?<![a-z])pin[-_]code",
        "totp|mnemonic|phrase|crypt(|material|wifi:|code",
    ),
    (r"(?<!by)(?<!com)(?<!tres)(?<!sur)(?<!multi)(?<!single)pass(?!\w)", "pass"),
    (
        r"zugangsdaten|identifiants|credencial|credenziali|clé d\W{1,7}api|пин-?код|关键内容",
        "zugang|identif|credenc|credenz|clé|пин|关键",
    ),
    (
        "kennwort|mot de passe|contraseña|senha|пароль|parola|şifre|パスワード|暗証番号|비밀번호|mật khẩu",
        "kennwort|passe|contraseña|senha|пароль|parola|şifre|パスワード|暗証番号|비밀번호|khẩu",
    ),
    (
        r"wachtwoord|hasło|heslo|jelszó|salasana|lösenord|adgangskode|(?:palavra|parola)[- ]passe"
        r"|(?<!\w)(?:la|su|una) clave|lozinka"
        "|kata sandi|κωδικ|암호|รหัสผ่าน|كلمة (?:المرور|السر)|סיסמה|पासवर्ड|گذرواژه|合言葉|暗号|トークン|секрет|токен",
        "wacht|hasło|heslo|jelszó|salasana|lösen|adgang|passe|clave|lozinka"
        "|sandi|κωδικ|암호|รหัส|كلمة|סיסמה|पासवर्ड|گذر|合言葉|暗号|トーク|секрет|токен",
    ),
    (
        f"(?-i:{ZH}|通行证|憑證|认证信息|鉴权|助记词|(?<![\u4e00-\u9fff])密\\s?[:：])",
        "码|口令|令牌|钥|凭证|凭据|暗号|通行证|密|碼|金鑰|憑證|信息|鉴权|權杖|助记词|pin|пин",
    ),
)
_PROGRAMS = (
    # Which are told a secret by a flag or by its place, or on standard input.
    (
        "chpasswd|htpasswd|redis-cli|sqlplus|ldap(?:search|add|modify)"
        "|smbclient|rclone|kinit|mosquitto_(?:pub|sub)|lftp|expect|sudo -S|mc alias|(?:docker|podman) login",
        "chpasswd|htpasswd|redis-|sqlplus|ldap|smbclient|rclone|kinit|mosquitto_|lftp|expect|sudo|alias|login",
    ),
    (
        "net use|IDENTIFIED BY|PRAGMA (?:re)?key|cryptsetup|ipmitool|racadm|etcdctl|smbpasswd|vncpasswd|x11vnc|wpa_passphrase"
        "|snmp(?:get|walk|set)|cqlsh|sqlcmd|rabbitmqctl|ansible-vault|keytool|nmcli|requirepass|masterauth",
        "net use|identified|pragma|cryptsetup|ipmitool|racadm|etcdctl|passwd|vnc|passphrase"
        "|snmp|cqlsh|sqlcmd|rabbitmqctl|vault|keytool|nmcli|requirepass|masterauth",
    ),
    (
        "frpc|npc|ss(?:r|-)?(?:local|server|redir|tunnel)|ss-(?:local|server|redir|tunnel)|kcptun|psexec|winexe|rpcclient|plink"
        "|runas|[xw]?freerdp|rdesktop|schtasks|cmdkey|qshell|addauth|twine upload|nuget push|poetry config|pulumi config"
        "|doctl auth",
        "frpc|npc|ss-|sslocal|ssserver|ssredir|sstunnel|ssr|kcptun|psexec|winexe|rpc|plink"
        "|runas|rdp|rdesktop|schtasks|cmdkey|qshell|auth|twine|nuget|poetry|pulumi|doctl",
    ),
)
_FLAGGED = (
    # These, only where there is such a flag: their names and versions are in many logs.
    ("mysql(?:dump|admin)?|mariadb|mongo(?:sh|dump|restore)?", "p", "mysql|mariadb|mongo"),
    ("zip|unzip", "P", "zip"),
    ("7z[ar]?|(?:un)?rar", "h?p", "7z|rar"),
    ("openssl", "[kK]|pass", "openssl"),
    ("edge|eascmd(?:64)?", "k", "edge|eascmd"),
    ("curl", "[A-Za-z]{0,5}[uU]|b|-user|-cookie|-proxy-user|E|-cert", "curl"),
    ("wget", "-user", "wget"),
)
_BEFORE = (
    (r"\boracle:|\bopenssl passwd\b", "oracle:|openssl"),
    (r"\b(?:http|https|xh)\b.{0,300}\s(?:-a|--auth)[ =]\S+:", "-a |-a=|--auth"),
    (r"\bsocks[45]\s+\S+\s+\d+\s+\S+\s+\S", "socks"),
    (r"\becho\s[^|\n]{1,200}\|\s*(?:\S{1,100}/)?(?:su|login|ssh-add|passwd)(?![\w.-])", "echo"),
    (r"(?:^|[>;&|#$]\s*)net user \S+ \S+", "net user"),  # of Windows
    (r"\buser \S+ o(?:n|ff)\b.{0,300} [>#<]", "user "),  # of Redis' access lists
)
_PROGRAM = r"(?:(?<![\w./-])|(?<=bin/))"
SPEAKING = tuple(
    (pattern("(?i)" + words), tuple(signs.split("|")))
    for words, signs in (
        *_NAMES,
        *((rf"{_PROGRAM}(?:{names})(?![\w./-])", signs) for names, signs in _PROGRAMS),
        *(
            (rf"{_PROGRAM}(?:{names})(?![\w./-])[^\n]{{0,300}}[\s\"'](?-i:-(?:{flags}))", signs)
            for names, flags, signs in _FLAGGED
        ),
        *_BEFORE,
    )
)
"""Patterns of what speaks of a secret, each with signs in small letters of which such a line has one: looking for those is quick,
and most lines and most runs have none of most."""
_ACCOUNT = pattern(
    r"(?<![\w./@-])(?:admin(?:istrator)?|root|guest|operator|supervisor|minioadmin|elastic)(?::(?!/)|/)"
    r"(?P<value>[^\s/.:'\"\\,;，。；、()\]}]{3,})(?![\w/.:-])"
)
"""An account that every device has, and what stands beside it, if that is no known word such as a group's."""
_BETWEEN = pattern(r"\\*[\"']\s*,\s*\\*[\"']|\\*[\"']?(?:\n|\\+n)\s*-\s+\\*[\"']?")
"""Between two words of a list."""
_MANY = pattern(r"\d{6,}")
_INVISIBLE = pattern(r"[\u00ad\u200b-\u200f\u2060-\u2064\ufeff]")
_BASE64 = pattern(r"[A-Za-z0-9+/_-]{8,}={0,2}")
_HEX = pattern(r"[0-9a-fA-F]{16,}")
_SIGN = pattern(r"\\+(?:u00|x)([2-7][0-9a-fA-F])")
SPELT = r"(?<![\w.])(?:[!-~][.\0]){7,200}[!-~]?(?![\w.])"
"""Letter by letter, as programs show text that has two bytes for each."""
_SPACED = pattern(r"(?<!\w)(?:\w[ \t]){3,40}\w(?!\w)|" + SPELT)
_SPACED_ZH = pattern(r"(?<=[\u4e00-\u9fff])[ \t]{1,4}(?=[\u4e00-\u9fff])")
_WHITE = pattern(r"\\+[rnt]")
_COLOUR = pattern(r"(?:\x1b|\^\[|\\(?:033|e|x1b|u001b))\[[\d;]{0,12}m|[*_`]{2,3}")
"""Of a terminal or of Markdown: what sets a word off."""
ASSIGNED = pattern(rf"-{{0,2}}[\w.-]+={SECRET}")
FLAG_TOLD = pattern(rf"(?<!\S)--?[\w-]+[= ]+{SECRET}")
"""A flag whose value is masked: it has one, so that the words after it are no part of it."""


def speaks_of_secrets(line: str) -> bool:
    """By its words, also where these are escaped or written with letters that only look like them."""
    line = unescaped(line)
    together = _BETWEEN.sub(" ", line) if "," in line or "\n" in line or "\\n" in line else line
    if _says(line) or (together != line and _says(together)):
        return True
    if any(not is_harmless(one["value"]) or _MANY.fullmatch(one["value"]) for one in _ACCOUNT.finditer(line)):
        return True
    if _is_disguised(line):
        return True
    plain = _plain(together)
    return plain != line and _says(plain)


def _says(line: str) -> bool:
    words = small(line)
    return any(has_one(words, signs) and one.search(line) for one, signs in SPEAKING)


def _plain(line: str) -> str:
    """What a reader takes it for, however it is written."""
    if "\x1b" in line or "[" in line or "**" in line or "__" in line:
        line = _COLOUR.sub("", line)
    if "\\" in line:
        line = _WHITE.sub(" ", _SIGN.sub(lambda sign: chr(int(sign[1], 16)), line))
    if "%" in line:
        line = unquote(unquote(line))
    if "&" in line:
        import html  # here, as below: most runs need none of it

        line = html.unescape(html.unescape(line))
    if not line.isascii():
        import unicodedata

        line = _SPACED_ZH.sub("", unicodedata.normalize("NFKC", line))
    return _SPACED.sub(lambda spaced: re.sub(r"[ \t.\0]", "", spaced[0]), line)


def _is_disguised(line: str) -> bool:
    """Invisible characters, or Latin letters and those of another alphabet in one word: no program writes that."""
    if line.isascii():
        return False
    if _INVISIBLE.search(line):
        return True
    return any(
        word[0].isascii() or any(c.isascii() and c.isalpha() for c in word)
        for word in re.findall(r"[^\W\d_]*[\u0370-\u052f][^\W\d_]*", line)
    )


def hides_a_secret(word: str) -> bool:
    """Written as in a URL, in base64 or in hexadecimal digits, it would be masked if it were plain."""
    if "%" in word:
        plain = unquote(unquote(word))
        return plain != word and (masked(plain) != plain or speaks_of_secrets(plain))
    word = word.strip("\\")
    word = word[2:] if word[:2] == "0x" else word
    if _HEX.fullmatch(word) and len(word) % 2 == 0:
        return all(32 < byte < 127 for byte in bytes.fromhex(word))
    if not _BASE64.fullmatch(word) or len(word.rstrip("=")) % 4 == 1:
        return False
    try:
        plain = base64.b64decode(word.rstrip("=") + "==", altchars=b"-_" if re.search("[-_]", word) else None).decode()
    except ValueError:
        return False
    return plain.isprintable() and (":" in plain or speaks_of_secrets(plain))


def is_shuffled(word: str) -> bool:
    """Capitals and small letters by turns, as in no name that people put together: `MFSoxIVCfbRqSf`, not `RetinaFace`."""
    runs = re.findall(r"[A-Z]+[a-z]*|[a-z]+", word)
    return len(runs) >= 4 and word.isalnum() and len(word) <= 3 * len(runs)
