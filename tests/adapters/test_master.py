"""The optimizer with float32 copies: it learns what bfloat16 alone would round away, and resumes exactly."""

from copy import deepcopy

import pytest
import torch

from adapters.master import MasterAdamW


def weight() -> torch.nn.Parameter:
    return torch.nn.Parameter(torch.ones(4, dtype=torch.bfloat16))


def step(optimizer: MasterAdamW, on: torch.nn.Parameter, gradient: float = 1.0) -> None:
    on.grad = torch.full_like(on, gradient)
    optimizer.step()
    optimizer.zero_grad()


def test_small_steps_add_up() -> None:
    mine, plain = weight(), weight()
    optimizer, usual = MasterAdamW([mine], lr=1e-4), torch.optim.AdamW([plain], lr=1e-4, weight_decay=0.0)
    for _ in range(200):
        step(optimizer, mine)
        plain.grad = torch.ones_like(plain)
        usual.step()
    assert mine[0].item() == pytest.approx(0.98, abs=4e-3)
    assert plain[0].item() == 1.0, "in bfloat16 alone each step rounds away: that is why there are copies"
    assert mine.grad is None


def test_it_goes_on_from_a_checkpoint_as_if_it_had_not_stopped() -> None:
    mine = weight()
    first = MasterAdamW([mine], lr=1e-4)
    for _ in range(7):
        step(first, mine)
    again = weight()
    second = MasterAdamW([again], lr=1e-4)
    second.load_state_dict(deepcopy(first.state_dict()))  # a file shares no tensors
    torch.testing.assert_close(second.masters, first.masters, rtol=0, atol=0)
    for optimizer, on in ((first, mine), (second, again)):
        step(optimizer, on, -3.0)
    torch.testing.assert_close(second.masters, first.masters, rtol=0, atol=0)
    torch.testing.assert_close(again, mine, rtol=0, atol=0)
