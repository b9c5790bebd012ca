"""`fleet collect`: a snapshot from each node, kept as soon as it is there, and a word on those of which there is none."""

from __future__ import annotations

import datetime
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

import typer

from retina_doctor import __version__, output
from retina_doctor.codec import DoesNotFit, encode, from_json, to_json, to_line
from retina_doctor.command import Run
from retina_doctor.errors import UsageError
from retina_doctor.fleet.documents import COLLECTED, Collected
from retina_doctor.fleet.engine import Way, ask
from retina_doctor.fleet.judging import Missing
from retina_doctor.fleet.node_sets import NODE, expanded, folded, in_order
from retina_doctor.fleet.sending import Answer, Asking
from retina_doctor.model import Recorded, Snapshot
from retina_doctor.probing.collect import made_of
from retina_doctor.redaction import redact
from retina_doctor.registry import Catalogue, installed
from retina_doctor.snapshot import save

SSH = ("ssh", "-T", "-o", "BatchMode=yes", "-o", "ConnectTimeout=10", "{node}")
NEED_INPUT = ("docker", "podman", "nerdctl", "kubectl", "oc")
"""Programs whose `exec` passes standard input on only where it is told to."""
ASKING = 60.0
"""Seconds for who knows which nodes there are (kubectl, ansible-inventory)."""


class Collecting:
    """Which nodes, by which way, into which folder."""

    def __init__(self, run: Run, nodes: Sequence[str], way: Way, folder: Path, redacted: bool) -> None:
        """Raises UsageError."""
        settings = run.settings()
        if settings.target.command or settings.process.pid:
            raise UsageError("fleet collect: --python names the Python on each node, not --target or --pid")
        self.nodes, self.way, self.folder = nodes, way, folder
        self.redacted = redacted
        self.catalogue: Catalogue = installed()
        self.asking = Asking(settings, self.catalogue, way.python, way.seconds)
        self.missing: list[Missing] = []
        self.told: list[str] = []
        self._understood: dict[str, Recorded] = {}
        self._later: dict[str, dict[str, Recorded]] = {}
        self._alive = sys.stderr is not None and sys.stderr.isatty()

    def collect(self) -> None:
        """Raises Interrupted, after what came until then has been kept."""
        try:
            ask(self.nodes, self.way, lambda: Answer(self.asking), self.asking.program, self._take)
        finally:
            for node, readings in self._later.items():
                self._keep(node, readings)
            done = {*self.told, *(one.label for one in self.missing)}
            self.missing += [
                Missing(label=node, why="interrupted", asked=True) for node in self.nodes if node not in done
            ]
            kept = Collected(
                nodes=folded(list(self.nodes)),
                created=_now(),
                missing=tuple(sorted(self.missing, key=lambda one: in_order([one.label]))),
            )
            output.write(self.folder / COLLECTED, to_json(encode(kept)))

    def _take(self, node: str, answer: Answer, why: str) -> None:
        if not answer.begun:
            self.missing.append(Missing(label=node, why=why or "said nothing", asked=True))
        else:
            readings = answer.readings(why)
            fetched = {name: one for name, one in readings.items() if self.asking.probes[name].local and one.facts}
            if all(to_line(one.facts) in self._understood for one in fetched.values()):
                self._keep(node, readings)
            else:
                self._later[node] = readings  # in processes of our own, for which no node waits
        if self._alive:
            done = len(self.told) + len(self.missing) + len(self._later)
            output.tell(f"\r{done}/{len(self.nodes)}" + ("\n" if done == len(self.nodes) else ""))

    def _keep(self, node: str, readings: dict[str, Recorded]) -> None:
        for name, one in list(readings.items()):
            if self.asking.probes[name].local and one.facts:
                readings[name] = made_of(one, self._understand(name, one))
        snapshot = Snapshot(
            created=_now(),
            doctor=__version__,
            settings=self.asking.settings,
            target=self.asking.target(node),
            readings=readings,
            label=node,
            seen_from=self.asking.seen_from,
        )
        text = save(redact(snapshot, self.catalogue) if self.redacted else snapshot)
        output.write(self.folder / f"{node}.json", text, private=True)
        self.told.append(node)

    def _understand(self, name: str, fetched: Recorded) -> Recorded:
        """What the doctor's own side makes of it; once for all nodes that told the same."""
        key = to_line(fetched.facts)
        if key not in self._understood:
            from retina_doctor.probing.collect import _Run

            looking = self.asking.looking
            with _Run(looking) as run:
                run.probes = {name: self.asking.probes[name]}
                request = looking.understanding(self.asking.probes[name], fetched)
                run._begin(request, self.asking.probes[name].side)
                run._interpreter = Recorded(outcome=fetched.outcome)
                run.go_on()
                self._understood[key] = run.readings[name]
        return self._understood[key]


def collect(run: Run, nodes: Sequence[str], way: Way, folder: Path, redacted: bool) -> NoReturn:
    """Raises UsageError, Interrupted."""
    as_json = run.as_json
    output.check_open()
    _prepare(folder)
    work = Collecting(run, nodes, way, folder, redacted)
    try:
        work.collect()
    finally:
        _tell(run, work, as_json)
    raise typer.Exit(3 if work.missing else 0)


def _tell(run: Run, work: Collecting, as_json: bool) -> None:
    if as_json:
        missing = [{"label": one.label, "why": one.why} for one in work.missing]
        run.show(
            to_json({"format": 1, "folder": str(work.folder), "snapshots": in_order(work.told), "missing": missing})
        )
        return
    lines = [f"{work.folder}: {len(work.told)} snapshots of {len(work.nodes)} nodes"]
    by_why: dict[str, list[str]] = {}
    for one in work.missing:
        by_why.setdefault(one.why, []).append(one.label)
    lines += [f"  {folded(labels)}: {why}" for why, labels in by_why.items()]
    if work.told:
        lines.append(f"Judge them with: retina-doctor fleet report {shlex.quote(str(work.folder))}")
    run.show("".join("".join(c if c.isprintable() else repr(c)[1:-1] for c in line) + "\n" for line in lines))


def _prepare(folder: Path) -> None:
    """Raises UsageError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{folder}: cannot be made: {error.strerror}") from None
    output.check_writable(folder / COLLECTED)


def nodes_of(sets: Sequence[str], groups: Sequence[str], hosts: str, inventory: str) -> list[str]:
    """The nodes that are named in any way, each once. Raises UsageError."""
    texts = [(text, False) for text in sets] + [(f"@{group}", True) for group in groups]
    if hosts:
        texts += [(line, False) for line in _lines(hosts)]
    found: dict[str, None] = {}
    twice: list[str] = []
    for name in (name for text, grouped in texts for name in expanded(text, grouped)):
        if name in found:
            twice.append(name)
        found[name] = None
    for name in _of_ansible(inventory) if inventory else ():
        found[name] = None
    if twice:
        output.complain(f"named twice, asked once: {folded(list(dict.fromkeys(twice)))}")
    if not found:
        raise UsageError("fleet collect: name nodes with -w gpu-[01-20], -g GROUP, --hosts FILE or --inventory FILE")
    return list(found)


def _lines(file: str) -> list[str]:
    try:
        text = Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{file}: cannot be read: {getattr(error, 'strerror', None) or error}") from None
    lines = (line.partition("#")[0].strip() for line in text.splitlines())
    return [line for line in lines if line]


def _of_ansible(inventory: str) -> list[str]:
    told = answered(["ansible-inventory", "-i", inventory, "--list"])
    hosts = told.get("_meta", {}).get("hostvars", {}) if isinstance(told, dict) else {}
    if not isinstance(hosts, dict) or not hosts:
        raise UsageError(f"{inventory}: ansible-inventory names no host")
    return _plain(list(hosts), inventory)


def pods_of(namespace: str, selector: str) -> list[str]:
    """Running pods, by name. Raises UsageError."""
    told = answered(["kubectl", "get", "pods", "-n", namespace, "-l", selector, "-o", "json"])
    items = told.get("items", []) if isinstance(told, dict) else []
    names = [
        one["metadata"]["name"]
        for one in items
        if isinstance(one, dict) and one.get("status", {}).get("phase") == "Running"
    ]
    if not names:
        raise UsageError(f"no running pod in namespace {namespace} has the labels {selector}")
    return _plain(names, "kubectl")


def _plain(names: list[str], source: str) -> list[str]:
    for name in names:
        if not isinstance(name, str) or not NODE.fullmatch(name):
            raise UsageError(f"{source}: {name!r} is no name of a node")
    return names


def answered(words: Sequence[str]) -> Any:
    """What a program says, as JSON. Raises UsageError."""
    if shutil.which(words[0]) is None:
        raise UsageError(f"{words[0]} is not installed here")
    try:
        done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, timeout=ASKING, check=False)
        if done.returncode:
            said = done.stderr.decode("utf-8", "replace").strip().splitlines()
            raise UsageError(f"{words[0]} failed: {said[-1][:300] if said else f'exit status {done.returncode}'}")
        return from_json(done.stdout)
    except subprocess.TimeoutExpired:
        raise UsageError(f"{words[0]} does not answer in {ASKING:g} s") from None
    except DoesNotFit as error:
        raise UsageError(f"{words[0]} does not answer in JSON: {error}") from None


def way_of(via: str, python: str, seconds: float, fanout: int) -> Way:
    """Over ssh, or as *via* says. Raises UsageError."""
    try:
        given, interpreter = shlex.split(via), shlex.split(python)
    except ValueError as error:
        raise UsageError(f"--via or --python: {error}") from None
    if not interpreter:
        raise UsageError("--python: name a command")
    if not given:
        words = (*SSH, *(shlex.quote(word) for word in interpreter))  # a shell reads them there
        return Way(via=words, python=tuple(interpreter), seconds=seconds, fanout=fanout)
    if not any("{node}" in word for word in given):
        raise UsageError("--via: {node} stands for the name: docker -H ssh://{node} exec -i face python3")
    silent = not {"-i", "-it", "-ti", "--stdin", "--interactive"} & {*given}
    if Path(given[0]).name in NEED_INPUT and "exec" in given and silent:
        raise UsageError(f"--via: {given[0]} exec needs -i, or the Python there is told nothing")
    return Way(via=tuple(given), python=tuple(given), seconds=seconds, fanout=fanout)


def kubectl_way(namespace: str, container: str, python: str, seconds: float, fanout: int) -> Way:
    """Into pods. Raises UsageError."""
    where = f" -c {shlex.quote(container)}" if container else ""
    via = f"kubectl exec -i -n {shlex.quote(namespace)} {{node}}{where} -- {python}"
    return way_of(via, python, seconds, fanout)


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
