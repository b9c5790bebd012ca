"""Which libraries of CUDA this process has really loaded. Sent to targets: Python 3.8, standard library alone."""

from __future__ import annotations

import re

from retina_doctor.hints import Any

LIBRARY = re.compile(r"/lib(cublas|cublasLt|cudart|cudnn\w*|curand|cufft|nvrtc|cuda)\.so")


def cuda_libraries() -> list[Any]:
    """Paths of the files, sorted, of this very process; none where that cannot be read."""
    try:
        with open("/proc/self/maps", errors="surrogateescape") as maps:
            paths = {line.split(None, 5)[5].rstrip("\n") for line in maps if LIBRARY.search(line)}
    except (OSError, IndexError):
        return []
    return sorted(paths)
