"""Write many rows of one tone at once: how a suite of cases is answered in minutes.

Rows that begin alike share that beginning: its keys and values are read once (the idea of Prefix
Grouper, see adapters/pack.py). Finished rows leave the batch, and the cache has room from the start
instead of growing by a copy at each token. What a row writes is what it would write alone, but for
rounding in bfloat16."""

from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

import torch
from transformers import Cache
from transformers.cache_utils import DynamicLayer

from adapters.pack import common_beginning
from chatbot.engine.protocol import Decoding
from chatbot.engine.sampling import Chooser

FEWEST = 6  # rows from which sharing pays; fewer go the way of a live turn
Took = Callable[[int, int], bool]  # (row, its next token) -> does the row go on?


def write_alike(
    model: Any,
    prompts: Sequence[Sequence[int]],
    decoding: Decoding,
    begins: AbstractSet[int],
    took: Took,
    over: Callable[[], bool],
) -> None:
    """Continue `prompts` (B token lists) until `took` has refused every row, or `over`, or the limit.

    `model` is called as it is: bare, or with one active adapter for all rows."""
    shared = common_beginning(prompts)
    cache = Cache(layer_class_to_replicate=_roomy(max(map(len, prompts)) + decoding.max_new_tokens))
    if shared:
        _forward(model, torch.tensor([prompts[0][:shared]]), cache)
        cache.batch_repeat_interleave(len(prompts))
    ids, mask = left_padded([prompt[shared:] for prompt in prompts], shared=shared)  # (B, R), (B, P + R)
    live = list(range(len(prompts)))  # the rows still in the batch, finished ones among them
    going = set(live)
    chooser = Chooser(decoding, len(prompts), begins)
    for _ in range(decoding.max_new_tokens):
        positions = (mask.cumsum(1) - 1).clamp(min=0)[:, -ids.shape[1] :]
        scores = _forward(model, ids, cache, mask, positions)  # (B, V)
        tokens = chooser.choose(scores, live)
        going -= {row for row, token in zip(live, tokens, strict=True) if row in going and not took(row, token)}
        if not going or over():
            return
        ids, mask = torch.tensor(tokens)[:, None], torch.cat([mask, torch.ones(len(live), 1, dtype=mask.dtype)], 1)
        if len(going) <= 0.75 * len(live):  # copying the cache for less gains nothing
            kept = torch.tensor([i for i, row in enumerate(live) if row in going])
            cache.batch_select_indices(kept)
            ids, mask, live = ids[kept], mask[kept], [live[i] for i in kept.tolist()]


def _forward(model: Any, ids: Any, cache: Any, mask: Any = None, positions: Any = None) -> Any:
    device = model.device
    more = {} if mask is None else {"attention_mask": mask.to(device), "position_ids": positions.to(device)}
    out = model(input_ids=ids.to(device), past_key_values=cache, use_cache=True, logits_to_keep=1, **more)
    return out.logits[:, -1].float().cpu()


def left_padded(prompts: Sequence[Sequence[int]], pad: int = 0, shared: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """(B, L) ids and their (B, shared + L) mask, padded on the left: the last column must be every row's newest token.

    `shared` tokens stand before all of them, in the cache."""
    longest = max(map(len, prompts))
    ids = torch.tensor([[pad] * (longest - len(prompt)) + list(prompt) for prompt in prompts])
    mask = torch.tensor([[1] * shared + [0] * (longest - len(prompt)) + [1] * len(prompt) for prompt in prompts])
    return ids, mask


def _roomy(room: int) -> type[DynamicLayer]:
    class RoomyLayer(DynamicLayer):  # type: ignore[misc]
        """Keys and values (B, heads, n, d) as views of tensors with `room` places."""

        _held: list[Any]
        keys: Any
        values: Any

        def update(self, key_states: Any, value_states: Any, *args: Any, **kwargs: Any) -> tuple[Any, Any]:
            before = self.get_seq_length()
            after = before + key_states.shape[-2]
            if not self.is_initialized:
                self.lazy_initialization(key_states, value_states)
            if before == 0 or self._held[0].shape[0] != key_states.shape[0]:
                self._held = [self._placed(key_states, self.keys), self._placed(value_states, self.values)]
            for held, fresh in zip(self._held, (key_states, value_states), strict=True):
                held[:, :, before:after] = fresh
            self.keys, self.values = (held[:, :, :after] for held in self._held)
            return self.keys, self.values

        def _placed(self, like: Any, now: Any) -> Any:
            held = like.new_empty((*like.shape[:2], room, like.shape[-1]))
            if now.numel():
                held[:, :, : now.shape[-2]] = now
            return held

    return RoomyLayer
