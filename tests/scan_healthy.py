"""Healthy projects of which a part is not read: what it says may put right what the rest seems to lack, so that
nothing is said. For tests/test_scan_projects.py."""

# ruff: noqa: E501 - their lines are those of the projects

from __future__ import annotations

from tests.scan_projects import (
    COMPF,
    D11,
    FAST,
    FCPU,
    FLASK,
    HEALTHY,
    PROJECTS,
    REQC,
    REQF,
    REQN,
    REQW,
    SLIM311,
    SLIMF,
    UNIT,
    B,
    F,
    Tree,
    healthy,
)


def changed(files: Tree, file: str, before: str, after: str) -> Tree:
    assert before in files[file], (file, before)
    return {**files, file: files[file].replace(before, after, 1)}


# --- NumPy that something else keeps below 2
OLD = {"app.py": FLASK, "requirements.txt": REQN, "Dockerfile": D11}
LOCK = '[[package]]\nname = "numpy"\nversion = "1.26.4"\n\n[[package]]\nname = "onnxruntime-gpu"\nversion = "1.16.3"\n'
for name in ("poetry.lock", "pdm.lock", "Pipfile.lock", "pylock.toml"):
    healthy(f"numpy-in-{name}", {**OLD, name: LOCK})
TOML = '[project]\nname = "face"\nversion = "1"\nrequires-python = ">=3.10,<3.12"\ndependencies = ["insightface==0.7.3", "onnxruntime-gpu==1.16.3"]\n'
healthy(
    "numpy-in-a-workspace",
    {
        "uv.lock": 'version = 1\n\n[[package]]\nname = "onnxruntime-gpu"\nversion = "1.16.3"\n',
        "services/face/app.py": FLASK,
        "services/face/pyproject.toml": TOML,
    },
)
for key in ("constraint-dependencies", "override-dependencies"):
    healthy(f"numpy-by-{key}", {"app.py": FLASK, "pyproject.toml": TOML + f'\n[tool.uv]\n{key} = ["numpy<2"]\n'})
for line in (
    *(
        "faiss-cpu==1.7.4",
        "tensorflow-cpu==2.15.0",
        "langchain-community==0.2.0",
        "acme-vision==3.1",
        "scipy",
        "pandas>=2",
    ),
    *(
        "-e .",
        "./libs/core",
        "git+https://git.example.com/core.git",
        "-r numpy.txt",
        "-c https://example.com/limits.txt",
    ),
    "core @ https://example.com/core-1.0.zip",
):
    healthy(f"numpy-beside {line}", {**OLD, "requirements.txt": REQN + line + "\n"})
healthy("numpy-of-another-file", {**OLD, "requirements.txt": REQN + "-r numpy.txt\n", "numpy.txt": "numpy<2\n"})
INSTALL = "RUN pip3 install --no-cache-dir -r requirements.txt"
for run in (
    *(
        "COPY . .\nRUN ./fix.sh",
        "ARG NUMPY\nRUN pip3 install $NUMPY",
        "RUN pip3 config set global.constraint /etc/limits.txt",
    ),
    *(
        "RUN apt-get update && apt-get install -y python3-numpy",
        'RUN pip3 install "numpy<2"',
        "ENV PIP_CONSTRAINT=/etc/limits.txt",
    ),
):
    healthy(f"numpy-before {run}", changed(OLD, "Dockerfile", INSTALL, f"{run}\n{INSTALL}"))
for run in (
    "RUN PIP_CONSTRAINT=/etc/limits.txt pip3 install -r requirements.txt",
    "RUN uv pip install --system --exclude-newer 2024-01-01 -r requirements.txt",
):
    healthy(f"numpy-by {run}", changed(OLD, "Dockerfile", INSTALL, run))
healthy(
    "numpy-twice",
    changed(
        {**OLD, "requirements.txt": REQN + "numpy>=1.21\n"},
        "Dockerfile",
        INSTALL,
        f'RUN pip3 install "numpy<2"\n{INSTALL}',
    ),
)
for one in ("scipy=1.10", "opencv=4.8", "conda-forge::numpy=1.26"):
    healthy(
        f"numpy-beside conda's {one}",
        {
            "app.py": FLASK,
            "environment.yml": f"dependencies:\n  - python=3.10\n  - {one}\n  - pip\n  - pip:\n      - insightface==0.7.3\n      - onnxruntime-gpu==1.16.3\n      - flask\n",
        },
    )

# --- onnxruntime that something else brings
BARE = {
    "app.py": FLASK,
    "requirements.txt": "flask\ngunicorn\ninsightface==0.7.3\nopencv-python-headless\nnumpy<2\n",
    "Dockerfile": D11,
}
for line in (
    *(
        "fastembed==0.3.6",
        "optimum[onnxruntime-gpu]==1.21",
        "rembg[gpu]==2.0.57",
        "uniface==1.1",
        "rapidocr-onnxruntime==1.3",
    ),
    "git+https://github.com/microsoft/onnxruntime.git",
):
    healthy(f"ort-by {line}", {**BARE, "requirements.txt": BARE["requirements.txt"] + line + "\n"})
for run in (
    *(
        "COPY . .\nRUN pip3 install .[cpu]",
        "COPY . .\nRUN poetry install --with cpu",
        "ARG ORT=x\nRUN pip3 install $ORT",
    ),
    *("COPY dist/ort.whl /tmp/\nRUN pip3 install /tmp/*.whl", "COPY . .\nRUN ./install_ort.sh"),
    "RUN pip3 install git+https://github.com/microsoft/onnxruntime.git",
):
    healthy(f"ort-by {run}", changed(BARE, "Dockerfile", INSTALL, f"{INSTALL}\n{run}"))

# --- ports that others reach
NONE = COMPF.replace('    ports:\n      - "8000:8000"\n', "")
HID = {**F, "docker-compose.yml": NONE}
END = "volumes:\n  models:\n"


def with_words(words: str) -> Tree:
    """A line of the service's."""
    return changed(HID, "docker-compose.yml", "    volumes:", f"{words}\n    volumes:")


healthy("reach-expose", with_words('    expose: ["8000"]'))
healthy("reach-coolify", with_words("    environment:\n      - SERVICE_FQDN_FACE_8000"))
healthy(
    "reach-swarm",
    with_words("    labels: {a: b}").copy()
    | {"docker-compose.yml": NONE.replace("    deploy:\n", '    deploy:\n      labels: ["traefik.enable=true"]\n')},
)
healthy("reach-include", changed(HID, "docker-compose.yml", "services:", "include: [edge.yml]\nservices:"))
healthy("reach-macvlan", {**HID, "docker-compose.yml": NONE + "networks:\n  lan:\n    driver: macvlan\n"})
healthy("reach-proxy-network", {**HID, "docker-compose.yml": NONE + "networks: {proxy: {name: traefik_proxy}}\n"})
healthy("reach-prod", {**HID, "deploy/docker-compose.prod.yml": 'services:\n  face:\n    ports: ["80:8000"]\n'})
for name in ("docker-compose.test.yml", "tests/docker-compose.yml", "ci/docker-compose.yml"):
    build = "." if "/" not in name else ".."
    healthy(f"reach-{name}", {**F, name: NONE.replace("build: .", f"build: {build}")})
for name in ("cloudflare/cloudflared:latest", "ngrok/ngrok:3", "nginx:1.27", "caddy:2", "traefik:v3", "haproxy:3.0"):
    healthy(f"reach-{name}", {**HID, "edge/docker-compose.yml": f"services:\n  edge:\n    image: {name}\n"})
RUNS = {name: text for name, text in F.items() if "compose" not in name}
RUN = "docker build -t face-api .\ndocker run -d --name face --gpus all {}face-api\n"
healthy("reach-virtual-host", {**RUNS, "run.sh": RUN.format("-e VIRTUAL_HOST=face.example.com ")})
healthy("reach-connected", {**RUNS, "run.sh": RUN.format("") + "docker network connect web face\n"})
healthy("reach-tunnel", {**RUNS, "run.sh": RUN.format("") + "cloudflared tunnel run face\n"})

# --- ports that the service's user may bind
LOW = {"main.py": FAST, "requirements.txt": REQF, "face.service": UNIT}
USER = "User=www-data\n"
for name, words in {
    "capabilities-twice": f"{USER}AmbientCapabilities=CAP_NET_BIND_SERVICE\nAmbientCapabilities=CAP_SYS_NICE\n",
    "capabilities-go-on": f"{USER}AmbientCapabilities=CAP_SYS_NICE \\\n  CAP_NET_BIND_SERVICE\n",
    "all-capabilities-but": f"{USER}AmbientCapabilities=~CAP_SYS_ADMIN\n",
    "no-user": "User=\n\n",
    "user-00": "User=00\n",
    "socket": f"{USER}Sockets=face.socket\n",
}.items():
    healthy(f"unit-{name}", changed(LOW, "face.service", USER, words))
healthy("unit-sudo", changed(LOW, "face.service", "ExecStart=", "ExecStart=/usr/bin/sudo "))
healthy(
    "unit-drop-in",
    {**LOW, "face.service.d/port.conf": "[Service]\nAmbientCapabilities=CAP_NET_BIND_SERVICE\n"},
)
healthy("unit-sysctl", {**LOW, "deploy/sysctl.d/90-face.conf": "net.ipv4.ip_unprivileged_port_start = 80\n"})
healthy(
    "compose-user-00",
    {
        **F,
        "Dockerfile": F["Dockerfile"].replace("8000", "80"),
        "docker-compose.yml": COMPF.replace(
            '    ports:\n      - "8000:8000"\n', '    network_mode: host\n    user: "00"\n'
        ),
    },
)

# --- compilers
PLAIN_GPU = PROJECTS["cuda-runtime-no-recommends"][1]
APT = "RUN apt-get update && apt-get install -y --no-install-recommends python3 python3-pip"
for packages in (
    "python3 python3-pip && apt-get install -y --no-install-recommends curl",
    "--no-install-recommends python3 python3-pip libpython3-dev g++",
):
    run = f"RUN apt-get update && apt-get install -y {packages}"
    healthy(f"compiler-by {packages}", changed(PLAIN_GPU, "Dockerfile", APT, run))
for name in ("dpkg-dev", "devscripts"):
    healthy(f"compiler-by {name}", {**B, "Dockerfile": SLIM311.replace("libgl1 ", f"{name} libgl1 ")})
for run in (
    "COPY pip.conf /etc/pip.conf",
    "COPY dist/*.whl /tmp/",
    "COPY wheels /wheels",
    "COPY . .\nRUN python install-deps.py",
):
    healthy(f"wheels-by {run}", changed(B, "Dockerfile", "RUN pip install", f"{run}\nRUN pip install"))
for line in ("--find-links https://wheels.example.com/", "--extra-index-url https://pypi.example.com/simple"):
    healthy(f"wheels-by {line}", {**B, "requirements.txt": f"{line}\n{REQW}"})
healthy(
    "wheels-of-an-index",
    changed(
        B,
        "Dockerfile",
        "-i https://pypi.tuna.tsinghua.edu.cn/simple",
        "--extra-index-url https://pypi.example.com/simple",
    ),
)

# --- Pythons
PY38 = {"main.py": FCPU, "requirements.txt": REQC, "Dockerfile": SLIMF.format(py="3.8")}
for run in (
    *("RUN pip install uv && uv venv --python 3.10 /venv", "RUN pip install uv && uv python install 3.11"),
    *("RUN conda create -y -n face python=3.10", "COPY --from=python:3.12 /usr/local /usr/local"),
):
    healthy(f"python-by {run}", changed(PY38, "Dockerfile", "RUN pip install", f"{run}\nRUN pip install"))
healthy("python-index", {**PY38, "requirements.txt": "--extra-index-url https://pypi.example.com/simple\n" + REQC})
healthy("python-jetson", {**PY38, "requirements.txt": "--index-url https://pypi.jetson-ai-lab.dev/jp6/cu126\n" + REQC})
healthy(
    "python-said-twice",
    {
        "app.py": FLASK,
        "requirements.txt": REQW,
        ".python-version": "3.8\n",
        "setup.sh": "#!/bin/sh\nconda create -n face python=3.10 -y\n",
    },
)
healthy(
    "python-builds-numpy",
    {
        "main.py": FCPU,
        "requirements.txt": REQC.replace("numpy==1.26.4", "numpy==1.20.3"),
        "Dockerfile": SLIMF.format(py="3.10").replace("3.10-slim", "3.10"),
    },
)
healthy(
    "python-of-conda",
    {
        "app.py": FLASK,
        "environment.yml": "dependencies:\n  - python=3.13\n  - numpy=1.26\n  - pip\n  - pip:\n      - flask\n      - onnxruntime-gpu==1.22.0\n",
    },
)
healthy(
    "python-newer-than-known",
    {
        "main.py": FCPU,
        "requirements.txt": "onnxruntime-gpu\nfastapi\nuvicorn\npython-multipart\n",
        ".python-version": "3.15\n",
    },
)

# --- torch
CPU_INDEX = "--extra-index-url https://download.pytorch.org/whl/cpu\n"
TORCH = PROJECTS["torch-cpu-index"][1]
healthy(
    "torch-beside",
    {**PROJECTS["torch-cpu-index"][2], "requirements.txt": CPU_INDEX + "torch\nfastapi\nuvicorn\npython-multipart\n"},
)
healthy(
    "torch-by-argument",
    {**TORCH, "docker-compose.yml": COMPF.replace("build: .", "build:\n      context: .\n      args: {INDEX: cu124}")},
)
healthy(
    "torch-cu118-beside",
    {
        "main.py": FAST,
        "requirements.txt": "--extra-index-url https://download.pytorch.org/whl/cu118\ntorch==2.4.1\n" + REQF,
        "Dockerfile": SLIMF.format(py="3.11"),
    },
)

# --- models of one's own
OWN = {**F, "main.py": FAST.replace('"buffalo_l"', '"buffalo_xl"')}
healthy("pack-in-the-tree", {**OWN, "assets/models/buffalo_xl/det_10g.onnx": "x"})
healthy("pack-copied", changed(OWN, "Dockerfile", "COPY . .", "COPY models /root/.insightface/models\nCOPY . ."))
healthy("pack-by-a-script", {**OWN, "models.sh": "#!/bin/sh\nmkdir -p ~/.insightface/models/buffalo_xl\n"})
healthy("pack-root", {**F, "main.py": FAST.replace('name="buffalo_l"', 'name="buffalo-l", root="/data/faces"')})
healthy(
    "pack-of-old",
    {
        "detector.py": PROJECTS["get-model-mxnet-name"][1]["detector.py"],
        "requirements.txt": "insightface==0.1.5\nmxnet==1.9.1\n",
    },
)

# --- others
healthy(
    "kubernetes-environment",
    {
        "k8s/environment.yaml": "# dependencies: none\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: face}\ndata: {A: b}\n"
    },
)
healthy(
    "scheduled",
    {
        **F,
        "main.py": FAST.replace(
            "import cv2\n", "import cv2\nfrom apscheduler.schedulers.background import BackgroundScheduler\n"
        )
        + """

scheduler = BackgroundScheduler()


@scheduler.job("cron", hour=3)
def nightly():
    analyser = FaceAnalysis(name="buffalo_l", providers=["CUDAExecutionProvider", "CPUExecutionProvider"])
    analyser.prepare(ctx_id=0, det_size=(640, 640))
""",
    },
)
healthy(
    "deepface-alone",
    {
        "requirements.txt": "retinaface-pytorch==0.0.8\n",
        "Dockerfile": "FROM python:3.11-slim\nCOPY requirements.txt .\nRUN pip install -r requirements.txt && pip install --no-deps deepface\n",
    },
)

__all__ = ["HEALTHY"]
