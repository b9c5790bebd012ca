"""RD511 and RD512: does the service detect the faces of a picture that is posted to it, and how fast?"""

from __future__ import annotations

from collections.abc import Mapping

from retina_doctor.authoring import Action, Answer, check
from retina_doctor.codec import encode, replace
from retina_doctor.model import Inapplicable, Json, Passed, Problem, Reason, Severity, Target, Unknown
from retina_doctor.patterns import pattern
from retina_doctor.settings import Settings

from ..combined.asides import asides
from ..combined.passed_on import ACCEPTED, at_url, no_post
from ..facts.service import Detection, Ports, Url
from ..inference.known import BROAD, POSTED, WIDE
from ..settings import ResponseSettings, ServiceSettings
from . import response, response_found
from .checks import NOT_TOLD, service_named
from .faces_seen import is_of_own_form
from .misplaced import misplaced
from .own_error import reports_error
from .posting_command import posting_command, unverified
from .refusal import REDIRECTS, is_csrf, is_for_another_host, login_of

SLOW = 3.0
"""Seconds for one picture of 640x640 when the service is warm. RetinaFace R50 takes 1.8 s on a CPU for 1920x1080, by the
deployment guide's figures."""
TIMES = "connected %{time_connect} s, done %{time_total} s\\n"
"""What curl tells with -w. Not time_starttransfer: of an upload some versions say when its first byte went (curl 7.88)."""
BUSY = 2.0
"""Threads that want a processor, for each there is: a service has no more than half of one then, whatever it is."""
OF_THE_URL = (404, 405, *REDIRECTS)
"""What says that the picture was posted to the wrong place: another check's finding."""
OF_THE_PROXY = (502, 503, 504)


def posted(ports: Ports, settings: Settings) -> Detection | Inapplicable | Unknown:
    """What a posted picture gave, or why none was."""
    if ports.url is None:
        return Inapplicable(Reason("no-url-named"))
    if ports.url.problem is None and not ports.url.local:
        return NOT_TOLD
    if ports.detection is None:
        silent = ports.url.answer is not None and ports.url.answer.kind == "timed-out"
        why = "url-unusable" if ports.url.problem else "endpoint-silent" if silent else "nothing-listens"
        return Inapplicable(Reason("quick" if settings.gate.quick else why))
    return ports.detection


def asked(ports: Ports, settings: Settings, target: Target) -> Detection | Inapplicable | Unknown:
    """The answer to a picture, or why there is none to judge."""
    detection = posted(ports, settings)
    if not isinstance(detection, Detection):
        return detection
    if login_of(detection):
        return Inapplicable(Reason("endpoint-wants-login", {"status": detection.status}))
    elsewhere = is_for_another_host(detection) or at_url(ports, target) == "another" or no_post(ports)
    if elsewhere or detection.status in OF_THE_URL or detection.kind in ("other", "certificate"):
        return Inapplicable(Reason("not-the-endpoint", {"path": detection.path}))
    if detection.status is None or detection.status in OF_THE_PROXY:
        return Inapplicable(Reason("endpoint-silent"))
    return detection


def _difference(one: response.Wrong) -> tuple[Reason | None, ...]:
    """What stands in a field in place of what should, and the usual slip that it looks like."""
    values = {"where": one.where, "wanted": one.wanted, "got": one.got}
    usual = Reason(f"looks-like-{one.hint}", {"by": one.by} if one.by else {}) if one.hint else None
    return Reason("answer-differs", values), usual


def answered(one: Detection) -> bool:
    """With any status of success: 201 is as usual as 200 for a POST."""
    return one.status is not None and 200 <= one.status < 300


def kind_of_refusal(one: Detection, wanted: ResponseSettings) -> str:
    """What an answer without success is called."""
    if one.works_with:
        return "field" if one.works_form in (None, wanted.form) else "form"
    if is_csrf(one):
        return "csrf"
    named = {413: "too-large", 429: "rate-limited"}.get(one.status or 0)
    return named or ("server-error" if (one.status or 0) >= 500 else "refused")


def kind_of_answer(
    one: Detection, wrong: list[response.Wrong], fits: ResponseSettings | None, wanted: ResponseSettings
) -> str | None:
    """What is wrong with an answer of success; None: nothing. *fits*: settings by which its faces are right."""
    content_type = one.content_type or ""
    if one.head_refused:
        return "head"
    if one.packed:
        return "packed"
    lines = one.shape == "lines" and "application/json" not in content_type
    if (wrong or lines) and is_of_own_form(one.body, wanted, fits):
        return "own-form"
    if one.everywhere and not fits and (wrong or not one.json):
        return "everywhere"
    if not one.json and one.text == "":
        return "empty"
    if not one.json:
        return "broken-json" if "json" in content_type else "html" if "html" in content_type else "not-json"
    if one.shape != "plain":
        return one.shape
    if wrong:
        return "schema"
    if response.faces_of(one.body, wanted) == [] and reports_error(one.body):
        return "own-error"
    return None if "json" in content_type.lower() else "content-type"


@check("RD511", "service-bad-response", Severity.ERROR, pitfall=5, scope=service_named, action=Action.EDIT)
def service_bad_response(ports: Ports, settings: Settings, target: Target) -> Answer:
    """It answers, but no client could use the answer. How many faces it found is not judged."""
    one = asked(ports, settings, target)
    if not isinstance(one, Detection):
        return one
    assert ports.url
    wanted = settings.of(ServiceSettings).response
    if answered(one) and one.cut:
        return NOT_TOLD  # it is longer than what was read
    wrong = response.wrong_in(one.body, wanted) if answered(one) and one.json and one.shape == "plain" else []
    fits = response_found.fitting(one.body, wanted) if wrong else None
    kind = kind_of_answer(one, wrong, fits, wanted) if answered(one) else kind_of_refusal(one, wanted)
    beside = _beside(one, kind, wanted, fits)
    if beside is not None:
        kind, wrong = "misplaced", [beside]
    if kind in ("schema", "not-json") and is_for_later(one):
        return Inapplicable(Reason("answer-comes-later", {"status": one.status}))
    if kind in (None, "content-type") and one.nobody_fails:
        kind = "nobody"
    if kind is None:
        faces = response.faces_of(one.body, wanted)
        shown = {"faces": len(faces) if isinstance(faces, list) else 0, "seconds": f"{one.seconds or 0:.2f}"}
        return Passed(Reason("endpoint-detects" if faces else "endpoint-finds-nobody", shown))
    return Problem(
        subject=f"port:{ports.url.port}",
        evidence={
            **_evidence(one, ports.url, kind, wanted, wrong),
            **_description(one, kind, wanted, fits),
            "look": posting_command(settings, ports.url.text, *unverified(one), "-i"),
        },
        variant=kind,
        at_most=_at_most(one, kind, wanted),
    )


def _beside(
    one: Detection, kind: str | None, wanted: ResponseSettings, fits: ResponseSettings | None
) -> response.Wrong | None:
    """What is wrong with the places of boxes that are right in form."""
    if kind not in (None, "content-type", "own-form") or (kind == "own-form" and fits is None):
        return None
    return misplaced({POSTED: one.body, WIDE: one.wide_body, BROAD: one.broad_body}, fits or wanted)


BORNE = ("content-type", "rate-limited")
"""What most clients bear, or at most times."""
WAITING = pattern(
    r"(?i)(?:in[_-]?)?queued?|pending|(?:process|start|runn|wait)ing|accepted|submitted|scheduled|created"
)
JOB = pattern(r"(?i)(?:task|job)_?id")


def _at_most(one: Detection, kind: str, wanted: ResponseSettings) -> Severity | None:
    """A note where the service detects, and nobody has set how clients ask it and what they expect."""
    picture = kind == "not-json" and (one.content_type or "").startswith("image/")
    if wanted == ResponseSettings() and (kind == "own-form" or picture or _detects_otherwise(one, kind, wanted)):
        return Severity.NOTE
    return Severity.WARNING if kind in BORNE else None


def _detects_otherwise(one: Detection, kind: str, wanted: ResponseSettings) -> bool:
    """Asked in the field or form that it takes, it answers as a detection service does."""
    if kind not in ("field", "form") or one.works_body is None:
        return False
    wrong = response.wrong_in(one.works_body, wanted)
    return not wrong or is_of_own_form(one.works_body, wanted, response_found.fitting(one.works_body, wanted))


def is_for_later(one: Detection) -> bool:
    """The picture was taken, and its faces are fetched elsewhere: a status says so, or what is told of a job and of no result."""
    body = one.body if isinstance(one.body, dict) else {}
    told = (body, *(value for value in body.values() if isinstance(value, dict)))
    return one.status == ACCEPTED or any(_is_job(part) for part in told)


def _is_job(told: Mapping[str, Json]) -> bool:
    """A number of anything with its state, or one that is called a job's and stands beside no list."""
    state = next((told[key] for key in ("status", "state") if isinstance(told.get(key), str)), "")
    if any(key.lower().endswith("id") for key in told) and WAITING.fullmatch(str(state)):
        return True
    return any(JOB.fullmatch(key) for key in told) and not any(
        isinstance(value, list | dict) for value in told.values()
    )


def _evidence(
    one: Detection, url: Url, kind: str, wanted: ResponseSettings, wrong: list[response.Wrong]
) -> dict[str, object]:
    said = response.shown(one.body) if one.json else one.text
    return {
        "kind": kind,
        "url": url.text,
        "path": one.path,
        "status": one.status,
        "content_type": one.content_type,
        "said": said,
        "field": wanted.field,
        "form": wanted.form,
        "works_with": one.works_with,
        "works_form": one.works_form,
        "packed": one.packed,
        "head_refused": one.head_refused,
        "retry_after": one.retry_after,
        "wrong": [encode(each) for each in wrong],
        "differences": asides(*(reason for each in wrong for reason in _difference(each))),
        "more": asides(
            *asked_for(one),
            routes_told(one),
            Reason("retry-after", {"when": one.retry_after}) if one.retry_after else None,
            Reason("answer-said", {"text": said}) if said else None,
        ),
    }


def _description(
    one: Detection, kind: str, wanted: ResponseSettings, fits: ResponseSettings | None
) -> dict[str, list[str]]:
    """Evidence: the words that set how the service is asked and answers, where that was found."""
    if kind in ("field", "form") and one.works_with:
        fits = replace(
            (response_found.fitting(one.works_body, wanted) if response.wrong_in(one.works_body, wanted) else None)
            or wanted,
            field=one.works_with,
            form=one.works_form or wanted.form,
        )
    elif kind not in ("schema", "own-form"):
        fits = None
    table = response_found.table(fits, wanted) if fits else None
    return {"describe": ["export", f"RETINA_DOCTOR_SERVICE_RESPONSE={table}"] if table else []}


def asked_for(one: Detection) -> list[Reason]:
    """What a refusal says is missing, a sentence for each place of a request."""
    names: dict[str, list[str]] = {}
    for each in one.asked_for:
        names.setdefault(each.place, []).append(each.name)
    known = [place for place in names if place in ("body", "query", "header", "path", "cookie")]
    return [Reason(f"asks-for-{place}", {"names": ", ".join(names[place])}) for place in known]


def routes_told(one: Detection) -> Reason | None:
    """Where the service itself says that it takes pictures."""
    routes = [route for route in one.routes if route.path != one.path]
    return Reason("routes-of-service", {"routes": ", ".join(route.path for route in routes)}) if routes else None


@check("RD512", "service-too-slow", Severity.WARNING, pitfall=2, scope=service_named, action=Action.LOOK)
def service_too_slow(ports: Ports, settings: Settings, target: Target) -> Answer:
    """One picture, when the service is warm and nobody else asks."""
    one = asked(ports, settings, target)
    if not isinstance(one, Detection):
        return one
    assert ports.url and one.seconds is not None
    if not answered(one):
        return Inapplicable(Reason("endpoint-fails"))
    if one.seconds <= SLOW:
        return None
    if one.first_seconds is None:
        return NOT_TOLD  # it may have been setting things up, and no time was left to ask again
    busy = one.load is not None and one.processors is not None and one.load > BUSY * one.processors
    evidence = {
        "url": ports.url.text,
        "seconds": round(one.seconds, 1),
        "first": one.first_seconds,
        "most": SLOW,
        "more": asides(
            Reason("machine-is-busy", {"load": f"{one.load:.1f}", "processors": one.processors}) if busy else None
        ),
        "look": posting_command(settings, ports.url.text, *unverified(one), "-o", "/dev/null", "-w", TIMES),
    }
    return Problem(subject=f"port:{ports.url.port}", evidence=evidence, at_most=Severity.NOTE if busy else None)
