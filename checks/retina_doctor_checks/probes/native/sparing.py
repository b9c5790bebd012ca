"""Looking takes little: a service runs beside it. Sent to targets: Python 3.8, standard library alone."""

from __future__ import annotations

import os

from retina_doctor_checks.probes.native import untold


def spare() -> None:
    """Before numpy is imported, alone or with onnxruntime or scipy: OpenBLAS, of which each brings its own, starts a thread for
    every core, and they spin, for a matrix product that nobody asks for: a third of the processor time of all imports.
    onnxruntime's own threads are as many as they were, so that a limit of threads shows. What would report stays here."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    untold.keep()
