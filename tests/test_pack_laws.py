"""The laws that any pack can be held to hold for the engine's own and the house's; each of them can be broken."""

from __future__ import annotations

import pytest
from retina_doctor_checks.pack import pack as house

from retina_doctor import own_checks
from retina_doctor.testing import Law, pack_laws

LAWS = [(pack.name, law) for pack in (own_checks.pack, house) for law in pack_laws(pack)]


@pytest.mark.parametrize("law", [law for _, law in LAWS], ids=[f"{name}: {law}" for name, law in LAWS])
def test_the_laws_of_a_pack(law: Law) -> None:
    law()
