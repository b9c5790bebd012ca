"""Which files of a tree are wanted: by their names, and by words without which no rule can find anything in them."""

from __future__ import annotations

from typing import Any, Literal

from retina_doctor.codec import Data, encode

Language = Literal["python", "deployment"]

PACKAGES = ("onnxruntime", "insightface", "nightly", "opencv", "fastapi", "multipart", "torch", "nvidia-", "retina")
STARTS = (
    *("gunicorn", "uvicorn", "hypercorn", "daphne", "waitress", "flask", "fastapi", "celery", "runserver"),
    *("docker", "podman", "nerdctl"),
)
LOW_PORTS = ("setcap", "ip_unprivileged_port_start", "cloudflared", "ngrok", "insightface")
MADE_WITH = ("conda create", "mamba create", "-m venv", "uv venv", "uv python pin", "virtualenv")
PYTHON = (
    *("onnxruntime", "torch", "onnx", "cv2", "insightface", "retinaface"),
    *(
        "fastapi",
        "flask",
        "flask_socketio",
        "quart",
        "sanic",
        "bottle",
        "uvicorn",
        "waitress",
        "aiohttp",
        "werkzeug",
        "wsgiref",
    ),
    *("http.server", "socketserver", "gevent", "gradio", "grpc", "multiprocessing"),
    *(
        "starlette",
        "litestar",
        "litserve",
        "bentoml",
        "tornado",
        "django",
        "rest_framework",
        "flask_restful",
        "flask_restx",
    ),
    *("celery", "ray", "streamlit", "rq", "django_rq", "dramatiq", "huey"),
    *("PIL", "imageio", "skimage", "torchvision", "matplotlib"),
    *("np.int", "np.float", "np.bool", "np.object", "np.Inf", "np.NaN", "numpy.int", "numpy.float", "numpy.bool"),
)
"""What a file must import, or names that NumPy lost; `http` and `numpy` alone are frequent words."""


class SourceKind(Data, frozen=True, kw_only=True):
    """What is asked of the fetching: `probes/source/look_texts.py` says what each field means."""

    kind: str
    name: str
    words: tuple[str, ...] = ()
    folder: str | None = None
    copied: bool = True
    follows: str | None = None


NAMES_OTHERS = r"(?m)^[ \t]*(?:-r|--requirement|-c|--constraint)[ =]?[ \t]*(\S+)"
SETS = (".config.update", ".config.from_", ".config[", "os.chdir")
"""By these a file changes what others read, whatever it imports."""
KINDS = (
    SourceKind(kind="gunicorn", name=r"gunicorn.*\.py$", copied=False),
    SourceKind(
        kind="python",
        name=r"(?i)(?:.*(?:config|settings|constants?|consts|params|defaults|paths?)\w*|(?:.*_)?(?:conf|cfg|env|options))\.py$",
        copied=False,
    ),
    SourceKind(kind="python", name=r".*\.py$", words=(*PYTHON, *SETS), copied=False),
    SourceKind(
        kind="requirements",
        name=r".*\.(?:txt|in)$",
        folder="requirements$",
        words=(*PACKAGES, "-r"),
        follows=NAMES_OTHERS,
    ),
    SourceKind(
        kind="dockerfile",
        name=r"(?i)(?:Dockerfile|Containerfile)(?:[._-](?!dockerignore$).*)?$|.+\.(?:docker|container)file$",
    ),
    SourceKind(kind="compose", name=r"(?:docker-|podman-)?compose[\w.-]*\.ya?ml$"),
    SourceKind(kind="lock", name=r"(?:poetry|pdm|pixi)\.lock$|Pipfile\.lock$|pylock[\w.]*\.toml$|conda-lock.*"),
    SourceKind(kind="conda", name=r"(?:.*environment.*|.*conda.*|env)\.ya?ml$", words=("dependencies",)),
    SourceKind(kind="manifest", name=r".+\.ya?ml$", words=("apiVersion", "services:")),
    SourceKind(
        kind="requirements",
        name=r"[\w.-]*requirements[\w.-]*\.(?:txt|in)$",
        words=(*PACKAGES, "-r"),
        follows=NAMES_OTHERS,
    ),
    SourceKind(kind="project", name=r"(?:pyproject\.toml|uv\.lock|Pipfile)$", words=PACKAGES),
    SourceKind(kind="python-version", name=r"(?:\.python-version|\.tool-versions|runtime\.txt)$"),
    SourceKind(kind="dotenv", name=r"(?:[\w-]+)?\.env$"),
    SourceKind(kind="script", name=r".+\.service$", words=("ExecStart",)),
    SourceKind(kind="configuration", name=r".+\.conf$", folder=r".+\.service\.d$|sysctl\.d$"),
    SourceKind(kind="configuration", name=r"sysctl\.conf$"),
    SourceKind(kind="script", name=r"(?:Procfile|Makefile|.+\.sh)$", words=(*STARTS, *MADE_WITH, *LOW_PORTS)),
)
"""The first that fits is the kind of a file."""


def wanted() -> list[Any]:
    """KINDS as the fetching is told of them."""
    return [encode(kind) for kind in KINDS]


def language(kind: str) -> Language:
    return "python" if kind in ("python", "gunicorn") else "deployment"
