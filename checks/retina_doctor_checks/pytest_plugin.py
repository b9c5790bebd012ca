"""A plugin of pytest: ``pytest --retina-doctor`` skips tests marked ``gpu`` where the doctor says why they cannot pass.

The doctor looks at the Python that runs the tests, in a process of its own: what crashes it crashes no test. A doctor that cannot
tell skips nothing. Importing this module costs every run of pytest its time, so it imports nothing else of the doctor.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys

import pytest

ARGUMENTS = "--only driver,torch,onnxruntime,python_env"
REASON = "PYTEST_RETINA_DOCTOR"
"""The variable by which workers of pytest-xdist learn what was found, so that the doctor looks once."""


def pytest_addoption(parser: pytest.Parser) -> None:
    words = "ask retina-doctor first, and skip tests marked gpu where it finds why they cannot pass"
    parser.getgroup("retina-doctor").addoption("--retina-doctor", action="store_true", help=words)
    parser.addini("retina_doctor_args", f"arguments of retina-doctor check; default: {ARGUMENTS}", default=ARGUMENTS)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "gpu: needs a working GPU; skipped by --retina-doctor where there is none")
    if config.getoption("--retina-doctor") and not hasattr(config, "workerinput"):
        os.environ[REASON] = _reason(shlex.split(config.getini("retina_doctor_args")))


def pytest_report_header(config: pytest.Config) -> str | None:
    if not config.getoption("--retina-doctor"):
        return None
    return f"retina-doctor: {os.environ.get(REASON) or 'nothing found that keeps the GPU from use'}"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    reason = os.environ.get(REASON) if config.getoption("--retina-doctor") else None
    if reason:
        for item in items:
            if item.get_closest_marker("gpu") is not None:
                item.add_marker(pytest.mark.skip(reason=f"retina-doctor: {reason}"))


def _reason(arguments: list[str]) -> str:
    """The gravest root cause; "" where there is none, or it cannot be told. Raises pytest.UsageError for wrong arguments."""
    command = [sys.executable, "-m", "retina_doctor", "check", "--target", shlex.quote(sys.executable), *arguments]
    done = subprocess.run([*command, "--format", "json"], capture_output=True, text=True, check=False)
    if done.returncode == 2:
        raise pytest.UsageError(done.stderr.strip())
    try:
        findings = json.loads(done.stdout)["findings"]
    except (ValueError, KeyError):
        return ""
    grave = [one for one in findings if one["severity"] == "error"]
    roots = [one for one in grave if one["root"] is None] or grave
    return f"{roots[0]['code']} {roots[0]['name']}: {roots[0]['title']}" if roots else ""
