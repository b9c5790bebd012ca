"""A file system that is mounted and answers nothing, as a dead NFS server's: whoever asks it cannot even be killed.

Started as a program, it mounts itself on the folder that it is given, says so, and swallows every request. When it ends, the
kernel ends the waiting of all. Needs root and /dev/fuse.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

INIT = 26  # <linux/fuse.h> FUSE_INIT
DETACH = 2  # <sys/mount.h> MNT_DETACH


def serve(folder: str) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    device = os.open("/dev/fuse", os.O_RDWR)
    options = f"fd={device},rootmode=40000,user_id=0,group_id=0,allow_other"
    if libc.mount(b"dead", os.fsencode(folder), b"fuse", 0, options.encode()) != 0:
        raise OSError(ctypes.get_errno(), "mount")
    sys.stdout.write("mounted\n")
    sys.stdout.flush()
    while True:
        request = os.read(device, 1 << 20)
        _, opcode, unique, *_ = struct.unpack_from("=IIQQIIII", request)
        if opcode == INIT:
            major, _ = struct.unpack_from("=II", request, 40)
            answer = struct.pack("=IIIIHHI", major, 31, 1 << 16, 0, 0, 0, 1 << 16) + bytes(40)
            os.write(device, struct.pack("=IiQ", 16 + len(answer), 0, unique) + answer)


@contextlib.contextmanager
def dead_mount(folder: Path) -> Iterator[None]:
    """*folder* answers nobody within."""
    folder.mkdir(exist_ok=True)
    server = subprocess.Popen([sys.executable, __file__, str(folder)], stdout=subprocess.PIPE)
    try:
        assert server.stdout
        assert server.stdout.readline() == b"mounted\n"
        yield
    finally:
        server.kill()
        server.wait()
        ctypes.CDLL(None).umount2(os.fsencode(folder), DETACH)


if __name__ == "__main__":
    serve(sys.argv[1])
