"""The tool that looks for checks whose absence nobody would notice."""

from retina_doctor.catalogue.registry import installed
from tests.machines import machine
from tools.survivors import survivors


def test_a_check_survives_where_no_machine_shows_it_and_does_not_where_one_does() -> None:
    alone = list(survivors(installed(), [machine("driver-state-lost")]))
    assert "RD202 driver-not-installed" in alone
    assert "RD211 driver-state-lost" not in alone
    assert not [line for line in alone if line.startswith("RD001 ")], "judged of the installation"
