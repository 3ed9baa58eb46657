"""Packs: the same loss and the same gradients as the lessons one by one, for fewer tokens."""

import random

import pytest
import torch

from adapters.pack import Pack, Row, pack, packs_of, reply_loss


def row(head: str, prompt: str, reply: str) -> Row:
    return Row(head, list((head + prompt).encode()), [*reply.encode(), 2])


ROWS = [
    row("You are a shop. ", "How long?", "45 days."),
    row("You are a shop. ", "Where is my parcel, please?", "On its way."),
    row("You are a shop. ", "Hi", "Hello there, what are you gearing up for?"),
]


def test_a_pack_has_the_loss_and_gradients_of_its_lessons_alone(tiny_base) -> None:
    model = tiny_base.model
    weight = model.model.layers[0].self_attn.q_proj.weight

    def measured(packs: list[Pack]) -> tuple[float, torch.Tensor]:
        model.zero_grad()
        losses = [reply_loss(model, one) for one in packs]
        total = sum(summed for summed, _ in losses) / sum(count for _, count in losses)
        total.backward()
        return float(total.detach()), weight.grad.clone()

    together, together_grad = measured([pack(ROWS)])
    alone, alone_grad = measured([pack([one]) for one in ROWS])
    assert together == pytest.approx(alone, rel=1e-5)
    torch.testing.assert_close(together_grad, alone_grad, rtol=1e-3, atol=1e-5)


def test_the_loss_is_cross_entropy_on_the_reply_and_its_end_alone(tiny_base) -> None:
    one = ROWS[0]
    ids = torch.tensor([one.prompt + one.reply])
    logits = tiny_base.model(input_ids=ids).logits[0].float().log_softmax(-1)
    start = len(one.prompt)
    wanted = -sum(float(logits[start + i - 1, token].detach()) for i, token in enumerate(one.reply))
    summed, count = reply_loss(tiny_base.model, pack([one]))
    assert float(summed.detach()) == pytest.approx(wanted, rel=1e-4)
    assert count == len(one.reply)
    assert one.reply[-1] == tiny_base.tokenizer.eos_token_id, "the end token is learnt"


def test_packs_hold_every_row_once_share_a_head_and_save_tokens() -> None:
    rows = [row(f"head {n % 2} ", f"question {n}", "yes") for n in range(11)]
    packs = packs_of(rows, 4, 1000, random.Random(1))
    rests = sorted(bytes([*one.prefix, *rest][:-1]) for one in packs for rest in one.rests)
    assert rests == sorted(bytes([*r.prompt, *r.reply][:-1]) for r in rows)
    assert max(len(one.rests) for one in packs) == 4
    assert sum(one.tokens for one in packs) < sum(len(r.prompt) + len(r.reply) for r in rows)
    assert packs_of(rows, 4, 1000, random.Random(1)) == packs


def test_rows_with_the_same_passages_come_into_one_pack() -> None:
    pots, lids = ("Passages: " + word * 12 + " Customer: " for word in ("pots ", "lids "))
    asked = [
        (pots, "price?"),
        (lids, "price?"),
        (pots, "how heavy, please?"),
        (lids, "colors?"),
        ("", "hi"),
        ("", "thanks"),
    ]
    packs = packs_of(
        [row("You are a shop. ", passages + said, "yes") for passages, said in asked], 4, 1000, random.Random(1)
    )
    assert sorted(len(one.rests) for one in packs) == [2, 2, 2]
    assert sorted(bytes(one.prefix).decode() for one in packs) == sorted(
        ["You are a shop. ", "You are a shop. " + pots, "You are a shop. " + lids]
    )


def test_a_long_prefix_is_read_without_gradients_and_the_loss_is_the_same(tiny_base, monkeypatch) -> None:
    from adapters import pack as module

    weight = tiny_base.model.model.layers[0].self_attn.k_proj.weight

    def measured() -> tuple[float, torch.Tensor]:
        tiny_base.model.zero_grad()
        summed, _ = reply_loss(tiny_base.model, pack(ROWS))
        summed.backward()
        return float(summed.detach()), weight.grad.clone()

    loss, gradient = measured()
    monkeypatch.setattr(module, "LEARNT_PREFIX", 4)
    other_loss, other = measured()
    assert other_loss == pytest.approx(loss, rel=1e-5)
    assert not torch.allclose(other, gradient)


def test_two_equal_prompts_keep_a_token_of_their_own() -> None:
    made = pack([ROWS[0], ROWS[0]])
    assert made.prefix == ROWS[0].prompt[:-1]
    assert made.rests == [[ROWS[0].prompt[-1], *ROWS[0].reply]] * 2


def test_room_bounds_what_stands_beside_the_prefix() -> None:
    rows = [row("head ", "question " * n, "yes") for n in range(1, 12)]
    packs = packs_of(rows, 8, 200, random.Random(1))
    assert all(len(one.rests) == 1 or len(one.rests) * max(map(len, one.rests)) <= 200 for one in packs)
    assert sum(len(one.rests) for one in packs) == 11
