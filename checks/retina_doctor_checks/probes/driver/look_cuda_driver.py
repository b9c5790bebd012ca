"""Loads libcuda in a process of its own and initialises it, as every CUDA program does. No context, so no memory, is taken."""

from __future__ import annotations

import ctypes
import uuid

from retina_doctor.hints import Any
from retina_doctor.masking.words import beginning

MAJOR, MINOR = 75, 76  # cuda.h CUdevice_attribute: COMPUTE_CAPABILITY_MAJOR, _MINOR
NOTHING: dict[str, Any] = {
    "path": None, "error": None, "version": None, "init_code": None, "init_name": None, "devices": [], "address_space": None,
}  # fmt: skip


def look(probe: Any, _arguments: dict[str, Any]) -> None:
    probe.tell(**NOTHING)
    probe.tell(address_space=address_space())
    probe.stage("loading libcuda.so.1")
    try:
        cuda = ctypes.CDLL("libcuda.so.1")
    except OSError as error:
        probe.tell(error=beginning(str(error), 1000))
        return
    probe.tell(path=mapped("libcuda.so"))
    probe.stage("cuDriverGetVersion")
    number = ctypes.c_int()
    if cuda.cuDriverGetVersion(ctypes.byref(number)) == 0:
        probe.tell(version=[number.value // 1000, number.value % 1000 // 10])
    probe.stage("cuInit")
    code = cuda.cuInit(0)
    probe.tell(init_code=code, init_name=name_of(cuda, code))
    if code != 0:
        return
    probe.stage("cuDeviceGetCount")
    count = ctypes.c_int()
    code = cuda.cuDeviceGetCount(ctypes.byref(count))
    probe.tell(init_code=code, init_name=name_of(cuda, code))
    probe.tell(devices=[device(cuda, ordinal) for ordinal in range(count.value if code == 0 else 0)])


def address_space() -> int | None:
    """Bytes of addresses that this process may have (`ulimit -v`); None: as many as there are."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    soft = resource.getrlimit(resource.RLIMIT_AS)[0]
    return None if soft == resource.RLIM_INFINITY else soft


def mapped(name: str) -> str | None:
    """The file of that library in this process."""
    try:
        with open("/proc/self/maps", errors="surrogateescape") as maps:
            lines = [line.split(None, 5)[5].strip() for line in maps if "/" + name in line]
    except (OSError, IndexError):
        return None
    return lines[0] if lines else None


def name_of(cuda: Any, code: int) -> str | None:
    text = ctypes.c_char_p()
    try:
        failed = cuda.cuGetErrorName(code, ctypes.byref(text))
    except AttributeError:  # an old or a stand-in library
        return None
    return None if failed or text.value is None else text.value.decode("ascii", "replace")


def device(cuda: Any, ordinal: int) -> dict[str, Any]:
    handle = ctypes.c_int()
    facts: dict[str, Any] = {"ordinal": ordinal, "name": None, "uuid": None, "compute_capability": None}
    if cuda.cuDeviceGet(ctypes.byref(handle), ordinal) != 0:
        return facts
    text = ctypes.create_string_buffer(256)
    if cuda.cuDeviceGetName(text, len(text), handle) == 0:
        facts["name"] = text.value.decode("utf-8", "replace")
    raw = (ctypes.c_ubyte * 16)()
    # The second version (CUDA 11.4) tells an instance of a MIG card its own.
    ask = getattr(cuda, "cuDeviceGetUuid_v2", cuda.cuDeviceGetUuid)
    if ask(ctypes.byref(raw), handle) == 0:
        facts["uuid"] = "GPU-%s" % uuid.UUID(bytes=bytes(raw))
    major, minor = ctypes.c_int(), ctypes.c_int()
    attribute = cuda.cuDeviceGetAttribute
    if attribute(ctypes.byref(major), MAJOR, handle) == 0 and attribute(ctypes.byref(minor), MINOR, handle) == 0:
        facts["compute_capability"] = [major.value, minor.value]
    return facts
