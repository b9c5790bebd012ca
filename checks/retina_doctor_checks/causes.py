"""Which finding explains which others. Few edges; each is witnessed by a machine in fixtures/machines."""

from retina_doctor.authoring import Cause

causes: tuple[Cause, ...] = ()
