"""The printed command that posts a picture as the settings say, so that the reader sees the answer that was judged."""

from __future__ import annotations

from retina_doctor.settings import Settings

from ..facts.service import Detection
from ..settings import DetectionSettings, ResponseSettings, ServiceSettings

PICTURE = "picture.jpg"
"""Of the reader's own, where the settings name none."""
IN_JSON = (
    r'field=$1; picture=$2; shift 2; printf "{\"%s\": \"%s\"}" "$field" "$(base64 < "$picture" | tr -d "\n")"'
    r' | curl -sS -H "Content-Type: application/json" --data-binary @- "$@"'
)


def unverified(one: Detection) -> list[str]:
    """curl's option, where it would refuse the certificate, as TLS did."""
    return ["-k"] if one.refused_certificate else []


def posting_command(settings: Settings, url: str, *options: str) -> list[str]:
    """Words of a shell command; *options* of curl. A URL that looks like one is none."""
    wanted: ResponseSettings = settings.of(ServiceSettings).response
    picture = settings.of(DetectionSettings).image or PICTURE
    address = f"./{url}" if url.startswith("-") else url
    curl = ["curl", "-sS", *options]
    if wanted.form == "multipart":
        return [*curl, "-F", f"{wanted.field}=@{picture}", address]
    if wanted.form == "raw":
        from mimetypes import guess_type

        kind = guess_type(picture)[0] or "application/octet-stream"
        return [*curl, "-H", f"Content-Type: {kind}", "--data-binary", f"@{picture}", address]
    return ["sh", "-c", IN_JSON, "sh", wanted.field, picture, *options, address]
