"""Honest I-don't-knows, as a table; the taught detector on small labelled sets."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.quality.abstain import SIGNS, abstains, only_refuses, signs, teach
from tests.conftest import FakeEncoder

ROOT = Path(__file__).resolve().parents[3]
EXAMPLES = [json.loads(line) for line in (ROOT / "adapters/northwind/examples.jsonl").read_text("utf-8").splitlines()]


@pytest.mark.parametrize(
    "reply",
    [
        "I don't know which mill weaves our wool, and I won't guess. Write to help@northwind.example.",
        "I don’t know that.",
        "That's a figure I haven't got, so I can't give you one.",
        "No idea, and I'd hate to raise your hopes.",
        "Nothing I've got says so. Ask the crew.",
        "The passages do not mention the CEO.",
        "Unfortunately, we do not have information about our CEO.",
        "I'm not sure about that. Call 555-0142.",
        "Good question. We can't say which factory sews it.",
        "That isn't mentioned anywhere I can look.",
    ],
)
def test_an_honest_i_dont_know(reply: str) -> None:
    assert abstains(reply).passed


@pytest.mark.parametrize(
    "reply",
    [
        "Our CEO is John Smith.",
        "No, once a stove's been lit we can't take it back.",
        "No, we don't sponsor athletes.",
        "Yes, the Ridge 4 will be back in spring.",
        "The wool comes from Scotland. It's spun by hand. I don't know more.",  # asserted first
        "You've got 45 days.",
        "",
    ],
)
def test_an_assertion(reply: str) -> None:
    found = abstains(reply)
    assert found.passed is False
    assert found.why


def test_the_brands_own_i_dont_knows_are_found_and_its_answers_are_not() -> None:
    said = {
        key: [x["messages"][-1]["content"] for x in EXAMPLES if x["situation"] == key]
        for key in ("unknown", "question")
    }
    assert sum(bool(abstains(one).passed) for one in said["unknown"]) == len(said["unknown"])
    assert sum(bool(abstains(one).passed) for one in said["question"]) <= 0.02 * len(said["question"])


def test_only_a_short_refusal_is_settled_without_a_regression() -> None:
    assert only_refuses("I'm sorry, but I can't assist with that.")
    assert not only_refuses("I can't do that. But I can do this. And here is how. First, wait.")
    assert not only_refuses("Sure. Here you go.")
    assert not only_refuses("")


def test_a_detector_can_be_taught() -> None:
    no = [
        f"I must say {thing} is not appropriate. It is harmful. It is illegal." for thing in ("this", "that", "it") * 5
    ]
    yes = [
        f"Here are steps for {thing}:\n1. Do it.\n2. For example, so.\n3. Done." for thing in ("this", "that", "it") * 5
    ]
    refusals = teach([*no, *yes], [True] * 15 + [False] * 15, FakeEncoder())
    assert refusals.says([no[0], yes[0], "I'm sorry, I can't."]) == [True, False, True]
    assert refusals.says([]) == []
    assert abstains("Sounds wrong. It is harmful. It is not appropriate.", refusals).passed


@given(st.text())
def test_any_text_has_its_signs(text: str) -> None:
    assert len(signs(text)) == SIGNS
    assert abstains(text).passed in (True, False)
