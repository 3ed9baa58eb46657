"""What a threshold gives and refuses: worked out by hand on a fake search."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.errors import RunStopped
from chatbot.quality import session, tradeoff
from chatbot.quality.tradeoff import GIVEN, NEVER, REFUSED, Group, Questions, Tradeoff, measure, questions_for
from knowledge.answerable import Chances, Judge, Judgement
from knowledge.article import Article, Section
from knowledge.search import SURE
from tests.conftest import FakeEncoder, FakeSearcher, hit

NUMBERS = st.lists(st.floats(-1, 1, allow_nan=False), min_size=1, max_size=30)
ASKED = Questions(("boots?", "socks?"), ("who sews?", "which bank?"), ("which bank?",), ("a poem",), "made up")
JUDGE = Judge(
    1, 1, 1, 0, 0.3, (0.0,) * 6, 0.0, answered=Chances(40, (0.1, 0.5, 0.9)), unanswered=Chances(60, (0.0, 0.2, 0.4))
)


def a_searcher(chances: dict[str, float]) -> FakeSearcher:
    made = FakeSearcher([hit("A line.")])
    made.learnt = JUDGE
    made.judgements = {text: Judgement(chance, 0.3, 0.5) for text, chance in chances.items()}
    return made


def by_key(found: Tradeoff) -> dict[str, Group]:
    return {group.key: group for group in found.groups}


def test_each_question_is_held_against_the_judges_threshold() -> None:
    searcher = a_searcher({"boots?": 0.8, "socks?": 0.2, "who sews?": 0.1, "which bank?": 0.3, "a poem": 0.05})
    told: list[tuple[int, int]] = []
    found = measure("b", searcher, ASKED, (), FakeEncoder(), lambda done, total: told.append((done, total)))
    rates = {key: (one["n"], one["rate"]) for key, one in found.document()["at_threshold"].items()}
    assert (found.signal, found.threshold) == ("chance", 0.3)
    assert rates == {
        "asked": (40, 0.675),  # two of three quantiles, of 40 rounded
        "in_vain": (60, 0.6667),
        "suite_answerable": (2, 0.5),
        "suite_unanswerable": (2, 0.5),  # .3 reaches the threshold
        "suite_unknown": (1, 0.0),
        "off_topic": (1, 1.0),
    }
    assert told[0] == (0, 6)
    assert told[-1] == (6, 6)
    assert [(good.key, bad.key) for good, bad in found.curves()] == [
        ("asked", "in_vain"), ("suite_answerable", "suite_unanswerable"), ("suite_answerable", "off_topic"),
    ]  # fmt: skip


def test_a_question_for_which_no_line_is_found_is_given_none_at_any_threshold() -> None:
    searcher = a_searcher({"boots?": 0.99})
    searcher.hits = (replace(hit("Far."), cosine=0.1, best=0.1, coverage=0.0),)
    found = measure("b", searcher, Questions(("boots?",), (), (), (), ""), (), FakeEncoder())
    assert by_key(found)["suite_answerable"].values == (NEVER,)
    assert by_key(found)["suite_answerable"].share(0.0) == 0.0


def test_a_brand_without_lists_is_measured_by_closeness_and_its_headings() -> None:
    text = "Lamps go back within 30 days of delivery."
    articles = [
        Article("lamps", "Lamps", (Section("How long do lamps go back", text), Section("Our glass", "Green.")), "d"),
    ]
    searcher = FakeSearcher([replace(hit("Near."), cosine=0.3, best=0.5, coverage=0.0)])
    found = measure("b", searcher, Questions((), (), (), ("a poem",), "made up"), articles, FakeEncoder())
    groups = by_key(found)
    assert (found.signal, found.threshold) == ("closeness", SURE)
    assert list(groups) == ["headings", "off_topic"]
    assert groups["headings"].n == 1, "“Our glass” asks nothing"
    assert 0 < groups["headings"].values[0] < 0.9, "without its own words beside it"
    assert groups["off_topic"].values == (0.5,)
    assert [(good.key, bad.key) for good, bad in found.curves()] == [("headings", "off_topic")]
    worded = FakeSearcher([replace(hit("Worded."), cosine=0.3, best=0.3, coverage=1.0)])
    found = measure("b", worded, Questions((), (), (), ("a poem",), "made up"), articles, FakeEncoder())
    assert by_key(found)["off_topic"].share(0.9) == 0.0, "shared words pass at any threshold"


def test_it_stops_when_it_is_told_to() -> None:
    def stop(done: int, total: int) -> None:
        if done == 2:
            raise RunStopped("Stopped.")

    with pytest.raises(RunStopped):
        measure("b", a_searcher({}), ASKED, (), FakeEncoder(), stop)


@given(NUMBERS, st.floats(0, 1), st.floats(0, 1))
def test_a_higher_threshold_gives_less_and_refuses_more(values: list[float], one: float, other: float) -> None:
    low, high = sorted((one, other))
    good, bad = (Group("g", "", wanted, len(values), tuple(sorted(values))) for wanted in (GIVEN, REFUSED))
    assert 0 <= good.share(high) <= good.share(low) <= 1
    assert 0 <= bad.share(low) <= bad.share(high) <= 1
    assert good.share(low) + bad.share(low) == pytest.approx(1)
    assert good.share(low) == pytest.approx(sum(value >= low for value in values) / len(values))


def test_a_tradeoff_is_read_back_as_it_was_and_its_curves_fall() -> None:
    searcher = a_searcher({"boots?": 0.8, "socks?": 0.2, "who sews?": 0.1, "which bank?": 0.3, "a poem": 0.05})
    found = measure("b", searcher, ASKED, (), FakeEncoder())
    document = json.loads(json.dumps(found.document()))
    assert Tradeoff.of(document) == found
    for curve in document["curves"].values():
        thresholds, good, bad = zip(*curve, strict=True)
        assert thresholds == tuple(n / 100 for n in range(101))
        assert list(good) == sorted(good, reverse=True)
        assert list(bad) == sorted(bad)


def test_questions_are_the_suites_without_a_history_and_the_brands_own_off_topic(monkeypatch, tmp_path: Path) -> None:
    lines = [
        {"id": "a", "question": "How long?", "answerable": True, "must": ["45"], "article": "returns.md"},
        {"id": "b", "question": "Who sews?", "answerable": False, "situation": "unknown"},
        {"id": "c", "question": "My lawyer!", "answerable": False, "situation": "legal"},
        {"id": "d", "question": "And wet?", "answerable": True, "must": ["9"],
         "history": [{"role": "user", "content": "x"}, {"role": "assistant", "content": "y"}]},
    ]  # fmt: skip
    (tmp_path / "lamps.jsonl").write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    monkeypatch.setattr(session, "SUITES", tmp_path)
    found = questions_for("lamps", ["tell me a joke"], tmp_path)
    assert found == Questions(
        ("How long?",), ("Who sews?", "My lawyer!"), ("Who sews?",), ("tell me a joke",),
        "the utterances of the situation off-topic",
    )  # fmt: skip
    assert questions_for("no-suite", ["tell me a joke"]).answerable == ()
    assert found.digest != questions_for("lamps", ["another"], tmp_path).digest


def test_public_messages_take_the_place_of_the_brands_own(tmp_path: Path) -> None:
    folder = tmp_path / "intents" / "clinc150"
    folder.mkdir(parents=True)
    (folder / "data_full.json").write_text(json.dumps({"oos_test": [["what is a lama", "oos"]]}), encoding="utf-8")
    found = questions_for("no-suite", ["tell me a joke"], tmp_path)
    assert found.off_topic == ("what is a lama",)
    assert found.source.startswith("CLINC150")


def test_headings_that_ask() -> None:
    asks = [
        text for text in ("How long?", "What it costs", "Costs?", "Our glass", "Howitzers") if tradeoff.ASKS.match(text)
    ]
    assert asks == ["How long?", "What it costs", "Costs?"]
