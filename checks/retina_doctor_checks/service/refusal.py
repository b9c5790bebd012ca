"""What a service means that refuses a posted picture before it looks at it."""

from __future__ import annotations

import json
from typing import Literal

from retina_doctor.patterns import pattern

from ..facts.service import Detection

WITH_A_GATE = (401, 403)
REDIRECTS = (301, 302, 303, 307, 308)
CSRF = pattern(r"(?i)\bcsrf\b|cross-site request forgery")
OTHER_HOST = pattern(
    r"(?i)invalid host header|invalid http_host|disallowedhost|allowed_hosts|misdirected request|blocked host"
)
"""As Starlette, Django, Apache and Rails word it."""


def words_of(detection: Detection) -> str:
    """All that the answer says, as one text."""
    return json.dumps(detection.body, ensure_ascii=False) if detection.json else detection.text or detection.words or ""


def is_csrf(detection: Detection) -> bool:
    """A form's protection is on for a route of programs: no client that is no browser ever has that token."""
    return detection.status in (400, 403) and CSRF.search(words_of(detection)) is not None


def is_for_another_host(detection: Detection) -> bool:
    return detection.status in (400, 403, 421) and OTHER_HOST.search(words_of(detection)) is not None


def login_of(detection: Detection) -> Literal["status", "page"] | None:
    """How it asks who we are: by its status, or by a redirect to a page where people say so; None: it does not."""
    if detection.status in REDIRECTS and detection.login_page:
        return "page"
    gate = detection.status in WITH_A_GATE and not is_csrf(detection) and not is_for_another_host(detection)
    return "status" if gate else None
