"""Lines of containers as they should be: a memory limit that suffices, a probe that asks for what is served."""

from __future__ import annotations

import posixpath
import re

from retina_doctor.patterns import pattern

from ..facts.deployment import DeployedContainer, HealthProbe

MIB = 2**20
LIMIT = pattern(r"((?:memory|mem_limit)[\"']?\s*:\s*)([\"']?)([\d.]+)([A-Za-z]*)\2(?=\s*(?:[,}#]|$))")


def limited(container: DeployedContainer, needed: int, is_unit: bool = False) -> str | None:
    """The line with a limit that suffices, in MiB. *is_unit*: only the unit is missing, where the number suffices with one."""
    if container.memory is None:
        return None
    text = container.memory.at.text
    found = list(LIMIT.finditer(text))
    if len(found) != 1:
        return None
    one = found[0]
    wanted = -(-needed // MIB)
    said = int(one[3]) if is_unit and one[3].isdecimal() else 0
    number = said if wanted <= said < 2**20 else wanted
    unit = "Mi" if container.kind == "kubernetes" else "m"
    return f"{text[: one.start()]}{one[1]}{number}{unit}{text[one.end() :]}"


HEALTH = pattern(r"(?i)health|ready|live|ping|status|heartbeat")


def asking_another(probe: HealthProbe, served: set[tuple[str, str]]) -> str | None:
    """The line with the one path that answers a GET and is for this."""
    paths = {path for method, path in served if method in ("GET", "HEAD") and HEALTH.search(path)}
    if len(paths) != 1 or not probe.path or probe.path == "/":
        return None
    pattern = re.escape(probe.path) + r"(?![\w/.-])"
    text, count = re.subn(pattern, lambda _: next(iter(paths)), probe.at.text)
    return text if count == 1 else None


URL = pattern(r"https?://[^\s'\"|;)\],$]+(?=[\s'\"|;)\],]|$)")
BY_PYTHON = "import urllib.request as r; r.urlopen('{}')"


PLAIN = pattern(
    r"--(?:fail|silent|show-error|location|quiet|no-verbose|spider)|-[fsSLq]+|-nv|-qO-|-[mtT]\d+"
    r"|--(?:max-time|connect-timeout|retry|timeout|tries)=\d+|\|\||exit|1"
)
"""Words of curl and wget that leave the request a plain GET, and what ends the command."""
PLAIN_PAIRS = pattern(
    r" (?:(?:-m|-T|-t|--max-time|--connect-timeout|--retry|--tries|--timeout) \d+|-q?[oO] (?:-|/dev/null))(?= )"
)


def asks_plainly(text: str) -> bool:
    """Whether a probe's command is one GET by curl or wget, and no more."""
    command = re.sub(r"^(?:test:\W*(?:CMD(?:-SHELL)?\b)?|HEALTHCHECK .*?\bCMD\b)|\s#.*$", " ", text)
    words = " ".join(re.split(r"[\s\"',\[\]]+", URL.sub(" ", command)))
    program, *rest = PLAIN_PAIRS.sub("", words + " ").split() or [""]
    return posixpath.basename(program) in ("curl", "wget") and all(PLAIN.fullmatch(one) for one in rest)


def asking_in_python(text: str) -> str | None:
    """A Dockerfile's HEALTHCHECK or the test of a compose file, on one line: by the Python that the service has anyhow. Only what
    is a plain GET: another method, a header or what is sent along would be lost."""
    urls = URL.findall(text)
    if len(urls) != 1 or text.endswith("\\") or not asks_plainly(text):
        return None
    asked = BY_PYTHON.format(urls[0])
    if text.upper().startswith("HEALTHCHECK ") and "CMD" in text:
        return f'{text[: text.index("CMD")]}CMD python3 -c "{asked}"'
    return f'test: ["CMD", "python3", "-c", "{asked}"]' if re.match(r"test:\s*[\[\w\"']", text) else None
