"""Opens a session and tells where its nodes really run. Sent to targets: Python 3.8, onnxruntime."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile

from retina_doctor.hints import Any

CUDA, CPU = "CUDAExecutionProvider", "CPUExecutionProvider"
profile_folders: list[str] = []


def open_session(onnxruntime: Any, model: Any, want_gpu: bool) -> tuple[Any, str | None]:
    """(session, how its nodes are counted): asks for CUDA before the CPU, as a service should. *model*: bytes or a path."""
    options = quiet_options(onnxruntime, 2)
    how = None
    if hasattr(onnxruntime.InferenceSession, "get_provider_graph_assignment_info"):  # since 1.24
        how = "assignment"
        options.add_session_config_entry("session.record_ep_graph_assignment_info", "1")
    else:
        with contextlib.suppress(OSError):  # no writable disk: then nothing is known of the nodes
            how = keep_profile(options)
    providers = [CUDA, CPU] if want_gpu and CUDA in onnxruntime.get_available_providers() else [CPU]
    return onnxruntime.InferenceSession(model, options, providers=providers), how


def quiet_options(onnxruntime: Any, severity: int) -> Any:
    """*severity*: from which on onnxruntime logs: 2 warning, 3 error."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = severity
    # Other probes run beside this one: threads that wait by spinning would take their processors.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return options


def keep_profile(options: Any) -> str:
    """Have the session tell what it ran, in the folder that is returned. Raises OSError."""
    folder = tempfile.mkdtemp(prefix="retina-doctor-")
    profile_folders.append(folder)
    options.enable_profiling = True
    options.profile_file_prefix = os.path.join(folder, "profile")
    return folder


def preload(onnxruntime: Any, gpu: bool) -> bool:
    """Loads CUDA's libraries where the service's insightface would; whether it did."""
    from retina_doctor_checks.probes.ort_gpu import look_files

    wanted = gpu and look_files.preloaded_by() and getattr(onnxruntime, "preload_dlls", None)
    if wanted:
        wanted()
    return bool(wanted)


def operators(session: Any, how: str | None) -> dict[str, Any] | None:
    """{provider: {operator: number of nodes}} of a session that has run; None where that cannot be told."""
    if how is None:
        return None
    counts: dict[str, Any] = {}
    if how == "assignment":
        nodes = [(p.ep_name, n.op_type) for p in session.get_provider_graph_assignment_info() for n in p.get_nodes()]
    else:
        import json

        with open(session.end_profiling()) as file:
            events = json.load(file)
        told = [e for e in events if e.get("cat") == "Node" and "provider" in e.get("args", {})]
        once = {(e["args"]["provider"], e["name"]): e["args"].get("op_name", "") for e in told}
        nodes = [(provider, operator) for (provider, _), operator in once.items()]
    for provider, operator in nodes:
        of_provider = counts.setdefault(provider, {})
        of_provider[operator] = of_provider.get(operator, 0) + 1
    return counts


def cpu_share(onnxruntime: Any, model: Any, feed: dict[str, Any]) -> float | None:
    """Time of the CPU's nodes by the time of the whole run, of a second run in a session that is opened for it."""
    import json

    options = quiet_options(onnxruntime, 3)
    keep_profile(options)
    opened = onnxruntime.InferenceSession(model, options, providers=[CUDA, CPU])
    for _ in range(2):
        opened.run(None, feed)
    with open(opened.end_profiling()) as file:
        events = json.load(file)
    runs = [event for event in events if event.get("name") == "model_run"]
    if len(runs) != 2 or not runs[1]["dur"]:
        return None
    spent = sum(
        event["dur"]
        for event in events
        if event.get("cat") == "Node" and event["name"].endswith("_kernel_time")
        if event["args"].get("provider") == CPU and event["ts"] >= runs[1]["ts"]
    )
    return float(min(1.0, spent / runs[1]["dur"]))


def node_counts(told: dict[str, Any] | None) -> dict[str, int] | None:
    """{provider: number of nodes} of what `operators` told."""
    return None if told is None else {provider: sum(counts.values()) for provider, counts in told.items()}


def clean() -> None:
    """Remove the folders of profiles, whatever became of their sessions."""
    for folder in profile_folders:
        shutil.rmtree(folder, ignore_errors=True)
