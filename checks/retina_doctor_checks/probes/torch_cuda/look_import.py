"""Where `import torch` would lead. Sent to targets: Python 3.8, standard library alone."""

from __future__ import annotations

import importlib.util
import os


def folder() -> str | None:
    """The folder or file that `import torch` would run, or None. Nothing is imported."""
    try:
        spec = importlib.util.find_spec("torch")
    except (ImportError, ValueError):
        return None
    if spec is None:
        return None
    if spec.origin is None or spec.submodule_search_locations is None:
        # A bare folder (left over by an uninstall) or a lone torch.py: still what the import would give.
        places = list(spec.submodule_search_locations or ())
        return places[0] if places else spec.origin
    return os.path.dirname(spec.origin)
