"""What makes a finding the same one in the next run, for programs that tell new ones from known ones."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Sequence

from retina_doctor.codec import to_json
from retina_doctor.model import Finding

LINE = re.compile(r":\d+$")


def fingerprints(findings: Sequence[Finding]) -> list[str]:
    """One for each, unique among them: 64 hexadecimal digits of its code, its subject and the text of its line.

    A number of a line moves with what is written above it, so the line's text stands for it. The subject names the file as
    from the folder that was scanned: another checkout has the same ones.
    """
    seen: Counter[str] = Counter()
    marks = []
    for finding in findings:
        what = [LINE.sub("", finding.subject), finding.evidence.get("text")] if finding.location else [finding.subject]
        same = to_json([finding.code, *what])
        seen[same] += 1
        marks.append(hashlib.sha256(f"{same}{seen[same]}".encode("utf-8", "replace")).hexdigest())
    return marks
