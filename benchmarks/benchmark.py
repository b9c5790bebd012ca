"""Ratios of running times, taken interleaved in one run: python benchmarks/benchmark.py [--repeats N] [--device D]

(a) `--help` against that of an empty Typer application in the same environment.
(b) The whole check against an empty command plus the larger of the slowest probe alone and its share of all probes'
    CPU seconds on this machine's cores. "Alone": one interpreter that gets one probe's program, by wall clock and CPU
    time (getrusage of children). Looked at is our own environment, with a real model and a picture of six faces.
(c) `check --quick` of the same against a Python that imports Typer and ends.

Run by hand; nothing is asserted. Medians, with the quartiles beside them: a busy machine shows in those. Compiled files
are written beside the sources, as an installation has them.
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
from retina_doctor_checks.settings import DetectionSettings, GpuSettings, ModelSettings
from retinaface.weights import WEIGHTS

from retina_doctor.diagnose import Selection
from retina_doctor.probing.collect import Looking
from retina_doctor.registry import installed
from retina_doctor.settings import Settings, TargetSettings
from retina_doctor.target import choose_target, surroundings

EMPTY = "import typer\napp = typer.Typer()\n@app.command()\ndef f(): ...\napp(['--help'])\n"
HELP_LIMIT, CHECK_LIMIT, QUICK_LIMIT = 1.15, 1.25, 5

Measure = Callable[[], tuple[float, float]]
"""Wall-clock seconds and CPU seconds of one run."""


def timed(action: Callable[[], object]) -> tuple[float, float]:
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    action()
    seconds, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def command(words: Sequence[str], folder: str) -> Measure:
    return lambda: timed(lambda: subprocess.run(words, cwd=folder, capture_output=True, check=False))


def probes_alone(settings: Settings) -> dict[str, Measure]:
    """Each probe that a check with these settings asks, sent to an interpreter of its own."""
    catalogue = installed()
    wanted = Selection(settings, catalogue).needed_facts(catalogue.entries)
    target = choose_target(settings, os.environ)
    looking = Looking(settings, target, surroundings(settings, target, os.environ))
    measures: dict[str, Measure] = {}
    for probe in catalogue.probes.values():
        if probe.facts in wanted:
            [request] = looking._requests([[probe]], {})
            program = request.program(looking.token)
            words = list(request.command)
            measures[f"probe {probe.name}"] = lambda words=words, program=program: timed(  # type: ignore[misc]
                lambda: subprocess.run(words, input=program, capture_output=True, check=False)
            )
    return measures


def quartiles(values: list[float]) -> tuple[float, float, float]:
    low, middle, high = statistics.quantiles(values, n=4)
    return low, middle, high


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--target", default=sys.executable, help="the interpreter to look at")
    parser.add_argument("--device", default="gpu", choices=["gpu", "cpu", "auto"])
    arguments = parser.parse_args()
    doctor = [sys.executable, "-m", "retina_doctor"]
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed program has its compiled files
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        model, picture = str(Path(folder, "model.onnx")), str(Path(insightface.__file__).parent / "data/images/t1.jpg")
        Path(model).write_bytes(WEIGHTS)
        settings = Settings(
            TargetSettings(command=(arguments.target,)),
            ModelSettings(path=model),
            DetectionSettings(image=picture),
            GpuSettings(device=arguments.device),
        )
        flags = ["--model", model, "--image", picture, "--device", arguments.device]
        empty = str(Path(folder, "empty.py"))
        Path(empty).write_text(EMPTY)
        measures = {
            "empty --help": command([sys.executable, empty], folder),
            "our --help": command([*doctor, "--help"], folder),
            "empty command": command([*doctor, "--version"], folder),
            "whole check": command([*doctor, "--target", arguments.target, *flags], folder),
            "import typer": command([sys.executable, "-c", "import typer"], folder),
            "quick check": command([*doctor, "--quick", "--target", arguments.target, *flags], folder),
            **probes_alone(settings),
        }
        walls: dict[str, list[float]] = {name: [] for name in measures}
        cpus: dict[str, list[float]] = {name: [] for name in measures}
        for number in range(arguments.repeats + 1):
            for name, measure in measures.items():
                wall, cpu = measure()
                if number:  # the first round fills the file cache
                    walls[name].append(wall)
                    cpus[name].append(cpu)
    print(f"{'':<28}{'quartile':>9}{'median':>9}{'quartile':>9}{'CPU':>9}   seconds, {arguments.repeats} runs each")
    for name in measures:
        low, middle, high = quartiles(walls[name])
        print(f"{name:<28}{low:9.3f}{middle:9.3f}{high:9.3f}{statistics.median(cpus[name]):9.3f}")
    for how, pick in (("medians", statistics.median), ("fastest runs", min)):
        print(f"\nBy {how}:")
        ratios({name: pick(values) for name, values in walls.items()}, {n: pick(values) for n, values in cpus.items()})


def ratios(wall: dict[str, float], cpu: dict[str, float]) -> None:
    probes = [name for name in wall if name.startswith("probe ")]
    slowest = max(wall[name] for name in probes)
    cores = len(os.sched_getaffinity(0))
    share = sum(cpu[name] for name in probes) / cores
    whole, floor = wall["whole check"], wall["empty command"] + max(slowest, share)
    print(f"(a) our --help / empty --help: {wall['our --help'] / wall['empty --help']:.2f} (aim: {HELP_LIMIT})")
    print(f"(b) whole check {whole:.3f} / (empty command + the larger of the slowest probe {slowest:.3f} and")
    print(f"    all probes' CPU time on {cores} cores {share:.3f}) = {whole / floor:.2f} (aim: {CHECK_LIMIT})")
    print(f"(c) quick check {wall['quick check']:.3f} / import typer {wall['import typer']:.3f} = ", end="")
    print(f"{wall['quick check'] / wall['import typer']:.2f} (aim: {QUICK_LIMIT})")


if __name__ == "__main__":
    main()
