"""Opens a session and tells where its nodes really run. Sent to targets: Python 3.8, onnxruntime."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import tempfile
from typing import Any

CUDA, CPU = "CUDAExecutionProvider", "CPUExecutionProvider"
ANSI = re.compile(r"\x1b\[[0-9;]*m")
MOST_LINES = 40
profile_folders: list[str] = []


@contextlib.contextmanager
def captured() -> Any:
    """Within: what is written to file descriptors 1 and 2, by C++ too, goes to a list that is filled at the end."""
    lines: list[str] = []
    try:
        file = tempfile.TemporaryFile()
    except OSError:  # no writable disk: the lines go where they would have gone
        yield lines
        return
    saved = os.dup(1), os.dup(2)
    os.dup2(file.fileno(), 1)
    os.dup2(file.fileno(), 2)
    try:
        yield lines
    finally:
        os.dup2(saved[0], 1)
        os.dup2(saved[1], 2)
        for descriptor in saved:
            os.close(descriptor)
        file.seek(0)
        text = ANSI.sub("", file.read(65536).decode("utf-8", "replace"))
        lines.extend([line for line in text.splitlines() if line.strip()][:MOST_LINES])
        file.close()
        os.write(2, text.encode("utf-8", "replace"))  # and so stays in the tail of a looking that dies later


def open_session(onnxruntime: Any, model: Any, want_gpu: bool, count: bool = True) -> tuple[Any, str | None]:
    """(session, how its nodes are counted): asks for CUDA before the CPU, as a service should.

    *model*: bytes or a path. *count*: whether `node_counts` will be asked.
    """
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 2
    # Other probes run beside this one: threads that wait by spinning would take their processors.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    how = None
    if count and hasattr(onnxruntime.InferenceSession, "get_provider_graph_assignment_info"):  # since 1.24
        how = "assignment"
        options.add_session_config_entry("session.record_ep_graph_assignment_info", "1")
    elif count:
        try:
            folder = tempfile.mkdtemp(prefix="retina-doctor-")
        except OSError:  # no writable disk: then nothing is known of the nodes
            folder = None
        if folder:
            how = folder
            profile_folders.append(folder)
            options.enable_profiling = True
            options.profile_file_prefix = os.path.join(folder, "profile")
    providers = [CUDA, CPU] if want_gpu and CUDA in onnxruntime.get_available_providers() else [CPU]
    return onnxruntime.InferenceSession(model, options, providers=providers), how


def node_counts(session: Any, how: str | None) -> dict[str, Any] | None:
    """{provider: number of nodes} of a session that has run; None where that cannot be told."""
    if how is None:
        return None
    counts: dict[str, int] = {}
    if how == "assignment":
        for part in session.get_provider_graph_assignment_info():
            counts[part.ep_name] = counts.get(part.ep_name, 0) + len(part.get_nodes())
        return counts
    import json

    with open(session.end_profiling()) as file:
        events = json.load(file)
    nodes = {
        (e["args"]["provider"], e["name"]) for e in events if e.get("cat") == "Node" and "provider" in e.get("args", {})
    }
    for provider, _ in nodes:
        counts[provider] = counts.get(provider, 0) + 1
    return counts


def clean() -> None:
    """Remove the folders of profiles, whatever became of their sessions."""
    for folder in profile_folders:
        shutil.rmtree(folder, ignore_errors=True)
