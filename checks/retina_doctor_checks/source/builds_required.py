"""Which build of onnxruntime-gpu a requirement lets in, which one fits, and the requirement of that one."""

from __future__ import annotations

import re

from retina_doctor_checks.advice.builds import Build, onnxruntime_builds

from ..facts.deployment import Package
from ..versions import allows, pinned, release


def built(package: Package) -> Build | None:
    """The newest build that the requirement lets in; for a pin, the known one of its minor version, whose CUDA is the same."""
    rows = [row for row in onnxruntime_builds() if row.processor == "x86_64"]
    version = pinned(package.spec)
    if version is not None:
        return next((row for row in rows if release(row.version)[:2] == release(version)[:2]), None)
    return next((row for row in rows if allows(package.spec, row.version)), None)


def fitting(major: int) -> Build | None:
    return next((row for row in onnxruntime_builds() if row.cuda[0] == major and row.processor == "x86_64"), None)


CLAUSE = r"(?:={2,3}|[<>!~]=|[<>])\s*[\w.*+]+"


def goes_on(text: str) -> bool:
    return text.startswith("onnxruntime") and re.search(r"--hash|\\$", text) is not None


def repinned(package: Package, version: str) -> str | None:
    """The line with another pin; None where the line has more to say than pip's plain form, or goes on with hashes."""
    if goes_on(package.at.text):
        return None
    pattern = rf"(onnxruntime[-_.]gpu(?:\[[^\]]*\])?)(?:\s*{CLAUSE}(?:\s*,\s*{CLAUSE})*)?(?![\w.*+]|\s*[<>=!~^,])"
    text, count = re.subn(pattern, rf"\g<1>=={version}", package.at.text, count=1)
    return text if count else None
