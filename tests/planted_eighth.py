"""Forms that people paste: what cloud command lines, registries and state files print, secrets in the words of parsers and
debuggers that could not read them, in protocols as they are traced, and identities as Chinese offices and systems write them."""

from __future__ import annotations

import base64
import string

from tests.planted import Form, Making, around
from tests.planted_more import U, W, ip4, plainlive
from tests.planted_seventh import two_words
from tests.planted_sixth import as_list, encoded
from tests.planted_third import alnum, digits, hexed, low, of, person, uuid

spoken = plainlive
LETTERS = string.ascii_lowercase


def each_joined(text: str, separator: str, code: str = "d") -> Form:
    """A password as its characters or their numbers, as programs print arrays."""

    def make(m: Making) -> tuple[str, str]:
        word = m.word(8, LETTERS)
        secret = separator.join(word if code == "c" else [format(ord(c), code) for c in word])
        return text.replace("@@", secret), secret

    return make


def traced(m: Making) -> tuple[str, str]:
    """`tcpdump -X`: two bytes a group."""
    digits = f"password={m.word(7, LETTERS)}".encode().hex()
    groups = [digits[i : i + 4] for i in range(0, len(digits), 4)]
    return f"\t0x0030:  {' '.join(groups)}", " ".join(groups[-3:])


def ldif(m: Making) -> tuple[str, str]:
    secret = base64.b64encode(m.word(9, LETTERS).encode()).decode()
    return f"dn: uid=svc,dc=corp\nuserPassword:: {secret}", secret


def sorted_manifest(m: Making) -> tuple[str, str]:
    """kubectl prints the keys in their order: the data stands before what says of what kind it is."""
    secret = base64.b64encode(m.word(9, LETTERS).encode()).decode()
    return f"apiVersion: v1\ndata:\n  conn: {secret}\nkind: Secret\nmetadata:\n  name: db", secret


def logged_key(m: Making) -> tuple[str, str]:
    """A program that logs the key that it could not read, line by line."""
    lines = [
        "-----BEGIN OPENSSH PRIVATE KEY-----",
        *(m.word(70) for _ in range(3)),
        "-----END OPENSSH PRIVATE KEY-----",
    ]
    return "\n".join(f"2026-01-02T03:04:05Z key.go:7: {line}" for line in lines), lines[2]


def static_key(m: Making) -> tuple[str, str]:
    lines = [m.hex(32) for _ in range(4)]
    return (
        "-----BEGIN OpenVPN Static key V1-----\n" + "\n".join(lines) + "\n-----END OpenVPN Static key V1-----",
        lines[2],
    )


def bitlocker(m: Making) -> str:
    return "-".join(m.word(6, string.digits) for _ in range(8))


EIGHTH_SECRETS: dict[str, Form] = {
    # command lines of clouds, and where they keep what they were told
    "aws-prompt": spoken("AWS Secret Access Key [None]: @@"),
    "aws-process": spoken('{"Version": 1, "AccessKeyId": "x", "SecretAccessKey": "@@", "SessionToken": "y"}'),
    "aws-xml": spoken("<Credentials><SecretAccessKey>@@</SecretAccessKey></Credentials>"),
    "aws-ssm": spoken('{"Parameter": {"Name": "/face/db/password", "Type": "SecureString", "Value": "@@"}}'),
    "aws-secret-string": spoken('"SecretString": "{\\"username\\":\\"svc\\",\\"password\\":\\"@@\\"}"'),
    "aws-ecr": around("eyJwYXlsb2FkIjoi@@", alnum(120)),
    "aliyun-config": spoken('{"mode":"AK","access_key_id":"x","access_key_secret":"@@","sts_token":""}'),
    "tccli": spoken('{"secretId": "x", "secretKey": "@@"}'),
    "hcloud-huawei": spoken('{"accessKeyId":"x","secretAccessKey":"@@","mode":"AKSK"}'),
    "gcloud-helper": spoken("credential:\n  access_token: @@\n  token_expiry: '2030-01-01T00:00:00Z'"),
    "az-token": spoken('{"accessToken": "@@", "expiresOn": "2030-01-01", "tokenType": "Bearer"}'),
    "az-principal": spoken('{"appId": "x", "displayName": "face", "password": "@@", "tenant": "y"}'),
    "az-keys": around('[{"keyName": "key1", "permissions": "FULL", "value": "@@=="}]', alnum(86)),
    "az-cosmos": around('"primaryMasterKey": "@@=="', alnum(86)),
    "oci": spoken("[DEFAULT]\nuser=ocid1.user.oc1\npass_phrase=@@"),
    "s3cfg": spoken("[default]\naccess_key = x\ngpg_passphrase = @@\nsecret_key = y"),
    "boto": spoken("[Credentials]\ngs_secret_access_key = @@"),
    "rclone-dump": spoken('{"nas": {"type": "sftp", "user": "svc", "pass": "@@"}}'),
    "rclone-conf": spoken("[nas]\ntype = sftp\nuser = svc\npass = @@"),
    "openstack": spoken("export OS_PASSWORD=@@"),
    "clouds-yaml": spoken("clouds:\n  corp:\n    auth:\n      username: svc\n      password: @@"),
    "ibmcloud": spoken('{"name": "face", "apikey": "@@"}'),
    "ossfs": around("face-bucket:LTAI5tX:@@", alnum(30)),
    "s3fs": around("AKX0:@@", alnum(40)),
    "ceph-keyring": around("[client.admin]\n\tkey = AQ@@==", alnum(36)),
    "ceph-mount": spoken("mount -t ceph mon:/ /mnt -o name=admin,secret=@@"),
    "eascmd": spoken("eascmd64 config -i x -k @@ -e pai-eas.cn-beijing.aliyuncs.com"),
    # Kubernetes
    "kube-sorted": sorted_manifest,
    "kube-args": spoken("    Args:\n      --requirepass\n      @@\n    State:  Running"),
    "kube-command": spoken("    Command:\n      serve\n      --api-key\n      @@"),
    "kube-literals": spoken("secretGenerator:\n- name: db\n  literals:\n  - conn=@@"),
    "kube-bootstrap": around("stringData:\n  token-id: abcdef\n  token-secret: @@", low(16)),
    "kube-pipe": encoded("kubectl get secret db -o jsonpath={.data.conn}\n@@", "@@@@"),
    "kube-decoded": spoken("$ kubectl get secret db -o jsonpath={.data.password} | base64 -d\n@@"),
    "kube-map": encoded("kind:Secret metadata:map[name:db] data:map[conn:@@]", "@@@@"),
    "helm-values-user": spoken("USER-SUPPLIED VALUES:\nredis:\n  auth:\n    password: @@"),
    "etcd-strings": spoken("/registry/secrets/default/db\nk8s\npassword\n@@\nOpaque"),
    "openshift": around("oc login --token sha256~@@", alnum(43)),
    "openshift-bare": around("whoami -t gave sha256~@@", alnum(43)),
    # Docker
    "inspect-env": spoken('"Env": [\n    "PATH=/usr/bin",\n    "REDIS_AUTH=@@"\n]'),
    "inspect-cmd": spoken('"Cmd": [\n    "redis-server",\n    "--requirepass",\n    "@@"\n],'),
    "inspect-args": spoken('"Path": "redis-server", "Args": ["--requirepass", "@@"]'),
    "docker-history": spoken("/bin/sh -c #(nop)  ENV DB_PASS=@@"),
    "docker-ps": spoken('redis:7   "docker-entrypoint.sh redis-server --requirepass @@"   2 hours ago   Up'),
    "docker-helper": spoken('{"ServerURL":"https://reg.corp.cn","Username":"svc","Secret":"@@"}'),
    "compose-health": spoken("healthcheck:\n  test:\n    - CMD-SHELL\n    - redis-cli -a @@ ping"),
    "compose-content": spoken("secrets:\n  db:\n    content: @@"),
    "containerd": spoken(
        '[plugins."io.containerd".registry.configs."r.cn".auth]\n  username = "svc"\n  password = "@@"'
    ),
    "traefik": around("traefik.http.middlewares.a.basicauth.users=face:$$apr1$$x$$@@", alnum(22)),
    # state and provisioning
    "tfstate": spoken('"attributes": {"engine": "mysql", "master_password": "@@"}'),
    "tfstate-random": spoken(
        '{"type": "random_password", "name": "db", "instances": [{"attributes": {"length": 7, "result": "@@"}}]}'
    ),
    "tfvars": spoken('db_admin = { name = "svc", pw = "@@" }'),
    "tf-env": spoken("TF_VAR_db_password=@@"),
    "pulumi-secure": around("config:\n  face:db:\n    secure: AAABA@@", alnum(44)),
    "ansible-cmd": spoken('changed: [h] => {"cmd": "mysql -u root -p\'@@\' -e x", "rc": 0}'),
    "ansible-args": spoken('{"invocation": {"module_args": {"login_password": "@@", "login_user": "svc"}}}'),
    "ansible-extra": spoken('ansible-playbook x.yml -e \'{"db_pass": "@@"}\''),
    "cloud-init": spoken("chpasswd:\n  list: |\n    root:@@\n    ubuntu:R"),
    "cloud-init-user": spoken("users:\n- name: svc\n  plain_text_passwd: @@"),
    "kickstart": spoken("rootpw --plaintext @@"),
    "preseed": spoken("d-i passwd/root-password password @@"),
    "unattend": spoken("<AdministratorPassword>\n  <Value>@@</Value>\n</AdministratorPassword>"),
    # files that keep credentials
    "netrc-default": spoken("default login anonymous password @@"),
    "netrc-apart": spoken("machine h login svc\npassword\n@@"),
    "pgpass-stars": spoken("*:*:*:postgres:@@"),
    "pg-service": spoken("[face]\nhost=h\nuser=svc\npassword=@@"),
    "pip-conf-lines": spoken("extra-index-url =\n    https://svc:@@@pypi.corp.cn/simple\n    https://pypi.org/simple"),
    "poetry-auth": spoken('[http-basic.corp]\nusername = "svc"\npassword = "@@"'),
    "yarn-token": spoken('npmAuthToken: "@@"'),
    "yarn-ident": spoken('npmAuthIdent: "svc:@@"'),
    "bundler": spoken("BUNDLE_GEMS__CORP__CN: svc:@@"),
    "gem": spoken(":rubygems_api_key: @@"),
    "composer": around('{"github-oauth": {"github.com": "@@"}}', alnum(40)),
    "composer-basic": spoken('{"http-basic": {"repo.corp.cn": {"username": "svc", "password": "@@"}}}'),
    "cargo": spoken('[registries.corp]\ntoken = "@@"'),
    "goproxy": spoken("GOPROXY=https://svc:@@@goproxy.corp.cn,direct"),
    "sbt": spoken('credentials += Credentials("Realm", "repo.corp.cn", "svc", "@@")'),
    "maven-master": around("<master>{@@=}</master>", alnum(43)),
    "maven-passphrase": spoken("<server>\n  <id>corp</id>\n  <passphrase>@@</passphrase>\n</server>"),
    "nuget-config": spoken('<add key="ClearTextPassword" value="@@" />'),
    "git-instead": spoken('[url "https://oauth2:@@@git.corp.cn/"]\n\tinsteadOf = git@git.corp.cn:'),
    "gh-hosts": spoken("github.com:\n    user: svc\n    oauth_token: @@"),
    "svn": spoken("K 8\npassword\nV 7\n@@\nEND"),
    "hg": spoken("[auth]\ncorp.prefix = h\ncorp.username = svc\ncorp.password = @@"),
    "htpasswd-sha": around("svc:{SHA}@@=", alnum(27)),
    "htpasswd-apr": around("svc:$apr1$abc$@@", alnum(22)),
    "chap": spoken("# Secrets for authentication using CHAP\n# client server secret IP\nface * @@ *"),
    "ipsec": spoken('10.2.3.4 : PSK "@@"'),
    "ipsec-eap": spoken('face : EAP "@@"'),
    "openvpn": spoken("<auth-user-pass>\nface\n@@\n</auth-user-pass>"),
    "openvpn-key": static_key,
    "key-logged": logged_key,
    "wireguard-show": around("interface: wg0\n  private key: @@=", alnum(43)),
    "gpg-batch": spoken("Key-Type: RSA\nPassphrase: @@\n%commit"),
    "gpg-loopback": spoken("gpg --pinentry-mode loopback --passphrase=@@ -d x"),
    "gpg-export": around("lQdGBGUabc@@", alnum(180)),
    # programs' configuration
    "keepalived": spoken("authentication {\n  auth_type PASS\n  auth_pass @@\n}"),
    "drbd": spoken('shared-secret "@@";'),
    "coturn": spoken("static-auth-secret=@@"),
    "coturn-user": spoken("lt-cred-mech\nuser=face:@@"),
    "ice-servers": spoken("iceServers: [{urls: 'turn:h', username: 'svc', credential: '@@'}]"),
    "prometheus": spoken("basic_auth:\n  username: svc\n  password: @@"),
    "prometheus-bearer": spoken("authorization:\n  type: Bearer\n  credentials: @@"),
    "grafana": spoken("[security]\nadmin_user = admin\nadmin_password = @@"),
    "postfix": spoken("[smtp.corp.cn]:587 face@corp.cn:@@"),
    "msmtp": spoken("host smtp.corp.cn\nuser svc\npassword @@"),
    "fetchmail": spoken('poll h protocol imap user "svc" pass "@@"'),
    "mutt": spoken('set imap_pass = "@@"'),
    "iscsi": spoken("node.session.auth.username = svc\nnode.session.auth.password = @@"),
    "sssd": spoken("ldap_default_bind_dn = cn=x\nldap_default_authtok = @@"),
    "radius": spoken('face Cleartext-Password := "@@"'),
    "radius-client": spoken("client 10.2.3.4 { secret = @@ }"),
    "cisco": around("username admin password 7 @@", lambda m: m.hex(14).upper()),
    "cisco-snmp": spoken("snmp-server community @@ RO"),
    "h3c": spoken("local-user admin\n password simple @@"),
    "huawei-switch": around("local-user admin password irreversible-cipher $1a$@@$", alnum(40)),
    "juniper": around('encrypted-password "$6$ab$@@"; ## SECRET-DATA', alnum(80)),
    "mikrotik": spoken("/user set admin password=@@"),
    "redfish": spoken('{"UserName": "admin", "Password": "@@"}'),
    "ipmi-set": spoken("ipmitool user set password 2 @@"),
    "erlang": spoken("erl -name face@h -setcookie @@"),
    "erlang-term": spoken('{default_pass, <<"@@">>}'),
    "rabbit-definitions": around('{"name": "svc", "password_hash": "@@="}', alnum(47)),
    "clickhouse-hash": around("<password_sha256_hex>@@</password_sha256_hex>", hexed(64)),
    "jasypt": around("spring.datasource.secret=ENC(@@==)", alnum(22)),
    "xxl": spoken("xxl.job.accessToken=@@"),
    "streamlit": spoken('[passwords]\nalice = "@@"'),
    "gradio": spoken('demo.launch(auth=("admin", "@@"))'),
    "gradio-list": spoken('demo.launch(auth=[("a", "b"), ("admin", "@@")])'),
    "flask": spoken("app.secret_key = b'@@'"),
    "django-key": around("SECRET_KEY = 'django-insecure-@@'", low(50)),
    "node-red": spoken('credentialSecret: "@@",'),
    "netplan": spoken("access-points:\n  corp:\n    password: @@"),
    "iwctl": spoken("iwctl --passphrase @@ station wlan0 connect corp"),
    "nmcli-shown": spoken("802-11-wireless-security.psk:             @@"),
    "netsh-clear": spoken("    Key Content            : @@"),
    "netsh-zh": spoken("    关键内容            : @@"),
    "sc-config": spoken("sc config face obj= .\\svc password= @@"),
    "wmic": spoken("wmic /node:h /user:svc /password:@@ process list"),
    "reg-add": spoken("reg add HKLM\\Winlogon /v DefaultPassword /t REG_SZ /d @@ /f"),
    "net-use-last": spoken("net use \\\\nas\\m /user:svc @@"),
    "rdp-file": around("username:s:svc\npassword 51:b:01000000D08C9DDF@@", lambda m: m.hex(80).upper()),
    "psftp": spoken("psftp -pw @@ svc@h"),
    "bitlocker": around("Recovery Password: @@", bitlocker),
    "bitlocker-bare": around("BitLocker @@", bitlocker),
    "keychain": spoken("security add-generic-password -a svc -s face -w @@"),
    # hashes of passwords
    "mysql-hash": around("*@@", lambda m: m.hex(40).upper()),
    "pg-md5": around("CREATE ROLE svc PASSWORD 'md5@@'", hexed(32)),
    "pg-scram": around("SCRAM-SHA-256$4096:abc==$@@=:def=", alnum(43)),
    "ntlm": around("svc:1001:aad3b435b51404eeaad3b435b51404ee:@@:::", hexed(32)),
    "yescrypt": around("svc:$y$j9T$abcdef$@@:19000:0", alnum(43)),
    "werkzeug": around("scrypt:32768:8:1$abc$@@", hexed(128)),
    "django-hash": around("pbkdf2_sha256$260000$abc$@@=", alnum(43)),
    # HTTP
    "http-9421": around("Signature: sig1=:@@==:", alnum(86)),
    "http-sdk": around("Authorization: SDK-HMAC-SHA256 Access=X, SignedHeaders=host, Signature=@@", hexed(64)),
    "http-cos": around("Authorization: q-sign-algorithm=sha1&q-ak=AKIDx&q-signature=@@", hexed(40)),
    "http-wechatpay": around(
        'Authorization: WECHATPAY2-SHA256-RSA2048 mchid="1",nonce_str="n",signature="@@==",serial_no="7"', alnum(86)
    ),
    "http-qiniu": around("Authorization: QBox X:@@=", alnum(27)),
    "http-appcode": around("Authorization: APPCODE @@", hexed(32)),
    "http-key-word": spoken("Authorization: Key @@"),
    "http-access-token": spoken("Access-Token: @@"),
    "http-vault": spoken("X-Vault-Token: @@"),
    "http-lc": around("X-LC-Key: @@,master", alnum(24)),
    "http-mbx": around("X-MBX-APIKEY: @@", alnum(64)),
    "http-har": spoken('{"headers": [{"name": "Authorization", "value": "@@"}]}'),
    "http-har-cookie": spoken('{"cookies": [{"name": "sessionid", "value": "@@", "path": "/"}]}'),
    "http-har-params": spoken('"params": [{"name": "passwd", "value": "@@"}]'),
    "http-forwarded": spoken("X-Forwarded-Access-Token: @@"),
    "http-grpc": spoken("grpc-metadata-authorization: bearer @@"),
    "http-trace": spoken("=> Send header, 28 bytes (0x1c)\n0000: Cookie: sid=@@"),
    "http-retry-slack": around(
        "HTTPSConnectionPool(host='hooks.slack.com', port=443): Max retries exceeded with url: /services/T0/B0/@@",
        alnum(24),
    ),
    "http-retry-telegram": around(
        "HTTPSConnectionPool(host='api.telegram.org', port=443): Max retries exceeded with url: /bot123456789:AA@@/getMe",
        alnum(33),
    ),
    "http-retry-bark": around(
        "HTTPSConnectionPool(host='api.day.app', port=443): Max retries exceeded with url: /@@/title", alnum(22)
    ),
    "http-retry-login": spoken("Max retries exceeded with url: /login?usr=a&pwd=@@ (Caused by NewConnectionError)"),
    "http-port": spoken("ValueError: Port could not be cast to integer value as '@@'"),
    "http-nonnumeric": spoken("http.client.InvalidURL: nonnumeric port: '@@@h'"),
    "http-host-name": spoken('could not translate host name "@@@db-7" to address: Name or service not known'),
    "http-resolve": spoken("Failed to resolve '@@@db-7' ([Errno -2] Name or service not known)"),
    "http-parse": spoken("InvalidURL: Failed to parse: http://svc:@@/x@10.2.3.4"),
    # tokens cut, halved, new
    "jwt-middle-tail": around("claims eyJzdWIiOiJ4In0.@@", alnum(43)),
    "jwt-cut": around("token ends in In0.@@", alnum(43)),
    "jwt-path": around("/download/eyJhbGciOiJIUzI1NiJ9.eyJ4IjoxfQ.@@/det.onnx", alnum(43)),
    "jwt-newline": around("Bearer\n@@", alnum(43)),
    "paseto": around("v4.local.@@", alnum(80)),
    "macaroon": around("macaroon MDAxY2xvY2F0aW9u@@", alnum(80)),
    "secret-token": around("secret-token:@@", lambda m: m.word(10, LETTERS) + "%20" + m.word(8, LETTERS)),
    "langfuse": around("sk-lf-@@", uuid),
    "langsmith": around("lsv2_pt_@@_0123456789", hexed(32)),
    "fireworks": around("fw_@@", alnum(24)),
    "jina": around("jina_@@", alnum(48)),
    "brevo": around("xkeysib-@@-a1B2c3D4e5F6g7H8", hexed(64)),
    "render": around("rnd_@@", alnum(28)),
    "dynatrace": around("dt0c01.ST2EY72KQINMH574WMNVI7YN.@@", lambda m: m.upper(64)),
    "sourcegraph": around("sgp_local_@@", hexed(40)),
    "slack-d": around("d=xoxd-@@", alnum(60)),
    "discord-bot": around("MTA4NzY1NDMyMTA5ODc2NTQzMg.GabcDe.@@", alnum(38)),
    "cloudflare-ca": around("v1.0-a1b2c3d4-@@", hexed(60)),
    "gcp-service": around('"private_key_id": "x", "private_key": "MIIEvQ@@"', alnum(100)),
    # messengers and makers of China
    "wechat-session": around('{"session_key":"@@==","openid":"oX"}', alnum(22)),
    "wechat-aes": around("EncodingAESKey=@@", alnum(43)),
    "wechat-ticket": around("jsapi_ticket=@@", alnum(86)),
    "wechat-sign": around("<xml><appid>wx1</appid><sign>@@</sign></xml>", lambda m: m.hex(32).upper()),
    "wechat-token-conf": spoken("[wechat]\ntoken = @@\naes_key = y"),
    "wecom-upload": around("https://qyapi.weixin.qq.com/cgi-bin/webhook/upload_media?key=@@&type=file", uuid),
    "wecom-robot": around("企业微信机器人key：@@", uuid),
    "feishu-flow": around("https://www.feishu.cn/flow/api/trigger-webhook/@@", hexed(32)),
    "feishu-anycross": around("https://open.feishu.cn/anycross/trigger/callback/@@", alnum(28)),
    "feishu-user": around("Bearer u-@@", lambda m: m.word(24) + "." + m.word(20)),
    "feishu-encrypt": spoken("encrypt_key: @@"),
    "ding-robot": around("DINGTALK_ROBOT=@@", hexed(64)),
    "ding-json": spoken('{"appkey": "ding1", "appsecret": "@@"}'),
    "apprise-ding": around("dingtalk://@@/", hexed(64)),
    "apprise-telegram": around("tgram://123456789:AA@@/987", alnum(33)),
    "apprise-slack": around("slack://T1JJ3T3L2/A1BRTD4JD/@@/#face", alnum(24)),
    "apprise-feishu": around("feishu://@@/", uuid),
    "bark-own": around("http://bark.corp.cn:8080/@@/face/down", alnum(22)),
    "pushdeer": around("PDU1234T@@", alnum(32)),
    "wxpusher": around("AT_@@", alnum(32)),
    "qmsg": around("https://qmsg.zendee.cn/send/@@?msg=x", hexed(32)),
    "xizhi": around("https://xizhi.qqoq.net/XZ@@.send", hexed(32)),
    "jpush": around("jpush masterSecret @@", hexed(24)),
    "baidu-map": around("https://api.map.baidu.com/location/ip?ak=@@&coor=bd09ll", alnum(32)),
    "alipay-key": around("merchant_private_key: MIIEvAIBADAN@@", alnum(100)),
    # protocols as they are traced
    "resp": spoken("*2\r\n$4\r\nAUTH\r\n$7\r\n@@\r\n"),
    "resp-escaped": spoken('write(3, "*2\\r\\n$4\\r\\nAUTH\\r\\n$7\\r\\n@@\\r\\n", 27) = 27'),
    "redis-monitor": spoken('1700000000.123456 [0 127.0.0.1:51234] "AUTH" "@@"'),
    "redis-monitor-user": spoken('1700000000.123456 [0 127.0.0.1:51234] "HELLO" "3" "AUTH" "default" "@@"'),
    "redis-slowlog": spoken('4) 1) "CONFIG"\n   2) "SET"\n   3) "requirepass"\n   4) "@@"'),
    "strace-exec": spoken('execve("/usr/bin/mysql", ["mysql", "-uroot", "-p@@"], 0x7ffd5) = 0'),
    "strace-read": spoken('read(4, "DB_PASSWORD=@@\\n", 4096) = 20'),
    "strace-send": spoken('sendto(5, "user=svc&pw=@@", 18, 0, NULL, 0) = 18'),
    "tcpdump": traced,
    "mysql-master": spoken("CHANGE MASTER TO MASTER_USER='r', MASTER_PASSWORD='@@'"),
    "pg-subscription": spoken("CREATE SUBSCRIPTION s CONNECTION 'host=h user=u password=@@' PUBLICATION p"),
    "ldif": ldif,
    "smtp-login": encoded("334 UGFzc3dvcmQ6\n@@", "@@@@"),
    "pop": spoken("+OK\r\nUSER svc\r\n+OK\r\nPASS @@"),
    # what parsers and debuggers say
    "loguru": spoken("    connect(user, password)\n    │       │     └ '@@'\n    │       └ 'svc'"),
    "rich-locals": spoken("│ ╭──── locals ────╮ │\n│ │ password = '@@' │ │"),
    "rich-pw": spoken("│ │       pw = '@@' │ │"),
    "icecream": spoken("ic| password: '@@'"),
    "pysnooper": spoken("Modified var:.. pw = '@@'"),
    "pdb": spoken("(Pdb) p password\n'@@'"),
    "ipython": spoken("In [1]: password\nOut[1]: '@@'"),
    "gdb": spoken('(gdb) p password\n$1 = 0x5581 "@@"'),
    "pytest": spoken("    def login(password):\nE   assert '@@' == 'x'\npassword = '@@'"),
    "argparse": spoken("serve: error: argument --token: invalid int value: '@@'"),
    "click": spoken("Error: Invalid value for '--password': '@@' is too short."),
    "jsonschema": spoken(
        "'x' is too short\n\nFailed validating 'minLength' in schema['properties']['password']\n\n"
        "On instance['password']:\n    '@@'"
    ),
    "yaml-scan": spoken("  in \"c.yml\", line 3, column 1:\n    db_password @@\n    ^\ncould not find expected ':'"),
    "configparser": spoken("MissingSectionHeaderError: file: 'x', line: 1\n'DB_PASSWORD=@@\\n'"),
    "shell-x": spoken("++ export REDIS_AUTH=@@\n++ REDIS_AUTH=@@"),
    "shell-not-found": around("env.sh: line 3: @@: command not found"),
    "marshmallow": spoken("ValidationError: {'password': ['Shorter than 9.']} for {'password': '@@'}"),
    "go-bytes": each_joined("{User:svc Password:[@@]}", " "),
    "rust-bytes": each_joined("Config { password: [@@] }", ", "),
    "java-chars": each_joined("Credentials[user=svc, password=[@@]]", ", ", "c"),
    "journal-bytes": each_joined('"password": [@@]', ","),
    # command lines
    "p-dollar": around("mysql -u root -p$'@@' faces", two_words),
    "p-apart": around("mongosh -u svc -p '@@' 10.2.3.4", two_words),
    "p-login": around('docker login -u svc -p "@@" reg.cn', two_words),
    "password-dollar": around("serve --password $'@@' --port 80", two_words),
    "password-caret": around('serve --password ^"@@^" --port 80', two_words),
    "password-after-quotes": around("serve --name 'a b' --password='@@' --port 80", two_words),
    "words-mongo": as_list("mongod", "--auth", "--setParameter", "internalPassword=@@"),
    "words-equals": as_list("serve", "--db=postgres", "--set=db.password=@@"),
    "words-env": as_list("env", "API_TOKEN=@@", "serve"),
    "ssh-env": spoken("ssh h 'export TOKEN=@@ && serve'"),
    "powershell-sl": spoken("$cred = [PSCredential]::new('svc', ('@@' | ConvertTo-SecureString -AsPlainText))"),
    "batch-file": spoken('start "" serve.exe -user svc -pass @@'),
    "at-sign": spoken("serve --db svc/@@@h:1521/x"),
    "xargs": spoken("echo @@ | xargs -I{} mysql -p{} faces"),
    "envsubst": spoken("PASSWORD=@@ envsubst < c.tmpl"),
    "nohup": spoken("nohup python serve.py --wx_secret @@ > /dev/null 2>&1 &"),
    "su-c": spoken('su - svc -c "mysql -psvc -p@@"'),
    # in Chinese
    "zh-aligned": spoken("用户名：admin\n密  码：@@"),
    "zh-ideographic": spoken("密码\u3000：\u3000@@"),
    "zh-default-paren": spoken("管理员密码（默认）：@@"),
    "zh-respectively": spoken("账号密码分别是 admin 和 @@"),
    "zh-should-be": spoken("密码忘了，应该是 @@"),
    "zh-send": spoken("把口令 @@ 发给他"),
    "zh-colon-pair": spoken("账号:密码 = admin:@@"),
    "zh-key-paren": spoken("安全密钥（SecretKey） @@"),
    "zh-trad-code": around("提取碼：@@", low(4)),
    "zh-trad-verify": around("驗證碼為 @@", digits(6)),
    "zh-trad-grant": spoken("授權碼：@@"),
    "zh-trad-key": spoken("存取金鑰：@@"),
    "zh-company-code": around("【瑞安】您的验证码为@@，5分钟内有效", digits(6)),
    "zh-word-secret": spoken("通关密语：@@"),
    "zh-pinyin": spoken("zhanghao/mima: admin/@@"),
    "zh-pinyin-code": around("yanzhengma: @@", digits(6)),
    "zh-error-pw": spoken("鉴权失败：用户 admin 的口令“@@”不匹配"),
    "zh-table": spoken("设备\t账号\t密码\n球机\tadmin\t@@"),
    "zh-list": spoken("1. 账号：admin\n2. 密码：@@"),
    "zh-md": spoken("| 账号 | 密码 |\n| --- | --- |\n| admin | @@ |"),
    "zh-pin-digits": around("支付PIN：@@", digits(6)),
    "zh-key-multi": spoken("密钥：\n\n    @@"),
    # other languages
    "no": spoken("passord: @@"),
    "de-access": spoken("Zugangsdaten: svc / @@"),
    "fr-access": spoken("identifiants : svc / @@"),
    "es-access": spoken("credenciales: svc / @@"),
    "fr-key": spoken("clé d'API : @@"),
    "ru-pin": around("ПИН-код: @@", digits(6)),
    # model paths
    "path-dav": spoken("webdav://svc:@@@h/models/det.onnx"),
    "path-oss": around("oss://LTAI5tX:@@@face.oss-cn-beijing.aliyuncs.com/det.onnx", alnum(30)),
    "path-hf": around("hf://hf_@@@face/det/det.onnx", alnum(34)),
    "path-query": spoken("/models/det.onnx?token=@@"),
    "path-sshfs": spoken("sshfs#root:@@@10.2.3.4:/models"),
}


STREETS = ("科苑路", "望京街", "华强北路", "梧桐山道", "建国门外大街")
PROVINCES = of("粤沪京苏浙鲁川鄂", 1)


def zh_name(m: Making) -> str:
    return m.random.choice(["赵文渊", "钱思远", "孙立峰", "欧阳锋"])


def full_width(m: Making) -> str:
    return "".join(chr(ord(c) + 0xFEE0) for c in "139" + m.word(8, string.digits))


def two_groups(m: Making) -> str:
    """Long enough that no number of a machine is it by chance."""
    return f"{m.random.randint(2000, 8999)} {m.random.randint(1000, 9999)}"


def said_digits(m: Making) -> str:
    return "一三九" + m.word(8, "一二三四五六七八九")


EIGHTH_IDENTITIES: dict[str, Form] = {
    # numbers of people
    "id-json": around('{"idCard": "11010119900@@"}', digits(7)),
    "id-number": around('{"id_no": 1101011990030@@}', digits(5)),
    "id-file": around("/faces/110101199003@@.jpg", digits(6)),
    "id-permit": around("港澳通行证 H0@@", digits(8)),
    "id-passport": around("passport E@@", digits(8)),
    "id-company": around("统一社会信用代码 91110105MA01@@", U(6)),
    "bank-spaced": around("卡号 6222 0212 @@", two_groups),
    "bank-iban": around("DE89 3704 0044 @@ 00", two_groups),
    "bank-iban-run": around("DE8937040044@@", digits(10)),
    "phone-dots": around("139.@@", lambda m: two_groups(m).replace(" ", ".")),
    "phone-paren": around("(+86) 139 @@", two_groups),
    "phone-tel": around("tel:+86139@@", digits(8)),
    "phone-wechat": around("手机139@@微信同号", digits(8)),
    "phone-400": around("@@", lambda m: f"400-{m.word(3, string.digits)}-4567"),
    "phone-blank": around("0755-@@", two_groups),
    "phone-json": around('{"phone": 139@@}', digits(8)),
    "phone-full": around("电话 @@", full_width),
    "phone-said": around("电话 @@", said_digits),
    "phone-hk": around("+852 @@ 4567", lambda m: "9" + m.word(3, string.digits)),
    "plate-dot": around("@@·8K9X2", lambda m: PROVINCES(m) + m.word(1, "ABCDEFGH")),
    "plate-green": around("plate=京AD@@", digits(5)),
    "plate-said": around("车牌号：苏E@@", U(5)),
    "street": around("深圳市南山区@@15号", lambda m: m.random.choice(STREETS)),
    "street-said": around("地址：@@10号院3号楼", lambda m: m.random.choice(STREETS)),
    "staff": around("工号：A@@", digits(6)),
    "staff-en": around("employee_id=@@", digits(8)),
    "student": around("学号 2021@@", digits(6)),
    "name-field": around("姓名: @@", zh_name),
    "name-match": around("比对结果：@@ 0.93", zh_name),
    "name-file": around("/data/faces/@@.jpg", zh_name),
    "name-file-latin": around("/data/faces/@@_001.jpg", person),
    "name-person-id": around("person_id=@@", person),
    "wechat-openid": around("openid=oX@@", alnum(26)),
    "imsi": around("IMSI 46000@@", digits(10)),
    "iccid": around("ICCID 898600@@", digits(14)),
    "gps-dms": around('GPS 39°54\'27"N @@"E', lambda m: f"116°{m.random.randint(10, 59)}'{m.random.randint(10, 59)}"),
    "gps-array": around('"coordinates": [@@, 39.90923]', lambda m: f"116.{m.word(6, '123456789')}"),
    # homes and shares
    "win-docs-settings": around("C:\\Documents and Settings\\@@\\x", person),
    "win-domain-home": around("C:\\Users\\@@.CORP\\x", person),
    "win-profile": around("USERPROFILE=C:\\Users\\@@", person),
    "win-file-url": around("file:///C:/Users/@@/x", person),
    "win-zh-users": around("C:\\用户\\@@\\x", person),
    "win-long": around("\\\\?\\C:\\Users\\@@\\x", person),
    "win-wsl": around("//wsl$/Ubuntu/home/@@/x", person),
    "win-cygwin": around("/cygdrive/c/Users/@@/x", person),
    "win-git-bash": around("/c/Users/@@/x", person),
    "win-zh-folder": around("D:\\DATA\\@@的模型\\x", zh_name),
    "unc-hidden": around("\\\\nas\\home$\\@@\\x", person),
    "unc-domain": around("\\\\fs01.@@.local\\share", person),
    # hosts
    "known-hosts": around("@@.corp.cn,10.2.3.4 ssh-ed25519 AAAAC3NzaC1lZDI1NTE5", person),
    "known-hosts-port": around("[@@.cn]:2222 ssh-rsa AAAAB3NzaC1yc2E", person),
    "known-hosts-hashed": around("|1|@@=|abc= ssh-rsa AAAA", alnum(27)),
    "ssh-config": around("Host gpu\n  HostName @@.corp.cn\n  User root", person),
    "ssh-config-user": around("Host gpu\n  User @@", person),
    "ssh-jump": around("ProxyJump @@@bastion", person),
    "etc-hosts": around("10.2.3.4 @@ @@.corp.cn", person),
    "resolv": around("search @@.corp", person),
    "dig": around("@@.corp.cn. 300 IN A 10.2.3.4", person),
    "tailscale": around("100.101.1.2 @@ linux active", lambda m: person(m) + "-gpu"),
    "tailnet": around("@@.tail1234.ts.net", person),
    "mdns": around("@@.local", person),
    "ad": around("CN=@@,OU=Staff,DC=corp", person),
    "ldap-uid": around("uid=@@,ou=people", person),
    "kerberos": around("@@@CORP.CN", person),
    "mail-received": around("Received: from @@ (10.2.3.4)", lambda m: person(m) + "-mx"),
    "acs": around("acs:ram::@@:role/x", digits(16)),
    "azure-subscription": around("/subscriptions/@@/resourceGroups/x", uuid),
    "gcp-project": around("projects/@@-123456/locations/x", person),
    "gcp-mail": around("svc@@@.iam.gserviceaccount.com", lambda m: "@" + person(m)),
    "wandb-entity": around("https://wandb.ai/@@/face", person),
    "compose-label": around("com.docker.compose.project=@@", person),
    "co-author": around("Co-authored-by: @@ <x@y.cn>", person),
    "branch": around("On branch feature/@@-face", person),
    "v4-padded": around("@@", lambda m: ".".join(f"{m.random.randint(30, 99):03}" for _ in range(4))),
    "v4-flow": around("10.9.8.7:8080->@@:443", ip4),
    "v6-arpa": around("@@.ip6.arpa", lambda m: ".".join(m.hex(1) for _ in range(32))),
    "ec2-name": around("ec2-@@.compute-1.amazonaws.com", lambda m: ip4(m).replace(".", "-")),
    "disk-serial": around("ID_SERIAL_SHORT=@@", lambda m: "S4EVNX" + W(8)(m).upper()),
}
