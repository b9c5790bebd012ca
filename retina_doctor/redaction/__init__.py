"""What may leave the machine (`redact`), and what a report on the machine itself may show (`without_secrets`)."""

from retina_doctor.kinds import Kind
from retina_doctor.redaction.marks import Marks
from retina_doctor.redaction.secrets_only import SecretsOnly
from retina_doctor.redaction.snapshot import redact as redact
from retina_doctor.redaction.snapshot import without_secrets as without_secrets


def shown(text: str, kind: Kind = Kind.TEXT) -> str:
    """One text of others without its secrets, for a report that is made of no snapshot."""
    return SecretsOnly(Marks()).of[kind](text)


def lines_shown(text: str, *, cut: bool = False) -> list[str]:
    """The lines of what a program said, without secrets: one may be announced in the line before. *cut*: the first has lost its
    beginning, by which a secret would be known, and is not told."""
    whole = "...\n" + text.partition("\n")[2] if cut else text
    return [line.strip() for line in shown(whole).splitlines() if line.strip()]


def words_shown(words: list[str]) -> list[str]:
    """The words of a command without its secrets, likewise."""
    return SecretsOnly(Marks()).words(words)
