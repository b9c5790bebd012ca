"""Everything that was seen, in one."""

from collections.abc import Mapping

from retina_doctor.codec import Data, DoesNotFit, decode, field
from retina_doctor.kinds import Version
from retina_doctor.model.recorded import Interpreter, Json, Outcome, Recorded
from retina_doctor.model.target import PassedOver, SeenFrom, Target
from retina_doctor.settings import Settings


class Snapshot(Data, frozen=True, kw_only=True):
    """Everything that was seen: the support file, the test fixture and the only input of a judgement."""

    created: Version
    doctor: Version
    settings: Settings
    target: Target
    readings: Mapping[str, Recorded]
    redacted: bool = False
    label: str = ""
    """What the operator calls this machine."""
    seen_from: SeenFrom | None = None
    passed_over: tuple[PassedOver, ...] = ()
    masked: Mapping[str, int] = field(default_factory=dict)
    """What was taken out: kind of mark -> how often it stands here. Empty: nothing, or not redacted."""
    origin: Mapping[str, Json] = field(default_factory=dict)


def interpreter_of(snapshot: Snapshot) -> Interpreter | None:
    """What the target's Python says of itself; None where it was not asked or did not answer rightly."""
    recorded = snapshot.readings.get("interpreter")
    if recorded is None or recorded.outcome is not Outcome.OK:
        return None
    try:
        return decode(recorded.facts, Interpreter)
    except DoesNotFit:  # its check says so
        return None
