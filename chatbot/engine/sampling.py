"""How the next word is chosen, the same for every row of a run.

Knows tokens and scores alone. Each row is treated by itself: its text does not depend on how many
rows stand beside it."""

from collections.abc import Sequence

import torch
from transformers import LogitsProcessor, LogitsProcessorList

from chatbot.engine.protocol import Decoding


def processors(decoding: Decoding, prompt: int) -> LogitsProcessorList:
    """What `generate` asks before each token; `prompt` is the length L of the padded prompts (B, L)."""
    made = LogitsProcessorList()
    if decoding.no_repeat > 0:
        made.append(NoLoop(decoding.no_repeat, prompt))
    if decoding.temperature > 0:
        made.append(SeededSample(decoding))
    return made


class Chooser:
    """The same choice without `generate`, for a batch that rows leave."""

    def __init__(self, decoding: Decoding, rows: int):
        self._loops = NoLoop(decoding.no_repeat, 0) if decoding.no_repeat > 0 else None
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
    says, and a figure must be copied from the prompt)."""

    def __init__(self, length: int, prompt: int):
        self._length, self._prompt = length, prompt
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
        if banned := known.get(tuple(reply[1 - self._length :])):
            scores[list(banned)] = float("-inf")


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
