"""Score a pair's two replies with their prompt read once, in the place of TRL's fused head.

On a CPU TRL 1.16 reads the prompt twice and puts every token of it through the head over the whole vocabulary: more
than half of the work. Only what a token's probability is computed *from* is shared here; the loss stays TRL's."""

from types import MethodType
from typing import Any

from adapters.pack import IGNORED, Row, pack, reply_logits


def share_prompts(model: Any) -> None:
    """`model(input_ids, labels, fused_lm_head=True)` of a causal LM that TRL has patched, for one pair at a time.

    `input_ids` and `labels` (2, L) as TRL's collator makes them: chosen and rejected behind one prompt, padded on the
    right, labels -100 but for the replies. Gives TRL's FusedCausalLMOutput. Other calls stay as they are.
    """
    plain = model.forward

    def forward(self: Any, *given: Any, fused_lm_head: bool = False, labels: Any = None, **named: Any) -> Any:
        if not fused_lm_head:
            return plain(*given, **named) if labels is None else plain(*given, labels=labels, **named)
        return _scored(plain, named["input_ids"], labels)

    model.forward = MethodType(forward, model)


def _scored(model: Any, ids: Any, labels: Any) -> Any:
    import torch
    from torch.nn.functional import cross_entropy
    from trl.trainer.utils import FusedCausalLMOutput

    there = labels[:, 1:] != IGNORED  # (2, L - 1): TRL's places, in the order of ours
    logits, wanted = reply_logits(model, pack([_row(*one) for one in zip(ids.tolist(), labels.tolist(), strict=True)]))
    kept = wanted != IGNORED
    logits, wanted = logits[kept].float(), wanted[kept]  # (tokens, V), (tokens,)
    log_probs = -cross_entropy(logits, wanted, reduction="none")
    with torch.no_grad():
        shares = logits.log_softmax(-1)
        seen = {
            "entropy": -(shares.exp() * shares).sum(-1),
            "mean_logits": logits.mean(-1),
            "is_top1": logits.argmax(-1) == wanted,
        }
        told = {name: one.new_zeros(there.shape).masked_scatter(there, one) for name, one in seen.items()}
    placed = log_probs.new_zeros(there.shape).masked_scatter(there, log_probs)
    return FusedCausalLMOutput(loss=-log_probs.mean(), log_probs=placed, label_mask=there, **told)


def _row(ids: list[int], labels: list[int]) -> Row:
    start = next(place for place, label in enumerate(labels) if label != IGNORED)
    return Row("", ids[:start], [label for label in labels if label != IGNORED])
