"""Checks and detection on data nobody here wrote: refusal labels, a politeness corpus, bank customers' intents."""

from pathlib import Path

import pytest

from chatbot.quality.intents import PUBLISHED_BANKING, banking77
from chatbot.quality.validate import ENOUGH_POLITENESS, politeness_transfer, refusal_agreement
from knowledge.embed import MiniLM

ROOT = Path(__file__).resolve().parents[3]
DATA = ROOT.parent / "shared" / "data"

pytestmark = [
    pytest.mark.model,
    pytest.mark.skipif(
        not DATA.is_dir(), reason=f"NO PUBLIC DATA: {DATA.parent.name}/{DATA.name} is not beside the repository"
    ),
]


@pytest.fixture(scope="module")
def encoder() -> MiniLM:
    return MiniLM()


def test_the_taught_refusal_detector_beats_the_sets_own_string_match_on_every_model(encoder: MiniLM) -> None:
    for one in refusal_agreement(DATA / "xstest", encoder):
        print(one)
        assert one.n == 450
        assert one.taught > one.string_match, one


def test_politeness_does_not_carry_over_so_no_page_may_show_it(encoder: MiniLM) -> None:
    found = politeness_transfer(DATA / "politeness", encoder)
    print(found)
    assert min(one.accuracy for one in found) > 0.55  # better than a coin: the set-up works
    if min(one.accuracy for one in found) < ENOUGH_POLITENESS:
        rooms = [
            path for room in ("chatbot", "ui") for path in (ROOT / room).rglob("*.py") if path.name != "validate.py"
        ]
        assert not [path for path in rooms if "politeness" in path.read_text(encoding="utf-8")]


def test_the_embedding_set_up_lands_where_it_was_published(encoder: MiniLM) -> None:
    draws = banking77(DATA / "intents" / "banking77", encoder)
    print(draws)
    assert len(draws) == 10
    assert abs(sum(draws) / len(draws) - PUBLISHED_BANKING) <= 0.02
