"""What is known of the service's port: who listens there, whether it could be bound, what answers."""

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


class ServedRoute(Facts, frozen=True, kw_only=True):
    """A path of the service that takes a POST. *form*, *field*: how a picture is posted there, by the service's OpenAPI document;
    None: nobody tells."""

    path: UrlText
    form: Literal["multipart", "json", "raw"] | None
    field: Key | None


class AskedFor(Facts, frozen=True, kw_only=True):
    """Something that the service says is missing in a request."""

    place: Name
    name: Key


class Detection(Facts, frozen=True, kw_only=True):
    """What came back for POST PATH with the known picture. *kind* as of Answer, and certificate: TLS refuses the service's.

    *seconds* of the last asking; *first_seconds*: of one before it, that took long. *json*: the answer is JSON, and *body*
    holds it, pruned; else *text* is its beginning. *location*: where it says that the service is; *redirected*: the path on
    which it was then asked; *loops*: that leads back; *login_page*: where people log in. *works_with*, *works_form*:
    another field and form with which it answers; *works_body*: that answer, where it is JSON. *cut*: the answer is longer
    than what was read. *refused_certificate*: why TLS refuses the service's; all else was asked without verifying it, and
    without the operator's headers. *wide_body*: what a second picture gives, that is no square;
    *broad_body*: a third such one, posted where that gives no face;
    *nobody_fails*: a picture without a face, asked twice, is answered 500 without a word in JSON; None: not asked.
    *close_body*: one of a large face, posted where the first gives none; *photo_faces*: how many the operator's own picture
    (--image) gives, posted where that gives none, either.
    *broken_off*: the connection was closed in the middle of the answer. *head_refused*: with what words Python's HTTP client
    refuses its headers.
    *load*, *processors*: of the machine when it had answered (getloadavg(3)). *shape*: twice: a JSON text
    that holds JSON; lines: a JSON value on each line. *packed*: the compression of what cannot be read, or "unsaid": no
    header says that it is compressed. *everywhere*: a path that is none is answered alike; None: not asked. *routes*: where
    else it may take pictures. *asked_for*: what a refusal names. *header_names*: of the operator's headers that were sent;
    *header_problem*: why their file gave none: empty, no-colon, bad-name, own-header (it belongs to the request itself), or
    words of the system; *header_line*: the number of that line.
    """

    varies = varying(seconds=0.5, first_seconds=None, load=None)

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
    works_form: Literal["multipart", "json", "raw"] | None = None
    works_body: Json = None
    shape: Literal["plain", "twice", "lines"] = "plain"
    packed: Name | None = None
    allow: Name | None = None
    retry_after: Name | None = None
    authenticate: Name | None = None
    loops: bool = False
    login_page: bool = False
    everywhere: bool | None = None
    routes: tuple[ServedRoute, ...] = ()
    asked_for: tuple[AskedFor, ...] = ()
    header_names: tuple[Key, ...] = ()
    header_problem: Name | None = None
    header_line: int | None = None
    refused_certificate: str | None = None
    wide_body: Json = None
    broad_body: Json = None
    nobody_fails: bool | None = None
    close_body: Json = None
    photo_faces: int | None = None
    broken_off: bool = False
    head_refused: Name | None = None
    load: float | None = None
    processors: int | None = None


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


class Member(Facts, frozen=True, kw_only=True):
    """A process that holds a listening socket of the service. *state*: the letter of proc(5). *age*: seconds.
    *parent*: its pid; None: not told (0.3 and before)."""

    varies = varying(pid=None, age=None, parent=None)

    pid: int
    state: Name
    age: float | None
    parent: int | None = None


class Crew(Facts, frozen=True, kw_only=True):
    """Those that hold the listening sockets, looked at before and after the service was asked: *members* now, those that were
    *stopped* at either look, and workers that were *gone* at the second, while their master went on."""

    varies = varying(stopped=None, gone=None)

    members: tuple[Member, ...]
    stopped: tuple[int, ...] = ()
    gone: tuple[int, ...] = ()


class Several(Facts, frozen=True, kw_only=True):
    """Several sockets listen on one address and port (SO_REUSEPORT), and the kernel spreads connections over them.
    *asked*: connections; *answered*: how many were accepted in time. *stuck*: sockets that nobody accepted any from."""

    varies = varying(answered=0.5)

    sockets: int
    asked: int
    answered: int
    stuck: int = 0


class Proxy(Facts, frozen=True, kw_only=True):
    """A program of this machine that passes on to the port *to*, as *line* of its *file* says; None: its command line."""

    varies = varying(pid=None)

    pid: int
    command: CommandLine | None
    to: int
    file: Path | None
    line: int | None


class Ports(Facts, frozen=True, kw_only=True):
    """*sockets*: on the intended port and on the URL's, listening ones first; None where /proc/net is not there.

    *answer*: of the intended port, asked where somebody listens there. *detection*: of the URL, where it is this machine's and
    something speaks there. *reached*: a service that listens on every address, by each of them. *ephemeral*: first and last of
    the ports for outgoing connections. *crew*: of the listening sockets, of those of the process --pid where no port is named;
    None: nobody listens, or they may not be read. *several*: None where one socket alone listens at the address that was asked.
    *first_unprivileged_port*: sysctl net.ipv4.ip_unprivileged_port_start. *proxies*: that pass on to those of these sockets that
    only loopback reaches. *passed_to*: ports of the process --pid that were connected to while the URL was asked, where something
    else listens at that; None: nobody looked (0.3 and before).
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
    crew: Crew | None = None
    several: Several | None = None
    proxies: tuple[Proxy, ...] = ()
    passed_to: tuple[int, ...] | None = None
