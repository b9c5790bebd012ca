"""Programs that judge what the doctor writes, from npm: one installation for all processes of a test run."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.shared import shared


def installed(factory: pytest.TempPathFactory, package: str) -> Path:
    """The folder with its `node_modules`. Without npm or the network the test fails and says so."""

    def install(folder: Path) -> None:
        command = ["npm", "install", "--no-audit", "--no-fund", "--prefix", str(folder), package]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
        assert done.returncode == 0, f"npm is needed to get {package}: {done.stderr}"

    return shared(factory, package.strip("@").replace("/", "-"), install)
