"""What an examination leaves behind: the JSON contract, JUnit XML, and a page that is whole, inert and alone."""

import json
import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatbot.errors import SuiteError
from chatbot.message import Message
from chatbot.quality.consistency import Consistency
from chatbot.quality.gate import Gate, compare, meets
from chatbot.quality.junit import junit
from chatbot.quality.latency import Latency
from chatbot.quality.marks import CHECKS, Mark, Outcome
from chatbot.quality.measures import Measures
from chatbot.quality.page import Pieces, context, histories, marked, page, sheets, style
from chatbot.quality.report import combined_against, document, read_outcomes, read_report, write_report
from chatbot.quality.stats import rate_of
from chatbot.quality.suite import Case
from tests.chatbot.quality.fakes import a_run, a_suite, an_outcome

SETTINGS = {"brand": "northwind", "seed": "0", "base": "sha256:4f2c", "adapter": "sha256:77aa", "date": "2026-11-20"}
EVIL = (
    "<script>alert(1)</script><img src=http://evil/x onerror=alert(1)></div></details>\"'>{{ 7*7 }} javascript:alert(1)"
)
MODES = ("base-prompted", "fine-tuned", "combined")
MEASURES = Measures(
    {mode: Latency(3, 0.41, 7.52) for mode in MODES},
    {mode: Consistency(rate_of(12, 19), 0.0731, 20) for mode in MODES[:2]},
)

SAFE_TAGS = {
    "html", "head", "meta", "title", "style", "body", "main", "div", "h1", "h2", "h3", "p", "section", "b", "strong", "small",
    "ul", "li", "table", "thead", "tbody", "tr", "th", "td", "span", "i", "u", "fieldset", "legend", "input", "label",
    "details", "summary", "article", "mark", "dl", "dt", "dd",
}  # fmt: skip


class Tags(HTMLParser):
    """Every tag as a browser reads it, with the names of its attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, list[str]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, [name for name, _ in attrs]))


def a_report(n: int = 20) -> list[Outcome]:
    return [one for seed, mode in enumerate(MODES) for one in a_run(a_suite(n, 1), seed, mode)]


def given_for(outcomes: list[Outcome], cases: tuple[Case, ...] = (), gate: Gate | None = None, facts=SETTINGS) -> dict:
    against = combined_against(outcomes)
    return context(outcomes, gate or meets(outcomes), facts, against, histories(cases), MEASURES)


def the_page(outcomes: list[Outcome], cases: tuple[Case, ...] = ()) -> str:
    return page(given_for(outcomes, cases))


def test_the_document_is_the_contract() -> None:
    outcomes = a_report()
    made = json.loads(json.dumps(document(outcomes, meets(outcomes), SETTINGS, MEASURES)))
    assert made["cases"] == 20
    assert set(made["modes"]) == set(MODES)
    for rates in made["modes"].values():
        assert set(rates) == set(CHECKS)
        assert all(set(one) == {"n", "rate", "low", "high"} for one in rates.values())
    assert isinstance(made["gate"]["passed"], bool)
    assert isinstance(made["gate"]["failures"], list)
    both = made["held_in"]["combined"]["on_voice"]["n"], made["held_out"]["combined"]["on_voice"]["n"]
    assert sum(both) == made["modes"]["combined"]["on_voice"]["n"]
    assert set(made["combined_against"]) == {"base-prompted", "fine-tuned"}
    assert set(made["latency"]) == set(made["readability"]) == set(MODES)
    assert made["latency"]["combined"] == {"n": 3, "first_token_s": 0.41, "total_s": 7.52}
    assert set(made["consistency"]["fine-tuned"]["same"]) == {"n", "rate", "low", "high"}
    assert made["settings"] == SETTINGS


def test_all_four_files_are_written_and_the_outcomes_come_back(tmp_path: Path) -> None:
    outcomes = [replace(one, text="Line\u2028break \x85 \u201cquoted\u201d\n\nend") for one in a_report(6)]
    paths = write_report(tmp_path / "new" / "run", outcomes, meets(outcomes), SETTINGS)
    assert sorted(path.name for path in (tmp_path / "new" / "run").iterdir()) == sorted(paths)
    assert read_outcomes(paths["outcomes.jsonl"]) == outcomes
    assert read_outcomes(tmp_path / "new" / "run") == outcomes
    assert json.loads(paths["qa.json"].read_text(encoding="utf-8"))["cases"] == 6


@pytest.mark.parametrize(
    ("text", "says"),
    [("", "holds no outcomes"), ("{}\n", "line 1 is not an outcome"), ("[1]\n", "line 1"), ("nonsense", "line 1")],
)
def test_a_baseline_that_is_none_is_told_in_a_sentence(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "old.jsonl").write_text(text, encoding="utf-8")
    with pytest.raises(SuiteError, match=says):
        read_outcomes(tmp_path / "old.jsonl")


def test_a_baseline_that_is_not_there_or_not_text(tmp_path: Path) -> None:
    with pytest.raises(SuiteError, match="There is no baseline"):
        read_outcomes(tmp_path / "old.jsonl")
    (tmp_path / "old.jsonl").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SuiteError, match="UTF-8"):
        read_outcomes(tmp_path / "old.jsonl")


def test_a_folder_that_cannot_be_is_told_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SuiteError, match="Choose another --out"):
        write_report(tmp_path / "file" / "run", a_report(2), meets([]), SETTINGS)


def test_junit_has_one_suite_a_mode_and_one_test_a_case_and_check() -> None:
    mark = Mark(False, ('It says "unfortunately".', "It is long."), ("unfortunately",))
    outcomes = [an_outcome("c1", mode, marks={"on_voice": mark, "abstained": Mark(None)}) for mode in MODES]
    root = ET.fromstring(junit(outcomes, SETTINGS))
    assert [suite.get("name") for suite in root] == list(MODES)
    suite = root[-1]
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("2", "1", "1")
    assert [test.get("name") for test in suite.iter("testcase")] == ["c1 on_voice", "c1 abstained"]
    assert suite.find(".//failure").get("message") == 'It says "unfortunately". It is long.'
    assert suite.find(".//property[@name='seed']").get("value") == "0"


@given(st.text(st.characters(exclude_categories=[]), max_size=40))
@settings(deadline=None)
def test_junit_is_whole_whatever_a_model_wrote(text: str) -> None:
    outcome = an_outcome("c1", text=text, question=text, marks={"on_voice": Mark(False, (text,))})
    assert ET.fromstring(junit([outcome], {"seed": text})).find(".//failure") is not None


def test_scripts_in_replies_questions_and_reasons_are_inert() -> None:
    mark = Mark(False, (EVIL,), ("<script>", "alert(1)", '"', "<"))
    outcomes = [
        an_outcome(
            EVIL, mode, EVIL, question=EVIL, situation=EVIL, passages=(EVIL,),
            marks=dict.fromkeys(CHECKS, mark),
        )
        for mode in (*MODES, EVIL)
    ]  # fmt: skip
    case = Case(EVIL, EVIL, (Message("user", EVIL), Message("assistant", EVIL)), EVIL, (), (), True, None, ())
    given = given_for(outcomes, (case,), facts={EVIL: EVIL})
    pieces = Pieces(given)
    names = ("verdict", "checks", "heat", "topics", "same", "ease")
    parts = [pieces.section(name) for name in names] + [pieces.case(one, True) for one in given["sheets"]]
    assert "<script" not in "".join([*parts, style("dark")]).lower()
    made = page(given)
    assert "<script" not in made.lower()
    assert "<img" not in made.lower()
    assert "{{ 7*7 }}" in made, "a template in a reply is text"
    assert made.count("</details>") == made.count("<details")
    tags = Tags()
    tags.feed(made)
    assert {tag for tag, _ in tags.found} <= SAFE_TAGS
    assert not [name for _, names in tags.found for name in names if name.startswith("on") or name in ("src", "href")]
    assert re.search(r'content="default-src \'none\'; style-src \'unsafe-inline\'"', made)


def test_the_page_loads_nothing() -> None:
    made = the_page(a_report())
    assert not re.search(r"https?://|//[a-z]+\.|@import|url\(|<link|<script|<iframe|<object|<embed|\ssrc=", made)


def test_the_page_says_what_was_found_and_how() -> None:
    outcomes = a_report()
    made = the_page(outcomes)
    for text in ("Base-prompted", "Combined", "On brand and right", "Held-out", *SETTINGS.values(), "legal-threat"):
        assert text in made
    assert "exact McNemar" in made
    assert "Gate: " + meets(outcomes).sentence in made
    gate = compare(outcomes, outcomes)
    assert "cases paired with the baseline" in page(given_for(outcomes, gate=gate))


def test_seconds_are_those_of_a_live_question_and_never_a_batchs() -> None:
    outcomes = [replace(one, first_token_s=44.4, total_s=55.5) for one in a_report(4)]
    made = the_page(outcomes)
    assert "3 questions, one mode at a time" in made
    assert "7.5 s" in made
    assert "55.5" not in made
    assert "55.5" not in junit(outcomes, SETTINGS)
    bare = page(context(outcomes, meets(outcomes), SETTINGS, {}, {}, Measures()))
    assert "one mode at a time" not in bare
    assert "Asked again" in made
    assert "Asked again" not in bare


def test_a_report_is_read_back_whole(tmp_path: Path) -> None:
    outcomes = a_report(6)
    case = Case("c1", "Q", (Message("user", "Hello?"), Message("assistant", "Hi.")), None, (), (), True, None, ())
    for gate in (meets(outcomes), compare(outcomes, outcomes)):
        write_report(tmp_path, outcomes, gate, SETTINGS, (case,), MEASURES)
        found = read_report(tmp_path)
        assert found.outcomes == tuple(outcomes)
        assert found.gate.document() == gate.document()
        assert (found.settings, found.measures, found.histories) == (SETTINGS, MEASURES, {"c1": case.history})
    (tmp_path / "qa.json").write_text("{}")
    with pytest.raises(SuiteError, match=r"qa\.json is not the report"):
        read_report(tmp_path)


def test_earlier_messages_are_shown() -> None:
    case = Case(
        "c1", "And now?", (Message("user", "Hello?"), Message("assistant", "Hi.")), None, (), (), True, None, ()
    )
    assert "<b>Customer:</b> Hello?" in the_page([an_outcome("c1")], (case,))


@pytest.mark.parametrize("outcomes", [[], [an_outcome(marks={})], [an_outcome(text="", mode="plain")]])
def test_a_page_of_little_is_still_a_page(outcomes: list[Outcome]) -> None:
    assert the_page(outcomes).rstrip().endswith("</html>")
    assert document(outcomes, meets(outcomes), {})["cases"] == len(outcomes)


def test_the_worst_cases_stand_first() -> None:
    bad, good = {c: Mark(False) for c in CHECKS}, {c: Mark(True) for c in CHECKS}
    outcomes = [
        an_outcome("fine", "combined", marks=good), an_outcome("fine", "fine-tuned", marks=good),
        an_outcome("others", "combined", marks=good), an_outcome("others", "fine-tuned", marks=bad),
        an_outcome("ours", "combined", marks=bad), an_outcome("ours", "fine-tuned", marks=good),
    ]  # fmt: skip
    assert [sheet.case for sheet in sheets(outcomes)] == ["ours", "others", "fine"]
    assert [column.mode.key for column in sheets(outcomes)[0].columns] == ["fine-tuned", "combined"]


@pytest.mark.parametrize(
    ("text", "words", "shown"),
    [
        ("Pay 5 of 45", ("5",), 'Pay <mark title="On voice">5</mark> of 45'),
        ("a & b", ("&",), 'a <mark title="On voice">&amp;</mark> b'),
        ("30 days, 30", ("30", "30 days"), '<mark title="On voice">30 days</mark>, <mark title="On voice">30</mark>'),
        ("<b>", (), "&lt;b&gt;"),
        ("none here", ("absent", "", " "), "none here"),
    ],
)
def test_failing_words_are_marked(text: str, words: tuple[str, ...], shown: str) -> None:
    assert marked(text, {"on_voice": Mark(False, (), words)}) == shown
    assert "<mark" not in marked(text, {"on_voice": Mark(True, (), words)})


@given(st.text(max_size=60), st.lists(st.text(max_size=5), max_size=4))
def test_marking_changes_no_letter_of_the_reply(text: str, words: list[str]) -> None:
    made = marked(text, {"on_voice": Mark(False, (), tuple(words))})
    assert re.sub(r"</?mark[^>]*>", "", made) == str(marked(text, {}))
