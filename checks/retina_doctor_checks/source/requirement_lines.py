"""The line of a requirement without it, or with another beside it: in a requirements file, a project, a Pipfile or a RUN."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Sequence

from retina_doctor.patterns import pattern

from ..facts.deployment import Image, Package
from ..facts.source_lines import LineCorrection

WORD = r"(?:\[[^\]]*\])?(?:\s*(?:={2,3}|[<>!~]=|[<>^~])\s*[\w.*+!-]+(?:\s*,\s*(?:={2,3}|[<>!~]=|[<>])\s*[\w.*+!-]+)*)?"
"""Behind a name: extras and versions."""
LOCKS = ("uv.lock", "poetry.lock", "Pipfile.lock")


def name_of(package: Package) -> str:
    """A pattern: - and _ are the same in names (PEP 503)."""
    return "(?i:" + re.escape(package.name).replace(r"\-", "[-_.]") + r")(?![\w.-])"


def forms(package: Package) -> tuple[str, str, str]:
    """How it stands: the whole line of a requirements file; a text in quotation marks; KEY = VALUE of a table."""
    name = name_of(package)
    return (
        rf"{name}\s*{WORD}\s*(?:;[^#]*)?(?:#.*)?",
        rf"(?P<mark>[\"']){name}(?:(?!(?P=mark)).)*(?P=mark)",
        rf"[\"']?{name}[\"']?\s*=\s*[\"'{{].*",
    )


def is_written(package: Package) -> bool:
    """A lock is written by its program; what follows a line with hashes, or one that goes on, belongs to it."""
    text = package.at.text
    named = package.at.file.rsplit("/", 1)[-1]
    return named not in LOCKS and "--hash" not in text and not text.endswith("\\")


def is_direct(package: Package) -> bool:
    """NAME @ ADDRESS: of a wheel, which is no other package's."""
    return re.search(name_of(package) + r"\s*(?:\[[^\]]*\])?\s*@", package.at.text) is not None


CONDITION = pattern(r";.*\bpython_(?:full_)?version\b|\{.*\bpython\s*=")


def is_conditional(package: Package) -> bool:
    """Whether it is required for some Pythons alone: another line may say what the others get."""
    return CONDITION.search(package.at.text) is not None


def without(package: Package) -> str | None:
    """ "" where the whole line goes; None where it cannot be told."""
    text = package.at.text
    line, quoted, keyed = forms(package)
    if not is_written(package):
        return None
    if any(re.fullmatch(form, text) for form in (line, keyed, rf"{quoted}\s*,?\s*(?:#.*)?")):
        return ""
    if installs(text):
        return without_word(text, package)
    if re.match(r"[\w-]+\s*=\s*\[", text):
        return once(rf"{quoted}\s*,\s*|,\s*{quoted.replace('mark', 'last')}", "", text)
    return None


def installs(text: str) -> bool:
    return re.search(r"\bpip[\d.]*\s+install\b", text) is not None


def without_word(text: str, package: Package) -> str | None:
    """Where another is installed by the same command."""
    word = rf"\s+(?P<mark>[\"']?){name_of(package)}{WORD.replace(chr(92) + 's*', '')}(?P=mark)(?=\s|$)"
    fixed = once(word, "", text)
    command = next((one for one in re.split(r"&&|;", fixed or "") if installs(one)), "")
    named = [one for one in command.partition("install")[2].split() if not one.startswith("-")]
    return fixed if fixed is not None and len(list(re.finditer(r"\binstall\b", text))) == 1 and named else None


def with_another(package: Package, other: str) -> str | None:
    """With *other* required beside it; two lines where each has its own."""
    text = package.at.text
    line, quoted, keyed = forms(package)
    if not is_written(package):
        return None
    if re.fullmatch(line, text):
        return f"{text}\n{other}"
    if re.fullmatch(rf"{quoted}\s*(?:#.*)?", text):
        return once(quoted, lambda found: f"{found[0]},", text, f'\n"{other}"')
    if re.fullmatch(rf"{quoted}\s*,\s*(?:#.*)?", text):
        return f'{text}\n"{other}",'
    if re.fullmatch(keyed, text):
        return f'{text}\n{other} = "*"'
    if installs(text):
        word = rf"(?<=\s)(?P<mark>[\"']?){name_of(package)}{WORD.replace(chr(92) + 's*', '')}(?P=mark)(?=\s|$)"
        return once(word, lambda found: f"{found[0]} {other}", text)
    if re.match(r"[\w-]+\s*=\s*\[", text):
        return once(quoted, lambda found: f'{found[0]}, "{other}"', text)
    return None


def once(pattern: str, new: str | Callable[[re.Match[str]], str], text: str, behind: str = "") -> str | None:
    found, count = re.subn(pattern, new, text)
    return found + behind if count == 1 else None


PIP = pattern(r"(?:(?:\S*/)?python[\d.]*\s+-m\s+)?(?:(?:\S*/)?uv\s+)?(?:\S*/)?pip[\d.]*(?=\s+install\b)")


def reinstalling(image: Image, removed: Sequence[str], kept: Package) -> LineCorrection | None:
    """The last line on which the image installs packages, and behind it these removed and one installed again: so its files are
    whole."""
    last = next((one for one in reversed(image.steps) if one.does in ("install", "file", "project")), None)
    text = last.at.text if last is not None else ""
    pip = PIP.search(text)
    if last is None or last.index or pip is None or re.search(r"\\$|<<|\]\s*$", text):
        return None
    uv = re.search(r"\buv\s", pip[0]) is not None
    system = " --system" if uv and "--system" in text else ""
    extras = f"[{','.join(kept.extra)}]" if kept.extra else ""
    again = shlex.quote(f"{kept.name}{extras}{kept.spec}")
    uninstall = f"{pip[0]} uninstall{system if uv else ' -y'} {' '.join(removed)}"
    return LineCorrection(at=last.at, fixed=f"{text} && {uninstall} && {pip[0]} install{system} {again}")
