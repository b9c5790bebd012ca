"""A start command that is a script: whether the kernel can run it, and what a plain script of a shell starts. Sent to targets:
Python 3.8; nothing is run."""

from __future__ import annotations

import os
import re

from retina_doctor.hints import Any
from retina_doctor_checks.probes.service import application, imported_names, server_words

SHELLS = ("sh", "bash", "dash", "ash")
MOST_BYTES = 64 * 1024
NOT_PLAIN = re.compile(
    r"(?m)^\s*(?:(?:if|case|for|while|until|function|source|eval|trap|alias|\{)\b|\.\s)|PYTHONPATH|conda|activate|<<|\(\)"
)
"""What a script does that decides at its start alone which command it comes to, or in which environment."""
OWN_FOLDER = re.compile(r"""(cd\s+)["']?\$\(dirname\s+["']?(?:\$0|\$\{?BASH_SOURCE(?:\[0\])?\}?)["']?\)["']?""")


class Script:
    """*path*: of the file. *text*: of it, where a shell reads it, else None. *unloadable*: why it cannot be started, or None."""

    def __init__(self, path: str, text: str | None, unloadable: dict[str, Any] | None) -> None:
        self.path, self.text, self.unloadable = path, text, unloadable


def script_of(words: list[str], directory: str, program: str | None) -> Script | None:
    """*words*: of the command, without what only starts another; *program*: where its first word is. None: no script."""
    shell = os.path.basename(words[0]) in SHELLS
    named = next((one for one in words[1:] if not one.startswith("-")), None) if shell else words[0]
    if named is None or (shell and any(re.match(r"-\w*c", one) for one in words[1:])):
        return None
    path = os.path.normpath(os.path.join(directory, named)) if shell or "/" in named else program
    if path is None or not os.path.isfile(path):
        return None
    try:
        with open(path, "rb") as file:
            data = file.read(MOST_BYTES)
    except OSError:
        return None
    head = data.partition(b"\n")[0]
    if not shell and not head.startswith(b"#!"):
        return None
    interpreter = head[2:].strip().split()[:1] if head.startswith(b"#!") else []
    called = os.fsdecode(interpreter[0]) if interpreter else ""
    why = wrong_with(path, head, called, data, shell)
    reads = shell or os.path.basename(called) in SHELLS or re.match(rb"#!\s*/usr/bin/env\s+(?:ba|da|a)?sh\s*$", head)
    text = data.decode("utf-8", "replace") if reads and len(data) < MOST_BYTES else None
    return Script(path, text, why)


def wrong_with(path: str, head: bytes, interpreter: str, data: bytes, shell: bool) -> dict[str, Any] | None:
    """*shell*: it is given to one, which needs neither its first line nor the right to execute it."""
    if b"\r\n" in data and (shell or head.endswith(b"\r")):
        told = imported_names.unloadable("line-ends", path, 1, os.path.basename(interpreter) or "sh")
        return dict(told, executable=shell or os.access(path, os.X_OK))
    if shell:
        return None
    if not os.access(path, os.X_OK):
        return imported_names.unloadable("mode", path, 1, os.path.basename(path))
    if interpreter and os.path.isabs(interpreter) and not os.path.exists(interpreter):
        return imported_names.unloadable("interpreter", path, 1, interpreter)
    return None


def started(script: Script, directory: str) -> tuple[list[str], str]:
    """The words of the last command of a plain script, and the folder that it has gone to by then; no words: nobody knows, or it
    may be one of the shell's own."""
    text = (script.text or "").replace("\\\n", " ")
    text = OWN_FOLDER.sub(lambda found: found[1] + os.path.dirname(script.path), text)
    if NOT_PLAIN.search(text):
        return [], directory
    commands = [line for line in (re.sub(r"(?:^|\s)#.*", "", one) for one in text.splitlines()) if line.strip()]
    words, directory = application.entered(["sh", "-c", " ; ".join(commands)], directory)
    name = os.path.basename(next(iter(application.stripped(words)), ""))
    known = "exec" in words[:1] or name in server_words.SERVERS or application.PYTHON.match(name)
    return words if known else [], directory
