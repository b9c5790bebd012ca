"""Forms in which operators of cameras, tunnels, proxies, queues and registries keep what lets them in, and in which shells,
systemd, compose files and programs repeat it."""

from __future__ import annotations

import base64
import json
import string
from collections.abc import Callable

from tests.planted import Form, Making, around
from tests.planted_more import U, W, plainlive
from tests.planted_third import alnum, digits, low, uuid

spoken = plainlive
Part = Callable[[Making], str]


def encoded(text: str, plain: str, code: Callable[[bytes], bytes] = base64.b64encode) -> Form:
    """*plain* with a password of small letters, encoded, where *text* has ``@@``."""

    def make(m: Making) -> tuple[str, str]:
        secret = code(plain.replace("@@", m.word(8, string.ascii_lowercase)).encode()).decode()
        return text.replace("@@", secret), secret.rstrip("=")

    return make


def each(text: str, write: Callable[[str], str]) -> Form:
    """Each letter of the password is written as *write* does."""

    def make(m: Making) -> tuple[str, str]:
        secret = "".join(map(write, m.word(8, string.ascii_lowercase)))
        return text.replace("@@", secret), secret

    return make


def as_list(*words: str) -> Form:
    """The words of a command line as JSON."""
    return spoken(json.dumps([*words]))


def as_yaml(*words: str) -> Form:
    return spoken("command:\n" + "\n".join(f"  - {word}" for word in words))


def by_fives(m: Making) -> str:
    return "-".join(m.upper(5) for _ in range(5))


SIXTH_SECRETS: dict[str, Form] = {
    # accounts said in one word
    "account-yaml": spoken("users:\n  - admin:@@\n  - guest:x"),
    "account-list": spoken("- admin:@@"),
    "account-json": spoken('{"users": ["admin:@@"]}'),
    "account-slash-zh": spoken("摄像头 admin/@@"),
    "account-slash": spoken("camera login admin/@@"),
    "account-slash-bare": spoken("try root/@@ on the NVR"),
    "account-neo4j": spoken("NEO4J_AUTH=neo4j/@@"),
    "account-haproxy": spoken("stats auth admin:@@"),
    "account-haproxy-user": spoken("user face insecure-password @@"),
    "account-squid": spoken("cache_peer 10.2.3.4 parent 3128 0 login=face:@@"),
    "account-zookeeper": spoken("addauth digest face:@@"),
    "account-proxychains": spoken("socks5 127.0.0.1 1080 face @@"),
    "account-imap": spoken("a1 LOGIN face @@"),
    "account-ftp": spoken("USER face\r\nPASS @@"),
    "account-smtp": encoded("AUTH PLAIN @@", "\0face\0@@"),
    "account-jenkins": spoken("jenkins-cli.jar -s http://ci:8080 -auth face:@@ who-am-i"),
    "account-elastic": spoken("elastic:@@ is refused by 10.2.3.4:9200"),
    "account-percent": spoken("winexe -U corp/face%@@ //10.2.3.4 cmd"),
    "account-smb-url": spoken("smb://CORP;face:@@@nas/models"),
    "account-tuple": spoken("HTTPDigestAuth('admin', '@@')"),
    "account-basic-auth": spoken("requests.get(url, auth=HTTPBasicAuth('admin', '@@'))"),
    "account-paho": spoken('client.username_pw_set("face", "@@")'),
    "account-redis-py": spoken("r.auth('@@')"),
    "account-slurm": spoken("srun --export=ALL,DB_PASSWORD=@@ python serve.py"),
    # programs that are told by a short flag, or by place
    "frpc": spoken("frpc -s 1.2.3.4:7000 -t @@"),
    "frpc-list": as_list("frpc", "tcp", "-t", "@@", "-l", "8080"),
    "frpc-yaml": as_yaml("frpc", "-t", "@@"),
    "npc": spoken("npc -server=1.2.3.4:8024 -vkey=@@"),
    "npc-yaml": as_yaml("npc", "-vkey=@@"),
    "n2n": spoken("edge -a 10.0.0.2 -c face -k @@ -l 1.2.3.4:7777"),
    "shadowsocks": spoken("ss-local -s 1.2.3.4 -p 8388 -k @@ -m aes-256-gcm"),
    "shadowsocks-list": as_list("ss-server", "-k", "@@"),
    "shadowsocks-url": encoded("ss://@@", "aes-256-gcm:@@@1.2.3.4:8388"),
    "vmess-url": encoded("vmess://@@", '{"add":"1.2.3.4","id":"@@"}'),
    "trojan-url": spoken("trojan://@@@1.2.3.4:443?sni=x"),
    "hysteria": spoken("hysteria2://@@@1.2.3.4:443/"),
    "vless-url": around("vless://@@@1.2.3.4:443?type=tcp", uuid),
    "kcptun": spoken("kcptun-client -r 1.2.3.4:4000 --key @@"),
    "gost": spoken("gost -L=ss://aes-128-cfb:@@@:8338"),
    "easytier": spoken("easytier-core --network-name face --network-secret @@"),
    "wireguard": around("wg set wg0 peer x preshared-key @@=", alnum(43)),
    "snmp": spoken("snmpget -v2c -c @@ 10.2.3.4 sysDescr.0"),
    "snmp-v3": spoken("snmpwalk -v3 -u face -A @@ -X x 10.2.3.4"),
    "snmp-conf": spoken("rocommunity @@ 10.0.0.0/8"),
    "snmp-yaml": spoken("snmp:\n  community: @@"),
    "plink": spoken("plink -batch -pw @@ root@10.2.3.4"),
    "psexec": spoken("psexec \\\\10.2.3.4 -u face -p @@ cmd"),
    "freerdp": spoken("xfreerdp /v:10.2.3.4 /u:face /p:@@"),
    "net-use": spoken("net use Z: \\\\nas\\models @@ /user:face"),
    "schtasks": spoken("schtasks /create /ru face /rp @@ /tn x"),
    "passwd-stdin": spoken("echo @@ | passwd --stdin root"),
    "passwd-here": spoken("passwd face <<< @@"),
    "openssl-k": spoken("openssl enc -aes-256-cbc -k @@ -in det.onnx"),
    "openssl-list": as_list("openssl", "enc", "-k", "@@"),
    "keytool": spoken("keytool -list -keystore k.jks -storepass @@"),
    "java-d": spoken("java -Djavax.net.ssl.keyStorePassword=@@ -jar x.jar"),
    "rar": spoken("unrar x -p@@ models.rar"),
    "rar-hp": spoken("rar a -hp@@ models.rar det.onnx"),
    "sshpass-run-on": spoken("sshpass -p@@ ssh root@10.2.3.4"),
    "poetry-basic": spoken("poetry config http-basic.corp face @@"),
    "poetry-token": around("poetry config pypi-token.pypi pypi-AgE@@", alnum(60)),
    "cargo-login": around("cargo login cio@@", alnum(32)),
    "nuget": spoken("dotnet nuget push x.nupkg -k @@"),
    "twine": spoken("twine upload -u face -p @@ dist/x.whl"),
    "vault-login": spoken("vault login @@"),
    "vault-kv": spoken("vault kv put secret/face value=@@"),
    "consul": spoken("consul kv get -token=@@ face"),
    "doctl": spoken("doctl auth init -t @@"),
    "oc-login": spoken("oc login -u face -p @@ https://10.2.3.4:6443"),
    "argocd": spoken("argocd login 10.2.3.4 --username admin --password @@"),
    "qshell": spoken("qshell account face @@ corp"),
    "terraform": spoken("terraform apply -var db_password=@@"),
    "pulumi": spoken("pulumi config set --secret dbPassword @@"),
    "rabbit": spoken("rabbitmqctl add_user face @@"),
    "mosquitto": spoken("mosquitto_sub -h 10.2.3.4 -u cam -P @@ -t face/#"),
    "mosquitto-list": as_list("mosquitto_pub", "-u", "cam", "-P", "@@"),
    "mqtt-url": spoken("mqtt://cam:@@@10.2.3.4:1883"),
    "kcat": spoken("kcat -b k:9092 -X sasl.username=f -X sasl.password=@@"),
    "clickhouse": spoken("clickhouse-client -u face --password @@"),
    "curl-cookie": spoken("curl -b sid=@@ http://10.2.3.4/"),
    "curl-cookie-list": as_list("curl", "-b", "sid=@@", "http://10.2.3.4/"),
    "curl-digest": spoken("curl --digest -u admin:@@ http://10.2.3.4/ISAPI/System/deviceInfo"),
    "curl-yaml": as_yaml("curl", "-u", "admin:@@"),
    "redis-yaml": as_yaml("redis-server", "--requirepass", "@@"),
    "redis-here": spoken("redis-cli -h 10.2.3.4 AUTH @@"),
    "ldap-conf": spoken("binddn cn=face,dc=corp\nbindpw @@"),
    "ldap-ssha": encoded("olcRootPW: {SSHA}@@", "@@@@@@"),
    "autossh": spoken("SSHPASS='@@' autossh -M 0 root@10.2.3.4"),
    "called-process": spoken("Command '['curl', '-u', 'admin:@@']' returned non-zero exit status 22."),
    "called-shell": spoken("Command 'mysql -uroot -p@@ faces' returned non-zero exit status 1."),
    "systemd-exec": spoken("ExecStart=/usr/bin/frpc -t @@"),
    "sh-c": spoken('command: ["sh", "-c", "redis-server --requirepass @@ --port 6379"]'),
    "sh-c-export": spoken("sh -c 'export DB_PWD=@@; exec python serve.py'"),
    # cameras
    "rtsp-underscore": spoken("rtsp://192.168.1.10:554/user=admin_password=@@_channel=1_stream=0.sdp"),
    "rtsp-odd-at": around("rtsp://admin:a@b/@@@192.168.1.64:554/ch1"),
    "rtsp-hash": around("rtsp://admin:#@@@192.168.1.64:554/ch1"),
    "rtsp-authbasic": encoded("rtsp://192.168.1.9/cam/realmonitor?channel=1&authbasic=@@", "admin:@@"),
    "rtsp-from": spoken("Input #0, rtsp, from 'rtsp://admin:@@@192.168.1.64/ch1':"),
    "rtsp-yaml": spoken("cameras:\n  - rtsp://admin:@@@192.168.1.64/ch1"),
    "rtsp-json": spoken('{"source": "rtsp:\\/\\/admin:@@@192.168.1.64\\/ch1"}'),
    "gstreamer": spoken("rtspsrc location=rtsp://10.2.3.4/ch1 user-id=admin user-pw=@@ ! decodebin"),
    "foscam": spoken("http://10.2.3.4:88/cgi-bin/CGIProxy.fcgi?cmd=snapPicture2&usr=admin&pwd=@@"),
    "hi3510": spoken("http://10.2.3.4/web/cgi-bin/hi3510/param.cgi?cmd=x&-usr=admin&-pwd=@@"),
    "srt": spoken("srt://10.2.3.4:9000?mode=caller&passphrase=@@&pbkeylen=16"),
    "onvif-soap": encoded('<wsse:Password Type="x#PasswordText">@@</wsse:Password>', "@@"),
    "ezviz-code": around("设备验证码 @@", lambda m: m.word(6, string.ascii_uppercase)),
    "camera-zh": spoken("海康摄像头用户名admin，登录密码@@"),
    "camera-open": spoken("VideoCapture('rtsp://admin:@@@10.2.3.4/1') could not be opened"),
    "sip": spoken("sip_password = @@\nsip_id = 34020000002000000001"),
    # clouds, hubs, registries
    "ak-sk": around("ak=@@0Q sk=x", U(18)),
    "sk-small": spoken("ak: x\nsk: @@"),
    "sk-json": around('{"ak": "x", "sk": "@@"}', low(31)),
    "ak-sk-zh": around("AK/SK 为 HWAK1/@@", alnum(40)),
    "sk-zh": around("AK：LTAIx，SK：@@", low(30)),
    "volc-ini": around("[default]\nsk = @@==", alnum(58)),
    "oss-ini": around("[Credentials]\naccessKeyID=x\naccessKeySecret=@@", low(30)),
    "cos-yaml": around("secretid: AKIDx\nsecretkey: @@", low(32)),
    "obs-csv": around("User Name,Access Key Id,Secret Access Key\nface,HWAK1,@@", alnum(40)),
    "aws-csv": around("User name,Password\nface,@@"),
    "s3-url": around("s3://AKX:@@@models/det.onnx", alnum(40)),
    "rclone-url": spoken("rclone copy :s3,access_key_id=x,secret_access_key=@@:models ."),
    "hf-save": spoken("HfFolder.save_token('@@')"),
    "hf-use": spoken("from_pretrained('face/det', use_auth_token='@@')"),
    "hf-login": around("huggingface_hub.login('hf_@@')", alnum(34)),
    "modelscope-api": around("HubApi().login('@@')", uuid),
    "modelscope-env": around("MODELSCOPE_API_TOKEN=@@", uuid),
    "npmrc": around("//npm.corp.cn/:_authToken=@@", uuid),
    "npm-set": spoken("npm config set //npm.corp.cn/:_authToken @@"),
    "npm-auth": encoded("//npm.corp.cn/:_auth=@@", "face:@@"),
    "npm-password": encoded("//npm.corp.cn/:_password=@@", "@@"),
    "pip-set": spoken("pip config set global.index-url https://face:@@@pypi.corp.cn/simple"),
    "pip-log": spoken("Looking in indexes: https://face:@@@pypi.corp.cn/simple"),
    "pip-trusted": spoken("index-url = https://pypi.corp.cn/simple?access_key=@@"),
    "uv-sources": spoken('url = "git+https://face:@@@git.corp.cn/x.git"'),
    "maven": spoken("<server><id>corp</id><username>f</username><password>@@</password></server>"),
    "gradle": spoken("nexusPassword=@@"),
    "ci-job": around("https://gitlab-ci-token:@@@git.corp.cn/x.git", low(20)),
    "git-store": spoken("protocol=https\nhost=git.corp.cn\nusername=face\npassword=@@"),
    "netrc-order": spoken("machine h\n\tpassword @@\n\tlogin f"),
    "netrc-json": spoken('{"machine": "h", "login": "f", "password": "@@"}'),
    "kube-set": spoken("kubectl config set-credentials face --username=f --password=@@"),
    "kube-string": spoken("stringData:\n  db-password: @@"),
    "kube-describe": spoken("Environment:\n      DB_PASSWORD:  @@"),
    "docker-inspect": spoken('"Env": ["PATH=/usr/bin", "DB_PASSWORD=@@"]'),
    "docker-env-space": spoken("ENV DB_PASSWORD @@"),
    "docker-arg": spoken("|1 NPM_TOKEN=@@ /bin/sh -c npm ci"),
    # shells, units and the languages of programs
    "csh": spoken("setenv DB_PASSWORD @@"),
    "fish": spoken("set -gx DB_PASSWORD @@"),
    "cmd": spoken("set DB_PASSWORD=@@"),
    "setx": spoken("setx DB_PASSWORD @@"),
    "powershell": spoken('$env:DB_PASSWORD = "@@"'),
    "powershell-secure": spoken('ConvertTo-SecureString "@@" -AsPlainText -Force'),
    "powershell-flag": spoken("New-LocalUser face -Password @@"),
    "registry": spoken('"Password"="@@"'),
    "systemd": spoken('Environment="A=b" "DB_PASSWORD=@@"'),
    "supervisor": spoken('environment=A="b",DB_PASSWORD="@@"'),
    "environ": spoken("DB_PASSWORD=@@\0PATH=/usr/bin"),
    "dotenv-quoted": spoken("DB_PASSWORD='@@ and more' # of the db"),
    "namespace": spoken("Namespace(host='h', admin_pw='@@')"),
    "django": spoken("'PASSWORD': '@@', 'HOST': 'h'"),
    "insert": spoken("INSERT INTO users (name, password) VALUES ('face', '@@')"),
    "where": spoken("SELECT 1 FROM users WHERE name='f' AND pass_hash='@@'"),
    "form": spoken("j_username=face&j_password=@@"),
    "multipart": spoken('Content-Disposition: form-data; name="password"\r\n\r\n@@\r\n--x'),
    "graphql": spoken('mutation { login(user:"f", password:"@@") { id } }'),
    "xml-rpc": spoken("<name>password</name><value><string>@@</string></value>"),
    "hcl": spoken('variable "db_password" { default = "@@" }'),
    "lua": spoken("ngx.req.set_header('Authorization', '@@')"),
    "nginx": encoded('proxy_set_header Authorization "Basic @@";', "face:@@"),
    "js-cookie": spoken('document.cookie="sid=@@; path=/"'),
    "cookies-dict": spoken("cookies=dict(sessionid='@@')"),
    "odbc": spoken("DRIVER={ODBC Driver 18};SERVER=h;UID=sa;PWD={@@};Encrypt=yes"),
    "oracle": spoken("sqlplus face/@@@//h:1521/x"),
    "gunicorn-env": spoken("gunicorn --env API_TOKEN=@@ app:app"),
    "uwsgi": spoken("uwsgi --set-placeholder db_pass=@@"),
    "cron": spoken("0 3 * * * MYSQL_PWD=@@ mysqldump faces"),
    # licences
    "license-plain": around("LICENSE: @@", by_fives),
    "license-key": around("license_key=@@", by_fives),
    "license-zh": around("许可证密钥：@@", by_fives),
    "license-file": around('<License key="@@"/>', by_fives),
    "license-bare": around("activated with @@", by_fives),
    "arcsoft": around("ASFOnlineActivation(APPID, '@@') failed: 90114", W(44)),
    "arcsoft-key": around("ArcSoft SDKKEY @@", W(44)),
    "hasp": around("HASP vendor code @@", alnum(60)),
    # encoded
    "hex": encoded("payload 0x@@", "password=@@", lambda b: b.hex().encode()),
    "hex-words": encoded("body: @@", "token: @@", lambda b: b.hex(",").encode()),
    "base32": encoded("secret=@@", "@@@@", base64.b32encode),
    "base85": encoded("password: @@", "@@@@", base64.b85encode),
    "utf16": encoded("powershell -EncodedCommand @@", "$p='@@'", lambda b: base64.b64encode(b.decode().encode("utf-16-le"))),
    "url-all": each("password=@@", lambda c: f"%{ord(c):02X}"),
    "url-key": spoken("p%61ssword=@@"),
    "octal": each("password=@@", lambda c: f"\\{ord(c):o}"),
    "quoted-printable": each("password=@@", lambda c: f"={ord(c):02X}"),
    "entities": each("password=@@", lambda c: f"&#{ord(c)};"),
    "gzip64": around("config: H4sIA@@", alnum(90)),
    "base64-json": encoded('{"Data": "@@"}', '{"password": "@@"}'),
    "base64-lines": encoded("data:\n  .dockerconfigjson: @@", '{"auths":{"r":{"username":"f","password":"@@"}}}'),
    "base64-url": encoded("GET /x?state=@@", '{"refresh_token":"@@"}', base64.urlsafe_b64encode),
    "yaml-in-json": spoken(json.dumps({"config": "db:\n  password: @@\n  port: 3306\n"})),
    "json-in-yaml": spoken("config: '{\"db\": {\"password\": \"@@\"}}'"),
    "json-in-env": spoken('APP_CONFIG={"db":{"user":"f","pass":"@@"}}'),
    "json-in-shell": spoken("curl -d '{\"app_secret\": \"@@\"}' http://10.2.3.4/"),
    "pem-escaped": around("tls.key: -----BEGIN PRIVATE KEY-----\\n@@\\n-----END PRIVATE KEY-----", W(64)),
    "pem-commas": around("key: ['-----BEGIN EC PRIVATE KEY-----', '@@', '-----END EC PRIVATE KEY-----']", W(64)),
    "jwt-tail": around("jwt signature part @@", alnum(43)),
    "jwt-body": encoded("claims eyJhbGciOiJub25lIn0.@@.", '{"sub":"@@"}', base64.urlsafe_b64encode),
    # in Chinese
    "zh-acc-pw": spoken("账号密码：admin @@"),
    "zh-acc-slash": spoken("账号/密码 admin/@@"),
    "zh-zhangmi": spoken("帐密 admin/@@"),
    "zh-run-on": spoken("用户admin口令@@"),
    "zh-all": spoken("密码统一是@@"),
    "zh-all-two": spoken("三台机器的密码都是 @@"),
    "zh-changed": spoken("把密码从 abc 改为 @@"),
    "zh-before": spoken("@@ 是 root 的密码"),
    "zh-as": spoken("请输入 @@ 作为密码"),
    "zh-login": spoken("登录密码 @@ 过期"),
    "zh-unzip": spoken("解压密码@@"),
    "zh-pwd": spoken("pwd为@@"),
    "zh-passwd": spoken("passwd是@@"),
    "zh-user-pass": spoken("user 为 admin pass 为 @@"),
    "zh-appsecret": around("AppKey：123 AppSecret：@@", low(32)),
    "zh-auth": spoken("认证信息 admin:@@"),
    "zh-auth-two": spoken("鉴权信息：admin/@@"),
    "zh-token-trad": spoken("權杖：@@"),
    "zh-login-trad": spoken("登入密碼為 @@"),
    "zh-security": around("安全码 @@", digits(6)),
    "zh-check": around("校验码：@@", digits(6)),
    "zh-pin": around("PIN码 @@", digits(6)),
    "zh-sms": around("短信码@@", digits(6)),
    "zh-bank": around("支付密码：@@", digits(6)),
    "zh-access": around("平台接入码：@@", low(12)),
    "zh-json": spoken('{"登录密码": "@@"}'),
    "zh-yaml": spoken("数据库:\n  口令: @@"),
    "zh-env": spoken("数据库密码=@@ python serve.py"),
    "zh-log": spoken("[错误] 连接失败，用户 face 密码 @@ 不正确"),
    "zh-reset": spoken("重置后的密码为：「@@」"),
    "zh-escaped": spoken("\\u5bc6\\u7801: @@"),
    "zh-url": spoken("%E5%AF%86%E7%A0%81=@@"),
}  # fmt: skip
