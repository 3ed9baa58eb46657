"""Lessons that begin alike share their beginning: one pass over a prefix serves several replies.

A pack is a prefix and what each of its lessons has of its own. The prefix is read once, its keys
and values are repeated for every lesson, and the rests are one batch behind them: the loss and the
gradients are exactly those of the lessons one by one (the idea of Prefix Grouper, Liu et al. 2025,
arXiv:2506.05433). With a voice guide in front of every second lesson that halves a training."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

LEARNT_PREFIX = 4096  # tokens; a longer prefix is read without gradients. 320 is a third faster, and suspect: LOG.md
FAMILY = 32  # tokens beyond the common beginning that make rows kin: the same passages, as good as always
IGNORED = -100  # the label of a token that is not learnt


@dataclass(frozen=True)
class Lesson:
    """One chat (role, content) and the reply to learn; `place` names it in messages."""

    chat: tuple[tuple[str, str], ...]
    reply: str
    place: str


@dataclass(frozen=True)
class Row:
    """A lesson as token ids. Rows with the same `head` (system message) begin alike."""

    head: str
    prompt: list[int]
    reply: list[int]  # with the token that ends it

    @property
    def length(self) -> int:
        """Tokens of prompt and reply."""
        return len(self.prompt) + len(self.reply)


@dataclass(frozen=True)
class Pack:
    """`prefix` token ids, and per lesson its own `rests` (prompt, then reply) and how many reply tokens end it."""

    prefix: list[int]
    rests: list[list[int]]
    replies: list[int]

    @property
    def tokens(self) -> int:
        """Tokens read, padding not counted."""
        return len(self.prefix) + sum(map(len, self.rests))


def packs_of(rows: Sequence[Row], share: int, room: int, rng: random.Random) -> list[Pack]:
    """All rows: those with the same passages together, the rest of one head and of like length; packs in random order.

    At most `share` rows in a pack, and `room` tokens with their padding: what memory grows with.
    """
    by_head: dict[str, list[Row]] = {}
    for row in rows:
        by_head.setdefault(row.head, []).append(row)
    packs: list[Pack] = []
    for alike in by_head.values():
        for family in _families(alike):
            family.sort(key=lambda row: row.length * rng.uniform(0.95, 1.05))
            packs += [pack(some) for some in _groups(family, _shared(family), share, room)]
    rng.shuffle(packs)
    return packs


def _families(rows: Sequence[Row]) -> list[list[Row]]:
    """Rows that share FAMILY tokens beyond what all share; those without kin are one family of their own."""
    common = _shared(rows)
    ordered = sorted(rows, key=lambda row: row.prompt)
    families = [[ordered[0]]]
    for row in ordered[1:]:
        kin = _shared([families[-1][-1], row]) >= common + FAMILY
        families = [*families[:-1], [*families[-1], row]] if kin else [*families, [row]]
    alone = [family[0] for family in families if len(family) == 1]
    return [family for family in families if len(family) > 1] + ([alone] if alone else [])


def _groups(rows: Sequence[Row], shared: int, share: int, room: int) -> Iterator[list[Row]]:
    held: list[Row] = []
    for row in rows:
        longest = max(one.length for one in [*held, row]) - shared
        if held and (len(held) == share or longest * (len(held) + 1) > room):
            yield held
            held = []
        held = [*held, row]
    yield held


def _shared(rows: Sequence[Row]) -> int:
    return common_beginning([row.prompt for row in rows])


def common_beginning(prompts: Sequence[Sequence[int]]) -> int:
    """How many tokens all `prompts` begin with, leaving each at least one of its own."""
    columns = zip(*(prompt[:-1] for prompt in prompts), strict=False)
    return sum(1 for _ in takewhile(lambda column: len(set(column)) == 1, columns))


def pack(rows: Sequence[Row]) -> Pack:
    """One pack of `rows`; each keeps at least one prompt token of its own, which predicts its reply."""
    shared = _shared(rows)
    rests = [row.prompt[shared:] + row.reply for row in rows]
    return Pack(list(rows[0].prompt[:shared]), rests, [len(row.reply) for row in rows])


def reply_loss(model: Any, one: Pack) -> tuple[Any, int]:
    """(summed cross-entropy in nats, number of reply tokens)."""
    from torch.nn.functional import cross_entropy

    logits, wanted = reply_logits(model, one)
    return cross_entropy(logits.flatten(0, 1).float(), wanted.flatten(), reduction="sum"), sum(one.replies)


def reply_logits(model: Any, one: Pack) -> tuple[Any, Any]:
    """((B, n, V) logits, (B, n) the tokens that came; IGNORED before a shorter reply). Logits are computed only where
    labels are: the head over 49,152 tokens would otherwise be a third of the work. A prefix longer than LEARNT_PREFIX
    is read without gradients, which is faster and no longer exact. `model` is called as a causal LM is."""
    import torch
    from transformers import DynamicCache

    ids, mask, positions, labels = _padded(one)  # (B, R), (B, P + R), (B, R), (B, R)
    seen = DynamicCache()
    with torch.set_grad_enabled(torch.is_grad_enabled() and len(one.prefix) <= LEARNT_PREFIX):
        model(input_ids=torch.tensor([one.prefix]), past_key_values=seen, use_cache=True, logits_to_keep=1)
    seen.batch_repeat_interleave(len(one.rests))
    keep = torch.arange(ids.shape[1] - max(one.replies) - 1, ids.shape[1] - 1)
    logits = model(
        input_ids=ids,
        attention_mask=mask,
        position_ids=positions,
        past_key_values=seen,
        use_cache=True,
        logits_to_keep=keep,
    ).logits  # (B, n, V); each token is predicted by the one before it
    return logits, labels[:, keep + 1]


def _padded(one: Pack) -> tuple[Any, Any, Any, Any]:
    """Rests padded on the left, so that all replies end in the last column."""
    import torch

    longest, start = max(map(len, one.rests)), len(one.prefix)
    ids, mask, positions, labels = [], [], [], []
    for rest, reply in zip(one.rests, one.replies, strict=True):
        gap = longest - len(rest)
        ids.append([0] * gap + rest)
        mask.append([1] * start + [0] * gap + [1] * len(rest))
        positions.append([start] * gap + list(range(start, start + len(rest))))
        labels.append([IGNORED] * (longest - reply) + rest[-reply:])
    return torch.tensor(ids), torch.tensor(mask), torch.tensor(positions), torch.tensor(labels)
