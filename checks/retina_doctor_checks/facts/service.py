"""What is known of the service's port: who listens there, whether it could be bound, what answers."""

from __future__ import annotations

from typing import Literal

from retina_doctor.authoring import Facts, varying
from retina_doctor.kinds import Address, CommandLine, HostName, Key, Name, Path, UrlText, User
from retina_doctor.model import Json


class Holder(Facts, frozen=True, kw_only=True):
    """A process that holds a socket, the topmost of those that share it (a server's master, not its workers).

    *pids*: all that share it. *ancestors*: from its parent upwards. *called*: the program as it was called, absolute.
    *packages*: folders of detection libraries that it has mapped; None where they may not be read.
    """

    varies = varying(pid=None, pids=None, ancestors=None)

    pid: int
    pids: tuple[int, ...]
    ancestors: tuple[int, ...]
    command: CommandLine | None
    called: Path | None
    exe: Path | None
    user: User | None
    packages: tuple[Path, ...] | None


class Socket(Facts, frozen=True, kw_only=True):
    """A TCP socket of this network namespace. *state* as the kernel names it (include/net/tcp_states.h).

    *waiting*: connections that a listener has not accepted. *user*: of the socket itself, known even where *holder* is
    hidden (other users' processes, other containers).
    """

    varies = varying(waiting=None)

    address: Address
    port: int
    family: Literal["ipv4", "ipv6"]
    state: Name
    loopback: bool
    wildcard: bool
    user: User | None
    holder: Holder | None
    waiting: int = 0


class Bind(Facts, frozen=True, kw_only=True):
    """The bind that is intended. *port* None: only the host was named, and the bind was tried on any port.

    *conflicts*: indices into Ports.sockets of those that stand in the way. *tried* False: one is known to, so the bind
    was left out. *error*: errno's name, or "resolve" where the host has no address; None: the bind worked.
    """

    host: HostName
    port: int | None
    addresses: tuple[Address, ...]
    loopback: bool
    conflicts: tuple[int, ...]
    tried: bool
    error: Name | None
    words: str | None


class Binding(Facts, frozen=True, kw_only=True):
    """The intended bind, tried by the service's user and without listening. *tried* False: no port was named, or the host is
    none of this machine's. *error*: errno's name; EADDRINUSE says that it is allowed. *uid*: who tried."""

    uid: int
    tried: bool
    error: Name | None
    words: str | None


class Answer(Facts, frozen=True, kw_only=True):
    """What came back for a GET. *kind*: http; other (no HTTP); silent (connected, nothing in time); closed (connected,
    closed without a word); or refused, unreachable, timed-out: no connection."""

    kind: Literal["http", "other", "silent", "closed", "refused", "unreachable", "timed-out"]
    path: UrlText
    status: int | None
    json: bool
    words: str | None


class Detection(Facts, frozen=True, kw_only=True):
    """What came back for POST PATH with the known picture. *kind* as of Answer, and certificate: TLS refuses the service's.

    *seconds* of the last asking; *first_seconds*: of one before it, that took long. *json*: the answer is JSON, and *body*
    holds it, pruned; else *text* is its beginning. *location*: where it says that the service is; *redirected*: the path on
    which it was then asked. *works_with*: another name of the multipart field, with which it answers.
    *cut*: the answer is longer than what was read.
    """

    varies = varying(seconds=0.5, first_seconds=None)

    path: UrlText
    kind: Literal["http", "other", "silent", "closed", "refused", "timed-out", "certificate"]
    status: int | None
    words: str | None
    seconds: float | None
    first_seconds: float | None
    content_type: Name | None
    json: bool
    body: Json
    text: str | None
    location: UrlText | None
    redirected: UrlText | None
    works_with: Key | None
    cut: bool = False


class Load(Facts, frozen=True, kw_only=True):
    """Many requests, some at a time. *errors*: what came instead of an answer -> how often. Seconds of single answers.

    *left*: requests for which the time did not suffice. *gpu*: largest share of time in which the GPU computed meanwhile, 0 to
    100 %; None: NVML does not tell.
    """

    varies = varying(answered=0.2, seconds=0.5, median=0.5, p95=0.5, gpu=None)

    requests: int
    at_once: int
    answered: int
    errors: dict[str, int]
    seconds: float
    median: float | None
    p95: float | None
    gpu: int | None
    left: int = 0


class Url(Facts, frozen=True, kw_only=True):
    """*problem*: why it cannot be used as it stands. *local*: its host is this machine; None: it has no address.

    *loopback*: its host means loopback. *path_named*: else /detect was asked for. *answer* None: not asked, since it is
    not local or not usable. *tls*: a TLS handshake is understood there; None: not tried, since HTTP was.
    """

    text: UrlText
    scheme: Name | None
    host: HostName | None
    port: int | None
    problem: Literal["no-scheme", "scheme", "no-host", "port"] | None
    local: bool | None
    loopback: bool
    path_named: bool
    answer: Answer | None
    tls: bool | None = None


class ServiceProcess(Facts, frozen=True, kw_only=True):
    """The process --pid. *sockets*: listening TCP sockets of it and its children; None: they may not be read.

    *unix_sockets*: how many it listens on, behind a proxy say. *same_network* False: it lives in another network
    namespace, and *sockets* are that one's.
    """

    varies = varying(pid=None)

    pid: int
    alive: bool
    command: CommandLine | None
    user: User | None
    same_network: bool | None
    sockets: tuple[Socket, ...] | None
    unix_sockets: int | None


class Reached(Facts, frozen=True, kw_only=True):
    """A connection of this machine to itself, by one of its own addresses."""

    address: Address
    port: int
    kind: Literal["connected", "refused", "unreachable", "timed-out"]
    words: str | None


class Ports(Facts, frozen=True, kw_only=True):
    """*sockets*: on the intended port and on the URL's, listening ones first; None where /proc/net is not there.

    *answer*: of the intended port, asked where somebody listens there. *detection*: of the URL, where it is this machine's and
    something speaks there. *reached*: a service that listens on every address, by each of them. *ephemeral*: first and last of
    the ports for outgoing connections. *first_unprivileged_port*: sysctl net.ipv4.ip_unprivileged_port_start.
    """

    uid: int
    first_unprivileged_port: int | None
    sockets: tuple[Socket, ...] | None
    bind: Bind | None
    answer: Answer | None
    url: Url | None
    process: ServiceProcess | None
    detection: Detection | None = None
    load: Load | None = None
    reached: tuple[Reached, ...] = ()
    ephemeral: tuple[int, int] | None = None
