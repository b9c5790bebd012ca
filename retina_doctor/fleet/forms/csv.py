"""A row per node, a column per check that is not passed everywhere: for a spreadsheet."""

from __future__ import annotations

import csv
import io
import re

from retina_doctor.fleet.forms import word
from retina_doctor.fleet.whole import Fleet
from retina_doctor.language import Language
from retina_doctor.quoting import visible
from retina_doctor.reports.report import Look


def write(fleet: Fleet, _language: Language, _look: Look) -> str:
    codes = sorted({code for node in fleet.nodes for code in node.states})
    out = io.StringIO()
    rows = csv.writer(out, lineterminator="\r\n", quoting=csv.QUOTE_NONNUMERIC)  # RFC 4180; quoted, no `;` ends a cell
    rows.writerow(["node", "verdict", "exit_code", "roots", "why", *codes])
    for node in fleet.nodes:
        roots = " ".join(dict.fromkeys(root.name for root in node.roots))
        states = [node.states.get(code, "") for code in codes]
        rows.writerow([_cell(node.label), node.verdict, node.exit_code, roots, "", *states])
    for one in fleet.missing:
        verdict = word("not-reached" if one.asked else "not-read", "en").replace(" ", "-")
        rows.writerow([_cell(one.label), verdict, 3 if one.asked else 2, "", _cell(one.why), *("" for _ in codes)])
    return out.getvalue()


def _cell(text: str) -> str:
    """Text that no spreadsheet takes for a formula (OWASP, CSV injection)."""
    text = str(visible(text))
    return f"'{text}" if re.match(r"\s*[=+\-@＝＋－＠]", text) else text
