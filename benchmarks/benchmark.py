"""Ratios of running times, taken interleaved in one run: python benchmarks/benchmark.py [--repeats N] [--against PYTHON]

(a) `--help` against that of an empty Typer application in the same environment.
(b) The whole check against the larger of its slowest domain run alone (`--only`) and half of the CPU seconds of the very
    same run on this machine's cores, children included, plus an empty command. Looked at is our own environment, with a
    real model and a picture of six faces.
(c) `check --quick` of the same against a Python that imports Typer and ends, in CPU seconds; its peak memory.
(d) With --against, the Python of an environment with another version of the doctor: the same checks by that one.

What is run is the installed command, `retina-doctor`.

(b) to (d) once where compiled files are kept, and once where there are none and none may be written.

Run by hand; nothing is asserted. Medians, with the quartiles beside them: a busy machine shows in those.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import insightface
from retinaface.weights import WEIGHTS

EMPTY = "import typer\napp = typer.Typer()\n@app.command()\ndef f(): ...\napp(['--help'])\n"
HELP_LIMIT, CHECK_LIMIT, QUICK_LIMIT, PEAK_LIMIT = 1.15, 1.1, 4, 40
DOMAINS = ("driver", "torch", "onnxruntime", "python_env", "memory", "inference")
"""Those with a slow probe."""
BARE = " without .pyc"

Measure = Callable[[], tuple[float, float]]
"""Wall-clock seconds and CPU seconds of one run."""


def timed(action: Callable[[], object]) -> tuple[float, float]:
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    action()
    seconds, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def command(words: Sequence[str], folder: str) -> Measure:
    return lambda: timed(lambda: subprocess.run(words, cwd=folder, capture_output=True, check=False))


def without_compiled(measure_words: Sequence[str], folder: str) -> Measure:
    """As in an image that has no compiled files and may write none: they are looked for in an empty place."""
    nowhere = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPYCACHEPREFIX": str(Path(folder, "nowhere"))}
    return lambda: timed(
        lambda: subprocess.run(measure_words, cwd=folder, env=nowhere, capture_output=True, check=False)
    )


def installed_command(python: str) -> str:
    """What people run. `python -m retina_doctor` starts a second Python, isolated, which the command does at once."""
    return str(Path(python).with_name("retina-doctor"))


def peak(words: Sequence[str], folder: str) -> float:
    """MiB that the largest process of a run held, by a parent that holds little itself."""
    script = (
        "import os,sys;p=os.posix_spawn(sys.argv[1],sys.argv[1:],os.environ);print(os.wait4(p,0)[2].ru_maxrss/1024)"
    )
    done = subprocess.run([sys.executable, "-S", "-c", script, *words], cwd=folder, capture_output=True, text=True)
    return float(done.stdout.split()[-1])


def quartiles(values: list[float]) -> tuple[float, float, float]:
    low, middle, high = statistics.quantiles(values, n=4)
    return low, middle, high


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--target", default=sys.executable, help="the interpreter to look at")
    parser.add_argument("--device", default="gpu", choices=["gpu", "cpu", "auto"])
    parser.add_argument("--against", help="a Python with another version of the doctor")
    arguments = parser.parse_args()
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed program has its compiled files
    os.environ["RETINA_DOCTOR_SERVICE_ATTACH"] = "false"
    with tempfile.TemporaryDirectory() as folder:
        model, picture = str(Path(folder, "model.onnx")), str(Path(insightface.__file__).parent / "data/images/t1.jpg")
        Path(model).write_bytes(WEIGHTS)
        flags = ["--target", arguments.target, "--model", model, "--image", picture, "--device", arguments.device]
        empty = str(Path(folder, "empty.py"))
        Path(empty).write_text(EMPTY)
        doctor = [installed_command(sys.executable)]
        typer = [sys.executable, "-c", "import typer"]
        runs = {
            "empty command": [*doctor, "--version"],
            "whole check": [*doctor, *flags],
            **{f"only {domain}": [*doctor, "--only", domain, *flags] for domain in DOMAINS},
            "import typer": typer,
            "quick check": [*doctor, "--quick", *flags],
        }
        if arguments.against:
            other = installed_command(arguments.against)
            runs["other whole check"] = [other, *flags]
            runs["other quick check"] = [other, "--quick", *flags]
        measures = {
            "empty --help": command([sys.executable, empty], folder),
            "our --help": command([*doctor, "--help"], folder),
            **{name: command(words, folder) for name, words in runs.items()},
            **{f"{name}{BARE}": without_compiled(words, folder) for name, words in runs.items()},
        }
        walls: dict[str, list[float]] = {name: [] for name in measures}
        cpus: dict[str, list[float]] = {name: [] for name in measures}
        for number in range(arguments.repeats + 1):
            for name, measure in measures.items():
                wall, cpu = measure()
                if number:  # the first round fills the file cache
                    walls[name].append(wall)
                    cpus[name].append(cpu)
        most = peak(runs["quick check"], folder)
    print(f"{'':<34}{'quartile':>9}{'median':>9}{'quartile':>9}{'CPU':>9}   seconds, {arguments.repeats} runs each")
    for name in measures:
        low, middle, high = quartiles(walls[name])
        print(f"{name:<34}{low:9.3f}{middle:9.3f}{high:9.3f}{statistics.median(cpus[name]):9.3f}")
    ways: tuple[tuple[str, Callable[[list[float]], float]], ...] = (
        ("medians", statistics.median),
        ("fastest runs", min),
    )
    for how, pick in ways:
        wall_of = {name: pick(values) for name, values in walls.items()}
        cpu_of = {name: pick(values) for name, values in cpus.items()}
        print(f"\nBy {how}:")
        print(
            f"(a) our --help / empty --help: {wall_of['our --help'] / wall_of['empty --help']:.2f} (aim: {HELP_LIMIT})"
        )
        for bare in ("", BARE):
            ratios(wall_of, cpu_of, bare)
    print(f"\nThe largest process of a quick check: {most:.0f} MiB (aim: {PEAK_LIMIT})")


def ratios(wall: dict[str, float], cpu: dict[str, float], bare: str) -> None:
    slowest = max((f"only {domain}{bare}" for domain in DOMAINS), key=lambda name: wall[name])
    whole, empty = f"whole check{bare}", f"empty command{bare}"
    share = cpu[whole] / min(2, len(os.sched_getaffinity(0)))
    floor = max(wall[slowest], share) + wall[empty]
    print(f"(b) whole check{bare} {wall[whole]:.3f} / (the larger of {slowest} {wall[slowest]:.3f} and half of its own")
    print(
        f"    CPU seconds {share:.3f}, + empty command {wall[empty]:.3f}) = {wall[whole] / floor:.2f} (aim: {CHECK_LIMIT})"
    )
    quick, typer = f"quick check{bare}", f"import typer{bare}"
    print(f"(c) quick check{bare} / import typer in CPU seconds: {cpu[quick] / cpu[typer]:.2f} (aim: {QUICK_LIMIT})")
    for name in (whole, quick):
        if f"other {name}" in wall:
            times, work = wall[name] / wall[f"other {name}"], cpu[name] / cpu[f"other {name}"]
            print(f"(d) {name} / that of the other version: wall clock {times:.2f}, CPU {work:.2f}")


if __name__ == "__main__":
    main()
