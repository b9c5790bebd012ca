"""A pack whose only probe misbehaves as ODD_PROBE_DOES says, for runs of the real command."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from retina_doctor.authoring import Answer, Domain, Pack, Probe, Side, check
from retina_doctor.model import Severity

MODULE, LOCAL = "tests.odd_probes.odd", "tests.odd_probes.odd_local"


@dataclass(frozen=True, kw_only=True)
class Odd:
    first: str
    last: str


@dataclass(frozen=True, kw_only=True)
class Placed:
    first: str
    last: str
    pid: int
    path: tuple[str, ...]


def odd_probe(
    does: str, *, side: Side = Side.TARGET, name: str = "odd", facts: type[Any] = Odd, share: bool = False
) -> Probe[Any]:
    return Probe(
        name=name, facts=facts, module=MODULE, side=side, share=share, arguments=lambda _settings: {"do": does}
    )


@check("XX001", "odd-fact", Severity.ERROR)
def odd_fact(odd: Odd) -> Answer:
    return None


pack = Pack(
    name="odd",
    domains=(
        Domain(
            name="odd",
            probes=(odd_probe(os.environ.get("ODD_PROBE_DOES", "behave")),),
            checks=(odd_fact,),
            pages=Path(__file__).parent,
        ),
    ),
)
