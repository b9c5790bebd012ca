"""Asks the dynamic loader what it would load, as `ldd` does: nothing is run, nothing is imported.

The loader itself answers, in the target's environment and under the target's own Python, so that search paths of any
kind (LD_LIBRARY_PATH, RUNPATH, conda's RPATH, ldconfig's cache) count as they will. All that is missing is told at once;
opening a library tells only the first. Sent to targets: Python 3.8, standard library alone.
"""

from __future__ import annotations

import contextlib
import os
import re
import sys

from retina_doctor.hints import Any
from retina_doctor_checks.probes.native import elf, program

SECONDS = 5  # half of what a looking has that shares a process
FOUND = re.compile(r"^\s+(\S+) => (.+) \(0x[0-9a-f]+\)$")
MISSING = re.compile(r"^\s+(\S+) => not found$")
REFUSED = re.compile(r"object '(.+)' from LD_PRELOAD cannot be preloaded \((.+)\)")
NOT_THERE = "cannot open shared object file"
VERSION = re.compile(r": (.+): version `(.+)' not found \(required by (.+)\)")


def trace(files: list[Any]) -> dict[str, Any]:
    """What becomes of *files* (paths or sonames) and of all that they need.

    {"found": {soname: path}, "missing": [soname], "versions": [{"library", "version", "by"}], "problem": text or None}.
    Where "problem" is set the loader gave up, and what is not named is not known.
    """
    answer: dict[str, Any] = {"found": {}, "missing": [], "versions": [], "problem": None}
    try:
        executable = os.readlink("/proc/self/exe") if os.path.exists("/proc/self/exe") else sys.executable
        linker = elf.loader(executable)
    except (OSError, elf.NotElf) as error:
        return dict(answer, problem=str(error))
    if linker is None:
        return dict(answer, problem="%s is linked statically" % executable)
    if "musl" in os.path.basename(linker):  # Alpine's knows no LD_TRACE_LOADED_OBJECTS: it would run the program
        return dict(answer, problem="%s does not tell what it would load" % linker)
    before = [os.environ["LD_PRELOAD"]] if os.environ.get("LD_PRELOAD") else []
    with contextlib.ExitStack() as links:
        named = {_nameable(name, links): name for name in files}
        asking = dict(os.environ, LD_TRACE_LOADED_OBJECTS="1", LD_PRELOAD=":".join([*before, *named]), LC_ALL="C")
        done = program.run([linker, executable], SECONDS, asking)
    if done.code is None:
        return dict(answer, problem=done.stopped)
    errors = os.fsdecode(done.errors)
    _resolved(os.fsdecode(done.output), answer)
    _refused(errors, named, answer)
    if done.code != 0 and not answer["problem"]:
        answer["problem"] = (errors.strip().splitlines() or ["exit status %d" % done.code])[-1][-1000:]
    return answer


def _resolved(output: str, answer: dict[str, Any]) -> None:
    """What the loader found, and what it did not."""
    for line in output.splitlines():
        found, missing = FOUND.match(line), MISSING.match(line)
        if found:
            answer["found"][found.group(1)] = found.group(2)
        elif missing and missing.group(1) not in answer["missing"]:
            answer["missing"].append(missing.group(1))


def _refused(errors: str, named: dict[str, str], answer: dict[str, Any]) -> None:
    """What the loader complains of: a file of *named* that it cannot take, a version that a library has not."""
    for line in errors.splitlines():
        refused, version = REFUSED.search(line), VERSION.search(line)
        if refused and refused.group(1) in named:
            file = named[refused.group(1)]
            if not os.path.isabs(file) or (refused.group(2) == NOT_THERE and not os.path.lexists(file)):
                answer["missing"].append(file)
            else:  # it may not be read or mapped, or is another processor's, say: what it needs is not asked
                answer["problem"] = "%s: %s" % (file, refused.group(2))
        elif version:
            answer["versions"].append({"library": version[1], "version": version[2], "by": version[3]})


def _nameable(name: str, links: Any) -> str:
    """*name*, or, where the loader's list cannot hold it for a blank or a colon, the same file by a link to its folder."""
    if not re.search(r"[\s:]", name):
        return name
    import tempfile  # only here: it takes a millisecond and a half

    folder = links.enter_context(tempfile.TemporaryDirectory())
    os.symlink(os.path.dirname(os.path.abspath(name)), os.path.join(folder, "it"))
    return os.path.join(folder, "it", os.path.basename(name))
