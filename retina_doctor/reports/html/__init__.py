"""The report as one HTML file: both languages, light and dark, nothing loaded from anywhere.

Its policy admits the one script and the one style sheet that are in it, by their hashes, and pictures that the reader chooses;
whatever a machine says is text, escaped by the template engine. Words come from the same pages as those of every report.
"""

from __future__ import annotations

import base64
import functools
import hashlib
from pathlib import Path

import jinja2
from markupsafe import Markup, escape

from retina_doctor.quoting import visible
from retina_doctor.reports import Look, Report
from retina_doctor.reports.html.view import view_of

HERE = Path(__file__).parent


def write(report: Report, _look: Look) -> str:
    return _template().render(view=view_of(report), **_parts())


def prose(text: str) -> Markup:
    """Pages set `code` apart; between two backticks nothing but the text itself is seen."""
    parts = text.split("`")
    return Markup("").join(
        Markup("<code>{}</code>").format(shown(part)) if index % 2 else escape(shown(part))
        for index, part in enumerate(parts)
    )


def shown(value: object) -> object:
    """Text with control characters shown; line ends are its own."""
    if not isinstance(value, str) or isinstance(value, Markup):
        return value
    return "\n".join(str(visible(line)) for line in value.split("\n"))


@functools.cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        loader=jinja2.FileSystemLoader(HERE),
        finalize=shown,
    )
    environment.filters["prose"] = prose
    return environment.get_template("page.html.jinja")


@functools.cache
def _parts() -> dict[str, Markup]:
    """Style sheet and script, which are ours, and the hashes by which the page's policy knows them."""
    parts = {}
    for name, file in (("style", "style.css"), ("script", "script.js")):
        text = (HERE / file).read_text(encoding="utf-8")
        parts[name] = Markup(text)  # noqa: S704 - our own file, as it stands
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        parts[f"{name}_hash"] = Markup("'sha256-{}'").format(digest)
    return parts
