"""A brand's own words: found in every form, and told with what the brand says."""

from hypothesis import given
from hypothesis import strategies as st

from chatbot.terms import hints, preferred, stiff

TERMS = {"the customer": "you", "purchase": "buy", "notify": "tell", "submit": "send", "prior to": "before"}


def test_a_word_is_found_in_every_form_and_no_other_word_with_it() -> None:
    text = "Purchasing it? Submitted, notifies, PURCHASED, purchaser, prior to it, Submission."
    assert stiff(TERMS, text) == ["Purchasing", "Submitted", "notifies", "PURCHASED", "prior to"]
    assert stiff({}, text) == []


def test_each_is_told_once_with_what_the_brand_says() -> None:
    told = hints(TERMS, ["After a purchase the customer", "I want to PURCHASE and submit"])
    assert told == 'In our words: "buy", not "purchase"; "you", not "the customer"; "send", not "submit".'
    assert hints(TERMS, ["Nothing stiff here."]) == hints({}, ["A purchase."]) == ""


@given(st.lists(st.sampled_from([*TERMS, "boots", "buy", "customer", "PriorTo", "\n", "é"]), max_size=12))
def test_every_word_that_is_found_has_the_brands_own(words: list[str]) -> None:
    found = stiff(TERMS, " ".join(words))
    assert [preferred(TERMS, word) for word in found] == [TERMS[word.lower()] for word in found]
    assert preferred(TERMS, "boots") == ""
