"""Secrets that are planted in a machine: each has a mark of its own, in a form in which secrets are really met."""

from __future__ import annotations

import base64
import hashlib
import json
import random
import string
from collections.abc import Callable
from urllib.parse import quote

ALNUM = string.ascii_letters + string.digits


class Making:
    """Random parts of secrets, the same in every run."""

    def __init__(self, seed: str) -> None:
        self.random = random.Random(seed)

    def word(self, length: int, letters: str = ALNUM) -> str:
        return "".join(self.random.choice(letters) for _ in range(length))

    def password(self) -> str:
        """Short, as people choose them: Kx7vbq91."""
        return (
            self.word(1, string.ascii_uppercase)
            + self.word(2, string.ascii_lowercase)
            + self.word(2, string.digits)
            + self.word(4)
        )

    def upper(self, length: int) -> str:
        return self.word(length, string.ascii_uppercase + string.digits)

    def hex(self, length: int) -> str:
        return self.word(length, "0123456789abcdef")

    def person(self) -> str:
        return self.random.choice(
            ["zhangsanfeng", "ouyangfeng", "lihuachun", "krzysztofik", "wojtaszek", "mbappekyl", "tanakahiro"]
        )


Form = Callable[[Making], tuple[str, str]]
"""(text as it stands, the part of it that must not be seen)"""


def _token(prefix: str, length: int, letters: str = ALNUM) -> Form:
    def make(m: Making) -> tuple[str, str]:
        secret = m.word(length - 2, letters) + m.word(1, string.digits) + m.word(1, letters)
        return prefix + secret, secret

    return make


def around(text: str, of: Callable[[Making], str] = Making.password) -> Form:
    def make(m: Making) -> tuple[str, str]:
        secret = of(m)
        return text.replace("@@", secret), secret

    return make


def _jwt(m: Making) -> tuple[str, str]:
    part = [
        base64.urlsafe_b64encode(json.dumps(d).encode()).decode().rstrip("=")
        for d in ({"alg": "HS256"}, {"sub": m.person()})
    ]
    secret = m.word(43)
    return ".".join([*part, secret]), secret


def _pem(m: Making) -> tuple[str, str]:
    lines = [m.word(64) for _ in range(4)]
    return "-----BEGIN RSA PRIVATE KEY-----\n" + "\n".join(lines) + "\n-----END RSA PRIVATE KEY-----", lines[2]


def _pem_line(m: Making) -> tuple[str, str]:
    secret = m.word(64)
    return f"key material: {secret}", secret


def _escaped_pem(m: Making) -> tuple[str, str]:
    secret = m.word(64)
    return f'"private_key": "-----BEGIN PRIVATE KEY-----\\n{secret}\\n-----END PRIVATE KEY-----\\n"', secret


def _basic(m: Making) -> tuple[str, str]:
    secret = base64.b64encode(f"svc:{m.password()}".encode()).decode()
    return f"Authorization: Basic {secret}", secret.rstrip("=")


def _base64(m: Making) -> tuple[str, str]:
    secret = base64.b64encode(f"password={m.password()}".encode()).decode()
    return f"payload {secret} sent", secret.rstrip("=")


def _encoded(m: Making) -> tuple[str, str]:
    secret = "p@" + m.password()
    return f"redirect=%2Flogin%3Fpassword%3D{quote(quote(secret, safe=''))}", secret[2:]


def _json_in_json(m: Making) -> tuple[str, str]:
    secret = m.password()
    return json.dumps({"error": json.dumps({"config": {"password": secret, "retries": 3}})}), secret


def number(text: str, letters: str, length: int) -> Form:
    def make(m: Making) -> tuple[str, str]:
        secret = m.word(1, "123456789") + m.word(length - 1, letters)
        return text.replace("@@", secret), secret

    return make


def _phrase(text: str) -> Form:
    """Words of the dictionary: known by their place alone."""

    def make(m: Making) -> tuple[str, str]:
        words = ["correct", "horse", "battery", "staple", "orange", "window", "river", "marble", "candle", "anchor"]
        secret = "-".join(m.random.sample(words, 3))
        return text.replace("@@", secret), secret

    return make


TOKENS: dict[str, Form] = {
    "aws-id": around("AKIA@@", lambda m: m.upper(16)), "aws-session": around("ASIA@@", lambda m: m.upper(16)),
    "aws-secret": around("aws_secret_access_key = @@", lambda m: m.word(40)), "google-api": _token("AIza", 35), "google-oauth": _token("ya29.", 60),
    "google-client": _token("GOCSPX-", 28), "aliyun": _token("LTAI", 20), "tencent": around("AKID@@", lambda m: m.word(32)),
    "stripe-live": _token("sk_live_", 24), "stripe-test": _token("rk_test_", 24), "stripe-hook": _token("whsec_", 32), "pypi": _token("pypi-AgEIcHlwaS5vcmc", 60),
    "npm": _token("npm_", 36), "docker-pat": _token("dckr_pat_", 27), "nvidia": _token("nvapi-", 64), "sendgrid": around("SG.@@", lambda m: m.word(22) + "." + m.word(43)),
    "huggingface": _token("hf_", 34), "github": _token("ghp_", 36), "github-fine": _token("github_pat_", 82), "gitlab": _token("glpat-", 20),
    "slack-bot": around("xoxb-123456789012-1234567890123-@@", lambda m: m.word(24)), "slack-app": around("xapp-1-A012-1234-@@", lambda m: m.hex(32)), "openai": _token("sk-proj-", 48),
    "anthropic": _token("sk-ant-api03-", 80), "deepseek": around("sk-@@", lambda m: m.hex(32)), "groq": _token("gsk_", 52), "vault": _token("hvs.", 90),
    "digitalocean": around("dop_v1_@@", lambda m: m.hex(64)), "shopify": around("shpat_@@", lambda m: m.hex(32)), "databricks": around("dapi@@", lambda m: m.hex(32)), "grafana": _token("glsa_", 32),
    "telegram": around("bot token 123456789:AA@@", lambda m: m.word(33)), "wandb": around("wandb login @@", lambda m: m.hex(40)), "jwt": _jwt, "bare-hex": around("cookie jar @@", lambda m: m.hex(40)),
    "bare-base64": around("got @@== back", lambda m: m.word(42)), "uuid-key": around("heroku 1f@@", lambda m: f"{m.hex(6)}-{m.hex(4)}-{m.hex(4)}-{m.hex(4)}-{m.hex(12)}"),
    "tailscale": _token("tskey-auth-", 30), "sentry": _token("sntrys_", 50), "linear": _token("lin_api_", 40), "atlassian": _token("ATATT3", 60),
}  # fmt: skip
HEADERS: dict[str, Form] = {
    "bearer": around("Authorization: Bearer @@", lambda m: m.word(30)), "basic": _basic, "digest": around('Authorization: Digest username="svc", nonce="n", response="@@"', lambda m: m.hex(32)),
    "token": around("authorization: token @@", lambda m: m.hex(40)), "cookie": around("Cookie: lang=en; sessionid=@@; theme=dark"), "set-cookie": around("Set-Cookie: sid=@@; Path=/; HttpOnly"),
    "x-api-key": around("X-Api-Key: @@"), "x-auth": around("x-auth-token: @@"), "curl": around("curl -H 'X-Access-Token: @@' http://localhost/"),
    "proxy": around("Proxy-Authorization: Basic @@", lambda m: m.word(24)), "amz": around("https://b.s3.amazonaws.com/k?X-Amz-Algorithm=A&X-Amz-Signature=@@", lambda m: m.hex(64)),
    "sas": around("https://a.blob.core.windows.net/c?sv=2022&sig=@@%3D", lambda m: m.word(43)), "oss": around("https://b.oss-cn.aliyuncs.com/k?OSSAccessKeyId=LTAI1&Signature=@@", lambda m: m.word(28)),
}  # fmt: skip
URLS: dict[str, Form] = {
    "postgres": around("postgres://svc:@@@db.internal:5432/faces"), "mysql": around("mysql+pymysql://svc:@@@10.2.3.4/faces"), "redis": around("redis://:@@@cache:6379/0"),
    "amqp": around("amqp://svc:@@@mq/vhost"), "mongo": around("mongodb+srv://svc:@@@c0.example.net/x?retryWrites=true"), "http": around("http://svc:@@@proxy.corp:3128"),
    "git": around("https://oauth2:@@@gitlab.corp/team/face.git"), "git-token": around("https://@@@github.com/team/face", lambda m: "ghp_" + m.word(36)), "slash": around("postgres://svc:x/@@@db/f"),
    "at": around("ftp://svc:a@b@@@files/f"), "query-token": around("http://127.0.0.1:8080/detect?access_token=@@"), "query-key": around("https://maps.local/v1?key=@@&z=3"),
    "query-code": around("http://h/cb?code=@@&state=q"), "slack-hook": around("https://hooks.slack.com/services/T01ABCD/B01EFGH/@@", lambda m: m.word(24)), "discord": around("https://discord.com/api/webhooks/123456/@@", lambda m: m.word(60)),
    "feishu": around("https://open.feishu.cn/open-apis/bot/v2/hook/@@", lambda m: m.hex(36)), "dingtalk": around("https://oapi.dingtalk.com/robot/send?access_token=@@", lambda m: m.hex(64)), "wecom": around("https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=@@", lambda m: m.hex(32)),
    "telegram-url": around("https://api.telegram.org/bot123456789:AA@@/sendMessage", lambda m: m.word(33)), "sentry-dsn": around("https://@@@o1.ingest.sentry.io/2", lambda m: m.hex(32)),
}  # fmt: skip
ASSIGNED: dict[str, Form] = {
    "equals": around("password=@@"), "colon": around("password: @@"), "quoted": around('password="@@"'), "single": around("passwd='@@'"), "spaces": around("password = @@"), "bytes": around("b'password': b'@@'"),
    "arrow": around("'password' => '@@'"), "env": around("DB_PASSWORD=@@"), "env-pass": around("REDIS_PASS=@@"), "pgpass": around("PGPASSWORD=@@"), "mysql-pwd": around("MYSQL_PWD=@@"), "odbc": around("Driver=x;Server=y;Uid=svc;Pwd=@@;"),
    "azure": around("DefaultEndpointsProtocol=https;AccountName=a;AccountKey=@@==;EndpointSuffix=x", lambda m: m.word(60)), "camel": around("apiKey: @@"), "kebab": around("client-secret: @@"), "json": around('{"token": "@@", "n": 1}'),
    "json-auth": around('{"auth": "@@"}'), "escaped": around('{\\"password\\": \\"@@\\", \\"n\\": 1}'), "json-in-json": _json_in_json, "xml": around("<config><password>@@</password></config>"), "yaml": around("secret_key: @@"), "flag": around("--password @@"),
    "flag-equals": around("--api-key=@@"), "flag-quoted": around("'--token=@@'"), "short-p": around("mysql -u svc -p@@ faces"), "short-space": around("redis-cli -h h -a @@ ping"), "user-flag": around("curl -u svc:@@ http://localhost"),
    "dash": around("--password=-@@"), "angle": around("password=<@@"), "angle-closed": around("password=<@@>"), "after-mark": around("password=<secret>@@"), "salt": around("SECRET_KEY_BASE=@@", lambda m: m.hex(64)), "private-key": around("PRIVATE_KEY=@@"),
    "connection": around("connection_string=@@"), "dsn": around("dsn=@@"), "passphrase": _phrase("passphrase: @@"), "words": _phrase('password="@@"'), "the-password-is": around("the password is @@"), "login-failed": around("login failed (password @@)"), "url-encoded": _encoded, "base64": _base64,
    "pin": number("PIN: @@", string.digits, 6), "otp": number("otp=@@", string.digits, 6), "semicolon": around("password=ab;@@"), "pem": _pem, "pem-line": _pem_line, "pem-json": _escaped_pem,
}  # fmt: skip
CHINESE: dict[str, Form] = {
    "zh-is": around("密码是 @@"), "zh-colon": around("密码：@@，请保密"), "zh-equals": around("口令＝@@"), "zh-token": around("令牌：@@"), "zh-for": around("数据库密码为@@"), "zh-set": around("已将密码设置为“@@”"), "zh-key": around("密钥: @@"),
    "zh-words": around("登录口令：@@", lambda m: "".join(m.random.sample(list("芝麻开门春暖花猪狗猫龙凤"), 4))), "zh-code": number("验证码 @@", string.digits, 6),
}  # fmt: skip
SECRETS = {**TOKENS, **HEADERS, **URLS, **ASSIGNED, **CHINESE}
"""Must be seen neither in a support file nor in a report."""
IDENTITIES: dict[str, Form] = {
    "mail": around("mail @@@example-corp.cn", Making.person), "home": around("/home/@@/venv/bin/python", Making.person), "mac": around("ether @@ up", lambda m: ":".join(m.hex(2) for _ in range(6))),
    "mac-dash": around("@@", lambda m: "-".join(m.hex(2) for _ in range(6))), "host": around("cannot reach @@", lambda m: f"gpu-prod-{m.person()}"), "host-number": around("connecting to @@ failed", lambda m: f"db-{m.word(4, string.digits)}"),
    "host-dotted": around("@@.corp.example refused", lambda m: m.person()), "ssh": around("@@@gpu-17:~$ python", Making.person), "container": around("container @@ exited", lambda m: m.hex(12)), "container-long": around("/docker/@@/x", lambda m: m.hex(64)),
    "machine-id": around("machine-id @@", lambda m: m.hex(32)), "serial": number("serial 1@@", string.digits, 12), "uuid": around("GPU-12345678-@@", lambda m: f"{m.hex(4)}-{m.hex(4)}-{m.hex(4)}-{m.hex(12)}"), "public": around("peer 8.8.@@ lost", lambda m: f"{m.random.randint(20, 250)}.{m.random.randint(20, 250)}"),
    "private": around("from 192.168.@@:4711", lambda m: f"{m.random.randint(20, 250)}.{m.random.randint(20, 250)}"), "v6": around("to 2001:db8:@@::7", lambda m: f"{m.hex(4)}:{m.hex(4)}"), "v6-link": around("@@%eth0", lambda m: f"fe80::{m.hex(4)}"), "phone": number("call 138@@", string.digits, 8), "phone-dashed": around("tel 138-@@", lambda m: m.word(4, string.digits) + "-" + m.word(4, string.digits)),
    "id-number": number("身份证 110101@@", string.digits, 12), "zh-name": around("用户@@的服务", lambda m: m.random.choice(["欧阳锋", "诸葛亮", "慕容复"])), "zh-path": around("/data/@@/模型", lambda m: m.random.choice(["欧阳锋", "诸葛亮", "慕容复"])), "windows": around("C:\\Users\\@@\\x", Making.person),
}  # fmt: skip
"""Must not be seen in a support file; a report on the machine itself may name them."""


def made(forms: dict[str, Form], place: str) -> dict[str, tuple[str, str]]:
    """Form -> (text, secret), new for each place."""
    return {name: form(Making(f"{place} {name}")) for name, form in forms.items()}


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]
