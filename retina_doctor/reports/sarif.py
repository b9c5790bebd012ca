"""SARIF 2.1.0 for code scanning and editors.

Format: docs.oasis-open.org/sarif/sarif/v2.1.0. What GitHub reads of it: docs.github.com, "SARIF support for code scanning". A
finding about no file has a logical location, its subject; GitHub shows those with a file alone.
"""

from __future__ import annotations

import urllib.parse
from collections.abc import Iterable
from typing import Any

from retina_doctor import __version__
from retina_doctor.codec import to_json
from retina_doctor.model import Finding
from retina_doctor.reports.fingerprints import fingerprints
from retina_doctor.reports.labels import corrected
from retina_doctor.reports.places import relative, run_in
from retina_doctor.reports.report import Look, Report

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
ROOT = "%SRCROOT%"
"""The customary name of the folder that paths are relative to."""


def write(report: Report, _look: Look) -> str:
    findings = report.diagnosis.findings
    rules = {finding.code: finding for finding in reversed(findings)}
    codes = sorted(rules)
    results = [
        _result(report, finding, codes.index(finding.code), mark)
        for finding, mark in zip(findings, fingerprints(findings), strict=True)
    ]
    run = {
        "tool": {
            "driver": {
                "name": "retina-doctor",
                "semanticVersion": __version__,
                "rules": [_rule(report, rules[code]) for code in codes],
            }
        },
        "language": "zh-CN" if report.language == "zh" else "en",
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {ROOT: _root(report)},
        "invocations": [
            {
                # Unknown is no success: "no results" would be read as health.
                "executionSuccessful": report.exit_code != 3,
                "exitCode": report.exit_code,
                "toolExecutionNotifications": list(_not_judged(report)),
            }
        ],
        "results": results,
        "properties": {"verdict": report.diagnosis.verdict},
    }
    return to_json({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]})


def _rule(report: Report, finding: Finding) -> dict[str, Any]:
    words = report.words(finding)
    why = words.why.strip() or finding.name
    return {
        "id": finding.code,
        "name": "".join(word.capitalize() for word in finding.name.split("-")),
        "shortDescription": {"text": f"{finding.name.replace('-', ' ').capitalize()}."},
        "fullDescription": {"text": why},
        "help": {"text": why, "markdown": why},
        "properties": {"tags": [report.catalogue.of_code(finding.code).domain]},
    }


def _result(report: Report, finding: Finding, rule: int, mark: str) -> dict[str, Any]:
    words = report.words(finding)
    commands = (f"$ {command}" for command in words.commands)
    parts = (f"{words.title}.", words.message, words.fix, corrected(finding, report.language), *commands)
    result: dict[str, Any] = {
        "ruleId": finding.code,
        "ruleIndex": rule,
        "level": finding.severity.value,
        "message": {"text": _literal("\n".join(part for part in parts if part))},
        "locations": [_place(finding, report)],
        "partialFingerprints": {"retinaDoctor/v1": mark},
        "properties": {"subject": finding.subject, "evidence": finding.evidence},
    }
    if finding.root:
        result["properties"]["root"] = f"{finding.root.code} {finding.root.name} {finding.root.subject}"
    return result


def _root(report: Report) -> dict[str, Any]:
    """What relative URIs are relative to (3.14.14)."""
    folder = run_in(report)
    told: dict[str, Any] = {"description": {"text": "The folder in which retina-doctor was run."}}
    return {"uri": f"file://{_quoted(folder)}", **told} if folder else told


def _place(finding: Finding, report: Report) -> dict[str, Any]:
    place = finding.location
    if place is None:
        return {"logicalLocations": [{"name": finding.subject, "kind": "resource"}]}
    path = relative(place.file, report)
    absolute = {"uri": f"file://{_quoted(path)}"}
    return {
        "physicalLocation": {
            "artifactLocation": absolute if path.startswith("/") else {"uri": _quoted(path), "uriBaseId": ROOT},
            "region": {"startLine": max(1, place.line), "startColumn": max(1, place.column)},
        }
    }


def _quoted(path: str) -> str:
    return urllib.parse.quote(path.encode("utf-8", "replace"))


def _not_judged(report: Report) -> Iterable[dict[str, Any]]:
    for judgement in report.diagnosis.judgements:
        if judgement.verdict in ("unknown", "error"):
            why = str(judgement.reason) if judgement.verdict == "error" else ", ".join(judgement.missing)
            yield {
                "level": "error",
                "descriptor": {"id": judgement.code},
                "message": {"text": f"{judgement.name}: {judgement.verdict}: {why}."},
            }


def _literal(text: str) -> str:
    """In a message brackets make links and braces are placeholders (3.11.5, 3.11.6)."""
    for character in "\\[]":
        text = text.replace(character, "\\" + character)
    return text.replace("{", "{{").replace("}", "}}")
