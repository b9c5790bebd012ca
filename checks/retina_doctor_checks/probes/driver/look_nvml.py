"""Asks NVML for the driver and the GPUs. Memory comes from here because asking CUDA would itself take memory."""

from __future__ import annotations

import ctypes
import os

from retina_doctor import proc_files
from retina_doctor.hints import Any
from retina_doctor_checks.probes.native import places

NOTHING_WRONG = (3, 13, 25)
"""nvml.h: NOT_SUPPORTED, FUNCTION_NOT_FOUND, ARGUMENT_VERSION_MISMATCH: this card or driver has no such answer."""
NO_PERMISSION = 4
"""What a card that is divided by MIG answers in a container that was given an instance, asked for its memory as a whole
(github.com/NVIDIA/nvidia-container-toolkit/issues/842)."""
FRAMEWORKS = {
    "/libtensorflow": "tensorflow",
    "_pywrap_tensorflow": "tensorflow",
    "/xla_extension": "jax",
    "/libjax": "jax",
}
"""Libraries of frameworks that take the whole card: tensorflow/libtensorflow_framework.so.2, jaxlib/xla_extension.so and, since
0.7, jaxlib/libjax_common.so (their wheels on PyPI)."""
SLOWED_BY = {"hardware": 0x8, "thermal": 0x20 | 0x40, "power-brake": 0x80}
"""nvml.h nvmlClocksEventReason*: HwSlowdown, SwThermalSlowdown or HwThermalSlowdown, HwPowerBrakeSlowdown."""
MOST_ANCESTORS = 50
INITIAL_PID_NAMESPACE = "pid:[4026531836]"  # PROC_PID_INIT_INO in linux/proc_ns.h


def look(probe: Any, _arguments: dict[str, Any]) -> None:
    if not there():
        probe.tell(error_code=12, error="NVML Shared Library Not Found", driver=None, cuda=None, gpus=[], own_pids=True)
        return
    import pynvml

    probe.tell(error_code=None, error=None, driver=None, cuda=None, gpus=[], own_pids=in_initial_namespace())
    probe.stage("nvmlInit")
    try:
        pynvml.nvmlInit()
        probe.stage("asking NVML for the driver")
        probe.tell(driver=driver(pynvml), cuda=cuda(pynvml))
        count = pynvml.nvmlDeviceGetCount()
    except pynvml.NVMLError as error:
        probe.tell(error_code=error.value, error=str(error))
        return
    gpus = []
    for index in range(count):
        probe.stage("asking NVML for GPU %d" % index)
        gpus.append(gpu(pynvml, index))
        probe.tell(gpus=gpus)
    # No nvmlShutdown: the process ends now, and a driver in trouble could hang in it.


def there() -> bool:
    """Whether the loader finds NVML; importing pynvml only to hear that it does not would cost a tenth of a second."""
    name = "libnvidia-ml.so.1" if os.name == "posix" else "nvml.dll"
    # A library that is loaded already is what pynvml gets by that name, too: so it may be the service's.
    for path in [*(os.path.join(folder, name) for folder in service_library_path()), name]:
        try:
            ctypes.CDLL(path)
        except (OSError, UnicodeDecodeError):  # ctypes cannot say the loader's words of a path that is no UTF-8
            continue
        return True
    return False


def service_library_path() -> list[str]:
    return places.library_path("RETINA_DOCTOR_LIBRARY_PATH")


def driver(pynvml: Any) -> str | None:
    try:
        return text(pynvml.nvmlSystemGetDriverVersion())  # type: ignore[no-any-return]
    except UnicodeDecodeError:
        return None


def cuda(pynvml: Any) -> list[int] | None:
    """[major, minor] of the CUDA version that the driver supports, or None."""
    try:
        number = pynvml.nvmlSystemGetCudaDriverVersion_v2()
    except pynvml.NVMLError:
        return None
    return [number // 1000, number % 1000 // 10]


class Asking:
    """Calls NVML for one device; the first real error is kept, and the questions after it are still asked."""

    def __init__(self, pynvml: Any, handle: Any) -> None:
        self.pynvml = pynvml
        self.handle = handle
        self.error: str | None = None
        self.nothing_wrong: tuple[int, ...] = NOTHING_WRONG

    def __call__(self, name: str, *arguments: Any, **options: Any) -> Any:
        """The answer of nvmlDeviceGet<name>, or None."""
        try:
            return getattr(self.pynvml, "nvmlDeviceGet" + name)(self.handle, *arguments, **options)
        except UnicodeDecodeError:  # a name that is no UTF-8
            return None
        except self.pynvml.NVMLError as error:
            if error.value not in self.nothing_wrong and self.error is None:
                self.error = "%d: %s" % (error.value, error)
            return None


def gpu(pynvml: Any, index: int) -> dict[str, Any]:
    facts = dict.fromkeys(("name", "uuid", "bus_id", "compute_capability", "compute_mode", "mig", "error", "health"))
    facts.update(dict.fromkeys(("memory_total", "memory_free", "memory_used", "memory_reserved")))
    facts.update(index=index, mig_devices=[], processes=[])
    try:
        ask = Asking(pynvml, pynvml.nvmlDeviceGetHandleByIndex(index))
    except pynvml.NVMLError as error:
        facts["error"] = "%d: %s" % (error.value, error)
        return facts
    mode = ask("MigMode")
    if mode is not None and mode[0]:
        ask.nothing_wrong = (*NOTHING_WRONG, NO_PERMISSION)
    facts.update(memory(pynvml, ask))
    pci = ask("PciInfo")
    facts.update(
        name=ask("Name"),
        uuid=ask("UUID"),
        bus_id=text(pci.busId) if pci is not None else None,
        compute_capability=ask("CudaComputeCapability"),
        compute_mode=ask("ComputeMode"),
        mig=None if mode is None else bool(mode[0]),
        mig_devices=mig_devices(pynvml, ask) if mode is not None and mode[0] else [],
        processes=[process(one) for one in ask("ComputeRunningProcesses") or []],
        health=health(pynvml, Asking(pynvml, ask.handle)),  # what a card does not tell of its health is no error
    )
    facts["error"] = ask.error
    return facts


def memory(pynvml: Any, ask: Asking) -> dict[str, Any]:
    """Bytes. The second version tells what the driver reserves apart from what processes use."""
    told = ask("MemoryInfo", version=pynvml.nvmlMemory_v2) or ask("MemoryInfo")
    if told is None:
        return {}
    return {
        "memory_total": told.total,
        "memory_free": told.free,
        "memory_used": told.used,
        "memory_reserved": getattr(told, "reserved", None),
    }


def health(pynvml: Any, ask: Asking) -> dict[str, Any]:
    """What slows the card down or lets it die. Reasons that healthy cards show (idle, power cap, set clocks) are left out."""
    bits = ask("CurrentClocksEventReasons")
    if bits is None:  # before driver 535 the question had another name
        bits = ask("CurrentClocksThrottleReasons")
    slowed = None if bits is None else [name for name, bit in SLOWED_BY.items() if bits & bit]
    ecc = ask("TotalEccErrors", pynvml.NVML_MEMORY_ERROR_TYPE_UNCORRECTED, pynvml.NVML_VOLATILE_ECC)
    temperature = ask("Temperature", pynvml.NVML_TEMPERATURE_GPU)
    return {"slowed_by": slowed, "temperature": temperature, "ecc_errors": ecc, "remapping": remapping(ask)}


def remapping(ask: Asking) -> str | None:
    rows = ask("RemappedRows")  # corrected, uncorrected, pending, failed
    if rows is not None:
        return "failed" if rows[3] else "pending" if rows[2] else "none"
    pending = ask("RetiredPagesPendingStatus")
    return None if pending is None else "pending" if pending else "none"


def mig_devices(pynvml: Any, ask: Asking) -> list[Any]:
    """UUIDs of the instances that a MIG card is divided into."""
    found = []
    for index in range(ask("MaxMigDeviceCount") or 0):
        try:
            handle = pynvml.nvmlDeviceGetMigDeviceHandleByIndex(ask.handle, index)
            found.append(text(pynvml.nvmlDeviceGetUUID(handle)))
        except pynvml.NVMLError:
            continue  # a slot without an instance
    return found


def process(told: Any) -> dict[str, Any]:
    pid = told.pid
    visible = in_initial_namespace()
    above = ancestors(pid) if visible else []
    return {
        "ancestors": above,
        "trial": os.getppid() > 1 and os.getppid() in above,
        "pid": pid,
        "used_memory": told.usedGpuMemory,
        "name": name_of(pid) if visible else None,
        "user": user_of(pid) if visible else None,
        "framework": framework_of(pid) if visible else None,
    }


def ancestors(pid: int) -> list[int]:
    found: list[int] = []
    while pid > 1 and len(found) < MOST_ANCESTORS:
        try:
            with open("/proc/%d/stat" % pid, errors="replace") as file:
                pid = int(file.read().rpartition(")")[2].split()[1])
        except (OSError, ValueError, IndexError):
            break
        if pid > 0:
            found.append(pid)
    return found


def framework_of(pid: int) -> str | None:
    try:
        mapped = proc_files.maps("/proc/%d" % pid)
    except OSError:
        return None
    return next((name for library, name in FRAMEWORKS.items() if library in mapped), None)


def in_initial_namespace() -> bool:
    """NVML counts processes as the host does; elsewhere the same number is another process."""
    try:
        return os.readlink("/proc/self/ns/pid") == INITIAL_PID_NAMESPACE
    except OSError:
        return False


def name_of(pid: int) -> str | None:
    try:
        with open("/proc/%d/comm" % pid, errors="replace") as file:
            return file.read().strip()
    except OSError:
        return None


def user_of(pid: int) -> str | None:
    try:
        number = os.stat("/proc/%d" % pid).st_uid
    except OSError:
        return None
    try:
        import pwd

        return pwd.getpwuid(number).pw_name
    except (ImportError, KeyError):
        return str(number)


def text(value: Any) -> Any:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value
