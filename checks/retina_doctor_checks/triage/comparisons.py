"""Circumstances that no sentence states: comparisons of what was told with what was seen. Each is named in circumstances.toml."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from retina_doctor.codec import Data

from ..advice.builds import known, onnxruntime_builds, torch_builds
from .symptoms import SymptomSeen, mentions
from .text import LogText
from .told import Told

CUDA_11_UNTIL = (1, 18)
"""onnxruntime-gpu up to 1.18 is built for CUDA 11 on PyPI (onnxruntime.ai, CUDA execution provider, requirements)."""
CUDA_12_UNTIL = (1, 26)
TORCH_CUDA_13_FROM = (2, 11)
NEWEST_PYTHONS = ("3.13", "3.14", "3.15")
LITTLE_GIB = 2.0

_OF_COMPOSE = re.compile(r"[\w.-]{1,64}-\d{1,3} {1,30}\| ")
"""The name of a replica, as docker compose writes it before each line."""
_DOWNLOADS = (
    "Downloading {path:t} from http", "download_path:", "insightface/utils/download.py", "insightface\\utils\\download.py",
    "gdown/download.py", "torch/hub.py", "huggingface_hub/file_download.py", "urlretrieve", "load_file_from_url",
    "download_url_to_file", "releases/download/", "drive.google.com", "huggingface.co",
)  # fmt: skip
"""What libraries that fetch models print before, and the files in which they do it."""
_STARTS = re.compile(r"(?:uvicorn\.run|app\.run|uvicorn [\w.]{1,40}:[\w]{1,40}|flask run|\.launch\()[^\n]{0,120}")
_HERE = r"(?:localhost|127\.0\.0\.1|\[::1\])"
_REFUSED_HERE = re.compile(
    rf"{_HERE}[^\n]{{0,240}}?(?:connection refused|actively refused|econnrefused|errno 111)"
    rf"|(?:failed to connect to|econnrefused|connect to host) {_HERE}(?: port|:)"
)


class Case(Data, frozen=True, kw_only=True):
    """All that was read from one text."""

    text: LogText
    told: Told
    seen: tuple[SymptomSeen, ...]

    def captured(self, name: str) -> set[int]:
        """Numbers that stood in that place of any sentence; of a version, its major."""
        values = (value for one in self.seen for value in one.captured.get(name, ()))
        return {parts(value)[0] for value in values if parts(value)}


def parts(version: str | None) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version or "")[:3])


def cuda_majors(told: Told) -> set[int]:
    """Of the CUDA that is said to be there: a toolkit's where one is named, else the driver's."""
    toolkits = told.all("cuda") or told.all("driver-cuda")
    return {parts(value)[0] for value in toolkits if parts(value)}


def ort_cuda_major(told: Told) -> int | None:
    version = told.packages.get("onnxruntime-gpu")
    if version is None:
        return None
    row = known(onnxruntime_builds(), version, None)
    number = parts(version)[:2]
    return row.cuda[0] if row else 11 if number <= CUDA_11_UNTIL else 12 if number <= CUDA_12_UNTIL else 13


def torch_cuda_major(told: Told) -> int | None:
    version = told.packages.get("torch")
    if version is None or "+cpu" in version:
        return None
    named = re.search(r"\+cu(\d\d)", version)
    if named:
        return int(named[1])
    row = known(torch_builds(), version, None)
    return row.cuda[0] if row else None


def _missing_majors(case: Case) -> set[int]:
    """Majors of the CUDA that the missing libraries are of. cuFFT counts one behind: 10 is of CUDA 11, 12 of CUDA 13 (release
    notes of the CUDA toolkit, component versions)."""
    return (case.captured("lib_major") | {major + 1 for major in case.captured("cufft_major")}) & {11, 12, 13}


def library_major_differs(case: Case) -> bool:
    there = cuda_majors(case.told) | ({torch_cuda_major(case.told)} - {None})
    return bool(there and _missing_majors(case) and not _missing_majors(case) & there)


def library_major_same(case: Case) -> bool:
    there = cuda_majors(case.told)
    return bool(there and _missing_majors(case) & there)


def library_of_cuda_11(case: Case) -> bool:
    return 11 in _missing_majors(case)


def frameworks_differ(case: Case) -> bool:
    ort, torch = ort_cuda_major(case.told), torch_cuda_major(case.told)
    there = cuda_majors(case.told)
    return ort is not None and (
        (torch is not None and torch != ort) or bool(torch is None and there and ort not in there)
    )


def cudnn_major_differs(case: Case) -> bool:
    there = {parts(value)[0] for value in case.told.all("cudnn")}
    needed = case.captured("cudnn_major")
    return bool(there and needed and not needed & there)


def libraries_fit_the_wheel(case: Case) -> bool:
    """CUDA and cuDNN of the majors that the named onnxruntime-gpu needs are said to be there."""
    version = case.told.packages.get("onnxruntime-gpu")
    build = known(onnxruntime_builds(), version, None) if version else None
    cudnns = {parts(value)[0] for value in case.told.all("cudnn")}
    return build is not None and build.cuda[0] in cuda_majors(case.told) and build.cudnn in cudnns


def cudnn_unfit_for_the_wheel(case: Case) -> bool:
    version = case.told.packages.get("onnxruntime-gpu")
    build = known(onnxruntime_builds(), version, None) if version else None
    cudnns = {parts(value)[0] for value in case.told.all("cudnn")}
    return build is not None and bool(cudnns) and build.cudnn not in cudnns


def cuda_versions_differ(case: Case) -> bool:
    return len({parts(value)[0] for value in case.told.all("cuda") if parts(value)} & {10, 11, 12, 13}) > 1


def cublas_and_cudnn_missing(case: Case) -> bool:
    return bool(_missing_majors(case) and case.captured("cudnn_major"))


def both_onnxruntimes(case: Case) -> bool:
    return {"onnxruntime", "onnxruntime-gpu"} <= set(case.told.packages)


def gpu_onnxruntime(case: Case) -> bool:
    return "onnxruntime-gpu" in case.told.packages or "onnxruntime-gpu" in case.text.flowing


def cpu_onnxruntime(case: Case) -> bool:
    return "onnxruntime" in case.told.packages and "onnxruntime-gpu" not in case.told.packages


def torch_is_cpu_build(case: Case) -> bool:
    return "+cpu" in case.told.packages.get("torch", "")


def torch_is_cuda_build(case: Case) -> bool:
    return "+cu" in case.told.packages.get("torch", "")


def no_nvidia_card(case: Case) -> bool:
    return bool(case.told.all("other-gpu")) and not case.told.all("gpu")


def in_container(case: Case) -> bool:
    return bool(case.told.all("container")) or any(_OF_COMPOSE.match(line.shown) for line in case.text.lines)


def download_cannot_connect(case: Case) -> bool:
    connecting = {"connection-refused", "connection-closed", "connection-times-out"}
    return any(one.symptom.name in connecting for one in case.seen) and mentions(_DOWNLOADS, case.text)


def started_without_host(case: Case) -> bool:
    calls = _STARTS.findall(case.text.flowing)
    return bool(calls) and not any("host" in call or "server_name" in call for call in calls)


def refused_on_loopback(case: Case) -> bool:
    return _REFUSED_HERE.search(case.text.flowing) is not None


def docker_run_without_gpus(case: Case) -> bool:
    text = case.text.flowing
    return "docker run" in text and "--gpus" not in text and "nvidia" not in text.partition("docker run")[2][:200]


def on_windows(case: Case) -> bool:
    systems = case.told.all("os")
    return any(value.startswith("windows") or value[1:2] == ":" for value in systems) and not any(
        "wsl" in v for v in systems
    )


def names_visible_devices(case: Case) -> bool:
    said = "changing env variable cuda_visible_devices"  # torch's own sentence names it whatever is set
    return case.text.flowing.count("visible_devices") > case.text.flowing.count(said)


def small_card(case: Case) -> bool:
    gib = [float(value) for value in case.told.all("memory-gib")] + [int(v) / 1024 for v in case.told.all("memory-mib")]
    return bool(gib) and min(gib) <= 4.2


_POWERS = ("g", "m", "k", "")


def _torch_sum(case: Case) -> Mapping[str, float]:
    """What torch's message says, in GiB: tried, total, free, allocated, reserved (or reserved and unallocated)."""
    text = case.text.flowing
    sums: dict[str, float] = {}
    for name, expression in (
        ("tried", r"tried to allocate (\d{1,6}(?:\.\d{1,2})?) ([gmk]?)i?b"),
        ("total", r"(\d{1,6}(?:\.\d{1,2})?) ([gmk]?)i?b total capacity"),
        ("total", r"total capacity of (\d{1,6}(?:\.\d{1,2})?) ([gmk]?)i?b"),
        ("free", r"(\d{1,6}(?:\.\d{1,2})?) ([gmk]?)i?b free"),
        ("free", r"of which (\d{1,6}(?:\.\d{1,2})?) ([gmk]?)i?b is free"),
        ("free", r"of which (\d{1,6}(?:\.\d{1,2})?) ([gmk]?)i?b is free"),
        ("allocated", r"(\d{1,6}(?:\.\d{1,2})?) ([gmk]?)i?b already allocated"),
        ("allocated", r"(\d{1,6}(?:\.\d{1,2})?) ([gmk]?)i?b is allocated by pytorch"),
        ("reserved", r"(\d{1,6}(?:\.\d{1,2})?) ([gmk]?)i?b reserved in total"),
        ("unallocated", r"(\d{1,6}(?:\.\d{1,2})?) ([gmk]?)i?b is reserved by pytorch but unallocated"),
    ):
        match = re.search(expression, text)
        if match:
            sums.setdefault(name, float(match[1]) / 1024 ** _POWERS.index(match[2]))
    return sums


def little_of_it_is_ours(case: Case) -> bool:
    sums = _torch_sum(case)
    if not {"total", "free", "allocated"} <= sums.keys():
        return False
    ours = max(sums["allocated"], sums.get("reserved", 0), sums["allocated"] + sums.get("unallocated", 0))
    return sums["total"] - sums["free"] - ours > 0.35 * sums["total"]


def much_reserved_unallocated(case: Case) -> bool:
    sums = _torch_sum(case)
    spare = sums.get("unallocated", sums.get("reserved", 0) - sums.get("allocated", sums.get("reserved", 0)))
    return bool(sums.get("tried")) and spare > max(sums["tried"], 0.1 * sums.get("total", 0))


def asks_for_most_of_the_card(case: Case) -> bool:
    sums = _torch_sum(case)
    return "tried" in sums and sums["tried"] > max(0.25 * sums.get("total", 16), 1.0)


def _model_path(case: Case) -> str | None:
    match = re.search(r"([^\s'\"]{1,200}\.(?:onnx|pth|h5|tar|pt))\b", case.text.flowing)
    return match[1] if match else None


def relative_model_path(case: Case) -> bool:
    path = _model_path(case)
    return path is not None and not path.startswith(("/", "~")) and not re.match(r"[a-z]:", path)


def absolute_model_path(case: Case) -> bool:
    path = _model_path(case)
    return path is not None and (path.startswith(("/", "~")) or bool(re.match(r"[a-z]:", path)))


def det_size_off_the_grid(case: Case) -> bool:
    return any(side % 32 for size in case.told.all("det-size") for side in parts(size))


def newest_python(case: Case) -> bool:
    return any(value.startswith(NEWEST_PYTHONS) for value in case.told.all("python"))


COMPARISONS: Mapping[str, Callable[[Case], bool]] = {
    function.__name__.replace("_", "-"): function
    for function in (
        library_major_differs, library_major_same, library_of_cuda_11, frameworks_differ, cudnn_major_differs,
        cublas_and_cudnn_missing, both_onnxruntimes, gpu_onnxruntime, cpu_onnxruntime, torch_is_cpu_build, torch_is_cuda_build,
        no_nvidia_card, in_container, download_cannot_connect, started_without_host, refused_on_loopback,
        docker_run_without_gpus, on_windows, names_visible_devices, small_card,
        little_of_it_is_ours, much_reserved_unallocated, asks_for_most_of_the_card, relative_model_path, absolute_model_path,
        det_size_off_the_grid, newest_python, cuda_versions_differ, libraries_fit_the_wheel, cudnn_unfit_for_the_wheel,
    )
}  # fmt: skip
