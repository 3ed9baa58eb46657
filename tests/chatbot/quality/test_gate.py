"""The gate on synthetic runs whose truth is known: luck passes, a real loss fails, too few cases are named."""

from collections import Counter

import numpy as np
import pytest

from chatbot.quality.gate import BARS, FAIL, NOT_ENOUGH, PASS, Gate, Plan, compare, meets
from chatbot.quality.marks import CHECKS, Mark
from tests.chatbot.quality.fakes import a_run, a_suite, an_outcome, marked

REPEATS = 100


def verdicts(n: int, planted: float) -> Counter[str]:
    """What the gate says of 100 pairs of runs over 100 suites of `n` cases."""
    found: Counter[str] = Counter()
    for seed in range(REPEATS):
        suite = a_suite(n, seed)
        found[compare(a_run(suite, 1000 + seed), a_run(suite, 2000 + seed, planted=planted)).verdict] += 1
    return found


def coins(n: int, share: float, seed: int) -> list:
    """A run in which every case is a coin of its own: as noisy as a run can be."""
    return marked([bool(one) for one in np.random.default_rng(seed).random(n) < share])


@pytest.mark.parametrize("n", [60, 150, 214, 400])
def test_the_same_adapter_against_itself_fails_fewer_than_5_times_in_100(n: int) -> None:
    assert verdicts(n, planted=0)[FAIL] < 5


@pytest.mark.parametrize(("n", "share"), [(150, 0.75), (150, 0.9), (214, 0.6), (400, 0.75)])
def test_nor_does_it_when_every_case_is_a_coin(n: int, share: float) -> None:
    found = Counter(
        compare(coins(n, share, 2 * seed), coins(n, share, 2 * seed + 1)).verdict for seed in range(REPEATS)
    )
    assert found[FAIL] < 5


@pytest.mark.parametrize(("n", "least"), [(150, 85), (214, 95), (300, 98)])
def test_a_planted_drop_of_15_points_is_caught(n: int, least: int) -> None:
    found = verdicts(n, planted=0.15)
    assert found[FAIL] >= least
    assert found[PASS] <= 3, "a drop that is missed for want of cases is called so, not passed"


def test_the_same_replies_pass() -> None:
    run = a_run(a_suite(150, 1), 1)
    gate = compare(run, run)
    assert (gate.verdict, gate.exit_code, gate.sentence, gate.paired) == (PASS, 0, "pass", 150)
    assert gate.document()["passed"] is True
    assert gate.document()["failures"] == []


@pytest.mark.parametrize("n", [0, 1, 10, 40])
def test_too_few_cases_say_so_with_the_number_that_would_do(n: int) -> None:
    run = a_run(a_suite(40, 1), 1)[:n]
    gate = compare(run, run)
    assert (gate.verdict, gate.exit_code) == (NOT_ENOUGH, 3)
    assert gate.needs is not None
    assert gate.sentence == f"not enough data (needs {gate.needs})"
    enough = a_run(a_suite(gate.needs, 1), 1)
    assert compare(enough, enough).verdict == PASS, "that number does do"


def test_few_cases_still_fail_when_the_loss_is_plain() -> None:
    gate = compare(marked([True] * 20), marked([False] * 12 + [True] * 8))
    assert (gate.verdict, gate.exit_code) == (FAIL, 1)
    assert (
        "12 replies that passed before fail now, 0 the other way, of 20: worse by 60%" in gate.document()["failures"][0]
    )


def test_better_is_never_a_failure() -> None:
    assert compare(marked([False] * 200), marked([True] * 200)).verdict == PASS


def test_one_check_that_falls_fails_the_gate_by_name() -> None:
    before = [an_outcome(f"c{n}", marks={check: Mark(True) for check in CHECKS}) for n in range(200)]
    after = [an_outcome(f"c{n}", marks={c: Mark(c != "invented" or n > 30) for c in CHECKS}) for n in range(200)]
    gate = compare(before, after)
    assert [finding.check for finding in gate.findings if finding.verdict == FAIL] == ["invented"]
    invented = next(finding for finding in gate.findings if finding.check == "invented")
    assert (invented.before.rate, round(invented.rate.rate, 3)) == (0, 0.155)


def test_only_the_same_questions_are_paired_and_only_the_mode_is_looked_at() -> None:
    before = [*marked([True] * 100), *marked([True] * 100, mode="fine-tuned")]
    after = [*marked([True] * 90), *marked([False] * 100, mode="fine-tuned"), an_outcome("c95", question="Edited?")]
    gate = compare(before, after)
    assert gate.paired == 90
    assert gate.verdict == NOT_ENOUGH
    assert compare(before, after, mode="fine-tuned").verdict == FAIL


def test_a_plan_for_a_smaller_drop_asks_for_more() -> None:
    run = a_run(a_suite(200, 1), 1)
    assert compare(run, run, plan=Plan(drop=0.05)).needs > 400


@pytest.mark.parametrize(
    ("good", "n", "verdict"),
    [(80, 100, PASS), (75, 100, PASS), (74, 100, FAIL), (20, 25, NOT_ENOUGH), (3, 25, FAIL), (0, 0, NOT_ENOUGH)],
)
def test_without_a_baseline_a_rate_meets_its_bar_or_not(good: int, n: int, verdict: str) -> None:
    gate = meets(marked([True] * good + [False] * (n - good)), {"on_brand_and_right": 0.75})
    assert gate.verdict == verdict
    assert gate.needs == (30 if verdict == NOT_ENOUGH else None)


@pytest.mark.parametrize(("invented", "verdict"), [(0, PASS), (3, PASS), (4, FAIL)])
def test_of_inventions_there_is_a_most(invented: int, verdict: str) -> None:
    run = marked([False] * invented + [True] * (100 - invented), "invented")
    gate = meets(run, {"invented": 0.03})
    assert gate.verdict == verdict
    assert ("chance could account" in gate.findings[0].why) == (verdict == FAIL)


def test_a_failure_outweighs_what_is_not_known() -> None:
    run = [an_outcome(f"c{n}", marks={"on_voice": Mark(False), "abstained": Mark(None)}) for n in range(50)]
    assert meets(run, {"on_voice": 0.95, "abstained": 0.85}).verdict == FAIL
    assert meets([], BARS).sentence == "not enough data (needs 30)"


def test_the_document_is_plain_data() -> None:
    import json

    run = a_run(a_suite(60, 1), 1)
    for gate in (compare(run, run), meets(run)):
        made = json.loads(json.dumps(gate.document()))
        assert {"passed", "failures", "verdict", "needs"} <= set(made)
        assert isinstance(gate, Gate)
