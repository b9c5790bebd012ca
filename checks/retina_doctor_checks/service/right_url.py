"""The URL as it should be, where what was seen of the service says so."""

from __future__ import annotations

import functools
import ipaddress
import re
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import SplitResult, urljoin, urlsplit

from retina_doctor.model import Reason
from retina_doctor.patterns import pattern

from ..combined.asides import asides
from ..combined.source_files import is_test
from ..facts.service import Detection, Socket, Url
from ..facts.source import OwnSource
from .posting_command import unverified
from .refusal import REDIRECTS

MOST_ROUTES = 6
OF_ROUTES = ("path", "method")
OF_THE_SERVER = ("certificate", "redirect-loop", "host-refused")
"""No other URL helps there as long as the server is set so."""
DEFAULT_PORTS = {"http": 80, "https": 443}
HOST_NAME = pattern(r"(?=.*[^\d.])[^\W_](?:[\w.-]*\w)?\.?")
"""Not a number alone, which is a port without its host."""
OTHER_SCHEME = pattern(r"(?!https?:)[a-z][a-z0-9+.-]*:/", re.IGNORECASE)
HTTP = pattern(r"(https?):/*", re.IGNORECASE)
LOGIN = pattern(r"(?i)(?:^|[/_-])(?:log[-_]?in|sign[-_]?(?:in|up)|sso|oauth2?|auth\w*|token|register)(?:[/_-]|$)")
"""Routes of people's accounts: they take a POST as well, but no picture."""


def origin(url: Url) -> str:
    """Scheme, host and port."""
    scheme, found, rest = url.text.partition("://")
    return f"{scheme}://{rest.partition('/')[0]}" if found else f"http://{url.text.partition('/')[0]}"


def corrected(
    url: Url, kind: str, listeners: Sequence[Socket], detection: Detection | None, own: OwnSource | None
) -> dict[str, Any]:
    """Evidence: *right*, or None where it cannot be told; *again_with*: [wrong, right]; *ask_again*, *look*: words of
    commands; *right_is*, *hints*: sentences."""
    routes = posted_routes(own) if kind in OF_ROUTES else []
    meant = _meant(url, kind, listeners, detection, own)
    right = next((text for text in meant if text is not None and text != url.text and is_usable(text)), None)
    look, meaning = ([], None) if right else _look(url, kind, detection)
    several = Reason("routes-are", {"routes": routes[:MOST_ROUTES]}) if len(routes) > 1 else None
    return {
        "right": right,
        "ask_again": ["retina-doctor", "check", "--url", right] if right else [],
        "look": look,
        "again_with": [url.text, right] if right else None,
        "right_is": asides(Reason("right-url", {"url": right}) if right else None),
        "hints": asides(Reason("asks-by-right-url") if right else None, several, meaning),
    }


def _look(url: Url, kind: str, detection: Detection | None) -> tuple[list[str], Reason | None]:
    """What decides where the URL should lead, and what its answers mean."""
    if kind in OF_ROUTES:
        return ["curl", "-sS", *(unverified(detection) if detection else []), f"{origin(url)}/openapi.json"], Reason(
            "openapi-lists-routes"
        )
    if url.port is not None and kind not in OF_THE_SERVER:
        return ["ss", "-ltnp", "sport", "=", f":{url.port}"], Reason("who-listens")
    return [], None


def posted_routes(own: OwnSource | None) -> list[str]:
    """Paths that the service's own source serves to a POST, as they are written: a router may put a prefix before them."""
    shown = [one for one in _routes(own) if "*" not in one[0]]
    return sorted({path for method, path in shown if method == "POST" and _may_take_a_picture(path)})


def leads_to(detection: Detection | None) -> str | None:
    """Where the redirects of an answer lead at last: one that was not followed comes after those that were."""
    if detection is None:
        return None
    last = detection.location if detection.status in REDIRECTS else None
    return last or detection.redirected or detection.location


def _routes(own: OwnSource | None) -> list[tuple[str, str]]:
    """(method, path); "*" for both where there are more than stand in the source."""
    if own is None:
        return []
    parts = [one.what.partition(" ") for one in own.signs if one.kind == "route" and not is_test(own, one.at.file)]
    return [(method, path) for method, _, path in parts]


def _shows_all(own: OwnSource | None) -> bool:
    return own is not None and not own.cut and not own.unread and not any("*" in one for one in _routes(own))


def _may_take_a_picture(path: str) -> bool:
    return not set("<{*") & set(path) and LOGIN.search(path) is None


def _only_route(asked: str, detection: Detection | None, own: OwnSource | None) -> str | None:
    """The one path that takes a picture, by the service's own OpenAPI document, else by its source, if that shows all its routes.

    None where that is what was *asked*: it is not the path that is wrong there.
    """
    documented = [one for one in detection.routes if one.form is not None] if detection is not None else []
    if documented:
        pictures = [one for one in documented if one.field is not None or one.form == "raw"]
        told = {one.path for one in pictures if _may_take_a_picture(one.path)}
    else:
        told = set(posted_routes(own)) if _shows_all(own) else set()
    return next(iter(told)) if len(told) == 1 and asked.partition("?")[0] not in told else None


def _meant(
    url: Url, kind: str, listeners: Sequence[Socket], detection: Detection | None, own: OwnSource | None
) -> Iterator[str | None]:
    """URLs that may be meant, the likeliest first."""
    if "://" not in url.text:
        yield _with_scheme(url.text.strip())
        return
    parts = _split(url.text.strip())
    if parts is None:
        return
    if kind == "no-host":
        yield _put(parts, host="127.0.0.1") if url.port is not None and ":" in parts.netloc.rpartition("@")[2] else None
    if kind in ("scheme", "plain-http", "tls"):
        yield _put(parts, scheme="https" if kind == "tls" else "http", port=url.port) if parts.hostname else None
    asked = detection.path if detection is not None else parts.path
    route = _only_route(asked, detection, own) if kind in OF_ROUTES else None
    if route is not None:
        yield _joined(origin(url), route)
    place = leads_to(detection)
    if kind == "redirect" and detection is not None and place:
        yield _joined(origin(url), detection.path, detection.redirected or "", place)
    if kind == "listens-elsewhere":
        for host in _hosts(url, listeners):
            yield _put(parts, host=host, port=url.port)
    # Of several ports, none is known to be the one for pictures.
    if kind in ("another-program", "other-port") and len({one.port for one in listeners}) == 1:
        for one in listeners:
            [host] = _hosts(url, [one])
            yield _put(parts._replace(netloc=f"{host}:{one.port}" if ":" not in host else f"[{host}]:{one.port}"))


def _hosts(url: Url, listeners: Sequence[Socket]) -> list[str]:
    """Addresses to connect to, first those as near as the URL's. What is bound for all of them is none of them itself."""
    nearest = sorted(listeners, key=lambda one: not one.wildcard and one.loopback != url.loopback)
    own = {"ipv4": "127.0.0.1", "ipv6": "::1"}
    return [own[one.family] if one.wildcard else one.address for one in nearest]


def _with_scheme(text: str) -> str | None:
    """A text without "://", as a URL of HTTP; None where it names no host."""
    if OTHER_SCHEME.match(text) or (text.startswith("/") and not text.startswith("//")):
        return None
    named = HTTP.match(text)
    rest = text[named.end() :] if named else text.lstrip("/")
    if rest.startswith(":"):
        rest = f"127.0.0.1{rest}"
    return f"{named[1].lower() if named else 'http'}://{rest}"


def _split(text: str) -> SplitResult | None:
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        return None
    return parts


def _joined(*places: str) -> str | None:
    """Each as seen from the one before it; None where a service tells a place that is none (http://[::1:x/)."""
    try:
        return functools.reduce(urljoin, places)
    except ValueError:
        return None


def _put(parts: SplitResult, scheme: str | None = None, host: str | None = None, port: int | None = None) -> str:
    """The URL with these in place of its own."""
    scheme = scheme or parts.scheme
    user, at, _ = parts.netloc.rpartition("@")
    host = host or parts.hostname or ""
    port = parts.port if parts.port is not None else port
    written = f":{port}" if port is not None and (parts.port is not None or port != DEFAULT_PORTS.get(scheme)) else ""
    shown = f"[{host}]" if ":" in host else host
    return parts._replace(scheme=scheme, netloc=f"{user}{at}{shown}{written}").geturl()


def is_usable(text: str) -> bool:
    """Whether a client can connect to it: HTTP, and a host that is one. An address of IPv6 that is link-local needs its zone."""
    parts = _split(text)
    if parts is None or parts.scheme not in ("http", "https") or not parts.hostname:
        return False
    try:
        address = ipaddress.ip_address(parts.hostname)
    except ValueError:
        return HOST_NAME.fullmatch(parts.hostname) is not None
    zone = getattr(address, "scope_id", None)
    return not address.is_unspecified and (address.version == 4 or not address.is_link_local or zone is not None)
