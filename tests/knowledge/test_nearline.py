"""The nearest line's signs: what a question is held against, and that a question to learn from is left out whole."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.asked import Asked
from knowledge.nearline import CLOSEST, Lines, closest
from knowledge.words import Coverage, stems_of

DOCUMENTS = {
    ("pots#price", 0): "Pots › Price: A pot costs $18.\nhow much is a pot\npot price please\nwhat do pots cost",
    ("pots#price", 1): "Pots › Price: Lids are free.\ndo i pay for the lid",
    ("pots#care", 0): "Pots › Care: Pots are washed by hand.",
}
ASKED = [Asked("pots#price", 0, text) for text in ("how much is a pot", "pot price please", "what do pots cost")]
ASKED += [Asked("pots#price", 1, "do i pay for the lid")]
WORDS = DOCUMENTS.values()


def unit(vectors: np.ndarray) -> np.ndarray:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=-1, keepdims=True))


def made(seed: int) -> tuple[np.ndarray, np.ndarray, Lines]:
    """Vectors of the lines themselves (3, 8), of the phrasings (4, 8), and the lines. What asks for a line lies on its
    side of the origin, as all of a shop's texts do."""
    rng = np.random.default_rng(seed)
    own, asked = unit(rng.normal(0, 0.3, (3, 8)) + 0.5), unit(rng.normal(0, 0.3, (4, 8)) + 0.5)
    middles = unit(np.stack([own[0] + asked[:3].sum(0), own[1] + asked[3], own[2]]))
    return own, asked, Lines(DOCUMENTS, middles.astype(np.float32), ASKED, asked.astype(np.float32))


@given(st.integers(0, 200))
def test_a_phrasing_is_judged_as_if_it_had_not_been_written(seed: int) -> None:
    """The same as lines that never held it."""
    own, asked, lines = made(seed)
    found = lines.left_out()[1]
    documents = dict(DOCUMENTS)
    documents["pots#price", 0] = documents["pots#price", 0].replace("\npot price please", "")
    rest = np.delete(asked, 1, axis=0)
    middles = unit(np.stack([own[0] + rest[:2].sum(0), own[1] + rest[2], own[2]]))
    others = Lines(documents, middles.astype(np.float32), [*ASKED[:1], *ASKED[2:]], rest.astype(np.float32))
    wanted = others.signs(["pot price please"], asked[1:2].astype(np.float32))[0]
    assert found[:2] == pytest.approx(wanted[:2], abs=1e-4)
    # how rare a word is may count the question itself; which words are there may not
    assert (found[2] == 0) == (wanted[2] == 0)


def test_what_is_told_takes_no_words_from_the_document_that_never_held_it() -> None:
    own, asked, _ = made(5)
    middles = unit(np.stack([own[0] + asked[:3].sum(0), own[1] + asked[3], own[2]])).astype(np.float32)
    signs = []
    for told in (False, True):
        one = Asked("pots#price", 1, "my aunt lost them, do i pay for lids", told)
        lines = Lines(DOCUMENTS, middles, [*ASKED[:3], one], asked.astype(np.float32), Coverage(map(stems_of, WORDS)))
        lines._nearest = lambda vectors, rows, own: (np.full(len(rows), 1), np.ones(len(rows), np.float32))
        signs.append(lines.left_out()[3][2])
    assert signs[0] < signs[1]


def test_the_signs_are_of_the_line_with_the_nearest_middle() -> None:
    own, _, lines = made(3)
    question = own[2:3].astype(np.float32)
    cosine, phrasings, covered = lines.signs(["are pots washed by robots"], question)[0]
    assert cosine == pytest.approx(1.0, abs=1e-5)
    assert phrasings == cosine, "a line without phrasings speaks for itself"
    assert 0 < covered < 1, "'robots' stands nowhere"


def test_the_nearest_phrasings_count_not_all_of_them() -> None:
    assert closest(np.array([0.1, 0.9, 0.8, 0.7]), 0.0) == pytest.approx(0.8)
    assert closest(np.array([0.4]), 0.0) == pytest.approx(0.4)
    assert closest(np.array([]), 0.3) == 0.3
    assert CLOSEST == 3


def test_rare_words_count_more_and_unknown_ones_most() -> None:
    documents = [stems_of(text) for text in ("a red tent", "a red boot", "a red stove", "a blue stove")]
    coverage = Coverage(documents)
    asked = stems_of("red tents")
    assert coverage.share(asked, stems_of("red boots")) < 0.5 < coverage.share(asked, stems_of("the tent"))
    assert coverage.share(stems_of("red umbrellas"), stems_of("red boots")) < 0.25
    assert coverage.share(asked, documents[0]) == pytest.approx(1.0)
    assert coverage.share([], documents[0]) == 0.0
    assert coverage.share(asked, []) == 0.0
