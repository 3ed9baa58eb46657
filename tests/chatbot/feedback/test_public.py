"""The arithmetic on votes that nobody here cast: published digits, golden scores, judges whose taste is known."""

import json
from pathlib import Path

import pytest

from chatbot.feedback.public import EQUALS, HOME, STRENGTHS, WITH_HOME, baseball, golden, judge
from tests.chatbot.feedback import prove

DATA = Path(__file__).resolve().parents[4] / "shared" / "data" / "votes"

pytestmark = pytest.mark.skipif(
    not DATA.is_dir(), reason="NO PUBLIC DATA: shared/data/votes is not beside the repository"
)


def test_the_baseball_table_comes_out_to_its_published_digits() -> None:
    found = baseball(DATA / "baseball")
    assert [round(one, 2) for one in found.plain] == list(STRENGTHS)
    assert round(found.home, 3) == HOME
    assert [round(one, 3) for one in found.with_home] == list(WITH_HOME)


def test_llmfaos_golden_scores_come_out_to_a_millionth() -> None:
    votes, worst = golden(DATA / "llmfao")
    assert votes == 8931
    assert worst < 1e-6


def test_the_proof_prints_its_table_as_json_and_every_row_agrees() -> None:
    rows = json.loads(json.dumps(prove.published(DATA)))
    assert len(rows) == 7
    assert all(row["agrees"] is True for row in rows)
    assert prove.published(DATA / "nowhere") == []


@pytest.mark.parametrize(("name", "side"), [("gpt3-crowd", "first"), ("gpt4-crowd", "second")])
def test_judges_with_a_taste_for_one_side_raise_the_warning(name: str, side: str) -> None:
    found = judge(DATA / "llmfao", name)
    assert found.warned
    assert found.raw.state == side
    assert found.equals == pytest.approx(EQUALS[name], abs=0.005)
