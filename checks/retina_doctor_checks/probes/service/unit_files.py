"""Units of systemd and programs of supervisor: the command that they start, and what must be there for it. Python 3.8."""

from __future__ import annotations

import configparser
import os
import re
import shlex

from retina_doctor_checks.probes.native import program
from retina_doctor_checks.probes.service import application, ended
from retina_doctor_checks.probes.service.start_command import KEPT, SECONDS, SaidAt, StartCommand

LISTS = ("Environment", "EnvironmentFile", "AmbientCapabilities")
"""Of a unit's settings those that add up; of the others the last one counts (systemd.syntax(7))."""

OF_UNIT = (
    *("LoadState", "ExecStart", "ExecStartEx", "Environment", "WorkingDirectory", "User", "AmbientCapabilities"),
    "FragmentPath",
)
PREFIX = re.compile(r"[-@:+!|\s]*")
"""Before the command (systemd.service(5)): with + or ! it has more rights than its user."""
PRIVILEGED = re.compile(r"flags=[^;]*(?:privileged|no-setuid|ambient)")
DROP_INS = ("/etc/systemd/system", "/run/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system")
MORE = "net_bind_service"
"""Said of rights that may be more than a unit's own lines tell."""


def of_unit(name: str) -> StartCommand:
    """By `systemctl show`; a file is read where one is named, or where systemd has no such unit."""
    if "/" in name and os.path.isfile(name):
        return of_unit_file(os.path.abspath(name))
    keys = ",".join((*OF_UNIT, *ended.UNIT))
    done = program.run(["systemctl", "show", "--no-pager", "--property", keys, "--", name], SECONDS)
    text = done.output.decode("utf-8", "replace") if done.code == 0 else ""
    told = dict(line.partition("=")[::2] for line in text.splitlines())
    if (done.code != 0 or told.get("LoadState") == "not-found") and os.path.isfile(name):
        return of_unit_file(os.path.abspath(name))
    if done.code != 0:
        return StartCommand("unit", [])
    match = re.search(r"argv\[\]=(.*?) ;", told.get("ExecStart", ""))
    directory, ex = told.get("WorkingDirectory", ""), told.get("ExecStartEx", "")
    place = SaidAt(told.get("FragmentPath") or name, 0)
    words = [*its_path(told.get("Environment", "")), *application.split(match.group(1))] if match else []
    return StartCommand(
        "unit",
        words,
        needed(directory),
        ended.of_unit(text),
        place=place,
        user=(told["User"], place) if told.get("User") else None,
        rights=MORE if not ex or PRIVILEGED.search(ex) else granted(told.get("AmbientCapabilities", "")),
    )


def of_unit_file(path: str) -> StartCommand:
    told = section(path, "Service")
    command, _ = told.get("ExecStart", ("", 0))
    match = PREFIX.match(command)
    before = match.group() if match else ""
    more = not {"+", "!"}.isdisjoint(before) or has_drop_ins(path)
    directory, line = told.get("WorkingDirectory", ("", 0))
    user, user_line = told.get("User", ("", 0))
    files, files_line = told.get("EnvironmentFile", ("", 0))
    there = [one for one in application.split(files) if not one.startswith("-") and "%" not in one]
    gone = [one for one in there if not os.path.exists(one)]
    place = SaidAt(path, line if not gone or not is_folder(needed(directory)) else files_line)
    return StartCommand(
        "unit",
        [*its_path(told.get("Environment", ("", 0))[0]), *application.split(command[len(before) :])],
        needed(directory),
        None,
        there,
        place=place,
        user=(user, SaidAt(path, user_line)) if user and "%" not in user else None,
        rights=MORE if more else granted(told.get("AmbientCapabilities", ("", 0))[0]),
    )


def granted(capabilities: str) -> str:
    return MORE if "~" in capabilities else capabilities


def has_drop_ins(path: str) -> bool:
    """Whether files beside it, or where systemd looks for them, change it: of this unit, of its template, of all services."""
    name = os.path.basename(path)
    names = {name, re.sub(r"@[^.]*", "@", name), "service"}
    places = [os.path.join(one, each + ".d") for one in (os.path.dirname(path), *DROP_INS) for each in names]
    return any(one.endswith(".conf") for place in places if os.path.isdir(place) for one in os.listdir(place))


def is_folder(path: str | None) -> bool:
    return path is None or os.path.isdir(path)


def needed(directory: str) -> str | None:
    """A folder that must be there: not "-/x", nor "~", nor one with specifiers that only systemd knows."""
    plain = directory.strip().strip('"').lstrip("!")
    if not plain.startswith("/") or "%" in plain.replace("%%", ""):
        return None
    return plain.replace("%%", "%")


def its_path(environment: str) -> list[str]:
    return [word for word in application.split(environment) if word.startswith(KEPT)]


def section(path: str, name: str) -> dict[str, tuple[str, int]]:
    """As systemd reads it: a line that begins with # or ; is a comment, one that ends in a backslash goes on, "KEY=" empties."""
    found: dict[str, tuple[str, int]] = {}
    try:
        with open(path, encoding="utf-8") as file:
            lines = file.read().split("\n")
    except (OSError, UnicodeDecodeError):
        return found
    inside, whole, first = False, "", 0
    for number, line in enumerate(lines, 1):
        if line.lstrip().startswith(("#", ";")):
            continue
        whole, first = (whole + " " + line.strip(), first) if whole else (line.strip(), number)
        if whole.endswith("\\"):
            whole = whole[:-1].rstrip()
            continue
        if whole.startswith("["):
            inside = whole == "[%s]" % name
        elif inside and "=" in whole:
            key, _, value = (part.strip() for part in whole.partition("="))
            before = found.get(key, ("", 0))[0] if key in LISTS and value else ""
            found[key] = (before + " " + value if before else value, first)
        whole = ""
    return found


def of_supervisor(path: str, wanted: str | None = None) -> StartCommand:
    """The first of its programs, or the one that is named."""
    parser = configparser.RawConfigParser(strict=False, interpolation=None, inline_comment_prefixes=(" ;",))
    try:
        parser.read(path, encoding="utf-8")
    except (configparser.Error, OSError, UnicodeDecodeError):
        return StartCommand("supervisor", [])
    for name in parser.sections():
        kind, _, own = name.partition(":")
        words = application.split(parser.get(name, "command", fallback="").partition(" ;")[0])
        if kind not in ("program", "fcgi-program") or not words or wanted not in (None, own):
            continue
        values = {
            key: expanded(parser.get(name, key, fallback=""), path, own)
            for key in ("directory", "user", "stdout_logfile")
        }
        log = values["stdout_logfile"]
        folder = os.path.dirname(log) if log and log.upper() not in ("AUTO", "NONE") and "/" in log else None
        return StartCommand(
            "supervisor",
            [*listed(expanded(parser.get(name, "environment", fallback=""), path, own) or ""), *words],
            values["directory"],
            place=line_of(path, name, "directory"),
            user=(values["user"], line_of(path, name, "user")) if values["user"] else None,
            log_folder=(folder, line_of(path, name, "stdout_logfile")) if folder else None,
        )
    return StartCommand("supervisor", [])


def listed(environment: str) -> list[str]:
    """Of KEY="value",OTHER=value (supervisor/datatypes.py dict_of_key_value_pairs) what is kept; blanks may stand around =."""
    lexer = shlex.shlex(re.sub(r"(\w)[ \t]*=[ \t]*", r"\1=", environment), posix=True)
    lexer.whitespace += ","
    lexer.whitespace_split = True
    try:
        return [word for word in lexer if word.startswith(KEPT)]
    except ValueError:  # a quotation mark that is not closed
        return []


def expanded(value: str, path: str, program_name: str) -> str | None:
    """With what supervisor itself puts in; None: nothing, or something that only it knows (%(ENV_X)s)."""
    value = value.partition(" ;")[0].strip()
    value = value.replace("%(here)s", os.path.dirname(path)).replace("%(program_name)s", program_name)
    return None if not value or "%" in value.replace("%%", "") else os.path.expanduser(value.replace("%%", "%"))


def line_of(path: str, name: str, key: str) -> SaidAt:
    inside = False
    try:
        with open(path, encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                if line.startswith("["):
                    inside = line.partition("]")[0] == "[" + name
                elif inside and re.match(r"\s*%s\s*[=:]" % key, line):
                    return SaidAt(path, number)
    except (OSError, UnicodeDecodeError):
        pass
    return SaidAt(path, 0)
