"""More forms of secrets and of names, beside those of planted.py: by the documentation of vendors and programs, in other
languages, escaped, and written with letters that only look like them."""

from __future__ import annotations

import base64
import json
import string
from collections.abc import Callable
from urllib.parse import quote

from tests.planted import Form, Making, around, number

Part = Callable[[Making], str]


def U(length: int) -> Part:
    return lambda m: m.upper(length)


def W(length: int) -> Part:
    return lambda m: m.word(length)


def H(length: int) -> Part:
    return lambda m: m.hex(length)


def lower(length: int) -> Part:
    return lambda m: m.word(length, string.ascii_lowercase)


def b64up(m: Making) -> tuple[str, str]:
    s = base64.b64encode(f"svc:{m.password()}".encode()).decode()
    return f"token is in {s} somewhere", s.rstrip("=")


def b64lower(m: Making) -> tuple[str, str]:
    s = base64.b64encode(("zhangsan:" + m.word(6, string.ascii_lowercase)).encode()).decode().rstrip("=")
    return f"auth payload {s}", s


def urlenc_json(m: Making) -> tuple[str, str]:
    p = m.password()
    return quote(json.dumps({"password": p})), p


def jsonjsonjson(m: Making) -> tuple[str, str]:
    p = m.password()
    return json.dumps(json.dumps(json.dumps({"auth": {"token": p}}))), p


def pem1(m: Making) -> tuple[str, str]:
    s = m.word(64)
    return f"-----BEGIN OPENSSH PRIVATE KEY-----{s}-----END OPENSSH PRIVATE KEY-----", s


def pemspace(m: Making) -> tuple[str, str]:
    s = m.word(64)
    return f"-----BEGIN PRIVATE KEY----- {s} {m.word(64)} -----END PRIVATE KEY-----", s


def sshkey(m: Making) -> tuple[str, str]:
    s = m.word(60)
    return f"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5{s} zhangsanfeng@gpu", s


def k8s(m: Making) -> tuple[str, str]:
    s = base64.b64encode(m.password().encode()).decode()
    return f"apiVersion: v1\nkind: Secret\ndata:\n  db-pass: {s}\n", s.rstrip("=")


def k8s2(m: Making) -> tuple[str, str]:
    s = base64.b64encode(m.word(7, string.ascii_lowercase).encode()).decode()
    return f"kind: Secret data: DATABASE: {s}", s.rstrip("=")


def envpair(m: Making) -> tuple[str, str]:
    p = m.password()
    return f"- name: DB_PASSWORD\n  value: {p}", p


def envpairj(m: Making) -> tuple[str, str]:
    p = m.password()
    return json.dumps({"name": "DB_PASSWORD", "value": p}), p


def envpairj_words(m: Making) -> tuple[str, str]:
    p = m.word(8, string.ascii_lowercase)
    return json.dumps([{"name": "API_TOKEN", "value": p}]), p


def multi(m: Making) -> tuple[str, str]:
    p = m.password()
    return f"password: |\n  {p}\n  more\n", p


def multi2(m: Making) -> tuple[str, str]:
    p = m.password()
    return f"password=\\\n  {p}", p


def netrc(m: Making) -> tuple[str, str]:
    p = m.password()
    return f"machine api.example.com login svc password {p}", p


def pgpass(m: Making) -> tuple[str, str]:
    p = m.password()
    return f"db-host:5432:faces:svc:{p}", p


def htpasswd(m: Making) -> tuple[str, str]:
    p = m.word(31)
    return f"admin:$2y$10${p}", p


def shadow(m: Making) -> tuple[str, str]:
    p = m.word(40)
    return f"root:$6$abc${p}:19000:0:99999:7:::", p


def dockercfg(m: Making) -> tuple[str, str]:
    s = base64.b64encode(f"bob:{m.password()}".encode()).decode()
    return f'{{"auths":{{"reg.corp":{{"auth":"{s}"}}}}}}', s.rstrip("=")


def fullwidth(m: Making) -> tuple[str, str]:
    p = m.password()
    fw = "".join(chr(ord(c) + 0xFEE0) for c in p)
    return f"password={fw}", fw


def fullkey(m: Making) -> tuple[str, str]:
    p = m.password()
    return f"ｐａｓｓｗｏｒｄ＝{p}", p


def cyr(m: Making) -> tuple[str, str]:
    p = m.password()
    return f"pаsswоrd={p}", p


def zwsp(m: Making) -> tuple[str, str]:
    p = m.password()
    return f"pass\u200bword={p}", p


def plainlive(text: str) -> Form:
    """A password of small letters."""
    return around(text, lower(7))


def split_lines(m: Making) -> tuple[str, str]:
    s = m.word(40)
    return f"token: {s[:20]}\n{s[20:]}", s[20:]


def hexesc(m: Making) -> tuple[str, str]:
    p = m.password()
    return "password=" + "".join(f"\\x{ord(c):02x}" for c in p), "".join(f"\\x{ord(c):02x}" for c in p)


def uesc(m: Making) -> tuple[str, str]:
    p = m.password()
    return '{"password": "' + "".join(f"\\u{ord(c):04x}" for c in p) + '"}', "".join(f"\\u{ord(c):04x}" for c in p)


def htmlent(m: Making) -> tuple[str, str]:
    p = m.password()
    return f"&lt;password&gt;{p}&lt;/password&gt;", p


def htmlq(m: Making) -> tuple[str, str]:
    p = m.password()
    return f"password=&quot;{p}&quot;", p


def hexd(m: Making) -> tuple[str, str]:
    p = m.password().encode().hex()
    return f"00000000: {p}", p


def b64zh(m: Making) -> tuple[str, str]:
    p = m.password()
    s = base64.b64encode(f"密码：{p}".encode()).decode().rstrip("=")
    return f"data:text/plain;base64,{s}", s


MORE_SECRETS: dict[str, Form] = {
    # vendors
    "twilio-sid": around("AC@@", H(32)),
    "twilio-key": around("SK@@", H(32)),
    "mailgun": around("key-@@", H(32)),
    "mailchimp": around("@@-us12", H(32)),
    "square": around("sq0csp-@@", W(43)),
    "dropbox": around("sl.@@", W(130)),
    "azure-devops": around("pat @@", lambda m: m.word(52, "abcdefghijklmnopqrstuvwxyz234567")),
    "azure-ad": around("a3f8Q~@@", W(31)),
    "fcm": around("AAAA1234567:APA91b@@", W(100)),
    "algolia": around("algolia @@", H(32)),
    "cloudflare": around("cf token @@", W(40)),
    "heroku": around("HRKU-@@", lambda m: "-".join([m.hex(8), m.hex(4), m.hex(4), m.hex(4), m.hex(12)])),
    "confluent": around("confluent @@", U(16)),
    "fastly": around("fastly @@", W(32)),
    "netlify": around("nfp_@@", W(36)),
    "vercel": around("vercel @@", W(24)),
    "supabase": around("sbp_@@", H(40)),
    "planetscale": around("pscale_pw_@@", W(43)),
    "doppler": around("dp.ct.@@", W(40)),
    "postman": around("PMAK-@@", lambda m: m.hex(24) + "-" + m.hex(34)),
    "newrelic": around("NRAK-@@", U(27)),
    "datadog": around("dd-api-key: @@", H(32)),
    "datadog2": around("DD_API_KEY=@@", H(32)),
    "snyk": around("snyk @@", lambda m: "-".join([m.hex(8), m.hex(4), m.hex(4), m.hex(4), m.hex(12)])),
    "sonar": around("squ_@@", H(40)),
    "artifactory": around("AKCp@@", W(69)),
    "jfrog": around("cmVmdGtuOj@@", W(54)),
    "pulumi": around("pul-@@", H(40)),
    "terraform": around("abcDEF12345678.atlasv1.@@", W(60)),
    "cohere": around("cohere @@", W(40)),
    "mistral": around("mistral @@", W(32)),
    "replicate": around("r8_@@", W(37)),
    "zhipu": around("@@.AbCdEf12345678Gh", H(32)),
    "dashscope": around("DASHSCOPE=sk-@@", H(32)),
    "baidu": around("bce-v3/ALTAK-@@/x", W(21)),
    "volc": around("AKLT@@==", W(60)),
    "qiniu": around("Qiniu @@:x", W(40)),
    "huawei": around("HW access @@", U(20)),
    "modelscope": around("ms-@@", lambda m: "-".join([m.hex(8), m.hex(4), m.hex(4), m.hex(4), m.hex(12)])),
    "wechat": around("wx@@", H(16)),
    "wechat-secret": around("appsecret=@@", H(32)),
    "dingsec": around("SEC@@", H(64)),
    "airtable": around("pat12345678901234.@@", H(64)),
    "notion": around("secret_@@", W(43)),
    "asana": around("1/1234567890123:@@", H(32)),
    "figma": around("figd_@@", W(40)),
    "okta": around("SSWS 00@@", W(40)),
    "jenkins": around("11@@", H(32)),
    "rapidapi": around("X-RapidAPI-Key: @@", W(50)),
    "launchdarkly": around("sdk-@@", lambda m: "-".join([m.hex(8), m.hex(4), m.hex(4), m.hex(4), m.hex(12)])),
    "age": around("AGE-SECRET-KEY-1@@", U(58)),
    "firebase-url": around("https://x.firebaseio.com/.json?auth=@@", W(40)),
    "gcp-refresh": around("1//0@@", W(60)),
    "aws-mws": around("amzn.mws.@@", lambda m: "-".join([m.hex(8), m.hex(4), m.hex(4), m.hex(4), m.hex(12)])),
    "teams": around("https://corp.webhook.office.com/webhookb2/@@/IncomingWebhook/x/y", H(32)),
    "zapier": around("https://hooks.zapier.com/hooks/catch/123/@@/", lower(7)),
    "ifttt": around("https://maker.ifttt.com/trigger/x/with/key/@@", W(22)),
    "pagerduty": around("https://events.pagerduty.com/integration/@@/enqueue", H(32)),
    "gchat": around("https://chat.googleapis.com/v1/spaces/AAAA/messages?key=x&token=@@", W(43)),
    "bark": around("https://api.day.app/@@/title", W(22)),
    "serverchan": around("https://sctapi.ftqq.com/SCT@@.send", W(32)),
    "pushplus": around("http://www.pushplus.plus/send?token=@@", H(32)),
    "signed-url": around("https://s.example/x?Expires=1&Signature=@@&Key-Pair-Id=K1", W(60)),
    "minio": around("mc alias set m http://m:9000 minioadmin @@", W(12)),
    "ngrok": around("ngrok authtoken 2@@", W(48)),
    # DSN and command lines
    "jdbc": around("jdbc:mysql://db:3306/f?user=svc&password=@@"),
    "jdbc-oracle": around("jdbc:oracle:thin:svc/@@@//db:1521/x"),
    "sqlplus": around("sqlplus svc/@@@orcl"),
    "kwdsn": around("host=db user=svc password=@@ dbname=f"),
    "mssql": around("Server=tcp:db;User ID=svc;Password=@@;Encrypt=true"),
    "kw-plain": plainlive("host=db user=svc password=@@ dbname=f"),
    "env-pre": plainlive("PASS=@@ python serve.py"),
    "env-pre2": plainlive("MYSQL_ROOT_PASSWORD=@@ docker run x"),
    "export": plainlive("export SECRET='@@'"),
    "dash-p": plainlive("mysql -u root -p @@ faces"),
    "dash-p2": plainlive("sshpass -p @@ ssh host"),
    "dash-P": plainlive("smbclient //h/s -U svc%@@"),
    "ldap": plainlive("ldapsearch -D cn=x -w @@ -b y"),
    "openssl": plainlive("openssl rsa -passin pass:@@"),
    "wget": plainlive("wget --user=svc --password=@@ http://h/"),
    "wget2": plainlive("wget --http-passwd=@@ http://h/"),
    "curl-u": plainlive("curl -usvc:@@ http://localhost"),
    "curl-user": plainlive("curl --user svc:@@ http://localhost"),
    "curl-oauth": plainlive("curl --oauth2-bearer @@ http://x"),
    "curl-data": plainlive("curl -d user=svc&pass=@@ http://x"),
    "curl-json": plainlive('curl --data {"username":"a","password":"@@"} http://x'),
    "docker-login": plainlive("docker login -u svc -p @@ reg.corp"),
    "kubectl": plainlive("kubectl create secret generic s --from-literal=pass=@@"),
    "helm": plainlive("helm install x --set db.password=@@"),
    "ansible": plainlive("ansible -e ansible_become_pass=@@"),
    "htpasswd": plainlive("htpasswd -b f svc @@"),
    "redis-requirepass": plainlive("redis-server --requirepass @@"),
    "redis-a": plainlive("redis-cli -a @@ ping"),
    "mongo-cli": plainlive("mongo -u svc -p @@ --authenticationDatabase admin"),
    "zip": plainlive("zip -P @@ x.zip y"),
    "7z": plainlive("7z x -p@@ a.7z"),
    "gpg": plainlive("gpg --passphrase @@ x"),
    "ssh-flag": plainlive("serve --admin-pw @@"),
    "flag-pass": plainlive("serve --pass @@ --port 1"),
    "flag-pwd": plainlive("serve --pwd=@@"),
    "flag-creds": plainlive("serve --creds svc:@@"),
    "flag-login": plainlive("serve --login svc:@@"),
    "flag-secret": plainlive("serve --jwt-secret @@"),
    "flag-license": plainlive("serve --license @@"),
    "flag-underscore": plainlive("serve --api_key @@"),
    "chpasswd": plainlive("echo root:@@ | chpasswd"),
    "sudo-S": plainlive("echo @@ | sudo -S ls"),
    "rclone": plainlive("rclone obscure @@"),
    "git-cred": plainlive("url=https://svc:@@@git.corp"),
    "pip-index": plainlive("--extra-index-url https://svc:@@@pypi.corp/simple"),
    "git-extraheader": around("http.extraheader=AUTHORIZATION: basic @@", W(24)),
    # headers, cookies
    "cookie-plain": plainlive("Cookie: auth=@@"),
    "set-cookie2": plainlive("set-cookie: remember_me=@@; Secure"),
    "x-csrf": plainlive("X-CSRF-Token: @@"),
    "x-goog": plainlive("x-goog-api-key: @@"),
    "ocp": plainlive("Ocp-Apim-Subscription-Key: @@"),
    "private-token": plainlive("PRIVATE-TOKEN: @@"),
    "header-dict": plainlive("{'Authorization': 'Bearer @@'}"),
    "auth-plain": plainlive("Authorization: @@"),
    "auth-basic-plain": plainlive("Authorization: Basic @@"),
    "aws4": around(
        "Authorization: AWS4-HMAC-SHA256 Credential=AKIAX/2024/us/s3, SignedHeaders=host, Signature=@@", H(64)
    ),
    "sig-header": around("X-Hub-Signature-256: sha256=@@", H(64)),
    "www": plainlive('Www-Authenticate: Basic realm="x", nonce="@@"'),
    "phpsess": plainlive("PHPSESSID=@@"),
    "jsess": plainlive("http://h/x;jsessionid=@@"),
    # encodings
    "b64-userpass": b64up,
    "b64-lower": b64lower,
    "urlenc-json": urlenc_json,
    "jsonx3": jsonjsonjson,
    "pem1": pem1,
    "pemspace": pemspace,
    "sshkey": sshkey,
    "k8s": k8s,
    "k8s2": k8s2,
    "envpair": envpair,
    "envpairj": envpairj,
    "envpairj-words": envpairj_words,
    "multi": multi,
    "multi2": multi2,
    "netrc": netrc,
    "pgpass-line": pgpass,
    "bcrypt": htpasswd,
    "shadow": shadow,
    "dockercfg": dockercfg,
    "fullwidth": fullwidth,
    "fullkey": fullkey,
    "cyr": cyr,
    "zwsp": zwsp,
    "split": split_lines,
    "hexesc": hexesc,
    "uesc": uesc,
    "htmlent": htmlent,
    "htmlq": htmlq,
    "hexd": hexd,
    "b64zh": b64zh,
    "urlenc-plain": plainlive("next=%2Fx%3Fpassword%3D@@%26a%3D1"),
    "urlenc-at": plainlive("postgres%3A%2F%2Fsvc%3A@@%40db%2Ff"),
    "yaml-block": plainlive("password: >-\n  @@\n"),
    "toml": plainlive("[db]\npassword = '''@@'''"),
    "ini": plainlive("[client]\nuser=svc\npassword = @@"),
    "php": plainlive("define('DB_PASSWORD', '@@');"),
    "py": plainlive("password = os.environ.get('X', '@@')"),
    "py-kw": plainlive("connect(host='h', passwd='@@')"),
    "py-tuple": plainlive("auth=('svc', '@@')"),
    "repr": plainlive("Config(user='svc', password=SecretStr('@@'))"),
    "pydantic": plainlive("input_value={'db_password': '@@'}, input_type=dict"),
    "xmlattr": plainlive('<db user="svc" password="@@"/>'),
    "plist": plainlive("<key>password</key><string>@@</string>"),
    "sql": plainlive("CREATE USER x IDENTIFIED BY '@@'"),
    "sql2": plainlive("ALTER ROLE svc WITH PASSWORD '@@'"),
    "sql-grant": plainlive("SET PASSWORD FOR 'svc' = '@@'"),
    "props": plainlive("spring.datasource.password=@@"),
    "props-colon": plainlive("spring.redis.password: @@"),
    "dotted-key": plainlive("db.pass=@@"),
    "userpass-slash": plainlive("login: svc / @@"),
    "cred-pair": plainlive("credentials: svc:@@"),
    "user-pass": plainlive("username/password: svc/@@"),
    "said": plainlive("my password is: @@"),
    "pw-arrow": plainlive("password -> @@"),
    "pw-tab": plainlive("password\t@@"),
    "pw-table": plainlive("| password | @@ |"),
    # zh
    "zh-acct": plainlive("账号：svc 密码：@@"),
    "zh-slash": plainlive("用户名/密码：svc/@@"),
    "zh-paren": plainlive("密码（@@）"),
    "zh-bracket": plainlive("密码【@@】"),
    "zh-init": plainlive("初始密码@@，请修改"),
    "zh-token2": plainlive("访问令牌 = @@"),
    "zh-pass": plainlive("口令:@@"),
    "zh-secretkey": plainlive("私有密钥为：@@"),
    "zh-json": plainlive('{"密码": "@@"}'),
    "zh-flag": plainlive("--密码=@@"),
    "zh-auth": plainlive("授权码：@@"),
    "zh-trad": plainlive("密碼：@@"),
    "zh-wifi": plainlive("无线密码 @@"),
    "zh-cert": plainlive("证书密码是：@@"),
    "zh-reset": plainlive("密码已重置为 @@"),
    "zh-yes": plainlive("密码改成了@@"),
    "zh-passwords": plainlive("通行证：@@"),
    "ja": plainlive("パスワード：@@"),
    "ko": plainlive("비밀번호: @@"),
    "ru": plainlive("пароль: @@"),
    "fr": plainlive("mot de passe : @@"),
    "es": plainlive("contraseña: @@"),
    "de": plainlive("Kennwort: @@"),
}
P = Making.person


def ip4(m: Making) -> str:
    first = m.random.randint(20, 126)  # 127.* is everybody's own machine
    return ".".join(str(part) for part in (first, *(m.random.randint(20, 250) for _ in range(3))))


NAMES = ["zhang.san", "li_si", "w.mueller", "j-smith", "陈大文"]


def N(m: Making) -> str:
    return m.random.choice(NAMES)


MORE_IDENTITIES: dict[str, Form] = {
    "home-dot": around("/home/@@/app", N),
    "unc": around("\\\\@@\\share\\models", lambda m: "fileserv" + m.word(3, string.ascii_lowercase)),
    "unc-fwd": around("//@@/share/x", lambda m: "nas" + m.word(4, string.ascii_lowercase)),
    "winuser": around("C:\\Users\\@@\\AppData", N),
    "win-single": around("C:\\Users\\@@", P),
    "wsl": around("/mnt/c/Users/@@/x", P),
    "tilde": around("~@@/x", P),
    "root-home": around("/data/home/@@/x", P),
    "nfs": around("@@:/export/models", lambda m: "nfs" + m.word(3, string.ascii_lowercase)),
    "email-plus": around("@@+x@corp.cn", P),
    "email-angle": around("Author: X <@@@corp.cn>", P),
    "email-zh": around("邮箱：@@@公司.cn", P),
    "email-obf": around("@@ at corp dot cn", P),
    "mac-dot": around("hw @@", lambda m: ".".join(m.hex(4) for _ in range(3))),
    "mac-bare": around("mac=@@", H(12)),
    "mac-upper": around("@@", lambda m: ":".join(m.hex(2).upper() for _ in range(6))),
    "gpu-serial": number("Serial Number : @@", string.digits, 13),
    "gpu-uuid": around("UUID: GPU-1234abcd-@@", lambda m: "-".join([m.hex(4), m.hex(4), m.hex(4), m.hex(12)])),
    "board": around("VBIOS serial PF@@", lambda m: m.upper(8)),
    "dmi": around("product_uuid @@", lambda m: "-".join([m.hex(8), m.hex(4), m.hex(4), m.hex(4), m.hex(12)]).upper()),
    "disk": around("disk S4EVNX0M@@", lambda m: m.upper(6)),
    "ip-port": around("@@:8080", ip4),
    "ip-list": around("1.1.1.1,@@,10.0.0.1", ip4),
    "ip-paren": around("(@@)", ip4),
    "ip-cidr": around("@@/24", ip4),
    "ip-dash": around("ip-@@.ec2.internal", lambda m: ip4(m).replace(".", "-")),
    "ip-eq": around("addr=@@,x", ip4),
    "ip-range": around("@@-10.0.0.9", ip4),
    "ip-int": number("host 2@@", string.digits, 9),
    "v6-full": around("2001:db8:@@", lambda m: ":".join(m.hex(4) for _ in range(6))),
    "v6-br": around("[fd00:@@::1]:80", H(4)),
    "v6-map": around("::ffff:@@", ip4),
    "v6-doc": around("2001:db8::@@ up", H(4)),
    "cid": around("container=@@", H(64)),
    "cid-docker": around("/docker/containers/@@/hostname", H(64)),
    "pod": around("face-api-@@-x7k2p", lambda m: m.hex(9)),
    "podslice": around("kubepods-pod@@.slice", lambda m: "_".join([m.hex(8), m.hex(4), m.hex(4), m.hex(4), m.hex(12)])),
    "cname": around("container_name: @@", P),
    "compose-proj": around("@@_face_1", P),
    "image": around("registry.corp.cn/@@/face:1.2", P),
    "image2": around("@@/face:latest", P),
    "git-ssh": around("git@github.com:@@/face.git", P),
    "git-host": around("git@@@.cn:team/x.git", lambda m: "gitlab." + P(m)),
    "git-https": around("https://github.com/@@/face", P),
    "ssh-user": around("ssh @@@10.1.2.3", P),
    "ssh-host": around("ssh root@@@", lambda m: "gpu" + m.word(3, string.ascii_lowercase) + "7"),
    "ssh-l": around("ssh -l @@ h", P),
    "scp": around("scp x @@@h:/y", P),
    "rsync": around("rsync h::@@/x", P),
    "prompt": around("(venv) @@@h:~/x$ ls", P),
    "hostname-fqdn": around("@@.prod.svc.cluster.local", P),
    "hostname-pref": around("HOSTNAME=@@", lambda m: P(m) + "-mbp"),
    "k8s-node": around("node/@@ NotReady", lambda m: "worker-" + P(m)),
    "user-eq": around("USER=@@", P),
    "logname": around("user '@@' denied", P),
    "uid-name": around("uid=1001(@@) gid=1001(@@)", P),
    "chown": around("owned by @@:@@", P),
    "zh-person": around("联系人：@@", lambda m: m.random.choice(["王小明", "李建国", "陈美玲"])),
    "zh-dir": around("/home/@@/人脸服务", lambda m: m.random.choice(["王小明", "李建国", "陈美玲"])),
    "en-person": around("Contact @@ for access", lambda m: m.random.choice(["Katarzyna", "Mbapperson", "Yamaguchi"])),
    "idcard-x": around("身份证号@@X", lambda m: "11010119900307" + m.word(3, string.digits)),
    "card": around("card @@", lambda m: "4111-1111-1111-" + m.word(4, string.digits)),
    "phone-plus": around("+86-@@", lambda m: "138-" + m.word(4, string.digits) + "-5678"),
    "plate": around("车牌京A@@", lambda m: m.word(5, string.digits)),
    "coords": around("lat 31.2304@@", lambda m: m.word(6, string.digits)),
    "bank": around("6222021234@@", lambda m: m.word(9, string.digits)),
    "db-name": around("database @@_prod not found", P),
    "s3": around("s3://@@-faces/models/x.onnx", P),
    "oss-bucket": around("oss://@@/x", P),
    "bucket": around("gs://@@-prod/x", P),
    "customer": around("model for @@ GmbH", P),
    "project": around("/srv/@@-face-gate/app.py", P),
    "model-name": around("/models/@@_face_v3.onnx", P),
    "proc": around("@@_trainer", P),
    "module": around("No module named '@@_face'", P),
    "win-host": around("DESKTOP-@@", lambda m: m.upper(7)),
    "win-dom": around("CORP\\@@", P),
}
