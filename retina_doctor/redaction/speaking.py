"""Which lines speak of a secret. In a report on the spot such a line is shown only as far as its words are known."""

from __future__ import annotations

import base64
import re
import unicodedata
from urllib.parse import unquote

from retina_doctor.secret_words import CODE, SECRET, masked

_NAMES = (
    # Of what is secret, in the languages of programs and of their operators.
    "token(?!iz)|passw|passphrase|passcode|secret|credential|authoriz|apikey|(?:api|access|private|subscription|license)[-_ ]?key"
    "|webhook|cookie|sess(?:ion)?[-_]?id",
    r"(?<![^\W_])(?:pwd|pw|auth|creds?|pin|otp|dsn|psk|log[-_ ]?in)(?!\w)",
    CODE,
    r"(?<!by)(?<!com)(?<!tres)(?<!sur)(?<!multi)(?<!single)pass(?!\w)",
    "kennwort|mot de passe|contraseña|senha|пароль|parola|şifre|パスワード|暗証番号|비밀번호|mật khẩu",
    "密码|口令|令牌|密钥|秘钥|私钥|凭证|凭据|验证码|授权码|暗号|通行证|密碼|金鑰|憑證",
)
_PROGRAMS = (
    # Which are told a secret by a flag or by its place, or on standard input.
    "chpasswd|htpasswd|mysql(?:dump|admin)?|mariadb|redis-cli|redis-server|mongo(?:sh|dump)?|psql|sqlplus|ldap(?:search|add|modify)"
    "|smbclient|rclone|kinit|zip|unzip|7z|gpg|openssl|mosquitto_(?:pub|sub)|lftp|expect|sudo -S|mc alias|(?:docker|podman) login"
    "|net use|IDENTIFIED BY"
)
_BEFORE = r"curl\b.*\s(?:-u|--user|--proxy-user)|wget\b.*\s--user|\boracle:"
_SPEAKS = re.compile(rf"(?i){'|'.join(_NAMES)}|(?<![\w./-])(?:{_PROGRAMS})(?![\w./-])|{_BEFORE}")
_INVISIBLE = re.compile(r"[\u00ad\u200b-\u200f\u2060-\u2064\ufeff]")
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{8,}={0,2}")
_HEX = re.compile(r"[0-9a-fA-F]{16,}")
_ENTITY = re.compile(r"&(?:quot|lt|gt|amp|#\d{1,6}|#x[0-9a-fA-F]{1,6});")
OPEN_ENDED = re.compile(r"(?:[:=：＝|>\\]|[|>][-+]\d?)\s*$")
"""What such a line says goes on in the next one."""
ASSIGNED = re.compile(rf"-{{0,2}}[\w.-]+={SECRET}")
FLAG_TOLD = re.compile(rf"(?<!\S)--?[\w-]+[= ]+{SECRET}")
"""A flag whose value is masked: it has one, so that the words after it are no part of it."""


def speaks_of_secrets(line: str) -> bool:
    """By its words, also where these are escaped or written with letters that only look like them."""
    if _SPEAKS.search(line):
        return True
    if line.isascii() and "%" not in line and "&" not in line:
        return False
    if _is_disguised(line):
        return True
    plain = _ENTITY.sub(" ", unicodedata.normalize("NFKC", unquote(unquote(line))))
    return plain != line and _SPEAKS.search(plain) is not None


def _is_disguised(line: str) -> bool:
    """Invisible characters, or Latin letters and those of another alphabet in one word: no program writes that."""
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
