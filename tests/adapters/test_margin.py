"""What held-out pairs say, by hand."""

from math import log

import pytest

from adapters.margin import Asked, measured


def test_before_a_step_nothing_is_preferred_and_the_loss_is_a_coins() -> None:
    same = measured([Asked((4, 2), (-8.0, -2.0), (-8.0, -2.0))], 0.1)
    assert (same.accuracy, same.margin, same.loss) == (0.5, 0.0, round(log(2), 4))
    assert (same.likelier, same.likelier_before) == (0.0, 0.0), "-2 a token against -1"
    assert (same.chosen_loss, same.chosen_loss_before) == (2.0, 2.0)


def test_rewards_are_what_training_added() -> None:
    """The first pair gains 4 on the better reply and loses 6 on the worse; the second gains 1 on the worse one."""
    found = measured([Asked((4, 2), (-8.0, -2.0), (-4.0, -8.0)), Asked((2, 2), (-6.0, -6.0), (-6.0, -5.0))], beta=0.1)
    assert found.accuracy == 0.5
    assert found.margin == pytest.approx((1.0 - 0.1) / 2)
    assert found.loss == pytest.approx((0.3133 + 0.7444) / 2, abs=1e-4), "-log sigmoid of 1 and of -.1"
    assert (found.likelier_before, found.likelier) == (0.25, 0.5)
    assert found.chosen_loss_before == pytest.approx(14 / 6, abs=1e-4)
    assert found.chosen_loss == pytest.approx(10 / 6, abs=1e-4)
