"""The engine's own probe: what the target's Python is, and where it runs. Each run asks it first."""

from __future__ import annotations

from retina_doctor.authoring import Probe, Side
from retina_doctor.model import Interpreter

interpreter_probe = Probe(
    name="interpreter",
    facts=Interpreter,
    module="retina_doctor.probing.look_interpreter",
    side=Side.TARGET,
    share=True,
)
