"""The search laid open: filtered by article, and with what it refuses. On a small made-up shop and a fake encoder."""

import json
from collections import Counter

import pytest

from knowledge.asked import asking
from knowledge.errors import KnowledgeError
from knowledge.found import ASKING, LEXICAL, dense
from knowledge.ingest import build_index
from knowledge.search import COVERED, LIKELY, SURE, Searcher, open_searcher, passes
from knowledge.words import Lexicon, stemmed, stems_of
from tests.conftest import FakeEncoder, hit

ARTICLES = {
    "lamps": "## Glass\nLamps of green glass cost 40 dollars.\n\n## Oil\nLamp oil burns for nine hours a litre.",
    "returns": "## How long\nA lamp goes back within 30 days of delivery.\n\n## Costs\nSending a lamp back costs 5 dollars.",
    "delivery": "## When\nDelivery takes 3 days.\n\n## Costs\nDelivery costs 7 dollars an order.",
}
QUESTION = "what does sending a lamp back costs"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Searcher:
    home = tmp_path_factory.mktemp("shop")
    (home / "articles").mkdir()
    for name, text in ARTICLES.items():
        (home / "articles" / f"{name}.md").write_text(f"---\ntitle: {name.title()}\n---\n{text}\n", encoding="utf-8")
    asked = {"article": "delivery", "line": "Delivery takes 3 days.", "asked": ["when will my lamp be here"]}
    (home / "articles" / "asked.jsonl").write_text(json.dumps(asked) + "\n", encoding="utf-8")
    build_index(home / "articles", "lamps", home / "index", FakeEncoder())
    return open_searcher("lamps", home / "index", FakeEncoder())


def names(hits) -> set[str]:
    return {one.passage.article for one in hits}


def test_the_index_says_which_articles_it_holds(shop: Searcher) -> None:
    assert shop.articles == ("delivery", "lamps", "returns")


@pytest.mark.parametrize("only", [["returns"], ["returns.md"], ["lamps", "delivery"], ["delivery", "delivery"]])
def test_only_the_named_articles_are_searched(shop: Searcher, only: list[str]) -> None:
    wanted = {name.removesuffix(".md") for name in only}
    assert names(shop.search("lamp delivery costs dollars", 20, only)) == wanted
    assert names(shop.look("lamp delivery costs dollars", only)) == wanted


def test_a_filter_changes_what_is_looked_at_not_how_it_is_judged(shop: Searcher) -> None:
    everywhere = {one.passage.id + one.text: one for one in shop.look(QUESTION)}
    for one in shop.look(QUESTION, ["returns"]):
        same = everywhere[one.passage.id + one.text]
        assert one.score == pytest.approx(same.score, abs=1e-6)
        assert passes(one) == passes(same)


def test_a_follow_up_is_worth_to_a_line_what_it_is_alone_and_behind_the_message_before_it(shop: Searcher) -> None:
    alone, behind = "costs an order dollars", "delivery takes 3 days, takes 3 days, takes 3 days costs"
    worth: Counter[tuple[str, str]] = Counter()
    passing = set()
    for question in (alone, behind):
        for one in shop.look(question):
            worth[one.passage.id, one.text] += one.fused
            passing |= {(one.passage.id, one.text)} if passes(one) else set()
    found = [(one.passage.id, one.text) for one in shop.search(alone, 20, behind=behind)]
    assert found == sorted(passing, key=lambda place: -worth[place])
    assert found[0][1] == "Delivery costs 7 dollars an order."
    assert shop.search(behind, 1)[0].text == "Delivery takes 3 days.", "the message before drowns the question"
    assert shop.search(alone, 20, behind=alone) == shop.search(alone, 20)


def test_no_filter_is_all_articles(shop: Searcher) -> None:
    assert shop.search(QUESTION, 20) == shop.search(QUESTION, 20, ()) == shop.search(QUESTION, 20, shop.articles)


def test_an_unknown_article_is_refused_with_the_known_ones(shop: Searcher) -> None:
    with pytest.raises(KnowledgeError, match=r"no article 'boots' in the index\. It holds: delivery, lamps, returns"):
        shop.search(QUESTION, 3, ["lamps", "boots.md"])


def test_looking_shows_what_searching_refuses_in_the_same_order(shop: Searcher) -> None:
    for question in (QUESTION, "lamp", "quantum chromodynamics of a lamp", "dollars"):
        seen = shop.look(question)
        assert [one for one in seen if passes(one)] == list(shop.search(question, 50))
        assert [one.fused for one in seen] == sorted((one.fused for one in seen), reverse=True)
    refused = [one for one in shop.look("quantum chromodynamics of a lamp") if not passes(one)]
    assert refused, "a look shows what is too far away"
    assert shop.look("  ") == shop.search("  ", 3) == ()


def test_a_hit_says_what_each_side_makes_of_it(shop: Searcher) -> None:
    seen = shop.look(QUESTION)
    assert max(one.lexical for one in seen) == 1.0
    for one in seen:
        assert 0 <= one.lexical <= 1
        assert one.best >= one.line - 1e-6
        assert one.fused == pytest.approx(one.dense + LEXICAL * one.lexical)
        assert (one.lexical_rank is not None) == (one.lexical > 0)
    assert seen[0].passage.id == "returns#costs"


@pytest.mark.parametrize(
    ("cosine", "best", "coverage", "why"),
    [
        (SURE, 0.0, 0.0, "close"),
        (0.0, SURE, 0.0, "close"),
        (LIKELY, 0.0, COVERED, "words"),
        (LIKELY, 0.0, COVERED - 0.01, ""),
        (LIKELY - 0.01, 0.0, 1.0, ""),
        (SURE - 0.01, SURE - 0.01, 0.0, ""),
    ],
)
def test_a_line_passes_by_closeness_or_by_words(cosine: float, best: float, coverage: float, why: str) -> None:
    from dataclasses import replace

    assert passes(replace(hit("A line."), cosine=cosine, best=best, coverage=coverage)) == why


def test_cosines_count_as_the_docstring_says() -> None:
    assert dense(0.8, 0.6, 0.4) == pytest.approx(0.8 + 0.6 / 4 + 0.4)


def test_a_lexicon_ranks_by_words_and_can_be_told_where_to_look() -> None:
    lexicon = Lexicon(stemmed(["green lamps", "a lamp, a lamp and oil", "delivery of tents"]))
    found = lexicon.best(stems_of("lamp oil"), 3)
    assert [place for place, _ in found] == [1, 0]
    assert [place for place, _ in lexicon.best(stems_of("lamp oil"), 3, [True, False, True])] == [0]
    assert lexicon.best(stems_of("quantum"), 3) == []


@pytest.mark.parametrize(
    ("message", "asks"),
    [
        ("what does oil cost", "what does oil cost"),
        ("My aunt gave me a lamp. What does oil cost? She is 80.", "What does oil cost?"),
        ("Is it glass? My aunt says so.\nAnd how heavy is it?", "Is it glass? And how heavy is it?"),
        ("My lamp broke. I want to send it back.", "I want to send it back."),
        ("  ", ""),
    ],
)
def test_the_sentences_that_ask_are_taken_out_of_a_story(message: str, asks: str) -> None:
    assert asking(message) == asks


def test_what_the_asking_sentences_are_worth_to_a_line_counts_beside_the_whole_message(shop: Searcher) -> None:
    story, asks = "Delivery delivery takes days of oil and oil", "Do lamps of green glass cost 40 dollars?"
    texts = {"told": f"{story}. {asks}", "as one sentence": f"{story} {asks}", "asks": asks, "story": f"{story}."}
    seen = {name: {(one.passage.id, one.text): one for one in shop.look(text)} for name, text in texts.items()}
    first = {name: next(iter(found)) for name, found in seen.items()}
    assert first["told"] == first["asks"] != first["story"]
    assert seen["told"].keys() == seen["as one sentence"].keys() >= seen["asks"].keys()
    assert seen["asks"]
    for place, one in seen["asks"].items():
        whole = seen["as one sentence"][place].fused  # the fake encoder hears no sentence ends
        assert seen["told"][place].fused == pytest.approx((whole + ASKING * one.fused) / (1 + ASKING), abs=1e-5)
    assert ASKING < 0.5, "the whole message leads"
