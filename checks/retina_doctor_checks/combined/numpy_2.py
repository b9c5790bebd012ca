"""Which releases of packages run with NumPy 2."""

from __future__ import annotations

FIRST = {
    **dict.fromkeys(
        ("opencv-python", "opencv-python-headless", "opencv-contrib-python", "opencv-contrib-python-headless"),
        "4.10.0.84",
    ),
    **dict.fromkeys(("onnxruntime", "onnxruntime-gpu"), "1.19.0"),
}
"""The first releases whose compiled modules run with NumPy 2 (github.com/opencv/opencv-python/releases 4.10.0.84;
github.com/microsoft/onnxruntime/releases 1.19.0). All have wheels for each Python that both NumPy 1 and NumPy 2 have: 3.9 to 3.12
(PyPI; opencv's are of the stable interface, cp37-abi3)."""
CUDA = {"onnxruntime-gpu": "12"}
"""The major version that their builds on PyPI need (advice/onnxruntime.toml: 1.19.2)."""
