"""Proxies and tunnels of this machine that pass on to a port of loopback, as their command lines and configurations say.

Python 3.8, standard library.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable, Iterator

from retina_doctor.hints import Any
from retina_doctor_checks.probes.service import look_sockets

CONFIGURED: dict[str, tuple[str, ...]] = {
    "nginx": ("/etc/nginx", "/usr/local/nginx/conf", "/opt/nginx/conf"),
    "openresty": ("/usr/local/openresty/nginx/conf", "/etc/openresty"),
    "haproxy": ("/etc/haproxy",),
    "caddy": ("/etc/caddy",),
    "traefik": ("/etc/traefik",),
    "envoy": ("/etc/envoy",),
    "apache2": ("/etc/apache2",),
    "httpd": ("/etc/httpd", "/usr/local/apache2/conf"),
    "lighttpd": ("/etc/lighttpd",),
    "cloudflared": ("/etc/cloudflared",),
    "frpc": ("/etc/frp",),
    "ngrok": (),
    "socat": (),
}
"""Program -> where its configuration is, if its command line does not say so."""
TO = (
    r"(?i)(?:127\.\d+\.\d+\.\d+|localhost|\[::1\]|0\.0\.0\.0|(?<![\w.\]])):{0}(?!\d)"
    r"|(?:port_value|local_?port)\s*[=:]\s*{0}(?!\d)"
)
"""As all of these but envoy and frp write it: an address, or none, and the port."""
NO_TARGET = re.compile(r"\s*(?:[#;]|(?:listen|bind|log)\b)")
"""A line that is a comment, or says where the proxy itself listens or writes its log."""
COMMENT = re.compile(r"\s#.*")
ENDINGS = ("", ".conf", ".cfg", ".yml", ".yaml", ".toml", ".ini", ".json", ".caddy", ".vhost", ".inc")
"""Of files that may be configuration: a log, or a program that lies beside one, is none."""
INCLUDES = re.compile(r"(?i)^\s*(?:include|import|directory|filename|path)")
"""A line that takes in other files: of nginx, Apache, lighttpd and frp, of Caddy, and of Traefik and Envoy."""
MOST_FILES, MOST_READ, MOST_DEEP = 200, 2**18, 4


def before(ports: Iterable[int]) -> list[dict[str, Any]]:
    """[{"pid", "command", "to", "file", "line"}] of those that pass on to one of these ports; file None: the command line."""
    own = look_sockets.link("/proc/self/ns/net")
    wanted = {port: re.compile(TO.format(port)) for port in ports}
    found = []
    for pid in look_sockets.processes() if wanted else ():
        folder = "/proc/%d" % pid
        # An update that was installed since has deleted the file.
        name = os.path.basename(look_sockets.link(folder + "/exe") or "").partition(" ")[0]
        if name not in CONFIGURED or look_sockets.link(folder + "/ns/net") != own:
            continue
        for port, sign in wanted.items():
            place = place_of(pid, name, sign)
            if place is not None:
                command = look_sockets.process(pid)["command"]
                found.append({"pid": pid, "command": command, "to": port, "file": place[0], "line": place[1]})
    return without_workers(found)


def without_workers(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    pids = {one["pid"] for one in found}
    return [one for one in found if not pids & set(look_sockets.ancestors(one["pid"]))]


def place_of(pid: int, name: str, sign: Any) -> tuple[str | None, int | None] | None:
    """(file, line) where the port is named; (None, None): on the command line."""
    # nginx writes a title over its words, one text with all of them in it.
    words = " ".join(look_sockets.command_words("/proc/%d" % pid)).split()
    if name == "ngrok":
        words = [":" + word if word.isdigit() else word for word in words]  # `ngrok http 8080`
    if any(sign.search(" " + word) for word in words[1:]):
        return None, None
    for file in files(pid, name, words):
        for number, line in enumerate(lines(file), 1):
            if not NO_TARGET.match(line) and sign.search(COMMENT.sub("", line)):
                return file, number
    return None


def files(pid: int, name: str, words: list[str]) -> list[str]:
    """Of its configuration: what its command line names, and the folder in which that is, if it takes in others; else where it
    usually is. Nothing of a process that sees another disk."""
    folder = "/proc/%d" % pid
    if look_sockets.link(folder + "/ns/mnt") != look_sockets.link("/proc/self/ns/mnt"):
        return []
    base = look_sockets.link(folder + "/cwd") or "/"
    named = [
        os.path.join(base, word.rpartition("=")[2]) for word in words[1:] if not word.startswith("-") or "=" in word
    ]
    named = [os.path.normpath(one) for one in named if os.path.isfile(one) and is_configuration(one)]
    found: list[str] = []
    for place in named or [os.path.join(base, one) for one in CONFIGURED[name]]:
        found += [place] if os.path.isfile(place) else below(place)
    for place in named:
        if any(INCLUDES.search(line) for line in lines(place)):
            found += [one for one in below(os.path.dirname(place), deep=2) if one not in found]
    return found[:MOST_FILES]


def below(folder: str, deep: int = MOST_DEEP) -> list[str]:
    found: list[str] = []
    for here, folders, names in os.walk(folder):
        if here[len(folder) :].count("/") >= deep or len(found) >= MOST_FILES:
            folders[:] = []
        # Debian's nginx and Apache keep what is not enabled beside what is.
        folders[:] = sorted(one for one in folders if not one.endswith("-available"))
        found += [os.path.join(here, one) for one in sorted(names) if is_configuration(one)]
    return found[:MOST_FILES]


def is_configuration(file: str) -> bool:
    return os.path.splitext(file)[1].lower() in ENDINGS


def lines(file: str) -> Iterator[str]:
    """Of a plain file; nothing of one that cannot be read, or is something else."""
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        return
    with os.fdopen(descriptor, "rb") as stream:
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            try:
                text = stream.read(MOST_READ).decode("utf-8", "replace")
            except OSError:
                return
            for line in text.splitlines():
                yield line
