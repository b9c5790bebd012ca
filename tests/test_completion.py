"""What real shells offer: bash, zsh and fish, each asked as a person at its prompt asks."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from retina_doctor.catalogue.completion import of_check, of_checks
from retina_doctor.catalogue.registry import installed
from tests.odd_probes.runs import environment

BIN = Path(sys.executable).parent
SETUP = {
    "bash": ("--norc --noprofile -i", 'eval "$(_RETINA_DOCTOR_COMPLETE=source_bash retina-doctor)"'),
    "zsh": (
        "-f -i",
        'autoload -Uz compinit; compinit -u -D; eval "$(_RETINA_DOCTOR_COMPLETE=source_zsh retina-doctor)"',
    ),
}


def at(folder: Path) -> dict[str, str]:
    path = os.pathsep.join((str(BIN), os.environ["PATH"]))
    return environment(PATH=path, HOME=str(folder), TERM="dumb", PS1="$ ", HISTFILE="")


def needed(shell: str) -> str:
    program = shutil.which(shell)
    assert program, f"{shell} is needed: apt-get install {shell}"
    return program


def at_prompt(shell: str, settings: str, typed: str, mark: str, folder: Path) -> re.Match[str]:
    """What is found of *mark* in that shell's answer to *typed*, keys among it, after the lines *settings* were run."""
    words, setup = SETUP[shell]
    master, slave = pty.openpty()
    with subprocess.Popen(
        [needed(shell), *words.split()], stdin=slave, stdout=slave, stderr=slave, env=at(folder), cwd=folder,
        start_new_session=True,
    ) as process:  # fmt: skip
        os.close(slave)

        def until(mark: str) -> re.Match[str]:
            text, end = "", time.monotonic() + 60
            while (found := re.search(mark, text, re.DOTALL)) is None:
                assert time.monotonic() < end and select.select([master], [], [], 60)[0], f"{shell} said only {text!r}"
                text += os.read(master, 4096).decode(errors="replace")
            return found

        os.write(master, f"{setup}; {settings}echo re''ady\n".encode())
        until(
            r"ready\r?\n.*\$ "
        )  # at its prompt it reads keys by itself: earlier the terminal would obey control-U and -D
        os.write(master, typed.encode())
        found = until(mark)
        process.kill()
    os.close(master)
    return found


def completed(shell: str, typed: str, folder: Path) -> str:
    """The line that *typed* and the tabulator make at that shell's prompt."""
    # The completed line becomes the argument of an echo: control-A leads to its beginning.
    keys = f"{typed}\t\x01echo th'e'line: \n"
    return at_prompt(shell, "", keys, r"theline: (retina-doctor[^\r\n]*)[\r\n]", folder)[1].strip()


LISTS = {
    "bash": ("bind 'set completion-query-items 0'; bind 'set page-completions off'; ", "\x1b?"),
    "zsh": ("LISTMAX=100000; ", "\x04"),
}
"""What keeps the shell from asking whether it may list so many, and the key that lists them."""


def offered(shell: str, typed: str, folder: Path) -> set[str]:
    """The words that the shell lists behind *typed*, without what it says beside them."""
    if shell == "fish":
        return set(offered_by_fish(typed, folder))
    settings, key = LISTS[shell]
    # Control-U takes the line away, so that the next command's word stands behind the list.
    told = at_prompt(shell, settings, f"{typed}{key}\x15echo th'e'end\n", r"(.*)theend", folder)[1]
    return set(re.sub(r" -- [^\r\n]*", "", told).split())


def offered_by_fish(typed: str, folder: Path) -> dict[str, str]:
    asked = f"_RETINA_DOCTOR_COMPLETE=source_fish retina-doctor | source; complete -C {typed!r}"
    done = subprocess.run(
        [needed("fish"), "--no-config", "-c", asked], env=at(folder), cwd=folder, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return dict(line.partition("\t")[::2] for line in done.stdout.splitlines())


CASES = [
    ("retina-doctor explain ort-both", "retina-doctor explain ort-both-packages"),
    ("retina-doctor explain RD60", "retina-doctor explain RD60"),  # several begin so
    ("retina-doctor check --only rd264", "retina-doctor check --only rd264"),
    ("retina-doctor --skip det-thr", "retina-doctor --skip det-threshold-too-"),
    ("retina-doctor --require RD101,python_e", "retina-doctor --require RD101,python_env"),
    ("retina-doctor --format ht", "retina-doctor --format html"),
    ("retina-doctor dia", "retina-doctor diagnose"),
]


@pytest.mark.parametrize("shell", SETUP)
def test_a_tabulator_at_the_prompt(tmp_path: Path, shell: str) -> None:
    for typed, whole in CASES:
        assert completed(shell, typed, tmp_path) == whole


@pytest.mark.parametrize("shell", [*SETUP, "fish"])
def test_each_shell_lists_all_codes_names_and_domains(tmp_path: Path, shell: str) -> None:
    """At its prompt, by the key that lists: as many as there are, and none lost in what the shell makes of a word."""
    told = subprocess.run([BIN / "retina-doctor", "list", "--format", "json"], env=at(tmp_path), capture_output=True)
    checks = json.loads(told.stdout)["checks"]
    assert len(checks) > 150
    codes, names, domains = ({one[key] for one in checks} for key in ("code", "name", "domain"))
    for flag in ("--only", "--skip", "--require"):
        missing = (codes | names | domains) - offered(shell, f"retina-doctor {flag} ", tmp_path)
        assert not missing, f"{shell} {flag}"
    explained = offered(shell, "retina-doctor explain ", tmp_path)
    assert codes | names <= explained
    assert not {"driver", "models", "python_env"} & explained, "a domain cannot be explained"


def test_fish_offers_with_a_word_beside_each(tmp_path: Path) -> None:
    assert offered_by_fish("retina-doctor explain ort-both", tmp_path) == {"ort-both-packages": "RD264, RD276"}
    assert offered_by_fish("retina-doctor explain RD264", tmp_path) == {"RD264": "ort-both-packages"}
    assert set(offered_by_fish("retina-doctor --skip python_e", tmp_path)) == {"python_env"}
    assert set(offered_by_fish("retina-doctor --lang ", tmp_path)) == {"en", "zh"}


def test_all_codes_names_and_domains_are_offered() -> None:
    words = {word for word, _ in of_checks("")}
    for entry in installed().entries:
        assert {entry.check.code, entry.check.name, entry.domain} <= words
    assert "driver" not in {word for word, _ in of_check("")}, "explain takes no domain"
    assert [word for word, _ in of_checks("RD101,rd264")] == ["RD101,rd264"]
    assert of_checks("nothing-begins-so") == []
