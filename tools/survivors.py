"""Replaces each check by one that always passes, and prints those whose absence no machine of fixtures/machines notices.

    uv run python -m tools.survivors

Exit status 1 where a check survives. A machine notices when it is judged otherwise than its machine.toml expects.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence

from retina_doctor.catalogue.registry import Catalogue, Entry, installed
from retina_doctor.codec import replace
from retina_doctor.judging.diagnose import diagnose
from retina_doctor.model import Diagnosis, Severity
from retina_doctor.own_checks import Unloaded
from tests.machines import Machine, machine, names


def passes(**_facts: object) -> None:
    """A check that finds nothing wrong."""


def as_expected(one: Machine, diagnosis: Diagnosis) -> bool:
    return (
        {finding.name for finding in diagnosis.roots} == set(one.roots)
        and {finding.name for finding in diagnosis.findings} == set(one.findings)
        and diagnosis.exit_code(Severity.ERROR) == one.exit_code
    )


def without(catalogue: Catalogue, entry: Entry) -> Catalogue:
    blind = replace(entry, check=replace(entry.check, judge=passes))
    return replace(catalogue, entries=tuple(blind if one is entry else one for one in catalogue.entries))


def survivors(catalogue: Catalogue, machines: Sequence[Machine]) -> Iterator[str]:
    """Codes and names. What is judged of the installation, not of a machine, no machine can notice."""
    for entry in catalogue.entries:
        if any(need.facts is Unloaded for need in entry.needs):
            continue
        told = [one for one in machines if entry.check.name in one.findings]
        changed = without(catalogue, entry)
        if all(as_expected(one, diagnose(one.snapshot, changed)) for one in told):
            yield f"{entry.check.code} {entry.check.name}"


def main() -> None:
    found = list(survivors(installed(), [machine(name) for name in names()]))
    print("\n".join(found) or "none survives")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
