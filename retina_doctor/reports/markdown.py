"""Markdown for a ticket, a comment or the summary of a job: each root cause with its remedy, then what was not judged.

CommonMark, as GitHub and GitLab show it. Whatever comes from the machine is escaped: it makes no heading, link, mention or HTML.
"""

from __future__ import annotations

import re

from retina_doctor.model import Finding, Severity, Verdict
from retina_doctor.quoting import visible
from retina_doctor.reports.labels import corrected
from retina_doctor.reports.report import Look, Report
from retina_doctor.reports.summary import summary

MARKS = {Severity.ERROR: "❌", Severity.WARNING: "⚠️", Severity.NOTE: "ℹ️"}
WORDS = {
    "en": {
        "fix": "Fix",
        "explains": "This also explains",
        "not-judged": "Could not be judged",
        "ignored": "Ignored",
    },
    "zh": {
        "fix": "修复",
        "explains": "由此引起的其他现象",
        "not-judged": "无法判断",
        "ignored": "已忽略",
    },
}


def write(report: Report, _look: Look) -> str:
    diagnosis, words = report.diagnosis, WORDS[report.language]
    parts = ["# retina-doctor", prose(summary(report))]
    parts += [_root(report, finding) for finding in diagnosis.roots]
    unjudged = (*diagnosis.with_verdict(Verdict.UNKNOWN), *diagnosis.with_verdict(Verdict.ERROR))
    for key, judgements in (("not-judged", unjudged), ("ignored", diagnosis.with_verdict(Verdict.IGNORED))):
        if judgements:
            told = (f"- {code(f'{j.code} {j.name}')}: {escaped(_why(j.missing, j.reason))}" for j in judgements)
            parts.append(f"## {words[key]}\n\n" + "\n".join(told))
    return "\n\n".join(parts) + "\n"


def _root(report: Report, finding: Finding) -> str:
    page, words = report.words(finding), WORDS[report.language]
    parts = [
        f"## {MARKS[report.diagnosis.gravest(finding)]} {prose(page.title)}",
        code(f"{finding.code} {finding.name}"),
    ]
    if finding.location:
        parts[-1] += " " + code(f"{finding.location.file}:{finding.location.line}")
    parts.append(prose(page.message))
    if page.fix or page.commands:
        parts.append(f"**{words['fix']}**")
    parts += [prose(paragraph) for paragraph in (*page.fix.split("\n\n"), page.aside) if paragraph]
    lines = corrected(finding, report.language)
    if lines:
        parts.append(block((lines,), ""))
    if page.commands:
        parts.append(block(page.commands))
    echoes = report.diagnosis.echoes(finding)
    if echoes:
        parts.append(f"{words['explains']}: " + ", ".join(code(f"{e.code} {e.name}") for e in echoes))
    return "\n\n".join(part for part in parts if part)


def _why(missing: tuple[str, ...], reason: object) -> str:
    return ", ".join(missing) or (reason if isinstance(reason, str) else "")


def block(commands: tuple[str, ...], kind: str = "sh") -> str:
    longest = max((len(run) for command in commands for run in re.findall("`+", command)), default=0)
    fence = "`" * max(3, longest + 1)
    return "\n".join([f"{fence}{kind}", *commands, fence])


def prose(text: str) -> str:
    """Pages set `code` apart; between two backticks nothing but the text itself is seen."""
    return "".join(code(part) if index % 2 else escaped(part) for index, part in enumerate(text.split("`")))


def code(text: str) -> str:
    text = " ".join(str(visible(text)).split())
    if "`" in text:
        return escaped(text)
    return f"`{text}`" if text else ""


def escaped(text: str) -> str:
    """Entities for what may begin HTML or a mention, backslashes for the rest of Markdown's marks."""
    text = str(visible(" ".join(text.split("\n"))))
    for character, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("@", "&#64;")):
        text = text.replace(character, entity)
    text = re.sub(r"([\\*_{}\[\]|~$]|#(?!64;))", r"\\\1", text)
    return re.sub(r"^(\s*)([-+]|\d+[.)])(?=\s)", r"\1\\\2", text).replace("://", ":&#47;/")
