"""Other figures, the same lesson: copied figures stay copied, order stays order, and what may not change does not."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.counterfactual import varied
from adapters.examples import Example

SIGNED = "\n\n– The Northwind crew"


def example(context: list[str], said: str, reply: str) -> Example:
    return Example("question", None, tuple(context), (("user", said), ("assistant", reply + SIGNED)), "line 1")


def numbers(text: str) -> list[float]:
    return [float(one.replace(",", "")) for one in re.findall(r"\d[\d,]*(?:\.\d+)?", text)]


POT = ["Pots › Price: A pot costs $18.40 and weighs 640 g. It is mended within 12 working days, 20% off for members."]


def test_passage_and_reply_change_together_and_repeat_with_the_seed() -> None:
    told = example(POT, "what does it cost", "It's $18.40, and it's mended within 12 working days.")
    other = varied([told], 1)[0]
    assert other.context != told.context
    price, days = re.search(r"\$(\d+\.\d\d) and weighs", other.context[0]), re.search(r"within (\d+)", other.context[0])
    assert price
    assert days
    assert f"It's ${price[1]}, and it's mended within {days[1]} working days." in other.turns[-1][1]
    assert varied([told], 1) == [other]
    assert varied([told], 2) != [other]


def test_order_is_kept() -> None:
    told = example(
        ["Fees › All: Orders over $40 ship free. Under $40 it is $6.50, by express $13.20. Boxes of 9 kg at most."],
        "how much",
        "It's $6.50 under $40.",
    )
    for seed in range(30):
        limit, _, small, express, weight = numbers(varied([told], seed)[0].context[0])
        assert small < weight < express < limit


def test_examples_with_the_same_passages_keep_sharing_them() -> None:
    told = [
        example(POT, "price?", "$18.40."),
        example(POT, "how heavy", "640 g."),
        example(POT, "mine is 12 days late", "Hm."),
    ]
    found = varied(told, 3)
    assert len({one.context for one in found}) == 1
    assert "12 working days" in found[0].context[0], "a number that a customer says is left alone for all of them"


@pytest.mark.parametrize(
    ("passage", "kept"),
    [
        ("Calls › When: We answer from 8 am to 6 pm at 555-0142 for 14 days.", ["8 am to 6 pm", "555-0142"]),
        ("Stove › Which: The Ember 2 and the Ridge 30 are sold for 14 days.", ["Ember 2", "Ridge 30"]),
        (
            "Links › Where: See northwind.example/help4you or Form A12 within 14 days.",
            ["northwind.example/help4you", "A12"],
        ),
        ("Dates › When: From March 13 to May 28 it takes 14 days.", ["March 13", "May 28"]),
    ],
)
def test_times_phones_names_links_and_dates_are_left_alone(passage: str, kept: list[str]) -> None:
    changed = 0
    for seed in range(10):
        found = varied([example([passage], "how long", "It's 14 days.")], seed)[0].context[0]
        assert all(one in found for one in kept)
        changed += "14 days" not in found
    assert changed, "and the days do change"


def test_a_number_that_a_reply_spells_out_is_left_alone() -> None:
    told = example(["Tries › How: The driver tries 3 times and waits 9 minutes."], "how often", "He tries three times.")
    assert all("tries 3 times" in varied([told], seed)[0].context[0] for seed in range(10))


@given(
    st.lists(st.one_of(st.integers(0, 9000), st.decimals(0, 900, places=2)), min_size=1, max_size=8), st.integers(0, 99)
)
def test_any_figures_keep_their_number_their_order_and_their_copies(values: list[object], seed: int) -> None:
    passage = "Prices › All: " + ", ".join(f"thing {n}x costs ${value}" for n, value in enumerate(values))
    told = example([passage], "how much is it", f"It's ${values[-1]}.")
    other = varied([told], seed)[0]
    old, new = (re.findall(r"\$(\d+(?:\.\d+)?)", one.context[0]) for one in (told, other))
    assert len(old) == len(new)
    ranked = sorted(range(len(old)), key=lambda n: float(old[n]))
    assert [float(new[n]) for n in ranked] == sorted(float(one) for one in new)
    assert other.turns[-1][1] == f"It's ${new[-1]}.{SIGNED}"
