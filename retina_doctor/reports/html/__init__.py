"""The report as one HTML file: both languages, light and dark, nothing loaded from anywhere.

Its policy admits the one script and the one style sheet that are in it, by their hashes, and pictures that the reader chooses;
whatever a machine says is text, escaped by the template engine. Words come from the same pages as those of every report.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import re
from pathlib import Path

import jinja2
from markupsafe import Markup, escape

from retina_doctor import quoting
from retina_doctor.reports.html.view import view_of
from retina_doctor.reports.html.words import Text, word
from retina_doctor.reports.report import Look, Report

HERE = Path(__file__).parent


CONTROLS = re.compile(quoting.CONTROLS.pattern.replace(r"[\x00-\x1f", r"[\x00-\x09\x0b-\x1f"))
"""All but line ends, which do no harm in a page. Looked for once in the whole of it: escaping makes none and hides none."""


def write(report: Report, _look: Look) -> str:
    page = _template().render(view=view_of(report), **_parts())
    return CONTROLS.sub(lambda found: f"\\x{ord(found[0]):02x}", page)


def prose(text: str) -> Markup:
    """Pages set `code` apart; between two backticks nothing but the text itself is seen. One alone is a backtick."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))  # noqa: S704 - escaped


def told(text: Text) -> Markup:
    """In both languages, of which the style sheet shows one."""
    if text.en == text.zh:
        return prose(text.en)
    return Markup(f'<span lang="en">{prose(text.en)}</span><span lang="zh">{prose(text.zh)}</span>')  # noqa: S704 - escaped


@functools.cache
def said(key: str) -> Markup:
    """Fixed words that have no gaps."""
    return told(word(key))


@functools.cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        loader=jinja2.FileSystemLoader(HERE),
    )
    environment.filters["prose"] = prose
    environment.globals |= {"t": told, "say": said, "word": word}
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
