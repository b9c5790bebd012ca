"""What the page shows, in both languages: all sentences are made here, the template lays them out."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

from retina_doctor import __version__
from retina_doctor.codec import replace, to_json
from retina_doctor.figures import quantity
from retina_doctor.judging.diagnose import figures_of, head_of, restarted_of
from retina_doctor.judging.measured import value_at
from retina_doctor.language import LANGUAGES, Language
from retina_doctor.model import Finding, Judgement, Reason, Recorded, Verdict
from retina_doctor.quoting import visible
from retina_doctor.reports.first_lines import judged_line, passed_over_lines, standpoint_lines, target_line
from retina_doctor.reports.glance import Glance, glances
from retina_doctor.reports.html.drawing import Drawing, drawn
from retina_doctor.reports.html.shown import Checked, Probed, Shown, ShownGlance, Todo, View
from retina_doctor.reports.html.words import Text, both, word
from retina_doctor.reports.labels import label, step_head, where_of
from retina_doctor.reports.report import Report
from retina_doctor.reports.summary import summary
from retina_doctor.settings.declared import declarations
from retina_doctor.words.plan import Asked, Step, plan_of
from retina_doctor.words.reasons import reason_text


def view_of(report: Report) -> View:
    diagnosis = report.diagnosis
    inside = Inside(report)
    roots = tuple(inside.shown(finding) for finding in diagnosis.roots)
    checks = tuple(map(inside.checked, diagnosis.judgements))
    verdicts = [one.verdict for one in checks]
    return View(
        language=report.language,
        verdict=diagnosis.verdict,
        summary=both(lambda language: summary(inside.reports[language])),
        head=tuple(inside.head()),
        lines=tuple(inside.lines()),
        glances=tuple(inside.glances()),
        roots=roots,
        steps=tuple(inside.steps()),
        drawings=tuple(inside.drawings()),
        probes=tuple(probes_of(diagnosis.snapshot.readings)),
        checks=checks,
        counts=tuple((v.value, word(f"verdict-{v}"), verdicts.count(v)) for v in Verdict if v in verdicts),
        machine=tuple(inside.machine()),
        data=inside.data(),
    )


class Inside:
    """A report, told in both languages; the words of each finding are made once."""

    def __init__(self, report: Report) -> None:
        self.report = report
        self.reports = {language: replace(report, language=language) for language in LANGUAGES}
        findings = report.diagnosis.findings
        self.words = {lang: {f.key: one.words(f) for f in findings} for lang, one in self.reports.items()}
        self.anchors = {finding.key: f"finding-{number}" for number, finding in enumerate(findings, 1)}

    def reason(self, reason: Any) -> Text:
        return both(lambda language: visible(reason_text(reason, self.report.catalogue, language)))

    def say(self, finding: Finding, part: Any) -> Text:
        return both(lambda language: part(self.words[language][finding.key]))

    def shown(self, finding: Finding) -> Shown:
        echoes = tuple(self.shown(echo) for echo in self.report.diagnosis.echoes(finding))
        words = self.words[self.report.language][finding.key]
        place = finding.location
        return Shown(
            anchor=self.anchors[finding.key],
            code=finding.code,
            name=finding.name,
            severity=finding.severity.value,
            severity_word=both(lambda language: label(finding.severity, language)),
            title=self.say(finding, lambda one: one.title),
            message=self.say(finding, lambda one: one.message),
            fix=self.paragraphs(finding, lambda one: "\n\n".join(filter(None, (one.fix, one.aside)))),
            commands=words.commands,
            why=self.paragraphs(finding, lambda one: one.why),
            place=f"{place.file}:{place.line}" if place else "",
            subject=finding.subject,
            evidence=to_json(finding.evidence).strip(),
            echoes=echoes,
            gravest=self.report.diagnosis.gravest(finding).value,
        )

    def paragraphs(self, finding: Finding, part: Any) -> tuple[Text, ...]:
        """Those of both languages beside each other, where they are as many."""
        texts = self.say(finding, part)
        parts = [[one.strip() for one in text.split("\n\n") if one.strip()] for text in texts]
        if len(parts[0]) != len(parts[1]):
            return (texts,)
        return tuple(Text(*pair) for pair in zip(*parts, strict=True))

    def head(self) -> Iterator[Text]:
        snapshot = self.report.diagnosis.snapshot
        if declarations().looked_at(snapshot.settings):
            return
        for parts in head_of(snapshot, self.report.catalogue):
            told = [self.reason(part) for part in parts]
            yield Text(*(" · ".join(one) for one in zip(*told, strict=True)))

    def lines(self) -> Iterator[Text]:
        if self.report.judged is not None:
            yield both(lambda language: judged_line(self.reports[language]))
        yield both(lambda language: target_line(self.reports[language]))
        for say in (standpoint_lines, passed_over_lines):
            yield from map(Text, *(say(self.reports[language]) for language in LANGUAGES))

    def glances(self) -> Iterator[ShownGlance]:
        findings = {}
        for finding in reversed(self.report.diagnosis.findings):
            findings[finding.code] = self.anchors[finding.key]
        pair: tuple[Glance, ...]
        for pair in zip(*(glances(self.reports[language]) for language in LANGUAGES), strict=True):
            one = pair[0]
            state = one.severity.value if one.severity else "passed" if one.passed else "open"
            name, told = (Text(*(getattr(each, key) for each in pair)) for key in ("name", "told"))
            yield ShownGlance(name, state, told, one.code, findings.get(one.code, ""))

    def steps(self) -> Iterator[Todo]:
        diagnosis = self.report.diagnosis
        plans: dict[Language, tuple[Step, ...]] = {}
        for language in LANGUAGES:
            asked = [Asked(finding=root, words=self.words[language][root.key]) for root in diagnosis.roots]
            restarted = restarted_of(diagnosis.snapshot, self.report.catalogue)
            plans[language] = plan_of(diagnosis, asked, self.report.again, restarted)
        if len({tuple((step.kind, step.fixes, len(step.by_hand)) for step in plan) for plan in plans.values()}) > 1:
            plans = dict.fromkeys(LANGUAGES, plans[self.report.language])  # a page of one language is broken
        for pair in zip(*plans.values(), strict=True):
            step = pair[0]
            texts = (step_head(one, lang) for lang, one in zip(LANGUAGES, pair, strict=True))
            edits = [
                (where_of(place), Text(*(one.todo for one in causes)), instead)
                for causes in zip(*(one.causes for one in pair), strict=True)
                for place, instead in causes[0].lines
            ]
            by_hand = tuple(Text(*told) for told in zip(*(one.by_hand for one in pair), strict=True))
            shown = tuple(edits) if step.listed else ()
            yield Todo(Text(*texts), step.commands, step.image, step.fixes, shown, by_hand)

    def drawings(self) -> Iterator[Drawing]:
        """A figure of a pack that cannot be drawn costs no other. Where files were read, the machine is not what was judged."""
        if declarations().looked_at(self.report.diagnosis.snapshot.settings):
            return
        for figure in figures_of(self.report.diagnosis.snapshot, self.report.catalogue):
            with contextlib.suppress(Exception):
                yield drawn(figure, self.reason)

    def checked(self, judgement: Judgement) -> Checked:
        reason = self.reason(judgement.reason)
        if judgement.missing:
            lacking = word("lacks", probes=", ".join(judgement.missing))
            reason = Text(*(" · ".join(filter(None, pair)) for pair in zip(lacking, reason, strict=True)))
        return Checked(judgement.code, judgement.name, judgement.verdict.value, reason)

    def machine(self) -> Iterator[tuple[Text, Text]]:
        snapshot = self.report.diagnosis.snapshot
        yield word("recorded"), Text(snapshot.created, snapshot.created)
        yield word("version"), Text(f"retina-doctor {snapshot.doctor}", f"retina-doctor {snapshot.doctor}")
        for month in dict.fromkeys(self.report.catalogue.knowledge.values()):
            yield Text("", ""), both(lambda language, month=month: label("knowledge", language, month=month))  # type: ignore[misc]

    def data(self) -> dict[str, Any]:
        """For the script: what it compares with another report, and the words that it says."""
        snapshot = self.report.diagnosis.snapshot
        keys = ("copied", "not-copied", "compare-wrong", "compare-new", "compare-gone", "compare-same", "compare-nothing",
                "compare-figure", "compare-before", "compare-now", "compare-change")  # fmt: skip
        return {
            "format": 1,
            "doctor": __version__,
            "titles": both(lambda language: f"retina-doctor · {summary(self.reports[language])}")._asdict(),
            "words": {key: word(key)._asdict() for key in keys},
            "findings": [
                {
                    "code": finding.code,
                    "name": finding.name,
                    "severity": finding.severity,
                    "subject": finding.subject,
                    "location": {"file": finding.location.file} if finding.location else None,
                    "evidence": {"text": finding.evidence.get("text")},
                    "title": self.say(finding, lambda one: one.title.replace("`", ""))._asdict(),
                    "anchor": self.anchors[finding.key],
                }
                for finding in self.report.diagnosis.findings
            ],
            "regress": snapshot.settings.gate.regress or 0,
            "measures": [
                {
                    "label": self.reason(Reason(one.label))._asdict(),
                    "of": one.of,
                    "unit": one.unit,
                    "better": one.better,
                    "least": one.least,
                    "value": value_at(snapshot.readings, one.of),
                }
                for one in self.report.catalogue.measures
            ],
        }


def probes_of(readings: Mapping[str, Recorded]) -> Iterator[Probed]:
    """On one line of time, in the order in which they began; where that is not known, the longest first."""
    end = max(((one.began or 0.0) + one.seconds for one in readings.values()), default=0.0) or 1.0
    for name, one in sorted(readings.items(), key=lambda pair: (pair[1].began or 0.0, -pair[1].seconds)):
        width = 100 * one.seconds / end
        busy = min(1.0, one.cpu_seconds / one.seconds) if one.cpu_seconds and one.seconds else 0.0
        yield Probed(
            name=name,
            outcome=one.outcome.value,
            outcome_word=word(f"outcome-{one.outcome}"),
            detail=one.detail or "",
            seconds=quantity(one.seconds, "s"),
            cpu="" if one.cpu_seconds is None else quantity(one.cpu_seconds, "s"),
            memory="" if one.peak_memory is None else quantity(one.peak_memory, "B"),
            x=round(100 * (one.began or 0.0) / end, 2),
            width=round(width, 2),
            cpu_width=round(width * busy, 2),
            facts=to_json(one.facts).strip() if one.facts else "",
            stderr="\n".join(one.stderr_tail),
        )
