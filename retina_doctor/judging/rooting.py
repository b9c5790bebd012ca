"""Which finding explains which."""

from __future__ import annotations

from retina_doctor.authoring import ANY
from retina_doctor.catalogue.registry import Catalogue
from retina_doctor.codec import replace
from retina_doctor.errors import described
from retina_doctor.model import Finding, FindingKey


def _connected(root: Finding, echo: Finding, catalogue: Catalogue, broken: dict[str, str]) -> bool:
    """*root* explains *echo*. Where that cannot be judged they stay apart, and *broken* tells why, by code of the echo.

    One name may be borne by checks of several domains, of which one sees why it is so.
    """
    if root.code == echo.code:
        return False
    try:
        return any(
            catalogue.conditions[name, echo.name](root, echo)
            for name in ((root.name,) if root.name == echo.name else (root.name, ANY))
            if echo.name in catalogue.explains.get(name, ())
        )
    except Exception as error:
        broken[echo.code] = f"caused by {root.name}? {described(error)}"
        return False


def rooted(findings: list[Finding], catalogue: Catalogue, broken: dict[str, str]) -> tuple[Finding, ...]:
    """Each finding with its topmost cause among the others, ordered: gravest root first, echoes behind their root."""

    def cause(finding: Finding) -> Finding | None:
        above = [f for f in findings if _connected(f, finding, catalogue, broken)]
        return min(above, key=rank, default=None)

    def rank(finding: Finding) -> tuple[int, str, str]:
        return (-finding.severity.rank, finding.code, finding.subject)

    def root(finding: Finding) -> Finding:
        """Conditions may let findings explain each other: then the gravest of their circle is the root of all."""
        way = [finding]
        while (above := cause(way[-1])) is not None:
            if above in way:
                return min(way[way.index(above) :], key=rank)
            way.append(above)
        return way[-1]

    roots = {finding.key: root(finding) for finding in findings}
    gravest: dict[FindingKey, int] = {}  # of a root and all that it explains: an error under a warning is an error
    for finding in findings:
        top = roots[finding.key].key
        gravest[top] = max(gravest.get(top, 0), finding.severity.rank)

    def place(finding: Finding) -> tuple[object, ...]:
        top = roots[finding.key]
        return (-gravest[top.key], rank(top), finding.key != top.key, rank(finding))

    ordered = sorted(findings, key=place)
    return tuple(f if roots[f.key].key == f.key else replace(f, root=roots[f.key].key) for f in ordered)
