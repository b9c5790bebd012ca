"""What may leave the machine (`redact`), and what a report on the machine itself may show (`without_secrets`)."""

from retina_doctor.kinds import Kind
from retina_doctor.redaction.rules import Marks, SecretsOnly
from retina_doctor.redaction.snapshot import redact as redact
from retina_doctor.redaction.snapshot import without_secrets as without_secrets


def shown(text: str, kind: Kind = Kind.TEXT) -> str:
    """One text of others without its secrets, for a report that is made of no snapshot."""
    return SecretsOnly(Marks()).of[kind](text)


def words_shown(words: list[str]) -> list[str]:
    """The words of a command without its secrets, likewise."""
    return SecretsOnly(Marks()).words(words)
