"""JUnit XML as GitLab, Jenkins and GitHub read it: a test case per check, a suite per domain.

What a root explains is skipped, not failed: one cause is one failure. The time of a case is that of the looking it rests on,
told once: at the first check that needs it.
"""

from __future__ import annotations

import itertools
import re
import xml.etree.ElementTree as ElementTree

from retina_doctor.model import Judgement, Verdict, interpreter_of
from retina_doctor.reports.labels import corrected
from retina_doctor.reports.report import Look, Report

ILLEGAL = re.compile(
    r"[^\t\n\r\x20-\x7e\xa0-\u200d\u2010-\u2027\u202f-\u2065\u206a-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"
)


def write(report: Report, _look: Look) -> str:
    suites = ElementTree.Element("testsuites", name="retina-doctor")
    snapshot, catalogue = report.diagnosis.snapshot, report.catalogue
    host = snapshot.label or _hostname(report)
    totals = [0, 0, 0, 0]
    told: set[str] = set()
    total = 0.0
    for domain, group in itertools.groupby(report.diagnosis.judgements, key=lambda j: j.domain):
        suite = ElementTree.SubElement(suites, "testsuite", name=domain)
        suite.set("timestamp", snapshot.created)
        if host:
            suite.set("hostname", _legal(host))
        counts = [0, 0, 0, 0]
        whole = 0.0
        for judgement in group:
            case = ElementTree.SubElement(
                suite, "testcase", classname=f"retina-doctor.{domain}", name=f"{judgement.code} {judgement.name}"
            )
            seconds = 0.0
            for need in catalogue.of_code(judgement.code).needs:
                probe = catalogue.probe_of.get(need.facts)
                if probe is not None and probe.name not in told and probe.name in snapshot.readings:
                    told.add(probe.name)
                    seconds += snapshot.readings[probe.name].seconds
            case.set("time", f"{seconds:.3f}")
            whole += seconds
            kind = _fill(case, judgement, report)
            counts[0] += 1
            if kind:
                counts[kind] += 1
        _count(suite, counts)
        suite.set("time", f"{whole:.3f}")
        total += whole
        totals = [a + b for a, b in zip(totals, counts, strict=True)]
    _count(suites, totals)
    suites.set("time", f"{total:.3f}")
    ElementTree.indent(suites)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(suites, encoding="unicode") + "\n"


def _fill(case: ElementTree.Element, judgement: Judgement, report: Report) -> int:
    """0: passed, 1: failure, 2: error, 3: skipped."""
    if judgement.verdict in (Verdict.INAPPLICABLE, Verdict.IGNORED):
        reason = report.reason(judgement)
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
    found = [f for f in report.diagnosis.findings if f.code == judgement.code]
    roots = list(dict.fromkeys(f"{f.root.code} {f.root.name}" for f in found if f.root))
    if found and all(finding.root for finding in found):
        skipped = ElementTree.SubElement(case, "skipped", message=_legal(f"explained by {', '.join(roots)}"))
        skipped.text = _legal("\n\n".join(report.words(finding).message for finding in found))
        return 3
    failed = 0
    for finding in found:
        words = report.words(finding)
        root = f"\n(root: {finding.root.code} {finding.root.name})" if finding.root else ""
        told = (words.message, words.fix, corrected(finding, report.language), *words.commands, words.aside)
        text = _legal("\n".join(filter(None, told)) + root)
        if report.fails(finding):
            failure = ElementTree.SubElement(case, "failure", message=_legal(words.title), type=finding.name)
            failure.text = text
            failed = 1
        else:  # JUnit knows no warning: what the gate lets pass passes, and says it
            ElementTree.SubElement(case, "system-out").text = f"{finding.severity}: {_legal(words.title)}\n{text}"
    return failed


def _hostname(report: Report) -> str:
    interpreter = interpreter_of(report.diagnosis.snapshot)
    return interpreter.hostname if interpreter else ""


def _count(element: ElementTree.Element, counts: list[int]) -> None:
    for name, count in zip(("tests", "failures", "errors", "skipped"), counts, strict=True):
        element.set(name, str(count))


def _legal(text: str) -> str:
    """XML 1.0 has no place for most control characters, and logs of onnxruntime are full of them; others a terminal obeys."""
    return ILLEGAL.sub("\N{REPLACEMENT CHARACTER}", text)
