"""Runs a step: the new state is built beside the old one, and exchanged with it; and brings the old one back."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import posixpath
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from retina_doctor.ears import deaf
from retina_doctor.fixing.edits import edited
from retina_doctor.fixing.hand import CannotFix, Hand, Overtaken
from retina_doctor.fixing.journal import Journal
from retina_doctor.fixing.pips import installs_here
from retina_doctor.fixing.sent.places import STAGED
from retina_doctor.fixing.steps import FixAction
from retina_doctor.model import Interpreter
from retina_doctor.words.remedies import FileChange, LetRead, MakeLink, MoveUp, for_uv

Hands = Mapping[str, Hand]
""" "service": whose the environment and the models are; "caller": whose the source is."""


def run(doing: FixAction, number: int, journal: Journal, hands: Hands, here: Interpreter | None) -> None:
    """Raises CannotFix; what was begun is for `bring_back` to take back."""
    if doing.pip:
        assert here is not None
        _packages(doing, number, journal, hands["service"], here)
    for change in doing.files:
        _changed(change, number, journal, hands["service"])
    if doing.lines:
        for edit in edited(doing.lines, hands["caller"]):
            kept = f"file-{number}-{len(journal.entries)}"
            journal.keep(kept, edit.old)
            after = hashlib.sha256(edit.new).hexdigest()
            journal.write("write", step=number, hand="caller", path=edit.file, after=after, kept=kept)
            before = hashlib.sha256(edit.old).hexdigest()
            _write(hands["caller"], edit.file, before, edit.new)


def _packages(doing: FixAction, number: int, journal: Journal, hand: Hand, here: Interpreter) -> None:
    prefix = str(hand.do("environment", prefix=here.prefix)["prefix"])
    staged = posixpath.join(prefix, f"{STAGED}{journal.name}-{number}")
    journal.write("stage", step=number, hand="service", folder=prefix, staged=staged)
    was = hand.do("stage", folder=prefix, into=staged)["was"]
    python = posixpath.join(staged, "bin", posixpath.basename(here.executable))
    _is_apart(hand, python, staged)
    installs_here(hand, here, python)
    for words in installing(doing.pip, here, python):
        journal.write("run", step=number, words=words)
        hand.run(words)
    journal.write("settle", step=number)
    hand.do("settle", staged=staged, prefix=here.prefix)  # as it is called, which may be by a link
    _exchange("differing", {"folder": prefix, "staged": staged, "was": was}, number, journal, hand)


WHERE = """
import os, sysconfig
print(*(os.path.realpath(sysconfig.get_path(name)) for name in ("purelib", "platlib", "scripts", "data")), sep="\\n")
"""


def _is_apart(hand: Hand, python: str, staged: str) -> None:
    """The copy's Python must install into the copy, and nowhere else. Raises CannotFix."""
    places = hand.run([python, "-I", "-c", WHERE]).splitlines()[-4:]
    if len(places) != 4 or not all(f"{place}/".startswith(f"{staged}/") for place in places):
        raise CannotFix(f"a copy of the environment would still install into {', '.join(places) or 'it'}")


def installing(actions: Iterable[tuple[str, ...]], here: Interpreter, python: str) -> list[list[str]]:
    """pip's or uv's words for each action, in the environment of *python*."""
    found: list[list[str]] = []
    if not here.has_pip and not here.uv:
        return found
    for action, *words in actions:
        if here.has_pip:
            yes = ["--yes"] if action == "uninstall" else []
            # -I: what lies in the working directory is not taken for pip.
            found.append([python, "-I", "-m", "pip", action, *yes, *words])
        else:
            found.append([str(here.uv), "pip", action, "--python", python, *for_uv(words)])
    return found


def why_not(change: FileChange, hand: Hand) -> str:
    """Why the service's user cannot do that; "": he can."""
    try:
        match change:
            case MoveUp(folder=folder):
                hand.do("resolved", path=folder)
            case MakeLink(path=path):
                hand.do("absent", path=path)
            case LetRead(path=path):
                hand.do("readable", path=path)
    except CannotFix as error:
        return str(error)
    return ""


def _changed(change: FileChange, number: int, journal: Journal, hand: Hand) -> None:
    match change:
        case MoveUp(folder=folder, inner=inner, ending=ending):
            _move_up(folder, inner, ending, number, journal, hand)
        case MakeLink(path=path, to=to):
            what = {"path": path, "to": to, "missing": hand.do("absent", path=path)["missing"]}
            journal.write("link", step=number, hand="service", **what)
            hand.do("link", **what)
        case LetRead(path=path):
            told = hand.do("readable", path=path)
            if told["old"] == told["new"]:
                raise CannotFix(f"{path}: everybody may read it already")
            journal.write("mode", step=number, hand="service", path=path, **told)
            hand.do("mode", path=path, expected=told["old"], wanted=told["new"])


def _move_up(folder: str, inner: str, ending: str, number: int, journal: Journal, hand: Hand) -> None:
    folder = str(hand.do("resolved", path=folder)["path"])
    parent, name = posixpath.split(folder)
    staged = posixpath.join(parent, f"{STAGED}{journal.name}-{number}-{name}")
    journal.write("stage", step=number, hand="service", folder=folder, staged=staged)
    was = hand.do("stage", folder=folder, into=staged)["was"]
    journal.write("move", step=number)
    hand.do("up", staged=staged, inner=inner, ending=ending)
    _exchange("whole", {"folder": folder, "staged": staged, "was": was}, number, journal, hand)


def _exchange(how: str, what: Mapping[str, Any], number: int, journal: Journal, hand: Hand) -> None:
    pairs = hand.do(how, **what)["pairs"]
    if not pairs:
        raise CannotFix("nothing was changed by it")
    journal.write("exchange", step=number, hand="service", pairs=pairs)
    hand.do("become", pairs=pairs, wanted="new")
    journal.write("exchanged", step=number)


def _write(hand: Hand, path: str, expected: str, data: bytes) -> None:
    hand.do("write", path=path, expected=[expected], data=base64.b64encode(data).decode())


PLAIN = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8"}
"""Of root's variables nothing is handed to another user."""


def hands_of(journal: Journal, environment: Mapping[str, str]) -> Hands:
    """Those that did what a journal tells. *environment*: the doctor's own."""
    whose = journal.whose
    return {"service": Hand(whose, environment if whose is None else PLAIN), "caller": Hand(None, environment)}


def bring_back(journal: Journal, hands: Hands, step: int | None = None) -> bool:
    """The state before the fix, or before that step of it; whether anything had been changed. To be repeated after any
    interruption. What somebody else has changed since stays theirs, and Overtaken says so when all else is brought back.
    Raises CannotFix."""
    entries = [one for one in journal.entries if step is None or one.get("step") == step]
    gone = {one["step"] for one in entries if one["what"] == "reverted"}
    entries = [one for one in entries if one.get("step") not in gone]
    changed = False
    overtaken: dict[int, Overtaken] = {}  # by step
    with deaf():
        for one in reversed(entries):
            if one["what"] == "stage" and one["step"] in overtaken:
                continue  # the old state is all that is left of it
            try:
                changed = _taken_back(one, journal, hands) or changed
            except Overtaken as error:
                overtaken.setdefault(one["step"], error)
        if overtaken:
            raise next(iter(overtaken.values()))
        for number in dict.fromkeys(one["step"] for one in entries if "step" in one):
            with contextlib.suppress(CannotFix):  # a full disk: it is taken back all the same, and may be once more
                journal.write("reverted", step=number)
    return changed


def _taken_back(one: Mapping[str, Any], journal: Journal, hands: Hands) -> bool:
    """Whether there was something to take back."""
    if one["what"] == "exchange":
        hand = hands[one["hand"]]
        changed: bool = hand.do("state", pairs=one["pairs"])["state"] != "old"
        hand.do("become", pairs=one["pairs"], wanted="old")
        return changed
    if one["what"] == "write":
        old = journal.kept(one["kept"])
        now = hashlib.sha256(_read(hands[one["hand"]], one["path"])).hexdigest()
        _write(hands[one["hand"]], one["path"], one["after"], old)
        return now != hashlib.sha256(old).hexdigest()
    if one["what"] == "link":
        what = {name: one[name] for name in ("path", "to", "missing")}
        return bool(hands[one["hand"]].do("unlink", **what)["changed"])
    if one["what"] == "mode":
        told = hands[one["hand"]].do("mode", path=one["path"], expected=one["new"], wanted=one["old"])
        return bool(told["changed"])
    if one["what"] == "stage":
        hands[one["hand"]].do("discard", path=one["staged"])
    return False


def _read(hand: Hand, path: str) -> bytes:
    return base64.b64decode(hand.do("read", path=path)["data"])


def make_final(earlier: Sequence[Journal], folders: Iterable[str], environment: Mapping[str, str]) -> None:
    """Earlier fixes of the same folders can no longer be undone, and their old states are removed, by whoever made them."""
    wanted = set(folders)
    for journal in earlier:
        staged: list[dict[str, Any]] = [one for one in journal.entries if one["what"] == "stage"]
        if wanted & {one["folder"] for one in staged} and not journal.has("final"):
            journal.write("final")
            hands = hands_of(journal, environment)
            for one in staged:
                with contextlib.suppress(CannotFix):  # it is but space
                    hands[one["hand"]].do("discard", path=one["staged"])
