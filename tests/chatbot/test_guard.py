"""Which figures, links and addresses no source supports."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.guard import unsupported

SOURCE = "Boots: 45 days. Standard $5.95, free over $75. Ask help@northwind.example or northwind.example/returns. 3 to 5 working days, 2 pm, NW-204817, 3,000 mm, 20%."


@pytest.mark.parametrize(
    ("reply", "found"),
    [
        ("You've got 45 days.", ()),
        ("You've got 60 days.", ("60",)),
        ("It's $5.95, or $6.", ("$6",)),
        ("It's $5.950 then.", ()),
        ("It's 5.95 dollars.", ()),
        ("It's $5.9.", ("$5.9",)),
        ("Go to northwind.example/returns.", ()),
        ("Go to https://www.northwind.example/returns!", ()),
        ("Go to northwind.example/refunds.", ("northwind.example/refunds",)),
        ("Write to help@northwind.example.", ()),
        ("Write to support@northwind.example.", ("support@northwind.example",)),
        ("It takes three to five days.", ()),
        ("It takes seven days.", ("seven",)),
        ("A 3000 mm fly.", ()),
        ("20% off, 25% off", ("25%",)),
        ("Call 555-0142.", ("555-0142",)),
        ("60 days, I said 60 days", ("60",)),
        ("Order NW-204817.", ()),
        ("Order NW-204818.", ("204818",)),
        ("No figures here.", ()),
        ("3-5 days", ()),
    ],
)
def test_what_the_sources_do_not_hold(reply: str, found: tuple[str, ...]) -> None:
    assert unsupported(reply, [SOURCE]) == found


@given(st.text())
def test_a_text_supports_itself(text: str) -> None:
    assert unsupported(text, [text]) == ()


@given(st.integers(13, 10**6))
def test_a_figure_no_source_holds_is_always_found(number: int) -> None:
    assert unsupported(f"It takes {number} days.", ["It takes some days."]) == (str(number),)


NAMES = (
    "The Ridge 2 weighs 5 lb. The Cairn 40 and 55 are packs. ember 3 costs $90, in 4 or 6 days. Use 50 ml on May 28."
)


@pytest.mark.parametrize(
    ("reply", "found"),
    [
        ("The Ridge 2 is light.", ()),
        ("The Ridge 4 is light.", ("Ridge 4",)),
        ("Ridge 4 is light.", ("Ridge 4",)),  # first in its sentence, but a family the source knows
        ("Take the Cairn 55.", ()),  # "the Cairn 40 and 55"
        ("Take the Cairn 90.", ("Cairn 90",)),
        ("Take the Cairn 70.", ("70",)),  # the number alone is marked already
        ("We'd take the Ember 3.", ()),  # as a customer typed it
        ("We'd take the Basecamp 5.", ("Basecamp 5",)),
        ("Add 50 ml.", ()),  # a sentence's first word is capitalised anyway
        ("It's ready. Use 50 ml.", ()),
        ("It ends on May 28, a Monday.", ()),
        ("From March 4 on.", ()),  # a month is no product
        ("With the Stove 5 days.", ()),  # the number belongs to a unit
        ("The ridge 4 path.", ()),  # no capital: not a name
    ],
)
def test_product_names_that_no_source_holds(reply: str, found: tuple[str, ...]) -> None:
    assert unsupported(reply, [NAMES]) == found
