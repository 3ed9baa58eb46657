"""Which passage a sentence leans on: decided by its words and figures, never by the model."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.cite import citations

PASSAGES = (
    "Returns › How long: Boots can be returned within 45 days of delivery.",
    "Repairs › Zips: A broken zipper is replaced for $18 and takes 10 working days. It is not covered by the warranty.",
)
KNOWN = ("How long for boots?", "help@northwind.example or 555-0142")


@pytest.mark.parametrize(
    ("reply", "cited"),
    [
        ("Boots can be returned within 45 days of delivery.", [0]),
        ("You've got 45 days to return the boots.", [0]),
        ("You've got 46 days to return the boots.", []),
        ("A new zipper costs $18, and replacing the broken one takes 10 working days.", [1]),
        ("The warranty doesn't cover it.\nBoots can be returned within 45 days.", [1, 0]),
        ("Boots can't be returned within 45 days of delivery.", []),
        ("The warranty covers it.", []),
        ("Call us at 555-0142 about your boots, and we'll help you choose.", []),
        ("Hello there.", []),
        ("– The Northwind crew", []),
        ("", []),
    ],
)
def test_a_sentence_leans_on_the_passage_that_says_it(reply: str, cited: list[int]) -> None:
    assert [one.passage for one in citations(reply, PASSAGES, KNOWN)] == cited


def test_a_citation_ends_where_its_sentence_ends() -> None:
    reply = "Hi. Boots can be returned within 45 days of delivery. Bye."
    (found,) = citations(reply, PASSAGES)
    assert reply[found.start : found.end].strip() == "Boots can be returned within 45 days of delivery."


def test_without_passages_nothing_is_cited() -> None:
    assert citations("Boots can be returned within 45 days.", ()) == ()


@given(reply=st.text(max_size=300), passages=st.lists(st.text(max_size=80), max_size=3))
def test_any_text_gives_sentences_in_order(reply: str, passages: list[str]) -> None:
    found = citations(reply, passages)
    ends = [0, *(place for one in found for place in (one.start, one.end))]
    assert ends == sorted(ends)
    assert all(one.end <= len(reply) and one.passage < len(passages) for one in found)
