"""Looks at the service's port: who listens there, could it be bound, what answers. Contacts this machine alone."""

from __future__ import annotations

import base64
import os
import socket
import time
from urllib.parse import urlsplit

from retina_doctor.hints import Any
from retina_doctor_checks.probes.service import (
    binding,
    crew,
    look_answers,
    look_endpoint,
    look_load,
    look_reach,
    look_sockets,
    passing,
    proxies,
)

DETECT = "/detect"
HOSTS_FILE = "/etc/hosts"
UNCONNECTED = ("refused", "unreachable", "timed-out")


def look(probe: Any, arguments: dict[str, Any]) -> None:
    started = time.monotonic()
    probe.tell(uid=os.getuid() if hasattr(os, "getuid") else -1, first_unprivileged_port=first_unprivileged_port())
    probe.stage("resolving names")
    url = parsed(arguments["url"]) if arguments["url"] else None
    wanted = binding.intended(arguments["host"], arguments["port"])
    ports = {place["port"] for place in (url, wanted) if place and place["port"]}
    table = look_sockets.rows()
    listening = None if table is None else [r for r in table if r["state"] == "LISTEN" and r["port"] in ports]
    if wanted:
        probe.stage("binding %s" % wanted["host"])
        try_bind(wanted, listening or [])
        if wanted["error"] == "EADDRINUSE" and listening is not None and not wanted["conflicts"]:
            # Nobody listens: an outgoing connection's own port, or the last connections of a server that has ended.
            others = [r for r in table or [] if r["port"] == wanted["port"] and r["state"] != "LISTEN"]
            wanted["conflicts"] = list(range(len(listening), len(listening) + len(others[:20])))
            listening += others[:20]
    probe.stage("reading who holds the port")
    probe.tell(bind=wanted, sockets=None if listening is None else described(listening))
    process, its = service_process(arguments["pid"]) if arguments["pid"] else (None, [])
    probe.tell(process=process, reached=[], ephemeral=ephemeral_ports())
    before = crew.of(listening or its)
    probe.stage("asking the port")
    patience = arguments.get("patience", look_answers.PATIENCE)
    watch = watching(url, process, its, listening or [])
    with watch:
        address, asked = answered(url, patience)
    probe.tell(passed_to=sorted(watch.reached()))
    probe.tell(answer=answer_of(wanted, listening or [], patience), url=asked, detection=None, load=None)
    probe.tell(crew=None, several=None)
    around(probe, process, asked, listening or [], patience)
    if address and url:
        probe.tell(several=crew.several(listening or [], address, url["port"], patience))
    if address and url and arguments.get("picture") and asked and asked["problem"] is None:
        again = watching(url, process, its, listening or [])
        with again:
            told = posted(probe, arguments, url, address, started)
        probe.tell(detection=told, passed_to=sorted(watch.reached() | again.reached()))
        load(probe, arguments, url, address, started, told)
    probe.tell(crew=crew.told(before, crew.of(listening or its)) if before else None)


def around(
    probe: Any, process: dict[str, Any] | None, asked: dict[str, Any] | None, listening: list[Any], patience: float
) -> None:
    """What stands before those ports that only loopback reaches, and whether the others are reached."""
    its = (process and process["sockets"]) or []
    inside = [*listening, *its]
    probe.tell(proxies=proxies.before({r["port"] for r in inside if r["state"] == "LISTEN" and r["loopback"]}))
    running = [r for r in listening if asked and asked["local"] and r["port"] == asked["port"]]
    if process and process["same_network"]:
        running += its
    probe.tell(reached=look_reach.reached(running, time.monotonic() + patience))


def first_unprivileged_port() -> int | None:
    try:
        with open("/proc/sys/net/ipv4/ip_unprivileged_port_start") as file:
            return int(file.read())
    except (OSError, ValueError):
        return None


def ephemeral_ports() -> list[int] | None:
    """[first, last] of the ports that the system gives to outgoing connections."""
    try:
        with open("/proc/sys/net/ipv4/ip_local_port_range") as file:
            return [int(word) for word in file.read().split()[:2]]
    except (OSError, ValueError):
        return None


def resolved_here(host: str) -> list[Any]:
    """[(family, address)] as far as this machine can tell by itself: no name server learns whose service is looked at."""
    names = {host.lower(), host.lower().rstrip(".")}
    numbers = [host] + [number for number, given in hosts_file() if names & set(given)]
    if names & {"localhost"}:
        numbers += ["127.0.0.1", "::1"]
    found = []
    for number in numbers:
        try:
            told = socket.getaddrinfo(number, None, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
        except (OSError, UnicodeError):
            continue
        found += [(family, address[0]) for family, _, _, _, address in told if (family, address[0]) not in found]
    if not found and host.lower() == socket.gethostname().lower():
        return list(binding.resolved(host)[0])
    return found


def hosts_file() -> list[tuple[str, list[str]]]:
    """(address, its names) of /etc/hosts."""
    try:
        with open(HOSTS_FILE, encoding="utf-8", errors="replace") as file:
            lines = [line.partition("#")[0].lower().split() for line in file]
    except OSError:
        return []
    return [(words[0], words[1:]) for words in lines if words]


def try_bind(wanted: dict[str, Any], listening: list[Any]) -> None:
    """Bind and listen as a server does, unless somebody is known to be in the way; closed at once."""
    families = binding.here(wanted, wanted.pop("families"))
    if wanted["error"]:
        return
    in_the_way = [
        i for i, r in enumerate(listening) if r["port"] == wanted["port"] and any(clash(r, f) for f in families)
    ]
    undecided = [i for i in in_the_way if not any(clash(listening[i], f, True) for f in families)]
    if in_the_way and len(undecided) < len(in_the_way):
        wanted["conflicts"] = in_the_way
        return
    wanted["tried"] = True
    for family, address in families:
        wanted["error"], wanted["words"] = binding.bind(family, address, wanted["port"] or 0)
        if wanted["error"]:
            break
    if wanted["error"] == "EADDRINUSE":
        wanted["conflicts"] = undecided


def clash(listener: dict[str, Any], wanted: tuple[Any, ...], surely: bool = False) -> bool:
    """Whether a listener is in the way of a bind. Of [::] one cannot see whether it takes IPv4, too (IPV6_V6ONLY)."""
    family, address = wanted
    same = listener["family"] == ("ipv4" if family == socket.AF_INET else "ipv6")
    if same:
        return listener["wildcard"] or look_sockets.is_wildcard(address) or listener["address"] == address
    either = listener["wildcard"] if family == socket.AF_INET else look_sockets.is_wildcard(address)
    return either and not surely


def described(found: list[Any]) -> list[Any]:
    """Socket rows with their holders in place of uid and inode."""
    held = look_sockets.holders({r["inode"] for r in found if r["inode"]}) if found else {}
    return [with_holder(r, look_sockets.holder(held.get(r["inode"], []))) for r in found]


def with_holder(row: dict[str, Any], holder: dict[str, Any] | None) -> dict[str, Any]:
    kept = {key: value for key, value in row.items() if key not in ("uid", "inode")}
    # A socket that no process has any more (TIME_WAIT) bears uid 0, which says nothing.
    return dict(kept, user=look_sockets.user_name(row["uid"]) if row["inode"] else None, holder=holder)


def service_process(pid: int) -> tuple[dict[str, Any], list[Any]]:
    """What is told of it, and the rows of its listening sockets."""
    net = "/proc/%d/net" % pid
    about = look_sockets.process(pid)
    alive = look_sockets.alive(pid)
    told = {"pid": pid, "alive": alive, "command": about["command"], "user": about["user"] if alive else None}
    own, its = look_sockets.link("/proc/self/ns/net"), look_sockets.link("/proc/%d/ns/net" % pid)
    told["same_network"] = own == its if own and its else None
    family = [pid] + [one for one in look_sockets.processes() if pid in look_sockets.ancestors(one)]
    inodes = look_sockets.sockets_of(pid) if alive else None
    table = look_sockets.rows(net) if alive else None
    if inodes is None or table is None:
        return dict(told, sockets=None, unix_sockets=None), []
    for child in family[1:]:
        inodes |= look_sockets.sockets_of(child) or set()
    found = [r for r in table if r["state"] == "LISTEN" and r["inode"] in inodes]
    told = dict(told, sockets=described(found), unix_sockets=len(look_sockets.listening_unix(inodes, net)))
    return told, found


def answer_of(wanted: dict[str, Any] | None, listening: list[Any], patience: float) -> dict[str, Any] | None:
    """What the listener in the way of the intended bind answers; None without one."""
    rows = [listening[i] for i in wanted["conflicts"] if listening[i]["state"] == "LISTEN"] if wanted else []
    if not rows or not wanted:
        return None
    address = rows[0]["address"]
    if rows[0]["wildcard"]:
        address = "127.0.0.1" if rows[0]["family"] == "ipv4" else "::1"
    return look_answers.ask(address, wanted["port"], DETECT, time.monotonic() + patience)


def parsed(text: str) -> dict[str, Any]:
    """The parts of a URL as its user meant it, and what is wrong with it as it stands."""
    url: dict[str, Any] = {
        "text": text,
        "scheme": None,
        "host": None,
        "port": None,
        "problem": None,
        "path": DETECT,
        "path_named": False,
    }
    if "://" not in text:
        url["problem"] = "no-scheme"
        text = "http://" + text
    try:
        parts = urlsplit(text.strip())
        url["scheme"], url["host"] = parts.scheme.lower(), parts.hostname
        url["port"] = parts.port if parts.port is not None else {"http": 80, "https": 443}.get(url["scheme"])
    except ValueError:
        return dict(url, problem="port")
    if url["scheme"] not in ("http", "https"):
        url["problem"] = "scheme"
    elif not url["host"]:
        url["problem"] = "no-host"
    if parts.path not in ("", "/"):
        url["path"], url["path_named"] = parts.path + ("?" + parts.query if parts.query else ""), True
    return url


def answered(url: dict[str, Any] | None, patience: float) -> tuple[Any, ...]:
    """(address that is this machine's and can be connected to, the URL's facts with what it answers to a GET)."""
    if url is None:
        return None, None
    families = resolved_here(url["host"]) if url["host"] else []
    loopback = bool(families) and all(look_sockets.is_loopback(address) for _, address in families)
    own = [address for family, address in families if binding.bind(family, address, 0)[0] is None]
    told = dict(url, loopback=loopback, local=bool(own) if families else None, answer=None, tls=None)
    path = told.pop("path")
    if not own or not url["port"]:
        return None, told
    deadline = time.monotonic() + patience  # of all addresses together
    tries = [(address, look_answers.ask(address, url["port"], path, deadline)) for address in own]
    address, told["answer"] = next((t for t in tries if t[1]["kind"] not in ("refused", "unreachable")), tries[0])
    if told["answer"]["kind"] in ("closed", "other"):
        told["tls"] = look_answers.understands_tls(address, url["port"], deadline)
    return (address if told["answer"]["kind"] not in UNCONNECTED else None), told


def watching(
    url: dict[str, Any] | None, process: dict[str, Any] | None, its: list[Any], listening: list[Any]
) -> passing.Onlooker:
    """Over the ports of the service's process, where it is not the one that listens at the URL."""
    ports = {row["port"] for row in its}
    if url is None or process is None or url["port"] in ports:
        ports = set()
    at_url = (
        {row["inode"] for row in listening if url and row["port"] == url["port"] and row["inode"]} if ports else set()
    )
    held = look_sockets.holders(at_url) if at_url else {}
    net = "/proc/%d/net" % process["pid"] if process else "/proc/net"
    return passing.Onlooker(net, ports, {pid for pids in held.values() for pid in pids})


def upload_of(arguments: dict[str, Any]) -> look_endpoint.Upload:
    picture = base64.b64decode(arguments["picture"])
    wide, broad, close, nobody = (base64.b64decode(arguments[name]) for name in ("wide", "broad", "close", "nobody"))
    ways = arguments["form"], arguments["field"], arguments["faces"]
    return look_endpoint.Upload(*ways, picture, wide, broad, close, nobody, arguments.get("photo"))


def posted(probe: Any, arguments: dict[str, Any], url: dict[str, Any], address: str, started: float) -> dict[str, Any]:
    """What the known picture gives, posted once or twice."""
    probe.stage("posting a picture to %s" % url["path"])
    until = started + arguments["until"]
    told = look_endpoint.detect(url, address, upload_of(arguments), arguments["header_file"], until)
    try:
        return dict(told, load=os.getloadavg()[0], processors=len(os.sched_getaffinity(0)))
    except (AttributeError, OSError):
        return told


def load(
    probe: Any, arguments: dict[str, Any], url: dict[str, Any], address: str, started: float, told: dict[str, Any]
) -> None:
    """The picture many times, if that was asked for."""
    if arguments["load"] and look_endpoint.is_answered(told):
        probe.stage("posting %d pictures, %d at once" % (arguments["load"]["requests"], arguments["load"]["at_once"]))
        until = started + arguments["load_until"]
        upload, headers = upload_of(arguments), arguments["header_file"]
        verified = told["refused_certificate"] is None
        probe.tell(load=look_load.load(url, address, upload, headers, arguments["load"], until, verified))
