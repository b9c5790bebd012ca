"""JUnit XML: a suite per node, in it a test case per root cause and per check that was not judged; a healthy node is one case."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

from retina_doctor.fleet.judging import Node
from retina_doctor.fleet.whole import Fleet
from retina_doctor.language import Language
from retina_doctor.reports.junit import ILLEGAL
from retina_doctor.reports.report import Look


def write(fleet: Fleet, _language: Language, _look: Look) -> str:
    suites = ElementTree.Element("testsuites", name="retina-doctor fleet")
    for node in fleet.nodes:
        suite = ElementTree.SubElement(suites, "testsuite", name=_legal(node.label), hostname=_legal(node.label))
        suite.set("timestamp", _legal(node.created))
        _cases(suite, node)
        _count(suite)
    for one in fleet.missing:
        name = _legal(one.label or one.why)
        suite = ElementTree.SubElement(suites, "testsuite", name=name, hostname=name)
        case = ElementTree.SubElement(suite, "testcase", classname="retina-doctor", name="node")
        ElementTree.SubElement(case, "error", message=_legal(one.why), type="not-reached" if one.asked else "not-read")
        _count(suite)
    _count(suites)
    ElementTree.indent(suites)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(suites, encoding="unicode") + "\n"


def _cases(suite: ElementTree.Element, node: Node) -> None:
    for root in node.roots:
        case = ElementTree.SubElement(suite, "testcase", classname="retina-doctor", name=f"{root.code} {root.name}")
        if root.fails:
            ElementTree.SubElement(case, "failure", message=_legal(root.title), type=root.name)
        else:  # JUnit knows no warning: what the gate lets pass passes, and says it
            ElementTree.SubElement(case, "system-out").text = f"{root.severity}: {_legal(root.title)}"
    for code, state in node.states.items():
        if state in ("unknown", "broken"):
            case = ElementTree.SubElement(suite, "testcase", classname="retina-doctor", name=code)
            ElementTree.SubElement(case, "error", message=state, type=state)
    if not len(suite):
        ElementTree.SubElement(suite, "testcase", classname="retina-doctor", name=node.verdict)


def _count(element: ElementTree.Element) -> None:
    for name, tag in (("tests", "testcase"), ("failures", "failure"), ("errors", "error")):
        element.set(name, str(sum(1 for _ in element.iter(tag))))


def _legal(text: str) -> str:
    return ILLEGAL.sub("\N{REPLACEMENT CHARACTER}", text)
