"""For machines without a network: which wheels a plan needs, by what pip resolves for the service's own Python."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from urllib.parse import unquote, urlsplit

from retina_doctor.codec import Data
from retina_doctor.fixing.hand import CannotFix, Hand
from retina_doctor.fixing.pips import pip_of
from retina_doctor.fixing.steps import FixAction, is_plain
from retina_doctor.fixing.words import said
from retina_doctor.kinds import Kind
from retina_doctor.language import Language
from retina_doctor.model import Interpreter, Snapshot, interpreter_of
from retina_doctor.quoting import Command, command_of
from retina_doctor.redaction import shown
from retina_doctor.words.remedies import for_uv

ASKED = ("--dry-run", "--only-binary=:all:", "--quiet", "--report", "-")
"""Wheels alone: to ask what a source distribution needs is to run it."""
QUICK = ("--retries", "0", "--timeout", "15")
GLIBC = ((2, 17), (2, 24), (2, 26), (2, 27), (2, 28), (2, 31), (2, 34), (2, 35), (2, 39))
"""Of the manylinux tags that wheels bear (PEP 600)."""

FETCH = ("python3", "-m", "pip", "download", "--dest", "wheels", "--only-binary=:all:")


class Wheel(Data, frozen=True, kw_only=True):
    file: str
    url: str
    sha256: str


class Needed(Data, frozen=True, kw_only=True):
    """*wheels*: None where no index could be asked; *why* says so. *fetch*: what gets them on a connected machine.
    *commands*: what installs from them."""

    wheels: tuple[Wheel, ...] | None
    why: str
    fetch: tuple[str, ...]
    commands: tuple[str, ...]


def needed(snapshot: Snapshot, doings: Sequence[FixAction], hand: Hand | None) -> Needed | None:
    """None: the plan changes no packages, or the service has no Python of its own. *hand* None: it is not on this machine, and
    what it says of a Python there is nothing to be started here."""
    here = interpreter_of(snapshot)
    actions = [action for one in doings for action in one.pip if is_plain(action)]
    if here is None or not any(action[0] == "install" for action in actions):
        return None
    removed = {name.lower() for action in actions if action[0] == "uninstall" for name in action[1:]}
    wheels: dict[str, Wheel] = {}
    why = ""
    try:
        if hand is None:
            raise CannotFix("the service's Python is not on this machine")
        pip = pip_of(here, hand)
        for words in _asked(actions, removed):
            for one in _resolved(pip, words, hand):
                wheels[one.file] = one
    except CannotFix as error:
        why = str(error)
    return Needed(
        wheels=None if why else tuple(wheels[name] for name in sorted(wheels)),
        why=why,
        fetch=tuple(_fetching(here, action) for action in actions if action[0] == "install"),
        commands=tuple(_installing(here, action) for action in actions),
    )


def _asked(actions: Sequence[tuple[str, ...]], removed: set[str]) -> Iterator[list[str]]:
    """What pip is asked for each install: what is missing; and, alone, what is removed first or replaced whatever is there."""
    for action, *words in actions:
        if action != "install":
            continue
        flags = [word for word in words if word.startswith("-")]
        names = [word for word in words if not word.startswith("-")]
        if "--force-reinstall" not in flags:
            yield [*flags, *names]
        for name in names:
            if "--force-reinstall" in flags or _name(name) in removed:
                yield ["--force-reinstall", "--no-deps", name]


def _name(requirement: str) -> str:
    from packaging.requirements import Requirement

    return Requirement(requirement).name.lower()


def _resolved(pip: Sequence[str], words: Sequence[str], hand: Hand) -> Iterator[Wheel]:
    """Raises CannotFix."""
    report = json.loads(hand.run([*pip, "install", *ASKED, *QUICK, *words]))
    for one in report["install"]:
        info = one["download_info"]
        hashes = info.get("archive_info", {}).get("hashes", {})
        name = unquote(urlsplit(info["url"]).path.rpartition("/")[2])
        yield Wheel(file=name, url=shown(info["url"], Kind.URL), sha256=hashes.get("sha256", ""))


def _fetching(here: Interpreter, action: tuple[str, ...]) -> str:
    """Never `uv pip`: it has no download."""
    libc = (here.libc or "").rpartition(" ")[2].split(".")
    version = tuple(map(int, libc[:2])) if len(libc) >= 2 and all(part.isdigit() for part in libc[:2]) else GLIBC[0]
    tags = [f"manylinux_{a}_{b}_{here.machine}" for a, b in reversed(GLIBC) if (a, b) <= version]
    platforms = [word for tag in [*tags, f"manylinux2014_{here.machine}"] for word in ("--platform", tag)]
    python = f"{here.version[0]}.{here.version[1]}"
    words = [word for word in action[1:] if word not in ("--force-reinstall", "--upgrade")]
    return str(command_of([*FETCH, "--python-version", python, *platforms, *words]))


def _installing(here: Interpreter, action: tuple[str, ...]) -> str:
    what, *words = action
    extra = ["--no-index", "--find-links", "wheels"] if what == "install" else ["--yes"]
    if here.has_pip or not here.uv:
        pip = command_of([here.executable, "-m", "pip", what, *extra, *words])
        if not here.has_pip:  # Python carries one, which needs no network
            return str(command_of([here.executable, "-m", "ensurepip", Command("&&"), pip]))
        return str(pip)
    extra = extra if what == "install" else []
    return str(command_of([here.uv, "pip", what, "--python", here.executable, *extra, *for_uv(words)]))


def text_of(found: Needed | None, snapshot: Snapshot, language: Language) -> list[str]:
    here = interpreter_of(snapshot)
    if found is None or here is None:
        return []
    python = ".".join(map(str, here.version[:2]))
    if found.wheels is None:
        lines = [said("wheels-unknown", language, what=found.why), *(f"       {one}" for one in found.fetch)]
    else:
        lines = [said("wheels", language, n=len(found.wheels), python=python, machine=here.machine)]
        for one in found.wheels:
            lines += [f"       {one.file}", f"         {one.url}", f"         sha256 {one.sha256 or '?'}"]
    return [*lines, said("wheels-then", language), *(f"       {command}" for command in found.commands)]
