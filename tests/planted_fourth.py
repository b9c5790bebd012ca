"""Forms of the field's own services: clouds and model hubs in China and elsewhere, registries, trackers of experiments, chat
robots, databases, and the files and sentences in which operators of a GPU machine keep what lets them in."""

from __future__ import annotations

import base64
import json
import string
from collections.abc import Callable
from urllib.parse import quote

from tests.planted import Form, Making, around
from tests.planted_third import LOWER32, alnum, digits, hexed, low, of, uuid

Part = Callable[[Making], str]
UPPER = string.ascii_uppercase + string.digits


def small(length: int) -> Part:
    """A password of small letters: nothing but its place tells it."""
    return of(string.ascii_lowercase, length)


def spoken(text: str) -> Form:
    return around(text, small(9))


def upper(length: int) -> Part:
    return lambda m: m.upper(length)


def encoded(text: str, of_secret: str = "@@") -> Form:
    """*of_secret* in base64, where *text* has ``@@``."""

    def make(m: Making) -> tuple[str, str]:
        secret = base64.b64encode(of_secret.replace("@@", m.password()).encode()).decode()
        return text.replace("@@", secret), secret.rstrip("=")

    return make


def escaped(text: str) -> Form:
    """With signs that a URL must escape."""

    def make(m: Making) -> tuple[str, str]:
        secret = m.password()
        return text.replace("@@", quote(f"p#{secret}/!", safe="")), secret

    return make


def of_json(keys: str, part: Part = Making.password) -> Form:
    """``a.b.c`` -> {"a": {"b": {"c": secret}}}."""

    def make(m: Making) -> tuple[str, str]:
        secret = part(m)
        value: object = secret
        for key in reversed(keys.split(".")):
            value = {key: value}
        return json.dumps(value, ensure_ascii=False), secret

    return make


def openssh(m: Making) -> tuple[str, str]:
    lines = [m.word(70) for _ in range(5)]
    return "\n".join(["-----BEGIN OPENSSH PRIVATE KEY-----", *lines, "-----END OPENSSH PRIVATE KEY-----"]), lines[3]


def putty(m: Making) -> tuple[str, str]:
    secret = m.word(64)
    return (
        f"PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\nPrivate-Lines: 1\n{secret}\nPrivate-MAC: {m.hex(64)}",
        secret,
    )


def jwt_in(text: str) -> Form:
    def make(m: Making) -> tuple[str, str]:
        secret = m.word(43)
        body = base64.urlsafe_b64encode(json.dumps({"uid": 7, "exp": 1893456000}).encode()).decode().rstrip("=")
        return text.replace("@@", f"eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9.{body}.{secret}"), secret

    return make


FOURTH_SECRETS: dict[str, Form] = {
    # clouds
    "ali-id": around("AccessKeyId=LTAI5t@@", alnum(18)),
    "ali-secret": around("AccessKeySecret=@@", alnum(30)),
    "ali-env": around("ALIBABA_CLOUD_ACCESS_KEY_SECRET=@@", alnum(30)),
    "ali-cli": around("aliyun configure set --access-key-id LTAI5x --access-key-secret @@", alnum(30)),
    "ali-sts": around("STS.NU@@", alnum(22)),
    "ali-sts-token": around("SecurityToken=CAIS@@", alnum(300)),
    "ossutil": around("ossutil config -e oss-cn-beijing.aliyuncs.com -i LTAI5x -k @@", alnum(30)),
    "tencent-id": around("SecretId: AKID@@", alnum(32)),
    "tencent-key": around("SecretKey: @@", alnum(32)),
    "tencent-env": around("TENCENTCLOUD_SECRET_KEY=@@", alnum(32)),
    "coscmd": around("coscmd config -a AKIDx -s @@ -b face-125", alnum(32)),
    "tencent-tmp": around("x-cos-security-token=@@", alnum(120)),
    "huawei-ak": around("HUAWEICLOUD_SDK_AK=@@", upper(20)),
    "huawei-sk": around("HUAWEICLOUD_SDK_SK=@@", alnum(40)),
    "obsutil": around("obsutil config -i=AKX -k=@@ -e=obs.cn-north-4.myhuaweicloud.com", alnum(40)),
    "baidu-key": around("bce-v3/ALTAK-a1/@@", hexed(40)),
    "baidu-ak": around(
        "https://aip.baidubce.com/oauth/2.0/token?grant_type=client_credentials"
        "&client_id=a&client_secret=@@",
        alnum(32),
    ),
    "baidu-token": around(
        "https://aip.baidubce.com/rest/2.0/face/v3/detect"
        "?access_token=24.@@.2592000.1700000000.282335-1",
        hexed(32),
    ),
    "volc-sk": around("VOLC_SECRETKEY=@@==", alnum(58)),
    "volc-ark": around("ARK_API_KEY=@@", uuid),
    "volc-word": around("volcengine ark key is @@", uuid),
    "modelarts": around("X-Auth-Token: MIIF@@", alnum(200)),
    "autodl": around("ssh -p 30127 root@region-9.autodl.pro password: @@", alnum(12)),
    "autodl-token": jwt_in("AutoDL token @@"),
    "gpushare": around("恒源云 登录密码 @@", alnum(10)),
    "siliconflow": around("SILICONFLOW_API_KEY=sk-@@", low(48)),
    "zhipu-key": around("zhipuai.api_key = '@@.Xb7Qk2mNp4Rt6Vw8'", hexed(32)),
    "stepfun": around("STEP_API_KEY @@", alnum(64)),
    "azure-storage": around("AccountName=facestore;AccountKey=@@==;EndpointSuffix=core.windows.net", alnum(86)),
    "azure-sas": around(
        "https://face.blob.core.windows.net/m/det.onnx?sv=2022-11-02"
        "&se=2030-01-01&sr=b&sp=r&sig=@@%3D",
        alnum(43),
    ),
    "azure-sas-env": around("AZURE_STORAGE_SAS_TOKEN=sv=2022-11-02&ss=b&sig=@@%3D", alnum(43)),
    "azure-face": around("Ocp-Apim-Subscription-Key: @@", hexed(32)),
    "azure-client": around("AZURE_CLIENT_SECRET=xYz8Q~@@", alnum(34)),
    "gcp-json": of_json("private_key_id", hexed(40)),
    "gcp-hmac": around("GOOG1E@@", upper(55)),
    "aws-token": around("AWS_SESSION_TOKEN=IQoJb3JpZ2luX2Vj@@", alnum(300)),
    "aws-profile": around("aws configure set aws_secret_access_key @@", alnum(40)),
    # hubs, trackers, registries
    "hf-env": around("HUGGING_FACE_HUB_TOKEN=hf_@@", alnum(34)),
    "hf-login": around("huggingface-cli login --token hf_@@", alnum(34)),
    "hf-url": around("https://user:hf_@@@huggingface.co/face/det", alnum(34)),
    "hf-header": around("{'authorization': 'Bearer hf_@@', 'user-agent': 'x'}", alnum(34)),
    "wandb-env": around("WANDB_API_KEY=@@", hexed(40)),
    "wandb-netrc": around("machine api.wandb.ai\n  login user\n  password @@", hexed(40)),
    "wandb-new": around("wandb: wandb_v1_@@", alnum(70)),
    "kaggle-json": around('{"username":"face","key":"@@"}', hexed(32)),
    "kaggle-env": around("KAGGLE_KEY=@@", hexed(32)),
    "kaggle-new": around("KGAT_@@", hexed(32)),
    "ngc-key": around("ngc config set --api-key nvapi-@@", alnum(64)),
    "ngc-login": around("docker login nvcr.io -u $oauthtoken -p @@", alnum(84)),
    "ngc-old": around("NGC_API_KEY=@@", low(84)),
    "ngrok-yml": around("authtoken: 2aB@@", alnum(45)),
    "ngrok-bare": around("ngrok config add-authtoken 2aB@@", alnum(45)),
    "modelscope-login": around("modelscope login --token ms-@@", uuid),
    "modelscope-git": around("https://oauth2:@@@www.modelscope.cn/face/det.git", alnum(20)),
    "comet": around("COMET_API_KEY=@@", alnum(25)),
    "neptune": encoded("NEPTUNE_API_TOKEN=@@", '{"api_address":"https://x","api_key":"@@"}'),
    "clearml": around("api { credentials { access_key: A1 secret_key: @@ } }", alnum(50)),
    "mlflow": around("MLFLOW_TRACKING_PASSWORD=@@"),
    "swanlab": around("swanlab login -k @@", alnum(21)),
    "dvc": around("dvc remote modify --local s3 secret_access_key @@", alnum(40)),
    "gitee": around("https://gitee.com/api/v5/user?access_token=@@", hexed(32)),
    "codeup": around("pt-@@_a1b2c3d4-e5f6-7890-abcd-ef1234567890", alnum(24)),
    "coding": around("https://pt1:@@@e.coding.net/face/det.git", hexed(40)),
    "docker-auth": encoded('{"auths": {"nvcr.io": {"auth": "@@"}}}', "$oauthtoken:@@"),
    "docker-index": encoded('{"auths":{"https://index.docker.io/v1/":{"username":"face","auth":"@@"}}}', "face:@@"),
    "harbor-robot": around("robot$face+ci:@@", alnum(32)),
    "harbor-plain": around("docker login harbor.corp.cn -u robot$face -p @@", alnum(32)),
    "acr": around("docker login --username=face@1234 registry.cn-hangzhou.aliyuncs.com --password=@@"),
    "pypirc-token": around("[pypi]\nusername = __token__\npassword = pypi-AgEIcHlwaS5vcmc@@", alnum(120)),
    "pip-conf": around("[global]\nindex-url = https://ci:@@@nexus.corp.cn/repository/pypi/simple"),
    "pip-arg": around("pip install --index-url https://ci:@@@pypi.corp.cn/simple onnxruntime-gpu"),
    "uv-index": around("UV_INDEX_CORP_PASSWORD=@@"),
    "nexus-escaped": escaped("https://ci:@@@nexus.corp.cn/simple"),
    # machines
    "kube-token": jwt_in("users:\n- name: sa\n  user:\n    token: @@"),
    "kube-cert": encoded("client-key-data: @@", "-----BEGIN RSA PRIVATE KEY-----\n@@"),
    "kube-basic": around("users:\n- user:\n    username: admin\n    password: @@"),
    "kube-cmd": jwt_in("kubectl --server=https://10.2.3.4 --token=@@ get pods"),
    "kube-join": around("kubeadm join 10.2.3.4:6443 --token abcdef.@@ --discovery-token-ca-cert-hash sha256:1", low(16)),
    "k3s": around("K3S_TOKEN=K10@@::server:x", hexed(64)),
    "swarm": around("docker swarm join --token SWMTKN-1-@@-x 10.2.3.4:2377", low(50)),
    "openssh-key": openssh,
    "putty-key": putty,
    "ssh-agent-line": around("b3BlbnNzaC1rZXktdjEAAAAABG5vbmU@@", alnum(44)),
    "munge": encoded("munge key: @@", "@@@@"),
    "slurm-jwt": jwt_in("SLURM_JWT=@@"),
    "jupyter": around("http://127.0.0.1:8888/lab?token=@@", hexed(48)),
    "jupyter-cmd": around("jupyter lab --ip=0.0.0.0 --NotebookApp.token=@@"),
    "jupyter-hash": around("c.ServerApp.password = 'argon2:$argon2id$v=19$m=10240,t=10,p=8$@@'", alnum(22)),
    "code-server": around("hashed-password: \"$argon2i$v=19$m=4096,t=3,p=1$@@\"", alnum(43)),
    "vnc": spoken("x11vnc -passwd @@ -display :0"),
    "frp": spoken("[common]\nserver_addr = 1.2.3.4\ntoken = @@"),
    "frp-toml": spoken('auth.token = "@@"'),
    "tailscale-up": around("tailscale up --authkey tskey-auth-k1-@@", alnum(32)),
    "zerotier": around("X-ZT1-Auth: @@", low(24)),
    "luks": spoken("echo -n @@ | cryptsetup luksOpen /dev/sdb1 models"),
    "ipmi": spoken("ipmitool -I lanplus -H 10.2.3.4 -U admin -P @@ power status"),
    "smb-opts": spoken("mount -t cifs //nas/m /mnt -o username=face,password=@@"),
    "lftp-user": spoken("lftp -u face,@@ sftp://10.2.3.4"),
    "ftp-url": escaped("ftp://face:@@@10.2.3.4/models/det.onnx"),
    "rsync-env": spoken("RSYNC_PASSWORD=@@ rsync -a models/ face@10.2.3.4::m"),
    "sshpass-env": spoken("SSHPASS=@@ sshpass -e ssh face@10.2.3.4"),
    "expect": spoken('expect -c "spawn ssh root@10.2.3.4; expect password:; send @@\\r"'),
    # databases and queues
    "jdbc-sqlserver": around("jdbc:sqlserver://10.2.3.4:1433;databaseName=face;user=sa;password=@@;encrypt=true"),
    "jdbc-pg": around("jdbc:postgresql://10.2.3.4/face?user=svc&password=@@&ssl=true"),
    "redis-user": around("redis://default:@@@10.2.3.4:6379/0"),
    "rediss-bare": spoken("rediss://:@@@cache.corp.cn:6380"),
    "redis-uri-flag": spoken("redis-cli -u redis://default:@@@10.2.3.4:6379"),
    "redis-conf": spoken("requirepass @@"),
    "redis-auth": spoken("redis> AUTH @@"),
    "redis-acl": spoken("user svc on >@@ ~* +@all"),
    "sentinel": spoken("sentinel auth-pass mymaster @@"),
    "mongo-srv": escaped("mongodb+srv://svc:@@@c0.abcde.mongodb.net/face"),
    "mongo-list": around("mongodb://svc:@@@10.2.3.4:27017,10.2.3.5:27017/face?replicaSet=r"),
    "amqp-vhost": around("amqp://svc:@@@mq.corp.cn:5672/%2Fface"),
    "celery": around("broker_url='pyamqp://svc:@@@10.2.3.4//'"),
    "kafka": around('sasl.jaas.config=PlainLoginModule required username="svc" password="@@";'),
    "kafka-py": spoken("sasl_plain_username='svc', sasl_plain_password='@@'"),
    "mysql-py": spoken("pymysql.connect(host='10.2.3.4', user='svc', password='@@')"),
    "mysql-denied": spoken("mysql: [Warning] user=svc passwd=@@"),
    "psycopg": around("dbname=face user=svc password='@@' host=10.2.3.4"),
    "sqlalchemy": escaped("sqlalchemy.url = mysql+pymysql://svc:@@@10.2.3.4/face?charset=utf8mb4"),
    "minio-env": around("MINIO_ROOT_PASSWORD=@@"),
    "minio-url": around("MC_HOST_face=http://admin:@@@10.2.3.4:9000"),
    "milvus": spoken("connections.connect(uri='http://10.2.3.4:19530', token='root:@@')"),
    "qdrant": around("QDRANT__SERVICE__API_KEY=@@", alnum(32)),
    "es": around("curl -u elastic:@@ https://10.2.3.4:9200"),
    "influx": around("INFLUX_TOKEN=@@==", alnum(86)),
    "nacos": spoken("spring.cloud.nacos.password=@@"),
    "etcd": spoken("etcdctl --user root:@@ get /face"),
    "dsn-yaml": around("dsn: svc:@@@tcp(10.2.3.4:3306)/face?parseTime=true"),
    "go-dsn": around('sql.Open("mysql", "svc:@@@tcp(10.2.3.4:3306)/face")'),
    "sqlite-key": spoken("PRAGMA key = '@@'"),
    # what comes over the net
    "basic-lower": encoded("authorization: basic @@", "face:@@"),
    "basic-json": encoded('{"headers": {"Authorization": "Basic @@"}}', "face:@@"),
    "basic-realm": encoded("> Authorization: Basic @@\n> Host: 10.2.3.4", "face:@@"),
    "digest-full": around(
        'Authorization: Digest username="face", realm="cam", nonce="a1", uri="/onvif", response="@@",'
        ' opaque="x"',
        hexed(32),
    ),
    "wsse": encoded("<wsse:Password Type='x#PasswordDigest'>@@</wsse:Password>"),
    "cookie-jwt": jwt_in("Cookie: lang=zh; access_token=@@; theme=dark"),
    "cookie-django": around("Set-Cookie: csrftoken=@@; expires=Mon", alnum(32)),
    "cookie-flask": around("Set-Cookie: session=eyJfZnJlc2giOmZhbHNlfQ.@@; HttpOnly", alnum(33)),
    "cookie-py": around("cookies={'sessionid': '@@', 'lang': 'zh'}", low(32)),
    "cookie-jar": around(".corp.cn\tTRUE\t/\tFALSE\t1893456000\tsessionid\t@@", low(32)),
    "bearer-log": jwt_in("WARNING auth failed for Bearer @@"),
    "refresh": around('{"token_type":"bearer","refresh_token":"@@","expires_in":7200}', alnum(64)),
    "oauth-code": around("GET /callback?code=@@&state=xyz HTTP/1.1", alnum(43)),
    "id-token": jwt_in("#id_token=@@&state=1"),
    "x-sign": around("X-Signature: t=1700000000,v1=@@", hexed(64)),
    "ca-sign": encoded("X-Ca-Signature: @@", "@@@@@@"),
    "acs3": around("Authorization: ACS3-HMAC-SHA256 Credential=LTAI5x,SignedHeaders=host,Signature=@@", hexed(64)),
    "tc3": around(
        "Authorization: TC3-HMAC-SHA256 Credential=AKIDx/2024-01-01/iai/tc3_request, SignedHeaders=host,"
        " Signature=@@",
        hexed(64),
    ),
    "oss-sign": encoded("Authorization: OSS LTAI5x:@@", "@@@@@@"),
    "feishu-bot": around("https://open.feishu.cn/open-apis/bot/v2/hook/@@", uuid),
    "feishu-old": around("https://open.feishu.cn/open-apis/bot/hook/@@", hexed(32)),
    "feishu-app": around("FEISHU_APP_SECRET=@@", alnum(32)),
    "feishu-tenant": around("tenant_access_token: t-g1044@@", upper(40)),
    "lark": around("https://open.larksuite.com/open-apis/bot/v2/hook/@@", uuid),
    "ding-url": around("https://oapi.dingtalk.com/robot/send?access_token=@@&timestamp=1700000000000&sign=x", hexed(64)),
    "ding-sign": escaped("https://oapi.dingtalk.com/robot/send?access_token=a1&timestamp=1&sign=@@"),
    "ding-secret": around("钉钉加签 SEC@@", hexed(64)),
    "wecom-key": around("https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=@@", uuid),
    "wecom-corp": around("https://qyapi.weixin.qq.com/cgi-bin/gettoken?corpid=ww1&corpsecret=@@", alnum(43)),
    "wx-token": around("https://api.weixin.qq.com/cgi-bin/message?access_token=57_@@", alnum(100)),
    "wx-pay": around("微信支付APIv3密钥: @@", alnum(32)),
    "ali-pay": around("alipay app_private_key=MIIEvQ@@", alnum(100)),
    "serverchan3": around("https://1234.push.ft07.com/send/sctp1234t@@.send", low(24)),
    "gotify": around("https://push.corp.cn/message?token=A@@", alnum(14)),
    "ntfy": around("curl -H 'Authorization: Bearer tk_@@' https://ntfy.corp.cn/gpu", low(29)),
    "onvif": spoken("rtsp://admin:@@@192.168.1.64:554/Streaming/Channels/101"),
    "rtsp-digits": around("rtsp://admin:a@@@192.168.1.64/h264", digits(8)),
    "rtsp-query": spoken("rtsp://192.168.1.64/user=admin&password=@@&channel=1&stream=0.sdp"),
    "rtmp": around("rtmp://push.corp.cn/live/cam1?txSecret=@@&txTime=5F", hexed(32)),
    "cdn-sign": around("https://cdn.corp.cn/det.onnx?sign=@@&t=65f", hexed(32)),
    "cdn-auth": around("https://cdn.corp.cn/det.onnx?auth_key=1700000000-a1-0-@@", hexed(32)),
    "r2": around("https://x.r2.cloudflarestorage.com/det.onnx?X-Amz-Security-Token=@@", alnum(100)),
    "baidu-pan": around("链接: https://pan.baidu.com/s/1abcDEF 提取码: @@", low(4)),
    "baidu-pan-url": around("https://pan.baidu.com/s/1abcDEF?pwd=@@", low(4)),
    "gdrive": around("https://drive.usercontent.google.com/download?id=1a&resourcekey=0-@@", alnum(22)),
    # in Chinese
    "zh-oper": spoken("运维说服务器密码是@@"),
    "zh-default": spoken("默认口令为 @@，上线前请修改"),
    "zh-quote": spoken("密码为『@@』"),
    "zh-arrow": spoken("密码→@@"),
    "zh-newline": spoken("密码：\n@@"),
    "zh-key-pair": around("访问密钥ID：LTAI5x 访问密钥：@@", alnum(30)),
    "zh-api": around("接口令牌【@@】已过期", alnum(32)),
    "zh-license": around("授权码为 @@ ，有效期一年", lambda m: "-".join(m.upper(5) for _ in range(4))),
    "zh-license-2": around("激活码：@@", lambda m: "-".join(m.upper(5) for _ in range(4))),
    "zh-camera": spoken("摄像头账号admin密码@@无法连接"),
    "zh-vpn": spoken("VPN 用户名 face 密码 @@"),
    "zh-mixed": spoken("password（密码）：@@"),
    "zh-login": spoken("用 root/@@ 登录，密码不要外传"),
    "zh-passphrase": spoken("私钥口令：@@"),
    "zh-totp": around("动态口令 @@", digits(6)),
    "zh-token-said": around("token 是 @@，别提交到仓库", alnum(32)),
    "zh-private": around("私钥内容为：@@", alnum(64)),
    "zh-base32": around("谷歌验证器密钥 @@", of(LOWER32, 16)),
}  # fmt: skip
