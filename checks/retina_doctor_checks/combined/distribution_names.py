"""What pip calls the package of a module."""

from __future__ import annotations

from ..facts.python_env import Packages

DISTRIBUTIONS = {
    "PIL": "pillow",
    "cv2": "opencv-python-headless",
    "dotenv": "python-dotenv",
    "flask_cors": "flask-cors",
    "google": "protobuf",
    "onnxruntime": "onnxruntime-gpu",
    "python_multipart": "python-multipart",
    "retinaface": "retina-face",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "yaml": "pyyaml",
}
"""Where the distribution bears another name than the module."""
ALIKE = frozenset(
    "aiohttp albumentations boto3 celery daphne django eventlet fastapi flask gevent gunicorn httpx hypercorn insightface loguru "
    "matplotlib numpy onnx pandas prometheus_client psutil pydantic redis requests scipy starlette tornado torch torchvision "
    "tqdm uvicorn waitress".split()
)
"""Modules of packages of the same name. Of any other name nobody knows whose package it is: it may be a module of the
service's own, and whoever takes its name on PyPI would be installed."""


def distribution(module: str) -> str | None:
    """By its own name; None: nobody knows whose it is."""
    return DISTRIBUTIONS.get(module) or (module.replace("_", "-") if module in ALIKE else None)


def distribution_of(module: str | None, packages: Packages | None) -> str | None:
    """What pip calls the package of *module*, as it is installed here where that is known."""
    if not module:
        return None
    top, installed = module.split(".")[0], packages.installed if packages is not None else {}
    if top == "cv2" and packages is not None and packages.opencv:
        return packages.opencv[0].name
    if top == "onnxruntime":
        return "onnxruntime-gpu" if "onnxruntime-gpu" in installed else "onnxruntime"
    return DISTRIBUTIONS.get(top, top.replace("_", "-"))
