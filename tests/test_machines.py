"""Each machine of fixtures/machines is judged as its machine.toml says."""

import pytest

from retina_doctor.judging.diagnose import diagnose
from retina_doctor.model import Severity
from tests.machines import machine, names
from tests.rejudging import CATALOGUE


@pytest.mark.parametrize("name", names())
def test_machine_is_judged_as_expected(name: str) -> None:
    expected = machine(name)
    diagnosis = diagnose(expected.snapshot, CATALOGUE)
    shown = {f"{f.code} {f.name} {f.subject}" + (f" <- {f.root.name}" if f.root else "") for f in diagnosis.findings}
    assert sorted({f.name for f in diagnosis.roots}) == sorted(expected.roots), shown
    assert sorted({f.name for f in diagnosis.findings}) == sorted(expected.findings), shown
    assert diagnosis.exit_code(Severity.ERROR) == expected.exit_code, [j for j in diagnosis.judgements if j.missing]
