"""The nouns: what was read, what was found, what was concluded. Plain data, no behaviour that touches the world."""

from retina_doctor.model.diagnosis import Diagnosis, Judgement, Verdict
from retina_doctor.model.findings import (
    Action,
    Finding,
    FindingKey,
    Inapplicable,
    Location,
    Passed,
    Problem,
    Reason,
    Severity,
    Unknown,
)
from retina_doctor.model.recorded import STARVED, Effort, Interpreter, Json, Outcome, Place, Reading, Recorded
from retina_doctor.model.snapshot import Snapshot, interpreter_of
from retina_doctor.model.target import Against, Chosen, GroupLimits, NoPython, PassedOver, SeenFrom, Target, Untaken

__all__ = [
    "STARVED", "Action", "Against", "Chosen", "Diagnosis", "Effort", "Finding", "FindingKey", "GroupLimits",
    "Inapplicable", "Interpreter", "Json", "Judgement", "Location", "NoPython", "Outcome", "Passed", "PassedOver",
    "Place", "Problem", "Reading", "Reason", "Recorded", "SeenFrom", "Severity", "Snapshot", "Target", "Unknown",
    "Untaken", "Verdict", "interpreter_of",
]  # fmt: skip
