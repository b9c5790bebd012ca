"""What real shells offer: bash, zsh and fish, each asked as a person at its prompt asks."""

from __future__ import annotations

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

from retina_doctor.completion import of_check, of_checks
from retina_doctor.registry import installed
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


def completed(shell: str, typed: str, folder: Path) -> str:
    """The line that *typed* and the tabulator make at that shell's prompt."""
    words, setup = SETUP[shell]
    master, slave = pty.openpty()
    with subprocess.Popen(
        [needed(shell), *words.split()], stdin=slave, stdout=slave, stderr=slave, env=at(folder), cwd=folder,
        start_new_session=True,
    ) as process:  # fmt: skip
        os.close(slave)

        def until(mark: str) -> re.Match[str]:
            text, end = "", time.monotonic() + 60
            while (found := re.search(mark, text)) is None:
                assert time.monotonic() < end and select.select([master], [], [], 60)[0], f"{shell} said only {text!r}"
                text += os.read(master, 4096).decode(errors="replace")
            return found

        os.write(master, f"{setup}; echo re''ady\n".encode())
        until("ready")
        # The completed line becomes the argument of an echo: control-A leads to its beginning.
        os.write(master, f"{typed}\t\x01echo th'e'line: \n".encode())
        line = until(r"theline: (retina-doctor[^\r\n]*)[\r\n]")[1].strip()
        process.kill()
    os.close(master)
    return line


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


def test_fish_offers_with_a_word_beside_each(tmp_path: Path) -> None:
    def offered(typed: str) -> dict[str, str]:
        asked = f"_RETINA_DOCTOR_COMPLETE=source_fish retina-doctor | source; complete -C {typed!r}"
        done = subprocess.run(
            [needed("fish"), "--no-config", "-c", asked], env=at(tmp_path), cwd=tmp_path, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return dict(line.partition("\t")[::2] for line in done.stdout.splitlines())

    assert offered("retina-doctor explain ort-both") == {"ort-both-packages": "RD264, RD276"}
    assert offered("retina-doctor explain RD264") == {"RD264": "ort-both-packages"}
    assert set(offered("retina-doctor --skip python_e")) == {"python_env"}
    assert set(offered("retina-doctor --lang ")) == {"en", "zh"}


def test_all_codes_names_and_domains_are_offered() -> None:
    words = {word for word, _ in of_checks("")}
    for entry in installed().entries:
        assert {entry.check.code, entry.check.name, entry.domain} <= words
    assert "driver" not in {word for word, _ in of_check("")}, "explain takes no domain"
    assert [word for word, _ in of_checks("RD101,rd264")] == ["RD101,rd264"]
    assert of_checks("nothing-begins-so") == []
