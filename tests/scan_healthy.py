"""Healthy projects of which a part is not read: what it says may put right what the rest seems to lack, so that
nothing is said. For tests/test_scan_projects.py."""

# ruff: noqa: E501 - their lines are those of the projects

from __future__ import annotations

from tests.scan_projects import B, COMPF, D11, F, FAST, FLASK, HEALTHY, REQF, REQN, SLIM311, UNIT, Tree, healthy


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

__all__ = ["HEALTHY"]
