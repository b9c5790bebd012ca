"""The laws that any pack can be held to hold for the engine's own and the house's; each of them can be broken."""

from __future__ import annotations

import importlib
import itertools
from pathlib import Path

import pytest
from retina_doctor_checks.pack import pack as house

from retina_doctor import own_checks
from retina_doctor.testing import Law, pack_laws
from tests.packs import Edit, write

LAWS = [(pack.name, law) for pack in (own_checks.pack, house) for law in pack_laws(pack)]


@pytest.mark.parametrize("law", [law for _, law in LAWS], ids=[f"{name}: {law}" for name, law in LAWS])
def test_the_laws_of_a_pack(law: Law) -> None:
    law()


CODE = "open-files-limit-low"
BREACHES: dict[str, tuple[list[Edit], str, str]] = {
    "two of one code": (
        [("pack.py", "(open_files_limit_low,)", "(open_files_limit_low, open_files_limit_low)")],
        "it contradicts neither itself nor others",
        "checks.py:10: named twice: code ACME1",
    ),
    "a page missing": (
        [(f"pages/{CODE}.zh.md", "", None)],
        "pages of both languages have one form",
        f"{CODE}.zh.md: [Errno 2]",
    ),
    "a page of another form": (
        [(f"pages/{CODE}.en.md", "## Fix", "## Mend")],
        "pages of both languages have one form",
        "must be: # title, what it means, ## Found with title and message, ## Fix, ## Why",
    ),
    "a template that is none": (
        [(f"pages/{CODE}.en.md", "{{ least }}", "{{ least + }}")],
        "pages of both languages have one form",
        f"{CODE}.en.md:9: ",
    ),
    "a filter that is none": (
        [(f"pages/{CODE}.en.md", "{{ least }}", "{{ least | no_such_filter }}")],
        "pages of both languages have one form",
        f"{CODE}.zh.md: other variants, placeholders or commands",
    ),
    "a statement": (
        [(f"pages/{CODE}.en.md", "{{ least }}", "{% if least %}{{ least }}{% endif %}")],
        "pages of both languages have one form",
        f"{CODE}.en.md:9: {{%: a page has places alone",
    ),
    "another placeholder": (
        [(f"pages/{CODE}.en.md", "{{ least }}", "{{ most }}")],
        "pages of both languages have one form",
        f"{CODE}.zh.md: other variants, placeholders or commands",
    ),
    "another command": (
        [(f"pages/{CODE}.en.md", "ulimit -n 65536", "ulimit -n 4096")],
        "pages of both languages have one form",
        f"{CODE}.zh.md: other variants, placeholders or commands",
    ),
    "a page of nothing": (
        [("pages/other.en.md", "", "# Other")],
        "every page belongs to a check",
        "other.en.md: no check is called so",
    ),
    "a check that is not listed": (
        [
            ("more.py", "", "from retina_doctor.authoring import Answer, Severity, check\n\n\n"),
            ("more.py", "", '@check("ACME2", "more", Severity.NOTE)\ndef more() -> Answer:\n    return None\n'),
        ],
        "every check is listed in a domain",
        "more.py:4: ACME2 more",
    ),
    "a reason that nobody told": (
        [("checks.py", '"acme-no-limit"', '"acme-no-limits"')],
        "every reason has its words",
        "checks.py:13: no reason is called acme-no-limits",
    ),
    "a reason nobody told, in a package without __init__.py": (
        [("__init__.py", "", None), ("checks.py", '"acme-no-limit"', '"acme-no-limits"')],
        "every reason has its words",
        "checks.py:13: no reason is called acme-no-limits",
    ),
    "a reason without its value": (
        [("checks.py", ', {"limit": limits.open_files}', "")],
        "every reason has its words",
        "checks.py:15: acme-open-files is not told limit",
    ),
    "a reason of one language": (
        [("reasons.toml", "zh =", "zn =")],
        "every reason has its words",
        "acme-open-files needs one text for each of en, zh",
    ),
    "a reason of another pack": (
        [("reasons.toml", "", '[quick]\nen = "x"\nzh = "x"\n')],
        "every reason has its words",
        "quick is another pack's",
    ),
    "a table that is none": (
        [("reasons.toml", "[acme-open-files]", "[acme-open-files")],
        "every reason has its words",
        "(at line 1, column",
    ),
    "a module that is nowhere": (
        [("pack.py", ".look_limits", ".nowhere")],
        "probes can be sent to python 3 8",
        "there is no module",
    ),
    "a module that is too new": (
        [("look_limits.py", "    soft =", "    match arguments:\n        case _:\n            pass\n    soft =")],
        "probes can be sent to python 3 8",
        "look_limits:16: ",
    ),
    "a module that does not look": (
        [("look_limits.py", "def look", "def see")],
        "probes can be sent to python 3 8",
        "has no function look",
    ),
    "facts that nobody reads": (
        [
            ("checks.py", "(limits: Limits)", "()"),
            ("checks.py", "    if limits", "    limits = Limits(pid=None, open_files=1)\n    if limits"),
        ],
        "facts are frozen and read by a check",
        "no check needs Limits",
    ),
    "a check that breaks without facts": (
        [("checks.py", "(limits: Limits)", "(limits: Limits | None)")],
        "lost facts break no check",
        "ACME1 open-files-limit-low: AttributeError",
    ),
}
COUNT = itertools.count()


@pytest.mark.parametrize("fault", BREACHES)
def test_a_breach_is_told_with_its_place(fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    edits, name, words = BREACHES[fault]
    package = f"acme_breach_{next(COUNT)}"  # a module is imported once
    monkeypatch.syspath_prepend(write(tmp_path, edits, package=package))
    [law] = [law for law in pack_laws(importlib.import_module(f"{package}.pack").pack) if str(law) == name]
    with pytest.raises(AssertionError) as told:
        law()
    assert words in str(told.value)
