"""The examination as JUnit XML, for build servers: one suite per mode, one test per case and check."""

import re
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence

from chatbot.quality.marks import CHECKS, Mark, Outcome
from chatbot.quality.stats import modes_in

NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # XML 1.0, section 2.2


def junit(outcomes: Sequence[Outcome], settings: Mapping[str, str]) -> str:
    """The document. A failure's message is the why of the mark; a check that does not apply is skipped."""
    root = ET.Element("testsuites", name="triptych qa")
    for mode in modes_in(outcomes):
        _suite(root, mode, [one for one in outcomes if one.mode == mode], settings)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _suite(root: ET.Element, mode: str, outcomes: Sequence[Outcome], settings: Mapping[str, str]) -> None:
    suite = ET.SubElement(root, "testsuite", name=_clean(mode))
    properties = ET.SubElement(suite, "properties")
    for name, value in settings.items():
        ET.SubElement(properties, "property", name=_clean(name), value=_clean(value))
    marks = [(one, check, one.marks[check]) for one in outcomes for check in CHECKS if check in one.marks]
    for outcome, check, mark in marks:
        _test(suite, outcome, check, mark)
    suite.set("tests", str(len(marks)))
    suite.set("failures", str(sum(mark.passed is False for _, _, mark in marks)))
    suite.set("skipped", str(sum(mark.passed is None for _, _, mark in marks)))
    suite.set("errors", "0")


def _test(suite: ET.Element, outcome: Outcome, check: str, mark: Mark) -> None:
    place = f"{outcome.mode}.{outcome.situation}"
    test = ET.SubElement(suite, "testcase", classname=_clean(place), name=_clean(f"{outcome.case} {check}"))
    if mark.passed is None:
        ET.SubElement(test, "skipped", message="does not apply to this case")
    elif not mark.passed:
        why = " ".join(mark.why) or f"{check} failed"
        failure = ET.SubElement(test, "failure", message=_clean(why), type=check)
        failure.text = _clean(f"Question: {outcome.question}\nReply: {outcome.text}")


def _clean(text: str) -> str:
    """Without what no XML document may hold: a model can write control characters."""
    return NOT_XML.sub("�", str(text))
