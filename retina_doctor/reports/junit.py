"""JUnit XML as GitLab, Jenkins and GitHub read it: a test case per check, a suite per domain."""

from __future__ import annotations

import itertools
import re
import xml.etree.ElementTree as ElementTree

from retina_doctor.model import Judgement, Severity, Verdict
from retina_doctor.reasons import reason_text
from retina_doctor.reports import Look, Report

ILLEGAL = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write(report: Report, _look: Look) -> str:
    suites = ElementTree.Element("testsuites", name="retina-doctor")
    totals = [0, 0, 0, 0]
    for domain, group in itertools.groupby(report.diagnosis.judgements, key=lambda j: j.domain):
        suite = ElementTree.SubElement(suites, "testsuite", name=domain)
        counts = [0, 0, 0, 0]
        for judgement in group:
            case = ElementTree.SubElement(
                suite, "testcase", classname=f"retina-doctor.{domain}", name=f"{judgement.code} {judgement.name}"
            )
            kind = _fill(case, judgement, report)
            counts[0] += 1
            if kind:
                counts[kind] += 1
        _count(suite, counts)
        totals = [a + b for a, b in zip(totals, counts, strict=True)]
    _count(suites, totals)
    ElementTree.indent(suites)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(suites, encoding="unicode") + "\n"


def _fill(case: ElementTree.Element, judgement: Judgement, report: Report) -> int:
    """0: passed, 1: failure, 2: error, 3: skipped."""
    if judgement.verdict in (Verdict.INAPPLICABLE, Verdict.IGNORED):
        reason = reason_text(judgement.reason, report.catalogue, report.language)
        ElementTree.SubElement(case, "skipped", message=_legal(reason))
        return 3
    if judgement.verdict is Verdict.ERROR:
        error = ElementTree.SubElement(case, "error", message=_legal(str(judgement.reason)), type="check-broke")
        findings = [f for f in report.diagnosis.findings if f.code == judgement.code]
        error.text = _legal("\n\n".join(report.words(finding).message for finding in findings)) or None
        return 2
    if judgement.verdict is Verdict.UNKNOWN:
        ElementTree.SubElement(case, "error", message=f"unknown: {', '.join(judgement.missing)}", type="unknown")
        return 2
    failed = 0
    for finding in (f for f in report.diagnosis.findings if f.code == judgement.code):
        words = report.words(finding)
        root = f"\n(root: {finding.root.code} {finding.root.name})" if finding.root else ""
        text = _legal("\n".join([words.message, words.fix, *words.commands]) + root)
        if finding.severity is Severity.ERROR:
            failure = ElementTree.SubElement(case, "failure", message=_legal(words.title), type=finding.name)
            failure.text = text
            failed = 1
        else:  # JUnit knows no warning: the case passes and says it
            ElementTree.SubElement(case, "system-out").text = f"{finding.severity}: {_legal(words.title)}\n{text}"
    return failed


def _count(element: ElementTree.Element, counts: list[int]) -> None:
    for name, count in zip(("tests", "failures", "errors", "skipped"), counts, strict=True):
        element.set(name, str(count))


def _legal(text: str) -> str:
    """XML 1.0 has no place for most control characters, and logs of onnxruntime are full of them."""
    return ILLEGAL.sub("\N{REPLACEMENT CHARACTER}", text)
