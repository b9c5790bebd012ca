"""Forms that nobody thought of when the rules were written: clouds that are in no list, files of credentials, keys after words
that are no names of secrets, sentences in Chinese, and names of machines and people as systems print them."""

from __future__ import annotations

import base64
import json
import string
from collections.abc import Callable

from tests.planted import Form, Making, around

Part = Callable[[Making], str]
LOWER32 = string.ascii_lowercase + "234567"


def of(letters: str, length: int) -> Part:
    return lambda m: m.word(length, letters)


def alnum(length: int) -> Part:
    return of(string.ascii_letters + string.digits, length)


def low(length: int) -> Part:
    return of(string.ascii_lowercase + string.digits, length)


def hexed(length: int) -> Part:
    return lambda m: m.hex(length)


def digits(length: int) -> Part:
    return lambda m: m.word(1, "123456789") + m.word(length - 1, string.digits)


def uuid(m: Making) -> str:
    return "-".join(m.hex(length) for length in (8, 4, 4, 4, 12))


def docker_config(m: Making) -> tuple[str, str]:
    secret = base64.b64encode(f"robot:{m.password()}".encode()).decode()
    return json.dumps({"auths": {"registry.corp.cn": {"auth": secret}}}), secret.rstrip("=")


def identity_token(m: Making) -> tuple[str, str]:
    secret = m.word(60)
    return json.dumps({"auths": {"corp.azurecr.io": {"identitytoken": secret}}}), secret


def wrapped_jwt(m: Making) -> tuple[str, str]:
    """A log that breaks lines at 40 characters."""
    tail = m.word(43)
    body = base64.urlsafe_b64encode(json.dumps({"sub": "svc", "role": "admin", "iat": 1700000000}).encode()).decode()
    whole = f"eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.{body.rstrip('=')}.{tail}"
    return "\n".join(whole[i : i + 40] for i in range(0, len(whole), 40)), tail[-20:]


def kubeconfig(m: Making) -> tuple[str, str]:
    secret = base64.b64encode(m.word(60).encode()).decode()
    return f"users:\n- name: admin\n  user:\n    client-key-data: {secret}", secret.rstrip("=")


def kubeconfig_token(m: Making) -> tuple[str, str]:
    secret = m.word(40)
    return f"- name: sa\n  user:\n    token: {secret}", secret


def netrc_lines(m: Making) -> tuple[str, str]:
    secret = m.password()
    return f"machine artifactory.corp.cn\n  login ci\n  password {secret}", secret


def split_key(m: Making) -> tuple[str, str]:
    """A key block that has lost its first line."""
    lines = [m.word(64) for _ in range(3)]
    return "\n".join([*lines, "-----END EC PRIVATE KEY-----"]), lines[1]


THIRD_SECRETS: dict[str, Form] = {
    # clouds and services that no list names
    "ucloud": around("UCloud PublicKey 4eZ@@", alnum(40)), "kingsoft": around("KS3 ak AKLT@@", alnum(22)), "jdcloud": around("JDCLOUD_SECRET_KEY=@@", lambda m: m.upper(32)),
    "upyun": around("upyun operator face password @@"), "backblaze": around("B2_APPLICATION_KEY=K005@@", alnum(27)), "wasabi": around("wasabi secret @@", alnum(40)), "linode": around("LINODE_CLI_TOKEN @@", hexed(64)), "vultr": around("vultr api key @@", lambda m: m.upper(36)),
    "hetzner": around("hcloud context token @@", alnum(64)), "ovh": around("OVH_CONSUMER_KEY=@@", hexed(32)), "exoscale": around("EXO@@", hexed(24)), "runpod": around("runpodctl config --apiKey @@", alnum(40)), "lambda": around("secret_face_@@", lambda m: m.hex(32) + "." + m.word(32)), "vast": around("vastai set api-key @@", hexed(64)),
    "paperspace": around("pspace_@@", hexed(30)), "minimax": around("MINIMAX_GROUP_KEY @@", alnum(48)), "moonshot": around("Moonshot sk-@@", alnum(48)), "iflytek": around("APISecret: @@", alnum(32)), "megvii": around("face++ api_secret=@@", of(string.ascii_letters + string.digits + "_-", 32)), "elastic": around("ApiKey @@==", alnum(58)),
    "mapbox": around("sk.eyJ1IjoiZmFjZSJ9.@@", alnum(22)), "twilio": around("twilio auth token @@", hexed(32)), "mailgun-third": around("key-@@", hexed(32)), "square-third": around("sq0idp-@@", alnum(22)), "facebook": around("EAAJ@@", alnum(120)), "clickhouse": around("clickhouse-client --password @@ -q x"),
    # files of credentials
    "docker-config": docker_config, "identity-token": identity_token, "kubeconfig": kubeconfig, "kubeconfig-token": kubeconfig_token, "netrc-lines": netrc_lines, "netrc-line": around("machine git.corp.cn login ci password @@"), "pgpass-third": around("db.corp.cn:5432:faces:svc:@@"), "my-cnf": around("[client]\nuser=svc\npassword @@"),
    "git-credentials": around("https://ci:@@@git.corp.cn"), "git-config": around("[remote] url = https://ci:@@@git.corp.cn/a.git"), "aws-credentials": around("[default]\naws_access_key_id = X\naws_secret_access_key = @@", alnum(40)), "npmrc": around("//registry.corp.cn/:_authToken=@@", uuid), "pypirc": around("[corp]\nusername: ci\npassword: @@"),
    "condarc": around("- https://conda.corp.cn/t/@@/face", alnum(24)), "conda-t": around("https://conda.anaconda.org/t/fa-@@/face", uuid), "wgconf": around("PrivateKey = @@=", alnum(43)), "wpa": around('psk="@@"'), "cifs": around("//nas/x /mnt cifs username=svc,password=@@,uid=1 0 0"), "systemd-env": around("Environment=FACE_API_SECRET=@@"),
    # by line, by word, by encoding
    "wrapped-jwt": wrapped_jwt, "lost-head": split_key, "seed-hex": around("seed: @@", hexed(64)), "seed-word": around("wallet seed is @@", hexed(32)), "totp": around("totp @@", lambda m: m.word(32, string.ascii_uppercase + "234567")), "base32-low": around("2fa secret @@", of(LOWER32, 32)), "otpauth": around("otpauth://totp/Face:svc?secret=@@&issuer=Face", lambda m: m.word(16, string.ascii_uppercase + "234567")),
    "hmac-key": around("hmac key @@", hexed(64)), "master-key": around("master key: @@", alnum(44)), "iv": around("AES key=@@ iv=00", hexed(32)), "recovery": around("recovery code @@", lambda m: "-".join(m.word(5, LOWER32) for _ in range(2))), "unlock": around("unlock code: @@", low(10)), "one-time": around("one-time code is @@", digits(6)),
    # signed addresses
    "cos": around("https://f-125.cos.ap-gz.myqcloud.com/m.onnx?q-sign-algorithm=sha1&q-ak=AKIDx&q-signature=@@", hexed(40)), "oss-v4": around("https://b.oss-cn-hz.aliyuncs.com/m.onnx?x-oss-signature-version=OSS4&x-oss-signature=@@", hexed(64)), "obs": around("https://b.obs.cn-n.myhuaweicloud.com/m?AccessKeyId=X&Expires=1&Signature=@@%3D", alnum(27)), "s3-cred": around("https://b.s3/m?X-Amz-Credential=@@%2F2024%2Fus%2Fs3", lambda m: "AKIA" + m.upper(16)), "tos": around("https://b.tos-cn.volces.com/m?X-Tos-Signature=@@", hexed(64)), "qiniu-url": around("http://d.clouddn.com/m.onnx?e=1&token=x:@@", alnum(27)), "cdn": around("https://cdn.corp.cn/m.onnx?auth_key=1700000000-0-0-@@", hexed(32)), "cloudfront": around("https://d.cloudfront.net/m?Policy=x&Signature=@@&Key-Pair-Id=K2", alnum(60)), "gcs": around("https://storage.googleapis.com/b/m?X-Goog-Signature=@@", hexed(128)),
    # Chinese sentences
    "zh-sentence": around("登录服务器时请输入密码 @@ 然后回车"), "zh-root": around("root 的密码已经改为 @@，请勿外传"), "zh-account": around("账号 svc，密码 @@，端口 22"), "zh-tell": around("请使用口令 @@ 登录"), "zh-key-tell": around("接口密钥为「@@」"), "zh-appsecret": around("应用密钥AppSecret：@@", alnum(32)), "zh-sms": around("您的验证码是@@，5 分钟内有效", digits(6)), "zh-db": around("连接数据库失败，用户名 svc 密码 @@"), "zh-pass-short": around("密码@@"), "zh-unlock": around("解压密码：@@"), "zh-secret-file": around("令牌文件内容：@@", alnum(40)),
}  # fmt: skip
NAMES = ("liuwenqiang", "zhaoxiaolan", "wangjianjun", "novakovic", "tkachenko")


def person(m: Making) -> str:
    return m.random.choice(NAMES)


def ip4(m: Making) -> str:
    return f"{m.random.randint(20, 126)}.{m.random.randint(130, 250)}.{m.random.randint(20, 250)}.{m.random.randint(20, 250)}"


THIRD_IDENTITIES: dict[str, Form] = {
    "mobile-zh": around("联系电话：@@", lambda m: "139" + m.word(8, string.digits)), "mobile-run": around("请致电 @@ 处理", lambda m: "186" + m.word(8, string.digits)), "mobile-86": around("+86@@", lambda m: "135" + m.word(8, string.digits)), "landline": around("tel 010-@@", digits(8)), "us-phone": around("call (415) @@", lambda m: "555-0" + m.word(3, string.digits)),
    "id-card": around("身份证 @@", lambda m: "32010219880" + m.word(7, string.digits)), "id-card-x": around("id @@", lambda m: "44010319900" + m.word(6, string.digits) + "X"), "passport": around("护照号 E@@", digits(8)), "card-run": around("卡号 @@", lambda m: "62284" + m.word(14, string.digits)),
    "v6-brackets": around("http://[@@]:8080/detect", lambda m: f"2408:{m.hex(4)}:{m.hex(4)}::{m.hex(2)}1"), "v6-zone": around("[fe80::@@%eth0]:22", lambda m: f"{m.hex(4)}:{m.hex(4)}"), "v6-long": around("bind @@ failed", lambda m: ":".join(["2409", *(m.hex(4) for _ in range(7))])), "v6-slash": around("route @@/64", lambda m: f"fd12:{m.hex(4)}:{m.hex(4)}::"), "v4-in-host": around("@@.nip.io", ip4), "v4-comma": around("peers=@@,::1", ip4), "v4-url": around("redis://@@:6379", ip4), "v4-paren": around("('@@', 8080)", ip4), "v4-zh": around("服务器@@无法访问", ip4),
    "mac-dots": around("lladdr @@ STALE", lambda m: ".".join(m.hex(4) for _ in range(3))), "mac-dashed": around("adapter @@", lambda m: "-".join(m.hex(2).upper() for _ in range(6))), "infiniband": around("guid 0x@@", hexed(16)),
    "fqdn": around("gpu07.@@.example.com.cn", person), "fqdn-first": around("@@-a100-3.idc.corp.net", person), "fqdn-port": around("connect to train-@@.corp.local:6379", person), "host-short": around("on node a100-@@", lambda m: person(m)), "k8s-pod": around("pod/face-@@-5d8f7c9b6d-x2x9z", person), "k8s-pod-hash": around("pod/api-@@", lambda m: m.hex(10) + "-" + m.word(5, LOWER32)), "k8s-svc": around("http://@@.prod.svc:8080", person), "k8s-ns": around("namespace @@-dev", person), "stateful": around("@@-worker-0", person), "ecs": around("iZ@@Z", of(string.ascii_lowercase + string.digits, 19)), "ec2": around("i-0@@", hexed(16)), "arn": around("arn:aws:iam::@@:role/x", digits(12)),
    "home-zh": around("/home/@@/桌面/app.py", person), "home-root": around("FileNotFoundError: '/home/@@/.cache/x'", person), "mac-home": around("/Users/@@/Library/x", person), "mac-volume": around("/Volumes/@@/models", person), "win-home": around("C:\\Users\\@@\\models\\a.onnx", person), "win-slash": around("C:/Users/@@/models/a.onnx", person), "win-lower": around("c:\\users\\@@\\x", person), "win-docs": around("D:\\@@\\model.onnx", person), "unc-home": around("\\\\nas01\\@@\\x", person), "export-home": around("/export/home/@@/x", person), "data-user": around("/data1/@@/insightface/models", person), "nfs-home": around("nas:/vol/home/@@", person), "runuser": around("/run/user/@@", lambda m: "100" + m.word(6, "123456789")), "crontab": around("(@@) CMD (python app.py)", person), "sudo": around("sudo: @@ : TTY=pts/0", person), "sshd": around("Accepted publickey for @@ from x", person), "ps": around("@@   4711  0.0  python", person),
    "mail-plus": around("@@+gpu@corp.com.cn", person), "mail-quoted": around('"@@"@corp.cn', person), "mail-to": around("mailto:@@@corp.cn", person), "mail-sub": around("<svc.@@@mail.corp.cn>", person), "wechat-id": around("微信 wx_@@", person), "qq": around("QQ：@@", digits(10)),
    "gpu-serial-x": around("Serial 16520@@", digits(8)), "board-id": around("Board Part 900-@@", lambda m: m.upper(5) + "-" + m.upper(9)), "mig-uuid": around("MIG-@@", uuid), "gpu-uuid-only": around("uuid=GPU-5ad39a3b-@@", lambda m: "-".join(m.hex(n) for n in (4, 4, 4, 12))), "chassis": around("SN: CN7@@", lambda m: m.upper(10)), "asset": around("资产编号 ZC@@", digits(10)), "disk-wwn": around("wwn-0x5002538@@", hexed(9)), "machine": around("machine_id=@@", hexed(32)),
    "zh-name-said": around("负责人：@@", lambda m: m.random.choice(["赵文渊", "钱思远", "孙立峰"])), "zh-name-run": around("由@@部署", lambda m: m.random.choice(["赵文渊", "钱思远", "孙立峰"])), "zh-company": around("/opt/@@/人脸", lambda m: m.random.choice(["瑞安智能", "恒通安防"])), "author": around("Author: @@", lambda m: m.random.choice(["Wenyuan", "Kowalczyk"])),
}  # fmt: skip
