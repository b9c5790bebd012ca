"""Trees of files with a fault, and the same without it: pairs for tests/test_scan_deployment.py."""

from __future__ import annotations

CUDA = "nvidia/cuda:12.4.1-cudnn-runtime-ubuntu22.04"
GPU = "    deploy: {resources: {reservations: {devices: [{driver: nvidia, count: all, capabilities: [gpu]}]}}}\n"
LISTENS = "import flask\nweb = flask.Flask('a')\nweb.run('0.0.0.0', %d)\n"
PROVIDERS = "['CUDAExecutionProvider', 'CPUExecutionProvider']"
WITH_CUDA = f"import onnxruntime\ns = onnxruntime.InferenceSession(m, providers={PROVIDERS})\n"

PREPARED = "from insightface.app import FaceAnalysis\n%s\napp = FaceAnalysis()\napp.prepare(0, det_size=DET_SIZE)\n"
SESSION = "import onnxruntime as ort\n%s\ns = ort.InferenceSession('/a', providers=settings.PROVIDERS)\n"
OLD = "FROM python:3.12-slim AS old\nRUN apt-get install -y libgl1-mesa-glx\n"
BUILT = (
    "ARG PYTHON=3.12\nARG BASE=python:${PYTHON}-slim-%s\nFROM ${BASE} AS builder\nARG BASE=alpine\n"
    "RUN apt-get install -y libgl1-mesa-glx\nFROM ${BASE}\nCOPY --from=builder /opt/venv /opt/venv\n"
)
INDEX = "https://aiinfra.example.org/onnxruntime-cuda-12/simple/"
STAGES = (
    "FROM python:3.11 AS one\nCMD uvicorn a:a --host 0.0.0.0\nFROM python:3.11 AS two\nCMD uvicorn a:a --host 0.0.0.0\n"
)


def pod(container: str, more: str = "") -> str:
    return (
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: face}\nspec:\n  template:\n    metadata:\n"
        f"      labels: {{app: face}}\n    spec:\n{more}      containers:\n      - name: face\n{container}"
    )


def service(port: object) -> str:
    ports = f"ports: [{{port: 80, targetPort: {port}}}]"
    return (
        f"---\napiVersion: v1\nkind: Service\nmetadata: {{name: face}}\nspec:\n  selector: {{app: face}}\n  {ports}\n"
    )


Tree = dict[str, str]
CONF = "gunicorn.conf.py"
BOUND = "bind = '0.0.0.0:8080'\n"
FORM = "from fastapi import FastAPI, UploadFile\napp = FastAPI()\n@app.post('/detect')\nasync def detect(file: UploadFile): ...\n"
IN_A_FUNCTION = f"import onnxruntime\ndef load(m):\n    return onnxruntime.InferenceSession(m, providers={PROVIDERS})\n"
ON_THE_CPU = (
    "import onnxruntime\n"
    "s = onnxruntime.InferenceSession(m, providers=['CPUExecutionProvider'])  # retina-doctor: ignore[RD275] CPU\n"
)
POOLED = (
    WITH_CUDA + "import multiprocessing\ndef work(x):\n    return s.run(None, x)\ndef main(xs):\n"
    "    with multiprocessing.Pool(4) as pool:\n        return pool.map(work, xs)\n"
)
METHOD = "import multiprocessing\nif __name__ == '__main__':\n    multiprocessing.set_start_method('%s')\n"
SERVES = "CMD gunicorn -b 0.0.0.0:8080 app:app\n"

SEEN = f"services:\n  a:\n    image: {CUDA}\n    gpus: all\n    environment:\n      %s\n"
CARDS = "NVIDIA_VISIBLE_DEVICES"
CALLS = (
    "services:\n  face:\n    build: .\n    command: gunicorn -b 0.0.0.0:8080 app:app\n    ports: ['80:8080']\n"
    + GPU
    + "    healthcheck: {test: [%s, %s, 'http://localhost:8080/health']}\n"
)
MODEL = "from insightface.app import FaceAnalysis\nface = FaceAnalysis()\n"
CRASHED = "service-crashed-or-not-ready"
SERVED = (
    "from insightface.app import FaceAnalysis\nfrom flask import Flask\n"
    "faces = FaceAnalysis(providers=['CUDAExecutionProvider'])\napp = Flask('a')\n"
    "@app.get('/health')\ndef health(): ...\n@app.route('/faces/<int:n>')\ndef one(n): ...\n"
    "@app.route('/detect', methods=['POST'])\ndef detect(): ...\n"
)
RUN = "        command: [gunicorn, -w, '4', -b, '0.0.0.0:8080', 'app:app']\n"
ONE = "        resources: {limits: {nvidia.com/gpu: 1, %s}}\n"
ALIVE = (
    "        livenessProbe: {httpGet: {path: %s, port: 8080}, initialDelaySeconds: %d, "
    "periodSeconds: %d, failureThreshold: %d}\n"
)
CLOSED = "        securityContext: {readOnlyRootFilesystem: true}\n"
MOUNTED = "        volumeMounts: [{name: models, mountPath: /root/.insightface}]\n"
NONE = f"        image: {CUDA}\n        resources: {{limits: {{nvidia.com/gpu: %d}}}}\n"
HEALTH = (
    "services:\n  face:\n    image: registry/face\n    command: gunicorn -b 0.0.0.0:8080 app:app\n    ports: ['80:8080']\n"
    "    healthcheck: {test: 'curl -f %s || exit 1', start_period: 60s}\n"
)

LOADS = "import torch\nfrom torch.utils.data import DataLoader\nloader = DataLoader(data, num_workers=4)\n"
TRAINS = {"train.py": LOADS, "Dockerfile": 'FROM python:3.11\nCMD ["python", "train.py"]\n'}
BUILDS = "services:\n  train:\n    build: .\n"
STARTS = "docker build -t me/train .\ndocker run%s me/train\n"
SMALL = "container-shm-too-small"

CPU_FILE = "FROM python:3.11-slim\nRUN pip install numpy\n"
GPU_FILE = f"FROM {CUDA}\nRUN pip install onnxruntime-gpu==1.20.0\n"
POD = pod("        image: face:v1\n        resources: {limits: {cpu: 1}}\n")
BEAT = f"services:\n  face:\n    build: .\n    image: face:gpu\n{GPU}  beat:\n    image: face:gpu\n    environment: {{A: b}}\n"
DEBUG = "from flask import Flask\napp = Flask('a')\napp.run('0.0.0.0', debug=True)\n"

PAIRS: dict[str, tuple[str, Tree, Tree]] = {
    # shared memory
    "a loader that the container starts": (
        SMALL,
        {**TRAINS, "compose.yml": BUILDS},
        {**TRAINS, "Dockerfile": 'FROM python:3.11\nCMD ["python", "api.py"]\n', "compose.yml": BUILDS},
    ),
    "a loader, and another compose file": (
        SMALL,
        {**TRAINS, "compose.yml": BUILDS, "more/compose.override.yml": BUILDS + "    shm_size: 2gb\n"},
        {**TRAINS, "compose.yml": BUILDS, "compose.override.yml": "services:\n  train:\n    shm_size: 2gb\n"},
    ),
    **{
        f"a loader, and docker run{words}": (
            SMALL,
            {**TRAINS, "run.sh": STARTS % ""},
            {**TRAINS, "run.sh": STARTS % words},
        )
        for words in (
            " --tmpfs /dev/shm:rw,size=2g",
            " --mount type=tmpfs,destination=/dev/shm",
            " --ipc container:other",
            " --shm-size 2g",
        )
    },
    # NumPy 2
    "an old OpenCV beside NumPy 2": (
        "numpy-abi",
        {"requirements.txt": "numpy==2.1.3\nopencv-python-headless==4.8.1.78\n"},
        {"requirements.txt": "tensorflow==2.15.0\nopencv-python-headless==4.8.1.78\n"},
    ),
    "an old OpenCV beside a NumPy that may be old": (
        "numpy-abi",
        {"requirements.txt": "numpy>=2\nopencv-python==4.9.0.80\n"},
        {"requirements.txt": "numpy>=1.23,<2\nopencv-python==4.9.0.80\n"},
    ),
    # forks
    "preload_app and a session of the module": (
        "cuda-used-before-fork",
        {"app.py": WITH_CUDA, CONF: BOUND + "preload_app = True\n"},
        {"app.py": WITH_CUDA, CONF: BOUND + "preload_app = False\n"},
    ),
    "--preload, and a session that is made later": (
        "cuda-used-before-fork",
        {"app.py": WITH_CUDA, "start.sh": "exec gunicorn --preload -b 0.0.0.0:8080 app:app\n"},
        {"app.py": IN_A_FUNCTION, "start.sh": "exec gunicorn --preload -b 0.0.0.0:8080 app:app\n"},
    ),
    "--preload in a Dockerfile, and on the CPU": (
        "cuda-used-before-fork",
        {"app.py": WITH_CUDA, "Dockerfile": "FROM python:3.11\n" + SERVES.replace("gunicorn", "gunicorn --preload")},
        {"app.py": ON_THE_CPU, "Dockerfile": "FROM python:3.11\n" + SERVES.replace("gunicorn", "gunicorn --preload")},
    ),
    "a pool of processes, and a start method in another file": (
        "cuda-used-before-fork",
        {"detector.py": POOLED, "main.py": METHOD % "fork"},
        {"detector.py": POOLED, "main.py": METHOD % "spawn"},
    ),
    "a pool of processes, and a session on the CPU beside others": (
        "cuda-used-before-fork",
        {"detector.py": POOLED, "other.py": IN_A_FUNCTION},
        {"detector.py": POOLED.replace(WITH_CUDA, ON_THE_CPU), "other.py": IN_A_FUNCTION},
    ),
    "--preload, and a session on the CPU beside others": (
        "cuda-used-before-fork",
        {"app.py": WITH_CUDA, "other.py": IN_A_FUNCTION, CONF: BOUND + "preload_app = True\n"},
        {"app.py": ON_THE_CPU, "other.py": IN_A_FUNCTION, CONF: BOUND + "preload_app = True\n"},
    ),
    "debug with a model": (
        "service-debug-mode",
        {"app.py": WITH_CUDA + "import flask\nweb = flask.Flask('a')\nweb.run('0.0.0.0', 5000, debug=True)\n"},
        {"app.py": WITH_CUDA + "import flask\nweb = flask.Flask('a')\nweb.run('0.0.0.0', 5000, debug=False)\n"},
    ),
    "debug without a model": (
        "service-debug-mode",
        {"app.py": WITH_CUDA + "import uvicorn\nuvicorn.run('app:a', host='0.0.0.0', reload=True)\n"},
        {"app.py": "import uvicorn\nuvicorn.run('app:a', host='0.0.0.0', reload=True)\n"},
    ),
    "--reload in a container": (
        "service-debug-mode",
        {"app.py": WITH_CUDA, "Dockerfile": "FROM python:3.11\nCMD uvicorn app:app --host 0.0.0.0 --reload\n"},
        {"app.py": WITH_CUDA, "Dockerfile": "FROM python:3.11\nCMD uvicorn app:app --host 0.0.0.0\n"},
    ),
    # packages that overwrite each other
    **{
        f"onnxruntime-gpu beside {rival}": (
            "ort-both-packages",
            {"requirements.txt": f"onnxruntime-gpu==1.31.1\n{rival}\n"},
            {"requirements.txt": "onnxruntime-gpu==1.31.1\n", "other/requirements.txt": f"{rival}\n"},
        )
        for rival in (
            *("onnxruntime-directml", "onnxruntime-openvino", "onnxruntime-rocm", "onnxruntime-training"),
            *("onnxruntime-qnn", "ort-nightly-gpu", "ort_nightly"),
        )
    },
    "two OpenCVs": (
        "opencv-both-packages",
        {"requirements.txt": "opencv-python\nopencv-python-headless==5.0.0.93\n"},
        {"requirements.txt": "opencv-python-headless==5.0.0.93\n"},
    ),
    "two OpenCVs of a project": (
        "opencv-both-packages",
        {
            "pyproject.toml": '[project]\nname = "a"\nversion = "1"\ndependencies = ["opencv-contrib-python", "opencv-python"]\n'
        },
        {"pyproject.toml": '[project]\nname = "a"\nversion = "1"\ndependencies = ["opencv-contrib-python"]\n'},
    ),
    # a package that a route implies
    "UploadFile where the nearest requirements count": (
        "service-module-missing",
        {"requirements.txt": "fastapi\n", "api/requirements.txt": "fastapi\n", "api/app.py": FORM},
        {"requirements.txt": "fastapi\n", "api/requirements.txt": "fastapi\npython-multipart\n", "api/app.py": FORM},
    ),
    "a package that is gone, in a stage that is built": (
        "opencv-system-libs-missing",
        {"Dockerfile": OLD + "FROM python:3.12-slim-bookworm\nCOPY --from=old /opt/venv /opt/venv\n"},
        {"Dockerfile": OLD + "FROM python:3.12-slim-bookworm\n"},
    ),
    "a health check by what the image lacks, of another service": (
        CRASHED,
        {"app.py": MODEL, "Dockerfile": "FROM debian:12\nHEALTHCHECK CMD wget -q http://localhost/\n"},
        {"app.py": "import flask\n", "Dockerfile": "FROM debian:12\nHEALTHCHECK CMD wget -q http://localhost/\n"},
    ),
    "a health check by what is copied": (
        CRASHED,
        {"app.py": MODEL, "Dockerfile": "FROM python:3.12-slim\nHEALTHCHECK CMD curl http://localhost/\n"},
        {
            "app.py": MODEL,
            "Dockerfile": "FROM python:3.12-slim\nCOPY --from=x/curl /usr/bin/curl /usr/bin/\nHEALTHCHECK CMD curl http://localhost/\n",
        },
    ),
    "UploadFile in another image's folder": (
        "service-module-missing",
        {"a/app.py": FORM, "a/requirements.txt": "fastapi\n", "b/requirements.txt": "fastapi\n"},
        {"a/app.py": FORM, "a/requirements.txt": "fastapi\npython-multipart\n", "b/requirements.txt": "fastapi\n"},
    ),
    "UploadFile without python-multipart": (
        "service-module-missing",
        {"app.py": FORM, "requirements.txt": "fastapi\nuvicorn\n"},
        {"app.py": FORM, "requirements.txt": "fastapi\npython_multipart\n"},
    ),
    "UploadFile, in a Dockerfile": (
        "service-module-missing",
        {"app.py": FORM, "Dockerfile": "FROM python:3.11\nRUN pip install fastapi==0.121.0 uvicorn\n"},
        {"app.py": FORM, "Dockerfile": "FROM python:3.11\nRUN pip install fastapi[standard]==0.121.0\n"},
    ),
    "UploadFile with another extra": (
        "service-module-missing",
        {"app.py": FORM, "requirements.txt": "fastapi[email]\n"},
        {"app.py": FORM, "requirements.txt": "fastapi[all]\n"},
    ),
    # images without the libraries
    **{
        f"onnxruntime-gpu on {base}": (
            cause,
            {"Dockerfile": f"FROM {base}\nRUN pip install onnxruntime-gpu=={version}\n"},
            {"Dockerfile": f"FROM {other}\nRUN pip install onnxruntime-gpu=={version}\n"},
        )
        for cause, version, base, other in (
            ("ort-cuda-libs-missing", "1.20.1", "python:3.11-slim", CUDA),
            ("ort-cuda-libs-missing", "1.20.1", "ubuntu:22.04", "pytorch/pytorch:2.4.0-cuda12.4-cudnn9-runtime"),
            ("ort-cuda-libs-missing", "1.20.1", "nvidia/cuda:12.4.1-base-ubuntu22.04", CUDA),
            ("ort-cudnn-mismatch", "1.20.1", "nvidia/cuda:12.4.1-runtime-ubuntu22.04", CUDA),
            ("ort-cudnn-mismatch", "1.20.1", "nvcr.io/nvidia/cuda:12.2.2-cudnn8-devel-ubuntu22.04", CUDA),
        )
    },
    "libraries that torch brings": (
        "ort-cuda-libs-missing",
        {
            "Dockerfile": "FROM python:3.11\nRUN pip install -r requirements.txt\n",
            "requirements.txt": "onnxruntime-gpu==1.20.1\n",
        },
        {
            "Dockerfile": "FROM python:3.11\nRUN pip install -r requirements.txt\n",
            "requirements.txt": "onnxruntime-gpu==1.20.1\ntorch\n",
        },
    ),
    "libraries that packages of NVIDIA's bring": (
        "ort-cuda-libs-missing",
        {
            "Dockerfile": "FROM python:3.11\nRUN pip install -r requirements.txt\n",
            "requirements.txt": "onnxruntime-gpu==1.20.1\n",
        },
        {
            "Dockerfile": "FROM python:3.11\nRUN pip install -r requirements.txt -r elsewhere.txt\n",
            "requirements.txt": "onnxruntime-gpu==1.20.1\n",
        },
    ),
    "OpenCV with windows": (
        "opencv-system-libs-missing",
        {"Dockerfile": "FROM python:3.11-slim\nRUN pip install opencv-python\n"},
        {"Dockerfile": "FROM python:3.11-slim\nRUN pip install opencv-python-headless\n"},
    ),
    "OpenCV with windows, and what it needs": (
        "opencv-system-libs-missing",
        {
            "Dockerfile": "FROM python:3.11-slim\nRUN apt-get update && apt-get install -y gcc\nRUN pip install opencv-python\n"
        },
        {"Dockerfile": "FROM python:3.11-slim\nRUN apt-get install -y libgl1\nRUN pip install opencv-python\n"},
    ),
    **{
        f"a package of OpenGL that {base} has not": (
            "opencv-system-libs-missing",
            {"Dockerfile": f"FROM {base}\nRUN apt-get update && \\\n  apt-get install -y gcc \\\n  libgl1-mesa-glx\n"},
            {"Dockerfile": f"FROM {older}\nRUN apt-get update && \\\n  apt-get install -y gcc \\\n  libgl1-mesa-glx\n"},
        )
        for base, older in (
            ("python:3.13-slim", "python:3.13-slim-bookworm"),
            ("python:3.9-slim", "python:3.8-slim"),
            ("python:3", "python:3.11.4-slim"),
            ("debian:stable-slim", "debian:12"),
            ("nvidia/cuda:12.6.3-cudnn-runtime-ubuntu24.04", "nvidia/cuda:12.6.3-cudnn-runtime-ubuntu22.04"),
            ("ubuntu:noble", "ubuntu:jammy"),
        )
    },
    "a package of OpenGL that the builder's image has not": (
        "opencv-system-libs-missing",
        {"Dockerfile": BUILT % "trixie"},
        {"Dockerfile": BUILT % "bookworm"},
    ),
    # what hides the GPU from a container
    **{
        f"{cause} by {name}": (cause, {"compose.yml": SEEN % (before,)}, {"compose.yml": SEEN % (after,)})
        for name, cause, before, after in (
            ("CUDA", "cuda-visible-devices-hides-gpu", "CUDA_VISIBLE_DEVICES: '-1'", "CUDA_VISIBLE_DEVICES: '0'"),
            (
                "utility",
                "container-driver-capabilities",
                "NVIDIA_DRIVER_CAPABILITIES: utility",
                "NVIDIA_DRIVER_CAPABILITIES: all",
            ),
        )
    },
    "a runtime that gives no card": (
        "container-started-without-gpu",
        {"compose.yml": f"services:\n  a:\n    image: {CUDA}\n    runtime: nvidia\n    environment: [{CARDS}=none]\n"},
        {"compose.yml": f"services:\n  a:\n    image: {CUDA}\n    runtime: nvidia\n    environment: [{CARDS}=all]\n"},
    ),
    # what ends a pod
    **{
        f"Kubernetes: {name}": (
            cause,
            {"app.py": SERVED, "pod.yaml": pod(RUN + before)},
            {"app.py": SERVED, "pod.yaml": pod(RUN + after)},
        )
        for name, cause, before, after in (
            ("too little memory", CRASHED, ONE % "memory: 512Mi", ONE % "memory: 8Gi"),
            ("a thousandth", CRASHED, ONE % "memory: 8000m", ONE % "memory: 8000M"),
            ("no unit", CRASHED, ONE % "memory: 4096", ONE % "memory: 4096Mi"),
            (
                "more asked for",
                CRASHED,
                ONE % "memory: 4Gi}, requests: {memory: 8Gi",
                ONE % "memory: 4Gi}, requests: {memory: 4Gi",
            ),
            ("killed while loading", CRASHED, ALIVE % ("/health", 3, 1, 3), ALIVE % ("/health", 3, 10, 3)),
            (
                "killed while loading, or spared",
                CRASHED,
                ALIVE % ("/health", 3, 1, 3),
                ALIVE % ("/health", 3, 1, 3)
                + "        startupProbe: {httpGet: {path: /health, port: 8080}, failureThreshold: 30}\n",
            ),
            ("a path that nobody serves", CRASHED, ALIVE % ("/healthz", 60, 10, 3), ALIVE % ("/health", 60, 10, 3)),
            ("a path for POST", CRASHED, ALIVE % ("/detect", 60, 10, 3), ALIVE % ("/faces/7", 60, 10, 3)),
            (
                "never ready",
                CRASHED,
                (ALIVE % ("/ready", 60, 10, 3)).replace("liveness", "readiness"),
                (ALIVE % ("/docs", 1, 1, 1)).replace("liveness", "readiness"),
            ),
            ("a read-only root", "model-cache-not-writable", CLOSED, CLOSED + MOUNTED),
            ("no card", "container-started-without-gpu", NONE % 0, NONE % 1),
        )
    },
    "compose: a path that nobody serves": (
        CRASHED,
        {"app.py": SERVED, "compose.yml": HEALTH % "http://localhost:8080/healthz"},
        {"app.py": SERVED, "compose.yml": HEALTH % "http://localhost:8080/health"},
    ),
    "compose: a port on which nobody listens": (
        "port-not-published",
        {"app.py": SERVED, "compose.yml": HEALTH % "http://localhost:5000/health"},
        {"app.py": SERVED, "compose.yml": HEALTH % "http://localhost:8080/health"},
    ),
    **{
        f"a health check by what the image lacks: {check[:24]}": (
            CRASHED,
            {
                "app.py": MODEL,
                "Dockerfile": f"FROM {base}\nRUN apt-get install -y libgomp1\nHEALTHCHECK --timeout=3s {check}\n",
            },
            {"app.py": MODEL, "Dockerfile": f"FROM {better}\nRUN {also}\nHEALTHCHECK --timeout=3s {check}\n"},
        )
        for base, better, also, check in (
            ("python:3.12-slim", "python:3.12", "true", "CMD curl -f http://localhost:8080/health || exit 1"),
            (
                "python:3.12-slim",
                "python:3.12-slim",
                "apt-get install -y wget",
                'CMD ["wget", "-q", "http://localhost/"]',
            ),
            ("debian:12", "debian:12", "apt-get install -y curl", "CMD /usr/bin/curl -f http://localhost:8080/"),
            ("python:3.12-alpine", "python:3.12-alpine", "apk add curl", "CMD test -f /x && curl -f http://127.0.0.1"),
        )
    },
    "a health check by Python": (
        CRASHED,
        {"app.py": MODEL, "Dockerfile": "FROM ubuntu:24.04\nHEALTHCHECK CMD wget -q http://localhost:80/\n"},
        {
            "app.py": MODEL,
            "Dockerfile": "FROM ubuntu:24.04\nHEALTHCHECK CMD wget -q http://localhost/\n"
            "HEALTHCHECK CMD wget -q http://localhost/ || curl http://localhost/\n",
        },
    ),
    "compose: a health check by what the image lacks": (
        CRASHED,
        {"app.py": SERVED, "Dockerfile": "FROM python:3.12-slim\nCOPY . .\n", "compose.yml": CALLS % ("CMD", "curl")},
        {
            "app.py": SERVED,
            "Dockerfile": "FROM python:3.12-slim\nCOPY . .\n",
            "compose.yml": CALLS % ("CMD", "python3"),
        },
    ),
    # images for which there is no wheel
    "Alpine": (
        "libc-unsupported",
        {"Dockerfile": "FROM python:3.12-alpine\nRUN pip install onnxruntime-gpu[cuda,cudnn]\n"},
        {"Dockerfile": "FROM python:3.12-slim\nRUN pip install onnxruntime-gpu[cuda,cudnn]\n"},
    ),
    "Alpine below a stage": (
        "libc-unsupported",
        {
            "Dockerfile": "FROM alpine:3.20 AS base\nRUN apk add python3 py3-pip\nFROM base\nRUN pip install insightface==0.7.3\n"
        },
        {
            "Dockerfile": "FROM alpine:3.20 AS base\nRUN apk add python3\nFROM debian:12\nRUN pip install -q --no-deps onnx\n"
        },
    ),
    "CentOS 7": (
        "libc-unsupported",
        {"Dockerfile": "FROM nvidia/cuda:12.4.1-cudnn-runtime-centos7\nRUN pip install onnxruntime-gpu==1.20.1\n"},
        {"Dockerfile": "FROM nvidia/cuda:12.4.1-cudnn-runtime-rockylinux8\nRUN pip install onnxruntime-gpu==1.20.1\n"},
    ),
    "a Python that the pin has no wheel for": (
        "python-has-no-wheel",
        {"Dockerfile": "FROM python:3.9-slim\nRUN pip install 'onnxruntime-gpu[cuda,cudnn]==1.31.1'\n"},
        {"Dockerfile": "FROM python:3.11-slim\nRUN pip install 'onnxruntime-gpu[cuda,cudnn]==1.31.1'\n"},
    ),
    "a Python that is too new": (
        "python-has-no-wheel",
        {"Dockerfile": "FROM python:3.15-rc\nRUN pip install onnxruntime-gpu[cuda,cudnn]==1.22.0\n"},
        {"Dockerfile": "FROM python:3.13\nRUN pip install onnxruntime-gpu[cuda,cudnn]==1.22.0\n"},
    ),
    # fault: (name, before, after)
    # who can reach it
    "gunicorn on loopback": (
        "service-loopback-only",
        {"Dockerfile": 'FROM python:3.11\nCMD ["gunicorn", "-b", "127.0.0.1:8080", "app:app"]\n'},
        {"Dockerfile": 'FROM python:3.11\nCMD ["gunicorn", "-b", "0.0.0.0:8080", "app:app"]\n'},
    ),
    "gunicorn's default": (
        "service-loopback-only",
        {"Dockerfile": "FROM python:3.11\nCMD gunicorn --workers 2 app:app\n"},
        {"Dockerfile": "FROM python:3.11\nENV PORT=8080\nCMD gunicorn --workers 2 app:app\n"},
    ),
    "gunicorn's configuration": (
        "service-loopback-only",
        {"Dockerfile": "FROM python:3.11\nCMD gunicorn app:app\n", "gunicorn.conf.py": "bind = '127.0.0.1:8080'\n"},
        {"Dockerfile": "FROM python:3.11\nCMD gunicorn app:app\n", "gunicorn.conf.py": "bind = '0.0.0.0:8080'\n"},
    ),
    "gunicorn by a variable": (
        "service-loopback-only",
        {"Dockerfile": 'FROM python:3.11\nENV GUNICORN_CMD_ARGS="--bind=127.0.0.1:8080"\nCMD gunicorn app:app\n'},
        {"Dockerfile": 'FROM python:3.11\nENV GUNICORN_CMD_ARGS="--bind=0.0.0.0:8080"\nCMD gunicorn app:app\n'},
    ),
    "uvicorn's default in an exec of a shell": (
        "service-loopback-only",
        {"Dockerfile": 'FROM python:3.11\nENTRYPOINT ["sh", "-c", "exec uvicorn app:app --port ${PORT:-8080}"]\n'},
        {
            "Dockerfile": "FROM python:3.11\n"
            'ENTRYPOINT ["sh", "-c", "exec uvicorn app:app --host 0.0.0.0 --port ${PORT:-8080}"]\n'
        },
    ),
    "uvicorn by python -m, continued": (
        "service-loopback-only",
        {"Dockerfile": "FROM python:3.11\nCMD python3 -m uvicorn app:app \\\n  # a remark\n  --port 8080\n"},
        {"Dockerfile": "FROM python:3.11\nCMD python3 -m uvicorn app:app \\\n  # a remark\n  --host=0.0.0.0\n"},
    ),
    "the entry point's arguments": (
        "service-loopback-only",
        {"Dockerfile": 'FROM python:3.11\nENTRYPOINT ["gunicorn"]\nCMD ["-b", "localhost:8080", "app:app"]\n'},
        {"Dockerfile": 'FROM python:3.11\nENTRYPOINT ["gunicorn"]\nCMD ["-b", ":8080", "app:app"]\n'},
    ),
    "an entry script and its command": (
        "service-loopback-only",
        {"Dockerfile": 'FROM python:3.11\nENTRYPOINT ["/entry.sh"]\nCMD ["flask", "--app", "app", "run"]\n'},
        {
            "Dockerfile": 'FROM python:3.11\nENTRYPOINT ["/entry.sh"]\n'
            'CMD ["flask", "--app", "app", "run", "--host=0.0.0.0"]\n'
        },
    ),
    "flask run by its variable": (
        "service-loopback-only",
        {"Dockerfile": "FROM python:3.11\nENV FLASK_APP=app\nCMD flask run -p 8080\n"},
        {"Dockerfile": "FROM python:3.11\nENV FLASK_APP=app \\\n    FLASK_RUN_HOST=0.0.0.0\nCMD flask run -p 8080\n"},
    ),
    "hypercorn": (
        "service-loopback-only",
        {"Dockerfile": "FROM python:3.11\nCMD hypercorn app:app\n"},
        {"Dockerfile": "FROM python:3.11\nCMD hypercorn --bind 0.0.0.0:8000 app:app\n"},
    ),
    "a stage that is not the last": (
        "service-loopback-only",
        {"Dockerfile": "FROM python:3.11 AS base\nCMD uvicorn app:app\nFROM base\n"},
        {"Dockerfile": "FROM python:3.11 AS base\nCMD uvicorn app:app\nFROM python:3.11\n"},
    ),
    "compose's command": (
        "service-loopback-only",
        {"compose.yaml": "services:\n  face:\n    image: face\n    command: [uvicorn, 'app:app', --host, 127.0.0.1]\n"},
        {
            "compose.yaml": "services:\n  face:\n    image: face\n    ports: ['80:8000']\n"
            "    command: [uvicorn, 'app:app', --host, 0.0.0.0]\n"
        },
    ),
    "compose's variable": (
        "service-loopback-only",
        {"compose.yaml": "services:\n  face:\n    image: face\n    command: uvicorn app:app\n"},
        {
            "compose.yaml": "x: &env\n  UVICORN_HOST: 0.0.0.0\nservices:\n  face:\n    image: face\n"
            "    environment: {<<: *env}\n    ports: ['80:8000']\n    command: uvicorn app:app\n"
        },
    ),
    "a pod's arguments": (
        "service-loopback-only",
        {"deploy/face.yaml": pod("        image: face\n        args: [gunicorn, 'app:app']\n")},
        {"deploy/face.yaml": pod("        image: face\n        args: [gunicorn, -b, ':80', 'app:app']\n")},
    ),
    "a Procfile": (
        "service-loopback-only",
        {"Procfile": "web: uvicorn app:app --port $PORT\n"},
        {"Procfile": "web: gunicorn app:app\nrelease: python migrate.py\n"},
    ),
    "a systemd unit": (
        "service-loopback-only",
        {"face.service": "[Service]\nExecStart=/opt/venv/bin/gunicorn \\\n  --workers 2 app:app\n"},
        {"face.service": "[Service]\nExecStart=/opt/venv/bin/gunicorn \\\n  --bind unix:/run/face.sock app:app\n"},
    ),
    "a script": (
        "service-loopback-only",
        {"start.sh": "#!/bin/sh\nHOST=127.0.0.1\nexec uvicorn app:app --host $HOST\n"},
        {"start.sh": "#!/bin/sh\nHOST=0.0.0.0\nexec uvicorn app:app --host $HOST # uvicorn app:app\n"},
    ),
    "a Makefile": (
        "service-loopback-only",
        {"Makefile": "run:\n\t@FLASK_APP=app flask run\n"},
        {"Makefile": "run:\n\t@FLASK_APP=app flask run --host 0.0.0.0\n"},
    ),
    "a host's loopback": (
        "service-loopback-only",
        {"docker-compose.yml": "services:\n  face:\n    image: face\n    ports: ['127.0.0.1:8080:8080']\n"},
        {"docker-compose.yml": "services:\n  face:\n    image: face\n    ports: ['8080:8080']\n"},
    ),
    # ports
    "EXPOSE": (
        "port-not-published",
        {"Dockerfile": "FROM python:3.11\nEXPOSE 5000/tcp\nCMD gunicorn -b :8080 app:app\n"},
        {"Dockerfile": "FROM python:3.11\nEXPOSE 8080/tcp 9090\nCMD gunicorn -b :8080 app:app\n"},
    ),
    "EXPOSE and a script": (
        "port-not-published",
        {"Dockerfile": "FROM python:3.11\nEXPOSE 8080\nCMD python serve.py\n", "serve.py": LISTENS % 5000},
        {"Dockerfile": "FROM python:3.11\nEXPOSE 8080\nCMD python serve.py\n", "serve.py": LISTENS % 8080},
    ),
    "EXPOSE and a script's variable": (
        "port-not-published",
        {"Dockerfile": "FROM python:3.11\nEXPOSE 8080\nCMD python serve.py\n", "serve.py": LISTENS % 5000},
        {
            "Dockerfile": "FROM python:3.11\nENV PORT=8080\nEXPOSE 8080\nCMD python serve.py\n",
            "serve.py": "import os\n" + LISTENS.replace("%d", "int(os.environ.get('PORT', 5000))"),
        },
    ),
    "compose's right-hand side": (
        "port-not-published",
        {
            "compose.yml": "services:\n  face:\n    image: face\n    command: gunicorn -b :8080 app:app\n"
            "    ports: ['8080:5000']\n"
        },
        {
            "compose.yml": "services:\n  face:\n    image: face\n    command: gunicorn -b :8080 app:app\n"
            "    ports: ['5000:8080']\n"
        },
    ),
    "compose's target": (
        "port-not-published",
        {
            "docker/Dockerfile.gpu": "FROM python:3.11\nCMD gunicorn -b :8080 app:app\n",
            "compose.yml": "services:\n  face:\n    build: {context: docker, dockerfile: Dockerfile.gpu}\n"
            "    ports:\n    - {target: 80, published: 80}\n",
        },
        {
            "docker/Dockerfile.gpu": "FROM python:3.11\nCMD gunicorn -b :8080 app:app\n",
            "compose.yml": "services:\n  face:\n    build: {context: docker, dockerfile: Dockerfile.gpu}\n"
            "    ports:\n    - {target: 8080, published: 80}\n",
        },
    ),
    "compose's port, where its command is another's": (
        "port-not-published",
        {
            "Dockerfile": "FROM python:3.11\nCMD gunicorn -b :8080 app:app\n",
            "compose.yml": "services:\n  face:\n    build: .\n    ports: ['80:80']\n",
        },
        {
            "Dockerfile": "FROM python:3.11\nARG PORT\nEXPOSE 8000-8100 $PORT\nCMD gunicorn -b :8080 app:app\n",
            "compose.yml": "services:\n  face:\n    build: .\n    command: ./start.sh\n    ports: ['80:80']\n",
        },
    ),
    "docker run's right-hand side": (
        "port-not-published",
        {
            "Dockerfile": "FROM python:3.11\nCMD gunicorn -b :8080 app:app\n",
            "run.sh": "docker build -t hub.example/face:1 .\ndocker run -d -p 80:80 hub.example/face:1\n",
        },
        {
            "Dockerfile": "FROM python:3.11\nCMD gunicorn -b :8080 app:app\n",
            "run.sh": "docker build -t hub.example/face:1 .\ndocker run -d -p 80:8080 hub.example/face:1\n",
        },
    ),
    "a probe's port": (
        "port-not-published",
        {
            "k.yaml": pod(
                "        image: face\n        args: [gunicorn, -b, ':8080', 'app:app']\n"
                "        readinessProbe: {httpGet: {path: /, port: 80}}\n"
            )
        },
        {
            "k.yaml": pod(
                "        image: face\n        args: [gunicorn, -b, ':8080', 'app:app']\n"
                "        readinessProbe: {httpGet: {path: /, port: 8080}}\n"
            )
        },
    ),
    "a service's port": (
        "port-not-published",
        {"k.yaml": pod("        image: face\n        ports: [{containerPort: 8080}]\n") + service(80)},
        {"k.yaml": pod("        image: face\n        ports: [{containerPort: 8080}]\n") + service(8080)},
    ),
    "a service's port by name": (
        "port-not-published",
        {"k.yaml": pod("        image: face\n        ports: [{containerPort: 80, name: web}]\n") + service("http")},
        {"k.yaml": pod("        image: face\n        ports: [{containerPort: 80, name: http}]\n") + service("http")},
    ),
    # which onnxruntime
    "both packages": (
        "ort-both-packages",
        {"requirements.txt": "numpy\nonnxruntime>=1.16  # CPU\nonnxruntime-gpu==1.18.1\n"},
        {
            "requirements.txt": "onnxruntime; sys_platform == 'darwin'\n"
            "onnxruntime-gpu==1.18.1; sys_platform != 'darwin'\n"
        },
    ),
    "both packages, by inclusion": (
        "ort-both-packages",
        {"requirements/base.txt": "onnxruntime\n", "requirements/gpu.txt": "-r base.txt\nonnxruntime_gpu\n"},
        {"requirements/base.txt": "flask\n", "requirements/gpu.txt": "-r base.txt\nonnxruntime_gpu\n"},
    ),
    "insightface brings the other": (
        "ort-both-packages",
        {"requirements.txt": "insightface\nonnxruntime-gpu\n"},
        {"requirements.txt": "insightface==0.7.3\nonnxruntime-gpu\n"},
    ),
    "both packages of a project": (
        "ort-both-packages",
        {
            "pyproject.toml": '[project]\nname = "a"\ndependencies = ["onnxruntime"]\n'
            'optional-dependencies.gpu = ["onnxruntime-gpu"]\n'
        },
        {
            "pyproject.toml": '[project]\nname = "a"\n[project.optional-dependencies]\ncpu = ["onnxruntime"]\n'
            'gpu = ["onnxruntime-gpu"]\n'
        },
    ),
    "insightface in a project of uv": (
        "ort-both-packages",
        {"pyproject.toml": '[project]\nname = "a"\ndependencies = ["insightface>=2", "onnxruntime-gpu"]\n'},
        {
            "pyproject.toml": '[project]\nname = "a"\ndependencies = ["insightface>=2", "onnxruntime-gpu"]\n'
            "[tool.uv]\noverride-dependencies = [\"onnxruntime ; sys_platform == 'never'\"]\n"
        },
    ),
    "both packages of poetry": (
        "ort-both-packages",
        {
            "pyproject.toml": '[tool.poetry.dependencies]\nonnxruntime = "^1.18"\n'
            'onnxruntime-gpu = {version = "^1.18"}\n'
        },
        {
            "pyproject.toml": '[tool.poetry.dependencies]\nonnxruntime = {version = "^1.18", optional = true}\n'
            'onnxruntime-gpu = {version = "^1.18"}\n'
        },
    ),
    "both packages of a dependency group": (
        "ort-both-packages",
        {"pyproject.toml": '[dependency-groups]\nserve = [\n  "onnxruntime",\n  "onnxruntime-gpu[cuda,cudnn]",\n]\n'},
        {"pyproject.toml": '[dependency-groups]\nserve = [\n  "onnxruntime-gpu[cuda,cudnn]",\n]\n'},
    ),
    "both packages of a lock": (
        "ort-both-packages",
        {
            "uv.lock": '[[package]]\nname = "a"\nsource = { virtual = "." }\ndependencies = [{ name = "insightface" }, '
            '{ name = "onnxruntime-gpu" }]\n[[package]]\nname = "insightface"\nversion = "2.1"\n'
            'dependencies = [{ name = "onnxruntime" }]\n[[package]]\nname = "onnxruntime"\nversion = "1.26.0"\n'
            '[[package]]\nname = "onnxruntime-gpu"\nversion = "1.26.0"\n'
        },
        {
            "uv.lock": '[[package]]\nname = "a"\nsource = { virtual = "." }\ndependencies = [{ name = "insightface" }, '
            '{ name = "onnxruntime-gpu" }]\n[[package]]\nname = "insightface"\nversion = "2.1"\n'
            'dependencies = [{ name = "onnxruntime", marker = "sys_platform == \'never\'" }]\n'
            '[[package]]\nname = "onnxruntime"\nversion = "1.26.0"\n'
            '[[package]]\nname = "onnxruntime-gpu"\nversion = "1.26.0"\n'
        },
    ),
    "both packages of a Pipfile": (
        "ort-both-packages",
        {"Pipfile": '[packages]\nonnxruntime = "*"\nonnxruntime-gpu = "*"\n'},
        {"Pipfile": '[packages]\nonnxruntime-gpu = "*"\n[dev-packages]\npytest = "*"\n'},
    ),
    "both packages in a Dockerfile": (
        "ort-both-packages",
        {
            "Dockerfile": "FROM our/base:1\nRUN apt-get update && \\\n    pip3 install insightface \\\n"
            "    'onnxruntime-gpu<1.27'\n"
        },
        {
            "Dockerfile": "FROM our/base:1\nRUN pip install insightface 'onnxruntime-gpu<1.27'\n"
            "RUN pip uninstall -y onnxruntime onnxruntime-gpu && pip install 'onnxruntime-gpu<1.27'\n"
        },
    ),
    "both packages, without dependencies": (
        "ort-both-packages",
        {"Dockerfile": "FROM our/base:1\nRUN python -m pip install insightface\nRUN uv pip install onnxruntime-gpu\n"},
        {
            "Dockerfile": "FROM our/base:1\nRUN python -m pip install --no-deps insightface\n"
            "RUN uv pip install onnxruntime-gpu\n"
        },
    ),
    "a requirements file that a Dockerfile mends": (
        "ort-both-packages",
        {
            "requirements.txt": "insightface\n",
            "Dockerfile": "FROM our/base:1\nRUN pip install onnxruntime-gpu\nRUN pip install -r requirements.txt\n",
        },
        {
            "requirements.txt": "insightface\nonnxruntime-gpu\n",
            "Dockerfile": "FROM our/base:1\nRUN pip install -r requirements.txt\n"
            "RUN pip uninstall -y onnxruntime onnxruntime-gpu; pip install onnxruntime-gpu\n",
        },
    ),
    "both packages in a heredoc": (
        "ort-both-packages",
        {
            "Dockerfile": "FROM our/base:1\nRUN <<END\npip install onnxruntime\npip install onnxruntime-gpu\n"
            "END\nCOPY . .\n"
        },
        {
            "Dockerfile": "FROM our/base:1\nCOPY <<END /note\nRUN pip install onnxruntime\nEND\n"
            "RUN pip install onnxruntime-gpu\n"
        },
    ),
    "the CPU package on a CUDA image": (
        "ort-cpu-package",
        {"Dockerfile": f"FROM {CUDA}\nRUN pip install onnxruntime==1.18.1\n"},
        {"Dockerfile": "FROM our/base:1-slim\nRUN pip install onnxruntime==1.18.1\n"},
    ),
    "the CPU package in a container with a GPU": (
        "ort-cpu-package",
        {
            "Dockerfile": "FROM our/base:1\nRUN pip install insightface\n",
            "compose.yml": "services:\n  a:\n    build: .\n    gpus: all\n",
        },
        {
            "Dockerfile": "FROM our/base:1\nRUN pip install insightface\n",
            "compose.yml": "services:\n  a:\n    build: .\n",
        },
    ),
    "the CPU package under CUDA's provider": (
        "ort-cpu-package",
        {"requirements.txt": "onnxruntime==1.18.1\n", "app.py": WITH_CUDA},
        {
            "requirements-cpu.txt": "onnxruntime==1.18.1\n",
            "requirements-gpu.txt": "onnxruntime-gpu\n",
            "app.py": WITH_CUDA,
        },
    ),
    "a build for a newer CUDA": (
        "ort-cuda-major-mismatch",
        {"Dockerfile": f"FROM {CUDA}\nRUN pip install onnxruntime-gpu==1.31.1\n"},
        {"Dockerfile": f"FROM {CUDA}\nRUN pip install onnxruntime-gpu==1.26.0\n"},
    ),
    "a build for an older CUDA": (
        "ort-cuda-major-mismatch",
        {"Dockerfile": "FROM pytorch/pytorch:2.4.0-cuda12.1-cudnn9-runtime\nRUN pip install onnxruntime-gpu==1.18.1\n"},
        {"Dockerfile": "FROM pytorch/pytorch:2.1.0-cuda11.8-cudnn8-runtime\nRUN pip install onnxruntime-gpu==1.18.1\n"},
    ),
    "a build that is not pinned": (
        "ort-cuda-major-mismatch",
        {"Dockerfile": f"ARG BASE={CUDA}\nFROM ${{BASE}} AS run\nRUN pip install onnxruntime-gpu\n"},
        {"Dockerfile": f"ARG BASE={CUDA}\nFROM ${{BASE}} AS run\nRUN pip install 'onnxruntime-gpu[cuda,cudnn]'\n"},
    ),
    "a build of a requirements file": (
        "ort-cuda-major-mismatch",
        {
            "Dockerfile": f"FROM {CUDA}\nRUN pip install -r /app/requirements.txt\n",
            "requirements.txt": "onnxruntime-gpu>=1.17,<1.19\n",
        },
        {
            "Dockerfile": f"FROM {CUDA}\nRUN pip install -r /app/requirements.txt\n",
            "requirements.txt": "onnxruntime-gpu~=1.20.0\n",
        },
    ),
    "a build of another index": (
        "ort-cuda-major-mismatch",
        {"Dockerfile": f"FROM {CUDA}\nRUN pip install onnxruntime-gpu==1.18.1\n"},
        {
            "Dockerfile": f"FROM {CUDA}\nRUN pip install onnxruntime-gpu==1.18.1 --extra-index-url "
            "https://aiinfra.pkgs.visualstudio.com/PublicPackages/_packaging/onnxruntime-cuda-12/pypi/simple/\n"
        },
    ),
    # containers without the GPU
    "compose without a GPU": (
        "container-started-without-gpu",
        {"compose.yml": f"services:\n  face:\n    image: {CUDA}\n"},
        {"compose.yml": f"services:\n  face:\n    image: {CUDA}\n{GPU}"},
    ),
    "compose without a GPU, of a built image": (
        "container-started-without-gpu",
        {"Dockerfile": f"FROM {CUDA}\n", "compose.yml": "services:\n  face:\n    build: .\n"},
        {"Dockerfile": f"FROM {CUDA}\n", "compose.yml": "services:\n  face:\n    build: .\n    runtime: nvidia\n"},
    ),
    "compose without a GPU, by its package": (
        "container-started-without-gpu",
        {
            "Dockerfile": "FROM our/base:1\nRUN pip install onnxruntime-gpu\n",
            "compose.yml": "services:\n  face:\n    build: .\n",
        },
        {
            "Dockerfile": "FROM our/base:1\nRUN pip install onnxruntime-gpu\n",
            "compose.yml": "services:\n  face:\n    build: .\n",
            "compose.gpu.yml": "services:\n  face:\n    gpus: all\n    build: .\n",
        },
    ),
    "a pod without a GPU": (
        "container-started-without-gpu",
        {"k.yml": pod(f"        image: {CUDA}\n")},
        {"k.yml": pod(f"        image: {CUDA}\n        resources: {{limits: {{nvidia.com/gpu: 1}}}}\n")},
    ),
    "a pod without a GPU, of a runtime class": (
        "container-started-without-gpu",
        {"k.yml": pod(f"        image: {CUDA}\n")},
        {"k.yml": pod(f"        image: {CUDA}\n", "      runtimeClassName: nvidia\n")},
    ),
    "a pod without a GPU, of the only Dockerfile": (
        "container-started-without-gpu",
        {"Dockerfile": f"FROM {CUDA}\n", "deploy/k.yml": pod("        image: registry.example/face:1\n")},
        {
            "Dockerfile": f"FROM {CUDA}\n",
            "deploy/k.yml": pod(
                "        image: registry.example/face:1\n        resources: {limits: {nvidia.com/gpu: 1}}\n"
            ),
        },
    ),
    "requirements of two services": (
        "ort-both-packages",
        {
            "a/Dockerfile": "FROM our/base:1\nCOPY requirements.txt /tmp/\n"
            "RUN pip install -r /tmp/requirements.txt onnxruntime-gpu\n",
            "a/requirements.txt": "insightface\n",
            "b/requirements.txt": "onnxruntime\n",
        },
        {
            "a/Dockerfile": "FROM our/base:1\nCOPY requirements.txt /tmp/\nRUN pip install -r /tmp/requirements.txt\n",
            "a/requirements.txt": "onnxruntime-gpu\n",
            "b/requirements.txt": "onnxruntime\n",
        },
    ),
    "docker run without a GPU": (
        "container-started-without-gpu",
        {"run.sh": f"sudo docker run --rm -it \\\n  -v /models:/models {CUDA} python3 serve.py\n"},
        {"run.sh": f"sudo docker run --rm -it \\\n  --gpus all -v /models:/models {CUDA} python3 serve.py\n"},
    ),
    # the API of the insightface that is pinned
    "add-ons before they were": (
        "det-parameter-ignored",
        {
            "app.py": "from insightface.app import FaceAnalysis\napp = FaceAnalysis(addons=['liveness'])\n",
            "requirements.txt": "insightface==0.7.3\n",
        },
        {
            "app.py": "from insightface.app import FaceAnalysis\napp = FaceAnalysis(addons=['liveness'])\n",
            "requirements.txt": "insightface==2.1\n",
        },
    ),
    "no ctx_id before it had a default": (
        "det-parameter-ignored",
        {
            "app.py": "from insightface.app import FaceAnalysis\napp = FaceAnalysis()\napp.prepare()\n",
            "requirements.txt": "insightface<2\n",
        },
        {"app.py": "from insightface.app import FaceAnalysis\napp = FaceAnalysis()\napp.prepare()\n"},
    ),
    "no size before it could be None": (
        "det-parameter-ignored",
        {
            "app.py": "from insightface.app import FaceAnalysis\napp = FaceAnalysis()\napp.prepare(0, det_size=None)\n",
            "pyproject.toml": '[tool.poetry.dependencies]\ninsightface = "^0.7"\n',
        },
        {
            "app.py": "from insightface.app import FaceAnalysis\napp = FaceAnalysis()\napp.prepare(0, det_size=None)\n",
            "pyproject.toml": '[tool.poetry.dependencies]\ninsightface = "^1.0"\n',
        },
    ),
    # BuildKit, and what only looks like a fault
    "a RUN with a cache": (
        "ort-both-packages",
        {
            "Dockerfile": "FROM our/base:1\nRUN --mount=type=cache,target=/c \\\n    pip install onnxruntime onnxruntime-gpu\n"
        },
        {"Dockerfile": "FROM our/base:1\nRUN --mount=type=cache,target=/c \\\n    pip install onnxruntime-gpu\n"},
    ),
    "a heredoc": (
        "service-loopback-only",
        {"start.sh": "cat <<EOF\nx\nEOF\nuvicorn app:app\n"},
        {"start.sh": "cat <<EOF\nuvicorn app:app\nEOF\nuvicorn --version\ngunicorn --check-config app:app\n"},
    ),
    "a configuration elsewhere": (
        "service-loopback-only",
        {"Dockerfile": "FROM our/base:1\nCMD gunicorn app:app\n"},
        {"Dockerfile": "FROM our/base:1\nCMD gunicorn -c /etc/face.py app:app\n"},
    ),
    "a bind in branches": (
        "service-loopback-only",
        {"gunicorn.conf.py": "bind = '127.0.0.1:80'\n"},
        {
            "gunicorn.conf.py": "import os\nif os.getenv('DEV'):\n    bind = '127.0.0.1:80'\nelse:\n    bind = '0.0.0.0:80'\n"
        },
    ),
    "a bind from outside": (
        "service-loopback-only",
        {"Dockerfile": "FROM our/base:1\nCMD gunicorn app:app\n", "gunicorn.conf.py": "workers = 1\n"},
        {
            "Dockerfile": "FROM our/base:1\nCMD gunicorn app:app\n",
            "gunicorn.conf.py": "import os\nbind = os.getenv('BIND')\n",
        },
    ),
    "a host by the container's environment": (
        "service-loopback-only",
        {"Dockerfile": "FROM our/base:1\nCMD uvicorn app:app\n", "compose.yml": "services:\n  web:\n    build: .\n"},
        {
            "Dockerfile": "FROM our/base:1\nCMD uvicorn app:app\n",
            "compose.yml": "services:\n  web:\n    build: .\n    environment: [UVICORN_HOST=0.0.0.0]\n    ports: [80:8000]\n",
        },
    ),
    "a port by the container's environment": (
        "port-not-published",
        {
            "Dockerfile": "FROM our/base:1\nENV PORT=80\nCMD uvicorn app:app --host 0.0.0.0 --port $PORT\n",
            "compose.yml": "services:\n  web:\n    build: .\n    environment: {MODE: a}\n    ports: ['81:81']\n",
        },
        {
            "Dockerfile": "FROM our/base:1\nENV PORT=80\nCMD uvicorn app:app --host 0.0.0.0 --port $PORT\n",
            "compose.yml": "services:\n  web:\n    build: .\n    env_file: .env\n    ports: ['81:81']\n",
        },
    ),
    "a stage by its name": (
        "port-not-published",
        {
            "Dockerfile": STAGES,
            "compose.yml": "services:\n  web:\n    build: {context: ., target: two}\n    ports: ['80:80']\n",
        },
        {
            "Dockerfile": STAGES,
            "compose.yml": "services:\n  web:\n    build: {context: ., target: one}\n    ports: ['80:80']\n",
        },
    ),
    "a base by an argument": (
        "container-started-without-gpu",
        {"Dockerfile": f"ARG BASE={CUDA}\nFROM $BASE\n", "compose.yml": "services:\n  web:\n    build: .\n"},
        {
            "Dockerfile": f"ARG BASE={CUDA}\nFROM $BASE\n",
            "compose.yml": "services:\n  web:\n    build: {context: ., args: {BASE: python}}\n",
        },
    ),
    "a database on loopback": (
        "service-loopback-only",
        {"compose.yml": "services:\n  web:\n    image: face\n    ports: ['127.0.0.1:80:80']\n"},
        {"compose.yml": "services:\n  db:\n    image: postgres:16\n    ports: ['127.0.0.1:5432:5432']\n"},
    ),
    "a container for the tests": (
        "container-started-without-gpu",
        {"Makefile": f"test:\n\tdocker run {CUDA} pytest\n"},
        {"Makefile": f"test:\n\tdocker run {CUDA} pytest\nup:\n\tdocker run --gpus all {CUDA}\n"},
    ),
    "a runtime by a variable": (
        "container-started-without-gpu",
        {"compose.yml": "services:\n  web:\n    image: face:cuda12\n    runtime: ${RUNTIME:-runc}\n"},
        {"compose.yml": "services:\n  web:\n    image: face:cuda12\n    runtime: ${RUNTIME:-nvidia}\n"},
    ),
    "an image for no GPU": (
        "container-started-without-gpu",
        {"compose.yml": "services:\n  web:\n    image: face:1-gpu\n"},
        {"compose.yml": "services:\n  web:\n    image: face:1-no-gpu\n"},
    ),
    "redis beside the only Dockerfile": (
        "container-started-without-gpu",
        {"Dockerfile": f"FROM {CUDA}\n", "k.yaml": pod("        image: face\n")},
        {"Dockerfile": f"FROM {CUDA}\n", "k.yaml": pod("        image: redis:7\n")},
    ),
    "wishes beside a lock": (
        "ort-both-packages",
        {"requirements.in": "insightface\nonnxruntime-gpu\n"},
        {
            "requirements.in": "insightface\nonnxruntime-gpu\n",
            "requirements.txt": "insightface==0.7.3\nonnxruntime-gpu==1.20.0\n",
        },
    ),
    # values across files of one package
    "a size from another file": (
        "det-size-not-multiple-of-32",
        {"face/config.py": "DET_SIZE = (600, 640)\n", "face/app.py": PREPARED % "from .config import DET_SIZE"},
        {"face/config.py": "DET_SIZE = (608, 640)\n", "face/app.py": PREPARED % "from .config import DET_SIZE"},
    ),
    "a size from the folder above": (
        "det-parameter-ignored",
        {"face/settings.py": "DET_SIZE: int = 640\n", "face/api/app.py": PREPARED % "from ..settings import DET_SIZE"},
        {
            "face/settings.py": "import os\nDET_SIZE = 640\nDET_SIZE = (DET_SIZE, DET_SIZE)\n",
            "face/api/app.py": PREPARED % "from ..settings import DET_SIZE",
        },
    ),
    "providers by a module's name": (
        "ort-provider-not-requested",
        {"settings.py": "PROVIDERS = ['CPUExecutionProvider']\n", "app.py": SESSION % "import settings"},
        {
            "settings.py": "PROVIDERS = ['CPUExecutionProvider']\nPROVIDERS.insert(0, 'CUDAExecutionProvider')\n",
            "app.py": SESSION % "import settings",
        },
    ),
    "providers by a package's name": (
        "ort-provider-not-requested",
        {
            "app/config.py": "PROVIDERS = ['CPUExecutionProvider']\n",
            "app/web/main.py": SESSION % "from app import config as settings",
        },
        {
            "other/config.py": "PROVIDERS = ['CPUExecutionProvider']\n",
            "app/web/main.py": SESSION % "from app import config as settings",
        },
    ),
    "an address from another file": (
        "service-loopback-only",
        {
            "config.py": "ADDRESS = ('127.0.0.1', 8000)\n",
            "app.py": "from http.server import HTTPServer\nfrom config import ADDRESS\nHTTPServer(ADDRESS, None)\n",
        },
        {
            "config.py": "ADDRESS = ('0.0.0.0', 8000)\n",
            "app.py": "from http.server import HTTPServer\nfrom config import ADDRESS\nHTTPServer(ADDRESS, None)\n",
        },
    ),
    "a pre-release that brings it along": (
        "ort-both-packages",
        {"requirements.txt": "onnxruntime-gpu\ninsightface>=2.0rc1\n"},
        {"requirements.txt": "onnxruntime-gpu\ninsightface>=0.7.3.post1,<1.0rc1\n"},
    ),
    "by a marker of Pythons": (
        "ort-both-packages",
        {"requirements.txt": "onnxruntime-gpu\nonnxruntime ; python_version < '3.12'\n"},
        {"requirements.txt": "onnxruntime-gpu\nonnxruntime ; python_version < '3' or platform_machine == 'arm64'\n"},
    ),
    "wishes beside constraints": (
        "ort-both-packages",
        {"requirements.txt": "insightface\nonnxruntime-gpu\n", "limits.txt": "insightface==0.7.3\n"},
        {"requirements.txt": "-c limits.txt\ninsightface\nonnxruntime-gpu\n", "limits.txt": "insightface==0.7.3\n"},
    ),
    "an index in the environment": (
        "ort-cuda-major-mismatch",
        {"Dockerfile": f"FROM {CUDA}\nRUN pip install onnxruntime-gpu==1.18.1\n"},
        {"Dockerfile": f"FROM {CUDA}\nENV PIP_EXTRA_INDEX_URL={INDEX}\nRUN pip install onnxruntime-gpu==1.18.1\n"},
    ),
    "an index in the requirements": (
        "ort-cuda-major-mismatch",
        {
            "Dockerfile": f"FROM {CUDA}\nRUN pip install -r requirements.txt\n",
            "requirements.txt": "onnxruntime-gpu==1.18.1\n",
        },
        {
            "Dockerfile": f"FROM {CUDA}\nRUN pip install -r requirements.txt\n",
            "requirements.txt": f"--extra-index-url {INDEX}\nonnxruntime-gpu==1.18.1\n",
        },
    ),
    "the GPU among all providers that there are": (
        "ort-cpu-package",
        {"requirements.txt": "onnxruntime==1.18.1\n", "app.py": WITH_CUDA},
        {
            "requirements.txt": "onnxruntime==1.18.1\n",
            "app.py": "import onnxruntime\nALL = {'cuda': 'CUDAExecutionProvider', 'cpu': 'CPUExecutionProvider'}\n",
        },
    ),
    **{
        f"one name, two builds, {how}": (
            "container-started-without-gpu",
            {
                "build.sh": f"docker build -t face:gpu -f Dockerfile.gpu .\n{before}",
                "Dockerfile": CPU_FILE,
                "Dockerfile.gpu": GPU_FILE,
                "c.yaml": POD,
            },
            {
                "build.sh": f"docker build -t face:gpu -f Dockerfile.gpu .\n{after}",
                "Dockerfile": CPU_FILE,
                "Dockerfile.gpu": GPU_FILE,
                "c.yaml": POD,
            },
        )
        for how, before, after in (
            ("of which one is another's", "", "docker build -t face:cpu -f Dockerfile .\n"),
            (
                "of which one is its own",
                "docker build -t face:v1 -f Dockerfile.gpu .\n",
                "docker build -t face:v1 -f Dockerfile .\n",
            ),
        )
    },
    "a scheduler whose command stands in the first compose file": (
        "container-started-without-gpu",
        {
            "Dockerfile": GPU_FILE,
            "docker-compose.yml": "services:\n  beat:\n    image: face:gpu\n    command: uvicorn a:a --host 0.0.0.0\n",
            "docker-compose.gpu.yml": BEAT,
        },
        {
            "Dockerfile": GPU_FILE,
            "docker-compose.yml": "services:\n  beat:\n    image: face:gpu\n    command: celery -A a beat\n",
            "docker-compose.gpu.yml": BEAT,
        },
    ),
    "a debugger beside another program's model": (
        "service-debug-mode",
        {"web/app.py": DEBUG, "web/face/model.py": MODEL},
        {"web/app.py": DEBUG, "other/model.py": MODEL},
    ),
    "the GPU in a type": (
        "ort-cpu-package",
        {"requirements.txt": "onnxruntime==1.18.1\n", "app.py": WITH_CUDA},
        {
            "requirements.txt": "onnxruntime==1.18.1\n",
            "app.py": "import onnxruntime\nfrom typing import Literal\nName = Literal['CUDAExecutionProvider', 'CPU']\n",
        },
    ),
    "the CPU's package beside OpenVINO's, which is RD276's": (
        "ort-both-packages",
        {"requirements.txt": "onnxruntime\nonnxruntime-openvino\n", "app.py": WITH_CUDA},
        {"requirements.txt": "onnxruntime-openvino\n", "app.py": WITH_CUDA},
    ),
    "an image whose GPU is for TensorRT": (
        "ort-cpu-package",
        {"Dockerfile": "FROM nvcr.io/nvidia/pytorch:25.01-py3\nRUN pip install onnxruntime==1.18.1\n"},
        {"Dockerfile": "FROM nvcr.io/nvidia/tensorrt:25.01-py3\nRUN pip install onnxruntime==1.18.1\n"},
    ),
    "insightface 2, which no older Python takes": (
        "opencv-system-libs-missing",
        {"Dockerfile": "FROM python:3.10-slim\nRUN pip install insightface 'onnxruntime<2'\n"},
        {"Dockerfile": "FROM python:3.9-slim\nRUN pip install insightface 'onnxruntime<2'\n"},
    ),
    "OpenCV with contrib and without windows": (
        "opencv-both-packages",
        {"requirements.txt": "opencv_contrib_python==4.10.0.84\nopencv_python_headless==4.10.0.84\n"},
        {"requirements.txt": "opencv-contrib-python-headless==4.10.0.84\n"},
    ),
    "conda's builds": (
        "ort-cuda-major-mismatch",
        {"Dockerfile": f"FROM {CUDA}\nRUN pip install onnxruntime-gpu==1.18.1\n"},
        {"Dockerfile": f"FROM {CUDA}\nRUN conda install -c conda-forge onnxruntime-gpu=1.18.0\n"},
    ),
    "a Dockerfile in a folder called build": (
        "service-loopback-only",
        {"build/Dockerfile": "FROM our/base:1\nCMD uvicorn app:app\n"},
        {"build/app.py": "import uvicorn\nuvicorn.run(app)\n"},
    ),
}
