"""Does an answer of success say by itself that the service failed?"""

from __future__ import annotations

from collections.abc import Mapping

from retina_doctor.model import Json

SAYS = ("error", "errors", "exception", "traceback")
FAILED = frozenset({"error", "fail", "failed", "failure", "exception"})
"""As JSend and most hand-written services name it, under a key "status"."""


def reports_error(body: Json) -> bool:
    """An error with words, or a state that means one. Not ``"error": null``, as some services answer in all cases."""
    if not isinstance(body, Mapping):
        return False
    told = {key.lower(): value for key, value in body.items()}
    words = any(isinstance(told.get(key), str | Mapping | list) and bool(told[key]) for key in SAYS)
    state = told.get("status")
    return words or told.get("success") is False or (isinstance(state, str) and state.lower() in FAILED)
