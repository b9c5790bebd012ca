"""Circumstances that no sentence states: comparisons of what was told with what was seen. Each is named in circumstances.toml."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from .case import Case, parts
from .file_names_told import file_names_differ_by_a_build, file_names_differ_in_case
from .listings_told import (
    cards_of_others_alone,
    docker_works_beside_a_cluster,
    model_of_a_pointers_size,
    model_of_no_bytes,
    nodes_without_uvm,
)
from .memory_told import (
    asks_for_most_of_the_card,
    card_is_full,
    free_would_do,
    held_by_no_process_shown,
    little_of_it_is_ours,
    most_of_it_is_ours,
    much_reserved_unallocated,
    small_card,
)
from .symptoms import mentions
from .tables import capability
from .versions_told import cuda_majors, cudnn_majors, ort_build, ort_cuda_major, torch_cuda_major

FIRST_DRIVER = {11: 450, 12: 525, 13: 580}
"""Major of CUDA -> the first driver branch that runs all its minors (CUDA compatibility guide, minor version compatibility)."""
NEWEST_PYTHONS = ("3.13", "3.14", "3.15")

_OF_COMPOSE = re.compile(r"[\w.-]{1,64}-\d{1,3} {1,30}\| ")
"""The name of a replica, as docker compose writes it before each line."""
_CONTAINED = re.compile(
    r"hostname=[0-9a-f]{12}\b|(?<![/\w.-])containers?(?![\w./-])|容器"
    r"|\n[ -]{0,12}image: (?!\S{1,200}\.(?:jpe?g|png|bmp|webp|gif)\b)\S|\bghcr\.io/"
)
"""A host that bears a container's identifier (onnxruntime tells its name with each failure), an image, the word itself."""
_DOWNLOADS = (
    "Downloading {path:t} from http", "download_path:", "insightface/utils/download.py", "insightface\\utils\\download.py",
    "gdown/download.py", "torch/hub.py", "huggingface_hub/file_download.py", "urlretrieve", "load_file_from_url",
    "download_url_to_file", "releases/download/", "drive.google.com", "huggingface.co",
)  # fmt: skip
"""What libraries that fetch models print before, and the files in which they do it."""
CONNECTING = 20
"""Seconds that no local failure takes."""
GIVEN_UP = 600
"""Seconds after which a failure is that of another fetch."""
_STAMPED = re.compile(r"(\d\d):(\d\d):(\d\d)[^\n]{0,40}?(downloading|failed to (?:load|download))")
_GIVES_GPUS = ("--gpus", "--runtime=nvidia", "--runtime nvidia", "nvidia-docker", "nvidia.com/gpu", "/dev/nvidia")
_STARTS = re.compile(r"(?:uvicorn\.run|app\.run|uvicorn [\w.]{1,40}:[\w]{1,40}|flask run|\.launch\()[^\n]{0,120}")
_HIDES_NONE = re.compile(
    r"changing env variable cuda_visible_devices|nvidia_visible_devices[ '=:]{1,4}all\b|cuda_visible_devices[ '\]=:]{1,5}0\b(?!,)"
)
_FAR = re.compile(
    r"(?:->[\d.]{7,15}:443\b|https://(?!localhost|127\.|10\.|192\.168\.)[^\n]{1,240}?\.(?:tar|zip|onnx|pth|pt|bin|h5|7z|gz|safetensors)\b)"
    r"[^\n]{0,240}?(?:connection (?:reset|refused)|connection aborted|timed out|timeout|unexpected eof|broken pipe)"
)
"""The peer of a failed connection is a server of files, whoever fetches: TLS's port, or the address of a model or an archive."""
_HERE = r"(?:localhost|127\.0\.0\.1|\[::1\])"
_REFUSED_HERE = re.compile(
    rf"{_HERE}[^\n]{{0,240}}?(?:connection refused|actively refused|econnrefused|errno 111)"
    rf"|(?:failed to connect to|econnrefused|connect to host) {_HERE}(?: port|:)"
    rf"|connectionpool\(host='{_HERE}', port=\d{{1,5}}\): max retries exceeded with url:[^\n]{{0,240}}?newconnectionerror"
)


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
    there = cudnn_majors(case.told)
    needed = case.captured("cudnn_major")
    return bool(there and needed and not needed & there)


def libraries_fit_the_wheel(case: Case) -> bool:
    """CUDA and cuDNN of the majors that the named onnxruntime-gpu needs are said to be there."""
    build, toolkits = ort_build(case.told), cuda_majors(case.told) | ({torch_cuda_major(case.told)} - {None})
    return build is not None and build.cuda[0] in toolkits and build.cudnn in cudnn_majors(case.told)


def cudnn_unfit_for_the_wheel(case: Case) -> bool:
    build, cudnns = ort_build(case.told), cudnn_majors(case.told)
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


def no_gpu_build_told(case: Case) -> bool:
    """Neither the GPU's package nor any CUDA: who installs `onnxruntime` reads nowhere that another package is needed."""
    return not gpu_onnxruntime(case) and not cuda_majors(case.told)


def torch_is_cpu_build(case: Case) -> bool:
    return "+cpu" in case.told.packages.get("torch", "")


def torch_is_cuda_build(case: Case) -> bool:
    return "+cu" in case.told.packages.get("torch", "")


def driver_runs_its_cuda(case: Case) -> bool:
    """The one driver that is told is new enough for what is told of the program's CUDA."""
    drivers = {int(value[:3]) for value in case.told.all("driver")}
    needed = {ort_cuda_major(case.told), torch_cuda_major(case.told), *cuda_majors(case.told)} - {None} or {12}
    return len(drivers) == 1 and min(drivers) >= max(FIRST_DRIVER.get(major or 0, 999) for major in needed)


def no_nvidia_card(case: Case) -> bool:
    return bool(case.told.all("other-gpu")) and not case.told.all("gpu")


def card_of_no_build(case: Case) -> bool:
    """Kepler and before: CUDA 12 builds for none of them (CUDA 12.0 release notes, deprecated features). A build for the CPU, or
    for an older CUDA, that is told is another matter."""
    majors = (ort_cuda_major(case.told), torch_cuda_major(case.told))
    if cpu_onnxruntime(case) or torch_is_cpu_build(case) or any(major is not None and major < 12 for major in majors):
        return False
    known_of = [capability(name) for name in case.told.all("gpu")]
    return bool(known_of) and all(one is not None and one < (5, 0) for one in known_of)


def in_container(case: Case) -> bool:
    return (
        bool(case.told.all("container"))
        or _CONTAINED.search(case.text.flowing) is not None
        or any(_OF_COMPOSE.match(line.shown) for line in case.text.lines)
    )


def download_cannot_connect(case: Case) -> bool:
    connecting = {"connection-refused", "connection-closed", "connection-times-out"}
    return any(one.symptom.name in connecting for one in case.seen) and (
        mentions(_DOWNLOADS, case.text) or _FAR.search(case.text.flowing) is not None
    )


def waited_for_download(case: Case) -> bool:
    """A fetch that failed long after it began tried to connect; who may not write fails at once."""
    began: int | None = None
    for hours, minutes, seconds, said in _STAMPED.findall("\n".join(line.shown.lower() for line in case.text.lines)):
        moment = 3600 * int(hours) + 60 * int(minutes) + int(seconds)
        if said != "downloading":
            if began is not None and CONNECTING <= moment - began <= GIVEN_UP:
                return True
            began = None
        elif began is None or moment - began > GIVEN_UP:
            began = moment
    return False


def two_opencvs(case: Case) -> bool:
    return len({name for name in case.told.packages if name.startswith("opencv-")}) > 1


def started_without_host(case: Case) -> bool:
    calls = _STARTS.findall(case.text.flowing)
    return bool(calls) and not any("host" in call or "server_name" in call for call in calls)


def refused_on_loopback(case: Case) -> bool:
    return _REFUSED_HERE.search(case.text.flowing) is not None


def docker_run_without_gpus(case: Case) -> bool:
    text = case.text.flowing
    return "docker run" in text and not any(word in text for word in _GIVES_GPUS)


def on_windows(case: Case) -> bool:
    systems = case.told.all("os")
    return any(value.startswith("windows") or value[1:2] == ":" for value in systems) and not any(
        "wsl" in v for v in systems
    )


def names_visible_devices(case: Case) -> bool:
    """Torch's own sentence names it whatever is set; "all", and the first card alone, hide none."""
    return case.text.flowing.count("visible_devices") > len(_HIDES_NONE.findall(case.text.flowing))


def names_library_path(case: Case) -> bool:
    # TensorFlow's and onnxruntime's own sentences name it whatever is set.
    own = ("; ld_library_path:", "path or ld_library_path")
    return case.text.flowing.count("ld_library_path") > sum(map(case.text.flowing.count, own))


def cudart_and_cudnn_missing(case: Case) -> bool:
    missing = set(re.findall(r"could not load dynamic library '(?:lib)?(cudart|cudnn)", case.text.flowing))
    return len(missing) > 1


def said_to_run_on_the_cpu(case: Case) -> bool:
    return any(one.symptom.name in ("gpu-unused-told", "session-on-cpu") for one in case.seen)


def conflict_of_one(case: Case) -> bool:
    """All releases in pip's list of a conflict depend on the same one distribution."""
    wanted = re.findall(
        r"^ {1,8}[\w.-]{1,60} [\w.]{1,30} depends on ([\w.-]{1,60}?)(?=[<>=!~;\[ ]|$)", case.text.flowing, re.MULTILINE
    )
    return len(wanted) > 1 and len(set(wanted)) == 1


def _model_path(case: Case) -> str | None:
    """The first that names a folder: a bare name, as in a title, says nothing of where it is looked for."""
    paths = re.findall(r"[^\s'\"]{1,200}\.(?:onnx|pth|h5|tar|pt)\b", case.text.flowing)
    return next((path for path in paths if "/" in path or "\\" in path), paths[0] if paths else None)


def two_places_of_packages(case: Case) -> bool:
    """The user's own and another's."""
    places = re.findall(r"[^\s'\"]{0,200}[/\\](?:site|dist)-packages", case.text.flowing)
    own = [".local" in place or "roaming" in place for place in places]
    return any(own) and not all(own)


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
        cublas_and_cudnn_missing, both_onnxruntimes, gpu_onnxruntime, cpu_onnxruntime, no_gpu_build_told,
        torch_is_cpu_build, torch_is_cuda_build,
        no_nvidia_card, card_of_no_build, driver_runs_its_cuda, in_container, download_cannot_connect, started_without_host,
        refused_on_loopback,
        docker_run_without_gpus, on_windows, names_visible_devices, small_card, waited_for_download, two_opencvs,
        held_by_no_process_shown, card_is_full, little_of_it_is_ours, most_of_it_is_ours, much_reserved_unallocated,
        asks_for_most_of_the_card, relative_model_path, absolute_model_path, two_places_of_packages,
        det_size_off_the_grid, file_names_differ_in_case, file_names_differ_by_a_build, free_would_do,
        model_of_no_bytes, model_of_a_pointers_size, nodes_without_uvm, cards_of_others_alone,
        docker_works_beside_a_cluster,
        newest_python, names_library_path, cudart_and_cudnn_missing, said_to_run_on_the_cpu,
        conflict_of_one, cuda_versions_differ, libraries_fit_the_wheel, cudnn_unfit_for_the_wheel,
    )
}  # fmt: skip
