"""How the next word is chosen, the same for every row of a run.

Knows tokens and scores alone. Each row is treated by itself: its text does not depend on how many
rows stand beside it."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import Any

import torch
from transformers import LogitsProcessor, LogitsProcessorList

from chatbot.engine.protocol import Decoding

LONGEST_WORD = 32  # tokens without a beginning of a word in them: no number, link or address is longer
BEGINNINGS = ("Ġ", "Ċ", "▁", " ", "\n")  # how a token that begins a word or a line is spelt in the usual vocabularies


def beginnings(tokenizer: Any) -> frozenset[int]:
    """The tokens that begin a word; none where the vocabulary does not say."""
    tokens = tokenizer.convert_ids_to_tokens(list(range(len(tokenizer))))
    return frozenset(i for i, token in enumerate(tokens) if token is not None and token.startswith(BEGINNINGS))


def processors(decoding: Decoding, prompt: int, begins: AbstractSet[int]) -> LogitsProcessorList:
    """What `generate` asks before each token; `prompt` is the length L of the padded prompts (B, L)."""
    made = LogitsProcessorList()
    if decoding.no_repeat > 0:
        made.append(NoLoop(decoding.no_repeat, prompt, begins))
    if decoding.temperature > 0:
        made.append(SeededSample(decoding))
    return made


class Chooser:
    """The same choice without `generate`, for a batch that rows leave."""

    def __init__(self, decoding: Decoding, rows: int, begins: AbstractSet[int]):
        self._loops = NoLoop(decoding.no_repeat, 0, begins) if decoding.no_repeat > 0 else None
        self._sample = SeededSample(decoding) if decoding.temperature > 0 else None
        self._replies: list[list[int]] = [[] for _ in range(rows)]

    def choose(self, scores: torch.Tensor, rows: Sequence[int]) -> list[int]:
        """The next token of each of `rows`, given their scores (len(rows), V)."""
        if self._loops:
            for at, row in enumerate(rows):
                self._loops.forbid(row, self._replies[row], scores[at])
        if self._sample:
            scores = self._sample(torch.empty(0), scores)
        tokens = [int(token) for token in scores.argmax(-1)]
        for row, token in zip(rows, tokens, strict=True):
            self._replies[row].append(token)
        return tokens


class NoLoop(LogitsProcessor):  # type: ignore[misc]
    """No run of `length` tokens twice in one reply: a small base model would circle for ever.

    Looks at the reply alone (transformers' own no_repeat_ngram_size also forbids what the prompt
    says, and a figure must be copied from the prompt). What it takes out is the beginning of a word (`begins`):
    a telephone number is nine tokens, and told a second time it would else end in another digit."""

    def __init__(self, length: int, prompt: int, begins: AbstractSet[int]):
        self._length, self._prompt, self._begins = length, prompt, begins
        # per row: length - 1 tokens -> what followed them
        self._next: dict[int, dict[tuple[int, ...], set[int]]] = {}

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        for row, reply in enumerate(input_ids[:, self._prompt :].tolist()):
            self.forbid(row, reply, scores[row])
        return scores

    def forbid(self, row: int, reply: list[int], scores: torch.Tensor) -> None:
        """Take what would close a loop out of one row's `scores` (V,), in place; called at each token."""
        known = self._next.setdefault(row, {})
        if len(reply) >= self._length:
            known.setdefault(tuple(reply[-self._length : -1]), set()).add(reply[-1])
        banned = known.get(tuple(reply[1 - self._length :]), set())
        if banned and not self._in_a_long_word(reply):
            banned = banned & self._begins
        if banned:
            scores[list(banned)] = float("-inf")

    def _in_a_long_word(self, reply: list[int]) -> bool:
        """So long that it is a loop by itself; where nothing begins a word, everything is."""
        return not self._begins or (self._begins.isdisjoint(reply[-LONGEST_WORD:]) and len(reply) >= LONGEST_WORD)


class SeededSample(LogitsProcessor):  # type: ignore[misc]
    """Sampling as an argmax over scores with Gumbel noise (Maddison et al. 2014, "A* Sampling").

    One noise vector a step, from the run's seed, serves every row: columns then differ by their
    scores alone."""

    def __init__(self, decoding: Decoding):
        self._temperature, self._top_p = decoding.temperature, decoding.top_p
        self._noise = torch.Generator().manual_seed(decoding.seed)

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        scores = scores.float() / self._temperature  # (B, V)
        if self._top_p < 1.0:
            scores = nucleus(scores, self._top_p)
        uniform = torch.rand(scores.shape[-1], generator=self._noise).clamp_(1e-9, 1 - 1e-7)
        gumbel = -torch.log(-torch.log(uniform)).to(scores.device)  # (V,)
        return scores + gumbel


def nucleus(scores: torch.Tensor, top_p: float) -> torch.Tensor:
    """Drop what lies outside the smallest set of tokens with probability `top_p` (Holtzman et al. 2020)."""
    ordered, order = scores.sort(dim=-1, descending=True)
    before = ordered.softmax(-1).cumsum(-1) - ordered.softmax(-1)  # probability of all likelier tokens
    ordered = ordered.masked_fill(before >= top_p, float("-inf"))
    return torch.empty_like(scores).scatter_(-1, order, ordered)
