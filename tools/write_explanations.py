"""Writes what explains the checks: the findings that `explain` shows where nothing was found, one for each code and variant,
from fixtures/machines; and docs/checks, in both languages, from those and the pages.

Run it after a change of machines, pages or of what checks find: python -m tools.write_explanations
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from retina_doctor import own_checks
from retina_doctor.catalogue.registry import Catalogue, PackFailure, installed
from retina_doctor.codec import encode, replace, to_json
from retina_doctor.explaining.examples import Example, _read
from retina_doctor.explaining.explain import explanations, markdown
from retina_doctor.judging.diagnose import diagnose
from retina_doctor.language import LANGUAGES
from retina_doctor.model import Diagnosis, Finding, Outcome
from retina_doctor.redaction import without_secrets
from retina_doctor.reports.labels import label
from retina_doctor.words.reasons import domain_name
from tests.machines import machine, names
from tests.variants import scenes, section

DOCS = Path(__file__).parents[1] / "docs" / "checks"
TABLE = {
    "en": (
        "Checks",
        "Codes follow five pitfalls: RD1xx the model does not load, RD2xx the GPU is not used, RD3xx GPU memory, RD4xx faces "
        "are missed or invented, RD5xx nobody can reach the service. RD6xx is a real detection, RD7xx what your settings "
        "expect, RD0xx the doctor itself. `retina-doctor explain CODE` prints the same. [中文](README.zh.md)",
        ("code", "name", "severity", "title"),
    ),
    "zh": (
        "检查项",
        "编号对应五类常见问题：RD1xx 模型无法加载，RD2xx 没有用上 GPU，RD3xx 显存，RD4xx 漏检或误检人脸，RD5xx 服务无法访问。"
        "RD6xx 是真实检测，RD7xx 是设置中的预期，RD0xx 是本工具自身。`retina-doctor explain 编号` 会显示同样的内容。"
        "[English](README.md)",
        ("编号", "名称", "级别", "标题"),
    ),
}
WITHOUT_A_MACHINE = {
    "RD001": (
        PackFailure("acme", "ImportError: No module named 'acme_probes'"),
        PackFailure("acme-cameras", "ACME7: pages/camera-missing.zh.md: No such file or directory", whole=False),
    )
}
"""What is found of this installation, not of a machine."""


def files() -> Mapping[Path, str]:
    """What each pack's file of examples is to hold."""
    catalogue = installed()
    found: dict[tuple[str, str], tuple[tuple[object, ...], Example]] = {}
    for name, diagnosis in _diagnoses(catalogue):
        for finding in diagnosis.findings:
            key, rank = (finding.code, section(finding.code, finding.variant)), _rank(name, finding, diagnosis)
            if key not in found or rank < found[key][0]:
                found[key] = rank, _example(name, finding, diagnosis)
    own = {check.code for domain in own_checks.pack.domains for check in domain.checks}
    texts = {}
    for file in catalogue.examples:
        mine = [
            entry.check.code for entry in catalogue.entries if (entry.check.code in own) == ("own_checks" in file.parts)
        ]
        told = {code: [one for (of, _), (_, one) in sorted(found.items()) if of == code] for code in mine}
        texts[file] = to_json(
            {code: encode(sorted(some, key=lambda one: one.machine)) for code, some in told.items()}, indent=1
        )
    return texts


def _diagnoses(catalogue: Catalogue) -> Iterable[tuple[str, Diagnosis]]:
    for name in names():
        yield name, diagnose(without_secrets(machine(name).snapshot, catalogue), catalogue)
    for scene in scenes().values():
        code = scene.shows.partition("/")[0]
        diagnosis = diagnose(without_secrets(scene.diagnosis.snapshot, catalogue), catalogue)
        yield scene.base, replace(diagnosis, findings=tuple(one for one in diagnosis.findings if one.code == code))
    for code, failures in WITHOUT_A_MACHINE.items():
        whole = diagnose(machine("t4-healthy").snapshot, replace(catalogue, failures=failures))
        yield "t4-healthy", replace(whole, findings=tuple(one for one in whole.findings if one.code == code))


def _rank(name: str, finding: Finding, diagnosis: Diagnosis) -> tuple[object, ...]:
    """The machine that is recorded for it first, then where it is a root and alone."""
    return name != finding.name, finding.root is not None, len(diagnosis.findings), name


def _example(name: str, finding: Finding, diagnosis: Diagnosis) -> Example:
    snapshot = diagnosis.snapshot
    reading = snapshot.readings.get("interpreter")
    facts = reading.facts if reading is not None and reading.outcome is Outcome.OK else None
    return Example(machine=name, finding=finding, target=snapshot.target, interpreter=facts)


def docs() -> Mapping[Path, str]:
    """The files of docs/checks: a table of all, and a file for each domain."""
    catalogue = installed()
    texts = {}
    for language in LANGUAGES:
        ending = ".zh.md" if language == "zh" else ".md"
        title, intro, heads = TABLE[language]
        rows = [f"# {title}", intro, f"| {' | '.join(heads)} |\n|{' --- |' * len(heads)}"]
        domains = dict.fromkeys(entry.domain for entry in catalogue.entries)
        for domain in domains:
            entries = [entry for entry in catalogue.entries if entry.domain == domain]
            told = explanations(entries, catalogue, language)
            name = domain_name(domain, catalogue, language)
            texts[DOCS / f"{domain}{ending}"] = "\n".join(
                [f"# {name[0].upper()}{name[1:]}\n", *(markdown(one, language) for one in told)]
            )
            rows[-1] += "".join(
                f"\n| [{e.check.code}]({domain}{ending}#{e.check.code.lower()}-{e.check.name}) | {e.check.name} |"
                f" {label(e.check.severity, language)} | {one.title} |"
                for e, one in zip(entries, told, strict=True)
            )
        texts[DOCS / f"README{ending}"] = "\n\n".join(rows) + "\n"
    return texts


def main() -> None:
    for path, text in files().items():
        path.write_text(text, encoding="utf-8")
    _read.cache_clear()
    DOCS.mkdir(exist_ok=True)
    told = docs()
    for old in set(DOCS.glob("*.md")) - set(told):
        old.unlink()
    for path, text in told.items():
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
