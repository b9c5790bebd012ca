"""What a command line says of the application that it serves, server by server, and what stands before the server. Sent to
targets: Python 3.8.
"""

from __future__ import annotations


class ServerWords:
    """*app*: the flags that name the application; (): the first word that is no flag does. *folder*: flags that say where its
    modules are; *alone*: flags that take no word behind them. *default*: the attribute, where only a module is named. *verbs*:
    what stands before the word; *names*: modules or files that are taken where none is named. *paths*: flags of further folders
    of modules, with commas between them."""

    def __init__(
        self,
        app: tuple[str, ...] = (),
        folder: tuple[str, ...] = (),
        alone: tuple[str, ...] = (),
        default: str | None = None,
        verbs: tuple[str, ...] = (),
        names: tuple[str, ...] = (),
        paths: tuple[str, ...] = (),
    ) -> None:
        self.app, self.folder, self.alone = app, folder, alone
        self.default, self.verbs, self.names = default, verbs, names
        self.paths = paths


FASTAPI = ("main.py", "app.py", "api.py", "app/main.py", "app/app.py", "app/api.py")  # fastapi_cli/discover.py
SERVERS = {
    "gunicorn": ServerWords(
        folder=("--chdir",),
        alone=("--preload", "--reload", "-D", "--daemon", "-R", "--enable-stdio-inheritance", "--capture-output", "--spew",
               "--initgroups", "--no-sendfile", "--reuse-port", "--proxy-protocol", "--disable-redirect-access-to-syslog",
               "--log-syslog", "--check-config"),
        default="application",
        paths=("--pythonpath",),
    ),
    "uvicorn": ServerWords(
        folder=("--app-dir",),
        alone=("--reload", "--factory", "--use-colors", "--proxy-headers", "--server-header", "--date-header", "--access-log"),
    ),
    "hypercorn": ServerWords(alone=("--debug", "--reload", "-D", "--daemon"), default="app"),
    "granian": ServerWords(
        folder=("--working-dir",),
        alone=("--reload", "--factory", "--access-log", "--websockets", "--respawn-failed-workers"),
    ),
    "daphne": ServerWords(alone=("--proxy-headers", "--no-server-name")),
    "waitress-serve": ServerWords(app=("--app",), alone=("--call", "--ipv4", "--ipv6", "--expose-tracebacks")),
    "uwsgi": ServerWords(
        app=("--module", "-w", "--wsgi-file", "--file"), folder=("--chdir", "--pythonpath"), default="application"
    ),
    "flask": ServerWords(app=("--app", "-A"), names=("wsgi.py", "app.py")),
    "quart": ServerWords(app=("--app", "-A"), names=("app.py",)),
    "fastapi": ServerWords(alone=("--reload", "--proxy-headers"), verbs=("run", "dev"), names=FASTAPI),
    "sanic": ServerWords(alone=("--dev", "--debug", "--fast", "--factory", "--auto-reload", "-d", "-r"), default="app"),
    "robyn": ServerWords(alone=("--dev", "--fast")),
    "streamlit": ServerWords(verbs=("run",)),
    "celery": ServerWords(app=("-A", "--app"), folder=("--workdir",), default=""),
    "bentoml": ServerWords(
        folder=("--working-dir",), alone=("--reload", "--development", "--production"), verbs=("serve",), names=("service.py",)
    ),
    "serve": ServerWords(folder=("--app-dir",), alone=("--blocking", "--reload"), verbs=("run", "deploy")),  # of Ray
    "torchrun": ServerWords(alone=("--standalone", "--no-python")),
}  # fmt: skip
"""By the help of each: gunicorn 27, uvicorn 0.54, hypercorn 0.18, granian 2.5, daphne 4, waitress 3, uwsgi 2, flask 3.1, quart
0.20, fastapi-cli 0.0, sanic 25, streamlit 1, celery 5, bentoml 1.4, ray 2."""
COMPILED = ("tritonserver",)
"""Servers that run no application of anybody's."""
WORKERS = {"gevent": "gevent", "eventlet": "eventlet", "tornado": "tornado", "gthread": "", "sync": ""}
"""What gunicorn imports for a class of workers (gunicorn/workers/__init__.py)."""
ASKS = {
    ("uvicorn", "--loop", "uvloop"): "uvloop",
    ("uvicorn", "--http", "httptools"): "httptools",
    ("uvicorn", "--ws", "websockets"): "websockets",
    ("uvicorn", "--ws", "wsproto"): "wsproto",
    ("hypercorn", "--worker-class", "uvloop"): "uvloop",
    ("hypercorn", "-k", "uvloop"): "uvloop",
    ("hypercorn", "--worker-class", "trio"): "trio",
    ("hypercorn", "-k", "trio"): "trio",
}

BEFORE = {
    **dict.fromkeys(("exec", "nohup", "tini", "dumb-init", "--", "time", "command", "catchsegv", "setsid", "stdbuf", "nice",
    "ionice"), 0),
    **dict.fromkeys(("env", "sudo", "opentelemetry-instrument", "ddtrace-run", "xvfb-run", "setpriv", "chpst",
    "prlimit"), 0),
    **dict.fromkeys(("gosu", "su-exec", "timeout"), 1),
    **dict.fromkeys(("taskset", "numactl", "chrt"), 0),
}  # fmt: skip
"""What only starts another command -> how many words of its own stand before that, flags apart."""
TAKES_A_WORD = {
    "sudo": ("-u", "-g", "-h", "-p", "-C", "-D", "-R", "-r", "-t", "-T", "-U", "--user", "--group", "--host", "--prompt",
             "--close-from", "--chdir", "--chroot", "--role", "--type", "--command-timeout", "--other-user"),
    "setpriv": ("--reuid", "--regid", "--ruid", "--euid", "--rgid", "--egid", "--groups", "--inh-caps", "--ambient-caps",
                "--bounding-set", "--securebits", "--pdeathsig", "--selinux-label", "--apparmor-profile"),
    "chpst": ("-u", "-U", "-b", "-e", "-/", "-C", "-n", "-l", "-L", "-m", "-d", "-o", "-p", "-f", "-c", "-r", "-t"),
    "env": ("-u", "--unset", "-C", "--chdir"),
    "nice": ("-n",),
    "ionice": ("-c", "-n"),
    "stdbuf": (),
    "taskset": ("-c", "--cpu-list"),
    "timeout": ("-k", "-s"),
    "tini": ("-p", "-e"),
    "xvfb-run": ("-n", "-s"),
}  # fmt: skip
RUNNERS = (("poetry", "run"), ("pipenv", "run"), ("pdm", "run"), ("uv", "run"), ("hatch", "run"), ("coverage", "run"))
BINDS = {
    "gunicorn": ("-b", "--bind"),
    "hypercorn": ("-b", "--bind"),
    "waitress-serve": ("--port", "--listen"),
    "uwsgi": ("--http", "--http-socket", "--https"),
    "streamlit": ("--server.port",),
    **dict.fromkeys(("daphne", "flask", "quart", "sanic", "bentoml"), ("-p", "--port")),
    **dict.fromkeys(("uvicorn", "granian", "fastapi"), ("--port",)),
}
"""Server -> its flags that name the port that it binds itself."""
