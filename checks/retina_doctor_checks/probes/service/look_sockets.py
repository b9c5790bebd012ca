"""TCP sockets as /proc tells them, and the processes that hold them. Python 3.8, standard library alone.

Read from /proc rather than by psutil, so that the doctor's own side and a container are read by the same code.
"""

from __future__ import annotations

import binascii
import os
import re
import shlex
import socket
import struct

from retina_doctor import proc_files
from retina_doctor.hints import Any
from retina_doctor.masking.words import beginning, words_masked

STATES = ("", "ESTABLISHED", "SYN_SENT", "SYN_RECV", "FIN_WAIT1", "FIN_WAIT2", "TIME_WAIT", "CLOSE", "CLOSE_WAIT",
          "LAST_ACK", "LISTEN", "CLOSING", "NEW_SYN_RECV")  # include/net/tcp_states.h  # fmt: skip
LISTENING = 10
PACKAGE = re.compile(
    r"[^/]*(/.*/(?:(?:site|dist)-packages|[^/]*\.whl|_internal|_MEI\w+)"
    r"/(?:onnxruntime|torch|cv2|tensorrt|tensorflow|mxnet|insightface|retinaface))/"
)
"""Installed, of a pex, and of what PyInstaller has made: a folder, or one file that unpacks itself."""
OF_MULTIPROCESSING = re.compile(r"(?:^|/)pymp-|^@listener-\d+-\d+$")
"""Early releases of Python 3.9 and 3.10 had no file for it."""
MOST_COMMAND = 400  # characters of a command line


def rows(net: str = "/proc/net") -> list[Any] | None:
    """[{"address", "port", "family", "state", "loopback", "wildcard", "waiting", "uid", "inode"}]; None without /proc/net/tcp."""
    found = []
    known = False
    for name, family in (("tcp", socket.AF_INET), ("tcp6", socket.AF_INET6)):
        try:
            with open(os.path.join(net, name)) as file:
                lines = file.read().splitlines()[1:]
        except OSError:
            continue
        known = True
        found += [row(line.split(), family) for line in lines if line.strip()]
    return found if known else None


def row(words: list[Any], family: int) -> dict[str, Any]:
    host, port = words[1].split(":")
    address = decoded(host, family)
    state = int(words[3], 16)
    return {
        "address": address,
        "port": int(port, 16),
        "family": "ipv4" if family == socket.AF_INET else "ipv6",
        "state": STATES[state] if state < len(STATES) else str(state),
        "loopback": is_loopback(address),
        "wildcard": is_wildcard(address),
        # Of a listener the kernel tells the length of its accept queue here (net/ipv4/tcp_ipv4.c get_tcp4_sock).
        "waiting": int(words[4].split(":")[1], 16) if state == LISTENING else 0,
        "uid": int(words[7]),
        "inode": int(words[9]),
    }


def decoded(text: str, family: int) -> str:
    """The kernel prints each 32-bit word of an address in the machine's own byte order."""
    raw = binascii.unhexlify(text)
    packed = b"".join(struct.pack("=I", word) for word in struct.unpack(">%dI" % (len(raw) // 4), raw))
    return socket.inet_ntop(family, packed)


def is_loopback(address: str) -> bool:
    return address.startswith(("127.", "::ffff:127.")) or address == "::1"


def is_wildcard(address: str) -> bool:
    return address in ("0.0.0.0", "::", "::ffff:0.0.0.0")  # noqa: S104


def user_name(uid: int) -> str:
    try:
        import pwd

        return pwd.getpwuid(uid).pw_name
    except (ImportError, KeyError):
        return str(uid)


def sockets_of(pid: Any) -> set[int] | None:
    """Inodes of the sockets that a process holds; None where they may not be read."""
    folder = "/proc/%s/fd" % pid
    inodes = set()
    try:
        names = os.listdir(folder)
    except OSError:
        return None
    for name in names:
        try:
            match = re.match(r"socket:\[(\d+)\]", os.readlink(os.path.join(folder, name)))
        except PermissionError:
            return None  # its names may be listed where what they are may not be read
        except OSError:
            continue
        if match:
            inodes.add(int(match.group(1)))
    return inodes


def holders(inodes: set[int]) -> dict[int, list[int]]:
    """{inode: pids that hold it}, for the inodes asked for."""
    found: dict[int, list[int]] = {}
    for pid in processes():
        for inode in (sockets_of(pid) or set()) & inodes:
            found.setdefault(inode, []).append(pid)
    return found


def processes() -> list[Any]:
    try:
        return [int(name) for name in os.listdir("/proc") if name.isdigit()]
    except OSError:
        return []


def holder(pids: list[Any]) -> dict[str, Any] | None:
    """The topmost of the processes that share a socket; None for an empty list."""
    pids = sorted(pids)
    if not pids:
        return None
    top = next((pid for pid in pids if not set(ancestors(pid)) & set(pids)), pids[0])
    return dict(process(top), pids=pids[:100], ancestors=ancestors(top))


def process(pid: int) -> dict[str, Any]:
    folder = "/proc/%d" % pid
    words = command_words(folder)
    return {
        "pid": pid,
        "command": shown(words),
        "called": called(folder, words[0]) if words else None,
        "exe": link(os.path.join(folder, "exe")),
        "user": owner(folder),
        "packages": packages(folder),
    }


def shown(words: list[Any]) -> str | None:
    """A command line as one text, without its secrets, which are taken out before it is cut."""
    text = " ".join(word if "<secret>" in word else shlex.quote(word) for word in words_masked(words))
    return beginning(text, MOST_COMMAND) if words else None


def command_words(folder: str) -> list[Any]:
    try:
        return [word.decode("utf-8", "replace") for word in proc_files.words(folder) if word]
    except OSError:
        return []


def called(folder: str, word: str) -> str | None:
    """The first word of a command line as an absolute path, by the working directory and PATH of that process."""
    if os.path.isabs(word):
        return word
    if "/" in word:
        here = link(os.path.join(folder, "cwd"))
        return os.path.normpath(os.path.join(here, word)) if here else None
    try:
        variables = proc_files.variables(folder)
    except OSError:
        return None
    path = next((v[5:].decode("utf-8", "replace") for v in variables if v.startswith(b"PATH=")), os.defpath)
    for place in path.split(os.pathsep):
        if os.path.isabs(place) and os.access(os.path.join(place, word), os.X_OK):
            return os.path.join(place, word)
    return None


def link(path: str) -> str | None:
    try:
        return os.readlink(path)
    except OSError:
        return None


def owner(folder: str) -> str | None:
    try:
        return user_name(os.stat(folder).st_uid)
    except OSError:
        return None


def packages(folder: str) -> list[Any] | None:
    """Folders of the detection libraries that a process has mapped; None where they may not be read."""
    try:
        matches = [PACKAGE.match(line) for line in proc_files.maps(folder).split("\n")]
    except OSError:
        return None
    return sorted({match.group(1) for match in matches if match})


def ancestors(pid: int) -> list[Any]:
    found: list[int] = []
    while pid > 1 and len(found) < 50:
        try:
            with open("/proc/%d/stat" % pid) as file:
                pid = int(file.read().rpartition(")")[2].split()[1])
        except OSError:
            break
        if pid > 0:
            found.append(pid)
    return found


def alive(pid: int) -> bool:
    """A zombie is dead: it only waits for its parent to read its exit status."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True  # another user's
    try:
        with open("/proc/%d/stat" % pid) as file:
            return file.read().rpartition(")")[2].split()[0] not in ("Z", "X", "x")
    except OSError:
        return True


def listening_unix(inodes: set[int], net: str) -> set[int]:
    """Those of these sockets that are Unix sockets and listen (flag __SO_ACCEPTCON). What the module multiprocessing passes
    objects through (/tmp/pymp-.../listener-...) is no service's."""
    try:
        with open(os.path.join(net, "unix")) as file:
            lines = [line.split() for line in file.read().splitlines()[1:]]
    except OSError:
        return set()
    listening = [words for words in lines if int(words[3], 16) & 0x10000 and not OF_MULTIPROCESSING.search(words[-1])]
    return {int(words[6]) for words in listening} & inodes
