"""Votes as export.records gives them, without a database: fast to make by the hundred."""

from itertools import combinations

import numpy as np

from chatbot.feedback.ballot import Experiment
from chatbot.feedback.tally import Counted, counted
from tests.chatbot.feedback.given import MODES

PAIRS = tuple(combinations(MODES, 2))
EXPERIMENT = Experiment("e", "northwind", "demo", "salt", MODES, "2026-11-01T00:00:00.000000Z")


def a_record(n: int, pair=PAIRS[0], winner: str = "", left: str = "", **other) -> dict:
    """A vote that counts. `winner`: a mode, or "tie" or "both-bad"; `left`: by default the pair's first."""
    sides = {f"{place}_{name}": value for place in ("first", "second") for name, value in a_reply(place).items()}
    said = winner or pair[0]
    return {
        "kind": "vote", "battle": f"b{n}", "brand": "northwind", "question": f"Question {n}?", "situation": "refund",
        "history": [], "shared": [], "passages": [], "left_arm": "", "seed": 7, "decoding": {"seed": 7, "top_p": 1.0},
        "version": "0.1.0", "created": at(n), "void_reason": "", "voter": f"v{n}", "turn": 0, "stratum": "free",
        "number": n, "first_mode": pair[0], "second_mode": pair[1], "left_mode": left or pair[0], "experiment": "demo",
        **sides, "vote": f"w{n}", "verdict": said if said in ("tie", "both-bad") else "better",
        "winner": "" if said in ("tie", "both-bad") else said, "comment": "", "cast_at": at(n), "seconds": None,
        "withdrawn": "", "excluded": "", "first_good": None, "first_reasons": [], "second_good": None,
        "second_reasons": [], **other,
    }  # fmt: skip


def a_reply(place: str) -> dict:
    return {
        "arm": place, "adapter": "a" * 64, "base": "b" * 64, "prompt_version": "v" * 64, "prompt_hash": "p" * 64,
        "text": f"Ten words or so stand in the {place} reply here.", "finish": "stop", "tokens_out": 12,
        "first_token_s": 0.2, "total_s": 1.5,
    }  # fmt: skip


def at(n: int) -> str:
    return f"2026-11-{1 + n // 1440 % 28:02}T{n // 60 % 24:02}:{n % 60:02}:00.000000Z"


def people(
    n: int, strength=(0.0, 0.0, 0.0), left: float = 0.0, longer: float = 0.0, voters: int = 40, seed: int = 0,
    swing: float = 0.0,
) -> list[Counted]:  # fmt: skip
    """`n` votes by the regression's own model, in log odds. `swing`: how far voters differ in their taste."""
    random = np.random.default_rng(seed)
    taste = random.normal(0, swing, (voters, len(MODES)))
    made = []
    for number in range(n):
        pair, voter = PAIRS[number % len(PAIRS)], int(random.integers(voters))
        here, there = pair if random.random() < 0.5 else pair[::-1]
        words = {mode: int(random.integers(8, 33)) for mode in pair}
        worth = {mode: strength[MODES.index(mode)] + taste[voter][MODES.index(mode)] for mode in pair}
        odds = worth[here] - worth[there] + left + longer * float(np.log2(words[here] / words[there]))
        won = here if random.random() < 1 / (1 + np.exp(-odds)) else there
        texts = {f"{place}_text": "word " * words[mode] for place, mode in zip(("first", "second"), pair, strict=True)}
        made.append(a_record(number, pair, won, here, voter=f"v{voter}", **texts))
    return counted(made)
