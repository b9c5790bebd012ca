"""Faults that the file shows which lies where the service is started: where no start command is named, it tells of the start."""

from __future__ import annotations

import os
import shutil
import socket
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from retinaface.weights import WEIGHTS

from tests.doctor import DEV_PYTHON, environment, install, make_venv, report, roots
from tests.standins import needs_root

APP = """{head}
from flask import Flask
from insightface.app import FaceAnalysis
app = Flask(__name__)
"""
MAY_BE_MISSING = """
from typing import TYPE_CHECKING
try:
    import torch
except ImportError:
    torch = None
if TYPE_CHECKING:
    import tensorflow
"""


def looked(folder: Path, *words: str, python: Path | str = DEV_PYTHON) -> dict[str, Any]:
    return report("check", "--device", "cpu", "--target", str(python), *words, cwd=folder)


def grave(told: dict[str, Any]) -> list[str]:
    """Names of errors that are roots."""
    return [one["name"] for one in told["findings"] if one["severity"] == "error" and one["root"] is None]


MISSING = ("--only", "torch,service-module-missing,insightface-missing,ort-missing")
"""And torch is not among what tests are run with."""


@pytest.mark.parametrize("way", ["the folder", "a start command", "a file that it imports"])
def test_torch_that_the_service_imports_and_its_python_lacks_is_the_one_root(way: str, tmp_path: Path) -> None:
    head = "from torch import nn"
    if way == "a file that it imports":
        (tmp_path / "net.py").write_text(head)
        head = "import net"
    (tmp_path / "app.py").write_text(APP.format(head=head))
    words = ["--start", f"{DEV_PYTHON} app.py"] if way == "a start command" else []
    told = looked(tmp_path, *MISSING, *words)
    assert roots(told) == ["torch-missing"]
    assert grave(told) == (roots(told) if words else [])
    assert told["findings"][0]["evidence"]["needed_by"].endswith("net.py" if "net" in head else "app.py")
    (tmp_path / "app.py").write_text(APP.format(head=MAY_BE_MISSING))
    assert roots(looked(tmp_path, *MISSING, *words)) == []


def test_what_else_it_imports_and_its_python_lacks(tmp_path: Path) -> None:
    """And a file that serves nothing, or detects nothing, is none of the service's."""
    (tmp_path / "serve.py").write_text(APP.format(head="import nowhere_to_be_found"))
    assert roots(looked(tmp_path, *MISSING)) == ["service-module-missing"]
    (tmp_path / "serve.py").write_text("import nowhere_to_be_found\nimport flask\n")
    (tmp_path / "main.py").write_text("import nowhere_to_be_found\nimport cv2\n")
    assert roots(looked(tmp_path, *MISSING)) == []


FASTAPI = "from fastapi import FastAPI\nimport cv2\napp = FastAPI()\n"


@pytest.mark.parametrize(
    "files",
    [
        {"app.py": "import gradio, cv2\n", "service.py": FASTAPI},
        {"app.py": "from services.face.det import run\n" + FASTAPI, "det.py": ""},
        {"app.py": "import facelib\n" + FASTAPI, "src/facelib/__init__.py": ""},
        {"app.py": "import facelib\n" + FASTAPI, "../facelib/core.py": ""},
        {"app.py": "import site\nsite.addsitedir('vendor')\nimport facelib\n" + FASTAPI},
        {"app.py": "import sys\nsys.modules['facelib'] = sys\nimport facelib\n" + FASTAPI},
    ],
)
def test_a_file_that_may_be_none_of_the_services_tells_nothing(files: dict[str, str], tmp_path: Path) -> None:
    """Several of them serve, or what is missing is near: it is started from another folder, or with a path of its own."""
    folder = tmp_path / "services" / "face"
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    assert roots(looked(folder, *MISSING)) == []


def test_insightface_that_it_imports(tmp_path: Path) -> None:
    python = make_venv(tmp_path / "venv", "uv")
    install(python, "flask", "onnxruntime")
    (tmp_path / "app.py").write_text(APP.format(head=""))
    assert roots(looked(tmp_path, *MISSING, python=python)) == ["insightface-missing"]


NUMPY = ("--only", "numpy-removed-alias,dependency-version-conflict,package-import-fails")


@pytest.mark.parametrize(
    ("line", "twin"),
    [
        ("boxes = np.int(3)", "boxes = np.int_(3)"),
        ("least = -np.Inf", "least = -np.inf"),
        ("from detector import x", "np.int = int\nfrom detector import x"),
        ("from detector import x", "for n, t in (('int', int),):\n    setattr(np, n, t)\nfrom detector import x"),
        ("kind = np.float_", "kind = np.float_ if hasattr(np, 'float_') else np.float64"),
    ],
)
def test_a_name_that_numpy_lost_in_what_the_start_runs(line: str, twin: str, tmp_path: Path) -> None:
    """And numpy 2 is what tests are run with."""
    (tmp_path / "detector.py").write_text("import numpy\nx = numpy.int(0)\n")
    start = ("--start", f"{DEV_PYTHON} app.py")
    (tmp_path / "app.py").write_text(APP.format(head=f"import numpy as np\n{line}"))
    told = looked(tmp_path, *NUMPY, *start)
    assert grave(told) == ["numpy-removed-alias"]
    assert told["findings"][0]["location"]["file"].endswith("detector.py" if "detector" in line else "app.py")
    (tmp_path / "app.py").write_text(APP.format(head=f"import numpy as np\n{twin}"))
    assert roots(looked(tmp_path, *NUMPY, *start)) == []


HEAD = "import numpy as np\nfrom flask import Flask\napp = Flask(__name__)\n"


@pytest.mark.parametrize(
    ("code", "wanted"),
    [
        ("NP2 = int(np.__version__[0]) > 1\nif NP2: kind = np.float64\nelse: kind = np.float_", []),
        ("if int(np.version.version.split('.')[0]) < 2: kind = np.float_", []),
        ("HAS = hasattr(np, 'float_')\nkind = np.float_ if HAS else np.float64", []),
        ("def f(y):\n    if hasattr(np, 'trapezoid'): return np.trapezoid(y)\n    return np.trapz(y)\nf([1])", []),
        ("area = getattr(np, 'trapezoid', None) or np.trapz", []),
        ("for n, t in (('int', int),):\n    setattr(np, n, t)\nzero = np.int(0)", []),
        ("if hasattr(np, 'NaN'): none = np.NaN\ndef f(): return np.Inf", ["numpy-removed-alias"]),
        ("def f():\n    return np.int(0)", ["numpy-removed-alias"]),
    ],
)
def test_a_name_that_the_start_asks_for_or_never_comes_to_is_no_error(
    code: str, wanted: list[str], tmp_path: Path
) -> None:
    (tmp_path / "app.py").write_text(HEAD + code + "\n")
    assert subprocess.run([DEV_PYTHON, "app.py"], cwd=tmp_path, check=False).returncode == 0
    told = looked(tmp_path, *NUMPY, "--start", f"{DEV_PYTHON} app.py")
    assert (roots(told), grave(told)) == (wanted, [])


def test_the_table_of_names_is_the_probes_and_what_numpy_itself_lacks() -> None:
    import numpy
    from retina_doctor_checks.numpy_names import GONE, is_gone
    from retina_doctor_checks.probes.python_env.look_packages import REMOVED

    assert set(GONE) == set(REMOVED)
    assert {name for name in GONE if is_gone(name, numpy.__version__)} == {
        name for name in GONE if name not in dir(numpy)
    }


OLD = ("insightface==0.7.3", "onnxruntime==1.23.2", "numpy==1.26.4", "opencv-python-headless==4.11.0.86")


@pytest.mark.parametrize("albucore", ["0.0.24", "0.3.1"])
def test_a_package_whose_import_ends_in_a_third_one(albucore: str, tmp_path: Path) -> None:
    python = make_venv(tmp_path / "venv", "uv")
    install(python, *OLD, "albumentations==1.4.15", f"albucore=={albucore}")
    told = looked(tmp_path, *NUMPY, python=python)
    assert grave(told) == ["dependency-version-conflict"]
    evidence = told["findings"][0]["evidence"]
    assert (evidence["asking_release"], evidence["lacking_release"]) == (
        "albumentations 1.4.15",
        f"albucore {albucore}",
    )
    install(python, *OLD, "albumentations==1.4.15", "albucore==0.0.16")
    assert grave(looked(tmp_path, *NUMPY, python=python)) == []


def test_a_package_that_dies_of_a_name_of_numpy(tmp_path: Path) -> None:
    """insightface of before 0.2 imports mxnet."""
    python = make_venv(tmp_path / "venv", "uv")
    install(python, "insightface==0.1.5", "mxnet==1.9.1", *OLD[1:])
    told = looked(tmp_path, *NUMPY, python=python)
    assert grave(told) == ["numpy-removed-alias"]
    assert told["findings"][0]["evidence"]["package"] == "mxnet"
    install(python, "insightface==0.1.5", "mxnet==1.9.1", "numpy==1.23.5", *OLD[1:2], *OLD[3:])
    assert roots(looked(tmp_path, *NUMPY, python=python)) == []


SHADOWS = ("--only", "working-directory-shadows-package")


@pytest.mark.parametrize("way", ["the folder", "python", "python -m", "gunicorn"])
@pytest.mark.parametrize("name", ["onnxruntime.py", "numpy/__init__.py", "insightface.py", "secrets.py"])
def test_a_neighbour_that_the_start_imports_is_an_error(name: str, way: str, tmp_path: Path) -> None:
    """Where nobody named the start it may be none, and a server may have imported Python's own module before."""
    (tmp_path / "app.py").write_text(APP.format(head="import onnxruntime"))
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("")
    (tmp_path / "torch").mkdir()  # a folder that is no package takes no module's place
    start = {
        "the folder": [],
        "python": ["--start", f"{DEV_PYTHON} app.py"],
        "python -m": ["--start", f"{DEV_PYTHON} -m uvicorn app:app"],
        "gunicorn": ["--start", "gunicorn app:app"],
    }
    told = looked(tmp_path, *SHADOWS, *start[way])
    assert roots(told) == ["working-directory-shadows-package"]
    sure = way != "the folder" and (way != "gunicorn" or name != "secrets.py")
    assert grave(told) == (roots(told) if sure else [])
    elsewhere = tmp_path / "src"
    elsewhere.mkdir()
    (tmp_path / "app.py").rename(elsewhere / "app.py")
    assert grave(looked(tmp_path, *SHADOWS, "--start", f"{DEV_PYTHON} src/app.py")) == []


FETCHED = (
    "--only",
    "model-missing,model-download-failed,service-log-shows-cause,model-unknown-name",
    "--model",
    "buffalo_l",
)
REFUSED = (
    "requests.exceptions.ConnectionError: HTTPSConnectionPool(host='github.com', port=443): Max retries exceeded\n"
)


@pytest.mark.parametrize("log", [False, True])
def test_a_pack_that_cannot_be_downloaded_where_there_is_no_network(log: bool, tmp_path: Path) -> None:
    """In a network namespace of its own, in which nothing but lo is."""
    needs_root()
    (tmp_path / "service.log").write_text(
        "socket.gaierror: [Errno -3] Temporary failure in name resolution\n" + REFUSED
    )
    words = [*FETCHED, *(("--log", "service.log") if log else ())]
    env = environment(HOME=str(tmp_path), https_proxy=None, HTTPS_PROXY=None, all_proxy=None, ALL_PROXY=None)
    told = report("check", "--device", "cpu", "--target", f"unshare --net {DEV_PYTHON}", *words, cwd=tmp_path, env=env)
    assert roots(told) == ["model-download-failed"]
    (tmp_path / ".insightface" / "models" / "buffalo_l").mkdir(parents=True)
    (tmp_path / ".insightface" / "models" / "buffalo_l" / "det.onnx").write_bytes(WEIGHTS)
    told = report(
        "check", "--device", "cpu", "--target", f"unshare --net {DEV_PYTHON}", *FETCHED, cwd=tmp_path, env=env
    )
    assert roots(told) == []


def test_a_pack_behind_a_proxy_that_is_not_there(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        env = environment(HOME=str(tmp_path), https_proxy=f"http://127.0.0.1:{proxy.getsockname()[1]}")
        there = report("check", "--device", "cpu", "--target", DEV_PYTHON, *FETCHED, cwd=tmp_path, env=env)
    gone = report("check", "--device", "cpu", "--target", DEV_PYTHON, *FETCHED, cwd=tmp_path, env=env)
    assert (roots(there), roots(gone)) == (["model-missing"], ["model-download-failed"])


UNIT = """[Service]
User={user}
{more}
WorkingDirectory={folder}
ExecStart={python} -m uvicorn --host 0.0.0.0 --port {port} app:app
"""


@pytest.mark.parametrize(
    ("user", "port", "more", "wanted"),
    [
        ("nobody", 80, "", ["port-forbidden"]),
        ("nobody", 80, "AmbientCapabilities=CAP_NET_BIND_SERVICE", []),
        ("nobody", 8080, "", []),
        ("root", 80, "", []),
        ("nobody", 80, "AmbientCapabilities=CAP_NET_BIND_SERVICE\nAmbientCapabilities=CAP_SYS_NICE", []),
        ("nobody", 80, "AmbientCapabilities=~CAP_SYS_NICE", []),
        ("nobody", 80, "AmbientCapabilities=CAP_NET_BIND_SERVICE\nAmbientCapabilities=", ["port-forbidden"]),
    ],
)
def test_a_unit_whose_user_may_not_bind_its_port(
    user: str, port: int, more: str, wanted: list[str], tmp_path: Path
) -> None:
    first = int(Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text())
    unit = tmp_path / "face.service"
    unit.write_text(UNIT.format(user=user, port=port, more=more, folder=tmp_path, python=DEV_PYTHON))
    told = looked(tmp_path, "--quick", "--only", "port-forbidden", "--start", str(unit))
    assert roots(told) == (wanted if port < first else [])


@pytest.mark.parametrize(
    ("command", "wanted"),
    [
        ("{python} -m uvicorn --port 80 app:app", True),
        ("sudo -n -u nobody {python} -m uvicorn --port 80 app:app", True),
        ("setpriv --reuid nobody --clear-groups {python} app.py --port 80", True),
        ("sudo {python} -m gunicorn -u www-data -b :80 app:app", False),
        ("docker run -p 8080:80 image", False),
        ("{python} app.py --port 8000 --smtp-port 25", False),
        ("{python} app.py --redis-port 22", False),
        ("ssh -N -p 22 host", False),
        ("{python} -m uvicorn --port 8000 --limit-concurrency 80 app:app", False),
        ("-+{python} -m uvicorn --port 80 app:app", False),
        ("@!{python} -m uvicorn --port 80 app:app", False),
    ],
)
def test_whose_port_a_command_names_and_who_binds_it(command: str, wanted: bool, tmp_path: Path) -> None:
    first = int(Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text())
    (tmp_path / "app.py").write_text("app = None\n")
    unit = tmp_path / "face.service"
    command = command.format(python=DEV_PYTHON)
    unit.write_text(f"[Service]\nUser=nobody\nWorkingDirectory={tmp_path}\nExecStart={command}\n")
    words = ("--quick", "--only", "port-forbidden", "--start", str(unit))
    assert roots(looked(tmp_path, *words)) == (["port-forbidden"] if wanted and first > 80 else [])
    more = tmp_path / "face.service.d" / "more.conf"
    more.parent.mkdir()
    more.write_text("[Service]\nAmbientCapabilities=CAP_NET_BIND_SERVICE\n")
    assert roots(looked(tmp_path, *words)) == []


def test_rights_of_the_program_that_a_script_names(tmp_path: Path) -> None:
    """As setcap gives them to a Python of its own."""
    needs_root()
    first = int(Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text())
    python, gunicorn = tmp_path / "python", tmp_path / "gunicorn"
    shutil.copy(Path(DEV_PYTHON).resolve(), python)
    gunicorn.write_text(f"#!{python}\n")
    gunicorn.chmod(0o755)
    (tmp_path / "app.py").write_text("app = None\n")
    words = ("--quick", "--only", "port-forbidden", "--start", f"sudo -u nobody {gunicorn} -b :80 app:app")
    assert roots(looked(tmp_path, *words)) == (["port-forbidden"] if first > 80 else [])
    os.setxattr(python, "security.capability", BIND)
    assert roots(looked(tmp_path, *words)) == []


BIND = struct.pack("<IIIII", 0x02000001, 1 << 10, 0, 0, 0)
"""cap_net_bind_service=ep (linux/capability.h, VFS_CAP_REVISION_2)."""
SIZES = ("--only", "det-size-too-small,det-size-too-large")


@pytest.mark.parametrize("way", ["the folder", "the command", "the settings"])
@pytest.mark.parametrize(
    ("size", "wanted"),
    [(160, ["det-size-too-small"]), (1920, ["det-size-too-large"]), (640, []), (320, []), (1280, [])],
)
def test_a_size_that_nobody_chooses_whatever_the_pictures(
    size: int, wanted: list[str], way: str, tmp_path: Path
) -> None:
    own = f"FaceAnalysis().prepare(ctx_id=0, det_size=({size}, {size}))\n" if way == "the folder" else ""
    (tmp_path / "app.py").write_text(APP.format(head="") + own)
    words = {
        "the folder": [],
        "the command": ["--start", f"{DEV_PYTHON} app.py --det-size {size}"],
        "the settings": ["--det-size", f"{size}x{size}"],
    }[way]
    assert roots(looked(tmp_path, *SIZES, *words)) == wanted


def test_a_folder_that_is_gone_tells_nothing(tmp_path: Path) -> None:
    """And takes nothing with it."""
    code = "import os, sys; os.chdir(sys.argv[1]); os.rmdir(sys.argv[1]); own = sys.executable\n"
    code += "os.execv(own, [own, *sys.argv[2:]])"
    look = (
        "from retina_doctor_checks.probes.service import look_start; facts = {}\n"
        "look_start.look(type('P', (), {'tell': lambda s, **f: facts.update(f)})(), {'start': None, 'lying': True})\n"
        "print(facts['source'], facts['missing'])"
    )
    gone = tmp_path / "gone"
    gone.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", code, str(gone), "-c", look], capture_output=True, text=True, check=False
    )
    assert done.stdout.split() == ["None", "[]"], done.stderr
