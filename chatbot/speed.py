"""How fast this machine writes: one mode alone against all of them in one batch, by the engine of a live turn.

Both are timed by turns in one run, so that what else the machine does falls on both. Every row writes all its tokens
(see NEVER), on a made prompt as long as asked: how long a reply or an article happens to be must not count."""

import time
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from statistics import median

from adapters.base import Base, chat_ids
from chatbot.brand import find_brand
from chatbot.engine.protocol import Decoding, End, Engine, Row
from chatbot.errors import EngineError, SettingError
from chatbot.loaded import load_model
from chatbot.message import Message
from chatbot.settings import Settings
from knowledge.filling import Tell

NEVER = 2**31 - 1  # a token id that no vocabulary holds: in place of the ids that end a reply, none ends
ROUNDS = 3  # of each kind; medians of fewer would let one hiccup count
WARM = 8  # tokens written before the clock runs
SYSTEM = "You answer customers."
WORD, DIGIT = " tent", "1"  # one token in most vocabularies; a digit in those of bytes, too


@dataclass(frozen=True)
class Speed:
    """Medians over `rounds`, in seconds. `three_mode_s` is all `modes` rows in one batch, `one_mode_s` one row; where
    there is an adapter, that row wears it and so do all but the first of a batch."""

    three_mode_s: float
    one_mode_s: float
    ratio: float  # three_mode_s / one_mode_s; 3.0 would be one after the other
    first_token_s: float  # of the batch
    one_first_token_s: float
    steps_per_s: float  # of the batch, after the first token; each step is one token for every row
    one_steps_per_s: float
    load_s: float  # base and adapter, from the disk
    modes: int
    prompt_tokens: int
    new_tokens: int
    rounds: int
    adapter: str  # version; "" where there was none to load, and why in `fault`
    fault: str
    base: str
    dtype: str
    device: str


class _Endless(Base):
    """The same model, whose replies no token ends."""

    @cached_property
    def stops(self) -> tuple[int, ...]:
        return (NEVER,)


def measure_speed(settings: Settings, modes: int, prompt_tokens: int, new_tokens: int, tell: Tell) -> Speed:
    """Load what a session would, and write. `modes` is 1 to 3.

    Raises SettingError (a length that cannot be), EngineError, BrandError and BaseModelError."""
    from chatbot.engine.local import LocalEngine  # torch and all: not before it is needed

    began = time.perf_counter()
    loaded = load_model(settings, find_brand(settings.brand, settings.home))
    load_s, base = time.perf_counter() - began, loaded.base
    prompt = _prompt(base, prompt_tokens, new_tokens)
    tone = loaded.tones[0] if loaded.tones else None
    all_rows = [Row(prompt, worn) for worn in ([None, tone, tone][:modes] if modes > 1 else [tone])]
    engine = LocalEngine(_Endless(base.id, base.folder, base.model, base.tokenizer), loaded.model, loaded.tones)
    try:
        kinds = (all_rows, all_rows[-1:]) if modes > 1 else (all_rows,)  # one mode alone is timed once
        ends = _by_turns(engine, kinds, new_tokens, tell)
    finally:
        engine.close()
    together, alone = ends[0], ends[-1]
    return Speed(
        three_mode_s=_seconds(together),
        one_mode_s=_seconds(alone),
        ratio=round(_seconds(together) / _seconds(alone), 2),
        first_token_s=_first(together),
        one_first_token_s=_first(alone),
        steps_per_s=_pace(together),
        one_steps_per_s=_pace(alone),
        load_s=round(load_s, 2),
        modes=modes,
        prompt_tokens=alone[0].tokens_in,
        new_tokens=alone[0].tokens_out,
        rounds=ROUNDS,
        adapter=loaded.version,
        fault=loaded.fault,
        base=base.id.name,
        dtype=str(base.model.dtype).removeprefix("torch."),
        device=str(base.model.device),
    )


def _by_turns(engine: Engine, kinds: Sequence[list[Row]], new_tokens: int, tell: Tell) -> list[list[End]]:
    """How each kind of batch ended, ROUNDS times, all kinds in every round."""
    for rows in kinds:
        _written(engine, rows, WARM)
    ends: list[list[End]] = [[] for _ in kinds]
    for done in range(ROUNDS * len(kinds)):
        tell(done, ROUNDS * len(kinds))
        ends[done % len(kinds)].append(_written(engine, kinds[done % len(kinds)], new_tokens))
    tell(ROUNDS * len(kinds), ROUNDS * len(kinds))
    return ends


def _written(engine: Engine, rows: list[Row], new_tokens: int) -> End:
    """The last row's end: rows of one batch take their steps together. Raises EngineError."""
    run = engine.write(rows, Decoding(max_new_tokens=new_tokens, deadline_s=float("inf")))
    try:
        for _ in run:
            pass
    except KeyboardInterrupt:
        run.stop()
        raise
    end = run.ends[-1]
    if end is None or end.tokens_out != new_tokens:
        raise EngineError(f"The model did not write all {new_tokens} tokens: nothing can be said of its speed.")
    return end


def _prompt(base: Base, tokens: int, new_tokens: int) -> tuple[Message, ...]:
    """A chat of `tokens` tokens, its own marks included; a few less where the vocabulary has no single word to fill
    the end with. Raises SettingError."""
    least = _count(base, "")
    if tokens <= least:
        raise SettingError(f"--prompt-tokens {tokens} is too short: this base's own marks take {least}. Ask for more.")
    if tokens + new_tokens > base.context:
        raise SettingError(
            f"--prompt-tokens {tokens} and --new-tokens {new_tokens} are more than the {base.context} that this base "
            "can hold. Ask for fewer."
        )
    return _chat(_filled(base, _filled(base, "", WORD, tokens), DIGIT, tokens))


def _filled(base: Base, text: str, piece: str, tokens: int) -> str:
    """`text` with as many of `piece` behind it as fit into a chat of `tokens`."""
    room = range(tokens - _count(base, text) + 1)
    return text + piece * (bisect_right(room, tokens, key=lambda n: _count(base, text + piece * n)) - 1)


def _chat(text: str) -> tuple[Message, ...]:
    return Message("system", SYSTEM), Message("user", text)


def _count(base: Base, text: str) -> int:
    return len(chat_ids(base.tokenizer, [asdict(one) for one in _chat(text)]))


def _seconds(ends: list[End]) -> float:
    return round(median(end.total_s for end in ends), 3)


def _first(ends: list[End]) -> float:
    return round(median(end.first_token_s for end in ends), 3)


def _pace(ends: list[End]) -> float:
    """Steps per second after the first token; of a single one, from the start."""
    return round(median(max(1, end.tokens_out - 1) / max(1e-9, _after(end)) for end in ends), 1)


def _after(end: End) -> float:
    return end.total_s - (end.first_token_s if end.tokens_out > 1 else 0)
