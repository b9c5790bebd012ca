"""Forms of secrets in addresses with odd slashes, in command lines that stand as lists, of cameras, and in Pinyin."""

from __future__ import annotations

from tests.planted import Form, Making, around
from tests.planted_more import H, W, lower, plainlive


def uuid(m: Making) -> str:
    return "-".join(m.hex(length) for length in (8, 4, 4, 4, 12))


FIFTH_SECRETS: dict[str, Form] = {
    "slashes-turned": around("https:\\\\svc:@@@cdn.corp\\x"),
    "slashes-three": around("http:///svc:@@@cdn.corp/x"),
    "slashes-escaped": around('"url": "https:\\/\\/svc:@@@cdn.corp\\/x"'),
    "slashes-twice-escaped": around('"https:\\\\/\\\\/svc:@@@cdn.corp\\\\/x"'),
    "slashes-without-scheme": around("//svc:@@@cdn.corp/x"),
    "list-curl": plainlive('test: ["CMD", "curl", "-u", "admin:@@", "http://localhost"]'),
    "list-redis": plainlive('["CMD","redis-cli","-a","@@","ping"]'),
    "list-mysql": around("test: ['CMD', 'mysqladmin', 'ping', '-p@@']"),
    "list-flag": plainlive('command: ["--requirepass", "@@", "--port", "6379"]'),
    "list-escaped": plainlive('["sh", "-c", "echo \\"x\\"", "serve", "-a", "@@"]'),
    "list-python": plainlive("args=['serve', '--admin-pw', '@@']"),
    "list-yaml": plainlive("args:\n  - --requirepass\n  - @@\n  - --port"),
    "camera-dahua": plainlive("http://192.168.1.108/cgi-bin/snapshot.cgi?loginuse=admin&loginpas=@@"),
    "camera-userpwd": plainlive("http://192.168.1.9/snap.jpg?usr=admin&userpwd=@@"),
    "pinyin": plainlive("mima=@@"),
    "pinyin-colon": plainlive("db_mima: @@"),
    "pinyin-key": plainlive("miyao: @@"),
    "ark": around("ARK_API_KEY=@@", uuid),
    "swanlab": around("swanlab login -k @@", W(21)),
    "iyuu": around("https://iyuu.cn/IYUU1T@@.send", H(40)),
    "openxlab": around("openxlab login --ak a1b2 --sk @@", lower(31)),
}
