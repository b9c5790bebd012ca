"""One page to look at: nodes × checks, with a filter by root cause. No script, nothing fetched; all that is told is escaped.

Nodes that look alike share a row. The filter is a radio button per check, and a style rule for each that hides the other rows.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Sequence
from html import escape

from retina_doctor.fleet.forms import counted, ending, headline, word
from retina_doctor.fleet.forms.terminal import steps_together
from retina_doctor.fleet.judging import Node
from retina_doctor.fleet.node_sets import folded
from retina_doctor.fleet.whole import Fleet
from retina_doctor.language import Language
from retina_doctor.quoting import visible
from retina_doctor.reports.report import Look

STYLE = """
:root{color-scheme:light dark}
body{font:14px/1.45 system-ui,sans-serif;margin:1.5rem;max-width:100%}
h1{font-size:1.3rem}h2{font-size:1.05rem;margin:1.6rem 0 .4rem}
table{border-collapse:collapse;display:block;overflow-x:auto}
th,td{border:1px solid #8884;padding:.25rem .5rem;text-align:left;vertical-align:top}
td.s{text-align:center;white-space:nowrap}
code,pre{font:12px/1.4 ui-monospace,monospace;overflow-wrap:anywhere}
pre{margin:.2rem 0;padding:.4rem .6rem;background:#8882;overflow-x:auto;white-space:pre-wrap}
.error{background:#d33;color:#fff}.warning{background:#e90;color:#000}.note{background:#39c;color:#fff}
.explained{background:#d333}.unknown,.broken{background:#8886}
label{display:inline-block;margin:.1rem .8rem .1rem 0}
"""
MARKS = {"error": "✖", "warning": "▲", "note": "●", "explained": "↳", "unknown": "?", "broken": "!"}


def write(fleet: Fleet, language: Language, _look: Look) -> str:
    codes = sorted({code for node in fleet.nodes for code in node.states})
    roots = [one for one in codes if any(group.code == one for group in fleet.groups)]
    places = {code: place for place, code in enumerate(codes)}
    style = STYLE + "".join(
        f"body:has(#f{places[code]}:checked) tbody.m tr:not(.r{places[code]}){{display:none}}\n" for code in roots
    )
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    parts = [
        "<!DOCTYPE html>",
        f'<html lang="{language}"><head><meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
        '<meta name="viewport" content="width=device-width,initial-scale=1"><title>retina-doctor fleet</title>',
        f"<style>{style}</style></head><body>",
        "<h1>retina-doctor fleet</h1>",
        f"<p>{_text(headline(fleet, language))}. {_text(ending(fleet, language))}.</p>",
        *_matrix(fleet, language, codes, roots),
        *_roots(fleet, language),
        *_plan(fleet, language),
        *_drift(fleet, language),
        *_missing(fleet, language),
        "</body></html>",
    ]
    return "\n".join(parts) + "\n"


def _matrix(fleet: Fleet, language: Language, codes: Sequence[str], roots: Sequence[str]) -> Iterable[str]:
    names = {group.code: group.name for group in fleet.groups}
    places = {code: place for place, code in enumerate(codes)}
    yield f'<p><label><input type="radio" name="f" id="all" checked> {_text(word("all", language))}</label>'
    for code in roots:
        number = sum(any(root.code == code for root in node.roots) for node in fleet.nodes)
        yield f'<label><input type="radio" name="f" id="f{places[code]}"> {_text(f"{code} {names[code]}")} ({number})</label>'
    yield "</p><table><thead><tr>"
    titles = [word(key, language) for key in ("node", "count", "verdict")]
    yield "".join(f"<th>{_text(one)}</th>" for one in titles)
    yield "".join(f'<th title="{_text(names.get(code, ""))}">{_text(code)}</th>' for code in codes)
    yield '</tr></thead><tbody class="m">'
    alike: dict[tuple[object, ...], list[Node]] = {}
    for node in fleet.nodes:
        key = (node.verdict, tuple(sorted(node.states.items())), tuple(sorted({one.code for one in node.roots})))
        alike.setdefault(key, []).append(node)
    for nodes in sorted(alike.values(), key=lambda some: (-max(some[0].exit_code, 0), -len(some))):
        yield _row(nodes, language, codes, places)
    yield "</tbody></table><p>"
    yield " · ".join(f"{mark} {_text(word(f'state-{state}', language))}" for state, mark in MARKS.items())
    yield "</p>"


def _row(nodes: Sequence[Node], language: Language, codes: Sequence[str], places: dict[str, int]) -> str:
    node = nodes[0]
    classes = " ".join(
        f"r{place}" for place in sorted({places[root.code] for root in node.roots if root.code in places})
    )
    cells = []
    for code in codes:
        state = node.states.get(code)
        title = _text(word(f"state-{state}", language)) if state else ""
        cells.append(f'<td class="s {state}" title="{title}">{MARKS[state]}</td>' if state else "<td></td>")
    names = _text(folded([one.label for one in nodes]))
    verdict = _text(word(f"verdict-{node.verdict}", language))
    return f'<tr class="{classes}"><th>{names}</th><td>{len(nodes)}</td><td>{verdict}</td>{"".join(cells)}</tr>'


def _roots(fleet: Fleet, language: Language) -> Iterable[str]:
    if fleet.groups:
        yield f"<h2>{_text(word('roots', language))}</h2><table><tbody>"
        for one in fleet.groups:
            yield (
                f'<tr><td class="{one.severity}">{_text(f"{one.code} {one.name}")}</td><td>{_text(one.title)}</td>'
                f"<td>{counted(len(one.labels), language)}</td><td><code>{_text(folded(one.labels))}</code></td></tr>"
            )
        yield "</tbody></table>"


def _plan(fleet: Fleet, language: Language) -> Iterable[str]:
    if fleet.plan:
        yield f"<h2>{_text(word('plan', language))}</h2><ol>"
        for step, *others in steps_together(fleet.plan):
            codes = word("codes", language, codes=" ".join(step.fixes))
            yield f"<li>{_text(step.text)} ({_text(codes)}): <code>{_text(folded(step.labels))}</code>"
            if step.commands:
                yield f"<pre>{_text(chr(10).join(str(visible(one)) for one in step.commands), lines=True)}</pre>"
            if others:
                rest = counted(sum(len(one.labels) for one in others), language)
                yield f"<p>{_text(word('variants', language, n=rest))}</p>"
            yield "</li>"
        yield "</ol>"


def _drift(fleet: Fleet, language: Language) -> Iterable[str]:
    if fleet.drift:
        yield f"<h2>{_text(word('drift', language))}</h2><table><tbody>"
        for one in fleet.drift:
            others = "<br>".join(
                f"{_text(word('on', language, value=value, n=len(labels)))}: <code>{_text(folded(labels))}</code>"
                for value, labels in one.others.items()
            )
            majority = _text(word("on", language, value=one.majority, n=one.count))
            yield f"<tr><td><code>{_text(one.what)}</code></td><td>{majority}</td><td>{others}</td></tr>"
        yield "</tbody></table>"
    if fleet.stragglers:
        yield f"<h2>{_text(word('stragglers', language))}</h2><table><tbody>"
        for lag in fleet.stragglers:
            told = ", ".join(f"{_text(label)} {value:g}" for label, value in lag.nodes.items())
            median = _text(word("median", language, value=f"{lag.median:g}"))
            yield f"<tr><td><code>{_text(lag.what)}</code></td><td>{median}</td><td>{told}</td></tr>"
        yield "</tbody></table>"


def _missing(fleet: Fleet, language: Language) -> Iterable[str]:
    if fleet.missing:
        yield f"<h2>{_text(word('missing-title', language))}</h2><table><tbody>"
        for one in fleet.missing:
            yield f"<tr><td>{_text(one.label)}</td><td>{_text(one.why)}</td></tr>"
        yield "</tbody></table>"


def _text(text: str, lines: bool = False) -> str:
    """Escaped; the backticks that pages set code apart with are not shown, but in commands."""
    return escape(text if lines else str(visible(text)).replace("`", ""), quote=True)
