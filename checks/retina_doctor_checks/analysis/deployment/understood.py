"""What of the files that install packages their reader cannot tell: packages whose needs are unknown, indexes that are not
PyPI's, other Pythons, and parts that are computed, run or kept elsewhere."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from ...facts.deployment import Doubt
from . import shell
from .packages import OURS, normalised

Contents = Callable[[str], bytes | None]
PLAIN = frozenset(
    (
        *("flask", "flask-cors", "flask-restful", "flask-restx", "gunicorn", "uvicorn", "hypercorn", "waitress"),
        *("daphne"),
        *("fastapi", "starlette", "pydantic", "pydantic-settings", "python-multipart", "requests", "httpx", "aiohttp"),
        *("aiofiles", "orjson", "ujson", "websockets", "jinja2", "werkzeug", "click", "itsdangerous"),
        *("email-validator"),
        *("python-dotenv", "pyyaml", "redis", "celery", "rq", "dramatiq", "django", "djangorestframework", "django-rq"),
        *("tornado", "sanic", "quart", "bottle", "gevent", "eventlet", "uvloop", "httptools", "watchfiles", "tqdm"),
        *("loguru", "structlog", "python-json-logger", "prometheus-client", "prometheus-fastapi-instrumentator"),
        *("sentry-sdk", "pillow", "boto3", "minio", "sqlalchemy", "psycopg2-binary", "pymysql", "pymongo", "psutil"),
        *("nvidia-ml-py", "pynvml", "grpcio", "grpcio-tools", "protobuf", "kafka-python", "pika", "paho-mqtt"),
        *("pytest", "ruff", "black", "mypy", "isort", "setuptools", "wheel", "pip", "cython", "onnx", "torchvision"),
        *("torchaudio", "uv", "poetry", "pipenv", "typer", "rich", "slowapi", "httpcore", "anyio"),
    )
)
"""They require no onnxruntime, and no NumPy or any (Requires-Dist on PyPI)."""
MIRRORS = re.compile(
    r"pypi\.org|pypi\.tuna|mirrors?\.(?:aliyun|cloud\.tencent|ustc|163|baidu|tuna|bfsu|nju|sjtu)|douban|repo\.huaweicloud"
    r"|pypi\.mirrors\.ustc|download\.pytorch\.org|mirror\.baidu"
)
REQUIREMENT = re.compile(r"([A-Za-z0-9][\w.-]*)\s*(?:\[[^\]]*\])?\s*(?:[(<>=!~^;].*)?")
PYTHONS = re.compile(r"python[\d.]*$")
EXACTLY = ("-r", "--requirement", "-c", "--constraint")
INDEXED = ("-i", "--index-url", "--extra-index-url", "--default-index", "--index", "-f", "--find-links")
VALUED = (
    "--prefix",
    "--target",
    "-t",
    "--root",
    "--python",
    "-p",
    "--trusted-host",
    "--timeout",
    "--retries",
    "--cache-dir",
)
SILENT = (
    *("-U", "--upgrade", "-q", "-qq", "--quiet", "-v", "--verbose", "--user", "--system", "--no-cache-dir"),
    *("--no-cache"),
    *("--break-system-packages", "--no-deps", "--pre", "--prefer-binary", "--force-reinstall", "--no-build-isolation"),
    *("--ignore-installed", "-I", "--disable-pip-version-check", "--no-warn-script-location", "--require-hashes", "-y"),
    *("--no-compile", "--compile", "--compile-bytecode", "--root-user-action", "--progress-bar", "--use-pep517"),
    *("--default-timeout", "--no-input", "--upgrade-strategy"),
)
"""Of pip's words."""
QUIET = frozenset(
    (
        *("rm", "mkdir", "ln", "chmod", "chown", "useradd", "adduser", "groupadd", "addgroup", "usermod", "set", "cd"),
        *("true", "export", "ldconfig", "locale-gen", "update-alternatives", "add-apt-repository", "ls", "which"),
        *("test"),
        *("unzip", "tar", "find", "touch", "dpkg-reconfigure", "update-ca-certificates", "gpg", "id", "setcap"),
    )
)
"""Programs that install nothing of Python's."""
INSTALLERS = ("apt-get", "apt", "apk", "dnf", "yum", "microdnf", "zypper")
OF_SYSTEM = re.compile(
    r"python3?[\d.]*-(?!pip$|dev$|venv$|full$|distutils$|setuptools$|wheel$|minimal$|devel$|all-dev$)"
)
"""Packages of the system's that are Python's."""
FETCHING = re.compile(r"\.whl|\.sh\b|\.py\b|pip|miniconda|miniforge|python")
OPTIONS = ("PIP_CONSTRAINT", "UV_CONSTRAINT", "UV_OVERRIDE", "UV_EXCLUDE_NEWER", "PIP_NO_DEPS", "PIP_CONFIG_FILE")
SOURCES = (
    *("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "UV_INDEX", "UV_INDEX_URL", "UV_EXTRA_INDEX_URL", "UV_DEFAULT_INDEX"),
    *("PIP_FIND_LINKS", "UV_FIND_LINKS", "PIP_NO_INDEX"),
)
CHOICES = re.compile(r"--(?:with|without|extra|all-extras|group|only|only-group|extras|no-group|no-dev)\b|-[EG]\b|\$")
"""Which parts of a project are installed."""


def of_requirement(text: str) -> Doubt | None:
    """Of one requirement, by PEP 508."""
    match = REQUIREMENT.fullmatch(text.strip()) if len(text) < 1000 and "@" not in text.partition(";")[0] else None
    if match is None or text.endswith((".whl", ".zip", ".gz")):
        return "part"
    name = normalised(match[1])
    known = name in OURS or name in PLAIN or name.startswith(("nvidia-", "tensorrt"))
    return None if known else "package"


def of_index(address: str) -> Doubt | None:
    return None if MIRRORS.search(address) else "index"


def of_requirements(content: str, path: str, content_of: Contents, deep: int = 0) -> set[Doubt]:
    """Of a file of requirements, and of those that it takes in."""
    found: set[Doubt | None] = set()
    for whole in re.sub(r"\\\n", " ", content).split("\n"):
        line = re.sub(r"(?:^|\s)#.*|\s--(?:hash|config-settings)\b.*", "", whole).strip()
        word, _, value = line.replace("=", " ", 1).partition(" ") if line.startswith("--") else line.partition(" ")
        if line.startswith(("-r", "-c")) and line[:2] != word:
            word, value = line[:2], line[2:]
        if word in EXACTLY:
            file = posixpath.normpath(posixpath.join(posixpath.dirname(path), value.strip()))
            data = content_of(file) if deep < 5 else None
            found.add("part" if data is None else None)
            if data is not None and word in EXACTLY[:2]:
                found |= of_requirements(data.decode("utf-8", "replace"), file, content_of, deep + 1)
        elif word in INDEXED:
            found.add(of_index(value))
        elif word.startswith("-"):
            found.add(None if word in SILENT or word in VALUED else "index" if word == "--no-index" else "part")
        elif line:
            found.add(of_requirement(line))
    return {one for one in found if one is not None}


def of_texts(wanted: Iterable[str]) -> set[Doubt]:
    return {one for one in map(of_requirement, wanted) if one is not None}


def of_variables(given: Mapping[str, str]) -> set[Doubt]:
    """Of pip's and uv's own."""
    found: set[Doubt] = {"part"} if given.keys() & set(OPTIONS) else set()
    return found | {"index" for name in SOURCES if name in given and of_index(given[name]) is not None}


def of_command(words: Sequence[str]) -> set[Doubt]:
    """Of a command by which an image is built."""
    words, given = shell.program(list(words))
    found = of_variables(given)
    if not words:
        return found
    name, rest = shell.base(words[0]), words[1:]
    if name == "uv" and rest[:1] == ["pip"]:
        name, rest = "pip", rest[1:]
    if PYTHONS.match(name) and rest[:2] == ["-m", "pip"]:
        name, rest = "pip", rest[2:]
    if re.match(r"pip[\d.]*$", name):
        return found | set(_of_pip(rest))
    if name in INSTALLERS:
        return found | {"part" for word in rest if OF_SYSTEM.match(word) or "$" in word}
    return found | _of_program(name, rest)


def _of_program(name: str, rest: list[str]) -> set[Doubt]:
    line = " ".join(rest)
    if name in QUIET or (name in ("poetry", "pdm") and rest[:1] in (["config"], ["--version"])):
        return set()
    if name in ("curl", "wget"):
        return {"part"} if FETCHING.search(line) else set()
    if name in ("echo", "printf"):
        return {"part"} if re.search(r">.*(?:\.txt|\.conf|\.toml|\.pth)", line) else set()
    if name == "sed":
        return set() if "/etc/" in line and "pip" not in line else {"part"}
    if name in ("poetry", "pdm", "pipenv") and rest[:1] == ["install"]:
        return {"part"} if CHOICES.search(line) else set()
    if name == "uv" and rest[:1] == ["sync"]:
        return {"part"} if CHOICES.search(line.replace("--no-dev", "")) or "exclude-newer" in line else set()
    if PYTHONS.match(name):
        quiet = rest[:2] in (["-m", "venv"], ["-m", "ensurepip"], ["-m", "compileall"], ["--version"])
        called = rest[:1] == ["-c"] and not re.search(r"pip|subprocess|install|system", line)
        return set() if quiet or called else {"part"}
    return {"part", "python"} if name in ("conda", "mamba", "micromamba", "pyenv", "uv") else {"part"}


def _of_pip(words: list[str]) -> Iterator[Doubt]:
    if words[:1] != ["install"]:
        if words[:1] == ["config"]:
            yield from ("part", "index") if not MIRRORS.search(" ".join(words)) else ()
        return
    place = 1
    while place < len(words):
        word, sign, value = words[place].partition("=") if words[place].startswith("--") else (words[place], "", "")
        place += 1
        if word in (*EXACTLY, *INDEXED, *VALUED, "-e", "--editable"):
            value = value if sign else (words[place] if place < len(words) else "")
            place += 0 if sign else 1
            if word in ("-c", "--constraint"):
                yield "limit"
            if "$" in value or (word in ("-e", "--editable") and value != "."):
                yield "part"
            if word in INDEXED and of_index(value) is not None:
                yield "index"
        elif word.startswith("-"):
            if word not in SILENT and not word.startswith(("-r", "-c", "-i")):
                yield "index" if word in ("--no-index", "--only-binary") else "part"
        elif word not in (".", "./") and (doubt := of_requirement(word)) is not None:
            yield doubt


def of_copied(value: str, is_stage: bool) -> set[Doubt]:
    """Of a COPY: pip's configuration, wheels, and what comes from an image that is not built here."""
    found: set[Doubt] = {"index"} if re.search(r"pip\.conf|\.pip\b|uv\.toml|\.whl|wheel|\.netrc", value) else set()
    other = "--from=" in value and not is_stage and not re.search(r"astral-sh/uv(?!:\S*python)", value)
    return found | ({"part", "python"} if other else set())
