"""Search on northwind's own articles with the real MiniLM: the right passage first, and none when none is about it."""

import pytest

from knowledge.embed import MiniLM
from knowledge.search import Searcher


@pytest.mark.parametrize(
    ("question", "passage"),
    [
        ("How long do I have to return boots?", "returns#how-long-you-have-for-boots-and-shoes"),
        ("What does express shipping cost?", "delivery#express-and-saturday-delivery"),
        ("how much is it to get the zipper on my jacket replaced", "repairs#what-repairs-cost"),
        ("Is a gift card still good after two years?", "gift-cards#how-long-a-gift-card-lasts"),
        ("my password reset link doesn't work", "account#resetting-your-password"),
        ("Do you ship to Japan?", "international-delivery#countries-prices-and-times"),
        ("can I rent snowshoes", "rentals#what-can-be-rented"),
        ("when do you open on sundays", "stores#opening-hours"),
        ("is the Ridge 2 ok in heavy rain", "tents#rain-and-wind"),
        ("parcel says delivered but I don't have it", "tracking#if-it-says-delivered-but-is-not-there"),
        ("my stove is lot EM2-0500", "product-recall#which-stoves-are-affected"),
        ("delete all my data", "privacy#deleting-your-data"),
    ],
)
def test_the_passage_that_answers_is_among_the_three_shown(searcher: Searcher, question: str, passage: str) -> None:
    assert passage in [hit.passage.id for hit in searcher.search(question, 3)]


@pytest.mark.parametrize(
    "question",
    [
        "What is the capital of Australia?",
        "Write me a poem about the sea",
        "qwertz asdf",
        "   ",
        "Who won the world cup?",
    ],
)
def test_nothing_is_found_for_what_no_article_is_about(searcher: Searcher, question: str) -> None:
    assert searcher.search(question, 3) == ()


def test_scores_are_cosines_and_ranks_are_told(searcher: Searcher) -> None:
    hits = searcher.search("How long do I have to return boots?", 5)
    assert 1 <= len(hits) <= 5
    for hit in hits:
        assert 0 <= hit.score <= 1
        assert hit.dense_rank or hit.lexical_rank
        assert 0 <= hit.coverage <= 1
    assert hits[0].dense_rank == 1


def test_k_is_kept_and_none_is_none(searcher: Searcher) -> None:
    assert len(searcher.search("How long do I have to return boots?", 1)) == 1
    assert searcher.search("How long do I have to return boots?", 0) == ()


def test_the_embedder_gives_rows_of_length_one() -> None:
    import numpy as np

    vectors = MiniLM().encode(["boots", "Where is my parcel?", ""])
    assert vectors.shape == (3, 384)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
