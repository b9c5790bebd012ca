"""RD519: does the service ask who posts a picture, and was that said?"""

from __future__ import annotations

from retina_doctor.authoring import Action, Answer, check
from retina_doctor.model import Problem, Reason, Severity
from retina_doctor.settings import Settings

from ..combined.asides import asides
from ..facts.service import Detection, Ports
from ..settings import ServiceSettings
from .checks import service_named
from .endpoint_checks import posted
from .refusal import login_of, words_of

MOST_SAID = 120


@check("RD519", "service-wants-login", Severity.ERROR, pitfall=5, scope=service_named, action=Action.LOOK)
def service_wants_login(ports: Ports, settings: Settings) -> Answer:
    """A token or key is needed. Where none was given that is a note, since only the doctor lacks it: what comes
    behind was not judged. One that was given and is refused is what clients have, too: an error."""
    one = posted(ports, settings)
    if not isinstance(one, Detection):
        return one
    assert ports.url
    file, login = settings.of(ServiceSettings).header_file, login_of(one)
    evidence = {
        "url": ports.url.text,
        "status": one.status,
        "location": one.location,
        "scheme": one.authenticate,
        "headers": list(one.header_names),
        "file": file,
        "problem": one.header_problem,
        "line": one.header_line,
        "why": asides(_problem_of_file(one)),
        "more": asides(
            Reason("login-scheme", {"scheme": one.authenticate}) if one.authenticate else None,
            Reason("answer-said", {"text": said}) if (said := words_of(one)[:MOST_SAID]) else None,
        ),
    }
    sent = one.refused_certificate is None  # else they were kept back
    refused = (
        "file"
        if file is not None and one.header_problem is not None
        else "refused"
        if file and login and sent
        else None
    )
    kind = refused or login
    if kind is None:
        return None
    at_most = None if refused else Severity.NOTE
    return Problem(subject=f"port:{ports.url.port}", evidence={**evidence, "kind": kind}, variant=kind, at_most=at_most)


def _problem_of_file(one: Detection) -> Reason | None:
    """What is wrong with the file of headers; of 0.3 and before only "line 3" is known."""
    if one.header_problem in ("empty", "no-colon", "bad-name", "own-header"):
        return Reason(f"header-file-{one.header_problem}", {"line": one.header_line} if one.header_line else {})
    return Reason("header-file-unusable", {"words": one.header_problem}) if one.header_problem else None
