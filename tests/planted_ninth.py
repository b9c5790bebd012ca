"""Forms of a ninth trial, of which the live report had left 11 and the support file none."""

from __future__ import annotations

from tests.planted import Form
from tests.planted_more import plainlive

NINTH_SECRETS: dict[str, Form] = {
    "redis-acl": plainlive("ACL SETUSER face on >@@ ~* +@all"),
    "redis-conf": plainlive("requirepass @@"),
    "redis-master": plainlive("masterauth @@"),
    "useradd": plainlive("useradd -m -p @@ face"),
    "fastapi-jwt": plainlive("jwt.encode(payload,'@@',algorithm='HS256')"),
    "jwt-decode": plainlive("jwt.decode(tok, key='@@')"),
    "query-sig": plainlive("GET /detect?appid=face&sign=@@ HTTP/1.1"),
    "onvif": plainlive("ONVIFCamera('192.168.1.64',80,'admin','@@')"),
    "vpn": plainlive("easyconnect -d vpn.corp -u face -p @@"),
    "zh-mm": plainlive("用户名admin mm=@@"),
    "en-key-eq": plainlive("KEY=@@"),
    "export-key": plainlive("export FACE_SERVICE_KEY=@@"),
    "psql-conninfo": plainlive(
        'psql: connection to server at "db" (10.0.0.4) failed with host=db user=face password=@@ dbname=faces'
    ),
    "mysql-config-editor": plainlive("mysql --login-path=x -uface -p@@ faces < dump.sql"),
    "rabbit": plainlive("rabbitmqctl add_user face @@"),
    "minio": plainlive("mc alias set local http://minio:9000 admin @@"),
    "htpasswd": plainlive("htpasswd -bc /etc/nginx/.htpasswd admin @@"),
    "net-use": plainlive("net use Z: \\\\nas\\models @@ /user:face"),
    "smbclient": plainlive("smbclient //nas/models -U face%@@"),
    "keytool": plainlive("keytool -list -keystore ks.jks -storepass @@"),
    "openssl-p12": plainlive("openssl pkcs12 -in a.p12 -password pass:@@"),
    "rar": plainlive("unrar x -p@@ models.rar"),
    "zipfile-py": plainlive("zipfile.ZipFile('m.zip').extractall(pwd=b'@@')"),
    "vault-kv": plainlive("vault kv put secret/face api=@@"),
    "gradio-list": plainlive("demo.launch(auth=[('admin','x'),('ops','@@')])"),
    "header-appcode": plainlive("Authorization: APPCODE @@"),
    "rtsp-underscore": plainlive("rtsp://192.168.1.64/user=admin_password=@@_channel=1_stream=0.sdp"),
    "smtp-log": plainlive("send: 'AUTH PLAIN @@\\r\\n'"),
    "nomachine": plainlive("xfreerdp /v:10.0.0.4 /u:face /p:@@"),
    "autodl2": plainlive("登录指令 ssh -p 12345 root@connect.westb.seetacloud.com\n密码\n@@"),
    "zh-tried": plainlive("试过 @@ 这个密码"),
    "en-creds": plainlive("creds: admin/@@"),
    "prompt-zh": plainlive("请输入密码: @@"),
    "pydantic-err": plainlive("db_password\n  too short [type=string_too_short, input_value='@@', input_type=str]"),
    "log-tuple": plainlive("('face', '@@', 'db', 3306) password rejected"),
    "snmpv3": plainlive("snmpwalk -v3 -u face -A @@ -X x 10.0.0.4"),
    "ipmi": plainlive("ipmitool -I lanplus -H 10.0.0.9 -U ADMIN -P @@ power status"),
    "kafka": plainlive('sasl.jaas.config=PlainLoginModule required username="face" password="@@";'),
    "es2": plainlive("http_auth=('elastic', '@@')"),
    "sentry": plainlive("SENTRY_DSN=https://@@@o1.ingest.sentry.io/1"),
    "cloud-init": plainlive("chpasswd:\n  list: |\n    root:@@"),
    "cron": plainlive("0 * * * * MYSQL_PWD=@@ /srv/backup.sh"),
    "squid": plainlive("cache_peer proxy parent 3128 0 login=face:@@"),
    "crypt-hash": plainlive("face:$6$abc$@@:19000:0:99999:7:::"),
    "plist": plainlive("<key>password</key><string>@@</string>"),
    "ps-cred": plainlive("New-Object PSCredential('face', (ConvertTo-SecureString \"@@\" -AsPlainText))"),
    "su-expect": plainlive('expect "Password:"; send "@@\\r"'),
}
