"""Synthetic outcomes with a known truth behind them."""

from collections.abc import Sequence

import numpy as np

from chatbot.quality.marks import CHECKS, Mark, Outcome

PARTS = CHECKS[:-1]
SITUATIONS = ("refund", "outage", "legal-threat", "thanks")
TRUTH = {"on_voice": 0.96, "grounded": 0.9, "invented": 0.97, "abstained": 0.9, "situation_ok": 0.94}


def an_outcome(case: str = "c1", mode: str = "combined", text: str = "Hello.", **other) -> Outcome:
    """One outcome with everything passed, or with what `other` says."""
    marks = {check: Mark(True) for check in CHECKS}
    given = {
        "situation": "refund", "held_out": False, "question": f"Question of {case}?", "finish": "stop",
        "detected": "refund", "passages": ("Returns: within 45 days.",), "tokens_out": 20, "first_token_s": 0.5,
        "total_s": 2.0, "marks": marks,
    }  # fmt: skip
    return Outcome(case=case, mode=mode, text=text, **{**given, **other})


def marked(passed: Sequence[bool | None], check: str = "on_brand_and_right", mode: str = "combined") -> list[Outcome]:
    """Outcome after outcome with just one mark."""
    return [an_outcome(f"c{n}", mode, marks={check: Mark(one)}) for n, one in enumerate(passed)]


def a_suite(n: int, seed: int, hard: float = 8.0, truth: dict[str, float] = TRUTH) -> np.ndarray:
    """Each case's own chance to pass each part, (n, 5): Beta around `truth`; the larger `hard`, the more alike."""
    rng = np.random.default_rng(seed)
    columns = [rng.beta(mean * hard, (1 - mean) * hard, n) for mean in (truth[part] for part in PARTS)]
    return np.stack(columns, axis=1)


def a_run(chances: np.ndarray, seed: int, mode: str = "combined", planted: float = 0.0) -> list[Outcome]:
    """One noisy run. `planted`: that share of all cases passed whole, and now loses its facts or its honesty."""
    rng = np.random.default_rng(seed)
    passed = rng.random(chances.shape) < chances
    whole = passed.all(axis=1)
    if planted:
        fallen = rng.random(len(whole)) < planted / max(whole.mean(), planted)
        passed[:, [PARTS.index("grounded"), PARTS.index("abstained")]] &= ~fallen[:, None]
    return [
        an_outcome(
            f"c{n}", mode, situation=SITUATIONS[n % 4], held_out=n % 3 == 0,
            marks=_marks(row, answerable=n % 5 != 0),
        )
        for n, row in enumerate(passed)
    ]  # fmt: skip


def _marks(row: np.ndarray, answerable: bool) -> dict[str, Mark]:
    made = {part: Mark(bool(one)) for part, one in zip(PARTS, row, strict=True)}
    made["abstained" if answerable else "grounded"] = Mark(None)
    whole = all(mark.passed is not False for mark in made.values())
    return made | {"on_brand_and_right": Mark(whole)}
