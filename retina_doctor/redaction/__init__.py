"""What may leave the machine (`redact`), and what a report on the machine itself may show (`without_secrets`)."""

from retina_doctor.redaction.snapshot import redact as redact
from retina_doctor.redaction.snapshot import without_secrets as without_secrets
